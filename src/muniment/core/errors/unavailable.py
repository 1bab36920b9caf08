"""Repair what the registry runs on, then retry."""

from muniment.core.errors.tree import MunimentError


class Unavailable(MunimentError):
    """Something that the registry runs on fails; the request may succeed later."""


class RegistryBusy(Unavailable):
    """The log grew each time it was read."""

    message = "the log grew each time it was read"
    advice = "try again when the registry is less busy"


class StorageFull(Unavailable):
    """The disk is full, or a quota is used up."""

    path: str
    message = "there is no space left to write {path!r}"
    advice = "nothing was recorded: free some space, then try again"


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
    advice = "nothing was recorded: repair the storage, then try again"


class StorageBusy(Unavailable):
    """Another process locks the database for too long."""

    path: str
    message = "another process has locked {path!r}"
    advice = "nothing was recorded: try again"


class RegistryUnreachable(Unavailable):
    """The server does not answer, or does not answer as a registry."""

    location: str
    reason: str
    message = "{location} does not answer: {reason}"
    advice = "check MUNIMENT_URL and the network, then try again: nothing is recorded twice"


class RegistryMoved(Unavailable):
    """The server redirects to another address."""

    location: str
    target: str
    message = "{location} redirects to {target!r}"
    advice = "use the address of the registry itself: nothing that is signed or secret follows a redirect"


class TooManyRequests(Unavailable):
    """The caller sends more requests than allowed."""

    retry_after_s: int
    message = "too many requests"
    advice = "wait {retry_after_s} s, then try again"


class RequestTimeout(Unavailable):
    """The next part of a request did not arrive in time."""

    pause_s: int
    message = "nothing arrived for {pause_s} s"
    advice = "send the request again; an upload resumes where it stopped"


class InternalError(Unavailable):
    """The server has a bug."""

    message = "the server failed to answer"
    advice = "report the id of the request to the operator of this registry"


class SchemaTooNew(Unavailable):
    """The database was written by a newer Muniment."""

    path: str
    revision: str
    message = "{path!r} has the schema {revision}, which this version of Muniment does not know"
    advice = "upgrade muniment"
