"""How many runs of a pool are at work at a time."""

import dagster as dg


def follow_default_limits(instance: dg.DagsterInstance) -> None:
    """Gives pools that nobody has set a limit for the one of ``dagster.yaml``.

    Dagster writes the default down when a pool is used first and keeps it when the default changes: an installation
    that went from one machine to many would go on collecting with two runs at a time.
    """
    default = instance.global_op_concurrency_default_limit
    for pool in instance.event_log_storage.get_pool_limits():
        if pool.from_default and pool.limit != default:
            instance.event_log_storage.initialize_concurrency_limit_to_default(pool.name)
