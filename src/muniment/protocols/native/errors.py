"""Refusals of this protocol: whatever goes wrong becomes a problem document."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from muniment.core.errors import InternalError, InvalidBody, MethodNotAllowed, MunimentError, RouteNotFound
from muniment.edge.problems import describe, headers_of, status_of

_MOST_CHARACTERS = 500


def add_handlers(app: FastAPI) -> None:
    """Answer refusals, wrong bodies and wrong addresses alike."""
    app.add_exception_handler(MunimentError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_body)
    app.add_exception_handler(HTTPException, _refuse_route)
    # It is raised again once it is answered, and the gateway logs it.
    app.add_exception_handler(Exception, _answer_fault)


def respond(request: Request, error: MunimentError) -> Response:
    """Write a refusal as a response."""
    request_id = str(request.scope.get("request_id", ""))
    return Response(describe(error, request_id), status_of(error), headers_of(error))


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, MunimentError):
        raise error
    return respond(request, error)


async def _answer_fault(request: Request, _error: Exception) -> Response:
    return respond(request, InternalError())


async def _refuse_body(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in faults[:5])
    # What was sent may be a secret in the wrong place: only where and why is told.
    return respond(request, InvalidBody(reason=said[:_MOST_CHARACTERS]))


async def _refuse_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
    path = request.url.path[:_MOST_CHARACTERS]
    if status == HTTPStatus.NOT_FOUND:
        return respond(request, RouteNotFound(path=path))
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return respond(request, MethodNotAllowed(method=request.method[:20], path=path))
    return respond(request, InvalidBody(reason=str(getattr(error, "detail", error))[:_MOST_CHARACTERS]))
