"""The files that a run keeps beside its provenance: the diff of its code, the lock, snapshots.

Also reads and writes the file that carries a run from the training to the push.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core import canonical
from muniment.core.canonical import JsonObject
from muniment.core.claims.provenance import write_blob_resource
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import FileChanged, InvalidDocument

_FORM: Final = "https://muniment.dev/run/v1"
_MAX_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Bytes that go into the registry with a run: in memory, or in a file that is read at the push."""

    name: str
    digest: Digest
    size_bytes: int
    media_type: str
    content: bytes | Path

    @classmethod
    def of(cls, name: str, content: bytes, media_type: str) -> "Kept":
        """Keep bytes."""
        return cls(
            name=name,
            digest=Digest.of(content),
            size_bytes=len(content),
            media_type=media_type,
            content=content,
        )

    def resource(self) -> JsonObject:
        """Describe the bytes as a byproduct."""
        return write_blob_resource(self.name, self.digest, self.size_bytes, self.media_type)

    def read(self) -> bytes:
        """Return the bytes, if they are still the recorded ones.

        Raises:
            FileChanged: the file has changed or is gone.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            content = self.content.read_bytes()
        except OSError as error:
            raise FileChanged(path=str(self.content)) from error
        if Digest.of(content) != self.digest:
            raise FileChanged(path=str(self.content))
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A finished run: its provenance, and the files that it keeps."""

    provenance: JsonObject
    kept: tuple[Kept, ...] = ()

    def __repr__(self) -> str:
        """Count the files that it keeps."""
        return f"<Recorded run, {count(len(self.kept), 'file')} kept>"


def write_run(recorded: Recorded) -> bytes:
    """Write a run as a document for `read_run`."""
    kept = [
        {
            "name": one.name,
            "digest": str(one.digest),
            "size": one.size_bytes,
            "media_type": one.media_type,
            **(
                {"base64": base64.b64encode(one.content).decode()}
                if isinstance(one.content, bytes)
                else {"path": str(one.content.resolve())}
            ),
        }
        for one in recorded.kept
    ]
    document = {"form": _FORM, "provenance": recorded.provenance, "kept": kept}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def read_run(data: bytes) -> Recorded:
    """Read a document of `write_run`, or bare provenance.

    Raises:
        InvalidDocument: it is neither.
    """
    if len(data) > _MAX_BYTES:
        raise InvalidDocument(reason="the run is too large")
    document = canonical.decode(data)
    if document.get("form") != _FORM:
        return Recorded(provenance=document)
    provenance, kept = document.get("provenance"), document.get("kept")
    if not (isinstance(provenance, dict) and isinstance(kept, list)):
        raise InvalidDocument(reason="the run has no provenance")
    return Recorded(provenance=provenance, kept=tuple(map(_read_kept, kept)))


def _read_kept(document: object) -> Kept:
    try:
        assert isinstance(document, dict)  # noqa: S101 - caught below
        content = (
            Path(document["path"])
            if "path" in document
            else base64.b64decode(document["base64"], validate=True)
        )
        kept = Kept(
            name=str(document["name"]),
            digest=Digest.parse(document["digest"]),
            size_bytes=int(document["size"]),
            media_type=str(document["media_type"]),
            content=content,
        )
    except (AssertionError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidDocument(reason="a kept file of the run is malformed") from error
    if isinstance(content, bytes) and Digest(hashlib.sha256(content).hexdigest()) != kept.digest:
        raise InvalidDocument(reason=f"{kept.name} is not what the run recorded")
    return kept
