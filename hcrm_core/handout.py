"""Messages about a child's page for a tablet, between the centre and the workstation that shares it."""

from uuid import UUID

from hcrm_core.wire import Instant, Message


class ShareRequest(Message):
    """Whose page is wanted."""

    customer_id: UUID


class Share(Message):
    """A page that is open for reading. Link and code are told here and never again: the centre keeps their hashes.

    Attributes:
        url: opens the page on any device of the clinic's network until `expires_at`.
        code: eight digits, to be typed at the centre's `/h`; opens the page on one device.
        page: the address of `/h`.
    """

    id: UUID
    url: str
    code: str
    page: str
    expires_at: Instant
