"""Tensors: headers are read as the formats' own libraries read them, and lies are refused."""

import io
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open
from safetensors.numpy import save, save_file

from muniment.core.bytes.formats import Format
from muniment.core.errors import InvalidModelFile
from muniment.tensors.layout import Tensor
from muniment.tensors.reading import hash_tensors, measure_change, read_tensors
from strategies import damaged


def read(form: Format, data: bytes) -> list[Tensor]:
    return read_tensors(form, io.BytesIO(data), "model", len(data))


@pytest.mark.foreign
def test_a_real_safetensors_model_is_read_as_its_library_does(minilm: Path) -> None:
    """The 104 tensors of MiniLM have the names, types, shapes and bytes that safetensors reads."""
    with minilm.open("rb") as file:
        tensors = read_tensors(Format.SAFETENSORS, file, "m", minilm.stat().st_size)
        data = {tensor.name: hash_tensors(file, [tensor])[tensor.name] for tensor in tensors[:5]}
    with safe_open(minilm, "numpy") as theirs:
        assert {tensor.name for tensor in tensors} == set(theirs.keys())
        for tensor in tensors[:5]:
            array = theirs.get_tensor(tensor.name)
            assert tensor.shape == array.shape
            assert data[tensor.name] == hash_tensors(io.BytesIO(array.tobytes()), [whole(array)])["x"]
    assert len(tensors) == 104


def whole(array: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> Tensor:
    return Tensor(name="x", dtype="F32", shape=array.shape, start=0, end=array.nbytes)


@pytest.mark.foreign
def test_a_real_onnx_model_is_read_as_its_library_does(magika: Path) -> None:
    """The initializers of magika have the names, shapes and bytes that onnx reads."""
    with magika.open("rb") as file:
        tensors = {t.name: t for t in read_tensors(Format.ONNX, file, "m", magika.stat().st_size)}
    theirs = {one.name: one for one in onnx.load(str(magika)).graph.initializer}
    assert tensors.keys() == theirs.keys()
    content = magika.read_bytes()
    for name, one in theirs.items():
        assert tensors[name].shape == tuple(one.dims)
        if one.raw_data:
            assert content[tensors[name].start : tensors[name].end] == one.raw_data


@pytest.mark.foreign
def test_a_gguf_model_is_read_as_its_library_writes_it(tmp_path: Path) -> None:
    """Plain and quantised GGUF tensors are read, with metadata of every kind and another alignment."""
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(64)
    writer.add_array("words", ["a", "bc", "d" * 1000])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_float32("x", 0.5)
    writer.add_bool("flag", val=True)
    arrays: dict[str, NDArray[Any]] = {
        "w": np.arange(12, dtype=np.float32).reshape(3, 4),
        "h": np.ones((2, 32), np.float16),
    }
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    quantised = gguf.quantize(
        np.random.default_rng(1).random((4, 64), np.float32), gguf.GGMLQuantizationType.Q8_0
    )
    writer.add_tensor("q", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    content = path.read_bytes()
    tensors = {tensor.name: tensor for tensor in read(Format.GGUF, content)}
    assert {name: (t.dtype, t.shape) for name, t in tensors.items()} == {
        "w": ("F32", (3, 4)),
        "h": ("F16", (2, 32)),
        "q": ("Q8_0", (4, 64)),
    }
    for name, array in {**arrays, "q": quantised}.items():
        assert content[tensors[name].start : tensors[name].end] == array.tobytes()
    last = max(tensor.end for tensor in tensors.values())
    for place in (3, 10, 30, 100, 200, last - 1):
        with pytest.raises(InvalidModelFile):
            read(Format.GGUF, content[:place])


def header(document: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(begin: int, end: int, shape: tuple[int, ...] = (1,), dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x01\x00", "truncated"),
        (header({}, length=100_000_001), "more than the format allows"),
        (header({}, length=99_000_000), "truncated"),
        (header({}, length=2**63), "more than the format allows"),
        (header(b"{"), "not JSON"),
        (header(b"[" * 100_000), "not JSON"),
        (header([1]), "not an object"),
        (header(b'{"a": {}, "a": {}}'), "duplicate key"),
        (header({"a": entry(0, 4), "b": entry(0, 4)}, bytes(4)), "overlaps"),
        (header({"a": entry(0, 4), "b": entry(2, 6)}, bytes(6)), "overlaps"),
        (header({"a": entry(4, 8)}, bytes(8)), "leaves a hole"),
        (header({"a": entry(0, 4)}, bytes(8)), "end at"),
        (header({"a": entry(0, 4)}, bytes(2)), "end at"),
        (header({"a": entry(0, 4, (2,))}, bytes(4)), "its shape needs"),
        (header({"a": entry(4, 0)}, bytes(4)), "its shape needs"),
        (header({"a": entry(0, 4, (-1, -1))}, bytes(4)), "impossible shape"),
        (header({"a": entry(0, 4, (1,) * 100)}, bytes(4)), "impossible shape"),
        (header({"a": entry(0, 4, dtype="F33")}, bytes(4)), "known"),
        (header({"a": 3}), "not described"),
        (header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0.5, 4]}}, bytes(4)), "no place"),
    ],
)
def test_a_safetensors_header_that_lies_is_refused(data: bytes, reason: str) -> None:
    """Overlaps, holes, impossible lengths and duplicate keys are refused by name, at once."""
    with pytest.raises(InvalidModelFile, match=reason):
        read(Format.SAFETENSORS, data)


def onnx_model() -> bytes:
    weights = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "w")
    typed = helper.make_tensor("typed", TensorProto.FLOAT, [2], [1.0, 2.0])
    outside = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[4])
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="weights.bin")
    graph = helper.make_graph([], "g", [], [], [weights, typed, outside])
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


def test_initializers_can_be_typed_or_elsewhere() -> None:
    """An initializer with typed values is read, and one in another file has no place in this one."""
    tensors = {tensor.name: tensor for tensor in read(Format.ONNX, onnx_model())}
    assert (tensors["w"].shape, tensors["w"].size_bytes) == ((2, 3), 24)
    assert tensors["typed"].size_bytes == 8
    assert tensors["outside"].start == -1
    assert set(hash_tensors(io.BytesIO(onnx_model()), list(tensors.values()))) == {"w", "typed"}


@given(st.sampled_from(["safetensors", "onnx"]), st.data())
def test_files_that_are_cut_or_changed_are_refused_or_read(kind: str, data: st.DataObject) -> None:
    """A file with any byte cut or changed is read or refused, and never fails in another way."""
    whole_file = onnx_model() if kind == "onnx" else save({"a": np.ones(3, np.float32), "b": np.zeros(2)})
    with suppress(InvalidModelFile):
        read(Format(kind), data.draw(damaged(whole_file)))


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    """Each reader reads or refuses random bytes, and never fails in another way."""
    for form in (Format.SAFETENSORS, Format.ONNX, Format.GGUF):
        for content in (data, b"GGUF\x03\x00\x00\x00" + data):
            with suppress(InvalidModelFile):
                read(form, content)


@pytest.mark.parametrize("make", [np.float32, np.float64, np.float16, np.int8])
def test_the_norm_of_a_change_is_relative(tmp_path: Path, make: Callable[[object], object]) -> None:
    """The relative norm of a change equals that of numpy, over chunks."""
    before = np.asarray([3, 4], dtype=make)  # type: ignore[call-overload] # a type of numpy
    after = np.asarray([3, 5], dtype=make)  # type: ignore[call-overload] # as above
    files = []
    for name, array in (("a", before), ("b", after)):
        save_file({"w": array}, tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    (one,), (other,) = (read(Format.SAFETENSORS, data) for data in files)
    assert measure_change(io.BytesIO(files[0]), one, io.BytesIO(files[1]), other) == pytest.approx(0.2)
    longer = read(Format.SAFETENSORS, save({"w": np.ones(9, np.float32)}))[0]
    assert measure_change(io.BytesIO(files[0]), one, io.BytesIO(files[1]), longer) is None
