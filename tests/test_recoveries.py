"""Recoveries: nobody becomes somebody else at once, or unseen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from muniment.core.backend import Backend
from muniment.core.claims.attestations import EVALUATION
from muniment.core.errors import (
    NotIndependent,
    NotPermitted,
    RecoveryCancelled,
    RecoveryNotFound,
    RecoveryWaiting,
)
from muniment.core.gates.inbox import ItemKind
from muniment.core.payloads import Payload
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.times import write_time
from muniment.core.verbs.inbox import GetInbox
from muniment.core.verbs.people import (
    ApproveRecovery,
    CancelRecovery,
    EnrolKey,
    GetKey,
    GetSelf,
    GrantRole,
    IssueToken,
    RegisterPrincipal,
)
from muniment.signing.keys import Identity
from muniment.testing.backends import evaluation, record
from muniment.testing.live import LiveServer, begin_session, run_server
from office import Office


class TestEmbedded:
    """Another key for somebody who has one."""

    def test_the_key_does_not_count_until_it_opens(self, tmp_path: Path) -> None:
        """A key that an admin enrols for somebody else signs nothing for a day, and says how it came."""
        office = Office(tmp_path)
        stolen = Identity.generate()
        enrolled = office.founder.execute(EnrolKey(principal="Vera", public_key=stolen.public.pem))
        theirs = office.open_as(stolen)
        with pytest.raises(RecoveryWaiting) as refusal:
            record(theirs, stolen, 1, EVALUATION, evaluation(0.9))
        assert refusal.value.entry == enrolled.index - 1
        assert office.founder.ask(GetKey(key_id=stolen.public.id)).assurance == Assurance.RECOVERY

    def test_the_person_is_told(self, tmp_path: Path) -> None:
        """It stands in the inbox of the person at once, proven, with what to type against it."""
        office = Office(tmp_path)
        key = Identity.generate()
        entry = office.founder.execute(EnrolKey(principal="Vera", public_key=key.public.pem)).index - 1
        notice = office.find("Vera", ItemKind.RECOVERY)
        assert notice.entry == entry
        assert notice.who == office.id_of("founder")
        assert notice.next == f"muniment user recovery cancel {entry}"
        assert ItemKind.RECOVERY not in office.kinds("Otto")

    def test_a_first_key_is_no_recovery(self, tmp_path: Path) -> None:
        """Somebody without a key gets their first one without a wait, and so does a workload any key."""
        office = Office(tmp_path)
        assert office.founder.ask(GetKey(key_id=office.keys["Vera"].public.id)).assurance == Assurance.KEY
        assert "recovery" not in office.kinds("Vera")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Run a registry, whose owner has signed in, with Vera and the admins Carla and Ida."""
    with run_server(tmp_path_factory.mktemp("recoveries")) as server:
        owner = server.open_as(Identity.generate())
        for name in ("Vera", "Carla", "Ida"):
            owner.execute(RegisterPrincipal(name=Payload.of(name)))
        for name in ("Carla", "Ida"):
            owner.execute(GrantRole(principal=name, role=Role.ADMIN, namespace="*"))
        yield server


def invite(host: Backend, name: str) -> tuple[str, int]:
    """Invite somebody; give the invitation and its entry."""
    token = make_token()
    later = write_time(datetime.now(UTC) + timedelta(hours=1))
    command = IssueToken(principal=name, token=id_of(token), name=Payload.of("hi"), expires=later, once=True)
    return token, host.execute(command).index


def sign_in(server: LiveServer, invitation: str) -> tuple[Identity, Backend]:
    identity = Identity.generate()
    return identity, server.connect(begin_session(server, invitation, identity))


def test_an_invitation_for_somebody_who_has_signed_in_waits(server: LiveServer) -> None:
    """A second invitation cannot be used for a day; another admin opens it, and its key says so for ever."""
    owner = server.open_as(server.owner)
    first, _ = sign_in(server, invite(owner, "Vera")[0])
    carla = sign_in(server, invite(owner, "Carla")[0])[1]
    ida = sign_in(server, invite(owner, "Ida")[0])[1]
    invitation, index = invite(carla, "Vera")
    with pytest.raises(RecoveryWaiting) as refusal:
        sign_in(server, invitation)
    assert refusal.value.entry == index - 1
    # Nobody approves their own, nor does somebody who is there on their word.
    with pytest.raises(NotIndependent):
        carla.execute(ApproveRecovery(recovery=index - 1))
    assert ida.ask(GetSelf()).name == "Ida"
    owner.execute(ApproveRecovery(recovery=index - 1))
    key, _ = sign_in(server, invitation)
    assert owner.ask(GetKey(key_id=key.public.id)).assurance == Assurance.RECOVERY
    assert owner.ask(GetKey(key_id=first.public.id)).assurance == Assurance.SESSION
    assert owner.ask(GetKey(key_id=key.public.id)).voucher == carla.ask(GetSelf()).record.id


def test_who_is_let_in_by_the_admin_does_not_open_it(server: LiveServer) -> None:
    """A puppet of the admin who invited somebody anew does not approve that."""
    owner = server.open_as(server.owner)
    owner.execute(RegisterPrincipal(name=Payload.of("Otto")))
    otto = sign_in(server, invite(owner, "Otto")[0])[1]
    admin = admin_of(server, owner, "Ben")
    admin.execute(RegisterPrincipal(name=Payload.of("Puppet")))
    owner.execute(GrantRole(principal="Puppet", role=Role.ADMIN, namespace="*"))
    puppet = sign_in(server, invite(admin, "Puppet")[0])[1]
    _, index = invite(admin, "Otto")
    with pytest.raises(NotIndependent):
        puppet.execute(ApproveRecovery(recovery=index - 1))
    with pytest.raises(NotPermitted):
        otto.execute(ApproveRecovery(recovery=index - 1))


def admin_of(server: LiveServer, owner: Backend, name: str) -> Backend:
    owner.execute(RegisterPrincipal(name=Payload.of(name)))
    owner.execute(GrantRole(principal=name, role=Role.ADMIN, namespace="*"))
    return sign_in(server, invite(owner, name)[0])[1]


def test_the_person_cancels_it(server: LiveServer) -> None:
    """Whoever is signed in as the person finds it in their inbox and cancels it; others do not."""
    owner = server.open_as(server.owner)
    owner.execute(RegisterPrincipal(name=Payload.of("Wanda")))
    owner.execute(RegisterPrincipal(name=Payload.of("Xaver")))
    wanda = sign_in(server, invite(owner, "Wanda")[0])[1]
    xaver = sign_in(server, invite(owner, "Xaver")[0])[1]
    invitation, index = invite(owner, "Wanda")
    (notice,) = wanda.ask(GetInbox())
    assert (notice.kind, notice.entry) == (ItemKind.RECOVERY, index - 1)
    with pytest.raises(RecoveryNotFound):
        xaver.execute(CancelRecovery(recovery=index - 1))
    wanda.execute(CancelRecovery(recovery=index - 1))
    with pytest.raises(RecoveryCancelled):
        sign_in(server, invitation)
    with pytest.raises(RecoveryNotFound):
        owner.execute(ApproveRecovery(recovery=index - 1))
    # The notice stays.
    assert [one.entry for one in wanda.ask(GetInbox())] == [index - 1]


def test_ones_own_invitation_waits_for_nobody(server: LiveServer) -> None:
    """Somebody who is signed in invites themselves to another machine, which is on their own word."""
    owner = server.open_as(server.owner)
    owner.execute(RegisterPrincipal(name=Payload.of("Zoe")))
    zoe = sign_in(server, invite(owner, "Zoe")[0])[1]
    me = zoe.ask(GetSelf()).record.id
    key, _ = sign_in(server, invite(zoe, me)[0])
    record_ = owner.ask(GetKey(key_id=key.public.id))
    assert (record_.assurance, record_.voucher) == (Assurance.SESSION, me)
