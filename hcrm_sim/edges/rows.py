"""Edge cases as rows of the feeds."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from hcrm_core.terms import (
    Channel,
    DepartmentKind,
    Eye,
    LeadState,
    Medicine,
    Outcome,
    ProductKind,
    Role,
    Sex,
    Source,
    VisitState,
)
from hcrm_sim.edges.case import EdgeCase, EdgeDrops, EdgeExam, EdgeOrder
from hcrm_sim.feeds import SCHEMAS
from hcrm_sim.people import PHONE_PREFIXES
from hcrm_sim.staff import Organisation
from hcrm_sim.words import brand, words

Row = dict[str, Any]  # why Any: a feed's columns have different types
PREFIX = "EDGE-"  # of every source key
_PRICES = {ProductKind.OK_LENS: 4900.0, ProductKind.FUNCTIONAL: 1490.0, ProductKind.SINGLE_VISION: 399.0}


def edge_frames(cases: Sequence[EdgeCase], *, group: Organisation) -> dict[str, pl.DataFrame]:
    """One frame for each feed.

    Args:
        cases: who; a sibling's family must be among them.
        group: whose staff look after them, each site in turn.
    """
    rows: dict[str, list[Row]] = {feed: [] for feed in SCHEMAS}
    place = {case.key: number for number, case in enumerate(cases)}
    for number, case in enumerate(cases):
        desk = _Desk(group, number=place.get(case.family, number))
        rows["customers"].append(_customer(case, number=number, desk=desk))
        if not case.family or case.family not in place:
            rows["guardians"].append(_guardian(case, number=number, desk=desk))
        for feed, found in _history(case, desk=desk):
            rows[feed].append(found)
    return {feed: pl.DataFrame(found, schema=SCHEMAS[feed]) for feed, found in rows.items()}


class _Desk:
    """Where a case is looked after, and by whom."""

    def __init__(self, group: Organisation, *, number: int) -> None:
        site = number % len(group.sites)
        assistants = group.codes(site, Role.ASSISTANT)
        optometrists = group.codes(site, Role.OPTOMETRIST)
        turn = number // len(group.sites)
        self.site = group.sites[site]["code"]
        self.assistant = assistants[turn % len(assistants)]
        self.optometrist = optometrists[turn % len(optometrists)]
        self.surgeon = optometrists[-1]
        self.department = group.department(site, DepartmentKind.OPTOMETRY)
        self.refractive = group.department(site, DepartmentKind.REFRACTIVE)


def _history(case: EdgeCase, *, desk: _Desk) -> Iterator[tuple[str, Row]]:
    for number, exam in enumerate(case.exams):
        yield "exams", _keyed(case, "E", number) | _exam(exam, desk=desk)
    for number, order in enumerate(case.orders):
        for eye in order.eyes:
            yield "lens_orders", _keyed(case, f"L{eye.value}", number) | _order(order, eye=eye, case=case, desk=desk)
    for number, course in enumerate(case.drops):
        yield "medications", _keyed(case, "M", number) | _drops(course, desk=desk)
    for number, (day, state) in enumerate(case.visits):
        yield "visits", _keyed(case, "V", number) | _visit(day, state=state, desk=desk)
    for number, (planned, due) in enumerate(case.plans):
        plan = {"planned_on": planned, "due_on": due, "planned_by_code": desk.optometrist, "source": Source.HIS.value}
        yield "recheck_plans", _keyed(case, "P", number) | plan
    for number, (day, outcome) in enumerate(case.follow_ups):
        yield "follow_ups", _keyed(case, "F", number) | _follow_up(day, outcome=outcome, desk=desk)
    if case.open_lead:
        yield "leads", _keyed(case, "N", 0) | _lead(case, desk=desk)


def _drops(course: EdgeDrops, *, desk: _Desk) -> Row:
    return {
        "medicine": Medicine.ATROPINE.value,
        "percent": course.percent,
        "started_on": course.on,
        "ended_on": course.ended_on,
        "prescriber_code": desk.optometrist,
        "source": Source.HIS.value,
    }


def _keyed(case: EdgeCase, letter: str, number: int) -> Row:
    return {"key": f"{PREFIX}{case.key}-{letter}{number}", "customer_key": PREFIX + case.key}


def _customer(case: EdgeCase, *, number: int, desk: _Desk) -> Row:
    boy = case.sex is Sex.MALE
    given = (words().given_male if boy else words().given_female)[number % 30]
    surname = words().surnames[number * 7 % 60]
    return {
        "key": PREFIX + case.key,
        "site_code": desk.site,
        "family_key": PREFIX + (case.family or case.key),
        "name": case.name or surname + given,
        "sex": case.sex and case.sex.value,
        "birth_date": case.born,
        "filed_on": case.filed_on,
        "assistant_code": desk.assistant,
        "optometrist_code": desk.optometrist,
        "do_not_contact": case.do_not_contact,
        "school": words().schools[number % len(words().schools)],
        "his_no": f"HE{number:05d}",
    }


def _guardian(case: EdgeCase, *, number: int, desk: _Desk) -> Row:
    prefix = PHONE_PREFIXES[number % len(PHONE_PREFIXES)]
    return {
        "key": f"{PREFIX}{case.key}-G",
        "family_key": PREFIX + case.key,
        "site_code": desk.site,
        "name": words().surnames[number * 11 % 60] + words().guardian_given[number % 30],
        "relation": words().relations[number % 2],
        # The simulated families' numbers are scattered; an edge family ends in its own number for easy search.
        "phone": f"{prefix}9990{number:04d}" if case.phone else None,
    }


def _exam(exam: EdgeExam, *, desk: _Desk) -> Row:
    row: Row = {
        "examined_on": exam.on,
        "method": exam.method.value,
        "cycloplegic": exam.cycloplegic,
        "lens_state": exam.state.value,
        "washout_days": exam.washout_days,
        "device": words().devices["biometer"][0],
        "examiner_code": desk.optometrist,
        "source": Source.HIS.value,
    }
    for prefix, index in (("od", 0), ("os", 1)):
        row |= {f"{prefix}_{name}": value for name, value in _eye(exam, index=index).items()}
    return row


def _eye(exam: EdgeExam, *, index: int) -> Row:
    sphere, length, thickness = exam.se[index], exam.axial[index], exam.cct[index]
    measured = sphere is not None
    return {
        "ucva": 4.6 if measured else None,
        "bcva": 5.0 if measured else None,
        "sphere": sphere,
        "cylinder": 0.0 if measured else None,
        "axial_length_mm": length,
        "k1": exam.k_flat if measured else None,
        "k2": exam.k_flat + 0.75 if measured else None,
        "iop_mmhg": 15.0 if measured else None,
        "cct_um": None if thickness is None else int(thickness),
    }


def _order(order: EdgeOrder, *, eye: Eye, case: EdgeCase, desk: _Desk) -> Row:
    name, maker, model = brand(order.product, len(case.key))
    return {
        "eye": eye.value,
        "product": order.product.value,
        "brand": name,
        "manufacturer": maker,
        "model": model,
        "ordered_on": order.on - timedelta(days=3),
        "dispensed_on": order.on,
        "ended_on": order.ended_on,
        "end_reason": words().end_reasons.get(order.end_reason),
        "sphere": -2.25,
        "cylinder": 0.0,
        "price": _PRICES[order.product],
        "sold_by_code": desk.assistant,
        "department_code": desk.department,
        "source": Source.SALES.value,
    }


def _visit(day: date, *, state: VisitState, desk: _Desk) -> Row:
    return {
        "visit_on": day,
        "state": state.value,
        "department_code": desk.department,
        "purpose": words().purposes["recheck"],
        "source": Source.HIS.value,
    }


def _follow_up(day: date, *, outcome: Outcome, desk: _Desk) -> Row:
    return {
        "staff_code": desk.assistant,
        "channel": Channel.PHONE.value,
        "outcome": outcome.value,
        "note": words().outcome_notes[outcome.value][0],
        "contacted_at": f"{day.isoformat()}T10:30:00+08:00",
        "source": Source.SIMULATION.value,
    }


def _lead(case: EdgeCase, *, desk: _Desk) -> Row:
    return {
        "kind": case.open_lead,
        "state": LeadState.ACCEPTED.value,
        "initiator_code": desk.assistant,
        "initiator_department_code": desk.department,
        "receiver_code": desk.surgeon,
        "receiver_department_code": desk.refractive,
        "started_on": case.exams[-1].on,
    }
