"""Transfers straight to an S3 store, which itself holds to the digest and writes once."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from muniment.core.digests import Digest
from muniment.core.errors import LengthMismatch
from muniment.ports.direct import Ticket
from muniment.signing.keys import Identity
from muniment.stores.blobs.objects import ObjectBlobs, open_store
from muniment.stores.blobs.signing import S3Direct, sign_query
from muniment.testing.live import run_server


def test_signatures_are_those_of_aws() -> None:
    """The example of AWS's own documentation (Authenticating Requests: Using Query Parameters)."""
    query = sign_query(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {},
        key="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # noqa: S106 - of the example
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        lives_s=86400,
    )
    expected = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    assert query.endswith(f"&X-Amz-Signature={expected}")


@pytest.fixture
def direct(bucket: str, s3: Mapping[str, str]) -> S3Direct:
    """Sign for a fresh place in the bucket."""
    return S3Direct(
        base=f"{s3['AWS_ENDPOINT_URL']}/{bucket.removeprefix('s3://')}",
        key=s3["AWS_ACCESS_KEY_ID"],
        secret=s3["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        token="",
        clock=lambda: datetime.now(UTC),
    )


def put(ticket: Ticket, data: bytes, **changes: str) -> int:
    return httpx2.put(ticket.url, content=data, headers={**ticket.headers, **changes}).status_code


@pytest.mark.slow
@pytest.mark.foreign
def test_the_store_takes_the_right_bytes_once(direct: S3Direct, bucket: str) -> None:
    """Other bytes, other headers and a second time are refused by the store itself."""
    data = os.urandom(1000)
    ticket = direct.let_put(Digest.of(data), len(data))
    assert put(ticket, bytes(1000)) == 400
    assert put(ticket, data, **{"if-none-match": "x"}) == 403
    assert put(ticket, data) == 200
    assert put(ticket, data) == 412
    with ObjectBlobs(open_store(bucket), bucket).open(Digest.of(data)) as blob:
        assert blob.read() == data
    assert httpx2.get(direct.let_put(Digest.of(data), 1).url).status_code == 403


@pytest.mark.slow
def test_large_blobs_go_straight_to_the_store(tmp_path: Path, scaled: Mapping[str, str]) -> None:
    """The server sees none of the bytes, and takes a blob only when the store has it whole."""
    data = os.urandom(20 << 20)
    path = tmp_path / "weights"
    path.write_bytes(data)
    with run_server(tmp_path / "server", scaled) as server:
        backend = server.open_as(Identity.generate())
        headers = {"authorization": f"Bearer {server.tokens[server.owner.public.id]}"}
        body = {"size_bytes": len(data), "digest": str(Digest.of(data))}
        early = httpx2.post(f"{server.url}/api/v1/uploads", headers=headers, json=body).json()
        arrival = f"{server.url}/api/v1/uploads/{early['id']}/arrival"
        assert httpx2.post(arrival, headers=headers).json()["code"] == LengthMismatch.code
        with path.open("rb", buffering=0) as source:
            stored = backend.add_blob(source)
        assert stored.digest == Digest.of(data)
        assert httpx2.post(arrival, headers=headers).json()["digest"] == str(stored.digest)
        with backend.open_blob(stored.digest) as blob:
            assert Digest.of(blob.read()) == stored.digest
        received = httpx2.get(f"{server.url}/metrics").text
    total = next(line for line in received.splitlines() if line.startswith("muniment_received_bytes_total"))
    assert float(total.split()[1]) < 1 << 20
