"""The plain form of refusals: problem details (RFC 9457) with our stable codes."""

import json
from typing import Final

from starlette.responses import Response

from muniment.core import errors as e
from muniment.edge.refusals import status_of

MEDIA_TYPE: Final = "application/problem+json"
_HOME: Final = "https://muniment.dev/errors/"


def write_problem(error: e.MunimentError, request_id: str) -> Response:
    """Write the problem document. Clients rebuild the refusal from `data`."""
    document = {
        "type": f"{_HOME}{error.code}",
        "title": error.code.replace("_", " "),
        "status": status_of(error),
        "detail": error.sentence,
        "code": error.code,
        "hint": error.hint,
        "data": error.data(),
        "request_id": request_id,
    }
    headers = {"content-type": MEDIA_TYPE}
    if isinstance(error, e.OffsetMismatch):
        headers["upload-offset"] = str(error.offset)
    return Response(json.dumps(document, ensure_ascii=False, default=str), status_of(error), headers)
