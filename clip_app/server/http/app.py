"""The app below `/v1`, put together."""

import limits
from fastapi import FastAPI
from starlette.middleware import Middleware

from clip_app import __version__
from clip_app.server.endpoints import Endpoints
from clip_app.server.http.access import Keys
from clip_app.server.http.errors import EXCEPTION_HANDLERS
from clip_app.server.http.limits import Guard
from clip_app.server.http.routes import routes
from clip_app.settings import Settings


def http_app(endpoints: Endpoints, settings: Settings) -> FastAPI:
    """What is mounted at `PREFIX`.

    A log-in is asked for in front of it; keys alone are asked for here.

    Args:
        endpoints: what answers.
        settings: limits and keys.
    """
    keys = Keys(settings.keys)
    app = FastAPI(
        title="clip_app",
        version=__version__,
        description="Classify, match and search photographs by words.",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            Middleware(
                Guard,
                keys=keys if keys and not settings.credentials else None,
                rate=limits.parse(settings.rate_limit) if settings.rate_limit else None,
                max_body=settings.max_upload_mb * 1_000_000,
            )
        ],
    )
    app.include_router(routes(endpoints, None))
    return app
