"""What FastAPI gives to a route: the centre, and who asks."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from hcrm_central.api import sessions
from hcrm_central.api.centre import Centre
from hcrm_central.api.refusals import Refused
from hcrm_core.errors import NotPermitted
from hcrm_core.terms import Role
from hcrm_core.wire import RefusalCode

BEARER = "Bearer "


async def centre(request: Request) -> Centre:
    """A look-up: not worth a thread, hence async."""
    found = request.app.state.centre
    assert isinstance(found, Centre)
    return found


CentreOf = Annotated[Centre, Depends(centre)]


def signed_in(
    request: Request,
    here: CentreOf,
    authorization: Annotated[str, Header()] = "",
    x_hcrm_device: Annotated[UUID | None, Header()] = None,
    x_hcrm_device_secret: Annotated[str, Header(max_length=128)] = "",
) -> sessions.SignedIn:
    """Who asks: a valid access token, sent by the device it was given to."""
    if x_hcrm_device is None:
        raise Refused(RefusalCode.SESSION_ENDED)
    token = authorization.removeprefix(BEARER) if authorization.startswith(BEARER) else ""
    found = sessions.authenticate(here, token=token, device_id=x_hcrm_device, device_secret=x_hcrm_device_secret)
    request.state.account_id = str(found.principal.account_id)
    request.state.device_id = str(found.device_id)
    return found


SignedInOf = Annotated[sessions.SignedIn, Depends(signed_in)]


def in_role(*roles: Role) -> Callable[[sessions.SignedIn], sessions.SignedIn]:
    """Who asks, if he is in one of these roles: refused before anything else of the request is looked at."""

    def check(who: SignedInOf) -> sessions.SignedIn:
        if who.principal.role not in roles:
            raise NotPermitted("this role may not do this", remedy="ask somebody whose role allows it")
        return who

    return check


ManagerOf = Annotated[sessions.SignedIn, Depends(in_role(Role.MANAGER))]
KeeperOf = Annotated[sessions.SignedIn, Depends(in_role(Role.MANAGER, Role.ADMIN))]  # of workstations
CarerOf = Annotated[  # who works with customers
    sessions.SignedIn, Depends(in_role(Role.ASSISTANT, Role.OPTOMETRIST, Role.MANAGER))
]
