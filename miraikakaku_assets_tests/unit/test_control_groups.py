"""Limits of a container, read from folders as the kernel lays them out."""

from pathlib import Path

import pytest

from miraikakaku_assets.adapters.machine.control_groups import ControlGroups, CpuLimit, MemoryLimit
from miraikakaku_assets.adapters.machine.usage import MachineUse

GIB = 1 << 30


def groups(folder: Path, membership: str, **files: str) -> ControlGroups:
    """Groups of a process; names of files have ``__`` for a slash and ``_DOT_`` for a dot."""
    for name, content in files.items():
        path = folder / "cgroup" / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    named = folder / "membership"
    named.write_text(membership)
    return ControlGroups(folder / "cgroup", named)


def test_the_limit_of_a_group_above_counts_and_given_back_cache_does_not(tmp_path: Path) -> None:
    limits = groups(
        tmp_path,
        "0::/pod/app\n",
        pod__memory_DOT_max=str(4 * GIB),
        pod__memory_DOT_current=str(3 * GIB),
        pod__memory_DOT_stat=f"anon 1\ninactive_file {GIB}",
        pod__app__memory_DOT_max="max",
        pod__app__memory_DOT_current=str(2 * GIB),
        pod__app__cpu_DOT_max="50000 100000",
        pod__app__cpu_DOT_stat="usage_usec 2500000\nuser_usec 1",
        pod__cpu_DOT_max="max 100000",
    )

    assert limits.memory() == MemoryLimit(2 * GIB, 4 * GIB)
    assert limits.cpu() == CpuLimit(2.5, 0.5)


def test_version_1(tmp_path: Path) -> None:
    limits = groups(
        tmp_path,
        "4:memory:/\n3:cpu,cpuacct:/\n",
        memory__memory_DOT_limit_in_bytes=str(GIB),
        memory__memory_DOT_usage_in_bytes=str(GIB // 2),
        memory__memory_DOT_stat="total_inactive_file 0",
        cpu__cpu_DOT_cfs_quota_us="200000",
        cpu__cpu_DOT_cfs_period_us="100000",
        cpuacct__cpuacct_DOT_usage="3000000000",
    )

    assert limits.memory() == MemoryLimit(GIB // 2, GIB)
    assert limits.cpu() == CpuLimit(3.0, 2.0)


@pytest.mark.parametrize("files", [{}, {"memory_DOT_max": "max", "cpu_DOT_max": "max 100000"}])
def test_nothing_is_limited(tmp_path: Path, files: dict[str, str]) -> None:
    limits = groups(tmp_path, "0::/\n", **files)

    assert limits.memory() is None
    assert limits.cpu() is None


def test_a_full_container_on_an_empty_machine_is_full(tmp_path: Path) -> None:
    files = {
        "memory_DOT_max": str(GIB),
        "memory_DOT_current": str(GIB - 1),
        "memory_DOT_stat": "inactive_file 0",
    }
    machine = MachineUse([("state folder", tmp_path)], groups(tmp_path, "0::/\n", **files))

    memory = machine.memory()

    assert memory.value == pytest.approx(1.0)
    assert memory.detail == "of the 1.0 GiB of this container"


def test_a_window_is_as_long_as_it_was_asked_for_and_counts_the_container(tmp_path: Path) -> None:
    waited: list[float] = []
    files = {"cpu_DOT_max": "100000 100000", "cpu_DOT_stat": "usage_usec 0"}
    limits = groups(tmp_path, "0::/\n", **files)

    def wait(seconds: float) -> None:
        """All that passes is the use of the container."""
        waited.append(seconds)
        (tmp_path / "cgroup" / "cpu.stat").write_text("usage_usec 900000000\n")

    window = MachineUse([("state folder", tmp_path)], limits, wait).open_cpu_window()
    used = window.used(3.0)

    assert waited == [pytest.approx(3.0, abs=1.0)]
    if used.value is not None:  # the kernel counts in hundredths of a second
        assert used.value == 1.0


def test_the_disk_is_that_of_the_folder_or_where_it_will_be(tmp_path: Path) -> None:
    disk = MachineUse([("state folder", tmp_path / "not" / "there"), ("database", tmp_path)]).disk()

    assert disk.value is not None
    assert 0 < disk.value <= 1
    assert disk.detail.endswith("GiB free for the state folder")  # one volume is one
