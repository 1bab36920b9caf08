"""Passkeys: a real browser signs with an authenticator, and the signature verifies offline."""

import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue

import cbor2
import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from playwright.sync_api import Page, expect, sync_playwright

import muniment
from muniment import UncountedApproval
from muniment.client.claims.signers import PasskeySigner
from muniment.client.connection.settings import Settings
from muniment.client.people.login import login
from muniment.client.sdk.registry import Registry
from muniment.client.versions.exporting import verify_export
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import APPROVAL, PAYLOAD_TYPE
from muniment.core.errors import (
    BadSignature,
    BrowserLost,
    InvalidKey,
)
from muniment.core.events import AttestationRecorded
from muniment.core.people.callers import Assurance
from muniment.core.receipts import Receipt
from muniment.signing.assertions import read_registration
from muniment.signing.bundle import Bundle, verify_bundle
from muniment.signing.dsse import encode_for_signing
from muniment.signing.keys import PublicKey
from muniment.signing.passkeys import Passkey, encode_base64url, party_of, write_signature
from muniment.testing.backends import refuses
from muniment.testing.live import LiveServer, run_server
from muniment.testing.servers import find_port

ORIGIN = "https://registry.example.org"
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"t",'
    b'"subject":[{"digest":{"sha256":"' + b"0" * 64 + b'"}}]}'
)
CHROMIUM = shutil.which("chromium")
UP, UV, AT = 0x01, 0x04, 0x40


# ---- an authenticator in software


def number(value: int, size: int = 32) -> bytes:
    return value.to_bytes(size, "big")


@dataclass
class Authenticator:
    """Makes one credential and signs with it (W3C WebAuthn 6): what it says can be made wrong."""

    kind: str = "es256"
    party: str = "registry.example.org"
    origin: str = ORIGIN
    said_origin: str = ""
    flags: int = UP | UV
    credential: bytes = field(default_factory=lambda: b"\x01" * 16)

    def __post_init__(self) -> None:
        """Make its key."""
        self.key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
        if self.kind == "es256":
            made = ec.generate_private_key(ec.SECP256R1())
            point = made.public_key().public_numbers()
            self.key, self.cose = made, {1: 2, 3: -7, -1: 1, -2: number(point.x), -3: number(point.y)}
        elif self.kind == "eddsa":
            signing = ed25519.Ed25519PrivateKey.generate()
            self.key = signing
            self.cose = {1: 1, 3: -8, -1: 6, -2: signing.public_key().public_bytes_raw()}
        else:
            large = rsa.generate_private_key(65537, 2048)
            numbers = large.public_key().public_numbers()
            self.key, self.cose = large, {1: 3, 3: -257, -1: number(numbers.n, 256), -2: b"\x01\x00\x01"}

    @property
    def passkey(self) -> Passkey:
        """Its public half, as the registry keeps it."""
        key = encode_base64url(cbor2.dumps(self.cose))
        return Passkey(origin=self.origin, credential=encode_base64url(self.credential), key=key)

    def client_data(self, kind: str, challenge: bytes) -> bytes:
        said = {
            "type": kind,
            "challenge": encode_base64url(challenge),
            "origin": self.said_origin or self.origin,
        }
        return json.dumps({**said, "crossOrigin": False}).encode()

    def data(self, more: bytes = b"", flags: int = 0) -> bytes:
        party = hashlib.sha256(self.party.encode()).digest()
        return party + struct.pack(">BI", self.flags | flags, 7) + more

    def sign(self, challenge: bytes, kind: str = "webauthn.get") -> bytes:
        """Answer `navigator.credentials.get`."""
        client, data = self.client_data(kind, challenge), self.data()
        message = data + hashlib.sha256(client).digest()
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        elif isinstance(self.key, ed25519.Ed25519PrivateKey):
            signature = self.key.sign(message)
        else:
            signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return write_signature(*map(encode_base64url, (data, client, signature)))

    def register(self, challenge: bytes, kind: str = "webauthn.create") -> JsonObject:
        """Answer `navigator.credentials.create`."""
        made = b"\0" * 16 + struct.pack(">H", len(self.credential)) + self.credential
        data = self.data(made + cbor2.dumps(self.cose), AT)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encode_base64url(self.client_data(kind, challenge)),
            "attestationObject": encode_base64url(attestation),
        }
        name = encode_base64url(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def challenge_of(payload: bytes) -> bytes:
    return hashlib.sha256(encode_for_signing(PAYLOAD_TYPE, payload)).digest()


def bundle_of(authenticator: Authenticator, payload: bytes = STATEMENT, kind: str = "webauthn.get") -> Bundle:
    signature = authenticator.sign(challenge_of(payload), kind)
    key = PublicKey.read(authenticator.passkey.write())
    return Bundle(payload=payload, signature=signature, key_id=key.id)


@pytest.mark.parametrize("kind", ["es256", "eddsa", "rs256"])
def test_what_a_passkey_signs_verifies(kind: str) -> None:
    """A signature by a passkey verifies with its key, and an altered statement or signature does not."""
    authenticator = Authenticator(kind)
    key = PublicKey.read(authenticator.passkey.write())
    bundle = Bundle.decode(bundle_of(authenticator).encode())
    assert verify_bundle(bundle, key).predicate_type == "t"
    assert PublicKey.read(key.pem).id == key.id == hashlib.sha256(key.pem).hexdigest()
    other = STATEMENT.replace(b'"t"', b'"u"')
    parts = json.loads(bundle.signature)
    for altered in (
        replace(bundle, payload=other),
        replace(bundle, signature=b""),
        replace(bundle, signature=b"{}"),
        replace(bundle, signature=b"\xff"),
        replace(bundle, signature=b"[" * 5000),
        replace(bundle, signature=json.dumps({**parts, "signature": parts["clientDataJSON"]}).encode()),
        replace(bundle, signature=json.dumps({**parts, "signature": 1}).encode()),
        replace(bundle, signature=json.dumps({**parts, "userHandle": "x"}).encode()),
    ):
        with pytest.raises(BadSignature):
            verify_bundle(altered, key)


@pytest.mark.parametrize(
    "wrong",
    [
        {"said_origin": "https://registry.example.org.evil.example"},
        {"said_origin": "http://registry.example.org"},
        {"party": "evil.example"},
        {"flags": UP},
        {"flags": UV},
    ],
    ids=["another origin", "no TLS", "another party", "user not verified", "user not there"],
)
def test_what_was_signed_otherwise_is_no_signature(wrong: dict[str, object]) -> None:
    """A wrong origin or party, or a missing user, is refused in signatures and registrations."""
    authenticator = replace(Authenticator(), **wrong)  # type: ignore[arg-type] # each of its own type
    key = PublicKey.read(authenticator.passkey.write())
    with pytest.raises(BadSignature):
        verify_bundle(bundle_of(authenticator), key)
    challenge = b"c" * 32
    with pytest.raises(InvalidKey):
        read_registration(authenticator.register(challenge), challenge, ORIGIN)


def test_a_registration_is_no_signature_nor_the_other_way_round() -> None:
    """A registration is no signature, a signature is no registration, and each has its challenge."""
    authenticator = Authenticator()
    key = PublicKey.read(authenticator.passkey.write())
    with pytest.raises(BadSignature):
        verify_bundle(bundle_of(authenticator, kind="webauthn.create"), key)
    with pytest.raises(InvalidKey):
        read_registration(authenticator.register(b"c" * 32, "webauthn.get"), b"c" * 32, ORIGIN)
    with pytest.raises(InvalidKey):
        read_registration(authenticator.register(b"c" * 32), b"d" * 32, ORIGIN)
    assert read_registration(authenticator.register(b"c" * 32), b"c" * 32, ORIGIN) == authenticator.passkey


def test_another_passkey_does_not_pass_for_it() -> None:
    """A signature by another passkey under the id of the key is refused."""
    mine, other = Authenticator(), Authenticator()
    key = PublicKey.read(mine.passkey.write())
    with pytest.raises(BadSignature):
        verify_bundle(replace(bundle_of(other), key_id=key.id), key)


@pytest.mark.parametrize(
    "line",
    [
        b"webauthn ",
        b"webauthn https://a.example AAAA",
        b"webauthn https://a.example AAAA AAAA AAAA",
        b"webauthn https://a.example A=== AAAA",
        b"webauthn https://a.example AAAA !!!!",
        b"webauthn https://a.example AAAA AB",
        b"webauthn http://a.example AAAA AAAA",
        b"webauthn https://a.example/ AAAA AAAA",
        b"webauthn https://a@a.example:x AAAA AAAA",
        b"webauthn https://\xff AAAA AAAA",
    ],
)
def test_a_line_that_is_no_passkey(line: bytes) -> None:
    """A malformed passkey line is refused."""
    with pytest.raises(InvalidKey):
        PublicKey.read(line)


@pytest.mark.parametrize(
    ("origin", "party"),
    [
        ("https://a.example", "a.example"),
        ("https://a.example:8443", "a.example"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", None),
        ("https://10.0.0.1", None),
        ("https://[::1]:1", None),
        ("http://a.example", None),
        ("https://", None),
        ("file:///etc", None),
    ],
)
def test_which_origins_have_passkeys(origin: str, party: str | None) -> None:
    """Passkeys need an https origin with a domain name, or localhost."""
    if party is None:
        refuses(lambda: party_of(origin), InvalidKey)
    else:
        assert party_of(origin) == party


# ---- a server, its people, and a browser


@dataclass
class Place:
    """A server with a name, its owner's registry, and what opens it for others."""

    server: LiveServer
    url: str
    owner: Registry
    directory: Path
    spare: dict[str, list[str]] = field(default_factory=dict)

    def sign_in(self, name: str) -> Registry:
        """Give the registry as somebody new sees it."""
        self.owner.people.add(name)
        self.owner.people.grant(name, "validator", "acme")
        # One who has signed in gets no other invitation that can be used at once.
        self.spare[name] = [self.issue(name) for _ in range(4)]
        settings = Settings.read({"MUNIMENT_STATE": str(self.directory / name)})
        login(f"{self.url}/login#{self.invite(name)}", name="laptop", settings=settings)
        return muniment.open(self.url, settings=settings)

    def invite(self, name: str) -> str:
        return self.spare[name].pop()

    def issue(self, name: str) -> str:
        return self.owner.access.issue("invitation", principal=name, days=1, once=True).text

    def post_passkey(self, token: str, registration: JsonObject) -> httpx2.Response:
        response = registration["response"]
        assert isinstance(response, dict)
        body = {
            "id": registration["id"],
            "client_data": response["clientDataJSON"],
            "attestation": response["attestationObject"],
            "name": {"salt": "0" * 32, "text": "blue key"},
        }
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.post(f"{self.url}/api/v1/passkeys", json=body, headers=headers)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server that is reached by a name."""
    directory, port = tmp_path_factory.mktemp("passkeys"), find_port()
    url = f"http://localhost:{port}"
    with run_server(directory / "server", {"MUNIMENT_PUBLIC_URL": url}, port=port) as server:
        settings = Settings.read({"MUNIMENT_STATE": str(directory / "founder")})
        login(f"{url}/login#{server.invitation}", name="desk", settings=settings)
        with muniment.open(url, settings=settings) as owner:
            model = directory / "model"
            model.mkdir()
            (model / "weights.bin").write_bytes(b"weights")
            for name in ("acme/x", "acme/y"):
                owner.push(model, name)
            rule: JsonObject = {"rule": "approvals", "validator": 1, "assurance": ["passkey"]}
            owner.policies.set("acme/*", "production", {"vouching": "any", "rules": [rule]}, reason="agreed")
            yield Place(server, url, owner, directory)


@pytest.mark.slow
def test_a_passkey_is_enrolled_by_an_invitation_only(place: Place) -> None:
    """Only an unused invitation of its own enrols a person's passkey; sessions and admins cannot."""
    ursula = place.sign_in("Ursula")
    authenticator = Authenticator(party="localhost", origin=place.url)
    credentials = json.loads((place.directory / "Ursula" / "tokens.json").read_text())
    session, invitation, other = credentials[place.url], place.invite("Ursula"), place.invite("Ursula")

    def made_for(token: str) -> JsonObject:
        return authenticator.register(hashlib.sha256(token.encode()).digest())

    assert place.post_passkey(session, made_for(session)).json()["code"] == "login_refused"
    assert place.post_passkey(invitation, made_for(other)).json()["code"] == "invalid_key"
    assert place.post_passkey("mun_unknown", made_for("mun_unknown")).json()["code"] == "bad_token"
    elsewhere = replace(authenticator, said_origin="http://localhost:1")
    wrong = elsewhere.register(hashlib.sha256(invitation.encode()).digest())
    assert place.post_passkey(invitation, wrong).json()["code"] == "invalid_key"
    done = place.post_passkey(invitation, made_for(invitation))
    assert done.status_code == 201, done.text
    assert place.post_passkey(invitation, made_for(invitation)).json()["code"] == "bad_token"
    keys = {key.assurance: key for key in ursula.people.me().keys}
    assert keys["passkey"].public_key.startswith(f"webauthn {place.url} ")
    assert dict(ursula.people.me().machines)[keys["passkey"].id] == "blue key"
    line = authenticator.passkey.write()
    refuses(lambda: place.owner.people.enrol("Ursula", PublicKey.read(line)), InvalidKey)
    ursula.close()


def test_in_a_directory_nobody_has_a_passkey(registry: Registry, model: Path) -> None:
    """Enrolling a passkey in an embedded registry is refused, because there is no page for it."""
    version = registry.push(model, "acme/x")
    registry.policies.set(
        "acme/x", "production", {"rules": [{"rule": "approvals", "validator": 1}]}, reason="agreed"
    )
    refuses(lambda: version.approve("production", "validator", "x", signer=PasskeySigner(print)), InvalidKey)


@pytest.fixture
def page() -> Iterator[Page]:
    """Give a page of a browser that has an authenticator."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        opened = context.new_page()
        devtools = context.new_cdp_session(opened)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield opened
        browser.close()


def make_passkey(page: Page, place: Place, name: str) -> None:
    page.goto(f"{place.url}/login#{place.invite(name)}")
    assert Axe().run(page).violations_count == 0
    assert "#" not in page.url, "an invitation does not stay in the history"
    page.get_by_label("A name to recognise it by").fill("blue key")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("status")).to_contain_text(f"enrolled for {name}")


def while_the_browser_signs(act: Callable[[PasskeySigner], Receipt], drive: Callable[[str], None]) -> Receipt:
    """Do something that opens a browser, and be its user meanwhile."""
    addresses: Queue[str] = Queue()
    with ThreadPoolExecutor(1) as pool:
        done: Future[Receipt] = pool.submit(act, PasskeySigner(addresses.put))
        drive(addresses.get(timeout=30))
        return done.result(60)


@pytest.mark.slow
@pytest.mark.foreign
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_an_approval_by_passkey(place: Place, page: Page) -> None:
    """Vera enrols a passkey and approves with it, which meets the gate and verifies from an export alone."""
    version = place.owner.version("acme/x@1")
    vera = place.sign_in("Vera")
    make_passkey(page, place, "Vera")
    theirs = vera.version("acme/x@1")
    with pytest.warns(UncountedApproval, match="known only by session"):
        theirs.approve("production", "validator", "with the key of the laptop")
    assert "known only by session" in str(version.check("production").failures)
    theirs.withdraw("production", "again, with the passkey")

    def sign(address: str) -> None:
        page.goto(address)
        expect(page.get_by_role("heading")).to_have_text("You are about to approve acme/x@1")
        for fact in ("production", "validator", "Tested on <b>2025</b>", "approval"):
            expect(page.get_by_role("table")).to_contain_text(fact)
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Sign with your passkey").click()
        page.get_by_text("Done. You can close this page.").wait_for()

    receipt = while_the_browser_signs(
        lambda signer: theirs.approve("production", "validator", "Tested on <b>2025</b>", signer=signer), sign
    )
    assert receipt.read(AttestationRecorded).assurance is Assurance.PASSKEY
    assert version.check("production").passed
    place.owner.promote(version, "production")
    assert all(check.passed for check in version.verify())
    said = place.owner.export("acme/x@production", place.directory / "x.tar")
    _, checks = verify_export(place.directory / "x.tar", verifier=said.verifier)
    assert [check.what for check in checks if not check.passed] == []
    claim = next(
        c for c in version.claims(APPROVAL) if c.digest == receipt.read(AttestationRecorded).attestation
    )
    assert claim.predicate["decision"] == "approve"
    vera.close()


@pytest.mark.slow
@pytest.mark.foreign
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_what_a_browser_does_not_sign(place: Place, page: Page) -> None:
    """A declined request signs nothing, and the page refuses statements that are not decisions."""
    wanda = place.sign_in("Wanda")
    theirs = wanda.version("acme/y@1")
    refuses(lambda: theirs.approve("production", "validator", "x", signer=PasskeySigner(print)), InvalidKey)
    make_passkey(page, place, "Wanda")

    def decline(address: str) -> None:
        page.goto(address)
        page.get_by_role("button", name="Do not sign").click()
        page.get_by_text("Done. You can close this page.").wait_for()

    def reject(signer: PasskeySigner) -> Receipt:
        return theirs.reject("production", "validator", "not tested", signer=signer)

    def withdraw_by_command(drive: Callable[[str], None]) -> str:
        """Type `muniment withdraw --passkey`, and open the address that it prints."""
        command = ["withdraw", "acme/y@1", "--for", "production", "--reason", "tested"]
        state = str(place.directory / "Wanda")
        given = {**os.environ, "MUNIMENT_STATE": state, "MUNIMENT_URL": place.url, "BROWSER": "true"}
        program = str(Path(sys.executable).with_name("muniment"))
        with subprocess.Popen(
            [program, *command, "--passkey"],
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            drive(process.stderr.readline().rpartition("go to ")[2].strip())
            output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return output

    with pytest.raises(BrowserLost):
        while_the_browser_signs(reject, decline)

    def swap(address: str) -> None:
        """Another reason, then another statement, then the right one."""
        page.goto(address.replace("not+tested", "tested"))
        expect(page.get_by_role("heading")).to_have_text("This cannot be signed")
        page.goto("about:blank")
        page.goto(f"{place.url}/passkeys/sign#payload={encode_base64url(STATEMENT)}")
        expect(page.get_by_text("This is neither an approval nor a withdrawal")).to_be_visible()
        page.goto("about:blank")
        page.goto(address)
        page.get_by_role("button", name="Sign with your passkey").click()
        page.get_by_text("Done. You can close this page.").wait_for()

    receipt = while_the_browser_signs(reject, swap)
    assert receipt.read(AttestationRecorded).assurance is Assurance.PASSKEY
    assert "rejected" in str(place.owner.version("acme/y@1").check("production").failures)

    def sign(address: str) -> None:
        page.goto(address)
        expect(page.get_by_role("heading")).to_have_text(
            "You are about to withdraw what you signed about acme/y@1"
        )
        expect(page.get_by_role("table")).to_contain_text("tested")
        assert Axe().run(page).violations_count == 0
        page.get_by_role("button", name="Sign with your passkey").click()
        page.get_by_text("Done. You can close this page.").wait_for()

    assert "withdrew" in withdraw_by_command(sign)
    assert "rejected" not in str(place.owner.version("acme/y@1").check("production").failures)
    wanda.close()


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(place: Place) -> None:
    """The pages name no other host and forbid foreign content and framing."""
    for path in ("/login", "/passkeys/sign"):
        answer = httpx2.get(f"{place.url}{path}")
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "//" not in answer.text.replace("<!doctype html>", "")
