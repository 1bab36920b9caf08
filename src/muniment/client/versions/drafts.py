"""Drafts of a registry: `registry.drafts`."""

import os
from collections.abc import Sequence
from pathlib import Path

from muniment.capture.keeping import Recorded
from muniment.capture.tree import OnBytes
from muniment.client.people.principals import write_reason
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.versions.pushing import Prepared, Trained, deliver, publish, read_published, read_run
from muniment.client.versions.session import Session
from muniment.client.versions.version import Version
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.names import Kind, ModelName
from muniment.core.receipts import Receipt
from muniment.core.verbs.versions import DiscardDraft, Draft, ListDrafts, SaveDraft
from muniment.views.drafts import view_drafts
from muniment.views.view import View


class Drafts:
    """Drafts: content that is stored and signed but not published."""

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._session = session

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Drafts of {self._session.backend.location}>"

    def save(  # noqa: PLR0913 - the options of a push
        self,
        path: str | os.PathLike[str],
        name: str,
        *,
        run: "Trained | Recorded | JsonObject | None" = None,
        message: str = "",
        kind: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> Receipt:
        """Store and sign a file or directory for `namespace/model` without publishing it.

        Raises:
            VersionExists: it is published already.
        """
        backend, signer, model = self._session.backend, self._session.signer(), ModelName.parse(name)
        said, of_kind = write_reason(message), None if kind is None else Kind(kind)

        def finish(prepared: Prepared) -> Receipt:
            manifest, claims = prepared.manifest, prepared.attestations
            command = SaveDraft(
                name=model, manifest=manifest, attestations=claims, message=said, kind=of_kind
            )
            return backend.execute(command)

        return deliver(backend, signer, Path(path), model, finish, run=read_run(run), on_bytes=on_bytes)

    def list(self, name: str, *, at: str | None = None) -> Sequence[Draft]:
        """List the open drafts of a model, now or at a time, oldest first, proven."""
        backend = self._session.backend
        return list(read_all(backend, ListDrafts(name=ModelName.parse(name), at=backend.past(at))))

    def view(self, name: str, *, at: str | None = None) -> View:
        """Show the open drafts of a model, as `muniment drafts` does."""
        backend, drafts = self._session.backend, self.list(name, at=at)
        names = find_names(backend, {one.record.author for one in drafts}, backend.past(at))
        return view_drafts(name, drafts, names, backend.time())

    def publish(self, draft: Draft, *, message: str = "") -> Version:
        """Publish a draft of ours as the next version, with its own message or `message`."""
        record = draft.record
        prepared = Prepared(
            name=ModelName.parse(record.name),
            manifest=Digest.parse(record.revision),
            attestations=tuple(Digest.parse(text) for text in record.attestations.split()),
        )
        said = write_reason(message or draft.message or "")
        receipt = publish(self._session.backend, prepared, message=said, kind=Kind(record.kind))
        return Version(self._session, read_published(receipt), receipt)

    def discard(self, draft: int, reason: str = "") -> Receipt:
        """Discard a draft, by its entry; files that nothing else needs are deleted.

        Raises:
            RequestNotFound: no open draft has that entry.
        """
        return self._session.backend.execute(DiscardDraft(draft=draft, reason=write_reason(reason)))
