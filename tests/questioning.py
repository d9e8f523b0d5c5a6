"""A clinic of random customers and random rules, and a manager who asks about them over real HTTP."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import httpx
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hcrm_central.jobs.membership import note
from hcrm_central.jobs.rulebook import surroundings
from hcrm_central.jobs.scope import Scope
from hcrm_central.store.engine import transaction
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_central.store.opening import Store
from hcrm_core.rules import Lowered, Rule, Surroundings, lower_rule
from hcrm_core.rules.evaluation import reader
from hcrm_core.terms import Sex
from hcrm_core.wire import Json, Message
from hcrm_store.base import new_id
from hcrm_store.journeys import Membership, RuleParameter, RuleVersion, Segment
from hcrm_store.people import Customer
from tests.factories import Clinic, Workstation
from tests.fakes import FakeClock
from tests.rule_trees import PARAMETERS, TODAY, random_rows, random_world

CUSTOMERS = 60
M = TypeVar("M", bound=Message)
Row = Mapping[str, Any]  # why Any: a fact is of its own type


@dataclass(frozen=True, slots=True)
class Asker:
    """A manager."""

    client: Workstation

    def try_ask(self, name: str, definition: Json, **more: Any) -> httpx.Response:
        return self.client.post(f"/questions/{name}", {"ask": str(new_id()), "definition": definition, **more})

    def ask(self, name: str, answer: type[M], definition: Json, **more: Any) -> M:
        found = self.try_ask(name, definition, **more)
        assert found.status_code == 200, found.text
        return answer.model_validate_json(found.content)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Random customers of the clinic's two sites, a third of them with each assistant and the rest with nobody.

    Attributes:
        rows: facts by customer; the children of the clinic have none.
    """

    store: Store
    clinic: Clinic
    rows: dict[UUID, Row]

    def within(self, on: date = TODAY) -> Surroundings:
        with Session(self.store.jobs) as session:
            return surroundings(session, on=on)

    def matching(self, rule: Rule, within: Surroundings | None = None) -> set[UUID]:
        """Read row by row."""
        lowered = lower_rule(rule, within=within or self.within())
        return self.where(lowered, verdict=True)

    def where(self, lowered: Lowered, *, verdict: bool | None) -> set[UUID]:
        read = reader(lowered)
        return {key for key, row in self.rows.items() if read(row) is verdict}

    def put_in(self, segment_key: str, customers: Sequence[UUID]) -> None:
        """Memberships as they are today."""
        rows = [
            {"customer_id": one, "segment_key": segment_key, "site_id": self.rows[one]["site_id"]}
            | {"rule_version_id": self.clinic.rule_version_id, "entered_on": TODAY, "evidence": [], "id": new_id()}
            for one in customers
        ]
        with transaction(self.store.jobs) as session:
            session.execute(insert(Membership), rows)
            note(session, scope=Scope(only=customers))


def crowd(store: Store, clinic: Clinic) -> Crowd:
    """Fill the clinic. Rules a, b and c are published, and the parameters of tests.rule_trees are in force."""
    source, rows = random.Random(20261122), random_rows(CUSTOMERS, seed=20261122)
    assistants = [clinic.staff["assistant"], clinic.staff["assistant2"], None]
    found: dict[UUID, Row] = {}
    with transaction(store.jobs) as session:
        _reference(session)
        for number, row in enumerate(rows):
            key, site = new_id(), source.choice([clinic.north, clinic.south])
            found[key] = {**row, "site_id": site}
            person = {"name": f"顾客{number}", "sex": Sex.FEMALE, "assistant_id": assistants[number % 3]}
            session.execute(insert(Customer).values(id=key, site_id=site, **person))
        stored = [{**row, "customer_id": key, "computed_at": FakeClock().now()} for key, row in found.items()]
        session.execute(insert(CUSTOMER_FACTS), stored)
    return Crowd(store, clinic, found)


def random_rule(seed: int, *, leaves: int = 6) -> Json:
    """A rule that may refer to a, b and c, valid at all times."""
    raw = random_world(random.Random(seed), leaves=leaves).rule
    return raw | {"valid_from": None, "valid_until": None}


def some_rules(count: int, *, leaves: int = 6) -> Iterator[Json]:
    return (random_rule(seed, leaves=leaves) for seed in range(100, 100 + count))


def condition(fact: str, op: str, value: Any = None, **more: Any) -> Json:
    return {"fact": fact, "op": op, **({} if value is None else {"value": value}), **more}


def rule_of(where: Json, **more: Any) -> Json:
    return {"key": "r", "label": "试验", "segment": {"key": "r", "label": "试验客群"}, "where": where, **more}


def _reference(session: Session) -> None:
    others = random_world(random.Random(7), leaves=3).others
    for key, raw in others.items():
        definition = {**raw, "valid_from": None, "valid_until": None}
        session.add(Segment(key=key, label=f"客群{key}"))
        session.add(RuleVersion(rule_key=key, number=1, state="published", segment_key=key, definition=definition))
    session.add(Segment(key="r", label="试验客群"))
    for parameter in PARAMETERS.values():
        session.add(RuleParameter(key=parameter.key, number=1, definition=parameter.model_dump(mode="json")))
