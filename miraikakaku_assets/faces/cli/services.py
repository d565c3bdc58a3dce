"""Commands that run services: ``schedule``, ``up``, ``serve``, ``dashboard`` and ``worker``."""

from typing import Annotated

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.faces.cli.operations.health import check_once
from miraikakaku_assets.faces.cli.output import show_line
from miraikakaku_assets.faces.cli.runner import Services
from miraikakaku_assets.faces.services import require_free

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web UI on 127.0.0.1.")]
ApiPortOption = Annotated[
    int, typer.Option("--api-port", min=1, max=65535, help="Port of the REST API on 127.0.0.1.")
]
DashboardPortOption = Annotated[
    int, typer.Option("--dashboard-port", min=1, max=65535, help="Port of the dashboard on 127.0.0.1.")
]
ReadOnlyOption = Annotated[
    bool,
    typer.Option(
        "--read-only", help="Nothing can be started, stopped or changed in the web UI; schedules go on."
    ),
]


def add_commands(app: typer.Typer, services: Services) -> None:
    """Adds the commands to the application."""

    @app.command(short_help="Every service, production schedules on.")
    def schedule(
        port: PortOption = 3000,
        api_port: ApiPortOption = 8000,
        dashboard_port: DashboardPortOption = 8501,
        *,
        read_only: ReadOnlyOption = False,
        health_check_only: Annotated[
            bool,
            typer.Option("--health-check-only", help="Start nothing: check health once, as `health` does."),
        ] = False,
    ) -> None:
        """Dagster daemon, web UI, REST API, dashboard with the production schedules on; Ctrl-C stops all of them."""
        if health_check_only:
            raise typer.Exit(check_once(ports()))
        code = services.run(ports(), port, api_port, dashboard_port, schedules_on=True, read_only=read_only)
        raise typer.Exit(code)

    @app.command(short_help="Every service, schedules as set in the UI.")
    def up(
        port: PortOption = 3000,
        api_port: ApiPortOption = 8000,
        dashboard_port: DashboardPortOption = 8501,
        *,
        read_only: ReadOnlyOption = False,
    ) -> None:
        """Dagster daemon, web UI, REST API, dashboard, schedules as set in the UI; Ctrl-C stops all of them."""
        code = services.run(ports(), port, api_port, dashboard_port, schedules_on=False, read_only=read_only)
        raise typer.Exit(code)

    @app.command(short_help="The REST API alone.")
    def serve(
        host: Annotated[
            str, typer.Option("--host", help="Address to listen on; another than this machine's needs a key.")
        ] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
        workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes that answer.")] = 1,
    ) -> None:
        """The REST API alone; `up` starts it beside Dagster, which does the jobs. Ctrl-C stops it."""
        from miraikakaku_assets.faces.api.keys import require_keys
        from miraikakaku_assets.faces.api.server import run_server

        require_keys(ports().settings, host, "API")
        require_free("REST API", host, port)
        _ = ports().database  # upgraded once, before workers take it as it is
        run_server(host, port, workers)

    @app.command(short_help="The dashboard alone.")
    def dashboard(
        host: Annotated[
            str, typer.Option("--host", help="Address to listen on; another than this machine's needs a key.")
        ] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8501,
    ) -> None:
        """The dashboard alone, in a browser; `up` starts it beside Dagster. Ctrl-C stops it."""
        from miraikakaku_assets.faces.api.keys import require_keys
        from miraikakaku_assets.faces.dashboard.server import run_server

        require_keys(ports().settings, host, "dashboard")
        require_free("dashboard", host, port)
        _ = ports().database  # upgraded once, before it is read only
        show_line(f"dashboard on http://{host}:{port}")
        run_server(host, port)

    @app.command(short_help="A worker: does runs that come through Redis.")
    def worker(
        name: Annotated[
            str,
            typer.Option(
                "--name", help="Of the worker, another for each on this machine. [default: worker-PID]"
            ),
        ] = "",
        slots: Annotated[
            int, typer.Option("--slots", min=1, max=64, help="Runs that it does at a time.")
        ] = 1,
        queue: Annotated[str, typer.Option("--queue", help="Queue that it takes runs from.")] = "dagster",
    ) -> None:
        """A worker: does runs that the daemon has put into Redis (CELERY_BROKER_URL), each in a process of its own.

        SIGTERM or Ctrl-C: it takes no more, and ends when its runs have. Killed, others do what it has left.
        """
        import os

        services.become_worker(ports(), name or f"worker-{os.getpid()}", slots, queue)
