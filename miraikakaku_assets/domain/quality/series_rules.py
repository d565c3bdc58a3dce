"""Rules over whole series of daily bars, with their parameters by universe: one row a rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from miraikakaku_assets.domain.market.instruments import Universe


@dataclass(frozen=True)
class Limits:
    """From where on something is reported, and how much of it is an everyday matter.

    Attributes:
        limit: In the unit of the rule.
        tolerated: Findings per 1,000 instruments and batch up to which the rule counts as kept.
    """

    limit: float
    tolerated: float


@dataclass(frozen=True)
class SeriesRule:
    """A rule over the series of each instrument.

    Attributes:
        name: Stored and printed as it is.
        sentence: What holds when it is kept, without its full stop.
        unit: Of the limit, for people.
        usual: Limits where a universe has none of its own.
        of: Universe → its own.
        needs_volume: Whether it asks nothing of universes without volume.
    """

    name: str
    sentence: str
    unit: str
    usual: Limits
    of: Mapping[str, Limits] = field(default_factory=dict)
    needs_volume: bool = False

    def limits(self, universe: Universe) -> Limits:
        """Those in force for a universe."""
        return self.of.get(universe.name, self.usual)

    def applies(self, universe: Universe) -> bool:
        """Whether it asks anything of a universe."""
        return universe.has_volume or not self.needs_volume


STEP, FACTOR, SPIKE, HOLE, FLAT = "step", "missing_factor", "volume_spike", "calendar_hole", "flat_run"

# Per 1,000 instruments and 20 sessions, the TSE of 2025 had 0.4 steps, 0.13 missing factors (its archive names no
# split), 4.5 holes and 0.2 flat runs; of 2017 and 2018, whose splits are known, 0.06, 0.01 and 0.25 flat runs.
SERIES_RULES: tuple[SeriesRule, ...] = (
    SeriesRule(
        STEP,
        "closes do not move to another level and stay there without a corporate action",
        "factor between the levels",
        Limits(2.0, 2.0),
        {"jp": Limits(1.7, 2.0), "us": Limits(2.0, 3.0), "fx": Limits(1.1, 0.0), "copper": Limits(1.25, 0.0)},
    ),
    SeriesRule(
        FACTOR,
        "prices do not jump by the ratio of a split that is not stored",
        "relative distance to the ratio",
        Limits(0.03, 0.3),
        {"jp": Limits(0.03, 0.0), "fx": Limits(0.005, 0.0), "copper": Limits(0.01, 0.0)},
    ),
    SeriesRule(
        SPIKE,
        "volume stays below a multiple of its median of 60 sessions",
        "multiple of the median",
        Limits(100.0, 10.0),
        {"jp": Limits(200.0, 30.0), "us": Limits(50.0, 10.0), "copper": Limits(300.0, 0.0)},
        needs_volume=True,
    ),
    SeriesRule(
        HOLE,
        "no sessions in a row are missing within a series",
        "missing sessions in a row",
        Limits(5, 5.0),
        {"jp": Limits(5, 5.0), "us": Limits(5, 5.0), "fx": Limits(1, 0.0), "copper": Limits(1, 0.0)},
    ),
    SeriesRule(
        FLAT,
        "closes do not repeat while there is trading",
        "equal closes in a row",
        Limits(15, 5.0),
        {"jp": Limits(15, 10.0), "us": Limits(15, 10.0), "fx": Limits(4, 0.0), "copper": Limits(5, 0.0)},
    ),
)  # fmt: skip


def tolerated(rule: SeriesRule, universe: Universe, instruments: int) -> int:
    """How many findings of a rule are an everyday matter for so many instruments."""
    return int(rule.limits(universe).tolerated * instruments / 1000)
