"""The version of the code that models come from: it changes with the source, and with nothing else."""

from functools import partial
from importlib.resources import files
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.forecasters import code_version as module

SOURCES = ("domain/forecasting", "price_basis.py")


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "object":
    """Of a source tree that can be changed."""
    (tmp_path / "domain/forecasting/inner").mkdir(parents=True)
    for name in (
        "domain/forecasting/panel.py",
        "domain/forecasting/inner/deep.py",
        "price_basis.py",
        "other.py",
    ):
        (tmp_path / name).write_text("ONE = 1\n")
    monkeypatch.setattr(module, "files", lambda _package: tmp_path)
    monkeypatch.setattr(module, "_SOURCES", SOURCES)
    return partial(module.code_version.__wrapped__, frozenset({"xgboost"}))


def test_the_same_source_has_the_same_version(version, tmp_path):
    before = version()
    (tmp_path / "other.py").write_text("TWO = 2\n")
    (tmp_path / "domain/forecasting/__pycache__").mkdir()
    (tmp_path / "domain/forecasting/__pycache__/panel.cpython-311.pyc").write_bytes(b"compiled")
    assert version() == before


@pytest.mark.parametrize(
    "name", ["domain/forecasting/panel.py", "domain/forecasting/inner/deep.py", "price_basis.py"]
)
def test_a_changed_constant_is_another_version(version, tmp_path, name):
    before = version()
    (tmp_path / name).write_text("ONE = 2\n")
    assert version() != before


def test_a_library_of_another_version_is_another_version(version, monkeypatch):
    before = version()
    monkeypatch.setattr(module, "_version", lambda _library: "0")
    assert version() != before


def test_the_real_sources_are_there():
    assert module.code_version(frozenset()).startswith("0.1.0+")
    root = files(module._PACKAGE)
    sources = {name for place in module._SOURCES for name, _ in module._modules(root.joinpath(place), place)}
    assert {
        "domain/forecasting/learning.py",
        "adapters/forecasters/lstm.py",
        "domain/bars/price_basis.py",
    } <= sources
