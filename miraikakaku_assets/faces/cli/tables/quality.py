"""What people see of checks of stored data."""

from collections.abc import Mapping
from typing import Any

from miraikakaku_assets.domain.words import counted
from miraikakaku_assets.faces.cli.output import show_line, show_table

_SHOWN = 5  # exceptions of a rule on the screen; --json has up to twenty


def show_quality(done: Mapping[str, Any]) -> None:
    """Shows how many rules are kept, those that are broken, and the statements that list what breaks them."""
    states = ", ".join(f"{count:,} {state}" for state, count in done["states"].items())
    show_line(f"{done['universe']} quality up to {done['batch']}: {counted(done['rules'], 'rule')}, {states}")
    if done["broken"]:
        rows = [
            (
                rule["kind"],
                f"{rule['check']}.{rule['rule']}",
                rule["exceptions"],
                rule["rows"],
                rule["note"] or rule["sentence"],
            )
            for rule in done["broken"]
        ]
        show_table("broken", ("kind", "rule", "exceptions", "of", "says"), rows)
    for rule in done["broken"]:
        for key, value in rule["worst"][:_SHOWN]:
            show_line(f"  {rule['rule']}: {key}: {value}")
    for name, note in done["training"].items():
        show_line(f"  {name} {note}")
    queries = [rule for rule in done["broken"] if rule["query"]]
    if queries:
        show_line('all exceptions (psql "$(miraikakaku db url --password)"):')
    for rule in queries:
        show_line(f"-- {rule['check']}.{rule['rule']}\n{rule['query'].strip()}")
