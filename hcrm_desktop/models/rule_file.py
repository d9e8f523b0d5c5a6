"""A rule as a file that managers carry from centre to centre: its JSON, as docs/rule.schema.json describes it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any  # why Any: JSON that is not known to be a rule yet

from pydantic import TypeAdapter, ValidationError

from hcrm_core.errors import StoreUnusable
from hcrm_core.facts.catalogue import CATALOGUE, PER_EYE
from hcrm_core.rules import Rule, Surroundings
from hcrm_core.rules.messages import Key
from hcrm_core.rules.model import Condition, Reference, nodes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LARGEST = 1_000_000  # bytes, operational: the largest tree that is allowed takes a tenth
MOST_MISTAKES = 5  # operational: told at once
MOST_ERRORS = 100  # operational: looked through for them
_KEY: TypeAdapter[str] = TypeAdapter(Key)
_TAGS = ("all", "any", "not", "rule", "fact")
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Why a file is no rule.

    Attributes:
        code: of the file ``not_json``, ``too_large`` or ``unreadable``; of a place in it ``missing``, ``superfluous``,
            ``unsuitable`` or ``oversized``.
        place: in the rule, e.g. ``("where", "all", 1, "op")``; of what is no JSON the line and the column.
    """

    code: str
    place: Place = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What was found in a file.

    Attributes:
        rule: None if there are mistakes.
        mistakes: the first of them.
        strange: what this centre does not have: names of facts, keys of parameters and of rules, codes of sites.
    """

    rule: Rule | None = None
    mistakes: Sequence[Mistake] = ()
    strange: Sequence[str] = ()


def write_rule(_: "Session", *, path: Path, rule: Rule) -> Path:
    """Write a rule; the file appears whole or not at all.

    Raises:
        StoreUnusable: the file cannot be written there.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_text(json.dumps(rule.as_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise StoreUnusable(
            f"the file cannot be written ({type(error).__name__})", remedy="choose another folder"
        ) from None
    return path


def read_rule(_: "Session", *, path: Path, within: Surroundings) -> Incoming:
    """Read a rule, or find out why there is none."""
    try:
        if path.stat().st_size > LARGEST:
            return _wrong("too_large")
        return understood(path.read_text(encoding="utf-8-sig"), within=within)
    except (OSError, UnicodeDecodeError):
        return _wrong("unreadable")


def understood(text: str, *, within: Surroundings) -> Incoming:
    """A text as a rule, or why it is none."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        return _wrong("not_json", error.lineno, error.colno)
    except (RecursionError, ValueError):  # nested, or a number, beyond reading
        return _wrong("oversized")
    try:
        rule = Rule.model_validate(raw)
    except ValidationError as error:
        return Incoming(mistakes=list(_mistakes(error))[:MOST_MISTAKES])
    odd = [place for place, key in ((("key",), rule.key), (("segment", "key"), rule.segment.key)) if not _is_key(key)]
    if odd:
        return Incoming(mistakes=[Mistake(code="unsuitable", place=place) for place in odd])
    return Incoming(rule=rule, strange=sorted(set(_strange(rule, within=within))))


def _wrong(code: str, *place: int) -> Incoming:
    return Incoming(mistakes=[Mistake(code=code, place=place)])


def _is_key(key: str) -> bool:
    try:
        return bool(_KEY.validate_python(key))
    except ValidationError:
        return False


def _mistakes(error: ValidationError) -> Iterator[Mistake]:
    """Each place once (a value that may be of several kinds is told for each), and no group for what is in it."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
    codes = {_place(one["loc"]): _CODES.get(one["type"], "unsuitable") for one in reversed(found)}
    for place, code in reversed(codes.items()):
        if not any(other[: len(place)] == place and other != place for other in codes):
            yield Mistake(code=code, place=place)


_CODES = {"missing": "missing", "extra_forbidden": "superfluous", "value_error": "oversized"}


def _place(loc: Sequence[Any]) -> Place:
    """Where in the file: without the names of the kinds of line, and no deeper than a value."""
    place: list[str | int] = []
    of_a_line = False
    for part in loc:
        if of_a_line and part in _TAGS:
            of_a_line = False
            continue
        place.append(part)
        if part == "value":
            break
        of_a_line = part in ("where", "not") or isinstance(part, int)
    return tuple(place)


def _strange(rule: Rule, *, within: Surroundings) -> Iterator[str]:
    for _, node in nodes(rule.where):
        if isinstance(node, Condition):
            if node.fact not in (CATALOGUE if node.eyes is None else PER_EYE):
                yield node.fact
            if node.parameter is not None and node.parameter not in within.parameters:
                yield node.parameter
        elif isinstance(node, Reference) and node.rule not in within.rules:
            yield node.rule
    yield from (code for code in rule.sites if code not in within.sites)


# ── a rule of one's own ──────────────────────────────────────────────────────────────────────────────────


def duplicate(rule: Rule, *, taken: Sequence[str], ending: str) -> Rule:
    """The same rule under a key and a segment of its own.

    Args:
        taken: keys of rules and segments there are.
        ending: what follows the names, e.g. ``" 副本"``.
    """
    stem = f"{rule.key[:48]}_copy"
    key = next(name for n in range(1, len(taken) + 2) if (name := stem if n == 1 else f"{stem}_{n}") not in taken)
    segment = rule.segment.model_copy(update={"key": key, "label": rule.segment.label + ending})
    return rule.model_copy(update={"key": key, "label": rule.label + ending, "requirement": "", "segment": segment})
