"""The segments, rules, parameters and SOPs a store starts with, from resources/.

Installing is idempotent. A file that changed becomes a new version and retires the old one; what a manager published,
retired or set is his, and a release does not overwrite it. Meanings are compared and not their JSON: what an older
release wrote may lack keys that have a default now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hcrm_central.jobs.versions import end, in_force, lock_rules, marks_alone, next_number, put_segment, versions_of
from hcrm_central.store.engine import transaction
from hcrm_core.errors import Problem, Rejected
from hcrm_core.rules import Parameter, Rule, check
from hcrm_core.rules.messages import RuleState
from hcrm_core.rules.model import SYSTEM
from hcrm_core.scripts import Script
from hcrm_core.sop import Journey, Sop, check_sop
from hcrm_store.clock import Clock
from hcrm_store.journeys import RuleParameter, RuleVersion
from hcrm_store.journeys import Sop as SopRow
from hcrm_store.resources import resource

PARAMETERS_FILE = "parameters.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Everything resources/ says, checked."""

    parameters: dict[str, Parameter]
    rules: dict[str, Rule]
    sops: dict[str, Sop]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsReport:
    """How many of each are new or changed, and which were kept because a manager decided on them."""

    parameters: int
    rules: int
    sops: int
    kept: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_defaults(root: Path | None = None) -> Defaults:
    """The files below `root`, or the installed resources.

    Raises:
        Rejected: ``defaults_invalid``, with every problem of every file.
    """
    root = root or resource("rules").parent
    parameters = read_parameters(root)
    scripts = _by_key(Script.model_validate(_read(path)) for path in _files(root / "scripts"))
    rules = _by_key(Rule.model_validate(_read(path)) for path in _files(root / "rules"))
    sops = _by_key(sop for path in _files(root / "sops") for sop in _sops(_read(path), scripts))
    found = Defaults(parameters=parameters, rules=rules, sops=sops)
    problems = [f"{key}: {problem.code} ({problem.field})" for key, problem in _problems(found)]
    if problems:
        raise Rejected("defaults_invalid", "; ".join(problems))
    return found


def read_parameters(root: Path | None = None) -> dict[str, Parameter]:
    """The parameters alone, as the release came with them."""
    root = root or resource("rules").parent
    return _by_key(Parameter(**one) for one in _read(root / "rules" / PARAMETERS_FILE))


def install_defaults(engine: Engine, *, clock: Clock, root: Path | None = None) -> DefaultsReport:
    """Bring the store's segments, rules, parameters and SOPs to what resources/ says.

    Args:
        engine: the jobs' engine.
        clock: tells when a version was published.
        root: another resources folder.

    Raises:
        Rejected: ``defaults_invalid``.
    """
    defaults = read_defaults(root)
    kept: list[str] = []
    with transaction(engine) as session:
        # Not while a scan runs, nor beside another installation.
        session.execute(text("SET LOCAL lock_timeout = 0"))
        session.execute(text("SELECT fence FROM scan_lease FOR UPDATE"))
        lock_rules(session)
        parameters = sum(_put_parameter(session, one, kept, clock=clock) for one in defaults.parameters.values())
        rules = sum(_put_rule(session, rule, kept, clock=clock) for rule in defaults.rules.values())
        sops = sum(_put_sop(session, sop) for sop in defaults.sops.values())
    return DefaultsReport(parameters=parameters, rules=rules, sops=sops, kept=tuple(kept))


Keyed = TypeVar("Keyed", Parameter, Rule, Script, Sop)


def _by_key(found: Iterator[Keyed]) -> dict[str, Keyed]:
    return {one.key: one for one in found}


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if path.name != PARAMETERS_FILE]


def _read(path: Path) -> Any:  # why Any: YAML is whatever its model makes of it
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _sops(raw: dict[str, Any], scripts: dict[str, Script]) -> Sequence[Sop]:
    """A file holds one SOP, or a journey of several."""
    if "steps" not in raw:
        return [Sop.model_validate(_scripted(raw, scripts))]
    steps = [_scripted(step, scripts) for step in raw["steps"]]
    return Journey.model_validate(_scripted(raw, scripts) | {"steps": steps}).sops()


def _scripted(raw: dict[str, Any], scripts: dict[str, Script]) -> dict[str, Any]:
    """An SOP travels with its script, so that a workstation needs no files of ours to say it."""
    if "script" not in raw:
        return raw
    if raw["script"] not in scripts:
        raise Rejected("defaults_invalid", f"{raw['key']}: there is no script {raw['script']}")
    return raw | {"script": scripts[raw["script"]]}


def _problems(defaults: Defaults) -> Iterator[tuple[str, Problem]]:
    segments = {rule.segment.key for rule in defaults.rules.values()}
    for rule in defaults.rules.values():
        yield from ((rule.key, problem) for problem in check(rule.where, parameters=defaults.parameters))
    for sop in defaults.sops.values():
        yield from ((sop.key, problem) for problem in check_sop(sop, parameters=defaults.parameters))
        if sop.segment is not None and sop.segment not in segments:
            yield sop.key, Problem(code="segment_unknown", field="segment")
        if any(key not in defaults.sops for key in (*sop.replaces, *([sop.follows] if sop.follows else []))):
            yield sop.key, Problem(code="sop_unknown", field="replaces")


def _put_sop(session: Session, sop: Sop) -> bool:
    row = session.scalar(select(SopRow).where(SopRow.key == sop.key))
    if row is not None and _means(row.definition, sop):
        return False
    wanted = {"label": sop.label, "summary": sop.summary, "rank": sop.rank, "definition": sop.as_json()}
    if row is None:
        session.add(SopRow(key=sop.key, **wanted))
        return True
    for name, value in wanted.items():
        setattr(row, name, value)
    return True


def _put_parameter(session: Session, parameter: Parameter, kept: list[str], *, clock: Clock) -> bool:
    query = select(RuleParameter).where(RuleParameter.key == parameter.key).order_by(RuleParameter.number.desc())
    latest = session.scalar(query.limit(1))
    if latest is not None and _means(latest.definition, parameter):
        return False
    if latest is not None and not _came_with_a_release(latest):
        kept.append(parameter.key)
        return False
    number, definition = latest.number + 1 if latest else 1, parameter.model_dump(mode="json")
    session.add(RuleParameter(key=parameter.key, number=number, definition=definition, set_at=clock.now()))
    return True


def _put_rule(session: Session, rule: Rule, kept: list[str], *, clock: Clock) -> bool:
    versions = versions_of(session, rule.key)
    published, at = in_force(versions), clock.now()
    if published is not None and _means(published.definition, rule):
        return False
    if _is_decided(versions, published) or not marks_alone(session, rule.segment.key, rule_key=rule.key):
        kept.append(rule.key)
        return False
    if published is not None:
        end(published, at=at)
        session.flush()
    put_segment(session, rule.segment)
    version = RuleVersion(
        rule_key=rule.key,
        number=next_number(versions),
        state=RuleState.PUBLISHED.value,
        segment_key=rule.segment.key,
        definition=rule.as_json(),
        created_at=at,
        published_at=at,
    )
    session.add(version)
    session.flush()
    return True


def _is_decided(versions: Sequence[RuleVersion], published: RuleVersion | None) -> bool:
    """Whether a manager published the rule, or took it out of force: a release never does that alone."""
    if published is None:
        return any(one.published_at is not None for one in versions)
    return not _came_with_a_release(published) or published.published_by_id is not None


def _came_with_a_release(row: RuleParameter | RuleVersion) -> bool:
    return row.author == SYSTEM and row.author_id is None


def _means(definition: Any, wanted: BaseModel) -> bool:  # why Any: JSON of any release
    try:
        return type(wanted).model_validate(definition) == wanted
    except ValidationError:
        return False
