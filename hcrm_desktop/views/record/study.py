"""The study of a record: read and computed in a reader, shown as it is."""

import dataclasses
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.study import EyeStudy
from hcrm_core.study import study as study_eyes
from hcrm_desktop.cache.lease import shows_no_customer
from hcrm_desktop.cache.rows import ContestedExams, CustomerRecord, FieldChangeRow
from hcrm_desktop.references import references

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStudy:
    """A record and what it says."""

    record: CustomerRecord
    eyes: EyeStudy
    contested: tuple[ContestedExams, ...] = ()
    changes: tuple[FieldChangeRow, ...] = ()


@shows_no_customer
def import_charts(_: "Session") -> None:
    """Import pyqtgraph, a third of a second, in a reader: the GUI thread need not wait for it."""
    import_module("hcrm_desktop.charts.canvas")


def read_study(session: "Session", customer_id: UUID, *, today: date) -> RecordStudy | None:
    """Read the record and study it. Runs in a reader."""
    from hcrm_desktop.cache.queries import contested_exams, customer_changes, customer_record

    import_charts(session)
    record = customer_record(session, customer_id, today=today)
    if record is None:
        return None
    contested, changes = contested_exams(session, customer_id), customer_changes(session, customer_id)
    return dataclasses.replace(study(record, today=today), contested=tuple(contested), changes=tuple(changes))


def study(record: CustomerRecord, *, today: date) -> RecordStudy:
    """Growth, curves and verdicts of a record."""
    head = record.header
    eyes = study_eyes(
        record.exams,
        orders=record.orders,
        medications=record.medications,
        sex=head.sex,
        birth=head.birth_date,
        today=today,
        references=references(),
    )
    return RecordStudy(record=record, eyes=eyes)
