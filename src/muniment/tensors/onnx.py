"""The initializers of an ONNX model, found by walking its protocol buffer (onnx/onnx.proto).

Fields that do not lead to initializers are skipped by their length.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from muniment.tensors.layout import Reader, Tensor, check_shape

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_TENSORS: Final = 1 << 20
_MAX_NAME_BYTES: Final = 1 << 16
_VARINT_BITS: Final = 63

# Field numbers of onnx.proto.
_GRAPH: Final = 7
_INITIALIZER: Final = 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA, _EXTERNAL = 1, 2, 8, 9, 13
_TYPED_DATA: Final = frozenset({4, 5, 6, 7, 10, 11})
_TYPES: Final = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 8: "STRING", 9: "BOOL", 10: "F16",
    11: "F64", 12: "U32", 13: "U64", 14: "C64", 15: "C128", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ",
    19: "F8_E5M2", 20: "F8_E5M2FNUZ", 21: "U4", 22: "I4", 23: "F4", 24: "F8_E8M0",
}  # fmt: skip


def read_onnx(file: BinaryIO, path: str, size: int) -> list[Tensor]:
    """Read the initializers of an ONNX model of `size` bytes, in the order of their bytes.

    Raises:
        InvalidModelFile: it is truncated, is not a protocol buffer, has no graph, or names a tensor twice.
    """
    reader = Reader(file, path, size)
    tensors: list[Tensor] = []
    graphs = 0
    for field, end in _fields(reader, size):
        if field == _GRAPH:
            graphs += 1
            for inner, inner_end in _fields(reader, end):
                if inner == _INITIALIZER:
                    tensors.append(_read_tensor(reader, inner_end))
                    if len(tensors) > _MAX_TENSORS:
                        reader.refuse("it has too many tensors")
                else:
                    reader.skip(inner_end - reader.place)
        else:
            reader.skip(end - reader.place)
    if graphs != 1:
        reader.refuse("it is not an ONNX model with one graph")
    if len({tensor.name for tensor in tensors}) < len(tensors):
        reader.refuse("it names a tensor twice")
    return tensors


def _read_tensor(reader: Reader, end: int) -> Tensor:
    dimensions: list[int] = []
    name, kind = "", 0
    places: list[tuple[int, int]] = []
    external = False
    while reader.place < end:
        field, wire = divmod(_varint(reader), 8)
        if wire == _BYTES:
            inner_end = _end_of(reader, end)
            if field == _NAME:
                name = _text(reader, inner_end)
            elif field == _DIMS:
                while reader.place < inner_end:
                    dimensions.append(_varint(reader))
            elif field == _RAW_DATA or field in _TYPED_DATA:
                places.append((reader.place, inner_end))
            external |= field == _EXTERNAL
            reader.skip(inner_end - reader.place)
        elif wire == _VARINT:
            value = _varint(reader)
            if field == _DIMS:
                dimensions.append(value)
            elif field == _DATA_TYPE:
                kind = value
        else:
            _skip(reader, wire)
    shape = check_shape(dimensions, reader.path, name)
    start, stop = (places[0][0], places[-1][1]) if places and not external else (-1, -1)
    return Tensor(name=name, dtype=_TYPES.get(kind, f"type {kind}"), shape=shape, start=start, end=stop)


def _fields(reader: Reader, end: int) -> Iterator[tuple[int, int]]:
    """Yield each field with a length, and where it ends; the caller moves the reader there."""
    while reader.place < end:
        field, wire = divmod(_varint(reader), 8)
        if wire == _BYTES:
            yield field, _end_of(reader, end)
        else:
            _skip(reader, wire)
    if reader.place > end:
        reader.refuse("a part is longer than the whole")


def _end_of(reader: Reader, end: int) -> int:
    length = _varint(reader)
    if length > end - reader.place:
        reader.refuse("it is truncated")
    return reader.place + length


def _skip(reader: Reader, wire: int) -> None:
    if wire == _VARINT:
        _varint(reader)
    elif wire in {_FIXED64, _FIXED32}:
        reader.skip(8 if wire == _FIXED64 else 4)
    else:
        reader.refuse("it is not a protocol buffer")


def _varint(reader: Reader) -> int:
    value = shift = 0
    while (byte := reader.read(1)[0]) >= 0x80:  # noqa: PLR2004 - the continuation bit
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > _VARINT_BITS:
            reader.refuse("it is not a protocol buffer")
    return value | byte << shift


def _text(reader: Reader, end: int) -> str:
    if end - reader.place > _MAX_NAME_BYTES:
        reader.refuse("a name is too long")
    return reader.read(end - reader.place).decode(errors="replace")
