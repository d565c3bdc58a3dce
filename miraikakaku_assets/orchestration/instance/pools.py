"""How many runs of a pool are at work at a time."""

import dagster as dg


def follow_default_limits(instance: dg.DagsterInstance) -> None:
    """Gives pools that nobody has set a limit for the one of ``dagster.yaml``.

    Dagster writes the default down when a pool is used first and keeps it when the default changes: an installation
    that went from one machine to many would go on collecting with two runs at a time. A kill in between leaves a pool
    that is not written down, which gets the default when it is used next.
    """
    books, default = instance.event_log_storage, instance.global_op_concurrency_default_limit
    for pool in books.get_pool_limits():
        if pool.from_default and pool.limit != default:
            # First away with it: over a pool that is there, Dagster 1.13 runs into its own key and goes on in the
            # transaction that PostgreSQL has given up by then.
            books.delete_concurrency_limit(pool.name)
            books.initialize_concurrency_limit_to_default(pool.name)
