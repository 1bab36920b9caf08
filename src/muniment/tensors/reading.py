"""Read the tensors of model files of every known format: list, hash and compare them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from muniment.core.bytes.formats import Format
from muniment.core.extras import load_extra
from muniment.tensors.gguf import read_gguf
from muniment.tensors.layout import Tensor
from muniment.tensors.onnx import read_onnx
from muniment.tensors.safetensors import read_safetensors

_CHUNK_BYTES: Final = 1 << 20

_READERS: Final[Mapping[Format, Callable[[BinaryIO, str, int], list[Tensor]]]] = {
    Format.SAFETENSORS: read_safetensors,
    Format.GGUF: read_gguf,
    Format.ONNX: read_onnx,
}
# The numpy names of the formats' types; BF16 is the upper half of F32.
_NUMPY: Final = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "<u1",
}  # fmt: skip


def has_tensors(kind: Format) -> bool:
    """Return whether a format has a header that lists its tensors."""
    return kind in _READERS


def read_tensors(kind: Format, file: BinaryIO, path: str, size: int) -> list[Tensor]:
    """Read the tensors of a file of `size` bytes, in the order of their bytes.

    Raises:
        InvalidModelFile: the header is damaged or false.
    """
    return _READERS[kind](file, path, size)


def hash_tensors(file: BinaryIO, tensors: Sequence[Tensor]) -> dict[str, str]:
    """Hash each tensor's bytes (sha256), by name; tensors with bytes elsewhere are left out."""
    digests = {}
    for tensor in tensors:
        if tensor.start >= 0:
            hasher = hashlib.sha256()
            for chunk in _chunks(file, tensor):
                hasher.update(chunk)
            digests[tensor.name] = hasher.hexdigest()
    return digests


def measure_change(before: BinaryIO, old: Tensor, after: BinaryIO, new: Tensor) -> float | None:
    """Compute the relative change of a tensor (Frobenius norms), chunk by chunk.

    Returns None if shapes or types differ, or if the type is not a plain number.

    Raises:
        MissingExtra: numpy is not installed.
    """
    if (old.dtype, old.shape) != (new.dtype, new.shape) or min(old.start, new.start) < 0:
        return None
    if old.dtype not in _NUMPY and old.dtype != "BF16":
        return None
    numpy = load_extra("numpy", "numpy")
    change = norm = 0.0
    for one, other in zip(_chunks(before, old), _chunks(after, new), strict=True):
        left, right = (_numbers(numpy, data, old.dtype) for data in (one, other))
        change += float(numpy.sum((right - left) ** 2))
        norm += float(numpy.sum(left**2))
    if not norm:
        return 0.0 if not change else None
    return float((change / norm) ** 0.5)


def _numbers(numpy: Any, data: bytes, dtype: str) -> Any:  # noqa: ANN401 - an array
    if dtype == "BF16":
        halves = numpy.frombuffer(data, "<u2").astype("<u4")
        return (halves << 16).view("<f4").astype("f8")
    return numpy.frombuffer(data, _NUMPY[dtype]).astype("f8")


def _chunks(file: BinaryIO, tensor: Tensor) -> Iterator[bytes]:
    file.seek(tensor.start)
    left = tensor.size_bytes
    while left:
        data = _read_all(file, min(left, _CHUNK_BYTES))
        left -= len(data)
        yield data


def _read_all(file: BinaryIO, count: int) -> bytes:
    parts = []
    while count:
        part = file.read(count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
