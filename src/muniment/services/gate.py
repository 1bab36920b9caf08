"""The gate: what the policies of an alias say of a version, and each verdict as a signed claim."""

from muniment.core.attestations import VERDICT
from muniment.core.names import Alias, ModelName
from muniment.core.policy import Gate, Verdict, judge
from muniment.core.records import VersionRecord
from muniment.core.rules.facts import Facts
from muniment.core.verdicts import write_verdict
from muniment.ports.unit import Unit
from muniment.services.facts import Bar, Moment, gather
from muniment.services.own_claims import record_own
from muniment.services.policies import find_policies, load_policy
from muniment.services.transaction import Transaction

Judged = tuple[Verdict, Facts | None]


def judge_gate(unit: Unit, version: VersionRecord, alias: Alias, moment: Moment) -> list[Judged] | None:
    """Evaluate every policy in force for an alias; None if it is not guarded.

    An alias that is guarded by no policy has a verdict without a finding, which nothing meets.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    records = find_policies(unit, ModelName.parse(version.name), alias)
    if not records:
        return None
    digests = [record.digest for record in records if record.digest is not None]
    if not digests:
        reference = f"{version.name}@{version.number}"
        return [(Verdict(version=reference, alias=str(alias), policy="", findings=()), None)]
    return [judge_policy(unit, version, alias, digest, moment) for digest in digests]


def judge_policy(unit: Unit, version: VersionRecord, alias: Alias, digest: str, moment: Moment) -> Judged:
    """Evaluate one stored policy. Raises as `judge_gate`."""
    policy = load_policy(unit, digest)
    facts = gather(unit, version, Bar(alias, policy, digest), moment)
    return judge(policy, facts), facts


def gate_of(version: VersionRecord, alias: Alias, judged: list[Judged]) -> Gate:
    """Put the verdicts together."""
    reference = f"{version.name}@{version.number}"
    return Gate(version=reference, alias=str(alias), verdicts=tuple(verdict for verdict, _ in judged))


def record_verdict(tx: Transaction, version: VersionRecord, verdict: Verdict, facts: Facts) -> str:
    """Sign a verdict as the registry, with all that it rests on, and record it; give its digest."""
    predicate = write_verdict(verdict, facts, verifier=tx.keys.log.name)
    return str(record_own(tx, version, VERDICT, predicate))
