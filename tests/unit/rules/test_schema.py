"""The published JSON Schema takes the rules that the program takes, and says no where a schema can."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hcrm_central.jobs.defaults import PARAMETERS_FILE, read_defaults
from hcrm_core.rules import Rule, check
from hcrm_core.rules.schema import rule_schema
from hcrm_store.resources import resource
from tests.rule_trees import PARAMETERS, random_world

SCHEMA = rule_schema()
PUBLISHED = Path(__file__).parents[3] / "docs" / "rule.schema.json"
_TYPES: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "null": type(None)}
_TYPES |= {"boolean": bool, "integer": int}


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """JSON Schema, as much of it as ours uses; what says nothing about a value is in `_SILENT`."""
    assert set(schema) <= {*_WORDS, *_SILENT}
    return all(_WORDS[word](value, said, schema) for word, said in schema.items() if word in _WORDS)


def _is_one(value: Any, said: Any) -> bool:
    return type(value) is type(said) and bool(value == said)


def _is_of(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


_SILENT = {"$schema", "$defs", "title", "description", "default", "format"}
_WORDS: dict[str, Callable[[Any, Any, dict[str, Any]], bool]] = {
    "$ref": lambda value, said, _: _fits(value, SCHEMA["$defs"][said.rpartition("/")[2]]),
    "type": lambda value, said, _: _is_of(value, said),
    "enum": lambda value, said, _: any(_is_one(value, one) for one in said),
    "const": lambda value, said, _: _is_one(value, said),
    "anyOf": lambda value, said, _: any(_fits(value, one) for one in said),
    "oneOf": lambda value, said, _: sum(_fits(value, one) for one in said) == 1,
    "allOf": lambda value, said, _: all(_fits(value, one) for one in said),
    "required": lambda value, said, _: not isinstance(value, dict) or set(said) <= set(value),
    "properties": lambda value, said, _: all(_fits(value[n], one) for n, one in said.items() if n in value),
    "additionalProperties": lambda value, said, schema: said or set(value) <= set(schema["properties"]),
    "items": lambda value, said, _: not isinstance(value, list) or all(_fits(one, said) for one in value),
    "minItems": lambda value, said, _: not isinstance(value, list) or len(value) >= said,
    "maxItems": lambda value, said, _: not isinstance(value, list) or len(value) <= said,
    "pattern": lambda value, said, _: not isinstance(value, str) or re.search(said, value) is not None,
    "minLength": lambda value, said, _: not isinstance(value, str) or len(value) >= said,
    "minimum": lambda value, said, _: not _is_of(value, "integer") or value >= said,
    "maximum": lambda value, said, _: not _is_of(value, "integer") or value <= said,
}


def _rule(where: Any) -> dict[str, Any]:
    return {"key": "r", "label": "规则", "segment": {"key": "s", "label": "客群"}, "where": where}


def test_the_published_file_is_the_schema() -> None:
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == SCHEMA, "write it with: hcrm-central rule-schema"


def _default_files() -> list[Path]:
    return [path for path in sorted(resource("rules").glob("*.yaml")) if path.name != PARAMETERS_FILE]


@pytest.mark.parametrize("path", _default_files(), ids=lambda path: str(path.stem))
def test_the_default_rules_fit_as_written_and_as_stored(path: Path) -> None:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert _fits(raw, SCHEMA)
    assert _fits(Rule.model_validate(raw).as_json(), SCHEMA)


def test_sound_random_rules_fit() -> None:
    for seed in range(100):
        raw = random_world(random.Random(seed), leaves=8).rule
        assert _fits(raw, SCHEMA)
        assert _fits(Rule.model_validate(raw).as_json(), SCHEMA)


@pytest.mark.parametrize(
    "condition",
    [
        {"fact": "nonsense", "op": "is_known"},
        {"fact": "sex", "op": "is_known", "eyes": "both"},
        {"fact": "cct_um", "op": "is_known"},
        {"fact": "cct_um_od", "op": "is_known", "eyes": "both"},
        {"fact": "sex", "op": "ge", "value": "male"},
        {"fact": "sex", "op": "eq", "value": "other"},
        {"fact": "sex", "op": "eq"},
        {"fact": "sex", "op": "is_known", "value": "male"},
        {"fact": "sex", "op": "in", "value": []},
        {"fact": "sex", "op": "eq", "parameter": "p"},
        {"fact": "se_od", "op": "between", "value": ["-6.00"]},
        {"fact": "se_od", "op": "ge", "value": "NaN"},
        {"fact": "se_od", "op": "ge", "value": True},
        {"fact": "ever_bought", "op": "eq", "value": 1},
        {"fact": "cct_um_od", "op": "ge", "value": "480"},
        {"fact": "last_exam_on", "op": "eq", "value": "yesterday"},
        {"fact": "last_exam_on", "op": "days_ago_ge", "value": -1},
        {"fact": "last_exam_on", "op": "days_ago_ge", "value": 36_501},
        {"fact": "last_exam_on", "op": "days_ago_ge", "value": 3, "parameter": "p"},
        {"fact": "birth_date", "op": "age_ge", "value": 121},
    ],
)
def test_what_the_check_refuses_the_schema_refuses(condition: dict[str, Any]) -> None:
    rule = Rule.model_validate(_rule(condition))
    assert check(rule.where, parameters=PARAMETERS | read_defaults().parameters) != []
    assert not _fits(_rule(condition), SCHEMA)


@pytest.mark.parametrize(
    "where",
    [{"all": []}, {}, {"nor": []}, {"fact": "sex"}, {"fact": "sex", "op": "is_known", "unknwon": "yes"}, {"rule": 3}],
)
def test_what_is_no_rule_does_not_fit(where: Any) -> None:
    assert not _fits(_rule(where), SCHEMA)
