"""The server: which tools there are for whom, what a call becomes, and how it is served."""

import logging
from collections.abc import Mapping
from typing import Any

import anyio
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError, MiraikakakuError
from miraikakaku_assets.faces.mcp import holdings_tools, judgement_tools, operation_tools, price_tools
from miraikakaku_assets.faces.mcp.answers import Answer, as_text
from miraikakaku_assets.faces.mcp.keys import LOCAL, Caller
from miraikakaku_assets.faces.mcp.tool import Asked, Tool

_log = logging.getLogger(__name__)
EVERY_TOOL: Mapping[str, Tool] = {
    tool.name: tool
    for tools in (holdings_tools.TOOLS, price_tools.TOOLS, judgement_tools.TOOLS, operation_tools.TOOLS)
    for tool in tools
}
_INSTRUCTIONS = """\
Stored prices, analysis and forecasts of all Japanese and US securities, currency pairs and copper.
Moments are UTC, days the exchange's, shares parts of 1, numbers rounded to 7 digits. Tables are `columns` and `values`.
Say the as-of, unit and basis with a figure, and the record with a forecast or signal. Nothing here is advice.
Too long an answer is cut and names a file with all of it: do not ask again in pieces."""
_LOST = frozenset({"OperationalError", "InterfaceError"})
_SIMULATED = "simulated exchange, no market data"


class McpServer:
    """The tools of an installation.

    Args:
        use: The installation.
        operates: Whether tools that change something are offered.
    """

    def __init__(self, use: Ports, *, operates: bool) -> None:
        self._use = use
        self._tools = {name: tool for name, tool in EVERY_TOOL.items() if operates or not tool.operates}
        self._blocking = anyio.CapacityLimiter(1)
        self.protocol: Server[Any] = Server(
            "miraikakaku",
            title="Miraikakaku 未来価格",
            instructions=_INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
        )

    async def serve_stdio(self) -> None:
        """Serves whoever has started this process, until its standard input ends."""
        try:
            async with stdio_server() as (receiving, sending):
                await self.protocol.run(receiving, sending, self.protocol.create_initialization_options())
        finally:
            await self.close()

    async def close(self) -> None:
        """Closes what belongs to this event loop."""
        if "async_database" in vars(self._use.serving):
            await self._use.serving.async_database.close()

    async def answer(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> types.CallToolResult:
        """What a call becomes; what is wrong with it is said so that the next one is right."""
        try:
            return _text(await self._answered(name, arguments, caller))
        except ValidationError as error:
            return _text(_wrong_arguments(self._tools[name], error), is_error=True)
        except MiraikakakuError as error:
            return _text(str(error), is_error=True)
        except Exception as error:  # noqa: BLE001 - the model is told, the log has the traceback
            if type(error).__name__ in _LOST:
                return _text("The database went away; start it and ask again", is_error=True)
            _log.exception("%s failed", name)
            sentence = f"{name} failed ({type(error).__name__}); the log of the server says more, try another question"
            return _text(sentence, is_error=True)

    async def _answered(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> str:
        tool = self._tools.get(name)
        if tool is None:
            raise ConfigurationError(_no_such_tool(name, self._tools))
        if tool.operates and not caller.may_operate:
            raise ConfigurationError(f"{name} needs a key with the scope `operate`; yours may only read")
        wanted = tool.arguments.model_validate(arguments)
        asked = Asked(self._use, caller.name, self._blocking)
        return await asked.read(self._written, await tool.work(wanted, asked))

    def _written(self, answer: Answer) -> str:
        origin = self._use.origin.read()
        head = dict(answer.head)
        if origin is not None and origin.simulated:
            head["prices_are"] = _SIMULATED
        return as_text(Answer(**{**vars(answer), "head": head}), self._use)

    async def _list_tools(self, _context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    description=tool.description,
                    input_schema=tool.schema,
                    annotations=types.ToolAnnotations(read_only_hint=not tool.operates),
                )
                for tool in self._tools.values()
            ]
        )

    async def _call_tool(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        request = context.request
        caller = LOCAL if request is None else request.scope["state"]["caller"]
        return await self.answer(params.name, params.arguments or {}, caller)


def _text(text: str, *, is_error: bool = False) -> types.CallToolResult:
    """The only content; a structured copy would be sent twice."""
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)


def _no_such_tool(name: str, tools: Mapping[str, Tool]) -> str:
    if name in EVERY_TOOL:
        return (
            f"{name} changes something, and this server only reads; start it with `miraikakaku mcp --operate`"
        )
    return f"There is no tool {name!r}; there are {', '.join(tools)}"


def _wrong_arguments(tool: Tool, error: ValidationError) -> str:
    wrong = "; ".join(
        f"{'.'.join(map(str, detail['loc'])) or 'arguments'}: {detail['msg']}"
        for detail in error.errors()[:5]
    )
    return f"{tool.name} was not asked: {wrong}. It takes {', '.join(tool.arguments.model_fields)}"
