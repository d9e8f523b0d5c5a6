"""The group from organisation.json: made or brought up to date by code, never removed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Table, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm_central.connectors.extract.reading import Codes
from hcrm_core.errors import Rejected
from hcrm_core.terms import DepartmentKind, Role
from hcrm_store.base import Base, new_id
from hcrm_store.organisation import Department, Site, Staff, Team


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str = Field(min_length=1, max_length=80)
    name: str = Field(min_length=1, max_length=80)


class SiteEntry(_Entry):
    """院区."""


class DepartmentEntry(_Entry):
    site_code: str
    kind: DepartmentKind


class TeamEntry(_Entry):
    department_code: str


class StaffEntry(_Entry):
    role: Role
    site_code: str
    department_code: str | None = None
    team_code: str | None = None
    active: bool = True


class Organisation(BaseModel):
    """The whole file. Codes of departments and teams are unique in the group."""

    model_config = ConfigDict(frozen=True)

    sites: list[SiteEntry]
    departments: list[DepartmentEntry] = []
    teams: list[TeamEntry] = []
    staff: list[StaffEntry] = []


def read_organisation(path: Path) -> Organisation:
    """The group, every reference in it checked.

    Raises:
        Rejected: `organisation_unreadable`, naming the place.
    """
    try:
        found = Organisation.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = ", ".join(".".join(map(str, one["loc"])) or "JSON" for one in error.errors()[:3])
        raise Rejected("organisation_unreadable", f"{path.name} cannot be read: see {where}") from None
    for what, code in _dangling(found):
        raise Rejected("organisation_unreadable", f"{path.name} refers to the {what} {code}, which is not in it")
    for code in _repeated(found):
        raise Rejected("organisation_unreadable", f"{path.name} has the code {code} twice")
    return found


def save_organisation(session: Session, group: Organisation) -> None:
    """Make or update everything in the file; equal rows are not touched."""
    sites = _saved(session, Site, [{"code": one.code, "name": one.name} for one in group.sites], keys=("code",))
    departments = _saved(
        session,
        Department,
        [
            {"code": one.code, "name": one.name, "kind": one.kind, "site_id": sites[one.site_code]}
            for one in group.departments
        ],
        keys=("site_id", "code"),
    )
    teams = _saved(
        session,
        Team,
        [
            {"code": one.code, "name": one.name, "department_id": departments[one.department_code]}
            for one in group.teams
        ],
        keys=("department_id", "code"),
    )
    staff = [
        {
            "code": one.code,
            "name": one.name,
            "role": one.role.value,
            "site_id": sites[one.site_code],
            "department_id": departments.get(one.department_code or ""),
            "team_id": teams.get(one.team_code or ""),
            "active": one.active,
        }
        for one in group.staff
    ]
    _saved(session, Staff, staff, keys=("code",))


def codes_of(session: Session) -> Codes:
    """Every code that a feed may refer to."""
    found = {
        "site": select(Site.code, Site.id),
        "staff": select(Staff.code, Staff.id),
        "department": select(Department.code, Department.id),
    }
    return Codes(ids={kind: {code: str(one) for code, one in session.execute(query)} for kind, query in found.items()})


def _saved(
    session: Session, mapped: type[Base], rows: Sequence[Mapping[str, object]], *, keys: tuple[str, ...]
) -> dict[str, UUID]:
    """Upsert by key; a row that says the same is left alone, so that it does not travel again."""
    table = mapped.__table__
    assert isinstance(table, Table)
    if rows:
        statement = insert(table).values([{"id": new_id(), **row} for row in rows])
        told = [name for name in rows[0] if name not in keys]
        differs = or_(*(table.c[name].is_distinct_from(statement.excluded[name]) for name in told))
        changes = {name: statement.excluded[name] for name in told}
        session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changes, where=differs))
    found = session.execute(select(table.c.code, table.c.id).where(table.c.code.in_([row["code"] for row in rows])))
    return {row.code: row.id for row in found}


def _dangling(group: Organisation) -> list[tuple[str, str]]:
    """What is referred to and missing, kind and code."""
    sites = {one.code for one in group.sites}
    departments = {one.code for one in group.departments}
    teams = {one.code for one in group.teams}
    wanted = [("site", one.site_code, sites) for one in group.departments]
    wanted += [("site", one.site_code, sites) for one in group.staff]
    wanted += [("department", one.department_code, departments) for one in group.teams]
    wanted += [("department", one.department_code, departments) for one in group.staff if one.department_code]
    wanted += [("team", one.team_code, teams) for one in group.staff if one.team_code]
    return [(what, code) for what, code, known in wanted if code not in known]


def _repeated(group: Organisation) -> list[str]:
    lists: list[Sequence[_Entry]] = [group.sites, group.departments, group.teams, group.staff]
    return [code for entries in lists for code, many in Counter(one.code for one in entries).items() if many > 1]
