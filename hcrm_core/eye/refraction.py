"""Refraction as a value: spherical equivalent and transposition. All in diopters and degrees.

A blank cylinder is unknown here, as everywhere: null never becomes 0.00. Autorefractors print blank for 0.00, so a
reader that knows it holds such a slip writes 0.00 itself; a person who leaves the field empty is asked.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refraction:
    """One eye's refraction as measured.

    Attributes:
        sphere: D.
        cylinder: D; None where it was not written.
        axis: degrees 1–180; None without cylinder or where it was not written.
    """

    sphere: Decimal
    cylinder: Decimal | None = None
    axis: int | None = None

    def minus_cylinder(self) -> "Refraction":
        """The same lens written with a minus cylinder: S' = S + C, C' = −C, axis ± 90."""
        if self.cylinder is None or self.cylinder <= 0:
            return self
        return Refraction(sphere=self.sphere + self.cylinder, cylinder=-self.cylinder, axis=_turned(self.axis))


def spherical_equivalent(sphere: Decimal | None, *, cylinder: Decimal | None) -> Decimal | None:
    """Sphere + cylinder / 2, D (WS/T 663-2020 §3.5); unknown without both. `facts.growth` says the same of columns."""
    return None if sphere is None or cylinder is None else sphere + cylinder / 2


def _turned(axis: int | None) -> int | None:
    if axis is None:
        return None
    return axis - 90 if axis > 90 else axis + 90
