"""Checks of stored data: one step per universe. Put here: their specs and results. Keep out: how they judge.

A run that makes assets does not judge them: Dagster adds the checks of an asset to every run of a partition or
backfill, and these look at a whole universe. `quality_check` and the button beside a check make them.

One step, because Great Expectations takes seconds to import and tenths of one for a suite, whatever the number of rows.
"""

from collections.abc import Iterator

import dagster as dg

from miraikakaku_assets.application.quality.check_quality import (
    HEALTH,
    USUAL,
    check_quality,
    checks_of,
    quality_totals,
)
from miraikakaku_assets.domain.errors import MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.quality.results import QualityReport, in_words
from miraikakaku_assets.domain.quality.suites import SUITES
from miraikakaku_assets.orchestration.failures import failure
from miraikakaku_assets.orchestration.quality.shown import shown
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.orchestration.run_config import QualityConfig
from miraikakaku_assets.orchestration.stage_reports import hand_back

_SUITES = {suite.name: suite for suite in SUITES}
_LEARNT = (
    "The newest session has as many bars and as much volume, and as soon, as those before it lead to expect."
)
_TEXTS = {
    HEALTH: "Series of the newest 20 sessions: steps, missing factors, volume spikes, holes and flat runs.",
    **dict.fromkeys(USUAL.values(), _LEARNT),
}


def check_factory(asset: dg.AssetKey, check: str) -> dg.AssetCheckSpec:
    """The asset check of a suite, or of another kind of check of stored data.

    Args:
        asset: Whose rows are judged.
        check: Name of a suite or of one of `checks_of`.
    """
    if check in _SUITES:
        batch = _SUITES[check].batch
        text = f"{batch[0].upper()}{batch[1:]}: {len(_SUITES[check].rules)} rules, by Great Expectations."
    else:
        text = _TEXTS[check]
    return dg.AssetCheckSpec(check, asset=asset, description=text)


def quality_step(universe: Universe) -> str:
    """Name of the step that makes the checks of a universe."""
    return f"{universe.name}_quality"


def check_keys(universe: Universe) -> list[dg.AssetCheckKey]:
    """Keys of the checks of a universe."""
    return [dg.AssetCheckKey(_asset(universe, noun), check) for check, noun in checks_of(universe).items()]


def quality_checks(universe: Universe) -> dg.AssetChecksDefinition:
    """Every check of what is stored of a universe."""
    specs = [check_factory(key.asset_key, key.name) for key in check_keys(universe)]

    @dg.multi_asset_check(
        name=quality_step(universe),
        specs=specs,
        can_subset=True,
        description=f"Judges what is stored of {universe.name} up to a session; results in `quality_results`.",
    )
    def checks(
        context: dg.AssetCheckExecutionContext, config: QualityConfig, ports: PortsResource
    ) -> Iterator[dg.AssetCheckResult]:
        if context.run.asset_selection:
            context.log.info(
                "This run makes assets; what is stored of %s is judged by quality_check", universe.name
            )
            return
        use, command = ports.use, config.command()
        selected = {key.name for key in context.selected_asset_check_keys}
        try:
            report = check_quality(universe, use.quality.checks, command.until, selected, use.work.at)
        except MiraikakakuError as error:
            raise failure(error) from error
        hand_back(context.op_execution_context, use, universe, quality_totals(report))
        for check in specs:
            if check.name in selected:
                yield _result(check, report)

    return checks


def _asset(universe: Universe, noun: str) -> dg.AssetKey:
    return dg.AssetKey([universe.name, noun])


def _result(check: dg.AssetCheckSpec, report: QualityReport) -> dg.AssetCheckResult:
    results = report.of(check.name)
    doubt = check.name not in _SUITES
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=not any(result.failed for result in results),
        severity=dg.AssetCheckSeverity.WARN if doubt else dg.AssetCheckSeverity.ERROR,
        description=in_words(results),
        metadata={"batch": str(report.batch), **shown(results)},
    )
