"""Use case: ask a paused source again at once, because an operator knows better than the pause."""

from miraikakaku_assets.application.ports.rate_limit import AdjustableRate, Breaker, LimitState


def resume_source(rate: AdjustableRate) -> LimitState:
    """Lifts a source's pause, a ``Retry-After`` too, and restores its full rate; without a pause nothing is touched.

    Args:
        rate: Of the source.

    Returns:
        How the rate was before; see `is_paused`.

    Raises:
        DependencyUnavailableError: The database cannot be reached.
    """
    before = rate.state()
    if is_paused(before):
        rate.resume()
    return before


def is_paused(state: LimitState) -> bool:
    """Whether anybody waits for the source, or only one request at a time may find out whether it answers again."""
    return state.breaker is not Breaker.CLOSED or state.blocked_until is not None
