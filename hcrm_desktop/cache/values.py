"""Row bodies as they travel, and as the cache holds them."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Date, Integer, Table, Text, Uuid
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.types import TypeEngine

from hcrm_core.wire import Json
from hcrm_desktop.cache.tables import KIND_TABLES
from hcrm_store.base import Exact, UtcInstant

_BOOKKEEPING = frozenset({"stream", "extra", "base", "delivery"})
_NOT_UNDERSTOOD = (KeyError, ValueError, TypeError, AttributeError, InvalidOperation)
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIALECT = pysqlite.dialect()
Stored = tuple[Any, ...]


def from_wire(kind: str, body: Json) -> Json:
    """Column values of a row. What this release does not understand goes into `extra`, and stays unknown."""
    values: Json = dict.fromkeys(_readers(kind))
    extra: Json = {}
    for name, value in body.items():
        if value is None:
            continue
        try:
            values[name] = _readers(kind)[name](value)
        except _NOT_UNDERSTOOD:
            extra[name] = value
    return {**values, "extra": extra or None}


def to_wire(kind: str, values: Json) -> Json:
    """The body again, for keeping aside what the centre said."""
    known = {name: _plain(values[name]) for name in _readers(kind) if values[name] is not None}
    return known | (values["extra"] or {})


class Storing:
    """How rows of one kind, travelling with certain columns, are put into the cache as SQLite keeps them.

    The same as `from_wire` and SQLAlchemy's own conversion, without an object for every value: a first read is half
    a million rows.

    Attributes:
        statement: puts a row in, or replaces it whole, given what `stored` returns.
        unless_older: the same, but a row that is held in a later version stays.
    """

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        """Use `storing`."""
        table, places = KIND_TABLES[kind], {name: names.index(name) for name in names}
        known = [name for name in _readers(kind) if name in places]
        self._columns = [(places[name], _storer(table.c[name].type)) for name in known]
        self._names = {place: name for name, place in places.items()}
        self._unknown = [place for name, place in places.items() if name not in known]
        self.statement = _upsert(table, [*known, "stream", "extra"])
        self.unless_older = f"{self.statement} WHERE excluded.ver >= {table.name}.ver"

    def stored(self, values: Sequence[Any], *, stream: str) -> Stored:
        """Values for `statement`, from those that travelled, in the order of the names."""
        try:
            known = [None if (value := values[place]) is None else store(value) for place, store in self._columns]
        except _NOT_UNDERSTOOD:
            return self._partly_stored(values, stream=stream)
        return (*known, stream, self._extra(values, self._unknown) if self._unknown else None)

    def _partly_stored(self, values: Sequence[Any], *, stream: str) -> Stored:
        known: list[Any] = []
        extra = list(self._unknown)
        for place, store in self._columns:
            try:
                known.append(None if values[place] is None else store(values[place]))
            except _NOT_UNDERSTOOD:
                known.append(None)
                extra.append(place)
        return (*known, stream, self._extra(values, extra))

    def _extra(self, values: Sequence[Any], places: list[int]) -> str | None:
        unknown = {self._names[place]: values[place] for place in sorted(places) if values[place] is not None}
        text: str | None = _storer(JSON())(unknown) if unknown else None
        return text


@lru_cache(maxsize=256)
def storing(kind: str, names: tuple[str, ...]) -> Storing:
    """How rows of a kind are stored that travel with these columns; a name that is there twice counts first."""
    return Storing(kind, names)


def _upsert(table: Table, names: Sequence[str]) -> str:
    slots = ", ".join("?" * len(names))
    replaced = ", ".join(
        f'"{column.name}" = excluded."{column.name}"' for column in table.columns if column.name != "id"
    )
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table.name}" ({columns}) VALUES ({slots}) ON CONFLICT (id) DO UPDATE SET {replaced}'


@cache
def _readers(kind: str) -> dict[str, Callable[[Any], Any]]:
    table: Table = KIND_TABLES[kind]
    return {column.name: _reader(column.type) for column in table.columns if column.name not in _BOOKKEEPING}


def _reader(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    readers: list[tuple[type[TypeEngine[Any]], Callable[[Any], Any]]] = [
        (Uuid, UUID),
        (UtcInstant, _instant),
        (Boolean, _boolean),
        (Exact, Decimal),
        (Date, date.fromisoformat),
        (Text, _text),
        (Integer, _integer),
    ]
    if isinstance(kind, EnumType):
        return kind.enum_class or str
    return next((reader for wanted, reader in readers if isinstance(kind, wanted)), _as_is)


def stored_id(value: Any) -> str:
    """An id as the cache keeps it. Raises ValueError, AttributeError or TypeError if it is none."""
    # An object for each of a row's ids would take as long as all the rest.
    if isinstance(value, str) and _ID.fullmatch(value):
        return value.replace("-", "")
    return UUID(value).hex


def _storer(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """From what travels to what SQLAlchemy would store."""
    if isinstance(kind, Uuid):
        return stored_id
    read, bind = _reader(kind), kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    if bind is None:
        return read
    if read is _as_is:
        return bind
    # Days, diopters and instants come again and again; typed, because True is not 1.
    return lru_cache(maxsize=4096, typed=True)(lambda value: bind(read(value)))


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant of no time zone")
    return instant


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _integer(value: Any) -> int:
    if not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise TypeError("no integer that SQLite holds")
    return value


def _as_is(value: Any) -> Any:
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):  # datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
