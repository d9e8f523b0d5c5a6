"""Courses of a medicine: begun and stopped at a workstation. One course of a medicine runs at a time."""

from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import func, insert, select, update

from hcrm_central.operations.changes import signed
from hcrm_central.operations.intent import Effect, Intent, word
from hcrm_core.errors import NotPermitted, Rejected
from hcrm_core.intents import MedicationEnd, MedicationEntry
from hcrm_core.terms import Medicine, Role, Source
from hcrm_core.wire import Theirs
from hcrm_store.care import Medication
from hcrm_store.people import Customer

MOST_PERCENT = Decimal(1)  # 1 % is full strength: what is stored, not what is prescribed


def record_medication(intent: Intent) -> Effect:
    """A course begins. A running course of the same medicine ends that day: the strength was changed."""
    _require_optometrist(intent)
    body = intent.body(MedicationEntry)
    customer = _locked(intent, intent.customer(body.customer_id))
    medicine = word(Medicine, body.medicine, field="medicine")
    _check_day(intent, customer, body.started_on, field="started_on")
    percent = _strength(body.percent)
    following = _following(intent, customer, medicine, after=body.started_on)
    _end_former(intent, customer, medicine, on=body.started_on)
    intent.session.execute(
        insert(Medication).values(
            id=intent.operation.row_id,
            customer_id=customer.id,
            site_id=customer.site_id,
            medicine=medicine,
            percent=percent,
            started_on=body.started_on,
            ended_on=following,
            note=body.note,
            prescriber_id=intent.principal.staff_id,
            source=Source.WORKSTATION,
        )
    )
    return Effect(action="medication:recorded", kind="medication", customer_id=customer.id, ver=1)


def end_medication(intent: Intent) -> Effect:
    """A running course was stopped. What somebody else ended on another day stays as he said."""
    _require_optometrist(intent)
    body = intent.body(MedicationEnd)
    customer = _locked(intent, intent.customer(body.customer_id))
    course = _course(intent, customer)
    _check_day(intent, customer, body.ended_on, field="ended_on")
    if body.ended_on < course.started_on:
        raise Rejected("implausible:ended_on", "a course cannot end before it began")
    if course.ended_on is not None:
        return _ended_already(intent, course, mine=body.ended_on)
    mine = (Medication.customer_id == customer.id, Medication.id == course.id)
    ended = update(Medication).where(*mine).values(ended_on=body.ended_on, end_reason=body.reason)
    ver = intent.session.scalar(ended.returning(Medication.ver))
    return _ended(course, ver=ver or course.ver)


def _require_optometrist(intent: Intent) -> None:
    if intent.principal.role is not Role.OPTOMETRIST:
        raise NotPermitted("only an optometrist enters medication", remedy="ask an optometrist")


def _check_day(intent: Intent, customer: Customer, day: date, *, field: str) -> None:
    if day > intent.today:
        raise Rejected(f"implausible:{field}", "a course cannot begin or end in the future")
    if customer.birth_date and day < customer.birth_date:
        raise Rejected(f"implausible:{field}", "a course cannot lie before birth")


def _strength(text: str) -> Decimal:
    try:
        percent = Decimal(text)
        exact = percent.quantize(Decimal("0.001"))
    except InvalidOperation:
        raise Rejected("invalid_body:percent", "not a number that a strength can be") from None
    if exact != percent:  # also true of NaN
        raise Rejected("invalid_body:percent", "a number with more than three decimals would be stored as another")
    if not 0 < exact <= MOST_PERCENT:
        raise Rejected("implausible:percent", "a strength lies above 0 and is at most 1 percent")
    return exact


def _locked(intent: Intent, customer: Customer) -> Customer:
    """The customer, while nobody else begins or ends a course of his."""
    own = select(Customer.id).where(Customer.id == customer.id)
    intent.session.execute(own.with_for_update(key_share=True))
    return customer


def _following(intent: Intent, customer: Customer, medicine: Medicine, *, after: date) -> date | None:
    """The day on which a later course begins: one that is entered belatedly ends then."""
    later = (Medication.customer_id == customer.id, Medication.medicine == medicine, Medication.started_on > after)
    return intent.session.scalar(select(func.min(Medication.started_on)).where(*later))


def _end_former(intent: Intent, customer: Customer, medicine: Medicine, *, on: date) -> None:
    running = (
        Medication.customer_id == customer.id,
        Medication.medicine == medicine,
        Medication.ended_on.is_(None),
        Medication.started_on <= on,
    )
    intent.session.execute(update(Medication).where(*running).values(ended_on=on))


def _course(intent: Intent, customer: Customer) -> Medication:
    mine = (Medication.customer_id == customer.id, Medication.id == intent.operation.row_id)
    fresh = select(Medication).where(*mine).execution_options(populate_existing=True)  # its version, too
    found = intent.session.scalar(fresh)
    if found is None:
        raise Rejected("medication_unknown", "this customer has no such course")
    return found


def _ended_already(intent: Intent, course: Medication, *, mine: date) -> Effect:
    """Ended on the same day is what was wanted; another day is shown to whoever comes second."""
    if course.ended_on == mine:
        return _ended(course, ver=course.ver)
    theirs = Theirs(field="ended_on", mine=mine.isoformat(), theirs=str(course.ended_on))
    told = signed(intent.session, theirs, by_id=None, at=course.updated_at)
    return _ended(course, ver=course.ver, theirs=(told,))


def _ended(course: Medication, *, ver: int, theirs: tuple[Theirs, ...] = ()) -> Effect:
    return Effect(
        action="medication:ended",
        kind="medication",
        customer_id=course.customer_id,
        ver=ver,
        conflict=bool(theirs),
        theirs=theirs,
    )
