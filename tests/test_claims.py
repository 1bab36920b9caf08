"""Claims: which get into the registry, and which are refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json
from muniment.core.claims.attestations import (
    APPROVAL,
    EVALUATION,
    PROVENANCE,
    VERDICT,
    kind_of,
    name_predicate_type,
)
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyApproved,
    BadSignature,
    BlobNotFound,
    ContentCorrupt,
    GateFailed,
    InvalidAttestation,
    InvalidManifest,
    InvalidName,
    InvalidOption,
    InvalidPolicy,
    KeyExpired,
    KeyRevoked,
    NameTaken,
    NotIdentified,
    NotPermitted,
    NotYourSignature,
    OwnVersion,
    PolicyNotFound,
    PrincipalNotFound,
    RoleNotHeld,
    StaleApproval,
    UnknownClaimKind,
    UnknownSigner,
    VersionExists,
    VersionNotNext,
    WrongSubject,
)
from muniment.core.events import AttestationRecorded
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import JudgeGate, ListMoves, MoveAlias
from muniment.core.verbs.log import GetLeaves
from muniment.core.verbs.people import EnrolKey, GetSelf, GrantRole, RegisterPrincipal, RevokeKey, RevokeRole
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListVersions, PublishVersion
from muniment.policies.documents import read_policy
from muniment.services.backend import LocalBackend
from muniment.signing.bundle import Bundle, sign_statement
from muniment.signing.keys import Identity
from muniment.signing.schemas import SCHEMAS
from muniment.signing.statements import attest
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    add_person,
    approval,
    evaluation,
    provenance,
    publish,
    record,
    refuses,
    set_policy,
)

OpenAs = Callable[[Identity], Backend]
FIRST = Reference(NAME, 1)
APPROVED_BY_ONE: dict[str, Json] = {"rule": "approvals", "validator": 1}


def size(backend: Backend) -> int:
    return len(backend.ask(GetLeaves(start=0)))


def send(backend: Backend, bundle: Bundle, reference: Reference = FIRST) -> None:
    digest = backend.add_documents([bundle.encode()])[0]
    backend.execute(RecordAttestation(reference=reference, bundle=digest))


def subject_of(backend: Backend, reference: Reference = FIRST) -> Digest:
    return Digest.parse(backend.ask(GetVersion(reference=reference)).revision)


# ---- publishing


def test_the_same_bytes_make_no_event(backend: Backend, owner: Identity) -> None:
    """Publishing a revision again answers with its version and adds no event."""
    first = publish(backend, owner, b"a")
    before = size(backend)
    again = publish(backend, owner, b"a")
    assert (again.created, again.index, size(backend)) == (False, first.index, before)


def test_a_number_that_has_other_bytes_is_refused(backend: Backend, owner: Identity) -> None:
    """A version number cannot be reused for other bytes, nor skipped."""
    publish(backend, owner, b"a")
    publish(backend, owner, b"b")
    other = subject_of(backend, Reference(NAME, 2))
    before = size(backend)
    refuses(lambda: backend.execute(PublishVersion(name=NAME, manifest=other, number=1)), VersionExists)
    new = Revision.of([File(path="a", digest=backend.add_documents([b"c"])[0], size_bytes=1)])
    manifest, _ = backend.add_documents([new.manifest(), new.config()])
    refusal = refuses(
        lambda: backend.execute(PublishVersion(name=NAME, manifest=manifest, number=9)), VersionNotNext
    )
    assert "3" in refusal.hint
    assert size(backend) == before


def test_bytes_come_before_the_record(backend: Backend) -> None:
    """A version is refused if its manifest, config or a file is missing or has another size."""
    lost = Revision.of([File(path="a", digest=Digest.of(b"nowhere"), size_bytes=7)])
    refuses(
        lambda: backend.execute(PublishVersion(name=NAME, manifest=Digest.of(lost.manifest()))), BlobNotFound
    )
    digest = backend.add_documents([lost.manifest()])[0]
    refuses(lambda: backend.execute(PublishVersion(name=NAME, manifest=digest)), BlobNotFound)
    backend.add_documents([lost.config()])
    refuses(lambda: backend.execute(PublishVersion(name=NAME, manifest=digest)), BlobNotFound)
    short = Revision.of([File(path="a", digest=backend.add_documents([b"ab"])[0], size_bytes=3)])
    digest = backend.add_documents([short.manifest(), short.config()])[0]
    refuses(lambda: backend.execute(PublishVersion(name=NAME, manifest=digest)), InvalidManifest)


def test_a_refused_claim_takes_the_version_with_it(backend: Backend, owner: Identity) -> None:
    """A publication and its claims are one transaction."""
    publish(backend, owner, b"a")
    before = size(backend)
    stranger = Identity.generate()
    refuses(lambda: publish(backend, stranger, b"b"), UnknownSigner)
    assert size(backend) == before
    assert [v.number for v in backend.ask(ListVersions(name=NAME))] == [1]


# ---- attestations


def test_an_unknown_kind_is_kept_and_never_counts(backend: Backend, owner: Identity) -> None:
    """A claim of an unknown kind is stored unchanged and meets no policy."""
    publish(backend, owner, b"a")
    kind = "https://example.com/poem/v1"
    record(backend, owner, 1, kind, {"any": ["thing", 1.5]})
    claims = backend.ask(DescribeVersion(reference=FIRST)).attestations
    assert kind in {claim.predicate_type for claim in claims}
    set_policy(backend, owner, {"rule": "require", "type": kind})
    verdict = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert not verdict.passed
    assert "this registry cannot check the type" in verdict.failures[0]


def test_a_short_name_comes_from_one_table() -> None:
    """Each kind that has a schema has one short name, which policies take as well."""
    names = {kind_of(known).replace(" ", "-"): known for known in SCHEMAS}
    assert {name: name_predicate_type(name) for name in names} == names
    for name, known in names.items():
        policy = read_policy({"rules": [{"rule": "require", "type": name}]})
        assert policy == read_policy({"rules": [{"rule": "require", "type": known}]})


@pytest.mark.parametrize(
    ("slip", "meant"), [("change-pln", "change-plan"), ("evaluatoin", "evaluation"), ("poem", ""), ("", "")]
)
def test_a_short_name_that_is_none_is_refused_with_a_hint(slip: str, meant: str) -> None:
    """An unknown short name is refused where it is given and in a policy; the refusal says what was meant."""
    with pytest.raises(UnknownClaimKind) as refused:
        name_predicate_type(slip)
    hint = refused.value.hint
    assert f"did you mean {meant} (" in hint if meant else "did you mean" not in hint
    assert "approval, card, change-plan" in hint
    with pytest.raises(InvalidPolicy, match="is not a kind of claim"):
        read_policy({"rules": [{"rule": "require", "type": slip}]})


@pytest.mark.parametrize("kind", ["poem", "change-plan", "muniment.dev/evaluation/v1", "https://a b"])
def test_a_predicate_type_that_is_no_uri_is_refused_on_arrival(
    backend: Backend, owner: Identity, kind: str
) -> None:
    """The registry refuses a claim whose type is a word, which no rule would find."""
    publish(backend, owner, b"a")
    bundle = _sign_unchecked(subject_of(backend), kind, {"any": "thing"}, owner)
    before = size(backend)
    refuses(lambda: send(backend, bundle), UnknownClaimKind)
    assert size(backend) == before


def test_a_claim_that_breaks_its_schema_is_refused_on_arrival(backend: Backend, owner: Identity) -> None:
    """The registry checks the schema, whatever the client did."""
    publish(backend, owner, b"a")
    bundle = _sign_unchecked(subject_of(backend), EVALUATION, {"task": "x"}, owner)
    before = size(backend)
    refuses(lambda: send(backend, bundle), InvalidAttestation)
    assert size(backend) == before


def _sign_unchecked(subject: Digest, kind: str, predicate: dict[str, Json], identity: Identity) -> Bundle:
    """Sign under a kind that has no schema, then claim another: what a hostile client would send."""
    harmless = attest(subject, "x", "https://example.com/x", predicate, identity)
    payload = harmless.payload.replace(b"https://example.com/x", kind.encode())
    return sign_statement(payload, identity)


def test_a_claim_about_other_bytes_is_refused(backend: Backend, owner: Identity) -> None:
    """A claim is refused unless its subject is the version and its content the version's files."""
    publish(backend, owner, b"a")
    publish(backend, owner, b"b")
    other = subject_of(backend, Reference(NAME, 2))
    bundle = attest(other, "x", PROVENANCE, provenance(), owner)
    refuses(lambda: send(backend, bundle), WrongSubject)
    detail = backend.ask(DescribeVersion(reference=Reference(NAME, 2)))
    content = next(c for c in detail.attestations if "model_signing" in c.predicate_type)
    refuses(
        lambda: backend.execute(RecordAttestation(reference=FIRST, bundle=Digest.parse(content.digest))),
        WrongSubject,
    )


def test_a_bad_signature_is_refused(backend: Backend, owner: Identity) -> None:
    """Altered statements and signatures by other keys are refused."""
    publish(backend, owner, b"a")
    good = attest(subject_of(backend), "x", PROVENANCE, provenance(), owner)
    altered = Bundle(payload=good.payload + b" ", signature=good.signature, key_id=good.key_id)
    missing = Bundle(payload=good.payload, signature=b"", key_id=good.key_id)
    for bad in (altered, missing):
        refuses(lambda bad=bad: send(backend, bad), BadSignature)  # type: ignore[misc] # bound at once
    stranger = attest(subject_of(backend), "x", PROVENANCE, provenance(), Identity.generate())
    refuses(lambda: send(backend, stranger), UnknownSigner)
    garbage = backend.add_documents([b"garbage"])[0]
    refuses(lambda: backend.execute(RecordAttestation(reference=FIRST, bundle=garbage)), InvalidAttestation)
    refuses(
        lambda: backend.execute(RecordAttestation(reference=FIRST, bundle=Digest.of(b"none"))), BlobNotFound
    )


def test_an_expired_or_revoked_key_signs_nothing(backend: Backend, owner: Identity) -> None:
    """A claim signed by an expired or revoked key is refused."""
    publish(backend, owner, b"a")
    expired, revoked = Identity.generate(), Identity.generate()
    past = "2026-01-01T00:00:01Z"
    backend.execute(EnrolKey(principal="founder", public_key=expired.public.pem, expires=past))
    backend.execute(EnrolKey(principal="founder", public_key=revoked.public.pem))
    backend.execute(RevokeKey(key_id=revoked.public.id))
    subject = subject_of(backend)
    for identity, kind in ((expired, KeyExpired), (revoked, KeyRevoked)):
        bundle = attest(subject, "x", PROVENANCE, provenance(), identity)
        refuses(lambda bundle=bundle: send(backend, bundle), kind)  # type: ignore[misc] # bound at once


def test_a_key_revoked_as_of_an_entry_takes_back_what_came_after(
    backend: Backend, open_as: OpenAs, owner: Identity
) -> None:
    """Claims from before the entry of a revocation count, and later ones do not."""
    publish(backend, owner, b"a")
    validator = add_person(backend, "Vera", Role.VALIDATOR)
    theirs = open_as(validator)
    record(theirs, validator, 1, EVALUATION, evaluation(0.9))
    second = record(theirs, validator, 1, EVALUATION, evaluation(0.99))
    set_policy(backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.95})
    assert backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION)).passed
    backend.execute(RevokeKey(key_id=validator.public.id, effective=second.index))
    verdict = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert verdict.failures == ("roc_auc >= 0.95: roc_auc is 0.9",)
    refuses(lambda: backend.execute(RevokeKey(key_id=validator.public.id)), KeyRevoked)
    refuses(lambda: backend.execute(RevokeKey(key_id="nobody's")), UnknownSigner)


def test_nobody_records_what_another_signed(backend: Backend, open_as: OpenAs, owner: Identity) -> None:
    """Only its signer can record a claim, and only the registry can record a verdict."""
    publish(backend, owner, b"a")
    validator = add_person(backend, "Vera", Role.VALIDATOR)
    bundle = attest(subject_of(backend), "x", EVALUATION, evaluation(0.9), validator)
    refuses(lambda: send(backend, bundle), NotYourSignature)
    verdict: dict[str, Json] = {
        "verifier": {"id": "me"},
        "timeVerified": "2026-01-01T00:00:00Z",
        "resourceUri": str(FIRST),
        "policy": {"digest": {}},
        "verificationResult": "PASSED",
        "verifiedLevels": [],
    }
    refuses(lambda: record(backend, owner, 1, VERDICT, verdict), NotPermitted)
    assert open_as(validator).ask(GetSelf()).name == "Vera"


def test_an_altered_claim_closes_the_gate(backend: LocalBackend, owner: Identity) -> None:
    """A stored claim that cannot be read fails the gate with an error."""
    publish(backend, owner, b"a")
    receipt = record(backend, owner, 1, EVALUATION, evaluation(0.9))
    set_policy(backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.5})
    digest = receipt.read(AttestationRecorded).attestation
    backend._blobs.blobs[digest] = b"altered"  # type: ignore[attr-defined] # the memory store's
    refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), ContentCorrupt)


# ---- approvals


@pytest.fixture
def validator(backend: Backend, owner: Identity) -> Identity:
    """Publish version 1, guard production, and register Vera, a validator."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, APPROVED_BY_ONE)
    return add_person(backend, "Vera", Role.VALIDATOR)


def passes(backend: Backend, alias: Alias = PRODUCTION) -> bool:
    return backend.ask(JudgeGate(reference=FIRST, alias=alias)).passed


@pytest.mark.usefixtures("validator")
def test_an_author_cannot_approve(backend: Backend, owner: Identity) -> None:
    """Neither the publisher nor the signer of the provenance can approve, whatever roles they hold."""
    backend.execute(GrantRole(principal="founder", role=Role.VALIDATOR, namespace="acme"))
    own = approval(backend, 1, Role.VALIDATOR)
    refuses(lambda: record(backend, owner, 1, APPROVAL, own), OwnVersion)
    assert not passes(backend)


def test_one_person_counts_once(
    backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity
) -> None:
    """A second approval by a principal is refused, under any role or key."""
    theirs = open_as(validator)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(backend)
    set_policy(backend, owner, {"rule": "approvals", "validator": 2})
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    later = approval(theirs, 1, Role.VALIDATOR, time="2026-01-02T00:00:00Z")
    refuses(lambda: record(theirs, validator, 1, APPROVAL, later), AlreadyApproved)
    backend.execute(GrantRole(principal="Vera", role=Role.APPROVER, namespace="acme"))
    again = approval(theirs, 1, Role.APPROVER)
    refuses(lambda: record(theirs, validator, 1, APPROVAL, again), AlreadyApproved)
    assert not passes(backend)


def test_an_approval_for_another_alias_does_not_count(
    backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity
) -> None:
    """An approval counts for one alias only, and is refused where there is no policy."""
    theirs, staging = open_as(validator), Alias("staging")
    refuses(lambda: approval(theirs, 1, Role.VALIDATOR, alias=staging), PolicyNotFound)
    set_policy(backend, owner, APPROVED_BY_ONE, alias=staging)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, alias=staging))
    assert passes(backend, staging)
    assert not passes(backend)


def test_new_evidence_or_policy_makes_an_approval_stale(
    backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity
) -> None:
    """An approval counts only for the evidence and policy that its approver saw."""
    theirs = open_as(validator)
    seen = approval(theirs, 1, Role.VALIDATOR)
    record(theirs, validator, 1, APPROVAL, seen)
    assert passes(backend)
    record(backend, owner, 1, EVALUATION, evaluation(0.9))
    verdict = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert "covers another evidence" in verdict.failures[0]
    refusal = refuses(
        lambda: record(theirs, validator, 1, APPROVAL, {**seen, "time": "2026-01-02T00:00:00Z"}),
        StaleApproval,
    )
    assert "evidence" in str(refusal)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(backend)
    set_policy(backend, owner, APPROVED_BY_ONE, {"rule": "signature"})
    assert not passes(backend)


def test_an_approval_names_its_version_role_and_reason(
    backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity
) -> None:
    """An approval with another version, a role not held or another reason is refused."""
    theirs = open_as(validator)
    publish(backend, owner, b"b")
    other = approval(theirs, 2, Role.VALIDATOR)
    refuses(lambda: record(theirs, validator, 1, APPROVAL, other), WrongSubject)
    refuses(lambda: record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.APPROVER)), NotPermitted)
    refuses(
        lambda: record(
            theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR), reason=Payload.of("x")
        ),
        StaleApproval,
    )


def test_a_rejection_blocks_until_it_is_withdrawn(
    backend: Backend, open_as: OpenAs, validator: Identity
) -> None:
    """A rejection closes the gate until the same person withdraws it."""
    theirs = open_as(validator)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR, decision="reject"))
    refusal = refuses(lambda: backend.execute(MoveAlias(reference=FIRST, alias=PRODUCTION)), GateFailed)
    assert "rejected it" in str(refusal.data()["failures"])
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(backend)


def test_an_approval_counts_while_the_role_is_held(
    backend: Backend, open_as: OpenAs, validator: Identity
) -> None:
    """An approval stops counting when its approver loses the role."""
    theirs = open_as(validator)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    backend.execute(RevokeRole(principal="Vera", role=Role.VALIDATOR, namespace="acme"))
    assert not passes(backend)


def test_who_becomes_an_author_later_no_longer_counts(
    backend: Backend, open_as: OpenAs, validator: Identity
) -> None:
    """An approval stops counting when its approver signs the version's provenance."""
    theirs = open_as(validator)
    record(theirs, validator, 1, APPROVAL, approval(theirs, 1, Role.VALIDATOR))
    assert passes(backend)
    record(theirs, validator, 1, PROVENANCE, provenance())
    verdict = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
    assert "made the version" in verdict.failures[0]


# ---- people


def test_roles_are_needed_and_hold_for_their_namespace(backend: Backend, open_as: OpenAs) -> None:
    """Readers, strangers and contributors of other namespaces cannot publish."""
    elsewhere = add_person(backend, "Eve", Role.CONTRIBUTOR, namespace="other")
    reader = add_person(backend, "Rita", Role.READER)
    for identity in (elsewhere, reader):
        refuses(lambda identity=identity: publish(open_as(identity), identity, b"a"), NotPermitted)  # type: ignore[misc] # bound at once
    stranger = Identity.generate()
    refuses(lambda: publish(open_as(stranger), stranger, b"a"), NotIdentified)
    refuses(lambda: open_as(stranger).ask(GetSelf()), NotIdentified)
    refuses(lambda: add_person(open_as(reader), "Mallory"), NotPermitted)
    refuses(
        lambda: open_as(reader).execute(GrantRole(principal="Rita", role=Role.ADMIN, namespace="*")),
        NotPermitted,
    )


def test_names_and_keys_are_taken_once(backend: Backend, owner: Identity) -> None:
    """No two principals can have the same name or key, and a key has one expiry."""
    add_person(backend, "Vera", Role.READER)
    refuses(lambda: add_person(backend, "Vera"), NameTaken)
    again = RegisterPrincipal(name=Payload.of("Other"), public_key=owner.public.pem)
    refuses(lambda: backend.execute(again), NameTaken)
    key = EnrolKey(
        principal="Vera", public_key=Identity.generate().public.pem, expires="2031-01-01T00:00:00Z"
    )
    enrolled = backend.execute(key)
    assert backend.execute(replace(key, expires="2031-01-01T01:00:00+01:00")).index == enrolled.index
    for expires in (None, "2032-01-01T00:00:00Z"):
        refuses(lambda expires=expires: backend.execute(replace(key, expires=expires)), InvalidOption)  # type: ignore[misc] # bound at once
    for name in ("", " x", "a\nb", "x" * 201):
        refuses(lambda name=name: add_person(backend, name), InvalidName)  # type: ignore[misc] # bound at once
    refuses(
        lambda: backend.execute(GrantRole(principal="No", role=Role.READER, namespace="acme")),
        PrincipalNotFound,
    )
    refuses(
        lambda: backend.execute(GrantRole(principal="Vera", role=Role.READER, namespace="A!")), InvalidName
    )
    refuses(
        lambda: backend.execute(RevokeRole(principal="Vera", role=Role.ADMIN, namespace="acme")),
        RoleNotHeld,
    )
    assert not backend.execute(GrantRole(principal="Vera", role=Role.READER, namespace="acme")).created


def test_the_log_holds_nothing_that_people_typed(backend: Backend, owner: Identity) -> None:
    """Names and reasons are in the log by digest only."""
    publish(backend, owner, b"a")
    add_person(backend, "Vera Secret", Role.VALIDATOR)
    backend.execute(
        MoveAlias(reference=FIRST, alias=Alias("staging"), reason=Payload.of("top secret reason"))
    )
    log = b"".join(backend.ask(GetLeaves(start=0)))
    assert b"ecret" not in log
    assert [m.reason for m in backend.ask(ListMoves(name=NAME))] == ["top secret reason"]
