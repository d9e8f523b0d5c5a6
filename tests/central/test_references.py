"""The centre shows a clinic's own percentiles to tablets, and the doctor tells of files that it cannot use."""

from pathlib import Path

import pytest

from hcrm_central.doctor import Level, examine
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_store.resources import resource
from tests.central.conftest import SignIn
from tests.central.test_handout import read, shared
from tests.factories import Clinic
from tests.fakes import FakeClock


def lay(folder: Path, name: str, *, table: str) -> None:
    folder.mkdir(exist_ok=True)
    text = resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8")
    (folder / name).write_text(text.replace("# name: Wuhan 2022", f"# name: {table}"), encoding="utf-8")


class TestAClinicWithItsOwnTable:
    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        lay(tmp_path / "references", "ours.csv", table="Our clinic")
        return Settings(data_dir=tmp_path, reference="Our clinic v1")

    def test_a_tablet_sees_the_chosen_table_named(self, client_for: SignIn, clinic: Clinic) -> None:
        client = client_for("optometrist")
        page = read(client, shared(client, clinic.mine)).text
        assert "Our clinic" in page
        assert "Wuhan 2022" not in page


@pytest.mark.parametrize(
    ("table", "chosen", "level", "said"),
    [
        ("Our clinic", "", Level.OK, "Wuhan 2022 v1 is shown"),
        ("Our clinic", "Our clinic v1", Level.OK, "Our clinic v1 is shown"),
        ("Wuhan 2022", "", Level.WARN, "ours.csv: name (label_taken)"),
        ("Our clinic", "Another v1", Level.WARN, "HCRM_REFERENCE names no table: Wuhan 2022 v1 is shown"),
    ],
)
def test_the_doctor_tells_what_is_shown_and_what_cannot_be_used(
    *, store: Store, clock: FakeClock, tmp_path: Path, table: str, chosen: str, level: Level, said: str
) -> None:
    lay(tmp_path / "references", "ours.csv", table=table)
    findings = {
        found.check: found for found in examine(store, Settings(data_dir=tmp_path, reference=chosen), clock=clock)
    }
    assert (findings["references"].level, findings["references"].said) == (level, said)
