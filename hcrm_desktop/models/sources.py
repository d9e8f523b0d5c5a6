"""What the record asks the centre for about a row: the source rows behind it. On line only, nothing is kept."""

from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.source import SourceKind, SourceRows

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient


def sources(client: "CentreClient", headers: dict[str, str], *, kind: SourceKind, row_id: UUID) -> SourceRows:
    """The source rows of one row."""
    return client.sources(kind, row_id, headers=headers)
