"""The table of indicators on its page, as the definitions say it."""

from itertools import groupby

from miraikakaku_assets.domain.indicators.definitions import INDICATORS, needed_history


def indicator_table() -> str:
    """Rows of columns, meaning, and the bar from which on they are shown."""
    rows = []
    for meaning, alike in groupby(INDICATORS, key=lambda indicator: indicator.meaning):
        names = [name for indicator in alike for name in indicator.columns]
        bars = [f"{needed_history(name):,}" for name in names]
        shown = bars[0] if len(set(bars)) == 1 else ", ".join(bars)
        rows.append(f"| {', '.join(f'`{name}`' for name in names)} | {meaning} | {shown} |")
    return "\n".join(["| columns | definition | shown from bar |", "|---|---|---|", *rows, "", ""])
