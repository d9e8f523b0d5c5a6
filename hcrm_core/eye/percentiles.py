"""Where an axial length stands among children of the same age and sex, by one named reference.

References disagree by up to half a millimetre (Wuhan 2022 and Shanghai 2023 at 10 years), so that a percentile
is meaningless without the reference's name and version, and two references are never blended.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist

from hcrm_core.terms import Sex

_NORMAL = NormalDist()
_TENTH, _HUNDREDTH = Decimal("0.1"), Decimal("0.01")
_OUTERMOST = (2, 98)  # of an LMS table: beyond, only the side is told


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsRow:
    """Skewness, median (mm) and coefficient of variation at one age (Cole & Green's LMS)."""

    sex: Sex
    age_years: Decimal
    l: float  # noqa: E741 - the method's own name
    m_mm: float
    s: float

    @property
    def ends(self) -> tuple[int, int]:
        return _OUTERMOST

    def z_of(self, length_mm: float) -> float:
        """z = ((X/M)^L − 1)/(L·S), which runs into ln(X/M)/S as L goes to 0."""
        ratio = length_mm / self.m_mm
        return (ratio**self.l - 1) / (self.l * self.s) if self.l else math.log(ratio) / self.s

    def length_of(self, z: float) -> float:
        """X = M·(1 + L·S·z)^(1/L), which runs into M·exp(S·z) as L goes to 0."""
        if not self.l:
            return self.m_mm * math.exp(self.s * z)
        return float(self.m_mm * (1 + self.l * self.s * z) ** (1 / self.l))

    def towards(self, other: "LmsRow", *, age_years: Decimal) -> "LmsRow":
        """L, M and S between two ages, each along a line."""
        part = _part(self.age_years, other.age_years, age_years)
        return LmsRow(
            sex=self.sex,
            age_years=age_years,
            l=self.l + part * (other.l - self.l),
            m_mm=self.m_mm + part * (other.m_mm - self.m_mm),
            s=self.s + part * (other.s - self.s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileRow:
    """Lengths (mm) at the published percentiles of one age: (percentile, mm), both ascending.

    Between two percentiles a length stands where its z-score stands along a line; beyond the outermost ones the
    table says only on which side.
    """

    sex: Sex
    age_years: Decimal
    lengths: tuple[tuple[int, float], ...]

    @property
    def ends(self) -> tuple[int, int]:
        return self.lengths[0][0], self.lengths[-1][0]

    def z_of(self, length_mm: float) -> float:
        return _along([(mm, _z(percent)) for percent, mm in self.lengths], at=length_mm)

    def length_of(self, z: float) -> float:
        return _along([(_z(percent), mm) for percent, mm in self.lengths], at=z)

    def towards(self, other: "PercentileRow", *, age_years: Decimal) -> "PercentileRow":
        """Every percentile between two ages, along a line."""
        part = _part(self.age_years, other.age_years, age_years)
        pairs = zip(self.lengths, other.lengths, strict=True)
        lengths = tuple((percent, mm + part * (later - mm)) for (percent, mm), (_, later) in pairs)
        return PercentileRow(sex=self.sex, age_years=age_years, lengths=lengths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A place in the reference population. Not a judgement of health: the population includes its myopes.

    Attributes:
        percentile: 0–100, to 0.1.
        z: standard deviations, to 0.01.
        ends: the outermost percentiles of the table.
    """

    percentile: Decimal
    z: Decimal
    ends: tuple[int, int] = _OUTERMOST

    @property
    def label(self) -> str:
        """`P56`; `<P2` or `>P98` where the reference's tables end."""
        low, high = self.ends
        if self.percentile < low:
            return f"<P{low}"
        return f">P{high}" if self.percentile > high else f"P{round(self.percentile)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing can be told, and why: e.g. ``"sex_unknown"`` or ``"age_outside"``."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AxialLengthReference:
    """The table of one publication.

    Attributes:
        name: as printed beside every curve.
        version: of our copy of the table.
        citation: the publication, and its licence.
        licence, population: as the head of the file says.
        rows: one for each sex and age, in any order; all of one kind, with the same percentiles.
    """

    name: str
    version: str
    citation: str
    rows: tuple[LmsRow, ...] | tuple[PercentileRow, ...]
    licence: str = ""
    population: str = ""

    @property
    def label(self) -> str:
        """Name and version, as they stand on every chart."""
        return f"{self.name} v{self.version}"

    @property
    def ages(self) -> tuple[Decimal, Decimal]:
        """The first and the last age in years."""
        ages = [row.age_years for row in self.rows]
        return min(ages), max(ages)

    def percentile_of(self, length_mm: Decimal, *, sex: Sex | None, age_years: Decimal) -> Percentile | Refused:
        """The percentile of a length, by the table's rows or between two of them.

        Args:
            length_mm: axial length of one eye; eyes are never averaged.
            age_years: exact age at the examination.
        """
        row = self._at(sex, age_years)
        if isinstance(row, Refused):
            return row
        z = row.z_of(float(length_mm))
        return Percentile(
            percentile=Decimal(_NORMAL.cdf(z) * 100).quantize(_TENTH),
            z=Decimal(z).quantize(_HUNDREDTH) + 0,
            ends=row.ends,
        )

    def length_at(self, percentile: Decimal | int, *, sex: Sex | None, age_years: Decimal) -> Decimal | Refused:
        """The length at a percentile (0 < p < 100), mm to 0.01; ``percentile_outside`` where a table of percentiles
        ends before it."""
        row = self._at(sex, age_years)
        if isinstance(row, Refused):
            return row
        low, high = row.ends
        if isinstance(row, PercentileRow) and not low <= percentile <= high:
            return Refused(code="percentile_outside")
        return Decimal(row.length_of(_z(float(percentile)))).quantize(_HUNDREDTH)

    def _at(self, sex: Sex | None, age_years: Decimal) -> LmsRow | PercentileRow | Refused:
        if sex is None:
            return Refused(code="sex_unknown")
        rows = sorted((row for row in self.rows if row.sex is sex), key=lambda row: row.age_years)
        if not rows or not rows[0].age_years <= age_years <= rows[-1].age_years:
            return Refused(code="age_outside")
        return _between(rows, age_years)


def _between(rows: Sequence[LmsRow | PercentileRow], age_years: Decimal) -> LmsRow | PercentileRow:
    index = bisect_right([row.age_years for row in rows], age_years)
    below, above = rows[index - 1], rows[min(index, len(rows) - 1)]
    if below is above:
        return below
    if isinstance(below, LmsRow) and isinstance(above, LmsRow):
        return below.towards(above, age_years=age_years)
    assert isinstance(below, PercentileRow)
    assert isinstance(above, PercentileRow)
    return below.towards(above, age_years=age_years)


def _part(age_from: Decimal, age_to: Decimal, age: Decimal) -> float:
    return float((age - age_from) / (age_to - age_from))


def _z(percentile: float) -> float:
    return _NORMAL.inv_cdf(percentile / 100)


def _along(points: Sequence[tuple[float, float]], *, at: float) -> float:
    """The value at a place between points along lines; beyond the ends along the outermost line, to tell the side."""
    index = min(max(bisect_right([place for place, _ in points], at), 1), len(points) - 1)
    (low, low_value), (high, high_value) = points[index - 1], points[index]
    return low_value + (high_value - low_value) * (at - low) / (high - low)
