"""Answers about the log."""

from typing import Final

from muniment.core.errors import EventNotFound
from muniment.core.events import EventType
from muniment.core.people.roles import EVERYWHERE
from muniment.core.receipts import Proof
from muniment.core.verbs.log import GetGrowth, GetLeaves, GetLogIdentity, GetProof, Growth, LogIdentity
from muniment.services.log.pages import bound
from muniment.services.log.proofs import identify, prove, prove_growth
from muniment.services.reading import Reading


def get_log_identity(reading: Reading, _query: GetLogIdentity) -> LogIdentity:
    """Say who answers."""
    return identify(reading.signer)


def get_growth(reading: Reading, query: GetGrowth) -> Growth:
    """Prove that the log contains what it had. Raises as `prove_growth`."""
    return prove_growth(reading.unit, reading.signer, query.size, query.until)


def get_proof(reading: Reading, query: GetProof) -> Proof:
    """Prove an entry.

    Raises:
        EventNotFound: the log is not that long, or the caller may not see what the entry is about.
    """
    proof = prove(reading.unit, reading.signer, query.index)
    data, sight = proof.event.data, reading.sight
    name, namespace = data.get("name", data.get("models")), data.get("namespace", EVERYWHERE)
    if proof.event.type in _ABOUT_MODELS:
        if not sight.sees(str(name).partition("/")[0]):
            raise EventNotFound(index=query.index)
    elif namespace != EVERYWHERE and not sight.sees(str(namespace)):
        raise EventNotFound(index=query.index)
    else:
        sight.check_anything()
    return proof


def get_leaves(reading: Reading, query: GetLeaves) -> tuple[bytes, ...]:
    """List entries."""
    return tuple(reading.unit.log.read(max(0, query.start), bound(query.limit)))


_ABOUT_MODELS: Final = frozenset(
    {
        EventType.VERSION_PUBLISHED,
        EventType.DRAFT_SAVED,
        EventType.DRAFT_ENDED,
        EventType.ATTESTATION_RECORDED,
        EventType.POLICY_SET,
        EventType.TIER_SET,
        EventType.STATUS_SET,
        EventType.RETENTION_SET,
        EventType.ALIAS_MOVED,
        EventType.ALIAS_REVIEWED,
        EventType.REQUEST_OPENED,
        EventType.REQUEST_REMINDED,
        EventType.REQUEST_CLOSED,
        EventType.COMMENT_POSTED,
        EventType.COMMENT_ERASED,
        EventType.TAG_SET,
    }
)
