"""Times as of which something is asked."""

from muniment.answers.folding import Past
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import NotShown
from muniment.core.verbs.log import GetProof


def find_time(backend: TrustedBackend, at: str | None) -> str:
    """Return the time as of which is asked (RFC 3339): now, a time, or that of an entry, which is proven.

    The time of an entry that we may not read is not known; what ends is then seen from now.
    """
    if at is None:
        return backend.time()
    past = Past.read(at)
    if past.entry is None:
        return past.time
    try:
        return backend.ask(GetProof(index=past.entry)).entry.when
    except NotShown:
        return backend.time()
