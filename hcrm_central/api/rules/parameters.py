"""Setting a parameter: its next value, within its range, by who looked at the one in force."""

from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select

from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_central.api.rules.authors import author
from hcrm_central.api.rules.requests import ask
from hcrm_central.api.sessions import SignedIn
from hcrm_central.jobs.runs import RunKind
from hcrm_central.jobs.versions import lock_rules
from hcrm_central.store.engine import transaction
from hcrm_core.errors import Rejected
from hcrm_core.rules import Parameter
from hcrm_core.rules.messages import ParameterRequest, Requested
from hcrm_core.wire import RefusalCode
from hcrm_store.journeys import RuleParameter

MEASURED = {"度", "D", "mm", "µm"}  # every other unit counts whole ones


def set_parameter(here: Centre, who: SignedIn, *, key: str, request: ParameterRequest) -> Requested:
    """Set a parameter; rules and SOPs that use it are worked out again.

    Raises:
        Rejected: ``parameter_unknown``, ``value_unsuitable``.
        Refused: ``stale``.
    """
    by, at = author(who), here.clock.now()
    with transaction(here.store.service, who.principal) as session:
        lock_rules(session)
        query = select(RuleParameter).where(RuleParameter.key == key).order_by(RuleParameter.number.desc())
        latest = session.scalar(query.limit(1))
        if latest is None:
            raise Rejected("parameter_unknown", "there is no parameter of this key")
        if latest.number != request.number:
            raise Refused(RefusalCode.STALE)
        row = RuleParameter(
            key=key,
            number=latest.number + 1,
            definition=_with_value(latest.definition, request.value),
            set_at=at,
            author=by.name,
            author_id=by.account_id,
            note=request.note,
        )
        session.add(row)
        session.flush()
        by.note(session, "set", row, clock=here.clock)
        return Requested(request_id=ask(session, RunKind.PARAMETER, key=key, at=at, by=by))


def _with_value(definition: dict[str, Any], value: Decimal) -> dict[str, Any]:
    try:
        parameter = Parameter.model_validate(definition | {"value": value})
    except ValidationError:
        raise Rejected("value_unsuitable", "the value is outside the parameter's range") from None
    if parameter.unit not in MEASURED and value % 1:
        raise Rejected("value_unsuitable", f"{parameter.unit} are counted whole")
    return parameter.model_dump(mode="json")
