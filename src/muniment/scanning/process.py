"""Scan in a separate process, which receives only the bytes that it asks for."""

import importlib.metadata
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, BinaryIO, Final

import muniment
from muniment.core.claims.scans import OWN_TOOL, SEVERITIES, ScanFinding, Scanner
from muniment.core.errors import BlobNotFound, MissingExtra, RegistryUnreachable
from muniment.ports.scanning import Scannable
from muniment.scanning.faults import Malformed
from muniment.scanning.wire import ANSWER, MAX_ANSWER_BYTES, MAX_READ_BYTES, read_question

# Longer than the worker may take for a version.
_PATIENCE_S: Final = 900.0
# The variables that another process needs to find this Python. The worker sees no others.
_PASSED: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")


_ENDED: Final = (EOFError, ConnectionError, TimeoutError, Malformed)


class _Ended(Exception):
    """The worker ended at a file."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class ScanProcess:
    """A scanner in another process, which is started on demand, and again after it has ended."""

    def __init__(self) -> None:
        """Prepare the scanner; the process starts later.

        Raises:
            MissingExtra: picklescan is not installed.
        """
        try:
            second = importlib.metadata.version("picklescan")
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingExtra(package="picklescan", extra="server") from error
        self._scanner = Scanner(name=OWN_TOOL, version=muniment.__version__, database=f"picklescan {second}")
        self._lock = threading.Lock()
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None

    def describe(self) -> Scanner:
        """Return our version and that of picklescan."""
        return self._scanner

    def scan(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Scan files; a file that ends the worker is a finding. Raises like `Scanning.scan`."""
        if not files:
            return []
        with self._lock:
            try:
                return self._try(files)
            except _Ended:
                # The cause may be outside these files: lack of memory, or a person.
                pass
            try:
                return self._try(files)
            except _Ended as end:
                message = "its content ended the scanner or took too long"
                return [ScanFinding("high", "file/unread", message, end.path)]

    def close(self) -> None:
        """Stop the worker permanently, even during a scan."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._end()

    def _try(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Scan files. Raises _Ended if the worker ended."""
        with ExitStack() as stack:
            # After any fault, the worker's state is unknown: use a new one.
            stack.callback(self._end)
            source = _Source(files)
            with closing(source):
                try:
                    findings = self._ask(source)
                except _ENDED as error:
                    if self._closed:
                        raise RegistryUnreachable(
                            location="the scanner", reason="the scanner was closed"
                        ) from error
                    raise _Ended(source.path) from error
                except BlobNotFound:
                    return [ScanFinding("high", "file/missing", "its bytes are missing", source.path)]
            stack.pop_all()
            return findings

    def _ask(self, source: "_Source") -> list[ScanFinding]:
        connection = self._begin()
        connection.send_bytes(json.dumps(source.describe()).encode())
        while connection.poll(_PATIENCE_S):
            message = _receive(connection)
            if message.startswith(ANSWER):
                return _read_answer(message)
            connection.send_bytes(source.read(message))
        raise TimeoutError

    def _begin(self) -> "Connection[Any, Any]":
        if self._closed:
            raise EOFError
        if self._process is not None and self._process.poll() is not None:
            # It ended by itself after a time without work.
            self._end()
        if self._connection is not None:
            return self._connection
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-s", "-m", "muniment.scanning.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={name: os.environ[name] for name in _PASSED if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._connection = ours
        return ours

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None


class _Source:
    """The files of a version, of which one is open at a time."""

    def __init__(self, files: Sequence[Scannable]) -> None:
        self._files = files
        self._index = -1
        self._file: BinaryIO | None = None

    @property
    def path(self) -> str:
        """The path of the file that was read last."""
        return self._files[self._index].path if self._index >= 0 else ""

    def describe(self) -> list[tuple[str, int]]:
        """List paths and sizes."""
        return [(one.path, one.size_bytes) for one in self._files]

    def read(self, question: bytes) -> bytes:
        """Read the bytes that the worker asks for; fewer at the end of a file.

        Raises:
            Malformed: there are no such bytes.
        """
        try:
            asked = read_question(question)
        except struct.error as error:
            raise Malformed(reason="no question") from error
        if asked.file >= len(self._files) or asked.size > MAX_READ_BYTES:
            raise Malformed(reason="no such bytes")
        if asked.file != self._index or self._file is None:
            self.close()
            self._index = asked.file
            self._file = self._files[asked.file].open()
        self._file.seek(asked.offset)
        return self._file.read(asked.size)

    def close(self) -> None:
        """Close the open file."""
        if self._file is not None:
            self._file.close()
        self._file = None


def _receive(connection: "Connection[Any, Any]") -> bytes:
    try:
        message: bytes = connection.recv_bytes(MAX_ANSWER_BYTES)
    except OSError as error:
        raise Malformed(reason="no message") from error
    return message


def _read_answer(message: bytes) -> list[ScanFinding]:
    """Read the findings; a compromised worker may send anything.

    Raises:
        Malformed: it is not a list of findings.
    """
    try:
        findings = [ScanFinding(*map(str, one)) for one in json.loads(message[len(ANSWER) :])]
    except (TypeError, ValueError) as error:
        raise Malformed(reason="no findings") from error
    if any(one.severity not in SEVERITIES for one in findings):
        raise Malformed(reason="no such severity")
    return findings
