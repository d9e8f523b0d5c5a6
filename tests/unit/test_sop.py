"""SOPs are data: complete, sound, and each triggers on both sides of its days."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hcrm_central.jobs.defaults import read_defaults
from hcrm_core.rules import Surroundings, Verdict, evaluate, lower
from hcrm_core.sop import Journey, Sop, Timing, check_sop, due_on, occurrence_on, timing, windowed

ON = date(2026, 11, 22)
DEFAULTS = read_defaults()
SCRIPT = {"key": "s", "label": "话术", "sentences": [["您好！"]]}
SOUND: dict[str, Any] = {
    "key": "k",
    "label": "标签",
    "summary": "今日 {n} 人",
    "priority": 1,
    "step_key": "call",
    "when": {"fact": "recheck_due_on", "op": "is_known"},
    "anchor": "recheck_due_on",
    "settled_by": ["arrival"],
    "outcomes": ["booked"],
    "script": SCRIPT,
}


@pytest.mark.parametrize("sop", DEFAULTS.sops.values(), ids=lambda sop: str(sop.key))
def test_an_sop_survives_json_with_its_script(sop: Sop) -> None:
    again = Sop.model_validate(json.loads(json.dumps(sop.as_json())))
    assert again == sop
    assert again.script.sentences


def test_the_day_is_summed_up_in_the_words_that_were_asked_for() -> None:
    assert DEFAULTS.sops["lens_replacement"].summary.format(n=10) == "今日需提醒换片 10 人"
    assert DEFAULTS.sops["recheck_overdue"].summary.format(n=5) == "今日需回访超期复查 5 人"


def test_an_sop_that_would_call_everybody_is_refused() -> None:
    with pytest.raises(ValidationError, match="everybody"):
        Sop.model_validate(SOUND | {"when": None})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"anchor": "product"}, "anchor_unsuitable"),
        ({"anchor": "nonsense"}, "anchor_unsuitable"),
        ({"summary": "今日"}, "summary_without_count"),
        ({"when": {"fact": "nonsense", "op": "is_known"}}, "fact_unknown"),
    ],
)
def test_a_problem_of_an_sop_is_told(change: dict[str, Any], code: str) -> None:
    assert check_sop(Sop.model_validate(SOUND), parameters={}) == []
    assert [one.code for one in check_sop(Sop.model_validate(SOUND | change), parameters={})] == [code]


def test_no_task_is_born_overdue() -> None:
    sop = Sop.model_validate(SOUND | {"due_after": 7})
    when = timing(sop, parameters={})
    assert due_on(when, anchor_on=ON, today=ON) == ON + timedelta(days=7)
    assert due_on(when, anchor_on=ON - timedelta(days=90), today=ON) == ON


def _triggers(key: str, **row: date | str) -> bool:
    sop = DEFAULTS.sops[key]
    when = windowed(sop, timing(sop, parameters=DEFAULTS.parameters))
    assert when is not None
    return evaluate(lower(when, within=Surroundings(parameters=DEFAULTS.parameters, on=ON)), row) is Verdict.MATCH


@pytest.mark.parametrize(
    ("days_ago", "reminded", "called"),
    [(-4, False, False), (-3, True, False), (0, True, False), (6, True, False), (7, False, True), (90, False, True)],
)
def test_a_recheck_is_reminded_before_and_called_after_a_week(days_ago: int, *, reminded: bool, called: bool) -> None:
    due = ON - timedelta(days=days_ago)
    assert _triggers("recheck_due", recheck_due_on=due) is reminded
    assert _triggers("recheck_overdue", recheck_due_on=due) is called


@pytest.mark.parametrize(("days", "told"), [(364, False), (365, True), (479, True), (480, False)])
def test_a_replacement_is_announced_from_day_365_until_it_is_reminded(days: int, *, told: bool) -> None:
    assert _triggers("lens_first_alert", oldest_ok_lens_on=ON - timedelta(days=days)) is told


@pytest.mark.parametrize(("days", "told"), [(176, False), (177, True), (180, True), (270, True), (271, False)])
@pytest.mark.parametrize(("key", "product"), [("single_vision", "single_vision"), ("functional", "functional")])
def test_frames_are_seen_half_a_year_after_the_last_visit(key: str, product: str, days: int, *, told: bool) -> None:
    row: dict[str, date | str] = {"product": product, "last_arrival_on": ON - timedelta(days=days)}
    assert _triggers(f"frame_care_{key}", **row) is told
    assert not _triggers(f"frame_care_{key}", **(row | {"recheck_due_on": ON}))


@pytest.mark.parametrize(("days", "reminded"), [(479, False), (480, True), (549, True), (550, True), (551, False)])
def test_a_replacement_is_reminded_from_day_480_until_the_limit(days: int, *, reminded: bool) -> None:
    assert _triggers("lens_replacement", oldest_ok_lens_on=ON - timedelta(days=days)) is reminded


@pytest.mark.parametrize(
    ("days", "step"),
    [
        *[(0, None), (1, "day1"), (3, "day1"), (4, None)],
        *[(6, "week1"), (14, "week1"), (15, None)],
        *[(26, None), (27, "month1"), (45, "month1"), (46, None)],
    ],
)
def test_new_ok_wearers_are_asked_after_a_night_a_week_and_a_month(days: int, step: str | None) -> None:
    row: dict[str, date | str] = {"product": "ok_lens", "wear_start_on": ON - timedelta(days=days)}
    assert [one for one in ("day1", "week1", "month1") if _triggers(f"ok_care_{one}", **row)] == (
        [step] if step else []
    )
    assert not any(_triggers(f"ok_care_{one}", **(row | {"product": "functional"})) for one in ("day1", "week1"))


# ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────

QUARTERLY = Timing(due_after=90, lead=3, lasts=None, every=90)


@pytest.mark.parametrize(
    ("days", "occurrence"), [(0, None), (86, None), (87, 90), (90, 90), (176, 90), (177, 180), (180, 180), (900, 900)]
)
def test_a_step_that_returns_stands_at_its_present_occurrence(days: int, occurrence: int | None) -> None:
    anchor = ON - timedelta(days=days)
    found = occurrence_on(QUARTERLY, anchor_on=anchor, today=ON)
    assert found == (None if occurrence is None else anchor + timedelta(days=occurrence))


def test_an_occurrence_is_due_on_its_day_and_a_past_one_today() -> None:
    ahead, past = ON + timedelta(days=3), ON - timedelta(days=3)
    assert due_on(QUARTERLY, anchor_on=ahead, today=ON) == ahead
    assert due_on(QUARTERLY, anchor_on=past, today=ON) == ON


def test_a_journey_is_written_out_as_the_sops_of_its_steps() -> None:
    shared = {name: SOUND[name] for name in ("anchor", "settled_by", "outcomes", "script")}
    steps = [
        {"key": "first", "label": "一", "summary": "{n}", "priority": 1, "due_after": 7},
        {"key": "last", "label": "二", "summary": "{n}", "priority": 2, "follows": "j_first", "owner": "manager"},
    ]
    first, last = Journey.model_validate(
        shared | {"key": "j", "label": "旅程", "when": SOUND["when"], "steps": steps}
    ).sops()
    assert (first.key, first.step_key, first.journey, first.owner) == ("j_first", "first", "j", "assistant")
    assert (last.key, last.follows, last.owner) == ("j_last", "j_first", "manager")
    assert first.when == last.when == Sop.model_validate(SOUND).when


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"due_after": "nowhere"}, "interval_unsuitable"),
        ({"due_after": "ok_age"}, "interval_unsuitable"),
        ({"every": 0}, "interval_unsuitable"),
        ({"lasts": -1}, "interval_unsuitable"),
        ({"lead": 3651}, "interval_unsuitable"),
        ({"owner": "executive"}, "owner_missing"),
    ],
)
def test_an_interval_is_days_or_a_parameter_in_days(change: dict[str, Any], code: str) -> None:
    found = check_sop(Sop.model_validate(SOUND | change), parameters=DEFAULTS.parameters)
    assert [one.code for one in found] == [code]


def test_every_parameter_of_an_interval_is_there_and_every_journey_has_its_source() -> None:
    for sop in DEFAULTS.sops.values():
        assert timing(sop, parameters=DEFAULTS.parameters)
        assert not sop.journey or sop.citation
