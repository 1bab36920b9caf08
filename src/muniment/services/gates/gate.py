"""The gate: judge a version by the policies of an alias, and sign each verdict as a claim."""

from muniment.core.claims.attestations import VERDICT
from muniment.core.digests import Digest
from muniment.core.errors import PolicyNotFound
from muniment.core.gates.policy import Gate, Verdict, judge
from muniment.core.gates.rules.case import Case
from muniment.core.gates.verdicts import write_verdict
from muniment.core.names import Alias, ModelName
from muniment.core.records import VersionRecord
from muniment.core.verbs.gates import JudgeGate
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import check_readable
from muniment.services.catalog.resolve import resolve
from muniment.services.claims.own import record_own
from muniment.services.gates.cases import Bar, Moment, gather
from muniment.services.gates.policies import find_policies, load_policy
from muniment.services.reading import Reading
from muniment.services.transaction import Transaction

Judged = tuple[Verdict, Case | None]


def preview_gate(reading: Reading, query: JudgeGate) -> Gate:
    """Judge a version by the policies of an alias, or by another policy, without recording anything.

    Raises:
        PolicyNotFound: the alias is not guarded.
        BlobNotFound: the other policy is not stored, or the caller may not read it.
    """
    unit, moment = reading.unit, Moment(reading.registry, reading.time)
    version = resolve(unit, query.reference)
    if query.policy is not None:
        check_readable(unit, reading.sight.caller, query.policy)
        bar = Bar(query.alias, load_policy(unit, str(query.policy)), str(query.policy))
        return gate_of(version, query.alias, [judge_bar(unit, version, bar, moment)])
    judged = judge_gate(unit, version, query.alias, moment)
    if judged is None:
        raise PolicyNotFound(name=version.name, alias=str(query.alias))
    return gate_of(version, query.alias, judged)


def judge_gate(unit: Unit, version: VersionRecord, alias: Alias, moment: Moment) -> list[Judged] | None:
    """Evaluate every policy in force for an alias; None if it is not guarded.

    An alias that is guarded without a policy gets a verdict without findings, which fails.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    policies = find_policies(unit, ModelName.parse(version.name), alias)
    if not policies:
        return None
    bars = [
        Bar(alias, entry.policy, str(entry.record.digest)) for entry in policies if entry.policy is not None
    ]
    if not bars:
        reference = f"{version.name}@{version.number}"
        return [(Verdict(version=reference, alias=str(alias), policy="", findings=()), None)]
    return [judge_bar(unit, version, bar, moment) for bar in bars]


def judge_bar(unit: Unit, version: VersionRecord, bar: Bar, moment: Moment) -> Judged:
    """Evaluate one policy. Raises like `judge_gate`."""
    case = gather(unit, version, bar, moment)
    return judge(bar.policy, case), case


def gate_of(version: VersionRecord, alias: Alias, judged: list[Judged]) -> Gate:
    """Combine the verdicts into a gate."""
    reference = f"{version.name}@{version.number}"
    return Gate(version=reference, alias=str(alias), verdicts=tuple(verdict for verdict, _ in judged))


def record_verdict(tx: Transaction, version: VersionRecord, verdict: Verdict, case: Case) -> Digest:
    """Sign a verdict as the registry, with its whole case, and record it; return its digest."""
    predicate = write_verdict(verdict, case, verifier=tx.keys.log.name)
    return record_own(tx, version, VERDICT, predicate)
