"""Views of things that were made up: what `test_views.py` draws in every form."""

from dataclasses import replace

from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import APPROVAL, CARD, CONTENT, EVALUATION, PROVENANCE, Attestation
from muniment.core.claims.evidence import Metric
from muniment.core.claims.leaderboard import Leaderboard, Ranked
from muniment.core.claims.lineage import Direction, Edge, Graph, Node
from muniment.core.digests import Digest
from muniment.core.events import AliasMoved, Entry
from muniment.core.gates.policy import Gate, Policy, Verdict
from muniment.core.gates.rules.case import Finding
from muniment.core.names import Alias, ModelName
from muniment.core.people.roles import Role
from muniment.core.reads import Read
from muniment.core.records import (
    AttestationRecord,
    ClockJumpRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    OwnerRecord,
    PolicyRecord,
    PrincipalRecord,
    ProposalDecisionRecord,
    ProposalRecord,
    ReadsSettingRecord,
    RecoveryRecord,
    RequestRecord,
    TimeConfirmationRecord,
    TokenRecord,
    VersionRecord,
    VouchRecord,
    WebhookRecord,
)
from muniment.core.verbs.bytes import ReadsSetting
from muniment.core.verbs.catalog import Comment
from muniment.core.verbs.gates import Move, PolicyChange, Request
from muniment.core.verbs.log import ClockJump, StatedConfirmation
from muniment.core.verbs.people import Person as Principal
from muniment.core.verbs.people import Token
from muniment.core.verbs.proposals import Decided as DecidedOne
from muniment.core.verbs.proposals import Need, Proposal
from muniment.core.verbs.upkeep import FailedDelivery, Form, Webhook
from muniment.core.verbs.versions import Draft, VersionDetail
from muniment.views.approvals import Decided, view_approvals
from muniment.views.clock import view_clock
from muniment.views.comments import view_comments
from muniment.views.deployments import Deployed, view_deployments
from muniment.views.drafts import view_drafts
from muniment.views.entry import view_entry
from muniment.views.gate import view_gate
from muniment.views.identified import Matched, view_identified
from muniment.views.leaderboard import view_leaderboard
from muniment.views.lineage import view_lineage
from muniment.views.material import VersionMaterial
from muniment.views.metrics import Rival
from muniment.views.model import ModelSummary, VersionSummary, view_models, view_versions
from muniment.views.owners import view_owners
from muniment.views.policies import (
    ComparedPolicy,
    ReadPolicy,
    view_policies,
    view_policy_history,
    view_simulation,
)
from muniment.views.principals import (
    view_issuers,
    view_keys,
    view_people,
    view_person,
    view_recoveries,
    view_tokens,
)
from muniment.views.proposals import view_proposal, view_proposals
from muniment.views.reads import RecordedRead, view_reads, view_reads_settings
from muniment.views.requests import view_requests
from muniment.views.values import Estimate, Headline, Person
from muniment.views.version import view_version
from muniment.views.view import Seal, View
from muniment.views.webhooks import view_webhooks

NOW = "2026-11-29T12:00:00.000000Z"
ADA, VERA = "01a224da-034e-77e8-abbb-52ea61eef0c3", "01a224da-0e95-7545-a5bb-6fdcbf3b65ba"
NAMES = {ADA: "Ada Brandt", VERA: "Vera Lindt"}
SEAL = Seal(
    checked=("manifest of 2 files", "signatures of 5 claims"),
    left=("the bytes of the files: muniment verify acme/readmission@7",),
    size=8140,
    time="2026-11-29T11:59:48.000000Z",
)
FILES = [
    File(path="model.skops", digest=Digest.of(b"model"), size_bytes=18_200_000),
    File(path="README.md", digest=Digest.of(b"readme"), size_bytes=2048),
]


def metric(value: float, low: float | None = None, high: float | None = None) -> JsonObject:
    interval = {} if low is None else {"interval": {"low": low, "high": high}}
    return {"value": value, **interval}


def evaluated(auc: float, low: float, high: float) -> JsonObject:
    return {
        "task": "binary-classification",
        "n": 100,
        "dataset": {"digest": f"sha256:{'ab' * 32}", "name": "holdout-2026q3"},
        "confusion_matrix": {"labels": ["0", "1"], "counts": [[60, 5], [10, 25]]},
        "metrics": {"roc_auc": metric(auc, low, high), "accuracy": metric(0.85)},
    }


def claim(index: int, kind: str, predicate: JsonObject, signer: str = ADA) -> Attestation:
    return Attestation(
        digest=Digest.of(f"{kind} {index}".encode()),
        predicate_type=kind,
        predicate=predicate,
        signer=signer,
        key_id="5c" * 32,
        index=index,
        recorded="2026-11-26T09:00:00.000000Z",
    )


def record_of(one: Attestation) -> AttestationRecord:
    return AttestationRecord(
        index=one.index,
        name="acme/readmission",
        revision=str(Digest.of(b"revision")),
        digest=str(one.digest),
        predicate_type=one.predicate_type,
        signer=one.signer,
        key_id=one.key_id,
        recorded=one.recorded,
        reason=str(Digest.of(b"reason")) if one.predicate_type == APPROVAL else None,
    )


def provenance(depth: int) -> JsonObject:
    return {
        "buildDefinition": {
            "externalParameters": {"parameters": {"depth": depth, "solver": "lbfgs"}},
            "internalParameters": {
                "git": {"commit": "9f3c2ab4" * 5, "dirty": False},
                "packages": {"scikit-learn": "1.9.1", "numpy": "2.4.0"},
                "platform": {"python": "3.12.1"},
                "seed": 7,
            },
            "resolvedDependencies": [
                {
                    "name": "cohort",
                    "uri": "muniment:acme/cohort@12",
                    "digest": {"sha256": "cd" * 32},
                    "annotations": {"kind": "dataset", "rows": 61204},
                }
            ],
        },
        "runDetails": {
            "metadata": {"startedOn": "2026-11-25T08:00:00Z", "finishedOn": "2026-11-25T08:41:05Z"}
        },
    }


def rejection() -> JsonObject:
    return {
        "version": "acme/readmission@7",
        "alias": "production",
        "registry": "log",
        "role": "validator",
        "decision": "reject",
        "meaning": "review",
        "policies": [str(Digest.of(b"policy"))],
        "evidence": [],
        "waiver": None,
        "name": None,
        "reason": str(Digest.of(b"reason")),
        "nonce": "n",
        "expires": None,
        "time": "2026-11-26T09:00:00.000000Z",
    }


def make_gate() -> Gate:
    met = Finding(
        rule="lower bound of roc_auc >= 0.8",
        passed=True,
        message="the lower bound of roc_auc is 0.829",
        attestations=(str(Digest.of(b"evidence")),),
        id="threshold",
    )
    unmet = Finding(
        rule="approved by 1 validator",
        passed=False,
        message=f"{VERA} rejected it as validator, which only they can withdraw",
        remedy="muniment withdraw acme/readmission@7 --for production --reason TEXT",
        id="approvals",
    )
    verdict = Verdict(
        version="acme/readmission@7",
        alias="production",
        policy=str(Digest.of(b"policy")),
        findings=(met, unmet),
    )
    return Gate(version="acme/readmission@7", alias="production", verdicts=(verdict,))


def make_version(number: int = 7, message: str = "Retrained on the autumn cohort.") -> VersionRecord:
    return VersionRecord(
        index=8000 + number,
        name="acme/readmission",
        number=number,
        revision=str(Digest.of(b"revision")),
        size_bytes=18_202_048,
        author=ADA,
        published="2026-11-26T08:00:00.000000Z",
        message=str(Digest.of(message.encode())),
    )


def move(index: int, number: int, alias: str, previous: int | None = None) -> Move:
    record = MoveRecord(
        index=index,
        name="acme/readmission",
        alias=alias,
        number=number,
        previous=previous,
        actor=ADA,
        moved="2026-11-27T10:00:00.000000Z",
        reason=str(Digest.of(b"why")),
        verdicts="",
    )
    return Move(record=record, reason="It holds on all wards.")


def make_material() -> VersionMaterial:
    claims = (
        claim(8091, CONTENT, {}),
        claim(8092, PROVENANCE, provenance(6)),
        claim(8096, EVALUATION, evaluated(0.842, 0.829, 0.854)),
        claim(8097, CARD, {"title": "Readmission", "licence": "Apache-2.0"}),
        claim(8120, APPROVAL, rejection(), VERA),
    )
    record, request = (
        make_version(),
        RequestRecord(
            index=8131,
            name="acme/readmission",
            number=7,
            alias="production",
            requester=ADA,
            opened="2026-11-29T10:00:00.000000Z",
            reason=str(Digest.of(b"why")),
        ),
    )
    detail = VersionDetail(
        record=record,
        aliases=("staging",),
        attestations=tuple(map(record_of, claims)),
        message="Retrained on the autumn cohort.",
        reasons={str(claims[-1].digest): "Gap between wards not explained."},
    )
    rival = (claim(7000, EVALUATION, evaluated(0.815, 0.80, 0.82)), claim(7001, PROVENANCE, provenance(4)))
    return VersionMaterial(
        detail=detail,
        revision=Revision.of(FILES),
        claims=claims,
        withdrawn={},
        owner=ADA,
        tier="high",
        tags={"cohort": "autumn"},
        moves=(move(7002, 5, "production"), move(8110, 7, "staging")),
        requests=(Request(record=request, reason="Better on the renal wards.", answer=None),),
        comments=(),
        gates=(make_gate(),),
        faults={},
        rivals=(Rival("production @5", rival),),
        policies=(replace(make_policy(), alias="staging", index=8115),),
        first=("roc_auc",),
        deployments=(make_deployment(),),
        newer=(make_version(8),),
        names=NAMES,
    )


def make_views() -> dict[str, View]:
    summaries = [
        VersionSummary(
            record=make_version(), aliases=("staging",), commit="9f3c2ab49f3c", message="Retrained."
        ),
        VersionSummary(
            record=make_version(6),
            headline=Headline("roc_auc", Estimate(0.815, 0.8, 0.82)),
            standing="REVOKED",
            message="First.",
        ),
    ]
    model = ModelSummary(
        record=ModelRecord(index=8, name="acme/readmission", kind="model", latest=7),
        owner=ADA,
        aliases={"production": 5, "staging": 7},
        newest=summaries[1],
        description="Thirty-day readmission after heart failure",
    )
    return {
        "version": view_version(make_material(), SEAL, NOW),
        "gate": view_gate(make_gate(), [make_policy()], NAMES, SEAL, NOW),
        "models": view_models("", [model], NAMES, NOW, found=True, rest=True),
        "log": view_versions("acme/readmission", summaries, NAMES, NOW),
        **make_lists(),
    }


def make_lists() -> dict[str, View]:
    name = "acme/readmission"
    return {
        "requests": view_requests(name, make_requests(), NAMES, NOW, closed=True),
        "proposals": view_proposals("acme", make_proposals(), NAMES, NOW, closed=True),
        "proposal": view_proposal(make_proposals()[1], ("mode: warn (was enforce)",), NAMES, NOW),
        "drafts": view_drafts(name, [make_draft()], NAMES, NOW),
        "owners": view_owners(name, make_owners(), NAMES, NOW),
        "comments": view_comments(f"{name}@7", make_comments(), NAMES, NOW),
        "deployments": view_deployments(name, make_deployed(), NAMES, NOW, found=False, history=True),
        "leaderboard": view_leaderboard(name, make_board(), {f"{name}@6": "REVOKED"}, NOW),
        "identified": view_identified("model/", make_matches(), ["notes.txt"], NAMES, NOW),
        "lineage": view_lineage(make_graph(), Direction.UP, NOW),
        "policies": view_policies(f"{name}@production", make_policies(), NAMES, SEAL, NOW),
        "policy-history": view_policy_history("acme", make_policy_history(), [], NAMES, NOW),
        "simulation": view_simulation("A policy for production", [make_gate()], NAMES, NOW),
        "person": view_person(make_person(), NAMES, NOW),
        "recoveries": view_recoveries(make_person(), NAMES, NOW),
        "people": view_people("People", [make_person()], NOW, empty="", found=True),
        "keys": view_keys([make_person()], NOW),
        "tokens": view_tokens(Person(VERA, "Vera Lindt"), make_tokens(), NOW),
        "issuers": view_issuers([make_issuer()], NAMES, NOW),
        "webhooks": view_webhooks("acme", [make_webhook()], NOW),
        "approvals": view_approvals(f"{name}@7", make_decisions(), NAMES, SEAL, NOW),
        "entry": view_entry(make_entry(), NAMES, SEAL, NOW, is_indexed=True),
        "clock": view_clock(make_jumps(), NAMES, NOW),
        "reads-settings": view_reads_settings("acme", make_settings(), NAMES, NOW),
        "reads": view_reads(name, "acme", make_settings(), make_reads(), NAMES, NOW),
    }


def make_settings() -> list[ReadsSetting]:
    record = ReadsSettingRecord(
        index=7000,
        namespace="acme",
        recording=1,
        actor=VERA,
        set="2026-10-01T09:00:00.000000Z",
        reason=str(Digest.of(b"why")),
    )
    return [ReadsSetting(record=record, reason="We may have to recall a model.")]


def make_reads() -> list[RecordedRead]:
    first = Read(
        principal=ADA,
        version="acme/readmission@7",
        files=2,
        manifests=1,
        first="2026-11-28T09:00:00.000000Z",
        last="2026-11-28T17:30:00.000000Z",
    )
    later = replace(
        first, principal="", first="2026-11-29T08:00:00.000000Z", last="2026-11-29T08:00:01.000000Z"
    )
    return [
        RecordedRead(namespace="acme", day="2026-11-28", read=first, entry=8130),
        RecordedRead(namespace="acme", day="2026-11-29", read=later),
    ]


def make_jumps() -> list[ClockJump]:
    there = ClockJumpRecord(
        index=8000, before="2026-11-20T12:00:00.000000Z", after="2027-11-20T12:00:00.000000Z"
    )
    back = ClockJumpRecord(
        index=8002, before="2027-11-20T12:01:00.000000Z", after="2026-11-20T12:05:00.000000Z"
    )
    said = TimeConfirmationRecord(
        index=8003,
        jump=8002,
        actor=ADA,
        confirmed="2026-11-20T12:06:00.000000Z",
        reason=str(Digest.of(b"why")),
    )
    confirmed = StatedConfirmation(record=said, reason="The clock of the machine was wrong.")
    return [ClockJump(record=there, confirmations=()), ClockJump(record=back, confirmations=(confirmed,))]


def make_deployed() -> list[Deployed]:
    ended = replace(
        make_deployment(), number=6, ended=8125, index=8050, recorded="2026-11-20T12:00:00.000000Z"
    )
    other = replace(make_deployment(), index=8126, target="prod-eu/api", loaded=str(Digest.of(b"other")))
    revision = str(Digest.of(b"revision"))
    return [
        Deployed(record=ended, revision=revision, standing="REVOKED"),
        Deployed(record=make_deployment(), revision=revision),
        Deployed(record=other, revision=revision),
    ]


def make_board() -> Leaderboard:
    best, next_best = Metric(value=0.842, low=0.829, high=0.854), Metric(value=0.8)
    rows = (
        Ranked(version="acme/readmission@7", place=1, metric=best, n=100, entry=8096),
        Ranked(version="acme/readmission@6", place=2, metric=next_best, n=100, entry=8011, follows=True),
        Ranked(version="acme/readmission@5", why="its holdout-2026q3 has other bytes"),
    )
    return Leaderboard(metric="roc_auc", dataset=f"sha256:{'ab' * 32}", lower_is_better=False, rows=rows)


def make_matches() -> list[Matched]:
    files = {"w/model.skops": "model.skops", "w/README.md": "README.md"}
    return [
        Matched(record=make_version(), files=files, whole=True),
        Matched(record=make_version(6), files=files, whole=False, standing="REVOKED"),
    ]


def make_deployment() -> DeploymentRecord:
    return DeploymentRecord(
        index=8125,
        name="acme/readmission",
        number=7,
        target="staging-eu/api",
        state="serving",
        loaded=str(Digest.of(b"revision")),
        attestation=str(Digest.of(b"deployed")),
        signer=ADA,
        recorded="2026-11-27T12:00:00.000000Z",
    )


def make_policies() -> list[ReadPolicy]:
    document: JsonObject = {
        "description": "What production asks for.",
        "rules": [
            {"rule": "signature"},
            {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8},
            {"rule": "approvals", "validator": 1},
        ],
        "scope": {"tiers": ["high"]},
        "continuous": True,
        "waivers": {"rules": ["threshold"], "maximum": "14d", "approvals": {"admin": 1}},
        "break_glass": {"roles": ["admin"], "close_within": "3d"},
    }
    set_ = make_policy()
    guarded = replace(set_, index=7800, models="acme/*", digest=None)
    return [ReadPolicy(guarded, None, None), ReadPolicy(set_, Policy.read(document), document)]


def make_policy_history() -> list[ComparedPolicy]:
    set_ = make_policy()
    eased = replace(set_, index=7950, set="2026-09-02T09:00:00.000000Z")
    ended = replace(eased, index=7960, digest=None, ended=1)
    differences = ("rule recall: value 0.8 (was 0.9)", "mode: warn (was enforce)")
    return [
        ComparedPolicy(
            PolicyChange(record=set_, reason="Patients depend on it."), ("set where there was none",)
        ),
        ComparedPolicy(PolicyChange(record=eased, reason=None), differences),
        ComparedPolicy(PolicyChange(record=ended, reason="No longer used."), ("the policy ended",)),
    ]


def make_policy() -> PolicyRecord:
    return PolicyRecord(
        index=7900,
        models="acme/readmission",
        alias="production",
        digest=str(Digest.of(b"policy")),
        attestation=None,
        author=VERA,
        set="2026-09-02T08:00:00.000000Z",
        reason=str(Digest.of(b"reason")),
    )


def make_person() -> Principal:
    key = KeyRecord(
        index=31,
        id="5c" * 32,
        principal=VERA,
        public_key="-----BEGIN PUBLIC KEY-----",
        enrolled="2026-09-01T08:00:00.000000Z",
        expires="2099-01-01T00:00:00Z",
        voucher=ADA,
    )
    lost = replace(key, index=27, id="7d" * 32, expires=None, revoked=7000)
    roles = (("validator", "acme", 33), ("reader", "*", 30))
    return Principal(
        record=PrincipalRecord(index=26, id=VERA, kind="person", profile=str(Digest.of(b"Vera"))),
        name="Vera Lindt",
        keys=(lost, key),
        grants=tuple(
            GrantRecord(index=index, principal=VERA, namespace=namespace, role=role, grantor=ADA)
            for role, namespace, index in roles
        ),
        machines=((key.id, "vera-laptop"),),
        vouches=(
            VouchRecord(index=26, principal=VERA, kind="person", voucher=ADA),
            VouchRecord(index=31, principal=VERA, kind="key", voucher="registry"),
            VouchRecord(index=40, principal=VERA, kind="confirmation", voucher=ADA),
        ),
        recoveries=(
            RecoveryRecord(
                index=30,
                principal=VERA,
                credential=key.id,
                actor=ADA,
                begun="2026-09-01T08:00:00.000000Z",
                opens="2026-09-02T08:00:00.000000Z",
            ),
        ),
    )


def make_tokens() -> list[Token]:
    record = TokenRecord(
        index=8001,
        id="e1" * 32,
        principal=VERA,
        label=str(Digest.of(b"ci")),
        scopes="read:acme write:acme",
        issued="2026-11-01T08:00:00.000000Z",
        expires="2027-01-30T08:00:00.000000Z",
        once=0,
        voucher=VERA,
    )
    ended = replace(record, index=7500, id="e2" * 32, scopes="", expires="2026-11-28T08:00:00.000000Z")
    return [Token(record=record, label="nightly"), Token(record=ended, label=None)]


def make_issuer() -> IssuerRecord:
    claims = '{"repository":"acme/models","ref":"refs/heads/main"}'
    return IssuerRecord(index=60, issuer="https://ci.example.com", claims=claims, principal=VERA, author=ADA)


def make_webhook() -> Webhook:
    record = WebhookRecord(
        index=70,
        namespace="acme",
        target=str(Digest.of(b"target")),
        events="alias.moved version.published",
        author=ADA,
        set="2026-10-01T08:00:00.000000Z",
    )
    failed = FailedDelivery(entry=8110, fault="the server answered 500", time="2026-11-27T11:00:00Z")
    return Webhook(
        record=record, form=Form.CLOUDEVENTS, url="https://hooks.example.org/", next=8111, failed=(failed,)
    )


def make_decisions() -> list[Decided]:
    rejected = claim(8120, APPROVAL, rejection(), VERA)
    stated: JsonObject = {**rejection(), "decision": "approve", "meaning": "approval"}
    approved = claim(8122, APPROVAL, {**stated, "expires": "2027-11-26T09:00:00Z"}, VERA)
    waived = claim(8123, APPROVAL, {**stated, "role": "approver", "waiver": str(Digest.of(b"waiver"))}, ADA)
    moved = move(8130, 7, "production", 5).record
    return [
        Decided(
            claim=rejected,
            approval=Approval.read(rejected.predicate),
            reason="Gap between wards not explained.",
            standing="replaced, entry 8122",
        ),
        Decided(
            claim=approved,
            approval=Approval.read(approved.predicate),
            reason="The gap is explained.",
            standing="stands",
            counted=(moved,),
        ),
        Decided(
            claim=waived,
            approval=Approval.read(waived.predicate),
            reason="(erased)",
            standing="stands",
            fault=f"{VERA} made the version and vouches for {ADA}, whom no other admin confirmed",
        ),
    ]


def make_graph() -> Graph:
    tuned, base, data, file, commit = (Digest.of(name.encode()).hex for name in "tbdfc")
    nodes = (
        Node(digest=tuned, depth=0, versions=("acme/tuned@2",), aliases=("acme/tuned@production",)),
        Node(digest=base, depth=1, versions=("acme/base@1",), targets=("prod-eu/api",)),
        Node(digest=file, depth=1),
        Node(digest=commit[:40], depth=1),
        Node(digest=data, depth=2, versions=("acme/cohort@12",)),
    )
    edges = (
        Edge(child=tuned, parent=base, relation="model", name="acme/base@1"),
        Edge(child=tuned, parent=file, relation="dataset", name="a.csv"),
        Edge(child=tuned, parent=commit[:40], relation="code", name="https://git.example.org/tuning.git"),
        Edge(child=base, parent=file, relation="dataset", name="a.csv"),
        Edge(child=file, parent=data, relation="content", name="a.csv"),
    )
    return Graph(root=tuned, nodes=nodes, edges=edges, whole=False)


def make_entry() -> Entry:
    event = AliasMoved(
        name=ModelName.parse("acme/readmission"),
        alias=Alias("staging"),
        number=7,
        previous=6,
        reason=Digest.of(b"why"),
        verdicts=(Digest.of(b"verdict"),),
        emergency=False,
        due=None,
    )
    return Entry(
        index=8110,
        id="01a224da-5a3e-7010-9bdc-9a06c5cd5f35",
        actor=ADA,
        time="2026-11-27T10:00:00.000000Z",
        about=("a" * 64,),
        event=event,
    )


def make_requests() -> list[Request]:
    opened = RequestRecord(
        index=8131,
        name="acme/readmission",
        number=7,
        alias="production",
        requester=ADA,
        opened="2026-11-29T10:00:00.000000Z",
        reason=str(Digest.of(b"why")),
        reminded="2026-11-29T11:00:00.000000Z",
    )
    closed = replace(
        opened, index=8020, number=6, closed=8025, outcome="rejected", answer=str(Digest.of(b"no"))
    )
    return [
        Request(record=closed, reason=None, answer="Gap between wards not explained."),
        Request(record=opened, reason="Better on the renal wards.", answer=None),
    ]


def make_proposals() -> list[Proposal]:
    opened = ProposalRecord(
        index=8120,
        namespace="acme",
        kind="set-policy",
        models="acme/*",
        alias="production",
        policy=str(Digest.of(b"policy")),
        attestation=str(Digest.of(b"statement")),
        tier=None,
        base=8010,
        protections="8010",
        digest=str(Digest.of(b"proposal")),
        proposer=ADA,
        opened="2026-11-29T10:00:00.000000Z",
        reason=str(Digest.of(b"why")),
    )
    broken = replace(opened, index=8100, closed=8102, outcome="emergency", due="2026-11-30T10:00:00.000000Z")
    decided = ProposalDecisionRecord(
        index=8101,
        namespace="acme",
        proposal=8100,
        person=VERA,
        decision="break-glass",
        attestation=str(Digest.of(b"decision")),
        decided="2026-11-29T10:30:00.000000Z",
        reason=str(Digest.of(b"fire")),
    )
    need = Need(models="acme/*", alias="production", role=Role.APPROVER, n=2, approved=(VERA,), able=(ADA,))
    return [
        Proposal(
            record=broken,
            reason="The old rule stops every release.",
            decisions=(DecidedOne(record=decided, reason="Nobody is here."),),
            reviewers=(ADA,),
        ),
        Proposal(
            record=opened,
            reason="A trial.",
            decisions=(DecidedOne(record=replace(decided, decision="approve", proposal=8120), reason=None),),
            needs=(need,),
            breakers=(VERA,),
        ),
    ]


def make_draft() -> Draft:
    record = DraftRecord(
        index=8140,
        name="acme/readmission",
        revision=str(Digest.of(b"draft")),
        kind="model",
        size_bytes=18_300_000,
        attestations=str(Digest.of(b"signed")),
        author=ADA,
        saved="2026-11-29T09:00:00.000000Z",
        message=str(Digest.of(b"soon")),
    )
    return Draft(record=record, message="With the winter cohort.")


def make_owners() -> list[OwnerRecord]:
    times = ("2026-01-05T09:00:00.000000Z", "2026-11-20T09:00:00.000000Z")
    return [
        OwnerRecord(index=index, name="acme/readmission", owner=owner, author=ADA, set=time)
        for index, owner, time in zip((120, 7990), (ADA, VERA), times, strict=True)
    ]


def make_comments() -> list[Comment]:
    first = CommentRecord(
        index=8133,
        name="acme/readmission",
        number=7,
        about=None,
        author=VERA,
        posted="2026-11-29T10:30:00.000000Z",
        text=str(Digest.of(b"text")),
    )
    second = replace(first, index=8135, about=8131, author=ADA)
    return [
        Comment(record=first, text="Which wards?\n\n* renal\n* cardiac"),
        Comment(record=second, text=None),
    ]


VIEWS = make_views()
