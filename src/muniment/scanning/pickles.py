"""The pickles of a file: in sequence, those of joblib with their arrays, those of old torch."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Final

from muniment.scanning.faults import Malformed
from muniment.scanning.machine import Hook, Machine, Made, Reading
from muniment.scanning.names import Name
from muniment.scanning.tape import skip

_WRAPPER: Final = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
_PADDING: Final = "numpy_array_alignment_bytes"
_PLAIN_DTYPE: Final = re.compile(r"[biufcmMSUV](\d{1,9})")
# NumPy counts characters of text, each of four bytes.
_CHARACTER_BYTES: Final = 4
_MAX_NESTING: Final = 16
# The first pickle of a file of torch before 1.6; tensors follow after five pickles.
_TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
_TORCH_PICKLES: Final = 5


@dataclass(slots=True)
class Pickles:
    """The actions of the pickles of a file, how many ended, and the fault of the last, if any."""

    reading: Reading = field(default_factory=Reading)
    ended: int = 0
    fault: str = ""

    @property
    def acts(self) -> bool:
        """Whether a loader would act on the file, regardless of its name."""
        return bool(self.reading.calls) or bool(self.ended and (self.reading.names or self.reading.hidden))


def read_pickles(file: BufferedReader) -> Pickles:
    """Follow the pickles from the current position of the file to its end.

    A joblib file is followed both as joblib and as `pickle` read it, because either may load it.
    """
    start = file.tell()
    plain = _follow(file, Reading(), None)
    if _WRAPPER not in plain.reading.names:
        return plain
    file.seek(start)
    # Its actions are those of both readings together.
    return _follow(file, plain.reading, lambda made: _skip_array(file, plain.reading, made))


def _follow(file: BufferedReader, reading: Reading, built: Hook | None) -> Pickles:
    pickles = Pickles(reading)
    hooks = () if built is None else (built,)
    old_torch = False
    while file.peek(1):
        try:
            value = Machine(file, reading, *hooks).run()
        except Malformed as fault:
            pickles.fault = str(fault)
            break
        pickles.ended += 1
        old_torch = old_torch or (pickles.ended == 1 and value == _TORCH_MAGIC)
        if old_torch and pickles.ended == _TORCH_PICKLES:
            break
    return pickles


def _skip_array(file: BufferedReader, reading: Reading, made: Made) -> bool:
    """Skip the array that joblib keeps after its wrapper; return whether there is one.

    An array of objects is another pickle.

    Raises:
        Malformed: its length is unknown, or it is missing.
    """
    if made.called != _WRAPPER:
        return False
    state = made.state
    dtype = state.get("dtype") if isinstance(state, Mapping) else None
    shape = state.get("shape") if isinstance(state, Mapping) else None
    if not (isinstance(state, Mapping) and isinstance(dtype, Made) and isinstance(shape, tuple)):
        raise Malformed(reason="a joblib array has no type")
    if _has_objects(dtype):
        Machine(file, reading).run()
        return True
    if state.get(_PADDING) is not None:
        padding = file.read(1)
        skip(file, int.from_bytes(padding, "little"))
    skip(file, _count(shape) * _size_of(dtype))
    return True


def _count(shape: tuple[object, ...]) -> int:
    lengths = [length for length in shape if isinstance(length, int) and length >= 0]
    if len(lengths) != len(shape):
        raise Malformed(reason="a joblib array has no shape")
    return math.prod(lengths)


def _size_of(dtype: Made) -> int:
    match = _PLAIN_DTYPE.fullmatch(_text_of(dtype))
    if match is None:
        raise Malformed(reason="a joblib array has an unknown type")
    return int(match[1]) * (_CHARACTER_BYTES if _text_of(dtype).startswith("U") else 1)


def _text_of(dtype: Made) -> str:
    first = dtype.arguments[0] if isinstance(dtype.arguments, tuple) and dtype.arguments else ""
    return first if isinstance(first, str) else ""


def _has_objects(dtype: Made, nesting: int = 0) -> bool:
    """Return whether a type contains objects, itself or in a field."""
    if nesting > _MAX_NESTING:
        raise Malformed(reason="a joblib array has a type that is too deep")
    if _text_of(dtype).startswith("O"):
        return True
    state = dtype.state if isinstance(dtype.state, tuple) else ()
    fields = [one for part in state if isinstance(part, Mapping) for one in part.values()]
    inner = [one[0] for one in fields if isinstance(one, tuple) and one]
    return any(_has_objects(one, nesting + 1) for one in inner if isinstance(one, Made))
