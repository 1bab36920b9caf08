"""Vouching: one person is one person, whoever enrols, invites or automates them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.answers.claims import authors_of
from muniment.answers.resolve import resolve
from muniment.answers.vouching import list_keepers, trace
from muniment.core import events
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.claims.attestations import APPROVAL, EMERGENCY
from muniment.core.digests import Digest
from muniment.core.errors import (
    BreakGlassNotAllowed,
    GateFailed,
    NotAPerson,
    NotIndependent,
    NotPermitted,
    OwnVersion,
)
from muniment.core.events import SubjectKind
from muniment.core.gates.policy import ANYBODY, Gate
from muniment.core.names import Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import Role
from muniment.core.records import Put, VouchRecord
from muniment.core.verbs.gates import BreakGlass, CloseEmergency, JudgeGate, MoveAlias
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.people import (
    ApproveRecovery,
    ConfirmPrincipal,
    EnrolKey,
    ErasePrincipal,
    FindPerson,
    GrantRole,
    RegisterPrincipal,
    TrustIssuer,
)
from muniment.core.verbs.versions import GetVersion
from muniment.ports.unit import Unit
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.signing.statements import attest
from muniment.testing import open_memory
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    approval,
    publish,
    record,
    set_policy,
)
from muniment.testing.live import run_server
from muniment.testing.records import MemoryProjections

APPROVED: dict[str, Json] = {"rule": "approvals", "validator": 1}


class Town:
    """A fresh registry: Fay founded it and made nothing, Ada is an admin who makes models."""

    def __init__(self, open_as: OpenAs) -> None:
        self.open_as = open_as
        self.keys = {"Fay": Identity.generate()}
        self.fay = self.open_as(self.keys["Fay"])
        self.add(self.fay, "Ada", Role.ADMIN)
        self.fay.execute(GrantRole(principal="Ada", role=Role.CONTRIBUTOR, namespace="*"))
        self.ada = self.open_as(self.keys["Ada"])
        self.add(self.fay, "Vera", Role.VALIDATOR)
        publish(self.ada, self.keys["Ada"], b"one")
        set_policy(self.fay, self.keys["Fay"], APPROVED, vouching="independent")

    def add(self, admin: Backend, name: str, role: Role) -> None:
        """Have an admin register somebody with a key and a role everywhere."""
        self.keys[name] = Identity.generate()
        admin.execute(RegisterPrincipal(name=Payload.of(name), public_key=self.keys[name].public.pem))
        admin.execute(GrantRole(principal=name, role=role, namespace="*"))

    def id_of(self, name: str) -> str:
        return self.fay.ask(FindPerson(principal=name)).record.id

    def add_key(self, name: str) -> Identity:
        """Have Ada enrol another key for somebody, and Fay approve that."""
        key = Identity.generate()
        enrolled = self.ada.execute(EnrolKey(principal=name, public_key=key.public.pem))
        self.fay.execute(ApproveRecovery(recovery=enrolled.index - 1))
        return key

    def approve(self, name: str, key: Identity | None = None, number: int = 1) -> None:
        key = key or self.keys[name]
        theirs = self.open_as(key)
        reason = Payload.of("seen")
        said = approval(theirs, number, Role.VALIDATOR, reason=str(reason.digest))
        record(theirs, key, number, APPROVAL, said, reason=reason)

    def judge(self, number: int = 1) -> Gate:
        return self.fay.ask(JudgeGate(reference=Reference(NAME, number), alias=PRODUCTION))


@pytest.fixture
def embedded() -> Town:
    """Give a town in memory."""
    return Town(open_memory())


@pytest.fixture(params=["embedded", "served"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """Give a town in memory, and one behind a server."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
        return
    with run_server(tmp_path / "server") as server:
        yield Town(server.open_as)


def test_somebody_whom_the_founder_registered_approves(town: Town) -> None:
    """An approver for whom no author vouched counts."""
    town.approve("Vera")
    assert town.judge().passed


def test_an_author_does_not_make_their_own_approver(town: Town) -> None:
    """Who was registered by an author of the version does not count, and the gate says why and what to do."""
    town.add(town.ada, "Puppet", Role.VALIDATOR)
    town.approve("Puppet")
    gate = town.judge()
    assert not gate.passed
    (failure,) = gate.failures
    assert f"{town.id_of('Ada')} made the version and vouches for {town.id_of('Puppet')}" in failure
    finding = next(one for one in gate.verdicts[0].findings if one.id == "approvals")
    assert finding.remedy == f"muniment user confirm {town.id_of('Puppet')}"
    move = MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION)
    with pytest.raises(GateFailed):
        town.fay.execute(move)


def test_a_puppet_of_a_puppet_does_not_count(town: Town) -> None:
    """The chain of those who vouch is followed to its end."""
    town.add(town.ada, "Puppet", Role.ADMIN)
    town.add(town.open_as(town.keys["Puppet"]), "Second", Role.VALIDATOR)
    town.approve("Second")
    assert not town.judge().passed


def test_another_key_for_an_approver_is_on_the_word_of_who_enrolled_it(embedded: Town) -> None:
    """An author who enrols a key for somebody else approves nothing with it; their own key still counts."""
    embedded.approve("Vera", embedded.add_key("Vera"))
    assert not embedded.judge().passed
    publish(embedded.ada, embedded.keys["Ada"], b"two")
    embedded.approve("Vera", number=2)
    assert embedded.judge(2).passed


def test_an_independent_admin_confirms_a_person(town: Town) -> None:
    """A confirmation by an admin for whom no author vouched makes an approval count; others do not."""
    town.add(town.ada, "Puppet", Role.VALIDATOR)
    town.add(town.ada, "Accomplice", Role.ADMIN)
    town.approve("Puppet")
    for admin in (town.ada, town.open_as(town.keys["Accomplice"])):
        admin.execute(ConfirmPrincipal(principal="Puppet"))
        assert not town.judge().passed
    town.fay.execute(ConfirmPrincipal(principal="Puppet", reason=Payload.of("we met")))
    assert town.judge().passed


def test_a_confirmation_does_not_cover_later_keys(town: Town) -> None:
    """A key that an author enrols after a confirmation does not count."""
    town.fay.execute(ConfirmPrincipal(principal="Vera"))
    town.approve("Vera", town.add_key("Vera"))
    assert not town.judge().passed


def test_nobody_confirms_themselves(town: Town) -> None:
    """A confirmation of oneself is refused."""
    with pytest.raises(NotIndependent, match="confirm themselves"):
        town.ada.execute(ConfirmPrincipal(principal="Ada"))
    with pytest.raises(NotPermitted):
        town.open_as(town.keys["Vera"]).execute(ConfirmPrincipal(principal="Ada"))


def test_a_policy_can_take_anybodys_word(town: Town) -> None:
    """`vouching: any` counts an approver whom the author registered, and its label says so."""
    set_policy(town.fay, town.keys["Fay"], APPROVED, vouching="any")
    town.add(town.ada, "Puppet", Role.VALIDATOR)
    town.approve("Puppet")
    gate = town.judge()
    assert gate.passed
    labels = [one.rule for one in gate.verdicts[0].findings]
    assert "approved by 1 validator, on anybody's word" in labels
    assert gate.warnings == (ANYBODY,)


def test_a_role_that_an_admin_gave_themselves_does_not_count(town: Town) -> None:
    """Granting oneself the role that a policy asks for does not count until another admin confirms it."""
    town.add(town.fay, "Bob", Role.ADMIN)
    bob = town.open_as(town.keys["Bob"])
    bob.execute(GrantRole(principal="Bob", role=Role.VALIDATOR, namespace="acme"))
    town.approve("Bob")
    (failure,) = town.judge().failures
    assert f"{town.id_of('Bob')} made themselves validator" in failure
    town.fay.execute(ConfirmPrincipal(principal="Bob"))
    assert town.judge().passed


def test_a_puppet_does_not_confirm_a_role(town: Town) -> None:
    """Who was registered by the admin who gave themselves a role does not confirm it."""
    town.add(town.fay, "Bob", Role.ADMIN)
    bob = town.open_as(town.keys["Bob"])
    bob.execute(GrantRole(principal="Bob", role=Role.VALIDATOR, namespace="acme"))
    town.add(bob, "Puppet", Role.ADMIN)
    town.open_as(town.keys["Puppet"]).execute(ConfirmPrincipal(principal="Bob"))
    town.approve("Bob")
    assert not town.judge().passed


def add_job(town: Town, admin: Backend) -> Identity:
    """Register a workload that publishes and approves, with a rule for its platform."""
    key = Identity.generate()
    admin.execute(RegisterPrincipal(name=Payload.of("ci"), public_key=key.public.pem, workload=True))
    for role in (Role.CONTRIBUTOR, Role.VALIDATOR):
        town.fay.execute(GrantRole(principal="ci", role=role, namespace="*"))
    rule = TrustIssuer(issuer="https://ci.example.com", claims=(("sub", "x"),), principal="ci")
    admin.execute(rule)
    town.keys["ci"] = key
    return key


def test_a_workload_is_no_person(town: Town) -> None:
    """A workload with the role of a validator decides nothing."""
    add_job(town, town.fay)
    with pytest.raises(NotAPerson, match="workload"):
        town.approve("ci")


def test_what_a_workload_publishes_its_keepers_made(town: Town) -> None:
    """Who registered a workload, or wrote its rule, does not approve what it publishes."""
    key = add_job(town, town.fay)
    town.fay.execute(GrantRole(principal="founder", role=Role.VALIDATOR, namespace="*"))
    publish(town.open_as(key), key, b"by a job")
    with pytest.raises(OwnVersion):
        town.approve("Fay", number=2)
    # Fay vouches for Vera as well.
    town.approve("Vera", number=2)
    assert not town.judge(2).passed


def test_a_confirmed_workload_has_no_keepers(embedded: Town) -> None:
    """Once an independent admin has confirmed a workload, only it is the author; what came before stays."""
    key = add_job(embedded, embedded.ada)
    publish(embedded.open_as(key), key, b"before")
    embedded.fay.execute(ConfirmPrincipal(principal="ci"))
    publish(embedded.open_as(key), key, b"after")
    assert embedded.id_of("Ada") in authors(embedded, 2)
    assert authors(embedded, 3) == {embedded.id_of("ci")}
    embedded.ada.execute(EnrolKey(principal="ci", public_key=Identity.generate().public.pem))
    publish(embedded.open_as(key), key, b"later")
    assert embedded.id_of("Ada") in authors(embedded, 4)


def authors(town: Town, number: int) -> frozenset[str]:
    def look(unit: Unit) -> frozenset[str]:
        return authors_of(unit, resolve(unit, Reference(NAME, number)))

    backend = town.open_as(town.keys["Fay"])
    assert isinstance(backend, LocalBackend)
    return backend._units.read(look)


def test_an_erased_author_is_still_an_author(embedded: Town) -> None:
    """Erasing the name of an author, or registering the name again, makes nobody another person."""
    before = authors(embedded, 1)
    embedded.fay.execute(ErasePrincipal(principal="Ada"))
    embedded.add(embedded.fay, "Ada", Role.VALIDATOR)
    assert authors(embedded, 1) == before
    embedded.approve("Ada")
    assert embedded.judge().passed


def break_glass(town: Town) -> int:
    """Have Ada move production past its gate in an emergency; give the entry."""
    reason = Payload.of("a fire")
    said: dict[str, Json] = {
        "version": f"{NAME}@1",
        "alias": "production",
        "registry": town.fay.ask(GetLogIdentity()).verifier,
        "reason": str(reason.digest),
        "nonce": reason.salt,
        "time": "2026-01-01T00:00:00Z",
    }
    version = town.ada.ask(GetVersion(reference=Reference(NAME, 1)))
    bundle = attest(Digest.parse(version.revision), f"{NAME}@1", EMERGENCY, said, town.keys["Ada"])
    digest = town.ada.add_documents([bundle.encode()])[0]
    command = BreakGlass(reference=Reference(NAME, 1), alias=PRODUCTION, attestation=digest, reason=reason)
    return town.ada.execute(command).index


TERMS: dict[str, Json] = {"roles": ["contributor", "security"], "close_within": "24h"}


def test_a_puppet_does_not_look_at_an_emergency(town: Town) -> None:
    """Who is there on the word of who broke the glass does not close that; once confirmed, they do."""
    set_policy(town.fay, town.keys["Fay"], APPROVED, vouching="independent", break_glass=TERMS)
    town.add(town.ada, "Puppet", Role.VALIDATOR)
    puppet = town.open_as(town.keys["Puppet"])
    close = CloseEmergency(emergency=break_glass(town), reason=Payload.of("it was right"))
    with pytest.raises(NotIndependent):
        puppet.execute(close)
    town.fay.execute(ConfirmPrincipal(principal="Puppet"))
    puppet.execute(close)


def test_nobody_gives_themselves_the_role_for_an_emergency(town: Town) -> None:
    """A role for emergencies that an admin gave themselves does not count either."""
    terms = {**TERMS, "roles": ["security"]}
    set_policy(town.fay, town.keys["Fay"], APPROVED, vouching="independent", break_glass=terms)
    town.ada.execute(GrantRole(principal="Ada", role=Role.SECURITY, namespace="acme"))
    with pytest.raises(BreakGlassNotAllowed):
        break_glass(town)
    town.fay.execute(GrantRole(principal="Ada", role=Role.SECURITY, namespace="*"))
    break_glass(town)


class Vouches(NamedTuple):
    """A view of what people vouched for."""

    projections: MemoryProjections


PEOPLE = ("a", "b", "c", "d")


@st.composite
def vouches(draw: st.DrawFn) -> Vouches:
    """Draw who registered whom, who enrolled keys for whom, and who confirmed whom."""
    records = MemoryProjections()
    for index in range(draw(st.integers(1, 12))):
        record = VouchRecord(
            index=index,
            principal=draw(st.sampled_from(PEOPLE)),
            kind=draw(st.sampled_from(["person", "workload", "key", "token", "rule", "confirmation"])),
            voucher=draw(st.sampled_from([*PEOPLE, "registry"])),
        )
        records.apply([Put(record)])
    return Vouches(records)


@given(view=vouches(), voucher=st.sampled_from([*PEOPLE, "registry"]), before=st.integers(0, 12))
def test_a_chain_is_all_who_can_be_reached(view: Vouches, voucher: str, before: int) -> None:
    """The chain of a voucher is what a naive search of all paths with falling entries reaches."""

    def walk(who: str, until: int) -> set[str]:
        if who == "registry":
            return set()
        records = view.projections.select(VouchRecord)
        earlier = [
            one
            for one in records
            if one.principal == who and one.index < until and one.kind != "confirmation"
        ]
        return {who}.union(*(walk(one.voucher, one.index) for one in earlier))

    assert trace(view, voucher, before) == walk(voucher, before)  # type: ignore[arg-type] # as far as it is used


@given(view=vouches(), principal=st.sampled_from(PEOPLE), before=st.integers(0, 12))
def test_more_vouches_never_make_an_author_less_of_one(view: Vouches, principal: str, before: int) -> None:
    """Without its confirmations, a workload has all of its keepers."""
    keepers = list_keepers(view, principal, before)  # type: ignore[arg-type] # as far as it is used
    bare = MemoryProjections()
    for one in view.projections.select(VouchRecord):
        if one.kind != "confirmation":
            bare.apply([Put(one)])
    assert keepers <= list_keepers(Vouches(bare), principal, before)  # type: ignore[arg-type] # as above


def test_only_what_somebody_vouched_for_is_about_vouches() -> None:
    """The key and token of a job, or of one's own, are no vouches; what others hold is."""
    key = events.KeyEnrolled(
        principal="p",
        key="k",
        algorithm="ecdsa-p256",
        public_key="PEM",
        assurance=Assurance.WORKLOAD,
        name=None,
        expires=None,
        voucher="q",
        starter="r",
    )
    token = events.TokenIssued(
        principal="p",
        token="t",  # noqa: S106 - not a secret
        label=Digest.of(b""),
        scopes=(),
        expires="2026-01-01T00:00:00Z",
        once=False,
        key=None,
        voucher="q",
        starter=None,
    )
    assert SubjectKind.VOUCHES not in {kind for kind, _ in key.subjects()}
    assert SubjectKind.VOUCHES in {kind for kind, _ in token.subjects()}
