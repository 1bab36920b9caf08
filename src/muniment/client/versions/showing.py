"""Gather what the view of a version is made from: all of it proven, or verified here."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from muniment.client.proofs.changes import list_changed_by_authors
from muniment.client.proofs.checking import find_withdrawn, read_claims, read_document, read_revision
from muniment.client.proofs.judging import find_faults, judge
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.proofs.times import find_time
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import APPROVAL, EVALUATION, Attestation
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, NotFound, Refused, TierNotFound
from muniment.core.gates.policy import Gate
from muniment.core.gates.rules.evidence import Gap, NoRegression, Threshold
from muniment.core.names import EVERY, Alias, ModelName, Reference
from muniment.core.naming import find_ids
from muniment.core.records import PolicyRecord, VersionRecord
from muniment.core.times import write_seconds
from muniment.core.verbs.catalog import ListComments, ListOwners, ListTags
from muniment.core.verbs.claims import ListDeployments
from muniment.core.verbs.gates import (
    GetPolicies,
    GetTier,
    JudgeGate,
    ListMoves,
    ListPolicies,
    ListRequests,
    Move,
)
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListVersions
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy
from muniment.views.gate import view_gate
from muniment.views.material import VersionMaterial
from muniment.views.metrics import Rival
from muniment.views.version import view_version
from muniment.views.view import Seal, View

_MOST_NEWER = 100


def show_version(backend: TrustedBackend, version: VersionRecord, at: str | None = None) -> View:
    """Show a version, now or at a time.

    Raises:
        Untrusted: the registry's answers do not follow from its log.
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    material = gather(backend, version, at)
    checked = (
        f"manifest of {count(len(material.revision.files), 'file')}",
        f"signatures of {count(len(material.claims), 'claim')}",
        "all that is on record about it" if at is None else f"all that was on record at {at}",
    )
    left = [f"the bytes of the files: muniment verify {material.reference}"]
    if material.newest(EVALUATION) is not None:
        left.append("that the counts behind the metrics are true, which their signer states")
    # What ends is seen from then, and ages from now.
    view = view_version(material, make_seal(backend, checked, tuple(left)), find_time(backend, at))
    return replace(view, now=backend.time())


def show_gate(backend: TrustedBackend, gate: Gate, at: str | None = None) -> View:
    """Show a judgement of this client, now or at a time."""
    reference = Reference.parse(gate.version)
    policies = backend.ask(GetPolicies(name=reference.name, alias=Alias(gate.alias), at=at))
    messages = [finding.message for verdict in gate.verdicts for finding in verdict.findings]
    changed = list_changed_by_authors(backend, reference, Alias(gate.alias), find_time(backend, at), at)
    people = {*find_ids(messages), *(policy.author for policy in (*policies, *changed))}
    names = find_names(backend, people)
    checked = ("each rule is judged here, from claims and roles that are proven",)
    return view_gate(gate, policies, names, make_seal(backend, checked), backend.time(), changed)


def make_seal(backend: TrustedBackend, checked: tuple[str, ...], left: tuple[str, ...] = ()) -> Seal:
    """Seal what was checked with the newest state of the log that was seen."""
    seen = backend.seen
    return Seal(checked=checked, left=left, size=seen.size, time=write_seconds(seen.time))


def gather(backend: TrustedBackend, version: VersionRecord, at: str | None = None) -> VersionMaterial:
    """Gather what is proven of a version, now or at a time. Raises as `show_version`."""
    name = ModelName.parse(version.name)
    reference = Reference(name, version.number)
    detail = backend.ask(DescribeVersion(reference=reference, at=at))
    revision = read_revision(backend, version)
    claims = tuple(read_claims(backend, version, revision, at=at))
    withdrawn = find_withdrawn(backend, detail.attestations, version, revision)
    moves = tuple(read_all(backend, ListMoves(name=name, at=at)))
    policies = list_guarded(backend, name, at)
    owners = list(read_all(backend, ListOwners(name=name, at=at)))
    requests = [
        one
        for one in read_all(backend, ListRequests(name=name, closed=True, at=at))
        if one.record.number == version.number
    ]
    deployments = read_all(backend, ListDeployments(namespace=name.namespace, name=name, at=at))
    comments = tuple(read_all(backend, ListComments(reference=reference, at=at)))
    gates = tuple(_judge(backend, reference, policies, detail.aliases)) if at is None else ()
    faults = _find_faults(backend, reference, claims, at)
    people = {
        *(one.signer for one in detail.attestations),
        *(one.record.actor for one in moves),
        *(one.record.requester for one in requests),
        *(one.record.author for one in comments),
        *(one.author for one in policies),
        *find_ids(faults.values()),
        *find_ids([one.message for gate in gates for verdict in gate.verdicts for one in verdict.findings]),
    }
    newer = _list_newer(backend, version, at)
    people |= {version.author, *(one.author for one in newer), *(one.owner for one in owners[-1:])}
    if detail.status is not None:
        people.add(detail.status.actor)
    return VersionMaterial(
        detail=detail,
        revision=revision,
        claims=claims,
        withdrawn=withdrawn,
        owner=owners[-1].owner if owners else None,
        tier=_find_tier(backend, name, at),
        tags={tag.key: tag.value for tag in backend.ask(ListTags(reference=reference, at=at))},
        moves=moves,
        requests=tuple(requests),
        comments=comments,
        gates=gates,
        faults=faults,
        rivals=tuple(_find_rivals(backend, version, moves, at)),
        policies=tuple(policies),
        first=tuple(dict.fromkeys(_list_metrics(backend, policies))),
        deployments=tuple(one for one in deployments if one.number == version.number),
        newer=tuple(newer),
        names=find_names(backend, people, at),
    )


def list_guarded(backend: TrustedBackend, name: ModelName, at: str | None = None) -> list[PolicyRecord]:
    """List the newest policies of each guarded alias of a model, of the model and of its namespace."""
    newest: dict[tuple[str, str], PolicyRecord] = {}
    for change in read_all(backend, ListPolicies(namespace=name.namespace, at=at)):
        record = change.record
        if record.models in {str(name), f"{name.namespace}/{EVERY}"}:
            newest[record.alias, record.models] = record
    return [record for record in newest.values() if not record.ended]


def _judge(
    backend: TrustedBackend, reference: Reference, policies: list[PolicyRecord], held: Iterable[str]
) -> Iterator[Gate]:
    """Judge a version for each guarded alias that points elsewhere."""
    for alias in sorted({policy.alias for policy in policies} - {*held}):
        query = JudgeGate(reference=reference, alias=Alias(alias))
        # Its policies may be for other models.
        with suppress(NotFound):
            yield judge(backend, query)


def _find_faults(
    backend: TrustedBackend, reference: Reference, claims: Iterable[Attestation], at: str | None
) -> dict[str, str]:
    """Find out why approvals of a version do not count, by the digests of their claims."""
    decided = [Approval.read(claim.predicate) for claim in claims if claim.predicate_type == APPROVAL]
    faults: dict[str, str] = {}
    for alias in sorted({one.alias for one in decided if one.version == str(reference)}):
        faults |= find_faults(backend, JudgeGate(reference=reference, alias=Alias(alias), at=at))
    return faults


def _find_tier(backend: TrustedBackend, name: ModelName, at: str | None) -> str | None:
    try:
        return backend.ask(GetTier(name=name, at=at)).tier
    except TierNotFound:
        return None


def _find_rivals(
    backend: TrustedBackend, version: VersionRecord, moves: Iterable[Move], at: str | None
) -> Iterator[Rival]:
    """Find the other versions that aliases hold, with their claims."""
    held = {move.record.alias: move.record.number for move in moves}
    aliases: dict[int, list[str]] = {}
    for alias, number in held.items():
        if number not in {None, version.number}:
            aliases.setdefault(number or 0, []).append(alias)
    for number, names in aliases.items():
        label = f"{', '.join(names)} @{number}"
        try:
            claims = _read_rival(backend, Reference(ModelName.parse(version.name), number), at)
        except (NotFound, Refused) as error:
            yield Rival(f"{label} (claims cannot be read: {error.code})", ())
        else:
            yield Rival(label, claims)


def _read_rival(backend: TrustedBackend, reference: Reference, at: str | None) -> list[Attestation]:
    record = backend.ask(GetVersion(reference=reference, at=at))
    return read_claims(backend, record, read_revision(backend, record), at=at)


def _list_newer(backend: TrustedBackend, version: VersionRecord, at: str | None) -> list[VersionRecord]:
    query = ListVersions(name=ModelName.parse(version.name), limit=_MOST_NEWER, at=at)
    return [one for one in backend.ask(query) if one.number > version.number]


def _list_metrics(backend: TrustedBackend, policies: Iterable[PolicyRecord]) -> Iterator[str]:
    """List the metrics that the rules of policies name."""
    for record in policies:
        if record.digest is None:
            continue
        with suppress(MunimentError):
            data = read_document(backend, Digest.parse(record.digest), "the policy", MAX_POLICY_BYTES)
            for named in decode_policy(data).rules:
                if isinstance(named.rule, Threshold | Gap | NoRegression):
                    yield named.rule.metric
