"""Who may see which columns: an access class on every column, a profile for every role.

Rows are decided by row-level security in PostgreSQL (see docs/architecture.md); this module decides columns,
for API, sync, export and AI alike. A column whose class is not in the profile never leaves the centre.
"""

import hashlib
from enum import StrEnum

from hcrm_core.terms import Role


class Access(StrEnum):
    """The kind of knowledge a column holds."""

    GENERAL = "general"  # ids, dates of process, states: meaningless without the rest
    IDENTITY = "identity"  # name, birth date, phone
    SUMMARY = "summary"  # the eye values a talk with parents needs: acuity, refraction, axial length
    CLINICAL = "clinical"  # the rest of the examination: K, IOP, CCT, methods, notes
    MARKETING = "marketing"  # what was said and offered
    FINANCIAL = "financial"  # prices
    SECRET = "secret"  # noqa: S105 - never leaves the centre


PROFILES: dict[Role, frozenset[Access]] = {
    Role.ASSISTANT: frozenset({Access.GENERAL, Access.IDENTITY, Access.SUMMARY, Access.MARKETING}),
    Role.OPTOMETRIST: frozenset({Access.GENERAL, Access.IDENTITY, Access.SUMMARY, Access.CLINICAL}),
    Role.MANAGER: frozenset(
        {Access.GENERAL, Access.IDENTITY, Access.SUMMARY, Access.CLINICAL, Access.MARKETING, Access.FINANCIAL}
    ),
    Role.EXECUTIVE: frozenset({Access.GENERAL}),
    Role.ADMIN: frozenset(),
}


def may_see(role: Role, access: Access) -> bool:
    """Whether a role's profile holds an access class."""
    return access in PROFILES[role]


def profile_hash(role: Role, columns: dict[str, list[str]], *, rows: str = "") -> str:
    """A short name for what a reader receives of each kind; a client resets a stream when it changes.

    Args:
        role: the reader's role.
        columns: column names by kind, as they will be sent.
        rows: what else decides which rows he sees, where it may change without the rows changing.

    Returns:
        16 hex digits.
    """
    kinds = ";".join(f"{kind}:{','.join(sorted(names))}" for kind, names in sorted(columns.items()))
    text = f"{role.value}|{rows}|{kinds}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
