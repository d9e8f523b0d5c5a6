"""The band that eyes without refractive error keep to: what growth is aimed at, by one named source."""

from hcrm_core.curves.picture import Band, Target
from hcrm_core.eye.mean_growth import MeanLength


def length_target(lengths: MeanLength) -> Target:
    """Axial length over the published ages, as wide as the sexes lie apart."""
    band = Band(
        xs=tuple(float(age) for age, _ in lengths.lengths),
        low=tuple(float(mm - lengths.half_width_mm) for _, mm in lengths.lengths),
        high=tuple(float(mm + lengths.half_width_mm) for _, mm in lengths.lengths),
    )
    return Target(band=band, source=lengths.label)
