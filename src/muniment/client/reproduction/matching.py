"""Compare rebuilt files with the recorded ones."""

import hashlib
from pathlib import Path

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.formats import format_of
from muniment.core.bytes.revisions import File
from muniment.core.claims.reproductions import FileOutcome, RebuiltFile
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, sentence_of
from muniment.tensors.reading import has_tensors, hash_tensors, measure_change, read_tensors


def compare_file(
    backend: TrustedBackend, path: str, file: File, rebuilt: Path, tolerance: float
) -> RebuiltFile:
    """Compare a rebuilt file with the recorded one by digest, then tensor by tensor.

    A tensor is within tolerance if the norm of the change is, relative to the norm of the tensor.
    """
    if not rebuilt.is_file():
        return RebuiltFile(path=path, outcome=FileOutcome.MISSING, recorded=file.digest)
    with rebuilt.open("rb") as stream:
        digest = Digest(hashlib.file_digest(stream, "sha256").hexdigest())
    outcome, detail = FileOutcome.IDENTICAL, ""
    if digest != file.digest:
        outcome, detail = _compare_contents(backend, path, file, rebuilt, tolerance)
    return RebuiltFile(path=path, outcome=outcome, recorded=file.digest, rebuilt=digest, detail=detail)


def _compare_contents(
    backend: TrustedBackend, path: str, file: File, rebuilt: Path, tolerance: float
) -> tuple[FileOutcome, str]:
    if not has_tensors(format_of(path)):
        return FileOutcome.DIFFERS, "it has other bytes"
    try:
        worst, name = _compare_tensors(backend, file, rebuilt)
    except (MunimentError, EOFError) as error:
        return FileOutcome.DIFFERS, sentence_of(error)
    if worst is None:
        return FileOutcome.DIFFERS, f"the tensor {name} has another shape or type"
    outcome = FileOutcome.WITHIN_TOLERANCE if worst <= tolerance else FileOutcome.DIFFERS
    return outcome, f"the tensor {name} differs by {worst:.3g} of its norm"


def _compare_tensors(backend: TrustedBackend, file: File, rebuilt: Path) -> tuple[float | None, str]:
    """Find the tensor that differs most from the recorded one; None if one has no counterpart."""
    kind = format_of(file.path)
    with backend.open_blob(file.digest) as before, rebuilt.open("rb") as after:
        old = {one.name: one for one in read_tensors(kind, before, file.path, file.size_bytes)}
        new = {one.name: one for one in read_tensors(kind, after, file.path, rebuilt.stat().st_size)}
        for name in sorted(set(old) ^ set(new)):
            return None, name
        hashes = hash_tensors(before, list(old.values())), hash_tensors(after, list(new.values()))
        worst, where = 0.0, ""
        for name, tensor in old.items():
            if hashes[0].get(name) != hashes[1].get(name):
                change = measure_change(before, tensor, after, new[name])
                if change is None:
                    return None, name
                if change >= worst:
                    worst, where = change, name
    return worst, where
