"""An examination entered at a workstation. Clinical rows are inserted and never overwritten."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import insert

from hcrm_central.operations.corrections import met, supersede
from hcrm_central.operations.intent import Effect, Intent, word
from hcrm_central.operations.visits import arrive
from hcrm_core.errors import NotPermitted, Rejected, Severity
from hcrm_core.eye.plausibility import EyeValues, check_eye, check_pair
from hcrm_core.eye.refraction import Refraction
from hcrm_core.intents import MeasuredEye, RecordExam
from hcrm_core.terms import ExamStatus, Eye, LensState, RefractionMethod, Role, Source
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.people import Customer

EXACT = ("ucva", "bcva", "sphere", "cylinder", "axial_length_mm", "k1", "k2", "iop_mmhg")


def record_exam(intent: Intent) -> Effect:
    """Keep an examination with what was measured, and note that the customer was here."""
    if intent.principal.role is not Role.OPTOMETRIST:
        raise NotPermitted("only an optometrist enters examinations", remedy="ask an optometrist")
    body = intent.body(RecordExam)
    customer = intent.customer(body.customer_id)
    _check_day(intent, body, customer)
    measured = [_values(eye) for eye in body.eyes]
    _check_plausible(measured)
    meeting = supersede(intent, customer, body)
    _insert_exam(intent, body, customer, status=meeting.status)
    for eye, values in zip(body.eyes, measured, strict=True):
        _insert_eye(intent, customer, eye, values)
    arrive(intent.session, customer, on=body.examined_on)
    theirs = met(intent, customer, meeting)
    return Effect(
        action="exam:recorded", kind="exam", customer_id=customer.id, ver=1, conflict=bool(theirs), theirs=theirs
    )


def _check_day(intent: Intent, body: RecordExam, customer: Customer) -> None:
    if body.examined_on > intent.today:
        raise Rejected("implausible:examined_on", "an examination cannot lie in the future")
    if customer.birth_date and body.examined_on < customer.birth_date:
        raise Rejected("implausible:examined_on", "an examination cannot lie before birth")


def _values(eye: MeasuredEye) -> EyeValues:
    """What was measured, as exact numbers with a minus cylinder."""
    exact: dict[str, Any] = {name: _number(getattr(eye, name), field=f"{eye.eye}.{name}") for name in EXACT}
    if exact["sphere"] is not None:
        lens = Refraction(sphere=exact["sphere"], cylinder=exact["cylinder"], axis=eye.axis).minus_cylinder()
        exact |= {"sphere": lens.sphere, "cylinder": lens.cylinder}
        return EyeValues(eye=Eye(eye.eye), axis=lens.axis, cct_um=eye.cct_um, **exact)
    return EyeValues(eye=Eye(eye.eye), axis=eye.axis, cct_um=eye.cct_um, **exact)


def _number(text: str | None, *, field: str) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
        exact = number.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise Rejected(f"invalid_body:{field}", "not a number that a measurement can be") from None
    if exact != number:  # also true of NaN
        raise Rejected(f"invalid_body:{field}", "a number with more than two decimals would be stored as another")
    return exact


def _check_plausible(measured: list[EyeValues]) -> None:
    """The workstation has warned already; what no eye can have is refused here too."""
    eyes = {values.eye: values for values in measured}
    if len(eyes) < len(measured):
        raise Rejected("invalid_body:eyes", "an eye is given twice")
    problems = [problem for values in measured for problem in check_eye(values)]
    if len(eyes) == len(Eye):
        problems += check_pair(eyes[Eye.OD], left=eyes[Eye.OS])
    for problem in problems:
        if problem.severity is Severity.ERROR:
            raise Rejected(f"implausible:{problem.field}", f"{problem.code} in {problem.field}")


def _insert_exam(intent: Intent, body: RecordExam, customer: Customer, *, status: ExamStatus) -> None:
    intent.session.execute(
        insert(Exam).values(
            id=intent.operation.row_id,
            customer_id=customer.id,
            site_id=customer.site_id,
            examined_on=body.examined_on,
            method=word(RefractionMethod, body.method, field="method"),
            cycloplegic=body.cycloplegic,
            lens_state=word(LensState, body.lens_state, field="lens_state"),
            washout_days=body.washout_days,
            device=body.device,
            note=body.note,
            examiner_id=intent.principal.staff_id,
            source=Source.WORKSTATION,
            status=status,
            supersedes_id=body.supersedes_id,
            amend_reason=body.amend_reason,
        )
    )


def _insert_eye(intent: Intent, customer: Customer, eye: MeasuredEye, values: EyeValues) -> None:
    intent.session.execute(
        insert(EyeMeasurement).values(
            id=eye.id,
            customer_id=customer.id,
            site_id=customer.site_id,
            exam_id=intent.operation.row_id,
            eye=values.eye,
            axis=values.axis,
            cct_um=values.cct_um,
            **{name: getattr(values, name) for name in EXACT},
        )
    )
