"""Ask for something that exists."""

from muniment.core.errors.tree import MunimentError


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
    message = "the log has no entry {index} that you may read"
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


class WebhookNotFound(NotFound):
    """There is no such webhook, or it has ended."""

    webhook: int
    message = "there is no webhook {webhook}"
    advice = "`muniment webhook list NAMESPACE` shows those that there are"


class RequestNotFound(NotFound):
    """No open request, draft, emergency or comment has that entry."""

    entry: int
    kind: str
    message = "entry {entry} is no {kind} that is open to you"
    advice = "`muniment inbox` lists what waits for you"


class TierNotFound(NotFound):
    """The model is in no risk tier."""

    name: str
    message = "{name} is in no risk tier, so that every policy holds for it"
    advice = "put it into one: muniment policy tier NAME TIER"


class DeploymentNotFound(NotFound):
    """A version is said to have stopped where it does not serve."""

    reference: str
    target: str
    message = "{reference} does not serve at {target}"
    advice = "`muniment deployments` shows what serves where"


class TokenNotFound(NotFound):
    """No such token is on record."""

    token: str
    message = "there is no token {token:.16}"
    advice = "`muniment token list` shows yours"


class IssuerNotFound(NotFound):
    """No rule trusts workloads of that issuer."""

    rule: int
    message = "there is no rule {rule} that trusts an issuer"
    advice = "`muniment trust list` shows the rules"


class UploadNotFound(NotFound):
    """There is no such upload, or it is somebody else's, or it has ended."""

    upload: str
    message = "there is no upload {upload!r}"
    advice = "begin the upload again"


class RouteNotFound(NotFound):
    """The address leads nowhere."""

    path: str
    message = "there is nothing at {path!r}"
    advice = "the routes are in /api/v1/openapi.json"


class RegistryNotFound(NotFound):
    """There is no registry at the location."""

    location: str
    message = "there is no registry at {location!r}"
    advice = "check MUNIMENT_URL; a push makes a new registry in an empty or missing directory"


class CardNotFound(NotFound):
    """A version has no card."""

    reference: str
    message = "{reference} has no card"
    advice = "write one: muniment card set {reference} CARD.md"
