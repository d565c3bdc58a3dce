# ruff: noqa: INP001 - Python looks for it under this name in a folder that is no package
"""Python runs this first in every process that `up` starts, and in those that they start: Dagster's code servers.

A code server writes its first coloured line before it loads our code location, and takes no format without colours.
"""

from miraikakaku_assets.orchestration.plain_streams import plain_console

plain_console()
