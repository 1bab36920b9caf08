"""What a registry shows: views, which a notebook draws as the command line does."""

import os
from contextlib import suppress
from pathlib import Path

from muniment.capture.tree import OnBytes
from muniment.client.audit.entries import show_entry
from muniment.client.gates.inbox import read_inbox
from muniment.client.proofs.changes import find_changed_before, find_emergencies_before
from muniment.client.proofs.checking import resolve
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.reports.leaderboard import show_leaderboard
from muniment.client.sdk.status import show_status
from muniment.client.versions.comparing import compare
from muniment.client.versions.decisions import show_approvals
from muniment.client.versions.deploying import show_deployments
from muniment.client.versions.identifying import identify, show_identified
from muniment.client.versions.lineage import trace
from muniment.client.versions.listing import show_list, show_log
from muniment.client.versions.session import Session
from muniment.core.claims.lineage import MAX_DEPTH, Direction
from muniment.core.errors import NotIdentified
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.naming import find_ids
from muniment.core.verbs.catalog import ListOwners
from muniment.core.verbs.gates import ListMoves
from muniment.core.verbs.log import ListClockJumps
from muniment.views.clock import view_clock
from muniment.views.comparison import view_comparison
from muniment.views.inbox import view_inbox
from muniment.views.lineage import view_lineage
from muniment.views.moves import view_moves
from muniment.views.owners import view_owners
from muniment.views.view import View


class Views:
    """The views of a registry."""

    _session: Session

    def log(self, name: str, *, limit: int = 50, at: str | None = None) -> View:
        """Show the versions of a model, newest first: message, author, commit, headline metric.

        Raises:
            ModelNotFound: there is no such model.
        """
        backend = self._session.backend
        return show_log(backend, ModelName.parse(name), limit, backend.past(at))

    def overview(self, query: str = "", *, limit: int = 50, at: str | None = None) -> View:
        """Show models, the versions of a model or search results, as `muniment list` does.

        `query` is the beginning of a name, a whole name, or a condition (docs/reference/search.md).

        Raises:
            InvalidQuery: the condition breaks the grammar.
        """
        backend = self._session.backend
        return show_list(backend, query, limit, backend.past(at))

    def view_diff(self, before: str, after: str, *, norms: bool = False) -> View:
        """Show two versions side by side, as `muniment diff` does."""
        backend = self._session.backend
        comparison = compare(backend, Reference.parse(before), Reference.parse(after), norms=norms)
        return view_comparison(comparison, backend.time())

    def view_history(self, name: str, alias: str | None = None, *, at: str | None = None) -> View:
        """Show the moves of an alias, or of all aliases of a model, as `muniment history` does."""
        backend = self._session.backend
        which, at = None if alias is None else Alias(alias), backend.past(at)
        moves = list(read_all(backend, ListMoves(name=ModelName.parse(name), alias=which, at=at)))
        changed = find_changed_before(backend, ModelName.parse(name), [move.record for move in moves], at)
        records = [move.record for move in moves]
        emergencies = find_emergencies_before(backend, ModelName.parse(name), which, records, at)
        people = {move.record.actor for move in moves}
        people |= {policy.author for policies in changed.values() for policy in policies}
        names = find_names(backend, people, at)
        title = name if alias is None else f"{name}@{alias}"
        return view_moves(title, moves, names, backend.time(), changed, emergencies)

    def view_approvals(self, reference: str, alias: str | None = None, *, at: str | None = None) -> View:
        """Show the signing decisions on a version, for an alias or for all, as `muniment approvals` does."""
        backend = self._session.backend
        at = backend.past(at)
        return show_approvals(backend, resolve(backend, Reference.parse(reference), at), alias, at)

    def view_clock(self) -> View:
        """Show the jumps of the clock and who confirmed the time, as `muniment admin clock` does."""
        backend = self._session.backend
        jumps = backend.ask(ListClockJumps())
        people = {one.record.actor for jump in jumps for one in jump.confirmations}
        return view_clock(jumps, find_names(backend, people), backend.time())

    def view_owners(self, name: str, *, at: str | None = None) -> View:
        """Show everyone who has owned a model, as `muniment owner` does."""
        backend = self._session.backend
        at = backend.past(at)
        owners = list(read_all(backend, ListOwners(name=ModelName.parse(name), at=at)))
        people = {one for record in owners for one in (record.owner, record.author)}
        return view_owners(name, owners, find_names(backend, people, at), backend.time())

    def view_deployments(
        self, name: str | None = None, *, target: str = "", at: str | None = None, history: bool = False
    ) -> View:
        """Show what serves where, as `muniment deployments` does; with `history`, also what has ended."""
        backend = self._session.backend
        return show_deployments(backend, name, target, backend.past(at), history=history)

    def view_lineage(
        self,
        target: str,
        direction: str = "up",
        *,
        depth: int = MAX_DEPTH,
        limit: int = 2000,
        at: str | None = None,
    ) -> View:
        """Show what a version, digest or commit was made from (`up`), or what was made from it (`down`)."""
        backend, way = self._session.backend, Direction(direction)
        graph = trace(backend, target, way, depth=depth, limit=limit, at=backend.past(at))
        return view_lineage(graph, way, backend.time())

    def view_leaderboard(self, name: str, metric: str, dataset: str) -> View:
        """Show the versions of a model by a metric over one dataset, as `muniment leaderboard` does.

        Raises:
            EvaluationNotFound: no version was evaluated over that dataset.
        """
        return show_leaderboard(self._session, ModelName.parse(name), metric, dataset)

    def view_identified(
        self,
        what: str | os.PathLike[str],
        *,
        limit: int = 20,
        at: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> View:
        """Show the versions that a file, files of a directory or a digest belong to. Raises as `identify`."""
        target, at = what if isinstance(what, str) else Path(what), self._session.backend.past(at)
        identified = identify(self._session, target, limit=limit, at=at, on_bytes=on_bytes)
        return show_identified(self._session.backend, target, identified, at)

    def view_inbox(self) -> View:
        """Show our inbox, as `muniment inbox` does."""
        backend = self._session.backend
        items = read_inbox(backend)
        people = {item.who for item in items if item.who} | find_ids(item.what for item in items)
        names = find_names(backend, people)
        return view_inbox(items, names, backend.time())

    def status(self) -> View:
        """Show which registry this is, who we are there, the state of its log, and what waits for us."""
        backend = self._session.backend
        with suppress(NotIdentified):
            return show_status(backend, read_inbox(backend))
        return show_status(backend, ())

    def view_entry(self, index: int) -> View:
        """Show an entry of the log: what happened, who did it and what it is about.

        Raises:
            NotShown: there is none that we may read.
        """
        return show_entry(self._session.backend, index)
