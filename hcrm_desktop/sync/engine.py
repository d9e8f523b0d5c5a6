"""One cycle of the conversation: hello, push until nothing is left, pull every stream until nothing is new.

What the centre took away goes first. A stuck push does not keep the pull from running: entries that wait are laid over
the newer rows again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hcrm_core.errors import HcrmError, NotPermitted, Rejected
from hcrm_core.terms import Role
from hcrm_core.wire import HelloRequest, HelloResponse, Json, Overview, Person
from hcrm_desktop.cache import incidents, lease, meta, orders, streams
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync import verifying
from hcrm_desktop.sync.client import Busy, CentreClient, ServerFailed
from hcrm_desktop.sync.line import Line
from hcrm_desktop.sync.pushing import Pushing
from hcrm_desktop.sync.reading import Reading
from hcrm_desktop.sync.session import APP_VERSION, CentreSession, Superseded
from hcrm_desktop.sync.states import Course, SyncState
from hcrm_desktop.sync.verifying import Verifying
from hcrm_desktop.sync.wiping import wipe

EPOCH = "epoch"  # among what the outbox keeps: it must outlive the cache
COUNT_EVERY_SECONDS = 30.0  # the overview costs the centre more than a pull
_COUNTED_BY = frozenset({Role.MANAGER, Role.EXECUTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """What one cycle did. Counts and kinds, never rows.

    Attributes:
        stuck: why the push did not finish, while the pull did; None if it did.
    """

    pushed: int
    pulled: int
    changes: Changes
    stuck: HcrmError | None = None


class SyncEngine:
    """Runs cycles for one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        client: CentreClient,
        *,
        on_changes: Callable[[Changes], None],
        stopped: Callable[[], bool] = lambda: False,
        course: Course | None = None,
        session: CentreSession | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an engine.

        Args:
            on_changes: told after every transaction that changed what screens show.
            stopped: asked between requests; a cycle then ends early.
            course: told what the cycle does; by default nobody is.
            session: shared with those who talk beside this engine; by default its own.
        """
        self._line = Line(
            workspace=workspace,
            client=client,
            session=session or CentreSession(workspace, client, stopped=stopped),
            course=course or Course(on_move=lambda: None),
            on_changes=on_changes,
            stopped=stopped,
        )
        self._workspace, self._monotonic = workspace, monotonic
        self._counted_at = float("-inf")

    def cycle(self) -> CycleReport:
        """Run one cycle.

        Raises:
            SignInRequired, Unreachable, UpgradeRequired, DeviceWiped: see hcrm_desktop.sync.client.
        """
        hello = self._greeted()
        stuck: HcrmError | None = None
        pushed = 0
        try:
            pushed = Pushing(self._line, hello).run()
        except (Busy, ServerFailed, Rejected, NotPermitted) as error:
            stuck = error
        reading = Reading(self._line, hello)
        reading.run()
        self._count(hello)
        return CycleReport(
            pushed=pushed, pulled=reading.pulled, changes=Changes(kinds=frozenset(reading.kinds)), stuck=stuck
        )

    def deliver(self) -> int:
        """Push all that waits, also what could still be undone: whoever entered it is leaving. Nothing is pulled.

        Returns:
            how many the centre answered for.

        Raises:
            HcrmError: as `cycle`, and whatever made a push stick.
        """
        return Pushing(self._line, self._greeted()).run(at_once=True)

    def verify(self) -> list[str]:
        """Compare what is held here with the centre, and read anew what differs twice.

        Returns:
            the streams that differed.

        Raises:
            HcrmError: as `cycle`.
        """
        return Verifying(self._line, self._greeted()).run()

    def is_verify_due(self, *, share: float = 1.0) -> bool:
        """Whether it is time to compare.

        Args:
            share: of the usual interval, so that not all workstations compare at the same time.
        """
        return verifying.is_due(self._line, every=verifying.VERIFY_EVERY * share)

    def wipe(self) -> None:
        """Obey the order to be emptied; the workspace is gone afterwards.

        Raises:
            HcrmError: not now; nothing was deleted.
        """
        wipe(self._line)

    # ── hello ────────────────────────────────────────────────────────────────────────────────────────────

    def _greeted(self) -> HelloResponse:
        """What hello says comes before everything else: who, which database, which streams, which number."""
        self._line.course.enter(SyncState.HELLO)
        self._line.session.require()
        hello = self._hello()
        with self._workspace.exclusive():
            self._take_person(hello.person)
            self._take_epoch(hello)
            self._workspace.outbox.rewind(hello.expected_n)
            self._take_decisions(hello)
            self._keep_grants(hello)
        return hello

    def _hello(self) -> HelloResponse:
        outbox = self._workspace.outbox
        unsent, oldest = outbox.unsent()
        with self._workspace.read() as session:
            cursors = {key: cursor.seq for key, cursor in streams.cursors(session).items()}
        noticed = incidents.waiting(outbox)
        request = HelloRequest(
            app_version=APP_VERSION,
            unsent=unsent,
            oldest_unsent_at=oldest,
            now=self._workspace.clock.now(),
            cursors=cursors,
            incidents=noticed,
        )
        hello = self._line.ask(lambda headers: self._line.client.hello(request, headers=headers))
        with self._workspace.exclusive():
            incidents.forget(outbox, noticed)
            orders.lift(outbox)
        return hello

    def _take_person(self, person: Person) -> None:
        """The same account, perhaps with another role or other sites."""
        known = self._workspace.person()
        if self._line.stopped() or known is None or known.account_id != person.account_id:
            raise Superseded("somebody else signed in meanwhile")
        if known != person:
            self._workspace.admit(person)

    def _take_epoch(self, hello: HelloResponse) -> None:
        """Another database answers (a restore): read all anew, and offer again what it may have forgotten."""
        outbox, epoch = self._workspace.outbox, {EPOCH: str(hello.epoch)}
        known = outbox.kept(EPOCH)
        restored = outbox.was_forgotten(hello.expected_n) or (known is not None and known != epoch)
        if restored:
            outbox.reoffer(hello.expected_n)
        with self._workspace.write() as session:
            held = meta.read(session, meta.EPOCH)
            if restored or (held is not None and held != str(hello.epoch)):
                streams.purge(session, list(streams.cursors(session)))
            meta.write(session, meta.EPOCH, str(hello.epoch))
        outbox.keep(EPOCH, epoch)
        if restored or known != epoch:
            self._workspace.relay()

    def _take_decisions(self, hello: HelloResponse) -> None:
        """A supervisor decided about what was held."""
        if self._workspace.outbox.decided(hello.decided):
            self._line.relay()

    def _keep_grants(self, hello: HelloResponse) -> None:
        granted = {grant.key for grant in hello.streams}
        with self._workspace.write() as session:
            lost = streams.purge(session, [key for key in streams.cursors(session) if key not in granted])
            meta.write(session, meta.FRESHNESS, hello.freshness.model_dump(mode="json"))
            meta.write(session, meta.LEASE, hello.lease_until.isoformat())
        lease.renew(self._workspace.outbox, server_now=hello.server_now, clock=self._workspace.clock)
        self._line.tell(*lost)

    # ── the group in numbers ─────────────────────────────────────────────────────────────────────────────

    def _count(self, hello: HelloResponse) -> None:
        counted_for = self._monotonic() - self._counted_at
        if hello.person.role not in _COUNTED_BY or self._line.stopped() or counted_for < COUNT_EVERY_SECONDS:
            return
        counted: Overview = self._line.ask(lambda headers: self._line.client.overview(headers=headers))
        body: Json = counted.model_dump(mode="json")
        with self._line.still(hello.person) as session:
            meta.write(session, meta.OVERVIEW, body)
        self._counted_at = self._monotonic()
        self._line.tell("overview")
