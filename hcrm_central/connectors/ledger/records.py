"""What a ledger row means: a person, and the exams, orders, visits, plans and contacts it tells of.

The clinical decisions are in docs/ledger.md: measured values of an OK ledger are the baseline before fitting, a
frame prescription is a lens power and never an exam, an undated measurement is not kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from hcrm_central.connectors.ledger.dates import Later
from hcrm_central.connectors.ledger.rows import ReadRow
from hcrm_core.errors import Problem, Severity
from hcrm_core.eye.age import exact_age
from hcrm_core.eye.plausibility import EyeValues, check_axial_length, check_eye, check_pair
from hcrm_core.eye.refraction import Refraction
from hcrm_core.people import NationalId, PersonName, Phone, relation_in
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
from hcrm_store.clock import SHANGHAI
from hcrm_store.references import axial_length_reference

_NOON = time(12)  # a ledger says the day of a contact, not the hour
_MEASURED = ("ucva", "bcva", "sphere", "cylinder", "axis", "axial_length_mm", "k1", "k2", "iop_mmhg", "cct_um")

Values = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDraft:
    """Who a row is about. None and empty are unknown."""

    name: PersonName
    birth_date: date | None = None
    sex: Sex | None = None
    national_id: str | None = None
    phone: Phone | None = None
    guardian_name: str = ""
    columns: Values = field(default_factory=dict)  # further columns of `customer`

    @property
    def relation(self) -> str:
        """How the guardian is related, as far as anything says it."""
        said = self.phone.relation if self.phone else ""
        return said or relation_in(self.guardian_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One product row that a ledger row becomes.

    Attributes:
        slot: names it within the ledger row for ever: `fitted/OD`, `visit/2026-11-20`.
        table: where it goes.
        values: its columns besides ids and site.
        eyes: of an exam, the columns of its measurements.
    """

    slot: str
    table: str
    values: Values
    eyes: tuple[Values, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row's meaning. `occasion` tells apart the rows of one person in one sheet."""

    person: PersonDraft
    items: tuple[Item, ...]
    occasion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """What the centre knows and a row refers to by name."""

    today: date
    department_id: UUID | None
    staff: dict[str, list[UUID]]
    unknown_staff: set[str] = field(default_factory=set)  # names that were reported


def record_of(row: ReadRow, *, clinic: Clinic) -> Record:
    """The meaning of a row whose state is PERSON; what is doubtful is added to its remarks."""
    person = _person(row, clinic=clinic)
    items, occasion = _RECORDS[row.layout.sheet.record](row, person, clinic)
    return Record(person=person, items=tuple(items), occasion=occasion)


# ── who ──────────────────────────────────────────────────────────────────────────────────────────────────


def _person(row: ReadRow, *, clinic: Clinic) -> PersonDraft:
    name, identity = row.values["name"], row.values.get("national_id")
    assert isinstance(name, PersonName)
    sex, birth = _sex(row), _day(row, "birth_date")
    if isinstance(identity, NationalId):
        _compare(row, "sex", said=sex, identity=identity.sex)
        _compare(row, "birth_date", said=birth, identity=identity.birth_date)
        sex, birth = identity.sex or sex, identity.birth_date
    phone = row.values.get("phone")
    return PersonDraft(
        name=name,
        birth_date=birth,
        sex=sex,
        national_id=identity.number if isinstance(identity, NationalId) else None,
        phone=phone if isinstance(phone, Phone) else None,
        guardian_name=_text(row, "guardian_name"),
        columns=_customer_columns(row, clinic=clinic),
    )


def _customer_columns(row: ReadRow, *, clinic: Clinic) -> Values:
    columns: Values = {
        "filed_on": _day(row, "filed_on"),
        "school": f"{_text(row, 'school')} {_text(row, 'school_class')}".strip(),
        "note": _text(row, "note"),
        "assistant_id": _staff(row, "assistant", clinic=clinic),
        "optometrist_id": _staff(row, "optometrist", clinic=clinic),
    }
    return {name: value for name, value in columns.items() if value}


def _compare(row: ReadRow, field: str, *, said: object, identity: object) -> None:
    if said is not None and identity is not None and said != identity:
        row.add(_warning("identity_contradicts", field))


def _staff(row: ReadRow, field: str, *, clinic: Clinic) -> UUID | None:
    """The member of staff of that name; each unknown name is reported once."""
    name = "".join(_text(row, field).split())
    known = clinic.staff.get(name, [])
    if len(known) == 1:
        return known[0]
    if name and name not in clinic.unknown_staff:
        clinic.unknown_staff.add(name)
        row.add(_warning("ambiguous_staff" if known else "unknown_staff", field, seen=name))
    return None


# ── what: one function for each kind of sheet ────────────────────────────────────────────────────────────


def _ok_fitting(row: ReadRow, person: PersonDraft, clinic: Clinic) -> tuple[list[Item], str]:
    filed, fitted, seen = (_day(row, name) for name in ("filed_on", "dispensed_on", "last_check_on"))
    _check_order(row, person, "filed_on", "dispensed_on", "last_check_on")
    before_wear = fitted is None or filed is None or filed <= fitted
    exam = _exam(
        row,
        person,
        slot="baseline",
        on=filed or fitted,
        values={
            "method": RefractionMethod.UNKNOWN,
            "lens_state": LensState.NONE if before_wear else LensState.UNKNOWN,
            "cycloplegic": None,
        },
    )
    items = [*exam, *_ok_orders(row, clinic=clinic)]
    if seen is not None:
        visit: Values = {"visit_on": seen, "state": VisitState.ARRIVED, "department_id": clinic.department_id}
        visit |= {"purpose": row.layout.sheet.texts.get("visit_purpose", ""), "source": Source.LEDGER}
        items.append(Item(slot=f"visit/{seen}", table="visit", values=visit))
    base = seen or fitted or filed
    return [*items, *_plan(row, base=base, slot=f"plan/{base}", planned_by=None)], ""


def _ok_orders(row: ReadRow, *, clinic: Clinic) -> Iterator[Item]:
    """A pair when fitted, and another when replaced. An eye without any value beside a measured one has no lens."""
    fitted, replaced = _day(row, "dispensed_on"), _day(row, "replaced_on")
    lens: Values = {"product": ProductKind.OK_LENS, "brand": _text(row, "brand"), "model": _text(row, "model")}
    lens |= {"department_id": clinic.department_id, "source": Source.LEDGER}
    eyes = [eye for eye in Eye if any(f"{eye}.{name}" in row.values for name in _MEASURED)] or list(Eye)
    if fitted or lens["brand"]:
        for eye in eyes:
            yield Item(slot=f"fitted/{eye}", table="lens_order", values={**lens, "eye": eye, "dispensed_on": fitted})
    if replaced is None:
        return
    if fitted is not None and replaced <= fitted:
        row.add(_warning("dates_out_of_order", "replaced_on", seen=str(replaced), earlier=str(fitted)))
        return
    for eye in eyes:
        values = {**lens, "eye": eye, "dispensed_on": replaced}
        yield Item(slot=f"replaced/{replaced}/{eye}", table="lens_order", values=values)


def _frame_order(row: ReadRow, person: PersonDraft, clinic: Clinic) -> tuple[list[Item], str]:
    bought = _day(row, "dispensed_on")
    _check_order(row, person, "dispensed_on", "contacted_on")
    optometrist = person.columns.get("optometrist_id")
    plan = _plan(row, base=bought or _day(row, "contacted_on"), slot="plan", planned_by=optometrist)
    return [*_frame_lenses(row, bought=bought, clinic=clinic), *_contact(row), *plan], str(bought)


def _frame_lenses(row: ReadRow, *, bought: date | None, clinic: Clinic) -> Iterator[Item]:
    if "product" not in row.values:
        row.add(_warning("product_missing", "product"))
        return
    brand, _, model = _text(row, "brand_model").partition(" ")
    lens: Values = {"product": ProductKind(str(row.values["product"])), "brand": brand, "model": model}
    lens |= {"dispensed_on": bought, "department_id": clinic.department_id, "source": Source.LEDGER}
    for eye, price in zip(Eye, _halves(row.values.get("price")), strict=True):
        power = _kept(row, _eye_values(row, eye))
        values = {name: power[name] for name in ("sphere", "cylinder", "axis")}
        yield Item(slot=f"lens/{eye}", table="lens_order", values={**lens, **values, "eye": eye, "price": price})


def _halves(price: object) -> tuple[Decimal | None, Decimal | None]:
    """A pair's price as two lens prices that add up to it to the fen."""
    if not isinstance(price, Decimal):
        return None, None
    left = (price / 2).quantize(Decimal("0.01"))
    return price - left, left


def _contact(row: ReadRow) -> Iterator[Item]:
    day, outcome = _day(row, "contacted_on"), row.values.get("outcome")
    if day is None and outcome is None:
        return
    if day is None or outcome is None:
        missing, present = ("contacted_on", "outcome") if day is None else ("outcome", "contacted_on")
        row.add(_warning("contact_incomplete", missing, seen=row.written(present)))
        return
    values: Values = {
        "channel": Channel.PHONE,
        "outcome": Outcome(str(outcome)),
        "contacted_at": datetime.combine(day, _NOON, SHANGHAI).astimezone(UTC),
        "source": Source.LEDGER,
    }
    yield Item(slot="contact", table="follow_up", values=values)


def _screening(row: ReadRow, person: PersonDraft, _clinic: Clinic) -> tuple[list[Item], str]:
    _check_order(row, person, "examined_on")
    on = _day(row, "examined_on")
    cycloplegic = {"yes": True, "no": False}.get(str(row.values.get("cycloplegic")))
    values: Values = {
        "method": RefractionMethod.AUTOREFRACTION,
        "lens_state": LensState.UNKNOWN,
        "cycloplegic": cycloplegic,
        "note": _text(row, "advice"),
    }
    return list(_exam(row, person, slot="screening", on=on, values=values)), str(on)


_RECORDS: dict[str, Callable[[ReadRow, PersonDraft, Clinic], tuple[list[Item], str]]] = {
    "ok_fitting": _ok_fitting,
    "frame_order": _frame_order,
    "screening": _screening,
}


# ── shared parts ─────────────────────────────────────────────────────────────────────────────────────────


def _exam(row: ReadRow, person: PersonDraft, *, slot: str, on: date | None, values: Values) -> Iterator[Item]:
    pair = [_eye_values(row, eye) for eye in Eye]
    apart = check_pair(pair[0], left=pair[1])
    for problem in apart:
        row.add(problem, column=row.layout.title_of(f"OD.{problem.field}"))
    if any(problem.severity is Severity.ERROR for problem in apart):
        pair = [replace(one, axial_length_mm=None) for one in pair]
    eyes = tuple(kept for one in pair if (kept := _kept(row, one)) and _measured(kept))
    if not eyes:
        return
    if on is None:
        row.add(_warning("measurements_undated", "filed_on"))
        return
    for one in pair:
        _check_length(row, person, one, on=on)
    source = Source.SCREENING if slot == "screening" else Source.LEDGER
    exam = {"examined_on": on, "source": source, "status": ExamStatus.FINAL, **values}
    yield Item(slot=slot, table="exam", values=exam, eyes=eyes)


def _eye_values(row: ReadRow, eye: Eye) -> EyeValues:
    """What a row says of one eye, with a minus cylinder."""
    said = {name: row.values.get(f"{eye}.{name}") for name in _MEASURED}
    whole = row.values.get(f"{eye}.prescription")
    sphere = said["sphere"]
    if not isinstance(whole, Refraction) and isinstance(sphere, Decimal):
        whole = Refraction(sphere=sphere, cylinder=said["cylinder"], axis=said["axis"])  # type: ignore[arg-type] # as read
    if isinstance(whole, Refraction):
        lens = whole.minus_cylinder()
        said |= {"sphere": lens.sphere, "cylinder": lens.cylinder, "axis": lens.axis}
    return EyeValues(eye=eye, **said)  # type: ignore[arg-type] # each cell was read as its own column says


def _kept(row: ReadRow, values: EyeValues) -> Values:
    """One eye's columns: whatever is impossible is reported and left out."""
    kept: Values = {"eye": values.eye, **{name: getattr(values, name) for name in _MEASURED}}
    has_axis = row.layout.title_of(f"{values.eye}.axis")
    for problem in check_eye(values):
        if problem.code == "axis_missing" and not has_axis:
            continue  # this layout has no place for an axis
        row.add(problem)
        if problem.severity is Severity.ERROR:
            kept[problem.field.partition(".")[2]] = None
    return kept


def _measured(eye: Values) -> bool:
    return any(eye[name] is not None for name in _MEASURED)


def _check_length(row: ReadRow, person: PersonDraft, values: EyeValues, *, on: date) -> None:
    length, birth = values.axial_length_mm, person.birth_date
    if length is None or birth is None or birth > on:
        return
    age, field = exact_age(birth, on=on), f"{values.eye}.axial_length_mm"
    for problem in check_axial_length(
        length, reference=axial_length_reference(), sex=person.sex, age_years=age, field=field
    ):
        row.add(problem)


def _plan(row: ReadRow, *, base: date | None, slot: str, planned_by: object) -> Iterator[Item]:
    said = row.values.get("next_check")
    if isinstance(said, Later) and base is None:
        row.add(_warning("relative_date_without_base", "next_check"))
        return
    due = said.after(base) if isinstance(said, Later) and base else said
    if not isinstance(due, date):
        return
    if base is not None and due <= base:
        row.add(_warning("dates_out_of_order", "next_check", seen=str(due), earlier=str(base)))
        return
    values: Values = {"planned_on": base or due, "due_on": due, "planned_by_id": planned_by, "source": Source.LEDGER}
    yield Item(slot=slot, table="recheck_plan", values=values)


def _check_order(row: ReadRow, person: PersonDraft, *fields: str) -> None:
    """Remark on days that come before the birth or before what must precede them."""
    earlier = person.birth_date
    for name in fields:
        day = _day(row, name)
        if day is not None and earlier is not None and day < earlier:
            row.add(_warning("dates_out_of_order", name, seen=str(day), earlier=str(earlier)))
        earlier = day or earlier


def _day(row: ReadRow, field: str) -> date | None:
    value = row.values.get(field)
    return value if isinstance(value, date) else None


def _sex(row: ReadRow) -> Sex | None:
    return Sex(str(row.values["sex"])) if "sex" in row.values else None


def _text(row: ReadRow, field: str) -> str:
    return str(row.values.get(field) or "")


def _warning(code: str, field: str, **parameters: str) -> Problem:
    return Problem(code=code, field=field, severity=Severity.WARNING, parameters=parameters)
