"""The gateway: request ids, bounds, metrics, spans, and an answer to every request."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator

import pytest
import structlog
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from muniment.core.errors import NotPermitted
from muniment.edge.door import Door
from muniment.edge.gateway import Bounds, Gateway, Metrics
from muniment.edge.problems import write_problem
from muniment.edge.refusals import add_handlers

BOUNDS = Bounds(body_bytes=100, pause_s=0.05, per_second=0, burst=1)
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@pytest.fixture(autouse=True)
def _plain_logging() -> Iterator[None]:
    """Let each test see what is written."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def spans() -> InMemorySpanExporter:
    """Collect the spans of this process."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/x",
    "query_string": b"",
    "root_path": "",
    "http_version": "1.1",
    "headers": [],
    "client": ("h", 1),
}


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotPermitted(principal="p", act="read", namespace="acme")


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError


def visit(
    app: App,
    *parts: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    hang: bool = False,
    method: str = "POST",
) -> tuple[int, dict[str, str], bytes, str]:
    """Send a request through a gateway; give status, headers, body and metrics."""
    collector = CollectorRegistry()
    gateway = Gateway([], Door("", app, write_problem), BOUNDS, Metrics(collector))
    scope = {**SCOPE, "method": method, "headers": list(headers)}
    waiting = list(parts)
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(60)
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting) or hang}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(gateway(scope, receive, send))
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], answered, body, generate_latest(collector).decode()


def test_a_request_has_an_id_a_line_a_count_and_a_span(spans: InMemorySpanExporter) -> None:
    """The id of a proxy is kept and appears in the answer, the log line and the span."""
    spans.clear()
    with capture_logs() as lines:
        status, headers, body, metrics = visit(
            echo, b"he", b"llo", headers=((b"x-request-id", b"proxy-12345"),)
        )
    assert (status, body, headers["x-request-id"]) == (200, b"hello", "proxy-12345")
    assert [(line["event"], line["request_id"], line["received"]) for line in lines] == [
        ("request", "proxy-12345", 5)
    ]
    assert 'muniment_requests_total{method="POST",route="unknown",status="200"} 1.0' in metrics
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert attributes["muniment.request_id"] == "proxy-12345"
    assert attributes["http.response.status_code"] == 200


def test_a_method_that_somebody_made_up_is_no_label(spans: InMemorySpanExporter) -> None:
    """An unknown method is counted under one label and appears nowhere else."""
    spans.clear()
    with capture_logs() as lines:
        _, _, _, metrics = visit(echo, b"", method="EVIL")
    (span,) = spans.get_finished_spans()
    assert 'muniment_requests_total{method="_OTHER",route="unknown",status="200"} 1.0' in metrics
    assert "EVIL" not in f"{metrics} {lines} {dict(span.attributes or {})}"


@pytest.mark.parametrize("evil", [b"x\r\nset-cookie: a", b"", b"short", b"x" * 100, "\u202e1234567".encode()])
def test_an_id_that_is_not_fit_for_a_log_is_replaced(evil: bytes) -> None:
    """A request id with unsafe characters or length is replaced by one of ours."""
    _, headers, _, _ = visit(echo, b"", headers=((b"x-request-id", evil),))
    assert len(headers["x-request-id"]) == 32
    assert headers["x-request-id"].isalnum()


def test_a_body_beyond_the_bound_is_cut_off() -> None:
    """A body beyond the bound is refused with 413 and the connection is closed."""
    status, headers, body, _ = visit(echo, *[b"x" * 40] * 3)
    assert (status, json.loads(body)["code"], headers["connection"]) == (413, "body_too_large", "close")


def test_a_body_that_does_not_come_is_given_up() -> None:
    """A body that stops coming is refused with 408."""
    status, _, body, _ = visit(echo, b"x", hang=True)
    assert (status, json.loads(body)["code"]) == (408, "request_timeout")


def test_a_token_has_one_bucket_however_it_is_sent() -> None:
    """The name beside a token, which anybody can make up, gives no further bucket."""
    bounds = Bounds(body_bytes=1_000, pause_s=1, per_second=0.001, burst=1)

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope["principal"] = "p"
        await echo(scope, receive, send)

    async def ask(gateway: Gateway, header: bytes) -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"authorization", header)]
        await gateway({**SCOPE, "headers": headers}, receive, send)
        return int(sent[0]["status"])

    async def ask_all(headers: list[bytes]) -> list[int]:
        gateway = Gateway([], Door("", known, write_problem), bounds, Metrics(CollectorRegistry()))
        return [await ask(gateway, header) for header in headers]

    names = [b"Basic " + base64.b64encode(b"name%d:token" % number) for number in range(3)]
    # The first request pays from the bucket of the address, the second from that of the token.
    assert asyncio.run(ask_all([b"Bearer token", b"bearer token", *names])) == [200, 200, 429, 429, 429]


def test_a_fault_of_ours_is_an_answer_and_a_line() -> None:
    """An exception is a 500 with the request's id and no details, which only the log has."""
    with capture_logs() as lines:
        status, headers, body, _ = visit(fail, b"")
    document = json.loads(body)
    assert (status, document["code"], document["request_id"]) == (
        500,
        "internal_error",
        headers["x-request-id"],
    )
    assert b"ZeroDivision" not in body
    assert [line["event"] for line in lines] == ["fault", "request"]


def test_a_fault_in_a_route_is_told_like_every_refusal() -> None:
    """An exception in a route is answered as a problem document, not in the framework's form."""
    app = FastAPI()
    add_handlers(app, write_problem)
    app.add_api_route("/x", lambda: 1 / 0, methods=["POST"])
    with capture_logs() as lines:
        status, headers, body, _ = visit(app, b"")
    assert (status, json.loads(body)["code"]) == (500, "internal_error")
    assert json.loads(body)["request_id"] == headers["x-request-id"]
    assert [line["event"] for line in lines] == ["fault", "request"]
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)


def test_a_refusal_that_nobody_answered_is_answered() -> None:
    """A refusal that no route handles is answered as a problem document."""
    status, headers, body, _ = visit(refuse, b"")
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert json.loads(body)["data"] == {"principal": "p", "act": "read", "namespace": "acme"}
