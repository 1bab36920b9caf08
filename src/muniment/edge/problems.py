"""Refusals over HTTP: problem details (RFC 9457) with our stable codes."""

import json
from collections.abc import Mapping
from typing import Final

import structlog

from muniment.core import errors as e

MEDIA_TYPE: Final = "application/problem+json"
_HOME: Final = "https://muniment.dev/errors/"

# The nearest ancestor that is listed decides.
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
_log = structlog.get_logger("muniment.requests")


def status_of(error: e.MunimentError) -> int:
    """Give the HTTP status of a refusal."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def describe(error: e.MunimentError, request_id: str) -> bytes:
    """Write the problem document. `data` holds what the refusal is made of, for clients to rebuild it.

    Where a store is, and what it said, is for whoever runs the server: that goes into the log.
    """
    told = _conceal(error)
    if told is not error:
        _log.warning("unavailable", request_id=request_id, code=error.code, reason=str(error))
    return json.dumps(
        {
            "type": f"{_HOME}{told.code}",
            "title": told.code.replace("_", " "),
            "status": status_of(told),
            "detail": str(told),
            "code": told.code,
            "hint": told.hint,
            "data": told.data(),
            "request_id": request_id,
        },
        ensure_ascii=False,
        default=str,
    ).encode()


def headers_of(error: e.MunimentError) -> dict[str, str]:
    """Give the headers that go with a refusal."""
    found = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
    if isinstance(error, e.TooManyRequests):
        found["retry-after"] = str(error.retry_after_s)
    elif isinstance(error, e.Unavailable):
        found["retry-after"] = str(_RETRY_AFTER_S)
    if isinstance(error, e.NotIdentified | e.BadToken):
        found["www-authenticate"] = 'Bearer realm="muniment"'
    if isinstance(error, e.OffsetMismatch):
        found["upload-offset"] = str(error.offset)
    return found


def _conceal(error: e.MunimentError) -> e.MunimentError:
    match error:
        case e.StorageFailed():
            return e.StorageFailed(path=_STORE, reason="the server's log says why, by the id of the request")
        case e.StorageFull() | e.StorageReadOnly() | e.StorageBusy():
            return type(error)(path=_STORE)
    return error
