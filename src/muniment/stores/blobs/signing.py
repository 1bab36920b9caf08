"""Requests to an S3 store that others may make: presigned URLs (AWS Signature Version 4).

obstore signs a method and a path alone. What makes a store itself hold to content address and
write-once are two more headers under the signature: the sha256 that it has to check, and If-None-Match.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from muniment.core.digests import Digest
from muniment.ports.direct import Ticket

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_LIVES_S: Final = 3600
# What S3 takes in one PUT.
MOST_BYTES: Final = 5 << 30


class S3Direct:
    """Direct transfers to an S3 store."""

    most_bytes: Final = MOST_BYTES

    def __init__(  # noqa: PLR0913 - what a signature is made of
        self, *, base: str, key: str, secret: str, region: str, token: str, clock: Callable[[], datetime]
    ) -> None:
        """Sign for the objects below a URL; `token` is that of a session, or empty."""
        self._base = base.rstrip("/")
        self._key = key
        self._secret = secret
        self._region = region
        self._token = token
        self._clock = clock

    def let_put(self, digest: Digest, size_bytes: int) -> Ticket:
        """Let a blob be put once."""
        headers = {
            "content-length": str(size_bytes),
            "if-none-match": "*",
            "x-amz-checksum-sha256": base64.b64encode(digest.raw).decode(),
        }
        url = f"{self._base}/blobs/sha256/{digest.hex}"
        query = sign_query(
            "PUT",
            url,
            headers,
            key=self._key,
            secret=self._secret,
            region=self._region,
            token=self._token,
            now=self._clock(),
        )
        return Ticket(f"{url}?{query}", headers)


def sign_query(  # noqa: PLR0913 - what a signature is made of
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    key: str,
    secret: str,
    region: str,
    now: datetime,
    token: str = "",
    lives_s: int = _LIVES_S,
) -> str:
    """Give the query that authenticates a request (AWS, Authenticating Requests: Using Query Parameters)."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    signed = {"host": parts.netloc, **{name.lower(): value.strip() for name, value in headers.items()}}
    names = ";".join(sorted(signed))
    query = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(lives_s),
        "X-Amz-SignedHeaders": names,
        **({"X-Amz-Security-Token": token} if token else {}),
    }
    text = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
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
