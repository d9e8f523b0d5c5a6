"""A question under way: one snapshot under row security, a limit of time, and a way to call it off."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
import sqlalchemy.exc
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hcrm_central.api.refusals import RETRY_SECONDS, Refused
from hcrm_central.store.engine import Principal, snapshot
from hcrm_core.wire import RefusalCode

# All operational. Half of the service's ten connections stay free for whoever does not ask.
AT_ONCE = 5
TURN_SECONDS = 10.0
REMEMBERED = 1_000  # call-offs, of questions that have not begun
AGAIN_SECONDS, TRIES = 0.1, 20  # a cancellation meets nothing between two statements

Key = tuple[UUID, UUID]  # the account that asks, and what it calls the question


class Question:
    """One question under way.

    Attributes:
        session: reads what there was when the question began.
    """

    session: Session

    def __init__(self) -> None:
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._connection: psycopg.Connection | None = None
        self._wanted, self._deadline = True, float("inf")

    def require_wanted(self) -> None:
        """To be asked wherever the database is not at work for long.

        Raises:
            Refused: ``called_off``, ``asked_too_much``.
        """
        if not self._wanted:
            raise Refused(RefusalCode.CALLED_OFF)
        if time.monotonic() > self._deadline:
            raise Refused(RefusalCode.ASKED_TOO_MUCH)

    def why_cut_off(self) -> Refused:
        """Why the database gave up on it."""
        return Refused(RefusalCode.ASKED_TOO_MUCH if self._wanted else RefusalCode.CALLED_OFF)

    @contextmanager
    def reading(self, session: Session, *, seconds: float) -> Iterator[None]:
        """For as long as the block runs, statements go through this session and may be cancelled."""
        self.session, self._deadline = session, time.monotonic() + seconds
        # Whoever sees all reads facts through the view that asks so once, and not by row (0014_questions.sql).
        settings = "SELECT set_config('statement_timeout', :limit, true), set_config('search_path', :path, true)"
        session.execute(text(settings), {"limit": str(round(seconds * 1000)), "path": "hcrm_whole, public"})
        with self._lock:
            self._connection = _driver(session)
        try:
            self.require_wanted()
            yield
        finally:
            with self._lock:  # so that no later user of the connection is met
                self._connection = None

    def end(self) -> None:
        self._ended.set()

    def call_off(self) -> None:
        """Returns once it has ended, or soon will."""
        self._wanted = False
        for _ in range(TRIES):
            self._cancel()
            if self._ended.wait(AGAIN_SECONDS):
                return

    def _cancel(self) -> None:
        with self._lock, suppress(psycopg.OperationalError):  # the database is away: there is nothing to cancel
            if self._connection is not None:
                self._connection.cancel_safe(timeout=TURN_SECONDS)


class Questions:
    """All questions that a process is asked. They are known to the account that asked, and to nobody else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Key, Question] = {}
        self._unwanted: OrderedDict[Key, None] = OrderedDict()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    @contextmanager
    def asked(self, engine: Engine, principal: Principal, *, ask: UUID, seconds: float) -> Iterator[Question]:
        """A question for as long as the block runs.

        Args:
            engine: the service's.
            principal: who asks.
            ask: how he calls it.
            seconds: how long it may take.

        Raises:
            Refused: ``called_off``, ``asked_too_much``; ``unavailable`` if too many ask at once.
        """
        key = (principal.account_id, ask)
        question = self._begin(key)
        try:
            with self._turn(), snapshot(engine, principal) as session, question.reading(session, seconds=seconds):
                yield question
                question.require_wanted()
        except (psycopg.errors.QueryCanceled, sqlalchemy.exc.OperationalError) as error:
            if _is_cut_off(error):
                raise question.why_cut_off() from None
            raise
        finally:
            self._end(key, question)

    def call_off(self, account_id: UUID, ask: UUID) -> None:
        """The answer is not of interest any more; also said before the question was heard."""
        key = (account_id, ask)
        with self._lock:
            question = self._running.get(key)
            if question is None:
                self._remember(key)
        if question is not None:
            question.call_off()

    def _begin(self, key: Key) -> Question:
        with self._lock:
            if key in self._unwanted:
                del self._unwanted[key]
                raise Refused(RefusalCode.CALLED_OFF)
            if key in self._running:
                raise Refused(RefusalCode.INVALID_REQUEST, codes=("ask_reused",))
            found = self._running[key] = Question()
            return found

    def _end(self, key: Key, question: Question) -> None:
        question.end()
        with self._lock:
            del self._running[key]

    def _remember(self, key: Key) -> None:
        self._unwanted[key] = None
        if len(self._unwanted) > REMEMBERED:
            self._unwanted.popitem(last=False)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Refused(RefusalCode.UNAVAILABLE, retry_after=RETRY_SECONDS)
        try:
            yield
        finally:
            self._turns.release()


def _driver(session: Session) -> psycopg.Connection:
    found = session.connection().connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def _is_cut_off(error: Exception) -> bool:
    """Cancelled, or out of time: the database has one word for both."""
    return isinstance(getattr(error, "orig", error), psycopg.errors.QueryCanceled)
