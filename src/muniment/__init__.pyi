# The types of the names that `__init__.py` loads when they are first used.

from muniment.capture.run import Run as Run
from muniment.capture.run import run as run
from muniment.client.claims.signers import PasskeySigner as PasskeySigner
from muniment.client.claims.signers import SshSigner as SshSigner
from muniment.client.reports.cards import read_card as read_card
from muniment.client.reproduction.planning import plan as plan
from muniment.client.reproduction.reproducing import reproduce as reproduce
from muniment.client.sdk.opening import accept_restore as accept_restore
from muniment.client.sdk.opening import open as open  # noqa: A004 - the public verb: muniment.open
from muniment.client.sdk.registry import Registry as Registry
from muniment.client.versions.loading import LoadedModel as LoadedModel
from muniment.client.versions.version import Version as Version
from muniment.core.claims.cards import Card as Card
from muniment.core.errors import MunimentError as MunimentError
from muniment.signing.keys import Identity as Identity

__all__: list[str]
__version__: str
