"""The part of ``status`` about the health of assets."""

from typing import TYPE_CHECKING

from miraikakaku_assets.domain.market.instruments import UNIVERSES, Universe
from miraikakaku_assets.faces.cli.output import print_json, show_line, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miraikakaku_assets.application.ports.operations.assets import AssetHealth


def show_asset_health(chosen: Universe, assets: "Sequence[AssetHealth]", *, as_json: bool) -> None:
    """Every universe in a word, and the assets of one of them and of what belongs to none, the worst first.

    Args:
        chosen: Whose assets are listed.
        assets: All of them.
        as_json: One JSON document instead.
    """
    from miraikakaku_assets.application.monitoring.asset_health import judge_groups

    groups = {name: state.word for name, state in judge_groups(assets).items()}
    others = set(UNIVERSES) - {chosen.name}
    listed = sorted(
        (asset for asset in assets if asset.group not in others), key=lambda asset: (-asset.state, asset.key)
    )
    if as_json:
        print_json(
            {
                "universe": chosen.name,
                "state": groups.get(chosen.name, "Unknown"),
                "groups": groups,
                "assets": [asset.document for asset in listed],
            }
        )
        return
    show_line(", ".join(f"{name} {state}" for name, state in groups.items()))
    rows = [(asset.key, asset.state.word, "; ".join(asset.reasons) or "–") for asset in listed]
    title = f"assets of {chosen.name} and of all universes; their pages in the web UI are /assets/<asset>"
    show_table(title, ("asset", "state", "why"), rows)
