"""Refraction as a value: spherical equivalent, transposition and power vectors. All in diopters and degrees."""

import math
from dataclasses import dataclass
from decimal import Decimal

_THOUSANDTH = Decimal("0.001")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerVector:
    """Sphere and astigmatism as a vector, D: what may be subtracted and averaged."""

    m: Decimal
    j0: Decimal
    j45: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refraction:
    """One eye's refraction as measured.

    Attributes:
        sphere: D.
        cylinder: D; None where the slip left it blank beside a written sphere, which autorefractors do for 0.00.
        axis: degrees 1–180; None without cylinder or where it was not written.
    """

    sphere: Decimal
    cylinder: Decimal | None = None
    axis: int | None = None

    @property
    def spherical_equivalent(self) -> Decimal:
        """Sphere + cylinder / 2, D (WS/T 663-2020 §3.5)."""
        return spherical_equivalent(self.sphere, cylinder=self.cylinder)

    @property
    def power_vector(self) -> PowerVector | None:
        """M, J0, J45 in D, to 0.001; None if there is a cylinder whose axis is unknown.

        M = S + C/2, J0 = −(C/2)·cos 2θ, J45 = −(C/2)·sin 2θ.
        """
        if self.cylinder and self.axis is None:
            return None
        lens = self.minus_cylinder()  # one rounding for both ways to write a lens
        half = float(lens.cylinder or 0) / 2
        angle = math.radians(2 * (lens.axis or 0))
        return PowerVector(
            m=self.spherical_equivalent.quantize(_THOUSANDTH),
            j0=_thousandths(-half * math.cos(angle)),
            j45=_thousandths(-half * math.sin(angle)),
        )

    def minus_cylinder(self) -> "Refraction":
        """The same lens written with a minus cylinder: S' = S + C, C' = −C, axis ± 90."""
        if self.cylinder is None or self.cylinder <= 0:
            return self
        return Refraction(sphere=self.sphere + self.cylinder, cylinder=-self.cylinder, axis=_turned(self.axis))


def spherical_equivalent(sphere: Decimal, *, cylinder: Decimal | None) -> Decimal:
    """Sphere + cylinder / 2, D (WS/T 663-2020 §3.5). A blank cylinder beside a written sphere counts as 0.00:
    that is how slips print it."""
    return sphere + (cylinder or Decimal(0)) / 2


def _turned(axis: int | None) -> int | None:
    if axis is None:
        return None
    return axis - 90 if axis > 90 else axis + 90


def _thousandths(value: float) -> Decimal:
    return Decimal(value).quantize(_THOUSANDTH) + 0  # + 0 turns -0.000 into 0.000
