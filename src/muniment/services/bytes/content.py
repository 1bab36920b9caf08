"""Content: check that the files of a manifest are stored, have its sizes, and are the actor's to use."""

from collections.abc import Sequence

from muniment.answers.documents import read_document
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES, Revision, parse_with_config
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import BlobNotFound, InvalidManifest
from muniment.services.bytes.custody import find_sizes, take
from muniment.services.transaction import Transaction


def require_content(
    tx: Transaction, namespace: str, manifest: Digest, attestations: Sequence[Digest]
) -> tuple[Revision, Digest]:
    """Check that a manifest, its config, files and claims are stored, and take them into the namespace.

    Returns the revision and the digest of its config. Only those who may use a manifest learn what is wrong
    with it.

    Raises:
        BlobNotFound: a blob is not stored, or the actor may not use it.
        InvalidManifest: a file has another size.
        QuotaExceeded: the namespace would exceed its quota.
    """
    if manifest not in find_sizes(tx, namespace, [manifest]):
        raise BlobNotFound(digest=str(manifest))
    revision, config = parse_with_config(read_document(tx.unit, manifest, MAX_MANIFEST_BYTES))
    needed = {manifest, config, *(file.digest for file in revision.files), *attestations}
    sizes = take(tx, namespace, list(needed))
    for file in revision.files:
        if sizes[file.digest] != file.size_bytes:
            reason = f"{file.path} has {count(sizes[file.digest], 'byte')}, expected {file.size_bytes}"
            raise InvalidManifest(reason=reason)
    return revision, config
