"""DAGSTER_HOME of this installation: a folder below the state folder with our ``dagster.yaml`` in it."""

import os
from pathlib import Path

import dagster as dg

from miraikakaku_assets.adapters.files.state_folders import write_whole
from miraikakaku_assets.domain.errors import ConfigurationError
from miraikakaku_assets.settings import Settings

_PACKAGE = Path(__file__).resolve().parents[2]


def shipped_file(name: str) -> Path:
    """``dagster.yaml`` or ``workspace.yaml``: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / name
    return inside if inside.exists() else _PACKAGE.parent / name


def prepare_home(settings: Settings) -> Path:
    """Writes the instance's configuration and points this process and its children at it.

    Returns:
        The folder, ``<MIRAIKAKAKU_HOME>/dagster``.

    Raises:
        ConfigurationError: DAGSTER_YAML names no file that can be read.
    """
    home = settings.home / "dagster"
    source = settings.dagster_yaml or shipped_file("dagster.yaml")
    try:
        shipped = source.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"DAGSTER_YAML: {source} cannot be read ({error.strerror}); name the configuration of a Dagster "
            "instance, or unset it"
        ) from None
    target = home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != shipped:
        write_whole(target, shipped)
    os.environ["DAGSTER_HOME"] = str(home)
    # Children run in other folders; a relative state folder would be another one there.
    os.environ["MIRAIKAKAKU_HOME"] = str(settings.home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of this installation."""
    prepare_home(settings)
    return dg.DagsterInstance.get()
