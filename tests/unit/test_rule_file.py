"""A rule in a file: what comes out goes in again, and what is wrong is named with its place."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hcrm_core.errors import StoreUnusable
from hcrm_core.rules import Rule, Surroundings
from hcrm_desktop.models.rule_file import LARGEST, Incoming, Mistake, duplicate, read_rule, understood, write_rule
from tests.gui.rules.conftest import default_rules, parameters

WITHIN = Surroundings(parameters=parameters(), on=date(2026, 11, 22), rules=default_rules())
NOBODY: Any = None  # the session of a reader, which the file does not need
Spoil = Callable[[dict[str, Any]], object]


def read(path: Path) -> Incoming:
    return read_rule(NOBODY, path=path, within=WITHIN)


def spoiled(spoil: Spoil) -> Incoming:
    raw = default_rules()["upsell_ok"].as_json()
    spoil(raw)
    return understood(json.dumps(raw), within=WITHIN)


@pytest.mark.parametrize("rule", default_rules().values(), ids=default_rules().keys())
def test_every_rule_that_ships_comes_back_from_its_file(tmp_path: Path, rule: Rule) -> None:
    found = read(write_rule(NOBODY, path=tmp_path / "r.json", rule=rule))
    assert (found.rule, list(found.mistakes), list(found.strange)) == (rule, [], [])
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


def test_what_is_a_rule_to_the_published_schema_is_read(tmp_path: Path) -> None:
    """A byte order mark of another program is no mistake."""
    path = tmp_path / "r.json"
    path.write_text(json.dumps(default_rules()["upsell_ok"].as_json()), encoding="utf-8-sig")
    assert read(path).rule == default_rules()["upsell_ok"]


@pytest.mark.parametrize(
    ("spoil", "mistake"),
    [
        (lambda raw: raw.pop("segment"), Mistake(code="missing", place=("segment",))),
        (lambda raw: raw.update(colour="red"), Mistake(code="superfluous", place=("colour",))),
        (lambda raw: raw.update(key="Ünique"), Mistake(code="unsuitable", place=("key",))),
        (lambda raw: raw["segment"].update(key="1"), Mistake(code="unsuitable", place=("segment", "key"))),
        (lambda raw: raw.update(where=7), Mistake(code="unsuitable", place=("where",))),
        (lambda raw: raw.update(where={"all": 5}), Mistake(code="unsuitable", place=("where", "all"))),
        (lambda raw: raw["where"]["all"][1].pop("op"), Mistake(code="missing", place=("where", "all", 1, "op"))),
        (
            lambda raw: raw.update(where={"any": [{"not": {"fact": "se_od", "op": "lt", "value": 0.5}}]}),
            Mistake(code="unsuitable", place=("where", "any", 0, "not", "value")),
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(spoil: Spoil, mistake: Mistake) -> None:
    found = spoiled(spoil)
    assert found.rule is None
    assert list(found.mistakes) == [mistake]


def test_what_is_no_json_is_named_with_line_and_column() -> None:
    assert list(understood('{\n  "key": x}', within=WITHIN).mistakes) == [Mistake(code="not_json", place=(2, 10))]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"key": ' + "1" * 5_000 + "}"])
def test_what_nobody_can_read_is_refused_and_not_tried(text: str) -> None:
    assert [one.code for one in understood(text, within=WITHIN).mistakes] == ["oversized"]


def test_a_tree_that_is_too_deep_is_refused() -> None:
    def deepen(raw: dict[str, Any]) -> None:
        for _ in range(8):
            raw["where"] = {"not": raw["where"]}

    assert list(spoiled(deepen).mistakes) == [Mistake(code="oversized")]


@pytest.mark.parametrize(("size", "code"), [(LARGEST, "not_json"), (LARGEST + 1, "too_large")])
def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, size: int, code: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"x" * size)
    assert [one.code for one in read(path).mistakes] == [code]


def test_what_is_no_text_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert [one.code for one in read(path).mistakes] == ["unreadable"]
    assert [one.code for one in read(tmp_path / "gone.json").mistakes] == ["unreadable"]


def test_what_this_centre_does_not_have_is_listed() -> None:
    def strange(raw: dict[str, Any]) -> None:
        raw["sites"] = ["moon"]
        raw["where"] = {
            "all": [
                {"fact": "shoe_size", "op": "eq", "value": 43},
                {"fact": "se", "op": "is_known"},  # of which eye
                {"fact": "replacement", "op": "days_ago_gt", "parameter": "full_moon"},
                {"rule": "nobody"},
                {"rule": "ok_lens"},
            ]
        }

    found = spoiled(strange)
    assert found.rule is not None
    assert list(found.strange) == ["full_moon", "moon", "nobody", "replacement", "se", "shoe_size"]


def test_a_place_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "r.json").mkdir()
    with pytest.raises(StoreUnusable):
        write_rule(NOBODY, path=tmp_path / "r.json", rule=default_rules()["upsell_ok"])
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


def test_a_copy_has_a_key_and_a_segment_of_its_own() -> None:
    rule = default_rules()["upsell_ok"]
    copy = duplicate(rule, taken=["upsell_ok", "upsell_ok_copy"], ending=" 副本")
    assert (copy.key, copy.segment.key) == ("upsell_ok_copy_2", "upsell_ok_copy_2")
    assert (copy.label, copy.segment.label) == ("拟转角塑 副本", f"{rule.segment.label} 副本")
    assert copy.where == rule.where


def test_the_key_of_a_copy_is_never_too_long() -> None:
    rule = default_rules()["upsell_ok"].model_copy(update={"key": "a" * 60})
    copy = duplicate(rule, taken=[f"{'a' * 48}_copy"], ending="")
    assert len(copy.key) <= 60
    assert understood(json.dumps(copy.as_json()), within=WITHIN).rule == copy
