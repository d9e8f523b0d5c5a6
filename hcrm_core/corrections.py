"""Corrections of what is on file: rules that the centre applies and the workstation foresees.

An examination is never overwritten: a correction is another one that supersedes it. Where two corrections meet, both
are kept and contested, so that none counts, until a clinician picks. Who a customer is gets corrected field by field:
a field changes only if it still holds what its editor saw.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from hcrm_core.errors import Rejected
from hcrm_core.parsed import plain, says_unknown
from hcrm_core.people import parse_name, parse_phone, pinyin_of
from hcrm_core.terms import ExamStatus, Role, Sex

# ── examinations ─────────────────────────────────────────────────────────────────────────────────────────

STANDING = frozenset({ExamStatus.FINAL, ExamStatus.CONTESTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamVersion:
    """One examination, as far as corrections are concerned."""

    id: UUID
    supersedes_id: UUID | None
    status: ExamStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a correction finds.

    Attributes:
        status: the correction's own.
        rivals: the examinations it meets; one that was final is contested from now on.
    """

    status: ExamStatus
    rivals: tuple[ExamVersion, ...]


def meet(versions: Collection[ExamVersion], *, superseded: UUID) -> Meeting:
    """What a correction of `superseded`, one of a customer's examinations, finds.

    A correction of a valid examination takes its place, and one of a contested examination takes its place in the
    dispute. Where others stand in that place already, or somebody voided what is corrected, nobody wins.
    """
    former = next(one for one in versions if one.id == superseded)
    if former.status is ExamStatus.FINAL:
        return Meeting(status=ExamStatus.FINAL, rivals=())
    voided = [former] if former.status is ExamStatus.VOID else []
    rivals = [*voided, *_in_place_of(former, versions)]
    disputed = rivals or former.status is ExamStatus.CONTESTED
    return Meeting(status=ExamStatus.CONTESTED if disputed else ExamStatus.FINAL, rivals=tuple(rivals))


def family(versions: Collection[ExamVersion], *, of: UUID) -> list[ExamVersion]:
    """An examination, what it corrects, and every correction of those."""
    lines = _lines(versions)
    return [one for one in versions if of in lines and lines[one.id][-1] == lines[of][-1]]


def contested_beside(versions: Collection[ExamVersion], *, of: UUID) -> list[ExamVersion]:
    """The other examinations of the same dispute."""
    return [one for one in family(versions, of=of) if one.status is ExamStatus.CONTESTED and one.id != of]


def unjudged(versions: Collection[ExamVersion], *, picked: UUID, judged: Collection[UUID]) -> list[ExamVersion]:
    """Examinations that stand in the way of a pick and that the picker did not see: he must look again."""
    lines = _lines(versions)
    below = [one for one in versions if one.status in STANDING and picked in lines[one.id][1:]]
    found = {one.id: one for one in (*contested_beside(versions, of=picked), *below)}
    return [one for one_id, one in found.items() if one_id not in judged]


def superseded_ids(versions: Iterable[ExamVersion]) -> set[UUID]:
    """Examinations whose place another one has taken."""
    return {one.supersedes_id for one in versions if one.supersedes_id and one.status is not ExamStatus.VOID}


def _in_place_of(former: ExamVersion, versions: Collection[ExamVersion]) -> list[ExamVersion]:
    """What stands below the nearest ancestor that has anything standing below it, and whatever is disputed."""
    lines = _lines(versions)
    standing = [one for one in versions if one.status in STANDING and one.id != former.id]
    found = {one.id: one for one in contested_beside(versions, of=former.id)}
    for ancestor in lines[former.id]:
        below = {one.id: one for one in standing if ancestor in lines[one.id][1:]}
        if below:
            return list((found | below).values())
    return list(found.values())


def _lines(versions: Iterable[ExamVersion]) -> dict[UUID, list[UUID]]:
    """For each examination, itself and what it corrects, down to the first."""
    former = {one.id: one.supersedes_id for one in versions}
    return {exam_id: _line(exam_id, former) for exam_id in former}


def _line(exam_id: UUID, former: dict[UUID, UUID | None]) -> list[UUID]:
    line: list[UUID] = []
    step: UUID | None = exam_id
    while step is not None and step in former and step not in line:
        line.append(step)
        step = former[step]
    return line


# ── who a customer is ────────────────────────────────────────────────────────────────────────────────────

Value = str | bool | None  # as in a row's body; None is unknown
OLDEST = timedelta(days=120 * 366)
_LONGEST_NAME, _LONGEST_RELATION = 50, 20


def editable(role: Role) -> frozenset[tuple[str, str]]:
    """Which fields, as (row, field), a role may correct. An optometrist: those that decide growth percentiles."""
    return frozenset(key for key, (roles, _) in _FIELDS.items() if role in roles)


def accepted_value(row: str, field: str, value: Value, *, today: date) -> Value:
    """A new value in the form in which it is stored.

    Raises:
        Rejected: ``invalid_body:edits`` for a field that nobody edits; ``implausible:<row>.<field>``.
    """
    if (row, field) not in _FIELDS:
        raise Rejected("invalid_body:edits", "this field is not edited here")
    try:
        return _FIELDS[row, field][1](value, today)
    except (ValueError, TypeError):
        raise Rejected(f"implausible:{row}.{field}", "this cannot be the value of the field") from None


def same(value: Value, other: Value) -> bool:
    """Whether two values say the same. Nothing, an empty text and an unset mark are one."""
    return (value or None) == (other or None)


def with_derived(row: str, field: str, value: Value) -> dict[str, Value]:
    """The column of a field and the columns that follow from it."""
    text = value if isinstance(value, str) else ""
    if (row, field) == ("customer", "name"):
        pinyin, initials = pinyin_of(text)
        return {field: value, "name_pinyin": pinyin, "name_initials": initials}
    return {field: value, "phone_tail": text[-4:] or None} if field == "phone" else {field: value}


def as_text(value: Value) -> str | None:
    """A value as the history of changes keeps it."""
    return str(value).lower() if isinstance(value, bool) else value


def from_text(text: str | None, *, field: str) -> Value:
    """The value that the history kept as text."""
    return text == "true" if field == "do_not_contact" else text


def _name(value: Value, _: date) -> Value:
    parsed = parse_name(_text(value))
    if parsed.value is None or parsed.problems:
        raise ValueError("no name")
    return parsed.value.name


def _guardian_name(value: Value, _: date) -> Value:
    """As said: 白妈妈 is a name here. Empty is unknown."""
    return _short(value, longest=_LONGEST_NAME)


def _relation(value: Value, _: date) -> Value:
    return _short(value, longest=_LONGEST_RELATION)


def _phone(value: Value, _: date) -> Value:
    if says_unknown(_text(value)):
        return None
    parsed = parse_phone(_text(value))
    if parsed.value is None or parsed.problems:  # of two numbers one would be lost
        raise ValueError("no phone number")
    return parsed.value.digits


def _sex(value: Value, _: date) -> Value:
    return Sex(_text(value)).value if value else None


def _birth_date(value: Value, today: date) -> Value:
    if not value:
        return None
    born = date.fromisoformat(_text(value))
    if not today - OLDEST <= born <= today:
        raise ValueError("nobody was born then")
    return born.isoformat()


def _flag(value: Value, _: date) -> Value:
    if not isinstance(value, bool):
        raise TypeError("yes or no")
    return value


def _text(value: Value) -> str:
    if isinstance(value, bool):
        raise TypeError("a text")
    return value or ""


def _short(value: Value, *, longest: int) -> str:
    text = plain(_text(value))
    if len(text) > longest or not all(character.isprintable() for character in text):
        raise ValueError("too long, or not a line of text")
    return text


_CLINIC = frozenset({Role.ASSISTANT, Role.MANAGER})
_WITH_EYES = _CLINIC | {Role.OPTOMETRIST}
_FIELDS: dict[tuple[str, str], tuple[frozenset[Role], Callable[[Value, date], Value]]] = {
    ("customer", "name"): (_CLINIC, _name),
    ("customer", "sex"): (_WITH_EYES, _sex),
    ("customer", "birth_date"): (_WITH_EYES, _birth_date),
    ("customer", "do_not_contact"): (_CLINIC, _flag),
    ("guardian", "name"): (_CLINIC, _guardian_name),
    ("guardian", "relation"): (_CLINIC, _relation),
    ("guardian", "phone"): (_CLINIC, _phone),
}
