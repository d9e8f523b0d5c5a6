"""A library of any number of customers for benchmarks/rules.py: deterministic, made by Polars, loaded by COPY.

Customers have eight examinations each on average, as many lens orders as they wear lenses, visits, recheck plans and
follow-ups. Rows lie by day, as a live system stores them: one customer's are not neighbours. A second run finds the
database of the first in the folder that it is given.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
from sqlalchemy import text

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.settings import Settings
from hcrm_central.store.migrate import migrate
from hcrm_central.store.opening import Store, open_store
from hcrm_store.clock import SystemClock

TODAY = date(2026, 11, 20)
EXAMS_EACH = 8
SITES, ASSISTANTS = 20, 200
_SEED = 20_261_120
_EPOCH = date(1970, 1, 1)
_NOW = (TODAY - _EPOCH).days


@contextmanager
def library(folder: Path, customers: int) -> Iterator[Store]:
    """The store with its customers, made if the folder has none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the database's own user passes through
    with open_store(Settings(data_dir=folder / f"library-{customers}")) as store:
        migrate(store.owner)
        install_defaults(store.jobs, clock=SystemClock())
        if not _is_filled(store, customers):
            fill(store, customers)
        yield store


def fill(store: Store, customers: int) -> None:
    """Write everything, without the triggers that note changes for workstations: there are none here."""
    rng = np.random.default_rng(_SEED)
    with store.owner.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET synchronous_commit = off")
            for table, frame in _tables(rng, customers):
                _copy(cursor, table, frame)
            cursor.execute("SET session_replication_role = DEFAULT")
        driver.commit()
    with store.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE, FREEZE)"))


def _is_filled(store: Store, customers: int) -> bool:
    with store.owner.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM customer")).scalar_one() == customers)


def _copy(cursor: "psycopg.Cursor[tuple[object, ...]]", table: str, frame: pl.DataFrame) -> None:
    columns = ", ".join(frame.columns)
    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(frame.write_csv(include_header=False).encode())


# ── the rows ─────────────────────────────────────────────────────────────────────────────────────────────


def _tables(rng: np.random.Generator, customers: int) -> Iterator[tuple[str, pl.DataFrame]]:
    yield (
        "site",
        pl.DataFrame({"id": _ids("5", np.arange(SITES)), "code": [f"s{n}" for n in range(SITES)]}).with_columns(
            name=pl.col("code")
        ),
    )
    staff = np.arange(ASSISTANTS)
    codes = [f"a{n}" for n in staff]
    assistants = {"id": _ids("a", staff), "code": codes, "name": codes, "site_id": _ids("5", staff % SITES)}
    yield "staff", pl.DataFrame(assistants).with_columns(role=pl.lit("assistant"))
    who = np.arange(customers)
    born = _NOW - rng.integers(5 * 365, 20 * 365, customers)
    yield "customer", _customers(rng, who, born)
    yield from _examinations(rng, who, born)
    yield from _care(rng, who)


def _customers(rng: np.random.Generator, who: np.ndarray, born: np.ndarray) -> pl.DataFrame:
    assistant = who % ASSISTANTS
    return pl.DataFrame(
        {
            "id": _ids("c", who),
            "name": [f"c{n}" for n in who],
            "sex": _chosen(rng, ["male", "female", None], [0.49, 0.49, 0.02], len(who)),
            "birth_date": _days(np.where(rng.random(len(who)) < 0.01, -1, born)),
            "filed_on": _days(_NOW - rng.integers(0, 1500, len(who))),
            "assistant_id": _ids("a", assistant),
            "do_not_contact": rng.random(len(who)) < 0.01,
            "site_id": _ids("5", assistant % SITES),
        }
    )


def _examinations(rng: np.random.Generator, who: np.ndarray, born: np.ndarray) -> Iterator[tuple[str, pl.DataFrame]]:
    many = rng.poisson(EXAMS_EACH, len(who))
    owner = np.repeat(who, many)
    day = _NOW - rng.integers(0, 5 * 365, len(owner))
    order = np.argsort(day, kind="stable")
    owner, day = owner[order], day[order]
    number = np.arange(len(owner))
    worn = _chosen(rng, ["spectacles", "none", "ok_lens"], [0.55, 0.25, 0.2], len(who))[owner]
    exams = pl.DataFrame({"customer_id": _ids("c", owner), "id": _ids("e", number), "examined_on": _days(day)})
    yield (
        "exam",
        exams.with_columns(
            method=pl.lit("autorefraction"),
            cycloplegic=pl.Series(rng.random(len(owner)) < 0.6),
            lens_state=worn,
            source=pl.lit("his"),
            status=pl.lit("final"),
            site_id=_ids("5", owner % ASSISTANTS % SITES),
        ),
    )
    pace = rng.gamma(2.0, 0.25, len(who))
    for side, eye in enumerate(("OD", "OS")):
        yield "eye_measurement", _eyes(rng, owner, day, number, side=side, eye=eye, pace=pace, born=born)


def _eyes(
    rng: np.random.Generator,
    owner: np.ndarray,
    day: np.ndarray,
    number: np.ndarray,
    *,
    side: int,
    eye: str,
    pace: np.ndarray,
    born: np.ndarray,
) -> pl.DataFrame:
    """Myopia that begins at seven years and grows at each child's own pace."""
    age = (day - born[owner]) / 365.25
    sphere = np.round((1.0 - np.clip(age - 7, 0, 12) * pace[owner] + rng.normal(0, 0.2, len(owner))) * 4) / 4
    length = (
        22.6 + 0.3 * np.clip(age - 4, 0, 14) ** 0.7 + 0.35 * np.clip(-sphere, 0, 20) + rng.normal(0, 0.04, len(owner))
    )
    known = rng.random((3, len(owner)))
    flat = 43 + rng.normal(0, 1.4, len(owner))
    return pl.DataFrame(
        {
            "customer_id": _ids("c", owner),
            "id": _ids("e", number * 2 + side),
            "exam_id": _ids("e", number),
            "eye": [eye] * len(owner),
            "sphere": _decimals(np.clip(sphere, -12, 8), known[0] < 0.95, 2),
            "cylinder": _decimals(-np.round(rng.gamma(1.0, 0.5, len(owner)) * 4) / 4, known[0] < 0.95, 2),
            "axial_length_mm": _decimals(np.clip(length, 20, 30), known[1] < 0.7, 2),
            "k1": _decimals(flat, known[2] < 0.75, 2),
            "k2": _decimals(flat + 1, known[2] < 0.75, 2),
            "cct_um": pl.Series(np.clip(rng.normal(545, 33, len(owner)), 420, 680).astype(int)).set(
                pl.Series(known[2] > 0.55), None
            ),
            "site_id": _ids("5", owner % ASSISTANTS % SITES),
        }
    )


def _care(rng: np.random.Generator, who: np.ndarray) -> Iterator[tuple[str, pl.DataFrame]]:
    wearers = who[rng.random(len(who)) < 0.6]
    owner = np.repeat(wearers, rng.integers(1, 4, len(wearers)))
    day = np.sort(_NOW - rng.integers(0, 1200, len(owner)))
    product = _chosen(rng, ["single_vision", "functional", "ok_lens"], [0.5, 0.25, 0.25], len(who))[owner]
    for side, eye in enumerate(("OD", "OS")):
        yield (
            "lens_order",
            _owned(owner, np.arange(len(owner)) * 2 + side, "1").with_columns(
                eye=pl.lit(eye), product=product, ordered_on=_days(day - 7), dispensed_on=_days(day)
            ),
        )
    owner = np.repeat(who, rng.poisson(1.0, len(who)))
    state = _chosen(rng, ["arrived", "booked", "missed"], [0.8, 0.1, 0.1], len(owner))
    day = np.where(
        state.to_numpy() == "booked", _NOW + rng.integers(-60, 30, len(owner)), _NOW - rng.integers(0, 1500, len(owner))
    )
    yield "visit", _owned(owner, np.arange(len(owner)), "2").with_columns(visit_on=_days(day), state=state)
    owner = np.repeat(who, rng.poisson(1.2, len(who)))
    day = _NOW - rng.integers(0, 900, len(owner))
    yield (
        "recheck_plan",
        _owned(owner, np.arange(len(owner)), "3").with_columns(
            planned_on=_days(day), due_on=_days(day + rng.choice([90, 180], len(owner)))
        ),
    )
    owner = np.repeat(who, rng.poisson(4.0, len(who)))
    day = np.sort(_NOW - rng.integers(0, 1200, len(owner)))
    outcome = _chosen(rng, ["no_answer", "booked", "considering", "arrived"], [0.4, 0.3, 0.2, 0.1], len(owner))
    yield (
        "follow_up",
        _owned(owner, np.arange(len(owner)), "4").with_columns(
            channel=pl.lit("phone"), outcome=outcome, contacted_at=_days(day)
        ),
    )


def _owned(owner: np.ndarray, number: np.ndarray, kind: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": _ids("c", owner),
            "id": _ids(kind, number),
            "source": ["his"] * len(owner),
            "site_id": _ids("5", owner % ASSISTANTS % SITES),
        }
    )


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────


def _ids(kind: str, numbers: np.ndarray) -> pl.Series:
    """UUIDs that sort as their numbers do; `kind` is a hexadecimal digit."""
    padded = pl.Series(numbers).cast(pl.String).str.zfill(12)  # decimal digits are hexadecimal ones too
    return pl.select(pl.lit(f"0000000{kind}-0000-7000-8000-") + padded).to_series()


def _days(numbers: np.ndarray) -> pl.Series:
    """Days since 1970 as dates; -1 is unknown."""
    days = pl.Series(numbers.astype(np.int32))
    return days.set(days == -1, None).cast(pl.Date)


def _decimals(numbers: np.ndarray, known: np.ndarray, scale: int) -> pl.Series:
    return pl.Series(np.round(numbers, scale)).set(pl.Series(~known), None)


def _chosen(rng: np.random.Generator, words: list[str | None], shares: list[float], many: int) -> pl.Series:
    codes = pl.Series(rng.choice(len(words), many, p=shares))
    return pl.Series(words).gather(codes)
