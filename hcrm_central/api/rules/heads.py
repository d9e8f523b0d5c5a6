"""One rule on the shelf, from its versions. A version that this release cannot read is listed by its segment's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from hcrm_central.jobs.versions import in_force, open_one
from hcrm_core.rules import Rule, SegmentSpec
from hcrm_core.rules.messages import RuleHead, RuleState
from hcrm_store.journeys import RuleVersion, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted, by segment; and which rules the last run could not use.

    Attributes:
        customers: in it now.
        needing: for how many the last run could not tell.
        before: in it before the last run over everybody and everything.
        failed: keys of rules.
        waiting: segments that wait to be worked out again.
    """

    customers: Mapping[str, int]
    needing: Mapping[str, int]
    before: Mapping[str, int]
    failed: frozenset[str]
    waiting: frozenset[str]


def head(versions: Sequence[RuleVersion], *, segments: Mapping[str, Segment], counted: Counted) -> RuleHead | None:
    """The rule as it is in force, else as it is drafted, else as it was last; None if there are dropped drafts only.

    Args:
        versions: of one rule, newest first.
        segments: by key.
        counted: of all rules.
    """
    published, draft = in_force(versions), open_one(versions)
    former = next((one for one in versions if one.published_at is not None), None)
    shown, marking = published or draft or former, published or former
    if shown is None:
        return None
    rule, segment = _read(shown), _segment(shown, segments)
    return RuleHead(
        key=shown.rule_key,
        label=rule.label if rule else segment.label,
        segment_key=shown.segment_key,
        segment_label=segment.label,
        tone=segment.tone,
        rank=segment.rank,
        exclusive=rule.exclusive if rule else "",
        priority=rule.priority if rule else 100,
        published=published.number if published else None,
        published_at=published.published_at if published else None,
        draft=draft.number if draft else None,
        draft_state=RuleState(draft.state) if draft else None,
        draft_author=draft.author if draft else "",
        customers=counted.customers.get(marking.segment_key, 0) if marking else 0,
        needs_measurement=counted.needing.get(published.segment_key, 0) if published else 0,
        before=counted.before.get(published.segment_key) if published else None,
        failed=published is not None and shown.rule_key in counted.failed,
        reevaluating=marking is not None and marking.segment_key in counted.waiting,
    )


def _read(version: RuleVersion) -> Rule | None:
    try:
        return Rule.model_validate(version.definition)
    except ValidationError:
        return None


def _segment(version: RuleVersion, segments: Mapping[str, Segment]) -> SegmentSpec:
    """As the version wants it, else as it stands, else by its key alone."""
    rule, row = _read(version), segments.get(version.segment_key)
    if rule is not None:
        return rule.segment
    if row is None:
        return SegmentSpec(key=version.segment_key, label=version.segment_key)
    return SegmentSpec.model_validate({"key": row.key, "label": row.label, "tone": row.tone, "rank": row.rank})
