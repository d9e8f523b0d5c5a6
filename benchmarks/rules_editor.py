"""What the editor of rules asks the centre, without the wire, and what a drag shows on screen."""

import os
import time
from decimal import Decimal
from uuid import UUID, uuid4

from figures import Figure
from rules_library import TODAY
from rules_measuring import DayOfLibrary, load, timed
from sqlalchemy import text

from hcrm_central.api.centre import Centre
from hcrm_central.api.limiter import Attempts
from hcrm_central.api.questions.counts import counts
from hcrm_central.api.questions.explain import explain
from hcrm_central.api.questions.histogram import histogram
from hcrm_central.api.sessions import SignedIn
from hcrm_central.settings import Settings
from hcrm_central.store.engine import Principal, snapshot
from hcrm_central.store.opening import Store
from hcrm_core.rules import Rule
from hcrm_core.rules.messages import ExplainRequest, Histogram, LeafTrial, Trial
from hcrm_core.rules.model import Condition
from hcrm_core.terms import Role
from hcrm_core.wire import Person
from hcrm_store.journeys import RuleVersion

COUNT_MS, STEP_MS, EXPLAIN_MS = 300, 5, 5
DRAGGED = {"fact": "se_growth_6m_od", "op": "ge", "value": "0.50"}
STEPS = 200


def previews(store: Store) -> list[Figure]:
    """The first count of each default rule: nothing of it was asked before."""
    here, who = _asking(store)
    seconds = {}
    for rule in _rules(store):
        with timed() as span:
            counts(here, who, Trial(ask=uuid4(), definition=rule, on=TODAY))
        seconds[str(rule["key"])] = 1000 * span.seconds
    slowest = max(seconds, key=lambda key: seconds[key])
    ordered = sorted(seconds.values())
    beside = f"slowest: {slowest} {seconds[slowest]:.0f} ms; {load()}"
    middle = ordered[len(ordered) // 2]
    return [Figure("first count of a rule", f"{middle:.0f} ms", f"< {COUNT_MS} ms", middle < COUNT_MS, beside)]


def explanations(store: Store) -> list[Figure]:
    """Why one customer is in a segment or not, with the database's answers."""
    here, who = _asking(store)
    with snapshot(store.jobs) as session:
        some = session.scalars(text("SELECT id FROM customer ORDER BY md5(id::text) LIMIT 20")).all()
    found: list[float] = []
    for rule in _rules(store):
        for customer in some:
            request = ExplainRequest(ask=uuid4(), definition=rule, on=TODAY, customer_id=customer)
            with timed() as span:
                explain(here, who, request)
            found.append(1000 * span.seconds)
    middle, slow = sorted(found)[len(found) // 2], sorted(found)[len(found) * 95 // 100]
    beside = f"95 of 100 within {slow:.1f} ms; {load()}"
    return [Figure("one customer explained", f"{middle:.1f} ms", f"< {EXPLAIN_MS} ms", middle < EXPLAIN_MS, beside)]


def drags(store: Store) -> list[Figure]:
    """One histogram, then each step of the real plot: looked up, told and painted."""
    here, who = _asking(store)
    known = {"fact": "se_od", "op": "is_known"}
    rule = {"key": "dragged", "label": "Dragged", "segment": {"key": "dragged", "label": "Dragged", "rank": 50}}
    rule |= {"where": {"all": [DRAGGED, known]}}
    with timed() as asked:
        found = histogram(here, who, LeafTrial(ask=uuid4(), definition=rule, on=TODAY, path=(0,)))
    steps = sorted(_steps(Rule.model_validate(rule), found))
    middle, slow = steps[len(steps) // 2], steps[len(steps) * 95 // 100]
    beside = f"95 of 100 within {slow:.2f} ms; the histogram {1000 * asked.seconds:.0f} ms; {load()}"
    return [Figure("one step of a drag on screen", f"{middle:.2f} ms", f"< {STEP_MS} ms", slow < STEP_MS, beside)]


def _steps(rule: Rule, found: Histogram) -> list[float]:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QLabel

    from hcrm_core.rules.editing import at
    from hcrm_desktop.models.rule_threshold import curve_of
    from hcrm_desktop.theme import Theme
    from hcrm_desktop.views.rules.panels.plots import ThresholdPlot

    application, condition = QApplication.instance() or QApplication([]), at(rule.where, found.path)
    assert isinstance(application, QApplication)
    assert isinstance(condition, Condition)
    curve = curve_of(found, rule=rule, condition=condition, now=Decimal("0.50"), step=Decimal("0.05"), on=TODAY)
    plot, told = ThresholdPlot(Theme(application), str), QLabel()
    plot.moved.connect(lambda value: told.setText(f"{curve.count(value):,}"))
    plot.resize(640, 240)
    plot.show_curve(curve)
    for widget in (plot, told):
        widget.show()
        QTest.qWaitForWindowExposed(widget)
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPoint(20, 100))
    spans: list[float] = []
    for n in range(STEPS):
        began = time.perf_counter()
        QTest.mouseMove(plot, QPoint(20 + 3 * n, 100))
        application.processEvents()
        spans.append(1000 * (time.perf_counter() - began))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPoint(20, 100))
    return spans


def _rules(store: Store) -> list[dict[str, object]]:
    """The published rules, as the editor would send them."""
    with snapshot(store.jobs) as session:
        found = session.query(RuleVersion.definition).filter(RuleVersion.state == "published").all()
        return [dict(one.definition) for one in found]


def _asking(store: Store) -> tuple[Centre, SignedIn]:
    """A manager who sees all sites."""
    with snapshot(store.jobs) as session:
        sites = tuple(session.scalars(text("SELECT id FROM site")).all())
    here = Centre(store=store, settings=Settings(), clock=DayOfLibrary(), attempts=Attempts("10/minute"))
    principal = Principal(account_id=UUID(int=1), staff_id=None, role=Role.MANAGER, site_ids=sites)
    person = Person(account_id=UUID(int=1), staff_id=None, name="m", role=Role.MANAGER, site_ids=list(sites))
    return here, SignedIn(principal=principal, person=person, device_id=UUID(int=2), family_id=UUID(int=3))
