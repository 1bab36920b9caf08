"""Namespaces and models, and their owners, tags and comments."""

from dataclasses import replace

from muniment.answers.pages import select_page
from muniment.answers.places import within_namespace
from muniment.answers.resolve import resolve
from muniment.answers.view import State, View
from muniment.core.errors import LogInconsistent, ModelNotFound, NamespaceNotFound
from muniment.core.names import ModelName
from muniment.core.records import (
    CommentRecord,
    ModelRecord,
    NamespaceRecord,
    OwnerRecord,
    TagRecord,
    VersionRecord,
    Where,
)
from muniment.core.verbs.catalog import (
    Comment,
    GetModel,
    GetNamespace,
    ListComments,
    ListModels,
    ListOwners,
    ListTags,
    Namespace,
    Tag,
)


def get_namespace(state: State, query: GetNamespace) -> Namespace:
    """Return a namespace.

    Raises:
        NamespaceNotFound: nothing has ever been in it.
        LogInconsistent: its salt is gone.
    """
    record = state.view.projections.find(NamespaceRecord, (query.namespace,))
    if record is None:
        raise NamespaceNotFound(namespace=query.namespace)
    salt = state.find_text(record.salt)
    if salt is None:
        raise LogInconsistent(reason=f"the salt of {query.namespace} is missing")
    return Namespace(record=record, salt=salt)


def get_model(state: State, query: GetModel) -> ModelRecord:
    """Return a model. Raises like `find_model`."""
    return find_model(state.view, query.name)


def list_models(state: State, query: ListModels) -> tuple[ModelRecord, ...]:
    """List the models of a namespace, oldest first."""
    within = within_namespace("name", query.namespace)
    models = select_page(state.view, query, ModelRecord, *within)
    return tuple(_complete(state.view, model) for model in models)


def find_model(view: View, name: ModelName) -> ModelRecord:
    """Find a model.

    Raises:
        ModelNotFound: it does not exist.
    """
    model = view.projections.find(ModelRecord, (str(name),))
    if model is None:
        raise ModelNotFound(name=str(name))
    return _complete(view, model)


def _complete(view: View, model: ModelRecord) -> ModelRecord:
    """Add what later events tell of a model, which are about its versions and owners."""
    of_model = Where("name", "=", model.name)
    versions = view.projections.select(VersionRecord, of_model, order="number", descending=True, limit=1)
    owners = view.projections.select(OwnerRecord, of_model, descending=True, limit=1)
    return replace(model, latest=versions[0].number, owner=owners[0].owner if owners else None)


def check_model(view: View, name: ModelName) -> None:
    """Check that a model exists.

    Raises:
        ModelNotFound: it has no version.
    """
    newest = Where("name", "=", str(name))
    if not view.projections.select(VersionRecord, newest, order="number", descending=True, limit=1):
        raise ModelNotFound(name=str(name))


def list_owners(state: State, query: ListOwners) -> tuple[OwnerRecord, ...]:
    """List the owners of a model, oldest first. Raises like `check_model`."""
    check_model(state.view, query.name)
    return tuple(select_page(state.view, query, OwnerRecord, Where("name", "=", str(query.name))))


def list_tags(state: State, query: ListTags) -> tuple[Tag, ...]:
    """List the tags of a version, without removed and erased ones."""
    newest = newest_tags(state.view, resolve(state.view, query.reference))
    texts = [(key, state.find_text(record.value)) for key, record in sorted(newest.items())]
    return tuple(Tag(key=key, value=text) for key, text in texts if text is not None)


def newest_tags(view: View, version: VersionRecord) -> dict[str, TagRecord]:
    """Find the newest record of each tag of a version, removed ones included."""
    about = Where("name", "=", version.name), Where("number", "=", version.number)
    records = view.projections.select(TagRecord, *about)
    return {record.tag: record for record in records}


def list_comments(state: State, query: ListComments) -> tuple[Comment, ...]:
    """List the comments on a version."""
    version = resolve(state.view, query.reference)
    about = Where("name", "=", version.name), Where("number", "=", version.number)
    records = select_page(state.view, query, CommentRecord, *about)
    return tuple(Comment(record=record, text=state.find_text(record.text)) for record in records)
