"""Answers that are found: each row is proven to be on record, but there may be more."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from muniment.core.records import Record


def list_records(answer: object) -> Iterator[Record]:
    """List the records in an answer, at any depth."""
    if isinstance(answer, Record):
        yield answer
    elif isinstance(answer, tuple):
        for one in answer:
            yield from list_records(one)
    elif is_dataclass(answer):
        for field in fields(answer):
            yield from list_records(getattr(answer, field.name))
