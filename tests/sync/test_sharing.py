"""A workstation shares a child's page through the real centre."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hcrm_core.errors import NotPermitted
from hcrm_core.handout import ShareRequest
from hcrm_desktop.cache.workspace import open_workspace
from hcrm_desktop.models.share import end_share, share
from hcrm_desktop.sync.client import CentreClient
from hcrm_desktop.sync.session import CentreSession
from tests.factories import PASSWORD, Clinic
from tests.fakes import FakeClock
from tests.sync.desk import KEY

Asked = tuple[CentreClient, CentreSession]


@pytest.fixture
def asked(tmp_path: Path, clock: FakeClock, centre_url: str, clinic: Clinic) -> Iterator[Asked]:
    """The assistant's session and its line to the centre."""
    workspace, client = open_workspace(tmp_path / "desk", KEY, clock=clock), CentreClient(centre_url)
    session = CentreSession(workspace, client)
    session.sign_in("assistant", PASSWORD)
    yield client, session
    client.close()
    workspace.close()


def test_a_page_is_opened_and_closed_again(asked: Asked, clinic: Clinic) -> None:
    client, session = asked
    made = session.ask(lambda headers: share(client, headers, customer_id=clinic.mine.customer_id))
    assert httpx.get(made.url).status_code == 200
    session.ask(lambda headers: end_share(client, headers, share_id=made.id))
    assert httpx.get(made.url).status_code == 410


def test_somebody_elses_child_is_refused(asked: Asked, clinic: Clinic) -> None:
    client, session = asked
    request = ShareRequest(customer_id=clinic.far.customer_id)
    with pytest.raises(NotPermitted):
        session.ask(lambda headers: client.share(request, headers=headers))
