"""Tables of the two local files.

`cache.db` holds a relaxed copy of every kind that travels: only the id is required, because a reader is sent
the columns of his profile and rows arrive in any order. Each row also carries where it came from (`stream`),
what this release does not understand (`extra`), and the work laid over it (`base`, `delivery`: see overlay.py).
`outbox.db` holds what was entered here and what it takes to send it.
"""

import hashlib
from enum import Enum
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid, false
from sqlalchemy import Enum as EnumType
from sqlalchemy.types import TypeEngine

from hcrm_store.base import UtcInstant
from hcrm_store.kinds import KINDS, table_of

CACHE, OUTBOX = MetaData(), MetaData()
_JSON = JSON(none_as_null=True)


def _type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, EnumType) and kind.enum_class is not None:
        return EnumType(kind.enum_class, native_enum=False, create_constraint=False, values_callable=_values)
    return kind


def _values(members: type[Enum]) -> list[str]:
    return [str(member.value) for member in members]


def _relaxed(kind: str) -> Table:
    """The cache's copy of a kind: no constraint, no key but the id."""
    shared = [
        Column(column.name, _type(column.type), primary_key=column.name == "id") for column in table_of(kind).columns
    ]
    return Table(
        kind,
        CACHE,
        *shared,
        Column("stream", Text),
        Column("extra", _JSON),
        Column("base", _JSON),
        Column("delivery", Text),
    )


KIND_TABLES: dict[str, Table] = {kind: _relaxed(kind) for kind in KINDS}
SITE, STAFF, SEGMENT, SOP = (KIND_TABLES[kind] for kind in ("site", "staff", "segment", "sop"))
TASK, FOLLOW_UP, MEMBERSHIP = (KIND_TABLES[kind] for kind in ("task", "follow_up", "membership"))
GUARDIAN, CUSTOMER = KIND_TABLES["guardian"], KIND_TABLES["customer"]
EXAM, MEASUREMENT = KIND_TABLES["exam"], KIND_TABLES["eye_measurement"]
FIELD_CHANGE = KIND_TABLES["field_change"]
ORDER, VISIT, PLAN, LEAD = (KIND_TABLES[kind] for kind in ("lens_order", "visit", "recheck_plan", "lead"))
MEDICATION = KIND_TABLES["medication"]

CURSOR = Table("cursor", CACHE, Column("stream", Text, primary_key=True), Column("body", _JSON, nullable=False))
SNAPSHOT_PART = Table(
    "snapshot_part",  # of a snapshot file that is being read: as it came, compressed
    CACHE,
    Column("stream", Text, primary_key=True),
    Column("offset", Integer, primary_key=True),
    Column("etag", Text, nullable=False),  # the file it is a part of
    Column("total", Integer),  # bytes of the whole file, if the centre said so
    Column("bytes", LargeBinary, nullable=False),
)
META = Table("meta", CACHE, Column("key", Text, primary_key=True), Column("body", _JSON, nullable=False))

# What screens look up. Rows of one customer, the list of today, and the search by name, initials and phone.
_LOOKUPS: dict[str, list[tuple[str, ...]]] = {
    "task": [("state", "priority", "due_on"), ("customer_id",)],
    "follow_up": [("customer_id", "contacted_at"), ("task_id",), ("contacted_at",)],
    "membership": [("customer_id",), ("segment_key", "left_on")],
    "customer": [("id", "family_id", "name_pinyin"), ("family_id",), ("name",), ("name_pinyin",), ("name_initials",)],
    "guardian": [("family_id",), ("phone_tail",), ("phone",)],
    "field_change": [("customer_id", "at"), ("subject_id",)],
    "exam": [("customer_id", "examined_on")],
    "eye_measurement": [("exam_id",), ("customer_id",)],
    "lens_order": [("customer_id", "dispensed_on")],
    "visit": [("customer_id", "visit_on")],
    "recheck_plan": [("customer_id", "due_on")],
    "lead": [("customer_id",)],
    "medication": [("customer_id",)],
}
for _kind, _column_sets in _LOOKUPS.items():
    for _columns in _column_sets:
        Index(f"ix_{_kind}_{'_'.join(_columns)}", *(KIND_TABLES[_kind].c[name] for name in _columns))

for _kind in (
    "task",
    "follow_up",
    "exam",
    "eye_measurement",
    "customer",
    "guardian",
):  # few rows are laid over: found without a scan
    _delivery = KIND_TABLES[_kind].c.delivery
    Index(f"ix_{_kind}_delivery", _delivery, sqlite_where=_delivery.is_not(None))

# The outbox is also attached to readers of the cache under this name.
OUTBOX_SCHEMA = "outbox"
OPERATION = Table(
    "operation",
    OUTBOX,
    Column("position", Integer, primary_key=True, autoincrement=True),  # the order of entry
    Column("op_id", Uuid, nullable=False, unique=True),
    Column("account_id", Uuid, nullable=False),  # who entered it
    Column("kind", Text, nullable=False),
    Column("row_id", Uuid, nullable=False),
    Column("customer_id", Uuid),
    Column("base_ver", Integer),
    Column("body", _JSON, nullable=False),
    Column("captured_at", UtcInstant, nullable=False),
    Column("state", Text, nullable=False),  # outbox.OpState
    Column("n", Integer),  # given when first offered
    Column("offered_at", UtcInstant),
    Column("answered_at", UtcInstant),
    Column("result", _JSON),  # wire.OperationResult
    Column(
        "settled", Boolean, nullable=False, server_default=false()
    ),  # its effect was pulled, or a person dismissed it
    Column("digest", Text, nullable=False, server_default=""),  # of what was entered: outbox.entry_digest
    Index("ix_operation_state", "state"),
    schema=OUTBOX_SCHEMA,
)
DEVICE = Table(
    "device",
    OUTBOX,
    Column("one", Integer, primary_key=True, server_default="1"),
    Column("id", Uuid, nullable=False),
    Column("secret", Text, nullable=False),
    schema=OUTBOX_SCHEMA,
)
KEPT = Table(
    "kept",  # session, epoch: what must outlive the cache
    OUTBOX,
    Column("key", Text, primary_key=True),
    Column("body", _JSON, nullable=False),
    schema=OUTBOX_SCHEMA,
)
DRAFT = Table(
    "draft",
    OUTBOX,
    Column("key", Text, primary_key=True),
    Column("body", _JSON, nullable=False),
    Column("saved_at", UtcInstant, nullable=False),
    schema=OUTBOX_SCHEMA,
)


def cache_version() -> int:
    """A number of 31 bits for the shape of the cache; another shape means the file is built anew."""
    shape = "|".join(f"{table.name}:{[(c.name, str(c.type)) for c in table.columns]}" for table in CACHE.sorted_tables)
    lookups = sorted(str(index.name) for table in CACHE.sorted_tables for index in table.indexes)
    return int.from_bytes(hashlib.sha256(f"{shape}{lookups}".encode()).digest()[:4]) >> 1
