"""The addresses of shared pages: sharing needs a session, reading needs a link or a code.

Pages are plain HTML under a strict content policy. Whatever is wrong with a link – unknown, expired, ended, of a child
whom the sharer does not see any more – gets the same answer, so that nobody learns from it.
"""

from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from hcrm_central.api.centre import Centre
from hcrm_central.api.context import CentreOf, in_role
from hcrm_central.api.refusals import Refused, documented
from hcrm_central.api.routes import OF_SESSION
from hcrm_central.api.sessions import SignedIn
from hcrm_central.handout import pages, shares
from hcrm_central.handout.reading import read_child
from hcrm_core.handout import Share, ShareRequest
from hcrm_core.terms import Role
from hcrm_core.wire import RefusalCode
from hcrm_store.resources import resource

router = APIRouter()

SharerOf = Annotated[SignedIn, Depends(in_role(Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER))]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
}
FILES = {"handout.css": "text/css", "handout.js": "text/javascript"}
LONGEST_FORM = 200  # bytes; a code has eight
GONE = {410: {"description": "the page is not open, or not any more"}}


@router.post("/shares", responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def share(request: Request, here: CentreOf, who: SharerOf, body: ShareRequest) -> Share:
    """Open a child's page to a tablet, for an hour."""
    return shares.share(here, who, request=body, page=f"{_address(here, request)}/h")


@router.delete("/shares/{share_id}", status_code=204, responses=documented(*OF_SESSION, RefusalCode.NOT_PERMITTED))
def end(here: CentreOf, who: SharerOf, share_id: UUID) -> None:
    """End it before its time."""
    shares.end(here, who, share_id=share_id)


@router.get("/h", response_class=HTMLResponse)
def ask_code() -> HTMLResponse:
    """Where the eight digits are typed."""
    return _page(pages.code_page(), status=200)


async def typed_code(request: Request) -> str:
    """The digits of a form; whatever else was typed with them does not count."""
    body = await request.body()
    fields = parse_qs(body[:LONGEST_FORM].decode("ascii", errors="replace"))
    return "".join(sign for sign in fields.get("code", [""])[0] if sign in "0123456789")


@router.post(
    "/h",
    response_class=HTMLResponse,
    responses={
        303: {"description": "the code was right: here is the page"},
        410: {"description": "the code is wrong, was used or is over"},
        429: {"description": "too many codes from this address"},
    },
)
def take_code(request: Request, here: CentreOf, code: Annotated[str, Depends(typed_code)]) -> Response:
    """Exchange a code for a page, once."""
    address = request.client.host if request.client else "unknown"
    try:
        here.codes.begin(username=address, address=address)
    except Refused as refused:
        wait = {"Retry-After": str(refused.retry_after)}
        return _page(pages.code_page(problem="too_many"), status=429, headers=wait)
    token = shares.exchange(here, code)
    if token is None:
        here.codes.failed(address=address)
        return _page(pages.code_page(problem="wrong"), status=410)
    here.codes.succeeded(username=address)
    return RedirectResponse(f"/h/{token}", status_code=303, headers=HEADERS)


@router.get("/h/files/{name}", response_class=FileResponse, responses={410: GONE[410]})
def file(name: str) -> Response:
    """Style and script of the pages."""
    if name not in FILES:
        return _page(pages.gone_page(), status=410)
    return FileResponse(resource("handout", name), media_type=FILES[name], headers=HEADERS)


@router.get("/h/{token}", response_class=HTMLResponse, responses={410: GONE[410]})
def child(here: CentreOf, token: str) -> HTMLResponse:
    """A child's page."""
    opened = shares.opened(here, token)
    found = read_child(here, opened) if opened else None
    if opened is None or found is None:
        return _page(pages.gone_page(), status=410)
    left = (opened.expires_at - here.clock.now()).total_seconds()
    return _page(pages.child_page(found, seconds=int(left) + 1), status=200)


@router.head("/h/{token}", response_class=HTMLResponse, responses={410: GONE[410]})
def still_open(here: CentreOf, token: str) -> Response:
    """Whether it may still be shown: a tablet asks while it shows it."""
    return Response(status_code=200 if shares.opened(here, token) else 410, headers=HEADERS)


def _page(content: str, *, status: int, headers: dict[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(content, status, HEADERS | (headers or {}))


def _address(here: Centre, request: Request) -> str:
    """As the clinic's network knows the centre; otherwise as the workstation called it."""
    return (here.settings.public_url or str(request.base_url)).rstrip("/")
