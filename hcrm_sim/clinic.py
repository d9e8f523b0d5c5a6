"""The simulated clinic: the same seed gives the same bytes, in any size up to a million customers."""

import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hcrm_core.errors import Rejected
from hcrm_core.terms import Source
from hcrm_sim.contacts import follow_up_rows, lead_rows, plan_rows, visit_rows
from hcrm_sim.edges import edge_cases
from hcrm_sim.edges.rows import edge_frames
from hcrm_sim.exams import exam_rows
from hcrm_sim.extract import OWN_FILES, ExtractWriter
from hcrm_sim.eyes import make_eyes
from hcrm_sim.feeds import SCHEMAS, shaped
from hcrm_sim.journeys import plan_journeys, plan_sittings
from hcrm_sim.medications import medication_rows
from hcrm_sim.orders import order_rows
from hcrm_sim.people import customer_rows, day_number, guardian_rows, make_people
from hcrm_sim.staff import Organisation, organise

PART = 20_000  # customers simulated, written and later loaded together: this bounds memory
MOST_CUSTOMERS, MOST_SITES = 1_000_000, 50
SHANGHAI = timezone(timedelta(hours=8))

Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicSummary:
    """What was written.

    Attributes:
        directory: the extract.
        edge_customers: how many of the customers are edge cases.
        parts: how many parts of at most `PART` customers.
        rows: by feed.
    """

    directory: Path
    customers: int
    edge_customers: int
    parts: int
    rows: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"directory": str(self.directory)}


def write_clinic(directory: Path, *, customers: int, seed: int, today: date, sites: int = 3) -> ClinicSummary:
    """Simulate a clinic and write it as an extract.

    The first customers are the edge customers of `hcrm_sim.edges`, as many as fit.

    Args:
        directory: where; made if missing. A former extract in it is replaced.
        customers: how many, 1 to a million.
        seed: equal seeds, sizes and days give equal bytes.
        today: the clinic's day. What happened lies before it; bookings and plans may lie after.
        sites: how many sites, 1 to 50.

    Raises:
        Rejected: if a size is out of range, or the directory holds something else.
    """
    if not (1 <= customers <= MOST_CUSTOMERS and 1 <= sites <= MOST_SITES):
        raise Rejected("size_out_of_range", f"1 to {MOST_CUSTOMERS} customers and 1 to {MOST_SITES} sites, please")
    _make_room(directory)
    group = organise(customers=customers, sites=sites)
    writer = ExtractWriter(directory=directory)
    writer.write_organisation(group.as_json())
    edges = edge_cases(today)[:customers]
    rows: Counter[str] = Counter()
    parts = [(first, min(PART, customers - first)) for first in range(0, customers, PART)]
    for number, (first, count) in enumerate(parts):
        generator = np.random.default_rng((seed, number))
        invited = edges if number == 0 else []
        rest = _simulate(generator, first=first, count=count - len(invited), today=day_number(today), group=group)
        for feed, frame in _joined(edge_frames(invited, group=group), rest).items():
            writer.write_feed(feed, frame, part=number + 1)
            rows[feed] += frame.height
    writer.seal(source=Source.SIMULATION.value, as_of=datetime.combine(today, time(), SHANGHAI))
    return ClinicSummary(
        directory=directory, customers=customers, edge_customers=len(edges), parts=len(parts), rows=dict(rows)
    )


def _simulate(rng: np.random.Generator, *, first: int, count: int, today: int, group: Organisation) -> Frames:
    """All feeds of some customers."""
    if count == 0:
        return {}
    people = make_people(rng, first=first, count=count, today=today, group=group)
    journeys = plan_journeys(rng, people, today=today)
    sittings = plan_sittings(rng, people, journeys=journeys, today=today)
    eyes = make_eyes(rng, people, journeys=journeys, today=today)
    return {
        "guardians": guardian_rows(rng, people, group=group),
        "customers": customer_rows(rng, people, group=group),
        "exams": exam_rows(rng, people, journeys=journeys, sittings=sittings, eyes=eyes),
        "lens_orders": order_rows(rng, people, journeys=journeys, eyes=eyes, today=today, group=group),
        "visits": visit_rows(rng, people, journeys=journeys, sittings=sittings, today=today, group=group),
        "recheck_plans": plan_rows(people, sittings),
        "follow_ups": follow_up_rows(rng, people, journeys=journeys, today=today),
        "leads": lead_rows(rng, people, journeys=journeys, today=today, group=group),
        "medications": medication_rows(rng, people, journeys=journeys, today=today),  # last: drawn after all others
    }


def _joined(edges: Frames, rest: Frames) -> Frames:
    return {feed: pl.concat([edges[feed], shaped(feed, rest[feed])]) if rest else edges[feed] for feed in SCHEMAS}


def _make_room(directory: Path) -> None:
    """Remove a former extract, and nothing else.

    Raises:
        Rejected: if the directory holds anything that is no part of an extract.
    """
    directory.mkdir(parents=True, exist_ok=True)
    present = sorted(directory.iterdir())
    strangers = [one.name for one in present if not (one.name in OWN_FILES or one.name.isdigit())]
    if strangers:
        raise Rejected("directory_in_use", f"{directory} holds {strangers[0]}, which is no part of an extract")
    for one in present:
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()
