"""What the cells of a landed row are: which column each one fills, and so who may read it.

A cell has the access class of the column that it fills. Whatever fills none is the managers' to see; a national
identity number is nobody's, wherever it stands.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import hcrm_store.kinds  # noqa: F401  (registers the tables that targets name)
from hcrm_central.connectors.extract.feeds import FEEDS, IDENTIFIERS, Column
from hcrm_central.connectors.extract.staging import EYES
from hcrm_central.connectors.ledger.profile import IGNORED, Profile, Sheet, load_profile
from hcrm_core.access import Access, may_see
from hcrm_core.terms import Eye, Role
from hcrm_store.base import Base

_LEDGER_COLUMNS = {
    "name": "customer.name",
    "sex": "customer.sex",
    "birth_date": "customer.birth_date",
    "filed_on": "customer.filed_on",
    "school": "customer.school",
    "school_class": "customer.school",
    "note": "customer.note",
    "assistant": "customer.assistant_id",
    "optometrist": "customer.optometrist_id",
    "national_id": "customer_identifier.value",
    "guardian_name": "guardian.name",
    "phone": "guardian.phone",
    "dispensed_on": "lens_order.dispensed_on",
    "replaced_on": "lens_order.dispensed_on",
    "brand": "lens_order.brand",
    "brand_model": "lens_order.brand",
    "model": "lens_order.model",
    "product": "lens_order.product",
    "price": "lens_order.price",
    "examined_on": "exam.examined_on",
    "cycloplegic": "exam.cycloplegic",
    "advice": "exam.note",
    "last_check_on": "visit.visit_on",
    "next_check": "recheck_plan.due_on",
    "contacted_on": "follow_up.contacted_at",
    "outcome": "follow_up.outcome",
}
# A ledger row tells of everything at once. Row security gives an optometrist guardians and follow-ups of his own
# customers only; a cell cannot know whose customer it is about, so here he is given none: they need this class too.
_OF_ASSISTANTS = {"guardian", "follow_up"}
_IDENTITY_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx]")
_PHONE_NUMBER = re.compile(r"(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)")  # mainland mobile numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The column that a cell fills."""

    table: str
    column: str
    eye: Eye | None = None

    @property
    def path(self) -> str:
        return f"{self.eye or self.table}.{self.column}"

    @property
    def access(self) -> Access:
        found: Access = Base.metadata.tables[self.table].c[self.column].info["access"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A row as it landed.

    Attributes:
        kind: of an extract's row, or the key of the ledger's sheet.
        profile: by which the batch was read. Of another than ours nobody knows what a ledger's cells hold.
    """

    kind: str
    payload: Mapping[str, Any]
    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a landed row.

    Attributes:
        label: as the source calls its column.
        target: what it fills; None if nothing of ours.
        said: its value as the import read it, where it was written as it stands; None if that is not known.
    """

    label: str
    text: str
    target: Target | None
    needs: frozenset[Access]
    said: str | None = None

    def is_for(self, role: Role) -> bool:
        """Whether a role's profile holds what the cell tells."""
        needs = self.needs | _needed_by(self.text)
        return all(may_see(role, access) for access in needs) and (self.target is not None or role is Role.MANAGER)

    def differs_from(self, present: object) -> bool | None:
        """Whether a column holds another value now; None if the cell's own is not known."""
        return None if self.said is None else not _is_same(self.said, present)


def extract_cells(record: Landed) -> Iterator[Cell]:
    """The cells of a row of an extract, in the order of its feed."""
    feed = next(feed for feed in FEEDS.values() if feed.kind == record.kind)
    for column in feed.columns:
        if column.name in record.payload:
            target, text = _fed_by(column, kind=record.kind), str(record.payload[column.name])
            needs = frozenset({target.access} if target else ())
            said = None if column.refers else text  # a code is not the id that it was read as
            yield Cell(label=column.name, text=text, target=target, needs=needs, said=said)


def ledger_cells(record: Landed, *, kind: str, row_ids: Collection[UUID]) -> Iterator[Cell]:
    """The cells of a ledger row, in the order of the profile; cells that the profile does not know stand last.

    Args:
        record: the row.
        kind: of the row that is asked about; of its columns alone is told what the import read.
        row_ids: its versions.
    """
    said, texts = _said(record.payload, kind=kind, row_ids=row_ids), record.payload["texts"]
    for title, target in _ledger_targets(record.kind, list(texts), profile=record.profile).items():
        needs = frozenset({target.access} if target else ())
        if target and target.table in _OF_ASSISTANTS:
            needs |= {Access.MARKETING}
        known = said.get(target.path) if target else None
        yield Cell(label=title, text=str(texts[title]), target=target, needs=needs, said=known)


def ledger_rows(record: Landed) -> set[UUID]:
    """The rows that a ledger row became."""
    return {UUID(item["id"]) for item in record.payload["items"].values()}


def ledger_title(key: str) -> str:
    """What a ledger's sheet is called; the key of one that our profile does not know."""
    sheet = _sheet(key)
    return sheet.names[0] if sheet else key


def _fed_by(column: Column, *, kind: str) -> Target | None:
    prefix, _, measured = column.name.partition("_")
    if kind == "exam" and prefix in EYES:
        return Target(table="eye_measurement", column=measured, eye=Eye(EYES[prefix]))
    if column.name in IDENTIFIERS:
        return Target(table="customer_identifier", column="value")
    return Target(table=kind, column=column.into) if column.into in Base.metadata.tables[kind].c else None


@cache
def _shipped() -> Profile:
    return load_profile(None)


def _sheet(key: str) -> Sheet | None:
    return next((sheet for sheet in _shipped().sheets if sheet.key == key), None)


def _ledger_targets(key: str, titles: list[str], *, profile: str) -> dict[str, Target | None]:
    sheet = _sheet(key) if profile == _shipped().label else None
    columns = sheet.columns if sheet else []
    known = {title: column for column in columns for title in titles if column.answers_to(title)}
    return {title: _filled(column.field) for title, column in known.items()} | {
        title: None for title in titles if title not in known
    }


def _filled(field: str) -> Target | None:
    if field == IGNORED:
        return None
    head, _, measured = field.partition(".")
    if measured:
        # A whole prescription counts as its sphere; a frame's lens power has the same access class as an eye's.
        column = "sphere" if measured == "prescription" else measured
        return Target(table="eye_measurement", column=column, eye=Eye(head))
    table, _, column = _LEDGER_COLUMNS[field].partition(".")
    return Target(table=table, column=column)


def _said(payload: Mapping[str, Any], *, kind: str, row_ids: Collection[UUID]) -> dict[str, str]:
    """By path, what the import read of the row that is asked about."""
    items = [item for item in payload["items"].values() if UUID(item["id"]) in row_ids]
    columns = [payload["person"]] if kind == "customer" else [item["values"] for item in items]
    said = {f"{kind}.{name}": value for values in columns for name, value in values.items()}
    said |= {f"{eye['eye']}.{name}": value for item in items for eye in item["eyes"] for name, value in eye.items()}
    return {path: str(value) for path, value in said.items() if value is not None}


def _needed_by(text: str) -> frozenset[Access]:
    """People write numbers into any cell: a phone is not for those who get no phones, an identity for nobody."""
    if _IDENTITY_NUMBER.search(text):
        return frozenset({Access.SECRET})
    return frozenset({Access.IDENTITY, Access.MARKETING} if _PHONE_NUMBER.search(text) else ())


def _is_same(said: str, present: object) -> bool:
    if isinstance(present, bool):
        return said.lower() == str(present).lower()
    if isinstance(present, Decimal | int):
        return Decimal(said) == present
    if isinstance(present, datetime):
        return datetime.fromisoformat(said) == present
    return said == (present.value if isinstance(present, StrEnum) else str(present))
