"""Seeded bugs: each takes one care away from the product. A model that does not find one is not worth much."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from hcrm_central.api import pull, push
from hcrm_central.store import engine
from hcrm_core.wire import OperationResult, ResultStatus, StreamPage
from hcrm_desktop.cache import overlay
from hcrm_desktop.cache import streams as cache
from hcrm_desktop.cache.outbox import Outbox
from hcrm_desktop.cache.tables import CURSOR, KIND_TABLES
from hcrm_desktop.cache.workspace import Workspace
from tests.sync.model.centre import Centre

Bug = Callable[[Centre], AbstractContextManager[None]]


@contextmanager
def _replaced(owner: Any, name: str, other: Callable[..., Any]) -> Iterator[None]:
    """`other` in the place of a function of the product; it is given the true one first."""
    true = getattr(owner, name)
    setattr(owner, name, lambda *args, **options: other(true, *args, **options))
    try:
        yield
    finally:
        setattr(owner, name, true)


@contextmanager
def _rewritten(centre: Centre, function: str, change: Callable[[str], str]) -> Iterator[None]:
    """A function of the database, changed."""
    with centre.store.owner.connect() as connection:
        true = connection.execute(text(f"SELECT pg_get_functiondef('{function}'::regproc)")).scalar_one()
    other = change(true)
    assert other != true, f"{function} is not what it was: the bug must be sown anew"
    centre.as_owner(other.replace(":", r"\:"))
    try:
        yield
    finally:
        centre.as_owner(true.replace(":", r"\:"))


@contextmanager
def _without_triggers(centre: Centre, name: str) -> Iterator[None]:
    """Triggers of that name, switched off on every table."""
    with centre.store.owner.connect() as connection:
        found = connection.execute(
            text("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = :n"), {"n": name}
        )
        tables = list(found.scalars())
    centre.as_owner(*(f"ALTER TABLE {table} DISABLE TRIGGER {name}" for table in tables))
    try:
        yield
    finally:
        centre.as_owner(*(f"ALTER TABLE {table} ENABLE TRIGGER {name}" for table in tables))


# ── the centre forgets ───────────────────────────────────────────────────────────────────────────────────


def no_receipts(_centre: Centre) -> AbstractContextManager[None]:
    """A number that comes again is as new."""

    def forget(_true: Any, applier: Any, operation: Any) -> None:
        applier.last_n = min(applier.last_n, operation.n - 1)
        applier._session.execute(
            text(
                "UPDATE receipt SET n = -n, op_id = gen_random_uuid()"
                " WHERE op_id = :op OR device_id = :device AND n = :n"
            ),
            {"op": operation.op_id, "device": applier._device.id, "n": operation.n},
        )

    return _replaced(push._Applier, "_receipt", forget)


def held_operations_are_dropped(_centre: Centre) -> AbstractContextManager[None]:
    """A refusal is answered and nothing is kept."""
    return _replaced(push._Applier, "_hold", lambda _true, *_args, **_options: None)


def a_repeated_answer_looks_like_success(_centre: Centre) -> AbstractContextManager[None]:
    """A held operation whose answer was lost is told as done when it is sent again."""

    def again(true: Any, *args: Any, **options: Any) -> OperationResult:
        result: OperationResult = true(*args, **options)
        return result.model_copy(update={"status": ResultStatus.DUPLICATE})

    return _replaced(push._Applier, "_again", again)


def no_tombstone_for_what_moved_away(centre: Centre) -> AbstractContextManager[None]:
    """The stream that a customer left is not told."""
    union = "UNION SELECT o.site_id || ':people', 'customer', o.id FROM former_rows o"
    return _rewritten(
        centre,
        "hcrm.note_changed_customers",
        lambda true: true.replace(union, union.replace("SELECT o.site_id", "SELECT n.site_id")),
    )


def no_tombstone_for_what_was_deleted(centre: Centre) -> AbstractContextManager[None]:
    """A deleted row leaves no trace."""
    return _without_triggers(centre, "note_delete")


def what_hangs_on_a_reassigned_customer_is_not_noted(centre: Centre) -> AbstractContextManager[None]:
    """Only the customer's own row is offered again."""
    return _rewritten(centre, "hcrm.note_changed_customers", lambda true: true.replace("IF given IS NULL", "IF true"))


def unstamped_rows_are_tolerated(centre: Centre) -> AbstractContextManager[None]:
    """Stamps are given first, when nothing has changed yet, and nobody minds."""

    @contextmanager
    def sown() -> Iterator[None]:
        def declare(true: Any, session: Session, principal: Any) -> None:
            true(session, principal)
            if session.connection().get_isolation_level() != "REPEATABLE READ":
                session.execute(text("SELECT hcrm.stamp()"))

        with (
            _without_triggers(centre, "refuse_unstamped"),
            _replaced(engine, "stamp", lambda _true, _session: None),
            _replaced(engine, "declare", declare),
        ):
            yield

    return sown()


def a_partial_page_moves_the_cursor_to_the_head(_centre: Centre) -> AbstractContextManager[None]:
    """The rest of the stream is passed over."""

    def changes(true: Any, *args: Any, head: int, **options: Any) -> tuple[Any, Any, int]:
        rows, tombstones, _ = true(*args, head=head, **options)
        return rows, tombstones, head

    return _replaced(pull._Reader, "_changes", changes)


def restored_without_a_new_epoch(_centre: Centre) -> AbstractContextManager[None]:
    """Whoever restores says so, and the database keeps its name all the same."""
    return _replaced(Centre, "renew_epoch", lambda _true, _centre: None)


# ── the workstation forgets ──────────────────────────────────────────────────────────────────────────────


def accepted_entries_are_not_offered_again(_centre: Centre) -> AbstractContextManager[None]:
    """What a restored centre has forgotten is gone."""
    return _replaced(Outbox, "reoffer", lambda _true, *_args, **_options: None)


def the_cursor_is_saved_before_the_rows(_centre: Centre) -> AbstractContextManager[None]:
    """In a transaction of its own."""

    def apply(true: Any, session: Session, page: StreamPage) -> Any:
        cache.advance(session, page.stream, page.next)
        raw = session.connection().connection
        raw.execute("COMMIT")
        raw.execute("BEGIN IMMEDIATE")
        return true(session, page)

    return _replaced(cache, "apply_page", apply)


def rows_of_revoked_streams_are_kept(_centre: Centre) -> AbstractContextManager[None]:
    """Only the cursor goes."""

    def purge(_true: Any, session: Session, keys: Sequence[str]) -> set[str]:
        session.execute(delete(CURSOR).where(CURSOR.c.stream.in_(keys)))
        return set()

    return _replaced(cache, "purge", purge)


def a_tombstone_takes_a_row_that_came_by_another_stream(_centre: Centre) -> AbstractContextManager[None]:
    """Whatever stream it speaks of."""

    def bury(_true: Any, session: Session, kind: str, ids: Sequence[UUID], **_options: Any) -> None:
        session.execute(delete(KIND_TABLES[kind]).where(KIND_TABLES[kind].c.id.in_(ids)))

    return _replaced(cache, "bury", bury)


def a_reset_is_not_obeyed(_centre: Centre) -> AbstractContextManager[None]:
    """Rows of another profile stay."""

    def apply(true: Any, session: Session, page: StreamPage) -> Any:
        return true(session, page.model_copy(update={"reset": None}))

    return _replaced(cache, "apply_page", apply)


def the_overlay_is_not_laid_after_a_page(_centre: Centre) -> AbstractContextManager[None]:
    """What waits vanishes from the screen."""
    return _replaced(overlay, "lay_all", lambda _true, *_args, **_options: None)


def the_next_person_keeps_the_cache_of_the_last(_centre: Centre) -> AbstractContextManager[None]:
    """Whoever signs in finds what another was sent."""
    return _replaced(Workspace, "_own", lambda _true, *_args: None)


def an_answer_is_taken_for_all(_centre: Centre) -> AbstractContextManager[None]:
    """Whatever became of an operation, the workstation says it was accepted."""

    def answer(true: Any, outbox: Outbox, results: Sequence[OperationResult]) -> Any:
        return true(outbox, [result.model_copy(update={"status": ResultStatus.APPLIED}) for result in results])

    return _replaced(Outbox, "answer", answer)


BUGS: tuple[Bug, ...] = (
    no_receipts,
    held_operations_are_dropped,
    a_repeated_answer_looks_like_success,
    no_tombstone_for_what_moved_away,
    no_tombstone_for_what_was_deleted,
    what_hangs_on_a_reassigned_customer_is_not_noted,
    unstamped_rows_are_tolerated,
    a_partial_page_moves_the_cursor_to_the_head,
    restored_without_a_new_epoch,
    accepted_entries_are_not_offered_again,
    the_cursor_is_saved_before_the_rows,
    rows_of_revoked_streams_are_kept,
    a_tombstone_takes_a_row_that_came_by_another_stream,
    a_reset_is_not_obeyed,
    the_overlay_is_not_laid_after_a_page,
    the_next_person_keeps_the_cache_of_the_last,
    an_answer_is_taken_for_all,
)
