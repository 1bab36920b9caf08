"""The header of a safetensors file, checked as strictly as the format requires (its README: Format)."""

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
        InvalidModelFile: the header is too long, is not JSON or names a tensor twice, or its tensors overlap,
            leave holes, or do not have the size that their shape needs.
    """
    reader = Reader(file, path, size)
    length = reader.number(_LENGTH_BYTES)
    if length > _MAX_HEADER_BYTES:
        reader.refuse(f"its header claims {length} bytes, more than the format allows")
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
        reader.refuse(f"its tensors end at byte {place} of {size}")
    return tensors


def _decode(reader: Reader, data: bytes) -> dict[str, Any]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            reader.refuse("its header has a duplicate key")
        return members

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
        reader.refuse(f"the tensor {name!r:.80} has an unknown type, shape or place")
    if len(offsets) != 2 or any(type(offset) is not int for offset in offsets):  # noqa: PLR2004 - begin and end
        reader.refuse(f"the tensor {name!r:.80} has no place")
    checked = check_shape(shape, reader.path, name)
    begin, end = offsets
    bits = count_elements(checked) * _BITS[dtype]
    if not 0 <= begin <= end or bits != 8 * (end - begin):
        reader.refuse(f"the tensor {name!r:.80} does not have the size that its shape needs")
    return Tensor(name=name, dtype=dtype, shape=checked, start=start + begin, end=start + end)
