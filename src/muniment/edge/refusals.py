"""Refusals over HTTP: the status and the headers that all doors share."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from muniment.core import errors as e

# Writes a refusal in the form of a protocol; the second argument is the id of the request.
Form = Callable[[e.MunimentError, str], Response]

# The nearest listed ancestor decides.
_STATUS: Final[Mapping[type[e.MunimentError], int]] = {
    e.InvalidRequest: 400,
    e.InvalidBody: 422,
    e.BodyTooLarge: 413,
    e.InvalidRange: 416,
    e.NotFound: 404,
    e.Refused: 409,
    e.UnknownSigner: 404,
    e.NotIdentified: 401,
    e.BadToken: 401,
    e.NotPermitted: 403,
    e.LoginRefused: 403,
    e.OwnVersion: 403,
    e.NotYourClaim: 403,
    e.NotYourSignature: 403,
    e.RequestReplayed: 422,
    e.PreconditionFailed: 412,
    e.MethodNotAllowed: 405,
    e.QuotaExceeded: 413,
    e.Unavailable: 503,
    e.StorageFull: 507,
    e.TooManyRequests: 429,
    e.RequestTimeout: 408,
    e.InternalError: 500,
    e.Untrusted: 502,
    e.MunimentError: 500,
}
_RETRY_AFTER_S: Final = 2
_STORE: Final = "the registry"
_MOST_CHARACTERS: Final = 500
_log = structlog.get_logger("muniment.requests")


def add_handlers(app: Starlette, form: Form) -> None:
    """Make an app answer refusals, wrong addresses and internal faults in a form."""

    async def refuse_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, e.MunimentError):
            raise error
        return refuse(form, error, request_id_of(request))

    async def refuse_address(request: Request, error: Exception) -> Response:
        return refuse(form, _read_fault(request, error), request_id_of(request))

    async def answer_fault(request: Request, _error: Exception) -> Response:
        return refuse(form, e.InternalError(), request_id_of(request))

    app.add_exception_handler(e.MunimentError, refuse_error)
    app.add_exception_handler(HTTPException, refuse_address)
    # Starlette raises it again after the answer, and the gateway logs it.
    app.add_exception_handler(Exception, answer_fault)


def refuse(form: Form, error: e.MunimentError, request_id: str) -> Response:
    """Write a refusal in a form.

    The location and the words of a store are only for operators: they go to the log.
    """
    told = _conceal(error)
    if told is not error:
        _log.warning("unavailable", request_id=request_id, code=error.code, reason=error.sentence)
    response = form(told, request_id)
    for name, value in _headers_of(told).items():
        response.headers.setdefault(name, value)
    return response


def request_id_of(request: Request) -> str:
    """Return the id of a request, which the gateway set."""
    return str(request.scope.get("request_id", ""))


def status_of(error: e.MunimentError) -> int:
    """Return the HTTP status of a refusal."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def _headers_of(error: e.MunimentError) -> dict[str, str]:
    """Return the headers of a refusal in every form; the form can override them."""
    headers = {"cache-control": "no-store"}
    if isinstance(error, e.TooManyRequests):
        headers["retry-after"] = str(error.retry_after_s)
    elif isinstance(error, e.Unavailable):
        headers["retry-after"] = str(_RETRY_AFTER_S)
    if isinstance(error, e.NotIdentified | e.BadToken):
        headers["www-authenticate"] = 'Bearer realm="muniment"'
    return headers


def _read_fault(request: Request, error: Exception) -> e.MunimentError:
    """Translate a refusal of the framework into ours."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
    path = request.url.path[:_MOST_CHARACTERS]
    if status == HTTPStatus.NOT_FOUND:
        return e.RouteNotFound(path=path)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return e.MethodNotAllowed(method=request.method[:20], path=path)
    return e.InvalidBody(reason=str(getattr(error, "detail", error))[:_MOST_CHARACTERS])


def _conceal(error: e.MunimentError) -> e.MunimentError:
    match error:
        case e.StorageFailed():
            return e.StorageFailed(path=_STORE, reason="see the server's log under the request id")
        case e.StorageFull() | e.StorageReadOnly() | e.StorageBusy():
            return type(error)(path=_STORE)
    return error
