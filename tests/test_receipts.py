"""A receipt counts only if its entry says what the command asked, by us and now."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast, get_type_hints

import pytest
from click.testing import CliRunner, Result
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import muniment
from muniment.answers.salts import hash_subjects
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core import events as e
from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import (
    InvalidBody,
    MunimentError,
    NotFound,
    NotIdentified,
    NotPermitted,
    ReceiptMismatch,
    RecordUnproven,
    StatementReused,
    Untrusted,
)
from muniment.core.events import Entry, Event, TokenIssued
from muniment.core.names import Alias, Kind, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller
from muniment.core.people.roles import Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.receipts import Receipt
from muniment.core.records import KeyRecord, TokenRecord
from muniment.core.verbs import catalog, claims, gates, people, versions
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.table import VERBS
from muniment.core.verbs.verb import Command, Query, name_of
from muniment.log.index_pages import PagedIndex
from muniment.server import embedded
from muniment.services import transaction
from muniment.services.backend import LocalBackend
from muniment.services.log import proofs
from muniment.signing.content import sign_content
from muniment.signing.keys import Identity, PublicKey
from muniment.testing import LyingBackend, copy_memory, open_memory
from muniment.testing.audits import check_audit
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    publish,
    record,
    refuses,
    set_policy,
    withdraw,
)
from story import LATER, Done, store, tell
from strategies import value_of, verbs

WHY = Payload.of("agreed")
COMMANDS = [kind for kind in VERBS if issubclass(kind, Command)]

# What no entry says that confirms a command, and why.
UNSAID: Mapping[tuple[type[Command], str], str] = {
    (gates.MoveAlias, "expected"): "the entry names the version that the alias left, and not the move",
    (gates.BreakGlass, "attestation"): "the statement has an entry of its own",
    (people.BeginSession, "public_key"): "the key has an entry of its own, or had one",
}
# What a command leaves to the registry with null.
LEFT = frozenset(
    {
        (versions.PublishVersion, "number"),
        (versions.PublishVersion, "kind"),
        (versions.SaveDraft, "kind"),
        (versions.SetRetention, "until"),
        (people.RegisterPrincipal, "public_key"),
        (people.BeginSession, "voucher"),
        (gates.RollBackAlias, "number"),
    }
)
# What the registry decides, or finds by what the command names; nobody asks for it.
DECIDED: Mapping[type[Event], set[str]] = {
    e.VersionPublished: {"size_bytes", "starter"},
    e.DraftSaved: {"size_bytes"},
    e.DraftEnded: {"name"},
    e.AttestationRecorded: {"predicate_type", "key", "assurance", "deployment"},
    e.ClaimWithdrawn: {"claim", "entry", "key", "assurance"},
    e.AliasMoved: {"previous", "verdicts", "due"},
    e.TimeConfirmed: {"jump"},
    e.ReadsRecorded: {"day", "number", "reads", "batch"},
    e.AliasRemoved: {"previous"},
    e.EmergencyClosed: {"name", "alias", "number", "previous"},
    e.ProposalOpened: {"base", "protections"},
    e.ProposalDecided: {"namespace"},
    e.ProposalWithdrawn: {"namespace"},
    e.ProposalReviewed: {"namespace"},
    e.RequestReminded: {"request"},
    e.RequestClosed: {"name", "number"},
    e.CommentPosted: {"mentions"},
    e.CommentErased: {"name", "number"},
    e.PrincipalRegistered: {"principal"},
    e.PrincipalErased: {"payloads"},
    e.KeyEnrolled: {"algorithm", "assurance", "name", "starter"},
    e.KeyRevoked: {"principal"},
    e.RoleRevoked: {"grant"},
    e.RecoveryEnded: {"principal"},
    e.TokenIssued: {"starter"},
    e.TokenRevoked: {"principal"},
    e.IssuerDistrusted: {"issuer"},
    e.WebhookEnded: {"namespace"},
    e.WebhookReplayed: {"namespace"},
}
# What belongs to an act, and not to what it leads to: an earlier act may have had another.
ACTS = frozenset({"reason", "message", "attestation", "attestations", "proposal"})


def is_confirmed(command: Command, done: Done) -> bool:
    """Say whether the entries of a receipt say all that a command asked."""
    entry = done.receipt.entry
    if not done.receipt.created:
        return command.was_done_by(entry)
    rest = command.rest(entry)
    said = rest is None or (done.following is not None and rest.is_done_by(done.following))
    return command.is_done_by(entry) and said


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_an_honest_receipt_confirms_its_command(kind: type[Command]) -> None:
    """What a registry answers to a command says what the command asked, the first time and again."""
    mine = [done for done in tell().done if type(done.command) is kind]
    assert any(done.receipt.created for done in mine)
    assert [done.command for done in mine if not is_confirmed(done.command, done)] == []


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_the_receipt_of_another_command_confirms_nothing(kind: type[Command]) -> None:
    """No entry that another command made says what a command asked."""
    story = tell().done
    wrong = [
        (mine.command, other.command)
        for mine in story
        if type(mine.command) is kind
        for other in story
        if other.command != mine.command and other.receipt.index != mine.receipt.index
        if mine.command.is_done_by(other.receipt.entry)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field.name, id=f"{name_of(kind)}-{field.name}")
        for kind in COMMANDS
        for field in fields(kind)
        if (kind, field.name) not in UNSAID
    ],
)
@given(data=st.data())
@settings(max_examples=10)
def test_a_command_that_differs_in_a_field_is_not_confirmed(
    kind: type[Command], field: str, data: st.DataObject
) -> None:
    """An entry confirms a command in each of its fields."""
    done = data.draw(st.sampled_from([done for done in tell().done if tells(done, kind, field)]))
    value = getattr(data.draw(verbs(kind)), field)
    if isinstance(value, Reference):
        # Another version of the model, or the same number or digest of another model.
        value = replace(getattr(done.command, field), **data.draw(st.sampled_from(split(value))))
    assume(value != getattr(done.command, field))
    # With null the command asked for nothing in particular, and this is what it got.
    assume(value != getattr(done.receipt.event, field, ...))
    assume(value is not None or (kind, field) not in LEFT)
    assert not is_confirmed(replace(done.command, **{field: value}), done)


def split(reference: Reference) -> list[dict[str, Any]]:
    return [{"name": reference.name}, {"selector": reference.selector}]


def tells(done: Done, kind: type[Command], field: str) -> bool:
    """Say whether the receipt of a command of a kind tells what was asked in a field."""
    # A reminder names the request instead.
    named = field != "alias" or not isinstance(done.receipt.event, e.RequestReminded)
    return type(done.command) is kind and named and (done.receipt.created or field not in ACTS)


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
@given(data=st.data())
@settings(max_examples=60)
def test_an_entry_that_differs_in_a_member_confirms_nothing(kind: type[Command], data: st.DataObject) -> None:
    """A command is confirmed by every member of an event, except those that the registry decides."""
    fresh = [done for done in tell().done if type(done.command) is kind and done.receipt.created]
    command, receipt, *_ = data.draw(st.sampled_from(fresh))
    entry, event = receipt.entry, cast("Any", type(receipt.event))
    left = {name for of_kind, name in LEFT if of_kind is kind and getattr(command, name, None) is None}
    told = [one.name for one in fields(event) if one.name not in DECIDED.get(event, set()) | left]
    member = data.draw(st.sampled_from(told))
    value = data.draw(value_of(get_type_hints(event)[member]))
    assume(value != getattr(entry.event, member))
    other = replace(entry, event=replace(cast("Any", entry.event), **{member: value}))
    assert not command.is_done_by(other)


def test_an_alias_does_not_move_in_an_emergency_unasked() -> None:
    """A move past the gate does not confirm a command that asked for a move through it."""
    ((command, receipt),) = (
        (done.command, done.receipt)
        for done in tell().done
        if isinstance(done.command, gates.MoveAlias) and done.command.expected == -1
    )
    entry, moved = receipt.entry, receipt.read(e.AliasMoved)
    assert command.is_done_by(entry)
    for event in (replace(moved, emergency=True), replace(moved, previous=7)):
        assert not command.is_done_by(replace(entry, event=event))


def test_a_claim_that_is_made_again_is_on_record(registry: Registry, model: Path) -> None:
    """A statement that is signed again is the same bundle, so that its first entry confirms it."""
    version = registry.push(model, "acme/x")
    first, again = (version.attest("https://example.com/plan", {}) for _ in range(2))
    assert (first.created, again.created, again.index) == (True, False, first.index)


def test_a_verdict_that_is_given_again_is_on_record(tmp_path: Path, settings: Settings) -> None:
    """With a clock that stands still, the registry can come to the same verdict twice: it is one claim."""
    then = datetime(2031, 5, 17, tzinfo=UTC)
    with muniment.open(tmp_path / "registry", settings=settings, clock=lambda: then, create=True) as registry:
        for data in (b"a", b"b"):
            (tmp_path / "w.bin").write_bytes(data)
            registry.push(tmp_path / "w.bin", "acme/x")
        registry.policies.set("acme/x", "production", {"rules": [{"rule": "signature"}]}, reason="agreed")
        moved = [registry.promote(f"acme/x@{number}", "production") for number in (1, 2, 1)]
    assert [receipt.created for receipt in moved] == [True, True, True]


def test_a_retry_is_answered_with_what_was_answered(backend: LocalBackend, owner: Identity) -> None:
    """A retry of a command that changed nothing is not answered as if it had."""
    publish(backend, owner, b"weights")
    command = gates.SetTier(name=NAME, tier="low", reason=WHY)
    made = [backend.execute(command, key) for key in ("a", "b", "b", "a")]
    assert [receipt.created for receipt in made] == [True, False, False, True]
    assert {receipt.index for receipt in made} == {made[0].index}


# ---- a registry, or a proxy in front of it, that drops writes and answers with receipts of something else


@pytest.fixture
def lying() -> LyingBackend:
    """Give the registry of the story, which lies when it is told to."""
    return LyingBackend(tell().backend)


@pytest.fixture
def trusted(lying: LyingBackend, tmp_path: Path) -> TrustedBackend:
    """Give it as its founder sees it, who checks everything."""
    key = Credential(KeyRecord, tell().identity.public.id)
    return TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar", credential=key)


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_a_dropped_write_is_not_taken_as_done(
    kind: type[Command], lying: LyingBackend, trusted: TrustedBackend
) -> None:
    """No older entry of any kind, by us or by others, not even of the same command, counts as a new one."""
    mine = next(done for done in tell().done if type(done.command) is kind and done.receipt.created)
    kinds = {(type(done.command), done.receipt.entry.actor): done.receipt.index for done in tell().done}
    for index in (mine.receipt.index, *kinds.values()):
        lying.drop_writes(index)
        refusal = refuses(lambda: trusted.execute(mine.command), ReceiptMismatch)
        assert refusal.data()["command"] == name_of(kind)


@pytest.mark.parametrize("kind", COMMANDS, ids=name_of)
def test_a_write_that_is_said_to_repeat_another_has_to_be_one(
    kind: type[Command], lying: LyingBackend, trusted: TrustedBackend
) -> None:
    """That nothing is new is believed of idempotent commands only, with an entry that says the same."""
    mine = next(done for done in tell().done if type(done.command) is kind and done.receipt.created)
    for index in {done.receipt.index for done in tell().done}:
        lying.drop_writes(index, created=False)
        entry = trusted.ask(GetProof(index=index)).entry
        if mine.command.was_done_by(entry) and stands(mine.command, entry):
            assert kind.declared.idempotent
            assert trusted.execute(mine.command).index == index
        else:
            refuses(lambda: trusted.execute(mine.command), ReceiptMismatch)


def stands(command: Command, entry: Entry) -> bool:
    """Say whether what an entry of the story says is still so."""
    try:
        return command.stands(entry, tell().backend.ask)
    except NotFound:
        return False


FIRST, STAGING = Reference(NAME, 1), Alias("staging")
KEY = Identity.generate().public
# Commands, and what ends what each of them did; `vera` stands for a principal.
ENDED: list[tuple[Command, Command]] = [
    (
        gates.MoveAlias(reference=FIRST, alias=STAGING),
        gates.MoveAlias(reference=Reference(NAME, 2), alias=STAGING),
    ),
    (
        gates.MoveAlias(reference=FIRST, alias=STAGING),
        gates.RemoveAlias(name=NAME, alias=STAGING, reason=Payload.of("unused")),
    ),
    (gates.SetTier(name=NAME, tier="high", reason=WHY), gates.SetTier(name=NAME, tier="low", reason=WHY)),
    (catalog.SetOwner(name=NAME, principal="vera"), catalog.SetOwner(name=NAME, principal="founder")),
    (
        catalog.SetTag(reference=FIRST, key="team", value=Payload.of("a")),
        catalog.SetTag(reference=FIRST, key="team", value=Payload.of("b")),
    ),
    (
        catalog.SetTag(reference=FIRST, key="team", value=Payload.of("a")),
        catalog.RemoveTag(reference=FIRST, key="team"),
    ),
    (
        versions.SetStatus(reference=FIRST, status=Status.REVOKED, reason=Payload.of("it leaks")),
        versions.SetStatus(reference=FIRST, status=Status.PUBLISHED, reason=Payload.of("it does not")),
    ),
    (
        versions.SetRetention(reference=FIRST, hold=True, reason=Payload.of("a lawsuit")),
        versions.SetRetention(reference=FIRST, hold=False, reason=Payload.of("it is over")),
    ),
    (people.EnrolKey(principal="vera", public_key=KEY.pem), people.RevokeKey(key_id=KEY.id)),
    *(
        (
            people.GrantRole(principal="vera", role=Role.READER, namespace=namespace),
            people.RevokeRole(principal="vera", role=Role.READER, namespace=namespace),
        )
        for namespace in ("acme", "*")
    ),
]


def grant(backend: Backend, *roles: Role) -> None:
    for role in roles:
        backend.execute(people.GrantRole(principal="founder", role=role, namespace="acme"))


@pytest.mark.parametrize(("command", "end"), ENDED, ids=lambda one: name_of(type(one)))
def test_what_has_ended_is_not_done(
    command: Command, end: Command, owner: Identity, open_as: OpenAs, tmp_path: Path
) -> None:
    """An entry that says what is asked again does not confirm it once a later one says otherwise."""
    lying = LyingBackend(open_as(owner))
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"a")
    publish(trusted, owner, b"b")
    add_person(trusted, "vera")
    grant(trusted, Role.SECURITY, Role.AUDITOR)
    first = trusted.execute(command)
    assert trusted.execute(command).index == first.index
    trusted.execute(end)
    lying.drop_writes(first.index, created=False)
    refusal = refuses(lambda: trusted.execute(command), ReceiptMismatch)
    assert refusal.data()["reason"] == "no longer stands"


def test_a_policy_that_was_replaced_is_not_in_force(owner: Identity, open_as: OpenAs, tmp_path: Path) -> None:
    """Nor does an entry confirm a policy that another one has replaced since."""
    lying = LyingBackend(open_as(owner))
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"a")
    models = Models(NAME.namespace, NAME.model)
    guard = gates.SetPolicy(models=models, alias=PRODUCTION, policy=None, reason=WHY)
    first = trusted.execute(guard)
    assert trusted.execute(guard).index == first.index
    set_policy(trusted, owner, {"rule": "signature"})
    lying.drop_writes(first.index, created=False)
    refuses(lambda: trusted.execute(guard), ReceiptMismatch)


class Altering(LyingBackend):
    """A registry that does something else than it is asked, as a proxy in front of one could."""

    def __init__(self, backend: Backend, alter: Callable[[Any], Command]) -> None:
        super().__init__(backend)
        self.alter = alter

    def execute(self, command: Command) -> Receipt:
        return super().execute(self.alter(command))


def to_first(command: Command) -> gates.MoveAlias:
    return gates.MoveAlias(reference=FIRST, alias=STAGING, reason=getattr(command, "reason", None))


NEW = ModelName(NAME.namespace, "new")
ALTERED: dict[str, tuple[Callable[[Backend], Command], Callable[[Any], Command]]] = {
    "claims left out": (
        lambda backend: versions.PublishVersion(
            name=NAME,
            manifest=store(backend, b"c"),
            attestations=tuple(backend.add_documents([claim_of(b"c")])),
        ),
        lambda command: replace(command, attestations=()),
    ),
    "another alias requested": (
        lambda _: gates.OpenRequest(reference=FIRST, alias=PRODUCTION, reason=Payload.of("please")),
        lambda command: replace(command, alias=STAGING),
    ),
    "a lost update": (
        lambda _: gates.MoveAlias(reference=FIRST, alias=STAGING, expected=-1),
        lambda command: replace(command, expected=None),
    ),
    "a promotion instead of a rollback": (
        lambda _: gates.RollBackAlias(name=NAME, alias=STAGING, reason=Payload.of("it is slow")),
        to_first,
    ),
    "a promotion to an older version instead of a rollback": (
        lambda _: gates.RollBackAlias(name=NAME, alias=STAGING, reason=Payload.of("it is slow")),
        lambda command: replace(to_first(command), reference=Reference(NAME, 2)),
    ),
    "typed texts left": (
        lambda _: people.ErasePrincipal(principal="vera", typed=True),
        lambda command: replace(command, typed=False),
    ),
    # What the command leaves open is filled in.
    "a dataset": (
        lambda backend: versions.PublishVersion(name=NEW, manifest=store(backend, b"c")),
        lambda command: replace(command, kind=Kind.DATASET),
    ),
    "a draft of a dataset": (
        lambda backend: versions.SaveDraft(name=NEW, manifest=store(backend, b"c")),
        lambda command: replace(command, kind=Kind.DATASET),
    ),
    "a time to keep it": (
        lambda _: versions.SetRetention(reference=FIRST, hold=True, reason=Payload.of("a lawsuit")),
        lambda command: replace(command, until=LATER),
    ),
    "a key": (
        lambda _: people.RegisterPrincipal(name=Payload.of("Nora")),
        lambda command: replace(command, public_key=KEY.pem),
    ),
}


def claim_of(data: bytes) -> bytes:
    digest = Digest.of(data)
    revision = Revision.of([File(path="w.bin", digest=digest, size_bytes=len(data))])
    return sign_content(revision, str(NAME), tell_owner()).encode()


@cache
def tell_owner() -> Identity:
    return Identity.generate()


@pytest.mark.parametrize("what", ALTERED)
def test_a_command_that_was_changed_on_its_way_is_not_confirmed(what: str, tmp_path: Path) -> None:
    """What the entry of a command does not say is looked up, unless it cannot be."""
    owner = tell_owner()
    honest = open_memory()(owner)
    publish(honest, owner, b"a")
    publish(honest, owner, b"b")
    publish(honest, owner, b"d")
    publish(honest, owner, b"e")
    add_person(honest, "vera")
    grant(honest, Role.AUDITOR)
    for number in (2, 3, 4):
        honest.execute(gates.MoveAlias(reference=Reference(NAME, number), alias=STAGING))
    honest.execute(gates.OpenRequest(reference=FIRST, alias=STAGING, reason=Payload.of("first")))
    honest.execute(gates.OpenRequest(reference=FIRST, alias=PRODUCTION, reason=Payload.of("first")))
    make, alter = ALTERED[what]
    lying = Altering(honest, alter)
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    command = make(honest)
    refuses(lambda: trusted.execute(command), ReceiptMismatch)


def test_bytes_that_are_said_to_be_known_are_signed_all_the_same(
    registry: Registry, model: Path, tmp_path: Path
) -> None:
    """A push signs what is new, though the registry says that it has it already."""

    class Knowing(LyingBackend):
        def ask(self, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
            if isinstance(query, versions.GetVersion):
                query = replace(query, reference=replace(query.reference, selector=1))
            return super().ask(query)

    registry.push(model / "config", "acme/x")
    honest = registry._session.backend
    lying = TrustedBackend(Knowing(honest._backend), DirectoryMemory(tmp_path / "state", "liar"), "liar")
    version = Registry(lying, registry.identity).push(model, "acme/x")
    assert version.record.number == 2
    assert all(check.passed for check in version.verify())


class Preempting(Altering):
    """A registry that does something else first, and then what it is asked."""

    did: Receipt

    def execute(self, command: Command) -> Receipt:
        self.did = super().execute(command)
        return LyingBackend.execute(self, command)


def always(command: Command) -> Callable[[Any], Command]:
    return lambda _: command


def list_others(command: Command, field: str) -> list[Command]:
    """Make commands that differ in a field, with the values that other commands of the story have there."""
    values = [getattr(done.command, field) for done in tell().done if hasattr(done.command, field)]
    value, others = getattr(command, field), {repr(one): one for one in values}
    if value is None or isinstance(value, Payload):
        others |= {"none": None, "text": Payload.of("I was paid for it")}
    if isinstance(value, bool):
        others = {"not": not value}
    if field in {"until", "expires"}:
        others |= {"none": None, "later": "2090-01-01T00:00:00Z"}
    if isinstance(value, tuple):
        others |= {"none": ()}
    return [replace(command, **{field: other}) for other in others.values() if other != value]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        pytest.param(kind, field.name, id=f"{name_of(kind)}-{field.name}")
        for kind in COMMANDS
        if kind.declared.idempotent
        for field in fields(kind)
    ],
)
def test_a_command_that_was_altered_and_done_first_is_not_confirmed(
    kind: type[Command], field: str, tmp_path: Path
) -> None:
    """An altered command, sent before the true one so that nothing is new, does not stand for it."""
    done = next(one for one in tell().done if type(one.command) is kind and one.receipt.created)
    for number, other in enumerate(list_others(done.command, field)):
        preempting = Preempting(copy_memory(done.before), always(other))
        trusted = TrustedBackend(preempting, DirectoryMemory(tmp_path / str(number), "liar"), "liar")
        # A proxy or the registry may refuse what makes no sense.
        with suppress(MunimentError, TypeError, ValueError, AttributeError):
            receipt = trusted.execute(done.command)
            first = preempting.did
            assert receipt.index > first.index or done.command.is_done_by(receipt.entry), (field, other)


def test_no_two_claims_of_a_new_version_are_one_statement(owner: Identity, open_as: OpenAs) -> None:
    """A version whose entry names a claim that gets no entry of its own is not published."""
    backend = open_as(owner)
    revision = Revision.of([File(path="w.bin", digest=Digest.of(b"c"), size_bytes=1)])
    claim = sign_content(revision, str(NAME), owner).encode()
    again = json.dumps(json.loads(claim), indent=1).encode()
    command = versions.PublishVersion(
        name=NAME, manifest=store(backend, b"c"), attestations=tuple(backend.add_documents([claim, again]))
    )
    refuses(lambda: backend.execute(command), StatementReused)
    event = backend.execute(replace(command, attestations=command.attestations[:1])).event
    assert isinstance(event, e.VersionPublished)
    assert event.attestations == command.attestations[:1]


def test_a_discarded_draft_is_not_saved(owner: Identity, open_as: OpenAs, tmp_path: Path) -> None:
    """A draft that was discarded is not saved, and a tag that came back is not removed."""
    lying = LyingBackend(open_as(owner))
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"a")
    save = versions.SaveDraft(name=NAME, manifest=store(trusted, b"b"))
    tag = catalog.SetTag(reference=FIRST, key="team", value=Payload.of("a"))
    remove = catalog.RemoveTag(reference=FIRST, key="team")
    saved = trusted.execute(save)
    assert trusted.execute(save).index == saved.index
    trusted.execute(versions.DiscardDraft(draft=saved.index))
    trusted.execute(tag)
    removed = trusted.execute(remove)
    trusted.execute(replace(tag, value=Payload.of("b")))
    for command, receipt in ((save, saved), (remove, removed)):
        lying.drop_writes(receipt.index, created=False)
        refuses(lambda command=command: trusted.execute(command), ReceiptMismatch)  # type: ignore[misc]


def test_a_withdrawn_claim_is_not_on_record(owner: Identity, open_as: OpenAs, tmp_path: Path) -> None:
    """A claim that was withdrawn does not confirm that it is recorded again."""
    lying = LyingBackend(open_as(owner))
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"a")
    receipt = record(trusted, owner, 1, "https://example.com/plan", {})
    event = receipt.read(e.AttestationRecorded)
    command = claims.RecordAttestation(reference=Reference(NAME, event.revision), bundle=event.attestation)
    assert trusted.execute(command).index == receipt.index
    withdraw(trusted, owner, 1, event.attestation)
    lying.drop_writes(receipt.index, created=False)
    refuses(lambda: trusted.execute(command), ReceiptMismatch)


@pytest.mark.parametrize("left_out", ["from the entry", "from the index", "from the receipt"])
def test_an_entry_that_no_question_would_find_confirms_nothing(
    left_out: str,
    owner: Identity,
    open_as: OpenAs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A revocation is not done if the registry leaves it out of the statuses of the version."""
    trusted = TrustedBackend(open_as(owner), DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"a")
    grant(trusted, Role.SECURITY)
    if left_out == "from the entry":
        monkeypatch.setattr(transaction, "hash_subjects", lambda *args: hash_subjects(*args)[:-1])
    elif left_out == "from the index":
        add = PagedIndex.add
        monkeypatch.setattr(
            PagedIndex, "add", lambda index, entry, leaf, about: add(index, entry, leaf, about[:-1])
        )
    else:
        monkeypatch.setattr(proofs, "_prove_subjects", lambda *_: ())
    revoke = versions.SetStatus(reference=FIRST, status=Status.REVOKED, reason=Payload.of("it leaks"))
    with pytest.raises(Untrusted):
        trusted.execute(revoke)


class Refusing(LyingBackend):
    """A registry that does what it is asked, and says that it does not."""

    def execute(self, command: Command) -> Receipt:
        super().execute(command)
        raise NotPermitted(principal="you", act="do that", namespace="acme")


def test_a_change_that_is_said_to_be_refused_shows_all_the_same(
    owner: Identity, open_as: OpenAs, tmp_path: Path
) -> None:
    """A refusal of a change proves nothing; whether it was done is proven by the next answer about it."""
    backend = open_as(owner)
    publish(backend, owner, b"a")
    client = TrustedBackend(Refusing(backend), DirectoryMemory(tmp_path / "state", "liar"), "liar")
    with pytest.raises(NotPermitted):
        client.execute(gates.MoveAlias(reference=FIRST, alias=STAGING))
    assert client.ask(gates.GetMove(name=NAME, alias=STAGING)).number == 1


def test_what_somebody_else_did_is_not_done_by_us(owner: Identity, open_as: OpenAs, tmp_path: Path) -> None:
    """A new entry that says what we asked, by another principal, does not count."""
    lying = LyingBackend(open_as(owner))
    trusted = TrustedBackend(lying, DirectoryMemory(tmp_path / "state", "liar"), "liar")
    publish(trusted, owner, b"weights")
    move = gates.MoveAlias(reference=Reference(NAME, 1), alias=Alias("staging"))
    lying.write_as(open_as(add_person(trusted, "Vera", Role.CONTRIBUTOR)))
    refusal = refuses(lambda: trusted.execute(move), ReceiptMismatch)
    assert refusal.data()["reason"] == "is by somebody else"


def test_a_command_names_an_exact_version(trusted: TrustedBackend) -> None:
    """An alias can move between the question and the answer, so a command that names one is not sent."""
    for reference in (Reference(NAME, None), Reference(NAME, Alias("production"))):
        refuses(lambda: trusted.execute(versions.PurgeVersion(reference=reference)), InvalidBody)  # noqa: B023
    claim = claims.RecordAttestation(reference=Reference(NAME, 1), bundle=Digest.of(b""))
    refuses(lambda: trusted.execute(claim), InvalidBody)


# ---- who we are


class Impostor(LyingBackend):
    """A registry that says that we, or others, are somebody else."""

    def __init__(self, backend: Backend, lies: Mapping[type, Callable[[Any], Any]]) -> None:
        super().__init__(backend)
        self.lies = lies

    def ask(self, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        answer = super().ask(query)
        return self.lies.get(type(query), lambda honest: honest)(answer)


def find_vera() -> people.Person:
    return tell().backend.ask(people.FindPerson(principal="Vera"))


@pytest.mark.parametrize(
    ("kind", "lie", "refusal"),
    [
        (people.FindPerson, lambda _: tell().backend.ask(people.GetSelf()), RecordUnproven),
        (people.FindPerson, lambda who: replace(who, record=replace(who.record, id="me")), RecordUnproven),
    ],
)
def test_a_registry_does_not_say_who_we_are(
    kind: type[Query[Any]], lie: Callable[[Any], Any], refusal: type[MunimentError], tmp_path: Path
) -> None:
    """The log says who owns our key, and who has an id; nothing is sent if it does not."""
    identity, backend, *_ = tell()
    key = Credential(KeyRecord, identity.public.id)
    impostor = Impostor(backend, {kind: lie})
    trusted = TrustedBackend(impostor, DirectoryMemory(tmp_path / "state", "liar"), "liar", credential=key)
    size = trusted.seen.size
    command = people.GrantRole(principal=find_vera().record.id, role=Role.READER, namespace="acme")
    refuses(lambda: trusted.execute(command), refusal)
    assert TrustedBackend(backend, DirectoryMemory(tmp_path / "state", "liar"), "liar").seen.size == size


def test_nobody_signs_an_approval_in_the_name_of_another(tmp_path: Path) -> None:
    """Our own name and keys are proven, where a registry says that we are another person on record."""
    identity, backend, *_ = tell()
    key = Credential(KeyRecord, identity.public.id)
    impostor = Impostor(backend, {people.GetSelf: lambda _: find_vera()})
    trusted = TrustedBackend(impostor, DirectoryMemory(tmp_path / "state", "liar"), "liar", credential=key)
    registry = Registry(trusted, identity)
    refuses(registry.people.me, RecordUnproven)
    refuses(
        lambda: registry.version(f"{NAME}@2").approve("production", "validator", "it is good"), RecordUnproven
    )


def test_the_log_says_whose_token_ours_is(tmp_path: Path) -> None:
    """We are the principal whom the entry names that issued our token; without that entry, nobody."""
    _, backend, _, story = tell()
    (token,) = (done.command.token for done in story if isinstance(done.command, people.BeginSession))
    vera = copy.copy(backend)
    vera._caller = Caller(principal=find_vera().record.id, token=token)
    ours = Credential(TokenRecord, token)
    honest = TrustedBackend(vera, DirectoryMemory(tmp_path / "state", "x"), "x", credential=ours)
    assert honest.principal == find_vera().record.id
    impostor = Impostor(vera, {people.ListTokens: lambda _: ()})
    silent = TrustedBackend(impostor, DirectoryMemory(tmp_path / "state", "x"), "x", credential=ours)
    refuses(lambda: silent.principal, NotIdentified)


def test_a_newcomer_without_a_role_learns_who_they_are(
    owner: Identity, open_as: OpenAs, tmp_path: Path
) -> None:
    """Entries about ourselves are proven to us before anybody grants us a role; no others are."""
    newcomer = open_as(add_person(open_as(owner), "Nora"))
    trusted = TrustedBackend(newcomer, DirectoryMemory(tmp_path / "state", "here"), "here")
    token = make_token()
    mine = people.IssueToken(
        principal=trusted.principal, token=id_of(token), name=Payload.of("mine"), expires=LATER
    )
    assert trusted.execute(mine).read(TokenIssued).principal == trusted.principal
    refuses(lambda: trusted.ask(GetProof(index=1)), NotPermitted)


# ---- the command line

Cli = Callable[..., Result]

POLICY = "rules: [{rule: approvals, validator: 1}]\n"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put a liar in front of every registry; it answers writes with the last of these entries."""
    chosen: list[int] = []
    open_directory = embedded.open_directory

    def open_lying(*arguments: object, **options: object) -> embedded.Embedded:
        opened = open_directory(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
        lying = LyingBackend(opened.backend)
        if chosen:
            lying.drop_writes(chosen[-1])
        return replace(opened, backend=lying)  # type: ignore[arg-type] # a backend, too

    monkeypatch.setattr(embedded, "open_directory", open_lying)
    return chosen


@pytest.fixture
def cli(settings: Settings, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `muniment` in a registry with a version, a policy, and a person with a key and a role."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "plan.json").write_text("{}")

    def run(*arguments: str, exits: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == exits, (arguments, result.output)
        return result

    run("init")
    run("push", str(model), "acme/x", "--alias", "staging")
    run("push", str(model / "config"), "acme/x", "--alias", "staging")
    run("tag", "acme/x@1", "stage=ready")
    run("attest", "acme/x@1", "--type", "https://example.com/plan", "--file", "plan.json")
    run("policy", "set", "acme/x@production", "policy.yaml", "--reason", "agreed")
    run("role", "grant", "Ada", "security", "acme")
    run("revoke", "acme/x@1", "--reason", "it leaks")
    for name in ("vera", "sam"):
        run("key", "new", f"{name}.pem")
        run("user", "add", name, "--key", f"{name}.pem.pub")
        run("role", "grant", name, "validator", "acme")
    run("role", "revoke", "sam", "validator", "acme")
    return run


@pytest.mark.parametrize(
    "arguments",
    [
        "promote acme/x@2 staging --reason good",
        "deprecate acme/x@2 --reason old",
        "revoke acme/x@1 --reason again",
        "policy tier acme/x low --reason agreed",
        "owner acme/x Ada",
        "role grant vera reader acme",
        "key enrol vera vera.pem.pub",
        "push model acme/x --message again",
    ],
)
def test_what_was_so_before_is_not_said_to_be_done(cli: Cli, arguments: str) -> None:
    """A command that changes nothing says so, and that a reason is not recorded."""
    cli(*arguments.split())
    again = cli(*arguments.split())
    reason = ", and the reason is not recorded" if "--reason" in arguments else ""
    assert re.search(rf"already so since entry \d+: nothing was changed{reason}\n", again.stdout)


def test_a_role_that_is_not_held_cannot_end(cli: Cli) -> None:
    """To revoke a role again is refused by name, and not as if there were no such person."""
    told = cli("role", "revoke", "sam", "validator", "acme", exits=4).stderr
    refusal = "role_not_held: sam does not hold the role validator in acme"
    assert refusal in told.replace(_id_of("sam"), "sam")


def test_who_may_not_is_told_so(cli: Cli) -> None:
    """A refusal for want of a role speaks to the person who reads it, and does not name them by id."""
    told = cli("--identity", "vera.pem", "tag", "acme/x@2", "a=b", exits=3).stderr
    assert told.startswith("muniment: not_permitted: you may not publish in acme\n")


def test_the_future_is_not_asked(cli: Cli) -> None:
    """An answer as of a time that has not come is refused as that."""
    for line in ("show acme/x@1", "user list", "list size>0"):
        assert "past_not_come" in cli(*line.split(), "--at", "2999-01-01T00:00:00Z", exits=2).stderr


def _id_of(name: str) -> str:
    with muniment.open(create=False) as registry:
        return registry.people.get(name).record.id


@pytest.mark.parametrize(
    "arguments",
    [
        "promote acme/x@1 staging",
        "revoke acme/x@2 --reason bad",
        "attest acme/x@2 --type https://example.com/plan --file plan.json",
        "tag acme/x@2 stage=ready",
        "role revoke vera validator acme",
        "policy set acme/x@staging policy.yaml --reason agreed",
        "reject acme/x@2 --for production --as validator --reason bad",
        "key revoke KEY",
    ],
)
def test_the_command_line_does_not_say_that_a_dropped_write_is_done(
    cli: Cli, answers: list[int], tmp_path: Path, arguments: str
) -> None:
    """Each command ends with a refusal and exit code 3, with any older entry as the answer."""
    key = PublicKey.read((tmp_path / "vera.pem.pub").read_bytes()).id
    with muniment.open(create=False) as registry:
        size = check_audit(registry)
    for index in range(2, size):
        answers.append(index)
        result = cli(*arguments.replace("KEY", key).split(), exits=3)
        assert (result.stdout, result.stderr.partition(": ")[2][:16]) == ("", "receipt_mismatch")
