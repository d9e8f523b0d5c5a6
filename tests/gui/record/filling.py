"""Fills the cache with one child whose record a test can name."""

from datetime import date
from uuid import UUID

from hcrm_core.terms import Eye
from hcrm_core.wire import Row
from hcrm_desktop.cache.workspace import Workspace
from hcrm_store.base import new_id
from tests.gui.filling import SITE, child_rows, put, row

NAME = "王欣怡"


def exam_rows(customer_id: UUID, on: date, *, length: str, lens_state: str = "spectacles") -> list[Row]:
    """A cycloplegic autorefraction of both eyes."""
    exam_id = new_id()
    whose = {"customer_id": str(customer_id), "site_id": str(SITE)}
    about = {"method": "autorefraction", "cycloplegic": True, "lens_state": lens_state, "device": "ARK-1"}
    measured = {"exam_id": str(exam_id), "sphere": "-3.00", "cylinder": "-0.50", "axis": 180}
    return [
        row("exam", exam_id, **whose, **about, examined_on=on.isoformat(), source="his", status="final", note=""),
        *(row("eye_measurement", new_id(), **whose, **measured, eye=one.value, axial_length_mm=length) for one in Eye),
    ]


def add_child(workspace: Workspace, *, name: str = NAME) -> UUID:
    """A boy of ten with two examinations half a year apart."""
    customer_id = new_id()
    put(
        workspace,
        *child_rows(name, id=customer_id),
        *exam_rows(customer_id, date(2026, 4, 1), length="24.00"),
        *exam_rows(customer_id, date(2026, 10, 1), length="24.20"),
    )
    return customer_id
