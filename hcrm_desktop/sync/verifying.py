"""Verify: is what is held here what the centre would send? Compared by a digest of each stream, at equal numbers.

One difference may be a coincidence of two moments: the stream is read on and compared again. At the second it is
taken out and read anew, and the centre is told: each one is a bug of somebody's.
"""

import logging
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum, auto

from hcrm_core.wire import Cursor, DigestRequest, HelloResponse, IncidentCode, Json, StreamDigest
from hcrm_desktop.cache import incidents, meta, streams
from hcrm_desktop.sync.client import NotOffered
from hcrm_desktop.sync.line import EpochChanged, Line
from hcrm_desktop.sync.reading import Reading
from hcrm_desktop.sync.states import SyncState

VERIFY_EVERY = timedelta(hours=6)
ANEW_EVERY = timedelta(hours=20)  # a stream that stays different is not read anew for ever
ROUNDS = 4
_log = logging.getLogger(__name__)


class _Proof(Enum):
    SAME = auto()
    DIFFERENT = auto()
    UNEQUAL = auto()  # the two were not read up to the same number: nothing is proven


class Verifying:
    """One comparison, begun by a hello, of streams that were read."""

    def __init__(self, line: Line, hello: HelloResponse) -> None:
        self._line, self._hello = line, hello

    def run(self) -> list[str]:
        """Compare, and read anew what differs. Returns the streams that differed."""
        try:
            different = self._different()
        except NotOffered:
            different = []  # an older centre: nothing to compare with
        if self._line.stopped():
            return []
        anew = self._note(different)
        if anew:
            self._read_anew(anew)
        return different

    def _different(self) -> list[str]:
        """Streams that differed twice."""
        doubtful: Collection[str] = {key for key, cursor in self._cursors().items() if cursor.fresh_to is None}
        differences = Counter[str]()
        for _ in range(ROUNDS):
            proofs = self._compare(doubtful)
            differences.update(key for key, proof in proofs.items() if proof is _Proof.DIFFERENT)
            doubtful = {key for key, proof in proofs.items() if proof is not _Proof.SAME and differences[key] < 2}
            if not doubtful or self._line.stopped():
                break
            Reading(self._line, self._hello).run()
        return sorted(key for key, times in differences.items() if times > 1)

    def _compare(self, keys: Collection[str]) -> dict[str, _Proof]:
        self._line.course.enter(SyncState.VERIFY)
        request = DigestRequest(epoch=self._hello.epoch, streams=sorted(keys))
        answer = self._line.ask(lambda headers: self._line.client.digests(request, headers=headers))
        if answer.epoch != self._hello.epoch:
            raise EpochChanged("the centre was restored during the conversation")
        seqs = {key: cursor.seq for key, cursor in self._cursors().items() if cursor.fresh_to is None}
        equal = {theirs.stream for theirs in answer.streams if seqs.get(theirs.stream) == theirs.seq}
        self._line.course.move()
        mine = streams.digests(self._line.workspace.read, {key: seqs[key] for key in equal})
        return {theirs.stream: _proof(theirs, mine.get(theirs.stream)) for theirs in answer.streams}

    def _note(self, different: Collection[str]) -> list[str]:
        """Remember when it was compared; returns which streams are to be read anew."""
        now, workspace = self._line.workspace.clock.now(), self._line.workspace
        with self._line.still(self._hello.person) as session:
            former: Json = (meta.read(session, meta.VERIFIED) or {}).get("anew", {})
            recent = {key: at for key, at in former.items() if _is_recent(at, now=now, within=ANEW_EVERY)}
            anew = [key for key in different if key not in recent]
            recent |= dict.fromkeys(anew, now.isoformat())
            meta.write(session, meta.VERIFIED, {"at": now.isoformat(), "anew": recent})
        for key in different:
            _log.error("sync: the copy of a stream was not the centre's")
            incidents.note(workspace.outbox, IncidentCode.DIGEST_DIFFERS, clock=workspace.clock, stream=key)
        return anew

    def _read_anew(self, keys: list[str]) -> None:
        with self._line.still(self._hello.person) as session:
            lost = streams.purge(session, keys)
        self._line.tell(*lost)
        Reading(self._line, self._hello).run()

    def _cursors(self) -> dict[str, Cursor]:
        with self._line.workspace.read() as session:
            return streams.cursors(session)


def _proof(theirs: StreamDigest, mine: StreamDigest | None) -> _Proof:
    if mine is None:
        return _Proof.UNEQUAL
    return _Proof.SAME if mine == theirs else _Proof.DIFFERENT


def is_due(line: Line, *, every: timedelta = VERIFY_EVERY) -> bool:
    """Whether this cache was not compared lately: a new or rebuilt one never was."""
    with line.workspace.read() as session:
        verified = meta.read(session, meta.VERIFIED)
    return verified is None or not _is_recent(verified["at"], now=line.workspace.clock.now(), within=every)


def _is_recent(at: str, *, now: datetime, within: timedelta) -> bool:
    """A clock that was set back makes nothing recent."""
    return timedelta() <= now - datetime.fromisoformat(at) < within
