"""Declarative base, column types and the access class of every column.

One declaration serves both stores: PostgreSQL in the centre and SQLite in the workstation's cache (which
relaxes constraints, because a reader holds only the columns of his profile; see hcrm_desktop/cache).
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    JSON,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    MetaData,
    Numeric,
    String,
    Text,
    TypeDecorator,
    Uuid,
    func,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from hcrm_core.access import Access

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_id() -> UUID:
    """A UUIDv7: unique anywhere, close to its neighbours in an index. Never used for order."""
    return uuid_utils.compat.uuid7()


class UtcInstant(TypeDecorator[datetime]):
    """`timestamptz` in PostgreSQL, ISO text in UTC in SQLite; always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone: give an aware datetime")
        utc = value.astimezone(UTC)
        return utc.isoformat() if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """`numeric(p, s)` in PostgreSQL, decimal text in SQLite: never a float."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        wanted: TypeEngine[Any] = String(24) if dialect.name == "sqlite" else Numeric(self.precision, self.scale)
        return dialect.type_descriptor(wanted)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return None if value is None else (str(value) if dialect.name == "sqlite" else value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def _values(members: type[Enum]) -> list[str]:
    return [str(member.value) for member in members]


# Text with a CHECK instead of a native enum: a new member is an ordinary migration, and SQLite agrees.
Word = EnumType(StrEnum, native_enum=False, create_constraint=True, length=32, values_callable=_values)

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """Root of all mapped classes."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        UUID: Uuid(),
        datetime: UtcInstant(),
        date: Date(),
        str: Text(),
        StrEnum: Word,
        dict[str, Any]: Json,
        list[Any]: Json,
    }


def column(access: Access, *args: Any, **options: Any) -> MappedColumn[Any]:
    """A mapped column that carries its access class (see hcrm_core.access)."""
    return mapped_column(*args, info={"access": access}, **options)


def general(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.GENERAL, *args, **options)


def identity(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.IDENTITY, *args, **options)


def summary(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.SUMMARY, *args, **options)


def clinical(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.CLINICAL, *args, **options)


def marketing(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.MARKETING, *args, **options)


def financial(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.FINANCIAL, *args, **options)


def secret(*args: Any, **options: Any) -> MappedColumn[Any]:
    return column(Access.SECRET, *args, **options)


class Versioned:
    """Every synced row: its site (which names its stream), its version (counted by the centre) and its age."""

    site_id: Mapped[UUID] = general(ForeignKey("site.id"), index=True)
    ver: Mapped[int] = general(default=1, server_default="1")
    created_at: Mapped[datetime] = general(server_default=func.now())
    updated_at: Mapped[datetime] = general(server_default=func.now())
