"""What the clinic's own numbers say of a rule stands in the editor: nobody, everybody, shared, too many tasks."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from sqlalchemy import select

from hcrm_central.jobs.scan import scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.rules.messages import Load
from hcrm_desktop.models.rule_desk import statistics_of
from hcrm_desktop.tasks import Tasks
from hcrm_desktop.views.rules.page import RulesPage
from hcrm_store.journeys import RuleParameter
from tests.fakes import FakeClock, FakeRuleOffice
from tests.gui.conftest import DeskFor
from tests.gui.office import NO_NETWORK, words
from tests.gui.rules.conftest import default_rules, rule_of
from tests.gui.rules.served import Served, served, sign_in
from tests.gui.rules.test_panels import counts_of, diff, open_rule
from tests.scanning import Library, ago


def found(page: RulesPage) -> set[str]:
    return {one.code for one in page.draft.findings}


def load(*, person: str = "李明", site: str = "城北院区", open_: int = 30, new: int, sop: str = "recall") -> Load:
    return Load(site=site, person=person, sop_key=sop, open=open_, new=new, capacity=40)


def test_more_tasks_than_a_day_takes_are_told_in_the_editor(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    loads = [load(new=6), load(new=5, sop="lens_overdue"), load(person="陈静", new=10)]
    office.answers["diff"] = diff().model_copy(update={"loads": loads})
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "above_capacity" in found(page))
    assert "城北院区 李明 明天会有 41 个任务，超过每天 40 个。" in words(page)
    assert "陈静 明天" not in words(page)


def test_numbers_of_an_earlier_rule_say_nothing_of_the_one_that_stands(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    office.answers["diff"] = diff().model_copy(update={"loads": [load(new=11)]})
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "above_capacity" in found(page))
    office.answers["diff"] = diff()
    page.draft.apply(page.draft.rule.model_copy(update={"label": "另一条"}), text="改名")
    assert page.draft.difference is None
    qtbot.waitUntil(lambda: "above_capacity" not in found(page))


def test_off_line_an_edited_rule_is_not_said_to_match_nobody(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    office.answers["counts"] = counts_of(default_rules()["upsell_ok"], matching=0, open_=0)
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "matches_nobody" in found(page))
    office.error = NO_NETWORK
    page.draft.apply(page.draft.rule.model_copy(update={"label": "另一条"}), text="改名")
    qtbot.waitUntil(lambda: "matches_nobody" not in found(page))


def test_two_of_the_same_name_at_two_sites_are_two_people(
    qtbot: QtBot, page: RulesPage, office: FakeRuleOffice
) -> None:
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: page.draft.workshop is not None)
    assert page.draft.workshop is not None
    answer = diff().model_copy(update={"loads": [load(new=1), load(new=2, site="城南院区"), load(person="", new=3)]})
    told = statistics_of(page.draft.workshop, None, answer)
    assert told.most_tasks == {"城北院区 李明": 31, "城南院区 李明": 32, "城北院区": 33}
    assert told.capacity == 40


def test_everybody_is_everybody_that_was_counted(qtbot: QtBot, page: RulesPage, office: FakeRuleOffice) -> None:
    counts = counts_of(default_rules()["upsell_ok"], matching=7_000).model_copy(update={"customers": 7_000})
    office.answers["counts"] = counts
    open_rule(qtbot, page, office)
    qtbot.waitUntil(lambda: "matches_everybody" in found(page))


@pytest.fixture
def busy(store: Store, clock: FakeClock) -> Iterator[Served]:
    """A centre whose people take five tasks a day, and one of whom has six customers who came yesterday."""
    with served(store, clock) as centre:
        with transaction(store.jobs) as session:
            capacity = session.scalars(select(RuleParameter).where(RuleParameter.key == "daily_capacity")).one()
            session.add(RuleParameter(key=capacity.key, number=2, definition=capacity.definition | {"value": "5"}))
        library = Library(store, clock, code="east")
        for _ in range(6):
            library.visit(library.customer(), ago(1))
        scan(store.jobs, clock=clock)
        yield centre


def test_the_real_centre_tells_what_the_linter_asks(
    qtbot: QtBot, busy: Served, tasks: Tasks, desk_for: DeskFor
) -> None:
    manager = sign_in(qtbot, tasks, desk_for, busy, owner=tasks)
    manager.open("lost_contact")
    everybody = {"any": [{"fact": "cct_um_od", "op": "gt", "value": 480}, {"fact": "sex", "op": "is_known"}]}
    where = rule_of(everybody).where
    manager.page.draft.apply(manager.page.draft.rule.model_copy(update={"where": where}), text="放宽")
    manager.wait(lambda: {"above_capacity", "mostly_unknown"} <= found(manager.page))
