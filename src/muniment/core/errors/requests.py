"""Fix the request: the same one will always be refused."""

from muniment.core.errors.tree import MunimentError


class InvalidRequest(MunimentError):
    """The request itself is wrong: the same request will always be refused."""


class InvalidName(InvalidRequest):
    """A name breaks the rules of names."""

    name: str
    kind: str = "name"
    message = "{name!r} is not a valid {kind}"
    advice = (
        "use lower-case letters, digits and . _ - (models: namespace/model), at most 64 characters a part"
    )


class InvalidReference(InvalidRequest):
    """A reference cannot be read."""

    reference: str
    message = "{reference!r} is not a reference"
    advice = "write namespace/model@3, @alias, @latest or @sha256:<64 hex digits>"


class InvalidDigest(InvalidRequest):
    """Text that should be a digest is not one."""

    text: str
    message = "{text!r} is not a sha256 digest"
    advice = "write sha256: and 64 lower-case hex digits"


class InvalidTime(InvalidRequest):
    """Text that should be a time is not one."""

    text: str
    message = "{text!r} is not a time"
    advice = "write it as RFC 3339 with a zone: 2026-03-01T12:00:00Z"


class InvalidPath(InvalidRequest):
    """A path inside a revision breaks the rules of paths."""

    path: str
    reason: str
    message = "the path {path!r} {reason}"
    advice = (
        "rename it: relative, / between parts, NFC, no .., no two that differ by case or Unicode form only"
    )


class EmptyRevision(InvalidRequest):
    """There is no file to push."""

    path: str
    message = "there is no file in {path!r}"
    advice = "push a file, or a directory that holds at least one"


class SymlinkRefused(InvalidRequest):
    """A symbolic link points out of the tree that is pushed."""

    path: str
    message = "{path!r} is a symbolic link that leaves the pushed directory"
    advice = "put a copy of the file in its place"


class NotAFile(InvalidRequest):
    """Something that is neither a file nor a directory was pushed."""

    path: str
    message = "{path!r} is not a regular file or directory"
    advice = "remove it from what you push, or check the path"


class FileChanged(InvalidRequest):
    """A file changed while it was read."""

    path: str
    message = "{path!r} changed while it was read"
    advice = "wait until nothing writes to it, then push again"


class InvalidManifest(InvalidRequest):
    """A manifest is not one of a model revision."""

    reason: str
    message = "the manifest is not valid: {reason}"
    advice = "push the files again with this client"


class InvalidDocument(InvalidRequest):
    """A JSON document cannot be read or written as the format asks."""

    reason: str
    message = "the document is not valid: {reason}"
    advice = "write plain JSON: no NaN, no duplicate keys, no number beyond 2^53"


class InvalidAttestation(InvalidRequest):
    """An attestation is malformed, or breaks the schema of its predicate type."""

    reason: str
    message = "the attestation is not valid: {reason}"
    advice = "see the schema of its predicate type in muniment/signing/schemas"


class WrongSubject(InvalidRequest):
    """An attestation is about other bytes than the version it was sent for."""

    reference: str
    subject: str
    message = "the attestation is about {subject}, not about {reference}"
    advice = "sign a statement whose subject is the digest that `muniment show {reference}` prints"


class InvalidScope(InvalidRequest):
    """Text that should be the scope of a token is not one."""

    scope: str
    message = "{scope!r} is not a scope"
    advice = "write read, write or admin, a colon, and a namespace or *: write:acme"


class InvalidQuery(InvalidRequest):
    """A search cannot be read."""

    reason: str
    message = "the search cannot be read: {reason}"
    advice = "see docs/reference/search.md: metric.auc > 0.9 and param.depth = 6 order by created"


class InvalidTag(InvalidRequest):
    """A tag breaks the rules of tags."""

    key: str
    message = "{key!r} is not a tag"
    advice = "use lower-case letters, digits and . _ -, at most 64, for its name; its text has at most 1000"


class InvalidBody(InvalidRequest):
    """The parameters or the body of a request do not have the form that its route asks for."""

    reason: str
    message = "the request cannot be read: {reason}"
    advice = "the forms are in /api/v1/openapi.json"


class InvalidRange(InvalidRequest):
    """A range of bytes is not there."""

    reason: str
    message = "the range does not fit: {reason}"
    advice = "ask for the size first (HEAD)"


class DigestMismatch(InvalidRequest):
    """The bytes that came are not those that were announced."""

    expected: str
    actual: str
    message = "the bytes have the digest {actual}, announced was {expected}"
    advice = "send them again: they were changed on the way, or while they were read"


class BodyTooLarge(InvalidRequest):
    """More bytes were sent than are taken."""

    limit_bytes: int
    message = "the body is larger than {limit_bytes} bytes"
    advice = "send large files as uploads, in parts"


class LengthMismatch(InvalidRequest):
    """A body was cut off, or is longer than was announced."""

    expected: int
    actual: int
    message = "{actual} bytes came, announced were {expected}"
    advice = "ask for the offset of the upload, then send from there"


class InvalidExport(InvalidRequest):
    """The file is no export of a version."""

    path: str
    reason: str
    message = "{path} is no export: {reason}"
    advice = "`muniment export REF -o FILE` writes one"


class InvalidPolicy(InvalidRequest):
    """A policy document cannot be read."""

    reason: str
    message = "the policy is not valid: {reason}"
    advice = "see docs/reference/policy.md"


class InvalidCard(InvalidRequest):
    """A model card cannot be read."""

    reason: str
    message = "the card cannot be read: {reason}"
    advice = "see docs/reference/cards.md: YAML between --- lines, then a heading for each field"


class InvalidModelFile(InvalidRequest):
    """A model file does not have the structure that its format asks for."""

    path: str
    reason: str
    message = "{path!r} is damaged, or lies about its structure: {reason}"
    advice = "do not load it: write the model again, or ask whoever made it"


class InvalidEvidence(InvalidRequest):
    """Predictions cannot be evaluated."""

    reason: str
    message = "the predictions cannot be evaluated: {reason}"
    advice = "give one true label and one prediction per row, and finite scores"


class InvalidKey(InvalidRequest):
    """A key file cannot be used."""

    reason: str
    message = "the key cannot be used: {reason}"
    advice = "keys are PEM files, ECDSA P-256 or Ed25519; set MUNIMENT_PASSPHRASE if yours is encrypted"


class InvalidSetting(InvalidRequest):
    """A setting of the server makes no sense."""

    name: str
    reason: str
    message = "{name} {reason}"
    advice = "see docs/reference/settings.md"


class InvalidOption(InvalidRequest):
    """An option of a command, or a combination of them, makes no sense."""

    option: str
    reason: str
    message = "{option} {reason}"
    advice = "see the command's --help"


class InsecureLocation(InvalidRequest):
    """A token would travel where anybody on the way can read it."""

    location: str
    message = "{location} is not encrypted, so no token is sent there"
    advice = "use https://; plain http:// is for this machine alone"


class MissingExtra(InvalidRequest):
    """An optional part of Muniment is needed and not installed."""

    package: str
    extra: str
    message = "this needs {package}, which is not installed"
    advice = "pip install 'muniment[{extra}]'"


class UnknownFormat(InvalidRequest):
    """No loader knows the files of a version."""

    reference: str
    message = "no loader knows the files of {reference}"
    advice = "use `muniment pull {reference}` and load the files yourself"


class DestinationNotEmpty(InvalidRequest):
    """A pull would mix its files with others."""

    path: str
    message = "{path!r} holds files that are not of this version"
    advice = "name another destination, or empty it first"


class FileUnusable(InvalidRequest):
    """A file that was named cannot be read or written."""

    path: str
    reason: str
    message = "cannot use {path!r}: {reason}"
    advice = "name a path that exists and that you can read or write"
