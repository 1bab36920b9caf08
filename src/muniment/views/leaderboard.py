"""A leaderboard: which version scored best, by how much, and why some are left out."""

from collections.abc import Mapping

from muniment.core.claims.leaderboard import Leaderboard, Ranked
from muniment.core.digests import Digest
from muniment.views.listing import view_list
from muniment.views.view import Column, Fact, Mark, Row, Tone, View, Vouched


def view_leaderboard(name: str, board: Leaderboard, standing: Mapping[str, str], now: str) -> View:
    """Show a leaderboard; `standing` is what nobody should overlook about its versions."""
    left_out = any(row.why for row in board.rows)
    columns = (
        Column("place", "place", is_number=True),
        Column("version", "version"),
        Column("standing", "", is_drawn=any(standing.values())),
        Column("value", board.metric, is_number=True),
        Column("interval", "interval (stated)"),
        Column("n", "rows", is_number=True),
        Column("low", "low", is_drawn=False),
        Column("high", "high", is_drawn=False),
        Column("why", "left out because", is_drawn=left_out, below=True),
    )
    best = "lower" if board.lower_is_better else "higher"
    dataset = Digest.parse(board.dataset)
    return view_list(
        "leaderboard",
        f"{name} by {board.metric}",
        columns,
        [_view_ranked(row, standing.get(row.version, "")) for row in board.rows],
        now,
        heading="Leaderboard",
        lead=f"over {board.dataset:.19}, {best} is better",
        facts=(
            Fact(key="metric", label="metric", value=board.metric),
            Fact(key="dataset", label="dataset", value=dataset),
            Fact(key="lower_is_better", label="lower is better", value=board.lower_is_better),
        ),
        empty=f"{name} has no version",
    )


def _view_ranked(row: Ranked, standing: str) -> Row:
    metric = row.metric
    low, high = (None, None) if metric is None else (metric.low, metric.high)
    return Row(
        cells=(
            row.place,
            row.version,
            standing or None,
            None if metric is None else metric.value,
            None if low is None or high is None else f"{low:.4f} to {high:.4f}",
            None if metric is None else row.n,
            low,
            high,
            row.why or None,
        ),
        # Why one is left out follows from claims that were checked.
        vouched=Vouched(Mark.CHECKED if row.follows or row.why else Mark.STATED, row.entry),
        tone=Tone.BAD if standing else Tone.PLAIN,
    )
