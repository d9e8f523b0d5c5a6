"""Rules as data: a tree of all / any / not over typed conditions, with named parameters.

A rule is JSON. It never changes once published: a change is a new version (hcrm_store.journeys.RuleVersion).
"""

import itertools
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, StrictInt, StrictStr, Tag, model_validator

MAX_DEPTH = 8
MAX_NODES = 200
MAX_CASES, MAX_CASE_FACTS = 50, 100
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2150, 1, 1)  # on which a rule is read: keeps inside the calendar

Scalar = StrictBool | StrictInt | StrictStr  # no floats: decimals are written as text, "0.50"

SYSTEM = "system"  # the author of what comes with the product


class Operator(StrEnum):
    """How a fact is compared. Relative days count back from the business date; both ends of `between` belong."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    BETWEEN = "between"
    IN = "in"
    IS_KNOWN = "is_known"
    IS_UNKNOWN = "is_unknown"
    DAYS_AGO_GT = "days_ago_gt"  # more than N days ago
    DAYS_AGO_GE = "days_ago_ge"
    DAYS_AGO_LE = "days_ago_le"  # at most N days ago, or in the future
    DAYS_AGO_LT = "days_ago_lt"
    MONTHS_AGO_GE = "months_ago_ge"  # N calendar months have passed
    MONTHS_AGO_LT = "months_ago_lt"
    IN_DAYS_LE = "in_days_le"  # at most N days ahead, or past
    IN_DAYS_GT = "in_days_gt"
    AGE_GE = "age_ge"  # has had the Nth birthday
    AGE_LT = "age_lt"


NO_OPERAND = frozenset({Operator.IS_KNOWN, Operator.IS_UNKNOWN})


class Unknown(StrEnum):
    """What a condition counts as when its fact is unknown."""

    NO = "no"
    YES = "yes"
    NEEDS_MEASUREMENT = "needs_measurement"  # neither: the verdict stays open unless the rest decides it


class Eyes(StrEnum):
    """For a per-eye fact named without its eye."""

    EITHER = "either"
    BOTH = "both"


class StrictModel(BaseModel):
    """Base of what is kept as data: immutable, and an unknown field is a slip that must be told."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Condition(StrictModel):
    """One comparison.

    Attributes:
        fact: a name of the catalogue; with `eyes`, a per-eye name without ``_od`` / ``_os``.
        op: the comparison.
        value: in the fact's unit; days, months or years for relative operators; a list for between and in.
        parameter: a named parameter instead of a value.
        eyes: whether either or both eyes must meet it.
        unknown: what an unknown fact counts as; with `eyes`, decided for each eye.
        citation: the source of the number, where it is clinical and not a parameter's.
        muted: left out, as if it were not there; so of every node.
    """

    fact: str
    op: Operator
    value: Scalar | tuple[Scalar, ...] | None = None
    parameter: str | None = None
    eyes: Eyes | None = None
    unknown: Unknown = Unknown.NO
    citation: str = ""
    muted: bool = False


class Reference(StrictModel):
    """What the published version of another rule asks, by that rule's key."""

    rule: str
    muted: bool = False


class AllOf(StrictModel):
    """All of the parts must hold."""

    every: tuple["Node", ...] = Field(alias="all", min_length=1)
    muted: bool = False


class AnyOf(StrictModel):
    """One of the parts must hold."""

    some: tuple["Node", ...] = Field(alias="any", min_length=1)
    muted: bool = False


class NotOf(StrictModel):
    """The part must not hold."""

    negated: "Node" = Field(alias="not")
    muted: bool = False


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((name for name in ("all", "any", "not", "rule", "fact") if name in value), None)
    tags: tuple[tuple[type[StrictModel], str], ...] = (
        (AllOf, "all"),
        (AnyOf, "any"),
        (NotOf, "not"),
        (Reference, "rule"),
        (Condition, "fact"),
    )
    return next((tag for model, tag in tags if isinstance(value, model)), None)


Node = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotOf, Tag("not")]
    | Annotated[Reference, Tag("rule")]
    | Annotated[Condition, Tag("fact")],
    Discriminator(_tag),
]


class SegmentSpec(StrictModel):
    """The segment a rule marks: how it is called and shown."""

    key: str
    label: str
    tone: Literal["neutral", "info", "good", "warn", "act"] = "neutral"
    rank: int = 100


class Said(StrEnum):
    """What a tree says of a customer."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"  # it needs a measurement


class Case(StrictModel):
    """A customer, real or made up, of whom it is known what a rule should say. Never a name or a phone of anybody.

    Attributes:
        name: what it is an example of.
        on: the business date on which it is read.
        facts: values by name, written as in conditions; what is not there is unknown.
        expected: what the rule's lines should say.
    """

    name: str = Field(min_length=1, max_length=80)
    on: date = Field(ge=FIRST_DAY, le=LAST_DAY)
    facts: dict[str, Scalar] = Field(default={}, max_length=MAX_CASE_FACTS)
    expected: Said


class Rule(StrictModel):
    """A rule: who belongs to a segment.

    Attributes:
        key: its name through all versions.
        label: 中文.
        requirement: the line it answers, e.g. ``"R4.1d"``.
        segment: what it marks.
        citation: where it comes from.
        where: the tree.
        sites: codes of the sites it holds for; none: the whole group.
        valid_from: the first business date on which anybody matches, or None.
        valid_until: the last one, or None.
        exclusive: name of a set of segments of which a customer is in one at a time, or "".
        priority: within `exclusive`, the smaller number takes the customer.
        cases: what it should say of whom; none of them has a part in what it says.
    """

    key: str
    label: str
    requirement: str = ""
    segment: SegmentSpec
    citation: str = ""
    where: Node
    sites: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    exclusive: str = ""
    priority: int = 100
    cases: tuple[Case, ...] = Field(default=(), max_length=MAX_CASES)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, raw: Any) -> Any:
        if isinstance(raw, dict):
            refuse_oversized(raw.get("where"))
        return raw

    def as_json(self) -> dict[str, Any]:
        """The rule as stored, defaults written out, so that a published version keeps its meaning.

        Without cases it is as releases wrote it that knew none, and as they can read it.
        """
        return self.model_dump(mode="json", by_alias=True, exclude=None if self.cases else {"cases"})


class Parameter(StrictModel):
    """A named number that rules refer to.

    Attributes:
        value: within `minimum` and `maximum`, in `unit`. 1 度 = 0.01 D.
        citation: its clinical source, or that it is an operational default.
    """

    key: str
    label: str
    unit: Literal["天", "个月", "岁", "度", "D", "mm", "µm", "个", "D/年", "mm/年"]
    value: Decimal
    minimum: Decimal
    maximum: Decimal
    citation: str

    @model_validator(mode="after")
    def _in_range(self) -> "Parameter":
        if not self.minimum <= self.value <= self.maximum:
            raise ValueError(f"{self.key}: {self.value} is outside {self.minimum} to {self.maximum} {self.unit}")
        return self


def conditions(node: Node) -> Iterator[Condition]:
    """All conditions of a tree, in reading order."""
    if isinstance(node, Condition):
        yield node
    for child in children(node):
        yield from conditions(child)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node; none below a condition or a reference."""
    if isinstance(node, NotOf):
        return (node.negated,)
    if isinstance(node, AllOf):
        return node.every
    return node.some if isinstance(node, AnyOf) else ()


Path = tuple[int, ...]  # from the root: which child of each group; the part of a "not" is its child 0


def nodes(node: Node, *, at: Path = ()) -> Iterator[tuple[Path, Node]]:
    """A tree's nodes with their paths, each before what is below it."""
    yield at, node
    for number, child in enumerate(children(node)):
        yield from nodes(child, at=(*at, number))


def refuse_oversized(raw: Any) -> None:
    """Refuse a tree that no person could read, before anything recurses into it.

    Raises:
        ValueError: above 8 levels or 200 nodes.
    """
    waiting, nodes = [(raw, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ValueError(f"a rule may have {MAX_DEPTH} levels and {MAX_NODES} nodes")
        if isinstance(node, dict):
            parts = [part for name in ("all", "any") if isinstance(part := node.get(name), list | tuple)]
            below = [*itertools.chain.from_iterable(parts), *([node["not"]] if "not" in node else ())]
            waiting += [(child, depth + 1) for child in below]


AllOf.model_rebuild()
AnyOf.model_rebuild()
NotOf.model_rebuild()
Rule.model_rebuild()
