"""Builders: a small clinic with an account for every role, a served centre, and a workstation that talks to it.

The clinic's words are canaries: each private value occurs once, so that a test can look for it where it must not be.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from argon2 import PasswordHasher
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Receive, Scope, Send

from hcrm_central.store.engine import transaction
from hcrm_central.store.opening import Store
from hcrm_central.store.tables import Account, Watermark
from hcrm_core.terms import (
    Channel,
    DepartmentKind,
    Eye,
    LensState,
    Medicine,
    Outcome,
    ProductKind,
    RefractionMethod,
    Role,
    Sex,
    Source,
    VisitState,
)
from hcrm_core.wire import (
    Cursor,
    HelloRequest,
    HelloResponse,
    Json,
    Operation,
    OperationKind,
    PullRequest,
    PullResponse,
    PushRequest,
    PushResponse,
    Row,
    TokenResponse,
)
from hcrm_store.base import new_id
from hcrm_store.care import FollowUp, LensOrder, Medication, RecheckPlan, Visit
from hcrm_store.clinical import Exam, EyeMeasurement
from hcrm_store.clock import Clock
from hcrm_store.journeys import Membership, RuleVersion, Segment, Sop, Task
from hcrm_store.organisation import Department, Site, Staff
from hcrm_store.people import Customer, Family, Guardian

PASSWORD = "correct horse battery"
SOP_KEY, SEGMENT_KEY = "test_recheck", "test_segment"


@cache
def password_hash() -> str:
    """Argon2id like the product's, but cheap to check: every test signs in."""
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


# ── the clinic ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One customer and the ids of what hangs on him."""

    customer_id: UUID
    family_id: UUID
    guardian_id: UUID
    exam_id: UUID
    order_id: UUID
    medication_id: UUID
    task_id: UUID
    follow_up_id: UUID
    visit_id: UUID
    phone: str
    price: Decimal
    said: str  # in the follow-up: marketing
    note: str  # on the customer: marketing
    finding: str  # in the exam: clinical


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Two sites. At `north`: `mine` (assistant and optometrist of the accounts) and `colleagues`; at `south`: `far`."""

    north: UUID
    south: UUID
    staff: dict[str, UUID]
    accounts: dict[str, UUID]
    rule_version_id: UUID
    mine: Child
    colleagues: Child
    far: Child


def make_clinic(store: Store, clock: Clock) -> Clinic:
    """Build it in one transaction of the jobs."""
    with transaction(store.jobs) as session:
        north, south = new_id(), new_id()
        session.add_all([Site(id=north, code="north", name="城北院区"), Site(id=south, code="south", name="城南院区")])
        session.flush()
        staff = _staff(session, north=north, south=south)
        rule_version_id = _reference(session)
        session.add(Watermark(feed="ledger", at=clock.now()))
        session.flush()
        children = [
            add_child(session, site_id=site, assistant=staff[assistant], optometrist=staff[optometrist], number=number)
            for number, (site, assistant, optometrist) in enumerate(
                [(north, "assistant", "optometrist"), (north, "assistant2", "optometrist2"), (south, "far", "far_eye")],
                1,
            )
        ]
        for child in children:
            add_membership(session, child.customer_id, rule_version_id=rule_version_id)
        accounts = _accounts(session, staff)
    return Clinic(
        north=north,
        south=south,
        staff=staff,
        accounts=accounts,
        rule_version_id=rule_version_id,
        mine=children[0],
        colleagues=children[1],
        far=children[2],
    )


def _staff(session: Session, *, north: UUID, south: UUID) -> dict[str, UUID]:
    departments = {site: new_id() for site in (north, south)}
    for site, department in departments.items():
        session.add(
            Department(id=department, site_id=site, code="optometry", name="视光", kind=DepartmentKind.OPTOMETRY)
        )
    session.flush()
    people = [
        ("assistant", Role.ASSISTANT, north),
        ("assistant2", Role.ASSISTANT, north),
        ("optometrist", Role.OPTOMETRIST, north),
        ("optometrist2", Role.OPTOMETRIST, north),
        ("manager", Role.MANAGER, north),
        ("executive", Role.EXECUTIVE, north),
        ("far", Role.ASSISTANT, south),
        ("far_eye", Role.OPTOMETRIST, south),
    ]
    ids = {code: new_id() for code, _, _ in people}
    for code, role, site in people:
        session.add(
            Staff(id=ids[code], code=code, name=f"员工{code}", role=role, site_id=site, department_id=departments[site])
        )
    session.flush()
    return ids


def _accounts(session: Session, staff: dict[str, UUID]) -> dict[str, UUID]:
    """An account for each member of staff under his code, and an administrator who is none."""
    roles = {code: _role(code) for code in staff} | {"admin": Role.ADMIN}
    ids = {code: new_id() for code in roles}
    for code, role in roles.items():
        session.add(
            Account(
                id=ids[code],
                username=code,
                password_hash=password_hash(),
                role=role,
                staff_id=staff.get(code),
                name=f"员工{code}",
            )
        )
    return ids


def _role(code: str) -> Role:
    special = {"far": Role.ASSISTANT, "far_eye": Role.OPTOMETRIST}
    return special.get(code) or Role(code.rstrip("2"))


def _reference(session: Session) -> UUID:
    """A segment with a rule and a SOP of the tests' own."""
    rule_version_id = new_id()
    session.add(Segment(key=SEGMENT_KEY, label="测试客群"))
    session.add(Sop(key=SOP_KEY, label="复查提醒", summary="今日需提醒复查 {n} 人", definition={}))
    session.flush()
    session.add(
        RuleVersion(
            id=rule_version_id, rule_key="test", number=1, state="published", segment_key=SEGMENT_KEY, definition={}
        )
    )
    session.flush()
    return rule_version_id


def add_child(
    session: Session, *, site_id: UUID, assistant: UUID | None, optometrist: UUID | None, number: int
) -> Child:
    """A customer with one of everything. Private values are canaries made from `number`."""
    child = Child(
        customer_id=new_id(),
        family_id=new_id(),
        guardian_id=new_id(),
        exam_id=new_id(),
        order_id=new_id(),
        medication_id=new_id(),
        task_id=new_id(),
        follow_up_id=new_id(),
        visit_id=new_id(),
        phone=f"199{number:08d}",
        price=Decimal(f"{8000 + number}.37"),
        said=f"家长说的话{number}号",
        note=f"客户备注{number}号",
        finding=f"裂隙灯所见{number}号",
    )
    session.add(Family(id=child.family_id, site_id=site_id))
    session.flush()
    session.add(
        Guardian(
            id=child.guardian_id,
            site_id=site_id,
            family_id=child.family_id,
            name=f"家长{number}号",
            relation="母亲",
            phone=child.phone,
            phone_tail=child.phone[-4:],
        )
    )
    session.add(
        Customer(
            id=child.customer_id,
            site_id=site_id,
            family_id=child.family_id,
            name=f"患者{number}号",
            name_pinyin="huan zhe",
            name_initials="hz",
            sex=Sex.FEMALE,
            birth_date=date(2017, 3, 4),
            filed_on=date(2025, 9, 1),
            assistant_id=assistant,
            optometrist_id=optometrist,
            note=child.note,
        )
    )
    session.flush()
    _add_care(session, child, site_id=site_id, owner=assistant)
    return child


def _add_care(session: Session, child: Child, *, site_id: UUID, owner: UUID | None) -> None:
    where = {"customer_id": child.customer_id, "site_id": site_id}
    add_exam(session, exam_id=child.exam_id, note=child.finding, **where)
    session.add(
        LensOrder(
            **where,
            id=child.order_id,
            eye=Eye.OD,
            product=ProductKind.OK_LENS,
            brand="测试品牌",
            dispensed_on=date(2025, 9, 10),
            price=child.price,
            source=Source.LEDGER,
        )
    )
    session.add(
        Medication(
            **where,
            id=child.medication_id,
            medicine=Medicine.ATROPINE,
            percent=Decimal("0.01"),
            started_on=date(2026, 5, 1),
            note=child.finding,
            source=Source.LEDGER,
        )
    )
    session.add(
        Visit(
            **where,
            id=child.visit_id,
            visit_on=date(2026, 5, 1),
            state=VisitState.ARRIVED,
            source=Source.LEDGER,
        )
    )
    session.add(RecheckPlan(**where, planned_on=date(2026, 5, 1), due_on=date(2026, 11, 1), source=Source.LEDGER))
    add_task(session, task_id=child.task_id, owner_id=owner, **where)
    session.flush()
    session.add(
        FollowUp(
            **where,
            id=child.follow_up_id,
            task_id=child.task_id,
            staff_id=owner,
            channel=Channel.PHONE,
            outcome=Outcome.NO_ANSWER,
            note=child.said,
            contacted_at=datetime.fromisoformat("2026-11-20T02:00:00+00:00"),
            source=Source.WORKSTATION,
        )
    )


def add_exam(
    session: Session, *, customer_id: UUID, site_id: UUID, exam_id: UUID | None = None, note: str = "", **options: Any
) -> UUID:
    """An examination of both eyes, −3.25 and −2.75 D."""
    exam_id = exam_id or new_id()
    values: dict[str, Any] = {"examined_on": date(2026, 5, 1), "method": RefractionMethod.AUTOREFRACTION}
    session.add(
        Exam(
            id=exam_id,
            customer_id=customer_id,
            site_id=site_id,
            note=note,
            cycloplegic=True,
            lens_state=LensState.NONE,
            source=Source.LEDGER,
            **(values | options),
        )
    )
    session.flush()
    for eye, sphere in ((Eye.OD, "-3.25"), (Eye.OS, "-2.75")):
        session.add(
            EyeMeasurement(
                customer_id=customer_id,
                site_id=site_id,
                exam_id=exam_id,
                eye=eye,
                sphere=Decimal(sphere),
                cylinder=Decimal("-0.50"),
                axis=180,
                axial_length_mm=Decimal("24.31"),
                k1=Decimal("42.87"),
                k2=Decimal("43.50"),
                iop_mmhg=Decimal("15.5"),
            )
        )
    return exam_id


def add_task(
    session: Session,
    *,
    customer_id: UUID,
    site_id: UUID,
    owner_id: UUID | None,
    task_id: UUID | None = None,
    anchor_on: date = date(2026, 5, 1),
    **options: Any,
) -> UUID:
    """An open task that is due."""
    task_id = task_id or new_id()
    values: dict[str, Any] = {"sop_key": SOP_KEY, "step_key": "remind", "due_on": date(2026, 11, 20), "priority": 2}
    session.add(
        Task(
            id=task_id,
            customer_id=customer_id,
            site_id=site_id,
            owner_id=owner_id,
            anchor_on=anchor_on,
            evidence=[],
            **(values | options),
        )
    )
    return task_id


def add_membership(session: Session, customer_id: UUID, *, rule_version_id: UUID) -> None:
    customer = session.get_one(Customer, customer_id)
    session.add(
        Membership(
            customer_id=customer_id,
            site_id=customer.site_id,
            segment_key=SEGMENT_KEY,
            rule_version_id=rule_version_id,
            entered_on=date(2026, 5, 1),
            evidence=[],
        )
    )


# ── a served centre ──────────────────────────────────────────────────────────────────────────────────────


class Stage:
    """Serves whichever application a test puts on it: one server a test process, an application a test."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None, "no application is on the stage"
        await self.app(scope, receive, send)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application over real HTTP on a free port; its address."""
    server = _Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    server.ready.wait(30)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


# ── a workstation ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class Workstation:
    """Talks to a served centre as one device; knows the protocol and nothing else.

    Attributes:
        held: rows by kind and id, as pulls left them.
        stood: the stream that brought each of them last.
        received: every byte of every answer, for those who look for canaries.
    """

    http: httpx.Client
    clock: Clock
    device_id: UUID = field(default_factory=new_id)
    secret: str = "s" * 43
    tokens: TokenResponse | None = None
    cursors: dict[str, Cursor] = field(default_factory=dict)
    held: dict[tuple[str, UUID], Row] = field(default_factory=dict)
    stood: dict[tuple[str, UUID], str] = field(default_factory=dict)
    received: list[str] = field(default_factory=list)
    next_n: int = 1

    @property
    def claim(self) -> Json:
        return {"id": str(self.device_id), "secret": self.secret, "name": "test", "app_version": "1"}

    @property
    def headers(self) -> dict[str, str]:
        device = {"X-HCRM-Device": str(self.device_id), "X-HCRM-Device-Secret": self.secret}
        return device | ({"Authorization": f"Bearer {self.tokens.access_token}"} if self.tokens else {})

    def post(self, path: str, body: Json | None = None) -> httpx.Response:
        answer = self.http.post(path, json=body, headers=self.headers)
        self.received.append(answer.text)
        return answer

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers=self.headers)

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        answer = self.post("/auth/login", {"username": username, "password": password, "device": self.claim})
        if answer.status_code == 200:
            self.tokens = TokenResponse.model_validate(answer.json())
        return answer

    def refresh(self, token: str | None = None) -> httpx.Response:
        assert self.tokens is not None
        body = {"refresh_token": token or self.tokens.refresh_token, "device": self.claim}
        answer = self.post("/auth/refresh", body)
        if answer.status_code == 200:
            self.tokens = TokenResponse.model_validate(answer.json())
        return answer

    def hello(self, **options: Any) -> HelloResponse:
        request = HelloRequest(app_version="1", now=self.clock.now(), **options)
        answer = self.post("/sync/hello", request.model_dump(mode="json"))
        assert answer.status_code == 200, answer.text
        return HelloResponse.model_validate(answer.json())

    def pull(self, *, epoch: UUID, limit: int = 500) -> PullResponse:
        request = PullRequest(epoch=epoch, cursors=self.cursors, limit=limit)
        answer = self.post("/sync/pull", request.model_dump(mode="json"))
        assert answer.status_code == 200, answer.text
        return PullResponse.model_validate(answer.json())

    def catch_up(self, *, limit: int = 500) -> HelloResponse:
        """Pull every granted stream to its head, as a workstation does."""
        greeting = self.hello()
        for grant in greeting.streams:
            self.cursors.setdefault(grant.key, Cursor())
        more = True
        while more:
            answer = self.pull(epoch=greeting.epoch, limit=limit)
            self.take(answer)
            more = any(page.more for page in answer.pages)
        return greeting

    def take(self, answer: PullResponse) -> bool:
        """Apply pages as a workstation does; whether there was anything in them."""
        for page in answer.pages:
            if page.reset:
                self._drop({key for key, stream in self.stood.items() if stream == page.stream})
            self.held |= {(row.kind, row.id): row for row in page.rows}
            self.stood |= {(row.kind, row.id): page.stream for row in page.rows}
            gone = {(one.kind, one.id) for one in page.tombstones}
            self._drop({key for key in gone if self.stood.get(key) == page.stream})
            self.cursors[page.stream] = page.next
        return any(page.rows or page.tombstones for page in answer.pages)

    def _drop(self, keys: set[tuple[str, UUID]]) -> None:
        for key in keys:
            del self.held[key], self.stood[key]

    def rows(self, kind: str) -> dict[UUID, Json]:
        return {row_id: row.body for (found, row_id), row in self.held.items() if found == kind}

    def operation(
        self, kind: OperationKind, row_id: UUID, body: Json, *, base_ver: int | None = None, **options: Any
    ) -> Operation:
        """The next numbered operation."""
        values: dict[str, Any] = {"n": self.next_n, "op_id": new_id(), "captured_at": self.clock.now()}
        self.next_n += 1
        return Operation(kind=kind, row_id=row_id, base_ver=base_ver, body=body, **(values | options))

    def send(self, *operations: Operation, epoch: UUID | None = None) -> httpx.Response:
        request = PushRequest(epoch=epoch or self.hello().epoch, operations=list(operations))
        return self.post("/sync/push", request.model_dump(mode="json"))

    def push(self, *operations: Operation) -> PushResponse:
        answer = self.send(*operations)
        assert answer.status_code == 200, answer.text
        return PushResponse.model_validate(answer.json())


def outcome_body(child: Child, outcome: Outcome = Outcome.NO_ANSWER, **options: Any) -> Json:
    """A `RecordOutcome` about a child, as JSON."""
    body: Json = {
        "customer_id": str(child.customer_id),
        "follow_up_id": str(new_id()),
        "channel": "phone",
        "outcome": outcome.value,
        "note": "",
    }
    return body | options


def exam_body(child: Child, *, on: date, **options: Any) -> Json:
    """A `RecordExam` of both eyes, as JSON."""
    eyes = [
        {
            "id": str(new_id()),
            "eye": eye,
            "sphere": sphere,
            "cylinder": "-0.50",
            "axis": 175,
            "axial_length_mm": "24.50",
        }
        for eye, sphere in (("OD", "-3.50"), ("OS", "-3.00"))
    ]
    body: Json = {
        "customer_id": str(child.customer_id),
        "examined_on": on.isoformat(),
        "method": RefractionMethod.AUTOREFRACTION.value,
        "cycloplegic": False,
        "lens_state": LensState.NONE.value,
        "eyes": eyes,
    }
    return body | options


def later(clock: Any, **by: float) -> None:
    """Move a fake clock."""
    clock.advance(timedelta(**by))
