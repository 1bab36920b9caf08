"""Every refusal of the registry: one tree, one root, split by what the caller can do.

    MunimentError
    ├── InvalidRequest   fix the request
    ├── NotFound         ask for something that exists
    ├── Refused          get permission, or meet the rule
    ├── Unavailable      mend the surroundings, then retry
    └── Untrusted        stop: what was read is not what was recorded

An error carries data and a stable `code`; `str(error)` is one line and `hint` says what to do.
"""

import re
from dataclasses import dataclass, fields
from typing import ClassVar, dataclass_transform


@dataclass_transform(kw_only_default=True, eq_default=False)
@dataclass(kw_only=True, eq=False)
class MunimentError(Exception):
    """The root of the tree."""

    code: ClassVar[str] = "muniment_error"
    message: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Make each kind a dataclass, with the code that its name says: VersionExists, version_exists."""
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        dataclass(kw_only=True, eq=False)(cls)

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


class InvalidPolicy(InvalidRequest):
    """A policy document cannot be read."""

    reason: str
    message = "the policy is not valid: {reason}"
    advice = "see docs/reference/policy.md"


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


class InvalidOption(InvalidRequest):
    """An option of a command, or a combination of them, makes no sense."""

    option: str
    reason: str
    message = "{option} {reason}"
    advice = "see the command's --help"


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


# ---- ask for something that exists


class NotFound(MunimentError):
    """What was asked for is not in the registry."""


class ModelNotFound(NotFound):
    """There is no model of that name."""

    name: str
    message = "there is no model {name}"
    advice = "`muniment list` shows the models that you may read"


class VersionNotFound(NotFound):
    """A reference resolves to no version."""

    reference: str
    message = "{reference} does not exist"
    advice = "`muniment list` shows what there is"


class BlobNotFound(NotFound):
    """No blob has that digest."""

    digest: str
    message = "no blob {digest} is stored"
    advice = "send the bytes before the record that names them"


class EventNotFound(NotFound):
    """The log is shorter than the index or size that was asked for."""

    index: int
    message = "the log has no entry {index}"
    advice = "ask below the size of the newest checkpoint"


class PrincipalNotFound(NotFound):
    """No such person or workload is registered."""

    principal: str
    message = "no principal {principal!r} is registered"
    advice = "an admin registers one: muniment user add NAME --key PUBLIC.pem"


class PolicyNotFound(NotFound):
    """The alias has no policy."""

    name: str
    alias: str
    message = "{name}@{alias} has no policy"
    advice = "set one: muniment policy set {name}@{alias} FILE"


class RegistryNotFound(NotFound):
    """There is no registry at the location."""

    location: str
    message = "there is no registry at {location!r}"
    advice = "check MUNIMENT_URL; a push makes a new registry in an empty or missing directory"


# ---- get permission, or meet the rule


class Refused(MunimentError):
    """The request is well formed, and a rule forbids it now."""


class NotPermitted(Refused):
    """The principal lacks the role."""

    principal: str
    act: str
    namespace: str
    message = "{principal} may not {act} in {namespace}"
    advice = "ask an admin: muniment role grant PRINCIPAL ROLE NAMESPACE"


class NotIdentified(Refused):
    """A change needs a signer, and the key at hand is not enrolled."""

    message = "no key at hand is enrolled in this registry"
    advice = "name your key with --identity or MUNIMENT_IDENTITY, or have an admin enrol it"


class VersionExists(Refused):
    """The version number is taken by other bytes."""

    reference: str
    digest: str
    message = "{reference} exists with other bytes ({digest})"
    advice = "a version never changes: push without a number to publish the next one"


class VersionNotNext(Refused):
    """An explicit version number leaves a gap."""

    reference: str
    next_number: int
    message = "{reference} is not the next version"
    advice = "the next number is {next_number}"


class NameTaken(Refused):
    """A principal or key of that name is registered already."""

    name: str
    message = "{name!r} is registered already"
    advice = "choose another name, or add a key: muniment key enrol"


class BadSignature(Refused):
    """A signature does not verify."""

    key_id: str
    message = "the signature by key {key_id:.16} does not verify"
    advice = "sign again; if you did not alter it, somebody else did"


class UnknownSigner(Refused):
    """The signing key belongs to nobody here."""

    key_id: str
    message = "the key {key_id:.16} belongs to no principal of this registry"
    advice = "have an admin enrol it: muniment key enrol PRINCIPAL PUBLIC.pem"


class KeyRevoked(Refused):
    """The signing key was revoked."""

    key_id: str
    message = "the key {key_id:.16} was revoked"
    advice = "sign with a key that is enrolled now"


class KeyExpired(Refused):
    """The signing key is past its end."""

    key_id: str
    expired: str
    message = "the key {key_id:.16} expired at {expired}"
    advice = "make and enrol a new key"


class NotYourSignature(Refused):
    """Somebody sends a claim that another principal signed."""

    signer: str
    principal: str
    message = "{principal} cannot record what {signer} signed"
    advice = "the signer records it"


class OwnVersion(Refused):
    """The author approves what they made."""

    reference: str
    principal: str
    message = "{principal} made {reference} and cannot approve it"
    advice = "another person approves it"


class AlreadyApproved(Refused):
    """The same approval, twice."""

    reference: str
    principal: str
    alias: str
    message = "{principal} has approved {reference} for {alias} already"
    advice = "one person counts once: another person approves it"


class StaleApproval(Refused):
    """An approval over evidence or a policy that is not the present one."""

    reference: str
    what: str
    message = "the approval of {reference} was made over another {what}"
    advice = "look at the present evidence and policy, then approve again"


class GateFailed(Refused):
    """The policy of an alias is not met."""

    reference: str
    alias: str
    failures: tuple[str, ...]
    message = "{reference} does not meet the policy of {alias}"
    advice = "`muniment check {reference} {alias}` says what is missing"


class NothingToRollBack(Refused):
    """An alias has held only one version."""

    name: str
    alias: str
    message = "{name}@{alias} has no earlier version"
    advice = "`muniment history {name}@{alias}` shows its moves"


class UnsafeFormat(Refused):
    """A file would run code when it is loaded."""

    path: str
    format: str
    message = "{path!r} is a {format} file: loading it can run any code"
    advice = (
        "save the model as safetensors, ONNX or skops, or load it by an alias whose policy allows {format}"
    )


class UntrustedTypes(Refused):
    """A model file holds types that its format does not trust by itself."""

    path: str
    types: tuple[str, ...]
    message = "{path!r} holds types that are not trusted by themselves: {types}"
    advice = "if you trust the author and reviewed them, name them: load(..., trusted=[...])"


# ---- mend the surroundings, then retry


class Unavailable(MunimentError):
    """The surroundings fail; the request may succeed later."""


class StorageFull(Unavailable):
    """The disk is full, or a quota is used up."""

    path: str
    message = "there is no room left to write {path!r}"
    advice = "nothing was recorded: make room, then try again"


class StorageReadOnly(Unavailable):
    """The directory cannot be written."""

    path: str
    message = "{path!r} cannot be written"
    advice = "nothing was recorded: check its owner and permissions"


class StorageFailed(Unavailable):
    """The storage answers with an error."""

    path: str
    reason: str
    message = "the storage at {path!r} failed: {reason}"
    advice = "nothing was recorded: mend the storage, then try again"


class StorageBusy(Unavailable):
    """Another process holds the database for too long."""

    path: str
    message = "another process holds {path!r}"
    advice = "nothing was recorded: try again"


class SchemaTooNew(Unavailable):
    """The database was written by a newer Muniment."""

    path: str
    revision: str
    message = "{path!r} has the schema {revision}, which this Muniment does not know"
    advice = "upgrade muniment"


# ---- stop: what was read is not what was recorded


class Untrusted(MunimentError):
    """Something was changed or removed since it was recorded."""


class ContentCorrupt(Untrusted):
    """Stored bytes do not have the digest under which they are stored."""

    path: str
    expected: str
    actual: str
    message = "{path!r} was altered: its digest is {actual}, recorded was {expected}"
    advice = "do not use it: restore the blob from a backup, then verify again"


class NotSigned(Untrusted):
    """No signature of the author covers the files of a version."""

    reference: str
    message = "the author of {reference} has not signed its files"
    advice = "do not use it: have its author push it with this client"


class LogRolledBack(Untrusted):
    """The log is shorter than it was."""

    location: str
    size: int
    remembered: int
    message = "the log of {location} has {size} entries and had {remembered}: history was removed"
    advice = "do not trust this registry: restore it from a backup and ask its operator"


class LogForked(Untrusted):
    """The log is not an extension of what it was."""

    location: str
    size: int
    remembered: int
    message = "the log of {location} is not the one it was at {remembered} entries: history was rewritten"
    advice = "do not trust this registry: compare with a backup and ask its operator"


class LogReplaced(Untrusted):
    """Another log answers where a known one was."""

    location: str
    origin: str
    remembered: str
    message = "{location} answers with the log {origin}; it was {remembered}"
    advice = "if you made a new registry there on purpose: muniment forget {location}"


class LogInconsistent(Untrusted):
    """The stored log does not hash to what it says."""

    reason: str
    message = "the log contradicts itself: {reason}"
    advice = "restore the database from a backup; `muniment verify --log` checks it"


class ProofInvalid(Untrusted):
    """A proof or a signed checkpoint does not verify."""

    what: str
    message = "the proof of {what} does not verify"
    advice = "do not trust this answer: `muniment verify --log` checks the whole log"


class RecordUnproven(Untrusted):
    """A record does not follow from the event that should have made it."""

    record: str
    index: int
    message = "{record} does not follow from entry {index} of the log"
    advice = "a table was changed behind the registry: `muniment admin rebuild --check` names the rows"


def list_errors(kind: type[MunimentError] = MunimentError) -> list[type[MunimentError]]:
    """List every error below `kind`, parents first."""
    return [kind, *(found for child in kind.__subclasses__() for found in list_errors(child))]
