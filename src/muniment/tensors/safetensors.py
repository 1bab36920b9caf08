"""The header of a safetensors file, checked as strictly as its format asks (its README: Format)."""

import json
from typing import Any, BinaryIO, Final

from muniment.tensors.layout import Reader, Tensor, check_shape, count_elements

# The format's own limit.
_MAX_HEADER_BYTES: Final = 100_000_000
_LENGTH_BYTES: Final = 8
_METADATA: Final = "__metadata__"
_BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64,
    "I64": 64, "U64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def read_safetensors(file: BinaryIO, path: str, size: int) -> list[Tensor]:
    """Read the tensors of a safetensors file of `size` bytes, in the order of their bytes.

    Raises:
        InvalidModelFile: the header is too long, not JSON, names a tensor twice, or its tensors overlap,
            leave holes, or do not have the size of their shape.
    """
    reader = Reader(file, path, size)
    length = reader.number(_LENGTH_BYTES)
    if length > _MAX_HEADER_BYTES:
        reader.refuse(f"its header is said to have {length} bytes, more than the format allows")
    header = _decode(reader, reader.read(length))
    header.pop(_METADATA, None)
    start = reader.place
    tensors = sorted(
        (_read_tensor(reader, name, entry, start) for name, entry in header.items()),
        key=lambda tensor: (tensor.start, tensor.end),
    )
    place = start
    for tensor in tensors:
        if tensor.start != place:
            how = "overlaps another" if tensor.start < place else "leaves a hole before it"
            reader.refuse(f"the tensor {tensor.name!r:.80} {how}")
        place = tensor.end
    if place != size:
        reader.refuse(f"its tensors end at {place}, and it has {size} bytes")
    return tensors


def _decode(reader: Reader, data: bytes) -> dict[str, Any]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            reader.refuse("its header names something twice")
        return found

    try:
        header = json.loads(data, object_pairs_hook=build)
    except (ValueError, RecursionError):
        reader.refuse("its header is not JSON")
    if not isinstance(header, dict):
        reader.refuse("its header is not an object")
    return header


def _read_tensor(reader: Reader, name: str, entry: object, start: int) -> Tensor:
    if not isinstance(entry, dict):
        reader.refuse(f"the tensor {name!r:.80} is not described")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if dtype not in _BITS or not isinstance(shape, list) or not isinstance(offsets, list):
        reader.refuse(f"the tensor {name!r:.80} has no type, shape or place that is known")
    if len(offsets) != 2 or any(type(one) is not int for one in offsets):  # noqa: PLR2004 - begin and end
        reader.refuse(f"the tensor {name!r:.80} has no place")
    found = check_shape(shape, reader.path, name)
    begin, end = offsets
    bits = count_elements(found) * _BITS[dtype]
    if not 0 <= begin <= end or bits != 8 * (end - begin):
        reader.refuse(f"the tensor {name!r:.80} does not have the size of its shape")
    return Tensor(name=name, dtype=dtype, shape=found, start=start + begin, end=start + end)
