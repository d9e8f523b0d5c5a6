"""Which table of percentiles a workstation shows, and what it says of files it cannot use."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcrm_desktop import references as desk
from hcrm_desktop.__main__ import list_references
from hcrm_desktop.settings import Settings, save_settings
from hcrm_store.references import references as shipped
from hcrm_store.resources import resource


@pytest.fixture(autouse=True)
def _shown_again() -> Iterator[None]:
    yield
    desk.use_references(Path("nowhere"), chosen="")


def lay(folder: Path, name: str, *, table: str = "Ours") -> None:
    folder.mkdir(exist_ok=True)
    text = resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8")
    (folder / name).write_text(text.replace("# name: Wuhan 2022", f"# name: {table}"), encoding="utf-8")


def test_what_ships_is_shown_unless_a_table_of_the_clinic_is_chosen(tmp_path: Path) -> None:
    assert desk.references() == shipped()
    lay(tmp_path / "references", "ours.csv")

    assert desk.use_references(tmp_path / "references", chosen="").axial_length.label == "Wuhan 2022 v1"
    desk.use_references(tmp_path / "references", chosen="Ours v1")
    assert desk.references().axial_length.label == "Ours v1"
    assert [table.label for table in desk.references().available] == ["Wuhan 2022 v1", "Ours v1"]


def test_a_faulty_file_is_logged_by_name_and_place_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lay(tmp_path, "again.csv", table="Wuhan 2022")
    with caplog.at_level(logging.WARNING):
        desk.use_references(tmp_path, chosen="Wuhan 2022 v1")

    assert caplog.messages == ["again.csv is not used: label_taken at name"]
    assert desk.references().axial_length == shipped().axial_length


def test_the_list_marks_what_is_shown_and_tells_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path / "references", "ours.csv")
    (tmp_path / "references" / "broken.csv").write_text("sex\n", encoding="utf-8")
    save_settings(tmp_path / "settings.json", Settings(reference="Ours v1"))

    list_references(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["  Wuhan 2022 v1", "* Ours v1"]
    assert "! broken.csv: name: head_missing" in lines
