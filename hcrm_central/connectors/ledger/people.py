"""Turns the persons of a chunk of rows into customers with families: the known ones found, the others made."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, or_, select
from sqlalchemy.orm import Session

from hcrm_central.connectors.ledger.book import Book, Values, jsonable
from hcrm_central.connectors.ledger.matching import Doubt, Known, match
from hcrm_central.connectors.ledger.records import PersonDraft
from hcrm_central.store.tables import SourceRecord
from hcrm_core.errors import Problem, Severity
from hcrm_core.people import PersonName, Phone, parse_name, pinyin_of
from hcrm_core.terms import Source
from hcrm_store.people import Customer, CustomerIdentifier, Guardian

NATIONAL_ID = "national_id"
_LINK = "person"  # kind of the source records that remember who a written identity was
_FILLED = ("sex", "birth_date", "filed_on", "assistant_id", "optometrist_id", "school", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who a row is about."""

    customer_id: UUID
    is_new: bool
    doubts: tuple[Doubt, ...] = ()


def identity_key(person: PersonDraft, *, sheet: str, number: int) -> str:
    """A digest of the identity as written, by which the same row finds its person again.

    Args:
        sheet: the sheet's key: what is written alike in two sheets need not be one person.
        number: 1, 2, 3 … among identities that are nothing but the same name; 0 for all others.
    """
    phone = person.phone.digits if person.phone else ""
    parts = (
        sheet,
        person.name.name,
        person.name.mark,
        person.birth_date or "",
        phone,
        person.national_id or "",
        number,
    )
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def is_only_a_name(person: PersonDraft) -> bool:
    """Whether a row tells nobody from a namesake."""
    return person.birth_date is None and person.phone is None and person.national_id is None


class People:
    """The customers that one chunk of rows may be about. Load, find each, then flush the book and load the next."""

    def __init__(self, session: Session, *, book: Book, site_id: UUID) -> None:
        self._session, self._book, self._site_id = session, book, site_id
        self._links: dict[str, UUID] = {}
        self._known: dict[UUID, Known] = {}
        self._namesakes: dict[str, list[Known]] = {}
        self._numbered: dict[str, list[Known]] = {}
        self._rows: dict[UUID, Values] = {}
        self._fresh: set[UUID] = set()
        self._guardians: dict[UUID, list[Values]] = {}  # by family
        self._phones: dict[str, Values] = {}  # guardians by phone

    def load(self, persons: Sequence[tuple[str, PersonDraft]]) -> None:
        """Read everybody whom these persons may be."""
        self._fresh = set()
        self._links = self._linked([key for key, _ in persons])
        numbers = [person.national_id for _, person in persons if person.national_id]
        by_number = select(CustomerIdentifier.customer_id).where(
            CustomerIdentifier.kind == NATIONAL_ID, CustomerIdentifier.value.in_(numbers)
        )
        names = {written for _, person in persons for written in _spellings(person.name.name)}
        customer = Customer.__table__.c
        wanted = or_(customer.name.in_(names), customer.id.in_(set(self._links.values())), customer.id.in_(by_number))
        self._rows = {row["id"]: row for row in self._mappings(select(Customer.__table__).where(wanted))}
        self._load_guardians({person.phone.digits for _, person in persons if person.phone})
        identities = select(CustomerIdentifier).where(
            CustomerIdentifier.kind == NATIONAL_ID, CustomerIdentifier.customer_id.in_(self._rows)
        )
        self._known, self._namesakes, self._numbered = {}, {}, {}
        for row in self._rows.values():
            self._know(self._as_known(row))
        for identity in self._session.scalars(identities):
            self._note_number(self._known[identity.customer_id], identity.value)

    def find(self, person: PersonDraft, *, key: str) -> Found:
        """The customer a person is; made if nobody is certainly the same."""
        linked = self._links.get(key)
        if linked in self._rows:
            return Found(customer_id=linked, is_new=linked in self._fresh)
        found = match(person, among=self._candidates(person), site_id=self._site_id)
        customer_id = found.certain.id if found.certain else self._make(person)
        self._links[key] = customer_id
        link = {"kind": _LINK, "source_key": key, "customer_id": customer_id, "row_id": customer_id}
        link |= {"source": Source.LEDGER, "batch_id": self._book.batch_id, "digest": "", "payload": {}}
        self._book.create("source_record", link)
        return Found(customer_id=customer_id, is_new=customer_id in self._fresh, doubts=found.doubts)

    @property
    def linked_customers(self) -> set[UUID]:
        """The customers whom earlier imports found for the loaded persons."""
        return set(self._links.values())

    def site_of(self, customer_id: UUID) -> UUID:
        site_id: UUID = self._rows[customer_id]["site_id"]
        return site_id

    def apply(self, person: PersonDraft, *, customer_id: UUID, former: Values) -> list[Problem]:
        """Bring a customer up to what a row says. What somebody else entered since is kept, and remarked on.

        Args:
            former: the same columns as this row gave them in an earlier import.
        """
        problems = self._fill(self.columns_of(person), customer_id=customer_id, former=former)
        self._add_number(person, customer_id=customer_id)
        return problems + self._join_family(person, customer_id=customer_id)

    @staticmethod
    def columns_of(person: PersonDraft) -> Values:
        """The columns of `customer` that a row gives, besides the name."""
        given = {"sex": person.sex, "birth_date": person.birth_date, **person.columns}
        return {name: given.get(name) for name in _FILLED}

    # ── customers ────────────────────────────────────────────────────────────────────────────────────────

    def _make(self, person: PersonDraft) -> UUID:
        mark = person.name.mark
        pinyin, initials = pinyin_of(person.name.name)
        row = self._book.create(
            "customer",
            {
                "site_id": self._site_id,
                "family_id": None,
                "name": f"{person.name.name}（{mark}）" if mark else person.name.name,
                "name_pinyin": pinyin,
                "name_initials": initials,
                "do_not_contact": False,
                "school": "",
                "note": "",
                **{name: None for name in _FILLED if name not in {"school", "note"}},
            },
        )
        customer_id: UUID = row["id"]
        self._fresh.add(customer_id)
        self._rows[customer_id] = row
        self._know(Known(id=customer_id, site_id=self._site_id, name=person.name, birth_date=None, sex=None))
        return customer_id

    def _fill(self, columns: Values, *, customer_id: UUID, former: Values) -> list[Problem]:
        row, changes, problems = self._rows[customer_id], {}, []
        for name, value in columns.items():
            present = row[name]
            if not value or present == value:
                continue
            if not present or (former.get(name) is not None and former[name] == jsonable(present)):
                changes[name] = value
            else:
                problems.append(_kept(name))
        self._change("customer", changes, row=row, customer_id=customer_id)
        known = self._known[customer_id]
        known.birth_date, known.sex = row["birth_date"], row["sex"]
        return problems

    def _add_number(self, person: PersonDraft, *, customer_id: UUID) -> None:
        number, known = person.national_id, self._known[customer_id]
        if number and number not in known.national_ids:
            self._note_number(known, number)
            self._book.create("customer_identifier", {"customer_id": customer_id, "kind": NATIONAL_ID, "value": number})

    # ── families ─────────────────────────────────────────────────────────────────────────────────────────

    def _join_family(self, person: PersonDraft, *, customer_id: UUID) -> list[Problem]:
        """A phone leads to its guardian's family; a guardian without phone makes a family of his own."""
        row, problems = self._rows[customer_id], []
        guardian = self._guardian_of(person.phone)
        if guardian is None and (person.phone or (person.guardian_name and row["family_id"] is None)):
            guardian = self._add_guardian(person, family_id=row["family_id"])
        elif guardian is not None:
            problems = self._complete(guardian, person)
        if guardian is None:
            return problems
        if row["family_id"] is None:
            self._change("customer", {"family_id": guardian["family_id"]}, row=row, customer_id=customer_id)
        elif row["family_id"] != guardian["family_id"]:
            problems.append(_kept("phone", code="phone_of_other_family"))
        if person.phone:
            self._known[customer_id].phones.add(person.phone.digits)
        return problems

    def _add_guardian(self, person: PersonDraft, *, family_id: UUID | None) -> Values:
        phone = {"phone": person.phone.digits, "phone_tail": person.phone.tail} if person.phone else {}
        waiting = self._without_phone(family_id, name=person.guardian_name)
        if waiting is not None and phone:
            self._change("guardian", phone, row=waiting, customer_id=None)
            self._keep(waiting)
            return waiting
        if family_id is None:
            family_id = self._book.create("family", {"site_id": self._site_id})["id"]
            self._fresh.add(family_id)
        row = self._book.create(
            "guardian",
            {
                "site_id": self._site_id,
                "family_id": family_id,
                "name": person.guardian_name,
                "relation": person.relation,
                "phone": None,
                "phone_tail": None,
                **phone,
            },
        )
        self._fresh.add(row["id"])
        self._guardians.setdefault(family_id, []).append(row)
        self._keep(row)
        return row

    def _complete(self, guardian: Values, person: PersonDraft) -> list[Problem]:
        """Fill in a guardian's name and relation; another name for the same phone is only remarked on."""
        said = {"name": person.guardian_name, "relation": person.relation}
        changes = {name: value for name, value in said.items() if value and not guardian[name]}
        self._change("guardian", changes, row=guardian, customer_id=None)
        if person.guardian_name and guardian["name"] != person.guardian_name:
            return [_kept("guardian_name", code="guardian_differs")]
        return []

    def _guardian_of(self, phone: Phone | None) -> Values | None:
        return self._phones.get(phone.digits) if phone else None

    def _without_phone(self, family_id: UUID | None, *, name: str) -> Values | None:
        family = self._guardians.get(family_id, []) if family_id else []
        return next((one for one in family if one["phone"] is None and name in {"", one["name"]}), None)

    # ── reading and writing ──────────────────────────────────────────────────────────────────────────────

    def _change(self, table: str, changes: Values, *, row: Values, customer_id: UUID | None) -> None:
        if row["id"] in self._fresh:
            row |= changes
        elif changes:
            self._book.change(table, changes, row=row, customer_id=customer_id)

    def _linked(self, keys: Iterable[str]) -> dict[str, UUID]:
        record = SourceRecord
        wanted = record.source == Source.LEDGER, record.kind == _LINK, record.source_key.in_(set(keys))
        found = self._session.execute(select(record.source_key, record.customer_id).where(*wanted))
        return {key: customer_id for key, customer_id in found if customer_id is not None}

    def _load_guardians(self, phones: set[str]) -> None:
        families = {row["family_id"] for row in self._rows.values() if row["family_id"]}
        guardian = Guardian.__table__.c
        here = guardian.phone.in_(phones) & (guardian.site_id == self._site_id)
        wanted = select(Guardian.__table__).where(or_(guardian.family_id.in_(families), here))
        self._guardians, self._phones = {}, {}
        for row in self._mappings(wanted.order_by(guardian.created_at, guardian.id)):
            self._guardians.setdefault(row["family_id"], []).append(row)
            self._keep(row)

    def _keep(self, guardian: Values) -> None:
        if guardian["phone"] and guardian["site_id"] == self._site_id:
            self._phones.setdefault(guardian["phone"], guardian)

    def _mappings(self, statement: Select[Any]) -> list[Values]:
        rows: Sequence[RowMapping] = self._session.execute(statement).mappings().all()
        return [dict(row) for row in rows]

    def _as_known(self, row: Values) -> Known:
        family = self._guardians.get(row["family_id"], [])
        return Known(
            id=row["id"],
            site_id=row["site_id"],
            name=parse_name(row["name"]).value or PersonName(name=row["name"]),
            birth_date=row["birth_date"],
            sex=row["sex"],
            phones={one["phone"] for one in family if one["phone"]},
        )

    def _candidates(self, person: PersonDraft) -> list[Known]:
        named = self._namesakes.get(person.name.name, [])
        numbered = self._numbered.get(person.national_id or "", [])
        return named + [one for one in numbered if one not in named]

    def _know(self, known: Known) -> None:
        self._known[known.id] = known
        self._namesakes.setdefault(known.name.name, []).append(known)

    def _note_number(self, known: Known, number: str) -> None:
        known.national_ids.add(number)
        self._numbered.setdefault(number, []).append(known)


def _spellings(name: str) -> tuple[str, str, str]:
    return name, f"{name}（小）", f"{name}（大）"


def _kept(field: str, *, code: str = "present_value_kept") -> Problem:
    return Problem(code=code, field=field, severity=Severity.HINT)
