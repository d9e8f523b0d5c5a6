"""The part of the catalogue that tells of eyes: measured, derived, grown, and of both eyes together.

Spans of measured values are the hard bounds of `eye.plausibility`; spans of growth in mm are those of a change between
visits in the reference pack (plausibility_ranges.csv, a year's for each year). Spans of growth in D and of z-scores
have no published bound and are operational defaults.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from hcrm_core.eye.acuity import logmar
from hcrm_core.eye.plausibility import BOUNDS
from hcrm_core.facts.fact import Fact, FactType, Feed, Group, Span, Withheld
from hcrm_core.facts.growth import PERIODS, RATE_DAYS, Refusal
from hcrm_core.terms import Eye

EYES = ((Eye.OD, "右眼"), (Eye.OS, "左眼"))
_EXAMS = frozenset({Feed.EXAMS})
_ORDERS = frozenset({Feed.LENS_ORDERS})
_PEOPLE = frozenset({Feed.CUSTOMERS})


def _span(low: str, high: str) -> Span:
    return Decimal(low), Decimal(high)


_POWER = BOUNDS["sphere"].hard
_SE_GROWTH, _AL_GROWTH, _AL_TWO_YEARS = _span("-10", "10"), _span("-0.5", "1.5"), _span("-1", "3")
_ACUITY = (logmar(BOUNDS["ucva"].hard[1]), logmar(Decimal(3)))  # below the chart's 3.0 lie codes, not acuities
# Bounds of axial length over the bounds of the corneal radius, 5.6 and 11.3 mm (plausibility_ranges.csv, CR).
_AL_CR = _span("1.32", "6.25")
_APART = _POWER[1] - _POWER[0]


# ── one eye ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """What is measured in an eye; `on` names the day's fact, of which measures of one reading share one."""

    base: str
    label: str
    unit: str
    doc: str
    unknown: str
    span: Span
    group: Group = Group.REFRACTION
    on: str = ""
    kind: FactType = FactType.DECIMAL


_NATURAL = "latest without OK-lens influence"
_MEASURES = (
    _Measure(
        base="se",
        label="等效球镜",
        unit="D",
        doc="Latest spherical equivalent that may be compared (no OK-lens influence).",
        unknown="没有可比的验光（未测、无柱镜、或只有戴角塑时的结果）",
        span=_POWER,
    ),
    _Measure(
        base="axial_length",
        label="眼轴",
        unit="mm",
        doc="Latest axial length.",
        unknown="没有测过眼轴",
        span=BOUNDS["axial_length_mm"].hard,
        group=Group.AXIAL,
    ),
    _Measure(
        base="k_flat",
        label="平坦K",
        unit="D",
        doc=f"Flatter corneal power, {_NATURAL}.",
        unknown="没有不受角塑影响的角膜曲率",
        span=BOUNDS["k1"].hard,
    ),
    _Measure(
        base="k_mean",
        label="平均K",
        unit="D",
        doc=f"Mean of both corneal powers, to 0.01 D, {_NATURAL}.",
        unknown="没有不受角塑影响的角膜曲率",
        span=BOUNDS["k1"].hard,
        on="k_flat_on",
    ),
    _Measure(
        base="cct_um",
        label="中央角膜厚度",
        unit="µm",
        doc="Latest central corneal thickness.",
        unknown="没有测过角膜厚度",
        span=BOUNDS["cct_um"].hard,
        on="cct_on",
        kind=FactType.INTEGER,
    ),
    _Measure(
        base="iop",
        label="眼压",
        unit="mmHg",
        doc="Latest intraocular pressure.",
        unknown="没有测过眼压",
        span=BOUNDS["iop_mmhg"].hard,
    ),
    _Measure(
        base="ucva",
        label="裸眼视力",
        unit="logMAR",
        doc=f"Unaided acuity as 5 − L (0 is 5.0, more is worse), {_NATURAL}; below the chart it is unknown.",
        unknown="没有不受角塑影响的裸眼视力，或低于视力表（指数、手动、光感）",
        span=_ACUITY,
    ),
    _Measure(
        base="bcva",
        label="矫正视力",
        unit="logMAR",
        doc="Latest corrected acuity as 5 − L (0 is 5.0, more is worse); below the chart it is unknown.",
        unknown="没有测过矫正视力，或低于视力表（指数、手动、光感）",
        span=_ACUITY,
    ),
    _Measure(
        base="se_cycloplegic",
        label="散瞳等效球镜",
        unit="D",
        doc="Latest spherical equivalent under cycloplegia that may be compared.",
        unknown="没有可比的散瞳验光",
        span=_POWER,
    ),
)


def measured(eye: Eye, side: str) -> Iterator[Fact]:
    """The latest of each measure, and how far refraction moved."""
    suffix = eye.value.lower()
    for one in _MEASURES:
        on = one.on or f"{one.base}_on"
        yield Fact(
            name=f"{one.base}_{suffix}",
            label=f"{side}{one.label}",
            kind=one.kind,
            unit=one.unit,
            doc=one.doc,
            feeds=_EXAMS,
            group=one.group,
            unknown_means=one.unknown,
            dated_by=f"{on}_{suffix}",
            eye=eye,
            span=one.span,
        )
        if one.base != "k_mean":
            yield _examined_on(f"{on}_{suffix}", f"{side}{one.label}检查日期", eye, one.group)
    yield Fact(
        name=f"se_range_2y_{suffix}",
        label=f"{side}两年度数波动",
        kind=FactType.DECIMAL,
        unit="D",
        doc="Greatest minus smallest comparable spherical equivalent over a span of at least two years.",
        feeds=_EXAMS,
        group=Group.REFRACTION,
        unknown_means="可比的验光不足两年，或最近一次受角塑影响",
        dated_by=f"se_range_2y_from_on_{suffix}",
        eye=eye,
        span=(Decimal(0), _APART),
    )
    yield _examined_on(f"se_range_2y_from_on_{suffix}", f"{side}度数波动起始检查日期", eye, Group.REFRACTION)


def derived(eye: Eye, side: str) -> Iterator[Fact]:
    """What follows from measures, each with the reason where it is withheld."""
    yield from _reserve(eye, side)
    yield from _places(eye, side)
    yield from _ratio(eye, side)


def _reserve(eye: Eye, side: str) -> Iterator[Fact]:
    reserve = _derived(
        (eye, side),
        "reserve",
        "远视储备",
        "The cycloplegic spherical equivalent at an age from 3 to 14, for which WS/T 10039-2025 has lower limits.",
        _POWER,
        unit="D",
        on="se_cycloplegic_on",
        unknown="没有可比的散瞳验光，或当时不在 3–14 岁，或生日未知",
    )
    yield from (reserve, _withheld(reserve))


def _places(eye: Eye, side: str) -> Iterator[Fact]:
    """In the reference for axial length."""
    suffix = eye.value.lower()
    place = _derived(
        (eye, side),
        "al_percentile",
        "眼轴百分位",
        "Where the latest axial length stands in the reference (Wuhan 2022, 6–15 years), to 0.1.",
        _span("0", "100"),
        unit="百分位",
        on="axial_length_on",
        unknown="没有测过眼轴，或年龄在参考表（6–15 岁）之外，或性别、生日未知",
    )
    score = replace(
        place,
        name=f"al_z_{suffix}",
        label=f"{side}眼轴 Z 值",
        unit="",
        doc="The same as standard deviations from the median, to 0.01.",
        span=_span("-8", "8"),
    )
    climbed = _derived(
        (eye, side),
        "al_crossing",
        "眼轴百分位变化",
        "Percentile points climbed since an axial length at least six calendar months older: the nearest from which"
        " the eye climbed ten points, otherwise the nearest. Negative is a fall.",
        _span("-96", "96"),
        unit="百分点",
        on="axial_length_on",
        unknown="没有相隔 6 个月以上的两次眼轴，或年龄在参考表之外，或性别、生日未知",
    )
    yield from (place, score, _withheld(place))
    yield from (climbed, _withheld(climbed))
    yield _examined_on(f"al_crossing_from_on_{suffix}", f"{side}眼轴百分位变化起始日期", eye, Group.AXIAL)


def _ratio(eye: Eye, side: str) -> Iterator[Fact]:
    ratio = _derived(
        (eye, side),
        "al_cr",
        "轴率比",
        "Axial length over corneal radius at the latest examination that measured both, to 0.01.",
        _AL_CR,
        on="al_cr_on",
        unknown="没有同次测量的眼轴和角膜曲率，或受角塑影响、戴镜状态未记录",
    )
    yield from (ratio, _withheld(ratio))
    yield _examined_on(f"al_cr_on_{eye.value.lower()}", f"{side}轴率比检查日期", eye, Group.AXIAL)


def _derived(of: tuple[Eye, str], base: str, label: str, doc: str, span: Span, **more: str) -> Fact:
    eye, side = of
    suffix = eye.value.lower()
    return Fact(
        name=f"{base}_{suffix}",
        label=f"{side}{label}",
        kind=FactType.DECIMAL,
        unit=more.get("unit", ""),
        doc=doc,
        feeds=_EXAMS | _PEOPLE if base != "al_cr" else _EXAMS,
        group=Group.REFRACTION if base == "reserve" else Group.AXIAL,
        unknown_means=more["unknown"],
        dated_by=f"{more['on']}_{suffix}",
        eye=eye,
        span=span,
    )


def _withheld(fact: Fact) -> Fact:
    base, _, suffix = fact.name.rpartition("_")
    return replace(
        fact,
        name=f"{base}_refusal_{suffix}",
        label=f"{fact.label}未给出原因",
        kind=FactType.WORD,
        unit="",
        words=Withheld,
        doc="Why it is not told.",
        unknown_means="已给出，或从未测量",
        dated_by=None,
        span=None,
    )


def _examined_on(name: str, label: str, eye: Eye, group: Group) -> Fact:
    return Fact(
        name=name,
        label=label,
        kind=FactType.DATE,
        doc="Day of the examination.",
        feeds=_EXAMS,
        group=group,
        unknown_means="没有这样的检查",
        eye=eye,
    )


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Growing:
    """One growth of an eye; `rate` names its yearly variant."""

    base: str
    label: str
    unit: str
    doc: str
    span: Span
    rate: str = ""


_PERIODS = {"3m": "3个月", "6m": "半年", "12m": "一年", "24m": "两年"}


def _growings() -> Iterator[_Growing]:
    yield _Growing(
        base="se_growth_frame",
        label="框架期度数增长",
        unit="D",
        doc="Comparable growth (SE old − SE new) over the current frame episode.",
        span=_SE_GROWTH,
    )
    for key, period in _PERIODS.items():
        window = PERIODS[key]
        days = f"{window.at_least} to {window.at_most} days"
        told = "" if window.at_least >= RATE_DAYS else ", where it is more than measuring leaves open"
        yield _Growing(
            base=f"se_growth_{key}",
            label=f"{period}度数增长",
            unit="D",
            doc=f"Comparable growth (SE old − SE new) over {days}.",
            span=_SE_GROWTH,
            rate=f"se_growth_rate_{key}" if window.at_least >= RATE_DAYS else "",
        )
        yield _Growing(
            base=f"al_growth_{key}",
            label=f"{period}眼轴增长",
            unit="mm",
            doc=f"Axial growth over {days}{told}.",
            span=_AL_TWO_YEARS if key == "24m" else _AL_GROWTH,
            rate=f"al_growth_rate_{key}" if window.at_least >= RATE_DAYS else "",
        )


GROWTHS = tuple(_growings())


def grown(eye: Eye, side: str) -> Iterator[Fact]:
    """Growth of an eye, with the two examinations behind it and the reason where there is none."""
    suffix = eye.value.lower()
    for one in GROWTHS:
        amount = Fact(
            name=f"{one.base}_{suffix}",
            label=f"{side}{one.label}",
            kind=FactType.DECIMAL,
            unit=one.unit,
            doc=one.doc,
            feeds=_EXAMS | _ORDERS if one.base == "se_growth_frame" else _EXAMS,
            group=Group.GROWTH,
            unknown_means="没有间隔合适且可比的两次检查",
            dated_by=f"{one.base}_to_on_{suffix}",
            eye=eye,
            span=one.span,
        )
        yield amount
        if one.rate:
            yield _rate(amount, one)
        yield from _behind(amount)


def _rate(amount: Fact, one: _Growing) -> Fact:
    return replace(
        amount,
        name=amount.name.replace(one.base, one.rate),
        label=amount.label + "（年化）",
        unit=f"{one.unit}/年",
        doc="The same as of a year of 365.25 days, to 0.01.",
        span=_AL_GROWTH if one.unit == "mm" else _SE_GROWTH,
    )


def _behind(amount: Fact) -> Iterator[Fact]:
    base, _, suffix = amount.name.rpartition("_")
    plain = replace(amount, unit="", dated_by=None, span=None)
    for part, name in (("from", "前次"), ("to", "末次")):
        label = f"{amount.label}{name}检查"
        yield replace(
            plain,
            name=f"{base}_{part}_on_{suffix}",
            label=f"{label}日期",
            kind=FactType.DATE,
            doc="Day of the examination.",
        )
        yield replace(
            plain,
            name=f"{base}_{part}_id_{suffix}",
            label=label,
            kind=FactType.ID,
            doc="The examination behind the growth.",
        )
    yield replace(
        plain,
        name=f"{base}_refusal_{suffix}",
        label=f"{amount.label}不可比原因",
        kind=FactType.WORD,
        words=Refusal,
        doc="Why there is no growth to tell.",
        unknown_means="有增长可说，或这只眼从未测量",
    )


# ── both eyes ────────────────────────────────────────────────────────────────────────────────────────────

_UNLESS_BOTH = "至少一只眼未知"


def both_eyes() -> Iterator[Fact]:
    """The worse and the better eye and their difference; unknown unless both are known."""

    def fact(name: str, label: str, doc: str, span: Span, **more: str) -> Fact:
        return Fact(
            name=name,
            label=label,
            kind=FactType.DECIMAL,
            unit=more["unit"],
            doc=f"{doc}; unknown unless both are known.",
            feeds=_EXAMS,
            group=Group(more["group"]),
            unknown_means=more.get("unknown", _UNLESS_BOTH),
            span=span,
        )

    power = {"unit": "D", "group": Group.REFRACTION}
    length = {"unit": "mm", "group": Group.AXIAL}
    one_day = "双眼未在同一天测量"
    yield fact("se_worse", "较重眼等效球镜", "The more myopic eye's spherical equivalent", _POWER, **power)
    yield fact("se_better", "较轻眼等效球镜", "The less myopic eye's spherical equivalent", _POWER, **power)
    yield fact(
        "se_difference",
        "双眼等效球镜差",
        "How far apart the eyes' spherical equivalents of one day are",
        (Decimal(0), _APART),
        unknown=one_day,
        **power,
    )
    yield fact(
        "axial_length_worse", "较长眼眼轴", "The longer eye's axial length", BOUNDS["axial_length_mm"].hard, **length
    )
    # Lengths more than 3 mm apart are refused at entry: eye.plausibility.check_pair.
    yield fact(
        "axial_length_difference",
        "双眼眼轴差",
        "How far apart the eyes' axial lengths of one day are",
        _span("0", "3"),
        unknown=one_day,
        **length,
    )
    for one in GROWTHS:
        if not one.rate:
            continue
        rated = "mm/年" if one.unit == "mm" else "D/年"
        for name, label, unit in ((one.base, one.label, one.unit), (one.rate, f"{one.label}（年化）", rated)):
            span = one.span if name == one.base else _AL_GROWTH if one.unit == "mm" else _SE_GROWTH
            yield fact(
                f"{name}_worse", f"较快眼{label}", "The faster eye's growth", span, unit=unit, group=Group.GROWTH
            )
