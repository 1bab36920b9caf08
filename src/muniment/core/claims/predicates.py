"""Predicates as frozen dataclasses, whose fields are the members (`core.forms`)."""

from collections.abc import Mapping
from typing import ClassVar, Self

from muniment.core import forms
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import kind_of
from muniment.core.errors import InvalidAttestation, InvalidDocument


class Predicate:
    """The content of a claim; `type` is its predicate type. Its subclasses are frozen dataclasses."""

    __slots__ = ()

    type: ClassVar[str]

    def predicate(self) -> JsonObject:
        """Write the predicate."""
        return forms.write(self)

    @classmethod
    def read(cls, predicate: Mapping[str, object]) -> Self:
        """Read a predicate.

        Raises:
            InvalidAttestation: a member is missing, unknown, of the wrong type or not valid.
        """
        try:
            return forms.read(cls, predicate)
        except InvalidDocument as error:
            raise InvalidAttestation(reason=f"as {kind_of(cls.type)}: {error.reason}") from error
