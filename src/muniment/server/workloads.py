"""Verify workloads by the OpenID Connect tokens that platforms give to their jobs."""

import importlib
from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

from anyio import to_thread

from muniment.core.errors import LoginRefused
from muniment.services.serving.registry import ServedRegistry


class TokenVerifier(Protocol):
    """Verifies the tokens of issuers: `muniment.server.oidc.Issuers`, which is loaded late."""

    def read(self, token: str) -> str:
        """Read the issuer that a token names, without verifying the token."""
        ...

    def verify(self, token: str, issuer: str, audience: str) -> Mapping[str, object]:
        """Verify a token, and return its claims."""
        ...


class WorkloadVerifier:
    """Verifies the tokens of workloads, whose audience must be the origin of the registry's log."""

    def __init__(self, registry: ServedRegistry) -> None:
        """Prepare to verify workloads of a registry."""
        self._registry = registry

    @cached_property
    def issuers(self) -> TokenVerifier:
        """The verifier of issuers' tokens."""
        # A registry that trusts no issuer does not load its libraries (docs/decisions/0004-late-imports.md).
        oidc = importlib.import_module("muniment.server.oidc")
        issuers: TokenVerifier = oidc.Issuers(self._registry.allowed)
        return issuers

    async def verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        """Verify a token, and return its issuer and claims.

        Raises:
            LoginRefused: the token is malformed, forged, expired, for another audience, or from an untrusted
                issuer.
        """
        return await to_thread.run_sync(self._verify, token)

    def _verify(self, token: str) -> tuple[str, Mapping[str, object]]:
        # The issuer is read before anything is verified: fetch keys only from one that we trust.
        issuer = self.issuers.read(token)
        if not self._registry.trusts(issuer):
            raise LoginRefused(reason="no rule trusts this token's issuer")
        return issuer, self.issuers.verify(token, issuer, self._registry.keys.log.name)
