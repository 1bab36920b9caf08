"""Audits: a replay of the log finds the first entry that cannot be true, whatever rows and server say."""

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import pytest
from click.testing import CliRunner

import muniment
from muniment.answers.authority import AUTHORITY, Takes, find_takes
from muniment.answers.cases import gather as gather_case
from muniment.answers.places import within_namespace
from muniment.answers.replay import records as replayed_records
from muniment.answers.replay import state as states
from muniment.answers.replay.records import ReplayedRecords
from muniment.answers.replay.replaying import Replay
from muniment.answers.replay.state import KeptDocuments, ReplayedView
from muniment.answers.salts import find_salt, hash_subjects
from muniment.cli.main import main
from muniment.client.audit import sharing
from muniment.client.audit.auditing import Audit, audit
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.proofs.verifying import check_version
from muniment.client.sdk.registry import Registry
from muniment.core import events
from muniment.core.backend import Backend
from muniment.core.basis import Basis
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, DEPLOYMENT, EVALUATION, PROVENANCE, SCAN
from muniment.core.claims.deployments import State
from muniment.core.claims.scans import OWN_TOOL
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerIncomplete,
    AuditFailed,
    IndexForked,
    IndexMalformed,
    NamespaceNotFound,
    NotPermitted,
    ProofInvalid,
    VerdictInconsistent,
)
from muniment.core.events import Deployed, Entry, Event, IndexSealed, read_entry, write_entry
from muniment.core.gates.policy import Policy, Verdict, judge
from muniment.core.gates.rules.case import Case
from muniment.core.names import Alias, Kind, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY, Assurance, Caller
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.receipts import Receipt
from muniment.core.records import (
    Amend,
    AttestationRecord,
    GrantRecord,
    KeyRecord,
    PolicyRecord,
    PrincipalRecord,
    Put,
    Record,
    VersionRecord,
    Where,
)
from muniment.core.verbs import bytes as bytes_
from muniment.core.verbs import catalog, gates, log, people, proposals, upkeep, versions
from muniment.core.verbs.gates import MoveAlias
from muniment.core.verbs.log import GetLeaves, GetRestores, ListEntries, Restores
from muniment.core.verbs.people import GetSelf, GrantRole, RevokeKey, RevokeRole
from muniment.core.verbs.table import VERBS
from muniment.core.verbs.verb import Command, May, Query
from muniment.core.verbs.versions import GetVersion, SetStatus
from muniment.log.index import subject_hash
from muniment.log.index_growth import IndexGrowth, list_nodes
from muniment.log.index_pages import MemoryPages, PagedIndex
from muniment.log.tree import hash_leaf, read_root
from muniment.ports.unit import Unit
from muniment.server.doctor import examine
from muniment.server.parts import open_parts
from muniment.services import transaction
from muniment.services.backend import LocalBackend
from muniment.services.claims.own import record_own
from muniment.services.log.restores import declare_restore
from muniment.services.transaction import Transaction
from muniment.services.upkeep.rebuild import compare, find_false
from muniment.signing.keys import Identity
from muniment.signing.restores import sign_restore
from muniment.signing.statements import attest
from muniment.testing import LIES, LyingBackend, check_backend, open_memory
from muniment.testing.audits import check_audit
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    add_person,
    approval,
    evaluation,
    provenance,
    publish,
    record,
    set_policy,
)
from muniment.testing.live import run_server
from muniment.testing.lying import HONEST
from muniment.testing.records import MemoryProjections

A = TypeVar("A")

STAGING, CANARY = Alias("staging"), Alias("canary")
LATER = "2026-02-01T00:00:00Z"
ROOT = Path(__file__).parent


class Story:
    """A registry in memory in which a version was approved and promoted, and the ways to falsify its log."""

    def __init__(self) -> None:
        self.open_as = open_memory()
        self.owner_key = Identity.generate()
        self.owner = self.open_as(self.owner_key)
        for data in (b"one", b"two"):
            publish(self.owner, self.owner_key, data)
        self.vera_key = add_person(self.owner, "Vera", Role.VALIDATOR)
        self.vera = self.open_as(self.vera_key)
        self.rita = self.open_as(add_person(self.owner, "Rita", Role.READER))
        set_policy(self.owner, self.owner_key, {"rule": "approvals", "validator": 1})
        record(self.vera, self.vera_key, 1, APPROVAL, approval(self.vera, 1, Role.VALIDATOR))
        self.promote(1, PRODUCTION)
        self.promote(1, STAGING)

    def promote(self, number: int, alias: Alias) -> Receipt:
        return self.owner.execute(MoveAlias(reference=Reference(NAME, number), alias=alias))

    def id_of(self, backend: LocalBackend) -> str:
        return backend.ask(GetSelf()).record.id

    def revision(self, number: int) -> Digest:
        return Digest.parse(self.owner.ask(GetVersion(reference=Reference(NAME, number))).revision)

    def size(self) -> int:
        return self.owner._units.read(lambda unit: unit.log.size())

    def root(self, size: int) -> Digest:
        return Digest(self.owner._units.read(lambda unit: read_root(size, unit.log.read_nodes)).hex())

    def say(self, event: Event, by: LocalBackend | None = None, **changes: object) -> int:
        """Append an event that nobody asked for; return its index. `changes` are of the entry."""
        return self._append(event, self.id_of(by or self.owner), changes)

    def say_as(self, actor: str, event: Event) -> int:
        return self._append(event, actor, {})

    def _append(self, event: Event, actor: str, changes: Mapping[str, object]) -> int:
        def work(unit: Unit) -> int:
            tx = replace(self.owner.begin(unit), caller=Caller(principal=actor, direct=True))
            if not changes:
                return tx.record(event)
            return append_changed(tx, event, changes)

        return self.owner._units.write(work)

    def put(self, *records: Record) -> None:
        """Change rows behind the back of the log."""
        self.owner._units.write(lambda unit: unit.projections.apply(map(Put, records)))

    def drop(self, kind: type[Record]) -> list[Record]:
        """Delete the rows of a table; return them."""

        def work(unit: Unit) -> list[Record]:
            rows = unit.projections.select(kind)
            unit.projections.tables.pop(kind.table)  # type: ignore[attr-defined] # the memory store's
            return rows

        return self.owner._units.write(work)

    def find(self, kind: type[Record]) -> list[Record]:
        return self.owner._units.read(lambda unit: unit.projections.select(kind))

    def attest(self, number: int, by: Identity, predicate_type: str, predicate: JsonObject) -> Digest:
        """Sign and store a claim, and record nothing."""
        bundle = attest(self.revision(number), f"{NAME}@{number}", predicate_type, predicate, by)
        return self.owner.add_documents([bundle.encode()])[0]

    def recorded(self, number: int, by: Identity, attestation: Digest, kind: str, signer: str) -> Event:
        return events.AttestationRecorded(
            name=NAME,
            revision=self.revision(number),
            attestation=attestation,
            predicate_type=kind,
            signer=signer,
            key=by.public.id,
            assurance=Assurance.KEY,
        )


def append_changed(tx: Transaction, event: Event, changes: Mapping[str, object]) -> int:
    """Append an entry that differs from the right one."""
    subjects = tuple(text.hex() for text in hash_subjects(event, tx._salt_of))
    entry = Entry(
        index=tx.unit.log.size(), id=tx.nonces(), actor=tx.actor, time=tx.time, about=subjects, event=event
    )
    entry = replace(entry, **changes)  # type: ignore[arg-type] # fields of an entry
    leaf = write_entry(entry)
    tx.unit.log.append(leaf, entry.time)
    tx.unit.index.add(entry.index, hash_leaf(leaf), [bytes.fromhex(text) for text in entry.about])
    tx.unit.projections.apply(entry.fold())
    return entry.index


def moved(number: int, previous: int | None, alias: Alias = STAGING, *verdicts: Digest) -> events.AliasMoved:
    return events.AliasMoved(
        name=NAME,
        alias=alias,
        number=number,
        previous=previous,
        reason=None,
        verdicts=verdicts,
        emergency=False,
        due=None,
    )


# ---- false logs, each with the index of its first false entry


def move_without_verdict(story: Story, _patch: pytest.MonkeyPatch) -> int:
    """Delete the row of the policy, promote, and insert the row again."""
    rows = story.drop(PolicyRecord)
    index = story.promote(2, PRODUCTION).index
    story.put(*rows)
    return index


def move_by_a_reader(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(moved(2, 1), story.rita)


def move_with_a_restored_role(story: Story, _patch: pytest.MonkeyPatch) -> int:
    rows = story.find(GrantRecord)
    story.owner.execute(RevokeRole(principal="Vera", role=Role.VALIDATOR, namespace="acme"))
    story.put(*rows)
    predicate = approval(story.vera, 2, Role.VALIDATOR)
    return record(story.vera, story.vera_key, 2, APPROVAL, predicate).index


def claim_by_a_revoked_key(story: Story, _patch: pytest.MonkeyPatch) -> int:
    rows = story.find(KeyRecord)
    story.owner.execute(RevokeKey(key_id=story.vera_key.public.id))
    story.put(*rows)
    return record(story.vera, story.vera_key, 2, EVALUATION, evaluation(0.9)).index


def approval_by_the_author(story: Story, patch: pytest.MonkeyPatch) -> int:
    story.owner.execute(GrantRole(principal="founder", role=Role.VALIDATOR, namespace="acme"))
    patch.setattr("muniment.services.versions.admission.check_approval", lambda *_: None)
    return record(story.owner, story.owner_key, 2, APPROVAL, approval(story.owner, 2, Role.VALIDATOR)).index


def approval_of_nothing_seen(story: Story, patch: pytest.MonkeyPatch) -> int:
    predicate = approval(story.vera, 2, Role.VALIDATOR)
    record(story.owner, story.owner_key, 2, EVALUATION, evaluation(0.1))
    patch.setattr("muniment.services.versions.admission.check_approval", lambda *_: None)
    return record(story.vera, story.vera_key, 2, APPROVAL, predicate).index


def claim_signed_by_somebody_else(story: Story, _patch: pytest.MonkeyPatch) -> int:
    digest = story.attest(2, story.owner_key, EVALUATION, evaluation(0.9))
    vera = story.id_of(story.vera)
    return story.say(story.recorded(2, story.vera_key, digest, EVALUATION, vera), story.vera)


def verdict_that_says_otherwise(story: Story, patch: pytest.MonkeyPatch) -> int:
    """The registry judges that everything passes, and signs that."""

    def agree(policy: Policy, case: Case) -> Verdict:
        verdict = judge(policy, case)
        return replace(verdict, findings=tuple(replace(one, passed=True) for one in verdict.findings))

    patch.setattr("muniment.answers.gates.judge", agree)
    return story.promote(2, PRODUCTION).index


def verdict_that_leaves_claims_out(story: Story, patch: pytest.MonkeyPatch) -> int:
    """The registry leaves out a rejection, so that the approval before it counts."""
    record(story.vera, story.vera_key, 2, APPROVAL, approval(story.vera, 2, Role.VALIDATOR))
    rejection = approval(story.vera, 2, Role.VALIDATOR, decision="reject")
    refused = record(story.vera, story.vera_key, 2, APPROVAL, rejection).index

    def forget(*given: object) -> Case:
        case = gather_case(*given)  # type: ignore[arg-type] # as they came
        return replace(case, attestations=tuple(one for one in case.attestations if one.index != refused))

    patch.setattr("muniment.answers.gates.gather", forget)
    return story.promote(2, PRODUCTION).index


def verdict_that_hides_an_ancestor(story: Story, patch: pytest.MonkeyPatch) -> int:
    """The registry leaves out that the version was made from a revoked one, which its provenance names."""
    said = provenance()
    definition = cast("JsonObject", said["buildDefinition"])
    parent: JsonObject = {
        "name": "base",
        "uri": f"muniment:{NAME}@1",
        "digest": {"sha256": story.revision(1).hex},
        "annotations": {"kind": "model"},
    }
    told = {**said, "buildDefinition": {**definition, "resolvedDependencies": [parent]}}
    record(story.owner, story.owner_key, 2, PROVENANCE, told)
    story.owner.execute(GrantRole(principal="founder", role=Role.SECURITY, namespace="acme"))
    revoke = SetStatus(reference=Reference(NAME, 1), status=Status.REVOKED, reason=Payload.of("it leaks"))
    story.owner.execute(revoke)
    set_policy(
        story.owner,
        story.owner_key,
        {"rule": "provenance", "clean_tree": False, "resolved": False},
        alias=CANARY,
    )
    patch.setattr("muniment.answers.gates.gather", lambda *given: replace(gather_case(*given), revoked=()))
    return story.promote(2, CANARY).index


def verdict_of_another_version(story: Story, _patch: pytest.MonkeyPatch) -> int:
    (verdict,) = story.owner.ask(gates.GetMove(name=NAME, alias=PRODUCTION)).verdicts.split()
    return story.say(moved(2, 1, PRODUCTION, Digest.parse(verdict)))


def emergency_without_terms(story: Story, _patch: pytest.MonkeyPatch) -> int:
    event = replace(moved(2, 1), emergency=True, due="2026-01-02T00:00:00Z")
    return story.say(event)


def move_from_elsewhere(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(moved(2, 2))


def move_to_a_revoked_version(story: Story, _patch: pytest.MonkeyPatch) -> int:
    story.owner.execute(GrantRole(principal="founder", role=Role.SECURITY, namespace="acme"))
    revoke = SetStatus(reference=Reference(NAME, 2), status=Status.REVOKED, reason=Payload.of("it leaks"))
    story.owner.execute(revoke)
    return story.say(moved(2, 1))


def deployment_that_ends_another(story: Story, _patch: pytest.MonkeyPatch) -> int:
    said: JsonObject = {
        "version": f"{NAME}@2",
        "target": "prod-eu/api",
        "state": "serving",
        "loaded": None,
        "time": "2026-01-01T00:00:00Z",
    }
    digest = story.attest(2, story.owner_key, DEPLOYMENT, said)
    event = story.recorded(2, story.owner_key, digest, DEPLOYMENT, story.id_of(story.owner))
    deployed = Deployed(number=1, target="prod-eu/api", state=State.SERVING, loaded=None, previous=None)
    return story.say(replace(cast("events.AttestationRecorded", event), deployment=deployed))


def second_version(story: Story, _patch: pytest.MonkeyPatch) -> int:
    event = events.VersionPublished(
        name=NAME,
        number=2,
        kind=Kind.MODEL,
        revision=Digest.of(b"x"),
        size_bytes=1,
        attestations=(),
        message=None,
        starter=None,
    )
    return story.say(event)


def version_of_another_size(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(replace(third_version(story), size_bytes=6))


def version_without_its_claim(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(replace(third_version(story), attestations=(Digest.of(b"a claim"),)))


def version_with_another_entry_in_place_of_its_claim(story: Story, patch: pytest.MonkeyPatch) -> int:
    version_without_its_claim(story, patch)
    return story.say(events.TagSet(name=NAME, number=3, tag="a", value=Digest.of(b"b")))


def third_version(story: Story) -> events.VersionPublished:
    """Store a manifest, and say that it is the next version."""
    file = File(path="w.bin", digest=Digest.of(b"third"), size_bytes=5)
    return events.VersionPublished(
        name=NAME,
        number=3,
        kind=Kind.MODEL,
        revision=story.owner.add_documents([Revision.of([file]).manifest()])[0],
        size_bytes=5,
        attestations=(),
        message=None,
        starter=None,
    )


def version_after_a_gap(story: Story, _patch: pytest.MonkeyPatch) -> int:
    event = events.VersionPublished(
        name=NAME,
        number=4,
        kind=Kind.MODEL,
        revision=Digest.of(b"x"),
        size_bytes=1,
        attestations=(),
        message=None,
        starter=None,
    )
    return story.say(event)


def policy_that_nobody_signed(story: Story, _patch: pytest.MonkeyPatch) -> int:
    (row,) = story.find(PolicyRecord)
    assert isinstance(row, PolicyRecord)
    assert row.digest is not None
    assert row.attestation is not None
    event = events.PolicySet(
        models=Models("acme", "*"),
        alias=STAGING,
        policy=Digest.parse(row.digest),
        attestation=Digest.parse(row.attestation),
        reason=Digest.parse(row.reason),
    )
    return story.say(event)


def purge_without_a_tombstone(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(events.StatusSet(name=NAME, number=2, status=Status.PURGED, reason=None))


def role_that_ends_twice(story: Story, _patch: pytest.MonkeyPatch) -> int:
    story.owner.execute(RevokeRole(principal="Rita", role=Role.READER, namespace="acme"))
    grants = [one for one in story.find(GrantRecord) if cast("GrantRecord", one).ended is not None]
    grant = cast("GrantRecord", grants[0])
    event = events.RoleRevoked(
        principal=grant.principal, namespace="acme", role=Role.READER, grant=grant.index
    )
    return story.say(event)


def grant_of_another(story: Story, _patch: pytest.MonkeyPatch) -> int:
    event = events.RoleRevoked(principal=story.id_of(story.vera), namespace="acme", role=Role.ADMIN, grant=0)
    index = story.size()
    # The store cannot fold it either.
    story.put(GrantRecord(index=0, principal="nobody", namespace="acme", role="admin", grantor="nobody"))
    assert story.say(event) == index
    return index


def actor_who_is_not_registered(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say_as("somebody", moved(2, 1))


def time_before_the_last(story: Story, _patch: pytest.MonkeyPatch) -> int:
    return story.say(moved(2, 1), time="2020-01-01T00:00:00Z")


def subject_left_out(story: Story, _patch: pytest.MonkeyPatch) -> int:
    """The move is not in the index under its alias, so that the old one looks like the newest."""
    first = story.owner._units.read(
        lambda unit: subject_hash(find_salt(unit, "acme") or b"", "namespace", "acme")
    )
    return story.say(moved(2, 1), about=(first.hex(),))


FALSE: dict[str, tuple[Callable[[Story, pytest.MonkeyPatch], int], str, str]] = {
    "no verdict": (move_without_verdict, "move", "verdicts of no policy"),
    "no role": (move_by_a_reader, "authority", "may not move an alias"),
    "a role that ended": (move_with_a_restored_role, "authority", "not_permitted"),
    "a revoked key": (claim_by_a_revoked_key, "claim", "key_revoked"),
    "own version": (approval_by_the_author, "claim", "own_version"),
    "older evidence": (approval_of_nothing_seen, "claim", "stale_approval"),
    "another signer": (claim_signed_by_somebody_else, "claim", "bad_signature"),
    "a verdict that errs": (verdict_that_says_otherwise, "move", "another way"),
    "a verdict that forgets": (verdict_that_leaves_claims_out, "move", "attestations"),
    "a verdict that hides": (verdict_that_hides_an_ancestor, "move", "authors or ancestors"),
    "another verdict": (verdict_of_another_version, "move", "no verdict of the registry"),
    "no emergency": (emergency_without_terms, "move", "break_glass_not_allowed"),
    "another previous": (move_from_elsewhere, "move", "pointed at 1"),
    "out of service": (move_to_a_revoked_version, "move", "version_withdrawn"),
    "another deployment": (deployment_that_ends_another, "claim", "something else of the deployment"),
    "a number twice": (second_version, "facts", "expected 3"),
    "another size": (version_of_another_size, "facts", "its files have 5 bytes"),
    "a version without its claim": (version_without_its_claim, "claim", "not on record"),
    "another entry in place of a claim": (
        version_with_another_entry_in_place_of_its_claim,
        "claim",
        "not on record",
    ),
    "a gap": (version_after_a_gap, "facts", "expected 3"),
    "an unsigned policy": (policy_that_nobody_signed, "claim", "wrong_subject"),
    "no tombstone": (purge_without_a_tombstone, "facts", "without a tombstone"),
    "an end twice": (role_that_ends_twice, "records", "has ended with entry"),
    "another grant": (grant_of_another, "facts", "no such grants"),
    "an unknown actor": (actor_who_is_not_registered, "authority", "before it is registered"),
    "an earlier time": (time_before_the_last, "time", "2020-01-01"),
    "a subject left out": (subject_left_out, "subjects", "in the index"),
}


def audit_story(backend: Backend, directory: Path, namespace: str | None = None) -> Audit:
    return audit(TrustedBackend(backend, DirectoryMemory(directory, "here"), "here"), namespace)


def key_on_the_word_of_another(story: Story, _key: Identity) -> Mapping[str, object]:
    return {"voucher": story.id_of(story.vera)}


def key_on_the_word_of_a_provider(_story: Story, _key: Identity) -> Mapping[str, object]:
    return {"voucher": REGISTRY}


def key_of_an_unknown_recovery(story: Story, _key: Identity) -> Mapping[str, object]:
    return {"principal": story.id_of(story.vera)}


def key_of_a_denied_recovery(story: Story, key: Identity) -> Mapping[str, object]:
    vera = story.id_of(story.vera)
    story.say(events.RecoveryBegun(principal=vera, credential=key.public.id, opens=LATER))
    return {"principal": vera}


def key_of_nobodys_session(story: Story, _key: Identity) -> Mapping[str, object]:
    rita = story.id_of(story.rita)
    return {"principal": rita, "actor": rita, "voucher": rita, "assurance": Assurance.SESSION}


@pytest.mark.parametrize(
    "falsify",
    [
        key_on_the_word_of_another,
        key_on_the_word_of_a_provider,
        key_of_an_unknown_recovery,
        key_of_a_denied_recovery,
        key_of_nobodys_session,
    ],
)
def test_a_key_has_the_voucher_that_it_says(
    falsify: Callable[[Story, Identity], Mapping[str, object]], tmp_path: Path
) -> None:
    """An audit names a key on the word of somebody who never gave it, or that hides a recovery."""
    story, key = Story(), Identity.generate()
    story.say(events.PrincipalRegistered(principal="new", kind="person", profile=None))
    changes = dict(falsify(story, key))
    actor = str(changes.pop("actor", story.id_of(story.owner)))
    right = {"principal": "new", "voucher": actor, "assurance": Assurance.KEY}

    def enrol(**said: object) -> int:
        event = events.KeyEnrolled(
            key=key.public.id,
            algorithm=str(key.public.algorithm),
            public_key=key.public.pem.decode(),
            name=None,
            expires=None,
            starter=None,
            **said,  # type: ignore[arg-type] # members of the event
        )
        return story.say_as(actor, event)

    index = enrol(**{**right, **changes})
    result = audit_story(story.owner, tmp_path)
    assert isinstance(result.fault, AuditFailed)
    assert (result.fault.index, result.fault.rule) == (index, "facts")


@pytest.mark.parametrize("name", FALSE)
def test_the_first_false_entry_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits of the registry and of the namespace name the first entry that cannot be true, and why."""
    falsify, rule, reason = FALSE[name]
    story = Story()
    assert audit_story(story.owner, tmp_path).passed
    with monkeypatch.context() as patch:
        index = falsify(story, patch)
    for namespace in (None, "acme"):
        result = audit_story(story.owner, tmp_path, namespace)
        assert isinstance(result.fault, AuditFailed)
        assert (result.fault.index, result.fault.rule) == (index, rule)
        assert reason in result.fault.reason
        assert not result.passed
    fault = story.owner._units.read(find_false)
    assert fault is not None
    assert (fault.index, fault.rule) == (index, rule)


@pytest.mark.parametrize("what", ["root", "previous", "lost_after"])
def test_a_restore_that_says_something_false_is_named(what: str, tmp_path: Path) -> None:
    """What the log's key signed of a restore has to be true as well: how many entries were left."""
    story = Story()
    size = story.size()
    story.owner._units.write(lambda unit: declare_restore(story.owner.begin(unit), size, REASON))
    assert audit_story(story.owner, tmp_path).passed
    stated: dict[str, object] = {"lost_after": size, "root": story.root(size), "previous": size}
    wrong: dict[str, object] = {"root": Digest.of(b"another log"), "previous": None, "lost_after": size + 9}

    def declare(unit: Unit) -> int:
        tx = story.owner.begin(unit)
        said = {**stated, what: wrong[what], "time": tx.time, "reason": REASON.digest}
        return tx.record(sign_restore(tx.keys.log, **said))  # type: ignore[arg-type] # as they are named

    index = story.owner._units.write(declare)
    backend = cast("Backend", LyingLeaves(story.owner, forget_restores))
    fault = audit_story(backend, tmp_path).fault
    assert isinstance(fault, AuditFailed)
    assert (fault.index, fault.rule) == (index, "facts")
    fault = story.owner._units.read(find_false)
    assert fault is not None
    assert fault.index == index


REASON = Payload.of("a disk failed")


def forget_restores(answer: object) -> object:
    """Say that there are no restores."""
    return replace(answer, entries=(), proof=b"") if isinstance(answer, Restores) else answer


@pytest.mark.parametrize("name", ["a verdict that errs", "a verdict that forgets", "a verdict that hides"])
def test_a_verdict_that_is_verified_rests_on_what_the_log_had(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an audit, `verify` finds a verdict that forgets a rejection or a revoked ancestor, too."""
    story = Story()
    backend = TrustedBackend(story.owner, DirectoryMemory(tmp_path, "here"), "here")
    assert all(check.passed for check in check_version(backend, Reference(NAME, 1)))
    with monkeypatch.context() as patch:
        FALSE[name][0](story, patch)
    faults = [check.error for check in check_version(backend, Reference(NAME, 2)) if not check.passed]
    assert [type(fault) for fault in faults] == [VerdictInconsistent]


def test_a_rebuild_of_the_rows_does_not_show_a_missing_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of a log with a false move agree with it, and only the replay shows that the move is false."""
    story = Story()
    index = move_without_verdict(story, monkeypatch)
    assert story.owner._units.read(compare) == []
    fault = story.owner._units.read(find_false)
    assert fault is not None
    assert fault.index == index


# ---- a server that lies


class LyingLeaves:
    """A backend that changes the answers about entries."""

    def __init__(self, backend: LocalBackend, change: Callable[[object], object]) -> None:
        self._backend = backend
        self._change = change

    def __getattr__(self, name: str) -> object:  # noqa: D105 - all else is honest
        return getattr(self._backend, name)

    def ask(self, query: Query[A]) -> A:
        answer = self._backend.ask(query)
        asked = isinstance(query, GetLeaves | GetRestores) or (
            isinstance(query, ListEntries) and query.namespace == "acme"
        )
        return cast("A", self._change(answer)) if asked else answer


@pytest.mark.parametrize("index", [0, 7, 19, -1])
def test_an_altered_leaf_is_named(tmp_path: Path, index: int) -> None:
    """A leaf that is not the one in the log is named by its index, though it says nothing false."""
    story = Story()
    place = index % story.size()

    def alter(answer: object) -> object:
        if not isinstance(answer, tuple):
            return answer
        leaves = list(answer)
        entry = read_entry(leaves[place], place)
        leaves[place] = write_entry(replace(entry, id=f"{entry.id}0"))
        return tuple(leaves)

    result = audit_story(cast("Backend", LyingLeaves(story.owner, alter)), tmp_path)
    assert isinstance(result.fault, AuditFailed)
    assert (result.fault.index, result.fault.rule) == (place, "hash")


def test_a_leaf_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """An entry of another format is named, and the hashes of the others are still checked."""
    story = Story()
    story.owner._units.write(lambda unit: unit.log.append(b"{}", unit.log.last_time()))
    story.owner._units.write(lambda unit: unit.index.add(unit.log.size() - 1, hash_leaf(b"{}"), [bytes(32)]))
    result = audit_story(story.owner, tmp_path)
    assert isinstance(result.fault, AuditFailed)
    assert (result.fault.index, result.fault.rule) == (story.size() - 1, "form")
    assert [check.passed for check in result.checks] == [True, False, False]


def test_an_entry_that_is_withheld_from_a_namespace_is_missed(tmp_path: Path) -> None:
    """A page that leaves an entry out, or pretends to end earlier, is refused."""
    story = Story()

    def leave_out(answer: object) -> object:
        basis = cast("Basis", answer)
        listed = basis.subjects[-1]
        return replace(basis, subjects=(*basis.subjects[:-1], replace(listed, entries=listed.entries[:-1])))

    def shorten(answer: object) -> object:
        basis = cast("Basis", answer)
        return replace(basis, subjects=(*basis.subjects[:-1], replace(basis.subjects[-1], width=4)))

    def widen(answer: object) -> object:
        basis = cast("Basis", answer)
        return replace(basis, subjects=(*basis.subjects[:-1], replace(basis.subjects[-1], width=65)))

    for lie in (leave_out, shorten, widen):
        with pytest.raises((ProofInvalid, AnswerIncomplete, IndexMalformed)):
            audit_story(cast("Backend", LyingLeaves(story.owner, lie)), tmp_path / lie.__name__, "acme")


def test_a_proxy_cannot_blame_an_entry(tmp_path: Path) -> None:
    """What proves nothing is refused by its name: an audit blames no entry for a lie about a salt."""
    story = Story()
    for number, (name, lie) in enumerate(LIES.items()):
        lying = LyingBackend(story.owner)
        backend = TrustedBackend(lying, DirectoryMemory(tmp_path / str(number), "here"), "here")
        lying.tell(replace(HONEST, shows=lie.shows))
        fault = audit(backend).fault
        assert not isinstance(fault, AuditFailed), name


# ---- the index


def test_a_sealed_root_that_is_wrong_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seal that states another root of the index is named; right ones are counted."""
    monkeypatch.setattr(transaction, "SEAL_EVERY", 10)
    story = Story()
    result = audit_story(story.owner, tmp_path)
    assert result.passed
    assert "of 2 seals" in result.checks[1].what
    size = story.size()
    index = story.say_as(REGISTRY, IndexSealed(size=size, root=Digest.of(b"another index")))
    result = audit_story(story.owner, tmp_path)
    assert isinstance(result.fault, AuditFailed)
    assert (result.fault.index, result.fault.rule) == (index, "seal")


def test_an_index_that_leaves_something_out_is_named(tmp_path: Path) -> None:
    """A head whose index lacks an entry that the log has is refused."""
    story = Story()

    def lose(unit: Unit) -> None:
        leaves = unit.log.read(0, 1000)
        entries = [read_entry(leaf, index) for index, leaf in enumerate(leaves)]
        unit.index.rebuild(
            (
                hash_leaf(leaf),
                [bytes.fromhex(text) for text in entry.about][: 1 if entry.index == 15 else None],
            )
            for leaf, entry in zip(leaves, entries, strict=True)
        )

    story.owner._units.write(lose)
    result = audit_story(story.owner, tmp_path)
    assert isinstance(result.fault, IndexForked)


def test_the_roots_of_a_growing_index_are_those_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The roots at some sizes, computed at once, equal those of an index that grows entry by entry."""
    del monkeypatch
    growth, pages = IndexGrowth(), PagedIndex(MemoryPages())
    roots = [pages.head().root]
    for number in range(300):
        subjects = {hash_leaf(bytes([number % 7])), hash_leaf(bytes([number % 251])), hash_leaf(b"all")}
        leaf_hash = hash_leaf(number.to_bytes(2))
        growth.add(leaf_hash, subjects)
        pages.add(number, leaf_hash, subjects)
        roots.append(pages.head().root)
    for step in (1, 7, 100, 300):
        sizes = list(range(0, 301, step))
        assert growth.list_roots(sizes) == [roots[size] for size in sizes]
    assert growth.list_roots([]) == []


# ---- whole logs


def test_everything_that_the_conformance_suite_does_passes(tmp_path: Path) -> None:
    """An audit of all that every backend must do passes, and checks each entry, move and claim."""
    opened: list[Identity] = []
    open_as = open_memory()

    def remember(identity: Identity) -> LocalBackend:
        opened.append(identity)
        return open_as(identity)

    check_backend(remember)
    backend = open_as(opened[0])
    for namespace in (None, "acme"):
        result = audit_story(backend, tmp_path, namespace)
        assert result.fault is None
        assert result.entries == result.size == backend._units.read(lambda unit: unit.log.size())
        whats = " ".join(check.what for check in result.checks)
        assert "the subjects of 73 entries" in whats
        assert "20 claims" in whats
        assert "5 moves of aliases, with 2 verdicts" in whats


def test_the_registry_scans_by_itself(tmp_path: Path) -> None:
    """What the registry claims on its own, asked by nobody, is signed with its own key and passes."""
    story = Story()
    version = story.owner.ask(GetVersion(reference=Reference(NAME, 1)))
    found: JsonObject = {
        "tool": {"name": OWN_TOOL, "version": "1", "knowledge": "1"},
        "time": "2026-01-01T00:00:00Z",
        "findings": [],
    }

    def scan(unit: Unit) -> object:
        tx = replace(story.owner.begin(unit), caller=Caller(principal=REGISTRY, direct=True))
        return record_own(tx, version, SCAN, found)

    story.owner._units.write(scan)
    for namespace in (None, "acme"):
        assert audit_story(story.owner, tmp_path, namespace).fault is None


def test_a_namespace_is_audited_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A namespace with more entries than a page has is read in spans, while others go on writing."""
    monkeypatch.setattr("muniment.client.audit.auditing._PAGE", 3)
    story = Story()
    assert audit_story(story.owner, tmp_path, "acme").entries == audit_story(story.owner, tmp_path).entries
    index = move_by_a_reader(story, monkeypatch)
    fault = audit_story(story.owner, tmp_path, "acme").fault
    assert isinstance(fault, AuditFailed)
    assert fault.index == index


def test_a_namespace_that_was_never_created_is_not_found(tmp_path: Path) -> None:
    """The absence of a namespace is proven, and is no audit that passes."""
    with pytest.raises(NamespaceNotFound):
        audit_story(Story().owner, tmp_path, "nobody")


# ---- authority

COMMANDS: dict[type[Command], type[Event]] = {
    versions.PublishVersion: events.VersionPublished,
    versions.SaveDraft: events.DraftSaved,
    versions.SetRetention: events.RetentionSet,
    versions.PurgeVersion: events.StatusSet,
    gates.MoveAlias: events.AliasMoved,
    gates.RollBackAlias: events.AliasMoved,
    gates.OpenRequest: events.RequestOpened,
    gates.SetPolicy: events.PolicySet,
    gates.EndPolicy: events.PolicyEnded,
    gates.SetTier: events.TierSet,
    proposals.ProposeChange: events.ProposalOpened,
    catalog.SetTag: events.TagSet,
    catalog.RemoveTag: events.TagSet,
    catalog.PostComment: events.CommentPosted,
    bytes_.SetQuota: events.QuotaSet,
    bytes_.SetReads: events.ReadsSet,
    bytes_.RecordReads: events.ReadsRecorded,
    people.RegisterPrincipal: events.PrincipalRegistered,
    people.ErasePrincipal: events.PrincipalErased,
    people.ConfirmPrincipal: events.PrincipalConfirmed,
    log.ConfirmTime: events.TimeConfirmed,
    people.EnrolKey: events.KeyEnrolled,
    people.GrantRole: events.RoleGranted,
    people.RevokeRole: events.RoleRevoked,
    people.TrustIssuer: events.IssuerTrusted,
    people.DistrustIssuer: events.IssuerDistrusted,
    upkeep.SetWebhook: events.WebhookSet,
}


class Golden:
    """The golden registry, which has an entry of each type, replayed up to any of them."""

    def __init__(self, registry: Registry) -> None:
        backend = registry._session.backend
        leaves = backend.ask(GetLeaves(limit=1000))
        self.entries = [read_entry(leaf, index) for index, leaf in enumerate(leaves)]
        self._local = cast("LocalBackend", backend._backend)
        self._verifier = backend.seen.verifier

    def replay_until(self, index: int) -> Replay:
        view = ReplayedView(self._local._blobs)
        salt_of = lambda realm: self._local._units.read(lambda unit: find_salt(unit, realm))  # noqa: E731 - short
        root_of = lambda size: self._local._units.read(lambda unit: read_root(size, unit.log.read_nodes))  # noqa: E731 - as above
        replay = Replay(view, self._verifier, salt_of, root_of)
        for entry in self.entries[:index]:
            replay.take(entry)
        return replay

    def last_of(self, kind: type[Event], *, until: int | None = None) -> Entry:
        return [entry for entry in self.entries[:until] if type(entry.event) is kind][-1]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Golden]:
    """Open the golden registry."""
    directory = tmp_path_factory.mktemp("golden")
    with tarfile.open(ROOT / "golden" / "registry.tar.xz") as tar:
        tar.extractall(directory, filter="data")
    (root,) = [path.parent for path in directory.rglob("registry.db")]
    settings = Settings.read({"MUNIMENT_STATE": str(directory / "state")})
    with muniment.open(root, settings=settings) as registry:
        yield Golden(registry)


def test_each_type_of_event_has_its_authority() -> None:
    """The table names every type of event, so that a new one has to choose."""
    assert AUTHORITY.keys() == {*events.EVENTS.values()}
    declared = {kind for kind in VERBS if issubclass(kind, Command) and isinstance(kind.declared.who, May)}
    assert declared == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_event_takes_what_its_command_declares(golden: Golden, command: type[Command]) -> None:
    """What the actor of an entry must be allowed to do is what the declaration of the command says."""
    assert isinstance(command.declared.who, May)
    entries = [entry for entry in golden.entries if type(entry.event) is COMMANDS[command]]
    if command is versions.PurgeVersion:
        entries = [one for one in entries if cast("events.StatusSet", one.event).status is Status.PURGED]
    if command is people.EnrolKey:
        entries = [one for one in entries if cast("events.KeyEnrolled", one.event).principal != one.actor]
    if command is people.RegisterPrincipal:
        entries = [one for one in entries if one.actor != REGISTRY]
    if COMMANDS[command] is events.AliasMoved:
        entries = [one for one in entries if not cast("events.AliasMoved", one.event).emergency]
    entry = entries[-1]
    takes = find_takes(golden.replay_until(entry.index).view, entry)
    who = command.declared.who
    assert takes == Takes(who.act, everywhere=who.on == EVERYWHERE)


@pytest.mark.parametrize("kind", [kind for kind in AUTHORITY if kind is not events.RegistryCreated])
def test_nobody_without_the_role_passes_for_who_may(golden: Golden, kind: type[Event]) -> None:
    """For each type of event, the same entry by somebody who holds no role is named."""
    entry = golden.last_of(kind)
    replay = golden.replay_until(entry.index)
    replay.view.projections.apply(Put(PrincipalRecord(index=0, id="stranger", kind="person", profile=None)))
    with pytest.raises(AuditFailed) as refusal:
        replay.take(replace(entry, actor="stranger"))
    assert refusal.value.rule == "authority"


def test_a_registry_is_created_once(golden: Golden) -> None:
    """The founding is the first entry, and its rights end with the first role."""
    replay = golden.replay_until(len(golden.entries))
    again = replace(golden.entries[0], index=len(golden.entries), time=golden.entries[-1].time)
    with pytest.raises(AuditFailed) as refusal:
        replay.take(again)
    assert refusal.value.rule == "authority"


# ---- what a user types


def test_what_a_user_types(registry: Registry, model: Path, settings: Settings) -> None:
    """`audit verify` prints what was checked and what was not, and exits 1 with the entry if one is false."""
    registry.push(model, "acme/x")
    registry.promote("acme/x@1", "staging")
    check_audit(registry, "acme")
    registry.close()
    environment = {"MUNIMENT_URL": settings.location, "MUNIMENT_STATE": str(settings.state)}

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["audit", "verify", *arguments], env=environment)
        assert result.exit_code == code, result.output
        return result.output

    assert "with the root of the head" in run()
    assert "not checked: that the index leaves nothing out" in run("acme")
    document = json.loads(run("--json"))
    assert (document["passed"], document["entry"]) == (True, None)
    assert "namespace_not_found" in run("nobody", code=4)
    with open_parts(Path(settings.location)) as parts:
        assert not any(one.fault for one in examine(parts) if "log" in one.what)


@pytest.mark.slow
def test_an_auditor_of_a_namespace_audits_it_over_http(tmp_path: Path) -> None:
    """Who may read a namespace audits all of it; the whole registry takes a role everywhere."""
    with run_server(tmp_path, {"MUNIMENT_SCAN": "false"}) as server:
        owner_key = Identity.generate()
        owner = server.open_as(owner_key)
        for data in (b"one", b"two"):
            publish(owner, owner_key, data)
        vera_key = add_person(owner, "Vera", Role.VALIDATOR)
        vera = server.open_as(vera_key)
        set_policy(owner, owner_key, {"rule": "approvals", "validator": 1})
        record(vera, vera_key, 1, APPROVAL, approval(vera, 1, Role.VALIDATOR))
        owner.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))
        auditor = server.open_as(add_person(owner, "Otto", Role.AUDITOR))
        result = audit(auditor, "acme")
        assert result.fault is None
        assert "1 move of aliases, with 1 verdict" in " ".join(check.what for check in result.checks)
        with pytest.raises(NotPermitted):
            audit(auditor)
        assert audit(owner).fault is None
        stranger = server.open_as(add_person(owner, "Stella"))
        with pytest.raises(NotPermitted):
            audit(stranger, "acme")


# ---- means


GROUPS = {
    byte: b"".join(bytes([byte]) * 32 + index.to_bytes(8) for index in range(9)) for byte in (0, 7, 255)
}
LEAVES = bytes(range(9)) * 32


def test_two_processes_list_the_nodes_that_one_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process does its part, and loads no module from the current directory."""
    monkeypatch.setattr(sharing, "_WORTH_BYTES", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "struct.py").write_text("open('loaded', 'w').close()")
    codes, popen = [], subprocess.Popen.__exit__

    def leave(child: subprocess.Popen[bytes], *given: object) -> None:
        popen(child, *given)  # type: ignore[arg-type] # those of a context manager
        codes.append(child.returncode)

    monkeypatch.setattr(subprocess.Popen, "__exit__", leave)
    assert sharing.share_nodes(GROUPS, LEAVES, [4, 9]) == list_nodes(GROUPS, LEAVES, [4, 9])
    assert codes == [0]
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("python", ["/nowhere/python", "/bin/false"], ids=["cannot start", "fails"])
def test_one_process_does_what_the_other_does_not(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the help of the other process, this one lists all nodes."""
    monkeypatch.setattr(sharing, "_WORTH_BYTES", 0)
    monkeypatch.setattr(sys, "executable", python)
    assert sharing.share_nodes(GROUPS, LEAVES, [9]) == list_nodes(GROUPS, LEAVES, [9])


@pytest.mark.parametrize("kept", [0, 10])
def test_what_was_selected_before_a_change_is_selected_anew(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many answers are kept, records that were added or amended since are found as in the rows."""
    monkeypatch.setattr(replayed_records, "_KEPT_ANSWERS", kept)
    replayed, rows = ReplayedRecords(), MemoryProjections()
    grant = GrantRecord(index=3, principal="p", namespace="acme", role="reader", grantor="q")
    held = Where("namespace", "=", "acme"), Where("principal", "=", "p"), Where("ended", "=", None)

    def select() -> list[GrantRecord]:
        found = replayed.select(GrantRecord, *held)
        assert found == rows.select(GrantRecord, *held)
        return found

    select().append(grant)
    for change, count in (
        (Put(grant), 1),
        (Put(replace(grant, index=4, role="admin")), 2),
        (Amend(GrantRecord, (3,), {"ended": 5}), 1),
        (Amend(GrantRecord, (4,), {"ended": 6}), 0),
    ):
        replayed.apply(change)
        rows.apply([change])
        assert len(select()) == count == len(select())


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (VersionRecord, (Where("name", "=", "acme/x"), Where("revision", "=", "r7"))),
        (VersionRecord, (Where("revision", "=", "r7"), *within_namespace("name", "acme"))),
        (
            AttestationRecord,
            (Where("name", "=", "acme/x"), Where("revision", "=", "r7"), Where("signer", "=", "p")),
        ),
    ],
    ids=["bytes of a model", "bytes of a namespace", "claims"],
)
def test_a_replay_looks_at_no_other_records(
    kind: type[Record], asked: Sequence[Where], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many versions and claims there are, those that an entry is about are found without a search."""
    replayed = ReplayedRecords()
    for number in range(1, 20):
        revision = f"r{number}"
        for made in (
            VersionRecord(
                index=2 * number,
                name="acme/x",
                number=number,
                revision=revision,
                size_bytes=1,
                author="p",
                published="",
                message=None,
            ),
            AttestationRecord(
                index=2 * number + 1,
                name="acme/x",
                revision=revision,
                digest="d",
                predicate_type="t",
                signer="p",
                key_id="k",
                recorded="",
                reason=None,
            ),
        ):
            assert replayed.apply(Put(made))
    looked_at: set[Record] = set()

    def hold(where: Where, record: Record) -> bool:
        looked_at.add(record)
        return holds(where, record)

    holds = Where.holds
    monkeypatch.setattr(Where, "holds", hold)
    found = replayed.select(kind, *asked)
    assert [type(one) for one in found] == [kind]
    assert looked_at == {*found}


def test_a_document_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bytes without end that a registry sends for a document, no more is read than one can have."""
    monkeypatch.setattr(states, "_LONGEST_BYTES", 10)

    class Endless:
        """Documents without end."""

        def open(self, digest: Digest) -> BinaryIO:
            """Open one."""
            del digest
            return io.BytesIO(b"x" * 1000)

    with KeptDocuments(Endless()).open(Digest.of(b"x")) as file:
        assert file.read() == b"x" * 11
