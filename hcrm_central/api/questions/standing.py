"""All segments of a customer, for whoever works with him."""

from uuid import UUID

from sqlalchemy import Integer, String, Uuid, column, func, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.engine import snapshot
from hcrm_core.errors import NotPermitted
from hcrm_core.rules.messages import MembershipLine, Standing
from hcrm_store.journeys import Membership, Segment
from hcrm_store.people import Customer


def standing(here: Centre, who: SignedIn, *, customer_id: UUID) -> Standing:
    """Present ones first, then the past, the latest first.

    Raises:
        NotPermitted: there is no such customer among the reader's.
    """
    # Versions are for managers; which one a membership came by is known to whoever sees the membership.
    heads = func.hcrm.version_heads().table_valued(
        column("id", Uuid()), column("rule_key", String()), column("number", Integer())
    )
    query = (
        select(Membership, Segment.label, heads.c.rule_key, heads.c.number)
        .join(Segment, Segment.key == Membership.segment_key)
        .join(heads, heads.c.id == Membership.rule_version_id)
        .where(Membership.customer_id == customer_id)
        .order_by(Membership.left_on.desc().nulls_first(), Segment.rank, Segment.key, Membership.entered_on.desc())
    )
    with snapshot(here.store.service, who.principal) as session:
        if session.scalar(select(Customer.id).where(Customer.id == customer_id)) is None:
            raise NotPermitted("there is no such customer among the asker's", remedy="ask whose customer it is")
        lines = [_line(*row) for row in session.execute(query)]
    return Standing(lines=lines)


def _line(membership: Membership, label: str, rule_key: str, number: int) -> MembershipLine:
    return MembershipLine(
        segment_key=membership.segment_key,
        label=label,
        entered_on=membership.entered_on,
        left_on=membership.left_on,
        rule_key=rule_key,
        version=number,
        evidence=membership.evidence,
    )
