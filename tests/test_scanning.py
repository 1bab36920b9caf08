"""Scanning: files are judged by content, in a separate process."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import signal
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import psutil
import pytest

from muniment.core.claims.attestations import SCAN
from muniment.core.claims.scans import MAX_FINDINGS, Scan, ScanFinding, Scanner, keep_worst, write_scan
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, MissingExtra, StorageFailed
from muniment.ports.scanning import Scannable
from muniment.scanning import files, worker
from muniment.scanning.files import scan_file
from muniment.scanning.process import ScanProcess
from muniment.scanning.wire import read_question
from muniment.signing.keys import Identity
from muniment.signing.statements import attest

# What is in a file can be written badly.
pytestmark = pytest.mark.filterwarnings("ignore:invalid .*escape sequence:DeprecationWarning")

EVIL = b"cos\nsystem\n(S'true'\ntR."
FINE = pickle.dumps({"a": [1, 2.0, "x"]})


def look(data: bytes, path: str) -> list[ScanFinding]:
    """Look into a file; what is no more than noted is left out."""
    return [one for one in scan_file(io.BytesIO(data), path, len(data)) if one.severity != "none"]


def rules(data: bytes, path: str) -> set[tuple[str, str]]:
    """Give severity and rule of what is found."""
    return {(one.severity, one.rule) for one in look(data, path)}


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Put files into a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w:") -> bytes:
    """Put files into a tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload] # one of its modes
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def saved(array: np.ndarray) -> bytes:
    """Save an array as NumPy does."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Evil:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:  # noqa: D105 - what pickle asks for
        return os.system, ("true",)


CRITICAL = ("critical", "picklescan/dangerous")

# ---- what holds pickles


@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "model.zip", "weights", "README.md"])
def test_pickles_in_zip_archives_are_found(name: str) -> None:
    """A pickle in a zip archive is found, stored or deflated, whatever precedes the archive."""
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = zipped({"archive/data.pkl": EVIL, "archive/data/0": bytes(999)}, compression)
        (finding,) = look(data, name)
        assert (finding.severity, finding.path) == ("critical", f"{name}:archive/data.pkl")
        assert rules(b"something else" + data, name) >= {CRITICAL}
    assert look(zipped({"archive/data.pkl": FINE, "archive/data/0": bytes(999)}), name) == []


def test_a_member_needs_no_telling_name() -> None:
    """A pickle in an archive is found under any name."""
    assert rules(zipped({"weights.dat": EVIL}), "a.zip") == {CRITICAL}


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_pickles_in_tar_archives_are_found(mode: str) -> None:
    """A pickle in a tar archive is found, compressed or not."""
    (finding,) = look(tarred({"a/readme": b"hello", "a/model.bin": EVIL}, mode), "model.nemo")
    assert (finding.severity, finding.path) == ("critical", "model.nemo:a/model.bin")
    assert look(tarred({"a/readme": b"hello", "a/model.bin": FINE}, mode), "model.nemo") == []


@pytest.mark.parametrize(
    "compress",
    [
        gzip.compress,
        bz2.compress,
        zlib.compress,
        lzma.compress,
        lambda d: lzma.compress(d, lzma.FORMAT_ALONE),
    ],
)
def test_pickles_in_compressed_files_are_found(compress: Callable[[bytes], bytes]) -> None:
    """A pickle in a compressed file is found, also in a second stream."""
    assert rules(compress(EVIL), "model.pkl.z") == {CRITICAL}
    assert rules(compress(EVIL), "notes.txt") == {CRITICAL}
    assert look(compress(FINE), "model.pkl") == []
    assert rules(compress(FINE)[: len(compress(FINE)) // 2], "model.pkl") != set()


def test_two_streams_of_zlib_are_one() -> None:
    """Two zlib streams are read as one, as joblib reads them."""
    assert rules(zlib.compress(EVIL[:7]) + zlib.compress(EVIL[7:]), "model.joblib") == {CRITICAL}


def test_archives_in_archives_are_looked_into_so_far() -> None:
    """Nested archives are scanned to a limit, and deeper ones are a finding."""
    data = EVIL
    for _ in range(3):
        data = zipped({"inner": data})
    assert rules(data, "a.zip") == {CRITICAL}
    for _ in range(3):
        data = zipped({"inner": data})
    assert rules(data, "a.zip") == {("high", "archive/nested")}


def test_arrays_of_objects_are_pickles() -> None:
    """NumPy arrays of objects are scanned as pickles, also in archives; other arrays are not."""
    objects = np.array([Evil()], dtype=object)
    records = np.array([(1, Evil())], dtype=[("a", "i4"), ("b", "O")])
    assert rules(saved(objects), "a.npy") == {CRITICAL}
    assert rules(saved(records), "a.npy") == {CRITICAL}
    assert rules(zipped({"a.npy": saved(objects), "b.npy": saved(np.ones(3))}), "a.npz") == {CRITICAL}
    assert look(saved(np.ones((2, 3))), "a.npy") == []
    for harmless in (saved(np.array([1, "x"], dtype=object)), zipped({"a.npy": saved(np.array([{}]))})):
        assert look(harmless, "a.npy") == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00\x10\x00",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        b"\x93NUMPY\x01\x00\x04\x00[1, ",
        b"\x93NUMPY\x01\x00\x02\x0012",
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
    ],
)
def test_a_damaged_header_of_an_array_is_a_finding(data: bytes) -> None:
    """A damaged header of a NumPy array is a finding and is never evaluated."""
    assert ("high", "file/unread") in rules(data, "a.npy")


# ---- what cannot be looked into


def test_a_damaged_archive_is_a_finding() -> None:
    """A damaged archive is a finding, because other tools may still read it."""
    data = zipped({"archive/data.pkl": FINE})
    place = data.index(b"archive/data.pkl")
    renamed = data[:place] + b"brchive" + data[place + 7 :]
    assert rules(renamed, "model.pt") == {("high", "file/unread")}
    flagged = bytearray(zipped({"a": FINE}))
    flagged[flagged.index(b"PK\x01\x02") + 8] |= 1
    flagged[6] |= 1
    assert ("high", "file/unread") in rules(bytes(flagged), "a.zip")
    assert ("high", "file/unread") in rules(data[:40] + data[60:], "model.pt")
    assert rules(tarred({"a": FINE})[:300] + b"\xff" * 300, "a.tar") == {("high", "file/unread")}


@pytest.mark.parametrize(
    "begin", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a", b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd"]
)
def test_archives_that_stay_closed_are_a_finding(begin: bytes) -> None:
    """An archive that cannot be opened is a finding."""
    assert ("high", "archive/unread") in rules(begin + bytes(100), "model.bin")


def test_an_archive_of_too_many_files_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with too many files is a finding and is not read through."""
    monkeypatch.setattr(files, "_MAX_MEMBERS", 3)
    many = {str(n): b"x" for n in range(5)}
    assert rules(zipped(many), "a.zip") == {("high", "archive/large")}
    assert rules(tarred(many), "a.tar") == {("high", "archive/large")}


def test_headers_of_tensors_are_checked() -> None:
    """A tensor file whose header lies is a finding."""
    good = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    whole = struct.pack("<Q", len(good)) + good + bytes(4)
    assert look(whole, "model.safetensors") == []
    assert rules(whole[:-1], "model.safetensors") == {("medium", "header/damaged")}


# ---- code that is no pickle


@pytest.mark.parametrize("layer", ["Lambda", "TFSMLayer"])
def test_layers_that_hold_code_are_found(layer: str) -> None:
    """Keras layers that hold code are found, in any settings and in older files."""
    model = {"config": {"layers": [{"class_name": "Dense"}, {"class_name": layer, "config": {}}]}}
    text = json.dumps(model)
    escaped = text.replace(layer, f"\\u{ord(layer[0]):04x}{layer[1:]}")
    for written in (text.encode(), escaped.encode(), text.encode("utf-16")):
        assert rules(written, "config.json") == {("high", "keras/layer")}
        assert rules(zipped({"config.json": written}), "model.keras") == {("high", "keras/layer")}
    assert rules(b"\x0a\x02" + text.encode(), "keras_metadata.pb") == {("high", "keras/layer")}
    hdf5 = b"\x89HDF\r\n\x1a\n" + bytes(3_000_000) + text.encode()
    assert ("high", "keras/layer") in rules(hdf5, "model.h5")
    assert rules(hdf5[:1000], "model.h5") == {("low", "hdf5/unread")}


def test_settings_without_such_layers_are_fine() -> None:
    """Settings without such layers have no finding, and text that is not JSON is ignored."""
    assert look(json.dumps({"class_name": ["Dense", {"x": 1}]}).encode(), "config.json") == []
    assert look(b'{"class_name": ', "config.json") == []
    assert look(b"[" * 100_000 + b"class_name", "config.json") == []


def test_what_is_too_long_to_be_settings_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings beyond the limit are a finding and are not read."""
    monkeypatch.setattr(files, "_MAX_JSON_BYTES", 10)
    assert rules(b'{"class_name": "Dense"}', "config.json") == {("medium", "json/large")}


@pytest.mark.parametrize(
    ("name", "rule"),
    [("modeling.py", "code/file"), ("kernel.so", "code/file"), ("saved_model.pb", "tensorflow/graph")],
)
def test_code_by_its_name_is_noted(name: str, rule: str) -> None:
    """Source code is noted, because loaders can be told to run it."""
    assert rules(b"x = 1\n", name) == {("low", rule)}


# ---- the predicate


def test_a_scan_holds_the_worst_each_once() -> None:
    """A scan keeps the worst findings, each once, up to its limit."""
    findings = [ScanFinding("low", "r", f"m{n}", "p") for n in range(MAX_FINDINGS)]
    findings += [ScanFinding("critical", "r", "x" * 9000, "p")] * 3
    predicate = write_scan(Scanner("t", "1", "d"), "2026-01-01T00:00:00Z", findings)
    listed = predicate["findings"]
    assert isinstance(listed, list)
    assert len(listed) == MAX_FINDINGS
    assert Scan(predicate).worst == "critical"
    assert Scan(predicate).lines[0].startswith("critical p xxx")
    assert len(Scan(predicate).lines[0]) < 600


def test_what_files_hold_is_written_so_that_it_can_be_shown_and_signed(owner: Identity) -> None:
    """Names of any length and with control characters are recorded as printable, signable text."""
    name = "\x1b[31m\ud800\n" + "x" * 9000
    module = name.encode("utf-8", "surrogatepass")
    pickled = b"\x80\x04X" + len(module).to_bytes(4, "little") + module + b"\x8c\x01y\x93."
    header = json.dumps({name: {"dtype": "?", "shape": [1], "data_offsets": [0, 4]}}).encode()
    damaged = struct.pack("<Q", len(header)) + header + bytes(4)
    long = zipped({"x" * 60_000 + "\x1b[31m": EVIL})
    findings = [*look(pickled, "a.pkl"), *look(damaged, "a.safetensors"), *look(long, "a.zip")]
    assert len({one.path[:5] for one in findings}) == 3
    predicate = write_scan(Scanner("t", "1", "d"), "2026-01-01T00:00:00Z", findings)
    data = attest(Digest.of(b"x"), "acme/x", SCAN, predicate, owner).encode()
    assert len(data) < 20_000
    listed = predicate["findings"]
    assert isinstance(listed, list)
    assert all(str(value).isprintable() for one in listed for value in dict(one).values())


def test_a_file_in_an_archive_is_a_pickle_of_the_archive() -> None:
    """A finding in an archive counts for the archive, whatever characters their names hold."""
    data = zipped({"a:b!c/data.pkl": FINE})
    findings = list(scan_file(io.BytesIO(data), "model!v2.bin", len(data)))
    predicate = write_scan(Scanner("t", "1", "d"), "2026-01-01T00:00:00Z", findings)
    assert Scan(predicate).pickles == {"model!v2.bin"}


# ---- the process


@pytest.fixture
def scanner() -> Iterator[ScanProcess]:
    """Give a scanner, and end its process."""
    with closing(ScanProcess()) as process:
        yield process


def find_worker() -> psutil.Process:
    """Find the process of the scanner; others run servers for other tests."""
    (worker,) = [
        p for p in psutil.Process().children() if "muniment.scanning.worker" in " ".join(p.cmdline())
    ]
    return worker


def kill_worker() -> int:
    """End it, hard."""
    worker = find_worker()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    return worker.pid


def scannable(path: str, data: bytes) -> Scannable:
    """Let some bytes be looked into."""
    return Scannable(path, len(data), lambda: io.BytesIO(data))


def test_a_version_is_looked_into_by_another_process(scanner: ScanProcess, tmp_path: Path) -> None:
    """Files are scanned in a separate process that sees none of our variables and is reused."""
    marker = tmp_path / "ran"
    evil = f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
    findings = scanner.scan(
        [scannable("README.md", b"# hello"), scannable("a.pkl", evil), scannable("b.pkl", FINE)]
    )
    assert {(one.severity, one.path) for one in findings} == {("critical", "a.pkl"), ("none", "b.pkl")}
    assert not marker.exists()
    child = find_worker()
    assert set(child.environ()) <= {"PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LC_CTYPE"}
    assert scanner.scan([scannable("README.md", b"# hello")]) == []
    assert child.is_running()
    assert scanner.scan([]) == []


def test_a_worker_that_was_killed_is_replaced(scanner: ScanProcess) -> None:
    """A killed worker is replaced, and its death is no finding."""
    assert scanner.scan([scannable("a", b"x")]) == []
    kills: list[int] = []

    def kill_once() -> io.BytesIO:
        if not kills:
            kills.append(kill_worker())
        return io.BytesIO(FINE)

    findings = scanner.scan([Scannable("a.pkl", len(FINE), kill_once)])
    assert [one.severity for one in findings] == ["none"]
    assert kills


def test_what_ends_the_worker_each_time_is_a_finding(scanner: ScanProcess) -> None:
    """A file that kills the worker each time is a finding, and the next file is scanned."""

    def kill() -> io.BytesIO:
        kill_worker()
        return io.BytesIO(FINE)

    findings = scanner.scan([scannable("a", b"x"), Scannable("b.pkl", len(FINE), kill)])
    assert [(one.severity, one.rule, one.path) for one in findings] == [("high", "file/unread", "b.pkl")]
    assert scanner.scan([scannable("a", b"x")]) == []


@pytest.mark.slow
def test_a_bomb_is_a_finding(scanner: ScanProcess) -> None:
    """A small file that expands to a gigabyte is a finding, and memory stays bounded."""
    bomb = zlib.compress(b"(" * (1 << 30))
    findings = scanner.scan([scannable("model.joblib", bomb), scannable("b.pkl", EVIL)])
    assert {(one.severity, one.path) for one in findings} == {("high", "model.joblib"), ("critical", "b.pkl")}


def test_bytes_that_are_gone_are_a_finding_and_a_store_that_is_away_is_not(scanner: ScanProcess) -> None:
    """Missing bytes are a finding, and an unreachable store is an error."""

    def gone() -> io.BytesIO:
        raise BlobNotFound(digest="sha256:0")

    def away() -> io.BytesIO:
        raise StorageFailed(path="s3", reason="away")

    findings = scanner.scan([Scannable("a.bin", 5, gone)])
    assert [(one.severity, one.rule, one.path) for one in findings] == [("high", "file/missing", "a.bin")]
    with pytest.raises(StorageFailed):
        scanner.scan([Scannable("a.bin", 5, away)])
    assert scanner.scan([scannable("a", b"x")]) == []


def test_a_file_that_is_shorter_than_it_should_be_is_read_to_its_end(scanner: ScanProcess) -> None:
    """A file shorter than announced is scanned to its end."""
    findings = scanner.scan([Scannable("a.pkl", 10_000, lambda: io.BytesIO(FINE))])
    assert [(one.severity, one.rule) for one in findings] == [("none", "pickle/data")]


def test_a_worker_that_was_taken_over_can_only_name_findings(
    scanner: ScanProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything but findings from a worker is itself a finding."""
    files = [scannable("a.pkl", EVIL)]
    for said in (
        b"A[]x",
        b'A[["fine", "r", "m", "p"]]',
        b'A[["high"]]',
        b"Q",
        b"Q" + struct.pack(">IQI", 9, 0, 1),
    ):
        connection = _Liar(said)
        monkeypatch.setattr(scanner, "_begin", lambda connection=connection: connection)
        assert [one.rule for one in scanner.scan(files)] == ["file/unread"]


class _Liar:
    """A worker's end of the line that always says the same."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def send_bytes(self, _data: bytes) -> None:
        """Take anything."""

    def poll(self, _timeout: float) -> bool:
        """Have something to say."""
        return True

    def recv_bytes(self, _limit: int) -> bytes:
        """Say it."""
        return self._said


def test_without_picklescan_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without picklescan the refusal names the extra that has it."""

    def absent(_name: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.version", absent)
    with pytest.raises(MissingExtra, match="picklescan"):
        ScanProcess()


def test_the_worker_asks_for_no_more_than_there_is() -> None:
    """The worker reads and seeks anywhere and stops at the announced end."""
    data = bytes(range(200))
    asked: list[tuple[int, int]] = []

    class Line:
        def send_bytes(self, message: bytes) -> None:
            question = read_question(message)
            assert question.file == 3
            asked.append((question.offset, question.size))

        def recv_bytes(self, _limit: int) -> bytes:
            offset, size = asked[-1]
            return data[offset : offset + size]

    file = worker._Remote(Line(), 3, 150)  # type: ignore[arg-type] # as much of one as is needed
    assert file.read(10) == data[:10]
    file.seek(5, io.SEEK_CUR)
    assert file.read(1) == data[15:16]
    file.seek(-10, io.SEEK_END)
    assert file.read(99) == data[140:150]
    assert file.read(1) == b""
    with pytest.raises(OSError, match="before the beginning"):
        file.seek(-1)
    assert asked == [(0, 10), (15, 1), (140, 10)]


@pytest.mark.parametrize(
    ("error", "words"), [(MemoryError(), "too large"), (ZeroDivisionError(), "ZeroDivisionError")]
)
def test_what_fails_at_a_file_is_a_finding_and_the_next_is_looked_into(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    """A file that makes the scanner fail is a finding, and the next file is scanned."""

    def scan(_file: object, path: str, _size: int) -> Iterator[ScanFinding]:
        if path == "a":
            raise error
        yield ScanFinding("low", "r", "m", path)

    monkeypatch.setattr(worker, "scan_file", scan)
    first, second = worker._scan_all(None, [("a", 1), ("b", 1)])  # type: ignore[arg-type] # nothing is read
    assert (first.severity, first.rule, first.path) == ("high", "file/unread", "a")
    assert words in first.message
    assert second.path == "b"


def test_of_many_findings_the_worst_are_kept() -> None:
    """Of many findings the worker sends only the worst."""
    findings = (ScanFinding("low", "r", str(n), "p") for n in range(10 * MAX_FINDINGS))
    kept = keep_worst(iter([*findings, ScanFinding("critical", "r", "m", "p")]))
    assert len(kept) == MAX_FINDINGS
    assert kept[0].severity == "critical"
