"""Damages of what runs: daemon, schedules, ticks, and the channel by which people are told."""

from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.orchestration.drill.damages.spans import HOUR, WATCHED
from miraikakaku_assets.orchestration.drill.grounds import SCHEDULE, SENSOR, Grounds

_TABLE, _AWAY = "miraikakaku.stock_master_updates", "stock_master_updates_away"


def _daemon(site: Grounds, *, alive: bool) -> None:
    site.is_daemon_alive = alive


def _ticks(site: Grounds, *, missed: bool) -> None:
    site.misses_ticks = missed


def _break_sensor(site: Grounds) -> None:
    site.sql(f"ALTER TABLE {_TABLE} RENAME TO {_AWAY}")


def _mend_sensor(site: Grounds) -> None:
    site.sql(f"ALTER TABLE miraikakaku.{_AWAY} RENAME TO {_TABLE.partition('.')[2]}")


def _break_sensor_and_webhook(site: Grounds) -> None:
    _break_sensor(site)
    site.receiver.is_down = True
    site.receiver.up_at = site.now() + HOUR


SERVICES = (
    Damage[Grounds](
        "daemon_killed",
        "the daemon's heartbeat ends, as after kill -9",
        clock=2 * WATCHED,
        alerts=("service/daemon/stopped",),
        damage=lambda site: _daemon(site, alive=False),
        repair=lambda site: _daemon(site, alive=True),
        step="Start `miraikakaku schedule` again",
    ),
    Damage[Grounds](
        "schedule_missed",
        f"the schedule {SCHEDULE} does not tick",
        clock=3 * WATCHED,
        alerts=(f"schedule/{SCHEDULE}/missed",),
        damage=lambda site: _ticks(site, missed=True),
        repair=lambda site: _ticks(site, missed=False),
        step="Look at the daemon; its schedule catches up with the next tick",
    ),
    Damage[Grounds](
        "tick_raises",
        f"a table is missing and the sensor {SENSOR} raises",
        clock=WATCHED,
        alerts=(f"tick/{SENSOR}/failed",),
        damage=_break_sensor,
        repair=_mend_sensor,
        step="Its tick holds the traceback: mend what it names",
    ),
    Damage[Grounds](
        "webhook_down",
        "the webhook answers 503 for an hour while a tick fails",
        clock=2 * HOUR + WATCHED,
        alerts=(f"tick/{SENSOR}/failed",),
        damage=_break_sensor_and_webhook,
        repair=_mend_sensor,
        step="Nothing: what was refused is sent again by itself",
        verify=lambda site: "" if site.receiver.refused else "the webhook has refused nothing",
    ),
)
"""The daemon is this process's; what it would do each minute is what ends."""
