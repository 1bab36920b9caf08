"""Content: that the files of a manifest are stored, of the sizes that it says, and the actor's to use."""

from collections.abc import Sequence

from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, Revision, parse_with_config
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, InvalidManifest
from muniment.services.bytes.custody import find_sizes, take
from muniment.services.bytes.documents import read_document
from muniment.services.transaction import Transaction


def require_content(
    tx: Transaction, namespace: str, manifest: Digest, attestations: Sequence[Digest]
) -> tuple[Revision, Digest]:
    """Check that a manifest, its config, every file and the claims with it are stored, and take them all.

    Gives what it names, and the digest of its config. What is wrong with a manifest is told only to those
    whose it is to use.

    Raises:
        BlobNotFound: one is not stored, or not the actor's to use.
        InvalidManifest: a file has another size.
        QuotaExceeded: the namespace has no room.
    """
    if manifest not in find_sizes(tx, namespace, [manifest]):
        raise BlobNotFound(digest=str(manifest))
    revision, config = parse_with_config(read_document(tx.unit, manifest, MAX_MANIFEST_BYTES))
    needed = {manifest, config, *(file.digest for file in revision.files), *attestations}
    sizes = take(tx, namespace, list(needed))
    for file in revision.files:
        if sizes[file.digest] != file.size_bytes:
            reason = f"{file.path} has {sizes[file.digest]} bytes, not {file.size_bytes}"
            raise InvalidManifest(reason=reason)
    return revision, config
