"""A manager who works on rules over real HTTP: short calls, typed answers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, AuditEntry, ScanRequest
from hcrm_core.rules.messages import (
    DraftSaved,
    PublishResponse,
    Requested,
    RuleHead,
    RuleHistory,
    RuleState,
    RuleVersionLine,
    Scans,
    Shelf,
)
from hcrm_core.terms import Role
from hcrm_core.wire import Json
from hcrm_store.base import new_id
from tests.factories import Clinic, Workstation, password_hash

KEY = "sleepy"


def rule(key: str = KEY, **changes: Any) -> Json:
    """A sound rule as JSON."""
    whole: Json = {
        "key": key,
        "label": f"规则{key}",
        "segment": {"key": key, "label": f"客群{key}", "tone": "info", "rank": 50},
        "citation": "operational",
        "where": {"fact": "ever_bought", "op": "eq", "value": False, "unknown": "no"},
    }
    return whole | changes


def asks(*keys: str) -> Json:
    """A tree that holds where all these rules hold."""
    return {"all": [{"rule": key} for key in keys]}


def add_manager(store: Store, clinic: Clinic, *, username: str = "second") -> UUID:
    """Another manager's account."""
    account_id, staff_id = new_id(), clinic.staff["manager"]
    values: dict[str, Any] = {"role": Role.MANAGER, "staff_id": staff_id, "password_hash": password_hash()}
    with transaction(store.jobs) as session:
        session.add(Account(id=account_id, username=username, name=f"经理{username}", **values))
    return account_id


@dataclass(frozen=True, slots=True)
class Desk:
    """One manager's."""

    client: Workstation

    def shelf(self) -> Shelf:
        return Shelf.model_validate_json(self._well(self.client.get("/rules")).content)

    def head(self, key: str = KEY) -> RuleHead | None:
        return next((one for one in self.shelf().rules if one.key == key), None)

    def versions(self, key: str = KEY) -> list[RuleVersionLine]:
        return RuleHistory.model_validate_json(self._well(self.client.get(f"/rules/{key}")).content).versions

    def states(self, key: str = KEY) -> list[tuple[int, RuleState]]:
        return [(one.number, one.state) for one in self.versions(key)]

    def try_save(
        self, definition: Json, *, ver: int | None = None, based_on: int | None = None, key: str | None = None
    ) -> httpx.Response:
        body = {"definition": definition, "ver": ver, "based_on": based_on}
        return self.client.post(f"/rules/{key or definition['key']}/draft", body)

    def save(self, definition: Json, *, ver: int | None = None, based_on: int | None = None) -> DraftSaved:
        answer = self.try_save(definition, ver=ver, based_on=based_on)
        return DraftSaved.model_validate_json(self._well(answer).content)

    def drop(self, ver: int, *, key: str = KEY) -> httpx.Response:
        return self.client.http.delete(f"/rules/{key}/draft/{ver}", headers=self.client.headers)

    def try_publish(self, ver: int, *, key: str = KEY, note: str = "试过了") -> httpx.Response:
        return self.client.post(f"/rules/{key}/publish", {"ver": ver, "note": note})

    def publish(self, ver: int, *, key: str = KEY, note: str = "试过了") -> PublishResponse:
        answer = self.try_publish(ver, key=key, note=note)
        return PublishResponse.model_validate_json(self._well(answer).content)

    def put(self, definition: Json, *, based_on: int | None = None) -> PublishResponse:
        """Save and publish at once."""
        return self.publish(self.save(definition, based_on=based_on).ver, key=definition["key"])

    def reject(self, ver: int, *, note: str = "再想想", key: str = KEY) -> httpx.Response:
        return self.client.post(f"/rules/{key}/reject", {"ver": ver, "note": note})

    def retire(self, number: int, *, note: str = "不再需要", key: str = KEY) -> httpx.Response:
        return self.client.post(f"/rules/{key}/retire", {"number": number, "note": note})

    def restore(self, number: int, *, published: int | None, key: str = KEY, note: str = "回滚") -> httpx.Response:
        return self.client.post(f"/rules/{key}/restore", {"number": number, "published": published, "note": note})

    def set(self, key: str, value: str, *, number: int, note: str = "按院区会议") -> httpx.Response:
        return self.client.post(f"/parameters/{key}", {"value": value, "number": number, "note": note})

    def scans(self) -> Scans:
        return Scans.model_validate_json(self._well(self.client.get("/scans")).content)

    def requested(self, request_id: UUID) -> Requested:
        answer = self.client.get(f"/scans/requests/{request_id}")
        return Requested.model_validate_json(self._well(answer).content)

    @staticmethod
    def _well(answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 200, answer.text
        return answer


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal."""
    assert answer.status_code >= 400, answer.text
    code: str = answer.json()["code"]
    return code


def requests_of(store: Store) -> list[tuple[str, str]]:
    """What the worker was asked for, oldest first."""
    with Session(store.jobs) as session:
        query = select(ScanRequest.kind, ScanRequest.key).order_by(ScanRequest.requested_at, ScanRequest.id)
        return [(row.kind, row.key) for row in session.execute(query)]


def audited(store: Store) -> list[AuditEntry]:
    """Entries about rules and parameters, oldest first."""
    with Session(store.jobs) as session:
        query = select(AuditEntry).where(AuditEntry.subject_kind.in_(("rule", "parameter")))
        return list(session.scalars(query.order_by(AuditEntry.id)))
