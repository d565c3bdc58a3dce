"""Which share of past errors a band has to hold so that it holds what it says in the days to come.

In a calm year the errors of a year before a crash are too small, and for months too many outcomes lie outside. So the
share that is asked for is moved after every session by what was missed: α grows with every miss too few and falls with
every miss too many (Gibbs and Candès, Adaptive conformal inference under distribution shift, NeurIPS 34 (2021)
1660-1672). What was missed is told with the delay after which outcomes are known.
"""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

CENTRAL = (0.50, 0.80, 0.90, 0.95)
"""Shares of outcomes that central intervals hold, of which the quantiles of a forecast are the ends."""

_BINS = 400
_EDGES = np.concatenate([np.geomspace(1e-3, 1e2, _BINS - 1), [np.inf]])
_LARGEST, _SMALLEST = 2.5, 0.3  # of the wanted share of misses: what may be asked for

_LUCK = 20
"""Scores of a session that weigh as much as luck: of one series a miss says next to nothing, and following it cost 0.4
to 0.7 % of the CRPS of LME copper (1,500 origins to 2019)."""

_SETTLED = 40
"""Sessions of scores below which nothing is moved: the first quantiles are chance themselves."""


class AskedShares:
    """The shares to ask for, by origin, of one set of scores.

    Args:
        at: Session (ordinal) of the origin of every score, ascending.
        scores: Sizes of errors in units of what was to be expected, not negative.
        horizon: Sessions after which an outcome is known.
        window: Sessions of origins that a band is made of.
        speed: γ, by which a session of misses moves what is asked for.
    """

    def __init__(
        self, at: NDArray[np.int64], scores: Numbers, horizon: int, window: int, speed: float
    ) -> None:
        self._horizon = horizon
        self._first = int(at[0]) if len(at) else 0
        self._missing = {level: self._followed(level, at, scores, window, speed) for level in CENTRAL}

    def at(self, origin: int) -> dict[float, float]:
        """Central share → the one to ask for at an origin; they rise with each other."""
        asked, least = {}, 0.0
        for level in CENTRAL:
            missing = self._missing[level]
            place = origin - self._horizon - self._first  # the newest session whose misses are known
            misses = (
                1 - level if place < 0 or not len(missing) else float(missing[min(place, len(missing) - 1)])
            )
            least = max(least, 1 - misses)
            asked[level] = least
        return asked

    def _followed(
        self, level: float, at: NDArray[np.int64], scores: Numbers, window: int, speed: float
    ) -> Numbers:
        """After every session of origins, once its outcomes are known: the share of misses to ask for."""
        if not len(at):
            return np.empty(0)
        sessions = int(at[-1]) - self._first + 1
        counts = np.zeros((sessions, _BINS))
        np.add.at(counts, (at - self._first, np.searchsorted(_EDGES, scores)), 1)
        total = np.vstack([np.zeros(_BINS), counts.cumsum(axis=0)])
        wanted, misses = 1 - level, np.full(sessions, 1 - level)
        asked = np.full(sessions + self._horizon, wanted)  # at every origin
        for session in range(sessions):
            newest = session - self._horizon  # the last whose outcome was known then
            before = asked[session]
            outcomes = counts[session].sum()
            if newest >= _SETTLED and outcomes:
                known = total[newest + 1] - total[max(0, newest + 1 - window)]
                held = np.searchsorted(known.cumsum(), (1 - before) * known.sum())
                missed = counts[session, held + 1 :].sum() / outcomes
                misses[session] = missed
            asked[session + self._horizon] = np.clip(
                asked[session + self._horizon - 1]
                + speed * outcomes / (outcomes + _LUCK) * (wanted - misses[session]),
                wanted * _SMALLEST,
                wanted * _LARGEST if level > 0.5 else wanted * 1.5,  # noqa: PLR2004 - half of the outcomes
            )
        return asked[self._horizon :]
