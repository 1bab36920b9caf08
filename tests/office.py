"""An office: people who validate, own and follow a model, in a registry in memory."""

from collections.abc import Callable
from pathlib import Path

from muniment.client.gates.inbox import read_inbox
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import Credential, TrustedBackend
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.claims.attestations import APPROVAL, EVALUATION, WAIVER
from muniment.core.digests import Digest
from muniment.core.events import AttestationRecorded
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.records import KeyRecord
from muniment.core.verbs.catalog import SetOwner
from muniment.core.verbs.gates import (
    GetPolicies,
    MoveAlias,
)
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.people import FindPerson
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    add_person,
    approval,
    evaluation,
    publish,
    record,
    set_policy,
)

RULES: list[dict[str, Json]] = [
    {"rule": "approvals", "validator": 1},
    {"rule": "require", "id": "measured", "type": "evaluation"},
]
TERMS: dict[str, Json] = {"approvals": {"validator": 1}, "maximum": "30d", "rules": ["measured"]}


class Office:
    """A registry in memory: its founder made two versions, Vera and Otto validate, Olga owns the model."""

    def __init__(self, tmp_path: Path) -> None:
        self.directory = tmp_path
        self.open_as = open_memory()
        self.keys = {"founder": Identity.generate()}
        self.founder = self.open_as(self.keys["founder"])
        publish(self.founder, self.keys["founder"], b"one")
        for name, role in (("Vera", Role.VALIDATOR), ("Otto", Role.VALIDATOR), ("Olga", Role.READER)):
            self.keys[name] = add_person(self.founder, name, role)
        self.vera = self.open_as(self.keys["Vera"])
        self.founder.execute(SetOwner(name=NAME, principal=self.id_of("Olga")))
        self.set_policy()

    def id_of(self, name: str) -> str:
        return self.founder.ask(FindPerson(principal=name)).record.id

    def set_policy(self, description: str = "the first one") -> Receipt:
        key = self.keys["founder"]
        return set_policy(self.founder, key, *RULES, waivers=TERMS, description=description)

    def decide(self, name: str, decision: str = "approve", waiver: Digest | None = None) -> Receipt:
        theirs, reason = self.open_as(self.keys[name]), Payload.of("my reasons")
        about = {"decision": decision, "waiver": None if waiver is None else str(waiver)}
        said = {**approval(theirs, 1, Role.VALIDATOR, reason=str(reason.digest)), **about}
        return record(theirs, self.keys[name], 1, APPROVAL, said, reason=reason)

    def measure(self) -> Receipt:
        return record(self.founder, self.keys["founder"], 1, EVALUATION, evaluation(0.9))

    def waive(self, until: str = "2026-01-05T00:00:00Z") -> Digest:
        reason = Payload.of("no data yet")
        (policy,) = self.founder.ask(GetPolicies(name=NAME, alias=PRODUCTION))
        said: dict[str, Json] = {
            "version": f"{NAME}@1",
            "alias": "production",
            "registry": self.founder.ask(GetLogIdentity()).verifier,
            "policy": policy.digest,
            "rules": ["measured"],
            "until": until,
            "reason": str(reason.digest),
            "nonce": reason.salt,
            "time": "2026-01-01T00:00:00Z",
        }
        recorded = record(self.founder, self.keys["founder"], 1, WAIVER, said, reason=reason)
        return recorded.read(AttestationRecorded).attestation

    def promote(self, number: int = 1, alias: Alias = PRODUCTION) -> Receipt:
        return self.founder.execute(MoveAlias(reference=Reference(NAME, number), alias=alias))

    def trust(
        self, name: str, lying: Callable[[LocalBackend], Backend] = lambda backend: backend
    ) -> TrustedBackend:
        key = self.keys[name]
        memory = DirectoryMemory(self.directory / name, "office")
        credential = Credential(KeyRecord, key.public.id)
        backend = lying(self.open_as(key))
        return TrustedBackend(backend, memory, "office", self.founder._clock, credential=credential)

    def inbox(self, name: str) -> list[InboxItem]:
        """Read an inbox as the SDK does, which proves each item."""
        return read_inbox(self.trust(name))

    def kinds(self, name: str) -> list[str]:
        return [str(item.kind) for item in self.inbox(name)]

    def find(self, name: str, kind: ItemKind) -> InboxItem:
        (item,) = [item for item in self.inbox(name) if item.kind is kind]
        return item
