"""Workload identity: the OpenID Connect token that a platform gives to a job."""

import importlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from anyio import to_thread

from muniment.core.errors import LoginRefused
from muniment.services.serving.registry import ServedRegistry

if TYPE_CHECKING:
    from muniment.server.oidc import Issuers


class WorkloadVerifier:
    """Verifies the tokens of workloads: their audience has to be the origin of the registry's log."""

    def __init__(self, registry: ServedRegistry) -> None:
        """Verify for a registry."""
        self._registry = registry

    @cached_property
    def issuers(self) -> "Issuers":
        """The issuers, as far as they are known."""
        # Who trusts none is spared the libraries for it (docs/decisions/0004-late-imports.md).
        found: Issuers = importlib.import_module("muniment.server.oidc").Issuers()
        return found

    async def verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        """Verify a token; give its issuer and claims.

        Raises:
            LoginRefused: it is malformed, forged, expired, for another audience, or of no issuer of ours.
        """
        return await to_thread.run_sync(self._verify, token)

    def _verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        # Whose keys to ask for is read before anything is verified, so it has to be an issuer we trust.
        issuer = self.issuers.read(token)
        if not self._registry.trusts(issuer):
            raise LoginRefused(reason="no rule trusts the issuer of this token")
        return issuer, self.issuers.verify(token, issuer, self._registry.keys.log.name)
