"""What is in force: published, retired, restored; with two persons proposed by one and agreed to by another.

The author of a draft is who saved or proposed it last. A version comes into force together with its segment, the end
of the one before it and the request to work it out; a version that ends takes its members out of the segment.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.rules.authors import Author, author
from hcrm_central.api.rules.drafts import readable, require_open
from hcrm_central.api.rules.requests import ask
from hcrm_central.api.rules.soundness import require_dispensable, require_sound
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.versions import end, in_force, lock_rules, next_number, open_one, put_segment, versions_of
from hcrm_central.store.engine import transaction
from hcrm_core.clinic_time import business_date
from hcrm_core.errors import Rejected
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import (
    PublishRequest,
    PublishResponse,
    RejectRequest,
    Requested,
    RestoreRequest,
    RetireRequest,
    RuleState,
)
from hcrm_core.wire import RefusalCode
from hcrm_store.clock import Clock
from hcrm_store.journeys import RuleVersion


def publish(here: Centre, who: SignedIn, *, key: str, request: PublishRequest) -> PublishResponse:
    """Put the open draft in force, or propose it where another has to agree.

    Raises:
        Refused: ``stale``, ``rule_unsound``.
    """
    by = author(who)
    with transaction(here.store.service, who.principal) as session:
        draft = require_open(session, key, ver=request.ver)
        rule = _sound(session, draft, clock=here.clock)
        if here.settings.two_person_publish and not _agreed(draft, by):
            return _propose(session, draft, note=request.note, clock=here.clock, by=by)
        note = _together(draft, request.note)
        return _put_in_force(session, draft, rule, note=note, clock=here.clock, by=by)


def reject(here: Centre, who: SignedIn, *, key: str, request: RejectRequest) -> None:
    """Make a proposal a draft again: another manager sends it back, or its author withdraws it.

    Raises:
        Refused: ``stale``; ``already_decided`` if it does not wait for anybody.
    """
    with transaction(here.store.service, who.principal) as session:
        draft = require_open(session, key, ver=request.ver)
        if draft.state != RuleState.PROPOSED.value:
            raise Refused(RefusalCode.ALREADY_DECIDED)
        draft.state, draft.ver, draft.note = RuleState.DRAFT.value, draft.ver + 1, request.note
        author(who).note(session, "rejected", draft, clock=here.clock)


def retire(here: Centre, who: SignedIn, *, key: str, request: RetireRequest) -> Requested:
    """Take a rule out of force. SOPs of its segment then propose nothing; the segment's history stays.

    Raises:
        Refused: ``stale``; ``rule_unsound`` if a rule or an SOP asks this one.
    """
    by, at = author(who), here.clock.now()
    with transaction(here.store.service, who.principal) as session:
        lock_rules(session)
        published = in_force(versions_of(session, key))
        if published is None or published.number != request.number:
            raise Refused(RefusalCode.STALE)
        require_dispensable(session, key, on=business_date(at))
        end(published, at=at, note=request.note)
        by.note(session, "retired", published, clock=here.clock)
        return Requested(request_id=ask(session, RunKind.RULE, key=key, at=at, by=by))


def restore(here: Centre, who: SignedIn, *, key: str, request: RestoreRequest) -> PublishResponse:
    """Roll back: an earlier definition as a new version. An open draft stays as it is.

    Raises:
        Rejected: ``version_unknown``.
        Refused: ``stale``, with two persons also while a draft is open; ``rule_unsound``.
    """
    by, at = author(who), here.clock.now()
    with transaction(here.store.service, who.principal) as session:
        lock_rules(session)
        versions = versions_of(session, key)
        published = in_force(versions)
        if request.published != (published.number if published else None):
            raise Refused(RefusalCode.STALE)
        former = next((one for one in versions if one.number == request.number), None)
        if former is None:
            raise Rejected("version_unknown", "there is no version of this number")
        again = _again(former, number=next_number(versions), at=at, by=by)
        rule = _sound(session, again, clock=here.clock)
        if not here.settings.two_person_publish:
            return _put_in_force(session, again, rule, note=request.note, clock=here.clock, by=by)
        if open_one(versions) is not None:
            raise Refused(RefusalCode.STALE)
        return _propose(session, again, note=request.note, clock=here.clock, by=by)


def _sound(session: Session, version: RuleVersion, *, clock: Clock) -> Rule:
    """A version's rule if it may come into force; a release may have become stricter since it was saved."""
    try:
        rule = readable(version.definition, key=version.rule_key)
    except Rejected:
        raise Refused(RefusalCode.RULE_UNSOUND) from None
    require_sound(session, rule, on=business_date(clock.now()))
    return rule


def _again(former: RuleVersion, *, number: int, at: datetime, by: Author) -> RuleVersion:
    return RuleVersion(
        rule_key=former.rule_key,
        number=number,
        state=RuleState.DRAFT.value,
        ver=1,
        segment_key=former.segment_key,
        definition=former.definition,
        based_on=former.number,
        created_at=at,
        author=by.name,
        author_id=by.account_id,
    )


def _agreed(draft: RuleVersion, by: Author) -> bool:
    """Whether this is the second person."""
    return draft.state == RuleState.PROPOSED.value and draft.author_id != by.account_id


def _together(draft: RuleVersion, note: str) -> str:
    """Why, in the words of both where two agreed."""
    return f"{draft.note}\n{note}" if draft.state == RuleState.PROPOSED.value and draft.note != note else note


def _propose(session: Session, draft: RuleVersion, *, note: str, clock: Clock, by: Author) -> PublishResponse:
    """Who proposes another's draft stands for it, and is not the second person."""
    draft.state, draft.ver, draft.note = RuleState.PROPOSED.value, draft.ver + 1, note
    draft.author, draft.author_id = by.name, by.account_id
    session.add(draft)
    session.flush()
    by.note(session, "proposed", draft, clock=clock)
    return _answer(draft)


def _put_in_force(
    session: Session, version: RuleVersion, rule: Rule, *, note: str, clock: Clock, by: Author
) -> PublishResponse:
    at = clock.now()
    former = in_force(versions_of(session, version.rule_key))
    if former is not None:
        end(former, at=at)
        session.flush()  # one version of a rule is in force at a time
    put_segment(session, rule.segment)
    version.state, version.note, version.published_at = RuleState.PUBLISHED.value, note, at
    version.published_by, version.published_by_id = by.name, by.account_id
    session.add(version)
    session.flush()
    by.note(session, "published", version, clock=clock)
    return _answer(version, request_id=ask(session, RunKind.RULE, key=version.rule_key, at=at, by=by))


def _answer(version: RuleVersion, *, request_id: UUID | None = None) -> PublishResponse:
    return PublishResponse(state=RuleState(version.state), number=version.number, request_id=request_id)
