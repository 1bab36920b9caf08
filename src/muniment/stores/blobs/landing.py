"""The inbox in an S3 store: objects and multipart uploads that come straight from clients.

obstore keeps the parts of an upload inside one process. These are plain S3 requests, so any replica, and any
client with a presigned request, can continue an upload.
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
        """Send requests as an account and read through a store; errors name `place`."""
        self._account = account
        self._store = store
        self._place = place

    def begin_parts(self, upload: str) -> str:
        """Start a multipart upload (CreateMultipartUpload)."""
        return self._begin(whole_of(upload), _SHA256)

    def list_parts(self, upload: str, session: str) -> Mapping[int, Part]:
        """List the parts, page by page (ListParts)."""
        parts: dict[int, Part] = {}
        marker = "0"
        while marker:
            query = {"uploadId": session, "part-number-marker": marker}
            page = self._ask("GET", whole_of(upload), query)
            for part in page.iterfind("{*}Part"):
                number, size = _text(part, "PartNumber"), _text(part, "Size")
                parts[int(number)] = Part(int(size), _text(part, "ETag"))
            marker = _text(page, "NextPartNumberMarker") if _text(page, "IsTruncated") == "true" else ""
        return parts

    def join(self, upload: str, session: str, digests: Sequence[Digest]) -> None:
        """Join the parts (CompleteMultipartUpload), which needs their checksums again."""
        parts = self.list_parts(upload, session)
        if sorted(parts) != list(range(1, len(digests) + 1)):
            raise InvalidBody(reason=f"received {len(parts)} parts, expected {len(digests)}")
        listed = [
            {"PartNumber": str(number), "ETag": parts[number].tag, "ChecksumSHA256": checksum_of(digest)}
            for number, digest in enumerate(digests, 1)
        ]
        try:
            self._complete(whole_of(upload), session, listed)
        except StorageFailed as error:
            if open_object(self._store, whole_of(upload), self._place) is None:
                raise InvalidBody(reason=f"the store refused the parts ({error.reason})") from error

    def find_size(self, upload: str) -> int | None:
        """Find the size (HeadObject)."""
        whole = open_object(self._store, whole_of(upload), self._place)
        return None if whole is None else whole.seek(0, io.SEEK_END)

    def open(self, upload: str) -> BinaryIO:
        """Open the joined upload."""
        whole = open_object(self._store, whole_of(upload), self._place)
        if whole is None:
            raise StorageFailed(path=self._place, reason=f"the upload {upload} is missing")
        return io.BufferedReader(whole, STEP_BYTES)

    def accept(self, upload: str, digest: Digest, size_bytes: int) -> None:
        """Copy inside the store (UploadPartCopy)."""
        key = f"blobs/sha256/{digest.hex}"
        session, copied = self._begin(key, {}), []
        source = f"{urlsplit(self._account.base).path.rstrip('/')}/{whole_of(upload)}"
        for number, start in enumerate(range(0, size_bytes, _COPIED_AT_ONCE), 1):
            end = min(start + _COPIED_AT_ONCE, size_bytes)
            headers = {"x-amz-copy-source": source, "x-amz-copy-source-range": f"bytes={start}-{end - 1}"}
            query = {"partNumber": str(number), "uploadId": session}
            tag = _text(self._ask("PUT", key, query, headers), "ETag")
            copied.append({"PartNumber": str(number), "ETag": tag})
        self._complete(key, session, copied)

    def drop(self, upload: str, session: str) -> None:
        """Remove the upload (AbortMultipartUpload, DeleteObject)."""
        if session:
            self._send("DELETE", whole_of(upload), {"uploadId": session})
        self._send("DELETE", whole_of(upload), {})

    def _begin(self, key: str, headers: Mapping[str, str]) -> str:
        return _text(self._ask("POST", key, {"uploads": ""}, headers), "UploadId")

    def _complete(self, key: str, session: str, parts: Sequence[Mapping[str, str]]) -> None:
        document = ET.Element("CompleteMultipartUpload")
        for part in parts:
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
        """Send a request whose answer is an XML document."""
        response = self._send(method, key, query, headers, content)
        try:
            document = ET.fromstring(response.content)  # noqa: S314 - from the operator's own store
        except ET.ParseError as error:
            raise StorageFailed(path=self._place, reason="its answer is not XML") from error
        # S3 starts some answers before the work is done, so a fault can come with status 200.
        if not response.is_success or document.tag.rpartition("}")[2] == "Error":
            raise StorageFailed(path=self._place, reason=_text(document, "Code") or "it refused the request")
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
