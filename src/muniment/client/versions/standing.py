"""What nobody should overlook about the versions of a list."""

from collections.abc import Iterable

from muniment.client.proofs.checking import read_claims, read_revision
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.attestations import WAIVER
from muniment.core.names import Reference
from muniment.core.verbs.versions import DescribeVersion
from muniment.views.standing import name_standing


def find_standing(
    backend: TrustedBackend, references: Iterable[str], at: str | None = None
) -> dict[str, str]:
    """Summarise the standing of versions in a word or two each; empty if there is nothing to overlook."""
    return {reference: _name_standing(backend, reference, at) for reference in set(references)}


def _name_standing(backend: TrustedBackend, reference: str, at: str | None) -> str:
    detail = backend.ask(DescribeVersion(reference=Reference.parse(reference), at=at))
    # The decisions about waivers are in other claims.
    has_waivers = any(claim.predicate_type == WAIVER for claim in detail.attestations)
    record = detail.record
    claims = read_claims(backend, record, read_revision(backend, record), at=at) if has_waivers else []
    return name_standing(detail, claims, reference, backend.time())
