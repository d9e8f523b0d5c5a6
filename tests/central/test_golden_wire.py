"""A workstation of the first release talks to today's centre: recorded requests, and answers that it still understands.

Each file of golden/ is one request of that release and the answer its own centre gave. What may be added, may be added;
what was there must be there, with the same type and, where it is not a number of bookkeeping, the same value.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hcrm_core.wire import Json
from tests.central.golden import old_wire
from tests.central.golden.replaying import FREE, Replay
from tests.factories import Clinic

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
READ_AS: dict[str, type[old_wire.Message]] = {
    "/auth/login": old_wire.TokenResponse,
    "/auth/refresh": old_wire.TokenResponse,
    "/sync/hello": old_wire.HelloResponse,
    "/sync/pull": old_wire.PullResponse,
    "/sync/push": old_wire.PushResponse,
    "/overview": old_wire.Overview,
    "/health": old_wire.Health,
}


@pytest.fixture
def replay(centre: httpx.Client, clinic: Clinic) -> Replay:
    return Replay(http=centre, clinic=clinic)


def conversation(replay: Replay) -> Iterator[tuple[str, Json, httpx.Response]]:
    """Every recorded step, and what today's centre answers to it."""
    for path in GOLDEN:
        step = json.loads(path.read_text(encoding="utf-8"))
        yield path.stem, step, replay.ask(step)


def test_every_answer_that_the_first_release_knew_is_still_given(replay: Replay) -> None:
    differences = [
        f"{name}: {difference}"
        for name, step, answer in conversation(replay)
        for difference in _status(step, answer) or lacking(step["answer"], replay.normal(answer))
    ]
    assert differences == []


def test_the_first_release_parses_every_answer_and_what_is_new_does_it_no_harm(replay: Replay) -> None:
    for name, step, answer in conversation(replay):
        if not answer.content:
            continue
        reader = READ_AS[step["path"]] if answer.is_success else old_wire.ErrorBody
        today = reader.model_validate(answer.json())
        assert _without_new_kinds(reader.model_validate(with_news(answer.json()))) == _without_new_kinds(today), name


def test_every_request_of_the_first_release_is_recorded() -> None:
    sent = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDEN]
    kinds = {
        operation["kind"]
        for step in sent
        if step["path"] == "/sync/push"
        for operation in step["request"]["operations"]
        if "kind" in operation
    }
    assert kinds == {kind.value for kind in old_wire.OperationKind}
    statuses = {
        result["status"]
        for step in sent
        if step["path"] == "/sync/push" and step["status"] == 200
        for result in step["answer"]["results"]
    }
    assert statuses == {status.value for status in old_wire.ResultStatus}


def test_the_comparison_sees_what_is_gone_changed_or_of_another_type() -> None:
    golden = {"seq": 7, "rows": [{"kind": "task", "id": "a", "body": {"state": "open", "attempts": 0}}]}
    assert lacking(golden, golden | {"news": 1}) == []
    assert lacking(golden, golden | {"seq": 8}) == []
    assert len(lacking(golden, golden | {"seq": "8"})) == 1
    assert len(lacking(golden, golden | {"rows": []})) == 1
    for body in ({"state": "open"}, {"state": "closed", "attempts": 0}, {"state": "open", "attempts": None}):
        assert len(lacking(golden, golden | {"rows": [{"kind": "task", "id": "a", "body": body}]})) == 1


def _status(step: Json, answer: httpx.Response) -> list[str]:
    return [] if answer.status_code == step["status"] else [f"status {answer.status_code}, was {step['status']}"]


def lacking(golden: Any, today: Any, *, at: str = "") -> list[str]:
    """What today's answer lacks of a recorded one, by the place where it was."""
    name = at.rpartition(".")[2]
    if isinstance(golden, dict) and isinstance(today, dict):
        missing = [f"{at}.{key} is gone" for key in golden.keys() - today.keys()]
        both = golden.keys() & today.keys()
        return missing + [found for key in both for found in lacking(golden[key], today[key], at=f"{at}.{key}")]
    if isinstance(golden, list) and isinstance(today, list):
        return _lacking_of_list(golden, today, at=at)
    if name in FREE or golden == "{instant}":
        return [] if type(golden) is type(today) else [f"{at} is {today!r}, was {golden!r}"]
    return [] if golden == today else [f"{at} is {today!r}, was {golden!r}"]


def _lacking_of_list(golden: list[Any], today: list[Any], *, at: str) -> list[str]:
    """Rows may come in another order and on another page; what has a name is compared by it."""
    key = _key_of(golden)
    if key is None:
        pairs = zip(golden, today, strict=False)
        short = [f"{at} has {len(today)} entries, had {len(golden)}"] if len(today) < len(golden) else []
        return short + [found for one, other in pairs for found in lacking(one, other, at=f"{at}[]")]
    known = {key(one): one for one in today}
    gone = [f"{at}: {key(one)} is gone" for one in golden if key(one) not in known]
    kept = [one for one in golden if key(one) in known]
    return gone + [found for one in kept for found in lacking(one, known[key(one)], at=f"{at}[{key(one)}]")]


def _key_of(rows: list[Any]) -> Callable[[Json], str] | None:
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    if "body" in first:
        return _name_of_row
    return next((lambda row, name=name: str(row[name]) for name in ("stream", "key", "n") if name in first), None)


def _name_of_row(row: Json) -> str:
    """Kind and id; rows whose id no clinic names are told apart by what they hold."""
    body = row["body"]
    known = [body.get(name) for name in ("customer_id", "exam_id", "eye", "code", "key", "visit_on")]
    return f"{row['kind']} {row['id']} {known if row['id'] == '{id}' else ''}"


def with_news(value: Any) -> Any:
    """The answer of a later centre: an unknown field everywhere, and a kind that nobody has heard of."""
    if isinstance(value, list):
        return [with_news(one) for one in value]
    if not isinstance(value, dict):
        return value
    news = {"novelty": {"of": "a later release"}}
    more = {name: one | news if name == "body" else with_news(one) for name, one in value.items()}
    if "tombstones" in more:
        strange = {"kind": "novelty", "id": "00000000-0000-7000-8000-000000000000"}
        more["rows"] = [*more["rows"], {**strange, "ver": 1, "body": {}}]
        more["tombstones"] = [*more["tombstones"], strange]
    return more if "ledger" in value else more | news  # feeds are named by themselves


def _without_new_kinds(message: old_wire.Message) -> Json:
    """As a workstation of that release applies it: kinds that it does not know are passed over."""
    told = message.model_dump(mode="json")
    for page in told.get("pages", []):
        for name in ("rows", "tombstones"):
            page[name] = [_known(row) for row in page[name] if row["kind"] != "novelty"]
    for result in told.get("results", []):
        result["row"] = result["row"] and _known(result["row"])
    return told


def _known(row: Json) -> Json:
    """A row without the columns of a later release; a tombstone as it is."""
    body = {name: value for name, value in row.get("body", {}).items() if name != "novelty"}
    return {**row, "body": body}
