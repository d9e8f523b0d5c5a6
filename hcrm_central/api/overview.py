"""The group in numbers, for managers and executives: counts only, never a row of a customer."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm_central.api.centre import Centre
from hcrm_central.api.hello import freshness
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.engine import snapshot
from hcrm_core.errors import NotPermitted
from hcrm_core.terms import Role
from hcrm_core.wire import Overview, SegmentSize, SiteOverview, SopProgress
from hcrm_store.clock import business_date
from hcrm_store.organisation import Site

READS_NUMBERS = {Role.MANAGER, Role.EXECUTIVE}

Counts = dict[tuple[UUID, str, str], int]  # by site, subject and key


def overview(here: Centre, who: SignedIn) -> Overview:
    """Counts of every active site, from one snapshot.

    Raises:
        NotPermitted: the role works with customers or accounts, not with the group's numbers.
    """
    if who.principal.role not in READS_NUMBERS:
        raise NotPermitted("the overview is for managers and executives", remedy="ask a manager")
    now = here.clock.now()
    today = business_date(now)
    with snapshot(here.store.service, who.principal) as session:
        counts = _counts(session, today)
        sites = session.scalars(select(Site).where(Site.active).order_by(Site.code))
        return Overview(
            as_of=now,
            business_date=today,
            sites=[_site(site, counts) for site in sites],
            freshness=freshness(session),
        )


def _counts(session: Session, today: date) -> Counts:
    """Counted inside the database by hcrm.overview, which looks past row security and returns numbers only."""
    found = session.execute(text("SELECT site_id, subject, key, n FROM hcrm.overview(:today)"), {"today": today})
    return {(row.site_id, row.subject, row.key): row.n for row in found}


def _site(site: Site, counts: Counts) -> SiteOverview:
    mine = {(subject, key): n for (site_id, subject, key), n in counts.items() if site_id == site.id}
    sops = sorted({key for subject, key in mine if subject in ("open", "done")})
    return SiteOverview(
        site_id=site.id,
        code=site.code,
        name=site.name,
        customers=mine.get(("customers", ""), 0),
        sops=[
            SopProgress(sop_key=key, open=mine.get(("open", key), 0), done=mine.get(("done", key), 0)) for key in sops
        ],
        segments=[
            SegmentSize(segment_key=key, customers=n)
            for (subject, key), n in sorted(mine.items())
            if subject == "segment"
        ],
    )
