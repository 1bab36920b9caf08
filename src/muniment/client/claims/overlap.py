"""How many rows of a dataset were in the data of a training, by the salted digests that the training kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.capture.datasets import Dataset
from muniment.capture.rows import RowDigests
from muniment.client.claims.evaluating import DataSource, evaluation_module
from muniment.client.proofs.checking import read_document
from muniment.client.proofs.trust import TrustedBackend
from muniment.core import forms
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import Attestation
from muniment.core.claims.provenance import Provenance
from muniment.core.errors import InvalidEvidence

_KEPT: Final = "rows of "
_MAX_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many rows of a table were in the data of a training, and which tables were compared."""

    rows: int
    rows_in_training: int
    training: tuple[str, ...]


def find_overlap(backend: TrustedBackend, claims: Sequence[Attestation], data: Path) -> Overlap | None:
    """Count the rows of a table that are in the tables of some provenance claims; None if nothing compares.

    A training table compares if the data has all of its columns.
    """
    counts: list[tuple[str, int, int]] = []
    for claim in claims:
        for name, digest in Provenance(claim.predicate).byproducts().items():
            if name.startswith(_KEPT):
                known = RowDigests.decode(read_document(backend, digest, name, _MAX_BYTES))
                count = _count(known, data)
                if count is not None:
                    counts.append((name.removeprefix(_KEPT), *count))
    if not counts:
        return None
    return Overlap(
        rows=max(total for _, total, _ in counts),
        rows_in_training=max(known for _, _, known in counts),
        training=tuple(name for name, _, _ in counts),
    )


def _count(known: RowDigests, data: Path) -> tuple[int, int] | None:
    tables = evaluation_module("tables")
    try:
        if not set(known.columns) <= set(tables.list_columns(data)):
            return None
        return known.count(_rows(tables.read_pieces(data, known.columns)))
    except InvalidEvidence:
        # Not every dataset is a table.
        return None


def _rows(pieces: Iterator[object]) -> Iterator[Sequence[object]]:
    for piece in pieces:
        yield from piece.itertuples(index=False, name=None)  # type: ignore[attr-defined] # pandas is an extra


def add_overlap(
    backend: TrustedBackend, training: Sequence[Attestation], measured: JsonObject, dataset: DataSource
) -> JsonObject:
    """Say how many rows of a table were in the data of the training, where that is on record."""
    overlap = None if isinstance(dataset, Dataset) else find_overlap(backend, training, Path(dataset))
    if overlap is None:
        return measured
    metrics = measured.get("metrics")
    share = overlap.rows_in_training / overlap.rows
    known = dict(metrics) if isinstance(metrics, Mapping) else {}
    return {
        **measured,
        "overlap": forms.write(overlap),
        "metrics": {**known, "train_test_overlap": {"value": share}},
    }
