"""The published tables that a record is held against, loaded once and passed on as plain values."""

from dataclasses import dataclass
from functools import cache

from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_store.references import axial_growth_reference, axial_length_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """One reference for each question; they are never blended."""

    axial_length: AxialLengthReference
    axial_growth: MeanGrowth


@cache
def references() -> References:
    """The references that ship with the product."""
    return References(axial_length=axial_length_reference(), axial_growth=axial_growth_reference())
