"""Mail: what is new in an inbox, sent once, over TLS, and without what people typed."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from muniment.client.people.preferences import Preferences
from muniment.core.catalog.statuses import Status
from muniment.core.errors import InvalidSetting, RegistryUnreachable
from muniment.core.names import Reference
from muniment.core.payloads import Payload
from muniment.core.verbs.gates import OpenRequest
from muniment.core.verbs.people import ErasePrincipal
from muniment.core.verbs.versions import SetStatus
from muniment.ports.unit import Units
from muniment.server.jobs import Jobs
from muniment.server.mail import Mail, make_mail, make_sender
from muniment.server.settings import ServerSettings
from muniment.server.wiring import MAIL, open_served
from muniment.services.upkeep.letters import LETTER, Letters
from muniment.signing.heads import HeadSigner
from muniment.testing.backends import NAME, PRODUCTION, publish
from muniment.testing.servers import find_port
from office import Office
from test_serving import make_certificate

REASON = "as secret as it gets"


class Post:
    """What takes mail, as `aiosmtpd` hands it over, and refuses it when it is told to."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.answer = "250 OK"
        self.users: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.got.append(message_from_bytes(envelope.content, policy=default))
        return self.answer

    def let_in(self, _server: Any, _session: Any, _envelope: Any, _how: str, login: Any) -> AuthResult:  # noqa: ANN401 - as above
        assert isinstance(login, LoginPassword)
        self.users.append(f"{login.login.decode()}:{login.password.decode()}")
        return AuthResult(success=True)


def listen(post: Post, **options: Any) -> Iterator[str]:  # noqa: ANN401 - the options of aiosmtpd
    controller = Controller(post, hostname="127.0.0.1", port=find_port(), **options)
    controller.start()
    yield f"127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def server(post: Post) -> Iterator[str]:
    """Run a mail server; give its host and port."""
    yield from listen(post)


class Round:
    """The jobs of a server that sends mail for an office, at a time of our own."""

    def __init__(self, office: Office, url: str) -> None:
        self.units: Units = office.founder._units
        self.time = datetime(2026, 1, 2, tzinfo=UTC)
        keys = office.founder._keys
        clock = lambda: self.time  # noqa: E731 - short
        self.letters = Letters(
            units=self.units, clock=clock, signer=HeadSigner(keys.log, clock), registry=str(keys.log.verifier)
        )
        settings = ServerSettings.load(smtp_url=url, smtp_from="registry@example.org")
        self.mail: Mail = make_mail(settings, self.letters, clock, "muniment.dev/memory")
        self.jobs = Jobs(self.units, clock, {LETTER: self.mail.deliver}, {})

    def go(self) -> None:
        """Look who has news, and do what is due."""
        self.letters.plan()
        while self.jobs.do_next():
            pass


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Give an office whose Vera wants mail."""
    office = Office(tmp_path)
    Preferences(office.trust("Vera")).mail("vera@example.org")
    return office


def ask(office: Office) -> None:
    command = OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION, reason=Payload.of(REASON))
    office.founder.execute(command)


def test_what_is_new_is_sent_once(office: Office, server: str, post: Post) -> None:
    """News come in one letter, once, also after a restart; what was there before is not sent."""
    Round(office, f"smtp://{server}").go()
    assert post.got == [], "her preferences are no news"
    ask(office)
    office.founder.execute(
        SetStatus(reference=Reference(NAME, 1), status=Status.DEPRECATED, reason=Payload.of("x"))
    )
    for _ in range(2):
        Round(office, f"smtp://{server}").go()
    (letter,) = post.got
    assert (letter["To"], letter["From"]) == ("vera@example.org", "Muniment <registry@example.org>")
    assert (letter["Subject"], letter["Auto-Submitted"]) == ("1 new item in your inbox", "auto-generated")
    publish(office.founder, office.keys["founder"], b"two")
    Round(office, f"smtp://{server}").go()
    assert len(post.got) == 1, "that concerns her not"


def test_mail_begins_when_somebody_asks_for_it(office: Office, server: str, post: Post) -> None:
    """What comes before the first round is sent, if it came after somebody asked for mail."""
    ask(office)
    Round(office, f"smtp://{server}").go()
    assert len(post.got) == 1


def test_a_letter_says_what_happened_and_nothing_that_was_typed(
    office: Office, server: str, post: Post
) -> None:
    """A letter names the version and what to do, and holds no reasons, names of people or tokens."""
    round_ = Round(office, f"smtp://{server}")
    round_.go()
    ask(office)
    round_.go()
    body = post.got[0].get_content()  # type: ignore[attr-defined] # an EmailMessage
    assert f"* {NAME}@1 for production: your review is requested" in body
    assert "muniment mail --off" in body
    for hidden in (REASON, "founder", office.id_of("founder"), "token"):
        assert hidden not in post.got[0].as_string()


def test_who_turned_it_off_or_was_erased_gets_none(office: Office, server: str, post: Post) -> None:
    """Nobody gets mail who has turned it off, who never asked for it, or whose address was erased."""
    round_ = Round(office, f"smtp://{server}")
    round_.go()
    vera = Preferences(office.trust("Vera"))
    vera.mail(on=False)
    ask(office)
    round_.go()
    vera.mail()
    office.founder.execute(ErasePrincipal(principal="Vera"))
    round_.time += timedelta(days=1)
    round_.go()
    assert post.got == []


def test_what_the_server_refuses_is_sent_later(office: Office, server: str, post: Post) -> None:
    """A letter that is refused is retried after a pause, its fault names no address, and it is sent once."""
    round_ = Round(office, f"smtp://{server}")
    round_.go()
    ask(office)
    post.answer = "451 not now, vera@example.org"
    round_.go()
    (job,) = round_.units.read(lambda unit: unit.jobs.list())
    assert (job.attempts, job.kind) == (1, LETTER)
    assert job.fault == "the mail server does not answer: SMTPDataError, with 451"
    post.answer = "250 OK"
    round_.go()
    assert post.got == [], "it pauses"
    round_.time += timedelta(minutes=1)
    round_.go()
    round_.go()
    assert len(post.got) == 1
    assert round_.units.read(lambda unit: unit.jobs.list()) == []


def test_a_server_that_dies_while_it_sends_does_not_send_again(
    office: Office, server: str, post: Post
) -> None:
    """A letter of which nobody knows whether it was sent is not sent a second time."""
    round_ = Round(office, f"smtp://{server}")
    round_.go()
    ask(office)

    class Killed(BaseException):
        """What a killed process does not catch."""

    def die(message: EmailMessage) -> None:
        make_sender(f"smtp://{server}")(message)
        raise Killed

    mail = Mail(**{**vars(round_.mail), "send": die})
    with pytest.raises(Killed):
        mail.deliver(office.id_of("Vera"))
    round_.time += timedelta(hours=1)
    round_.go()
    assert len(post.got) == 1


def test_a_deadline_that_comes_near_is_told(office: Office, server: str, post: Post) -> None:
    """A waiver that ends is told a week before, and when it has ended, though nothing happens in the log."""
    waiver = office.waive("2026-01-20T00:00:00Z")
    office.decide("Vera")
    office.decide("Vera", waiver=waiver)
    office.promote()
    Preferences(office.trust("Olga")).mail("olga@example.org")
    round_ = Round(office, f"smtp://{server}")
    for day in range(1, 31):
        round_.time = datetime(2026, 1, day, 12, tzinfo=UTC)
        round_.go()
    to_olga = [letter.get_content() for letter in post.got if letter["To"] == "olga@example.org"]  # type: ignore[attr-defined] # as above
    assert ["overdue: " in one for one in to_olga] == [False, True]
    assert all("the waiver of measured runs out, due 2026-01-20" in one for one in to_olga)


# ---- the mail server


def trust(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def make_server_context(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def write_mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "hi"
    message.set_content("hello")
    return message


def test_tls_and_a_password(post: Post, tmp_path: Path) -> None:
    """With smtps, mail and password go over TLS, to a server whose certificate is trusted and no other."""
    context, certificate = make_server_context(tmp_path)
    controller = Controller(
        post,
        hostname="127.0.0.1",
        port=find_port(),
        ssl_context=context,
        authenticator=post.let_in,
        auth_require_tls=False,
    )
    controller.start()
    url = f"smtps://127.0.0.1:{controller.port}"
    with pytest.raises(ssl.SSLError):
        make_sender(url, "ada", "pw")(write_mail())
    make_sender(url, "ada", "pw", context=trust(certificate))(write_mail())
    controller.stop()
    assert ([one["Subject"] for one in post.got], post.users) == (["hi"], ["ada:pw"])


def test_nothing_is_sent_in_the_clear_to_another_machine(
    server: str, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a server elsewhere that does not offer TLS nothing is sent, neither mail nor password."""
    monkeypatch.setattr("muniment.server.mail._is_here", lambda _host: False)
    with pytest.raises(Exception, match="STARTTLS"):
        make_sender(f"smtp://{server}", "ada", "pw")(write_mail())
    assert (post.got, post.users) == ([], [])


def test_starttls_is_used_elsewhere(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a server elsewhere, a connection in the clear switches to TLS before anything is sent."""
    monkeypatch.setattr("muniment.server.mail._is_here", lambda _host: False)
    context, certificate = make_server_context(tmp_path)
    for address in listen(post, tls_context=context, require_starttls=True):
        make_sender(f"smtp://{address}", context=trust(certificate))(write_mail())
    assert [one["Subject"] for one in post.got] == ["hi"]


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://mail.example.org", "a@example.org"),
        ("smtp://user:pw@mail.example.org", "a@example.org"),
        ("smtp://mail.example.org:port", "a@example.org"),
        ("smtp://mail.example.org/path", "a@example.org"),
        ("smtps://", "a@example.org"),
        ("smtp://mail.example.org", ""),
        ("smtp://mail.example.org", "a@example.org\r\nBcc: b@example.org"),
    ],
)
def test_settings_that_name_no_mail_server(office: Office, url: str, sender: str) -> None:
    """A URL with a password or of another form, or a sender that is no address, is refused at the start."""
    settings = ServerSettings.load(smtp_url=url, smtp_from=sender)
    letters = Round(office, "smtp://127.0.0.1:25").letters
    with pytest.raises(InvalidSetting):
        make_mail(settings, letters, lambda: datetime.now(UTC), "x")


def test_a_server_that_is_away_is_a_fault(office: Office) -> None:
    """A mail server that does not answer is reported as unreachable, and the letter waits."""
    round_ = Round(office, f"smtp://127.0.0.1:{find_port()}")
    round_.go()
    ask(office)
    with pytest.raises(RegistryUnreachable, match="the mail server"):
        round_.mail.deliver(office.id_of("Vera"))


def test_a_server_with_a_mail_server_sends_mail(tmp_path: Path, server: str, post: Post) -> None:
    """With the settings of a mail server, the jobs of a server send what is new."""
    settings = ServerSettings.load(
        data=tmp_path / "data", smtp_url=f"smtp://{server}", smtp_from="registry@example.org", scan=False
    )
    opened = open_served(settings)
    assert opened.jobs._handlers[MAIL]("") == 0, "nobody asked for mail"
    opened.close()
    without = open_served(ServerSettings.load(data=tmp_path / "data", scan=False))
    assert MAIL not in without.jobs._handlers
    without.close()
    assert post.got == []
