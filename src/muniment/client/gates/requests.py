"""Requests for approval and comments: `registry.requests` and `registry.comments`."""

from collections.abc import Sequence

from muniment.client.people.principals import write_reason
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.versions.session import Session
from muniment.client.versions.version import Version
from muniment.core.names import Alias, ModelName
from muniment.core.payloads import Payload
from muniment.core.receipts import Receipt
from muniment.core.verbs.catalog import Comment, EraseComment, ListComments, PostComment
from muniment.core.verbs.gates import CloseRequest, ListRequests, OpenRequest, Request
from muniment.views.comments import view_comments
from muniment.views.requests import view_requests
from muniment.views.view import View


class Requests:
    """Requests that a version be approved for an alias."""

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._backend = session.backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Requests of {self._backend.location}>"

    def open(self, version: Version, alias: str, reason: str = "") -> Receipt:
        """Ask the approvers to consider a version for an alias; repeat it as a reminder.

        Raises:
            VersionWithdrawn: the version is out of service.
        """
        command = OpenRequest(reference=version.reference, alias=Alias(alias), reason=write_reason(reason))
        return self._backend.execute(command)

    def withdraw(self, request: int, reason: str = "") -> Receipt:
        """Withdraw one of our requests, by its entry.

        Raises:
            RequestNotFound: no open request of ours has that entry.
        """
        return self._backend.execute(CloseRequest(request=request, reason=write_reason(reason)))

    def list(self, name: str, *, closed: bool = False, at: str | None = None) -> Sequence[Request]:
        """List the open requests for versions of a model, now or at a time, proven; with `closed`, all."""
        query = ListRequests(name=ModelName.parse(name), closed=closed, at=self._backend.past(at))
        return list(read_all(self._backend, query))

    def view(self, name: str, *, closed: bool = False, at: str | None = None) -> View:
        """Show the open requests for a model, or with `closed` all of them, as `muniment requests` does."""
        requests = self.list(name, closed=closed, at=at)
        people = {one.record.requester for one in requests}
        names = find_names(self._backend, people, self._backend.past(at))
        return view_requests(name, requests, names, self._backend.time(), closed=closed)


class Comments:
    """Comments on versions. Their texts are Markdown and can be erased."""

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._backend = session.backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Comments of {self._backend.location}>"

    def post(self, version: Version, text: str, *, about: int | None = None) -> Receipt:
        """Comment on a version or, with `about`, on a request or an emergency, by its entry.

        People who are mentioned (`@vera`, `@"Vera Smith"`) find it in their inbox.
        """
        command = PostComment(reference=version.reference, text=Payload.of(text), about=about)
        return self._backend.execute(command)

    def list(self, version: Version, *, at: str | None = None) -> Sequence[Comment]:
        """List the comments on a version, now or at a time, oldest first, proven.

        Without `at`, list them as of the time of the version, if it has one.
        """
        query = ListComments(reference=version.reference, at=self._backend.past(at) or version.at)
        return list(read_all(self._backend, query))

    def view(self, version: Version, *, at: str | None = None) -> View:
        """Show the comments on a version, as `muniment comments` does."""
        comments = self.list(version, at=at)
        past = self._backend.past(at) or version.at
        names = find_names(self._backend, {one.record.author for one in comments}, past)
        return view_comments(str(version), comments, names, self._backend.time())

    def erase(self, comment: int) -> Receipt:
        """Erase the text of a comment permanently, by its entry."""
        return self._backend.execute(EraseComment(comment=comment))
