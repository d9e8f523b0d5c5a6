"""Evidence travels to everybody who sees a segment or a task: it tells no prices."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm_central.jobs.scan import scan
from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_core.terms import Eye, ProductKind, Source
from hcrm_store.base import new_id
from hcrm_store.care import LensOrder
from hcrm_store.journeys import Membership, RuleVersion
from tests.fakes import FakeClock
from tests.scanning import Library, ago, installed


def test_a_rule_may_ask_for_spending_but_its_evidence_does_not_tell_it(store: Store, clock: FakeClock) -> None:
    library = Library(installed(store), clock)
    child = library.customer()
    library.add(
        LensOrder(
            customer_id=child,
            site_id=library.site_id,
            eye=Eye.OD,
            product=ProductKind.OK_LENS,
            ordered_on=ago(9),
            price=Decimal("6800.50"),
            source=Source.SALES,
        )
    )
    _publish(library, {"all": [_asked("spent_total", "ge", "5000"), _asked("ever_bought", "eq", value=True)]})
    assert scan(store.jobs, clock=clock).segments["potential"].entered == 1
    with Session(store.jobs) as session:
        evidence = session.scalars(select(Membership.evidence).where(Membership.segment_key == "potential")).one()
    assert [one["fact"] for one in evidence] == ["ever_bought"]


def _asked(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


def _publish(library: Library, where: dict[str, object]) -> None:
    with transaction(library.store.jobs) as session:
        former = session.scalars(select(RuleVersion).where(RuleVersion.rule_key == "potential")).one()
        former.state, former.retired_at = "retired", library.clock.now()
        definition = former.definition | {"where": where}
    later = {"rule_key": "potential", "segment_key": "potential", "number": 2, "state": "published"}
    library.add(RuleVersion(id=new_id(), definition=definition, published_at=library.clock.now(), **later))
