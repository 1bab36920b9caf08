"""The transport of requests: calls go through httpx2, bytes through `http.client`, which is faster.

A problem document is raised as the error that the server raised.
"""

import http.client
import select
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

import httpx2
import msgspec
import uuid_utils
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from muniment import __version__
from muniment.client.connection.locations import Server, read_server
from muniment.core.errors import (
    BadToken,
    InsecureLocation,
    InvalidBody,
    InvalidDigest,
    InvalidName,
    InvalidPast,
    InvalidQuery,
    InvalidRange,
    InvalidReference,
    InvalidTime,
    LogInconsistent,
    MunimentError,
    NotFound,
    NotIdentified,
    NotPermitted,
    RegistryMoved,
    RegistryUnreachable,
    Unavailable,
    VersionWithdrawn,
    list_errors,
)
from muniment.core.errors.tree import REMEDY

API: Final = "/api/v1"
_TIMEOUT: Final = httpx2.Timeout(60.0, connect=10.0)
_BYTES_TIMEOUT_S: Final = 60.0
_ATTEMPTS: Final = 5
_PATIENCE_S: Final = 30.0
_MAX_PROBLEM_BYTES: Final = 1 << 20
_MAX_TARGET_CHARACTERS: Final = 500
# RFC 9110 15: from these statuses on, there is a redirect and a refusal.
_REDIRECTS: Final = 300
_REFUSALS: Final = 400
_AGENT: Final = f"muniment/{__version__}"
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_KINDS: Final = {kind.code: kind for kind in list_errors()}
# The refusals of questions; commands can be refused for any reason.
_OF_QUESTIONS: Final = (
    NotFound,
    NotPermitted,
    NotIdentified,
    BadToken,
    Unavailable,
    LogInconsistent,
    VersionWithdrawn,
    InvalidBody,
    InvalidDigest,
    InvalidName,
    InvalidPast,
    InvalidQuery,
    InvalidRange,
    InvalidReference,
    InvalidTime,
)
# A basis of many entries has some megabytes.
_MAX_ANSWER_BYTES: Final = 256 << 20


class _Problem(msgspec.Struct):
    """The members of a problem document that we read."""

    code: str
    data: dict[str, str | int | float | bool | list[str] | None]


class Transport:
    """A server and the token for it."""

    def __init__(self, location: str, token: str | None) -> None:
        """Prepare to call a server; nothing is sent yet.

        Raises:
            InvalidLocation: it is not the URL of a server.
            BadToken: no token has such characters.
            InsecureLocation: the token would travel in the clear to another machine.
        """
        server = read_server(location)
        self.location = location
        self.is_local = server.host in _LOCAL
        if token is not None and server.scheme != "https" and not self.is_local:
            raise InsecureLocation(location=location)
        if token is not None and not (token.isascii() and token.isprintable()):
            raise BadToken
        self._server = server
        self._headers = {"user-agent": _AGENT}
        self._idle: list[http.client.HTTPConnection] = []
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Make a call, and return the body of the answer.

        A call that changes something carries an Idempotency-Key, so a retry after a lost answer is safe.

        Raises:
            RegistryUnreachable: there is no answer after some retries.
            MunimentError: the server refuses.
        """
        self._check_own(path)
        sent = {**self._headers, **(headers or {})}
        if method != "GET":
            sent.setdefault("idempotency-key", str(uuid_utils.uuid7()))
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            sent["content-type"] = "application/json"
        given = {name: value for name, value in (params or {}).items() if value is not None}
        query = {name: value if isinstance(value, list) else str(value) for name, value in given.items()}
        return retrying(RegistryUnreachable)(self._send, method, path, query, content, sent)

    @contextmanager
    def stream(
        self, method: str, path: str, headers: Mapping[str, str], body: Iterator[memoryview] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send or receive bytes. A body gets its own connection.

        Raises:
            RegistryUnreachable: the connection breaks.
            MunimentError: the server refuses.
        """
        self._check_own(path)
        connection, is_good = self._connect(fresh=body is not None), False
        try:
            try:
                connection.request(method, f"{self._server.path}{path}", body, {**self._headers, **headers})
            except (BrokenPipeError, ConnectionResetError):
                # A server that refuses in the middle of our body answers before it hangs up.
                response = connection.getresponse()
            else:
                response = connection.getresponse()
            if response.status >= _REDIRECTS:
                problem, target = response.read(_MAX_PROBLEM_BYTES), response.headers.get("location", "")
                raise _read_refusal(self.location, method, response.status, problem, target)
            yield response
            # A connection can be reused once the answer is read to its end.
            is_good = response.isclosed() and not response.will_close
        except (http.client.HTTPException, OSError) as error:
            raise RegistryUnreachable(location=self.location, reason=_say(error)) from error
        finally:
            if is_good:
                self._idle.append(connection)
            else:
                connection.close()

    def put_elsewhere(self, url: str, headers: Mapping[str, str], body: Iterator[memoryview]) -> None:
        """PUT bytes to another server, without our credentials.

        Raises:
            InvalidLocation: the URL cannot be read.
            RegistryUnreachable: it does not accept them. 412 counts as success: an object that exists under a
                digest has that digest.
        """
        server = read_server(url)
        connection = _connect(server)
        try:
            connection.request("PUT", f"{server.path}?{urlsplit(url).query}", body, dict(headers))
            response = connection.getresponse()
            response.read(_MAX_PROBLEM_BYTES)
        except (http.client.HTTPException, OSError) as error:
            raise RegistryUnreachable(location=server.host, reason=_say(error)) from error
        finally:
            connection.close()
        if response.status not in {200, 201, 412}:
            raise RegistryUnreachable(location=server.host, reason=f"status {response.status}")

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()
        if "_client" in self.__dict__:
            self._client.close()

    def _check_own(self, path: str) -> None:
        """Check that a path stays at the server, so that our token does."""
        if not path.startswith("/") or path.startswith("//"):
            raise RegistryUnreachable(location=self.location, reason="it names a path at another server")

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | list[str]],
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> bytes:
        try:
            with self._client.stream(
                method, f"{self._server.path}{path}", params=query, content=content, headers=headers
            ) as response:
                answer = self._read(response)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise RegistryUnreachable(location=self.location, reason=_say(error)) from error
        if response.status_code >= _REDIRECTS:
            target = response.headers.get("location", "")
            raise _read_refusal(self.location, method, response.status_code, answer, target)
        return answer

    def _read(self, response: httpx2.Response) -> bytes:
        """Read an answer, decompressed, up to a limit."""
        answer = bytearray()
        for chunk in response.iter_bytes():
            answer += chunk
            if len(answer) > _MAX_ANSWER_BYTES:
                raise RegistryUnreachable(location=self.location, reason="its answer is too large")
        return bytes(answer)

    def _connect(self, *, fresh: bool) -> http.client.HTTPConnection:
        while self._idle and not fresh:
            # Threads share the connections: another one may have taken the last.
            with suppress(IndexError):
                idle = self._idle.pop()
                if not _was_closed(idle):
                    return idle
                idle.close()
        return _connect(self._server)

    @cached_property
    def _client(self) -> httpx2.Client:
        base = httpx2.URL(scheme=self._server.scheme, host=self._server.host, port=self._server.port)
        return httpx2.Client(base_url=base, timeout=_TIMEOUT, follow_redirects=False)


def _connect(server: Server) -> http.client.HTTPConnection:
    host, port = server.host, server.port
    if server.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=_BYTES_TIMEOUT_S, context=context)
    return http.client.HTTPConnection(host, port, timeout=_BYTES_TIMEOUT_S, blocksize=1 << 20)


def _was_closed(connection: http.client.HTTPConnection) -> bool:
    """Return whether the server has closed an idle connection: then it is readable, with nothing to read."""
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))


def _read_refusal(location: str, method: str, status: int, body: bytes, target: str) -> MunimentError:
    """Rebuild the error that a problem document describes; `target` is where a redirect leads.

    What a client finds out by itself, such as that a key was revoked, a server does not answer to a question.
    """
    if status < _REFUSALS:
        return RegistryMoved(location=location, target=target[:_MAX_TARGET_CHARACTERS])
    try:
        problem = msgspec.json.decode(body, type=_Problem)
        kind = _KINDS[problem.code]
        data = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in problem.data.items()
            # What to do is not for a server to say: it could be a command that harms.
            if name != REMEDY
        }
        if method == "GET" and not issubclass(kind, _OF_QUESTIONS):
            return RegistryUnreachable(location=location, reason=f"it answers a question with {problem.code}")
        return kind(**data)
    except (msgspec.MsgspecError, KeyError, TypeError, RecursionError):
        return RegistryUnreachable(location=location, reason=f"status {status}, not from a registry")


def _say(error: Exception) -> str:
    """Say what is wrong with a connection, without the numbers of the operating system."""
    words = (one.strerror for one in _causes_of(error) if isinstance(one, OSError))
    return next(filter(None, words), str(error) or type(error).__name__)


def _causes_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def retrying(*kinds: type[MunimentError]) -> Retrying:
    """Retry on these errors a few times, with growing pauses, then raise."""
    return Retrying(
        retry=retry_if_exception_type(kinds),
        stop=stop_after_attempt(_ATTEMPTS) | stop_after_delay(_PATIENCE_S),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        reraise=True,
    )
