"""Datasets that a run reads, by digest: files, directories, tables in memory, and remote data."""

import csv
import hashlib
import io
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

from muniment.capture.keeping import Kept
from muniment.capture.rows import MEDIA_TYPE, RowDigests, digest_rows
from muniment.capture.secrets import hide_in_url
from muniment.capture.tree import check_exists, collect, watch
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.claims.provenance import VERSION_URI
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, InvalidOption, NotAFile
from muniment.core.extras import load_extra

# Rows of larger tables are hashed only on request, because it takes noticeable time.
_FEW_BYTES: Final = 4 << 20
_PARQUET: Final = frozenset({".parquet", ".pq"})
_PARQUET_MODULE: Final = "pyarrow.parquet"
_CSV: Final = "text/csv"

Source: TypeAlias = "str | os.PathLike[str] | object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A dataset that a run read.

    Attributes:
        name: its name in the run.
        digest: the sha256 of its bytes; for a directory, the digest of a manifest of its files.
        size_bytes: the size of all bytes; 0 if they were not read.
        uri: its address, if it is remote.
        annotations: kind of source, rows, columns and their types, as far as known.
        rows: the digests of its rows, if they were read.
        path: its file, if it has one.
        content: its bytes, if it was in memory.
    """

    name: str
    digest: Digest
    size_bytes: int
    uri: str = ""
    annotations: JsonObject = field(default_factory=dict)
    rows: RowDigests | None = None
    path: Path | None = None
    content: bytes | None = None

    def resource(self) -> JsonObject:
        """Describe the dataset as an in-toto resource."""
        return {
            "name": self.name,
            **({"uri": self.uri} if self.uri else {}),
            "digest": {"sha256": self.digest.hex},
            "annotations": {"kind": "dataset", "size": self.size_bytes, **self.annotations},
        }

    def keep(self, *, snapshot: bool) -> list[Kept]:
        """List what to keep: the digests of its rows and, for a snapshot, its bytes."""
        kept = []
        if self.rows is not None:
            kept.append(Kept.of(f"rows of {self.name}", self.rows.encode(), MEDIA_TYPE))
        content = self.content if self.content is not None else self.path
        if snapshot and content is not None:
            media_type = _CSV if self.content is not None else "application/octet-stream"
            kept.append(
                Kept(
                    name=f"snapshot of {self.name}",
                    digest=self.digest,
                    size_bytes=self.size_bytes,
                    media_type=media_type,
                    content=content,
                )
            )
        return kept


def read_dataset(name: str, path: Path, *, rows: bool | None = None) -> Dataset:
    """Hash a file or directory, and the rows of a small table; `rows` decides for larger ones.

    A table is CSV, or Parquet if the run has loaded its reader (or `rows` is set).

    Raises:
        FileUnusable: it does not exist.
        NotAFile: it is neither a file nor a directory.
        FileChanged: it changed during the read.
        MissingExtra: rows of Parquet are wanted, and the `parquet` extra is not installed.
    """
    if path.is_dir():
        return _read_directory(name, path)
    check_exists(path)
    if not path.is_file():
        raise NotAFile(path=str(path))
    dataset = _hash(name, path)
    wanted = dataset.size_bytes <= _FEW_BYTES if rows is None else rows
    if wanted and path.suffix.lower() in {".csv", ".tsv"}:
        return _with_table(dataset, path)
    if wanted and path.suffix.lower() in _PARQUET and (rows or _PARQUET_MODULE in sys.modules):
        return _with_parquet(dataset, path)
    return dataset


def read_source(
    name: str, source: Source, *, digest: str | None = None, snapshot: bool = False, rows: bool | None = None
) -> Dataset:
    """Read a source of a run: a path, a table, a version of a registry, or an address.

    An address is only kept as a reference with the given digest, unless a snapshot is wanted.

    Raises:
        FileUnusable, NotAFile: it is a path at which there is no file or directory.
        InvalidOption: it is none of these, or an address without a digest.
        DigestMismatch: the bytes do not match the digest.
    """
    if hasattr(source, "reference") and hasattr(source, "digest"):
        return _read_version(name, source)
    if isinstance(source, str) and "://" in source:
        return _read_address(name, source, digest, snapshot=snapshot, rows=rows)
    if isinstance(source, str | os.PathLike):
        dataset = read_dataset(name, Path(source), rows=rows)
    else:
        dataset = _read_table(name, source, rows=rows is not False)
    if digest is not None and Digest.parse(digest) != dataset.digest:
        raise DigestMismatch(expected=digest, actual=str(dataset.digest))
    return dataset


def _refuse_source(name: str, source: object) -> InvalidOption:
    reason = f"cannot be a {type(source).__name__}"
    remedy = "give a path, a DataFrame, a numpy array, a version, or an address with its digest"
    return InvalidOption(option=f"the dataset {name!r}", reason=reason, remedy=remedy)


def _read_directory(name: str, path: Path) -> Dataset:
    files = []
    for source in collect(path):
        with watch(source) as file:
            # Hashing reads to the end, so the watch notices a change.
            digest = hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
        files.append(File(path=source.path, digest=Digest(digest), size_bytes=source.size_bytes))
    revision = Revision.of(files)
    return Dataset(
        name=name,
        digest=Digest.of(revision.manifest()),
        size_bytes=revision.size_bytes,
        annotations={"source": "directory", "files": len(files)},
        path=path,
    )


def _hash(name: str, path: Path) -> Dataset:
    (source,) = collect(path)
    with watch(source) as file:
        digest = hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    return Dataset(
        name=name,
        digest=Digest(digest),
        size_bytes=size,
        annotations={"source": "file", **describe_parquet(path)},
        path=path,
    )


def _with_table(dataset: Dataset, path: Path) -> Dataset:
    """Add the rows and columns of a CSV file; one that is not a table stays plain bytes."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            columns = next(reader, [])
            rows = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error):
        return dataset
    if not columns or any(len(row) != len(columns) for row in rows):
        return dataset
    return _describe(dataset, columns, rows, {})


def _with_parquet(dataset: Dataset, path: Path) -> Dataset:
    """Add the digests of the rows of a Parquet file, reading it piece by piece."""
    try:
        file = load_extra(_PARQUET_MODULE, "pyarrow", "parquet").ParquetFile(path)
        names = file.schema_arrow.names
        rows = (
            row
            for batch in file.iter_batches()
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        return replace(dataset, rows=digest_rows(names, rows))
    except (OSError, ValueError):
        # The file is not Parquet despite its name: it stays plain bytes.
        return dataset


def _read_table(name: str, source: object, *, rows: bool) -> Dataset:
    """Write a table in memory as CSV, or an array as .npy, and hash the result."""
    table: Any = source
    if hasattr(table, "to_csv"):
        text = table.to_csv(index=False, lineterminator="\n")
    elif hasattr(table, "write_csv"):
        text = table.write_csv()
    elif type(table).__module__ == "numpy":
        buffer = io.BytesIO()
        sys.modules["numpy"].save(buffer, table, allow_pickle=False)
        return _of_content(name, buffer.getvalue(), {"source": "array", "rows": len(table)})
    else:
        raise _refuse_source(name, source)
    if not isinstance(text, str):
        raise _refuse_source(name, source)
    types = {str(column): str(table[column].dtype) for column in table.columns}
    dataset = _of_content(name, text.encode(), {"source": "table"})
    parsed = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or len(text) > _FEW_BYTES:
        schema: JsonObject = {"rows": len(parsed) - 1, "columns": _columns(parsed[0], types)}
        return replace(dataset, annotations={**dataset.annotations, **schema})
    return _describe(dataset, parsed[0], parsed[1:], types)


def _of_content(name: str, content: bytes, annotations: JsonObject) -> Dataset:
    return Dataset(
        name=name,
        digest=Digest.of(content),
        size_bytes=len(content),
        annotations=annotations,
        content=content,
    )


def _describe(dataset: Dataset, columns: list[str], rows: list[list[str]], types: dict[str, str]) -> Dataset:
    schema: JsonObject = {"rows": len(rows), "columns": _columns(columns, types)}
    return replace(
        dataset,
        annotations={**dataset.annotations, **schema},
        rows=digest_rows(columns, rows),
    )


def _columns(columns: Iterable[str], types: dict[str, str]) -> list[JsonObject]:
    return [{"name": name, **({"type": types[name]} if name in types else {})} for name in columns]


def _read_version(name: str, source: object) -> Dataset:
    version: Any = source
    return Dataset(
        name=name,
        digest=version.digest,
        size_bytes=int(version.record.size_bytes),
        uri=f"{VERSION_URI}{version.reference}",
        annotations={"source": "version"},
    )


def _read_address(
    name: str, address: str, digest: str | None, *, snapshot: bool, rows: bool | None
) -> Dataset:
    uri = hide_in_url(address)
    if snapshot:
        # The network libraries are loaded only to fetch.
        path: Path = load_extra("muniment.capture.fetching", "httpx2").fetch(address)
        dataset = replace(read_dataset(name, path, rows=rows), uri=uri)
        if digest is not None and Digest.parse(digest) != dataset.digest:
            raise DigestMismatch(expected=digest, actual=str(dataset.digest))
        return replace(dataset, annotations={**dataset.annotations, "source": "address"})
    if digest is None:
        raise InvalidOption(option="digest", reason=f"is missing for {uri}: give it, or take a snapshot")
    annotations: JsonObject = {"source": "address", "reference": True}
    return Dataset(name=name, digest=Digest.parse(digest), size_bytes=0, uri=uri, annotations=annotations)


def describe_parquet(path: Path) -> JsonObject:
    """Count the rows and columns of a Parquet file, if the run has loaded a library for it."""
    parquet = sys.modules.get(_PARQUET_MODULE)
    if parquet is None or path.suffix.lower() not in _PARQUET:
        return {}
    try:
        metadata = parquet.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
    except (OSError, ValueError):
        return {}
    columns = [{"name": one.name, "type": str(one.type)} for one in schema]
    return {"rows": metadata.num_rows, "columns": columns}
