"""Errors about missing things: ask for something that exists."""

from collections.abc import Mapping
from shlex import quote
from typing import Final

from muniment.core.errors.tree import MunimentError

# The commands that list what has an entry; the inbox has the rest.
_LISTS: Final[Mapping[str, str]] = {
    "comment": "muniment comments REFERENCE",
    "draft": "muniment drafts NAME",
    "emergency": "muniment history NAME",
    "request": "muniment requests NAME",
}


class NotFound(MunimentError):
    """Something is not in the registry."""


class ModelNotFound(NotFound):
    """No model has that name."""

    name: str
    message = "the model {name} does not exist"
    advice = "list the models that you may read: muniment list"


class NamespaceNotFound(NotFound):
    """No namespace has that name."""

    namespace: str
    message = "the namespace {namespace} does not exist"
    advice = "list the models that you may read, under their namespaces: muniment list"


class VersionNotFound(NotFound):
    """A reference resolves to no version."""

    reference: str
    message = "{reference} does not exist"
    advice = "list its versions: muniment list {self.name}; or its aliases: muniment history {self.name}"

    @property
    def name(self) -> str:
        """The name of the model, as a shell reads it."""
        return quote(self.reference.partition("@")[0])


class BlobNotFound(NotFound):
    """No blob has that digest."""

    digest: str
    message = "no blob {digest} is stored"
    advice = "upload the blob before the record that names it"


class NotProven(NotFound):
    """Answers of this kind are found, not proven."""

    query: str
    message = "there is no proof for {query}: its answers are found, and may not be all"
    advice = "docs/reference/rest.md says which answers are proven"


class EventNotFound(NotFound):
    """The log is shorter than the index or size that was asked for."""

    index: int
    message = "the log has no entry {index} that you may read"
    advice = "ask for an entry below the size of the newest checkpoint"


class PrincipalNotFound(NotFound):
    """No such person or workload is registered."""

    principal: str
    message = "no principal {principal!r} is registered"
    advice = "ask an admin to register one: muniment user add NAME --key PUBLIC.pem"


class RoleNotHeld(NotFound):
    """A principal does not hold a role that should end."""

    principal: str
    role: str
    namespace: str
    message = "{principal} does not hold the role {role} in {namespace}"
    advice = "list who holds which role: muniment user list"


class PolicyNotFound(NotFound):
    """The alias has no policy."""

    name: str
    alias: str
    message = "{name}@{alias} has no policy"
    advice = "set one: muniment policy set {name}@{alias} FILE --reason TEXT"


class FixturesNotFound(NotFound):
    """A policy has no fixtures to test it with."""

    policy: str
    fixtures: str
    message = "{policy} has no fixtures: there is no {fixtures}"
    advice = "write some there (docs/reference/policy.md); muniment policy init writes a policy with fixtures"


class NothingToSimulate(NotFound):
    """A simulation has no version to judge."""

    names: tuple[str, ...]
    message = "no version to judge is found in {names}: a simulation of nothing says nothing"
    advice = "list the models (muniment list), or judge versions without an alias as well (--all)"


class WebhookNotFound(NotFound):
    """No active webhook has that entry."""

    webhook: int
    message = "the webhook {webhook} does not exist"
    advice = "list the webhooks of a namespace: muniment webhook list NAMESPACE"


class RequestNotFound(NotFound):
    """No open request, draft, emergency or comment has that entry."""

    entry: int
    kind: str
    message = "entry {entry} is not an open {kind}, or not one that you may see"
    advice = "see the entries: {self.where}"

    @property
    def where(self) -> str:
        """The command that lists entries of its kind."""
        return _LISTS.get(self.kind, "muniment inbox")


class TierNotFound(NotFound):
    """The model has no risk tier."""

    name: str
    message = "{name} has no risk tier, so every policy applies to it"
    advice = "set one: muniment policy tier {name} TIER --reason TEXT"


class DeploymentNotFound(NotFound):
    """The version does not serve at the target."""

    reference: str
    target: str
    message = "{reference} does not serve at {target}"
    advice = "list what serves where: muniment deployments"


class RecoveryNotFound(NotFound):
    """No recovery that waits has this entry."""

    entry: int
    message = "no recovery that waits has the entry {entry}"
    advice = "list them: muniment user recovery list PRINCIPAL"


class TokenNotFound(NotFound):
    """No such token is on record."""

    token: str
    message = "the token {token:.16} does not exist"
    advice = "list your tokens: muniment token list"


class IssuerNotFound(NotFound):
    """No trust rule has that entry."""

    rule: int
    message = "the trust rule {rule} does not exist"
    advice = "list the rules: muniment trust list"


class UploadNotFound(NotFound):
    """The upload does not exist, belongs to somebody else, or has ended."""

    upload: str
    message = "the upload {upload!r} does not exist"
    advice = "start the upload again"


class RouteNotFound(NotFound):
    """No route has that path."""

    path: str
    message = "there is nothing at {path!r}"
    advice = "see /api/v1/openapi.json for the routes"


class RegistryNotFound(NotFound):
    """There is no registry at the location."""

    location: str
    message = "there is no registry at {location!r}"
    advice = (
        "check the location (--registry, MUNIMENT_URL), or create one there: muniment init {location}, or"
        " muniment.open(..., create=True)"
    )


class ClaimNotFound(NotFound):
    """No claim about the version has that digest."""

    reference: str
    digest: str
    message = "no claim about {reference} has the digest {digest}"
    advice = "list the claims about it: muniment show {reference}"


class EvaluationNotFound(NotFound):
    """No evaluation that counts is over the dataset."""

    dataset: str
    known: tuple[str, ...] = ()
    message = "no version has an evaluation over {dataset!r} that counts"
    advice = "name the digest of a dataset, or its name on record{self.choice}; a file is not looked at"

    @property
    def choice(self) -> str:
        """The names on record, as they end a sentence."""
        return (
            f" ({', '.join(map(quote, self.known))})" if self.known else " (there is none: muniment evaluate)"
        )


class CardNotFound(NotFound):
    """A version has no card."""

    reference: str
    message = "{reference} has no card"
    advice = "write one: muniment card set {reference} CARD.md"
