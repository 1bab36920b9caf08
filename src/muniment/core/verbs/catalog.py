"""The catalog: models, owners, tags, comments, lineage and search."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.errors import ModelNotFound, NamespaceNotFound, VersionNotFound
from muniment.core.events import CommentErased, CommentPosted, Entry, OwnerSet, TagSet
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import CommentRecord, ModelRecord, NamespaceRecord, OwnerRecord, VersionRecord
from muniment.core.verbs.verb import (
    Ask,
    At,
    Bounds,
    Change,
    Command,
    Limit,
    ListQuery,
    May,
    Name,
    PageQuery,
    Query,
    Question,
    Sent,
    Verb,
    Who,
    Within,
    by_number,
    says,
)

_MODEL: Final = "/models/{namespace}/{model}"
_VERSION: Final = _MODEL + "/versions/{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """A page of versions and the cursor of the next one (None at the end). Any page can be short."""

    items: tuple[VersionRecord, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace, and the salt by which the index hashes its subjects, in hex."""

    record: NamespaceRecord
    salt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of a version, and its text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment and its text, which is Markdown (None once erased)."""

    record: CommentRecord
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOwner(Command):
    """Set the owner of a model: the principal who answers for it."""

    declared = Change(
        "PUT", _MODEL + "/owner", f"those who may {Act.ASSIGN}, and its present owner", idempotent=True
    )
    name: ModelName
    principal: Name

    def is_done_by(self, entry: Entry) -> bool:
        """The principal owns the model."""
        return says(entry, OwnerSet, name=self.name, owner=self.principal)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """Nobody else owns the model since."""
        del entry
        return ask(GetModel(name=self.name)).owner == self.principal


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOwners(PageQuery[OwnerRecord]):
    """List everyone who has owned a model, oldest first: the last one owns it, now or at a time."""

    declared = Question(_MODEL + "/owners", Within("name", ModelNotFound), proven=True)
    name: ModelName
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTag(Command):
    """Put a tag on a version."""

    declared = Change("PUT", _VERSION + "/tags/{key}", May(Act.PUBLISH, "reference"), idempotent=True)
    reference: Reference
    key: Name
    value: Payload

    def is_done_by(self, entry: Entry) -> bool:
        """The version has the tag with this text."""
        return says(entry, TagSet, **by_number(self.reference), tag=self.key, value=self.value.digest)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The version still has the tag with this text."""
        del entry
        return Tag(key=self.key, value=self.value.text) in ask(ListTags(reference=self.reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveTag(Command):
    """Remove a tag from a version."""

    declared = Change("DELETE", _VERSION + "/tags/{key}", May(Act.PUBLISH, "reference"), idempotent=True)
    reference: Reference
    key: Name

    def is_done_by(self, entry: Entry) -> bool:
        """The version no longer has the tag."""
        return says(entry, TagSet, **by_number(self.reference), tag=self.key, value=None)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The version still does not have the tag."""
        del entry
        return all(tag.key != self.key for tag in ask(ListTags(reference=self.reference)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostComment(Command):
    """Comment on a version in Markdown or, with `about`, on a request or an emergency, by its entry.

    People mentioned with @ get it in their inbox.
    """

    declared = Change("POST", _VERSION + "/comments", May(Act.COMMENT, "reference"))
    reference: Reference
    text: Payload
    about: int | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The text was posted about the version, or what it is about."""
        said = {"about": self.about, "text": self.text.digest}
        return says(entry, CommentPosted, **by_number(self.reference), **said)


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseComment(Command):
    """Erase the text of a comment permanently, by its entry."""

    declared = Change(
        "DELETE", "/comments/{comment}", f"the author, and those who may {Act.ERASE} in the namespace"
    )
    comment: int

    def is_done_by(self, entry: Entry) -> bool:
        """The text of this comment was erased."""
        return says(entry, CommentErased, comment=self.comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetModel(Query[ModelRecord]):
    """Get a model."""

    declared = Question(_MODEL, Within("name", ModelNotFound), proven=True)
    name: ModelName
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNamespaces(PageQuery[NamespaceRecord]):
    """List the namespaces that the caller may read, oldest first."""

    declared = Question("/namespaces", Who.CALLER)
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetNamespace(Query[Namespace]):
    """Get a namespace, or the registry itself (`*`), with the salt by which its subjects are hashed."""

    declared = Question(
        "/namespaces/{namespace}", Within("namespace", NamespaceNotFound, registry=True), proven=True
    )
    namespace: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListModels(PageQuery[ModelRecord]):
    """List the models of a namespace, oldest first."""

    declared = Question("/namespaces/{namespace}/models", Within("namespace", NamespaceNotFound), proven=True)
    namespace: Name
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchVersions(Query[SearchPage]):
    """Search for versions: `metric.auc > 0.9 and param.depth = 6 order by created`; `at` asks as of a time.

    A page can be short or even empty without being the last: continue while there is a `next`.
    docs/reference/search.md describes the language.
    """

    declared = Question("/versions", Who.CALLER)
    text: Annotated[str, Bounds(most=2000), Sent(name="q")] = ""
    cursor: Name | None = None
    limit: Limit = 100
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTags(ListQuery[Tag]):
    """List the tags of a version, by name; erased ones are left out."""

    declared = Question(_VERSION + "/tags", Within("reference", VersionNotFound), proven=True)
    reference: Reference
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListComments(PageQuery[Comment]):
    """List the comments on a version, and on its requests and emergencies, oldest first."""

    declared = Question(_VERSION + "/comments", Within("reference", VersionNotFound), proven=True)
    reference: Reference
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLineage(Query[Graph]):
    """Get the inputs of a node, or its products; a node is a sha256 or a git commit, in hex.

    The graph follows from claims, so it is only as complete as they are. With `at`, it is what was said by
    then, without what has been withdrawn since.
    """

    declared = Question("/lineage/{node}", Who.MEMBER)
    node: Annotated[str, Bounds(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    direction: Direction = Direction.UP
    depth: Annotated[int, Bounds(least=0, most=MAX_DEPTH)] = MAX_DEPTH
    limit: Annotated[int, Bounds(least=1, most=10_000)] = 2000
    at: At = None


VERBS: Final[tuple[type[Verb], ...]] = (
    ListNamespaces,
    GetNamespace,
    GetModel,
    ListModels,
    SearchVersions,
    SetOwner,
    ListOwners,
    SetTag,
    ListTags,
    RemoveTag,
    PostComment,
    ListComments,
    EraseComment,
    GetLineage,
)
