"""Processor seconds of processes: they say the same on a machine that is busy with something else."""

import psutil

from miraikakaku_assets.adapters.storage.engine import Database


def processor_seconds(process: psutil.Process) -> float:
    """Of a process, of those it has started, and of those of them that have ended."""
    times = [member.cpu_times() for member in (process, *process.children(recursive=True))]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def postgres_seconds(database: Database) -> float:
    """Of the whole server behind a database, on this machine."""
    with database.engine.connect() as connection:
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return processor_seconds(psutil.Process(psutil.Process(own).ppid()))
