"""Read tables from CSV and Parquet files, piece by piece, and only the wanted columns."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from muniment.core.errors import InvalidEvidence
from muniment.core.extras import load_extra

ROWS: Final = 200_000
_MAGIC: Final = b"PAR1"
_MOST_CHARACTERS: Final = 200
_REMEDY: Final = "give CSV in UTF-8, with the names of the columns in the first line, or Parquet"


def read_pieces(
    path: Path, columns: Sequence[str], *, text: bool = True, texts: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Read columns of a table, at most ROWS rows at a time.

    With `text`, cells of CSV files stay text, and without it those of the columns `texts` do.

    Raises:
        InvalidEvidence: a column is missing, or the file has another format than its name.
        MissingExtra: the file is Parquet, and the `parquet` extra is not installed.
    """
    wanted = list(dict.fromkeys(columns))
    try:
        if is_parquet(path):
            yield from _read_parquet(path, wanted)
        else:
            yield from _read_csv(path, wanted, text=text, texts=texts)
    except (ValueError, OSError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise _refuse_table(path, error) from error


def read_whole(path: Path, columns: Sequence[str] = (), *, text: bool = False) -> pd.DataFrame:
    """Read a table that fits in memory. Raises like `read_pieces`."""
    return pd.concat(list(read_pieces(path, columns or list_columns(path), text=text)), ignore_index=True)


def list_columns(path: Path) -> list[str]:
    """List the columns of a table, in order. Raises like `read_pieces`."""
    try:
        if is_parquet(path):
            names: list[str] = _open_parquet(path).schema_arrow.names
            return names
        return [str(name) for name in pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns]
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise _refuse_table(path, error) from error


def count_rows(path: Path) -> int:
    """Count the rows of a table. Raises like `read_pieces`."""
    first = list_columns(path)[:1]
    return sum(len(piece) for piece in read_pieces(path, first))


def is_table(path: Path) -> bool:
    """Return whether a file is a table, by its name."""
    return path.is_file() and (path.suffix.lower() == ".csv" or is_parquet(path))


def is_parquet(path: Path) -> bool:
    """Recognise Parquet by its name or its first bytes (parquet-format, File Format)."""
    with path.open("rb") as file:
        return path.suffix.lower() in {".parquet", ".pq"} or file.read(len(_MAGIC)) == _MAGIC


def _read_csv(path: Path, columns: list[str], *, text: bool, texts: Sequence[str]) -> Iterator[pd.DataFrame]:
    _check_columns(path, columns)
    some: dict[str, Any] = {"dtype": dict.fromkeys(texts, str)}
    cells: dict[str, Any] = {"dtype": str, "keep_default_na": False} if text else some
    # Read all columns: with `usecols`, rows that are too long would be cut silently.
    with (
        warnings.catch_warnings(action="error", category=pd.errors.ParserWarning),
        pd.read_csv(path, index_col=False, chunksize=ROWS, encoding="utf-8-sig", **cells) as reader,
    ):
        for piece in reader:
            yield piece[columns]


def _read_parquet(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    file = _open_parquet(path)
    _check_columns(path, columns)
    for batch in file.iter_batches(batch_size=ROWS, columns=columns):
        # With pandas' own metadata, a column that was an index would be none. Whole numbers stay whole.
        yield batch.to_pandas(ignore_metadata=True, integer_object_nulls=True)


def _open_parquet(path: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 - pyarrow is an extra
    return load_extra("pyarrow.parquet", "pyarrow", "parquet").ParquetFile(path)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    known = list_columns(path)
    for column in columns:
        if known.count(column) > 1:
            raise InvalidEvidence(reason=f"{path.name} has several columns {column!r}")
        if column not in known:
            reason, remedy = f"{path.name} has no column {column!r}", f"its columns are {', '.join(known)}"
            raise InvalidEvidence(reason=reason, remedy=remedy[:_MOST_CHARACTERS])


def _refuse_table(path: Path, error: Exception) -> InvalidEvidence:
    words = " ".join(str(error).split())[:_MOST_CHARACTERS]
    return InvalidEvidence(reason=f"{path.name} cannot be read as a table: {words}", remedy=_REMEDY)
