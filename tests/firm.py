"""A firm whose production alias has a protected policy: people who set, approve and get around policies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.canonical import Json, JsonObject
from muniment.core.events import Entry
from muniment.core.names import ModelName
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.records import KeyRecord
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.people import GrantRole, RegisterPrincipal
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import NAME, publish
from muniment.testing.live import run_server

ALIAS = "production"
RULES: list[Json] = [{"rule": "signature"}]
ONE_APPROVER: JsonObject = {"role": "approver", "n": 1}
BREAK_GLASS: JsonObject = {"roles": ["security"], "close_within": "24h"}


class Firm:
    """Fay founded it and made nothing; Carla is an admin, Vera and Otto approve, Ada made a version."""

    def __init__(
        self, open_as: Callable[[Identity], Backend], trust: Callable[[str, Identity], TrustedBackend]
    ) -> None:
        self.open_as = open_as
        self._trust = trust
        self._opened: dict[str, Registry] = {}
        self.keys = {"Fay": Identity.generate()}
        open_as(self.keys["Fay"])
        self.add("Carla", Role.ADMIN)
        self.add("Ada", Role.CONTRIBUTOR)
        self.add("Vera", Role.APPROVER)
        self.add("Otto", Role.APPROVER)
        self.publish("Ada", b"one")

    def add(self, name: str, role: Role, by: str = "Fay", *, workload: bool = False) -> None:
        """Have an admin register somebody with a key and a role everywhere."""
        key = self.keys[name] = Identity.generate()
        admin = self.open_as(self.keys[by])
        admin.execute(RegisterPrincipal(name=Payload.of(name), public_key=key.public.pem, workload=workload))
        admin.execute(GrantRole(principal=name, role=role, namespace="*"))

    def grant(self, name: str, role: Role, by: str = "Fay") -> None:
        self.open_as(self.keys[by]).execute(GrantRole(principal=name, role=role, namespace="*"))

    def of(self, name: str) -> Registry:
        """Open the registry as somebody, as the SDK does."""
        if name not in self._opened:
            self._opened[name] = Registry(self._trust(name, self.keys[name]), self.keys[name])
        return self._opened[name]

    def id_of(self, name: str) -> str:
        return self.of("Fay").people.get(name).record.id

    def publish(self, name: str, data: bytes, model: ModelName = NAME) -> Receipt:
        return publish(self.open_as(self.keys[name]), self.keys[name], data, name=model)

    def protect(self, models: str = str(NAME), **members: Json) -> Receipt:
        """Put a protected policy in force where there is none, and move production to the first version."""
        document: JsonObject = {"rules": RULES, "protected": ONE_APPROVER, **members}
        receipt = self.of("Carla").policies.set(models, ALIAS, document, reason="it matters")
        if not self.of("Ada").history(str(NAME)):
            self.of("Ada").promote(f"{NAME}@1", ALIAS)
        return receipt

    def ease(self, by: str = "Carla", models: str = str(NAME)) -> Receipt:
        """Set a policy that is not protected in place of the one that is."""
        return self.of(by).policies.set(models, ALIAS, {"rules": RULES}, reason="simpler")

    def entry(self, index: int) -> Entry:
        return self.of("Fay").session.backend.ask(GetProof(index=index)).entry


@contextmanager
def open_embedded(directory: Path) -> Iterator[Firm]:
    """Open a firm in memory."""
    open_as = open_memory()

    def trust(name: str, key: Identity) -> TrustedBackend:
        backend = open_as(key)
        assert isinstance(backend, LocalBackend)
        memory, credential = DirectoryMemory(directory / name, "firm"), Credential(KeyRecord, key.public.id)
        return TrustedBackend(backend, memory, "firm", backend._clock, credential=credential)

    yield Firm(open_as, trust)


@contextmanager
def open_served(directory: Path) -> Iterator[Firm]:
    """Open a firm on a server."""
    with run_server(directory) as server:
        opened: dict[str, TrustedBackend] = {}

        def open_as(key: Identity) -> TrustedBackend:
            return opened.setdefault(key.public.id, server.open_as(key))

        yield Firm(open_as, lambda _, key: open_as(key))
