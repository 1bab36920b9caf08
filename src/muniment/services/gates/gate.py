"""The gate: judge a version by the policies of an alias, and sign each verdict as a claim."""

from muniment.answers import gates
from muniment.answers.pages import past_of
from muniment.answers.view import State
from muniment.core.claims.attestations import VERDICT
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate, Verdict
from muniment.core.gates.rules.case import Case
from muniment.core.gates.verdicts import write_verdict
from muniment.core.records import VersionRecord
from muniment.core.verbs.gates import JudgeGate
from muniment.services.bytes.custody import check_readable
from muniment.services.claims.own import record_own
from muniment.services.past import PastView, time_of
from muniment.services.people.reading import Reading
from muniment.services.transaction import Transaction


def preview_gate(reading: Reading, query: JudgeGate) -> Gate:
    """Judge a version, now or at a time, without recording anything. Raises as `answers.gates.preview_gate`.

    Raises:
        BlobNotFound: the caller may not read the other policy.
    """
    if query.policy is not None:
        check_readable(reading.unit, reading.sight.caller, query.policy)
    past = past_of(query)
    if past is None:
        return gates.preview_gate(reading, query)
    view = PastView(reading.unit, past)
    state = State(view=view, registry=reading.registry, time=time_of(reading.unit, past))
    return gates.preview_gate(state, query)


def record_verdict(tx: Transaction, version: VersionRecord, verdict: Verdict, case: Case) -> Digest:
    """Sign a verdict as the registry, with its whole case, and record it; return its digest."""
    predicate = write_verdict(verdict, case, verifier=tx.keys.log.name)
    return record_own(tx, version, VERDICT, predicate)
