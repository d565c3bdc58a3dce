"""Results of rules as metadata for the web UI."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from miraikakaku_assets.domain.quality.results import RuleResult


def shown(results: Sequence[RuleResult]) -> dict[str, Any]:
    """Every rule, the worst exceptions of those that are broken, and the statements that list them all."""
    rules = [
        dg.TableRecord(
            {
                "rule": result.rule,
                "state": result.state.value,
                "exceptions": result.exceptions,
                "of": result.rows,
                "holds when": result.sentence,
                "note": result.note,
            }
        )
        for result in results
    ]
    metadata: dict[str, Any] = {
        "exceptions": sum(result.exceptions for result in results),
        "rows": max((result.rows for result in results), default=0),
        "rules": dg.MetadataValue.table(records=rules),
    }
    metadata |= {
        result.rule: float(result.value) for result in results if result.value is not None
    }  # drawn over time
    worst = [
        dg.TableRecord({"rule": result.rule, "key": worst.key, "value": worst.value})
        for result in results
        for worst in result.worst
    ]
    if worst:
        metadata["worst"] = dg.MetadataValue.table(records=worst)
    listed = [f"-- {result.rule}\n{result.query}" for result in results if result.query]
    if listed:
        metadata["all_exceptions"] = dg.MetadataValue.md("```sql\n" + "\n\n".join(listed) + "\n```")
    return metadata
