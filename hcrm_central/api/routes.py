"""The addresses of the service. Each is an ordinary function: FastAPI runs it in a thread, beside others."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse

from hcrm_central.api import digests as digests_
from hcrm_central.api import first as first_
from hcrm_central.api import fleet as fleet_
from hcrm_central.api import health as health_
from hcrm_central.api import held as held_
from hcrm_central.api import hello as hello_
from hcrm_central.api import overview as overview_
from hcrm_central.api import pull as pull_
from hcrm_central.api import push as push_
from hcrm_central.api import sessions, snapshots, waiting
from hcrm_central.api import sources as sources_
from hcrm_central.api import surrender as surrender_
from hcrm_central.api.context import CarerOf, CentreOf, KeeperOf, ManagerOf, SignedInOf
from hcrm_central.api.refusals import documented
from hcrm_core.fleet import DecisionRequest, DecisionResponse, Fleet, HeldQueue, OrderRequest
from hcrm_core.source import SourceKind, SourceRows
from hcrm_core.wire import (
    DigestRequest,
    DigestResponse,
    FirstRequest,
    Health,
    HelloRequest,
    HelloResponse,
    LoginRequest,
    Overview,
    PullRequest,
    PullResponse,
    PushRequest,
    PushResponse,
    RefreshRequest,
    RefusalCode,
    SurrenderRequest,
    SurrenderResponse,
    TokenResponse,
    WaitRequest,
    WaitResponse,
)

router = APIRouter()

OF_SESSION = (
    RefusalCode.SESSION_ENDED,
    RefusalCode.ACCOUNT_INACTIVE,
    RefusalCode.DEVICE_REVOKED,
    RefusalCode.DEVICE_WIPED,
    RefusalCode.DEVICE_MISMATCH,
)


@router.get("/health", responses={503: {"model": Health, "description": "not ready to work"}})
def health(here: CentreOf, response: Response) -> Health:
    """Whether the database answers and has this program's schema; when it was last scanned."""
    found = health_.health(here.store.service, now=here.clock.now(), scan_at=here.settings.scan_at)
    response.status_code = 200 if found.status == "ok" else 503
    return found


@router.post(
    "/auth/login",
    responses=documented(RefusalCode.WRONG_CREDENTIALS, *OF_SESSION[1:], RefusalCode.TOO_MANY_ATTEMPTS),
)
def login(request: Request, here: CentreOf, body: LoginRequest) -> TokenResponse:
    """Exchange a password for tokens that are bound to this device."""
    address = request.client.host if request.client else "unknown"
    return sessions.sign_in(here, body, address=address)


@router.post("/auth/refresh", responses=documented(*OF_SESSION))
def refresh(here: CentreOf, body: RefreshRequest) -> TokenResponse:
    """Exchange a refresh token for a new pair."""
    return sessions.refresh(here, body)


@router.post("/auth/logout", status_code=204, responses=documented(*OF_SESSION))
def logout(here: CentreOf, who: SignedInOf) -> None:
    """End this device's session."""
    sessions.sign_out(here, who)


@router.post("/sync/hello", responses=documented(*OF_SESSION, RefusalCode.UPGRADE_REQUIRED))
def hello(here: CentreOf, who: SignedInOf, body: HelloRequest) -> HelloResponse:
    """Greet: which streams may be pulled, with which columns, and which operation number comes next."""
    return hello_.hello(here, who, body)


@router.post("/sync/pull", responses=documented(*OF_SESSION))
def pull(here: CentreOf, who: SignedInOf, body: PullRequest) -> PullResponse:
    """What changed since the cursors, from one snapshot."""
    return pull_.pull(here, who, body)


@router.post("/sync/first", responses=documented(*OF_SESSION))
def first(here: CentreOf, who: SignedInOf, body: FirstRequest) -> PullResponse:
    """Today's tasks with everything about their customers: for a workstation that holds nothing yet."""
    return first_.first(here, who, body)


@router.post("/sync/digests", responses=documented(*OF_SESSION))
def digests(here: CentreOf, who: SignedInOf, body: DigestRequest) -> DigestResponse:
    """What the reader may see of each stream, in one number."""
    return digests_.digests(here, who, body)


@router.get(
    "/sync/snapshots/{stream}",
    response_class=FileResponse,
    responses={
        200: {"content": {snapshots.MEDIA_TYPE: {}}, "description": "the whole file"},
        206: {"content": {snapshots.MEDIA_TYPE: {}}, "description": "the range that was asked for"},
        **documented(*OF_SESSION, RefusalCode.NOT_PERMITTED),
    },
)
async def snapshot(
    here: CentreOf, who: SignedInOf, stream: str, if_range: Annotated[str, Header()] = ""
) -> FileResponse:
    """Everything the reader may see of a stream at one number, as a file that can be read in parts."""
    return await snapshots.serve(here, who, stream=stream, unfinished=if_range)


@router.post("/sync/wait", responses=documented(*OF_SESSION))
async def wait(request: Request, here: CentreOf, who: SignedInOf, body: WaitRequest) -> WaitResponse:
    """Which streams moved; held until one has, or for a while. Asynchronous: who waits occupies no thread."""
    return await waiting.wait(here, who, body, request=request)


@router.post(
    "/sync/push",
    responses=documented(
        *OF_SESSION, RefusalCode.WRONG_NUMBER, RefusalCode.NEW_DEVICE, RefusalCode.OPERATION_ID_REUSED
    ),
)
def push(here: CentreOf, who: SignedInOf, body: PushRequest) -> PushResponse:
    """Apply intents in order; each is answered with what became of it."""
    return push_.push(here, who, body)


@router.post(
    "/sync/surrender",
    responses=documented(RefusalCode.DEVICE_MISMATCH, RefusalCode.DEVICE_REVOKED, RefusalCode.NOT_PERMITTED),
)
def surrender(here: CentreOf, body: SurrenderRequest) -> SurrenderResponse:
    """Keep what a workstation that must empty itself had not sent. It needs no session: its secret proves it."""
    return surrender_.surrender(here, body)


@router.get("/held", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def held(here: CentreOf, who: ManagerOf) -> HeldQueue:
    """Operations that could not apply and wait for a decision."""
    return held_.held(here, who)


@router.post("/held/{op_id}", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED, RefusalCode.ALREADY_DECIDED))
def decide(here: CentreOf, who: ManagerOf, op_id: UUID, body: DecisionRequest) -> DecisionResponse:
    """Apply or dismiss a held operation."""
    return held_.decide(here, who, op_id=op_id, request=body)


@router.get("/fleet", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def fleet(here: CentreOf, who: KeeperOf) -> Fleet:
    """How every workstation stands, the most urgent first."""
    return fleet_.fleet(here, who)


@router.post(
    "/fleet/{device_id}/orders",
    status_code=204,
    responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED, RefusalCode.ALREADY_DECIDED),
)
def order(here: CentreOf, who: KeeperOf, device_id: UUID, body: OrderRequest) -> None:
    """Block, unblock or wipe a workstation."""
    fleet_.order(here, who, device_id=device_id, request=body)


@router.get("/overview", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def overview(here: CentreOf, who: SignedInOf) -> Overview:
    """The group in numbers."""
    return overview_.overview(here, who)


@router.get("/sources/{kind}/{row_id}", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def sources(here: CentreOf, who: CarerOf, kind: SourceKind, row_id: UUID) -> SourceRows:
    """The source rows behind one row, as they landed."""
    return sources_.sources(here, who, kind=kind, row_id=row_id)
