"""The published tables that a record is held against. One for each question; they are never blended."""

from dataclasses import dataclass

from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.percentiles import AxialLengthReference


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The tables of one study.

    Attributes:
        axial_length: percentiles of axial length by age and sex.
        axial_growth: mean growth of children with myopia by age.
    """

    axial_length: AxialLengthReference
    axial_growth: MeanGrowth
