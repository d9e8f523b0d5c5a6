"""What the record asks the centre for a tablet: to open a child's page, and to close it. On line only."""

from typing import TYPE_CHECKING
from uuid import UUID

from hcrm_core.handout import Share, ShareRequest

if TYPE_CHECKING:
    from hcrm_desktop.sync.client import CentreClient


def share(client: "CentreClient", headers: dict[str, str], *, customer_id: UUID) -> Share:
    """Open a child's page for an hour."""
    return client.share(ShareRequest(customer_id=customer_id), headers=headers)


def end_share(client: "CentreClient", headers: dict[str, str], *, share_id: UUID) -> None:
    """Close it before its time."""
    client.end_share(share_id, headers=headers)
