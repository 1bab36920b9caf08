"""Refusals of this protocol: problem documents, also for invalid bodies."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from muniment.core.errors import InvalidBody
from muniment.edge.problems import write_problem
from muniment.edge.refusals import refuse, request_id_of

_MOST_CHARACTERS = 500


def add_body_handler(app: FastAPI) -> None:
    """Answer invalid bodies like every refusal."""
    app.add_exception_handler(RequestValidationError, _refuse_body)


async def _refuse_body(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in faults[:5])
    # The input may be a secret in the wrong place: repeat only where it was and why it is refused.
    refusal = InvalidBody(reason=said[:_MOST_CHARACTERS])
    return refuse(write_problem, refusal, request_id_of(request))
