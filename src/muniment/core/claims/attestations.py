"""Attestations: signed claims about a revision, as in-toto statements.

A statement says "these digests: this predicate". Which kinds of predicate we know, and the view of
a verified claim that policies and people look at, are here; signatures are in `muniment.signing`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from muniment.core import canonical
from muniment.core.canonical import Json, JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation, InvalidDocument, UnknownClaimKind

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

CONTENT: Final = "https://model_signing/signature/v1.0"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
VERDICT: Final = "https://slsa.dev/verification_summary/v1"
EVALUATION: Final = "https://muniment.dev/evaluation/v1"
APPROVAL: Final = "https://muniment.dev/approval/v1"
CARD: Final = "https://muniment.dev/card/v1"
REPRODUCTION: Final = "https://muniment.dev/reproduction/v1"
DEPLOYMENT: Final = "https://muniment.dev/deployment/v1"
SCAN: Final = "https://muniment.dev/scan/v1"
WAIVER: Final = "https://muniment.dev/waiver/v1"
CHANGE_PLAN: Final = "https://muniment.dev/change-plan/v1"
POLICY: Final = "https://muniment.dev/policy/v1"
TOMBSTONE: Final = "https://muniment.dev/tombstone/v1"
EMERGENCY: Final = "https://muniment.dev/emergency/v1"
WITHDRAWAL: Final = "https://muniment.dev/withdrawal/v1"
PROPOSAL_DECISION: Final = "https://muniment.dev/proposal-decision/v1"

_KINDS: Final = {
    CONTENT: "content signature",
    PROVENANCE: "provenance",
    VERDICT: "verdict",
    EVALUATION: "evaluation",
    APPROVAL: "approval",
    CARD: "card",
    REPRODUCTION: "reproduction",
    DEPLOYMENT: "deployment",
    SCAN: "scan",
    WAIVER: "waiver",
    CHANGE_PLAN: "change plan",
    POLICY: "policy",
    TOMBSTONE: "tombstone",
    EMERGENCY: "emergency",
    WITHDRAWAL: "withdrawal",
    PROPOSAL_DECISION: "proposal decision",
}
# The short names of kinds, as people write them.
_TYPES: Final = {kind.replace(" ", "-"): predicate_type for predicate_type, kind in _KINDS.items()}
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", re.ASCII)


def kind_of(predicate_type: str) -> str:
    """Name the kind of a predicate type; `unknown` for those we keep without understanding."""
    return _KINDS.get(predicate_type, "unknown")


def name_predicate_type(text: str) -> str:
    """Give the predicate type of a kind, such as `change-plan`; a predicate type stays as it is.

    Raises:
        UnknownClaimKind: it is neither a kind nor a URI.
    """
    known = _TYPES.get(text, text)
    check_predicate_type(known)
    return known


def check_predicate_type(text: str) -> None:
    """Check that a predicate type is a URI: a word alone is a slip, and no rule would find the claim.

    Raises:
        UnknownClaimKind: it is none.
    """
    if not _URI.fullmatch(text):
        near = get_close_matches(text, _TYPES, n=1)
        meant = f"did you mean {near[0]} ({_TYPES[near[0]]})? " if near else ""
        remedy = f"{meant}Kinds are {', '.join(sorted(_TYPES))}; other types are URIs (https://example.com/type/v1)"
        raise UnknownClaimKind(kind=text, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """An in-toto Statement v1, read from the bytes that were signed."""

    subjects: tuple[Digest, ...]
    predicate_type: str
    predicate: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """A claim whose signature was verified: what it says, who signed it, where the log has it."""

    digest: Digest
    predicate_type: str
    predicate: JsonObject
    signer: str
    key_id: str
    index: int
    recorded: str
    assurance: str = "key"

    def __repr__(self) -> str:
        """Name its kind, its digest and its entry."""
        return f"<Attestation {self.kind} {self.digest!s:.19}, entry {self.index}>"

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return kind_of(self.predicate_type)


def write_statement(subject: JsonObject, predicate_type: str, predicate: JsonObject) -> JsonObject:
    """Put a claim about one subject into the form of a statement (in-toto attestation spec, v1)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def read_statement(payload: bytes) -> Statement:
    """Read a statement strictly. Subjects without a sha256 are passed over, as in-toto asks.

    Raises:
        InvalidAttestation: it is not a Statement v1.
    """
    try:
        document = canonical.decode(payload)
    except InvalidDocument as error:
        raise InvalidAttestation(reason=f"its statement is not JSON ({error.reason})") from error
    # In JSON it is always written so.
    if b"\\u0000" in payload and canonical.holds_nul(document):
        raise InvalidAttestation(reason="a text has a NUL")
    predicate_type, predicate = document.get("predicateType"), document.get("predicate")
    subjects = document.get("subject")
    if document.get("_type") != STATEMENT_TYPE:
        raise InvalidAttestation(reason="not an in-toto Statement v1")
    if not (isinstance(predicate_type, str) and isinstance(predicate, Mapping)):
        raise InvalidAttestation(reason="no predicate")
    if not (isinstance(subjects, list) and subjects):
        raise InvalidAttestation(reason="no subject")
    return Statement(
        subjects=tuple(digest for subject in subjects for digest in _digests(subject)),
        predicate_type=predicate_type,
        predicate=predicate,
    )


def _digests(subject: Json) -> list[Digest]:
    digests = subject.get("digest") if isinstance(subject, Mapping) else None
    if not isinstance(digests, Mapping):
        raise InvalidAttestation(reason="a subject without a digest")
    sha256 = digests.get("sha256")
    return [Digest.parse(f"sha256:{sha256}")] if isinstance(sha256, str) else []
