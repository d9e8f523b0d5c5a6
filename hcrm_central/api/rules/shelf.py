"""The shelf: all rules, parameters and SOPs as they are in force, with how many they concern. Counts only."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.rules.heads import Counted, head
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.defaults import read_parameters
from hcrm_central.jobs.runs import WHOLE, RunKind
from hcrm_central.jobs.touched import named, texts, touched
from hcrm_central.store.engine import snapshot
from hcrm_central.store.tables import ScanRequest, ScanRun
from hcrm_core.rules import Parameter
from hcrm_core.rules.messages import ParameterLine, RuleHead, RuleState, Shelf, SiteName, SopHead
from hcrm_core.tasks import CLOSED
from hcrm_store.journeys import Membership, RuleParameter, RuleVersion, Segment, Sop, Task
from hcrm_store.organisation import Site
from hcrm_store.people import Customer

CAPACITY = 40  # operational: tasks a person is given a day, in a store whose parameters do not say
OVER_ALL = (*WHOLE, RunKind.RULE.value, RunKind.PARAMETER.value)  # kinds that count all customers of what they look at


def shelf(here: Centre, who: SignedIn) -> Shelf:
    """The shelf, from one snapshot."""
    with snapshot(here.store.service, who.principal) as session:
        versions, sops = session.scalars(_VERSIONS).all(), session.scalars(_SOPS).all()
        runs, parameters = _runs(session), _latest(session)
        whole = next((run.id for run in runs if run.kind in WHOLE), None)
        return Shelf(
            as_of=here.clock.now(),
            two_person=here.settings.two_person_publish,
            customers=session.scalar(select(func.count()).select_from(Customer)) or 0,
            rules=_heads(session, versions, _counted(session, runs)),
            parameters=_parameters(parameters, versions, sops),
            sops=_sops(session, sops),
            sites=[SiteName(id=one.id, code=one.code, name=one.name) for one in session.scalars(_SITES)],
            unknown=here.unknown.as_of(session, whole),
            capacity=_capacity(parameters.get("daily_capacity")),
        )


_LAST = (
    select(RuleVersion.rule_key, func.max(RuleVersion.number))
    .where(RuleVersion.published_at.is_not(None))
    .group_by(RuleVersion.rule_key)
)
_VERSIONS = (  # in force, open, and the last of a rule that ended
    select(RuleVersion)
    .where((RuleVersion.state != RuleState.RETIRED.value) | tuple_(RuleVersion.rule_key, RuleVersion.number).in_(_LAST))
    .order_by(RuleVersion.rule_key, RuleVersion.number.desc())
)
_SOPS = select(Sop).order_by(Sop.rank, Sop.key)
_SITES = select(Site).order_by(Site.code)


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────


def all_heads(session: Session) -> list[RuleHead]:
    """The rules alone, by rank."""
    return _heads(session, session.scalars(_VERSIONS).all(), _counted(session, _runs(session)))


def _heads(session: Session, versions: Sequence[RuleVersion], counted: Counted) -> list[RuleHead]:
    by_rule: dict[str, list[RuleVersion]] = {}
    for version in versions:
        by_rule.setdefault(version.rule_key, []).append(version)
    segments = {one.key: one for one in session.scalars(select(Segment))}
    found = (head(one, segments=segments, counted=counted) for one in by_rule.values())
    return sorted((one for one in found if one is not None), key=lambda one: (one.rank, one.key))


def _counted(session: Session, runs: Sequence[ScanRun]) -> Counted:
    needing: dict[str, int] = {}
    before: dict[str, int] = {}
    for run in runs:  # newest first: what a segment's last run told
        for key, count in run.counts.get("segments", {}).items():
            needing.setdefault(key, count["needs_measurement"])
            if run.kind in WHOLE and "before" in count:
                before.setdefault(key, count["before"])
    return Counted(
        customers=_grouped(session, Membership.segment_key, where=Membership.left_on.is_(None)),
        needing=needing,
        before=before,
        failed=frozenset(runs[0].counts.get("failed", ()) if runs else ()),
        waiting=_waiting(session),
    )


def _runs(session: Session) -> Sequence[ScanRun]:
    """Finished runs over all customers since the last that looked at everything, which is among them; newest first."""
    finished = select(ScanRun).where(ScanRun.finished_at.is_not(None)).order_by(ScanRun.started_at.desc())
    last = session.scalar(finished.where(ScanRun.kind.in_(WHOLE)).limit(1))
    since = finished.where(ScanRun.kind.in_(OVER_ALL))
    if last is not None:
        since = since.where(ScanRun.started_at >= last.started_at)
    return session.scalars(since).all()


def _waiting(session: Session) -> frozenset[str]:
    """Segments that a request waits to have worked out again."""
    query = select(ScanRequest.kind, ScanRequest.key).where(ScanRequest.finished_at.is_(None))
    asked = session.execute(query).all()
    if not asked:
        return frozenset()
    rules, parameters = ([key for kind, key in asked if kind == of.value] for of in (RunKind.RULE, RunKind.PARAMETER))
    return frozenset(touched(session, rules=rules, parameters=parameters).segments or ())


# ── parameters and SOPs ──────────────────────────────────────────────────────────────────────────────────


def _latest(session: Session) -> dict[str, RuleParameter]:
    rows = session.scalars(select(RuleParameter).order_by(RuleParameter.key, RuleParameter.number))
    return {row.key: row for row in rows}


def _parameters(
    rows: Mapping[str, RuleParameter], versions: Sequence[RuleVersion], sops: Sequence[Sop]
) -> list[ParameterLine]:
    using = {one.rule_key: named(one.definition.get("where"), "parameter") for one in versions if _is_in_force(one)}
    using |= {sop.key: texts(sop.definition) for sop in sops}
    return [_parameter(row, used_by=[key for key, used in using.items() if row.key in used]) for row in rows.values()]


def _capacity(row: RuleParameter | None) -> int:
    return CAPACITY if row is None else int(Decimal(row.definition["value"]))


def _parameter(row: RuleParameter, *, used_by: list[str]) -> ParameterLine:
    default = _defaults().get(row.key)
    return ParameterLine(
        parameter=row.definition,
        default=default.value if default else None,
        number=row.number,
        set_at=row.set_at,
        author=row.author,
        note=row.note,
        used_by=used_by,
    )


@cache
def _defaults() -> dict[str, Parameter]:
    return read_parameters()


def _is_in_force(version: RuleVersion) -> bool:
    return version.state == RuleState.PUBLISHED.value


def _sops(session: Session, sops: Sequence[Sop]) -> list[SopHead]:
    tasks = _grouped(session, Task.sop_key, where=Task.state.not_in(CLOSED))
    return [
        SopHead(key=one.key, label=one.label, segment_key=one.definition.get("segment"), open=tasks.get(one.key, 0))
        for one in sops
    ]


def _grouped(session: Session, column: InstrumentedAttribute[str], *, where: ColumnElement[bool]) -> dict[str, int]:
    query = select(column.label("key"), func.count().label("many")).where(where).group_by(column)
    return {row.key: row.many for row in session.execute(query)}
