"""What nobody should overlook about the versions of a list."""

from collections.abc import Iterable

from muniment.client.proofs.times import find_time
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.claims.attestations import WAIVER
from muniment.views.standing import name_standing


def find_standing(registry: Registry, references: Iterable[str], at: str | None = None) -> list[str]:
    """Summarise the standing of versions in a word or two; empty if there is nothing to overlook."""
    known = {reference: _name_standing(registry.version(reference, at=at)) for reference in set(references)}
    return [known[reference] for reference in references]


def _name_standing(version: Version) -> str:
    detail = version.describe()
    # The decisions about waivers are in other claims.
    has_waivers = any(claim.predicate_type == WAIVER for claim in detail.attestations)
    claims = version.claims() if has_waivers else []
    return name_standing(detail, claims, str(version), find_time(version.session.backend, version.at))
