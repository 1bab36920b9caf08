"""Which version scored best: versions are ranked over the same data only, and none disappears silently."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from muniment.client.proofs.paging import list_versions
from muniment.client.versions.session import Session
from muniment.client.versions.standing import find_standing
from muniment.client.versions.version import Version
from muniment.core.claims.attestations import Attestation
from muniment.core.claims.evidence import Evidence, newest_per_dataset
from muniment.core.claims.leaderboard import Leaderboard, Ranked
from muniment.core.claims.recomputation import recompute
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import EvaluationNotFound, InvalidDigest
from muniment.core.names import ModelName
from muniment.views.leaderboard import view_leaderboard
from muniment.views.view import View

_MOST_NAMES: Final = 5


def rank_versions(session: Session, name: ModelName, metric: str, dataset: str) -> Leaderboard:
    """Rank the versions of a model. Raises like `rank`."""
    records = list_versions(session.backend, name)
    return rank((Version(session, record) for record in records), metric, dataset)


def show_leaderboard(session: Session, name: ModelName, metric: str, dataset: str) -> View:
    """Show the versions of a model by a metric over one dataset. Raises like `rank`."""
    board, backend = rank_versions(session, name, metric, dataset), session.backend
    standing = find_standing(backend, [row.version for row in board.rows])
    return view_leaderboard(str(name), board, standing, backend.time())


def rank(versions: Iterable[Version], metric: str, dataset: str) -> Leaderboard:
    """Rank versions by their newest evaluation over a dataset, named by its digest or its name.

    A name stands for the digest that the newest evaluation under that name has: numbers over other bytes
    of the same name are left out, and said to be.

    Raises:
        EvaluationNotFound: no version was evaluated over that dataset.
    """
    known = [(str(version), _newest(version.claims())) for version in versions]
    digest = _find_digest((pair for _, pairs in known for pair in pairs), dataset)
    rows: list[Ranked] = []
    lower = False
    asked = _find_asked((pair for _, pairs in known for pair in pairs), metric, digest)
    for name, pairs in known:
        here = [
            (claim, evidence)
            for claim, evidence in pairs
            if evidence.dataset == digest and metric in evidence.metrics
        ]
        value = here[-1][1].find_metric(metric) if here else None
        why = _find_reason(pairs, metric, dataset, digest)
        if here and not why:
            why = _find_apart(here[-1][1], asked)
        if why or value is None:
            rows.append(Ranked(version=name, why=why or f"{metric} is not a number"))
        else:
            claim, evidence = here[-1]
            lower = evidence.is_lower_better(metric)
            follows = metric in recompute(evidence.predicate)
            rows.append(Ranked(version=name, metric=value, n=evidence.n, entry=claim.index, follows=follows))
    scored = [row for row in rows if row.metric]
    scored.sort(key=lambda row: row.metric.value if row.metric else 0.0, reverse=not lower)
    left_out = [row for row in rows if not row.metric]
    return Leaderboard(
        metric=metric,
        dataset=digest,
        lower_is_better=lower,
        rows=(*_place(scored), *left_out),
    )


def _place(rows: list[Ranked]) -> Iterator[Ranked]:
    """Give places; versions with the same value share one."""
    place = 0
    for number, row in enumerate(rows, 1):
        before = rows[number - 2].metric if number > 1 else None
        if before is None or row.metric is None or before.value != row.metric.value:
            place = number
        yield replace(row, place=place)


def _newest(claims: list[Attestation]) -> list[tuple[Attestation, Evidence]]:
    return newest_per_dataset(tuple(claims))


def _find_digest(pairs: Iterable[tuple[Attestation, Evidence]], dataset: str) -> str:
    try:
        return str(Digest.parse(dataset))
    except InvalidDigest:
        pass
    known = [(claim.index, evidence) for claim, evidence in pairs]
    named = [(index, evidence.dataset) for index, evidence in known if dataset in evidence.dataset_names]
    if not named:
        names = dict.fromkeys(evidence.dataset_name for _, evidence in known if evidence.dataset_name)
        raise EvaluationNotFound(dataset=dataset, known=tuple(names)[:_MOST_NAMES])
    return max(named)[1]


def _find_asked(pairs: Iterable[tuple[Attestation, Evidence]], metric: str, digest: str) -> Evidence | None:
    """Find the newest evaluation over all rows of a dataset: the others are compared if they ask the same."""
    whole = [
        (claim.index, evidence)
        for claim, evidence in pairs
        if evidence.dataset == digest
        and metric in evidence.metrics
        and not evidence.is_subset
        and not evidence.is_stated(metric)
    ]
    return max(whole, key=lambda one: one[0])[1] if whole else None


def _find_apart(evidence: Evidence, asked: Evidence | None) -> str:
    """Say why an evaluation is not compared with the others."""
    if evidence.is_subset:
        return f"it covers {evidence.n} of {count(evidence.rows_there, 'row')}"
    difference = "" if asked is None else evidence.find_difference(asked)
    return f"it cannot be compared: {difference}" if difference else ""


def _find_reason(pairs: list[tuple[Attestation, Evidence]], metric: str, dataset: str, digest: str) -> str:
    here = [evidence for _, evidence in pairs if evidence.dataset == digest]
    if not pairs:
        return "it was never evaluated"
    if not here:
        if any(dataset == evidence.dataset_name.partition(":")[0] for _, evidence in pairs):
            return f"its {dataset} has other bytes"
        return f"it was not evaluated over {dataset}"
    if not any(metric in evidence.metrics for evidence in here):
        return f"{metric} was not measured"
    wrong = [str(one) for evidence in here for one in evidence.find_contradictions()]
    return f"its evidence contradicts itself: {wrong[0]}" if wrong else ""
