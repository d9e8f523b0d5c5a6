"""A clinic whose service and workstations are processes."""

from collections.abc import Iterator

import pytest

from hcrm_central.store import postgres
from hcrm_store.clock import SystemClock
from tests.acceptance.processes import Floor
from tests.conftest import copied
from tests.factories import make_clinic


@pytest.fixture(scope="module")
def floor(
    postgres_server: postgres.PrivatePostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Floor]:
    with copied(postgres_server, template_database) as store:
        home = tmp_path_factory.mktemp("floor")
        yield Floor(store=store, clinic=make_clinic(store, SystemClock()), home=home)
