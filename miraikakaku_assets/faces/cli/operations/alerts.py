"""Commands ``alerts …``: what stands, who was told, and what whoever looks after it does about it."""

from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.alerting.periods import read_moment, read_time_span
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line
from miraikakaku_assets.faces.cli.tables.alerts import (
    alert_fields,
    show_alert,
    show_alerts,
    show_silences,
    silence_fields,
    told_fields,
)

NameArgument = Annotated[str, typer.Argument(metavar="ID|KEY", help="Number of the alert, or its key.")]
MatchersArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="MATCHER…",
        help="A pattern of keys (cycle/fx/*), severity=high, universe=fx, symbol=7203.T; all have to match.",
    ),
]


class _ListsByDefault(TyperGroup):
    """``alerts`` without a command is ``alerts list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the command in front of what are options of it."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args.insert(0, "list")
        return super().parse_args(ctx, args)


def add_commands(app: typer.Typer) -> None:
    """Adds ``alerts`` and its commands to the application."""
    alerts = typer.Typer(
        cls=_ListsByDefault,
        help="Alerts: what stands, and who was told. Without a command: list.",
    )
    app.add_typer(alerts, name="alerts")
    _add_list(alerts)
    _add_show(alerts)
    _add_responses(alerts)
    _add_silence(alerts)
    _add_expect(alerts)
    _add_silences(alerts)


def _add_list(app: typer.Typer) -> None:
    @app.command("list", short_help="Alerts that stand, the gravest first.")
    def list_alerts(  # noqa: PLR0913 - each is an option
        since: Annotated[
            str,
            typer.Option("--since", help="Also those that ended since: 2d, 6h, or 2026-11-20T09:00+09:00."),
        ] = "",
        key: Annotated[str, typer.Option("--key", help="Pattern of keys, e.g. cycle/*.")] = "",
        severity: Annotated[str, typer.Option("--severity", help="high, medium or low.")] = "",
        universe: Annotated[str, typer.Option("--universe", help="Whom they concern.")] = "",
        symbol: Annotated[str, typer.Option("--symbol", help="What they concern.")] = "",
        state: Annotated[str, typer.Option("--state", help="Only one state, e.g. silenced.")] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
        offset: Annotated[int, typer.Option("--offset", min=0, help="Leave out so many at first.")] = 0,
        *,
        show_all: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Alerts that stand, the gravest first, with their state and who was told."""
        from miraikakaku_assets.application.ports.alert_states import STATES, AlertQuery
        from miraikakaku_assets.domain.alerting.matchers import parse_level
        from miraikakaku_assets.domain.market.instruments import universe as universe_named

        if universe:
            universe_named(universe)
        if state and state not in STATES:
            raise ConfigurationError(f"--state {state} does not exist; allowed: {', '.join(STATES)}")
        use = ports()
        now = use.clock()
        query = AlertQuery(
            only_standing=not (show_all or since or state == "over"),
            since=_ago(since, now) if since else None,
            key=key or None,
            level=parse_level(severity) if severity else None,
            universe=universe or None,
            symbol=symbol or None,
            state=state or None,
        )
        page = use.notices.alert_records.page(query, limit=limit, offset=offset)
        messages = use.notices.alert_records.told([alert.id for alert in page.alerts])
        if as_json:
            rows = [alert_fields(alert) | told_fields(messages.get(alert.id, ())) for alert in page.alerts]
            print_json({"succeeded": True, "total": page.total, "offset": offset, "alerts": rows})
        else:
            show_alerts(page, messages, now, offset)


def _add_show(app: typer.Typer) -> None:
    @app.command("show", short_help="Everything about one alert.")
    def show(name: NameArgument, *, as_json: bool = JSON_OPTION) -> None:
        """Everything about one alert: facts, what to do, its state, and each message about it."""
        from miraikakaku_assets.application.alerting.respond import find_alert

        use = ports()
        alert = find_alert(name, use.notices.responding)
        messages = use.notices.alert_records.told([alert.id]).get(alert.id, ())
        remedy = use.notices.planning.kinds.remedy(alert.key)
        if as_json:
            details = {"message": alert.message, "details": alert.details, "remedy": remedy or None}
            print_json({"succeeded": True, "alert": alert_fields(alert) | details | told_fields(messages)})
        else:
            show_alert(alert, messages, remedy, use.clock())


def _add_responses(app: typer.Typer) -> None:
    @app.command(short_help="Takes an alert on: it escalates no further.")
    def acknowledge(
        name: NameArgument,
        note: Annotated[str, typer.Option("--note", help="Who, and what is done about it.")] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Takes an alert on: it escalates no further. It stands until its condition is over."""
        from miraikakaku_assets.application.alerting import respond

        alert = respond.acknowledge(name, note, ports().notices.responding)
        if as_json:
            print_json({"succeeded": True, "alert": alert_fields(alert)})
        else:
            show_line(f"alert {alert.id} ({alert.key}) is acknowledged: it escalates no further")

    @app.command(short_help="Declares an alert over.")
    def resolve(name: NameArgument, *, as_json: bool = JSON_OPTION) -> None:
        """Declares an alert over. If its condition still holds, the next check raises a new one."""
        from miraikakaku_assets.application.alerting import respond

        alert = respond.resolve(name, ports().notices.responding)
        if as_json:
            print_json({"succeeded": True, "alert": alert_fields(alert)})
        else:
            show_line(f"alert {alert.id} ({alert.key}) is over; whoever was told that it stands is told so")


def _add_silence(app: typer.Typer) -> None:
    @app.command(short_help="Tells nobody of alerts that match, for a while.")
    def silence(
        matchers: MatchersArgument,
        lasting: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")],
        note: Annotated[str, typer.Option("--note", help="Why.")] = "",
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Tells nobody of alerts that match, for a while. Those that still stand when it ends are told then."""
        from miraikakaku_assets.application.alerting import respond

        made = respond.silence(matchers, read_time_span(lasting, "--for"), note, ports().notices.responding)
        if as_json:
            print_json({"succeeded": True, "silence": silence_fields(made)})
        else:
            until = f"{made.ends_at:%Y-%m-%d %H:%M} UTC"
            show_line(f"silence {made.id}: nobody is told of {made.matcher} until {until}")


def _add_expect(app: typer.Typer) -> None:
    @app.command(short_help="Notes that alerts are expected in a period.")
    def expect(
        matchers: MatchersArgument,
        begins: Annotated[
            str, typer.Option("--from", help="First day or moment: 2022-04-28, 2022-04-28T09:00+09:00.")
        ],
        ends: Annotated[str, typer.Option("--until", help="Last day (its end, Tokyo), or moment.")],
        note: Annotated[str, typer.Option("--note", help="Why it is expected.")],
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Notes that alerts that match are expected in a period: they are recorded as expected, and nobody is told."""
        from miraikakaku_assets.application.alerting import respond

        period = (read_moment(begins, "--from"), read_moment(ends, "--until", end_of_day=True))
        made = respond.expect(matchers, period, note, ports().notices.responding)
        if as_json:
            print_json({"succeeded": True, "silence": silence_fields(made)})
        else:
            between = f"{made.starts_at:%Y-%m-%d %H:%M} to {made.ends_at:%Y-%m-%d %H:%M} UTC"
            show_line(f"silence {made.id}: alerts of {made.matcher} are expected from {between}")


def _add_silences(app: typer.Typer) -> None:
    @app.command(short_help="Silences and what is expected.")
    def silences(
        *,
        show_all: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Silences and expectations that are in force or to come."""
        use = ports()
        now = use.clock()
        stored = use.notices.responding.silences.listed(ending_after=None if show_all else now)
        if as_json:
            print_json({"succeeded": True, "silences": [silence_fields(each) for each in stored]})
        else:
            show_silences(stored, now)

    @app.command(short_help="Ends a silence now.")
    def unsilence(
        number: Annotated[int, typer.Argument(metavar="ID", help="Number of the silence.")],
        *,
        as_json: bool = JSON_OPTION,
    ) -> None:
        """Ends a silence or an expectation now; alerts it covered that still stand are told."""
        from miraikakaku_assets.application.alerting.respond import lift_silence

        lifted = lift_silence(number, ports().notices.responding)
        if as_json:
            print_json({"succeeded": True, "silence": silence_fields(lifted)})
        else:
            show_line(f"silence {lifted.id} ({lifted.matcher}) has ended: alerts that still stand are told")


def _ago(text: str, now: datetime) -> datetime:
    """A moment, or a time span before now."""
    if text[:4].isdigit() and "-" in text:
        return read_moment(text, "--since")
    return now - read_time_span(text, "--since")
