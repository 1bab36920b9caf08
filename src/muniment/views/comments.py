"""The comments on a version."""

from collections.abc import Mapping, Sequence

from muniment.core.verbs.catalog import Comment
from muniment.views.story import tell_comments
from muniment.views.view import Section, Story, View


def view_comments(reference: str, comments: Sequence[Comment], names: Mapping[str, str], now: str) -> View:
    """Show the comments on a version, oldest first."""
    return View(
        kind="comments",
        title=reference,
        now=now,
        sections=(
            Section(
                key="items",
                title="Comments",
                blocks=(Story(key="items", told=tuple(tell_comments(comments, names))),),
                empty=f"no comments on {reference}: write one with muniment comment {reference} TEXT",
            ),
        ),
    )
