"""Status: which registry this is, who we are there, the state of its log, and what waits for us."""

from collections.abc import Iterable, Mapping, Sequence

from muniment.views.values import Pairs, Value
from muniment.views.view import Chip, Fact, Facts, Mark, Section, Tone, View, Vouched


def view_status(  # noqa: PLR0913 - the parts of the answer
    *,
    location: str,
    log: Mapping[str, Value],
    me: Mapping[str, Value],
    waiting: Iterable[tuple[str, int]],
    warnings: Sequence[str],
    now: str,
) -> View:
    """Show which registry this is, who we are there, the state of its log, and what waits for us."""
    kinds = tuple(waiting)
    chips = [Chip(warning, Tone.WARN) for warning in warnings]
    facts = {"registry": log, "me": me, "inbox": {"waiting": Pairs(kinds) if kinds else "nothing"}}
    titles = {"registry": "Registry", "me": "Who I am", "inbox": "Inbox"}
    # There may be roles in namespaces that the registry does not name.
    marks = {"registry": Mark.CHECKED, "me": Mark.FOUND, "inbox": Mark.FOUND}
    return View(
        kind="status",
        title=location,
        now=now,
        chips=tuple(chips),
        sections=tuple(
            Section(key=key, title=titles[key], blocks=(_list_facts(held, marks[key]),))
            for key, held in facts.items()
        ),
        next=("muniment inbox",) if kinds else (),
    )


def _list_facts(held: Mapping[str, Value], mark: Mark) -> Facts:
    return Facts(
        tuple(
            Fact(key=key, label=key.replace("_", " "), value=value, vouched=Vouched(mark))
            for key, value in held.items()
        )
    )
