"""Small stored documents: manifests, bundles, policies. Read whole, bounded, and checked."""

from typing import Final

from muniment.answers.view import View
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, ContentCorrupt

# Nearly every document is smaller; allocating the largest size would cost more than state one.
_FIRST_BYTES: Final = 1 << 16


def read_document(view: View, digest: Digest, limit: int) -> bytes:
    """Read a small blob whole and check it against its digest.

    Raises:
        BlobNotFound: it is not stored, or is larger than `limit` bytes.
        ContentCorrupt: its bytes were altered.
    """
    with view.blobs.open(digest) as file:
        data = file.read(_FIRST_BYTES)
        if len(data) == _FIRST_BYTES:
            data += file.read(limit + 1 - _FIRST_BYTES)
    if len(data) > limit:
        raise BlobNotFound(digest=str(digest))
    if Digest.of(data) != digest:
        raise ContentCorrupt(path=str(digest), expected=str(digest), actual=str(Digest.of(data)))
    return data
