"""Doors: what a protocol can rely on, with refusals in its own form and limits of its own."""

import ast
import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import muniment.protocols
from muniment.capture.clock import now
from muniment.core.digests import Digest
from muniment.core.errors import BadToken, MunimentError
from muniment.core.payloads import Payload
from muniment.core.people.tokens import id_of, make_token
from muniment.core.times import write_time
from muniment.core.verbs.bytes import SetQuota
from muniment.core.verbs.people import BeginSession
from muniment.edge.caller import find_token
from muniment.edge.door import Door, House, open_door
from muniment.edge.limits import USUAL, limits, limits_of
from muniment.edge.refusals import status_of
from muniment.edge.sending import send_blob
from muniment.edge.uploads import begin_upload, continue_upload
from muniment.edge.writing import execute
from muniment.server.app import DOORS, make_app
from muniment.server.settings import ServerSettings
from muniment.server.wiring import open_served
from muniment.signing.keys import Identity

# ---- a door, of a protocol that is made up


async def begin(request: Request) -> Response:
    return PlainTextResponse((await begin_upload(request)).id, 201)


@limits(streams=True)
async def add(request: Request) -> Response:
    asked, upload = request.query_params, request.path_params["upload"]
    progress = await continue_upload(request, upload, int(asked["from"]), complete="last" in asked)
    return PlainTextResponse(f"{progress.offset} {progress.result}")


async def fetch(request: Request) -> Response:
    return await send_blob(request, Digest.parse(request.path_params["digest"]), {"x-toy": "yes"})


async def bound(request: Request) -> Response:
    command = SetQuota(namespace=request.path_params["namespace"], size_bytes=int(await request.body()))
    return PlainTextResponse(f"entry {(await execute(request, command)).index}")


def write_line(error: MunimentError, _request_id: str) -> Response:
    headers = {"www-authenticate": 'Basic realm="toy"'} if status_of(error) == 401 else {}
    return PlainTextResponse(f"ERROR {error.code} {error.sentence}", status_of(error), headers)


def open_toy(house: House) -> Door:
    routes = [
        Route("/toy/uploads", begin, methods=["POST"]),
        Route("/toy/uploads/{upload}", add, methods=["PUT"]),
        Route("/toy/blobs/{digest}", fetch),
        Route("/toy/quotas/{namespace}", bound, methods=["PUT"]),
    ]
    return open_door("/toy", Starlette(routes=routes), house, write_line)


# ---- and what it does


Visit = Callable[[httpx2.AsyncClient], Awaitable[None]]


def visit(directory: Path, act: Visit, **changes: object) -> None:
    """Open a registry with the toy door beside those that a server has, and let its owner act there."""
    settings = ServerSettings.load(data=directory, scan=False, max_body=100_000, **changes)
    opened = open_served(settings)
    app = make_app(opened, settings, [*DOORS, open_toy])
    token = make_token()
    sign_in = BeginSession(
        public_key=Identity.generate().public.pem,
        token=id_of(token),
        name=Payload.of("laptop"),
        expires=write_time(now() + timedelta(hours=1)),
    )
    opened.registry.execute(opened.invitation, sign_in, "").result()

    async def run() -> None:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://toy", auth=("any", token)
        ) as client:
            await act(client)

    try:
        asyncio.run(run())
    finally:
        opened.close()


def test_bytes_come_in_and_go_out_by_a_second_door(tmp_path: Path) -> None:
    """A second door takes uploads without a size and serves ranges and conditional requests."""
    data = os.urandom(3_000_000)

    async def act(client: httpx2.AsyncClient) -> None:
        upload = (await client.post("/toy/uploads")).text
        where, offset = f"/toy/uploads/{upload}", 0
        for part in (data[:1_000_000], data[1_000_000:1_000_001], data[1_000_001:2_500_000]):
            answer = await client.put(where, params={"from": offset}, content=part)
            offset += len(part)
            assert answer.text == f"{offset} None"
        answer = await client.put(where, params={"from": offset, "last": ""}, content=data[offset:])
        digest = Digest.of(data)
        assert answer.text == f"{len(data)} {digest}"
        blob = f"/toy/blobs/{digest}"
        whole = await client.get(blob)
        assert (whole.content, whole.headers["x-toy"]) == (data, "yes")
        middle = await client.get(blob, headers={"range": "bytes=1000000-1999999"})
        assert (middle.status_code, middle.content) == (206, data[1_000_000:2_000_000])
        assert middle.headers["content-range"] == "bytes 1000000-1999999/3000000"
        known = await client.get(blob, headers={"if-none-match": whole.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        native = await client.get(f"/api/v1/blobs/{digest}")
        assert native.content == data

    visit(tmp_path, act)


def test_a_second_door_writes_through_the_scribe(tmp_path: Path) -> None:
    """A write by a second door is one event per idempotency key, and every door sees it."""

    async def act(client: httpx2.AsyncClient) -> None:
        key = {"idempotency-key": "once"}
        answers = [await client.put("/toy/quotas/acme", content=b"7", headers=key) for _ in "12"]
        assert answers[0].text.startswith("entry ")
        assert answers[0].text == answers[1].text
        used = await client.get("/api/v1/namespaces/acme/usage")
        assert used.json()["quota_bytes"] == 7

    visit(tmp_path, act)


def test_each_door_refuses_in_its_own_form(tmp_path: Path) -> None:
    """Refusals by a route, the framework and the gateway have the form of their door."""

    async def act(client: httpx2.AsyncClient) -> None:
        missing = f"/blobs/{Digest.of(b'')}"
        stranger = httpx2.BasicAuth("any", "mun_unknown")
        for method, path, more, status, code in (
            ("GET", missing, {}, 404, "blob_not_found"),
            ("GET", missing, {"auth": stranger}, 401, "bad_token"),
            ("GET", "/nowhere", {}, 404, "route_not_found"),
            ("DELETE", "/uploads", {}, 405, "method_not_allowed"),
            ("GET", "/blobs/%00", {}, 422, "invalid_body"),
        ):
            toy = await client.request(method, f"/toy{path}", **more)  # type: ignore[arg-type] # as httpx takes them
            assert (toy.status_code, toy.text.split()[:2]) == (status, ["ERROR", code])
            native = await client.request(method, f"/api/v1{path}", **more)  # type: ignore[arg-type] # as httpx takes them
            assert (native.status_code, native.json()["code"]) == (status, code)
            assert native.headers["content-type"] == "application/problem+json"
        challenges = [
            (await client.get(f"{door}{missing}", auth=stranger)).headers["www-authenticate"]
            for door in ("/toy", "/api/v1")
        ]
        assert [challenge.split()[0] for challenge in challenges] == ["Basic", "Bearer"]
        fault = await client.put("/toy/quotas/acme", content=b"seven")
        assert (fault.status_code, fault.text.split()[:2]) == (500, ["ERROR", "internal_error"])
        for path in ("/", "/toys", "/api/v2"):
            assert (await client.get(path)).json()["code"] == "route_not_found"

    visit(tmp_path, act)


def test_a_route_is_held_to_its_own_limits(tmp_path: Path) -> None:
    """A route has its declared limits, or else the usual ones, and refuses in the form of its door."""

    async def act(client: httpx2.AsyncClient) -> None:
        for body in (bytes(200_000), in_parts(2, 100_000)):
            answer = await client.put("/toy/quotas/acme", content=body)
            assert (answer.status_code, answer.text.split()[:2]) == (413, ["ERROR", "body_too_large"])
            assert answer.headers["connection"] == "close"
        upload = (await client.post("/toy/uploads")).text
        answer = await client.put(f"/toy/uploads/{upload}?from=0", content=in_parts(3, 100_000))
        assert answer.text == "300000 None"

    visit(tmp_path, act)


async def in_parts(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


def test_an_upload_that_never_ends_is_bounded(tmp_path: Path) -> None:
    """An upload without a size stops at the bound of a blob and keeps what came before."""

    async def act(client: httpx2.AsyncClient) -> None:
        where = f"/toy/uploads/{(await client.post('/toy/uploads')).text}"
        answer = await client.put(where, params={"from": 0}, content=in_parts(50, 100_000))
        assert (answer.status_code, answer.text.split()[:2]) == (413, ["ERROR", "body_too_large"])
        answer = await client.put(where, params={"from": 0}, content=b"x")
        assert answer.text.startswith("ERROR offset_mismatch")
        assert answer.text.endswith("2000000")

    visit(tmp_path, act, max_blob=2_000_000)


def test_who_may_come_too_often_is_told_in_the_form_of_the_door(tmp_path: Path) -> None:
    """The rate limit refuses in the form of the door, before any route runs."""

    async def act(client: httpx2.AsyncClient) -> None:
        answers = [await client.get("/toy/nowhere") for _ in range(3)]
        assert answers[-1].text.split()[:2] == ["ERROR", "too_many_requests"]
        assert int(answers[-1].headers["retry-after"]) >= 1

    visit(tmp_path, act, rate=0.01, burst=1)


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "header",
    ["Bearer mun_x", "bearer  mun_x ", basic("ada:mun_x"), basic(":mun_x"), basic("__token__:mun_x")],
)
def test_a_token_is_shown_as_bearer_or_as_a_password(header: str) -> None:
    """A token is accepted as a bearer credential, or as a password under any user name."""
    assert find_token({"authorization": header}) == "mun_x"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Basic",
        "mun_x",
        "Token mun_x",
        "Digest mun_x",
        basic("mun_x"),
        basic("mun_x:"),
        "Basic !!!!",
        "Basic //79",
        "Bearer " + "x" * 2000,
        basic("x" * 2000 + ":mun_x"),
    ],
)
def test_every_other_credential_is_refused(header: str) -> None:
    """Other schemes, missing passwords, invalid base64 and overlong tokens are refused."""
    with pytest.raises(BadToken):
        find_token({"authorization": header})


def test_a_password_that_a_browser_shows_for_another_site_is_refused() -> None:
    """A password that a browser sends for another site is refused."""
    shown = {"authorization": basic("ada:mun_x")}
    assert find_token({**shown, "sec-fetch-site": "same-origin"}) == "mun_x"
    for site in ("cross-site", "same-site"):
        with pytest.raises(BadToken):
            find_token({**shown, "sec-fetch-site": site})


def test_a_route_that_takes_an_upload_declares_that_it_streams() -> None:
    """Exactly the endpoints that continue an upload declare that they stream."""
    streaming = []
    for path in Path(*muniment.protocols.__path__).rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.AsyncFunctionDef):
                declared = "limits(streams=True)" in map(ast.unparse, function.decorator_list)
                assert declared == ("continue_upload(" in ast.unparse(function.body)), function.name  # type: ignore[arg-type] # a list will do
                streaming += [function.name] * declared
    assert streaming, "some do"


def test_an_upload_is_not_taken_by_a_route_that_forgot_to_declare_it() -> None:
    """Continuing an upload in a route that does not stream fails at the first request."""

    async def forgetful(_request: Request) -> Response:
        raise NotImplementedError

    request = Request({"type": "http", "endpoint": forgetful, "headers": []})
    with pytest.raises(TypeError, match="forgetful"):
        asyncio.run(continue_upload(request, "01", 0, complete=True))
    assert limits_of(forgetful) == USUAL


def test_a_body_that_streams_has_no_bound_of_its_own() -> None:
    """Declaring a bound for a streamed body is an error."""
    with pytest.raises(ValueError, match="takes no body_bytes"):
        limits(streams=True, body_bytes=1)
