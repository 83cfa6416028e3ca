"""Figures for Prometheus: requests by route and status, and what the model has done."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clip_app.metrics import steps
from clip_app.model.slot import Slot

#: What the text of the figures is called.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# From a cached answer to a batch on a slow processor.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


# A caller who left before the answer began; nginx counts them so. Faults are answered with 500.
_LEFT = 499


class Measures:
    """The figures of one app."""

    def __init__(self, slot: Slot) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_OfModel(slot))
        self.requests = Counter(
            "clip_app_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "clip_app_request_seconds",
            "From request to answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.open = Gauge(
            "clip_app_requests_open", "Requests being answered.", registry=self._registry
        )

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)


class _OfModel(Collector):
    """Steps and passes, as they are when they are asked for."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def collect(self) -> Iterator[Metric]:
        counted = self._slot.service.statistics
        for name, what, value in (
            ("clip_app_images", "Images encoded.", counted.images),
            ("clip_app_image_passes", "Passes of the image tower.", counted.image_passes),
            ("clip_app_texts", "Texts encoded.", counted.texts),
        ):
            yield CounterMetricFamily(name, what, value=value)
        items = CounterMetricFamily("clip_app_step_items", "Items of a step.", labels=("step",))
        seconds = CounterMetricFamily("clip_app_step_seconds", "Time in a step.", labels=("step",))
        for step, times in steps.times().items():
            items.add_metric((step,), times.count)
            seconds.add_metric((step,), times.count * times.mean_ms / 1000)
        yield from (items, seconds)


class Measured:
    """ASGI middleware that counts and times requests."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _LEFT

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        with self._measures.open.track_inprogress():
            await self._app(scope, receive, sent)
        # By its pattern, so that no caller makes up names; what is no route has none.
        route = getattr(scope.get("route"), "path", "")
        self._measures.requests.labels(route, status).inc()
        self._measures.seconds.labels(route).observe(time.perf_counter() - started)
