"""How much of the machine is in use, by psutil; where a container has less than the machine, how much of that."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from miraikakaku_assets.adapters.machine.control_groups import ControlGroups, CpuLimit
from miraikakaku_assets.application.ports.operations.system import Measurement

_GIB = 1 << 30


@dataclass(frozen=True)
class _Busy:
    """Processor seconds since the machine started."""

    busy: float
    total: float


class CpuUse:
    """Implements the port `CpuWindow`."""

    def __init__(self, groups: ControlGroups, wait: Callable[[float], object]) -> None:
        self._groups = groups
        self._wait = wait
        self._began = time.monotonic()
        self._machine = _processors()
        self._group = groups.cpu()

    def used(self, least_seconds: float) -> Measurement:
        """Share of the processors that was busy since then; waits until the span is long enough."""
        left = least_seconds - (time.monotonic() - self._began)
        if left > 0:
            self._wait(left)
        seconds, now = time.monotonic() - self._began, _processors()
        total = now.total - self._machine.total
        if total <= 0:  # a window shorter than the kernel's tick
            return Measurement(None, "the window is too short")
        share = min(max((now.busy - self._machine.busy) / total, 0.0), 1.0)
        machine = Measurement(share, f"of {psutil.cpu_count() or 1} processors over {seconds:.0f} s")
        container = self._of_group(seconds)
        return machine if container is None or container.value is None else _worse(machine, container)

    def _of_group(self, seconds: float) -> Measurement | None:
        before, now = self._group, self._groups.cpu()
        if before is None or now is None:
            return None
        share = (now.used_seconds - before.used_seconds) / (seconds * now.processors)
        return Measurement(min(max(share, 0.0), 1.0), _container_processors(now, seconds))


def _container_processors(group: CpuLimit, seconds: float) -> str:
    return f"of the {group.processors:g} processors of this container over {seconds:.0f} s"


def _processors() -> _Busy:
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)  # counted in user
    idle = times.idle + getattr(times, "iowait", 0.0)
    return _Busy(total - idle, total)


class MachineUse:
    """Implements the port `Machine`.

    Args:
        folders: What has to have room, with what it is called: the state folder, the database's.
        groups: Limits of the container.
        wait: Passes some seconds.
    """

    def __init__(
        self,
        folders: Sequence[tuple[str, Path]],
        groups: ControlGroups | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._folders = folders
        self._groups = groups or ControlGroups()
        self._wait = wait

    def open_cpu_window(self) -> CpuUse:
        """Begins to measure the processors."""
        return CpuUse(self._groups, self._wait)

    def memory(self) -> Measurement:
        """Share of the memory in use; the worse of the machine's and the container's."""
        memory = psutil.virtual_memory()
        machine = Measurement(
            1 - memory.available / memory.total, f"of {memory.total / _GIB:.1f} GiB, swap not counted"
        )
        group = self._groups.memory()
        if group is None:
            return machine
        limit = f"of the {group.limit / _GIB:.1f} GiB of this container"
        return _worse(machine, Measurement(min(group.used / group.limit, 1.0), limit))

    def disk(self) -> Measurement:
        """Share of the fullest volume in use; folders on one volume are one."""
        volumes: dict[int, tuple[str, Path]] = {}
        for title, folder in self._folders:
            there = next(path for path in (folder, *folder.parents) if path.exists())
            volumes.setdefault(there.stat().st_dev, (title, there))
        shares = [(_disk_share(path), title) for title, path in volumes.values()]
        (share, free), title = max(shares)
        return Measurement(share, f"{free / _GIB:,.1f} GiB free for the {title}")


def _disk_share(path: Path) -> tuple[float, int]:
    """Share in use as df counts it (what is reserved for root is nobody's), and the bytes that are free."""
    usage = psutil.disk_usage(str(path))
    return usage.percent / 100, usage.free


def _worse(first: Measurement, second: Measurement) -> Measurement:
    return max(first, second, key=lambda measured: measured.value or 0.0)
