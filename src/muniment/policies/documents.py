"""Read policy documents, including their expressions."""

import importlib
from typing import Final, NamedTuple

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidDocument, InvalidPolicy, MissingExtra
from muniment.core.gates.policy import Policy
from muniment.core.gates.rules.expression import Expression, Program
from muniment.core.names import Alias, Models

MAX_POLICY_BYTES: Final = 1 << 20


class PolicyFile(NamedTuple):
    """A policy of a directory, and what it is for."""

    models: Models
    alias: Alias
    document: JsonObject


def read_policy(document: JsonObject) -> Policy:
    """Read a policy document. Raises like `Policy.read` and `compile_expression`."""
    return Policy.read(document, _compile)


def decode_policy(data: bytes) -> Policy:
    """Read a stored policy from its JSON. Without the `policies` extra, its expressions deny.

    Raises:
        InvalidPolicy: it is not a policy.
    """
    try:
        return Policy.read(canonical.decode(data), _compile_if_possible)
    except InvalidDocument as error:
        raise InvalidPolicy(reason=error.reason) from error


def check_complete(policy: Policy) -> None:
    """Check that every expression of a policy can be evaluated here.

    Raises:
        MissingExtra: the `policies` extra is not installed.
    """
    for named in policy.rules:
        if isinstance(named.rule, Expression) and not named.rule.program.available:
            _compile(named.rule.source)


def _compile_if_possible(source: str) -> Program:
    try:
        return _compile(source)
    except MissingExtra as error:
        reason = f"{error.sentence}: {error.hint}"

        def evaluate(_: object) -> object:
            raise LookupError(reason)

        return Program(names=frozenset(), evaluate=evaluate, available=False)


def _compile(source: str) -> Program:
    # Only policies with expressions load their reader (docs/decisions/0004).
    compiled: Program = importlib.import_module("muniment.policies.expressions").compile_expression(source)
    return compiled
