"""The only wiring of the HTTP service."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from hcrm_central.api import refusals
from hcrm_central.api.absences import router as absences_router
from hcrm_central.api.centre import Centre
from hcrm_central.api.limiter import Attempts
from hcrm_central.api.middleware import BodyLimit, RequestLog
from hcrm_central.api.questions_routes import router as questions_router
from hcrm_central.api.routes import router
from hcrm_central.api.rules_routes import router as rules_router
from hcrm_central.handout.routes import router as handout_router
from hcrm_central.settings import Settings
from hcrm_central.store.opening import Store
from hcrm_store.clock import Clock


def create_app(store: Store, settings: Settings, *, clock: Clock) -> FastAPI:
    """The service over an open store. OpenAPI at /openapi.json; no page that loads scripts from elsewhere."""
    app = FastAPI(title="HCRM central service", version=version("hcrm-desktop"), docs_url=None, redoc_url=None)
    app.state.centre = Centre(store=store, settings=settings, clock=clock, attempts=Attempts(settings.login_attempts))
    app.include_router(router)
    app.include_router(rules_router)
    app.include_router(absences_router)
    app.include_router(questions_router)
    app.include_router(handout_router)
    refusals.install(app)
    # The last added stands outermost. Compression at its default would take longer than the pull it compresses.
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=3)
    app.add_middleware(BodyLimit, most=settings.max_request_bytes)
    app.add_middleware(RequestLog)
    return app
