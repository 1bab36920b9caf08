"""Leaderboards: the versions of a model, ranked by a metric over one dataset."""

from dataclasses import dataclass

from muniment.core.claims.evidence import Metric
from muniment.core.counting import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A version with its score, at its place, or the reason why it has none.

    Attributes:
        entry: the entry of its evaluation.
        follows: whether the metric follows from the counts that came with it.
    """

    version: str
    place: int | None = None
    metric: Metric | None = None
    n: int = 0
    entry: int | None = None
    follows: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """The ranking of versions by a metric over one dataset, the best first; then those left out."""

    metric: str
    dataset: str
    lower_is_better: bool
    rows: tuple[Ranked, ...]

    def __repr__(self) -> str:
        """Name the metric and the best version."""
        best = self.rows[0].version if self.rows and self.rows[0].metric else "none"
        ranked = count(len(self.rows), "version")
        return f"<Leaderboard {self.metric} over {self.dataset:.19}, {ranked}, best {best}>"
