"""Digests: what a reader may see of a stream, in one number that his workstation can compute too."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import grants
from hcrm_central.api.sessions import SignedIn
from hcrm_central.api.streams import kinds_sent, parts_of, standing
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.membership import place
from hcrm_core.digest import MODULUS
from hcrm_core.wire import DigestRequest, DigestResponse, StreamDigest
from hcrm_store.kinds import Area, stream_key, table_of


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows of a stream, and the sum of their digests (not yet reduced)."""

    rows: int = 0
    digest: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.rows + other.rows, self.digest + other.digest)

    @property
    def reduced(self) -> int:
        return self.digest % MODULUS


def digests(here: Centre, who: SignedIn, request: DigestRequest) -> DigestResponse:
    """The digests of the streams asked for, from one snapshot. A stream that is not granted is not answered."""
    wanted = set(request.streams)
    asked = [grant.key for grant in grants(who.principal) if grant.key in wanted]
    with snapshot(here.store.service, who.principal) as session:
        now = standing(session, asked)
        if request.epoch != now.epoch:
            return DigestResponse(epoch=now.epoch, streams=[])
        sums = sums_of(session, asked, principal=who.principal)
    return DigestResponse(
        epoch=now.epoch,
        streams=[
            StreamDigest(stream=key, seq=now.head(key).seq, rows=sums[key].rows, digest=sums[key].reduced)
            for key in asked
        ],
    )


def sums_of(session: Session, streams: Collection[str], *, principal: Principal) -> dict[str, Sum]:
    """What the declared reader sees of each stream, one statement a kind."""
    sums: dict[str, Sum] = defaultdict(Sum)
    asked: dict[Area, list[UUID]] = defaultdict(list)
    for area, site_id in map(parts_of, streams):
        asked[area] += [site_id] if site_id else []
    kinds = [(area, kind) for area in asked for kind in kinds_sent(area, principal.role)]
    for area, kind in kinds:
        for site_id, found in _sums_by_site(session, kind, at=asked[area], sites=principal.site_ids):
            sums[stream_key(area, site_id)] += found
    return sums


def _sums_by_site(
    session: Session, kind: str, *, at: Collection[UUID], sites: Collection[UUID]
) -> Iterator[tuple[UUID | None, Sum]]:
    columns, where = table_of(kind).c, place(kind, sites=sites)
    digest = func.sum(func.hcrm.row_digest(kind, columns.id, columns.ver))
    statement = select(where.site_id.label("found_at"), func.count(), digest).select_from(where.source)
    for site_id, rows, total in session.execute(statement.where(where.at(at)).group_by("found_at")):
        yield site_id, Sum(rows, int(total))
