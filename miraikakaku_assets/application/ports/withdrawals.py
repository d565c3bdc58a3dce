"""Bars that were accepted once and are refused now: each is named, wherever people look."""

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from miraikakaku_assets.application.ports import Withdrawal
from miraikakaku_assets.application.ports.notices import WITHDRAWN, NewAlert, Severity
from miraikakaku_assets.domain.bars.rules import RULES
from miraikakaku_assets.domain.market.instruments import Timeframe, universe

SHOWN = 20
"""Bars that a message names; all of them are in its details."""

_LISTED = 1_000


def withdrawals(rows: pl.DataFrame, timeframe: Timeframe) -> list[Withdrawal]:
    """What left the table of bars, by symbol and time.

    Args:
        rows: Columns ``symbol``, ``universe`` (name), ``ts`` (UTC), ``close``, ``status``, ``rule``.
        timeframe: Of the bars.
    """
    named = rows.sort("symbol", "ts").iter_rows(named=True)
    return [
        Withdrawal(
            row["symbol"],
            row["ts"],
            _local(row["ts"], row["universe"], timeframe),
            row["close"],
            row["rule"],
            was_final=row["status"] == "final",
        )
        for row in named
    ]


def named(gone: Sequence[Withdrawal]) -> dict[str, str]:
    """Each bar and why it went, for the metadata of a run; beyond a thousand only how many more there are."""
    reasons = {f"{bar.symbol} {bar.at}": f"close {bar.close:g} [{bar.rule}]" for bar in gone[:_LISTED]}
    if len(gone) > _LISTED:
        reasons["…"] = f"{len(gone) - _LISTED:,} more, all of them in the alert of kind {WITHDRAWN}"
    return reasons


def withdrawal_sentences(gone: Sequence[Withdrawal]) -> list[str]:
    """One sentence per bar, for people."""
    return [f"a stored bar was withdrawn: {bar}: {RULES[bar.rule]}" for bar in gone]


def _local(ts: datetime, of: str, timeframe: Timeframe) -> str:
    """Exchange date of a daily bar; exchange date and time of a shorter one."""
    at = ts.astimezone(ZoneInfo(universe(of).time_zone))
    return f"{at:%Y-%m-%d}" if timeframe is Timeframe.D1 else f"{at:%Y-%m-%d %H:%M}"


def withdrawal_alert(
    gone: Sequence[Withdrawal], of: str, timeframe: Timeframe, now: datetime, channels: Collection[str]
) -> NewAlert:
    """The alert of one delivery: a warning when a final bar went, a note when only running ones did.

    Args:
        gone: At least one bar.
        of: Name of the universe.
        timeframe: Of the bars.
        now: When the delivery came (UTC).
        channels: Names of the channels that are told.
    """
    lines = [f"ユニバース: {of}({timeframe})", *(str(bar) for bar in gone[:SHOWN])]
    if len(gone) > SHOWN:
        lines.append(f"ほか{len(gone) - SHOWN:,}本")
    lines.append("元の値は quarantined_bars に残っています。")
    first = gone[0]
    return NewAlert(
        key=f"{WITHDRAWN}/{timeframe}/{first.symbol}/{first.ts.isoformat()}/{now.isoformat()}",
        severity=Severity.WARNING if any(bar.was_final for bar in gone) else Severity.INFO,
        kind=WITHDRAWN,
        title=f"保存済みの足を{len(gone):,}本取り下げました: {of} {first.symbol} {first.at}",
        message="\n".join(lines),
        universe=of,
        symbol=first.symbol if len({bar.symbol for bar in gone}) == 1 else None,
        details={"withdrawn": [str(bar) for bar in gone]},
        channels=channels,
    )
