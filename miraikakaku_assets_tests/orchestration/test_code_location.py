"""The code location as Dagster loads it: small, cheap to import, and valid."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance import InstanceRef

import miraikakaku_assets.definitions
from miraikakaku_assets import bootstrap
from miraikakaku_assets.orchestration.instance.home import prepare_home, shipped_file
from miraikakaku_assets.orchestration.instance.storage import PooledRunStorage
from miraikakaku_assets.orchestration.resources import PortsResource
from miraikakaku_assets.settings import Settings

HEAVY = (
    "adbc_driver_postgresql",
    "curl_cffi",
    "exchange_calendars",
    "great_expectations",
    "matplotlib",
    "pandas",
    "pyarrow",
    "starlette",
    "uvicorn",
    "xlrd",
    "yfinance",
)


def clean_environment(home: Path) -> dict[str, str]:
    """What a shell gives to a process, and nothing of the test run's own."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "MIRAIKAKAKU_HOME": str(home)}


def test_the_module_that_dagster_names_only_assembles() -> None:
    assert miraikakaku_assets.definitions.__file__ is not None
    lines = Path(miraikakaku_assets.definitions.__file__).read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 40


def test_loading_it_imports_no_heavy_library_and_touches_no_disk(tmp_path: Path) -> None:
    program = (
        "import json, sys, miraikakaku_assets.definitions as location\n"
        "assert location.defs is not None\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:miraikakaku_assets", "-c", program],
        env=clean_environment(tmp_path / "home"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == []
    assert list(tmp_path.iterdir()) == []


def test_dagster_validates_the_workspace(database_url: str, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path / "home") | {
        "DATABASE_URL": database_url,
        "DAGSTER_HOME": str(prepare_copy(tmp_path)),
    }

    validated = subprocess.run(
        [
            sys.executable,
            "-m",
            "dagster",
            "definitions",
            "validate",
            "-w",
            str(shipped_file("workspace.yaml")),
        ],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert validated.returncode == 0, validated.stderr + validated.stdout
    assert "All code locations passed validation" in validated.stderr + validated.stdout


def prepare_copy(folder: Path) -> Path:
    """DAGSTER_HOME as the commands prepare it, without changing this process's environment."""
    remembered = dict(os.environ)
    try:
        return prepare_home(Settings(_env_file=None, miraikakaku_home=folder / "home"))
    finally:
        os.environ.clear()
        os.environ.update(remembered)


def test_the_home_is_rewritten_only_when_the_shipped_file_changed(tmp_path: Path) -> None:
    home = prepare_copy(tmp_path)
    written = home / "dagster.yaml"
    first = written.stat().st_mtime_ns

    prepare_copy(tmp_path)
    kept = written.stat().st_mtime_ns
    written.write_text("telemetry: {enabled: true}\n", encoding="utf-8")
    prepare_copy(tmp_path)

    assert kept == first
    assert written.read_bytes() == shipped_file("dagster.yaml").read_bytes()


def test_dagster_dev_in_the_checkout_opens_the_instance_of_up(installed_url: str, tmp_path: Path) -> None:
    bootstrap.use(Settings(_env_file=None, miraikakaku_home=tmp_path / "home", database_url=installed_url))
    checkout = str(shipped_file("workspace.yaml").parent)

    # What `dagster dev` and `dg dev` do without DAGSTER_HOME: a temporary folder, and the working directory's file.
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), config_dir=checkout)) as instance:
        assert isinstance(instance.run_storage, PooledRunStorage)
        assert instance.run_storage.postgres_url == bootstrap.dagster_storage_url()
        assert dg.materialize([_nothing()], instance=instance, resources={"ports": PortsResource()}).success


def test_a_run_on_an_instance_of_files_is_refused_by_name(tmp_path: Path) -> None:
    bootstrap.use(Settings(_env_file=None, miraikakaku_home=tmp_path / "home"))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance, pytest.raises(dg.DagsterError) as caught:
        dg.materialize([_nothing()], instance=instance, resources={"ports": PortsResource()})

    assert "start it with `miraikakaku up`, or `dagster dev` in the checkout" in str(caught.value.__cause__)
    assert not (tmp_path / "home").exists()


def _nothing() -> dg.AssetsDefinition:
    @dg.asset
    def nothing(ports: PortsResource) -> None:
        """Needs nothing but the installation."""

    return nothing
