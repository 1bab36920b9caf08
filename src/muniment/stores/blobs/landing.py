"""The inbox in an S3 store: objects and multipart uploads that come straight from clients.

obstore keeps the parts of an upload to itself and to one process. These requests are S3's own, so that
any replica, and any client that it lets, can go on with an upload.
"""

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx2
from obstore.store import ObjectStore

from muniment.core.digests import Digest
from muniment.core.errors import InvalidBody, StorageFailed
from muniment.ports.landing import Part
from muniment.stores.blobs.objects import STEP_BYTES, open_object
from muniment.stores.blobs.signing import S3Account, checksum_of, whole_of

_COPIED_AT_ONCE: Final = 1 << 30
_TIMEOUT: Final = httpx2.Timeout(300.0, connect=5.0)
_SHA256: Final = {"x-amz-checksum-algorithm": "SHA256"}


class S3LandingArea:
    """The inbox of an S3 store."""

    def __init__(self, account: S3Account, store: ObjectStore, place: str) -> None:
        """Ask as an account, read through a store. `place` is what errors name."""
        self._account = account
        self._store = store
        self._place = place

    def begin_parts(self, upload: str) -> str:
        """Begin a multipart upload (CreateMultipartUpload)."""
        return self._begin(whole_of(upload), _SHA256)

    def list_parts(self, upload: str, session: str) -> Mapping[int, Part]:
        """ListParts, page by page."""
        found: dict[int, Part] = {}
        marker = "0"
        while marker:
            query = {"uploadId": session, "part-number-marker": marker}
            page = self._ask("GET", whole_of(upload), query)
            for part in page.iterfind("{*}Part"):
                number, size = _text(part, "PartNumber"), _text(part, "Size")
                found[int(number)] = Part(int(size), _text(part, "ETag"))
            marker = _text(page, "NextPartNumberMarker") if _text(page, "IsTruncated") == "true" else ""
        return found

    def join(self, upload: str, session: str, digests: Sequence[Digest]) -> None:
        """CompleteMultipartUpload; S3 wants the checksums again, and tells them to nobody."""
        parts = self.list_parts(upload, session)
        if sorted(parts) != list(range(1, len(digests) + 1)):
            raise InvalidBody(reason=f"{len(parts)} parts have come, not {len(digests)}")
        said = [
            {"PartNumber": str(number), "ETag": parts[number].tag, "ChecksumSHA256": checksum_of(digest)}
            for number, digest in enumerate(digests, 1)
        ]
        try:
            self._complete(whole_of(upload), session, said)
        except StorageFailed as error:
            if open_object(self._store, whole_of(upload), self._place) is None:
                raise InvalidBody(reason=f"the store does not take these parts ({error.reason})") from error

    def find_size(self, upload: str) -> int | None:
        """HeadObject."""
        whole = open_object(self._store, whole_of(upload), self._place)
        return None if whole is None else whole.seek(0, io.SEEK_END)

    def open(self, upload: str) -> BinaryIO:
        """Open the whole."""
        whole = open_object(self._store, whole_of(upload), self._place)
        if whole is None:
            raise StorageFailed(path=self._place, reason=f"the upload {upload} is not there")
        return io.BufferedReader(whole, STEP_BYTES)

    def accept(self, upload: str, digest: Digest, size_bytes: int) -> None:
        """Copy inside the store (UploadPartCopy)."""
        key = f"blobs/sha256/{digest.hex}"
        session, said = self._begin(key, {}), []
        source = f"{urlsplit(self._account.base).path.rstrip('/')}/{whole_of(upload)}"
        for number, start in enumerate(range(0, size_bytes, _COPIED_AT_ONCE), 1):
            end = min(start + _COPIED_AT_ONCE, size_bytes)
            headers = {"x-amz-copy-source": source, "x-amz-copy-source-range": f"bytes={start}-{end - 1}"}
            query = {"partNumber": str(number), "uploadId": session}
            tag = _text(self._ask("PUT", key, query, headers), "ETag")
            said.append({"PartNumber": str(number), "ETag": tag})
        self._complete(key, session, said)

    def drop(self, upload: str, session: str) -> None:
        """AbortMultipartUpload, and DeleteObject."""
        if session:
            self._send("DELETE", whole_of(upload), {"uploadId": session})
        self._send("DELETE", whole_of(upload), {})

    def _begin(self, key: str, headers: Mapping[str, str]) -> str:
        return _text(self._ask("POST", key, {"uploads": ""}, headers), "UploadId")

    def _complete(self, key: str, session: str, said: Sequence[Mapping[str, str]]) -> None:
        document = ET.Element("CompleteMultipartUpload")
        for part in said:
            element = ET.SubElement(document, "Part")
            for name, text in part.items():
                ET.SubElement(element, name).text = text
        self._ask("POST", key, {"uploadId": session}, content=ET.tostring(document))

    def _ask(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> ET.Element:
        """Make a request whose answer is a document."""
        response = self._send(method, key, query, headers, content)
        try:
            document = ET.fromstring(response.content)  # noqa: S314 - of the operator's own store
        except ET.ParseError as error:
            raise StorageFailed(path=self._place, reason="its answer is no document") from error
        # Some answers begin before the work is done: a fault then comes with status 200.
        if not response.is_success or document.tag.rpartition("}")[2] == "Error":
            raise StorageFailed(path=self._place, reason=_text(document, "Code") or "it refuses")
        return document

    def _send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        url = self._account.sign(method, key, headers or {}, query)
        try:
            return httpx2.request(method, url, headers=headers, content=content, timeout=_TIMEOUT)
        except httpx2.HTTPError as error:
            raise StorageFailed(path=self._place, reason=str(error) or type(error).__name__) from error


def _text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
