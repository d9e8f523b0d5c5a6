"""How the match of a rule hangs on one threshold, or on one parameter."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, case, column, func, null, select

from hcrm_central.api.centre import Centre
from hcrm_central.api.questions.columns import Columns
from hcrm_central.api.questions.trials import QUICK_SECONDS, asked_about
from hcrm_central.api.sessions import SignedIn
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules.messages import Histogram, LeafTrial
from hcrm_core.rules.thresholds import ThresholdSplit, threshold_split


def histogram(here: Centre, who: SignedIn, trial: LeafTrial) -> Histogram:
    """The customers for whom a condition decides, by the value that decides; how many match and do not anyway.

    Raises:
        Refused: as `asked_about`; the code may be ``not_draggable`` or ``path_unknown``.
    """
    with asked_about(here, who, trial, seconds=QUICK_SECONDS) as tried:
        split = threshold_split(tried.rule, trial.path, within=tried.within)
        columns = Columns()
        value: ColumnElement[Any] = column("value")  # why Any: of the fact's own type
        decided = case((columns.of(split.always), False), else_=columns.of(split.decided))
        scanned = columns.scanned([_deciding(split).label("value")])
        told = select(
            decided.label("decided"),
            case((decided, value), else_=null()).label("value"),
            columns.of(split.always).label("always"),
        ).select_from(scanned)
        groups = told.subquery("told").c
        query = select(groups.decided, groups.always, groups.value, func.count()).group_by(*groups)
        rows = tried.session.execute(query).all()
    return Histogram(
        path=trial.path,
        always=sum(many for _, always, _, many in rows if always),
        never=sum(many for decided, always, _, many in rows if not decided and not always),
        values=[(_text(value), many) for value, many in sorted((row[2], row[3]) for row in rows if row[0])],
    )


def _deciding(split: ThresholdSplit) -> ColumnElement[object]:
    """Both eyes' greatest or least; NULLs are passed over."""
    facts = [CUSTOMER_FACTS.c[name] for name in split.facts]
    return func.greatest(*facts) if split.greatest else func.least(*facts)


def _text(value: date | Decimal | int) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
