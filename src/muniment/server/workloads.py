"""Workload identity: the OpenID Connect token that a platform gives to a job."""

from collections.abc import Mapping

from anyio import to_thread
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from muniment.core import canonical
from muniment.core.errors import InvalidDocument, LoginRefused
from muniment.server.oidc import Issuers
from muniment.services.served import ServedRegistry


class WorkloadVerifier:
    """Verifies the tokens of workloads: their audience has to be the origin of the registry's log."""

    def __init__(self, registry: ServedRegistry, issuers: Issuers) -> None:
        """Verify for a registry."""
        self._registry = registry
        self._issuers = issuers

    async def verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        """Verify a token; give its issuer and claims.

        Raises:
            LoginRefused: it is malformed, forged, expired, for another audience, or of no issuer of ours.
        """
        return await to_thread.run_sync(self._verify, token)

    def _verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        # Whose keys to ask for is read before anything is verified, so it has to be an issuer we trust.
        issuer = _read_issuer(token)
        if not self._registry.trusts(issuer):
            raise LoginRefused(reason="no rule trusts the issuer of this token")
        return issuer, self._issuers.verify(token, issuer, self._registry.keys.log.name)


def _read_issuer(token: str) -> str:
    try:
        claims = canonical.decode(extract_compact(token.encode()).payload)
    except (JoseError, InvalidDocument, ValueError) as error:
        raise LoginRefused(reason="not a JSON Web Token") from error
    return str(claims.get("iss"))
