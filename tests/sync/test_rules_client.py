"""The client of the workstation against the served centre: every call about the life of a rule."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hcrm_central.jobs.defaults import install_defaults
from hcrm_central.jobs.worker import Worker
from hcrm_central.store.opening import Store
from hcrm_core.errors import NotPermitted
from hcrm_core.rules.messages import (
    ParameterRequest,
    PublishRequest,
    RejectRequest,
    RestoreRequest,
    RetireRequest,
    RuleState,
    SaveDraftRequest,
)
from hcrm_core.wire import RefusalCode
from hcrm_desktop.sync.client import CentreClient, RequestRefused
from tests.factories import Clinic, Workstation
from tests.fakes import FakeClock
from tests.rule_desk import KEY, rule


@pytest.fixture
def client(centre_url: str) -> Iterator[CentreClient]:
    found = CentreClient(centre_url)
    yield found
    found.close()


def headers(centre_url: str, clock: FakeClock, username: str) -> dict[str, str]:
    with httpx.Client(base_url=centre_url) as http:
        workstation = Workstation(http=http, clock=clock)
        assert workstation.sign_in(username).status_code == 200
        return workstation.headers


def draft(**changes: Any) -> SaveDraftRequest:
    return SaveDraftRequest(definition=rule(**changes), ver=None, based_on=None)


def test_a_rule_lives_its_life_through_the_client(
    client: CentreClient, centre_url: str, store: Store, clinic: Clinic, clock: FakeClock
) -> None:
    me = headers(centre_url, clock, "manager")
    ver = client.save_draft(KEY, draft(), headers=me).ver
    client.drop_draft(KEY, ver, headers=me)
    ver = client.save_draft(KEY, draft(), headers=me).ver
    published = client.publish(KEY, PublishRequest(ver=ver, note="例会"), headers=me)
    assert published.request_id is not None
    assert client.requested(published.request_id, headers=me).finished_at is None
    Worker(store.jobs, clock=clock, scan_at=clock.now().time()).finish()
    assert client.requested(published.request_id, headers=me).finished_at == clock.now()
    client.retire(KEY, RetireRequest(number=published.number, note="停用"), headers=me)
    request = RestoreRequest(number=published.number, published=None, note="恢复")
    assert client.restore(KEY, request, headers=me).state is RuleState.PUBLISHED
    assert [one.number for one in client.rule_history(KEY, headers=me).versions] == [3, 2, 1]
    assert {one.key for one in client.shelf(headers=me).rules} >= {KEY}


def test_parameters_and_scans_through_the_client(
    client: CentreClient, centre_url: str, store: Store, clinic: Clinic, clock: FakeClock
) -> None:
    install_defaults(store.jobs, clock=clock)
    me = headers(centre_url, clock, "manager")
    request = ParameterRequest(value=Decimal(600), number=1, note="厂家说明")
    client.set_parameter("replacement_days", request, headers=me)
    asked = client.ask_scan(headers=me)
    Worker(store.jobs, clock=clock, scan_at=clock.now().time()).finish()
    assert client.requested(asked.request_id, headers=me).finished_at is not None
    assert {one.kind for one in client.scans(headers=me).runs} >= {"asked", "parameter"}


def test_the_client_tells_why_it_was_refused(
    client: CentreClient, centre_url: str, clinic: Clinic, clock: FakeClock
) -> None:
    me = headers(centre_url, clock, "manager")
    ver = client.save_draft(KEY, draft(where={"rule": "nobody"}), headers=me).ver
    refused: dict[RefusalCode, Callable[[], object]] = {
        RefusalCode.STALE: lambda: client.save_draft(KEY, draft(), headers=me),
        RefusalCode.RULE_UNSOUND: lambda: client.publish(KEY, PublishRequest(ver=ver, note="x"), headers=me),
        RefusalCode.ALREADY_DECIDED: lambda: client.reject(KEY, RejectRequest(ver=ver, note="x"), headers=me),
        RefusalCode.INVALID_REQUEST: lambda: client.save_draft("other", draft(), headers=me),
    }
    for code, call in refused.items():
        with pytest.raises(RequestRefused) as told:
            call()
        assert told.value.code == code


def test_others_than_managers_are_told_that_they_may_not(
    client: CentreClient, centre_url: str, clinic: Clinic, clock: FakeClock
) -> None:
    for username in ("assistant", "optometrist", "executive", "admin"):
        with pytest.raises(NotPermitted):
            client.shelf(headers=headers(centre_url, clock, username))
