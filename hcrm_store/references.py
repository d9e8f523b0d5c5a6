"""Loads the reference tables that ship with the product. Each file's `# key: value` head names its source."""

import csv
from decimal import Decimal
from functools import cache

from hcrm_core.eye.mean_growth import MeanGrowth
from hcrm_core.eye.percentiles import AxialLengthReference, LmsRow
from hcrm_core.eye.references import References
from hcrm_core.terms import Sex
from hcrm_store.resources import resource


@cache
def references() -> References:
    """The references that ship with the product."""
    return References(axial_length=axial_length_reference(), axial_growth=axial_growth_reference())


@cache
def axial_length_reference() -> AxialLengthReference:
    """Axial length of children in Wuhan, 6–15 y (CC BY 4.0, the one Chinese table that may be shipped)."""
    head, rows = _table("axial_length_wuhan_2022.csv")
    return AxialLengthReference(
        name=head["name"], version=head["version"], citation=head["citation"], rows=tuple(_row(row) for row in rows)
    )


@cache
def axial_growth_reference() -> MeanGrowth:
    """Mean axial growth of Chinese children with myopia, 6–15 y."""
    head, rows = _table("axial_growth_naduvilath_2023.csv")
    rates = tuple((Decimal(row["age_years"]), Decimal(row["mm_per_year"])) for row in rows)
    return MeanGrowth(name=head["name"], version=head["version"], citation=head["citation"], rates=rates)


def _table(name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    lines = resource("references", name).read_text(encoding="utf-8").splitlines()
    head = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    return head, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _row(row: dict[str, str]) -> LmsRow:
    return LmsRow(
        sex=Sex(row["sex"]),
        age_years=Decimal(row["age_years"]),
        l=float(row["l"]),
        m_mm=float(row["m_mm"]),
        s=float(row["s"]),
    )
