"""A drill on the grounds of a demo."""

from collections.abc import Callable, Sequence

from miraikakaku_assets import bootstrap
from miraikakaku_assets.application.drill.clock import DrillClock
from miraikakaku_assets.application.drill.frame import Damage, Outcome, run_drill
from miraikakaku_assets.bootstrap import Ports
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.orchestration.drill.damages import DAMAGES
from miraikakaku_assets.orchestration.drill.grounds import Grounds
from miraikakaku_assets.orchestration.drill.receiver import receiver


def chosen(names: Sequence[str]) -> tuple[Damage[Grounds], ...]:
    """The damages of these names, in their order; all of them without any.

    Raises:
        ConfigurationError: There is none of a name.
    """
    known = [damage.name for damage in DAMAGES]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError(f"--only {', '.join(unknown)}: no such damage; there are {', '.join(known)}")
    return tuple(damage for damage in DAMAGES if not names or damage.name in names)


def drill(
    installation: Ports,
    clock: DrillClock,
    chosen: Sequence[Damage[Grounds]],
    at: Callable[[int, str], object],
    *,
    fill: bool,
) -> list[Outcome]:
    """Damages a demo in turn.

    Args:
        installation: The demo.
        clock: Its clock.
        chosen: The damages.
        at: Is told how many are done and which is at work.
        fill: Whether the demo is empty yet.

    Raises:
        ConfigurationError: The installation is no demo.
        WorkFellShortError: The demo could not be filled.
    """
    with receiver(clock) as everybody:
        drilled_ports = bootstrap.use(installation.settings, clock, everybody.url)
        grounds = Grounds(drilled_ports, clock, everybody)
        if fill:
            grounds.prepare()
        return list(run_drill(chosen, grounds, at))
