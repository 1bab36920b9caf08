"""Every refusal of the registry: one tree, one root, split by what the caller can do.

    MunimentError
    ├── InvalidRequest   fix the request
    ├── NotFound         ask for something that exists
    ├── Refused          get permission, or meet the rule
    ├── Unavailable      mend the surroundings, then retry
    └── Untrusted        stop: what was read is not what was recorded

An error carries data and a stable `code`; `str(error)` is one line and `hint` says what to do.
"""

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(kw_only=True, eq=False)
class MunimentError(Exception):
    """The root of the tree."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    def data(self) -> dict[str, object]:
        """Give the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def hint(self) -> str:
        """What to do about it, in one line; empty if there is nothing to add."""
        return self.advice.format(**self.data())

    def __str__(self) -> str:
        """Say what was wrong, in one line."""
        return " ".join(self.message.format(**self.data()).split())

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields, for errors that cross a process."""
        return _rebuild, (type(self), self.data())


def _rebuild(kind: type[MunimentError], data: dict[str, object]) -> MunimentError:
    return kind(**data)


# ---- fix the request


class InvalidRequest(MunimentError):
    """The request itself is wrong: the same request will always be refused."""

    code = "invalid_request"


@dataclass(kw_only=True, eq=False)
class InvalidName(InvalidRequest):
    """A name breaks the rules of names."""

    name: str
    kind: str = "name"
    code = "invalid_name"
    message = "{name!r} is not a valid {kind}"
    advice = (
        "use lower-case letters, digits and . _ - (models: namespace/model), at most 64 characters a part"
    )


@dataclass(kw_only=True, eq=False)
class InvalidReference(InvalidRequest):
    """A reference cannot be read."""

    reference: str
    code = "invalid_reference"
    message = "{reference!r} is not a reference"
    advice = "write namespace/model@3, @alias, @latest or @sha256:<64 hex digits>"


@dataclass(kw_only=True, eq=False)
class InvalidDigest(InvalidRequest):
    """Text that should be a digest is not one."""

    text: str
    code = "invalid_digest"
    message = "{text!r} is not a sha256 digest"
    advice = "write sha256: and 64 lower-case hex digits"


@dataclass(kw_only=True, eq=False)
class InvalidTime(InvalidRequest):
    """Text that should be a time is not one."""

    text: str
    code = "invalid_time"
    message = "{text!r} is not a time"
    advice = "write it as RFC 3339 with a zone: 2026-03-01T12:00:00Z"


@dataclass(kw_only=True, eq=False)
class InvalidPath(InvalidRequest):
    """A path inside a revision breaks the rules of paths."""

    path: str
    reason: str
    code = "invalid_path"
    message = "the path {path!r} {reason}"
    advice = (
        "rename it: relative, / between parts, NFC, no .., no two that differ by case or Unicode form only"
    )


@dataclass(kw_only=True, eq=False)
class EmptyRevision(InvalidRequest):
    """There is no file to push."""

    path: str
    code = "empty_revision"
    message = "there is no file in {path!r}"
    advice = "push a file, or a directory that holds at least one"


@dataclass(kw_only=True, eq=False)
class SymlinkRefused(InvalidRequest):
    """A symbolic link points out of the tree that is pushed."""

    path: str
    code = "symlink_refused"
    message = "{path!r} is a symbolic link that leaves the pushed directory"
    advice = "put a copy of the file in its place"


@dataclass(kw_only=True, eq=False)
class NotAFile(InvalidRequest):
    """Something that is neither a file nor a directory was pushed."""

    path: str
    code = "not_a_file"
    message = "{path!r} is not a regular file or directory"
    advice = "remove it from what you push, or check the path"


@dataclass(kw_only=True, eq=False)
class FileChanged(InvalidRequest):
    """A file changed while it was read."""

    path: str
    code = "file_changed"
    message = "{path!r} changed while it was read"
    advice = "wait until nothing writes to it, then push again"


@dataclass(kw_only=True, eq=False)
class InvalidManifest(InvalidRequest):
    """A manifest is not one of a model revision."""

    reason: str
    code = "invalid_manifest"
    message = "the manifest is not valid: {reason}"
    advice = "push the files again with this client"


@dataclass(kw_only=True, eq=False)
class InvalidDocument(InvalidRequest):
    """A JSON document cannot be read or written as the format asks."""

    reason: str
    code = "invalid_document"
    message = "the document is not valid: {reason}"
    advice = "write plain JSON: no NaN, no duplicate keys, no number beyond 2^53"


@dataclass(kw_only=True, eq=False)
class InvalidAttestation(InvalidRequest):
    """An attestation is malformed, or breaks the schema of its predicate type."""

    reason: str
    code = "invalid_attestation"
    message = "the attestation is not valid: {reason}"
    advice = "see the schema of its predicate type in muniment/signing/schemas"


@dataclass(kw_only=True, eq=False)
class WrongSubject(InvalidRequest):
    """An attestation is about other bytes than the version it was sent for."""

    reference: str
    subject: str
    code = "wrong_subject"
    message = "the attestation is about {subject}, not about {reference}"
    advice = "sign a statement whose subject is the digest that `muniment show {reference}` prints"


@dataclass(kw_only=True, eq=False)
class InvalidPolicy(InvalidRequest):
    """A policy document cannot be read."""

    reason: str
    code = "invalid_policy"
    message = "the policy is not valid: {reason}"
    advice = "see docs/reference/policy.md"


@dataclass(kw_only=True, eq=False)
class InvalidEvidence(InvalidRequest):
    """Predictions cannot be evaluated."""

    reason: str
    code = "invalid_evidence"
    message = "the predictions cannot be evaluated: {reason}"
    advice = "give one true label and one prediction per row, and finite scores"


@dataclass(kw_only=True, eq=False)
class InvalidKey(InvalidRequest):
    """A key file cannot be used."""

    reason: str
    code = "invalid_key"
    message = "the key cannot be used: {reason}"
    advice = "keys are PEM files, ECDSA P-256 or Ed25519; set MUNIMENT_PASSPHRASE if yours is encrypted"


@dataclass(kw_only=True, eq=False)
class InvalidOption(InvalidRequest):
    """An option of a command, or a combination of them, makes no sense."""

    option: str
    reason: str
    code = "invalid_option"
    message = "{option} {reason}"
    advice = "see the command's --help"


@dataclass(kw_only=True, eq=False)
class MissingExtra(InvalidRequest):
    """An optional part of Muniment is needed and not installed."""

    package: str
    extra: str
    code = "missing_extra"
    message = "this needs {package}, which is not installed"
    advice = "pip install 'muniment[{extra}]'"


@dataclass(kw_only=True, eq=False)
class UnknownFormat(InvalidRequest):
    """No loader knows the files of a version."""

    reference: str
    code = "unknown_format"
    message = "no loader knows the files of {reference}"
    advice = "use `muniment pull {reference}` and load the files yourself"


@dataclass(kw_only=True, eq=False)
class DestinationNotEmpty(InvalidRequest):
    """A pull would mix its files with others."""

    path: str
    code = "destination_not_empty"
    message = "{path!r} holds files that are not of this version"
    advice = "name another destination, or empty it first"


# ---- ask for something that exists


class NotFound(MunimentError):
    """What was asked for is not in the registry."""

    code = "not_found"


@dataclass(kw_only=True, eq=False)
class ModelNotFound(NotFound):
    """There is no model of that name."""

    name: str
    code = "model_not_found"
    message = "there is no model {name}"
    advice = "`muniment list` shows the models that you may read"


@dataclass(kw_only=True, eq=False)
class VersionNotFound(NotFound):
    """A reference resolves to no version."""

    reference: str
    code = "version_not_found"
    message = "{reference} does not exist"
    advice = "`muniment list` shows what there is"


@dataclass(kw_only=True, eq=False)
class BlobNotFound(NotFound):
    """No blob has that digest."""

    digest: str
    code = "blob_not_found"
    message = "no blob {digest} is stored"
    advice = "send the bytes before the record that names them"


@dataclass(kw_only=True, eq=False)
class EventNotFound(NotFound):
    """The log is shorter than the index or size that was asked for."""

    index: int
    code = "event_not_found"
    message = "the log has no entry {index}"
    advice = "ask below the size of the newest checkpoint"


@dataclass(kw_only=True, eq=False)
class PrincipalNotFound(NotFound):
    """No such person or workload is registered."""

    principal: str
    code = "principal_not_found"
    message = "no principal {principal!r} is registered"
    advice = "an admin registers one: muniment user add NAME --key PUBLIC.pem"


@dataclass(kw_only=True, eq=False)
class PolicyNotFound(NotFound):
    """The alias has no policy."""

    name: str
    alias: str
    code = "policy_not_found"
    message = "{name}@{alias} has no policy"
    advice = "set one: muniment policy set {name}@{alias} FILE"


@dataclass(kw_only=True, eq=False)
class RegistryNotFound(NotFound):
    """There is no registry at the location."""

    location: str
    code = "registry_not_found"
    message = "there is no registry at {location!r}"
    advice = "check MUNIMENT_URL; a push makes a new registry in an empty or missing directory"


# ---- get permission, or meet the rule


class Refused(MunimentError):
    """The request is well formed, and a rule forbids it now."""

    code = "refused"


@dataclass(kw_only=True, eq=False)
class NotPermitted(Refused):
    """The principal lacks the role."""

    principal: str
    act: str
    namespace: str
    code = "not_permitted"
    message = "{principal} may not {act} in {namespace}"
    advice = "ask an admin: muniment role grant PRINCIPAL ROLE NAMESPACE"


@dataclass(kw_only=True, eq=False)
class NotIdentified(Refused):
    """A change needs a signer, and the key at hand is not enrolled."""

    code = "not_identified"
    message = "no key at hand is enrolled in this registry"
    advice = "name your key with --identity or MUNIMENT_IDENTITY, or have an admin enrol it"


@dataclass(kw_only=True, eq=False)
class VersionExists(Refused):
    """The version number is taken by other bytes."""

    reference: str
    digest: str
    code = "version_exists"
    message = "{reference} exists with other bytes ({digest})"
    advice = "a version never changes: push without a number to publish the next one"


@dataclass(kw_only=True, eq=False)
class VersionNotNext(Refused):
    """An explicit version number leaves a gap."""

    reference: str
    next_number: int
    code = "version_not_next"
    message = "{reference} is not the next version"
    advice = "the next number is {next_number}"


@dataclass(kw_only=True, eq=False)
class NameTaken(Refused):
    """A principal or key of that name is registered already."""

    name: str
    code = "name_taken"
    message = "{name!r} is registered already"
    advice = "choose another name, or add a key: muniment key enrol"


@dataclass(kw_only=True, eq=False)
class BadSignature(Refused):
    """A signature does not verify."""

    key_id: str
    code = "bad_signature"
    message = "the signature by key {key_id:.16} does not verify"
    advice = "sign again; if you did not alter it, somebody else did"


@dataclass(kw_only=True, eq=False)
class UnknownSigner(Refused):
    """The signing key belongs to nobody here."""

    key_id: str
    code = "unknown_signer"
    message = "the key {key_id:.16} belongs to no principal of this registry"
    advice = "have an admin enrol it: muniment key enrol PRINCIPAL PUBLIC.pem"


@dataclass(kw_only=True, eq=False)
class KeyRevoked(Refused):
    """The signing key was revoked."""

    key_id: str
    code = "key_revoked"
    message = "the key {key_id:.16} was revoked"
    advice = "sign with a key that is enrolled now"


@dataclass(kw_only=True, eq=False)
class KeyExpired(Refused):
    """The signing key is past its end."""

    key_id: str
    expired: str
    code = "key_expired"
    message = "the key {key_id:.16} expired at {expired}"
    advice = "make and enrol a new key"


@dataclass(kw_only=True, eq=False)
class NotYourSignature(Refused):
    """Somebody sends a claim that another principal signed."""

    signer: str
    principal: str
    code = "not_your_signature"
    message = "{principal} cannot record what {signer} signed"
    advice = "the signer records it"


@dataclass(kw_only=True, eq=False)
class OwnVersion(Refused):
    """The author approves what they made."""

    reference: str
    principal: str
    code = "own_version"
    message = "{principal} made {reference} and cannot approve it"
    advice = "another person approves it"


@dataclass(kw_only=True, eq=False)
class AlreadyApproved(Refused):
    """The same approval, twice."""

    reference: str
    principal: str
    alias: str
    code = "already_approved"
    message = "{principal} has approved {reference} for {alias} already"
    advice = "one person counts once: another person approves it"


@dataclass(kw_only=True, eq=False)
class StaleApproval(Refused):
    """An approval over evidence or a policy that is not the present one."""

    reference: str
    what: str
    code = "stale_approval"
    message = "the approval of {reference} was made over another {what}"
    advice = "look at the present evidence and policy, then approve again"


@dataclass(kw_only=True, eq=False)
class GateFailed(Refused):
    """The policy of an alias is not met."""

    reference: str
    alias: str
    failures: tuple[str, ...]
    code = "gate_failed"
    message = "{reference} does not meet the policy of {alias}"
    advice = "`muniment check {reference} {alias}` says what is missing"


@dataclass(kw_only=True, eq=False)
class NothingToRollBack(Refused):
    """An alias has held only one version."""

    name: str
    alias: str
    code = "nothing_to_roll_back"
    message = "{name}@{alias} has no earlier version"
    advice = "`muniment history {name}@{alias}` shows its moves"


@dataclass(kw_only=True, eq=False)
class UnsafeFormat(Refused):
    """A file would run code when it is loaded."""

    path: str
    format: str
    code = "unsafe_format"
    message = "{path!r} is a {format} file: loading it can run any code"
    advice = (
        "save the model as safetensors, ONNX or skops, or load it by an alias whose policy allows {format}"
    )


@dataclass(kw_only=True, eq=False)
class UntrustedTypes(Refused):
    """A model file holds types that its format does not trust by itself."""

    path: str
    types: tuple[str, ...]
    code = "untrusted_types"
    message = "{path!r} holds types that are not trusted by themselves: {types}"
    advice = "if you trust the author and reviewed them, name them: load(..., trusted=[...])"


# ---- mend the surroundings, then retry


class Unavailable(MunimentError):
    """The surroundings fail; the request may succeed later."""

    code = "unavailable"


@dataclass(kw_only=True, eq=False)
class StorageFull(Unavailable):
    """The disk is full, or a quota is used up."""

    path: str
    code = "storage_full"
    message = "there is no room left to write {path!r}"
    advice = "nothing was recorded: make room, then try again"


@dataclass(kw_only=True, eq=False)
class StorageReadOnly(Unavailable):
    """The directory cannot be written."""

    path: str
    code = "storage_read_only"
    message = "{path!r} cannot be written"
    advice = "nothing was recorded: check its owner and permissions"


@dataclass(kw_only=True, eq=False)
class StorageFailed(Unavailable):
    """The storage answers with an error."""

    path: str
    reason: str
    code = "storage_failed"
    message = "the storage at {path!r} failed: {reason}"
    advice = "nothing was recorded: mend the storage, then try again"


@dataclass(kw_only=True, eq=False)
class StorageBusy(Unavailable):
    """Another process holds the database for too long."""

    path: str
    code = "storage_busy"
    message = "another process holds {path!r}"
    advice = "nothing was recorded: try again"


@dataclass(kw_only=True, eq=False)
class SchemaTooNew(Unavailable):
    """The database was written by a newer Muniment."""

    path: str
    revision: str
    code = "schema_too_new"
    message = "{path!r} has the schema {revision}, which this Muniment does not know"
    advice = "upgrade muniment"


# ---- stop: what was read is not what was recorded


class Untrusted(MunimentError):
    """Something was changed or removed since it was recorded."""

    code = "untrusted"


@dataclass(kw_only=True, eq=False)
class ContentCorrupt(Untrusted):
    """Stored bytes do not have the digest under which they are stored."""

    path: str
    expected: str
    actual: str
    code = "content_corrupt"
    message = "{path!r} was altered: its digest is {actual}, recorded was {expected}"
    advice = "do not use it: restore the blob from a backup, then verify again"


@dataclass(kw_only=True, eq=False)
class NotSigned(Untrusted):
    """No signature of the author covers the files of a version."""

    reference: str
    code = "not_signed"
    message = "the author of {reference} has not signed its files"
    advice = "do not use it: have its author push it with this client"


@dataclass(kw_only=True, eq=False)
class LogRolledBack(Untrusted):
    """The log is shorter than it was."""

    location: str
    size: int
    remembered: int
    code = "log_rolled_back"
    message = "the log of {location} has {size} entries and had {remembered}: history was removed"
    advice = "do not trust this registry: restore it from a backup and ask its operator"


@dataclass(kw_only=True, eq=False)
class LogForked(Untrusted):
    """The log is not an extension of what it was."""

    location: str
    size: int
    remembered: int
    code = "log_forked"
    message = "the log of {location} is not the one it was at {remembered} entries: history was rewritten"
    advice = "do not trust this registry: compare with a backup and ask its operator"


@dataclass(kw_only=True, eq=False)
class LogReplaced(Untrusted):
    """Another log answers where a known one was."""

    location: str
    origin: str
    remembered: str
    code = "log_replaced"
    message = "{location} answers with the log {origin}; it was {remembered}"
    advice = "if you made a new registry there on purpose: muniment forget {location}"


@dataclass(kw_only=True, eq=False)
class LogInconsistent(Untrusted):
    """The stored log does not hash to what it says."""

    reason: str
    code = "log_inconsistent"
    message = "the log contradicts itself: {reason}"
    advice = "restore the database from a backup; `muniment verify --log` checks it"


@dataclass(kw_only=True, eq=False)
class ProofInvalid(Untrusted):
    """A proof or a signed checkpoint does not verify."""

    what: str
    code = "proof_invalid"
    message = "the proof of {what} does not verify"
    advice = "do not trust this answer: `muniment verify --log` checks the whole log"


@dataclass(kw_only=True, eq=False)
class RecordUnproven(Untrusted):
    """A record does not follow from the event that should have made it."""

    record: str
    index: int
    code = "record_unproven"
    message = "{record} does not follow from entry {index} of the log"
    advice = "a table was changed behind the registry: `muniment admin rebuild --check` names the rows"


def list_errors(kind: type[MunimentError] = MunimentError) -> list[type[MunimentError]]:
    """List every error below `kind`, parents first."""
    return [kind, *(found for child in kind.__subclasses__() for found in list_errors(child))]
