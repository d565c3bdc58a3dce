"""Damages of what comes from outside: the price source and the exchange's list."""

from miraikakaku_assets.application.commands import CollectCommand, UpdateMasterCommand
from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.application.monitoring.resume_source import resume_source
from miraikakaku_assets.domain.market.instruments import JP
from miraikakaku_assets.orchestration.drill.damages.spans import QUARTER, WATCHED
from miraikakaku_assets.orchestration.drill.grounds import Grounds

UNREACHABLE = "source/yahoo/unreachable"


def _canary(site: Grounds) -> None:
    site.as_new_process()  # a client remembers the first skew it has seen
    site.run_job("source_canary_job")


def _collect(site: Grounds) -> None:
    site.stage(CollectCommand(full_refresh=True))


def _resume(site: Grounds) -> None:
    site.set_faults()
    resume_source(site.ports.sources.rate_limiter)


def _resume_and_collect(site: Grounds) -> None:
    _resume(site)
    _collect(site)


def _collect_with(site: Grounds, fault: str) -> None:
    site.set_faults(fault)
    _collect(site)


def _collect_half(site: Grounds) -> None:
    symbols = [each.symbol for each in site.ports.stores.masters.instruments(JP)]
    _collect_with(site, f"422@{','.join(symbols[: len(symbols) // 2])}")


def _update_master(site: Grounds, *faults: str) -> None:
    site.set_faults(*faults)
    site.stage(UpdateMasterCommand())


def _failures(site: Grounds) -> str:
    newest = site.sql(
        "SELECT failed_stocks FROM miraikakaku.batch_executions WHERE universe = 'jp' ORDER BY id DESC LIMIT 1"
    )
    return f"{newest} symbols of the newest collection have failed" if newest else ""


SOURCE = (
    Damage[Grounds](
        "source_500",
        "the source answers 500 to everything",
        clock=QUARTER + WATCHED,
        alerts=(UNREACHABLE,),
        damage=lambda site: site.set_faults("500"),
        look=_canary,
        every=QUARTER,
        repair=_resume,
        step="If the source answers already, `miraikakaku resume`",
    ),
    Damage[Grounds](
        "source_429",
        "the source answers 429 in the middle of a collection",
        clock=WATCHED,
        alerts=(UNREACHABLE,),
        damage=lambda site: _collect_with(site, "429"),
        repair=_resume_and_collect,
        step="`miraikakaku resume`; the parked collection goes on",
        verify=_failures,
    ),
    Damage[Grounds](
        "source_clock",
        "the source's clock is an hour ahead",
        clock=QUARTER + WATCHED,
        alerts=("source/yahoo/clock",),
        damage=lambda site: site.set_faults("clock-skew"),
        look=_canary,
        every=QUARTER,
        repair=lambda site: site.set_faults(),
        step="Set this machine's clock (`timedatectl set-ntp true`)",
    ),
    Damage[Grounds](
        "symbols_fail",
        "half of the symbols are refused in a collection",
        clock=WATCHED,
        alerts=("collection/jp/failed",),
        damage=_collect_half,
        repair=_resume_and_collect,
        step="`miraikakaku collect --universe jp` asks again for the symbols that failed",
        verify=_failures,
    ),
    Damage[Grounds](
        "list_truncated",
        "the exchange's list ends after two fifths of its issues",
        clock=WATCHED,
        alerts=("run/jp_master_job/failed",),
        damage=lambda site: _update_master(site, "short-list@data_j.xls"),
        repair=_update_master,
        step="`miraikakaku master update --universe jp` reads the list anew",
    ),
)
"""They are done to the simulated exchange; what is done about them is done to the demo."""
