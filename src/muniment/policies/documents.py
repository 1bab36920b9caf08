"""Read policy documents, including their expressions."""

import importlib
from typing import Final

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument, InvalidPolicy
from muniment.core.gates.policy import Policy
from muniment.core.gates.rules.expression import Program

MAX_POLICY_BYTES: Final = 1 << 20


def read_policy(document: JsonObject) -> Policy:
    """Read a policy document. Raises like `Policy.read` and `compile_expression`."""
    return Policy.read(document, _compile)


def decode_policy(data: bytes) -> Policy:
    """Read a policy from its JSON.

    Raises:
        InvalidPolicy: it is not a policy.
    """
    try:
        return read_policy(canonical.decode(data))
    except InvalidDocument as error:
        raise InvalidPolicy(reason=error.reason) from error


def _compile(source: str) -> Program:
    # Only policies with expressions load their reader (docs/decisions/0004).
    compiled: Program = importlib.import_module("muniment.policies.expressions").compile_expression(source)
    return compiled
