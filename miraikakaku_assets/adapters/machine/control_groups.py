"""Limits of a container, as Linux's control groups state them (version 2, and version 1 where that is mounted).

A process sees the whole machine's figures; what ends it is the limit of its own group or of one above it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OF_THIS_PROCESS = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60  # version 1 writes a page-aligned 2^63 for none


@dataclass(frozen=True)
class MemoryLimit:
    """Bytes in use, without the file cache that is given back on demand, of the bytes allowed."""

    used: int
    limit: int


@dataclass(frozen=True)
class CpuLimit:
    """Seconds of processors used so far by the group, of the processors allowed."""

    used_seconds: float
    processors: float


class ControlGroups:
    """The groups of this process.

    Args:
        root: Where control groups are mounted.
        membership: The file that names the groups of the process.
    """

    def __init__(self, root: Path = _ROOT, membership: Path = _OF_THIS_PROCESS) -> None:
        self._root = root
        self._membership = membership

    def memory(self) -> MemoryLimit | None:
        """The group whose memory is used up most; None where none is limited."""
        limits = [*self._memory_limits("", "memory.max", "memory.current", "inactive_file")]
        limits += self._memory_limits(
            "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        )
        return max(limits, key=lambda group: group.used / group.limit, default=None)

    def cpu(self) -> CpuLimit | None:
        """The group with the fewest processors; None where none is limited."""
        limits = [*self._cpu_limits_2(), *self._cpu_limits_1()]
        return min(limits, key=lambda group: group.processors, default=None)

    def _memory_limits(self, controller: str, limit: str, used: str, cache: str) -> Iterator[MemoryLimit]:
        for folder in self._folders(controller):
            allowed = _number(folder / limit)
            in_use = _number(folder / used)
            if allowed and allowed < _UNLIMITED and in_use is not None:
                given_back = _fields(folder / "memory.stat").get(cache, 0)
                yield MemoryLimit(max(in_use - given_back, 0), allowed)

    def _cpu_limits_2(self) -> Iterator[CpuLimit]:
        for folder in self._folders(""):
            quota, _, period = _text(folder / "cpu.max").partition(" ")
            used = _fields(folder / "cpu.stat").get("usage_usec")
            if quota.isdigit() and period.isdigit() and used is not None:
                yield CpuLimit(used / 1e6, int(quota) / int(period))

    def _cpu_limits_1(self) -> Iterator[CpuLimit]:
        for folder in self._folders("cpu"):
            quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
            relative = folder.relative_to(self._root / "cpu")
            used = _number(self._root / "cpuacct" / relative / "cpuacct.usage")
            if quota and quota > 0 and period and used is not None:
                yield CpuLimit(used / 1e9, quota / period)

    def _folders(self, controller: str) -> Iterator[Path]:
        """The group's folder and those above it, up to the root; inside a container often the root alone."""
        top = self._root / controller
        for line in _text(self._membership).splitlines():
            _, controllers, path = line.split(":", 2)
            if (controller in controllers.split(",")) if controller else not controllers:
                folder = top / path.lstrip("/")
                inside = [folder, *folder.parents]
                yield from (each for each in inside if each.is_relative_to(top) and each != top)
        yield top


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # no such controller here
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.lstrip("-").isdigit() else None


def _fields(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}  # noqa: PLR2004
