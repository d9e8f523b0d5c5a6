"""The fact catalogue: what is known of a customer, by name. Rules, their editor and `customer_facts` come from it.

Facts are dates and values, never day counts: they change when data does, not because the calendar moved.
None is unknown. Per-eye facts end in ``_od`` and ``_os``.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from hcrm_core.access import Access
from hcrm_core.facts.eye_catalogue import EYES, both_eyes, derived, grown, measured
from hcrm_core.facts.fact import Fact, FactType, Feed, Group, Withheld
from hcrm_core.terms import DepartmentKind, Eye, ProductKind, Sex

__all__ = ["CATALOGUE", "PER_EYE", "Fact", "FactType", "Feed", "Group", "Withheld"]

_EXAMS = frozenset({Feed.EXAMS})
_ORDERS = frozenset({Feed.LENS_ORDERS})
_MEDICATIONS = frozenset({Feed.MEDICATIONS})
_ARRIVALS = frozenset({Feed.EXAMS, Feed.VISITS})
_PLANS = _ARRIVALS | {Feed.RECHECK_PLANS}
_CONTACTS = frozenset({Feed.FOLLOW_UPS})

_NO_ORDER = "没有配镜记录"
_NOT_WORN = "目前没有在戴的镜片"
_NEVER = "不会未知：没有记录即为否"
_FULL_STRENGTH = Decimal(1)  # percent: what is stored (hcrm_store.care.Medication)
_MOST_YUAN, _MOST_CONTACTS = Decimal(1_000_000), Decimal(1_000)  # operational: nobody has more


def _customer() -> Iterator[Fact]:
    feeds, group, unknown = frozenset({Feed.CUSTOMERS}), Group.BASICS, "未登记"

    def fact(name: str, label: str, kind: FactType, doc: str, words: type[StrEnum] | None = None) -> Fact:
        return Fact(
            name=name,
            label=label,
            kind=kind,
            doc=doc,
            feeds=feeds,
            group=group,
            unknown_means=unknown,
            words=words,
        )

    yield fact("site_id", "院区", FactType.ID, "Site of the record; a rule's scope.")
    yield fact("birth_date", "出生日期", FactType.DATE, "Date of birth.")
    yield fact("sex", "性别", FactType.WORD, "Sex as registered.", words=Sex)
    yield fact("filed_on", "建档日期", FactType.DATE, "Day the record was opened.")
    yield fact("do_not_contact", "勿联系", FactType.BOOLEAN, "The family wishes no contact.")


def _worn() -> Iterator[Fact]:
    yield _worn_product("product", "当前产品", "Product of the lens dispensed last and not ended, over both eyes.")
    yield _worn_on(
        "wear_start_on",
        "当前产品起戴日期",
        "First dispense date of the continuous episode of the current product, earlier eye.",
    )
    yield _worn_on(
        "oldest_lens_on",
        "最旧在戴镜片定片日期",
        "Dispense date of the older of the lenses of the current product now worn.",
    )
    yield _worn_on(
        "oldest_ok_lens_on",
        "最旧在戴角塑镜定片日期",
        "Dispense date of the older of the OK lenses now worn; replacing one leaves the other's date.",
    )


def _worn_by(eye: Eye, side: str) -> Iterator[Fact]:
    suffix = eye.value.lower()
    doc = "Product of the lens dispensed last for this eye, unless it ended."
    yield _worn_product(f"product_{suffix}", f"{side}当前产品", doc, eye=eye)
    doc = "First dispense date of this eye's continuous episode of its current product."
    yield _worn_on(f"wear_start_on_{suffix}", f"{side}起戴日期", doc, eye=eye)
    doc = "Dispense date of the lens this eye wears now."
    yield _worn_on(f"lens_dispensed_on_{suffix}", f"{side}镜片定片日期", doc, eye=eye)


def _worn_product(name: str, label: str, doc: str, *, eye: Eye | None = None) -> Fact:
    return Fact(
        name=name,
        label=label,
        kind=FactType.WORD,
        words=ProductKind,
        doc=doc,
        feeds=_ORDERS,
        group=Group.WEAR,
        unknown_means=_NOT_WORN,
        dated_by=name.replace("product", "wear_start_on"),
        eye=eye,
    )


def _worn_on(name: str, label: str, doc: str, *, eye: Eye | None = None) -> Fact:
    return Fact(
        name=name,
        label=label,
        kind=FactType.DATE,
        doc=doc,
        feeds=_ORDERS,
        group=Group.WEAR,
        unknown_means=_NOT_WORN,
        eye=eye,
    )


def _ok_nights() -> Iterator[Fact]:
    yield Fact(
        name="last_ok_night_on",
        label="最近一次戴角塑日期",
        kind=FactType.DATE,
        doc="Latest day on which examinations tell of an OK lens: worn at the examination, or the days of wash-out"
        " before it.",
        feeds=_EXAMS,
        group=Group.WEAR,
        unknown_means="检查中没有戴角塑的记录，或停戴天数未记录",
    )
    yield Fact(
        name="had_wash_out",
        label="角塑停戴已满洗脱期",
        kind=FactType.BOOLEAN,
        doc="At the latest examination after OK wear the lenses had been left off for the whole wash-out (28 days).",
        feeds=_EXAMS,
        group=Group.WEAR,
        unknown_means="检查中没有戴角塑的记录",
        dated_by="last_ok_night_on",
    )


def _medication() -> Iterator[Fact]:
    not_taken = "目前没有用药记录"

    def fact(name: str, label: str, doc: str, unknown: str, kind: FactType = FactType.DATE) -> Fact:
        number = kind is FactType.DECIMAL
        return Fact(
            name=name,
            label=label,
            kind=kind,
            doc=doc,
            feeds=_MEDICATIONS,
            group=Group.MEDICATION,
            unknown_means=unknown,
            unit="%" if number else "",
            dated_by="last_atropine_on" if number else None,
            span=(Decimal(0), _FULL_STRENGTH) if number else None,
        )

    doc = "First day of the present treatment: of any strength, without more than 30 days between its courses."
    yield fact("atropine_since_on", "阿托品起始日期", doc, not_taken)
    doc = "Strength of the course that runs; of several, of the one that began last."
    yield fact("atropine_percent", "阿托品浓度", doc, not_taken, FactType.DECIMAL)
    doc = "Latest day on which a course of atropine began or ended."
    yield fact("last_atropine_on", "最近阿托品用药变更日期", doc, "从未有用药记录")


def _bought() -> Iterator[Fact]:
    def fact(name: str, label: str, kind: FactType, doc: str, unknown: str = _NO_ORDER) -> Fact:
        return Fact(
            name=name,
            label=label,
            kind=kind,
            doc=doc,
            feeds=_ORDERS,
            group=Group.SPENDING,
            unknown_means=unknown,
            words=DepartmentKind if kind is FactType.WORD else None,
            unit="元" if kind is FactType.DECIMAL else "",
            dated_by="last_bill_on" if kind is FactType.WORD else None,
            span=(Decimal(0), _MOST_YUAN) if kind is FactType.DECIMAL else None,
            access=Access.FINANCIAL if kind is FactType.DECIMAL else Access.SUMMARY,
        )

    day = FactType.DATE
    yield fact("ever_bought", "曾配镜", FactType.BOOLEAN, "Any lens order is on record.", _NEVER)
    yield fact("first_bought_on", "首次配镜日期", day, "First order or dispense.")
    yield fact("last_bought_on", "最近配镜日期", day, "Latest order or dispense.")
    yield fact("last_ordered_on", "最近下单日期", day, "Latest day of an order.", "没有下单日期的记录")
    yield fact(
        "open_order",
        "有未取镜订单",
        FactType.BOOLEAN,
        "A lens was ordered, is not dispensed and did not end.",
        _NEVER,
    )
    yield fact("last_bill_on", "最近开单日期", day, "Latest day of an order, or of its dispense where none is given.")
    yield fact(
        "last_bill_department",
        "最近开单科室",
        FactType.WORD,
        "Kind of the department of that order.",
        "没有配镜记录，或开单科室未记录",
    )
    doc = "Sum of the prices on record, of all orders."
    yield fact("spent_total", "累计消费", FactType.DECIMAL, doc, "没有记录价格的订单")


def _arrivals() -> Iterator[Fact]:
    def day(name: str, label: str, doc: str, feeds: frozenset[Feed], unknown: str) -> Fact:
        return Fact(
            name=name,
            label=label,
            kind=FactType.DATE,
            doc=doc,
            feeds=feeds,
            group=Group.ARRIVAL,
            unknown_means=unknown,
        )

    yield day("last_exam_on", "最近检查日期", "Latest examination.", _EXAMS, "从未检查")
    yield day("last_arrival_on", "最近到院日期", "Latest examination or visit arrived.", _ARRIVALS, "从未到院")
    yield day(
        "last_activity_on",
        "最近活跃日期",
        "Latest arrival, purchase or answered contact.",
        _ARRIVALS | _ORDERS | _CONTACTS,
        "从未到院、配镜或接通",
    )
    yield day(
        "recheck_due_on",
        "应复查日期",
        "Due day of the latest recheck plan not yet met. An arrival meets a plan once at least half of the"
        " time from planning to due day has passed.",
        _PLANS,
        "没有复查计划，或已复查",
    )
    yield day(
        "last_recheck_on",
        "最近复查日期",
        "Latest arrival that met the recheck plan made last before it.",
        _PLANS,
        "没有按计划复查过",
    )
    yield day(
        "next_recheck_on",
        "下次复查日期",
        "Day of the visit booked after the latest arrival, otherwise the day the recheck is due.",
        _PLANS,
        "没有预约，也没有待完成的复查计划",
    )
    yield day(
        "next_appointment_on",
        "预约日期",
        "Latest day for which a visit is booked, past or future.",
        frozenset({Feed.VISITS}),
        "没有预约",
    )


def _contacts() -> Iterator[Fact]:
    def fact(name: str, label: str, kind: FactType, doc: str, unknown: str) -> Fact:
        return Fact(
            name=name,
            label=label,
            kind=kind,
            doc=doc,
            feeds=frozenset({Feed.LEADS}) if name == "open_lead" else _CONTACTS,
            group=Group.CONTACT,
            unknown_means=unknown,
            span=(Decimal(0), _MOST_CONTACTS) if kind is FactType.INTEGER else None,
        )

    day = FactType.DATE
    yield fact("last_follow_up_on", "最近跟进日期", day, "Latest contact tried.", "从未跟进")
    yield fact("last_answered_on", "最近接通日期", day, "Latest contact that the family answered.", "从未接通")
    yield fact(
        "follow_ups_unanswered",
        "连续未接通次数",
        FactType.INTEGER,
        "Contacts not answered on days after the latest one that was.",
        "从未跟进",
    )
    doc = "A lead is started, accepted or visited."
    yield fact("open_lead", "有进行中线索", FactType.BOOLEAN, doc, _NEVER)


def _build() -> Iterator[Fact]:
    yield from _customer()
    yield from _worn()
    for eye, side in EYES:
        yield from _worn_by(eye, side)
    yield from _ok_nights()
    yield from _medication()
    yield from _arrivals()
    for eye, side in EYES:
        yield from measured(eye, side)
        yield from derived(eye, side)
        yield from grown(eye, side)
    yield from both_eyes()
    yield from _contacts()
    yield from _bought()


CATALOGUE: dict[str, Fact] = {fact.name: fact for fact in _build()}

# Facts that both eyes have, by common name: a condition may ask either or both of them.
PER_EYE: frozenset[str] = frozenset(name.removesuffix("_od") for name, fact in CATALOGUE.items() if fact.eye is Eye.OD)
