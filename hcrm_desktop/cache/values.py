"""Row bodies as they travel, and as the cache holds them."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Table, Uuid
from sqlalchemy import Enum as EnumType
from sqlalchemy.types import TypeEngine

from hcrm_core.wire import Json
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_store.base import Exact, UtcInstant

_BOOKKEEPING = frozenset({"stream", "extra", "base", "delivery"})


def from_wire(kind: str, body: Json) -> Json:
    """Column values of a row. What this release does not understand goes into `extra`, and stays unknown."""
    values: Json = dict.fromkeys(_readers(kind))
    extra: Json = {}
    for name, value in body.items():
        try:
            values[name] = None if value is None else _readers(kind)[name](value)
        except (KeyError, ValueError, TypeError, InvalidOperation):
            extra[name] = value
    return {**values, "extra": extra or None}


def to_wire(kind: str, values: Json) -> Json:
    """The body again, for keeping aside what the centre said."""
    known = {name: _plain(values[name]) for name in _readers(kind) if values[name] is not None}
    return known | (values["extra"] or {})


@cache
def _readers(kind: str) -> dict[str, Callable[[Any], Any]]:
    table: Table = KIND_TABLES[kind]
    return {column.name: _reader(column.type) for column in table.columns if column.name not in _BOOKKEEPING}


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    readers: list[tuple[type[TypeEngine[Any]], Callable[[Any], Any]]] = [
        (Uuid, UUID),
        (UtcInstant, datetime.fromisoformat),
        (Exact, Decimal),
        (Date, date.fromisoformat),
    ]
    if isinstance(kind, EnumType):
        return kind.enum_class or str
    return next((reader for wanted, reader in readers if isinstance(kind, wanted)), _as_is)


def _as_is(value: Any) -> Any:
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
