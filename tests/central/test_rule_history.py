"""What the database itself refuses: others than managers, and whoever would rewrite history."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.store.engine import Principal, transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import Role
from hcrm_store.base import new_id
from tests.factories import Clinic
from tests.fakes import FakeClock

DENIED, KEPT = "42501", "23001"  # by a privilege or a policy; by the trigger
ADD_VERSION = (
    "INSERT INTO rule_version (id, rule_key, number, state, segment_key, definition, author, author_id)"
    " VALUES (gen_random_uuid(), 'mine', 1, 'draft', 'mine', '{}', 'x', :author)"
)
ADD_PARAMETER = (
    "INSERT INTO rule_parameter (id, key, number, definition, author, author_id)"
    " VALUES (gen_random_uuid(), 'mine', 1, '{}', 'x', :author)"
)
ADD_SEGMENT = "INSERT INTO segment (id, key, label, tone, rank) VALUES (gen_random_uuid(), 'mine', 'x', 'info', 1)"
ADD_REQUEST = (
    "INSERT INTO scan_request (id, kind, key, requested_at, requested_by_id)"
    " VALUES (gen_random_uuid(), 'rule', 'mine', now(), :author)"
)


@pytest.fixture
def installed(store: Store, clock: FakeClock, clinic: Clinic) -> Store:
    install_defaults(store.jobs, clock=clock)
    return store


def run(store: Store, role: Role | None, statement: str, **values: Any) -> int:
    """A statement as the service's role with that person declared, or as the jobs' role; rows touched."""
    account = new_id()
    person = Principal(account_id=account, staff_id=None, role=role, site_ids=()) if role else None
    bound = {"author": account} | values if ":author" in statement else values
    with transaction(store.service if role else store.jobs, person) as session:
        result = session.execute(text(statement), bound)
        return int(getattr(result, "rowcount", 0))


def state_of(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", ""))


def refused(store: Store, role: Role | None, statement: str, **values: Any) -> str:
    with pytest.raises(DBAPIError) as error:
        run(store, role, statement, **values)
    return state_of(error.value)


OTHERS = [role for role in Role if role is not Role.MANAGER]


def test_nobody_but_a_manager_reads_versions(installed: Store) -> None:
    assert run(installed, Role.MANAGER, "SELECT * FROM rule_version") > 0
    assert [run(installed, role, "SELECT * FROM rule_version") for role in OTHERS] == [0] * len(OTHERS)


@pytest.mark.parametrize("statement", [ADD_VERSION, ADD_PARAMETER, ADD_SEGMENT, ADD_REQUEST])
def test_nobody_but_a_manager_adds(installed: Store, statement: str) -> None:
    assert {refused(installed, role, statement) for role in OTHERS} == {DENIED}
    assert run(installed, Role.MANAGER, statement) == 1


def test_nobody_but_a_manager_changes(installed: Store) -> None:
    run(installed, Role.MANAGER, ADD_VERSION)
    for statement in (
        "UPDATE rule_version SET note = 'x' WHERE state = 'draft'",
        "UPDATE segment SET label = 'x' WHERE key = 'potential'",
    ):
        assert [run(installed, role, statement) for role in OTHERS] == [0] * len(OTHERS)
        assert run(installed, Role.MANAGER, statement) == 1


def test_a_manager_writes_under_his_own_account_alone(installed: Store) -> None:
    for statement in (ADD_VERSION, ADD_PARAMETER, ADD_REQUEST):
        for author in (None, UUID(int=7)):
            assert refused(installed, Role.MANAGER, statement, author=author) == DENIED


@pytest.mark.parametrize("role", [Role.MANAGER, None], ids=["a manager", "the jobs"])
def test_a_version_in_force_changes_in_nothing_but_its_end(installed: Store, role: Role | None) -> None:
    for change in (
        "definition = '{}'",
        "segment_key = 'other'",
        "note = 'always so'",
        "published_at = now()",
        "published_by = 'somebody else'",
        "author = 'somebody else'",
        "ver = 9",
        "state = 'draft'",
        "state = 'proposed'",
        "retired_at = now()",
        "state = 'retired', definition = '{}'",
    ):
        statement = f"UPDATE rule_version SET {change} WHERE rule_key = 'potential'"
        assert refused(installed, role, statement) == KEPT, change


def test_a_version_in_force_ends_once_and_stays_ended(installed: Store) -> None:
    potential = "WHERE rule_key = 'potential'"
    statement = f"UPDATE rule_version SET state = 'retired', retired_note = 'x' {potential}"
    assert run(installed, Role.MANAGER, statement) == 1
    assert run(installed, Role.MANAGER, f"SELECT * FROM rule_version {potential} AND retired_at IS NOT NULL") == 1
    for change in ("state = 'published'", "state = 'draft'", "retired_at = NULL", "retired_note = ''", "note = 'x'"):
        for role in (Role.MANAGER, None):
            assert refused(installed, role, f"UPDATE rule_version SET {change} {potential}") == KEPT, change


def test_a_draft_keeps_its_number(installed: Store) -> None:
    run(installed, Role.MANAGER, ADD_VERSION)
    for change in ("number = 9", "rule_key = 'other'", "created_at = '2020-01-01'", "id = gen_random_uuid()"):
        statement = f"UPDATE rule_version SET {change} WHERE state = 'draft'"
        assert refused(installed, Role.MANAGER, statement) == DENIED
        assert refused(installed, None, statement) == KEPT


def test_nothing_is_deleted(installed: Store) -> None:
    for table in ("rule_version", "rule_parameter"):
        assert refused(installed, Role.MANAGER, f"DELETE FROM {table}") == DENIED
        assert refused(installed, None, f"DELETE FROM {table}") == KEPT


def test_a_value_of_a_parameter_never_changes(installed: Store) -> None:
    assert refused(installed, Role.MANAGER, "UPDATE rule_parameter SET note = 'x'") == DENIED
    assert refused(installed, None, "UPDATE rule_parameter SET note = 'x'") == KEPT


def test_a_manager_answers_no_request_and_renames_no_key(installed: Store) -> None:
    run(installed, Role.MANAGER, ADD_REQUEST)
    assert refused(installed, Role.MANAGER, "UPDATE scan_request SET failed = 'x'") == DENIED
    assert refused(installed, Role.MANAGER, "UPDATE segment SET key = 'x'") == DENIED
