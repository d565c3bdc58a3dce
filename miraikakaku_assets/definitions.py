"""The code location that `workspace.yaml` names."""

from miraikakaku_assets.orchestration.loading import paused_collection

with paused_collection():
    from miraikakaku_assets.orchestration.build import build_defs
    from miraikakaku_assets.orchestration.console import settle_console
    from miraikakaku_assets.settings import settings

    settle_console(settings().log_level)
    defs = build_defs()
