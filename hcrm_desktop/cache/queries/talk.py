"""What a task's SOP says: its talk (话术), filled with what this reader knows of the child, and its outcomes."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_core.scripts import Script, ScriptValues, render_beside, render_script
from hcrm_core.terms import ExamStatus, Eye, LensState, Outcome
from hcrm_core.wire import Json, Person
from hcrm_desktop.cache.rows import ExamRow, EyeRow, TaskRow
from hcrm_desktop.cache.tables import CUSTOMER, KEPT, SITE, SOP
from hcrm_desktop.cache.workspace import PERSON


def talk(session: Session, task: TaskRow, *, exams: Sequence[ExamRow], today: date) -> str:
    """The talk, ready to copy; "" if the SOP has none or it was written for another release."""
    script = _script(session, task)
    return "" if script is None else render_script(script, _values(session, task, script, exams=exams, today=today))


def said_beside(session: Session, task: TaskRow, *, exams: Sequence[ExamRow], today: date) -> str:
    """The one sentence about a task whose family is called about another; "" as for the talk."""
    script = _script(session, task)
    return "" if script is None else render_beside(script, _values(session, task, script, exams=exams, today=today))


def _script(session: Session, task: TaskRow) -> Script | None:
    try:
        return Script.model_validate(_definition(session, task.sop_key).get("script"))
    except ValidationError:
        return None


def offered(session: Session, sop_key: str) -> tuple[Outcome, ...]:
    """The outcomes that an SOP offers first."""
    known = {outcome.value: outcome for outcome in Outcome}
    return tuple(known[word] for word in _definition(session, sop_key).get("outcomes", ()) if word in known)


def _definition(session: Session, sop_key: str) -> Json:
    return session.execute(select(SOP.c.definition).where(SOP.c.key == sop_key)).scalar() or {}


def _values(session: Session, task: TaskRow, script: Script, *, exams: Sequence[ExamRow], today: date) -> ScriptValues:
    final = [exam for exam in exams if exam.status is ExamStatus.FINAL]
    site = select(SITE.c.name).join(CUSTOMER, CUSTOMER.c.site_id == SITE.c.id).where(CUSTOMER.c.id == task.customer_id)
    return ScriptValues(
        today=today,
        guardian_name=task.guardian_name or None,
        child_name=task.name or None,
        staff_name=_speaker(session),
        site_name=session.execute(site).scalar(),
        last_exam_on=final[-1].examined_on if final else None,
        sphere=_latest(final, value=lambda eye: eye.sphere),
        cylinder=_latest(final, value=lambda eye: eye.cylinder),
        growth=_growth(exams) if script.speaks_of("growth") else None,
        product=task.product,
        lens_since=task.lens_since,
        due_on=task.due_on,
    )


def _speaker(session: Session) -> str | None:
    body = session.execute(select(KEPT.c.body).where(KEPT.c.key == PERSON)).scalar()
    return None if body is None else Person.model_validate(body).name


def _latest(exams: Sequence[ExamRow], *, value: Callable[[EyeRow], Decimal | None]) -> dict[Eye, Decimal] | None:
    """Refraction of the last examination, unless it is what a lens did to the eye."""
    if not exams or exams[-1].lens_state in (LensState.OK_LENS, LensState.OK_WASHOUT):
        return None
    eyes = [eye for eye in (exams[-1].od, exams[-1].os) if eye is not None]
    return {eye.eye: known for eye in eyes if (known := value(eye)) is not None}


def _growth(exams: Sequence[ExamRow]) -> dict[Eye, Decimal]:
    """Half a year's growth in D, where it may be compared."""
    from hcrm_core.facts.growth import HALF_YEAR, eye_growth
    from hcrm_core.study import measurements

    measured = measurements(exams)
    grown = eye_growth(measured, window=HALF_YEAR)
    return {eye: known for eye, growth in grown.items() if (known := growth.refraction.change) is not None}
