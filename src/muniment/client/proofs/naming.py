"""The names of people, in place of their ids."""

from collections.abc import Iterable
from contextlib import suppress

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import NotShown
from muniment.core.people.callers import REGISTRY


def find_names(backend: TrustedBackend, principals: Iterable[str], at: str | None = None) -> dict[str, str]:
    """Find the proven names of people; those that were erased, or that we may not read, are left out."""
    names = {REGISTRY: "the registry"}
    for principal in {*principals} - {REGISTRY}:
        with suppress(NotShown):
            name = backend.find_person(principal, at).name
            if name is not None:
                names[principal] = name
    return names
