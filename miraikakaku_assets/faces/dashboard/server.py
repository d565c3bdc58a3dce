"""The process of the dashboard: Streamlit's ASGI application behind the guard, on uvicorn."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from miraikakaku_assets.bootstrap import Ports, ports
from miraikakaku_assets.faces.api.keys import keys_of, require_keys
from miraikakaku_assets.faces.dashboard.access import Access
from miraikakaku_assets.faces.dashboard.theme import streamlit_options

SCRIPT = Path(__file__).parent / "entry" / "script.py"
_OPTIONS = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "viewer",
    "global.suppressDeprecationWarnings": True,
    "logger.level": "error",
    "runner.magicEnabled": False,
    "server.disconnectedSessionTTL": 30,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
}
access: Access
"""Who may look at the dashboard of this process; set by `build_dashboard`."""


def build_dashboard(use: Ports) -> Any:
    """The application of an installation; there can be one in a process.

    Args:
        use: The installation.
    """
    global access  # noqa: PLW0603 - Streamlit runs the script, which looks it up, in threads of its own
    from streamlit import App
    from streamlit.web import bootstrap

    from miraikakaku_assets.faces.dashboard.guard import Guard, RootedPages
    from miraikakaku_assets.faces.dashboard.routes import routes

    bootstrap.load_config_options({**_OPTIONS, **streamlit_options()})
    access = Access(keys_of(use.settings))
    app = App(SCRIPT, routes=routes(use, access))
    return Guard(RootedPages(app), access, use.clock)


def run_server(host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM; the schema of the database is taken as it is.

    Raises:
        ConfigurationError: Nobody may listen there.
    """
    import uvicorn

    from miraikakaku_assets.faces.api.server import KEEP_ALIVE_SECONDS

    require_keys(ports().settings, host, "dashboard")
    level = ports().settings.log_level
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("alembic", "websockets", "uvicorn.error"):
        logging.getLogger(noisy).setLevel("WARNING")
    with suppress(KeyboardInterrupt):
        uvicorn.run(
            build_dashboard(ports()),
            host=host,
            port=port,
            log_level=level.lower(),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=3,
            ws="websockets-sansio",
        )
