"""Get permission, or meet the rule."""

from muniment.core.errors.tree import MunimentError


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

    message = "the registry does not know who you are"
    advice = "sign in (muniment login LINK), or name a key that is enrolled: --identity or MUNIMENT_IDENTITY"


class BadToken(Refused):
    """A credential is unknown, expired, revoked or malformed; which of these is not told."""

    message = "the token is not valid"
    advice = "sign in again: muniment login URL"


class LoginRefused(Refused):
    """The identity that somebody brings from elsewhere is not taken."""

    reason: str
    message = "the login is refused: {reason}"
    advice = "an admin says who may come in: muniment trust list, muniment user list"


class BrowserLost(Refused):
    """A browser was sent to a page of the registry, and brought nothing back."""

    reason: str
    message = "the browser brought nothing back: {reason}"
    advice = "run the command again, and finish in the browser that it opens"


class RequestReplayed(Refused):
    """An Idempotency-Key was used before, for another request."""

    key: str
    message = "the Idempotency-Key {key!r} was used for another request"
    advice = "use a new key for each new request"


class PreconditionFailed(Refused):
    """What the caller has seen is not what stands now."""

    what: str
    message = "{what} has changed since you looked"
    advice = "look again, then decide"


class OffsetMismatch(Refused):
    """An upload stands at another place than the one from which bytes are sent."""

    upload: str
    offset: int
    message = "the upload {upload} stands at {offset}"
    advice = "send the bytes from there on"


class MethodNotAllowed(Refused):
    """The address is there, and does not take this method."""

    method: str
    path: str
    message = "{path!r} does not take {method}"
    advice = "the routes are in /api/v1/openapi.json"


class QuotaExceeded(Refused):
    """A namespace has no room left under its quota."""

    namespace: str
    quota_bytes: int
    message = "{namespace} may hold {quota_bytes} bytes, and this is more"
    advice = "an admin raises it: muniment admin quota {namespace} BYTES"


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


class KindMismatch(Refused):
    """A model would become a version of a dataset, or the other way round."""

    name: str
    kind: str
    message = "{name} is a {kind}"
    advice = "publish under another name"


class RegistryExists(Refused):
    """A registry would be written over another."""

    location: str
    message = "there is a registry at {location!r}"
    advice = "name an empty place"


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


class NothingToWithdraw(Refused):
    """The principal has decided nothing that could be withdrawn."""

    reference: str
    alias: str
    message = "you have decided nothing about {reference} for {alias}"
    advice = "`muniment show` lists what was decided"


class BreakGlassNotAllowed(Refused):
    """No policy lets the principal move the alias past its gate."""

    reference: str
    alias: str
    reason: str
    message = "{reference} cannot be moved past the gate of {alias}: {reason}"
    advice = "a policy says who may, in `break_glass`: muniment policy show NAME@ALIAS"


class WaiverNotAllowed(Refused):
    """The policy does not let a rule be waived, or not for so long."""

    reference: str
    reason: str
    message = "no such waiver for {reference}: {reason}"
    advice = "`muniment policy show NAME@ALIAS` shows which waivers a policy allows"


class ReasonNeeded(Refused):
    """Something has to be done with a reason."""

    what: str
    message = "{what} needs a reason"
    advice = "say why: --reason TEXT"


class VersionWithdrawn(Refused):
    """The version is retired, revoked or purged."""

    reference: str
    status: str
    reason: str
    message = "{reference} is {status}: {reason}"
    advice = "take another version; `muniment show` says who withdrew it and when"


class VersionRetained(Refused):
    """The version has to be kept."""

    reference: str
    why: str
    message = "{reference} has to be kept: {why}"
    advice = "an auditor says how long a version is kept: muniment retain"


class VersionInUse(Refused):
    """The version is pointed at, or serves somewhere."""

    reference: str
    where: str
    message = "{reference} is in use: {where}"
    advice = "move the alias, or stop the deployment, first"


class ReadOnlyExport(Refused):
    """An export does not change."""

    path: str
    message = "{path} is an export, which does not change"
    advice = "change the registry that it comes from, and export again"


class VersionPurged(Refused):
    """The bytes of the version are gone, and do not come back."""

    reference: str
    message = "the bytes of {reference} were purged"
    advice = "its record stays: `muniment show`"


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


class NotReproducible(Refused):
    """What is on record of a training does not suffice to do it again."""

    reference: str
    missing: tuple[str, ...]
    message = "{reference} cannot be rebuilt from its record: {missing}"
    advice = "`muniment reproduce {reference} --plan` lists what is there and what is missing"


class NotConfirmed(Refused):
    """Code from the record would run, and nobody said yes."""

    reference: str
    message = "rebuilding {reference} runs code from its record, and nobody agreed to that"
    advice = "read `muniment reproduce {reference} --plan`, then say --yes"


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
