"""The group: sites with their departments, teams and staff. Site 1 employs the people whom the sample ledger names."""

from dataclasses import dataclass, field

from hcrm_core.terms import DepartmentKind, Role
from hcrm_sim.words import words

CUSTOMERS_PER_ASSISTANT = 1200
CUSTOMERS_PER_OPTOMETRIST = 2400
MOST_OF_A_ROLE = 60  # at one site: beyond that a huge clinic only gets busier people


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """What goes into organisation.json, and the codes by site that the other feeds refer to."""

    sites: list[dict[str, str]] = field(default_factory=list)
    departments: list[dict[str, str]] = field(default_factory=list)
    teams: list[dict[str, str]] = field(default_factory=list)
    staff: list[dict[str, str]] = field(default_factory=list)

    def codes(self, site: int, role: Role) -> list[str]:
        """Codes of the staff of a role at a site, by its position."""
        code = self.sites[site]["code"]
        return [one["code"] for one in self.staff if one["site_code"] == code and one["role"] == role]

    def department(self, site: int, kind: DepartmentKind) -> str:
        """Code of a department at a site, by its position."""
        return _department_code(self.sites[site]["code"], kind)

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        return {"sites": self.sites, "departments": self.departments, "teams": self.teams, "staff": self.staff}


def organise(*, customers: int, sites: int) -> Organisation:
    """A group large enough for its customers.

    Args:
        customers: how many the group looks after.
        sites: how many sites.
    """
    group = Organisation()
    share = customers / sites
    assistants = min(MOST_OF_A_ROLE, max(3, round(share / CUSTOMERS_PER_ASSISTANT)))
    optometrists = min(MOST_OF_A_ROLE, max(2, round(share / CUSTOMERS_PER_OPTOMETRIST)))
    for number in range(sites):
        _add_site(group, number=number, assistants=assistants, optometrists=optometrists)
    return group


def _add_site(group: Organisation, *, number: int, assistants: int, optometrists: int) -> None:
    code = f"S{number + 1:02d}"
    names = words().sites
    name = names[number] if number < len(names) else f"{names[-1]}{number + 1}"
    group.sites.append({"code": code, "name": name})
    for kind in DepartmentKind:
        label = words().departments[kind.value]
        group.departments.append(
            {"code": _department_code(code, kind), "site_code": code, "name": label, "kind": kind.value}
        )
    optometry = _department_code(code, DepartmentKind.OPTOMETRY)
    for index, label in enumerate(words().teams):
        group.teams.append({"code": f"{optometry}-T{index + 1}", "department_code": optometry, "name": label})
    hired = [(Role.ASSISTANT, 3), (Role.OPTOMETRIST, 2), (Role.MANAGER, 1), (Role.EXECUTIVE, 1)]
    hired += [(Role.ASSISTANT, assistants - 3), (Role.OPTOMETRIST, optometrists - 2)]
    for role, many in hired:
        for _ in range(many):
            _hire(group, site=code, role=role, department=DepartmentKind.OPTOMETRY)
    _hire(group, site=code, role=Role.OPTOMETRIST, department=DepartmentKind.REFRACTIVE)


def _hire(group: Organisation, *, site: str, role: Role, department: DepartmentKind) -> None:
    here = sum(one["site_code"] == site for one in group.staff)
    # Assistants first, so that the first five of site 1 are the five of the sample ledger.
    name = words().staff[len(group.staff) % len(words().staff)]
    unit = _department_code(site, department)
    person = {"code": f"{site}-{here + 1:03d}", "name": name, "role": role.value, "site_code": site}
    person["department_code"] = unit
    if department is DepartmentKind.OPTOMETRY:
        person["team_code"] = f"{unit}-T{here % len(words().teams) + 1}"
    group.staff.append(person)


def _department_code(site: str, kind: DepartmentKind) -> str:
    return f"{site}-{'OPT' if kind is DepartmentKind.OPTOMETRY else 'REF'}"
