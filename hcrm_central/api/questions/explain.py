"""Why a customer is in a rule's segment, or not: every line with what it saw, and the smallest change that turns it."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.records import Records, read_with
from hcrm_central.api.questions.trials import QUICK_SECONDS, Tried, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.errors import NotPermitted
from hcrm_core.facts.catalogue import CATALOGUE
from hcrm_core.rules import ExplainedNode, Step, explain_nodes, flips
from hcrm_core.rules.evaluation import FactsRow, names_in, reader
from hcrm_core.rules.messages import Explained, ExplainRequest, Explanation, Flip, SourceRow
from hcrm_store.journeys import Membership, RuleVersion
from hcrm_store.people import Customer

_WORDS = {True: "true", False: "false", None: "unknown"}


def explain(here: Centre, who: SignedIn, request: ExplainRequest) -> Explanation:
    """One customer against one rule.

    Raises:
        NotPermitted: there is no such customer among the asker's.
    """
    with asked_about(here, who, request, seconds=QUICK_SECONDS) as tried:
        row = _facts_of(tried, request.customer_id)
        records = Records(tried.session, request.customer_id)
        since, version = _membership(tried, request.customer_id)
        return Explanation(
            customer_id=request.customer_id,
            verdict=_WORDS[reader(tried.lowered)(row)],
            nodes=[_told(one, row, records) for one in explain_nodes(tried.rule, row, within=tried.within)],
            flips=[_flip(step) for step in flips(tried.rule, row, within=tried.within)],
            member_since=since,
            version=version,
        )


def _facts_of(tried: Tried, customer_id: UUID) -> FactsRow:
    """What the rule asks of a customer and what its facts were told by; nothing is known of one not looked at yet.

    Raises:
        NotPermitted: he is not among the asker's: the same as one who is not there.
    """
    asked = names_in(tried.lowered)
    names = sorted(asked.union(*(read_with(CATALOGUE[name]) for name in asked)))
    beside = Customer.__table__.outerjoin(CUSTOMER_FACTS, CUSTOMER_FACTS.c.customer_id == Customer.id)
    query = select(Customer.id, *(CUSTOMER_FACTS.c[name] for name in names)).select_from(beside)
    found = tried.session.execute(query.where(Customer.id == customer_id)).first()
    if found is None:
        raise NotPermitted("there is no such customer among the asker's", remedy="ask whose customer it is")
    return dict(zip(names, found[1:], strict=True))


def _membership(tried: Tried, customer_id: UUID) -> tuple[date, int] | tuple[None, None]:
    """Since when he is in the rule's segment, and by which version."""
    query = (
        select(Membership.entered_on, RuleVersion.number)
        .join(RuleVersion, RuleVersion.id == Membership.rule_version_id)
        .where(Membership.customer_id == customer_id, Membership.segment_key == tried.rule.segment.key)
        .where(Membership.left_on.is_(None))
    )
    found = tried.session.execute(query).first()
    return (found[0], found[1]) if found else (None, None)


def _told(node: ExplainedNode, row: FactsRow, records: Records) -> Explained:
    sources: dict[UUID, SourceRow] = {}
    for one in node.evidence:
        sources |= {found.row_id: found for found in records.behind(CATALOGUE[one.fact], row)}
    return Explained(
        path=node.path,
        kind=node.kind,
        verdict=node.verdict,
        evidence=[one.as_json() for one in node.evidence],
        sources=list(sources.values()),
        decisive=node.decisive,
        label=node.label,
    )


def _flip(step: Step) -> Flip:
    return Flip(path=step.path, fact=step.fact, now=step.now, needed=step.needed, on=step.on)
