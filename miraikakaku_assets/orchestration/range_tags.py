"""Run tags that make a partitioned run cover a range of keys."""


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags for a range of keys (in insertion order, both included)."""
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
