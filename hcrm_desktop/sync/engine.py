"""One cycle of the conversation: hello, push until nothing is left, pull every stream until nothing is new.

A page and its cursor go into the cache in one transaction. What the centre took away goes first. A stuck push
does not keep the pull from running: entries that wait are laid over the newer rows again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from hcrm_core.errors import HcrmError, NotPermitted, Rejected, SignInRequired
from hcrm_core.terms import Role
from hcrm_core.wire import (
    MAX_PULL_ROWS,
    MAX_PUSH_OPERATIONS,
    Cursor,
    HelloRequest,
    HelloResponse,
    Json,
    Operation,
    OperationResult,
    Overview,
    Person,
    PullRequest,
    PullResponse,
    PushRequest,
    PushResponse,
    RefusalCode,
    ResultStatus,
)
from hcrm_desktop.cache import meta, overlay, streams
from hcrm_desktop.cache.rows import Changes
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.sync.client import Busy, CentreClient, RequestRefused, ServerFailed
from hcrm_desktop.sync.session import APP_VERSION, CentreSession

EPOCH = "epoch"  # among what the outbox keeps: it must outlive the cache
_COUNTED_BY = frozenset({Role.MANAGER, Role.EXECUTIVE})
_CORRECTABLE = frozenset({RefusalCode.WRONG_NUMBER.value, RefusalCode.NEW_DEVICE.value})
_MOST_CORRECTIONS = 5  # of numbers in one cycle; more means that both sides do not agree at all


_CATCHING_UP_ROWS = 2000  # fewer round trips for a first read; still short enough for readers beside it


class EpochChanged(HcrmError):
    """The centre's database is another one than at hello: begin again."""


class Superseded(HcrmError):
    """Somebody else signed in, or the loop was stopped, while a request ran: its answer is for nobody here."""


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
        on_catching_up: Callable[[], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Make an engine.

        Args:
            on_changes: told after every transaction that changed what screens show.
            on_catching_up: told when the pull is longer than a page.
            stopped: asked between requests; a cycle then ends early.
        """
        self._workspace, self._client = workspace, client
        self._session = CentreSession(workspace, client)
        self._on_changes, self._on_catching_up, self._stopped = on_changes, on_catching_up, stopped

    def cycle(self) -> CycleReport:
        """Run one cycle.

        Raises:
            SignInRequired, Unreachable, UpgradeRequired: see hcrm_desktop.sync.client.
        """
        hello = self._hello()
        self._take_up(hello)
        stuck: HcrmError | None = None
        pushed = 0
        try:
            pushed = self._push(hello)
        except (Busy, ServerFailed, Rejected, NotPermitted) as error:
            stuck = error
        pulled, kinds = self._pull(hello)
        self._count(hello)
        return CycleReport(pushed=pushed, pulled=pulled, changes=Changes(kinds=frozenset(kinds)), stuck=stuck)

    def deliver(self) -> int:
        """Push all that waits, also what could still be undone: whoever entered it is leaving. Nothing is pulled.

        Returns:
            how many the centre answered for.

        Raises:
            HcrmError: as `cycle`, and whatever made a push stick.
        """
        hello = self._hello()
        self._take_up(hello)
        return self._push(hello, at_once=True)

    # ── hello ────────────────────────────────────────────────────────────────────────────────────────────

    def _hello(self) -> HelloResponse:
        unsent, oldest = self._workspace.outbox.unsent()
        request = HelloRequest(
            app_version=APP_VERSION, unsent=unsent, oldest_unsent_at=oldest, now=self._workspace.clock.now()
        )
        return self._session.ask(lambda headers: self._client.hello(request, headers=headers))

    def _take_up(self, hello: HelloResponse) -> None:
        """What hello says comes before everything else: who, which database, which streams, which number."""
        with self._workspace.exclusive():
            self._take_person(hello.person)
            self._take_epoch(hello)
            self._workspace.outbox.rewind(hello.expected_n)
            self._keep_grants(hello)

    def _take_person(self, person: Person) -> None:
        """The same account, perhaps with another role or other sites."""
        known = self._workspace.person()
        if self._stopped() or known is None or known.account_id != person.account_id:
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

    def _keep_grants(self, hello: HelloResponse) -> None:
        granted = {grant.key for grant in hello.streams}
        with self._workspace.write() as session:
            lost = streams.purge(session, [key for key in streams.cursors(session) if key not in granted])
            meta.write(session, meta.FRESHNESS, hello.freshness.model_dump(mode="json"))
            meta.write(session, meta.LEASE, hello.lease_until.isoformat())
        if lost:
            self._on_changes(Changes(kinds=frozenset(lost)))

    # ── push ─────────────────────────────────────────────────────────────────────────────────────────────

    def _push(self, hello: HelloResponse, *, at_once: bool = False) -> int:
        account_id, expected_n, pushed, corrections = hello.person.account_id, hello.expected_n, 0, 0
        limit = MAX_PUSH_OPERATIONS
        while not self._stopped():
            batch = self._workspace.outbox.offer(
                account_id=account_id, expected_n=expected_n, limit=limit, at_once=at_once
            )
            if not batch:
                break
            try:
                answer = self._offer(batch, epoch=hello.epoch)
            except RequestRefused as error:
                corrections += 1
                if error.code in _CORRECTABLE and corrections <= _MOST_CORRECTIONS:
                    expected_n = self._correct(error, expected_n=expected_n)
                elif error.code in _CORRECTABLE:
                    raise
                else:
                    limit = self._isolate(batch, error, expected_n=expected_n)
                continue
            pushed, expected_n = pushed + self._answered(answer), answer.expected_n
        return pushed

    def _offer(self, batch: Sequence[Operation], *, epoch: UUID) -> PushResponse:
        request = PushRequest(epoch=epoch, operations=list(batch))
        answer = self._session.ask(lambda headers: self._client.push(request, headers=headers))
        if answer.epoch != epoch:
            raise EpochChanged("the centre was restored during the conversation")
        return answer

    def _correct(self, error: RequestRefused, *, expected_n: int) -> int:
        """Take over the centre's count; or, where it knows two of us, become a device of our own."""
        if error.code == RefusalCode.NEW_DEVICE:
            self._workspace.outbox.become_new_device()
            self._session.forget()
            raise SignInRequired("this profile was copied or restored", remedy="sign in again; nothing is lost")
        counted = expected_n if error.expected_n is None else error.expected_n
        self._workspace.outbox.rewind(counted)
        return counted

    def _isolate(self, batch: Sequence[Operation], error: RequestRefused, *, expected_n: int) -> int:
        """One entry that the centre can never take must not keep back the others: find it and put it to a person.

        Returns:
            how many operations to offer next.
        """
        if len(batch) == 1:
            refused = OperationResult(n=batch[0].n, op_id=batch[0].op_id, status=ResultStatus.HELD, reason=error.code)
            self._workspace.outbox.answer([refused])
            self._relaid()
        self._workspace.outbox.rewind(expected_n)
        return max(1, len(batch) // 2)

    def _answered(self, answer: PushResponse) -> int:
        news = self._workspace.outbox.answer(answer.results)
        self._workspace.outbox.rewind(answer.expected_n)
        if news == 0:
            raise Rejected("no_progress", "the centre answered for none of the operations")
        self._relaid()
        return news

    def _relaid(self) -> None:
        self._workspace.relay()
        self._on_changes(Changes.of("task", "follow_up", "exam", "eye_measurement", "outbox"))

    # ── pull ─────────────────────────────────────────────────────────────────────────────────────────────

    def _pull(self, hello: HelloResponse) -> tuple[int, set[str]]:
        accepted = self._workspace.outbox.accepted()
        wanted, limit, pulled, kinds = [grant.key for grant in hello.streams], MAX_PULL_ROWS, 0, set[str]()
        while wanted and not self._stopped():
            answer = self._ask_pages(wanted, epoch=hello.epoch, limit=limit)
            changed = self._apply(answer, person=hello.person)
            pulled += sum(len(page.rows) + len(page.tombstones) for page in answer.pages)
            kinds |= changed
            if changed:
                self._on_changes(Changes(kinds=frozenset(changed)))
            wanted = [page.stream for page in answer.pages if page.more]
            if wanted:
                self._on_catching_up()
                limit = _CATCHING_UP_ROWS
        if not wanted:
            self._settle(accepted)
        return pulled, kinds

    def _ask_pages(self, wanted: Sequence[str], *, epoch: UUID, limit: int) -> PullResponse:
        with self._workspace.read() as session:
            held = streams.cursors(session)
        request = PullRequest(epoch=epoch, cursors={key: held.get(key, Cursor()) for key in wanted}, limit=limit)
        answer = self._session.ask(lambda headers: self._client.pull(request, headers=headers))
        if answer.epoch != epoch:
            raise EpochChanged("the centre was restored during the conversation")
        return answer

    def _apply(self, answer: PullResponse, *, person: Person) -> set[str]:
        with self._still(person) as session:
            changed = streams.purge(session, answer.revoked)
        for page in answer.pages:
            with self._still(person) as session:
                overlay.lift(session)
                changed |= streams.apply_page(session, page)
                overlay.lay_all(session, self._workspace.outbox.laid(person.account_id), person=person)
        return changed

    @contextmanager
    def _still(self, person: Person) -> Iterator[Session]:
        """Write, if what was asked for is still wanted here."""
        with self._workspace.write() as session:
            if self._stopped() or self._workspace.person() != person:
                raise Superseded("the conversation ended before the answer came")
            yield session

    def _settle(self, accepted: Sequence[UUID]) -> None:
        """All that the centre had when the pull began is here now: accepted entries need no overlay any more."""
        self._workspace.outbox.settle(accepted)
        if accepted:
            self._relaid()

    def _count(self, hello: HelloResponse) -> None:
        if hello.person.role not in _COUNTED_BY or self._stopped():
            return
        counted: Overview = self._session.ask(lambda headers: self._client.overview(headers=headers))
        body: Json = counted.model_dump(mode="json")
        with self._still(hello.person) as session:
            meta.write(session, meta.OVERVIEW, body)
        self._on_changes(Changes.of("overview"))
