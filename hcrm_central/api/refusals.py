"""Every answer that is not a success, in one table; and the handlers that send them."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy.exc
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hcrm_core.errors import NotPermitted, Rejected, SignInRequired, SurroundingsFailed
from hcrm_core.wire import ErrorBody, RefusalCode

RETRY_SECONDS = 5
UNREADABLE = 400  # as the framework says it: a body nested deeper, or with longer numbers, than it reads


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    message: str
    remedy: str


ANSWERS: dict[RefusalCode, Answer] = {
    RefusalCode.SESSION_ENDED: Answer(401, "the session ended", "refresh it once, then sign in"),
    RefusalCode.WRONG_CREDENTIALS: Answer(401, "username and password do not match", "try again"),
    RefusalCode.ACCOUNT_INACTIVE: Answer(401, "the account is not in use any more", "ask the administrator"),
    RefusalCode.DEVICE_REVOKED: Answer(401, "this workstation was blocked", "ask the administrator"),
    RefusalCode.DEVICE_WIPED: Answer(
        410, "this workstation was ordered to empty itself", "hand over what is unsent, then delete its files"
    ),
    RefusalCode.DEVICE_MISMATCH: Answer(
        401, "this workstation is not the one that was registered", "register it again as a new one"
    ),
    RefusalCode.NOT_PERMITTED: Answer(403, "the account may not do this", "ask somebody whose role allows it"),
    RefusalCode.WRONG_NUMBER: Answer(409, "an operation number is missing or repeated", "send from `expected_n` on"),
    RefusalCode.NEW_DEVICE: Answer(
        409, "other content came under this number before", "take a new device id and number the operations again"
    ),
    RefusalCode.OPERATION_ID_REUSED: Answer(409, "an operation id came with other content before", "report this"),
    RefusalCode.ALREADY_DECIDED: Answer(
        409, "this was decided already, or does not wait for a decision", "look at the list again"
    ),
    RefusalCode.STALE: Answer(409, "somebody else saved first", "look at it again, then decide"),
    RefusalCode.RULE_UNSOUND: Answer(409, "the rule has errors", "mend what the checks name"),
    RefusalCode.ASKED_TOO_MUCH: Answer(408, "the question took longer than it may", "ask a simpler one, or later"),
    RefusalCode.CALLED_OFF: Answer(408, "the question was called off", "ask it again"),
    RefusalCode.TOO_LARGE: Answer(413, "the request is too large", "send half as much"),
    RefusalCode.INVALID_REQUEST: Answer(422, "the request is not understood", "report this, or upgrade"),
    RefusalCode.UPGRADE_REQUIRED: Answer(426, "this protocol is not spoken here", "upgrade the workstation"),
    RefusalCode.TOO_MANY_ATTEMPTS: Answer(429, "too many failed attempts to sign in", "wait, then try again"),
    RefusalCode.INTERNAL: Answer(500, "the centre failed", "try again; if it stays, report the incident id"),
    RefusalCode.UNAVAILABLE: Answer(503, "the centre is busy or its database is away", "try again soon"),
}
# What the database says when it is away, overloaded or chose a victim: the same request may succeed later.
TRANSIENT = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, sqlalchemy.exc.TimeoutError)
BY_KIND: tuple[tuple[tuple[type[Exception], ...], RefusalCode], ...] = (
    ((SignInRequired,), RefusalCode.SESSION_ENDED),
    ((NotPermitted,), RefusalCode.NOT_PERMITTED),
    ((Rejected, RequestValidationError, sqlalchemy.exc.DataError), RefusalCode.INVALID_REQUEST),
    ((SurroundingsFailed, *TRANSIENT), RefusalCode.UNAVAILABLE),
)


class Refused(Rejected):
    """A request that the centre answers with a code of the table; `codes` say what it is about the request."""

    def __init__(
        self,
        code: RefusalCode,
        *,
        retry_after: int | None = None,
        expected_n: int | None = None,
        codes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(code, ANSWERS[code].message)
        self.refusal, self.retry_after, self.expected_n, self.codes = code, retry_after, expected_n, codes


def documented(*codes: RefusalCode) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides success, for OpenAPI."""
    by_status: dict[int, list[RefusalCode]] = {}
    for code in (
        *codes,
        RefusalCode.INVALID_REQUEST,
        RefusalCode.TOO_LARGE,
        RefusalCode.INTERNAL,
        RefusalCode.UNAVAILABLE,
    ):
        by_status.setdefault(ANSWERS[code].status, []).append(code)
    return {status: {"model": ErrorBody, "description": " · ".join(named)} for status, named in by_status.items()}


def answer(refused: Refused, *, incident: str | None = None) -> JSONResponse:
    """The response of a refusal."""
    found = ANSWERS[refused.refusal]
    body = ErrorBody(
        code=refused.refusal,
        message=found.message,
        remedy=found.remedy,
        expected_n=refused.expected_n,
        incident=incident,
        codes=list(refused.codes) or None,
    )
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), found.status, headers)


def refusal_of(error: Exception) -> Refused | None:
    """Which refusal an error amounts to; None for a bug."""
    if isinstance(error, Refused):
        return error
    for kinds, code in BY_KIND:
        if isinstance(error, kinds):
            return Refused(code, retry_after=RETRY_SECONDS if code is RefusalCode.UNAVAILABLE else None)
    return None


def install(app: FastAPI) -> None:
    """Answer every deliberate error from the table. Bugs pass on, to the incident log."""
    for kind in {kind for kinds, _ in BY_KIND for kind in kinds}:
        app.add_exception_handler(kind, _handle)
    app.add_exception_handler(HTTPException, _handle_http)


def _handle(request: Request, error: Exception) -> JSONResponse:
    refused = refusal_of(error)
    assert refused is not None
    request.state.refusal = refused.refusal.value
    return answer(refused)


def _handle_http(_request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: no such address or method, or a body that grew too large."""
    assert isinstance(error, HTTPException)
    if error.status_code == ANSWERS[RefusalCode.TOO_LARGE].status:
        return answer(Refused(RefusalCode.TOO_LARGE))
    if error.status_code == UNREADABLE:
        return answer(Refused(RefusalCode.INVALID_REQUEST))
    body = ErrorBody(code="no_such_address", message=error.detail, remedy="check the address of the centre")
    return JSONResponse(body.model_dump(mode="json", exclude_none=True), error.status_code, error.headers)
