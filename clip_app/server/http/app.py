"""The app below `/v1`, put together."""

import limits
from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline
from starlette.middleware import Middleware

from clip_app import __version__
from clip_app.server.endpoints import Endpoints
from clip_app.server.http.access import Keys
from clip_app.server.http.addresses import Fetcher
from clip_app.server.http.errors import EXCEPTION_HANDLERS
from clip_app.server.http.forms import forms
from clip_app.server.http.guesses import Guesses
from clip_app.server.http.limits import Guard
from clip_app.server.http.measures import CONTENT_TYPE, Measured, Measures
from clip_app.server.http.routes import routes
from clip_app.settings import Settings


def http_app(endpoints: Endpoints, settings: Settings, keys: Keys) -> FastAPI:
    """What is mounted at `PREFIX`.

    A log-in is asked for in front of it; keys alone are asked for here.

    Args:
        endpoints: what answers.
        settings: limits.
        keys: those of the settings.
    """
    largest = settings.max_upload_mb * 1_000_000
    closed, rate = bool(keys) and not settings.credentials, rate_of(settings)
    measures = Measures(endpoints.slot)
    # Its page of documentation brings what it is made of; FastAPI's own asks a CDN for it.
    app = FastAPIOffline(
        title="clip_app",
        version=__version__,
        description="Classify, match and search photographs by words.",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        # It would send callers to whatever host they name, and over http.
        redirect_slashes=False,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            Middleware(Measured, measures=measures),
            *([Middleware(Guesses, keys=keys, rate=rate)] if closed else []),
            Middleware(
                Guard,
                keys=keys,
                closed=closed,
                rate=rate,
                max_body=largest,
            ),
        ],
    )
    fetch = Fetcher(largest) if settings.fetch_images else None
    app.include_router(routes(endpoints, fetch))
    app.include_router(forms(endpoints, fetch))

    @app.head("/metrics", include_in_schema=False)
    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(measures.text(), media_type=CONTENT_TYPE)

    return app


def rate_of(settings: Settings) -> limits.RateLimitItem | None:
    """How often a caller may ask; None for any number of times."""
    return limits.parse(settings.rate_limit) if settings.rate_limit else None
