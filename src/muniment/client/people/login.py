"""Sign in: get a token for this machine, and enrol its key for its owner."""

import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from muniment.capture.clock import now
from muniment.client.connection.browser import wait_for_browser
from muniment.client.connection.credentials import Credentials
from muniment.client.connection.locations import read_server
from muniment.client.connection.settings import Settings
from muniment.client.connection.transport import API, Transport
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.remote import open_remote
from muniment.core.errors import InvalidKey, LoginRefused, ReceiptMismatch
from muniment.core.payloads import Payload
from muniment.core.people.tokens import PREFIX, id_of, make_token
from muniment.core.receipts import Receipt
from muniment.core.records import TokenRecord
from muniment.core.times import write_time
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.people import BeginSession, Person
from muniment.core.verbs.verb import name_of
from muniment.signing.keys import Identity

_SESSION: Final = timedelta(days=30)
_WORKLOAD: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A login: the server, the person, and the key of this machine."""

    location: str
    person: Person
    identity: Identity


def login(
    link: str, *, name: str, settings: Settings | None = None, show: Callable[[str], object] = webbrowser.open
) -> SignedIn:
    """Sign in with an invitation link from an admin or from the server's first start.

    With the bare URL of a server, sign in through its identity provider: `show` receives the address to open
    in a browser.

    The machine's key (MUNIMENT_IDENTITY, or a new one that is saved beside the token) is enrolled, so its
    signatures count from now on.

    Raises:
        InvalidLocation: it is not the URL of a server.
        LoginRefused: the link has no token, or the invitation is used up.
        BadToken: the invitation is no longer valid.
        Untrusted: the server's log is not the one seen before, or its receipt is for something else.
    """
    settings = settings or Settings.read()
    if "#" not in link:
        link = ask_invitation(link, show)
    location, invitation = split_link(link)
    credentials = Credentials(directory=settings.state)
    identity = _load_identity(settings, credentials)
    token = make_token()
    expires = write_time(now() + _SESSION)
    command = BeginSession(
        public_key=identity.public.pem, token=id_of(token), name=Payload.of(name), expires=expires
    )
    guest = open_remote(location, invitation, settings.state)
    try:
        shown = Credential(TokenRecord, id_of(invitation))
        memory = DirectoryMemory(settings.state, location)
        receipt = TrustedBackend(guest, memory, location, credential=shown).execute(command)
    finally:
        guest.close()
    person = _check_session(location, token, identity, receipt, settings)
    credentials.keep(location, token)
    return SignedIn(location=location, person=person, identity=identity)


def ask_invitation(location: str, show: Callable[[str], object]) -> str:
    """Log in through a server's identity provider; return the link of the resulting invitation.

    Raises:
        InvalidLocation: it is not the URL of a server.
        BrowserLost: the browser does not come back.
        LoginRefused: the browser brings no invitation.
    """
    read_server(location)
    location = location.rstrip("/")

    def make_address(port: int, state: str) -> str:
        return f"{location}/login/start?{urlencode({'port': port, 'state': state})}"

    brought = wait_for_browser(make_address, show)
    if "token" not in brought:
        raise LoginRefused(reason="the browser brought no invitation")
    return f"{location}/login#{brought['token']}"


def login_workload(
    location: str, proof: str, *, name: str, settings: Settings | None = None
) -> tuple[str, Identity, Receipt]:
    """Sign in a job with the identity token of its platform; return its token, its new key and the receipt.

    The token and the key last 15 minutes, and are not saved.

    Raises:
        LoginRefused: the registry does not trust the job.
        Untrusted: as for `login`.
    """
    identity, token, label = Identity.generate(), make_token(), Payload.of(name)
    body: Mapping[str, object] = {
        "identity": proof,
        "public_key": identity.public.pem.decode(),
        "token": id_of(token),
        "name": {"salt": label.salt, "text": label.text},
        "expires": write_time(now() + _WORKLOAD),
    }
    transport = Transport(location.rstrip("/"), None)
    try:
        answer = transport.call("POST", f"{API}/sessions/workload", body=body)
    finally:
        transport.close()
    receipt = msgspec.json.decode(answer, type=Receipt)
    _check_session(location.rstrip("/"), token, identity, receipt, settings or Settings.read())
    return token, identity, receipt


def logout(location: str, settings: Settings | None = None) -> None:
    """Forget the token for a server.

    Raises:
        InvalidLocation: it is not the URL of a server.
    """
    settings = settings or Settings.read()
    read_server(location)
    Credentials(directory=settings.state).keep(location.rstrip("/"), None)


def split_link(link: str) -> tuple[str, str]:
    """Split an invitation link into the server's URL and the token behind the #.

    Raises:
        LoginRefused: the link has no token.
        InvalidLocation: it is not the URL of a server.
    """
    address, _, token = link.partition("#")
    read_server(address)
    if not token.startswith(PREFIX):
        remedy = "copy the whole invitation: muniment login 'https://HOST/login#mun_...'"
        raise LoginRefused(reason="the link has no token behind its #", remedy=remedy)
    return address.removesuffix("/").removesuffix("/login"), token


def _load_identity(settings: Settings, credentials: Credentials) -> Identity:
    path = settings.identity or credentials.identity
    if not path.exists():
        if settings.identity is not None:
            remedy = "name the key with MUNIMENT_IDENTITY, or unset it: login then makes one"
            raise InvalidKey(reason=f"{path}: no such file", remedy=remedy)
        Identity.generate().save(path, settings.passphrase)
    return Identity.load(path, settings.passphrase)


def _check_session(
    location: str, token: str, identity: Identity, receipt: Receipt, settings: Settings
) -> Person:
    """Check that a session enrolled our key, for us; the invitation, which is used up, can no longer ask.

    Return whom our token belongs to, as the log says.

    Raises:
        ReceiptMismatch: it enrolled another one.
        RecordUnproven: the registry says so, and its log does not.
    """
    backend = open_remote(location, token, settings.state)
    try:
        credential = Credential(TokenRecord, id_of(token))
        memory = DirectoryMemory(settings.state, location)
        trusted = TrustedBackend(backend, memory, location, credential=credential)
        person, leaf = trusted.find_self(), trusted.ask(GetProof(index=receipt.index)).leaf
    finally:
        backend.close()
    if identity.public.id not in {key.id for key in person.keys} or leaf != receipt.leaf:
        event, name = receipt.event.type, name_of(BeginSession)
        reason = "does more or less than that"
        raise ReceiptMismatch(command=name, index=receipt.index, event=event, reason=reason)
    return person
