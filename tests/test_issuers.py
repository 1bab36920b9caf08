"""OpenID Connect issuers that fail, lie or change their keys, and tokens with one fault each."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc import jwk, jwt

from muniment.core.addresses import AllowedAddresses
from muniment.core.errors import LoginRefused
from muniment.server.oidc import Issuers
from muniment.testing.backends import refuses

pytestmark = pytest.mark.slow

LOCAL = AllowedAddresses.read("127.0.0.1")
AUDIENCE = "muniment.dev/registry"


class Issuer:
    """An issuer on this machine, which answers what it is told to."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                answer = issuer.answers.get(self.path)
                self.send_response(404 if answer is None else 200)
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.key = jwk.ECKey.generate_key("P-256")
        self.tell({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"})
        self.change_key(self.key)

    def tell(self, configuration: object) -> None:
        """Answer with a configuration."""
        self.answers["/.well-known/openid-configuration"] = json.dumps(configuration).encode()

    def change_key(self, key: jwk.ECKey) -> None:
        """Sign with another key from now on."""
        self.key = key
        self.answers["/jwks"] = json.dumps({"keys": [key.as_dict(private=False)]}).encode()

    def sign(self, **changed: object) -> str:
        """Sign a token that is right, but for what is changed; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "job", "iat": now, "exp": now + 600, **changed}
        return jwt.encode(
            {"alg": "ES256"}, {name: value for name, value in claims.items() if value is not None}, self.key
        )

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Run an issuer."""
    issuer = Issuer()
    yield issuer
    issuer.close()


def test_a_token_that_is_right_is_read(issuer: Issuer) -> None:
    """A valid token is read, also with several audiences, and the issuer's keys are cached."""
    issuers = Issuers(LOCAL)
    for audience in (AUDIENCE, ["another", AUDIENCE]):
        assert issuers.verify(issuer.sign(aud=audience), issuer.url, AUDIENCE)["sub"] == "job"
    assert Issuers.read(issuer.sign()) == issuer.url
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": -3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 3600},
        {"aud": "another"},
        {"aud": []},
        {"aud": None},
        {"iss": "https://another.example"},
        {"iss": None},
        {"nonce": "of another login"},
        {"nonce": None},
    ],
    ids=str,
)
def test_a_token_that_is_right_but_for_one_thing_is_refused(
    issuer: Issuer, changed: dict[str, object]
) -> None:
    """A token with a wrong time, audience, issuer or nonce is refused."""
    issuers, right = Issuers(LOCAL), {"nonce": "n"}
    assert issuers.verify(issuer.sign(**right), issuer.url, AUDIENCE, nonce="n")
    # Times are told from now.
    now = int(time.time())
    moved = {name: now + value if isinstance(value, int) else value for name, value in changed.items()}
    token = issuer.sign(**{**right, **moved})
    refuses(lambda: issuers.verify(token, issuer.url, AUDIENCE, nonce="n"), LoginRefused)


def test_an_issuer_may_change_its_keys(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """New keys of an issuer are fetched, but unknown keys do not cause a request each time."""
    issuers = Issuers(LOCAL)
    issuers.verify(issuer.sign(), issuer.url, AUDIENCE)
    issuer.change_key(jwk.ECKey.generate_key("P-256"))
    refuses(lambda: issuers.verify(issuer.sign(), issuer.url, AUDIENCE), LoginRefused)
    assert issuer.asked == 2, "it was asked a moment ago"
    monkeypatch.setattr("muniment.server.oidc._REST_S", 0.0)
    assert issuers.verify(issuer.sign(), issuer.url, AUDIENCE)
    assert issuer.asked == 4


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", b"no JSON"),
        ("/.well-known/openid-configuration", b"[]"),
        ("/.well-known/openid-configuration", b"{}"),
        ("/.well-known/openid-configuration", b'"' + b"x" * (2 << 20) + b'"'),
        ("/.well-known/openid-configuration", b'{"issuer": "https://another.example"}'),
        ("/jwks", b"no JSON"),
        ("/jwks", b"{}"),
        ("/jwks", b'{"keys": 1}'),
        ("/jwks", b'{"keys": [1]}'),
        ("/jwks", b'{"keys": ["x"]}'),
        ("/jwks", b'{"keys": [{"kty": "RSA", "n": 1, "e": [2]}]}'),
        ("/jwks", b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}'),
        ("/jwks", b'{"keys": [{"kty": "EC"}]}'),
        ("/jwks", b'{"keys": []}'),
    ],
)
def test_an_issuer_that_errs_lets_nobody_in(issuer: Issuer, path: str, answer: bytes) -> None:
    """A faulty answer of an issuer is a refusal."""
    issuer.answers[path] = answer
    refuses(lambda: Issuers(LOCAL).verify(issuer.sign(), issuer.url, AUDIENCE), LoginRefused)


def test_an_issuer_leads_nowhere_else(issuer: Issuer) -> None:
    """Keys are fetched over TLS or from this machine only, and a missing issuer lets nobody in."""
    issuer.tell({"issuer": issuer.url, "jwks_uri": "http://169.254.169.254/latest"})
    refuses(lambda: Issuers(LOCAL).verify(issuer.sign(), issuer.url, AUDIENCE), LoginRefused)
    issuer.answers.clear()
    refuses(lambda: Issuers(LOCAL).verify(issuer.sign(), issuer.url, AUDIENCE), LoginRefused)
