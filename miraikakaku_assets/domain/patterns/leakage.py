"""Checks that a user can run on any definition: does a signal know the future, does it need the far past?

Both compute the signals anew from less history and compare them with those of the whole. The comparison is only as
deep as the recomputation: pass `recompute` to work out the indicators anew from the bars that are left; without it
only the patterns themselves are put to the test.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from miraikakaku_assets.domain.patterns.definitions import DEFAULT
from miraikakaku_assets.domain.patterns.detection import SIGNALS, signals
from miraikakaku_assets.domain.patterns.frames import Frames
from miraikakaku_assets.domain.patterns.pattern import Definition
from miraikakaku_assets.domain.patterns.track_record import SIDE

Recompute = Callable[[Frames], Frames]
"""Works out the indicator columns anew from the bars of the frames it is given."""

_UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes:
        moments: How many histories were compared with the whole one.
        compared: How many signals of the whole history they should have given, in sum.
        differences: Schema `SIGNALS` plus ``moment`` (where the history was cut, UTC) and ``found``: ``only with
            the whole history`` or ``only with the cut one``.
    """

    moments: int
    compared: int
    differences: pl.DataFrame

    @property
    def passed(self) -> bool:
        """Whether every history gave the same signals, and there were signals to give."""
        return self.differences.is_empty() and self.compared > 0


def pattern_look_ahead(
    frames: Frames,
    moments: Iterable[datetime],
    definition: str | Definition = DEFAULT,
    recompute: Recompute | None = None,
) -> SelfTest:
    """Cuts off the future at each moment: all signals up to then must be as they are with the future known.

    They are compared with their evidence, digit by digit; one with other evidence differs in both directions.

    Args:
        frames: Final bars and indicators.
        moments: Where to cut (UTC); `telling_moments` proposes some. Each costs as much as `signals`.
        definition: What is put to the test.
        recompute: As the module says.

    Returns:
        What differs; a definition that looks ahead shows signals that came only later, or lost them.
    """
    work = recompute or _as_they_are
    whole = signals(work(frames), definition)
    pairs = []
    for moment in moments:
        known = pl.col("at") <= moment
        pairs.append((moment, whole.filter(known), signals(work(frames.until(moment)), definition)))
    return _compared(pairs, list(SIGNALS))


def pattern_warm_up(
    frames: Frames,
    starts: Iterable[datetime],
    from_ts: datetime,
    definition: str | Definition = DEFAULT,
    recompute: Recompute | None = None,
) -> SelfTest:
    """Lets the history begin later: the signals from a moment on should not depend on what was long before.

    Signals are compared, not the digits of their evidence.

    Args:
        frames: Final bars and indicators.
        starts: Where the history begins instead (UTC).
        from_ts: From which start of a bar on signals are compared (UTC).
        definition: What is put to the test.
        recompute: As the module says. Wilder's and exponential averages never forget entirely, so a difference
            for a short history is a finding about how much history is enough, not an error.

    Returns:
        What differs, with the start of the history as ``moment``.
    """
    work = recompute or _as_they_are
    late = pl.col("ts") >= from_ts
    whole = signals(work(frames), definition).filter(late)
    return _compared(
        [(start, whole, signals(work(frames.since(start)), definition).filter(late)) for start in starts],
        [*SIDE, "symbol", "ts"],
    )


def telling_moments(frames: Frames, signals: pl.DataFrame, count: int) -> list[datetime]:
    """Moments at which a look-ahead would show best.

    Args:
        frames: The bars to be tested.
        signals: Their signals: at its own moment a signal that needs the future does not exist yet.
        count: How many moments at most; half of them those of signals, the others spread evenly over the bars,
            where signals might vanish later.

    Returns:
        Moments (UTC), ascending, each once.
    """
    at_signals = signals["at"].unique().sort()
    at_bars = frames.m5["ends"].unique().sort()
    chosen = {*_spread(at_signals, count // 2), *_spread(at_bars, count - count // 2)}
    return sorted(chosen)


def _spread(values: pl.Series, count: int) -> list[datetime]:
    step = max(-(-len(values) // max(count, 1)), 1)
    return [] if count == 0 else values.gather_every(step).to_list()


def _as_they_are(frames: Frames) -> Frames:
    return frames


def _compared(pairs: list[tuple[datetime, pl.DataFrame, pl.DataFrame]], by: list[str]) -> SelfTest:
    differences = [pl.DataFrame(schema=SIGNALS | {"moment": _UTC, "found": pl.String()})]
    for moment, whole, cut in pairs:
        for left, right, side in (
            (whole, cut, "only with the whole history"),
            (cut, whole, "only with the cut one"),
        ):
            lone = left.join(right, on=by, how="anti", nulls_equal=True)
            differences.append(
                lone.with_columns(pl.lit(moment, _UTC).alias("moment"), pl.lit(side).alias("found"))
            )
    return SelfTest(len(pairs), sum(whole.height for _, whole, _ in pairs), pl.concat(differences))
