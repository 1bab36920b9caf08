"""Signatures of content: OpenSSF Model Signing v1.0, built from known digests.

The root digest of that format does not cover the names of files, but the signed list does. So a content
signature is matched to a revision by its whole list, never by its root.
"""

import hashlib
from collections.abc import Mapping

from muniment.core.bytes.revisions import Revision
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import CONTENT, Statement, write_statement
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation
from muniment.signing.bundle import Bundle, sign_statement
from muniment.signing.keys import Identity
from muniment.signing.statements import encode


def sign_content(revision: Revision, name: str, identity: Identity) -> Bundle:
    """Sign the files of a revision; `model_signing verify key` accepts the bundle (P-256 keys)."""
    root = hashlib.sha256(b"".join(file.digest.raw for file in revision.files)).hexdigest()
    predicate: JsonObject = {
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
        "resources": [
            {"name": file.path, "algorithm": "sha256", "digest": file.digest.hex} for file in revision.files
        ],
    }
    subject: JsonObject = {"name": name, "digest": {"sha256": root}}
    return sign_statement(encode(write_statement(subject, CONTENT, predicate)), identity)


def covers(statement: Statement, revision: Revision) -> bool:
    """Return whether a content statement lists exactly the files of a revision.

    A signer can leave files out (`ignore_paths`); such a signature covers no revision.

    Raises:
        InvalidAttestation: the list is malformed.
    """
    resources = statement.predicate.get("resources")
    if not isinstance(resources, list):
        raise InvalidAttestation(reason="resources: expected a list")
    listed = [_read_resource(resource) for resource in resources]
    return sorted(listed) == sorted((file.path, file.digest.hex) for file in revision.files)


def is_about(statement: Statement, manifest: Digest, revision: Revision) -> bool:
    """Return whether a statement is about a revision: by its manifest's digest, or by exactly its files.

    The caller MUST have read `revision` from that manifest.

    Raises:
        InvalidAttestation: it is a content statement whose list is malformed.
    """
    if statement.predicate_type == CONTENT:
        return covers(statement, revision)
    return manifest in statement.subjects


def _read_resource(resource: Json) -> tuple[str, str]:
    if not isinstance(resource, Mapping) or resource.get("algorithm") != "sha256":
        raise InvalidAttestation(reason="resources: expected files with a sha256")
    return str(resource.get("name")), str(resource.get("digest"))
