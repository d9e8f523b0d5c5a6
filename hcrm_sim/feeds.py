"""The feeds of an extract, their columns in order, and their types in frames (docs/extract.md)."""

import polars as pl

_TEXT, _DAY, _NUMBER, _WHOLE = pl.String(), pl.Date(), pl.Float64(), pl.Int64()
_EYE = {
    "ucva": _NUMBER,
    "bcva": _NUMBER,
    "sphere": _NUMBER,
    "cylinder": _NUMBER,
    "axis": _WHOLE,
    "axial_length_mm": _NUMBER,
    "k1": _NUMBER,
    "k2": _NUMBER,
    "iop_mmhg": _NUMBER,
    "cct_um": _WHOLE,
}


def _text(names: str) -> dict[str, pl.DataType]:
    return dict.fromkeys(names.split(), _TEXT)


SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "guardians": _text("key family_key site_code name relation phone wecom_id"),
    "customers": {
        **_text("key site_code family_key name sex"),
        "birth_date": _DAY,
        "filed_on": _DAY,
        **_text("assistant_code optometrist_code"),
        "do_not_contact": pl.Boolean(),
        **_text("school note his_no sales_no screening_no national_id"),
    },
    "exams": {
        **_text("key customer_key"),
        "examined_on": _DAY,
        "method": _TEXT,
        "cycloplegic": pl.Boolean(),
        "lens_state": _TEXT,
        "washout_days": _WHOLE,
        **_text("device examiner_code note source"),
        **{f"od_{name}": kind for name, kind in _EYE.items()},
        **{f"os_{name}": kind for name, kind in _EYE.items()},
    },
    "lens_orders": {
        **_text("key customer_key eye product brand manufacturer model"),
        "ordered_on": _DAY,
        "dispensed_on": _DAY,
        "ended_on": _DAY,
        "end_reason": _TEXT,
        "sphere": _NUMBER,
        "cylinder": _NUMBER,
        "axis": _WHOLE,
        "price": _NUMBER,
        **_text("sold_by_code department_code source"),
    },
    "medications": {
        **_text("key customer_key medicine"),
        "percent": _NUMBER,
        "started_on": _DAY,
        "ended_on": _DAY,
        **_text("end_reason note prescriber_code source"),
    },
    "visits": {**_text("key customer_key"), "visit_on": _DAY, **_text("state department_code purpose source")},
    "recheck_plans": {
        **_text("key customer_key"),
        "planned_on": _DAY,
        "due_on": _DAY,
        **_text("planned_by_code source"),
    },
    "follow_ups": {
        **_text("key customer_key staff_code channel outcome note"),
        "next_on": _DAY,
        **_text("contacted_at source"),
    },
    "leads": {
        **_text("key customer_key kind state initiator_code initiator_department_code"),
        **_text("receiver_code receiver_department_code closer_code"),
        "started_on": _DAY,
        "closed_on": _DAY,
    },
}


def shaped(feed: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with exactly the columns of its feed, in order and type."""
    schema = SCHEMAS[feed]
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
