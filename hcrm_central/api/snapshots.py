"""Serve snapshot files: made once for all who may see the same, however many ask, and again when too much has changed.

A file may be shared if stream, columns and visible rows are the same: managers see all rows, everybody else his own. It
is good only for the rights with which it was made: whoever lost a customer since must not be sent him from a file.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import grants
from hcrm_central.api.refusals import RETRY_SECONDS, Refused
from hcrm_central.api.sessions import SignedIn
from hcrm_central.api.snapshot_files import SnapshotFile, files_in, tidy, write_file
from hcrm_central.api.streams import Standing, parts_of, standing
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.migrate import head as schema_head
from hcrm_central.store.tables import StreamEntry
from hcrm_core.terms import Role
from hcrm_core.wire import RefusalCode, SnapshotHead
from hcrm_store.kinds import Area
from hcrm_store.people import Customer

MEDIA_TYPE = "application/x-ndjson+gzip"
STALE_SHARE = 0.2  # of a stream's entries newer than the file: beyond it a pull after the file would be long
_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A stream as one reader sees it."""

    stream: str
    profile: str
    principal: Principal

    @property
    def slot(self) -> str:
        """Names those who may share a file."""
        everybody = self.principal.role is Role.MANAGER or parts_of(self.stream)[0] is Area.REF
        return _short(self.stream, self.profile, "all" if everybody else self.principal.staff_id)

    def folder(self, here: Centre) -> Path:
        return here.settings.snapshot_dir / self.slot


async def serve(here: Centre, who: SignedIn, *, stream: str, unfinished: str) -> FileResponse:
    """The file of a stream, made if there is none that is good.

    Args:
        stream: its key.
        unfinished: the ETag of a file that the reader has a part of, or "".

    Raises:
        Refused: the stream is not granted; or rights change as fast as files are made.
    """
    profile = {grant.key: grant.profile for grant in grants(who.principal)}.get(stream)
    if profile is None:
        raise Refused(RefusalCode.NOT_PERMITTED)
    wanted = _Wanted(stream=stream, profile=profile, principal=who.principal)
    for look in range(_LOOKS):
        found = await run_in_threadpool(_good_file, here, wanted, unfinished=unfinished, just_made=look > 0)
        if found is not None:
            # An encoding is named, so that what is compressed is not compressed again.
            headers = {"ETag": found.etag, "Content-Encoding": "identity"}
            return FileResponse(found.path, headers=headers, media_type=MEDIA_TYPE)
        await here.making.once(wanted.slot, partial(_make, here, wanted))
    raise Refused(RefusalCode.UNAVAILABLE, retry_after=RETRY_SECONDS)


def _good_file(here: Centre, wanted: _Wanted, *, unfinished: str, just_made: bool) -> SnapshotFile | None:
    """The best file that may be served: the one the reader has a part of, else the newest."""
    with snapshot(here.store.service, wanted.principal) as session:
        now = standing(session, [wanted.stream])
        state, floor = _state(session, wanted, now=now), now.head(wanted.stream).floor
        found = [file for file in files_in(wanted.folder(here)) if file.state == state and file.seq >= floor]
        best = max(found, key=lambda file: (file.etag == unfinished, file.seq), default=None)
        if best is None:
            return None
        if best.etag != unfinished and not just_made and _is_stale(session, best, wanted=wanted, now=now):
            return None
    os.utime(best.path)  # used just now
    return best


def _is_stale(session: Session, file: SnapshotFile, *, wanted: _Wanted, now: Standing) -> bool:
    if file.seq == now.head(wanted.stream).seq:
        return False
    newer = func.count().filter(StreamEntry.seq > file.seq)
    counts = session.execute(select(newer, func.count()).where(StreamEntry.stream == wanted.stream)).one()
    return bool(counts[0] > STALE_SHARE * counts[1])


def _make(here: Centre, wanted: _Wanted) -> None:
    with snapshot(here.store.service, wanted.principal) as session:
        now = standing(session, [wanted.stream])
        head = SnapshotHead(
            epoch=now.epoch, stream=wanted.stream, profile=wanted.profile, seq=now.head(wanted.stream).seq
        )
        state = _state(session, wanted, now=now)
        write_file(session, wanted.folder(here), head=head, state=state, principal=wanted.principal)
    tidy(here.settings.snapshot_dir, most_bytes=here.settings.snapshot_bytes)


def _state(session: Session, wanted: _Wanted, *, now: Standing) -> str:
    """What else a file depends on: incarnation, schema, the sites that are read, and whom the reader sees."""
    return _short(now.epoch, _schema(), *wanted.principal.site_ids, _rights(session, wanted))


def _rights(session: Session, wanted: _Wanted) -> str:
    """A digest of whom the reader sees, whose phones he is given, and which families they belong to."""
    if wanted.principal.role is Role.MANAGER or parts_of(wanted.stream)[0] is Area.REF:
        return "all"
    own = Customer.optometrist_id == wanted.principal.staff_id
    how = func.concat_ws(":", cast(own, Text), cast(Customer.family_id, Text))
    seen = select(func.count(), func.sum(func.hcrm.row_digest(how, Customer.id, 0)))
    return _short(*session.execute(seen).one())


@cache
def _schema() -> str:
    return schema_head()


def _short(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:24]
