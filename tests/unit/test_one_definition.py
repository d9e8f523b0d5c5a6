"""One definition of rate and percentile: chart, rules, alert and report say the same of simulated children.

Chart and report are the study of one child; rules are the facts of everybody, computed at once; an alert is the
evidence that the growth rule gives of those facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import narwhals as nw
import polars as pl
import pytest

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.curves.picture import Point
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.crossing import Crossing
from hcrm_core.eye.percentiles import Percentile, Refused
from hcrm_core.eye.plausibility import EyeValues
from hcrm_core.facts.catalogue import CATALOGUE, FactType
from hcrm_core.facts.compute import Frames, facts
from hcrm_core.facts.derived import derived
from hcrm_core.facts.growth import PERIODS, RECENT, Refusal, axial_readings, change, eye_growth, keyed
from hcrm_core.record import ExamRecord
from hcrm_core.rules import Surroundings, Verdict, evaluate, explain, lower
from hcrm_core.study import EyeStudy, measurements, study
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod, Sex, Source
from hcrm_sim.clinic import write_clinic
from hcrm_store.references import axial_length_reference, references
from tests.unit.sim.extracts import read

TODAY = date(2026, 11, 22)
DEFAULTS = read_defaults()
ALERT = lower(DEFAULTS.rules["growth_alert"].where, within=Surroundings(parameters=DEFAULTS.parameters, on=TODAY))
WINDOWS = {f"{kind}_growth_{key}": window for kind in ("se", "al") for key, window in PERIODS.items()}
DECIMALS = {name for name, fact in CATALOGUE.items() if fact.kind is FactType.DECIMAL}
_KEY: dict[str, type[pl.DataType]] = {"customer_id": pl.Int64}
_OTHERS = (("iop_mmhg", "iop"), ("ucva", "ucva"), ("bcva", "bcva"))
_POWERS = ("sphere", "cylinder", "axial_length_mm", "k1", "k2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A simulated child: as a row of facts, and as a record that a chart studies."""

    row: dict[str, Any]
    recent: dict[Eye, dict[str, Any]]
    exams: tuple[ExamRecord, ...]
    shown: EyeStudy


def simulated(directory: Path, *, count: int) -> Iterator[Child]:
    write_clinic(directory, customers=count, seed=20_261_122, today=TODAY)
    customers, exams = read(directory, "customers"), read(directory, "exams").with_row_index("number")
    numbers = {key: number for number, key in enumerate(customers["key"])}
    eyes = pl.concat([_eye_rows(exams, numbers, eye=eye) for eye in Eye])
    computed = (
        facts(_frames(customers, numbers, eyes), reference=axial_length_reference()).collect("polars").to_native()
    )
    rows = {row["customer_id"]: row for row in computed.iter_rows(named=True)}
    lengths = change(axial_readings(keyed(nw.from_native(eyes.lazy()))), RECENT).collect("polars")
    recent = {row["eye_key"]: row for row in lengths.iter_rows(named=True)}
    records: dict[str, list[ExamRecord]] = {}
    for row in exams.sort("examined_on", "number").iter_rows(named=True):
        records.setdefault(row["customer_key"], []).append(_record(row))
    for person in customers.iter_rows(named=True):
        number = numbers[person["key"]]
        told = tuple(records.get(person["key"], ()))
        shown = study(
            told,
            orders=(),
            sex=Sex(person["sex"]) if person["sex"] else None,
            birth=person["birth_date"],
            today=TODAY,
            references=references(),
        )
        by_eye = {eye: recent.get(2 * number + side, {}) for side, eye in enumerate(Eye)}
        yield Child(row=_exact(rows[number]), recent=by_eye, exams=told, shown=shown)


def _eye_rows(exams: pl.DataFrame, numbers: dict[str, int], *, eye: Eye) -> pl.DataFrame:
    side = eye.value.lower()
    names = {**{name: f"{name}_mdpt" for name in _POWERS}, "axial_length_mm": "axial_length_um"}
    return exams.select(
        pl.col("customer_key").replace_strict(numbers, return_dtype=pl.Int64).alias("customer_id"),
        pl.col("number").cast(pl.Int64).alias("exam_id"),
        pl.lit(eye.value).alias("eye"),
        "examined_on",
        pl.lit("final").alias("status"),
        "method",
        "cycloplegic",
        "lens_state",
        pl.col("washout_days").cast(pl.Int64),
        *((pl.col(f"{side}_{name}") * 1000).round().cast(pl.Int64).alias(names[name]) for name in _POWERS),
        pl.col(f"{side}_cct_um").cast(pl.Int64).alias("cct_um"),
        *((pl.col(f"{side}_{name}") * 1000).round().cast(pl.Int64).alias(f"{short}_milli") for name, short in _OTHERS),
    ).filter(~pl.all_horizontal(pl.col(*names.values()).is_null()))


def _frames(customers: pl.DataFrame, numbers: dict[str, int], eyes: pl.DataFrame) -> Frames:
    people = customers.select(
        pl.col("key").replace_strict(numbers, return_dtype=pl.Int64).alias("customer_id"),
        pl.lit(None, dtype=pl.String).alias("site_id"),
        *("birth_date", "sex", "filed_on", "do_not_contact"),
    )
    number, text, day = pl.Int64, pl.String, pl.Date
    empty: dict[str, dict[str, type[pl.DataType]]] = {
        "lens_orders": {"order_id": number, "eye": text, "product": text}
        | dict.fromkeys(("ordered_on", "dispensed_on", "ended_on"), day)
        | {"price_milli": number, "department": text},
        "medications": {"medication_id": number, "medicine": text, "percent_milli": number}
        | dict.fromkeys(("started_on", "ended_on"), day),
        "visits": {"visit_on": day, "state": text},
        "recheck_plans": {"planned_on": day, "due_on": day},
        "follow_ups": {"contacted_on": day, "outcome": text},
        "leads": {"state": text},
    }
    frames = {name: pl.DataFrame(schema=_KEY | schema) for name, schema in empty.items()}
    frames |= {"customers": people, "eyes": eyes}
    return Frames(**{name: nw.from_native(frame.lazy()) for name, frame in frames.items()})


def _record(row: dict[str, Any]) -> ExamRecord:
    return ExamRecord(
        id=UUID(int=row["number"]),
        examined_on=row["examined_on"],
        method=RefractionMethod(row["method"]),
        cycloplegic=row["cycloplegic"],
        lens_state=LensState(row["lens_state"]),
        washout_days=row["washout_days"],
        device="",
        note="",
        examiner_name="",
        source=Source.SIMULATION,
        status=ExamStatus.FINAL,
        od=_values(row, eye=Eye.OD),
        os=_values(row, eye=Eye.OS),
    )


def _values(row: dict[str, Any], *, eye: Eye) -> EyeValues:
    written = {name: row[f"{eye.value.lower()}_{name}"] for name in _POWERS}
    told: dict[str, Any] = {name: Decimal(str(value)) for name, value in written.items() if value is not None}
    return EyeValues(eye=eye, **told)


def _exact(row: dict[str, Any]) -> dict[str, Any]:
    """Facts as the store holds them: thousandths as decimals."""
    return {name: Decimal(v) / 1000 if name in DECIMALS and v is not None else v for name, v in row.items()}


@pytest.fixture(scope="module")
def children(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Child]:
    return list(simulated(tmp_path_factory.mktemp("sim") / "clinic", count=request.param))


SOME = pytest.mark.parametrize(
    "children", [100, pytest.param(1000, marks=pytest.mark.long)], indirect=True, scope="module"
)


@SOME
def test_the_rate_of_chart_and_report_is_that_of_the_definition_over_everybody(children: list[Child]) -> None:
    told = 0
    for child in children:
        for eye in Eye:
            growth, everybody = child.shown.axial_verdicts[eye].growth, child.recent[eye]
            assert (growth.refusal or None) == (everybody.get("refusal", "no_pair"))
            assert growth.change == (Decimal(everybody["change"]) / 1000 if growth.change is not None else None)
            points = child.shown.rate.of(eye)
            if growth.per_year is not None:
                told += 1
                assert (points[-1].value, points[-1].since, points[-1].on) == (
                    growth.per_year,
                    everybody["from_on"],
                    everybody["to_on"],
                )
    assert told > len(children) // 4


@SOME
def test_the_facts_of_the_rules_are_the_growth_of_one_child_and_refuse_alike(children: list[Child]) -> None:
    told = 0
    for number, child in enumerate(children):
        for base, window in list(WINDOWS.items())[number % 4 :: 4]:  # every child two windows
            grown = eye_growth(measurements(child.exams), window=window)
            for eye in Eye:
                growth = grown[eye].axial if base.startswith("al") else grown[eye].refraction
                name = f"{base}_{eye.value.lower()}"
                assert child.row[name] == growth.change, name
                # An eye that was never measured has no row among the facts of everybody.
                stored = child.row[f"{base}_refusal_{eye.value.lower()}"]
                assert (stored or Refusal.NO_PAIR if growth.change is None else stored) == growth.refusal, name
                rate = child.row.get(f"{base.replace('growth', 'growth_rate')}_{eye.value.lower()}")
                assert rate == growth.per_year, name
                told += growth.change is not None
    assert told > len(children) // 4


@SOME
def test_the_place_and_the_crossing_of_the_facts_are_those_of_the_chart(children: list[Child]) -> None:
    places = crossings = 0
    for child in children:
        for eye, crossing in child.shown.crossings.items():
            side, points = eye.value.lower(), child.shown.axial.of(eye)
            assert child.row[f"al_percentile_{side}"] == _place(child, points[-1] if points else None)
            places += child.row[f"al_percentile_{side}"] is not None
            told = child.row[f"al_crossing_{side}"], child.row[f"al_crossing_from_on_{side}"]
            if isinstance(crossing, Crossing):
                assert told == (crossing.points, crossing.from_on)
                crossings += 1
            else:
                assert told == (None, None)
                assert (child.row[f"al_crossing_refusal_{side}"] or "no_pair") == crossing.code
    assert places > len(children) // 4
    assert crossings > len(children) // 8


def _place(child: Child, point: Point | None) -> Decimal | None:
    if point is None or child.shown.birth is None:
        return None
    age = exact_age(child.shown.birth, on=point.on)
    place = child.shown.references.axial_length.percentile_of(point.value, sex=child.shown.sex, age_years=age)
    return place.percentile if isinstance(place, Percentile) else None


@SOME
def test_the_ratio_of_the_facts_is_that_of_the_record_at_the_same_examination(children: list[Child]) -> None:
    told = withheld = 0
    for child in children:
        for eye in Eye:
            ratios = [derived(exam, eye=eye).ratio for exam in child.exams if _has_both(exam, eye=eye)]
            expected = ratios[-1] if ratios else None
            found, why = (child.row[f"{name}_{eye.value.lower()}"] for name in ("al_cr", "al_cr_refusal"))
            assert (found, why) == ((None, expected.code) if isinstance(expected, Refused) else (expected, None))
            told += found is not None
            withheld += why is not None
    assert told > len(children) // 4
    assert withheld > 0


def _has_both(exam: ExamRecord, *, eye: Eye) -> bool:
    values = exam.od if eye is Eye.OD else exam.os
    return values is not None and None not in (values.axial_length_mm, values.k1, values.k2)


@SOME
def test_an_alert_shows_the_growth_that_the_chart_would_tell_over_its_window(children: list[Child]) -> None:
    alerted = 0
    for child in children:
        evidence = [one for one in explain(ALERT, child.row, on=TODAY) if one.value is not None]
        if not evidence:
            continue
        inputs = measurements(child.exams)
        windows = {one.fact.rpartition("_")[0] for one in evidence}
        grown = {base: eye_growth(inputs, window=WINDOWS[base]) for base in windows}
        for one in evidence:
            growth = grown[one.fact.rpartition("_")[0]][Eye(one.eye)].refraction
            assert one.value is not None
            assert Decimal(one.value) == growth.change
        high = any(one.verdict == "true" for one in evidence)
        assert (evaluate(ALERT, child.row) is Verdict.MATCH) is high
        alerted += high
    assert alerted > 0


@SOME
def test_every_percentile_is_the_references_own_by_exact_age(children: list[Child]) -> None:
    told = 0
    for child in children:
        shown, reference = child.shown, child.shown.references.axial_length
        for point in shown.axial.points:
            place = shown.birth and reference.percentile_of(
                point.value, sex=shown.sex, age_years=exact_age(shown.birth, on=point.on)
            )
            assert point.percentile == (place.label if isinstance(place, Percentile) else "")
            told += isinstance(place, Percentile)
        for eye, crossing in shown.crossings.items():
            if isinstance(crossing, Crossing):
                assert crossing.to_percentile.label == shown.axial.of(eye)[-1].percentile
                assert crossing.reference == shown.axial.reference
    assert told > len(children) // 4
