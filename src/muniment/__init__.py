"""Muniment: a model registry that can prove every answer it gives.

    import muniment

    registry = muniment.open("muniment-data", create=True)
    version = registry.push("model/", "acme/readmission")
    model = registry.load("acme/readmission@production")

The names below are loaded when they are first used, so that `import muniment` costs nothing.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "open": "muniment.client.sdk.opening",
    "accept_restore": "muniment.client.sdk.opening",
    "forget": "muniment.client.sdk.opening",
    "Registry": "muniment.client.sdk.registry",
    "Version": "muniment.client.versions.version",
    "LoadedModel": "muniment.client.versions.loading",
    "read_card": "muniment.client.reports.cards",
    "PasskeySigner": "muniment.client.claims.signers",
    "SshSigner": "muniment.client.claims.signers",
    "plan": "muniment.client.reproduction.planning",
    "reproduce": "muniment.client.reproduction.reproducing",
    "Card": "muniment.core.claims.cards",
    "run": "muniment.capture.run",
    "Run": "muniment.capture.run",
    "Identity": "muniment.signing.keys",
    "MunimentError": "muniment.core.errors",
    "UnclearTask": "muniment.core.warnings",
    "UncountedApproval": "muniment.core.warnings",
    "UnguardedAlias": "muniment.core.warnings",
}

__all__ = [  # noqa: PLE0604 - the names are the keys of the table above
    *_HOMES,
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home (PEP 562)."""
    if name not in _HOMES:
        msg = f"module 'muniment' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
