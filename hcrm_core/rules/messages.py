"""Messages about rules between the workstation of a manager and the centre: the shelf, drafts, questions, answers.

A rule travels as its JSON (`Rule.as_json`), so that a version that this release cannot read is still listed.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hcrm_core.rules.model import Path
from hcrm_core.wire import Json, Message, Storable

MOST_MOVERS = 200  # customers named in a diff
MOST_THRESHOLDS = 120  # of one sweep
BACKTEST_DAYS = 365
LEAST_JUMPING = 20  # customers: of fewer, a few who come and go are half of them; operational

Key = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
Note = Annotated[str, Field(max_length=400)]
Reason = Annotated[str, Field(min_length=1, max_length=400)]


class RuleState(StrEnum):
    """The life of a version. Only a draft is ever edited."""

    DRAFT = "draft"
    PROPOSED = "proposed"  # waits for the second person
    PUBLISHED = "published"
    RETIRED = "retired"


# ── the shelf ────────────────────────────────────────────────────────────────────────────────────────────


class RuleHead(Message):
    """One rule on the shelf.

    Attributes:
        published: number of the version in force, None if there is none.
        draft: number of the open draft or proposal, None if there is none.
        draft_state: of that one.
        customers: how many are in the segment now.
        needs_measurement: for how many the last scan could not tell.
        failed: the version in force could not be used by the last scan.
        reevaluating: a change waits to be worked out.
        before: how many were in it before the last scan of everybody; None if none told.
    """

    key: str
    label: str
    segment_key: str
    segment_label: str
    tone: str
    rank: int
    exclusive: str
    priority: int
    published: int | None
    published_at: datetime | None
    draft: int | None
    draft_state: RuleState | None
    draft_author: str
    customers: int
    needs_measurement: int
    failed: bool
    reevaluating: bool
    before: int | None = None

    @property
    def has_jumped(self) -> bool:
        """Far more or far fewer than before: a mistake in a rule or in a feed looks like this."""
        if not self.before or max(self.before, self.customers) < LEAST_JUMPING:
            return False  # whoever had nobody is new
        return 2 * abs(self.customers - self.before) >= self.before


class ParameterLine(Message):
    """A parameter in force.

    Attributes:
        parameter: `hcrm_core.rules.Parameter` as JSON.
        default: the value that the release came with, None if it came with none.
        number: of its latest version.
        used_by: keys of published rules and of SOPs.
    """

    parameter: Json
    default: Decimal | None
    number: int
    set_at: datetime
    author: str
    note: str
    used_by: list[str]


class SopHead(Message):
    """One SOP: which segment it serves, and how many of its tasks are open."""

    key: str
    label: str
    segment_key: str | None
    open: int


class SiteName(Message):
    """A site."""

    id: UUID
    code: str
    name: str


class ScanLine(Message):
    """One run of the scan. The counts add up: see `hcrm_central.jobs.scan.ScanReport`."""

    run_id: UUID
    kind: str  # hcrm_central.jobs.runs.RunKind
    scanned_for: date
    started_at: datetime
    finished_at: datetime | None
    expected: int = 0
    seen: int = 0
    changed: int = 0
    quarantined: int = 0
    proposed: int = 0
    created: int = 0
    merged: int = 0
    suppressed: int = 0
    adds_up: bool = True


class Scans(Message):
    """The latest runs, newest first.

    Attributes:
        missed: the business date for which no nightly scan finished though its time has passed, or None.
        waiting: changed customers not yet looked at.
        quarantine: customers set aside, with the reason.
    """

    runs: list[ScanLine]
    missed: date | None
    waiting: int
    quarantine: list["Quarantined"]


class Quarantined(Message):
    """A customer whose rows could not be computed."""

    customer_id: UUID
    name: str
    reason: str
    since: datetime


class Shelf(Message):
    """All rules, parameters and SOPs as they are in force.

    Attributes:
        two_person: whether publishing takes a second person.
        customers: in the group.
        unknown: by fact, the share of customers of whom it is not known, 0 to 1.
        capacity: tasks a person is given a day.
    """

    as_of: datetime
    two_person: bool
    customers: int
    rules: list[RuleHead]
    parameters: list[ParameterLine]
    sops: list[SopHead]
    sites: list[SiteName]
    unknown: dict[str, float]
    capacity: int


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────


class RuleVersionLine(Message):
    """One version of a rule, whole. A draft that was thrown away is retired without ever having been published.

    Attributes:
        author_id: the account that saved or proposed it last, None of the centre itself and of an older centre.
    """

    id: UUID
    number: int
    state: RuleState
    ver: int
    definition: Json
    author: str
    author_id: UUID | None = None
    created_at: datetime
    based_on: int | None
    note: str
    published_at: datetime | None
    published_by: str
    retired_at: datetime | None
    retired_note: str = ""


class RuleHistory(Message):
    """All versions of a rule, newest first."""

    key: str
    versions: list[RuleVersionLine]


class SaveDraftRequest(Message):
    """Keep a draft.

    Attributes:
        definition: the rule.
        ver: of the draft it was made from, None if there was none. Another one at the centre refuses (``stale``).
        based_on: number of the version that was opened, None for a new rule.
    """

    definition: Storable
    ver: int | None
    based_on: int | None


class DraftSaved(Message):
    """The draft as kept."""

    number: int
    ver: int


class PublishRequest(Message):
    """Publish, or with two persons propose, the open draft.

    Attributes:
        ver: of the draft as looked at.
        note: why; kept with the version.
    """

    ver: int
    note: Reason


class PublishResponse(Message):
    """What became of it.

    Attributes:
        state: PUBLISHED, or PROPOSED if somebody else has to agree.
        request_id: of the re-evaluation that began; see `Requested`.
    """

    state: RuleState
    number: int
    request_id: UUID | None


class RejectRequest(Message):
    """Send a proposal back to its author."""

    ver: int
    note: Reason


class RetireRequest(Message):
    """Take a rule out of force: its members leave with the next evaluation."""

    number: int
    note: Reason


class RestoreRequest(Message):
    """Roll back: an earlier version's definition becomes a new version, published or proposed.

    Attributes:
        number: of the earlier version.
        published: number of the version in force as looked at.
    """

    number: int
    published: int | None
    note: Reason


class ParameterRequest(Message):
    """Set a parameter.

    Attributes:
        value: in its unit, within its range.
        number: of the version as looked at.
    """

    value: Decimal
    number: int
    note: Reason


class ScanRequest(Message):
    """Scan everybody now."""


class Requested(Message):
    """A re-evaluation that was asked for, and what came of it."""

    request_id: UUID
    finished_at: datetime | None = None
    entered: int = 0
    left: int = 0
    created: int = 0
    failed: str = ""


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────


class Trial(Message):
    """What a question is asked about: a rule as it stands in the editor. Nothing is written.

    Attributes:
        ask: names the question, so that it can be called off.
        definition: the rule.
        parameters: values tried instead of those in force.
        on: the business date, today's if None.
    """

    ask: UUID
    definition: Storable
    parameters: dict[str, Decimal] = Field(default={}, max_length=200)
    on: date | None = None


class NodeCount(Message):
    """Beside one node of the tree.

    Attributes:
        matching: customers of the group for whom this node holds by itself.
        open: for whom it needs a measurement.
        left: in an "all": how many are left after this part and all before it; elsewhere as `matching`.
    """

    path: Path
    matching: int
    open: int
    left: int


class Counts(Message):
    """The live count. `nodes` in reading order, muted ones left out."""

    customers: int
    matching: int
    open: int
    nodes: list[NodeCount]


class LeafTrial(Trial):
    """A question about one condition with a threshold."""

    path: Path


class Histogram(Message):
    """How the match of the whole rule hangs on one condition's threshold; no further query is needed to move it.

    Attributes:
        always: customers who match whatever the threshold.
        values: of those whom the condition decides: the deciding value of the fact as text (for a both-eyes condition
            the worse or better eye's), ascending, with how many have it.
        never: how many cannot match.
    """

    path: Path
    always: int
    never: int
    values: list[tuple[str, int]]


class SweepRequest(Trial):
    """A parameter tried at several values, e.g. for the curve behind its slider."""

    parameter: str
    values: list[Decimal] = Field(min_length=1, max_length=MOST_THRESHOLDS)


class Sweep(Message):
    """How many match at each value."""

    matching: list[int]


class Mover(Message):
    """A customer who would enter or leave."""

    customer_id: UUID
    name: str
    site: str
    person: str
    enters: bool


class Split(Message):
    """Entering and leaving at one site and person ("" where nobody is assigned)."""

    site: str
    person: str
    enter: int
    leave: int


class Load(Message):
    """What a change means for one person tomorrow."""

    site: str
    person: str
    sop_key: str
    open: int  # tasks due by tomorrow without the change, of all SOPs
    new: int  # that the change would add
    capacity: int


class Diff(Message):
    """Against today's membership. `movers` names at most MOST_MOVERS.

    Attributes:
        shared: by segment that excludes the trial's, how many are in it now whom the trial's lines ask for.
    """

    stay: int
    enter: int
    leave: int
    splits: list[Split]
    movers: list[Mover]
    loads: list[Load]
    shared: dict[str, int] = {}


class Backtest(Message):
    """Had this rule run on each of the last days.

    Attributes:
        days: oldest first.
        entering: customers who begin to match on that day.
        inside: who match on that day.
        came: of those entering, who came within `window_days` without having been called for it.
        sampled: customers computed; counts are scaled up to `customers` where fewer.
    """

    days: list[date]
    entering: list[int]
    inside: list[int]
    came: list[int]
    window_days: int
    sampled: int
    customers: int


class Overlap(Message):
    """How many are in two segments at once; the trial's own segment stands first."""

    segments: list[str]
    labels: list[str]
    both: list[list[int]]


class ParameterTrial(Message):
    """What would a parameter's new value change."""

    ask: UUID
    key: str
    value: Decimal


class RuleEffect(Message):
    """On one rule that uses it."""

    rule_key: str
    label: str
    stay: int
    enter: int
    leave: int


class Replan(Message):
    """On one SOP whose interval or condition it is.

    Attributes:
        moved: customers whose task gets another day, comes or goes; what a stronger SOP takes over is told there.
        due_today: of whom it is then due today.
    """

    sop_key: str
    label: str
    moved: int
    due_today: int


class ParameterEffect(Message):
    """All that would change."""

    rules: list[RuleEffect]
    sops: list[Replan]


# ── explanations ─────────────────────────────────────────────────────────────────────────────────────────


class ExplainRequest(Trial):
    """Why is this customer in, or not."""

    customer_id: UUID


class SourceRow(Message):
    """The record behind a value."""

    kind: str
    row_id: UUID
    on: date | None


class Explained(Message):
    """One node as it was met.

    Attributes:
        path: what a reference asks stands below it; limits that keep the customer out follow at (-1,), (-2,) and so on.
        kind: "all", "any", "not", "rule" or "fact"; of a limit "validity", "sites" or "exclusive".
        verdict: "true", "false" or "unknown".
        evidence: of a condition, one for each eye it asks: `hcrm_core.rules.Evidence` as JSON.
        sources: the records behind them.
        decisive: changing this node alone could change the whole.
        label: of the rule that is referred to or goes before, or the codes of the sites.
    """

    path: Path
    kind: str
    verdict: str
    evidence: list[Json] = []
    sources: list[SourceRow] = []
    decisive: bool = False
    label: str = ""


class Flip(Message):
    """One step of the smallest change that would turn the verdict.

    Attributes:
        fact: name in the catalogue.
        now: the value as text, None if unknown.
        needed: the nearest value that would do, as text; None if any measurement might.
        on: the day on which waiting alone does it, or None.
    """

    path: Path
    fact: str
    now: str | None
    needed: str | None
    on: date | None


class Explanation(Message):
    """One customer against one rule, nodes in reading order.

    Attributes:
        flips: done together, the smallest change that turns the verdict; empty if nothing known would.
        member_since: in the segment since, by `version`; None if he is not.
    """

    customer_id: UUID
    verdict: str
    nodes: list[Explained]
    flips: list[Flip]
    member_since: date | None
    version: int | None


class MembershipLine(Message):
    """A time in a segment, by which version of which rule, with the evidence of that day."""

    segment_key: str
    label: str
    entered_on: date
    left_on: date | None
    rule_key: str
    version: int
    evidence: list[Json]


class Standing(Message):
    """All segments of a customer, present ones first, then the past."""

    lines: list[MembershipLine]
