"""Whom and what one run looks at: everybody or some customers, all segments and SOPs or those that a change touches.

Every statement of a run carries `Scope.on`, so the nightly scan, a changed customer and a published rule take one way.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from hcrm_central.store.membership import among


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a run may write.

    Attributes:
        only: these customers; None: everybody.
        aside: customers whose rows cannot be computed; they keep segments and tasks.
        segments: these alone; None: all.
        sops: these alone; None: all.
    """

    only: Sequence[UUID] | None = None
    aside: Collection[UUID] = ()
    segments: Collection[str] | None = None
    sops: Collection[str] | None = None

    def on(self, column: Any) -> ColumnElement[bool]:  # why Any: a column, mapped or not
        """The column names a customer of this scope."""
        if self.only is None:
            return ~self._one_of(column, self.aside)
        return self._one_of(column, [one for one in self.only if one not in self.aside])

    @staticmethod
    def _one_of(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:  # why Any: as above
        found: ColumnElement[bool] = column == among(ids)
        return found

    def marks(self, segment_key: str) -> bool:
        return self.segments is None or segment_key in self.segments

    def serves(self, sop_key: str) -> bool:
        return self.sops is None or sop_key in self.sops
