# ruff: noqa: INP001 - Python looks for it under this name in a folder that is no package
"""Python runs this first in every process that `up` starts, and in those that they start: Dagster's code servers.

A code server writes its first coloured line before it loads our code location, and takes no format without colours.
Python runs one module of this name; what this environment had of its own is run as if this were not there.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

from miraikakaku_assets.orchestration.plain_streams import plain_console

_own = PathFinder.find_spec(
    "sitecustomize",
    [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent],
)
if _own is not None and _own.loader is not None:
    _own.loader.exec_module(module_from_spec(_own))

plain_console()
