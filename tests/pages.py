"""Rows as a pull brings them, put into a workstation's cache."""

from typing import Any
from uuid import UUID

from hcrm_core.wire import Cursor, Row, StreamPage
from hcrm_desktop.cache import streams
from hcrm_desktop.cache.workspace import Workspace


def row(kind: str, row_id: UUID, *, ver: int = 1, **body: Any) -> Row:
    """One row of a kind; columns that are not named are unknown."""
    return Row(kind=kind, id=row_id, ver=ver, body={"id": str(row_id), "ver": ver, **body})


def put(workspace: Workspace, *rows: Row, stream: str = "north:people", **page: Any) -> set[str]:
    """Apply rows as one page of one stream; the kinds that changed."""
    whole = {"tombstones": [], "next": Cursor(seq=1), "head": 1, "more": False, **page}
    with workspace.write() as session:
        return streams.apply_page(session, StreamPage(stream=stream, rows=list(rows), **whole))
