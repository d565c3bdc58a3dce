"""What a tool is, and what tools share: the installation, a thread for what blocks, names that are looked up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

import anyio
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from miraikakaku_assets.application.ports.serving import MasterFilter, NamedInstrument
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.domain.market.universes import UNIVERSES
from miraikakaku_assets.faces.mcp.answers import Answer

P = ParamSpec("P")
T = TypeVar("T")
UniverseName = Literal["jp", "us", "fx", "copper"]
TimeframeName = Literal["5m", "1h", "4h", "1d", "1w", "1mo"]


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL")
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""A text that a database can be asked about."""
Symbol = Annotated[Text, Field(description="7203.T (or 7203), AAPL, USDJPY=X, HG=F", max_length=32)]
Rows = Annotated[int, Field(ge=1, le=1000)]
_NEAR = 3  # symbols of a universe that are offered for an unknown name


class Arguments(BaseModel):
    """What a tool may be asked; names that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Asked:
    """A question, and what it is answered with.

    Attributes:
        use: The installation.
        by: Name of whoever asks.
        blocking: Lets one of the questions to the database and to Polars block its thread at a time.
    """

    use: Ports
    by: str
    blocking: anyio.CapacityLimiter

    async def read(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function that blocks returns."""
        return await anyio.to_thread.run_sync(lambda: work(*args, **kwargs), limiter=self.blocking)


@dataclass(frozen=True)
class Tool:
    """A tool of the server.

    Attributes:
        name: What it is called.
        description: What it answers, for the model that chooses.
        arguments: What it may be asked.
        work: Answers.
        operates: Whether it changes something, and so needs the scope ``operate``.
    """

    name: str
    description: str
    arguments: type[Arguments]
    work: Callable[[Any, Asked], Awaitable[Answer]]
    operates: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments, without the titles that repeat their names."""
        made: dict[str, Any] = _untitled(self.arguments.model_json_schema())
        made.pop("description", None)
        return made


async def instrument_of(asked: Asked, name: str) -> NamedInstrument:
    """The instrument of a symbol, or of a code of the Tokyo exchange.

    Raises:
        ConfigurationError: There is none; names those that may be meant.
    """
    instrument = await asked.use.serving.master_lists.instrument(name)
    if instrument is not None and instrument.universe in UNIVERSES:
        return instrument
    near = [
        f"{row['yahoo_symbol']} ({row['stock_name']})"
        for universe in UNIVERSES
        for row in (await search(asked, universe, name, _NEAR))[1]
    ]
    meant = f"; did you mean {', '.join(near)}?" if near else ""
    raise ConfigurationError(
        f"There is no instrument {name!r} here{meant} `search_symbols` finds symbols by name or code"
    )


async def search(
    asked: Asked, universe: str, text: str | None, limit: int, *, only_active: bool = True
) -> tuple[int, Sequence[Any]]:
    """How many issues have a text in their name or at the beginning of their code, and some of them."""
    text = text.replace("\0", "").strip() or None if text else None
    chosen = MasterFilter(universe, True if only_active else None, search=text)
    return await asked.use.serving.master_lists.page(chosen, limit, 0)


def _untitled(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            name: _untitled(inside)
            for name, inside in schema.items()
            if not (name == "title" and isinstance(inside, str))
        }
    return [_untitled(inside) for inside in schema] if isinstance(schema, list) else schema
