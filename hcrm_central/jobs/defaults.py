"""The segments, rules, parameters and SOPs a store starts with, from resources/.

Installing is idempotent. A file that changed becomes a new version and retires the old one; what a manager
published is his, and a release does not overwrite it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_core.errors import Problem, Rejected
from hcrm_core.rules import Parameter, Rule, check
from hcrm_core.scripts import Script
from hcrm_core.sop import Sop, check_sop
from hcrm_store.clock import Clock
from hcrm_store.journeys import RuleParameter, RuleVersion, Segment
from hcrm_store.journeys import Sop as SopRow
from hcrm_store.resources import resource

SYSTEM = "system"  # the author of what comes from resources/
PARAMETERS_FILE = "parameters.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Everything resources/ says, checked."""

    parameters: dict[str, Parameter]
    rules: dict[str, Rule]
    sops: dict[str, Sop]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsReport:
    """How many of each are new or changed, and which were kept because a manager set them."""

    parameters: int
    segments: int
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
    parameters = _by_key(Parameter(**one) for one in _read(root / "rules" / PARAMETERS_FILE))
    scripts = _by_key(Script.model_validate(_read(path)) for path in _files(root / "scripts"))
    rules = _by_key(Rule.model_validate(_read(path)) for path in _files(root / "rules"))
    sops = _by_key(_sop(_read(path), scripts) for path in _files(root / "sops"))
    found = Defaults(parameters=parameters, rules=rules, sops=sops)
    problems = [f"{key}: {problem.code} ({problem.field})" for key, problem in _problems(found)]
    if problems:
        raise Rejected("defaults_invalid", "; ".join(problems))
    return found


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
        segments = sum(_put_segment(session, rule) for rule in defaults.rules.values())
        session.flush()
        parameters = sum(_put_parameter(session, one, kept, clock=clock) for one in defaults.parameters.values())
        rules = sum(_put_rule(session, rule, kept, clock=clock) for rule in defaults.rules.values())
        sops = sum(_put_sop(session, sop) for sop in defaults.sops.values())
    return DefaultsReport(parameters=parameters, segments=segments, rules=rules, sops=sops, kept=tuple(kept))


Keyed = TypeVar("Keyed", Parameter, Rule, Script, Sop)


def _by_key(found: Iterator[Keyed]) -> dict[str, Keyed]:
    return {one.key: one for one in found}


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.yaml")) if path.name != PARAMETERS_FILE]


def _read(path: Path) -> Any:  # why Any: YAML is whatever its model makes of it
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _sop(raw: dict[str, Any], scripts: dict[str, Script]) -> Sop:
    """An SOP travels with its script, so that a workstation needs no files of ours to say it."""
    if raw["script"] not in scripts:
        raise Rejected("defaults_invalid", f"{raw['key']}: there is no script {raw['script']}")
    return Sop.model_validate(raw | {"script": scripts[raw["script"]]})


def _problems(defaults: Defaults) -> Iterator[tuple[str, Problem]]:
    segments = {rule.segment.key for rule in defaults.rules.values()}
    for rule in defaults.rules.values():
        yield from ((rule.key, problem) for problem in check(rule.where, parameters=defaults.parameters))
    for sop in defaults.sops.values():
        yield from ((sop.key, problem) for problem in check_sop(sop, parameters=defaults.parameters))
        if sop.segment is not None and sop.segment not in segments:
            yield sop.key, Problem(code="segment_unknown", field="segment")
        if any(key not in defaults.sops for key in sop.replaces):
            yield sop.key, Problem(code="sop_unknown", field="replaces")


def _put_segment(session: Session, rule: Rule) -> bool:
    wanted = rule.segment
    row = session.scalar(select(Segment).where(Segment.key == wanted.key))
    if row is None:
        session.add(Segment(**wanted.model_dump()))
        return True
    return _amend(row, label=wanted.label, tone=wanted.tone, rank=wanted.rank)


def _put_sop(session: Session, sop: Sop) -> bool:
    wanted = {"label": sop.label, "summary": sop.summary, "rank": sop.rank, "definition": sop.as_json()}
    row = session.scalar(select(SopRow).where(SopRow.key == sop.key))
    if row is None:
        session.add(SopRow(key=sop.key, **wanted))
        return True
    return _amend(row, **wanted)


def _put_parameter(session: Session, parameter: Parameter, kept: list[str], *, clock: Clock) -> bool:
    query = select(RuleParameter).where(RuleParameter.key == parameter.key).order_by(RuleParameter.number.desc())
    latest, definition = session.scalar(query.limit(1)), parameter.model_dump(mode="json")
    if latest is not None and (latest.definition == definition or _is_kept(latest.author, parameter.key, kept)):
        return False
    number = 1 if latest is None else latest.number + 1
    session.add(RuleParameter(key=parameter.key, number=number, definition=definition, set_at=clock.now()))
    return True


def _put_rule(session: Session, rule: Rule, kept: list[str], *, clock: Clock) -> bool:
    query = select(RuleVersion).where(RuleVersion.rule_key == rule.key).order_by(RuleVersion.number.desc())
    versions, definition = session.scalars(query).all(), rule.as_json()
    published = next((version for version in versions if version.state == "published"), None)
    if published is not None:
        if published.definition == definition or _is_kept(published.author, rule.key, kept):
            return False
        published.state = "retired"
        session.flush()
    session.add(
        RuleVersion(
            rule_key=rule.key,
            number=versions[0].number + 1 if versions else 1,
            state="published",
            segment_key=rule.segment.key,
            definition=definition,
            published_at=clock.now(),
        )
    )
    return True


def _is_kept(author: str, key: str, kept: list[str]) -> bool:
    if author == SYSTEM:
        return False
    kept.append(key)
    return True


def _amend(row: Segment | SopRow, **wanted: Any) -> bool:
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)
