"""The messages between the two processes of a scan."""

import struct
from typing import Final, NamedTuple

# The worker sends a question for bytes, or its answer.
QUESTION: Final = b"Q"
ANSWER: Final = b"A"
MAX_READ_BYTES: Final = 1 << 20
MAX_ANSWER_BYTES: Final = 8 << 20
_QUESTION: Final = struct.Struct(">IQI")


class Question(NamedTuple):
    """A question for bytes: the file, the offset, the count."""

    file: int
    offset: int
    size: int


def write_question(question: Question) -> bytes:
    """Write a question for bytes."""
    return QUESTION + _QUESTION.pack(*question)


def read_question(message: bytes) -> Question:
    """Read a question for bytes.

    Raises:
        struct.error: it is malformed.
    """
    return Question(*_QUESTION.unpack(message[len(QUESTION) :]))
