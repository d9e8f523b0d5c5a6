"""What the windows of versions and of scans ask the centre. On line only."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from hcrm_core.rules import Rule
from hcrm_core.rules.messages import (
    PublishResponse,
    Requested,
    RestoreRequest,
    RetireRequest,
    RuleState,
    RuleVersionLine,
    Scans,
)

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient

Headers = dict[str, str]


def ask_versions(client: "CentreClient", headers: Headers, *, key: str) -> Sequence[RuleVersionLine]:
    """All versions of a rule, newest first."""
    return client.rule_history(key, headers=headers).versions


def restore(
    client: "CentreClient", headers: Headers, *, key: str, number: int, published: int | None, note: str
) -> PublishResponse:
    """Let an earlier version's words be a new version."""
    return client.restore(key, RestoreRequest(number=number, published=published, note=note), headers=headers)


def retire(client: "CentreClient", headers: Headers, *, key: str, number: int, note: str) -> Requested:
    """Take a rule out of force."""
    return client.retire(key, RetireRequest(number=number, note=note), headers=headers)


def ask_scans(client: "CentreClient", headers: Headers) -> Scans:
    """How the scan does."""
    return client.scans(headers=headers)


def ask_for_scan(client: "CentreClient", headers: Headers) -> Requested:
    """Have everybody scanned now."""
    return client.ask_scan(headers=headers)


def throw_away(client: "CentreClient", headers: Headers, *, key: str, ver: int) -> None:
    """End the open draft or proposal; its words stay in the history."""
    client.drop_draft(key, ver, headers=headers)


def open_one(versions: Sequence[RuleVersionLine]) -> RuleVersionLine | None:
    """The draft or proposal."""
    return next((one for one in versions if one.state in (RuleState.DRAFT, RuleState.PROPOSED)), None)


def in_force(versions: Sequence[RuleVersionLine]) -> int | None:
    """The number of the published version."""
    return next((one.number for one in versions if one.state is RuleState.PUBLISHED), None)


def rule_of(version: RuleVersionLine) -> Rule | None:
    """The rule of a version; None if a later release wrote it."""
    try:
        return Rule.model_validate(version.definition)
    except ValidationError:
        return None
