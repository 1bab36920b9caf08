"""What every backend must do, embedded or remote: the story of one model, as checks."""

from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json, JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import (
    APPROVAL,
    DEPLOYMENT,
    EMERGENCY,
    EVALUATION,
    PROVENANCE,
)
from muniment.core.claims.lineage import Direction, Edge
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyWithdrawn,
    BreakGlassNotAllowed,
    DeploymentNotFound,
    GateFailed,
    NotPermitted,
    NotYourClaim,
    OwnVersion,
    PolicyNotFound,
    RequestNotFound,
    VersionExists,
    VersionInUse,
    VersionNotFound,
    VersionRetained,
    VersionWithdrawn,
)
from muniment.core.events import (
    AliasMoved,
    AttestationRecorded,
    ClaimWithdrawn,
    RequestReminded,
    VersionPublished,
)
from muniment.core.names import Alias, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Proof, Receipt
from muniment.core.verbs.catalog import (
    EraseComment,
    GetLineage,
    GetModel,
    ListComments,
    ListModels,
    ListOwners,
    PostComment,
    SearchVersions,
    SetOwner,
)
from muniment.core.verbs.claims import ListDeployments
from muniment.core.verbs.gates import (
    BreakGlass,
    CloseEmergency,
    CloseRequest,
    EndPolicy,
    GetMove,
    GetPolicies,
    GetTier,
    JudgeGate,
    ListMoves,
    ListPolicies,
    ListPoliciesByAuthors,
    ListRequests,
    ListTiers,
    MoveAlias,
    OpenRequest,
    RemoveAlias,
    RollBackAlias,
    SetTier,
)
from muniment.core.verbs.inbox import GetInbox
from muniment.core.verbs.log import GetGrowth, GetLeaves, GetLogIdentity, GetProof, GetRestores
from muniment.core.verbs.people import (
    ErasePrincipal,
    GetPerson,
    GetSelf,
    GrantRole,
    ListPeople,
)
from muniment.core.verbs.verb import entry_of
from muniment.core.verbs.versions import (
    DescribeVersion,
    DiscardDraft,
    GetVersion,
    ListDrafts,
    ListVersions,
    PublishVersion,
    PurgeVersion,
    SaveDraft,
    SetRetention,
    SetStatus,
)
from muniment.log.proofs import verify_consistency, verify_inclusion
from muniment.log.tree import EMPTY_ROOT, hash_leaf
from muniment.signing.content import sign_content
from muniment.signing.heads import open_head
from muniment.signing.keys import Identity
from muniment.signing.notes import NoteVerifier
from muniment.signing.statements import attest
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    evaluation,
    provenance,
    publish,
    record,
    refuses,
    set_policy,
    withdraw,
)
from muniment.testing.proposals import check_proposals


def check_backend(open_as: OpenAs) -> None:
    """Check a fresh registry through all its commands and queries. The first to open it owns it."""
    owner = Identity.generate()
    backend = open_as(owner)
    first = publish(backend, owner, b"first")
    _check_receipt(backend, first)
    _check_versions(backend, owner, first)
    validator = add_person(backend, "Vera", Role.VALIDATOR)
    _check_gate(backend, open_as, owner, validator)
    _check_aliases(backend, owner)
    _check_lineage(backend, owner)
    _check_withdrawal(backend, open_as, owner, validator)
    _check_deployments(backend, owner)
    _check_requests(backend, open_as, validator)
    check_proposals(backend, open_as, owner, validator)
    _check_emergency(backend, open_as, owner, validator)
    _check_lifecycle(backend, open_as)
    _check_drafts(backend, owner)
    _check_log(backend)


def _check_receipt(backend: Backend, receipt: Proof) -> None:
    said = backend.ask(GetLogIdentity())
    verifier = NoteVerifier.read(said.verifier)
    checkpoint = open_head(receipt.checkpoint, verifier)
    assert verifier.name == said.origin
    leaf = hash_leaf(receipt.leaf)
    assert verify_inclusion(receipt.index, checkpoint.size, leaf, receipt.path, checkpoint.root)
    growth = backend.ask(GetGrowth(size=0))
    now = open_head(growth.checkpoint or b"", verifier)
    assert verify_consistency(0, now.size, EMPTY_ROOT, now.root, growth.path)
    restores = backend.ask(GetRestores())
    # A server may have recorded a scan meanwhile.
    assert open_head(restores.head, verifier).size >= now.size
    assert restores.entries == ()


def _check_versions(backend: Backend, owner: Identity, first: Receipt) -> None:
    again = publish(backend, owner, b"first")
    assert (again.index, again.created) == (first.index, False), "the same bytes are the same version"
    version = backend.ask(GetVersion(reference=Reference(NAME, 1)))
    assert backend.ask(GetProof(index=version.index)).entry.makes(version)
    by_digest = Reference(NAME, Digest.parse(version.revision))
    assert backend.ask(GetVersion(reference=by_digest)) == version
    assert backend.ask(GetVersion(reference=Reference(NAME, None))) == version
    refuses(lambda: backend.ask(GetVersion(reference=Reference(NAME, 2))), VersionNotFound)
    assert [model.name for model in backend.ask(ListModels(namespace="acme"))] == [str(NAME)]
    publish(backend, owner, b"second")
    assert [v.number for v in backend.ask(ListVersions(name=NAME))] == [2, 1]
    assert [v.number for v in backend.ask(ListVersions(name=NAME, before=2))] == [1]
    then = first.entry.time
    assert [v.number for v in backend.ask(ListVersions(name=NAME, at=then))] == [1]


def _check_gate(backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity) -> None:
    record(backend, owner, 1, EVALUATION, evaluation(0.9))
    set_policy(
        backend,
        owner,
        {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8},
        {"rule": "approvals", "validator": 1},
    )
    then = backend.ask(GetVersion(reference=Reference(NAME, 1))).published
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=PRODUCTION, at=then)), PolicyNotFound)
    move = MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION)
    refuses(lambda: backend.execute(move), GateFailed)
    backend.execute(GrantRole(principal="founder", role=Role.VALIDATOR, namespace="acme"))
    own = approval(backend, 1, Role.VALIDATOR)
    refuses(lambda: record(backend, owner, 1, APPROVAL, own), OwnVersion)
    theirs = open_as(validator)
    refuses(lambda: theirs.execute(move), NotPermitted)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert backend.ask(JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)).passed
    receipt = backend.execute(move)
    assert backend.execute(move).created is False
    detail = backend.ask(DescribeVersion(reference=Reference(NAME, PRODUCTION)))
    assert (detail.record.number, detail.aliases) == (1, ("production",))
    (verdict,) = backend.ask(GetMove(name=NAME, alias=PRODUCTION)).verdicts.split()
    assert receipt.read(AliasMoved).verdicts == (Digest.parse(verdict),)
    assert verdict in {claim.digest for claim in detail.attestations}


def _check_drafts(backend: Backend, owner: Identity) -> None:
    """A draft has no number, keeps its bytes, and is published or discarded."""
    drafted, dropped = (
        Revision.of([File(path="w.bin", digest=Digest.of(data), size_bytes=len(data))])
        for data in (b"drafted", b"dropped")
    )
    backend.add_documents([b"drafted", b"dropped"])
    digests = []
    for revision in (drafted, dropped):
        bundle = sign_content(revision, str(NAME), owner).encode()
        digests.append(backend.add_documents([revision.config(), revision.manifest(), bundle]))
    before = len(backend.ask(ListVersions(name=NAME)))
    for _, manifest, claim in digests:
        command = SaveDraft(name=NAME, manifest=manifest, attestations=(claim,), message=Payload.of("soon"))
        assert backend.execute(command).created
        assert not backend.execute(command).created
    first, second = backend.ask(ListDrafts(name=NAME))
    assert (first.record.revision, first.message) == (str(digests[0][1]), "soon")
    assert backend.ask(GetProof(index=first.record.index)).entry.makes(first.record)
    assert len(backend.ask(ListVersions(name=NAME))) == before
    refuses(lambda: backend.ask(GetVersion(reference=Reference(NAME, digests[0][1]))), VersionNotFound)
    published = backend.execute(
        PublishVersion(name=NAME, manifest=digests[0][1], attestations=(digests[0][2],))
    )
    assert published.read(VersionPublished).number == before + 1
    assert [draft.record for draft in backend.ask(ListDrafts(name=NAME))] == [second.record]
    again = SaveDraft(name=NAME, manifest=digests[0][1])
    refuses(lambda: backend.execute(again), VersionExists)
    backend.execute(DiscardDraft(draft=second.record.index, reason=Payload.of("never")))
    refuses(lambda: backend.execute(DiscardDraft(draft=second.record.index)), RequestNotFound)
    assert backend.ask(ListDrafts(name=NAME)) == ()


def _check_aliases(backend: Backend, owner: Identity) -> None:
    staging = Alias("staging")
    for number in (1, 2):
        backend.execute(
            MoveAlias(reference=Reference(NAME, number), alias=staging, reason=Payload.of(f"try {number}"))
        )
    backend.execute(RollBackAlias(name=NAME, alias=staging, reason=Payload.of("it fails")))
    moves = backend.ask(ListMoves(name=NAME, alias=staging))
    assert [(m.record.previous, m.record.number, m.reason) for m in moves] == [
        (None, 1, "try 1"),
        (1, 2, "try 2"),
        (2, 1, "it fails"),
    ]
    detail = backend.ask(DescribeVersion(reference=Reference(NAME, 2)))
    assert [(move.alias, move.number) for move in detail.superseded] == [("staging", 1)]
    assert backend.ask(DescribeVersion(reference=Reference(NAME, 1))).superseded == ()
    (first,) = backend.ask(ListMoves(name=NAME, alias=staging, limit=1))
    page = ListMoves(name=NAME, alias=staging, limit=1, after=entry_of(first))
    assert [move.reason for move in backend.ask(page)] == ["try 2"]
    people = backend.ask(ListPeople())
    assert backend.ask(ListPeople(after=entry_of(people[0]))) == people[1:]
    backend.execute(SetOwner(name=NAME, principal="founder"))
    (owner_record,) = backend.ask(ListOwners(name=NAME))
    assert backend.ask(GetModel(name=NAME)).owner == owner_record.owner
    search = SearchVersions(text=f'name = "{NAME}" and owner = founder')
    assert {version.name for version in backend.ask(search).items} == {str(NAME)}
    then = moves[1].record.moved
    assert backend.ask(GetVersion(reference=Reference(NAME, staging), at=then)).number == 2
    backend.execute(RemoveAlias(name=NAME, alias=staging, reason=Payload.of("unused")))
    refuses(lambda: backend.ask(GetMove(name=NAME, alias=staging)), VersionNotFound)
    assert backend.ask(GetVersion(reference=Reference(NAME, staging), at=then)).number == 2
    assert backend.ask(ListMoves(name=NAME, alias=staging))[-1].record.number is None
    person = backend.ask(GetSelf())
    assert person.name == "founder"
    assert person.keys[0].id == owner.public.id


def _check_lineage(backend: Backend, owner: Identity) -> None:
    """The inputs that a claim states can be traced in both directions."""
    version = backend.ask(GetVersion(reference=Reference(NAME, 1)))
    data, node = Digest.of(b"data").hex, Digest.parse(version.revision).hex
    inputs: list[Json] = [
        {"name": "patients", "digest": {"sha256": data}, "annotations": {"kind": "dataset"}}
    ]
    least = provenance()
    definition = least["buildDefinition"]
    assert isinstance(definition, dict)
    record(
        backend,
        owner,
        1,
        PROVENANCE,
        {**least, "buildDefinition": {**definition, "resolvedDependencies": inputs}},
    )
    down = backend.ask(GetLineage(node=data, direction=Direction.DOWN))
    assert [(below.digest, below.depth) for below in down.nodes] == [(data, 0), (node, 1)]
    assert down.nodes[1].versions == (f"{NAME}@1",)
    assert down.edges == (Edge(child=node, parent=data, relation="dataset", name="patients"),)
    up = backend.ask(GetLineage(node=node, direction=Direction.UP))
    assert {above.digest for above in up.nodes} == {node, data}
    assert len(backend.ask(GetLineage(node=node, direction=Direction.UP, depth=0)).nodes) == 1


def _check_withdrawal(backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity) -> None:
    """A claim that its signer withdrew is on record, marked, and found no longer."""
    made = record(backend, owner, 2, EVALUATION, evaluation(0.25))
    claim = made.read(AttestationRecorded).attestation
    find = SearchVersions(text="metric.roc_auc = 0.25")
    assert len(backend.ask(find).items) == 1
    refuses(lambda: withdraw(open_as(validator), validator, 2, claim), NotYourClaim)
    withdrawn = withdraw(backend, owner, 2, claim)
    assert withdrawn.read(ClaimWithdrawn).claim == claim
    refuses(lambda: withdraw(backend, owner, 2, claim), AlreadyWithdrawn)
    assert backend.ask(find).items == ()
    for at, mark in ((None, withdrawn.index), (made.entry.time, None)):
        detail = backend.ask(DescribeVersion(reference=Reference(NAME, 2), at=at))
        assert [one.withdrawn for one in detail.attestations if one.digest == str(claim)] == [mark]
        assert list(detail.reasons.values()) == (["a mistake"] if mark else [])


def _check_deployments(backend: Backend, owner: Identity) -> None:
    """The newest deployment of a model at a target is current; earlier ones are history."""

    def deploy(number: int, state: str = "serving") -> Receipt:
        predicate: JsonObject = {
            "version": f"{NAME}@{number}",
            "target": "prod-eu/api",
            "state": state,
            "loaded": None,
            "time": "2026-01-01T00:00:00Z",
        }
        return record(backend, owner, number, DEPLOYMENT, predicate)

    refuses(lambda: deploy(1, "stopped"), DeploymentNotFound)
    first = deploy(1)
    assert backend.ask(SearchVersions(text="target = prod-eu/api")).items[0].number == 1
    deploy(2)
    refuses(lambda: deploy(1, "stopped"), DeploymentNotFound)
    standing = backend.ask(ListDeployments(namespace="acme", target="prod-eu/api"))
    assert [(deployment.number, deployment.ended) for deployment in standing] == [(2, None)]
    then = backend.ask(ListDeployments(namespace="acme", at=first.entry.time))
    assert [deployment.number for deployment in then] == [1]
    version = backend.ask(GetVersion(reference=Reference(NAME, 2)))
    node = Digest.parse(version.revision).hex
    graph = backend.ask(GetLineage(node=node, direction=Direction.DOWN))
    assert graph.nodes[0].targets == ("prod-eu/api",)
    deploy(2, "stopped")
    assert backend.ask(ListDeployments(namespace="acme", name=NAME)) == ()
    assert [
        deployment.state
        for deployment in backend.ask(ListDeployments(namespace="acme", history=True, limit=2))
    ] == ["serving"] * 2
    assert backend.ask(SearchVersions(text="target = prod-eu/api")).items == ()


def _check_requests(backend: Backend, open_as: OpenAs, validator: Identity) -> None:
    """Requests, comments and inboxes."""
    theirs = open_as(validator)
    ask = OpenRequest(reference=Reference(NAME, 2), alias=PRODUCTION, reason=Payload.of("please"))
    opened = backend.execute(ask)
    item = next(one for one in theirs.ask(GetInbox()) if one.kind == "request")
    assert (item.kind, item.reference, item.alias, item.text) == (
        "request",
        f"{NAME}@2",
        "production",
        "please",
    )
    assert backend.execute(ask).read(RequestReminded).request == opened.index
    text = Payload.of('see @Vera, and @"nobody here"')
    said = backend.execute(PostComment(reference=Reference(NAME, 2), text=text, about=opened.index))
    waiting = [one.kind for one in theirs.ask(GetInbox())]
    assert ("request" in waiting, waiting[-1]) == (True, "mention")
    (comment,) = backend.ask(ListComments(reference=Reference(NAME, 2)))
    assert (comment.record.index, comment.text) == (said.index, text.text)
    backend.execute(EraseComment(comment=said.index))
    assert backend.ask(ListComments(reference=Reference(NAME, 2)))[0].text is None
    no = Payload.of("not good enough")
    rejection = approval(theirs, 2, Role.VALIDATOR, decision="reject", reason=str(no.digest))
    record(theirs, validator, 2, APPROVAL, rejection, reason=no)
    (request,) = backend.ask(ListRequests(name=NAME, closed=True))
    assert (request.record.outcome, request.answer) == ("rejected", "not good enough")
    answers = [one for one in backend.ask(GetInbox()) if one.kind == "answer"]
    assert [(one.what, one.text) for one in answers] == [("your request was rejected", "not good enough")]
    again = backend.execute(ask)
    refuses(lambda: theirs.execute(CloseRequest(request=again.index)), RequestNotFound)
    backend.execute(CloseRequest(request=again.index, reason=Payload.of("never mind")))
    assert backend.ask(ListRequests(name=NAME)) == ()


def _check_emergency(backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity) -> None:
    """A move past the gate, if a policy allows it, is signed, on record, and closed by somebody else."""
    release = Alias("release")
    reason = Payload.of("the old one is on fire")

    def move() -> Receipt:
        said: JsonObject = {
            "version": f"{NAME}@2",
            "alias": str(release),
            "registry": backend.ask(GetLogIdentity()).verifier,
            "reason": str(reason.digest),
            "nonce": reason.salt,
            "time": "2026-01-01T00:00:00Z",
        }
        version = backend.ask(GetVersion(reference=Reference(NAME, 2)))
        bundle = attest(Digest.parse(version.revision), f"{NAME}@2", EMERGENCY, said, owner)
        digest = backend.add_documents([bundle.encode()])[0]
        return backend.execute(
            BreakGlass(reference=Reference(NAME, 2), alias=release, attestation=digest, reason=reason)
        )

    rule: JsonObject = {"rule": "approvals", "security": 3}
    refuses(move, BreakGlassNotAllowed)
    set_policy(backend, owner, rule, alias=release)
    refuses(move, BreakGlassNotAllowed)
    terms: JsonObject = {"roles": ["contributor"], "close_within": "24h"}
    set_policy(backend, owner, rule, alias=release, break_glass=terms)
    moved = move()
    assert (moved.read(AliasMoved).emergency, moved.read(AliasMoved).number) == (True, 2)
    detail = backend.ask(DescribeVersion(reference=Reference(NAME, release)))
    assert [one.index for one in detail.emergencies] == [moved.index]
    look = CloseEmergency(emergency=moved.index, reason=Payload.of("it was right"))
    refuses(lambda: backend.execute(look), OwnVersion)
    theirs = open_as(validator)
    assert "closing" in {one.kind for one in theirs.ask(GetInbox())}
    theirs.execute(look)
    refuses(lambda: theirs.execute(look), RequestNotFound)
    assert backend.ask(DescribeVersion(reference=Reference(NAME, release))).emergencies == ()


def _check_lifecycle(backend: Backend, open_as: OpenAs) -> None:
    """Statuses, quarantine, retention, purge and erasure."""
    sam = open_as(add_person(backend, "Sam", Role.SECURITY, Role.AUDITOR))
    first = Reference(NAME, 1)
    sam.execute(SetStatus(reference=first, status=Status.REVOKED, reason=Payload.of("it leaks")))
    refuses(lambda: backend.open_blob(Digest.of(b"first")), VersionWithdrawn)
    with sam.open_blob(Digest.of(b"first")) as file:
        assert file.read() == b"first"
    refuses(lambda: backend.execute(MoveAlias(reference=first, alias=Alias("canary"))), VersionWithdrawn)
    sam.execute(SetStatus(reference=first, status=Status.PUBLISHED, reason=Payload.of("it does not")))
    keep = SetRetention(reference=first, until=None, hold=True, reason=Payload.of("a suit"))
    sam.execute(keep)
    purge = PurgeVersion(reference=first, reason=Payload.of("old"))
    refuses(lambda: backend.execute(purge), VersionRetained)
    sam.execute(SetRetention(reference=first, until=None, hold=False, reason=Payload.of("it ended")))
    refuses(lambda: backend.execute(purge), VersionInUse)
    backend.execute(SetTier(name=NAME, tier="low", reason=Payload.of("agreed")))
    assert backend.ask(GetTier(name=NAME)).tier == "low"
    assert [one.reason for one in backend.ask(ListTiers(namespace="acme"))] == ["agreed"]
    principal = sam.ask(GetSelf()).record.id
    backend.execute(ErasePrincipal(principal="Sam"))
    assert backend.ask(GetPerson(principal=principal)).name is None
    assert [one.record.alias for one in backend.ask(ListPolicies(namespace="acme"))][-1] == "release"
    since = "2000-01-01T00:00:00Z"
    changed = ListPoliciesByAuthors(reference=Reference(NAME, 2), alias=Alias("release"), since=since)
    assert [one.alias for one in backend.ask(changed)] == ["release"]
    end = EndPolicy(
        models=Models(NAME.namespace, NAME.model), alias=Alias("release"), reason=Payload.of("no releases")
    )
    backend.execute(end)
    refuses(lambda: backend.execute(end), PolicyNotFound)
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=Alias("release"))), PolicyNotFound)
    last = backend.ask(ListPolicies(namespace="acme"))[-1]
    assert (last.record.ended, last.reason) == (1, "no releases")


def _check_log(backend: Backend) -> None:
    leaves = backend.ask(GetLeaves(start=0))
    proofs = [backend.ask(GetProof(index=index)) for index in range(len(leaves))]
    assert [proof.leaf for proof in proofs] == list(leaves)
    for proof in proofs:
        _check_receipt(backend, proof)
        proof.entry.fold()
