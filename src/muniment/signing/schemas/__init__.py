"""The JSON Schemas of known predicates, one file each, and the check against them."""

import json
from functools import cache
from pathlib import Path
from typing import Final

import jsonschema_rs

from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    CHANGE_PLAN,
    CONTENT,
    DEPLOYMENT,
    EMERGENCY,
    EVALUATION,
    POLICY,
    PROPOSAL_DECISION,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    TOMBSTONE,
    VERDICT,
    WAIVER,
    WITHDRAWAL,
    check_predicate_type,
)
from muniment.core.claims.evidence import list_contradictions
from muniment.core.errors import InvalidAttestation

SCHEMAS: Final = {
    CONTENT: "model-signing-v1.json",
    PROVENANCE: "slsa-provenance-v1.json",
    VERDICT: "verification-summary-v1.json",
    EVALUATION: "evaluation-v1.json",
    APPROVAL: "approval-v1.json",
    CARD: "card-v1.json",
    REPRODUCTION: "reproduction-v1.json",
    DEPLOYMENT: "deployment-v1.json",
    SCAN: "scan-v1.json",
    WAIVER: "waiver-v1.json",
    CHANGE_PLAN: "change-plan-v1.json",
    POLICY: "policy-v1.json",
    EMERGENCY: "emergency-v1.json",
    TOMBSTONE: "tombstone-v1.json",
    WITHDRAWAL: "withdrawal-v1.json",
    PROPOSAL_DECISION: "proposal-decision-v1.json",
}


def check_predicate(predicate_type: str, predicate: JsonObject) -> None:
    """Check a predicate against the schema of its type; unknown types pass.

    Raises:
        UnknownClaimKind: its type is a word, not a URI.
        InvalidAttestation: it breaks the schema, and the reason names the member; or it is an evaluation that
            contradicts itself.
    """
    check_predicate_type(predicate_type)
    if predicate_type not in SCHEMAS:
        return
    error = next(iter(_validator(predicate_type).iter_errors(predicate)), None)
    if error is not None:
        where = ".".join(str(part) for part in error.instance_path) or "the predicate"
        raise InvalidAttestation(reason=f"{where}: {error.message[:200]}")
    if predicate_type == EVALUATION:
        for fault in list_contradictions(predicate):
            raise InvalidAttestation(reason=f"the evaluation contradicts itself: {fault}")


@cache
def _validator(predicate_type: str) -> jsonschema_rs.Draft202012Validator:
    text = Path(__file__).with_name(SCHEMAS[predicate_type]).read_text("utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))
