"""Fetch the keys of OpenID Connect issuers, and verify their tokens."""

import time
from http import HTTPStatus
from http.client import HTTPException
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from muniment.capture.clock import now
from muniment.core import canonical
from muniment.core.addresses import AllowedAddresses, find_fault
from muniment.core.errors import InvalidDocument, LoginRefused
from muniment.server.outside import call

# Never `none`, and none that are symmetric: the fetched keys are public.
ALGORITHMS: Final = ("RS256", "ES256", "PS256", "RS384", "ES384", "RS512", "ES512", "Ed25519")
_LIVE_S: Final = 300.0
_REST_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 1 << 20
_LEEWAY_S: Final = 30


class Issuers:
    """The configurations and keys of issuers, cached for a while.

    The caller MUST have checked that an admin named the issuer: nobody else may make the server call an
    address.
    """

    def __init__(self, allowed: AllowedAddresses) -> None:
        """Start with an empty cache; call only allowed addresses."""
        self._allowed = allowed
        self._known: dict[str, tuple[float, dict[str, object], KeySet]] = {}

    def configuration(self, issuer: str) -> dict[str, object]:
        """Return an issuer's configuration (OpenID Connect Discovery 1.0).

        Raises:
            LoginRefused: the issuer does not answer, or states another name.
        """
        return self._get(issuer)[0]

    @staticmethod
    def read(token: str) -> str:
        """Read the issuer that a token names, without verifying the token.

        Raises:
            LoginRefused: the token is malformed.
        """
        try:
            claims = canonical.decode(extract_compact(token.encode()).payload)
        except (JoseError, InvalidDocument, ValueError) as error:
            raise LoginRefused(reason="expected a JSON Web Token") from error
        return str(claims.get("iss"))

    def verify(self, token: str, issuer: str, audience: str, **claims: str) -> dict[str, object]:
        """Verify a token, and return its claims.

        (1) one of the issuer's keys made the signature, with an allowed algorithm
        (2) the token has that issuer, that audience and those claims, and is valid now

        Raises:
            LoginRefused: the token is forged, expired, or for another audience.
        """
        payload = self._check_signature(token, issuer)
        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(now().timestamp()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            **{name: {"essential": True, "value": value} for name, value in claims.items()},  # type: ignore[arg-type] # rules
        )
        try:
            rules.validate(payload)
        except JoseError as error:
            raise LoginRefused(reason=f"the token is not valid here ({error.error})") from error
        return payload

    def _check_signature(self, token: str, issuer: str) -> dict[str, object]:
        for last in (False, True):
            try:
                return dict(jwt.decode(token, self._get(issuer)[1], algorithms=list(ALGORITHMS)).claims)
            except (JoseError, ValueError) as error:
                if last:
                    raise LoginRefused(reason="the token is not signed by its issuer") from error
                # The issuer may have rotated its keys: fetch them again, but not for every forgery.
                self._forget(issuer)
        raise LoginRefused(reason="the token is not signed by its issuer")

    def _get(self, issuer: str) -> tuple[dict[str, object], KeySet]:
        known = self._known.get(issuer)
        if known is not None and time.monotonic() - known[0] < _LIVE_S:
            return known[1:]
        configuration = fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", self._allowed)
        if str(configuration.get("issuer")).rstrip("/") != issuer.rstrip("/"):
            raise LoginRefused(reason="the issuer's configuration names another issuer")
        keys = _read_keys(fetch(str(configuration.get("jwks_uri")), self._allowed))
        self._known[issuer] = (time.monotonic(), configuration, keys)
        return configuration, keys

    def _forget(self, issuer: str) -> None:
        known = self._known.get(issuer)
        if known is not None and time.monotonic() - known[0] > _REST_S:
            del self._known[issuer]


def _read_keys(document: dict[str, object]) -> KeySet:
    try:
        return KeySet.import_key_set(document)  # type: ignore[arg-type] # what it cannot take, it raises
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise LoginRefused(reason="the issuer's keys cannot be read") from error


def fetch(url: str, allowed: AllowedAddresses) -> dict[str, object]:
    """Fetch a small JSON document over TLS or from this machine, without following redirects.

    Raises:
        LoginRefused: the address may not be called, does not answer, or does so with no JSON.
    """
    if find_fault(url, allowed, secure=True):
        raise LoginRefused(reason="the issuer's address may not be called")
    try:
        with call("GET", url, allowed, headers={"accept": "application/json"}) as answer:
            if answer.status != HTTPStatus.OK:
                raise LoginRefused(reason="the issuer does not answer")
            data = answer.read(_MAX_ANSWER_BYTES + 1)
        if len(data) > _MAX_ANSWER_BYTES:
            raise LoginRefused(reason="the issuer's answer is too large")
        return dict(canonical.decode(data))
    except (OSError, HTTPException, InvalidDocument) as error:
        raise LoginRefused(reason="the issuer does not answer") from error
