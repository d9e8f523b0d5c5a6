"""Parts of rules as columns of one scan: each is worked out once a customer, however many answers ask for it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Subquery, column, literal_column, select

from hcrm_central.jobs.compile import predicate
from hcrm_central.store.facts import CUSTOMER_FACTS
from hcrm_core.rules import Lowered

ALIAS = "scanned"


class Columns:
    """The verdicts of lowered trees on every customer."""

    def __init__(self) -> None:
        self._names: dict[Lowered, str] = {}

    def of(self, tree: Lowered) -> ColumnElement[bool]:
        """The column of a tree's verdict; true, false, or NULL for needs a measurement."""
        return column(self._names.setdefault(tree, f"v{len(self._names)}"), Boolean)

    def scanned(self, more: Iterable[ColumnElement[Any]] = ()) -> Subquery:
        """All of them, and more columns of the facts, to select from.

        OFFSET 0 keeps PostgreSQL from writing each of them out wherever it is used. As a constant of the very type that
        OFFSET takes, it leaves the scan parallel.
        """
        verdicts = [predicate(tree).label(name) for tree, name in self._names.items()]
        return (
            select(*more, *verdicts).select_from(CUSTOMER_FACTS).offset(literal_column("'0'::bigint")).subquery(ALIAS)
        )
