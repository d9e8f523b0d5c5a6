"""Whether a row's person is one the centre knows. Certain or apart: nothing in between is joined.

Certain is: the same identity number and name; or the same name, birth date and phone; or the same name and phone
where one side has no birth date, nothing contradicts, no 大/小 mark differs and nobody else answers. Everything else
that looks alike is left apart and listed for a person to decide. A phone alone is a family, never a person.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from hcrm_central.connectors.ledger.records import PersonDraft
from hcrm_core.people import PersonName
from hcrm_core.terms import Sex


@dataclass(slots=True, kw_only=True, eq=False)
class Known:
    """Somebody the centre has, as far as matching looks."""

    id: UUID
    site_id: UUID
    name: PersonName
    birth_date: date | None
    sex: Sex | None
    phones: set[str] = field(default_factory=set)
    national_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Somebody who may be the same person, and why."""

    known: Known
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The person it certainly is, if any, and everybody it may be."""

    certain: Known | None = None
    doubts: tuple[Doubt, ...] = ()


def match(person: PersonDraft, *, among: Iterable[Known], site_id: UUID) -> Match:
    """Who a person is, among those with the same name or identity number."""
    here = list(among)
    by_number = [one for one in here if _same_number(person, one) and one.name.name == person.name.name]
    if len(by_number) == 1 and by_number[0].site_id == site_id:
        return Match(certain=by_number[0])
    certain = [one for one in here if one.site_id == site_id and _is_certain(person, one)]
    if len(certain) == 1 and not by_number and (_fully(person, certain[0]) or _alone(person, certain[0], here)):
        return Match(certain=certain[0])
    alike = [Doubt(known=one, reasons=tuple(_reasons(person, one, site_id=site_id))) for one in here]
    return Match(doubts=tuple(doubt for doubt in alike if _worth_a_look(doubt, alike)))


def _is_certain(person: PersonDraft, known: Known) -> bool:
    if known.name.name != person.name.name or not _same_phone(person, known) or _contradicts(person, known):
        return False
    return _fully(person, known) or known.name.mark == person.name.mark


def _fully(person: PersonDraft, known: Known) -> bool:
    return person.birth_date is not None and person.birth_date == known.birth_date and _same_phone(person, known)


def _alone(person: PersonDraft, known: Known, here: list[Known]) -> bool:
    """Whether nobody else of that name has that phone."""
    return not any(
        other is not known and other.name.name == person.name.name and _same_phone(person, other) for other in here
    )


def _contradicts(person: PersonDraft, known: Known) -> bool:
    return (
        _differ(person.birth_date, known.birth_date)
        or _differ(person.sex, known.sex)
        or bool(person.national_id and known.national_ids and person.national_id not in known.national_ids)
    )


def _reasons(person: PersonDraft, known: Known, *, site_id: UUID) -> Iterator[str]:
    if _same_number(person, known):
        yield "same_national_id"
    if known.name.name == person.name.name:
        yield "same_name"
    if _same_phone(person, known):
        yield "same_phone"
    if person.birth_date is not None and person.birth_date == known.birth_date:
        yield "same_birth_date"
    if _differ(person.birth_date, known.birth_date):
        yield "other_birth_date"
    if _differ(person.sex, known.sex):
        yield "other_sex"
    if known.name.mark != person.name.mark:
        yield "namesake_mark"
    if known.site_id != site_id:
        yield "other_site"


def _worth_a_look(doubt: Doubt, alike: list[Doubt]) -> bool:
    """Two things in common; or the name alone, if nothing contradicts and nobody else has it."""
    common = [reason for reason in doubt.reasons if reason.startswith("same_")]
    if len(common) > 1 or "same_national_id" in common:
        return True
    contradicted = any(reason.startswith("other_") for reason in doubt.reasons)
    return not contradicted and len(alike) == 1


def _same_number(person: PersonDraft, known: Known) -> bool:
    return person.national_id is not None and person.national_id in known.national_ids


def _same_phone(person: PersonDraft, known: Known) -> bool:
    return person.phone is not None and person.phone.digits in known.phones


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
