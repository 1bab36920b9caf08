"""Log in people through an OpenID Connect provider (authorization code with PKCE and nonce).

The command line listens on a local port and sends the browser here. The browser goes on to the provider, back
here, and to that port with a one-time invitation (RFC 8252 7.3). The state of the login travels with the
browser, encrypted, so any replica can complete it.
"""

import base64
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import structlog
from anyio import to_thread
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from cryptography.fernet import Fernet, InvalidToken
from requests.exceptions import RequestException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from muniment.core.addresses import redact_all
from muniment.core.errors import InvalidBody, LoginRefused
from muniment.server.oidc import Issuers
from muniment.services.serving.registry import ServedRegistry

_log = structlog.get_logger("muniment.logins")
_COOKIE: Final = "muniment_login"
_PATIENCE_S: Final = 600
_TIMEOUT_S: Final = 10
_MAX_STATE_CHARACTERS: Final = 200
_PORT: Final = re.compile(r"[0-9]{4,5}")
_PORTS: Final = range(1024, 65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The identity provider of people, and the registry's client id and secret there."""

    issuer: str
    client_id: str
    client_secret: str


def make_routes(registry: ServedRegistry, issuers: Issuers, provider: Provider, address: str) -> list[Route]:
    """Make the login routes of a registry at an address."""
    return Logins(registry, issuers, provider, address).routes()


class Logins:
    """The login routes of a registry."""

    def __init__(self, registry: ServedRegistry, issuers: Issuers, provider: Provider, address: str) -> None:
        """Prepare logins to a registry at an address."""
        self._registry = registry
        self._issuers = issuers
        self._provider = provider
        self._address = address
        # All replicas derive the same key.
        secret = registry.keys.log.identity.derive("muniment login state v1")
        self._box = Fernet(base64.urlsafe_b64encode(secret))

    def routes(self) -> list[Route]:
        """List the routes."""
        return [Route("/login/start", self._start), Route("/login/callback", self._come_back)]

    async def _start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        port, state = request.query_params.get("port", ""), request.query_params.get("state", "")
        number = int(port) if _PORT.fullmatch(port) else 0
        if number not in _PORTS or not 0 < len(state) <= _MAX_STATE_CHARACTERS:
            raise InvalidBody(reason="start the login with `muniment login`")
        verifier, nonce, browser = (secrets.token_urlsafe(48) for _ in range(3))
        travels = {
            "port": number,
            "state": state,
            "verifier": verifier,
            "nonce": nonce,
            "browser": browser,
        }
        sealed = self._box.encrypt(json.dumps(travels).encode()).decode()
        configuration = await to_thread.run_sync(self._issuers.configuration, self._provider.issuer)
        url, _ = self._session().create_authorization_url(
            str(configuration["authorization_endpoint"]), state=sealed, nonce=nonce, code_verifier=verifier
        )
        answer = RedirectResponse(url, 302)
        secure = self._address.startswith("https://")
        # Only the browser that began may complete the login: nobody can log somebody else in as themselves.
        answer.set_cookie(
            _COOKIE, browser, max_age=_PATIENCE_S, path="/login", secure=secure, httponly=True, samesite="lax"
        )
        return answer

    async def _come_back(self, request: Request) -> Response:
        """Verify the provider's answer, and send the browser to the waiting port."""
        travels = self._unseal(request)
        if "error" in request.query_params:
            raise LoginRefused(reason="the provider refused the login")
        claims = await to_thread.run_sync(self._redeem, request.query_params.get("code", ""), travels)
        name = str(claims.get("name") or claims.get("preferred_username") or claims.get("email") or "")
        invitation = await to_thread.run_sync(
            self._registry.admit_person, self._provider.issuer, str(claims["sub"]), name
        )
        query = urlencode({"state": travels["state"], "token": invitation})
        answer = RedirectResponse(f"http://127.0.0.1:{travels['port']}/?{query}", 302)
        answer.headers["referrer-policy"] = "no-referrer"
        answer.delete_cookie(_COOKIE, path="/login")
        return answer

    def _unseal(self, request: Request) -> dict[str, object]:
        try:
            sealed = request.query_params.get("state", "").encode()
            travels: dict[str, object] = json.loads(self._box.decrypt(sealed, ttl=_PATIENCE_S))
        except InvalidToken as error:
            raise LoginRefused(reason="the login took too long or did not begin here") from error
        shown = request.cookies.get(_COOKIE, "")
        if not hmac.compare_digest(shown.encode(), str(travels["browser"]).encode()):
            raise LoginRefused(reason="another browser began this login")
        return travels

    def _redeem(self, code: str, travels: dict[str, object]) -> dict[str, object]:
        """Exchange the code for an identity token, and verify the token."""
        configuration = self._issuers.configuration(self._provider.issuer)
        try:
            tokens = self._session().fetch_token(
                str(configuration["token_endpoint"]),
                grant_type="authorization_code",
                code=code,
                code_verifier=str(travels["verifier"]),
                timeout=_TIMEOUT_S,
            )
        except (OAuthError, RequestException) as error:
            _log.warning("login failed", fault=redact_all(str(error)))
            raise LoginRefused(reason="the provider did not accept the code") from error
        return self._issuers.verify(
            str(tokens.get("id_token")),
            self._provider.issuer,
            self._provider.client_id,
            nonce=str(travels["nonce"]),
        )

    def _session(self) -> OAuth2Session:
        return OAuth2Session(
            self._provider.client_id,
            self._provider.client_secret,
            scope="openid profile email",
            redirect_uri=f"{self._address}/login/callback",
            code_challenge_method="S256",
            # Without a secret it is a public client, which only PKCE protects (RFC 7636).
            token_endpoint_auth_method="client_secret_basic" if self._provider.client_secret else "none",
        )
