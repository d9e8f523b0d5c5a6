"""What a fact is: the words that the catalogue describes each one with."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hcrm_core.access import Access
from hcrm_core.terms import Eye


class FactType(StrEnum):
    """A fact's type: what it is stored as and which operators it may be compared with."""

    DATE = "date"
    BOOLEAN = "boolean"
    WORD = "word"
    DECIMAL = "decimal"  # to 0.001 of its unit
    INTEGER = "integer"
    ID = "id"  # a row behind another fact; no rule asks for it


class Feed(StrEnum):
    """The frames of `facts()`; also what a fact's freshness depends on."""

    CUSTOMERS = "customers"
    EXAMS = "exams"
    LENS_ORDERS = "lens_orders"
    MEDICATIONS = "medications"
    VISITS = "visits"
    RECHECK_PLANS = "recheck_plans"
    FOLLOW_UPS = "follow_ups"
    LEADS = "leads"


class Group(StrEnum):
    """Where a fact stands in the editor's menu; values are 中文, as labels are."""

    BASICS = "基本"
    WEAR = "佩戴"
    MEDICATION = "用药"
    ARRIVAL = "到院"
    REFRACTION = "屈光"
    AXIAL = "眼轴"
    GROWTH = "增长"
    CONTACT = "联系"
    SPENDING = "消费"


class Withheld(StrEnum):
    """Why a value that follows from others is not told. The codes are those of `eye.percentiles.Refused`."""

    OK_WEAR = "ok_wear"  # an OK lens shapes the cornea
    LENS_UNKNOWN = "lens_unknown"  # nobody recorded what was worn
    BIRTH_UNKNOWN = "birth_unknown"
    SEX_UNKNOWN = "sex_unknown"
    AGE_OUTSIDE = "age_outside"  # of the table, or of the standard
    NO_PAIR = "no_pair"  # one measurement only
    INTERVAL_TOO_SHORT = "interval_too_short"
    NOT_CYCLOPLEGIC = "not_cycloplegic"  # no refraction under cycloplegia that may be compared


Span = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that may be known of a customer. `rules.checking.OPERATORS` has the operators of its kind.

    Attributes:
        name: its column in `customer_facts`.
        label: 中文.
        kind: what values it takes.
        doc: the definition in one sentence.
        feeds: the frames it is computed from.
        group: its place in the menu.
        unknown_means: 中文, what it tells that the fact is unknown.
        unit: "D", "mm", "µm", "mmHg", "logMAR", "D/年", "mm/年", "百分点", "%", "元" or "".
        words: the vocabulary of a WORD fact.
        dated_by: name of the fact that says when this one was measured.
        eye: of a per-eye fact.
        span: of a number, the least and the greatest value that can be true (catalogue and docs/facts.md tell
            the source).
        access: who may be told its value. Evidence of tasks and segments is SUMMARY and leaves out what is not.
    """

    name: str
    label: str
    kind: FactType
    doc: str
    feeds: frozenset[Feed]
    group: Group
    unknown_means: str
    unit: str = ""
    words: type[StrEnum] | None = None
    dated_by: str | None = None
    eye: Eye | None = None
    span: Span | None = None
    access: Access = Access.SUMMARY
