"""Cases: all that the rules of a policy look at, from one consistent state of the registry."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from muniment.answers.claims import authors_of, read_claims, read_revision
from muniment.answers.people import roles_of
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import list_revoked, status_of
from muniment.answers.view import View
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import CARD, PROVENANCE, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.lineage import Direction
from muniment.core.claims.provenance import VERSION_URI, Input, Provenance
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.gates.policy import Policy
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.gates.rules.history import Clean
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.records import MoveRecord, VersionRecord, Where

# What a version was made from, all told; a longer ancestry is not followed to its end, and that denies.
_MAX_ANCESTORS: Final = 5_000
# Of each of these, proofs travel.
_MAX_NAMED: Final = 200
_TOO_LONG: Final = "an ancestry too long to follow"


class Moment(NamedTuple):
    """Where and when something is judged: the verifier key of the registry's log, and a time (RFC 3339)."""

    registry: str
    time: str


class Bar(NamedTuple):
    """What has to be cleared: the policy, its digest, and the alias that it is for."""

    alias: Alias
    policy: Policy
    digest: str


def gather(view: View, version: VersionRecord, bar: Bar, moment: Moment) -> Case:
    """Gather what a policy judges of a version for an alias.

    Without a lineage, only those inputs are found that the provenance names as versions.

    Raises:
        BlobNotFound, ContentCorrupt, BadSignature: a claim on record cannot be relied on.
    """
    name = ModelName.parse(version.name)
    revision = read_revision(view, Digest.parse(version.revision))
    claims = read_claims(view, version, revision)
    compared = {text or str(bar.alias) for text in bar.policy.compared}
    baselines = {text: _find_baseline(view, name, Alias(text)) for text in compared}
    signers = {claim.signer for claim in claims}
    signers |= {
        claim.signer for baseline in baselines.values() if baseline for claim in baseline.attestations
    }
    traced = any(isinstance(named.rule, Clean) for named in bar.policy.rules)
    return Case(
        version=f"{version.name}@{version.number}",
        alias=str(bar.alias),
        policy=bar.digest,
        now=moment.time,
        registry=moment.registry,
        paths=tuple(file.path for file in revision.files),
        authors=authors_of(view, version),
        attestations=claims,
        roles={signer: roles_of(view, signer, name.namespace) for signer in signers},
        holds=_find_holds(view, version),
        baselines=baselines,
        origins=_find_origins(view, claims) if traced else (),
        revoked=_find_revoked(view, version, claims) if traced else (),
        status=status_of(view, version),
    )


def _find_baseline(view: View, name: ModelName, alias: Alias) -> Baseline | None:
    move = find_move(view, name, alias)
    if move is None:
        return None
    version = resolve(view, Reference(name, move.number))
    revision = read_revision(view, Digest.parse(version.revision))
    return Baseline(
        version=f"{version.name}@{version.number}", attestations=read_claims(view, version, revision)
    )


def _find_holds(view: View, version: VersionRecord) -> tuple[Hold, ...]:
    """Read the stretches in which aliases pointed at a version off their moves."""
    open_: dict[str, str] = {}
    holds: list[Hold] = []
    for move in view.projections.select(MoveRecord, Where("name", "=", version.name)):
        since = open_.pop(move.alias, None)
        if since is not None:
            holds.append(Hold(alias=move.alias, since=since, until=move.moved))
        if move.number == version.number:
            open_[move.alias] = move.moved
    return (*holds, *(Hold(alias=alias, since=since) for alias, since in open_.items()))


def _find_origins(view: View, claims: Sequence[Attestation]) -> tuple[Origin, ...]:
    origins = [
        _find_origin(view, one, provenance)
        for provenance in _read_provenance(claims)
        for one in provenance.inputs
    ]
    return tuple(origins)


def _read_provenance(claims: Sequence[Attestation]) -> list[Provenance]:
    return [Provenance(claim.predicate) for claim in claims if claim.predicate_type == PROVENANCE]


def _find_origin(view: View, one: Input, provenance: Provenance) -> Origin:
    if one.kind == "code":
        return Origin(name=one.name, kind=one.kind, resolved=bool(one.digest) and one.uri != "git")
    owners = _find_owners(view, one)
    snapshot = provenance.find_byproduct(f"snapshot of {one.name}")
    kept = snapshot is not None and snapshot.hex == one.digest
    licences = {licence for owner in owners if (licence := _find_licence(view, owner))}
    return Origin(
        name=one.name,
        kind=one.kind,
        resolved=bool(owners) or kept,
        licence=licences.pop() if len(licences) == 1 else "",
    )


def _find_owners(view: View, one: Input) -> list[VersionRecord]:
    """Find the versions that have the bytes of an input: the one that it names, if it names one."""
    named = one.uri[len(VERSION_URI) :] if one.uri.startswith(VERSION_URI) else ""
    if not one.digest:
        return []
    if view.lineage is None:
        return _find_named(view, named, one.digest)
    owners = [owned.version for owned in view.lineage.find_versions({one.digest}, None)]
    return [owner for owner in owners if not named or f"{owner.name}@{owner.number}" == named]


def _find_named(view: View, reference: str, digest: str) -> list[VersionRecord]:
    """Find the version that a reference names, if it can be seen and has bytes of a digest (hex)."""
    try:
        version = resolve(view, Reference.parse(reference))
        revision = Digest.parse(version.revision)
        files = () if revision.hex == digest else read_revision(view, revision).files
    except MunimentError:
        return []
    return [version] if revision.hex == digest or any(file.digest.hex == digest for file in files) else []


def _find_licence(view: View, version: VersionRecord) -> str:
    try:
        revision = read_revision(view, Digest.parse(version.revision))
        cards = [claim for claim in read_claims(view, version, revision) if claim.predicate_type == CARD]
    except MunimentError:
        # What cannot be relied on says nothing, and nothing is no licence.
        return ""
    return Card.read(cards[-1].predicate).licence if cards else ""


def _find_revoked(view: View, version: VersionRecord, claims: Sequence[Attestation]) -> tuple[str, ...]:
    """List which of a version and all that it was made from are revoked, wherever in the registry."""
    if view.lineage is None:
        return _find_revoked_among_named(view, version, claims)
    root = Digest.parse(version.revision).hex
    nodes = view.lineage.walk(root, Direction.UP, None, _MAX_ANCESTORS + 1)
    revoked = [
        f"{one.name}@{one.number}" for one in list_revoked(view) if Digest.parse(one.revision).hex in nodes
    ]
    return (*revoked, *([_TOO_LONG] if len(nodes) > _MAX_ANCESTORS else []))


def _find_revoked_among_named(
    view: View, version: VersionRecord, claims: Sequence[Attestation]
) -> tuple[str, ...]:
    """Do the same, following only the versions that each provenance names."""
    seen = {version.index: version}
    waiting, revoked = [(version, claims)], []
    while waiting and len(seen) <= _MAX_NAMED:
        one, said = waiting.pop()
        if status_of(view, one) is Status.REVOKED:
            revoked.append(f"{one.name}@{one.number}")
        inputs = [source for provenance in _read_provenance(said) for source in provenance.inputs]
        for parent in (owner for source in inputs for owner in _find_owners(view, source)):
            if parent.index not in seen:
                seen[parent.index] = parent
                waiting.append((parent, _read_what_is_said(view, parent)))
    return (*revoked, *([_TOO_LONG] if waiting else []))


def _read_what_is_said(view: View, version: VersionRecord) -> tuple[Attestation, ...]:
    """Read the claims about an ancestor; none if they cannot be seen or relied on."""
    try:
        return read_claims(view, version, read_revision(view, Digest.parse(version.revision)))
    except MunimentError:
        return ()
