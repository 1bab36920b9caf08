"""The registry as its doors see it: whoever comes shows a credential and gets a backend of their own."""

import hashlib
import importlib
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta

from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import BadToken, LengthMismatch
from muniment.core.payloads import Payload
from muniment.core.people.callers import NOBODY, Caller
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.core.verbs.people import BeginSession
from muniment.core.verbs.verb import Command
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.unit import Unit, Units
from muniment.ports.uploads import Upload
from muniment.services.backend import LocalBackend
from muniment.services.bytes.direct import DirectUploads
from muniment.services.bytes.handovers import Handovers
from muniment.services.bytes.uploads import Uploading, size_of
from muniment.services.people.issuers import list_rules, match_workload
from muniment.services.people.logins import admit_person
from muniment.services.people.sessions import enrol_passkey, identify
from muniment.services.serving.scribe import Scribe
from muniment.services.transaction import REGISTRY, Outcome, RegistryKeys, Transaction

# 32 random bytes as text, behind what tells the token of a registry from other secrets.
TOKEN_PREFIX = "mun_"  # noqa: S105 - what every token begins with
_MAX_TOKEN_CHARACTERS = 200
_INVITATION = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class ServedRegistry:
    """What doors stand on. `local` says that reads need no network, and may be done on the event loop."""

    units: Units
    blobs: BlobStore
    uploads: Uploading
    direct: DirectUploads | None
    handovers: Handovers | None
    clock: Clock
    nonces: Nonces
    keys: RegistryKeys
    scribe: Scribe
    local: bool

    def identify(self, token: str | None) -> Caller:
        """Say who shows a token; nobody, if there is none.

        Raises:
            BadToken: it is unknown, revoked, expired or malformed.
        """
        return NOBODY if token is None else self.units.read(lambda unit: self._identify(unit, token))

    def execute(self, token: str | None, command: Command, retry_key: str) -> "Future[Receipt]":
        """Do a command for whoever shows a token, together with others that come; its proof follows.

        Raises, through the future, as `identify` and `LocalBackend.execute`.
        """

        def work(unit: Unit) -> Outcome:
            # Who it is, is looked up in the transaction that relies on it.
            return self.open_as(self._identify(unit, token)).do(unit, command, retry_key)

        return self.scribe.submit(work)

    def open_as(self, caller: Caller) -> LocalBackend:
        """Give the registry as a caller sees it."""
        return LocalBackend(
            units=self.units,
            blobs=self.blobs,
            clock=self.clock,
            nonces=self.nonces,
            keys=self.keys,
            caller=caller,
        )

    def accept_upload(self, caller: Caller, upload: str, digests: Sequence[Digest]) -> Upload:
        """Take an upload that did not come through us. Raises as `accept` of `direct` and `handovers`."""
        if self.direct is not None:
            return self.direct.accept(caller, upload, digests)
        if self.handovers is not None:
            return self.handovers.accept(caller, upload)
        found = self.uploads.get(caller, upload)
        if found.result is None:
            raise LengthMismatch(expected=size_of(found), actual=found.offset)
        return found

    def abort_upload(self, caller: Caller, upload: str) -> None:
        """Drop an upload, by whichever way it came."""
        dropped = self.uploads.abort(caller, upload)
        for way in (self.direct, self.handovers):
            if way is not None:
                way.drop(dropped)

    def trusts(self, issuer: str) -> bool:
        """Say whether a rule lets workloads of an issuer in."""
        return bool(self.units.read(lambda unit: list_rules(unit, issuer)))

    def admit_workload(
        self, issuer: str, claims: Mapping[str, object], proof: str, command: BeginSession
    ) -> Receipt:
        """Sign a workload in, once for each proof. The caller MUST have verified that the claims are its.

        Raises:
            LoginRefused: no rule lets it in.
            RequestReplayed: the same proof was used to let another key in.
        """
        caller = self.units.read(lambda unit: match_workload(unit, issuer, claims))
        key = f"proof:{hashlib.sha256(proof.encode()).hexdigest()}"
        return self.open_as(caller).execute(command, key)

    def enrol_passkey(
        self, token: str, registration: JsonObject, origin: str, name: Payload
    ) -> "Future[Receipt]":
        """Enrol the passkey that a browser made at our address for an invitation.

        What it was made for is the sha256 of the invitation: known here and to its holder, used once.

        Raises:
            InvalidKey: it was not made for that, or not here.
        """
        assertions = importlib.import_module("muniment.signing.assertions")
        passkey = assertions.read_registration(registration, bytes.fromhex(hash_token(token)), origin)

        def work(unit: Unit) -> Outcome:
            tx = self.open_as(self._identify(unit, token)).begin(unit)
            return enrol_passkey(tx, passkey.write(), name)

        return self.scribe.submit(work)

    def admit_person(self, issuer: str, subject: str, name: str) -> str:
        """Let a person of an identity provider in; give the invitation with which they sign in.

        The caller MUST have verified that the provider vouches for them.
        """
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        expires = write_time(self.clock() + _INVITATION)

        def work(unit: Unit) -> Outcome:
            tx = Transaction(
                unit=unit,
                caller=Caller(principal=REGISTRY, direct=True),
                clock=self.clock,
                nonces=self.nonces,
                keys=self.keys,
            )
            return admit_person(tx, issuer, subject, name, hash_token(token), expires)

        self.units.write(work)
        return token

    def close(self) -> None:
        """Finish what is under way, and close the stores."""
        self.uploads.close()
        self.scribe.close()
        self.units.close()

    def _identify(self, unit: Unit, token: str | None) -> Caller:
        if token is None:
            return NOBODY
        if not token.startswith(TOKEN_PREFIX) or len(token) > _MAX_TOKEN_CHARACTERS:
            raise BadToken
        return identify(unit, hash_token(token), write_time(self.clock()))


def hash_token(token: str) -> str:
    """Give the id of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
