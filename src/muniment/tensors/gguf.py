"""The header of a GGUF file, versions 2 and 3 (ggml-org/ggml, docs/gguf.md)."""

from typing import BinaryIO, Final

from muniment.tensors.layout import Reader, Tensor, check_shape, count_elements

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = frozenset({2, 3})
_MAX_COUNT: Final = 1 << 20
_MAX_NAME_BYTES: Final = 1 << 16
_MAX_NESTING: Final = 8
_ALIGNMENT: Final = "general.alignment"
_DEFAULT_ALIGNMENT: Final = 32
_STRING, _ARRAY, _UINT32 = 8, 9, 4
# The width of each value type.
_WIDTHS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# Each tensor type: its name, the elements in a block, the bytes of a block (ggml.h, ggml_type).
_TYPES: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8),
    28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip


def read_gguf(file: BinaryIO, path: str, size: int) -> list[Tensor]:
    """Read the tensors of a GGUF file of `size` bytes, in the order of their bytes.

    Raises:
        InvalidModelFile: it is truncated, its version is unknown, or its tensors overlap or do not fit.
    """
    reader = Reader(file, path, size)
    if reader.read(len(_MAGIC)) != _MAGIC or reader.number(4) not in _VERSIONS:
        reader.refuse("it is not GGUF version 2 or 3")
    count, pairs = reader.number(8), reader.number(8)
    if count > _MAX_COUNT or pairs > _MAX_COUNT:
        reader.refuse("it claims more tensors or keys than it can hold")
    alignment = _read_alignment(reader, pairs)
    infos = [_read_info(reader) for _ in range(count)]
    if len({name for name, *_ in infos}) < count:
        reader.refuse("it names a tensor twice")
    start = -(-reader.place // alignment) * alignment
    tensors = sorted(
        (_place(reader, info, start) for info in infos), key=lambda tensor: (tensor.start, tensor.end)
    )
    place = start
    for tensor in tensors:
        if tensor.start < place or tensor.end > size:
            reader.refuse(f"the tensor {tensor.name!r:.80} overlaps another tensor or the end of the file")
        place = tensor.end
    return tensors


def _read_alignment(reader: Reader, pairs: int) -> int:
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(pairs):
        key, kind = _read_name(reader), reader.number(4)
        if key == _ALIGNMENT and kind == _UINT32:
            alignment = reader.number(4)
        else:
            _skip_value(reader, kind, _MAX_NESTING)
    if not alignment or alignment % 8 or alignment > 1 << 20:
        reader.refuse("its alignment is not valid")
    return alignment


def _read_info(reader: Reader) -> tuple[str, tuple[int, ...], int, int]:
    name, dimensions = _read_name(reader), reader.number(4)
    if dimensions > 8:  # noqa: PLR2004 - ggml has four
        reader.refuse(f"the tensor {name!r:.80} has too many dimensions")
    # GGUF writes the fastest dimension first; everywhere else it comes last.
    shape = tuple(reversed([reader.number(8) for _ in range(dimensions)]))
    return name, check_shape(shape, reader.path, name), reader.number(4), reader.number(8)


def _place(reader: Reader, info: tuple[str, tuple[int, ...], int, int], start: int) -> Tensor:
    name, shape, kind, offset = info
    if kind not in _TYPES:
        reader.refuse(f"the tensor {name!r:.80} has an unknown type ({kind})")
    dtype, elements, width = _TYPES[kind]
    blocks, rest = divmod(count_elements(shape), elements)
    if rest:
        reader.refuse(f"the tensor {name!r:.80} does not have the size that its shape needs")
    begin = start + offset
    return Tensor(name=name, dtype=dtype, shape=shape, start=begin, end=begin + blocks * width)


def _skip_value(reader: Reader, kind: int, nesting: int) -> None:
    if kind == _STRING:
        reader.skip(reader.number(8))
    elif kind == _ARRAY:
        inner, count = reader.number(4), reader.number(8)
        if inner in _WIDTHS:
            reader.skip(count * _WIDTHS[inner])
            return
        if not nesting or count > reader.left:
            reader.refuse("a value is nested too deeply or longer than the file")
        for _ in range(count):
            _skip_value(reader, inner, nesting - 1)
    elif kind in _WIDTHS:
        reader.skip(_WIDTHS[kind])
    else:
        reader.refuse(f"a value has an unknown type ({kind})")


def _read_name(reader: Reader) -> str:
    length = reader.number(8)
    if length > _MAX_NAME_BYTES:
        reader.refuse("a name is too long")
    try:
        return reader.read(length).decode()
    except UnicodeDecodeError:
        reader.refuse("a name is not UTF-8")
