"""Subjects: what events are about. The verifiable index hashes their kinds and names, so both never change.

The first subject of an event is its namespace or the registry; the others follow, the main one first. The
index answers two questions about a subject: which event is the newest, and which events there are.

| kind        | name                  | its events                                          | the newest is |
|-------------|-----------------------|-----------------------------------------------------|---------------|
| `registry`  | empty                 | all that belong to no namespace                     |               |
| `namespace` | `acme`                | all of a namespace                                  |               |
| `models`    | `acme`                | the first version of each model of a namespace      |               |
| `model`     | `acme/x`              | versions, drafts, moves, emergencies, requests      |               |
| `version`   | `acme/x@3`            | published, status, retention, tags, requests, moves |               |
| `status`    | `acme/x@3`            | statuses of a version                               | its status    |
| `comments`  | `acme/x@3`            | comments on a version, and their erasure            |               |
| `claims`    | `acme/x@sha256:<hex>` | claims about a revision, and their withdrawal       |               |
| `target`    | `acme/prod-eu/api`    | deployments of models of a namespace to a target    |               |
| `alias`     | `acme/x@production`   | moves and removals of an alias                      | its version   |
| `policy`    | `acme/*@production`   | policies of an alias of a model, or of all (`*`)    | in force      |
| `tier`      | `acme/x`              | risk tiers of a model                               | its tier      |
| `owner`     | `acme/x`              | owners of a model                                   | its owner     |
| `quota`     | `acme`                | quotas of a namespace                               | its quota     |
| `webhooks`  | `acme`                | webhooks of a namespace                             |               |
| `roles`     | `acme/<id>`           | roles of a principal there; `*/<id>`: everywhere    |               |
| `principal` | `<id>`                | registration, logins, keys, erasure                 |               |
| `key`       | `<key id>`            | enrolment and revocation of a key                   | its validity  |
| `tokens`    | `<id>`                | tokens of a principal                               |               |
| `issuer`    | an address            | rules that trust workloads of an issuer             |               |
| `entry`     | `17`                  | ends and amendments of the record of entry 17       | its change    |

No event is about its own entry: without an event about entry 17, its record stands unchanged.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from muniment.core.digests import Digest
from muniment.core.names import ModelName
from muniment.core.people.roles import EVERYWHERE


class SubjectKind(StrEnum):
    """The kinds of subjects."""

    REGISTRY = "registry"
    NAMESPACE = "namespace"
    MODELS = "models"
    MODEL = "model"
    VERSION = "version"
    STATUS = "status"
    COMMENTS = "comments"
    CLAIMS = "claims"
    TARGET = "target"
    ALIAS = "alias"
    POLICY = "policy"
    TIER = "tier"
    OWNER = "owner"
    QUOTA = "quota"
    WEBHOOKS = "webhooks"
    ROLES = "roles"
    PRINCIPAL = "principal"
    KEY = "key"
    TOKENS = "tokens"
    ISSUER = "issuer"
    ENTRY = "entry"


class Subject(NamedTuple):
    """A subject: its kind and its canonical name."""

    kind: SubjectKind
    name: str


REGISTRY: Final = Subject(SubjectKind.REGISTRY, "")


def of_namespace(namespace: str) -> Subject:
    """Name a namespace, or the registry for `*`."""
    return REGISTRY if namespace == EVERYWHERE else Subject(SubjectKind.NAMESPACE, namespace)


def of_model(name: ModelName) -> Subject:
    """Name a model."""
    return Subject(SubjectKind.MODEL, str(name))


def of_version(name: ModelName, number: int, kind: SubjectKind = SubjectKind.VERSION) -> Subject:
    """Name a version, or its `status` or `comments`."""
    return Subject(kind, f"{name}@{number}")


def of_claims(name: ModelName, revision: Digest) -> Subject:
    """Name the claims about a revision of a model."""
    return Subject(SubjectKind.CLAIMS, f"{name}@{revision}")


def of_principal(principal: str) -> Subject:
    """Name a person or workload."""
    return Subject(SubjectKind.PRINCIPAL, principal)


def of_roles(namespace: str, principal: str) -> Subject:
    """Name the roles of a principal in a namespace, or everywhere."""
    return Subject(SubjectKind.ROLES, f"{namespace}/{principal}")


def of_entry(index: int) -> Subject:
    """Name an earlier entry whose record the event ends or amends."""
    return Subject(SubjectKind.ENTRY, str(index))
