"""Where streams stand, and what of an area a role is sent."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Text, any_, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hcrm_central.store.tables import Incarnation, Stream
from hcrm_core.terms import Role
from hcrm_store.kinds import KINDS, REF_STREAM, Area, columns_for


@dataclass(frozen=True, slots=True)
class Head:
    """The last number of a stream, and up to where entries of rows that are gone were forgotten."""

    seq: int = 0
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where streams stand in one snapshot of one incarnation. A stream without a number is not in `heads`."""

    epoch: UUID
    heads: dict[str, Head]

    def head(self, stream: str) -> Head:
        return self.heads.get(stream, Head())


def standing(session: Session, streams: Collection[str] | None = None) -> Standing:
    """Epoch and heads in one statement; of all streams if none are named."""
    wanted = true() if streams is None else Stream.key == any_(literal(list(streams), ARRAY(Text())))
    columns = (Incarnation.epoch, Stream.key, Stream.seq, Stream.tomb_floor)
    found = session.execute(select(*columns).select_from(Incarnation).outerjoin(Stream, wanted)).all()
    heads = {key: Head(seq, floor) for _, key, seq, floor in found if key is not None}
    return Standing(epoch=found[0].epoch, heads=heads)


def parts_of(stream: str) -> tuple[Area, UUID | None]:
    """The area of a stream and its site; reference data has none."""
    site_id, _, area = stream.partition(":")
    return (Area.REF, None) if stream == REF_STREAM else (Area(area), UUID(site_id))


def kinds_sent(area: Area, role: Role) -> list[str]:
    """The kinds of an area of which a role's profile holds at least a column."""
    return [kind for kind, (where, _) in KINDS.items() if where is area and columns_for(kind, role)]
