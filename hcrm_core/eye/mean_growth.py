"""How much an eye of that age grows on average, by one named publication: what a child's own growth stands beside."""

from bisect import bisect_right
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

    def mm_between(self, age_from: Decimal, *, age_to: Decimal) -> Decimal | None:
        """Mean growth in mm, to 0.01, from one exact age to a later one: the rate half-way times the years.

        None if either age is outside the published ones.
        """
        ages = [age for age, _ in self.rates]
        if not ages[0] <= age_from <= age_to <= ages[-1]:
            return None
        return (self._rate((age_from + age_to) / 2) * (age_to - age_from)).quantize(_HUNDREDTH)

    def _rate(self, age: Decimal) -> Decimal:
        index = min(bisect_right([known for known, _ in self.rates], age), len(self.rates) - 1)
        (low, low_rate), (high, high_rate) = self.rates[index - 1], self.rates[index]
        return low_rate + (high_rate - low_rate) * (age - low) / (high - low)
