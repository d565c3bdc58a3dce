"""What people ask of a collection. Kept light: every command line loads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from miraikakaku_assets.domain.market.instruments import Timeframe


@dataclass(frozen=True)
class CollectCommand:
    """What a collection is asked for.

    Attributes:
        symbols: None stands for the whole market, or the watch list of a shorter timeframe.
        since: First session, YYYY-MM-DD; None goes on where the stored bars end.
        until: Last session; None takes everything up to now.
        timeframe: Length of the bars.
        again: Also ask for what another attempt has collected since the last close.
    """

    symbols: Sequence[str] | None = None
    since: str | None = None
    until: str | None = None
    timeframe: Timeframe = Timeframe.D1
    again: bool = False


@dataclass(frozen=True)
class AnalyzeCommand:
    """What an analysis is asked for.

    Attributes:
        symbols: None stands for all that have bars.
        timeframe: Collected bars to start from, 1d or 5m.
        since: Session (YYYY-MM-DD) from which on everything is computed anew; None does what is due.
        again: Compute everything anew, from the first bar on.
    """

    symbols: Sequence[str] | None = None
    timeframe: Timeframe = Timeframe.D1
    since: str | None = None
    again: bool = False


@dataclass(frozen=True)
class TrainCommand:
    """What a training of forecast models is asked for.

    Attributes:
        until: Last session (YYYY-MM-DD) that it may see; None takes all that is stored.
        models: Names; None stands for all.
    """

    until: str | None = None
    models: Sequence[str] | None = None


@dataclass(frozen=True)
class PredictCommand:
    """What forecasts are asked for.

    Attributes:
        symbols: None stands for all that have bars.
        as_of: Session (YYYY-MM-DD) to forecast from; None: the newest with bars.
    """

    symbols: Sequence[str] | None = None
    as_of: str | None = None
