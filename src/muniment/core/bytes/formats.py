"""File formats of models, and which formats can run code on load."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final


class Format(StrEnum):
    """How a file is encoded."""

    SAFETENSORS = "safetensors"
    ONNX = "onnx"
    GGUF = "gguf"
    SKOPS = "skops"
    PICKLE = "pickle"
    OTHER = "other"


_SUFFIXES: Final = {
    ".safetensors": Format.SAFETENSORS,
    ".onnx": Format.ONNX,
    ".gguf": Format.GGUF,
    ".skops": Format.SKOPS,
    # All of these are pickles, compressed or wrapped.
    ".pkl": Format.PICKLE,
    ".pickle": Format.PICKLE,
    ".joblib": Format.PICKLE,
    ".cloudpickle": Format.PICKLE,
    ".dill": Format.PICKLE,
    ".pt": Format.PICKLE,
    ".pth": Format.PICKLE,
    ".ckpt": Format.PICKLE,
}
# The opcode PROTO (Python, Lib/pickle.py).
_PROTO: Final = 0x80
_PICKLE_PROTOCOLS: Final = frozenset(range(2, 6))


def format_of(path: str, head: bytes = b"") -> Format:
    """Tell a file's format by its name, and a pickle also by its first two bytes.

    A pickle of protocol 2 and later begins with PROTO (0x80) and its number, regardless of its name.
    """
    if len(head) > 1 and head[0] == _PROTO and head[1] in _PICKLE_PROTOCOLS:
        return Format.PICKLE
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower(), Format.OTHER)


def is_weights(path: str) -> bool:
    """Return whether a file holds a model, rather than text or settings about it."""
    return format_of(path) is not Format.OTHER
