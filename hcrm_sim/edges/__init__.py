"""The edge customers: in every clinic, whatever its seed, somebody stands on each side of every number."""

from datetime import date

from hcrm_sim.edges.case import EdgeCase
from hcrm_sim.edges.drops import drops_cases
from hcrm_sim.edges.growth import growth_cases
from hcrm_sim.edges.lenses import lens_cases
from hcrm_sim.edges.recall import adult_cases, file_cases, recall_cases

__all__ = ["EdgeCase", "edge_cases"]


def edge_cases(today: date) -> list[EdgeCase]:
    """Everybody who stands at an edge on that day, in a fixed order."""
    return [
        *lens_cases(today),
        *growth_cases(today),
        *recall_cases(today),
        *adult_cases(today),
        *file_cases(today),
        *drops_cases(today),  # last: the others keep their places
    ]
