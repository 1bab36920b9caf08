"""The client does not trust the registry: forks, rollbacks, swaps and lies are refused by name."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.sdk.opening import forget
from muniment.client.sdk.registry import Registry
from muniment.core.bytes.revisions import File, Revision
from muniment.core.errors import (
    AuditFailed,
    LogForked,
    LogReplaced,
    LogRolledBack,
    NotSigned,
    ProofInvalid,
    RegistryNotFound,
    Untrusted,
)
from muniment.core.receipts import Receipt
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.verb import Query
from muniment.core.verbs.versions import PublishVersion
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner
from muniment.testing.backends import NAME, publish


def test_a_removed_entry_is_exposed(registry: Registry, model: Path, settings: Settings) -> None:
    """A log that is shorter than the client has seen is refused."""
    registry.push(model, "acme/x")
    registry.close()
    database = Path(settings.location) / "registry.db"
    shutil.copy(database, database.with_suffix(".old"))
    with muniment.open(settings=settings) as later:
        later.promote("acme/x@1", "staging")
    shutil.copy(database.with_suffix(".old"), database)
    with pytest.raises(LogRolledBack) as refusal:
        muniment.open(settings=settings)
    assert refusal.value.size + 1 == refusal.value.remembered


def test_a_rewritten_entry_is_exposed(registry: Registry, model: Path, settings: Settings) -> None:
    """A log of the same size with other content is refused as a fork."""
    registry.push(model, "acme/x")
    registry.close()
    database = Path(settings.location) / "registry.db"
    shutil.copy(database, database.with_suffix(".old"))
    with muniment.open(settings=settings) as later:
        later.promote("acme/x@1", "staging")
    shutil.copy(database.with_suffix(".old"), database)
    patient = replace(settings, state=settings.state.with_name("nothing-seen"))
    with muniment.open(settings=patient) as other:
        other.promote("acme/x@1", "canary")
    with pytest.raises(LogForked):
        muniment.open(settings=settings)


def test_another_log_at_the_same_place_is_exposed(registry: Registry, settings: Settings) -> None:
    """A new registry at a known place is refused until the user forgets the old one."""
    registry.close()
    shutil.rmtree(settings.location)
    with pytest.raises(LogReplaced) as refusal:
        muniment.open(settings=settings, create=True)
    assert "muniment forget" in refusal.value.hint
    assert forget(settings=settings)
    assert not forget(settings=settings)
    muniment.open(settings=settings).close()


def test_an_altered_entry_is_exposed(registry: Registry, model: Path, settings: Settings) -> None:
    """The database refuses to change the log, and a change behind its back fails verification."""
    registry.push(model, "acme/x")
    with closing(sqlite3.connect(Path(settings.location) / "registry.db")) as database:
        for act in (
            "UPDATE events SET time = ''",
            "DELETE FROM events",
            "UPDATE nodes SET hash = ''",
            "DELETE FROM nodes",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(act)
        find = "SELECT min(\"index\") FROM events WHERE instr(CAST(leaf AS TEXT), 'acme/x')"
        (first,) = database.execute(find).fetchone()
        database.execute("DROP TRIGGER events_no_update")
        database.execute("UPDATE events SET leaf = CAST(replace(leaf, 'acme/x', 'acme/y') AS BLOB)")
        database.commit()
    fault = registry.audit().fault
    assert isinstance(fault, AuditFailed)
    assert (fault.rule, fault.index) == ("hash", first)
    with pytest.raises(Untrusted):
        registry.version("acme/x")


def test_a_location_that_is_no_directory_is_not_found(tmp_path: Path, settings: Settings) -> None:
    """A location without a registry is refused with a hint, also a directory of other files; none is made."""
    (tmp_path / "other").mkdir()
    for location in (tmp_path / "none", tmp_path / "other"):
        with pytest.raises(RegistryNotFound) as refusal:
            muniment.open(location, settings=settings)
        assert f"muniment init {quote(str(location))}" in refusal.value.hint
    assert not (tmp_path / "none").exists()
    assert not list((tmp_path / "other").iterdir())


# ---- a registry that lies


Twist = Callable[[Any], Any]


class Liar(LocalBackend):
    """A registry that alters some of its answers."""

    lies: dict[type, Twist]

    def ask(self, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
        answer = super().ask(query)
        return self.lies.get(type(query), lambda honest: honest)(answer)

    def execute(self, command: Any, retry_key: str = "") -> Receipt:  # noqa: ANN401 - commands of every kind
        receipt = super().execute(command, retry_key)
        return self.lies.get(Receipt, lambda honest: honest)(receipt)  # type: ignore[no-any-return]


@pytest.fixture
def liar(backend: LocalBackend) -> Liar:
    """Give a registry in memory that lies when it is told to."""
    backend.__class__ = Liar
    backend.lies = {}  # type: ignore[attr-defined]
    return backend  # type: ignore[return-value]


def trust(liar: Liar, tmp_path: Path) -> TrustedBackend:
    return TrustedBackend(liar, DirectoryMemory(tmp_path / "state", "liar"), "liar")


@pytest.mark.parametrize(
    "twist",
    [
        lambda proof: replace(proof, leaf=proof.leaf.replace(b"acme", b"evil")),
        lambda proof: replace(proof, index=proof.index - 1),
        lambda proof: replace(proof, path=proof.path[1:]),
        lambda proof: replace(proof, checkpoint=proof.checkpoint.replace(b"memory", b"remory", 1)),
        lambda proof: replace(proof, checkpoint=b"garbage"),
    ],
)
def test_a_receipt_that_proves_nothing_is_refused(
    liar: Liar, owner: Identity, tmp_path: Path, twist: Twist
) -> None:
    """A receipt is refused if any part of it does not prove the entry."""
    trusted = trust(liar, tmp_path)
    liar.lies[Receipt] = twist
    with pytest.raises(ProofInvalid):
        publish(trusted, owner, b"a")


def test_a_version_that_its_author_did_not_sign_is_not_loaded(
    backend: LocalBackend, owner: Identity, tmp_path: Path
) -> None:
    """A version whose author did not sign its files is shown but not loaded."""
    revision = Revision.of([File(path="w.bin", digest=backend.add_documents([b"w"])[0], size_bytes=1)])
    manifest, _ = backend.add_documents([revision.manifest(), revision.config()])
    backend.execute(PublishVersion(name=NAME, manifest=manifest))
    registry = Registry(TrustedBackend(backend, DirectoryMemory(tmp_path / "state", "here"), "here"), owner)
    version = registry.version(str(NAME))
    acts: list[Callable[[], object]] = [
        lambda: registry.load(str(NAME)),
        lambda: registry.pull(str(NAME), tmp_path / "out"),
        version.content_bundle,
    ]
    for act in acts:
        with pytest.raises(NotSigned):
            act()
    assert [check.error.code for check in version.verify() if check.error] == ["not_signed"]


def test_a_log_that_says_it_is_another_is_refused(liar: Liar, tmp_path: Path) -> None:
    """A log with another origin or key than the remembered one is refused."""
    trust(liar, tmp_path)
    other = Liar.__new__(Liar)
    other.__dict__ = {**liar.__dict__, "lies": {}}
    other.lies = {GetLogIdentity: lambda said: replace(said, verifier=_another_verifier())}
    with pytest.raises(LogReplaced):
        trust(other, tmp_path)


def _another_verifier() -> str:
    return str(NoteSigner("muniment.dev/memory", Identity.generate(Algorithm.ED25519)).verifier)
