"""Mend the surroundings, then retry."""

from muniment.core.errors.tree import MunimentError


class Unavailable(MunimentError):
    """The surroundings fail; the request may succeed later."""


class RegistryBusy(Unavailable):
    """The log grew each time it was read."""

    message = "the log grew each time it was read"
    advice = "try again when there is less going on"


class StorageFull(Unavailable):
    """The disk is full, or a quota is used up."""

    path: str
    message = "there is no room left to write {path!r}"
    advice = "nothing was recorded: make room, then try again"


class StorageReadOnly(Unavailable):
    """The directory cannot be written."""

    path: str
    message = "{path!r} cannot be written"
    advice = "nothing was recorded: check its owner and permissions"


class StorageFailed(Unavailable):
    """The storage answers with an error."""

    path: str
    reason: str
    message = "the storage at {path!r} failed: {reason}"
    advice = "nothing was recorded: mend the storage, then try again"


class StorageBusy(Unavailable):
    """Another process holds the database for too long."""

    path: str
    message = "another process holds {path!r}"
    advice = "nothing was recorded: try again"


class RegistryUnreachable(Unavailable):
    """The server does not answer, or not as a registry does."""

    location: str
    reason: str
    message = "{location} does not answer: {reason}"
    advice = "check MUNIMENT_URL and the network, then try again: what was recorded is not recorded twice"


class RegistryMoved(Unavailable):
    """The server redirects to another address."""

    location: str
    target: str
    message = "{location} redirects to {target!r}"
    advice = "use the address of the registry itself: nothing that is signed or secret follows a redirect"


class TooManyRequests(Unavailable):
    """The caller asks more often than is allowed."""

    retry_after_s: int
    message = "too many requests"
    advice = "wait {retry_after_s} s, then go on"


class RequestTimeout(Unavailable):
    """The next part of a request does not come."""

    pause_s: int
    message = "nothing came for {pause_s} s"
    advice = "send the request again; an upload goes on where it stands"


class InternalError(Unavailable):
    """A fault of the server's own."""

    message = "something went wrong in the server"
    advice = "give the request's id to whoever runs this registry"


class SchemaTooNew(Unavailable):
    """The database was written by a newer Muniment."""

    path: str
    revision: str
    message = "{path!r} has the schema {revision}, which this Muniment does not know"
    advice = "upgrade muniment"
