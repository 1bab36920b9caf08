"""Direct transfers: the client sends to an S3 store, which checks the digest and writes once."""

import os
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from muniment.client.bytes.uploads import Uploads
from muniment.client.connection.transport import Transport
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, DigestMismatch, InvalidBody, LengthMismatch, UploadNotFound
from muniment.core.people.callers import Caller
from muniment.core.verbs.people import GetSelf
from muniment.ports.direct import Ticket
from muniment.services.bytes.direct import DirectUploads
from muniment.services.bytes.uploads import Uploading
from muniment.signing.keys import Identity
from muniment.stores.blobs.landing import S3LandingArea
from muniment.stores.blobs.objects import ObjectBlobs, ObjectStaging, open_store
from muniment.stores.blobs.signing import S3Account, S3Direct, sign_query
from muniment.testing import MemoryBlobs, MemoryUnits, open_over
from muniment.testing.live import LiveServer, run_server, wait_until


def test_signatures_are_those_of_aws() -> None:
    """The signature is that of the example in AWS's documentation of query parameters."""
    query = sign_query(
        "GET",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {},
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
    return S3Direct(account_of(s3, bucket))


def account_of(s3: Mapping[str, str], bucket: str) -> S3Account:
    return S3Account(
        base=f"{s3['AWS_ENDPOINT_URL']}/{bucket.removeprefix('s3://')}",
        key=s3["AWS_ACCESS_KEY_ID"],
        secret=s3["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        token="",
        clock=lambda: datetime.now(UTC),
    )


def put(ticket: Ticket, data: bytes, **changes: str) -> int:
    return send(ticket.url, data, {**ticket.headers, **changes})


def send(url: str, data: bytes, headers: Mapping[str, str]) -> int:
    # A store on a busy machine may take longer over some MiB than the client waits by itself.
    return httpx2.put(url, content=data, headers=headers, timeout=60).status_code


@pytest.mark.slow
@pytest.mark.foreign
def test_the_store_takes_the_right_bytes_once(direct: S3Direct, bucket: str, s3: Mapping[str, str]) -> None:
    """The store refuses other bytes, other headers and a second upload."""
    data = os.urandom(1000)
    ticket = direct.presign_put("01", Digest.of(data), len(data))
    assert put(ticket, bytes(1000)) == 400
    assert put(ticket, data, **{"if-none-match": "x"}) == 403
    assert put(ticket, data) == 200
    assert put(ticket, data) == 412
    landing = S3LandingArea(account_of(s3, bucket), open_store(bucket), bucket)
    with landing.open("01") as whole:
        assert whole.read() == data
    landing.accept("01", Digest.of(data), len(data))
    with ObjectBlobs(open_store(bucket), bucket).open(Digest.of(data)) as blob:
        assert blob.read() == data
    assert httpx2.get(direct.presign_put("01", Digest.of(data), 1).url).status_code == 403


@pytest.mark.slow
def test_large_blobs_go_straight_to_the_store(tmp_path: Path, scaled: Mapping[str, str]) -> None:
    """The server sees no bytes of a large blob and accepts it once the store has it whole."""
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
        # Who knows the digest of a blob that is there has not sent it.
        assert httpx2.post(arrival, headers=headers).json()["code"] == LengthMismatch.code
        with backend.open_blob(stored.digest) as blob:
            assert Digest.of(blob.read()) == stored.digest
        received = httpx2.get(f"{server.url}/metrics").text
    total = next(line for line in received.splitlines() if line.startswith("muniment_received_bytes_total"))
    assert float(total.split()[1]) < 1 << 20


PART = 8 << 20


@pytest.fixture
def in_parts(scaled: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a server at which blobs of more than 8 MiB go in parts of 8 MiB."""
    return {**scaled, "MUNIMENT_DIRECT_PUT": str(PART)}


@pytest.mark.slow
def test_larger_blobs_go_in_parts(tmp_path: Path, in_parts: Mapping[str, str]) -> None:
    """A very large blob goes in parts, resumes with the missing ones, and is verified whole."""
    data = os.urandom(2 * PART + 5)
    path = tmp_path / "weights"
    path.write_bytes(data)
    with run_server(tmp_path / "server", in_parts) as server:
        backend = server.open_as(Identity.generate())
        call = caller(server)
        upload = call("POST", "/api/v1/uploads", {"size_bytes": len(data), "digest": str(Digest.of(data))})
        assert (upload["method"], upload["part_bytes"]) == ("parts", PART)
        send_part(call, upload, 1, data[:PART])
        assert call("GET", upload["url"]) == {"parts": [{"number": 1, "size_bytes": PART}]}
        assert call("POST", f"/api/v1/uploads/{upload['id']}/arrival")["code"] == LengthMismatch.code
        remember(server, path, upload["id"])
        with path.open("rb", buffering=0) as source:
            stored = backend.add_blob(source)
        assert stored.digest == Digest.of(data)
        with backend.open_blob(stored.digest) as blob:
            assert Digest.of(blob.read()) == stored.digest
        assert call("GET", f"/api/v1/uploads/{upload['id']}")["digest"] == str(stored.digest)
        metrics = httpx2.get(f"{server.url}/metrics").text
    received = next(line for line in metrics.splitlines() if line.startswith("muniment_received_bytes"))
    assert float(received.split()[1]) < 1 << 20
    sessions = [line for line in server.log.read_text().splitlines() if '"route":"/api/v1/uploads"' in line]
    assert len(sessions) <= 1, "the upload that was begun was gone on with"


@pytest.mark.slow
def test_parts_of_other_bytes_are_found_out(tmp_path: Path, in_parts: Mapping[str, str]) -> None:
    """A blob whose parts do not add up to the announced digest is refused."""
    data, other = os.urandom(PART + 5), os.urandom(PART + 5)
    with run_server(tmp_path / "server", in_parts) as server:
        backend = server.open_as(Identity.generate())
        call = caller(server)
        upload = call("POST", "/api/v1/uploads", {"size_bytes": len(data), "digest": str(Digest.of(data))})
        send_part(call, upload, 1, other[:PART])
        send_part(call, upload, 2, other[PART:])
        arrival = f"/api/v1/uploads/{upload['id']}/arrival"
        assert call("POST", arrival, {"digests": [str(Digest.of(data))] * 2})["code"] == InvalidBody.code
        call("POST", arrival, {"digests": [str(Digest.of(p)) for p in (other[:PART], other[PART:])]})
        wait_until(lambda: "code" in call("GET", f"/api/v1/uploads/{upload['id']}"))
        refusal = call("GET", f"/api/v1/uploads/{upload['id']}")
        assert (refusal["code"], refusal["data"]["actual"]) == (DigestMismatch.code, str(Digest.of(other)))
        for digest in (Digest.of(data), Digest.of(other)):
            with pytest.raises(BlobNotFound):
                backend.open_blob(digest)


@pytest.mark.slow
def test_reading_parts_goes_on_where_another_replica_stopped(s3: Mapping[str, str], bucket: str) -> None:
    """A replica continues the hash of a blob in parts where another replica stopped."""
    data = os.urandom(2 * PART + 5)
    account = account_of(s3, bucket)
    store = open_store(bucket)
    blobs = ObjectBlobs(store, bucket)
    units = MemoryUnits(MemoryBlobs())
    owner = open_over(units, MemoryBlobs())(Identity.generate()).ask(GetSelf())

    uploads = Uploading(
        units=units,
        staging=ObjectStaging(store, bucket),
        clock=lambda: datetime.now(UTC),
        nonces=lambda: str(uuid.uuid4()),
        most_bytes=1 << 30,
        most_pending_bytes=1 << 30,
    )

    def replica() -> DirectUploads:
        return DirectUploads(
            uploads=uploads,
            units=units,
            clock=lambda: datetime.now(UTC),
            direct=S3Direct(account, PART),
            landing=S3LandingArea(account, store, bucket),
            proven_at_once=PART,
        )

    me = Caller(principal=owner.record.id)
    parts = [data[start : start + PART] for start in range(0, len(data), PART)]
    upload = uploads.begin(me, len(data), Digest.of(data)).id
    digests = [Digest.of(part) for part in parts]
    for number, part in enumerate(parts, 1):
        ticket = replica().presign_parts(me, upload, {number: digests[number - 1]})[number]
        assert put(ticket, part) == 200
    replica().accept(me, upload, digests)
    assert [replica().prove(upload) for _ in range(2)] == [False, False]
    with pytest.raises(UploadNotFound):
        uploads.resume(me, upload, 2 * PART)
    assert [replica().prove(upload) for _ in range(2)] == [False, True]
    assert uploads.get(me, upload).result == Digest.of(data)
    with pytest.raises(UploadNotFound):
        replica().presign_parts(me, upload, {1: digests[0]})
    with blobs.open(Digest.of(data)) as blob:
        assert Digest.of(blob.read()) == Digest.of(data)


def caller(server: LiveServer) -> Callable[..., dict[str, Any]]:
    headers = {"authorization": f"Bearer {server.tokens[server.owner.public.id]}"}

    def call(method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = httpx2.request(method, f"{server.url}{path}", headers=headers, json=body, timeout=60)
        return dict(answer.json())

    return call


def send_part(call: Callable[..., dict[str, Any]], upload: dict[str, Any], number: int, data: bytes) -> None:
    wanted = {"parts": [{"number": number, "digest": str(Digest.of(data))}]}
    (ticket,) = call("POST", upload["url"], wanted)["parts"]
    assert send(ticket["url"], bytes(len(data)), ticket["headers"]) == 400
    assert send(ticket["url"], data, ticket["headers"]) == 200


def remember(server: LiveServer, path: Path, upload: str) -> None:
    """Leave the note that a client leaves that was killed in the middle of an upload."""
    uploads = Uploads(Transport(server.url, None), server.state)
    with path.open("rb", buffering=0) as source:
        note = uploads._note_of(source, path.stat().st_size)
    assert note is not None
    uploads._remember(note, upload)
