"""The addresses of the rules, for managers."""

from uuid import UUID

from fastapi import APIRouter

from hcrm_central.api.context import CentreOf, ManagerOf
from hcrm_central.api.refusals import documented
from hcrm_central.api.routes import OF_SESSION
from hcrm_central.api.rules import drafts, parameters, publishing, requests
from hcrm_central.api.rules import history as history_
from hcrm_central.api.rules import scans as scans_
from hcrm_central.api.rules import shelf as shelf_
from hcrm_core.rules.messages import (
    DraftSaved,
    Key,
    ParameterRequest,
    PublishRequest,
    PublishResponse,
    RejectRequest,
    Requested,
    RestoreRequest,
    RetireRequest,
    RuleHistory,
    SaveDraftRequest,
    ScanRequest,
    Scans,
    Shelf,
)
from hcrm_core.wire import RefusalCode

router = APIRouter()

OF_MANAGERS = (*OF_SESSION, RefusalCode.NOT_PERMITTED)
OF_CHANGES = (*OF_MANAGERS, RefusalCode.STALE)


@router.get("/rules", responses=documented(*OF_MANAGERS))
def shelf(here: CentreOf, who: ManagerOf) -> Shelf:
    """All rules, parameters and SOPs as they are in force."""
    return shelf_.shelf(here, who)


@router.get("/rules/{key}", responses=documented(*OF_MANAGERS))
def history(here: CentreOf, who: ManagerOf, key: Key) -> RuleHistory:
    """All versions of a rule."""
    return history_.history(here, who, key=key)


@router.post("/rules/{key}/draft", responses=documented(*OF_CHANGES))
def save_draft(here: CentreOf, who: ManagerOf, key: Key, body: SaveDraftRequest) -> DraftSaved:
    """Keep a draft of a rule, which may hold errors."""
    return drafts.save_draft(here, who, key=key, request=body)


@router.delete("/rules/{key}/draft/{ver}", status_code=204, responses=documented(*OF_CHANGES))
def drop_draft(here: CentreOf, who: ManagerOf, key: Key, ver: int) -> None:
    """Throw the open draft or proposal away; it stays in the history."""
    drafts.drop_draft(here, who, key=key, ver=ver)


@router.post("/rules/{key}/publish", responses=documented(*OF_CHANGES, RefusalCode.RULE_UNSOUND))
def publish(here: CentreOf, who: ManagerOf, key: Key, body: PublishRequest) -> PublishResponse:
    """Put the open draft in force, or propose it where another has to agree."""
    return publishing.publish(here, who, key=key, request=body)


@router.post("/rules/{key}/reject", status_code=204, responses=documented(*OF_CHANGES, RefusalCode.ALREADY_DECIDED))
def reject(here: CentreOf, who: ManagerOf, key: Key, body: RejectRequest) -> None:
    """Make a proposal a draft again."""
    publishing.reject(here, who, key=key, request=body)


@router.post("/rules/{key}/retire", responses=documented(*OF_CHANGES, RefusalCode.RULE_UNSOUND))
def retire(here: CentreOf, who: ManagerOf, key: Key, body: RetireRequest) -> Requested:
    """Take a rule out of force."""
    return publishing.retire(here, who, key=key, request=body)


@router.post("/rules/{key}/restore", responses=documented(*OF_CHANGES, RefusalCode.RULE_UNSOUND))
def restore(here: CentreOf, who: ManagerOf, key: Key, body: RestoreRequest) -> PublishResponse:
    """Roll back: an earlier definition becomes a new version."""
    return publishing.restore(here, who, key=key, request=body)


@router.post("/parameters/{key}", responses=documented(*OF_CHANGES))
def set_parameter(here: CentreOf, who: ManagerOf, key: Key, body: ParameterRequest) -> Requested:
    """Set a parameter."""
    return parameters.set_parameter(here, who, key=key, request=body)


@router.get("/scans", responses=documented(*OF_MANAGERS))
def scans(here: CentreOf, who: ManagerOf) -> Scans:
    """The latest runs of the scan, and who is set aside."""
    return scans_.scans(here, who)


@router.post("/scans", responses=documented(*OF_MANAGERS))
def ask_scan(here: CentreOf, who: ManagerOf, _body: ScanRequest) -> Requested:
    """Have everybody scanned now."""
    return requests.ask_scan(here, who)


@router.get("/scans/requests/{request_id}", responses=documented(*OF_MANAGERS))
def requested(here: CentreOf, who: ManagerOf, request_id: UUID) -> Requested:
    """What became of a request."""
    return requests.requested(here, who, request_id=request_id)
