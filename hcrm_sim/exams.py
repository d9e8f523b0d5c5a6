"""What the clinic writes down: true eyes seen through devices, cycloplegia, lenses and forgotten fields."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from hcrm_core.terms import LensState, RefractionMethod, Source
from hcrm_sim.eyes import Eyes
from hcrm_sim.growth import Floats, Ints, Wear
from hcrm_sim.journeys import Journeys, Sittings
from hcrm_sim.people import DAYS_PER_YEAR, People, Persona, dates, pick
from hcrm_sim.words import words

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

AXIAL_NOISE = 0.05  # mm, within-subject SD; 0.04 to 0.06 by device (Mattern 2023)
REFRACTION_NOISE = 0.15  # D: two readings then differ by ±0.5 D with rounding, as autorefractors do (Xiong 2017)
OK_K_FLATTENING = (0.8, 1.2)  # D after one night and after four months (clinical pack 4.12)
OK_CCT_THINNING = 6  # µm (clinical pack 4.2)
OK_AXIAL_DIP = 0.026  # mm in the first weeks, transient (clinical pack 4.3)
# Shares of exams in which a field was left out.
MISSING = {"refraction": 0.05, "axial": 0.30, "k": 0.25, "cct": 0.45, "iop": 0.40, "bcva": 0.30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The circumstances of each exam, one entry for each."""

    child: Ints
    day: Ints
    since_fitting: Ints  # days in OK lenses; negative before
    in_ok: Flags  # measured while the cornea is moulded
    washed_out: Flags
    washout_days: Ints
    cycloplegic: Flags
    age: Floats


def exam_rows(
    rng: np.random.Generator, people: People, *, journeys: Journeys, sittings: Sittings, eyes: Eyes
) -> pl.DataFrame:
    """The feed `exams`: one row for each visit that was kept."""
    readings = _circumstances(rng, people, journeys=journeys, sittings=sittings)
    absent = {field: rng.random(len(readings.child)) < share for field, share in MISSING.items()}
    frame = _sitting_columns(rng, people, sittings=sittings, readings=readings, journeys=journeys)
    bias = rng.normal(0.0, 1.0, len(people))[readings.child]
    for eye, prefix in enumerate(("od", "os")):
        columns = _eye_columns(rng, eyes, readings, eye=eye, bias=bias, absent=absent)
        frame = frame.with_columns(**{f"{prefix}_{name}": column for name, column in columns.items()})
    return frame


def _circumstances(rng: np.random.Generator, people: People, *, journeys: Journeys, sittings: Sittings) -> Readings:
    child, day, number = (array[sittings.kept] for array in (sittings.child, sittings.day, sittings.number))
    count = len(child)
    since = day - journeys.fitted_on[child]
    wears_ok = since >= 0
    washed_out = wears_ok & (since > 365) & (rng.random(count) < 0.07)
    age = np.asarray((day - people.born[child]) / DAYS_PER_YEAR)
    first_look = ((number == 0) | (since == -10)) & (age < 12)  # cycloplegia under 12, above all at first
    drops = rng.random(count) < np.where(first_look, 0.65, 0.1)
    return Readings(
        child=child,
        day=day,
        since_fitting=since,
        in_ok=wears_ok & ~washed_out,
        washed_out=washed_out,
        washout_days=rng.integers(21, 42, count),
        cycloplegic=drops & ~(wears_ok & ~washed_out),
        age=age,
    )


def _sitting_columns(
    rng: np.random.Generator,
    people: People,
    *,
    sittings: Sittings,
    readings: Readings,
    journeys: Journeys,
) -> pl.DataFrame:
    count = len(readings.child)
    numbers = pl.Series(sittings.number[sittings.kept]).cast(pl.String)
    customer = people.keys().gather(readings.child)
    method = rng.choice(
        [RefractionMethod.AUTOREFRACTION.value, RefractionMethod.SUBJECTIVE.value, RefractionMethod.RETINOSCOPY.value],
        size=count,
        p=[0.88, 0.09, 0.03],
    )
    screened = (people.persona[readings.child] == Persona.POTENTIAL) & (people.born[readings.child] % 5 < 3)
    drops = pl.Series(readings.cycloplegic).set(pl.Series(rng.random(count) < 0.04), None)
    washout = pl.Series(readings.washout_days).set(pl.Series(~readings.washed_out), None)
    return pl.DataFrame(
        {
            "key": customer + "-E" + numbers,
            "customer_key": customer,
            "examined_on": dates(readings.day),
            "method": pl.Series(method),
            "cycloplegic": drops,
            "lens_state": _lens_states(journeys, readings),
            "washout_days": washout,
            "device": _devices(rng, people, readings),
            "examiner_code": pl.Series(people.optometrist).gather(readings.child),
            "note": pl.Series([None] * count, dtype=pl.String),
            "source": pl.Series(np.where(screened, Source.SCREENING.value, Source.HIS.value)),
        }
    )


def _lens_states(journeys: Journeys, readings: Readings) -> pl.Series:
    worn = journeys.worn_on(child=readings.child, day=readings.day)
    states = np.select(
        [readings.in_ok, readings.washed_out, worn == Wear.NOTHING],
        [LensState.OK_LENS.value, LensState.OK_WASHOUT.value, LensState.NONE.value],
        LensState.SPECTACLES.value,
    )
    return pl.Series(states)


def _devices(rng: np.random.Generator, people: People, readings: Readings) -> pl.Series:
    """Each site has its device; now and then another one is used."""
    biometers, autorefractors = words().devices["biometer"], words().devices["autorefractor"]
    pairs = [f"{first} / {second}" for first, second in zip(autorefractors, biometers, strict=True)]
    usual = pl.Series(pairs).gather(people.site[readings.child] % len(pairs))
    other = pick(rng, pairs, count=len(usual))
    return usual.zip_with(pl.Series(rng.random(len(usual)) > 0.03), other)


def _eye_columns(
    rng: np.random.Generator,
    eyes: Eyes,
    readings: Readings,
    *,
    eye: int,
    bias: Floats,
    absent: dict[str, Flags],
) -> dict[str, pl.Series]:
    """The columns of one eye, in the units of the store."""
    count = len(readings.child)
    true_se = eyes.refraction_at(eye, child=readings.child, day=readings.day)
    cylinder = eyes.cylinder[eye][readings.child]
    cylinder = np.where(readings.in_ok, np.maximum(cylinder / 2, -0.5), cylinder)
    cylinder = np.round(cylinder * 4) / 4 + 0.0
    seen = _refraction_seen(rng, readings, true_se=true_se, bias=bias)
    sphere = np.clip(np.round((seen - cylinder / 2) * 4) / 4 + 0.0, -29, 24)
    no_refraction = absent["refraction"]
    axis = eyes.axis[eye][readings.child]
    ucva = _acuity(np.where(readings.in_ok, np.minimum(seen, 0.0), true_se)) + rng.choice([-0.1, 0, 0, 0], count)
    cct = _cct_seen(rng, eyes, readings, eye=eye)
    iop = 15.3 + 0.032 * (cct - 554) + rng.normal(0, 2.3, count)  # Jinan: 15.31 ± 2.57, +0.32 mmHg per 10 µm
    k1, k2 = _k_seen(rng, eyes, readings, eye=eye)
    return {
        "ucva": _reading(ucva, missing=None),
        "bcva": _reading(rng.choice([5.0, 5.0, 5.0, 4.9, 5.1], count), missing=absent["bcva"]),
        "sphere": _reading(sphere, missing=no_refraction),
        "cylinder": _reading(cylinder, missing=no_refraction),
        "axis": pl.Series(axis).set(pl.Series(no_refraction | (cylinder == 0)), None),
        "axial_length_mm": _reading(_axial_seen(rng, eyes, readings, eye=eye), missing=absent["axial"]),
        "k1": _reading(k1, missing=absent["k"]),
        "k2": _reading(k2, missing=absent["k"]),
        "iop_mmhg": _reading(np.clip(np.round(iop), 8, 25), missing=absent["iop"]),
        "cct_um": pl.Series(np.round(cct).astype(np.int64)).set(pl.Series(absent["cct"]), None),
    }


def _reading(values: Floats, *, missing: Flags | None) -> pl.Series:
    rounded = pl.Series(np.round(values, 2))
    return rounded if missing is None else rounded.set(pl.Series(missing), None)


def _refraction_seen(rng: np.random.Generator, readings: Readings, *, true_se: Floats, bias: Floats) -> Floats:
    """Spherical equivalent as measured. Without drops a child accommodates: −0.41 ± 0.46 D from −2 D
    on, −2.98 D from +2 D on, by a line in between (4973 Chinese of 7 to 18, OVS 2004); an adult does not."""
    count = len(true_se)
    accommodation = np.minimum(np.interp(true_se, [-2, 2], [-0.41, -2.98]) + 0.3 * bias, 0.0)
    accommodating = ~readings.cycloplegic & (readings.age < 18)
    moulded = rng.normal(-0.1, 0.3, count)
    seen = np.where(readings.in_ok, moulded, true_se + np.where(accommodating, accommodation, 0.0))
    return np.asarray(seen + rng.normal(0, REFRACTION_NOISE, count))


def _acuity(se: Floats) -> Floats:
    """Unaided acuity, 5-mark: a plausible fall with myopia, and with much hyperopia; no published curve."""
    fall = np.interp(-se, [0.25, 0.5, 1, 2, 3, 4, 6], [5.0, 4.9, 4.7, 4.4, 4.2, 4.1, 4.0])
    far_sighted = np.interp(se, [3, 6], [0.0, 0.4])
    return np.asarray(np.round(fall - far_sighted, 1))


def _axial_seen(rng: np.random.Generator, eyes: Eyes, readings: Readings, *, eye: int) -> Floats:
    true = eyes.axial_at(eye, child=readings.child, day=readings.day)
    dip = np.where(readings.in_ok & (readings.since_fitting < 14), OK_AXIAL_DIP, 0.0)
    return np.asarray(np.clip(true - dip + rng.normal(0, AXIAL_NOISE, len(true)), 18, 32))


def _cct_seen(rng: np.random.Generator, eyes: Eyes, readings: Readings, *, eye: int) -> Floats:
    thinning = np.where(readings.in_ok, OK_CCT_THINNING, 0)
    return np.asarray(np.clip(eyes.cct[eye][readings.child] - thinning + rng.normal(0, 3, len(thinning)), 420, 680))


def _k_seen(rng: np.random.Generator, eyes: Eyes, readings: Readings, *, eye: int) -> tuple[Floats, Floats]:
    """Flat and steep K; corneal toricity goes with the cylinder of the eye."""
    first_night, months_later = OK_K_FLATTENING
    flattening = np.interp(readings.since_fitting, [1, 120], [first_night, months_later])
    mean = eyes.k_mean[eye][readings.child] - np.where(readings.in_ok, flattening, 0.0)
    toricity = 0.4 - 0.7 * eyes.cylinder[eye][readings.child]
    flat = mean - toricity / 2 + rng.normal(0, 0.1, len(mean))
    return np.clip(flat, 36, 50), np.clip(flat + toricity, 36.2, 52)
