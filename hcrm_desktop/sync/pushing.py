"""Push: what waits here is offered in order until the centre has answered for all of it."""

from collections.abc import Sequence

from hcrm_core.errors import Rejected, SignInRequired
from hcrm_core.wire import (
    MAX_PUSH_OPERATIONS,
    HelloResponse,
    Operation,
    OperationResult,
    PushRequest,
    PushResponse,
    RefusalCode,
    ResultStatus,
)
from hcrm_desktop.sync.client import RequestRefused
from hcrm_desktop.sync.line import EpochChanged, Line
from hcrm_desktop.sync.states import SyncState

_CORRECTABLE = frozenset({RefusalCode.WRONG_NUMBER.value, RefusalCode.NEW_DEVICE.value})
_MOST_CORRECTIONS = 5  # of numbers in one cycle; more means that both sides do not agree at all


class Pushing:
    """One push, begun by a hello."""

    def __init__(self, line: Line, hello: HelloResponse) -> None:
        self._line, self._hello = line, hello
        self._outbox = line.workspace.outbox
        self._expected_n, self._corrections, self._limit = hello.expected_n, 0, MAX_PUSH_OPERATIONS

    def run(self, *, at_once: bool = False) -> int:
        """Offer until nothing is left.

        Args:
            at_once: also what could still be undone.

        Returns:
            how many entries the centre answered for.
        """
        pushed, account_id = 0, self._hello.person.account_id
        while not self._line.stopped():
            batch = self._outbox.offer(
                account_id=account_id, expected_n=self._expected_n, limit=self._limit, at_once=at_once
            )
            if not batch:
                break
            self._line.course.enter(SyncState.PUSH)
            try:
                pushed += self._answered(self._offer(batch))
            except RequestRefused as error:
                self._refused(batch, error)
        return pushed

    def _offer(self, batch: Sequence[Operation]) -> PushResponse:
        request = PushRequest(epoch=self._hello.epoch, operations=list(batch))
        answer = self._line.ask(lambda headers: self._line.client.push(request, headers=headers))
        if answer.epoch != self._hello.epoch:
            raise EpochChanged("the centre was restored during the conversation")
        return answer

    def _answered(self, answer: PushResponse) -> int:
        news = self._outbox.answer(answer.results, at=self._hello.server_now)
        self._outbox.rewind(answer.expected_n)
        if news == 0:
            raise Rejected("no_progress", "the centre answered for none of the operations")
        self._line.relay()
        self._expected_n = answer.expected_n
        return news

    def _refused(self, batch: Sequence[Operation], error: RequestRefused) -> None:
        if error.code not in _CORRECTABLE:
            self._isolate(batch, error)
            return
        self._corrections += 1
        if self._corrections > _MOST_CORRECTIONS:
            raise error
        self._correct(error)

    def _correct(self, error: RequestRefused) -> None:
        """Take over the centre's count; or, where it knows two of us, become a device of our own."""
        if error.code == RefusalCode.NEW_DEVICE:
            self._outbox.become_new_device()
            self._line.session.forget()
            raise SignInRequired("this profile was copied or restored", remedy="sign in again; nothing is lost")
        if error.expected_n is not None:
            self._expected_n = error.expected_n
        self._outbox.rewind(self._expected_n)

    def _isolate(self, batch: Sequence[Operation], error: RequestRefused) -> None:
        """One entry that the centre can never take must not keep back the others: find it and put it to a person."""
        if len(batch) == 1:
            refused = OperationResult(n=batch[0].n, op_id=batch[0].op_id, status=ResultStatus.HELD, reason=error.code)
            self._outbox.answer([refused], at=self._hello.server_now)
            self._line.relay()
        self._outbox.rewind(self._expected_n)
        self._limit = max(1, len(batch) // 2)
