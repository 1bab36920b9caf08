"""Fix the request: the same one is always refused."""

from shlex import quote

from muniment.core.errors.tree import MunimentError


class InvalidRequest(MunimentError):
    """The request itself is wrong: the same request is always refused."""


class InvalidName(InvalidRequest):
    """A name breaks the rules of names."""

    name: str
    kind: str = "name"
    remedy: str = (
        "use lower-case letters, digits and . _ - (models: namespace/model), at most 64 characters per part"
    )
    message = "{name!r} is not a valid {kind}"
    advice = "{remedy}"


class InvalidReference(InvalidRequest):
    """A reference cannot be read."""

    reference: str
    remedy: str = "write namespace/model@3, @alias, @latest or @sha256:<64 hex digits>"
    message = "{reference!r} is not a reference"
    advice = "{remedy}"


class InvalidDigest(InvalidRequest):
    """A text is not a digest."""

    text: str
    message = "{text!r} is not a sha256 digest"
    advice = "write sha256: followed by 64 lower-case hex digits"


class InvalidTime(InvalidRequest):
    """A text is not a time."""

    text: str
    message = "{text!r} is not a time"
    advice = (
        "write it as RFC 3339 with a time zone (2026-03-01T12:00:00Z); commands and the SDK also take a date"
        " (2026-03-01, from its start in UTC) and a duration (12h, 14d)"
    )


class PastNotCome(InvalidRequest):
    """What is asked of the past is asked of a time that has not come."""

    time: str
    message = "{time} has not come yet"
    advice = "ask without a time for the present state"


class InvalidPast(InvalidRequest):
    """A text names neither a time nor an entry of the log."""

    text: str
    message = "{text!r} is neither a time nor the index of an entry"
    advice = (
        "write a time as RFC 3339 with a time zone (2026-03-01T12:00:00Z), or an index such as 812; commands"
        " and the SDK also take a date (2026-03-01, its start in UTC) and a duration (14d: that long ago)"
    )


class InvalidPath(InvalidRequest):
    """A path inside a revision breaks the rules of paths."""

    path: str
    reason: str
    message = "the path {path!r} {reason}"
    advice = "rename it: relative, with / and without .., in NFC, and unique without case or Unicode form"


class EmptyRevision(InvalidRequest):
    """A push has no files."""

    path: str
    message = "{path!r} has no files"
    advice = "push a file, or a directory with at least one file"


class SymlinkRefused(InvalidRequest):
    """A symbolic link points out of the pushed directory."""

    path: str
    message = "{path!r} is a symbolic link that leaves the pushed directory"
    advice = "replace it with a copy of the file"


class NotAFile(InvalidRequest):
    """A path is neither a file nor a directory."""

    path: str
    message = "{path!r} is not a regular file or directory"
    advice = "check the path; if it lies in a directory that you push, remove it"


class FileChanged(InvalidRequest):
    """A file changed while it was being read."""

    path: str
    message = "{path!r} changed while it was being read"
    advice = "wait until nothing writes to it, then push again"


class InvalidManifest(InvalidRequest):
    """A manifest does not describe a model revision."""

    reason: str
    message = "the manifest is not valid: {reason}"
    advice = "push the files again with this client"


class InvalidDocument(InvalidRequest):
    """A JSON document does not follow its format."""

    reason: str
    message = "the document is not valid: {reason}"
    advice = "write plain JSON: no NaN, no duplicate keys, no number beyond 2^53-1"


class InvalidText(InvalidRequest):
    """A text that a person typed cannot be kept."""

    reason: str
    message = "the text cannot be kept: {reason}"
    advice = "write Unicode text without NUL characters, of at most 100,000 characters"


class InvalidAttestation(InvalidRequest):
    """An attestation is malformed or breaks the schema of its predicate type."""

    reason: str
    message = "the attestation is not valid: {reason}"
    advice = "see the schema of its predicate type in muniment/signing/schemas"


class UnknownClaimKind(InvalidRequest):
    """A kind of claim is unknown, and is no predicate type."""

    kind: str
    remedy: str = (
        "name a kind, such as evaluation, or a predicate type, a URI such as https://example.com/type/v1"
    )
    message = "{kind!r} is not a kind of claim"
    advice = "{remedy}"


class WrongSubject(InvalidRequest):
    """An attestation is not about the version that it was sent for."""

    reference: str
    subject: str
    message = "the attestation is about {subject}, not about {reference}"
    advice = "sign a statement whose subject is the digest that `muniment show {reference}` prints"


class InvalidScope(InvalidRequest):
    """A text is not the scope of a token."""

    scope: str
    message = "{scope!r} is not a scope"
    advice = "write read, write or admin, a colon, and a namespace or *, such as write:acme"


class InvalidQuery(InvalidRequest):
    """A search cannot be read."""

    reason: str
    message = "the search cannot be read: {reason}"
    advice = "see docs/reference/search.md, such as: metric.auc > 0.9 and param.depth = 6 order by created"


class InvalidTag(InvalidRequest):
    """A tag breaks the rules of tags."""

    key: str
    message = "{key!r} is not a tag"
    advice = (
        "name it with at most 64 lower-case letters, digits and . _ -; its text has at most 1000 characters"
    )


class InvalidBody(InvalidRequest):
    """The parameters or the body of a request do not match its route."""

    reason: str
    message = "the request cannot be read: {reason}"
    advice = "see docs/reference/rest.md or, on a server, /api/v1/openapi.json for the expected form"


class InvalidRange(InvalidRequest):
    """A range of bytes is outside of the blob."""

    reason: str
    message = "the range is not satisfiable: {reason}"
    advice = "ask for the size first (HEAD)"


class DigestMismatch(InvalidRequest):
    """The bytes received do not match the announced digest."""

    expected: str
    actual: str
    message = "received bytes with the digest {actual}, expected {expected}"
    advice = "send them again: they changed on the way or while they were being read"


class BodyTooLarge(InvalidRequest):
    """The body is larger than the route accepts."""

    limit_bytes: int
    message = "the body is larger than {limit_bytes} bytes"
    advice = "send large files as uploads"


class LengthMismatch(InvalidRequest):
    """A body is shorter or longer than announced."""

    expected: int
    actual: int
    message = "received {actual} bytes, expected {expected}"
    advice = "ask for the offset of the upload, then send from there"


class InvalidExport(InvalidRequest):
    """A file is not an export of a version."""

    path: str
    reason: str
    message = "{path} is not an export: {reason}"
    advice = "write one with muniment export REF -o FILE"


class InvalidPolicy(InvalidRequest):
    """A policy document cannot be read. `where` is the way to what is wrong, by names and indexes."""

    reason: str
    where: tuple[str, ...] = ()
    message = "the policy is not valid: {self.place}{reason}"
    advice = "see docs/reference/policy.md"

    @property
    def place(self) -> str:
        """Where it is wrong, as it begins a sentence; empty if that is not known."""
        return f"{'/'.join(self.where)}: " if self.where else ""


class InvalidCard(InvalidRequest):
    """A model card cannot be read."""

    reason: str
    message = "the card cannot be read: {reason}"
    advice = "see docs/reference/cards.md: YAML between --- lines, then a heading for each field"


class InvalidModelFile(InvalidRequest):
    """A model file does not have the structure of its format."""

    path: str
    reason: str
    message = "{path!r} is damaged or misstates its structure: {reason}"
    advice = "do not load it: save the model again, or ask its author"


class InvalidEvidence(InvalidRequest):
    """Predictions cannot be evaluated."""

    reason: str
    remedy: str = (
        "give one true label and one prediction per row, and finite scores (docs/reference/evaluation.md)"
    )
    message = "the predictions cannot be evaluated: {reason}"
    advice = "{remedy}"


class InvalidKey(InvalidRequest):
    """A key file cannot be used."""

    reason: str
    remedy: str = "keys are PEM files, ECDSA P-256 or Ed25519; set MUNIMENT_PASSPHRASE if yours is encrypted"
    message = "the key cannot be used: {reason}"
    advice = "{remedy}"


class InvalidSetting(InvalidRequest):
    """A setting is not valid."""

    name: str
    reason: str
    message = "{name} {reason}"
    advice = "see docs/reference/settings.md"


class InvalidOption(InvalidRequest):
    """An option of a command, or a combination of options, is not valid."""

    option: str
    reason: str
    remedy: str = "see --help of the command"
    message = "{option} {reason}"
    advice = "{remedy}"


class InvalidLocation(InvalidRequest):
    """A text is not the location of a registry."""

    location: str
    reason: str
    message = "{location!r} is not the location of a registry: {reason}"
    advice = "name a directory, or a server: https://HOST or https://HOST:PORT (--registry, MUNIMENT_URL)"


class InsecureLocation(InvalidRequest):
    """A token would be sent unencrypted."""

    location: str
    message = "{location} is not encrypted, so no token is sent to it"
    advice = "use https://; plain http:// is accepted on this machine only"


class MissingExtra(InvalidRequest):
    """An optional dependency is not installed."""

    package: str
    extra: str
    message = "this needs {package}, which is not installed"
    advice = "pip install {self.requirement}"

    @property
    def requirement(self) -> str:
        """What to install, as a shell reads it."""
        return quote(f"muniment[{self.extra}]")


class UnknownFormat(InvalidRequest):
    """No loader knows the files of a version."""

    reference: str
    message = "no loader knows the files of {reference}"
    advice = "download the files with muniment pull {reference} and load them yourself"


class DestinationNotEmpty(InvalidRequest):
    """A pull would mix its files with other files."""

    path: str
    message = "{path!r} has files that do not belong to this version"
    advice = "name another destination, or empty this one first"


class FileUnusable(InvalidRequest):
    """A file that was named cannot be read or written."""

    path: str
    reason: str
    remedy: str = "name a path that exists and that you can read or write"
    message = "cannot use {path!r}: {reason}"
    advice = "{remedy}"
