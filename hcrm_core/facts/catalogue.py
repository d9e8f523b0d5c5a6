"""The fact catalogue: what is known of a customer, by name. Rules, their editor and `customer_facts` come from it.

Facts are dates and values, never day counts: they change when data does, not because the calendar moved.
None is unknown. Per-eye facts end in ``_od`` and ``_os``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hcrm_core.facts.growth import Refusal
from hcrm_core.terms import Eye, ProductKind, Sex


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
    VISITS = "visits"
    RECHECK_PLANS = "recheck_plans"
    FOLLOW_UPS = "follow_ups"
    LEADS = "leads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that may be known of a customer.

    Attributes:
        name: its column in `customer_facts`.
        label: 中文.
        kind: what values it takes.
        unit: "D", "mm", "µm" or "".
        doc: the definition in one sentence.
        feeds: the frames it is computed from.
        words: the vocabulary of a WORD fact.
        dated_by: name of the fact that says when this one was measured.
        eye: of a per-eye fact.
    """

    name: str
    label: str
    kind: FactType
    doc: str
    feeds: frozenset[Feed]
    unit: str = ""
    words: type[StrEnum] | None = None
    dated_by: str | None = None
    eye: Eye | None = None


_EYES = ((Eye.OD, "右眼"), (Eye.OS, "左眼"))
_EXAMS = frozenset({Feed.EXAMS})
_ORDERS = frozenset({Feed.LENS_ORDERS})
_ARRIVALS = frozenset({Feed.EXAMS, Feed.VISITS})


def _customer() -> Iterator[Fact]:
    feeds = frozenset({Feed.CUSTOMERS})
    yield Fact(name="site_id", label="院区", kind=FactType.ID, doc="Site of the record; a rule's scope.", feeds=feeds)
    yield Fact(name="birth_date", label="出生日期", kind=FactType.DATE, doc="Date of birth.", feeds=feeds)
    yield Fact(name="sex", label="性别", kind=FactType.WORD, words=Sex, doc="Sex as registered.", feeds=feeds)
    yield Fact(name="filed_on", label="建档日期", kind=FactType.DATE, doc="Day the record was opened.", feeds=feeds)
    yield Fact(
        name="do_not_contact", label="勿联系", kind=FactType.BOOLEAN, doc="The family wishes no contact.", feeds=feeds
    )


def _purchases() -> Iterator[Fact]:
    day = FactType.DATE
    yield Fact(
        name="ever_bought", label="曾配镜", kind=FactType.BOOLEAN, doc="Any lens order is on record.", feeds=_ORDERS
    )
    yield Fact(name="first_bought_on", label="首次配镜日期", kind=day, doc="First order or dispense.", feeds=_ORDERS)
    yield Fact(name="last_bought_on", label="最近配镜日期", kind=day, doc="Latest order or dispense.", feeds=_ORDERS)
    yield Fact(
        name="product",
        label="当前产品",
        kind=FactType.WORD,
        words=ProductKind,
        doc="Product of the lens dispensed last and not ended, over both eyes.",
        feeds=_ORDERS,
        dated_by="wear_start_on",
    )
    yield Fact(
        name="wear_start_on",
        label="当前产品起戴日期",
        kind=day,
        doc="First dispense date of the continuous episode of the current product, earlier eye.",
        feeds=_ORDERS,
    )
    yield Fact(
        name="oldest_lens_on",
        label="最旧在戴镜片定片日期",
        kind=day,
        doc="Dispense date of the older of the lenses of the current product now worn.",
        feeds=_ORDERS,
    )
    yield Fact(
        name="oldest_ok_lens_on",
        label="最旧在戴角塑镜定片日期",
        kind=day,
        doc="Dispense date of the older of the OK lenses now worn; replacing one leaves the other's date.",
        feeds=_ORDERS,
    )


def _worn_by(eye: Eye, side: str) -> Iterator[Fact]:
    suffix, day = eye.value.lower(), FactType.DATE
    yield Fact(
        name=f"product_{suffix}",
        label=f"{side}当前产品",
        kind=FactType.WORD,
        words=ProductKind,
        doc="Product of the lens dispensed last for this eye, unless it ended.",
        feeds=_ORDERS,
        dated_by=f"wear_start_on_{suffix}",
        eye=eye,
    )
    yield Fact(
        name=f"wear_start_on_{suffix}",
        label=f"{side}起戴日期",
        kind=day,
        doc="First dispense date of this eye's continuous episode of its current product.",
        feeds=_ORDERS,
        eye=eye,
    )
    yield Fact(
        name=f"lens_dispensed_on_{suffix}",
        label=f"{side}镜片定片日期",
        kind=day,
        doc="Dispense date of the lens this eye wears now.",
        feeds=_ORDERS,
        eye=eye,
    )


def _activity() -> Iterator[Fact]:
    day = FactType.DATE
    follow_ups = frozenset({Feed.FOLLOW_UPS})
    yield Fact(name="last_exam_on", label="最近检查日期", kind=day, doc="Latest examination.", feeds=_EXAMS)
    yield Fact(
        name="last_arrival_on",
        label="最近到院日期",
        kind=day,
        doc="Latest examination or visit arrived.",
        feeds=_ARRIVALS,
    )
    yield Fact(name="last_follow_up_on", label="最近跟进日期", kind=day, doc="Latest contact tried.", feeds=follow_ups)
    yield Fact(
        name="last_answered_on",
        label="最近接通日期",
        kind=day,
        doc="Latest contact that the family answered.",
        feeds=follow_ups,
    )
    yield Fact(
        name="last_activity_on",
        label="最近活跃日期",
        kind=day,
        doc="Latest arrival, purchase or answered contact.",
        feeds=_ARRIVALS | _ORDERS | follow_ups,
    )
    yield Fact(
        name="recheck_due_on",
        label="应复查日期",
        kind=day,
        doc="Due day of the latest recheck plan not yet met. An arrival meets a plan once at least half of the"
        " time from planning to due day has passed.",
        feeds=_ARRIVALS | {Feed.RECHECK_PLANS},
    )
    yield Fact(
        name="next_appointment_on",
        label="预约日期",
        kind=day,
        doc="Latest day for which a visit is booked, past or future.",
        feeds=frozenset({Feed.VISITS}),
    )
    yield Fact(
        name="open_lead",
        label="有进行中线索",
        kind=FactType.BOOLEAN,
        doc="A lead is started, accepted or visited.",
        feeds=frozenset({Feed.LEADS}),
    )


def _measured(eye: Eye, side: str) -> Iterator[Fact]:
    suffix = eye.value.lower()
    for base, label, unit, doc in (
        ("se", "等效球镜", "D", "Latest spherical equivalent that may be compared (no OK-lens influence)."),
        ("axial_length", "眼轴", "mm", "Latest axial length."),
        ("k_flat", "平坦K", "D", "Flatter corneal power, latest without OK-lens influence."),
    ):
        yield Fact(
            name=f"{base}_{suffix}",
            label=f"{side}{label}",
            kind=FactType.DECIMAL,
            unit=unit,
            doc=doc,
            feeds=_EXAMS,
            dated_by=f"{base}_on_{suffix}",
            eye=eye,
        )
        yield _measured_on(f"{base}_on_{suffix}", f"{side}{label}检查日期", eye)
    yield Fact(
        name=f"cct_um_{suffix}",
        label=f"{side}中央角膜厚度",
        kind=FactType.INTEGER,
        unit="µm",
        doc="Latest central corneal thickness.",
        feeds=_EXAMS,
        dated_by=f"cct_on_{suffix}",
        eye=eye,
    )
    yield _measured_on(f"cct_on_{suffix}", f"{side}角膜厚度检查日期", eye)
    yield Fact(
        name=f"se_range_2y_{suffix}",
        label=f"{side}两年度数波动",
        kind=FactType.DECIMAL,
        unit="D",
        doc="Greatest minus smallest comparable spherical equivalent over a span of at least two years.",
        feeds=_EXAMS,
        dated_by=f"se_range_2y_from_on_{suffix}",
        eye=eye,
    )
    yield _measured_on(f"se_range_2y_from_on_{suffix}", f"{side}度数波动起始检查日期", eye)


def _measured_on(name: str, label: str, eye: Eye) -> Fact:
    return Fact(name=name, label=label, kind=FactType.DATE, doc="Day of the examination.", feeds=_EXAMS, eye=eye)


GROWTHS = {
    "se_growth_frame": ("框架期度数增长", "D", "Comparable growth (SE old − SE new) over the current frame episode."),
    "se_growth_3m": ("3个月度数增长", "D", "Comparable growth (SE old − SE new) over 75 to 120 days."),
    "se_growth_6m": ("半年度数增长", "D", "Comparable growth (SE old − SE new) over 150 to 240 days."),
    "al_growth_12m": ("一年眼轴增长", "mm", "Axial growth over 300 to 430 days."),
}


def _grown(eye: Eye, side: str) -> Iterator[Fact]:
    suffix = eye.value.lower()
    for base, (label, unit, doc) in GROWTHS.items():
        feeds = _EXAMS | _ORDERS if base == "se_growth_frame" else _EXAMS
        yield Fact(
            name=f"{base}_{suffix}",
            label=f"{side}{label}",
            kind=FactType.DECIMAL,
            unit=unit,
            doc=doc,
            feeds=feeds,
            dated_by=f"{base}_to_on_{suffix}",
            eye=eye,
        )
        for part, name in (("from", "前次"), ("to", "末次")):
            yield _measured_on(f"{base}_{part}_on_{suffix}", f"{side}{label}{name}检查日期", eye)
            yield Fact(
                name=f"{base}_{part}_id_{suffix}",
                label=f"{side}{label}{name}检查",
                kind=FactType.ID,
                doc="The examination behind the growth.",
                feeds=feeds,
                eye=eye,
            )
        yield Fact(
            name=f"{base}_refusal_{suffix}",
            label=f"{side}{label}不可比原因",
            kind=FactType.WORD,
            words=Refusal,
            doc="Why there is no growth to tell.",
            feeds=feeds,
            eye=eye,
        )


def _build() -> Iterator[Fact]:
    yield from _customer()
    yield from _purchases()
    for eye, side in _EYES:
        yield from _worn_by(eye, side)
    yield from _activity()
    for eye, side in _EYES:
        yield from _measured(eye, side)
        yield from _grown(eye, side)
    yield Fact(
        name="se_worse",
        label="较重眼等效球镜",
        kind=FactType.DECIMAL,
        unit="D",
        doc="The more myopic eye's spherical equivalent; unknown unless both are known.",
        feeds=_EXAMS,
    )


CATALOGUE: dict[str, Fact] = {fact.name: fact for fact in _build()}

# Facts that both eyes have, by common name: a condition may ask either or both of them.
PER_EYE: frozenset[str] = frozenset(name.removesuffix("_od") for name, fact in CATALOGUE.items() if fact.eye is Eye.OD)
