"""A story in which every command is done, for the tests of what receipts and answers prove."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import NamedTuple

from muniment.core.backend import Backend
from muniment.core.bytes.revisions import File, Revision
from muniment.core.digests import Digest
from muniment.core.errors import EventNotFound
from muniment.core.events import Entry
from muniment.core.names import Alias, Kind, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Assurance, Caller, Scope
from muniment.core.people.roles import Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.receipts import Receipt
from muniment.core.verbs import catalog, gates, people, upkeep, versions
from muniment.core.verbs.bytes import RecordReads, SetQuota, SetReads
from muniment.core.verbs.log import ConfirmTime, GetProof
from muniment.core.verbs.verb import Command
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import LyingBackend, check_backend, copy_memory, open_memory
from muniment.testing.backends import NAME

LATER = "2026-02-01T01:00:00+01:00"


class Done(NamedTuple):
    """A command, the receipt that it was honestly given, the entry after that, and the registry before."""

    command: Command
    receipt: Receipt
    following: Entry | None
    before: LocalBackend


class Recording(LyingBackend):
    """A backend that writes down what is done through it."""

    def __init__(self, backend: LocalBackend, done: list[tuple[Command, Receipt, LocalBackend]]) -> None:
        super().__init__(backend)
        self.local = backend
        self.done = done

    def execute(self, command: Command) -> Receipt:
        exact, name = command, getattr(command, "principal", None)
        if name is not None:
            found = self.ask(people.FindPerson(principal=name)).record.id
            exact = replace(command, principal=found)  # type: ignore[call-arg] # this one has it
        before = copy_memory(self.local)
        receipt = super().execute(command)
        self.done.append((exact, receipt, before))
        return receipt


def store(backend: Backend, data: bytes) -> Digest:
    """Store a manifest of one file."""
    digest = backend.add_documents([data])[0]
    revision = Revision.of([File(path="w.bin", digest=digest, size_bytes=len(data))])
    return backend.add_documents([revision.manifest(), revision.config()])[0]


def read(backend: Backend, reference: Reference) -> None:
    """Read the manifest of a version, and have that written down."""
    version = backend.ask(versions.GetVersion(reference=reference))
    backend.open_blob(Digest.parse(version.revision)).close()
    if isinstance(backend, Recording) and backend.local._notes is not None:
        backend.local._notes.write()


def sign_in(backend: LocalBackend, principal: str, token: str) -> LocalBackend:
    """Open a registry with an invitation."""
    guest = copy.copy(backend)
    voucher = backend._caller.principal
    guest._caller = Caller(
        principal=principal, scopes=frozenset(), token=token, assurance=Assurance.SESSION, voucher=voucher
    )
    return guest


def let_in_anew(backend: Backend, open_as: Callable[[Identity], Backend], token: str) -> None:
    """Let Vera in anew, by a token that another admin approves, and by a key that is cancelled."""
    carla = Identity.generate()
    backend.execute(people.RegisterPrincipal(name=Payload.of("Carla"), public_key=carla.public.pem))
    backend.execute(people.GrantRole(principal="Carla", role=Role.ADMIN, namespace="*"))
    invite = people.IssueToken(
        principal="Vera", token=id_of(token), name=Payload.of("hi"), expires=LATER, once=True
    )
    begun = open_as(carla).execute(invite).index - 1
    backend.execute(people.ApproveRecovery(recovery=begun))
    key = Identity.generate().public
    begun = backend.execute(people.EnrolKey(principal="Vera", public_key=key.pem)).index - 1
    backend.execute(people.CancelRecovery(recovery=begun))


def do_the_rest(
    backend: Backend, open_as: Callable[[Identity], Backend], sign_in: Callable[[str], Backend]
) -> None:
    """Do each command that is not in the story of `check_backend`."""
    key, another, third = (Identity.generate().public for _ in range(3))
    version, value = Reference(NAME, 2), Payload.of("ready")
    name, staging = ModelName("acme", "old"), Alias("staging")
    old, manifest = Reference(name, 1), store(backend, b"old")
    token, invitation, session = make_token(), make_token(), make_token()
    target = json.dumps({"url": "https://hooks.example.com", "secret": "whsec_" + "A" * 32})
    for command in (
        versions.PublishVersion(
            name=name, manifest=manifest, number=1, message=Payload.of("old"), kind=Kind.DATASET
        ),
        gates.MoveAlias(reference=old, alias=staging, expected=-1),
        gates.RemoveAlias(name=name, alias=staging, reason=Payload.of("unused")),
        versions.PurgeVersion(reference=old, reason=Payload.of("old")),
        people.GrantRole(principal="founder", role=Role.AUDITOR, namespace="acme"),
        versions.SetRetention(reference=version, until=LATER, reason=Payload.of("a contract")),
        catalog.SetTag(reference=version, key="stage", value=value),
        catalog.SetTag(reference=version, key="stage", value=value),
        catalog.RemoveTag(reference=version, key="stage"),
        SetQuota(namespace="acme", size_bytes=1 << 30),
        SetReads(namespace="acme", recording=True, reason=Payload.of("for recalls")),
        people.RegisterPrincipal(name=Payload.of("ci"), public_key=key.pem, expires=LATER, workload=True),
        people.EnrolKey(principal="ci", public_key=another.pem, expires=LATER),
        people.ConfirmPrincipal(principal="ci", reason=Payload.of("its rules are ours")),
        people.RevokeKey(key_id=key.id, effective=3),
        people.RevokeRole(principal="founder", role=Role.VALIDATOR, namespace="acme"),
        people.IssueToken(
            principal="ci",
            token=id_of(token),
            name=Payload.of("ci"),
            scopes=(Scope.parse("write:acme"), Scope.parse("read:acme")),
            expires=LATER,
        ),
        people.RevokeToken(token=id_of(token)),
    ):
        backend.execute(command)
    read(backend, version)
    backend.execute(RecordReads(namespace="acme"))
    backend.execute(
        people.IssueToken(
            principal="Vera", token=id_of(invitation), name=Payload.of("hi"), expires=LATER, once=True
        )
    )
    sign_in(id_of(invitation)).execute(
        people.BeginSession(
            public_key=third.pem, token=id_of(session), name=Payload.of("a laptop"), expires=LATER
        )
    )
    let_in_anew(backend, open_as, make_token())
    trust = people.TrustIssuer(issuer="https://ci.example.com", claims=(("sub", "x"),), principal="ci")
    backend.execute(people.DistrustIssuer(rule=backend.execute(trust).index))
    text = Payload.of('{"follows": ["acme/readmission"], "email": "ada@example.org"}')
    backend.execute(people.SetPreferences(principal="founder", preferences=text))
    hook = upkeep.SetWebhook(namespace="acme", target=Payload.of(target), events=("tag.set", "alias.moved"))
    webhook = backend.execute(hook).index
    backend.execute(upkeep.ReplayWebhook(webhook=webhook, since=3))
    backend.execute(upkeep.EndWebhook(webhook=webhook))


def set_ahead(backend: LocalBackend, by: timedelta) -> None:
    """Set the clock of a registry ahead."""
    clock = backend._clock
    backend._clock = lambda: clock() + by
    backend._signer = replace(backend._signer, clock=backend._clock)


class Story(NamedTuple):
    """A registry where every command was done.

    Attributes:
        identity: the key of its founder.
        backend: the registry, as its founder sees it.
        earlier: the same when half of it was done.
        done: what was done.
    """

    identity: Identity
    backend: LocalBackend
    earlier: LocalBackend
    done: tuple[Done, ...]


@cache
def tell() -> Story:
    """Do every command in a registry."""
    done: list[tuple[Command, Receipt, LocalBackend]] = []
    opened: list[tuple[Identity, LocalBackend]] = []
    open_as = open_memory()

    def open_recorded(identity: Identity) -> Backend:
        local = open_as(identity)
        # The clock of the story goes on with each question that the tests ask about it.
        local._recovery_wait = timedelta(days=3_650)
        opened.append((identity, local))
        return Recording(opened[-1][1], done)

    check_backend(open_recorded)
    identity, owner = opened[0]
    vera = owner.ask(people.FindPerson(principal="Vera")).record.id
    earlier = copy_memory(owner)
    do_the_rest(
        Recording(owner, done), open_recorded, lambda token: Recording(sign_in(owner, vera, token), done)
    )
    set_ahead(owner, timedelta(days=8))
    Recording(owner, done).execute(ConfirmTime(date="2026-01-09", reason=Payload.of("by my watch")))
    told = (
        Done(command, receipt, find_entry(owner, receipt.index + 1), before)
        for command, receipt, before in done
    )
    return Story(identity, owner, earlier, tuple(told))


def find_entry(backend: Backend, index: int) -> Entry | None:
    try:
        return backend.ask(GetProof(index=index)).entry
    except EventNotFound:
        return None
