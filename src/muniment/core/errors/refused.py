"""Get permission, or meet the rule that refused the request."""

from muniment.core.errors.tree import MunimentError
from muniment.core.naming import put_names
from muniment.core.people.roles import Act, Role, may


class Refused(MunimentError):
    """The request is well formed, but a rule forbids it."""


class NotPermitted(Refused):
    """The principal has no role that allows it; `act` is one of `Act`, or says it in other words."""

    principal: str
    act: str
    namespace: str
    message = "{principal} may not {act} in {namespace}"
    advice = "ask an admin for {self.needed} {namespace}"

    @property
    def needed(self) -> str:
        """The roles that allow it, and the command that grants one."""
        roles = [str(role) for role in Role if self.act in set(Act) and may([role], Act(self.act))]
        if len(roles) in {0, len(Role)}:
            return f"a role: muniment role grant PRINCIPAL {(roles or ['ROLE'])[0]}"
        return f"the role {' or '.join(roles)}: muniment role grant PRINCIPAL {roles[0]}"


class NotShown(Refused):
    """The registry does not show something, and does not prove that there is none."""

    what: str
    message = "the registry does not show it: {what}"
    advice = "check how it is written; if it exists, you may not read there: ask an admin for a role"


class NotIdentified(Refused):
    """The registry does not know the caller."""

    message = "the registry does not know who you are"
    advice = "sign in (muniment login LINK), or name an enrolled key with --identity or MUNIMENT_IDENTITY"


class BadToken(Refused):
    """A credential is unknown, revoked, used up or malformed; the caller is not told which."""

    message = "the token is not valid"
    advice = (
        "sign in again: muniment login URL, if the server has an identity provider; otherwise ask an admin"
        " for a new invitation, which is good once"
    )


class TokenExpired(BadToken):
    """A credential has expired; who shows it knows its secret, and is told."""

    expires: str
    message = "the token expired at {expires}"
    advice = "sign in again (muniment login URL), or ask an admin for a new invitation"


class RecoveryWaiting(Refused):
    """An admin let a person in anew, and it cannot be used yet."""

    entry: int
    opens: str
    message = "the recovery of entry {entry} cannot be used before {opens}"
    advice = "wait, or have another admin approve it: muniment user recovery approve {entry}"


class RecoveryCancelled(Refused):
    """Letting a person in anew was cancelled, by them or by an admin."""

    entry: int
    message = "the recovery of entry {entry} was cancelled"
    advice = "muniment user recovery list says when; if it was a mistake, ask an admin for a new invitation"


class LoginRefused(Refused):
    """The identity from another provider is not accepted."""

    reason: str
    remedy: str = "ask an admin who may sign in: muniment trust list, muniment user list"
    message = "the login is refused: {reason}"
    advice = "{remedy}"


class BrowserLost(Refused):
    """The browser did not complete what a command asked for."""

    reason: str
    message = "the browser did not finish: {reason}"
    advice = "run the command again, and finish in the browser that it opens"


class RequestReplayed(Refused):
    """An Idempotency-Key was already used for another request."""

    key: str
    message = "the Idempotency-Key {key!r} was already used for another request"
    advice = "use a new key for each new request"


class StatementReused(Refused):
    """A signed statement that takes effect once is sent again."""

    entry: int
    message = "the signed statement took effect in entry {entry}, and does so only once"
    advice = "sign a new statement"


class PreconditionFailed(Refused):
    """The state has changed since the caller last saw it."""

    what: str
    message = "{what} has changed since you last saw it"
    advice = "look at it again, then repeat the request"


class OffsetMismatch(Refused):
    """An upload is at another offset than the one sent."""

    upload: str
    offset: int
    message = "the upload {upload} is at offset {offset}"
    advice = "send the bytes from that offset on"


class MethodNotAllowed(Refused):
    """The route does not accept the method."""

    method: str
    path: str
    message = "{path!r} does not accept {method}"
    advice = "see /api/v1/openapi.json for the routes"


class QuotaExceeded(Refused):
    """A namespace would exceed its quota."""

    namespace: str
    quota_bytes: int
    message = "{namespace} would exceed its quota of {quota_bytes} bytes"
    advice = "ask an admin to raise it: muniment admin quota {namespace} BYTES"


class VersionExists(Refused):
    """The version number belongs to other bytes."""

    reference: str
    digest: str
    message = "{reference} already exists with other bytes ({digest})"
    advice = "a version never changes: push without a number to publish the next one"


class VersionNotNext(Refused):
    """An explicit version number leaves a gap."""

    reference: str
    next_number: int
    message = "{reference} is not the next version"
    advice = "the next number is {next_number}"


class KindMismatch(Refused):
    """A model would become a version of a dataset, or a dataset one of a model."""

    name: str
    kind: str
    message = "{name} is a {kind}"
    advice = "publish under another name"


class RegistryExists(Refused):
    """A registry would overwrite another."""

    location: str
    message = "there is already a registry at {location!r}"
    advice = "name an empty directory or database"


class NameTaken(Refused):
    """A principal or key of that name is already registered."""

    name: str
    message = "{name!r} is already registered"
    advice = "choose another name, or add a key: muniment key enrol"


class BadSignature(Refused):
    """A signature does not verify."""

    key_id: str
    message = "the signature by key {key_id:.16} does not verify"
    advice = "sign it again; if you did not alter it, somebody else did"


class UnknownSigner(Refused):
    """The signing key is not enrolled."""

    key_id: str
    message = "the key {key_id:.16} belongs to no principal of this registry"
    advice = "ask an admin to enrol it: muniment key enrol PRINCIPAL PUBLIC.pem"


class KeyRevoked(Refused):
    """The signing key was revoked."""

    key_id: str
    message = "the key {key_id:.16} was revoked"
    advice = "sign with a valid key"


class KeyExpired(Refused):
    """The signing key has expired."""

    key_id: str
    expired: str
    message = "the key {key_id:.16} expired at {expired}"
    advice = "create and enrol a new key"


class NotYourSignature(Refused):
    """The claim was signed by another principal."""

    signer: str
    principal: str
    message = "{principal} cannot record what {signer} signed"
    advice = "ask the signer to record it"


class OwnVersion(Refused):
    """An author tries to approve their own work."""

    reference: str
    principal: str
    message = "{principal} made {reference} and cannot approve it"
    advice = "ask another person to approve it"


class NotAPerson(Refused):
    """A workload tries to decide."""

    principal: str
    message = "{principal} is a workload, and only people approve or reject"
    advice = "have a person decide who made none of it: muniment user may approve NAMESPACE lists them"


class NotIndependent(Refused):
    """Somebody tries to do what takes another person."""

    principal: str
    act: str
    message = "{principal} may not {act}: it takes somebody else"
    advice = "ask another admin, one who is not there on the word of those whom it concerns"


class NoReadsPending(Refused):
    """All reads of a namespace are in batches already, or none were recorded."""

    namespace: str
    message = "no reads of {namespace} are pending"
    advice = "see those that are recorded, and whether they are: muniment audit reads list {namespace}"


class NothingToConfirm(Refused):
    """The clock of the registry has not jumped since the principal last confirmed the time."""

    message = (
        "the clock of the registry has not jumped since you last confirmed the time, so there is no need"
    )
    advice = "see what the clock did: muniment admin clock"


class ClockDisagrees(Refused):
    """The clock of the registry says another date than the one to be confirmed."""

    clock: str
    date: str
    message = "the clock of the registry says {clock}, and you say that today is {date}"
    advice = "set the clock of the machine that the registry runs on; dates are in UTC"


class NothingToWithdraw(Refused):
    """The principal has no signing decision to withdraw."""

    reference: str
    alias: str
    message = "you have neither approved nor rejected {reference} for {alias}"
    advice = "see the signing decisions on record: muniment show {reference}"


class NotYourClaim(Refused):
    """A principal tries to withdraw another's claim."""

    signer: str
    principal: str
    message = "{principal} cannot withdraw what {signer} signed"
    advice = "ask the signer to withdraw it"


class NotWithdrawable(Refused):
    """Claims of that kind cannot be withdrawn."""

    reference: str
    kind: str
    remedy: str = "others rest on it: say what has changed in a claim of your own"
    message = "a {kind} about {reference} cannot be withdrawn"
    advice = "{remedy}"


class AlreadyWithdrawn(Refused):
    """The claim is already withdrawn."""

    reference: str
    digest: str
    entry: int
    message = "the claim {digest:.19} about {reference} was withdrawn in entry {entry}"
    advice = "see who withdrew it and why: muniment show {reference}"


class BreakGlassNotAllowed(Refused):
    """No policy lets the principal move the alias past its gate."""

    reference: str
    alias: str
    reason: str
    message = "{reference} cannot be moved past the gate of {alias}: {reason}"
    advice = "see who may, under `break_glass`: muniment policy show NAME@ALIAS"


class WaiverNotAllowed(Refused):
    """The policy does not let a rule be waived, or not for so long."""

    reference: str
    reason: str
    message = "{reference} cannot get this waiver: {reason}"
    advice = "`muniment policy show NAME@ALIAS` shows which waivers a policy allows"


class OpenedReadOnly(Refused):
    """A command to a registry that is open for reading only."""

    location: str
    message = "{location} is open for reading only, so nothing was changed"
    advice = "to change it, leave out --read-only and unset MUNIMENT_READ_ONLY; never change an older copy"


class NothingToAccept(Refused):
    """The log of a registry extends what was seen, so no restore has to be accepted."""

    location: str
    message = "nothing that was seen of {location} is lost"
    advice = "there is nothing to accept: go on as usual"


class ReasonNeeded(Refused):
    """A reason is missing, or blank."""

    what: str
    message = "{what} requires a reason that says something"
    advice = "give one with --reason TEXT"


class VersionWithdrawn(Refused):
    """The version is retired, revoked or purged."""

    reference: str
    status: str
    reason: str
    message = "{reference} is {status}: {reason}"
    advice = "use another version; muniment show {reference} says who withdrew it and when"


class VersionRetained(Refused):
    """The version must be kept."""

    reference: str
    why: str
    message = "{reference} must be kept: {why}"
    advice = "ask an auditor, who sets how long a version is kept: muniment retain"


class VersionInUse(Refused):
    """An alias points at the version, or it serves somewhere."""

    reference: str
    where: str
    message = "{reference} is in use: {where}"
    advice = "move the alias or stop the deployment first"


class ReadOnlyExport(Refused):
    """An export cannot be changed."""

    path: str
    message = "{path} is an export and cannot be changed"
    advice = "change the registry that it came from, then export again"


class VersionPurged(Refused):
    """The files of the version were deleted permanently."""

    reference: str
    message = "the files of {reference} were purged"
    advice = "its record stays: muniment show {reference}"


class AlreadyApproved(Refused):
    """The principal has already approved the version."""

    reference: str
    principal: str
    alias: str
    message = "{principal} has already approved {reference} for {alias}"
    advice = "one person counts once: ask another person to approve it"


class StaleApproval(Refused):
    """An approval covers evidence or a policy that is out of date."""

    reference: str
    what: str
    message = "the approval of {reference} does not cover the present {what}"
    advice = "look at the present evidence and policy, then approve again"


class GateFailed(Refused):
    """The policy of an alias is not met."""

    reference: str
    alias: str
    failures: tuple[str, ...]
    message = "{reference} does not meet the policy of {alias}"
    advice = "see what is missing: muniment check {reference} {alias}"

    def list_failures(self) -> list[str]:
        """List what is not met, with the names of people in place of their ids."""
        return [put_names(failure, self._names) for failure in self.failures]


class NothingToRollBack(Refused):
    """An alias has no earlier version."""

    name: str
    alias: str
    message = "{name}@{alias} has no earlier version to go back to"
    advice = "see the moves of its aliases: muniment history {name}"


class NotReproducible(Refused):
    """The record of a training is not enough to repeat it."""

    reference: str
    missing: tuple[str, ...]
    remedy: str = "record the training with `muniment run`, then publish: muniment push PATH NAME --run FILE"
    message = "{reference} cannot be rebuilt from its record: {missing}"
    advice = "{remedy}"


class NotConfirmed(Refused):
    """Recorded code would run, and nobody confirmed it."""

    reference: str
    message = "rebuilding {reference} runs code from its record, and nobody confirmed that"
    advice = "read muniment reproduce {reference} --plan, then use --yes"


class UnsafeFormat(Refused):
    """A file would run code when it is loaded."""

    path: str
    format: str
    message = "{path!r} is a {format} file: loading it can run arbitrary code"
    advice = (
        "save the model as safetensors, ONNX or skops, or load it by an alias whose policy allows {format}"
    )


class UntrustedTypes(Refused):
    """A model file has types that its format does not trust by default."""

    path: str
    types: tuple[str, ...]
    message = "{path!r} has types that are not trusted by default: {types}"
    advice = "if you trust the author and have reviewed them, name them: load(..., trusted=[...])"
