"""What all tables share: their metadata and the types of their columns."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData
from sqlalchemy import Text as AnyText

metadata: Final = MetaData()

# SQLite gives rowid speed to INTEGER keys only; PostgreSQL needs 64 bits for the log.
Whole: Final = BigInteger().with_variant(Integer(), "sqlite")
# SQLite compares text by its bytes. PostgreSQL does so, and can use an index for a prefix, under "C".
Text: Final = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def entry(*, primary_key: bool = False) -> Column[int]:
    """Make the column for the entry of the log that made the row."""
    return Column(
        "index",
        Whole,
        ForeignKey("events.index"),
        primary_key=primary_key,
        autoincrement=False,
        nullable=False,
    )
