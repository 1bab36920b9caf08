"""Pickles are followed, not loaded: which names they take, what they call, and what stays hidden."""

import contextlib
import importlib
import inspect
import io
import pickle
import pickletools
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import joblib
import numpy as np
import pytest
from fickling.analysis import Severity, check_safety
from fickling.fickle import Pickled
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from picklescan.scanner import scan_pickle_bytes
from sklearn.datasets import load_diabetes, load_iris
from sklearn.utils import all_estimators

from muniment.core.claims.scans import SEVERITIES, ScanFinding
from muniment.scanning.files import scan_file
from muniment.scanning.names import _CLASSES, _FUNCTIONS, Name, is_listed
from muniment.scanning.pickles import Pickles, read_pickles
from muniment.scanning.streams import buffer
from strategies import damaged

# What is in a file can be written badly.
pytestmark = pytest.mark.filterwarnings("ignore:invalid .*escape sequence:DeprecationWarning")

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """Pickles itself as a call."""

    def __init__(self, called: object, *arguments: object) -> None:
        self._reduced = (called, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:  # noqa: D105 - what pickle asks for
        return self._reduced


def follow(data: bytes) -> Pickles:
    """Follow pickles to the end of some bytes."""
    file = buffer(io.BytesIO(data))
    followed = read_pickles(file)
    if not followed.fault:
        assert file.read() == b""
    return followed


def look(data: bytes, path: str = "model.pkl") -> list[ScanFinding]:
    """Look into a file."""
    return list(scan_file(io.BytesIO(data), path, len(data)))


def worst(data: bytes, path: str = "model.pkl") -> str:
    """Give the highest severity of what is found."""
    return max((one.severity for one in look(data, path)), key=SEVERITIES.index, default="none")


# ---- against others


def taken(names: set[Name]) -> set[str]:
    return {str(name) for name in names}


def plant(module: str, name: str, *arguments: object) -> bytes:
    """Write a pickle that takes a name and calls it, in the old form that any unpickler reads."""
    written = b"".join(pickle.dumps(one, protocol=0)[:-1] for one in arguments)
    return f"c{module}\n{name}\n(".encode() + written + b"tR."


# Ways to run code, or to reach what does; what found them is other than us.
GADGETS = {
    "os.system": plant("os", "system", "true"),
    "builtins.eval": plant("builtins", "eval", "1"),
    "getattr": plant("__builtin__", "getattr", "a", "b"),
    "subprocess": plant("subprocess", "Popen", "true"),
    "importlib": plant("importlib", "import_module", "this"),
    "runpy": plant("runpy", "run_path", "x.py"),
    "pkgutil": plant("pkgutil", "resolve_name", "os:system"),
    "attrgetter": plant("operator", "attrgetter", "system"),
    "codeop": plant("codeop", "compile_command", "1"),
    "distutils": plant("distutils.spawn", "spawn", "true"),
    "linecache": plant("linecache", "getlines", "/etc/passwd"),
    "smtplib": plant("smtplib", "SMTP", "127.0.0.1"),
    "ensurepip": plant("ensurepip", "_run_pip", "x"),
    "f2py": plant("numpy.f2py.crackfortran", "getlincoef", "1", "x"),
    "unknown": plant("some_package", "anything", "x"),
}


@pytest.mark.foreign
@pytest.mark.parametrize("gadget", sorted(GADGETS))
def test_what_others_call_unsafe_is_found(gadget: str) -> None:
    """Fickling and we agree on which pickles are unsafe."""
    data = GADGETS[gadget]
    assert check_safety(Pickled.load(io.BytesIO(data))).severity >= Severity.LIKELY_UNSAFE
    assert worst(data) in {"high", "critical"}
    assert worst(data, "README.md") in {"high", "critical"}


@pytest.mark.foreign
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_names_are_those_that_others_see(protocol: int) -> None:
    """The names that a pickle takes are those that picklescan reports."""
    value = {"a": np.arange(3), "b": [PurePosixPath("x"), np.float64(1)], "c": Calls(print, "x")}
    data = pickle.dumps(value, protocol=protocol)
    seen = {f"{one.module}.{one.name}" for one in scan_pickle_bytes(io.BytesIO(data), "x").globals}
    assert taken(follow(data).reading.names) == seen


@pytest.mark.foreign
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(), inner)
            | st.tuples(inner, inner)
            | st.frozensets(st.integers())
        ),
    ),
    st.sampled_from(PROTOCOLS),
)
def test_data_alone_is_nothing_to_find(value: object, protocol: int) -> None:
    """A pickle of plain data is followed to its end and has no finding."""
    data = pickle.dumps(value, protocol=protocol)
    followed = follow(data)
    assert (followed.ended, followed.fault, followed.reading.hidden) == (1, "", set())
    assert worst(data) == "none"


@given(st.binary(max_size=400) | damaged(pickle.dumps([1, "a", {"b": (2.5, None)}, b"c"])))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    """Any bytes are refused or followed, and what is followed to its end `pickletools` reads too.

    An argument in another encoding is unknown, and what comes after it is followed all the same.
    """
    followed = follow(data)
    if followed.ended:
        read, said = [""], ""
        try:
            read = [opcode.name for opcode, _, _ in pickletools.genops(io.BytesIO(data))]
        except ValueError as error:
            said = str(error)
        assert read[-1] == "STOP" or (said and not re.search("exhausted|newline|opcode|remain", said))


@pytest.mark.parametrize("text", [b"\x8c\x01\x80.", b"Iabc\n."])
def test_an_argument_in_another_encoding_is_followed(text: bytes) -> None:
    """A text that is not UTF-8, which `pickletools` refuses, hides nothing that comes after it."""
    assert follow(text).ended == 1
    assert worst(text[:-1] + b"cos\nsystem\n.") == worst(b"cos\nsystem\n.") != "none"


class Asked:
    """An unpickler that notes what it is asked for, and gives what can be called."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)  # type: ignore[call-arg] # of the unpickler
        self.names: set[str] = set()

    def find_class(self, module: str, name: str) -> object:
        """Note a name."""
        self.names.add(f"{module}.{name}")
        return Anything

    def persistent_load(self, pid: object) -> object:
        """Give what was asked for: it may be a text."""
        return pid


class AskedInPython(Asked, pickle._Unpickler):
    """The one in Python."""


class AskedInC(Asked, pickle.Unpickler):
    """The one in C."""


class Anything:
    """What can be made of anything, and does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        """Take anything."""

    def __call__(self, *_: object, **__: object) -> "Anything":
        """Be called."""
        return self

    def __setstate__(self, _: object) -> None:
        """Take any state."""


FRAGMENTS = [
    *(
        b"\x80\x04",
        b"\x95\x10\0\0\0\0\0\0\0",
        b"(",
        b")",
        b"]",
        b"}",
        b"N",
        b"\x88",
        b"\x89",
        b"K\x01",
        b"\x8f",
    ),
    *(
        b"\x8c\x02os",
        b"\x8c\x06system",
        b"X\x02\0\0\0os",
        b"U\x06system",
        b"S'os'\n",
        b"Vsystem\n",
        b"C\x02os",
    ),
    *(
        b"I1\n",
        b"L1L\n",
        b"F1\n",
        b"\x8a\x01\x01",
        b"J\1\0\0\0",
        b"M\1\0",
        b"G" + bytes(8),
        b"\x8b\1\0\0\0\1",
    ),
    *(b"\x94", b"h\x00", b"h\x01", b"q\x01", b"p1\n", b"g0\n", b"j\0\0\0\0", b"r\1\0\0\0"),
    *(
        b"0",
        b"1",
        b"2",
        b"t",
        b"\x85",
        b"\x86",
        b"\x87",
        b"d",
        b"l",
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x90",
        b"\x91",
    ),
    *(b"\x93", b"cos\nsystem\n", b"cnumpy\nndarray\n", b"R", b"\x81", b"\x92", b"b", b"ios\nsystem\n", b"o"),
    *(b"Pos\n", b"Q", b"\x82\x01", b".", b"\x96\x02" + bytes(7) + b"os", b"\x97"),
]


@pytest.mark.foreign
@pytest.mark.slow
@hypothesis_settings(max_examples=3000)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40))
def test_what_an_unpickler_takes_was_found(fragments: list[bytes]) -> None:
    """Neither of Python's unpicklers takes a name that was not reported or said to be hidden."""
    # With ends of lines: nothing is to run after a name that stands at the very end.
    data = b"".join(fragments) + b"\n\n."
    followed = follow(data)
    for kind in (AskedInPython, AskedInC):
        unpickler = kind(io.BytesIO(data))
        with contextlib.suppress(Exception):
            unpickler.load()
        if not followed.reading.hidden:
            assert unpickler.names <= taken(followed.reading.names)


def test_a_name_across_the_end_of_a_frame_is_hidden() -> None:
    """A name that crosses the end of a frame is hidden, because the C unpickler reads another one."""
    inside = b"cnumpy\nnda"
    data = b"\x80\x04\x95" + len(inside).to_bytes(8, "little") + inside + b"rray\n."
    unpickler = AskedInC(io.BytesIO(data))
    unpickler.load()
    assert unpickler.names == {"numpy.rray"}
    assert {one.rule for one in look(data)} == {"pickle/hidden"}
    whole = b"\x80\x04\x95" + (len(inside) + 6).to_bytes(8, "little") + inside + b"rray\n."
    assert worst(whole) == "none"


def test_an_array_of_joblib_in_a_frame_is_hidden() -> None:
    """A joblib array inside a frame is hidden, because joblib reads it from behind the frame."""
    file = io.BytesIO()
    joblib.dump([np.arange(9), np.arange(9)], file)
    data = bytearray(file.getvalue())
    assert data[2] == pickle.FRAME[0]
    assert worst(bytes(data), "model.joblib") == "none"
    data[3] += 4
    assert "pickle/hidden" in {one.rule for one in look(bytes(data), "model.joblib")}


# ---- scikit-learn, joblib, torch


def fitted() -> Iterator[tuple[str, object]]:
    """Fit each estimator that fits by itself, on labels of numbers and of texts, and on targets."""
    x, y = load_iris(return_X_y=True)
    x, y = x[::5], y[::5]
    texts = np.array(["a", "b", "c"], dtype=object)[y]
    features, targets = (part[:60] for part in load_diabetes(return_X_y=True))
    for name, kind in all_estimators():
        if any(p.default is p.empty for p in list(inspect.signature(kind).parameters.values())):
            continue
        for data in ((x, texts), (x, y), (features, targets)):
            model = kind()
            try:
                model.fit(*data)
            except (ValueError, TypeError, AttributeError):
                continue
            yield name, model
            break


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_estimator_of_scikit_learn_only_makes_data() -> None:
    """Each fitted estimator of scikit-learn, pickled or dumped by joblib, has no finding."""
    count, ways = 0, [lambda model, file, p=p: pickle.dump(model, file, protocol=p) for p in (2, 4, 5)]
    for name, model in fitted():
        count += 1
        for write in (*ways, joblib.dump):
            file = io.BytesIO()
            write(model, file)
            findings = [one for one in look(file.getvalue(), "model.joblib") if one.severity != "none"]
            assert findings == [], name
    assert count > 120


def test_what_is_listed_is_there() -> None:
    """Each listed name of an installed package exists, and is a class if it is listed as one."""
    for names, is_class in ((_CLASSES, True), (_FUNCTIONS, False)):
        for name in names:
            if name.module.split(".")[0] == "torch":
                # It is as large as all other packages together.
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                member = getattr(importlib.import_module(name.module), name.name)
            assert inspect.isclass(member) is is_class, name


def test_no_text_can_be_made_of_what_is_listed() -> None:
    """No listed name makes a text, because a text could become a name."""
    assert not is_listed(Name("builtins", "str"))
    assert not is_listed(Name("__builtin__", "unicode"))


ARRAYS = {
    "numbers": np.arange(7),
    "texts": np.array(["ab", "c"]),
    "bytes": np.array([b"x"]),
    "times": np.array(["2020-01-01"], dtype="M8[D]"),
    "none": np.zeros(0),
    "one": np.array(5.0),
    "fortran": np.asfortranarray(np.ones((3, 4))),
    "records": np.zeros(3, dtype=[("a", "i4"), ("b", "U3")]),
    "objects": np.array([1, "a", None], dtype=object),
    "records of objects": np.zeros(3, dtype=[("a", "i4"), ("b", "O")]),
}


@pytest.mark.foreign
@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "lzma", "xz"])
@pytest.mark.parametrize("kind", sorted(ARRAYS))
def test_arrays_of_joblib_are_passed_over(kind: str, compress: int | str) -> None:
    """Joblib arrays between opcodes are skipped, and a call behind them is a finding."""
    for value, expected in (("fine", "none"), (Calls(exec, "1"), "critical")):
        file = io.BytesIO()
        joblib.dump([ARRAYS[kind], value], file, compress=compress and (compress, 3))
        assert worst(file.getvalue(), "model.joblib") == expected
        assert worst(file.getvalue(), "model.bin") == expected


@pytest.mark.foreign
@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "lzma", "xz"])
def test_large_arrays_of_joblib_are_passed_over(compress: int | str) -> None:
    """Joblib arrays larger than a buffer are skipped too."""
    noise = np.frombuffer(np.random.default_rng(1).bytes(1 << 20), dtype="u1")
    for value, expected in (("fine", "none"), (Calls(exec, "1"), "critical")):
        file = io.BytesIO()
        joblib.dump([noise, value], file, compress=compress and (compress, 1))
        assert worst(file.getvalue(), "model.joblib") == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b"f8", b"q8"), "has an unknown type"),
        ((b"\x85", b"\x86"), "cannot be followed"),
        ((b"\x8c\x05dtype", b"\x8c\x05dtypf"), "has no type"),
        ((b"\x8c\x05shape", b"\x8c\x05shapf"), "has no type"),
    ],
)
def test_an_array_of_joblib_that_cannot_be_measured_is_a_finding(
    change: tuple[bytes, bytes], reason: str
) -> None:
    """A joblib array of unknown length is a finding, because what follows it cannot be read."""
    file = io.BytesIO()
    joblib.dump([np.arange(9.0)], file)
    findings = look(file.getvalue().replace(*change), "model.joblib")
    assert any(reason in one.message for one in findings), findings


def test_objects_in_an_array_of_joblib_are_looked_at() -> None:
    """The pickle inside a joblib array of objects is followed."""
    file = io.BytesIO()
    joblib.dump({"x": np.array([Calls(exec, "1")], dtype=object)}, file)
    assert worst(file.getvalue(), "model.joblib") == "critical"


def test_a_file_of_joblib_is_also_read_as_a_plain_pickle() -> None:
    """A joblib file is also read as a plain pickle, which takes the bytes of arrays for opcodes."""
    plain = np.frombuffer(plant("os", "system", "true").ljust(64, b"."), dtype="u1")
    file = io.BytesIO()
    joblib.dump([plain], file)
    data = file.getvalue()
    padding = data.index(b"cos\nsystem")
    # Without the padding, the bytes follow the wrapper at once.
    start = data.rindex(b"b", 0, padding)
    begun = data[: start + 1].replace(b"numpy_array_alignment_bytes", b"xxxxx_array_alignment_bytes")
    assert worst(begun + data[padding:], "model.joblib") == "critical"


def test_files_of_old_torch_hold_tensors_behind_their_pickles() -> None:
    """The tensors behind the five pickles of an old torch file are no finding."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    state = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(U\x01sQK\x00(tU\x00tR."
    others = [pickle.dumps(one, protocol=2) for one in (1001, {"little_endian": True})]
    data = magic + b"".join(others) + state + pickle.dumps(["0"], protocol=2)
    assert worst(data + bytes(range(256)), "model.pt") == "none"
    assert worst(data + bytes(range(256)), "model.pkl") == "none"
    changed = data.replace(b"_rebuild_tensor_v2", b"_rebuild_anything")
    assert worst(changed + bytes(range(256)), "model.pt") == "high"


# ---- what hides


def stacked(module: bytes, name: bytes) -> bytes:
    """Take a name by the opcode that finds it on the stack; both are pickles without an end."""
    return b"\x80\x04" + module + name + b"\x93."


TEXT = b"\x8c\x02os"
HIDING: dict[str, Callable[[], bytes]] = {
    "a name that a call makes": lambda: stacked(
        b"c_codecs\nencode\n\x8c\x02bf\x8c\x05rot13\x86R", b"\x8c\x06system"
    ),
    "a name of the registry of extensions": lambda: b"\x80\x02\x82\x01.",
    "a call of what a call gave": lambda: b"c_codecs\nencode\n)R)R.",
    "a change of what a name stands for": lambda: b"cnumpy\nndarray\n}b.",
    "a name that is kept elsewhere": lambda: stacked(b"Pos\n", b"\x8c\x06system"),
    "a name in an encoding of its own": lambda: stacked(b"S'\xff\xfe'\n", b"\x8c\x06system"),
}


@pytest.mark.parametrize("how", sorted(HIDING))
def test_what_cannot_be_told_is_found(how: str) -> None:
    """A pickle that computes the names it takes is a finding."""
    findings = look(HIDING[how]())
    assert {one.rule for one in findings} >= {"pickle/hidden"}, findings


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello", "memo"),
        (b"\x80\x04", "too early"),
        (b"\x80\x04N", "too early"),
        (b"\x80\x04\xff", "unknown opcode"),
        (b".", "stack is empty"),
        (b"0.", "stack is empty"),
        (b"(1(.", "stack is empty"),
        (b"e.", "stack is empty"),
        (b"I1", "too early"),
        (b"T\xff\xff\xff\xff.", "negative"),
        (b"}(K\x01u.", "without a value"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "impossible length"),
        (b"\x8e\xff\xff\xff\xff\x00\x00\x00\x00.", "too early"),
        (b"c\xff\xfe\nx\n.", "not text"),
        (b"\x80\x04K\x01K\x02\x93.", "not text"),
        (b"K\x01)R.", "not callable"),
        (b"(o.", "stack is empty"),
    ],
)
def test_a_pickle_that_breaks_is_a_finding_where_one_is_expected(data: bytes, reason: str) -> None:
    """A broken pickle is a finding under the name of a pickle, and not under that of a text."""
    (finding,) = look(data)
    assert (finding.severity, finding.rule) == ("high", "pickle/unread")
    assert reason in finding.message
    assert look(data, "notes.txt") == [] or data[0] == 0x80


@pytest.mark.parametrize(
    "text", [b"cat\ndog\nbird\n", b"# A model\n", b"N.", b".", b"", b'{"a": 1}', b"P1\n"]
)
def test_texts_are_no_pickles(text: bytes) -> None:
    """A text whose first letters are opcodes is not taken for a pickle."""
    assert look(text, "labels.txt") == []


def test_what_runs_before_a_pickle_breaks_has_run() -> None:
    """Names before the point where a pickle breaks, and in a second pickle behind it, are findings."""
    assert worst(GADGETS["os.system"][:-1] + b"\xff", "notes.txt") == "critical"
    assert worst(pickle.dumps([1]) + GADGETS["os.system"]) == "critical"


def test_bytes_behind_a_pickle_are_a_finding() -> None:
    """Bytes behind a pickle are a finding."""
    (finding,) = look(pickle.dumps([1]) + b"\xff\xff")
    assert (finding.severity, finding.rule) == ("medium", "pickle/rest")


def test_long_texts_are_passed_over_and_hide_nothing() -> None:
    """Lines and texts too long for a name are skipped, and a call behind them is a finding."""
    long = "x" * 300_000
    for value in (long, [long, long.encode()]):
        for protocol in PROTOCOLS:
            data = pickle.dumps([value, Calls(exec, "1")], protocol=protocol)
            assert worst(data, "notes.txt") == "critical"
            assert follow(data).fault == ""
