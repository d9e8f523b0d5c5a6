"""One customer's rows, in short calls, and the facts that they give."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import polars as pl

from hcrm_core.facts.compute import Frames, facts
from hcrm_core.facts.growth import Frame
from hcrm_store.references import axial_length_reference

DAY = date(2026, 1, 10)
BORN = date(2016, 5, 1)

_TEXT, _DATE, _INT, _BOOL = pl.String, pl.Date, pl.Int64, pl.Boolean
SCHEMAS: dict[str, dict[str, type[pl.DataType]]] = {
    "customers": {"customer_id": _INT, "site_id": _TEXT, "birth_date": _DATE, "sex": _TEXT}
    | {"filed_on": _DATE, "do_not_contact": _BOOL},
    "eyes": {"customer_id": _INT, "exam_id": _INT, "eye": _TEXT, "examined_on": _DATE, "status": _TEXT}
    | {"method": _TEXT, "cycloplegic": _BOOL, "lens_state": _TEXT, "washout_days": _INT}
    | dict.fromkeys(("sphere_mdpt", "cylinder_mdpt", "axial_length_um", "k1_mdpt", "k2_mdpt", "cct_um"), _INT)
    | dict.fromkeys(("iop_milli", "ucva_milli", "bcva_milli"), _INT),
    "lens_orders": {"customer_id": _INT, "order_id": _INT, "eye": _TEXT, "product": _TEXT}
    | dict.fromkeys(("ordered_on", "dispensed_on", "ended_on"), _DATE)
    | {"price_milli": _INT, "department": _TEXT},
    "medications": {"customer_id": _INT, "medication_id": _INT, "medicine": _TEXT, "percent_milli": _INT}
    | dict.fromkeys(("started_on", "ended_on"), _DATE),
    "visits": {"customer_id": _INT, "visit_on": _DATE, "state": _TEXT},
    "recheck_plans": {"customer_id": _INT, "planned_on": _DATE, "due_on": _DATE},
    "follow_ups": {"customer_id": _INT, "contacted_on": _DATE, "outcome": _TEXT},
    "leads": {"customer_id": _INT, "state": _TEXT},
}


def computed(frame: Frame) -> Frame:
    """A frame that is read more than once, worked out."""
    return frame.collect("polars", engine="in-memory").lazy()


def on(days: int) -> date:
    return DAY + timedelta(days=days)


@dataclass
class History:
    """One customer's rows; days count from `DAY`."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})

    def exam(self, day: int, sphere: int | None = None, **options: Any) -> "History":
        values = {"eye": "OD", "status": "final", "method": "autorefraction", "cycloplegic": True}
        values |= {"lens_state": "spectacles", "sphere_mdpt": sphere, "cylinder_mdpt": 0} | options
        number = len(self.rows["eyes"])
        return self._add("eyes", exam_id=number, examined_on=DAY + timedelta(days=day), **values)

    def lens(self, day: int, product: str, *, eye: str = "OD", ended: int | None = None) -> "History":
        ended_on = None if ended is None else DAY + timedelta(days=ended)
        number = len(self.rows["lens_orders"])
        on = DAY + timedelta(days=day)
        return self._add("lens_orders", order_id=number, eye=eye, product=product, dispensed_on=on, ended_on=ended_on)

    def drops(self, day: int, percent_milli: int = 50, *, ended: int | None = None) -> "History":
        number, ended_on = len(self.rows["medications"]), None if ended is None else on(ended)
        values = {"medicine": "atropine", "percent_milli": percent_milli, "ended_on": ended_on}
        return self._add("medications", medication_id=number, started_on=on(day), **values)

    def visit(self, day: int, state: str = "arrived") -> "History":
        return self._add("visits", visit_on=DAY + timedelta(days=day), state=state)

    def plan(self, day: int, due: int) -> "History":
        return self._add("recheck_plans", planned_on=DAY + timedelta(days=day), due_on=DAY + timedelta(days=due))

    def contact(self, day: int, outcome: str) -> "History":
        return self._add("follow_ups", contacted_on=DAY + timedelta(days=day), outcome=outcome)

    def lead(self, state: str) -> "History":
        return self._add("leads", state=state)

    def bought(self, **options: Any) -> "History":
        """An order that need not be dispensed."""
        number = len(self.rows["lens_orders"])
        return self._add("lens_orders", **({"order_id": number, "eye": "OD", "product": "ok_lens"} | options))

    def facts(self, **options: Any) -> dict[str, Any]:
        """Everything that is known of him; a boy born on 1 May 2016 unless told otherwise."""
        self._add("customers", **({"birth_date": BORN, "sex": "male", "do_not_contact": False} | options))
        frames = {
            name: nw.from_native(pl.DataFrame(self.rows[name], schema=schema).lazy())
            for name, schema in SCHEMAS.items()
        }
        told = facts(Frames(**frames), reference=axial_length_reference(), keep=computed)
        found: dict[str, Any] = told.collect("polars").to_native().to_dicts()[0]
        return found

    def _add(self, table: str, **values: Any) -> "History":
        self.rows[table].append(dict.fromkeys(SCHEMAS[table]) | {"customer_id": 0} | values)
        return self
