"""Refraction as a value: spherical equivalent, transposition, power vectors, power at the cornea. Diopters, degrees.

A blank cylinder is unknown here, as everywhere: null never becomes 0.00. Autorefractors print blank for 0.00, so a
reader that knows it holds such a slip writes 0.00 itself; a person who leaves the field empty is asked.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

_HUNDREDTH = Decimal("0.01")
VERTEX_MM = Decimal(12)  # of spectacles, as optometry takes it where nothing else was measured


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerVector:
    """A lens as three powers that may be added and compared one by one, D: unlike cylinder and axis.

    Attributes:
        m: spherical equivalent.
        j0, j45: astigmatism along 180°/90° and along 45°/135°, to 0.01.
    """

    m: Decimal
    j0: Decimal
    j45: Decimal


def power_vector(refraction: Refraction) -> PowerVector | None:
    """M = S + C/2, J0 = −(C/2)·cos 2θ, J45 = −(C/2)·sin 2θ (reference pack §4.9); None without a cylinder, or without
    the axis of one."""
    m = spherical_equivalent(refraction.sphere, cylinder=refraction.cylinder)
    if m is None or refraction.cylinder is None or (refraction.cylinder and refraction.axis is None):
        return None
    angle = math.radians(2 * ((refraction.axis or 180) % 180))
    half = -float(refraction.cylinder) / 2
    return PowerVector(m=m, j0=_rounded(half * math.cos(angle)), j45=_rounded(half * math.sin(angle)))


def at_cornea(power: Decimal, *, vertex_mm: Decimal = VERTEX_MM) -> Decimal:
    """The power that a lens of a spectacle power has at the cornea: F / (1 − d·F), D to 0.01 (reference pack §4.10).

    Spectacle and contact lens powers are not comparable without it from about 4 D on.
    """
    return (power / (1 - vertex_mm / 1000 * power)).quantize(_HUNDREDTH)


def _rounded(power: float) -> Decimal:
    """To 0.01 D, after the binary dust of a sine is off; never −0.00."""
    return Decimal(f"{power:.9f}").quantize(_HUNDREDTH) + 0


def _turned(axis: int | None) -> int | None:
    if axis is None:
        return None
    return axis - 90 if axis > 90 else axis + 90
