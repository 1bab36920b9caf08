"""Follow a pickle without loading it: the names it takes, the calls it makes, and its end.

The standard library's `pickletools` describes the opcodes and their effects on the stack. Values are followed
only as far as names depend on them. Long arguments are skipped.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from muniment.scanning.faults import Malformed, TooLarge
from muniment.scanning.names import Name, is_class, is_listed
from muniment.scanning.tape import MAX_TEXT_BYTES, Tape

_MAX_VALUES: Final = 1 << 22
_OPCODES: Final = {ord(info.code): info for info in pickletools.opcodes}
# The arguments in `pickletools` that begin with their own length: the width and the sign of that length.
_LENGTHS: Final = {
    pickletools.TAKEN_FROM_ARGUMENT1: (1, False),
    pickletools.TAKEN_FROM_ARGUMENT4: (4, True),
    pickletools.TAKEN_FROM_ARGUMENT4U: (4, False),
    pickletools.TAKEN_FROM_ARGUMENT8U: (8, False),
}
_NAME_LINES: Final = {"GLOBAL", "INST"}


@dataclass(slots=True)
class Made:
    """The result of a call: the callable, its arguments, and the state that was set on it."""

    called: object
    arguments: object
    state: object = None


class _Unknown:
    """A value that is not followed."""


_UNKNOWN: Final = _Unknown()
_MARK: Final = object()

Hook = Callable[[Made], bool]


def _pass(_made: Made) -> bool:
    """Ignore the object."""
    return False


@dataclass(slots=True)
class Reading:
    """The actions of a pickle, as far as it was followed.

    Attributes:
        names: the names that it takes.
        hidden: how it takes unknown names, or calls something other than a name.
        calls: the number of its calls.
    """

    names: set[Name] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    calls: int = 0


class Machine:
    """Follows a pickle from the current position of a file."""

    def __init__(self, file: BinaryIO, reading: Reading, built: Hook = _pass) -> None:
        """Read from a file into `reading`.

        `built` receives each object whose state was set, with the file positioned after it, and returns
        whether it read on.
        """
        self._tape = Tape(file)
        self._reading = reading
        self._built = built
        self._stack: list[object] = []
        self._memo: dict[object, object] = {}
        self._steps: Final = {
            "MARK": lambda _: self._push(_MARK),
            "POP": self._pop_any,
            "POP_MARK": lambda _: self._pop_to_mark(),
            "DUP": lambda _: self._push(self._top()),
            "MEMOIZE": lambda _: self._remember(len(self._memo)),
            "PUT": self._remember,
            "BINPUT": self._remember,
            "LONG_BINPUT": self._remember,
            "GET": self._recall,
            "BINGET": self._recall,
            "LONG_BINGET": self._recall,
            "EMPTY_TUPLE": lambda _: self._push(()),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "TUPLE": lambda _: self._push(tuple(self._pop_to_mark())),
            "EMPTY_DICT": lambda _: self._push({}),
            "DICT": self._dict,
            "SETITEM": self._set_item,
            "SETITEMS": self._set_items,
            "NONE": lambda _: self._push(None),
            "NEWTRUE": lambda _: self._push(True),  # noqa: FBT003 - a value
            "NEWFALSE": lambda _: self._push(False),  # noqa: FBT003 - a value
            "GLOBAL": self._push_name,
            "STACK_GLOBAL": self._stack_name,
            "INST": self._make_named,
            "OBJ": self._make_marked,
            "NEWOBJ": self._make,
            "REDUCE": self._make,
            "NEWOBJ_EX": self._make_with_keywords,
            "BUILD": self._build,
            "FRAME": self._begin_frame,
            # Data that an archive keeps beside the pickle, such as torch's tensors.
            "PERSID": lambda _: self._push(_UNKNOWN),
            **dict.fromkeys(("EXT1", "EXT2", "EXT4"), self._extend),
        }

    def run(self) -> object:
        """Follow the pickle to its end; return its value, as far as it was followed.

        Raises:
            Malformed: it has no end, or breaks a rule before.
            TooLarge: it needs more memory than the scan has.
        """
        try:
            while (info := self._read_opcode()).name != "STOP":
                argument = self._read_argument(info)
                step = self._steps.get(info.name)
                if step is not None:
                    step(argument)
                else:
                    self._follow(info, argument)
                if len(self._stack) > _MAX_VALUES:
                    raise TooLarge
            return self._pop()
        finally:
            if self._tape.crossed:
                self._reading.hidden.add("a read across the end of a frame")

    def _follow(self, info: pickletools.OpcodeInfo, argument: object) -> None:
        """Change the stack as the description of an opcode says."""
        if info.arg is not None and not info.stack_before and len(info.stack_after) == 1:
            self._push(argument)
            return
        before = info.stack_before
        if pickletools.markobject in before:
            self._pop_to_mark()
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            self._pop()
        for _ in info.stack_after:
            self._push(_UNKNOWN)

    # ---- opcodes and arguments

    def _read_opcode(self) -> pickletools.OpcodeInfo:
        info = _OPCODES.get(self._tape.read(1)[0])
        if info is None:
            raise Malformed(reason="unknown opcode")
        return info

    def _read_argument(self, info: pickletools.OpcodeInfo) -> object:
        described = info.arg
        if described is None:
            return None
        if info.name in _NAME_LINES:
            return self._read_name()
        if described.n in _LENGTHS:
            width, signed = _LENGTHS[described.n]
            head = self._tape.read(width)
            length = int.from_bytes(head, "little", signed=signed)
            if length < 0:
                raise Malformed(reason="a negative length")
            if length > MAX_TEXT_BYTES:
                self._tape.skip(length)
                return _UNKNOWN
            data = head + self._tape.read(length)
        elif described.n == pickletools.UP_TO_NEWLINE:
            line = self._tape.read_line()
            if line is None:
                return _UNKNOWN
            data = line
        else:
            data = self._tape.read(described.n)
        try:
            return described.reader(io.BytesIO(data))
        except ValueError:
            # A loader may read it in another encoding.
            return _UNKNOWN

    def _read_name(self) -> Name:
        module, name = self._tape.read_line(), self._tape.read_line()
        if module is None or name is None:
            raise Malformed(reason="its name is too long")
        try:
            return Name(module[:-1].decode(), name[:-1].decode())
        except UnicodeDecodeError as error:
            raise Malformed(reason="its name is not text") from error

    # ---- the stack

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _top(self) -> object:
        if not self._stack or self._stack[-1] is _MARK:
            raise Malformed(reason="its stack is empty")
        return self._stack[-1]

    def _pop(self) -> object:
        value = self._top()
        self._stack.pop()
        return value

    def _pop_any(self, _: object) -> None:
        if not self._stack:
            raise Malformed(reason="its stack is empty")
        self._stack.pop()

    def _pop_to_mark(self) -> list[object]:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                values = self._stack[place + 1 :]
                del self._stack[place:]
                return values
        raise Malformed(reason="its stack is empty")

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(values)))

    def _dict(self, _: object) -> None:
        made: dict[object, object] = {}
        _fill(made, self._pop_to_mark())
        self._push(made)

    def _set_item(self, _: object) -> None:
        value, key = self._pop(), self._pop()
        _fill(self._top(), [key, value])

    def _set_items(self, _: object) -> None:
        items = self._pop_to_mark()
        _fill(self._top(), items)

    def _remember(self, key: object) -> None:
        self._memo[key] = self._top()

    def _recall(self, key: object) -> None:
        if key not in self._memo:
            raise Malformed(reason="its memo has no such entry")
        self._push(self._memo[key])

    # ---- names and calls

    def _push_name(self, name: object) -> None:
        if isinstance(name, Name):
            self._reading.names.add(name)
        self._push(name)

    def _stack_name(self, _: object) -> None:
        name, module = self._pop(), self._pop()
        if isinstance(name, str) and isinstance(module, str):
            self._push_name(Name(module, name))
        elif _may_be_text(name) and _may_be_text(module):
            self._reading.hidden.add("a name that it computes")
            self._push(_UNKNOWN)
        else:
            raise Malformed(reason="its name is not text")

    def _call(self, called: object, arguments: object) -> None:
        if not (isinstance(called, Name | _Unknown) or _is_open(called)):
            raise Malformed(reason="it calls something that is not callable")
        self._reading.calls += 1
        if not isinstance(called, Name):
            self._reading.hidden.add("a call of an object that it made")
        self._push(Made(called, arguments))

    def _make(self, _: object) -> None:
        arguments, called = self._pop(), self._pop()
        self._call(called, arguments)

    def _make_with_keywords(self, _: object) -> None:
        keywords, arguments, called = self._pop(), self._pop(), self._pop()
        self._call(called, (arguments, keywords))

    def _make_named(self, name: object) -> None:
        # Unpicklers take it first, whether there is a mark or not.
        self._push_name(name)
        self._stack.pop()
        self._call(name, tuple(self._pop_to_mark()))

    def _make_marked(self, _: object) -> None:
        values = self._pop_to_mark()
        if not values:
            raise Malformed(reason="its stack is empty")
        self._call(values[0], tuple(values[1:]))

    def _build(self, _: object) -> None:
        state, made = self._pop(), self._top()
        if isinstance(made, Made):
            made.state = state
            if self._built(made):
                self._tape.leave()
        elif isinstance(made, Name):
            self._reading.calls += 1
            self._reading.hidden.add("a change of an object behind a name")

    def _begin_frame(self, size: object) -> None:
        if isinstance(size, int):
            self._tape.begin_frame(size)

    def _extend(self, _: object) -> None:
        self._reading.hidden.add("a name by its number in the extension registry")
        self._push(_UNKNOWN)


def _may_be_text(value: object) -> bool:
    """Return whether a value is a text, or may become one.

    Listed names and instances of listed classes are not texts. In a joblib file, which has arrays between
    opcodes, a plain unpickler may meet such values where it expects names, and stop.
    """
    if isinstance(value, Name):
        return not is_listed(value)
    return isinstance(value, str | _Unknown) or _is_open(value)


def _is_open(value: object) -> bool:
    """Return whether a value is the result of a call, and so may have any type."""
    return isinstance(value, Made) and not (isinstance(value.called, Name) and is_class(value.called))


def _fill(target: object, values: list[object]) -> None:
    """Set the items with text keys in a followed dictionary."""
    if len(values) % 2:
        raise Malformed(reason="it has a key without a value")
    if isinstance(target, dict):
        for key, value in zip(values[::2], values[1::2], strict=True):
            if isinstance(key, str):
                target[key] = value
