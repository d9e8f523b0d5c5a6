"""Versions of rules, as whoever publishes handles them: managers at a workstation, a release, the keeper of the centre.

docs/rules.md, "The life of a rule". What is published never changes (0011_rules.sql); each step is a row or its end.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_core.rules import SegmentSpec
from hcrm_core.rules.messages import RuleState
from hcrm_store.journeys import RuleVersion, Segment

LOCK = 7_411_880_212  # any number, the same in every process: who writes rules or parameters follows who did before
OPEN = (RuleState.DRAFT.value, RuleState.PROPOSED.value)


def lock_rules(session: Session) -> None:
    """Wait for whoever writes rules or parameters. Held to the end of the transaction; they are written rarely."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def versions_of(session: Session, key: str) -> Sequence[RuleVersion]:
    """All versions of a rule, newest first."""
    query = select(RuleVersion).where(RuleVersion.rule_key == key).order_by(RuleVersion.number.desc())
    return session.scalars(query).all()


def in_force(versions: Sequence[RuleVersion]) -> RuleVersion | None:
    return next((one for one in versions if one.state == RuleState.PUBLISHED.value), None)


def open_one(versions: Sequence[RuleVersion]) -> RuleVersion | None:
    """The draft or proposal: a rule has one at most."""
    return next((one for one in versions if one.state in OPEN), None)


def next_number(versions: Sequence[RuleVersion]) -> int:
    """Numbers count up and are never given twice; nothing is deleted."""
    return versions[0].number + 1 if versions else 1


def latest_number(versions: Sequence[RuleVersion]) -> int | None:
    """Of the version in force, or else of the last that was; None if none ever was."""
    former = (one.number for one in versions if one.published_at is not None)
    published = in_force(versions)
    return published.number if published else next(former, None)


def end(version: RuleVersion, *, at: datetime, note: str = "") -> None:
    """Take a version out of force, or throw a draft away."""
    version.state, version.retired_at, version.retired_note = RuleState.RETIRED.value, at, note


def marks_alone(session: Session, segment_key: str, *, rule_key: str) -> bool:
    """Whether no other rule in force marks the segment: one does at a time."""
    others = select(RuleVersion.id).where(
        RuleVersion.segment_key == segment_key,
        RuleVersion.rule_key != rule_key,
        RuleVersion.state == RuleState.PUBLISHED.value,
    )
    return session.scalar(others.limit(1)) is None


def put_segment(session: Session, wanted: SegmentSpec) -> bool:
    """Make a segment as its rule wants it; whether anything changed. Segments stay when their rule ends."""
    row = session.scalar(select(Segment).where(Segment.key == wanted.key))
    if row is None:
        session.add(Segment(**wanted.model_dump()))
        session.flush()
        return True
    before = (row.label, row.tone, row.rank)
    row.label, row.tone, row.rank = wanted.label, wanted.tone, wanted.rank
    return before != (wanted.label, wanted.tone, wanted.rank)
