"""The OpenAPI document describes the server: schemathesis sends what it allows, and much more."""

from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from muniment.signing.keys import Identity
from muniment.testing.backends import publish
from muniment.testing.live import LiveServer, run_server

# Hypothesis marks what is decorated with it only, and this test makes its properties from the document.
pytestmark = [pytest.mark.slow, pytest.mark.foreign, pytest.mark.hypothesis]


def test_no_request_makes_a_fault(tmp_path: Path) -> None:
    """No generated request to any route is answered with a 500, and each refusal has a code."""
    with run_server(tmp_path) as server:
        owner = Identity.generate()
        publish(server.open_as(owner), owner, b"weights")
        schema = schemathesis.openapi.from_url(f"{server.url}/api/v1/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        assert len(operations) > 50
        for operation in operations:
            for mode in GenerationMode:
                _check(server, operation, mode)


def _check(server: LiveServer, operation: Any, mode: GenerationMode) -> None:  # noqa: ANN401 - schemathesis's own
    token = server.tokens[server.owner.public.id]

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:  # noqa: ANN401 - schemathesis's own
        response = case.call(headers={"authorization": f"Bearer {token}"}, timeout=20)
        if response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG:
            # The HTTP server answers this by itself, before a request gets to a door.
            return
        case.validate_response(response, checks=[not_a_server_error])
        if response.status_code >= 400 and case.method != "HEAD":
            assert response.json()["code"], response.text

    with suppress(Unsatisfiable):
        # There is nothing wrong to send to a route that takes nothing.
        send()
