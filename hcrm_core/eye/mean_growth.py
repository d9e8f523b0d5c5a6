"""How much eyes of an age grow, by one named publication: what a child's own growth stands beside."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanGrowth:
    """Mean axial elongation by age.

    Attributes:
        name: as printed beside the number.
        version: of our copy of the table.
        citation: the publication, and who was measured.
        rates: (age in years, mm a year), ages ascending; linear between them.
    """

    name: str
    version: str
    citation: str
    rates: tuple[tuple[Decimal, Decimal], ...]

    @property
    def label(self) -> str:
        """Name and version, as they stand beside every number."""
        return f"{self.name} v{self.version}"

    @property
    def ages(self) -> tuple[Decimal, Decimal]:
        """The first and the last published age."""
        return self.rates[0][0], self.rates[-1][0]

    def mm_between(self, age_from: Decimal, *, age_to: Decimal) -> Decimal | None:
        """Mean growth in mm, to 0.01, from one exact age to a later one: the rate half-way times the years.

        None if either age is outside the published ones.
        """
        rate = self._half_way(age_from, age_to)
        return None if rate is None else (rate * (age_to - age_from)).quantize(_HUNDREDTH)

    def per_year_between(self, age_from: Decimal, *, age_to: Decimal) -> Decimal | None:
        """The same as mm a year, to 0.01."""
        rate = self._half_way(age_from, age_to)
        return None if rate is None else rate.quantize(_HUNDREDTH)

    def rate_at(self, age: Decimal) -> Decimal | None:
        """mm a year at an exact age; None outside the published ages."""
        return _along(self.rates, age=age)

    def _half_way(self, age_from: Decimal, age_to: Decimal) -> Decimal | None:
        first, last = self.ages
        inside = first <= age_from <= age_to <= last
        return _along(self.rates, age=(age_from + age_to) / 2) if inside else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthStep:
    """A rate that holds for some ages: from `age_from` to below `age_to`, years."""

    age_from: Decimal
    age_to: Decimal
    mm_per_year: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthSteps:
    """Axial elongation by age groups, which may overlap as they were published."""

    name: str
    version: str
    citation: str
    steps: tuple[GrowthStep, ...]

    @property
    def label(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def ages(self) -> tuple[Decimal, Decimal]:
        """The first published age, and the first that is no longer published."""
        return min(step.age_from for step in self.steps), max(step.age_to for step in self.steps)

    def rates_at(self, age: Decimal) -> tuple[Decimal, ...]:
        """mm a year of every group that an exact age belongs to."""
        return tuple(step.mm_per_year for step in self.steps if step.age_from <= age < step.age_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanLength:
    """Mean axial length by age of a group, and how far its sexes lie from it.

    Attributes:
        half_width_mm: sexes are pooled; either lies about so far from the mean.
        lengths: (age in years, mm), ages ascending; linear between them.
    """

    name: str
    version: str
    citation: str
    half_width_mm: Decimal
    lengths: tuple[tuple[Decimal, Decimal], ...]

    @property
    def label(self) -> str:
        return f"{self.name} v{self.version}"


def _along(points: Sequence[tuple[Decimal, Decimal]], *, age: Decimal) -> Decimal | None:
    """The value at an age on straight lines between published ages; None outside them."""
    if not points[0][0] <= age <= points[-1][0]:
        return None
    index = min(bisect_right([known for known, _ in points], age), len(points) - 1)
    (low, low_value), (high, high_value) = points[index - 1], points[index]
    return low_value + (high_value - low_value) * (age - low) / (high - low)
