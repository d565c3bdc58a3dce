"""The server over streamable HTTP, at ``/mcp``."""

from typing import Any

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.faces.api.keys import LOOPBACK, keys_of
from miraikakaku_assets.faces.api.server import KEEP_ALIVE_SECONDS, PatientProtocol
from miraikakaku_assets.faces.mcp.keys import KeyGuard
from miraikakaku_assets.faces.mcp.server import McpServer

_GOODBYE_SECONDS = 5


def http_app(server: McpServer, use: Ports, host: str) -> Any:
    """The ASGI application: no sessions to lose, so that a restart or a second process is not noticed.

    Args:
        server: Answers.
        use: The installation, with the keys and their limits.
        host: Where it listens. On this machine alone, pages of other sites are refused; elsewhere a key is wanted.
    """
    security = None if host in LOOPBACK else TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = server.protocol.streamable_http_app(
        json_response=True, stateless_http=True, transport_security=security, host=host
    )
    return KeyGuard(app, keys_of(use.settings), use.serving.key_limits)


async def serve_http(server: McpServer, use: Ports, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        http_app(server, use, host),
        host=host,
        port=port,
        http=PatientProtocol,
        ws="none",
        log_level=use.settings.log_level.lower(),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        await server.close()
