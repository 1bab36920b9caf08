"""Datasets that a run reads, by digest: files, directories, tables in memory, and what is elsewhere."""

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
from muniment.capture.tree import collect, watch
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import JsonObject
from muniment.core.claims.provenance import VERSION_URI
from muniment.core.digests import Digest
from muniment.core.errors import DigestMismatch, InvalidOption, NotAFile
from muniment.core.extras import load_extra

# Rows of a larger table are read only if somebody asks: hashing them would take noticeable time.
_FEW_BYTES: Final = 4 << 20
_PARQUET: Final = frozenset({".parquet", ".pq"})
_PARQUET_MODULE: Final = "pyarrow.parquet"
_CSV: Final = "text/csv"

Source: TypeAlias = "str | os.PathLike[str] | object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a run read.

    Attributes:
        name: what the run calls it.
        digest: sha256 of the bytes; of a directory, the digest of the manifest that its files make.
        size_bytes: of all bytes; 0 of what was not seen.
        uri: where it is, if that is elsewhere.
        annotations: kind of source, rows, columns and their types, as far as they are known.
        rows: digests of its rows, if they were read.
        path: the file, if there is one.
        content: the bytes, if it was in memory.
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
        """Describe it as an in-toto resource."""
        return {
            "name": self.name,
            **({"uri": self.uri} if self.uri else {}),
            "digest": {"sha256": self.digest.hex},
            "annotations": {"kind": "dataset", "size": self.size_bytes, **self.annotations},
        }

    def keep(self, *, snapshot: bool) -> list[Kept]:
        """Return what is to be kept of it: digests of its rows and, as a snapshot, its bytes."""
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
    """Hash a file or directory, and the rows of a small table; `rows` decides about larger ones.

    A table is CSV, or Parquet once the run has loaded what reads it (or if `rows` asks for it).

    Raises:
        NotAFile: it is not there.
        FileChanged: it changed while it was read.
        MissingExtra: rows of Parquet are asked for, and the `parquet` extra is not installed.
    """
    if path.is_dir():
        return _read_directory(name, path)
    if not path.is_file():
        raise NotAFile(path=str(path))
    found = _hash(name, path)
    wanted = found.size_bytes <= _FEW_BYTES if rows is None else rows
    if wanted and path.suffix.lower() in {".csv", ".tsv"}:
        return _with_table(found, path)
    if wanted and path.suffix.lower() in _PARQUET and (rows or _PARQUET_MODULE in sys.modules):
        return _with_parquet(found, path)
    return found


def read_source(
    name: str, source: Source, *, digest: str | None = None, snapshot: bool = False, rows: bool | None = None
) -> Dataset:
    """Read whatever a run is given: a path, a table, a version of a registry, or the address of something.

    Of an address only a reference is kept, with the digest that is given, unless a snapshot is wanted.

    Raises:
        NotAFile: it is none of these.
        InvalidOption: an address without a digest.
        DigestMismatch: the bytes are not those of the digest.
    """
    if hasattr(source, "reference") and hasattr(source, "digest"):
        return _read_version(name, source)
    if isinstance(source, str) and "://" in source:
        return _read_address(name, source, digest, snapshot=snapshot, rows=rows)
    if isinstance(source, str | os.PathLike):
        found = read_dataset(name, Path(source), rows=rows)
    else:
        found = _read_table(name, source, rows=rows is not False)
    if digest is not None and Digest.parse(digest) != found.digest:
        raise DigestMismatch(expected=digest, actual=str(found.digest))
    return found


def _read_directory(name: str, path: Path) -> Dataset:
    files = []
    for source in collect(path):
        with watch(source) as file:
            # Its hash reads to the end, through what notices a change.
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


def _with_table(found: Dataset, path: Path) -> Dataset:
    """Add rows and columns of a CSV file; one that is no table is kept as the bytes that it is."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            columns = next(reader, [])
            rows = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error):
        return found
    if not columns or any(len(row) != len(columns) for row in rows):
        return found
    return _describe(found, columns, rows, {})


def _with_parquet(found: Dataset, path: Path) -> Dataset:
    """Add digests of the rows of a Parquet file, a piece of it in memory at a time."""
    try:
        file = load_extra(_PARQUET_MODULE, "pyarrow", "parquet").ParquetFile(path)
        names = file.schema_arrow.names
        rows = (
            row
            for batch in file.iter_batches()
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        return replace(found, rows=digest_rows(names, rows))
    except (OSError, ValueError):
        # Not what its name says: it is kept as the bytes that it is.
        return found


def _read_table(name: str, source: object, *, rows: bool) -> Dataset:
    """Write a table in memory as CSV, or an array as .npy, and hash that."""
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
        raise NotAFile(path=type(source).__name__)
    if not isinstance(text, str):
        raise NotAFile(path=type(source).__name__)
    types = {str(column): str(table[column].dtype) for column in table.columns}
    found = _of_content(name, text.encode(), {"source": "table"})
    parsed = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or len(text) > _FEW_BYTES:
        schema: JsonObject = {"rows": len(parsed) - 1, "columns": _columns(parsed[0], types)}
        return replace(found, annotations={**found.annotations, **schema})
    return _describe(found, parsed[0], parsed[1:], types)


def _of_content(name: str, content: bytes, annotations: JsonObject) -> Dataset:
    return Dataset(
        name=name,
        digest=Digest.of(content),
        size_bytes=len(content),
        annotations=annotations,
        content=content,
    )


def _describe(found: Dataset, columns: list[str], rows: list[list[str]], types: dict[str, str]) -> Dataset:
    schema: JsonObject = {"rows": len(rows), "columns": _columns(columns, types)}
    return replace(
        found,
        annotations={**found.annotations, **schema},
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
        # What fetches over the network is loaded by those who fetch.
        path: Path = load_extra("muniment.capture.fetching", "httpx2").fetch(address)
        found = replace(read_dataset(name, path, rows=rows), uri=uri)
        if digest is not None and Digest.parse(digest) != found.digest:
            raise DigestMismatch(expected=digest, actual=str(found.digest))
        return replace(found, annotations={**found.annotations, "source": "address"})
    if digest is None:
        raise InvalidOption(option="digest", reason=f"is needed for {uri}: or let a snapshot be taken")
    annotations: JsonObject = {"source": "address", "reference": True}
    return Dataset(name=name, digest=Digest.parse(digest), size_bytes=0, uri=uri, annotations=annotations)


def describe_parquet(path: Path) -> JsonObject:
    """Give rows and columns of a Parquet file, if the run has loaded a library that can tell."""
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
