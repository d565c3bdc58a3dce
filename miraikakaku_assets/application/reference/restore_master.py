"""Use case: put a saved stock master back into force."""

import csv
import io

from miraikakaku_assets.application.ports import Clock, FileStore, MasterStore, MasterUpdate
from miraikakaku_assets.domain.errors import BackupRefusedError
from miraikakaku_assets.domain.market.instruments import Universe


def restore_master(
    universe: Universe, named: str, *, store: MasterStore, shelf: FileStore, clock: Clock
) -> tuple[str, int]:
    """Saves the master in force, then puts a copy back; the next list is compared with that.

    Args:
        universe: Whose master.
        named: Name of a copy, or ``latest``.
        store: Holds the master.
        shelf: Holds the copies.
        clock: Time of the attempt.

    Returns:
        Name of the copy, and how many issues it has.

    Raises:
        BackupRefusedError: There is no such copy, or it is none.
    """
    now = clock()
    name, content = shelf.saved_master(universe.name, named)
    try:
        newest = max(row["last_list_date"] for row in csv.DictReader(io.StringIO(content.decode())))
        update = MasterUpdate(
            universe=universe.name,
            update_type="manual",
            status="success",
            source=f"the copy {name}",
            started_at=now,
            completed_at=now,
            list_date=now.date().fromisoformat(newest),
        )
        before = store.saved(universe)
        if before is not None:
            shelf.save_master(universe.name, now, before)
        return name, store.put_back(universe, content, update)
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise BackupRefusedError(
            name, "foreign", f"it is no copy of the stock master of {universe.name} ({error})"
        ) from error
