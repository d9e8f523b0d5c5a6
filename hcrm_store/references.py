"""Loads the reference tables that ship with the product. Each file's `# key: value` head names its source."""

import csv
from decimal import Decimal
from functools import cache

from hcrm_core.eye.percentiles import AxialLengthReference, LmsRow
from hcrm_core.terms import Sex
from hcrm_store.resources import resource


@cache
def axial_length_reference() -> AxialLengthReference:
    """Axial length of children in Wuhan, 6–15 y (CC BY 4.0, the one Chinese table that may be shipped)."""
    lines = resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8").splitlines()
    head = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return AxialLengthReference(
        name=head["name"], version=head["version"], citation=head["citation"], rows=tuple(_row(row) for row in rows)
    )


def _row(row: dict[str, str]) -> LmsRow:
    return LmsRow(
        sex=Sex(row["sex"]),
        age_years=Decimal(row["age_years"]),
        l=float(row["l"]),
        m_mm=float(row["m_mm"]),
        s=float(row["s"]),
    )
