"""The code location that `workspace.yaml` names."""

from miraikakaku_assets.orchestration.build import build_defs

defs = build_defs()
