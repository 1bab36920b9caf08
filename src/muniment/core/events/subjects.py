"""Subjects: what events are about. The verifiable index hashes their kinds and names, so both never change.

A hash is salted, so that nobody guesses names from it who may not read there: with the salt of the subject's
namespace or, for people, keys, issuers and the registry itself, with that of the registry.

The first subject of an event is its namespace or the registry; the others follow, the main one first. The
index answers two questions about a subject: which event is the newest, and which events there are.

| kind          | name                | its events                                          | the newest is |
|---------------|---------------------|-----------------------------------------------------|---------------|
| `registry`    | empty               | all that belong to no namespace                     |               |
| `restores`    | empty               | restores of the registry to an older state          |               |
| `clock`       | empty               | jumps of the clock, and their confirmations         |               |
| `namespace`   | `acme`              | all of a namespace                                  |               |
| `creation`    | `acme`              | a namespace was created, or the registry (`*`)      | its salt      |
| `models`      | `acme`              | the first version of each model of a namespace      |               |
| `versions`    | `acme/x`            | versions of a model                                 | the latest    |
| `version`     | `acme/x@3`          | published, status, retention, tags, requests, moves |               |
| `drafts`      | `acme/x`            | drafts of a model                                   |               |
| `moves`       | `acme/x`            | moves of all aliases of a model                     |               |
| `requests`    | `acme/x`            | requests for versions of a model                    |               |
| `status`      | `acme/x@3`          | statuses of a version                               | its status    |
| `comments`    | `acme/x@3`          | comments on a version, and their erasure            |               |
| `claims`      | `acme/sha256:<hex>` | a revision under all its names, claims, withdrawals |               |
| `target`      | `acme/prod-eu/api`  | deployments of models of a namespace to a target    |               |
| `deployments` | `acme`              | deployments of models of a namespace                |               |
| `alias`       | `acme/x@production` | moves of an alias, its removal, ends of emergencies | its version   |
| `policy`      | `acme/*@production` | policies of an alias of a model, or of all (`*`)    | in force      |
| `policies`    | `acme`              | policies of a namespace                             |               |
| `tier`        | `acme/x`            | risk tiers of a model                               | its tier      |
| `tiers`       | `acme`              | risk tiers of models of a namespace                 |               |
| `proposals`   | `acme`              | proposals of changes to protected policies, decisions |             |
| `owner`       | `acme/x`            | owners of a model                                   | its owner     |
| `quota`       | `acme`              | quotas of a namespace                               | its quota     |
| `reads`       | `acme`              | the record of reads: on and off, and its batches    |               |
| `webhooks`    | `acme`              | webhooks of a namespace                             |               |
| `roles`       | `acme/<id>`         | roles of a principal there; `*/<id>`: everywhere    |               |
| `grants`      | `acme`              | roles of everybody there; `*`: everywhere           |               |
| `principal`   | `<id>`              | registration, logins, keys, erasure                 |               |
| `vouches`     | `<id>`              | who vouched for a principal, and for what           |               |
| `key`         | `<key id>`          | enrolment and revocation of a key                   |               |
| `tokens`      | `<id>`              | tokens of a principal                               |               |
| `preferences` | `<id>`              | preferences of a principal                          | in force      |
| `issuer`      | an address          | rules that trust workloads of an issuer             |               |

An event that amends a record has the subjects under which the record is looked up. So all of a subject tell
what became of its records, and the newest tells it alone if it makes the record.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName
from muniment.core.people.roles import EVERYWHERE


class SubjectKind(StrEnum):
    """The kinds of subjects."""

    REGISTRY = "registry"
    RESTORES = "restores"
    CLOCK = "clock"
    NAMESPACE = "namespace"
    CREATION = "creation"
    MODELS = "models"
    VERSIONS = "versions"
    VERSION = "version"
    DRAFTS = "drafts"
    MOVES = "moves"
    REQUESTS = "requests"
    STATUS = "status"
    COMMENTS = "comments"
    CLAIMS = "claims"
    TARGET = "target"
    DEPLOYMENTS = "deployments"
    ALIAS = "alias"
    POLICY = "policy"
    POLICIES = "policies"
    TIER = "tier"
    TIERS = "tiers"
    PROPOSALS = "proposals"
    OWNER = "owner"
    QUOTA = "quota"
    READS = "reads"
    WEBHOOKS = "webhooks"
    ROLES = "roles"
    GRANTS = "grants"
    PRINCIPAL = "principal"
    VOUCHES = "vouches"
    KEY = "key"
    TOKENS = "tokens"
    PREFERENCES = "preferences"
    ISSUER = "issuer"


class Subject(NamedTuple):
    """A subject: its kind and its canonical name."""

    kind: SubjectKind
    name: str

    @property
    def realm(self) -> str:
        """The namespace whose salt hashes it, or everywhere (`*`) for that of the registry."""
        return EVERYWHERE if self.kind in _OF_THE_REGISTRY else self.name.partition("/")[0]


REGISTRY: Final = Subject(SubjectKind.REGISTRY, "")
RESTORES: Final = Subject(SubjectKind.RESTORES, "")
CLOCK: Final = Subject(SubjectKind.CLOCK, "")
_OF_THE_REGISTRY: Final = frozenset(
    {
        SubjectKind.REGISTRY,
        SubjectKind.RESTORES,
        SubjectKind.CLOCK,
        SubjectKind.CREATION,
        SubjectKind.PRINCIPAL,
        SubjectKind.VOUCHES,
        SubjectKind.KEY,
        SubjectKind.TOKENS,
        SubjectKind.PREFERENCES,
        SubjectKind.ISSUER,
    }
)


def of_namespace(namespace: str) -> Subject:
    """Name a namespace, or the registry for `*`."""
    return REGISTRY if namespace == EVERYWHERE else Subject(SubjectKind.NAMESPACE, namespace)


def of_model(name: ModelName, kind: SubjectKind) -> Subject:
    """Name the `versions`, `drafts`, `moves` or `requests` of a model."""
    return Subject(kind, str(name))


def of_alias(name: ModelName, alias: Alias) -> Subject:
    """Name an alias."""
    return Subject(SubjectKind.ALIAS, f"{name}@{alias}")


def of_version(name: ModelName, number: int, kind: SubjectKind = SubjectKind.VERSION) -> Subject:
    """Name a version, or its `status` or `comments`."""
    return Subject(kind, f"{name}@{number}")


def of_claims(name: ModelName, revision: Digest) -> Subject:
    """Name a revision, under all its names in the namespace of a model, and the claims about it."""
    return Subject(SubjectKind.CLAIMS, f"{name.namespace}/{revision}")


def of_principal(principal: str) -> Subject:
    """Name a person or workload."""
    return Subject(SubjectKind.PRINCIPAL, principal)


def of_vouches(principal: str) -> Subject:
    """Name what others vouched for of a person or workload."""
    return Subject(SubjectKind.VOUCHES, principal)


def of_roles(namespace: str, principal: str) -> Subject:
    """Name the roles of a principal in a namespace, or everywhere."""
    return Subject(SubjectKind.ROLES, f"{namespace}/{principal}")
