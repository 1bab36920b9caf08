"""Scan in a process of its own, which is given nothing but the bytes that it asks for."""

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

# Longer than the worker may compute for one version.
_PATIENCE_S: Final = 900.0
# What another Python needs to be the one that we are. Nothing else of our environment is the worker's to see.
_PASSED: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")


_ENDED: Final = (EOFError, ConnectionError, TimeoutError, Malformed)


class _Ended(Exception):
    """The worker has ended at a file."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class ScanProcess:
    """A scanner in another process, which is started when it is needed, and again when it has ended."""

    def __init__(self) -> None:
        """Start nothing yet.

        Raises:
            MissingExtra: what we ask for a second opinion is not installed.
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
        """Give our version, and that of what we ask for a second opinion."""
        return self._scanner

    def scan(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Look into files; one that ends the worker is a finding. Raises like `Scanning.scan`."""
        if not files:
            return []
        with self._lock:
            try:
                return self._try(files)
            except _Ended:
                # It may have been ended by what is not of these files: another's hunger, or a hand.
                pass
            try:
                return self._try(files)
            except _Ended as end:
                message = "what is in it ended the scanner, or took it too long"
                return [ScanFinding("high", "file/unread", message, end.path)]

    def close(self) -> None:
        """Kill the worker, even in the middle of a file."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._end()

    def _try(self, files: Sequence[Scannable]) -> list[ScanFinding]:
        """Look into files. Raises _Ended if the worker ended at it."""
        with ExitStack() as stack:
            # After any failure the worker may be in the middle of a file: the next file gets another worker.
            stack.callback(self._end)
            source = _Source(files)
            with closing(source):
                try:
                    findings = self._ask(source)
                except _ENDED as error:
                    if self._closed:
                        raise RegistryUnreachable(location="the scanner", reason="it was closed") from error
                    raise _Ended(source.path) from error
                except BlobNotFound:
                    return [ScanFinding("high", "file/missing", "its bytes are not there", source.path)]
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
            # It has ended by itself: there was nothing to do for a while.
            self._end()
        if self._connection is not None:
            return self._connection
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
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
    """The files of a version, one of them open at a time."""

    def __init__(self, files: Sequence[Scannable]) -> None:
        self._files = files
        self._index = -1
        self._file: BinaryIO | None = None

    @property
    def path(self) -> str:
        """The file that was read last."""
        return self._files[self._index].path if self._index >= 0 else ""

    def describe(self) -> list[tuple[str, int]]:
        """Give paths and sizes."""
        return [(one.path, one.size_bytes) for one in self._files]

    def read(self, question: bytes) -> bytes:
        """Read what the worker asks for; less at the end of a file.

        Raises:
            Malformed: it asks for what there is not.
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
        """Close what is open."""
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
    """Read what was found; a worker that was taken over may say anything.

    Raises:
        Malformed: it is no list of findings.
    """
    try:
        findings = [ScanFinding(*map(str, one)) for one in json.loads(message[len(ANSWER) :])]
    except (TypeError, ValueError) as error:
        raise Malformed(reason="no findings") from error
    if any(one.severity not in SEVERITIES for one in findings):
        raise Malformed(reason="no such severity")
    return findings
