"""The registry as its doors see it: each caller shows a credential and gets their own backend."""

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta

from muniment.answers.clock import settle_time
from muniment.core.addresses import AllowedAddresses
from muniment.core.canonical import JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import BadToken, LengthMismatch
from muniment.core.payloads import Payload
from muniment.core.people.callers import NOBODY, REGISTRY, Caller
from muniment.core.people.tokens import PREFIX, id_of, make_token
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
from muniment.services.bytes.reads import ReadNotes, record_days
from muniment.services.bytes.uploads import Uploading, size_of
from muniment.services.clock import find_coming, find_newest, read_clock
from muniment.services.people.issuers import list_rules, match_workload
from muniment.services.people.logins import admit_person
from muniment.services.people.sessions import enrol_passkey, identify
from muniment.services.serving.scribe import Scribe
from muniment.services.transaction import RECOVERY_WAIT, Outcome, RegistryKeys, Transaction

# The prefix that tells tokens from other secrets; 32 random bytes follow as text.
_MAX_TOKEN_CHARACTERS = 200
_INVITATION = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class ServedRegistry:
    """The registry behind the doors. If `local`, reads need no network and may run on the event loop."""

    units: Units
    blobs: BlobStore
    uploads: Uploading
    direct: DirectUploads | None
    handovers: Handovers | None
    clock: Clock
    nonces: Nonces
    keys: RegistryKeys
    allowed: AllowedAddresses
    scribe: Scribe
    local: bool
    notes: ReadNotes
    recovery_wait: timedelta = RECOVERY_WAIT

    def identify(self, token: str | None) -> Caller:
        """Identify the owner of a token; without a token, the caller is nobody.

        Raises:
            BadToken: it is unknown, revoked, expired or malformed.
        """
        return NOBODY if token is None else self.units.read(lambda unit: self._identify(unit, token))

    def execute(self, token: str | None, command: Command, retry_key: str) -> "Future[Receipt]":
        """Do a command for the owner of a token, in one commit with others; the future holds its receipt.

        Raises, through the future, like `identify` and `LocalBackend.execute`.
        """

        def work(unit: Unit) -> Outcome:
            # The transaction that relies on the caller identifies them.
            return self.open_as(self._identify(unit, token)).do(unit, command, retry_key)

        return self.scribe.submit(work)

    def open_as(self, caller: Caller) -> LocalBackend:
        """Return the registry as a caller sees it."""
        return LocalBackend(
            units=self.units,
            blobs=self.blobs,
            clock=self.clock,
            nonces=self.nonces,
            keys=self.keys,
            caller=caller,
            recovery_wait=self.recovery_wait,
            allowed=self.allowed,
            notes=self.notes,
        )

    def add_documents(self, caller: Caller, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs for a caller.

        Raises:
            QuotaExceeded: the caller has too many bytes that are not published.
            NotPermitted: the caller may not write anywhere.
        """
        self.uploads.check_room(caller, sum(map(len, documents)))
        return self.open_as(caller).add_documents(documents)

    def accept_upload(self, caller: Caller, upload: str, digests: Sequence[Digest]) -> Upload:
        """Accept an upload that did not come through us. Raises like `accept` of `direct` and `handovers`."""
        if self.direct is not None:
            return self.direct.accept(caller, upload, digests)
        if self.handovers is not None:
            return self.handovers.accept(caller, upload)
        known = self.uploads.get(caller, upload)
        if known.result is None:
            raise LengthMismatch(expected=size_of(known), actual=known.offset)
        return known

    def abort_upload(self, caller: Caller, upload: str) -> None:
        """Drop an upload, however it came."""
        dropped = self.uploads.abort(caller, upload)
        for way in (self.direct, self.handovers):
            if way is not None:
                way.drop(dropped)

    def record_reads(self) -> int:
        """Put the reads of past days into batches; return how many batches that made."""
        today = write_time(self.clock())[: len("2026-01-01")]
        return self.units.write(
            lambda unit: len(record_days(self.open_as(NOBODY).begin_own(unit), before=today))
        )

    def trusts(self, issuer: str) -> bool:
        """Return whether a rule trusts workloads of an issuer."""
        return bool(self.units.read(lambda unit: list_rules(unit, issuer)))

    def admit_workload(
        self, issuer: str, claims: Mapping[str, object], proof: str, command: BeginSession
    ) -> Receipt:
        """Sign a workload in, once for each proof. The caller MUST have verified its claims.

        Raises:
            LoginRefused: no rule trusts it.
            RequestReplayed: the same proof was used for another key.
        """
        caller = self.units.read(lambda unit: match_workload(unit, issuer, claims))
        key = f"proof:{hashlib.sha256(proof.encode()).hexdigest()}"
        return self.open_as(caller).execute(command, key)

    def enrol_passkey(
        self, token: str, registration: JsonObject, origin: str, name: Payload
    ) -> "Future[Receipt]":
        """Enrol the passkey that a browser made at our address for an invitation.

        Its challenge is the sha256 of the invitation, which only its holder knows and which is used once.

        Raises:
            InvalidKey: it was made for another challenge or address.
        """
        assertions = importlib.import_module("muniment.signing.assertions")
        passkey = assertions.read_registration(registration, bytes.fromhex(id_of(token)), origin)

        def work(unit: Unit) -> Outcome:
            tx = self.open_as(self._identify(unit, token)).begin(unit)
            return enrol_passkey(tx, passkey.write(), name)

        return self.scribe.submit(work)

    def admit_person(self, issuer: str, subject: str, name: str) -> str:
        """Admit a person of an identity provider; return an invitation with which they sign in.

        The caller MUST have verified the provider's statement.
        """
        token = make_token()
        expires = write_time(self.clock() + _INVITATION)

        def work(unit: Unit) -> Outcome:
            tx = Transaction(
                unit=unit,
                caller=Caller(principal=REGISTRY, direct=True),
                clock=self.clock,
                nonces=self.nonces,
                keys=self.keys,
            )
            return admit_person(tx, issuer, subject, name, id_of(token), expires)

        self.units.write(work)
        return token

    def close(self) -> None:
        """Finish running work, and close the stores."""
        self.uploads.close()
        self.scribe.close()
        try:
            self.notes.write()
        finally:
            self.units.close()

    def _identify(self, unit: Unit, token: str | None) -> Caller:
        if token is None:
            return NOBODY
        if not token.startswith(PREFIX) or len(token) > _MAX_TOKEN_CHARACTERS:
            raise BadToken
        time = write_time(self.clock())
        if time < unit.log.last_time():
            # As for keys: a clock that was set back makes no token valid again.
            now = read_clock(find_newest(unit.log), time)
            time = settle_time(unit, now, *find_coming(unit.log, now))
        return identify(unit, id_of(token), time)
