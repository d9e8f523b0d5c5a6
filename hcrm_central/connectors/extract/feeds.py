"""The feeds of an extract: which columns, what each may hold, and where it goes (docs/extract.md says it in words)."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from hcrm_core.terms import (
    Channel,
    ExamStatus,
    Eye,
    LeadKind,
    LeadState,
    LensState,
    Medicine,
    Outcome,
    ProductKind,
    RefractionMethod,
    Sex,
    Source,
    VisitState,
)


class Kind(StrEnum):
    """What a column holds; the value is its type in PostgreSQL."""

    TEXT = "text"
    DAY = "date"
    INSTANT = "timestamptz"
    FLAG = "boolean"
    WHOLE = "integer"
    DECIMAL = "numeric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a feed.

    Attributes:
        name: in the header.
        target: column of the table; the name if empty.
        words: the closed vocabulary it is taken from.
        bounds: least and greatest value of a number, the same as the store's constraints.
        past: a date that cannot lie after the extract's as-of day.
        since: name of the date that this one cannot lie before.
        refers: `site`, `staff` or `department`: the value is a code of the organisation.
        default: what an empty cell means, where the store has no unknown.
    """

    name: str
    kind: Kind = Kind.TEXT
    target: str = ""
    required: bool = False
    longest: int = 80
    words: type[StrEnum] | None = None
    bounds: tuple[float, float] | None = None
    past: bool = False
    since: str = ""
    refers: str = ""
    default: Any = None

    @property
    def into(self) -> str:
        return self.target or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One feed and the table it fills.

    Attributes:
        name: of the file, without ending.
        kind: of its rows, as in `source_record`; also the table.
        of_customer: rows hang on a customer by `customer_key`.
        of_family: rows name a family by `family_key`.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]
    of_customer: bool = False
    of_family: bool = False


EARLIEST = date(1900, 1, 1)


def _text(name: str, *, longest: int = 80) -> Column:
    """A text that is empty, not unknown, when nothing is written."""
    return Column(name=name, longest=longest, default="")


def _nullable(name: str, *, longest: int = 80) -> Column:
    return Column(name=name, longest=longest)


def _word(name: str, words: type[StrEnum], *, default: StrEnum | None = None) -> Column:
    return Column(name=name, words=words, required=default is None, default=default)


def _day(name: str, *, past: bool = False, required: bool = False, since: str = "") -> Column:
    return Column(name=name, kind=Kind.DAY, past=past, required=required, since=since)


def _code(name: str, *, refers: str = "staff", required: bool = False) -> Column:
    return Column(name=name, refers=refers, target=name.removesuffix("_code") + "_id", required=required)


def _decimal(name: str, low: float, high: float) -> Column:
    return Column(name=name, kind=Kind.DECIMAL, bounds=(low, high))


def _whole(name: str, low: float, high: float) -> Column:
    return Column(name=name, kind=Kind.WHOLE, bounds=(low, high))


def _eye(prefix: str) -> tuple[Column, ...]:
    """What is measured in one eye, with the store's bounds (hcrm_store.clinical)."""
    return (
        _decimal(f"{prefix}_ucva", 0, 5.3),
        _decimal(f"{prefix}_bcva", 0, 5.3),
        _decimal(f"{prefix}_sphere", -30, 25),
        _decimal(f"{prefix}_cylinder", -10, 0),
        _whole(f"{prefix}_axis", 1, 180),
        _decimal(f"{prefix}_axial_length_mm", 15, 35),
        _decimal(f"{prefix}_k1", 30, 60),
        _decimal(f"{prefix}_k2", 30, 60),
        _decimal(f"{prefix}_iop_mmhg", 3, 60),
        _whole(f"{prefix}_cct_um", 350, 800),
    )


KEY = Column(name="key", required=True, longest=120)
FAMILY = Column(name="family_key", longest=120)
CUSTOMER = Column(name="customer_key", required=True, longest=120)
SOURCE = Column(name="source", words=Source)
_SITE = _code("site_code", refers="site", required=True)

IDENTIFIERS = ("his_no", "sales_no", "screening_no", "national_id")

# In the order in which they must load: who a row refers to comes before it.
FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        Feed(
            name="guardians",
            kind="guardian",
            of_family=True,
            columns=(
                KEY,
                Column(name="family_key", required=True, longest=120),
                _SITE,
                _text("name"),
                _text("relation"),
                Column(name="phone", longest=20),
                _nullable("wecom_id", longest=120),
            ),
        ),
        Feed(
            name="customers",
            kind="customer",
            of_family=True,
            columns=(
                KEY,
                _SITE,
                FAMILY,
                Column(name="name", required=True),
                Column(name="sex", words=Sex),
                _day("birth_date", past=True),
                _day("filed_on", past=True),
                _code("assistant_code"),
                _code("optometrist_code"),
                Column(name="do_not_contact", kind=Kind.FLAG, default=False),
                _text("school", longest=200),
                _text("note", longest=2000),
                *(_nullable(name) for name in IDENTIFIERS),
            ),
        ),
        Feed(
            name="exams",
            kind="exam",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _day("examined_on", past=True, required=True),
                _word("method", RefractionMethod, default=RefractionMethod.UNKNOWN),
                Column(name="cycloplegic", kind=Kind.FLAG),
                _word("lens_state", LensState, default=LensState.UNKNOWN),
                _whole("washout_days", 0, 3660),
                _text("device"),
                _code("examiner_code"),
                _text("note", longest=2000),
                _word("status", ExamStatus, default=ExamStatus.FINAL),
                SOURCE,
                *_eye("od"),
                *_eye("os"),
            ),
        ),
        Feed(
            name="lens_orders",
            kind="lens_order",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _word("eye", Eye),
                _word("product", ProductKind),
                _text("brand"),
                _text("manufacturer"),
                _text("model"),
                _day("ordered_on", past=True),
                _day("dispensed_on"),
                _day("ended_on", past=True),
                _text("end_reason"),
                _decimal("sphere", -30, 25),
                _decimal("cylinder", -10, 0),
                _whole("axis", 1, 180),
                _decimal("price", 0, 99_999_999),
                _code("sold_by_code"),
                _code("department_code", refers="department"),
                SOURCE,
            ),
        ),
        Feed(
            name="medications",
            kind="medication",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _word("medicine", Medicine),
                Column(name="percent", kind=Kind.DECIMAL, bounds=(0.001, 1), required=True),
                _day("started_on", past=True, required=True),
                _day("ended_on", past=True, since="started_on"),
                _text("end_reason"),
                _text("note", longest=2000),
                _code("prescriber_code"),
                SOURCE,
            ),
        ),
        Feed(
            name="visits",
            kind="visit",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _day("visit_on", required=True),
                _word("state", VisitState),
                _code("department_code", refers="department"),
                _text("purpose", longest=200),
                SOURCE,
            ),
        ),
        Feed(
            name="recheck_plans",
            kind="recheck_plan",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _day("planned_on", past=True, required=True),
                _day("due_on", required=True),
                _code("planned_by_code"),
                SOURCE,
            ),
        ),
        Feed(
            name="follow_ups",
            kind="follow_up",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _code("staff_code"),
                _word("channel", Channel),
                _word("outcome", Outcome),
                _text("note", longest=2000),
                _day("next_on"),
                Column(name="contacted_at", kind=Kind.INSTANT, required=True),
                SOURCE,
            ),
        ),
        Feed(
            name="leads",
            kind="lead",
            of_customer=True,
            columns=(
                KEY,
                CUSTOMER,
                _word("kind", LeadKind),
                _word("state", LeadState, default=LeadState.STARTED),
                _code("initiator_code"),
                _code("initiator_department_code", refers="department"),
                _code("receiver_code"),
                _code("receiver_department_code", refers="department"),
                _code("closer_code"),
                _day("started_on", past=True, required=True),
                _day("closed_on", past=True),
            ),
        ),
    )
}
