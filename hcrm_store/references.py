"""Loads reference tables: those that ship with the product, and those that a clinic lays into a folder.

Each file's `# key: value` head names its source. A table whose licence does not let it ship is a file of the clinic's
own, in the same format (docs/record.md); what is wrong with it is told by row and column, and it is not used.
"""

import csv
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from hcrm_core.errors import Problem
from hcrm_core.eye.mean_growth import GrowthStep, GrowthSteps, MeanGrowth, MeanLength
from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_core.eye.reference_table import read_reference
from hcrm_core.eye.references import DefinitionLine, References, TreatmentEffect
from hcrm_core.parsed import Parsed
from hcrm_store.resources import resource

LARGEST = 1_000_000  # bytes of a clinic's table; the longest published one has 4 KB


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidFile:
    """A file of the clinic's folder: the table in it, or what is wrong with it."""

    name: str
    table: AxialLengthReference | None
    problems: tuple[Problem, ...]


@cache
def references() -> References:
    """The references that ship with the product: percentiles of Wuhan 2022."""
    shown = axial_length_reference()
    return References(
        axial_length=shown,
        axial_growth=axial_growth_reference(),
        single_vision_growth=_steps("axial_growth_single_vision_2025.csv"),
        emmetropic_growth=(
            _steps("axial_growth_emmetropes_yii_2023.csv"),
            _steps("axial_growth_emmetropes_cleere.csv"),
        ),
        emmetropic_length=_emmetropic_length(),
        effects=_effects(),
        lines=_lines(),
        available=(shown,),
    )


def references_with(folder: Path, *, chosen: str = "") -> References:
    """The shipped references and the sound tables of a clinic's folder; `chosen` is the label of the one to show.

    Unknown or empty, the shipped one is shown.
    """
    tables = (one.table for one in laid_files(folder) if one.table is not None)
    shipped = references()
    return replace(shipped, available=(*shipped.available, *tables)).choosing(chosen)


def laid_files(folder: Path) -> tuple[LaidFile, ...]:
    """Every `*.csv` of a folder, in the order of names. A label that was met before is a problem: of two tables of
    one name nobody could tell which one a chart shows."""
    if not folder.is_dir():
        return ()
    labels = {table.label for table in references().available}
    found = []
    for path in sorted(folder.glob("*.csv")):
        one = _laid(path, labels=labels)
        labels |= {one.table.label} if one.table else set()
        found.append(one)
    return tuple(found)


def _laid(path: Path, *, labels: set[str]) -> LaidFile:
    read = _read(path)
    problems = read.problems
    if read.value is not None and read.value.label in labels:
        problems = (Problem(code="label_taken", field="name", parameters={"seen": read.value.label}),)
    return LaidFile(name=path.name, table=None if problems else read.value, problems=problems)


def _read(path: Path) -> Parsed[AxialLengthReference]:
    try:
        if path.stat().st_size > LARGEST:
            return Parsed(problems=(Problem(code="too_large", field="file"),))
        return read_reference(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return Parsed(problems=(Problem(code="unreadable", field="file"),))


@cache
def axial_length_reference() -> AxialLengthReference:
    """Axial length of children in Wuhan, 6–15 y (CC BY 4.0, the one Chinese table that may be shipped).

    Raises:
        ValueError: if the shipped file is damaged.
    """
    path = resource("references", "axial_length_wuhan_2022.csv")
    table = _read(path).value
    if table is None:
        raise ValueError(f"{path.name} is damaged")
    return table


@cache
def axial_growth_reference() -> MeanGrowth:
    """Mean axial growth of Chinese children with myopia, 6–15 y."""
    head, rows = _table("axial_growth_naduvilath_2023.csv")
    rates = tuple((Decimal(row["age_years"]), Decimal(row["mm_per_year"])) for row in rows)
    return MeanGrowth(name=head["name"], version=head["version"], citation=head["citation"], rates=rates)


def _steps(name: str) -> GrowthSteps:
    head, rows = _table(name)
    steps = tuple(GrowthStep(**{column: Decimal(value) for column, value in row.items()}) for row in rows)
    return GrowthSteps(name=head["name"], version=head["version"], citation=head["citation"], steps=steps)


def _emmetropic_length() -> MeanLength:
    head, rows = _table("axial_length_emmetropes_yii_2023.csv")
    return MeanLength(
        name=head["name"],
        version=head["version"],
        citation=head["citation"],
        half_width_mm=Decimal(head["half_width_mm"]),
        lengths=tuple((Decimal(row["age_years"]), Decimal(row["mm"])) for row in rows),
    )


def _effects() -> tuple[TreatmentEffect, ...]:
    _, rows = _table("treatment_effects.csv")
    return tuple(_effect(row) for row in rows)


def _effect(row: dict[str, str]) -> TreatmentEffect:
    return TreatmentEffect(
        treatment=row["treatment"],
        trial=row["trial"],
        population=row["population"],
        age_from=int(row["age_from"]) if row["age_from"] else None,
        age_to=int(row["age_to"]) if row["age_to"] else None,
        months=int(row["months"]),
        treated_mm=Decimal(row["treated_mm"]) if row["treated_mm"] else None,
        control_mm=Decimal(row["control_mm"]) if row["control_mm"] else None,
        reduction_mm=Decimal(row["reduction_mm"]),
        citation=row["citation"],
    )


def _lines() -> tuple[DefinitionLine, ...]:
    _, rows = _table("definition_lines.csv")
    return tuple(
        DefinitionLine(
            term=row["term"], quantity=row["quantity"], value=Decimal(row["value"]), citation=row["citation"]
        )
        for row in rows
    )


def _table(name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    lines = resource("references", name).read_text(encoding="utf-8").splitlines()
    head = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    return head, list(csv.DictReader(line for line in lines if not line.startswith("#")))
