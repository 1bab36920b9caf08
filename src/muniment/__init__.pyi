# The types of the names that `__init__.py` loads when they are first used.

from muniment.capture.run import Run, run
from muniment.client.claims.signers import PasskeySigner, SshSigner
from muniment.client.reports.cards import read_card
from muniment.client.reproduction.planning import plan
from muniment.client.reproduction.reproducing import reproduce
from muniment.client.sdk.opening import accept_restore, forget, open  # noqa: A004 - the public verb: muniment.open
from muniment.client.sdk.registry import Registry
from muniment.client.versions.loading import LoadedModel
from muniment.client.versions.version import Version
from muniment.core.claims.cards import Card
from muniment.core.errors import MunimentError
from muniment.core.warnings import UnclearTask, UncountedApproval, UnguardedAlias
from muniment.signing.keys import Identity

__all__ = [
    "Card",
    "Identity",
    "LoadedModel",
    "MunimentError",
    "PasskeySigner",
    "Registry",
    "Run",
    "SshSigner",
    "UnclearTask",
    "UncountedApproval",
    "UnguardedAlias",
    "Version",
    "__version__",
    "accept_restore",
    "forget",
    "open",
    "plan",
    "read_card",
    "reproduce",
    "run",
]
__version__: str
