"""The gateway: what happens to every request before and after its route.

It gives each request an id and a door, enforces the limits of its route, and records it in the log, the
metrics and a span. It is plain ASGI, so bytes pass through it untouched.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from muniment.core.errors import (
    BadToken,
    BodyTooLarge,
    InternalError,
    InvalidBody,
    MunimentError,
    RequestTimeout,
    TooManyRequests,
)
from muniment.edge.caller import find_token
from muniment.edge.door import Door
from muniment.edge.limits import Limits, limits_in
from muniment.edge.pace import Pace
from muniment.edge.refusals import Form, refuse

# Anybody can invent other methods, and each would become a label of the metrics.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)

_log = structlog.get_logger("muniment.requests")
_tracer = trace.get_tracer("muniment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a request may cost. A route can override the first two (see `Limits`).

    Attributes:
        body_bytes: the largest body.
        pause_s: the longest wait for the next part of a body.
        per_second: the sustained rate of requests per caller; 0 for no bound.
        burst: how many requests a caller may make at once.
    """

    body_bytes: int
    pause_s: float
    per_second: float
    burst: int


class Metrics:
    """The metrics of requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        labels = ("method", "route", "status")
        self.requests = Counter("muniment_requests", "Requests answered", labels, registry=registry)
        self.seconds = Histogram(
            "muniment_request_seconds",
            "Time to answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.received = Counter("muniment_received_bytes", "Bytes of bodies received", registry=registry)
        self.sent = Counter("muniment_sent_bytes", "Bytes of bodies sent", registry=registry)
        self.running = Gauge("muniment_requests_running", "Requests in progress", registry=registry)


class Gateway:
    """The outermost layer of the server."""

    def __init__(self, doors: Sequence[Door], rest: Door, bounds: Bounds, metrics: Metrics) -> None:
        """Serve `doors`; `rest` takes the other paths and the lifespan of the server."""
        self._doors = doors
        self._rest = rest
        self._bounds = bounds
        self._metrics = metrics
        self._pace = Pace(bounds.per_second, bounds.burst) if bounds.per_second else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to its door."""
        if scope["type"] != "http":
            await self._rest.app(scope, receive, send)
            return
        scope["request_id"] = _request_id(scope)
        door = next((door for door in self._doors if door.leads(scope["path"])), self._rest)
        passage = _Passage(scope, receive, send, door.form, self._bounds, self._metrics)
        self._metrics.running.inc()
        with _tracer.start_as_current_span("request") as span:
            try:
                self._check_pace(scope)
                _check_address(scope)
                await door.app(scope, passage.receive, passage.send)
            except MunimentError as error:
                await passage.refuse(error)
            except Exception as error:  # noqa: BLE001 - any fault is answered and logged
                await passage.fail(error)
            finally:
                self._metrics.running.dec()
                passage.note()
                if self._pace is not None and scope.get("principal"):
                    self._pace.know(_fingerprint(scope))
                span.set_attribute("http.request.method", passage.method)
                span.set_attribute("http.route", passage.route)
                span.set_attribute("http.response.status_code", passage.status)
                span.set_attribute("muniment.request_id", scope["request_id"])

    def _check_pace(self, scope: Scope) -> None:
        if self._pace is None:
            return
        wait = self._pace.spend(_fingerprint(scope), _place_of(scope), time.monotonic())
        if wait:
            raise TooManyRequests(retry_after_s=wait)


class _Passage:
    """One request on its way through the gateway."""

    def __init__(  # noqa: PLR0913, PLR0917 - the ASGI triple and its context
        self, scope: Scope, receive: Receive, send: Send, form: Form, bounds: Bounds, metrics: Metrics
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._form = form
        self._bounds = bounds
        self._metrics = metrics
        self._received = 0
        self._sent = 0
        self._began = time.perf_counter()
        self._cut: MunimentError | None = None
        self._over = False
        self._answered = False
        self.status = 0

    @property
    def route(self) -> str:
        """The template of the route, never the path itself, which anybody can invent."""
        route = self._scope.get("route")
        if route is not None:
            return f"{self._scope.get('app_root_path', '')}{getattr(route, 'path_format', '')}"
        return str(getattr(self._scope.get("endpoint"), "__name__", "unknown")).strip("_")

    @property
    def method(self) -> str:
        """The method, if HTTP defines it."""
        method = str(self._scope["method"])
        return method if method in _METHODS else "_OTHER"

    async def receive(self) -> Message:
        # Usually the route reads the body; a read before routing gets the usual limits.
        limits = limits_in(self._scope)
        pause_s = self._bounds.pause_s if limits.pause_s is None else limits.pause_s
        try:
            async with asyncio.timeout(pause_s):
                message = await self._receive()
        except TimeoutError as error:
            self._cut = RequestTimeout(pause_s=int(pause_s))
            raise self._cut from error
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")), limits)
        return message

    def _count(self, received: int, limits: Limits) -> None:
        self._received += received
        self._metrics.received.inc(received)
        most = self._bounds.body_bytes if limits.body_bytes is None else limits.body_bytes
        if not limits.streams and self._received > most:
            self._cut = BodyTooLarge(limit_bytes=most)
            raise self._cut

    async def send(self, message: Message) -> None:
        if self._cut is not None:
            # The reader of the body blamed the caller for the break; answer with the real reason.
            cut, self._cut = self._cut, None
            await self.refuse(cut)
            self._over = True
        if self._over:
            return
        await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self._scope["request_id"].encode()),
            ]
        elif message["type"] == "http.response.body":
            count = len(message.get("body", b""))
            self._sent += count
            self._metrics.sent.inc(count)
            self._answered = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, error: MunimentError) -> None:
        """Answer with a refusal in the form of the door, if no answer has begun."""
        if self.status:
            return
        response = refuse(self._form, error, self._scope["request_id"])
        # The unread rest of the body would be taken for the next request.
        response.headers["connection"] = "close"
        await response(self._scope, self._receive, self._pass_on)

    async def fail(self, error: Exception) -> None:
        """Answer an internal fault, and log what is needed to fix it."""
        _log.error("fault", request_id=self._scope["request_id"], route=self.route, exc_info=error)
        if self._answered:
            return
        if self.status:
            # Only a broken connection tells the client that the rest will not come.
            raise error
        await self.refuse(InternalError())

    def note(self) -> None:
        """Log and count the request."""
        took = time.perf_counter() - self._began
        self._metrics.requests.labels(self.method, self.route, str(self.status)).inc()
        self._metrics.seconds.labels(self.method, self.route).observe(took)
        _log.info(
            "request",
            request_id=self._scope["request_id"],
            method=self.method,
            route=self.route,
            status=self.status,
            ms=round(took * 1000, 1),
            received=self._received,
            sent=self._sent,
            principal=self._scope.get("principal"),
        )


def _request_id(scope: Scope) -> str:
    """Return the request id of a proxy, if it is fit for a log, or a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise InvalidBody(reason="the address contains NUL")


def _fingerprint(scope: Scope) -> int | None:
    """Hash the token, not the header it comes in, to tell callers apart without keeping it."""
    try:
        token = find_token(Headers(scope=scope))
    except BadToken:
        return None
    return None if token is None else hash(token)


def _place_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
