"""The dialogs of the rule page against a served centre: what it really answers, refuses, and never loses."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from sqlalchemy import text

from hcrm_central.store.engine import transaction
from hcrm_central.store.postgres import PrivatePostgres
from hcrm_core.rules.messages import RuleState
from hcrm_desktop.models import rule_release
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.rules.parameters import ParametersDialog
from hcrm_desktop.views.rules.publish import PublishDialog
from hcrm_desktop.views.rules.scans import ScansDialog
from hcrm_desktop.views.rules.versions import VersionsDialog
from tests.conftest import copied
from tests.factories import Clinic
from tests.fakes import FakeClock
from tests.gui.conftest import DeskFor
from tests.gui.office import offered, words
from tests.gui.rules.served import Manager, Served, furnish, gone, served, sign_in
from tests.rule_desk import code_of

KEY = "potential"


@pytest.fixture
def two_persons() -> bool:
    return False


@pytest.fixture(scope="session")
def furnished(postgres_server: PrivatePostgres, template_database: str) -> Iterator[tuple[str, Clinic]]:
    """A database with the clinic in it, which every test copies."""
    with copied(postgres_server, template_database) as store:
        clinic, name = furnish(store), store.owner.url.database
        store.dispose()  # a template has no connections
        assert name is not None
        yield name, clinic


@pytest.fixture
def centre(
    postgres_server: PrivatePostgres, furnished: tuple[str, Clinic], clock: FakeClock, *, two_persons: bool
) -> Iterator[Served]:
    name, clinic = furnished
    settings = {"two_person_publish": two_persons}
    with copied(postgres_server, name) as store, served(store, clock, clinic=clinic, **settings) as found:
        yield found


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch, centre: Served, qtbot: QtBot, tasks: Tasks, desk_for: DeskFor) -> Manager:
    """Signed in, a rule open; `tasks` ends before the centre does. What was begun is asked about without waiting."""
    monkeypatch.setattr(rule_release, "POLL_MS", 50)
    found = sign_in(qtbot, tasks, desk_for, centre, owner=tasks)
    found.open(KEY)
    return found


def rename(manager: Manager, label: str = "潜在客户（新）") -> None:
    rule = manager.page.draft.rule.model_copy(update={"label": label})
    manager.page.draft.apply(rule, text="改名")


def publishing(manager: Manager) -> PublishDialog:
    """The dialog with its figures, ready to be agreed to."""
    manager.page.head.publish_requested.emit()
    dialog = manager.dialog(PublishDialog)
    manager.wait(lambda: dialog._diff is not None)
    dialog._seen.setChecked(True)
    dialog._note.setText("科室例会")
    manager.wait(dialog._publish.isEnabled)
    return dialog


def versions(manager: Manager) -> VersionsDialog:
    manager.page.list.versions.click()
    dialog = manager.dialog(VersionsDialog)
    manager.wait(dialog._list.count)
    return dialog


def parameters(manager: Manager, value: str = "540") -> ParametersDialog:
    """The table with a new value and what it would change."""
    manager.page.parameter_requested.emit("replacement_days")
    dialog = manager.dialog(ParametersDialog)
    dialog._value.setText(value)
    manager.wait(lambda: dialog._effect is not None)
    dialog._note.setText("厂家说明")
    return dialog


def column(dialog: ScansDialog, number: int) -> list[str]:
    cells = (dialog._runs.item(row, number) for row in range(dialog._runs.rowCount()))
    return [cell.text() for cell in cells if cell is not None]


# ── 发布 ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_is_published_and_worked_out(manager: Manager, centre: Served) -> None:
    rename(manager)
    dialog = publishing(manager)
    assert "发布后" in dialog._sums.text()
    dialog.publish()
    manager.told("v2 已发布，正在重新归类")
    centre.work()
    manager.told("“潜在客户（新）”：进入")
    assert centre.colleague.versions(KEY)[0].note == "科室例会"
    manager.wait(lambda: manager.page.draft.version.state is RuleState.PUBLISHED)


def test_a_draft_that_somebody_saved_meanwhile_is_not_published_and_the_reason_stays(
    manager: Manager, centre: Served
) -> None:
    rename(manager)
    dialog = publishing(manager)
    theirs = centre.colleague.versions(KEY)[0]
    centre.colleague.save(theirs.definition | {"label": "她的名字"}, ver=theirs.ver, based_on=theirs.based_on)
    dialog.publish()
    manager.wait(lambda: "没有发布：经理second改过这条规则" in dialog._message.text())
    assert dialog._note.text() == "科室例会"
    assert centre.colleague.states(KEY)[0][1] is RuleState.DRAFT


@pytest.mark.long
def test_what_the_centre_finds_unsound_is_told_and_the_reason_stays(manager: Manager, centre: Served) -> None:
    rename(manager)
    dialog = publishing(manager)
    other = manager.page.draft.rule.as_json() | {"key": "other", "label": "另一条"}
    assert centre.colleague.retire(1, key=KEY).status_code == 200
    centre.colleague.put(other)  # the segment is that rule's now
    dialog.publish()
    manager.wait(lambda: "中心检查出错误，没有发布" in dialog._message.text())
    assert dialog._note.text() == "科室例会"


def test_who_is_a_manager_no_more_is_told_and_nothing_happens(manager: Manager, centre: Served) -> None:
    rename(manager)
    dialog = publishing(manager)
    with centre.store.owner.begin() as connection:
        connection.exec_driver_sql("UPDATE account SET role = 'executive' WHERE username = 'manager'")
    dialog.publish()
    manager.wait(lambda: "没有这项权限" in dialog._message.text())
    assert dialog._note.text() == "科室例会"
    assert centre.colleague.states(KEY)[0][1] is RuleState.DRAFT


def test_off_line_the_dialogs_say_so_and_keep_what_was_written(manager: Manager, centre: Served) -> None:
    rename(manager)
    dialog = publishing(manager)
    centre.unplug()
    dialog.publish()
    manager.wait(lambda: "连不上中心" in dialog._message.text())
    assert dialog._note.text() == "科室例会"
    manager.wait(dialog._publish.isEnabled)
    dialog.reject()
    manager.page.release.show_versions()
    history = manager.dialog(VersionsDialog)
    manager.wait(lambda: "连不上中心" in history._message.text())
    assert not history._end.isEnabled()
    history.reject()
    manager.page.release.show_scans()
    scans = manager.dialog(ScansDialog)
    manager.wait(lambda: "连不上中心" in scans._message.text())
    scans.reject()
    manager.page.release.show_parameter("replacement_days")
    table = manager.dialog(ParametersDialog)
    table._value.setText("540")
    manager.wait(lambda: "连不上中心" in table._asking.text.text())
    assert (table._value.text(), table._save.isEnabled()) == ("540", False)
    table.reject()


@pytest.mark.parametrize("two_persons", [True])
def test_ones_own_proposal_waits_for_another_and_can_be_taken_back(manager: Manager, centre: Served) -> None:
    rename(manager)
    dialog = publishing(manager)
    assert dialog._publish.text() == "提交复核"
    dialog.publish()
    manager.told("已提交复核")
    manager.wait(lambda: manager.page.draft.version.state is RuleState.PROPOSED and gone(manager.page, PublishDialog))
    manager.page.head.publish_requested.emit()
    own = manager.dialog(PublishDialog)
    assert own.windowTitle().startswith("等另一位经理同意")
    assert offered(own, "同意发布", "撤回修改") == ["撤回修改"]
    assert "您提交时写的：科室例会" in words(own)
    own._note.setText("再想想")
    own.send_back()
    manager.told("已退回")
    assert centre.colleague.states(KEY)[0] == (2, RuleState.DRAFT)


@pytest.mark.parametrize("two_persons", [True])
def test_a_colleagues_proposal_is_agreed_to_with_her_reason_in_sight(manager: Manager, centre: Served) -> None:
    first = centre.colleague.versions(KEY)[0]
    theirs = centre.colleague.save(first.definition | {"label": "她的名字"}, based_on=1)
    centre.colleague.publish(theirs.ver, key=KEY, note="按院区会议")
    manager.page.open_rule(KEY)
    manager.wait(lambda: manager.page.draft.version.state is RuleState.PROPOSED)
    dialog = publishing(manager)
    assert offered(dialog, "同意发布", "退回修改") == ["同意发布", "退回修改"]
    assert "经理second提交复核：按院区会议" in words(dialog)
    dialog.publish()
    manager.told("v2 已发布")
    assert centre.colleague.versions(KEY)[0].note == "按院区会议\n科室例会"


@pytest.mark.long
@pytest.mark.parametrize("two_persons", [True])
def test_with_a_draft_open_going_back_waits_and_says_why(manager: Manager, centre: Served) -> None:
    first = centre.colleague.versions(KEY)[0]
    theirs = centre.colleague.save(first.definition | {"label": "她的名字"}, based_on=1)
    dialog = versions(manager)
    dialog._list.setCurrentRow(0)
    dialog._note.setText("要回去")
    dialog.go_back()
    manager.wait(lambda: "请先发布或放弃草稿" in dialog._message.text())
    dialog._drop.click()
    manager.told("草稿已放弃")
    assert centre.colleague.states(KEY) == [(theirs.number, RuleState.RETIRED), (1, RuleState.PUBLISHED)]


@pytest.mark.long
def test_the_centre_publishes_nothing_that_fails_its_own_cases(manager: Manager, centre: Served) -> None:
    first = centre.colleague.versions(KEY)[0]
    buyer = {"name": "买过的人", "on": "2026-11-22", "facts": {"ever_bought": True}, "expected": "true"}
    saved = centre.colleague.save(first.definition | {"cases": [buyer]}, based_on=1)
    assert code_of(centre.colleague.try_publish(saved.ver, key=KEY)) == "rule_unsound"
    agreed = first.definition | {"cases": [buyer | {"expected": "false"}]}
    again = centre.colleague.save(agreed, ver=saved.ver, based_on=1)
    centre.colleague.publish(again.ver, key=KEY)
    manager.page.open_rule(KEY)
    manager.wait(lambda: len(manager.page.draft.rule.cases) == 1)


# ── 版本 ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_earlier_version_is_compared_and_brought_back(manager: Manager, centre: Served) -> None:
    rename(manager)
    publishing(manager).publish()
    manager.told("v2 已发布")
    manager.wait(lambda: gone(manager.page, PublishDialog))
    dialog = versions(manager)
    assert "规则名称：潜在客户 → 潜在客户（新）" in dialog._told.item(0).text()
    dialog._list.setCurrentRow(1)
    dialog._note.setText("改错了")
    dialog.go_back()
    manager.told("v3 已发布")
    centre.work()
    manager.told("进入")
    assert [number for number, state in centre.colleague.states(KEY) if state is RuleState.PUBLISHED] == [3]
    manager.wait(lambda: manager.page.draft.rule.label == "潜在客户")


@pytest.mark.long
def test_a_rule_is_retired_and_another_that_is_asked_is_not(manager: Manager, centre: Served) -> None:
    manager.open("upsell_ok")  # asked by missing_fitting
    dialog = versions(manager)
    dialog._note.setText("不再需要")
    dialog.end_rule()
    manager.wait(lambda: "别的规则或 SOP 还在用它" in dialog._message.text())
    assert dialog._note.text() == "不再需要"
    dialog.reject()
    manager.wait(lambda: gone(manager.page, VersionsDialog))
    manager.open("frame_single_vision")
    second = versions(manager)
    second._note.setText("不再需要")
    second.end_rule()
    manager.told("已停用，客户正在离开客群")
    centre.work()
    assert centre.colleague.states("frame_single_vision") == [(1, RuleState.RETIRED)]


@pytest.mark.long
def test_a_version_that_came_meanwhile_is_shown_and_nothing_is_undone_unseen(manager: Manager, centre: Served) -> None:
    dialog = versions(manager)
    dialog._note.setText("不再需要")
    first = centre.colleague.versions(KEY)[0]
    centre.colleague.put(first.definition | {"label": "她的名字"}, based_on=1)
    dialog.end_rule()
    manager.wait(lambda: "刚才有人改过这条规则" in dialog._message.text())
    manager.wait(lambda: dialog._list.count() == 2)
    assert dialog._note.text() == "不再需要"
    assert centre.colleague.states(KEY)[0] == (2, RuleState.PUBLISHED)


# ── 参数 ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_parameter_is_set_with_its_effect_seen(manager: Manager, centre: Served) -> None:
    dialog = parameters(manager)
    assert dialog._save.isEnabled()
    dialog.save()
    manager.told("参数“换片周期”已改")
    centre.work()
    manager.told("“换片周期”：进入")
    manager.wait(lambda: gone(manager.page, ParametersDialog))
    again = parameters(manager, "530")
    assert again._line is not None
    assert (again._line.number, again._line.note) == (2, "厂家说明")


@pytest.mark.long
def test_a_parameter_that_a_colleague_set_meanwhile_is_not_overwritten(manager: Manager, centre: Served) -> None:
    dialog = parameters(manager)
    assert centre.colleague.set("replacement_days", "500", number=1).status_code == 200
    dialog.save()
    manager.wait(lambda: "刚被别人改过" in dialog._message.text())
    assert (dialog._value.text(), dialog._note.text()) == ("540", "厂家说明")
    dialog.reject()
    manager.wait(lambda: gone(manager.page, ParametersDialog))
    manager.wait(lambda: manager.page.draft.workshop.parameters["replacement_days"].value == 500)
    parameters(manager).save()
    manager.told("参数“换片周期”已改")


# ── 扫描 ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scan_that_was_asked_for_is_told_with_sums_that_agree(manager: Manager, centre: Served) -> None:
    manager.page.list.scans.click()
    dialog = manager.dialog(ScansDialog)
    dialog._now.click()
    manager.wait(lambda: "已请中心扫描" in dialog._asked.text())
    centre.work()
    manager.wait(lambda: "扫描完成：进入客群" in dialog._asked.text())
    assert dialog._now.isEnabled()
    manager.wait(lambda: "全部" in column(dialog, 1))
    assert set(column(dialog, 10)) == {"相符"}


@pytest.mark.long
def test_who_is_set_aside_is_named_with_the_place_and_not_the_error(manager: Manager, centre: Served) -> None:
    with transaction(centre.store.jobs) as session:
        session.execute(text("UPDATE customer SET birth_date = 'infinity' WHERE name = '患者1号'"))
    centre.work()
    manager.page.list.scans.click()
    dialog = manager.dialog(ScansDialog)
    manager.wait(dialog._aside.rowCount)
    assert dialog._aside.item(0, 1).text() == "客户资料里有算不出来的值"
