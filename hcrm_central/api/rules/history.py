"""All versions of a rule."""

from hcrm_central.api.centre import Centre
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.versions import versions_of
from hcrm_central.store.engine import snapshot
from hcrm_core.rules.messages import RuleHistory, RuleState, RuleVersionLine
from hcrm_store.journeys import RuleVersion


def history(here: Centre, who: SignedIn, *, key: str) -> RuleHistory:
    """All versions, newest first; none of a key that nobody has used."""
    with snapshot(here.store.service, who.principal) as session:
        return RuleHistory(key=key, versions=[_line(one) for one in versions_of(session, key)])


def _line(version: RuleVersion) -> RuleVersionLine:
    return RuleVersionLine(
        id=version.id,
        number=version.number,
        state=RuleState(version.state),
        ver=version.ver,
        definition=version.definition,
        author=version.author,
        author_id=version.author_id,
        created_at=version.created_at,
        based_on=version.based_on,
        note=version.note,
        published_at=version.published_at,
        published_by=version.published_by,
        retired_at=version.retired_at,
        retired_note=version.retired_note,
    )
