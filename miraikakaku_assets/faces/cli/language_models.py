"""Command ``mcp``: tools for language models."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports


def add_commands(app: typer.Typer) -> None:
    """Adds the command to the application."""

    @app.command(short_help="Tools for language models (Model Context Protocol).")
    def mcp(
        *,
        http: Annotated[
            bool, typer.Option("--http", help="Streamable HTTP at /mcp instead of standard input and output.")
        ] = False,
        host: Annotated[
            str,
            typer.Option("--host", help="With --http: where to listen; elsewhere than here needs a key."),
        ] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=1, max=65535, help="With --http: port.")] = 8002,
        operate: Annotated[
            bool,
            typer.Option(
                "--operate", help="Also offer tools that start collections; over HTTP to keys of that scope."
            ),
        ] = False,
    ) -> None:
        """Answers language models about prices, coverage and forecasts with their records; reads only by default."""
        import logging

        import anyio

        from miraikakaku_assets.faces.mcp.server import McpServer

        use = ports()
        logging.basicConfig(level=use.settings.log_level, format="%(levelname)s %(name)s: %(message)s")
        server = McpServer(use, operates=operate)
        if not http:
            anyio.run(server.serve_stdio)
            return
        from contextlib import suppress

        from miraikakaku_assets.faces.api.keys import require_keys
        from miraikakaku_assets.faces.cli.output import errors
        from miraikakaku_assets.faces.mcp.http import serve_http
        from miraikakaku_assets.faces.services import require_free

        require_keys(use.settings, host, "API")
        require_free("MCP server", host, port)
        errors.print(f"MCP server on http://{host}:{port}/mcp, Ctrl-C stops it", soft_wrap=True)
        with suppress(KeyboardInterrupt):  # raised again when it has stopped
            anyio.run(serve_http, server, use, host, port)
