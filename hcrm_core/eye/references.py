"""The published tables that a record is held against. One for each question; they are never blended."""

from dataclasses import dataclass, replace
from decimal import Decimal

from hcrm_core.eye.mean_growth import GrowthSteps, MeanGrowth, MeanLength
from hcrm_core.eye.percentiles import AxialLengthReference


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentEffect:
    """What one randomised trial found against its control arm.

    Attributes:
        treatment: a `ProductKind`, or an atropine concentration like ``atropine_0.05``.
        age_from, age_to: completed years of the children, both included; None where the abstract gives none.
        months: how long the trial lasted.
        treated_mm, control_mm: mean elongation of the arms; None where not published.
        reduction_mm: their difference over the whole trial: absolute, never a share.
    """

    treatment: str
    trial: str
    population: str
    age_from: int | None
    age_to: int | None
    months: int
    treated_mm: Decimal | None
    control_mm: Decimal | None
    reduction_mm: Decimal
    citation: str

    @property
    def mm_per_year(self) -> Decimal:
        return self.reduction_mm * 12 / self.months

    def covers(self, age: Decimal) -> bool:
        """Whether children of this exact age took part."""
        return self.age_from is not None and self.age_to is not None and self.age_from <= age < self.age_to + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionLine:
    """A value that a definition turns at: quantity ``refraction``, ``axial_length`` or ``growth_rate``."""

    term: str
    quantity: str
    value: Decimal
    citation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The tables of one study.

    Attributes:
        axial_length: percentiles of axial length by age and sex: the one that is shown.
        axial_growth: mean growth of children with myopia by age.
        single_vision_growth: the least that publications give for children in single-vision spectacles.
        emmetropic_growth: growth of eyes without refractive error, of each publication.
        emmetropic_length: axial length of eyes without refractive error.
        effects: what trials found, row by row.
        lines: values of definitions.
        available: every table of percentiles that may be chosen, the shipped one first.
    """

    axial_length: AxialLengthReference
    axial_growth: MeanGrowth
    single_vision_growth: GrowthSteps
    emmetropic_growth: tuple[GrowthSteps, ...]
    emmetropic_length: MeanLength
    effects: tuple[TreatmentEffect, ...]
    lines: tuple[DefinitionLine, ...]
    available: tuple[AxialLengthReference, ...]

    def choosing(self, label: str) -> "References":
        """The same with another table of percentiles; with the present one if there is none of that label."""
        found = next((table for table in self.available if table.label == label), self.axial_length)
        return replace(self, axial_length=found)
