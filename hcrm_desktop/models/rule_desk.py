"""What the rule pages ask the centre, and what a rule is read with at the desk. On line only; the last answer stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import ValidationError

from hcrm_core.errors import Rejected
from hcrm_core.rules import Parameter, Rule, Surroundings
from hcrm_core.rules.linting import Finding, Statistics, lint
from hcrm_core.rules.messages import (
    Counts,
    Diff,
    DraftSaved,
    Load,
    RuleHead,
    RuleState,
    RuleVersionLine,
    SaveDraftRequest,
    Shelf,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from hcrm_core.wire import Json
    from hcrm_desktop.sync.client import CentreClient

Headers = dict[str, str]
Known = Mapping[tuple[str, int], Rule]  # published rules already read, by key and number


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """All that stands around the rule being edited, as the centre last told.

    Attributes:
        shelf: rules, parameters, sites and figures.
        parameters: in force, by key.
        rules: published ones that this release can read, by key.
    """

    shelf: Shelf
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, Rule]

    @property
    def labels(self) -> dict[str, str]:
        """Names of rules by key."""
        return {head.key: head.label for head in self.shelf.rules}

    def head(self, key: str) -> RuleHead | None:
        return next((head for head in self.shelf.rules if head.key == key), None)

    def within(self, on: date) -> Surroundings:
        """What a rule is read with on a business date."""
        sites = {site.code: site.id for site in self.shelf.sites}
        return Surroundings(parameters=self.parameters, on=on, rules=self.rules, sites=sites)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRule:
    """One version as it was opened.

    Attributes:
        rule: as it stands there.
        number: of the version.
        state: of the version.
        ver: of the open draft, None if there is none: what a save has to name.
        based_on: the published version that a save will name as its origin.
        author: who saved or proposed it last, and by which account.
        note: why it was proposed, or why it was sent back.
    """

    rule: Rule
    number: int | None = None
    state: RuleState = RuleState.DRAFT
    ver: int | None = None
    based_on: int | None = None
    author: str = ""
    author_id: UUID | None = None
    note: str = ""


def ask_workshop(client: "CentreClient", headers: Headers, *, known: Known) -> Workshop:
    """The shelf, and the published rules that were not read before. Runs beside the conversation."""
    shelf = client.shelf(headers=headers)
    parameters = [Parameter.model_validate(line.parameter) for line in shelf.parameters]
    rules: dict[str, Rule] = {}
    for head in shelf.rules:
        if head.published is not None:
            found = known.get((head.key, head.published)) or _published(client, headers, head)
            rules |= {} if found is None else {head.key: found}
    return Workshop(shelf=shelf, parameters={one.key: one for one in parameters}, rules=rules)


def known_of(workshop: Workshop | None) -> Known:
    """What need not be read again."""
    if workshop is None:
        return {}
    heads = (head for head in workshop.shelf.rules if head.published is not None and head.key in workshop.rules)
    return {(head.key, head.published): workshop.rules[head.key] for head in heads if head.published is not None}


def ask_rule(client: "CentreClient", headers: Headers, *, key: str) -> OpenedRule:
    """The open draft or proposal of a rule, or else the version in force, or else the last one.

    Raises:
        Rejected: ``rule_unreadable``: a later release wrote it.
    """
    versions = client.rule_history(key, headers=headers).versions
    order = (RuleState.DRAFT, RuleState.PROPOSED, RuleState.PUBLISHED, RuleState.RETIRED)
    line = min(versions, key=lambda one: (order.index(one.state), -one.number))
    return opened(line, published=_in_force(versions))


def opened(line: RuleVersionLine, *, published: int | None) -> OpenedRule:
    """A version for the editor.

    Raises:
        Rejected: ``rule_unreadable``.
    """
    unpublished = line.state in (RuleState.DRAFT, RuleState.PROPOSED)
    rule = _read(line)
    if rule is None:
        raise Rejected("rule_unreadable", "a later release wrote this rule")
    return OpenedRule(
        rule=rule,
        number=line.number,
        state=line.state,
        ver=line.ver if unpublished else None,
        based_on=line.based_on if unpublished else published,
        author=line.author,
        author_id=line.author_id,
        note=line.note,
    )


def keep_draft(
    client: "CentreClient", headers: Headers, *, rule: Rule, ver: int | None, based_on: int | None
) -> DraftSaved:
    """Keep a draft at the centre."""
    request = SaveDraftRequest(definition=rule.as_json(), ver=ver, based_on=based_on)
    return client.save_draft(rule.key, request, headers=headers)


def find_odd(
    _: "Session", *, rule: Rule, within: Surroundings, statistics: Statistics | None
) -> tuple[Rule, list[Finding]]:
    """What the linter says of a rule. Runs beside the screen; the files are not read."""
    return rule, lint(rule, within=within, statistics=statistics)


def statistics_of(workshop: Workshop, counts: Counts | None, difference: Diff | None) -> Statistics:
    """What the centre told in numbers."""
    return Statistics(
        customers=workshop.shelf.customers if counts is None else counts.customers,
        unknown=workshop.shelf.unknown,
        matching=None if counts is None else counts.matching,
        open=None if counts is None else counts.open,
        shared={} if difference is None else difference.shared,
        most_tasks={} if difference is None else _most_tasks(difference.loads),
        capacity=workshop.shelf.capacity,
    )


def _most_tasks(loads: Sequence[Load]) -> dict[str, int]:
    """By site and person, by site where nobody is assigned: what is due anyway, and what all SOPs would add."""
    found: dict[str, int] = {}
    for load in loads:
        name = f"{load.site} {load.person}".rstrip()
        found[name] = found.get(name, load.open) + load.new
    return found


# ── the copy on this computer ────────────────────────────────────────────────────────────────────────────


def copy_key(key: str) -> str:
    """Under which name the outbox keeps unsaved edits of a rule, encrypted."""
    return f"rule:{key}"


def copy_of(rule: Rule, *, ver: int | None) -> "Json":
    return {"rule": rule.as_json(), "ver": ver}


def rule_in(copy: "Json | None") -> Rule | None:
    """The rule in a copy; None if there is none, or a later release kept it."""
    try:
        return None if copy is None else Rule.model_validate(copy["rule"])
    except (ValidationError, KeyError):
        return None


def _in_force(versions: list[RuleVersionLine]) -> int | None:
    return next((one.number for one in versions if one.state is RuleState.PUBLISHED), None)


def _published(client: "CentreClient", headers: Headers, head: RuleHead) -> Rule | None:
    versions = client.rule_history(head.key, headers=headers).versions
    line = next((one for one in versions if one.number == head.published), None)
    return None if line is None else _read(line)


def _read(line: RuleVersionLine) -> Rule | None:
    try:
        return Rule.model_validate(line.definition)
    except ValidationError:  # of a later release
        return None
