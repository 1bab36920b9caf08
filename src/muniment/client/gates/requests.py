"""Requests, comments and inboxes: `registry.talk`."""

from collections.abc import Sequence

from muniment.client.people.principals import write_payload, write_reason
from muniment.client.proofs.paging import read_all
from muniment.client.versions.version import Session, Version
from muniment.core.names import Alias, ModelName
from muniment.core.receipts import Receipt
from muniment.core.verbs.catalog import Comment, EraseComment, ListComments, PostComment
from muniment.core.verbs.gates import CloseRequest, GetInbox, InboxItem, ListRequests, OpenRequest, Request


class Talk:
    """What people say to one another about versions. Texts are Markdown, and can be erased."""

    def __init__(self, session: Session) -> None:
        """Stand on a session."""
        self._backend = session.backend

    def request(self, version: Version, alias: str, reason: str = "") -> Receipt:
        """Ask those who may approve to look at a version for an alias; again, as a reminder.

        Raises:
            VersionWithdrawn: the version is out of service.
        """
        command = OpenRequest(reference=version.reference, alias=Alias(alias), reason=write_reason(reason))
        return self._backend.execute(command)

    def withdraw(self, request: int, reason: str = "") -> Receipt:
        """Take a request of ours back, by its entry.

        Raises:
            RequestNotFound: we have no open one of that entry.
        """
        return self._backend.execute(CloseRequest(request=request, reason=write_reason(reason)))

    def requests(self, name: str, *, closed: bool = False) -> Sequence[Request]:
        """List the open requests for the versions of a model, or all of them, each proven."""
        found = list(read_all(self._backend, ListRequests(name=ModelName.parse(name), closed=closed)))
        for request in found:
            self._backend.check_record(request.record)
        return found

    def comment(self, version: Version, text: str, *, about: int | None = None) -> Receipt:
        """Say something of a version or, with `about`, of a request or an emergency, by its entry.

        Whoever is named (`@vera`, `@"Vera Smith"`) finds it in their inbox.
        """
        command = PostComment(reference=version.reference, text=write_payload(text), about=about)
        return self._backend.execute(command)

    def comments(self, version: Version) -> Sequence[Comment]:
        """List what was said of a version, oldest first, each proven."""
        found = list(read_all(self._backend, ListComments(reference=version.reference)))
        for comment in found:
            self._backend.check_record(comment.record)
        return found

    def erase(self, comment: int) -> Receipt:
        """Let the text of a comment, by its entry, go for good."""
        return self._backend.execute(EraseComment(comment=comment))

    def inbox(self) -> Sequence[InboxItem]:
        """Say what waits for us, and what we should know of the last 30 days."""
        return self._backend.ask(GetInbox())
