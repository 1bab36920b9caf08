"""Keys: whether what one signs counts."""

from muniment.answers.recoveries import check_open, find_recovery
from muniment.answers.view import View
from muniment.core.errors import KeyExpired, KeyRevoked, UnknownSigner
from muniment.core.people.callers import Assurance
from muniment.core.records import KeyRecord


def get_valid_key(view: View, key_id: str, time: str) -> KeyRecord:
    """Get a key that counts at a time.

    Raises:
        UnknownSigner: no principal has it.
        KeyRevoked, KeyExpired, RecoveryWaiting, RecoveryCancelled: it does not count.
    """
    key = view.projections.find(KeyRecord, (key_id,))
    if key is None:
        raise UnknownSigner(key_id=key_id)
    if key.revoked is not None:
        raise KeyRevoked(key_id=key_id)
    if key.expires is not None and key.expires <= time:
        raise KeyExpired(key_id=key_id, expired=key.expires)
    if key.assurance == Assurance.RECOVERY:
        # A key that came from an invitation was made after that had opened.
        recovery = find_recovery(view, key.principal, key.id)
        if recovery is not None:
            check_open(recovery, time)
    return key
