"""Load a model: verified first, then made from the very bytes that were verified."""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from muniment.client.proofs.aliases import check_alias, resolve_move
from muniment.client.proofs.checking import (
    check_in_service,
    check_signature,
    read_document,
    read_file,
    read_revision,
)
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.bytes.formats import Format, format_of
from muniment.core.bytes.revisions import File, Revision
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.errors import InvalidPolicy, PolicyNotFound, UnknownFormat, UnsafeFormat, UntrustedTypes
from muniment.core.extras import load_extra
from muniment.core.gates.policy import Mode, Policy
from muniment.core.names import Alias, Reference
from muniment.core.records import PolicyRecord, VersionRecord
from muniment.core.verbs.gates import GetPolicies
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy


class LoadedModel:
    """A model and the version that it was loaded from. Attributes are the model's own."""

    def __init__(self, value: object, version: VersionRecord) -> None:
        """Hold both."""
        self.value = value
        self.version = version

    def __getattr__(self, name: str) -> object:
        """Give an attribute of the model."""
        return getattr(self.value, name)

    def __dir__(self) -> list[str]:
        """List its own attributes and those of the model."""
        return sorted({*super().__dir__(), *dir(self.value)})

    def __repr__(self) -> str:
        """Name both."""
        return f"<{self.version.name}@{self.version.number}: {self.value!r}>"


def load(
    backend: TrustedBackend,
    reference: Reference,
    at: str | None = None,
    trusted: Sequence[str] = (),
) -> LoadedModel:
    """Verify a version and load its model.

    A format that runs code when it is loaded is refused, unless the reference goes by an alias whose
    policy allows it. `trusted` names types in a skops file that skops does not trust by itself. With `at`,
    the alias is that of then; what is refused now is refused all the same.

    Raises:
        UnsafeFormat: it is such a format.
        UntrustedTypes: a skops file holds other types than those.
        UnknownFormat: no loader knows the files.
        ContentCorrupt: a file was altered.
        BadSignature: the author did not sign these files.
        VersionWithdrawn, VersionPurged: the version is revoked or purged.
        MoveUnfounded, GateFailed: the alias does not point at it rightly, as `check_alias` says.

    Warns if it is retired or deprecated.
    """
    version, move = resolve_move(backend, reference, at)
    status = check_in_service(backend, version, Status.REVOKED, Status.PURGED)
    if status in {Status.RETIRED, Status.DEPRECATED}:
        warnings.warn(f"{version.name}@{version.number} is {status}", stacklevel=3)
    revision = read_revision(backend, version)
    check_signature(backend, version, revision)
    if move is not None:
        check_alias(backend, move, version, revision)
    chosen, files = _choose(revision, version)
    contents = [(file, read_file(backend, file)) for file in files]
    for file, data in contents:
        _check_safe(backend, reference, file, data)
    value = _LOADERS[chosen]({file.path: data for file, data in contents}, trusted)
    return LoadedModel(value, version)


def load_files(contents: Mapping[str, bytes], trusted: Sequence[str] = ()) -> object:
    """Load a model from files that are at hand, by path; formats that run code are refused.

    Raises: as `load`.
    """
    for chosen in _LOADERS:
        chosen_files = {path: data for path, data in contents.items() if format_of(path) is chosen}
        for path, data in chosen_files.items():
            if format_of(path, data[:2]) is Format.PICKLE:
                raise UnsafeFormat(path=path, format=str(Format.PICKLE))
        if chosen_files:
            return _LOADERS[chosen](chosen_files, trusted)
    raise UnknownFormat(reference=", ".join(contents) or "nothing")


def _choose(revision: Revision, version: VersionRecord) -> tuple[Format, list[File]]:
    """Choose the files to load: those of the first format, in the order of the loaders, that is there."""
    for chosen in _LOADERS:
        files = [file for file in revision.files if format_of(file.path) is chosen]
        if files:
            return chosen, files
    raise UnknownFormat(reference=f"{version.name}@{version.number}")


def _check_safe(backend: TrustedBackend, reference: Reference, file: File, data: bytes) -> None:
    """Refuse pickles, by name or by first bytes, unless the alias's policy names the format."""
    format_ = format_of(file.path, data[:2])
    if format_ is not Format.PICKLE:
        return
    if not isinstance(reference.selector, Alias) or not _allows(backend, reference, format_):
        raise UnsafeFormat(path=file.path, format=str(format_))


def _allows(backend: TrustedBackend, reference: Reference, format_: Format) -> bool:
    try:
        records = backend.ask(GetPolicies(name=reference.name, alias=Alias(str(reference.selector))))
    except PolicyNotFound:
        return False
    policies = [_read_policy(backend, record) for record in records]
    enforced = [policy for policy in policies if policy.mode is Mode.ENFORCE]
    return bool(enforced) and all(policy.allows(format_) for policy in enforced)


def _read_policy(backend: TrustedBackend, record: PolicyRecord) -> Policy:
    """Read a policy that the log proves to be in force.

    Raises:
        InvalidPolicy: there is no document yet.
    """
    if record.digest is None:
        raise InvalidPolicy(reason="the alias is guarded, but no policy is in force")
    data = read_document(backend, Digest.parse(record.digest), "the policy", MAX_POLICY_BYTES)
    return decode_policy(data)


def _load_skops(contents: Mapping[str, bytes], trusted: Sequence[str]) -> object:
    skops = load_extra("skops.io", "skops")
    path, data = _only(contents)
    try:
        return skops.loads(data, trusted=list(trusted))
    except skops.exceptions.UntrustedTypesFoundException as error:
        types = tuple(skops.get_untrusted_types(data=data))
        raise UntrustedTypes(path=path, types=types) from error


def _load_safetensors(contents: Mapping[str, bytes], _trusted: Sequence[str]) -> object:
    numpy = load_extra("safetensors.numpy", "numpy")
    tensors: dict[str, object] = {}
    for data in contents.values():
        tensors |= numpy.load(data)
    return tensors


def _load_pickle(contents: Mapping[str, bytes], _trusted: Sequence[str]) -> object:
    return load_extra("joblib", "joblib").load(io.BytesIO(_only(contents)[1]))


# The safest first: where a version has several formats, the pickle is the last to be looked at.
_LOADERS: Final[Mapping[Format, Callable[[Mapping[str, bytes], Sequence[str]], object]]] = {
    Format.SAFETENSORS: _load_safetensors,
    Format.SKOPS: _load_skops,
    Format.PICKLE: _load_pickle,
}


def _only(contents: Mapping[str, bytes]) -> tuple[str, bytes]:
    if len(contents) != 1:
        raise UnknownFormat(reference=", ".join(contents))
    return next(iter(contents.items()))
