"""Fixture records: children as a clinic knows them, made of plain rows."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hcrm_core.terms import (
    Channel,
    ExamStatus,
    Eye,
    LensState,
    Outcome,
    ProductKind,
    RefractionMethod,
    Sex,
    Source,
    VisitState,
)
from hcrm_desktop.cache.rows import (
    CustomerHeader,
    CustomerRecord,
    ExamRow,
    EyeRow,
    FollowUpRow,
    OrderRow,
    SegmentRow,
    VisitRow,
)
from hcrm_store.base import new_id

TODAY = date(2026, 11, 22)
CHILD = new_id()


def eye(which: Eye, *, se: str | None = None, length: str | None = None, **values: Any) -> EyeRow:
    """One eye; `se` becomes a sphere with a cylinder of 0.00."""
    powers = {} if se is None else {"sphere": Decimal(se), "cylinder": Decimal("0.00")}
    lengths = {} if length is None else {"axial_length_mm": Decimal(length)}
    return EyeRow(eye=which, **{**powers, **lengths, **values})


def exam(on: date, od: EyeRow | None = None, os: EyeRow | None = None, **conditions: Any) -> ExamRow:
    """A cycloplegic autorefraction without lenses, unless said otherwise."""
    values: dict[str, Any] = {
        "id": new_id(),
        "method": RefractionMethod.AUTOREFRACTION,
        "cycloplegic": True,
        "lens_state": LensState.SPECTACLES,
        "washout_days": None,
        "device": "NIDEK ARK-1",
        "note": "",
        "examiner_name": "周验光",
        "source": Source.HIS,
        "status": ExamStatus.FINAL,
    }
    return ExamRow(examined_on=on, od=od, os=os, **(values | conditions))


def both(on: date, *, se: tuple[str, str], length: tuple[str, str], **conditions: Any) -> ExamRow:
    """An examination of both eyes with everything a slip holds."""
    common: dict[str, Any] = {
        "ucva": Decimal("4.6"),
        "bcva": Decimal("5.0"),
        "k1": Decimal("42.87"),
        "k2": Decimal("43.50"),
        "iop_mmhg": Decimal("15.5"),
        "cct_um": 548,
    }
    right = eye(Eye.OD, se=se[0], length=length[0], **common)
    left = eye(Eye.OS, se=se[1], length=length[1], **common)
    return exam(on, right, left, **conditions)


def order(which: Eye, product: ProductKind, dispensed_on: date, **values: Any) -> OrderRow:
    told: dict[str, Any] = {
        "id": new_id(),
        "brand": "欧普康视",
        "manufacturer": "欧普康视科技",
        "model": "DreamVision 7.8",
        "ordered_on": dispensed_on,
        "ended_on": None,
        "sphere": Decimal("-3.00"),
        "cylinder": Decimal("-0.50"),
        "axis": 180,
        "price": Decimal(6800),
        "source": Source.SALES,
    }
    return OrderRow(eye=which, product=product, dispensed_on=dispensed_on, **(told | values))


def header(**values: Any) -> CustomerHeader:
    told: dict[str, Any] = {
        "id": CHILD,
        "ver": 1,
        "name": "王欣怡",
        "sex": Sex.FEMALE,
        "birth_date": date(2017, 9, 10),
        "site_name": "城北院区",
        "filed_on": date(2024, 3, 2),
        "guardian_name": "王敏",
        "guardian_relation": "母亲",
        "phone": "13812345678",
        "assistant_name": "李医助",
        "optometrist_name": "周验光",
        "do_not_contact": False,
        "school": "育才小学",
        "note": "",
        "siblings": ((new_id(), "王子轩"),),
        "next_due_on": date(2026, 12, 5),
    }
    return CustomerHeader(**(told | values))


def record(*exams: ExamRow, **values: Any) -> CustomerRecord:
    """A record of some examinations and nothing else, unless said otherwise."""
    told: dict[str, Any] = {
        "header": header(),
        "orders": (),
        "follow_ups": (),
        "visits": (),
        "segments": (),
        "tasks": (),
    }
    return CustomerRecord(exams=exams, **(told | values))


def full_record() -> CustomerRecord:
    """A girl who wore frames and then OK lenses: what the page looks like on a good day."""
    ok = {"lens_state": LensState.OK_LENS, "cycloplegic": False}
    return record(
        both(date(2023, 9, 2), se=("-0.75", "-0.50"), length=("23.12", "23.05"), lens_state=LensState.NONE),
        both(date(2024, 3, 2), se=("-1.25", "-1.00"), length=("23.37", "23.28"), lens_state=LensState.NONE),
        both(date(2024, 9, 7), se=("-1.75", "-1.50"), length=("23.60", "23.50")),
        both(date(2025, 3, 8), se=("-2.25", "-1.75"), length=("23.82", "23.69"), cycloplegic=False),
        both(date(2025, 5, 10), se=("-2.50", "-2.00"), length=("23.88", "23.74")),
        both(date(2025, 11, 15), se=("-0.25", "0.00"), length=("23.97", "23.81"), **ok),
        both(date(2026, 5, 16), se=("-0.25", "-0.25"), length=("24.03", "23.89"), **ok),
        both(date(2026, 11, 14), se=("0.00", "-0.25"), length=("24.25", "23.96"), **ok),
        orders=(
            order(Eye.OD, ProductKind.OK_LENS, date(2026, 8, 20)),
            order(Eye.OD, ProductKind.OK_LENS, date(2025, 5, 20), ended_on=date(2026, 8, 20)),
            order(Eye.OS, ProductKind.OK_LENS, date(2025, 5, 20)),
            order(Eye.OD, ProductKind.SINGLE_VISION, date(2024, 3, 12)),
            order(Eye.OS, ProductKind.SINGLE_VISION, date(2024, 3, 12)),
        ),
        follow_ups=(
            FollowUpRow(
                id=new_id(),
                contacted_at=datetime(2026, 11, 10, 2, 30, tzinfo=UTC),
                staff_name="李医助",
                channel=Channel.PHONE,
                outcome=Outcome.BOOKED,
                note="妈妈周六有空，约上午。",
                next_on=date(2026, 11, 14),
            ),
        ),
        visits=(VisitRow(visit_on=date(2026, 11, 14), state=VisitState.ARRIVED, purpose="复查"),),
        segments=(
            SegmentRow(
                key="ok_lens", label="角塑客户", tone="info", entered_on=date(2025, 5, 20), evidence=_ok_evidence()
            ),
        ),
    )


def without(customer: CustomerRecord, **header_values: Any) -> CustomerRecord:
    """The same record with other words in the header."""
    return replace(customer, header=replace(customer.header, **header_values))


def _ok_evidence() -> list[dict[str, Any]]:
    return [
        {
            "fact": "product",
            "label": "在戴产品",
            "eye": "",
            "value": "ok_lens",
            "unit": "",
            "on": None,
            "operator": "eq",
            "threshold": "ok_lens",
            "threshold_unit": "",
            "quantity": None,
            "verdict": "true",
            "negated": False,
        }
    ]
