"""规则: managers read, try and change who belongs to which segment."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def import_page(_: "Session") -> None:
    """Import the page, a quarter of a second, in a reader: the GUI thread need not wait for it."""
    import_module("hcrm_desktop.views.rules.page")
