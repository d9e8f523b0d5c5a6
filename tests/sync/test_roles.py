"""What must not be here is not here: every byte from the wire and every row of the opened files are read."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm_central.store.opening import Store
from hcrm_core.terms import TaskState
from hcrm_desktop.cache import queries
from hcrm_desktop.cache.outbox import UNDO_WINDOW
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.care import FollowUp
from tests.factories import Child, Clinic
from tests.fakes import ListeningTransport
from tests.sync.desk import Desk, consider

DeskFor = Callable[[str], Desk]


def canaries(child: Child, *kinds: str) -> set[str]:
    words = {"phone": child.phone, "price": str(child.price), "said": child.said, "note": child.note}
    words |= {"finding": child.finding, "id": str(child.customer_id)}
    return {words[kind] for kind in kinds or words}


FORBIDDEN: dict[str, Callable[[Clinic], set[str]]] = {
    "assistant": lambda clinic: (
        canaries(clinic.mine, "price", "finding") | canaries(clinic.colleagues) - ids(clinic) | canaries(clinic.far)
    ),
    "optometrist": lambda clinic: (
        canaries(clinic.mine, "price", "said", "note")
        | canaries(clinic.colleagues, "phone", "price", "said", "note")
        | canaries(clinic.far)
    ),
    "manager": lambda _clinic: set(),
    "executive": lambda clinic: canaries(clinic.mine) | canaries(clinic.colleagues) | canaries(clinic.far),
    "admin": lambda clinic: canaries(clinic.mine) | canaries(clinic.colleagues) | canaries(clinic.far),
}
NEEDED: dict[str, Callable[[Clinic], set[str]]] = {
    "assistant": lambda clinic: canaries(clinic.mine, "phone", "said", "note"),
    "optometrist": lambda clinic: canaries(clinic.mine, "phone", "finding") | canaries(clinic.colleagues, "finding"),
    "manager": lambda clinic: canaries(clinic.mine) | canaries(clinic.far),
    "executive": lambda _clinic: set(),
    "admin": lambda _clinic: set(),
}


def ids(clinic: Clinic) -> set[str]:
    """A tombstone names an id and nothing else."""
    return {str(clinic.colleagues.customer_id)}


def dump(workspace: Workspace) -> str:
    """Every row of both files, opened with the key."""
    with workspace.read() as session:
        return "\n".join(
            str(row)
            for schema in ("main", "outbox")
            for (name,) in session.execute(text(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")).all()
            for row in session.execute(text(f"SELECT * FROM {schema}.{name}"))
        )


def plain(word: str) -> set[str]:
    """An id as JSON and as the file holds it."""
    return {word, word.replace("-", "")}


@pytest.mark.parametrize("role", sorted(FORBIDDEN))
def test_what_a_role_may_not_know_never_reaches_its_machine(desk_for: DeskFor, clinic: Clinic, role: str) -> None:
    desk = desk_for("assistant" if role != "assistant" else "manager")  # somebody with other rights was here before
    transport: Any = ListeningTransport()
    desk.transport = transport
    desk.sign_in(role)
    desk.sync()
    desk.sync()
    here = transport.received.decode() + dump(desk.workspace)
    for word in FORBIDDEN[role](clinic):
        assert not [form for form in plain(word) if form in here], word
    for word in NEEDED[role](clinic):
        assert [form for form in plain(word) if form in here], word


def test_what_is_taken_away_is_overwritten_in_the_file(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("manager")
    assert clinic.far.said in dump(desk.workspace)
    desk.sign_in("assistant")
    assert clinic.far.said not in dump(desk.workspace)
    with desk.workspace.read() as session:
        assert session.execute(text("PRAGMA secure_delete")).scalar() == 1


# ── who works here ───────────────────────────────────────────────────────────────────────────────────────


def test_another_person_finds_nothing_of_the_one_before(desk_for: DeskFor, clinic: Clinic) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.sign_in("assistant2")
    assert desk.count("customer") == 0
    desk.sync()
    assert [task.id for task in desk.tasks()] == [clinic.colleagues.task_id]


def test_entries_wait_for_the_person_who_made_them(desk_for: DeskFor, clinic: Clinic, store: Store) -> None:
    desk = desk_for("assistant")
    consider(desk.workspace, clinic.mine.task_id)
    desk.clock.advance(UNDO_WINDOW)
    desk.sign_in("manager")
    assert desk.sync().pushed == 0
    assert desk.task(clinic.mine.task_id).state is TaskState.OPEN  # not his entry to count on
    assert desk.ask(queries.sync_status).unsent == 1
    desk.sign_in("assistant")
    assert desk.sync().pushed == 1
    with Session(store.jobs) as session:
        assert session.query(FollowUp).filter_by(note="再想想").one().staff_id == clinic.staff["assistant"]
