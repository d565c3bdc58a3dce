"""Use case: put an exchange's newest list into force, or say why not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from miraikakaku_assets.application.ports import (
    Clock,
    FileStore,
    MasterSource,
    MasterStore,
    MasterUpdate,
    Publication,
)
from miraikakaku_assets.application.ports.redact_url import shown
from miraikakaku_assets.domain.errors import InputFileError, MasterRefusedError, MiraikakakuError
from miraikakaku_assets.domain.market.instruments import Universe
from miraikakaku_assets.domain.market.master import MasterDiff, Objection, StockList, compare, objections
from miraikakaku_assets.fault_points import fault_point

_TOMORROW = timedelta(days=1)  # the exchange's day begins before ours


def update_master(
    universe: Universe,
    location: str | None,
    *,
    source: MasterSource,
    store: MasterStore,
    shelf: FileStore,
    clock: Clock,
    scheduled: bool = False,
    accept_mass_change: bool = False,
) -> MasterUpdate:
    """Fetches a list, compares it with the master, and puts it into force.

    Every attempt is recorded in the update history, also the ones that fail. A list the guard objects to is
    kept in quarantine and the last good master stays in force.

    Args:
        universe: Whose master.
        location: URL, file or folder of the list; None for where the source's exchange publishes it.
        source: Reads the list.
        store: Holds the master.
        shelf: Keeps the files.
        clock: Time of the attempt.
        scheduled: Whether a schedule asked for it (history: ``scheduled`` instead of ``manual``).
        accept_mass_change: A person has looked at the list and wants it in spite of the guard.

    Returns:
        The line that was added to the history, status ``success``.

    Raises:
        DependencyUnavailableError: The URL cannot be reached.
        InputFileError: The file is not such a list.
        MasterRefusedError: The guard objects; the message says where the file waits and how to accept it.
    """
    started = clock()
    attempt = MasterUpdate(
        universe=universe.name,
        update_type="scheduled" if scheduled else "manual",
        status="failed",
        source=" + ".join(map(shown, [location] if location else source.locations)),
        started_at=started,
        completed_at=started,
        accepted_mass_change=accept_mass_change,
    )
    try:
        publication = source.fetch(location)
        new = source.parse(publication)
        if new.list_date > (started + _TOMORROW).date():  # every later list would count as older
            raise InputFileError(attempt.source, "future_list", f"its date {new.list_date} has not come yet")
    except MiraikakakuError as error:
        rule = error.rule if isinstance(error, InputFileError) else None
        store.record(replace(attempt, completed_at=clock(), rule=rule, error_message=str(error)))
        raise
    attempt = replace(attempt, total_stocks=len(new.issues), list_date=new.list_date, sha256=new.sha256)
    with store.exclusive(universe):
        known = store.known(universe)
        last, limits = store.last_list_date(universe), universe.guard
        refusals = [] if accept_mass_change else objections(known, last, new, limits)
        if refusals:
            raise _quarantined(publication, new, refusals, attempt, store, shelf, clock)
        diff = compare(known, new.issues)
        return _put_into_force(universe, publication, new, diff, attempt, store, shelf, clock)


def _put_into_force(
    universe: Universe,
    publication: Publication,
    new: StockList,
    diff: MasterDiff,
    attempt: MasterUpdate,
    store: MasterStore,
    shelf: FileStore,
    clock: Clock,
) -> MasterUpdate:
    before = store.saved(universe)
    if before is not None:
        shelf.save_master(universe.name, attempt.started_at, before)
    kept = shelf.keep("masters", publication, f"{universe.name}_{new.list_date:%Y%m%d}")
    fault_point("master.after_copy_kept")
    update = replace(
        attempt,
        status="success",
        stored_file=str(kept),
        completed_at=clock(),
        added_stocks=len(diff.added),
        updated_stocks=len(diff.updated),
        removed_stocks=len(diff.removed),
        returned_stocks=len(diff.returned),
        unchanged_stocks=len(diff.unchanged),
        counts=new.counts,
    )
    store.apply(universe, new, diff, update)
    return update


def _quarantined(
    publication: Publication,
    new: StockList,
    refusals: Sequence[Objection],
    attempt: MasterUpdate,
    store: MasterStore,
    shelf: FileStore,
    clock: Clock,
) -> MasterRefusedError:
    """Keeps and records a list the guard objects to; returns the error that says so."""
    waiting = shelf.keep("quarantine", publication, f"{attempt.universe}_{new.list_date:%Y%m%d}")
    explanation = (
        f"{'; '.join(objection.explanation for objection in refusals)}; the last good master stays in force and "
        f"the new one waits in {waiting}: look at it and repeat with --accept-mass-change if it is right"
    )
    refused = MasterRefusedError(
        attempt.source, "+".join(objection.rule for objection in refusals), explanation
    )
    store.record(
        replace(
            attempt,
            status="quarantined",
            stored_file=str(waiting),
            completed_at=clock(),
            rule=refused.rule,
            error_message=str(refused),
        )
    )
    return refused
