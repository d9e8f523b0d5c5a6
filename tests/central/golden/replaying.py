"""Replays recorded requests against a centre, and puts answers into a form that two runs can be compared by.

Ids of the clinic stand under their names ("{clinic.mine.task_id}"). What differs from run to run stands as "{…}": other
ids, tokens, instants of the database. Numbers of streams and hashes of columns may change; their types may not.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from hcrm_core.wire import Json
from tests.factories import Clinic

# Values that another release may give otherwise: only the type is a promise.
FREE = frozenset(
    {"profile", "seq", "head", "fresh_to", "message", "remedy", "incident", "schema_revision", "schema_expected"}
)
_AT_RANDOM = {"created_at": "{instant}", "updated_at": "{instant}", "epoch": "{epoch}"}


@dataclass(slots=True, kw_only=True)
class OldClient:
    """What a workstation of that release keeps between requests."""

    device_id: str
    tokens: Json = field(default_factory=dict)
    epoch: str = ""
    cursors: Json = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.tokens.get('access_token', 'none')}",
            "X-HCRM-Device": self.device_id,
            "X-HCRM-Device-Secret": "s" * 43,
        }

    def take(self, path: str, answer: Json) -> None:
        """Keep what the next requests need."""
        if path.startswith("/auth/log") or path == "/auth/refresh":
            self.tokens = answer or self.tokens
        if path == "/sync/hello":
            self.epoch = answer["epoch"]
            self.cursors = {grant["key"]: {} for grant in answer["streams"]} | self.cursors
        for page in answer.get("pages", []):
            self.cursors[page["stream"]] = page["next"]


@dataclass(slots=True, kw_only=True)
class Replay:
    """One clinic's centre, and the clients that talk to it."""

    http: httpx.Client
    clinic: Clinic
    clients: dict[str, OldClient] = field(default_factory=dict)

    def ask(self, step: Json) -> httpx.Response:
        """Send one recorded request as its client would today."""
        number = len(self.clients) + 1
        client = self.clients.setdefault(step["as"], OldClient(device_id=f"00000000-0000-7000-8000-{number:012d}"))
        body = self._filled(step["request"], client)
        answer = self.http.request(step["method"], step["path"], json=body, headers=client.headers)
        if answer.is_success:
            client.take(step["path"], answer.json() if answer.content else {})
        return answer

    def _filled(self, value: Any, client: OldClient) -> Any:
        if isinstance(value, dict):
            return {self._filled(name, client): self._filled(one, client) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one, client) for one in value]
        kept: Json = {
            "{epoch}": client.epoch,
            "{cursors}": client.cursors,
            "{refresh_token}": client.tokens.get("refresh_token"),
            "{device}": client.device_id,
        }
        if not isinstance(value, str):
            return value
        ids = {name: str(row_id) for row_id, name in names_of(self.clinic).items()}
        head, colon, area = value.partition("}:")  # a stream: a site and an area
        return f"{ids[head + '}']}:{area}" if colon else (kept | ids).get(value, value)

    def normal(self, answer: httpx.Response) -> Any:
        """The answer's body in a form that two runs can be compared by."""
        return normal(answer.json() if answer.content else {}, names=names_of(self.clinic))


def names_of(clinic: Clinic) -> dict[UUID, str]:
    """Every id of the clinic under a name."""
    return dict(_named(dataclasses.asdict(clinic), "clinic"))


def _named(value: Mapping[str, Any], path: str) -> Iterator[tuple[UUID, str]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _named(one, f"{path}.{name}")
        elif isinstance(one, UUID):
            yield one, f"{{{path}.{name}}}"


def normal(value: Any, *, names: Mapping[UUID, str], name: str = "") -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, dict):
        return {_text(key, names): normal(one, names=names, name=key) for key, one in value.items()}
    if isinstance(value, list):
        return [normal(one, names=names, name=name) for one in value]
    if not isinstance(value, str):
        return value
    if name.endswith("_token"):
        return "{token}"
    return _AT_RANDOM.get(name) or _text(value, names)


def _text(text: str, names: Mapping[UUID, str]) -> str:
    head, colon, area = text.partition(":")
    try:
        row_id = UUID(head)
    except ValueError:
        return text
    if row_id.int < 2**96:  # of a recorded request
        return text
    return names.get(row_id, "{id}") + colon + area
