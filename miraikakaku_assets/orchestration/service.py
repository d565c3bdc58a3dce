"""Runs a module of Dagster's as a process of `up`: ``python -m miraikakaku_assets.orchestration.service MODULE …``."""

import runpy
import sys

from miraikakaku_assets.orchestration.console import settle_console
from miraikakaku_assets.settings import settings


def main() -> None:
    """Runs the module that the first argument names with the others as its arguments."""
    settle_console(settings().log_level)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
