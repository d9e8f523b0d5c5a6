"""Where an axial length stands among children of the same age and sex, by one named reference.

References disagree by up to half a millimetre (Wuhan 2022 and Shanghai 2023 at 10 years), so that a percentile
is meaningless without the reference's name and version, and two references are never blended.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist

from hcrm_core.terms import Sex

_NORMAL = NormalDist()
_TENTH, _HUNDREDTH = Decimal("0.1"), Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsRow:
    """Skewness, median (mm) and coefficient of variation at one age (Cole & Green's LMS)."""

    sex: Sex
    age_years: Decimal
    l: float  # noqa: E741 - the method's own name
    m_mm: float
    s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """A place in the reference population. Not a judgement of health: the population includes its myopes."""

    percentile: Decimal  # 0–100, to 0.1
    z: Decimal  # standard deviations, to 0.01

    @property
    def label(self) -> str:
        """`P56`; `<P2` or `>P98` where the reference's tables end."""
        if self.percentile < 2:
            return "<P2"
        return ">P98" if self.percentile > 98 else f"P{round(self.percentile)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No percentile can be given: ``"sex_unknown"`` or ``"age_outside"``."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AxialLengthReference:
    """LMS rows of one publication.

    Attributes:
        name: as printed beside every curve.
        version: of our copy of the table.
        citation: the publication, and its licence.
        rows: any order; one for each sex and age.
    """

    name: str
    version: str
    citation: str
    rows: tuple[LmsRow, ...]

    def percentile_of(self, length_mm: Decimal, *, sex: Sex | None, age_years: Decimal) -> Percentile | Refused:
        """The percentile of a length: z = ((X/M)^L − 1)/(L·S), L, M, S linear between the table's ages.

        Args:
            length_mm: axial length of one eye; eyes are never averaged.
            age_years: exact age at the examination.
        """
        row = self._at(sex, age_years)
        if isinstance(row, Refused):
            return row
        z = ((float(length_mm) / row.m_mm) ** row.l - 1) / (row.l * row.s)
        return Percentile(
            percentile=Decimal(_NORMAL.cdf(z) * 100).quantize(_TENTH), z=Decimal(z).quantize(_HUNDREDTH) + 0
        )

    def length_at(self, percentile: Decimal | int, *, sex: Sex | None, age_years: Decimal) -> Decimal | Refused:
        """The length at a percentile (0 < p < 100), mm to 0.01: X = M·(1 + L·S·z)^(1/L)."""
        row = self._at(sex, age_years)
        if isinstance(row, Refused):
            return row
        z = _NORMAL.inv_cdf(float(percentile) / 100)
        return Decimal(row.m_mm * (1 + row.l * row.s * z) ** (1 / row.l)).quantize(_HUNDREDTH)

    def _at(self, sex: Sex | None, age_years: Decimal) -> LmsRow | Refused:
        if sex is None:
            return Refused(code="sex_unknown")
        rows = sorted((row for row in self.rows if row.sex is sex), key=lambda row: row.age_years)
        if not rows or not rows[0].age_years <= age_years <= rows[-1].age_years:
            return Refused(code="age_outside")
        return _between(rows, age_years)


def _between(rows: Sequence[LmsRow], age_years: Decimal) -> LmsRow:
    index = bisect_right([row.age_years for row in rows], age_years)
    below, above = rows[index - 1], rows[min(index, len(rows) - 1)]
    if below is above:
        return below
    part = float((age_years - below.age_years) / (above.age_years - below.age_years))
    return LmsRow(
        sex=below.sex,
        age_years=age_years,
        l=below.l + part * (above.l - below.l),
        m_mm=below.m_mm + part * (above.m_mm - below.m_mm),
        s=below.s + part * (above.s - below.s),
    )
