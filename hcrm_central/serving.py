"""Serve the application until somebody asks to stop."""

import contextlib
import os
import socket

import uvicorn
from fastapi import FastAPI

from hcrm_central.api.centre import Centre
from hcrm_central.settings import Settings
from hcrm_core.errors import SurroundingsFailed

STOP_SECONDS = 15  # for requests that are under way


class CentreServer(uvicorn.Server):
    """Says in one line that it accepts requests, and where: for whoever started it."""

    def __init__(self, config: uvicorn.Config, *, centre: Centre) -> None:
        super().__init__(config)
        self._centre = centre

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            print(f"READY http://{host}:{port}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._centre.wakeups.close()  # or each of those who wait would hold up the end
        await super().shutdown(sockets)


def serve(app: FastAPI, settings: Settings) -> None:
    """Accept requests until SIGINT or SIGTERM; then finish those under way.

    Raises:
        SurroundingsFailed: the port is taken.
    """
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=STOP_SECONDS
    )
    with _listening(settings) as sock, contextlib.suppress(KeyboardInterrupt):
        CentreServer(config, centre=app.state.centre).run(sockets=[sock])


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol must be named: asyncio switches Nagle's delay off for sockets that say they are TCP, and no others.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would let a second process take the same port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        raise SurroundingsFailed(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            remedy="stop what uses the port, or set HCRM_PORT",
        ) from None
    return sock
