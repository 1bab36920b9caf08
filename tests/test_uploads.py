"""Uploads in the service: with or without a size, in any number of requests, within byte bounds."""

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import (
    BodyTooLarge,
    DigestMismatch,
    InvalidBody,
    LengthMismatch,
    OffsetMismatch,
    QuotaExceeded,
    UploadNotFound,
)
from muniment.core.people.callers import Caller
from muniment.core.verbs.people import GetSelf
from muniment.ports.blobs import BlobStore
from muniment.ports.staging import Staging
from muniment.ports.unit import Units
from muniment.ports.uploads import Upload
from muniment.services.bytes import uploads as service
from muniment.services.bytes.handovers import Handovers
from muniment.services.bytes.uploads import Uploading
from muniment.signing.keys import Identity
from muniment.stores.blobs.handover import LocalHandover
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.blobs.objects import ObjectBlobs, ObjectStaging, open_store
from muniment.stores.blobs.staging import LocalStaging
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import open_over

MOST = 400 << 20


@dataclass
class Place:
    """Where uploads go, and somebody who sends them."""

    units: Units
    staging: Staging
    blobs: BlobStore
    me: Caller

    def open(self, most_pending_bytes: int = MOST) -> Uploading:
        return Uploading(
            units=self.units,
            staging=self.staging,
            clock=lambda: datetime.now(UTC),
            nonces=lambda: str(uuid.uuid4()),
            most_bytes=MOST,
            most_pending_bytes=most_pending_bytes,
        )

    def find(self, upload: str) -> Upload:
        record = self.units.read(lambda unit: unit.uploads.find(upload))
        assert record is not None
        return record


def open_place(units: Units, staging: Staging, blobs: BlobStore) -> Place:
    owner = open_over(units, blobs)(Identity.generate()).ask(GetSelf())
    return Place(units, staging, blobs, Caller(principal=owner.record.id))


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Place]:
    """Give a place in a directory."""
    blobs = LocalBlobs.create(tmp_path)
    units = open_sqlite(tmp_path / "registry.db", blobs)
    yield open_place(units, LocalStaging(tmp_path), blobs)
    units.close()


@pytest.fixture(params=["directory", pytest.param("PostgreSQL and S3", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Give a place of each kind."""
    if request.param == "directory":
        yield request.getfixturevalue("local")
        return
    bucket = request.getfixturevalue("bucket")
    store = open_store(bucket)
    blobs = ObjectBlobs(store, bucket)
    units = open_postgresql(request.getfixturevalue("database"), blobs)
    yield open_place(units, ObjectStaging(store, bucket), blobs)
    units.close()


def send(uploading: Uploading, me: Caller, upload: str, data: bytes, *, end: bool = False) -> Stored | None:
    """Send bytes in one request, from where the upload stands."""
    with uploading.resume(me, upload, uploading.get(me, upload).offset) as receiver:
        for start in range(0, len(data), 1 << 20):
            receiver.take(data[start : start + (1 << 20)])
            receiver.store()
        if end:
            return receiver.finish()
        receiver.pause()
    return None


def test_an_upload_without_a_size_ends_where_its_sender_says(place: Place) -> None:
    """An upload without a size ends where its sender says, after requests of any length."""
    uploading, data = place.open(), os.urandom((9 << 20) + 7)
    upload = uploading.begin(place.me, None, None).id
    assert place.find(upload).size_bytes is None
    for part in (data[:5], b"", data[5 : 8 << 20]):
        send(uploading, place.me, upload, part)
    stored = send(uploading, place.me, upload, data[8 << 20 :], end=True)
    assert stored == Stored(digest=Digest.of(data), size_bytes=len(data))
    with place.blobs.open(Digest.of(data)) as blob:
        assert Digest.of(blob.read()) == Digest.of(data)
    done = uploading.get(place.me, upload)
    assert (done.offset, done.result) == (len(data), Digest.of(data))
    with pytest.raises(OffsetMismatch):
        uploading.resume(place.me, upload, len(data))


def test_an_upload_of_nothing_is_an_empty_blob(place: Place) -> None:
    """An upload of no bytes is an empty blob."""
    uploading = place.open()
    upload = uploading.begin(place.me, None, Digest.of(b"")).id
    assert send(uploading, place.me, upload, b"", end=True) == Stored(digest=Digest.of(b""), size_bytes=0)


def test_an_upload_comes_in_as_many_requests_as_its_sender_likes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of requests of an upload is unbounded and does not grow what is stored about it."""
    monkeypatch.setattr(service, "_MOST_STRETCHES", 1)
    uploading = place.open()
    upload = uploading.begin(place.me, None, None).id
    for number in range(12):
        send(uploading, place.me, upload, bytes([number]))
    assert len(place.find(upload).stretches) == 1
    stored = send(uploading, place.me, upload, b"", end=True)
    assert stored == Stored(digest=Digest.of(bytes(range(12))), size_bytes=12)


def test_a_request_that_dies_leaves_its_place_to_another(place: Place) -> None:
    """What a dead request still writes does not count once another one has taken over."""
    uploading = place.open()
    upload = uploading.begin(place.me, None, None).id
    send(uploading, place.me, upload, b"kept ")
    with uploading.resume(place.me, upload, 5) as dead:
        dead.take(b"written by one that nobody hears from")
        assert send(uploading, place.me, upload, b"and gone on with") is None
        with suppress(OffsetMismatch):
            dead.pause()
    assert len(place.find(upload).stretches) == 2
    stored = send(uploading, place.me, upload, b", to the end", end=True)
    assert stored is not None
    with place.blobs.open(stored.digest) as blob:
        assert blob.read() == b"kept and gone on with, to the end"


def test_requests_that_overtake_one_another_are_bounded(
    local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload whose requests keep overtaking one another is ended."""
    monkeypatch.setattr(service, "_MOST_STRETCHES", 3)
    uploading = local.open()
    upload = uploading.begin(local.me, None, None).id
    begun = [uploading.resume(local.me, upload, 0) for _ in range(3)]
    with pytest.raises(UploadNotFound):
        uploading.resume(local.me, upload, 0)
    for receiver in begun:
        receiver.__exit__()


def test_bytes_that_are_gone_are_asked_for_again(local: Place, tmp_path: Path) -> None:
    """Lost bytes of an upload are requested again, also those of a request that ended in order."""
    uploading = local.open()
    upload = uploading.begin(local.me, None, None).id
    send(uploading, local.me, upload, b"gone ")
    (file,) = (tmp_path / "uploads").glob(f"upload-{upload}-*")
    file.unlink()
    with pytest.raises(OffsetMismatch):
        uploading.resume(local.me, upload, 5)
    assert send(uploading, local.me, upload, b"again", end=True) == Stored(
        digest=Digest.of(b"again"), size_bytes=5
    )


def test_bytes_that_are_not_the_announced_ones_are_dropped(place: Place) -> None:
    """Bytes that do not match the digest are dropped, and the upload starts again."""
    uploading = place.open()
    upload = uploading.begin(place.me, None, Digest.of(b"right")).id
    send(uploading, place.me, upload, b"wr")
    with pytest.raises(DigestMismatch):
        send(uploading, place.me, upload, b"ong", end=True)
    assert uploading.get(place.me, upload).offset == 0
    assert send(uploading, place.me, upload, b"right", end=True) is not None


def test_a_blob_has_a_bound_however_its_size_is_known(local: Place) -> None:
    """A blob beyond the bound is refused, at once if its size is announced, or when its bytes come."""
    uploading = local.open()
    with pytest.raises(BodyTooLarge):
        uploading.begin(local.me, MOST + 1, None)
    upload = uploading.begin(local.me, None, None).id
    with uploading.resume(local.me, upload, 0) as receiver, pytest.raises(BodyTooLarge):
        receiver.take(bytes(MOST + 1))
    sized = uploading.begin(local.me, 3, None).id
    with uploading.resume(local.me, sized, 0) as receiver, pytest.raises(LengthMismatch):
        receiver.take(b"four")


def test_what_comes_without_a_size_counts_as_it_comes(place: Place) -> None:
    """Bytes without an announced size count towards the sender's bound as they come."""
    ahead = place.staging.checkpoint_bytes
    uploading = place.open(ahead + (3 << 20))
    upload = uploading.begin(place.me, None, None).id
    with pytest.raises(QuotaExceeded):
        uploading.begin(place.me, None, None)
    send(uploading, place.me, upload, bytes(2 << 20))
    with pytest.raises(QuotaExceeded):
        send(uploading, place.me, upload, bytes(2 << 20))
    assert uploading.get(place.me, upload).offset == 2 << 20
    with pytest.raises(QuotaExceeded):
        uploading.begin(place.me, 2 << 20, None)
    assert send(uploading, place.me, upload, bytes(1 << 20), end=True) is not None
    uploading.begin(place.me, ahead, None)


def test_the_last_bytes_without_a_size_count_too(place: Place) -> None:
    """What is sent and finished in one request is held to the bound before it is kept."""
    uploading = place.open(place.staging.checkpoint_bytes + (1 << 20))
    upload = uploading.begin(place.me, None, None).id
    with pytest.raises(QuotaExceeded):
        send(uploading, place.me, upload, bytes(2 << 20), end=True)
    assert uploading.get(place.me, upload).result is None
    assert place.blobs.find(Digest.of(bytes(2 << 20))) is None


def test_one_request_is_stopped_in_its_middle(local: Place, tmp_path: Path) -> None:
    """A request that sends too much is refused while it is still sending."""
    checkpoint = local.staging.checkpoint_bytes
    uploading = local.open(2 * checkpoint)
    upload = uploading.begin(local.me, None, None).id
    with pytest.raises(QuotaExceeded):
        send(uploading, local.me, upload, bytes(6 * checkpoint))
    (file,) = (tmp_path / "uploads").glob(f"upload-{upload}-*")
    assert file.stat().st_size < 5 * checkpoint


def test_a_key_begins_one_upload_without_a_size(local: Place) -> None:
    """Repeating an idempotency key gives the same upload, also after it is complete."""
    uploading = local.open()
    first = uploading.begin(local.me, None, None, "key")
    assert uploading.begin(local.me, None, None, "key") == first
    send(uploading, local.me, first.id, b"bytes", end=True)
    assert uploading.begin(local.me, None, None, "key").result == Digest.of(b"bytes")


def test_what_has_no_size_is_not_left_elsewhere(local: Place, tmp_path: Path) -> None:
    """An upload without a size cannot be handed over as a file."""
    uploading = local.open()
    handovers = Handovers(uploading, LocalHandover(tmp_path))
    upload = uploading.begin(local.me, None, None)
    assert handovers.find_place(upload) is None
    with pytest.raises(InvalidBody):
        handovers.accept(local.me, upload.id)
