"""Presigned requests to an S3 store (AWS Signature Version 4).

obstore signs only a method and a path. These signatures cover two more headers, so that the store itself
checks the sha256 of the bytes and never overwrites an object (If-None-Match).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from muniment.core.digests import Digest
from muniment.ports.direct import Ticket

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_LIVES_S: Final = 3600
# The largest PUT of S3.
MOST_BYTES: Final = 5 << 30
_MIB: Final = 1 << 20
_MOST_PARTS: Final = 10_000
_USUAL_PART: Final = 64 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Account:
    """The account for an S3 store below a base URL; `token` is a session token, or empty."""

    base: str
    key: str
    secret: str = field(repr=False)
    region: str
    token: str = field(repr=False)
    clock: Callable[[], datetime]

    def sign(
        self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> str:
        """Return a presigned URL, which is valid for a while and for exactly these headers."""
        url = f"{self.base.rstrip('/')}/{path}"
        signed = sign_query(
            method,
            url,
            headers,
            query or {},
            key=self.key,
            secret=self.secret,
            region=self.region,
            token=self.token,
            now=self.clock(),
        )
        return f"{url}?{signed}"


class S3Direct:
    """Direct transfers to an S3 store."""

    def __init__(self, account: S3Account, most_bytes: int = MOST_BYTES) -> None:
        """Sign for an account."""
        self._account = account
        self.most_bytes = min(most_bytes, MOST_BYTES)

    def part_bytes(self, size_bytes: int) -> int:
        """Return a size in whole MiB that needs no more parts than S3 allows."""
        fewest = -(-size_bytes // _MOST_PARTS)
        return max(min(self.most_bytes, _USUAL_PART), -(-fewest // _MIB) * _MIB)

    def presign_put(self, upload: str, digest: Digest, size_bytes: int) -> Ticket:
        """Sign PutObject."""
        headers = {
            "content-length": str(size_bytes),
            "if-none-match": "*",
            "x-amz-checksum-sha256": checksum_of(digest),
        }
        return Ticket(self._account.sign("PUT", whole_of(upload), headers), headers)

    def presign_part(self, upload: str, session: str, number: int, digest: Digest) -> Ticket:
        """Sign UploadPart."""
        headers = {"x-amz-checksum-sha256": checksum_of(digest)}
        query = {"partNumber": str(number), "uploadId": session}
        return Ticket(self._account.sign("PUT", whole_of(upload), headers, query), headers)


def whole_of(upload: str) -> str:
    """Name the object of an upload; its name is not the digest, because knowing a digest proves nothing."""
    return f"uploads/{upload}/whole"


def checksum_of(digest: Digest) -> str:
    """Write a digest in the form of S3."""
    return base64.b64encode(digest.raw).decode()


def sign_query(  # noqa: PLR0913 - the inputs of a signature
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    *,
    key: str,
    secret: str,
    region: str,
    now: datetime,
    token: str = "",
    lives_s: int = _LIVES_S,
) -> str:
    """Make the query that authenticates a request (AWS, Authenticating Requests: Using Query Parameters)."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    signed = {"host": parts.netloc, **{name.lower(): value.strip() for name, value in headers.items()}}
    names = ";".join(sorted(signed))
    parameters = {
        **query,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(lives_s),
        "X-Amz-SignedHeaders": names,
        **({"X-Amz-Security-Token": token} if token else {}),
    }
    text = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items())
    )
    lines = [
        method,
        quote(parts.path, safe="/~"),
        text,
        *(f"{name}:{signed[name]}" for name in sorted(signed)),
        "",
        names,
        "UNSIGNED-PAYLOAD",
    ]
    request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{request}"
    signing_key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, "s3", "aws4_request"):
        signing_key = hmac.digest(signing_key, part.encode(), "sha256")
    return f"{text}&X-Amz-Signature={hmac.new(signing_key, to_sign.encode(), 'sha256').hexdigest()}"
