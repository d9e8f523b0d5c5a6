"""Choosing the percentiles that the charts show."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from hcrm_core.terms import Role
from hcrm_desktop.cache.workspace import Workspace
from hcrm_desktop.paths import settings_file
from hcrm_desktop.references import references, use_references
from hcrm_desktop.settings import Settings, load_settings, save_settings
from hcrm_desktop.views.record.page import RecordPage
from hcrm_desktop.views.record.reference_choice import ReferenceChoice
from hcrm_store.resources import resource
from tests.gui.conftest import DeskFor
from tests.gui.record.conftest import words
from tests.gui.record.filling import NAME, add_child


@pytest.fixture(autouse=True)
def _shown_again() -> Iterator[None]:
    yield
    use_references(Path("nowhere"), chosen="")


@pytest.fixture
def profile(workspace: Workspace) -> Path:
    """With one table of the clinic's own, and one that nobody can use."""
    folder = workspace.folder / "references"
    folder.mkdir()
    text = resource("references", "axial_length_wuhan_2022.csv").read_text(encoding="utf-8")
    (folder / "ours.csv").write_text(text.replace("# name: Wuhan 2022", "# name: Ours"), encoding="utf-8")
    (folder / "broken.csv").write_text(text.replace("male,7,1,23.42", "male,7,1,2342"), encoding="utf-8")
    return workspace.folder


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def choice(qtbot: QtBot, window: QWidget, profile: Path, desk_for: DeskFor) -> ReferenceChoice:
    made = ReferenceChoice(desk_for(Role.OPTOMETRIST).tasks, profile, parent=window)
    made.open()
    qtbot.waitUntil(lambda: shown_list(made).count() > 0)
    return made


def shown_list(choice: ReferenceChoice) -> QListWidget:
    found = choice.findChild(QListWidget)
    assert found is not None
    return found


def button(widget: QWidget, text: str) -> QPushButton:
    return next(one for one in widget.findChildren(QPushButton) if one.text().startswith(text))


def test_every_table_is_offered_with_what_it_rests_on(choice: ReferenceChoice) -> None:
    offered = shown_list(choice)
    assert [offered.item(n).text() for n in range(offered.count())] == ["Wuhan 2022 v1（正在用）", "Ours v1"]
    said = words(choice)
    for told in ("Wuhan 2022，版本 1", "年龄：6–15 岁", "人群：14760", "Sci Rep 2022;12:4850", "许可：CC BY 4.0"):
        assert told in said
    assert not button(choice, "用这份参考").isEnabled()
    assert not button(choice, "恢复默认").isEnabled()
    choice.reject()


def test_a_faulty_file_is_told_by_place_and_reason(choice: ReferenceChoice) -> None:
    assert "没有采用 broken.csv：第 " in words(choice)
    assert " m_mm “2342”不可能" in words(choice)
    choice.reject()


def test_a_choice_is_kept_for_the_next_start(qtbot: QtBot, profile: Path, choice: ReferenceChoice) -> None:
    save_settings(settings_file(profile), Settings(theme="dark"))
    shown_list(choice).setCurrentRow(1)

    with qtbot.waitSignal(choice.chosen):
        qtbot.keyClick(shown_list(choice), Qt.Key.Key_Return)

    assert load_settings(settings_file(profile)) == Settings(theme="dark", reference="Ours v1")
    assert references().axial_length.label == "Ours v1"


def test_the_default_is_restored(qtbot: QtBot, window: QWidget, profile: Path, desk_for: DeskFor) -> None:
    save_settings(settings_file(profile), Settings(reference="Ours v1"))
    use_references(profile / "references", chosen="Ours v1")
    choice = ReferenceChoice(desk_for(Role.OPTOMETRIST).tasks, profile, parent=window)
    choice.open()
    qtbot.waitUntil(lambda: button(choice, "恢复默认").isEnabled())

    with qtbot.waitSignal(choice.chosen):
        button(choice, "恢复默认").click()

    assert load_settings(settings_file(profile)).reference == ""
    assert references().axial_length.label == "Wuhan 2022 v1"


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.OPTOMETRIST])
def test_the_curves_are_drawn_anew_and_name_it(
    qtbot: QtBot, workspace: Workspace, profile: Path, desk_for: DeskFor, role: Role
) -> None:
    desk, child = desk_for(role), add_child(workspace)
    page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words, folder=profile)
    qtbot.addWidget(page)
    page.resize(1182, 720)
    page.show()
    page.show_customer(child)
    qtbot.waitUntil(lambda: NAME in words(page))
    qtbot.waitUntil(lambda: "Wuhan 2022 v1" in page._curves.axial.accessibleDescription())

    button(page, "参考曲线").click()
    (choice,) = page.findChildren(ReferenceChoice)
    qtbot.waitUntil(lambda: shown_list(choice).count() == 2)
    shown_list(choice).setCurrentRow(1)
    choice.use()

    qtbot.waitUntil(lambda: "Ours v1" in page._curves.axial.accessibleDescription())
    assert "Wuhan" not in page._curves.axial.accessibleDescription()


def test_without_a_profile_nothing_is_offered(qtbot: QtBot, desk_for: DeskFor) -> None:
    desk = desk_for(Role.OPTOMETRIST)
    page = RecordPage(desk.tasks, desk.theme, desk.person, words=desk.words)
    qtbot.addWidget(page)
    assert not button(page, "参考曲线").isEnabled()
