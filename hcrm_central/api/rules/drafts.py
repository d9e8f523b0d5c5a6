"""Drafts: a rule has one at a time, it may hold errors, and of two who save at once the second is told."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.rules.authors import Author, author
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.versions import end, in_force, lock_rules, next_number, open_one, versions_of
from hcrm_central.store.engine import transaction
from hcrm_core.errors import Rejected
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import DraftSaved, Key, RuleState, SaveDraftRequest
from hcrm_core.wire import RefusalCode
from hcrm_store.clock import Clock
from hcrm_store.journeys import RuleVersion

_KEY: TypeAdapter[str] = TypeAdapter(Key)


def save_draft(here: Centre, who: SignedIn, *, key: str, request: SaveDraftRequest) -> DraftSaved:
    """Keep a draft. An edited proposal is a draft again.

    Raises:
        Rejected: ``rule_unreadable``, ``key_differs``.
        Refused: ``stale``.
    """
    with transaction(here.store.service, who.principal) as session:
        draft = keep_draft(session, key, request, clock=here.clock, by=author(who))
        return DraftSaved(number=draft.number, ver=draft.ver)


def drop_draft(here: Centre, who: SignedIn, *, key: str, ver: int) -> None:
    """Throw the open draft or proposal away. It stays in the history, and may be restored from there.

    Raises:
        Refused: ``stale``.
    """
    with transaction(here.store.service, who.principal) as session:
        draft = require_open(session, key, ver=ver)
        end(draft, at=here.clock.now())
        author(who).note(session, "draft_dropped", draft, clock=here.clock)


def keep_draft(session: Session, key: str, request: SaveDraftRequest, *, clock: Clock, by: Author) -> RuleVersion:
    """Keep a draft in the caller's transaction.

    Raises:
        Rejected: as `save_draft`.
        Refused: as `save_draft`.
    """
    rule = readable(request.definition, key=key)
    lock_rules(session)
    versions = versions_of(session, key)
    draft = open_one(versions)
    if request.ver != (draft.ver if draft else None):
        raise Refused(RefusalCode.STALE)
    if draft is None:
        _require_latest(versions, request.based_on)
        draft = RuleVersion(rule_key=key, number=next_number(versions), ver=0, created_at=clock.now())
        draft.based_on = request.based_on
        session.add(draft)
    _write(draft, rule, by=by)
    session.flush()
    by.note(session, "draft_saved", draft, clock=clock)
    return draft


def require_open(session: Session, key: str, *, ver: int) -> RuleVersion:
    """The open draft or proposal as somebody looked at it; nobody else writes until the transaction ends.

    Raises:
        Refused: ``stale``.
    """
    lock_rules(session)
    draft = open_one(versions_of(session, key))
    if draft is None or draft.ver != ver:
        raise Refused(RefusalCode.STALE)
    return draft


def readable(definition: Any, *, key: str) -> Rule:  # why Any: JSON
    """A definition as a rule of that key.

    Raises:
        Rejected: ``rule_unreadable``, ``key_differs``.
    """
    try:
        rule = Rule.model_validate(definition)
        _KEY.validate_python(rule.segment.key)
    except ValidationError as mistake:
        raise Rejected("rule_unreadable", f"{mistake.error_count()} places are not as a rule has them") from None
    if rule.key != key:
        raise Rejected("key_differs", "the rule has another key than the address")
    return rule


def _require_latest(versions: Sequence[RuleVersion], based_on: int | None) -> None:
    """A draft begins at what is in force, so that it undoes nobody's change unseen; at nothing if there was nothing."""
    published = in_force(versions)
    former = {one.number for one in versions if one.published_at is not None}
    if published is not None and based_on != published.number:
        raise Refused(RefusalCode.STALE)
    if published is None and (based_on not in former if former else based_on is not None):
        raise Refused(RefusalCode.STALE)


def _write(draft: RuleVersion, rule: Rule, *, by: Author) -> None:
    draft.state, draft.ver = RuleState.DRAFT.value, draft.ver + 1
    draft.definition, draft.segment_key = rule.as_json(), rule.segment.key
    draft.author, draft.author_id = by.name, by.account_id
