"""Cases: all that the rules of a policy look at, from one consistent state of the registry."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from muniment.answers.claims import authors_of, read_claims, read_revision
from muniment.answers.clock import list_jumps
from muniment.answers.inputs import (
    FindOwners,
    Inputs,
    Owner,
    find_nowhere_else,
    inputs_of,
    is_here,
    may_have_owners,
    named_version,
)
from muniment.answers.policies import find_set, find_tier
from muniment.answers.protection import list_unreviewed
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import list_revoked, status_of
from muniment.answers.view import Newest, State, View
from muniment.answers.vouching import is_workload, list_guarantors, split_roles
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, CARD, PROVENANCE, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.lineage import Direction
from muniment.core.claims.provenance import Input, Provenance
from muniment.core.clock import Jump, is_jump
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError
from muniment.core.gates.policy import Policy
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.gates.rules.history import Clean
from muniment.core.gates.rules.people import Vouching
from muniment.core.names import EVERY, Alias, ModelName, Models, Reference
from muniment.core.records import KeyRecord, MoveRecord, VersionRecord, Where

# What a version was made from, all told; a longer ancestry is not followed to its end, and that denies.
_MAX_ANCESTORS: Final = 5_000
# A client fetches proofs for each of these.
_MAX_NAMED: Final = 200
_TOO_LONG: Final = "an ancestry too long to follow"
_UNSEEN: Final = "an ancestor that cannot be seen"
# What denies because nothing is known, and not because something is wrong.
UNKNOWN_ANCESTRY: Final = frozenset({_TOO_LONG, _UNSEEN})


class Moment(NamedTuple):
    """Where and when something is judged: the verifier key of the registry's log, and a time by the clock.

    With `newest`, it is looked whether the clock has jumped since the newest entry.
    """

    registry: str
    time: str
    newest: Newest | None = None

    @classmethod
    def of(cls, state: State) -> "Moment":
        """Return the moment of a state."""
        return cls(state.registry, state.time, state.newest)


class Bar(NamedTuple):
    """What has to be cleared: the policy, its digest, and the alias that it is for."""

    alias: Alias
    policy: Policy
    digest: str


def gather(
    view: View, version: VersionRecord, bar: Bar, moment: Moment, find: FindOwners = find_nowhere_else
) -> Case:
    """Gather what a policy judges of a version for an alias.

    Without a lineage, those inputs are found that the provenance names as versions, and what `find` finds.

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
    independent = bar.policy.vouching is Vouching.INDEPENDENT
    roles = {signer: split_roles(view, signer, name.namespace, independent=independent) for signer in signers}
    decisions = [claim for claim in claims if claim.predicate_type == APPROVAL]
    traced = any(isinstance(named.rule, Clean) for named in bar.policy.rules)
    inputs = Inputs(view, find)
    origins = _find_origins(inputs, claims) if traced else []
    return Case(
        version=f"{version.name}@{version.number}",
        alias=str(bar.alias),
        policy=bar.digest,
        now=moment.time,
        jumps=_find_jumps(view, moment, independent=independent),
        registry=moment.registry,
        since=find_since(view, name, bar),
        paths=tuple(file.path for file in revision.files),
        authors=authors_of(view, version),
        attestations=claims,
        roles={signer: counting for signer, (counting, _) in roles.items()},
        own_roles={signer: own for signer, (_, own) in roles.items() if own},
        workloads=frozenset(claim.signer for claim in decisions if is_workload(view, claim.signer)),
        guarantors=_find_guarantors(view, decisions) if independent else None,
        holds=_find_holds(view, version),
        baselines=baselines,
        origins=tuple(origin for origin, _ in origins),
        unseen=frozenset(place for place, (_, seen) in enumerate(origins) if not seen),
        revoked=_find_revoked(inputs, version, claims) if traced else (),
        status=status_of(view, version),
        emergencies=list_unreviewed(view, name, bar.alias),
    )


def find_since(view: View, name: ModelName, bar: Bar) -> int:
    """Find the entry that put a policy in force for a model; 0 if it is not in force."""
    both = (Models(name.namespace, EVERY), Models(name.namespace, name.model))
    records = [find_set(view, models, bar.alias) for models in both]
    since = max((one.index for one in records if one is not None and one.digest == bar.digest), default=0)
    tier = find_tier(view, name) if since and bar.policy.tiers else None
    return since if tier is None else max(since, tier.index)


def _find_jumps(view: View, moment: Moment, *, independent: bool) -> tuple[Jump, ...]:
    """List the jumps of the clock, with one since the newest entry, which the next entry will record."""
    jumps = list_jumps(view, independent=independent)
    newest = moment.newest
    if newest is None or not is_jump(newest.clock, moment.time):
        return jumps
    return (*jumps, Jump(entry=newest.size, before=newest.clock, after=moment.time))


def _find_guarantors(view: View, decisions: Sequence[Attestation]) -> dict[str, tuple[frozenset[str], ...]]:
    """Find on whose word each key that signed a decision is somebody's."""
    keys = {claim.key_id: view.projections.find(KeyRecord, (claim.key_id,)) for claim in decisions}
    return {id_: list_guarantors(view, key) for id_, key in keys.items() if key is not None}


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
    open_: dict[str, Hold] = {}
    holds: list[Hold] = []
    for move in view.projections.select(MoveRecord, Where("name", "=", version.name)):
        hold = open_.pop(move.alias, None)
        if hold is not None:
            holds.append(replace(hold, until=move.moved, ended=move.index))
        if move.number == version.number:
            open_[move.alias] = Hold(alias=move.alias, since=move.moved, begun=move.index)
    return (*holds, *open_.values())


def _find_origins(inputs: Inputs, claims: Sequence[Attestation]) -> list[tuple[Origin, bool]]:
    """List the inputs, each with whether all is seen that decides what is said of it."""
    return [
        (_find_origin(inputs, one, provenance), _is_seen(inputs, one))
        for provenance in _read_provenance(claims)
        for one in inputs_of(provenance)
    ]


def _is_seen(inputs: Inputs, one: Input) -> bool:
    if not may_have_owners(one):
        return True
    # All who have the bytes of an input that is no version can be found in the lineage only.
    is_named = bool(named_version(one))
    return (is_named or inputs.view.lineage is not None) and inputs.find_owners(one) is not None


def _read_provenance(claims: Sequence[Attestation]) -> list[Provenance]:
    return [Provenance(claim.predicate) for claim in claims if claim.predicate_type == PROVENANCE]


def _find_origin(inputs: Inputs, one: Input, provenance: Provenance) -> Origin:
    owners = inputs.find_owners(one) or []
    licences = {licence for owner in owners if (licence := _find_licence(owner))}
    return Origin(
        name=one.name,
        kind=one.kind,
        resolved=is_here(one, provenance, owners),
        licence=licences.pop() if len(licences) == 1 else "",
    )


def _find_licence(owner: Owner) -> str:
    try:
        cards = [claim for claim in owner.read_claims() if claim.predicate_type == CARD]
    except MunimentError:
        # What cannot be relied on says nothing, and nothing is no licence.
        return ""
    return Card.read(cards[-1].predicate).licence if cards else ""


def _find_revoked(inputs: Inputs, version: VersionRecord, claims: Sequence[Attestation]) -> tuple[str, ...]:
    """List which of a version and all that it was made from are revoked, wherever in the registry."""
    view = inputs.view
    if view.lineage is None:
        return _find_revoked_among_named(inputs, version, claims)
    root = Digest.parse(version.revision).hex
    nodes = view.lineage.walk(root, Direction.UP, None, _MAX_ANCESTORS + 1)
    revoked = [
        f"{one.name}@{one.number}" for one in list_revoked(view) if Digest.parse(one.revision).hex in nodes
    ]
    return (*revoked, *([_TOO_LONG] if len(nodes) > _MAX_ANCESTORS else []))


def _find_revoked_among_named(
    inputs: Inputs, version: VersionRecord, claims: Sequence[Attestation]
) -> tuple[str, ...]:
    """List the revoked versions among those that each provenance names, in turn."""
    seen = {version.index}
    waiting: list[tuple[Owner, Sequence[Attestation]]] = [(Owner.of(inputs.view, version), claims)]
    revoked: list[str] = []
    is_seen = True
    while waiting and len(seen) <= _MAX_NAMED:
        one, said = waiting.pop()
        if one.read_status() is Status.REVOKED:
            revoked.append(one.name)
        for source in (source for provenance in _read_provenance(said) for source in provenance.inputs):
            owners = inputs.find_owners(source)
            is_seen = is_seen and owners is not None
            for parent in (owner for owner in owners or [] if owner.version.index not in seen):
                seen.add(parent.version.index)
                said_of = _read_what_is_said(parent)
                is_seen = is_seen and said_of is not None
                waiting.append((parent, said_of or ()))
    return (*revoked, *([_TOO_LONG] if waiting else []), *([] if is_seen else [_UNSEEN]))


def _read_what_is_said(one: Owner) -> Sequence[Attestation] | None:
    """Read the claims about an ancestor; None if they cannot be seen or relied on."""
    try:
        return one.read_claims()
    except MunimentError:
        return None
