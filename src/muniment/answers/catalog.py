"""Models, and their owners, tags and comments."""

from dataclasses import replace

from muniment.answers.pages import horizon, select_page
from muniment.answers.resolve import resolve
from muniment.answers.view import State, View
from muniment.core.errors import ModelNotFound
from muniment.core.names import ModelName
from muniment.core.records import (
    CommentRecord,
    ModelRecord,
    OwnerRecord,
    TagRecord,
    VersionRecord,
    Where,
)
from muniment.core.verbs.catalog import (
    Comment,
    GetModel,
    ListComments,
    ListOwners,
    ListTags,
    Tag,
)


def get_model(state: State, query: GetModel) -> ModelRecord:
    """Return a model. Raises like `find_model`."""
    return find_model(state.view, query.name, query.at)


def find_model(view: View, name: ModelName, at: str | None = None) -> ModelRecord:
    """Find a model, as it is now or was at a time.

    Raises:
        ModelNotFound: it does not exist.
    """
    until = horizon(view, at)
    models = view.projections.select(ModelRecord, Where("name", "=", str(name)), *until, limit=1)
    if not models:
        raise ModelNotFound(name=str(name))
    return model_as_of(view, models[0], until)


def model_as_of(view: View, model: ModelRecord, until: tuple[Where, ...]) -> ModelRecord:
    """Return a model with its latest version and owner at that time."""
    if not until:
        return model
    versions = view.projections.select(
        VersionRecord,
        Where("name", "=", model.name),
        *until,
        order="number",
        descending=True,
        limit=1,
    )
    owners = view.projections.select(
        OwnerRecord, Where("name", "=", model.name), *until, descending=True, limit=1
    )
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
    of_model, until = Where("name", "=", str(query.name)), horizon(state.view, query.at)
    return tuple(select_page(state.view, query, OwnerRecord, of_model, *until))


def list_tags(state: State, query: ListTags) -> tuple[Tag, ...]:
    """List the tags of a version, without removed and erased ones."""
    version = resolve(state.view, query.reference, query.at)
    newest = newest_tags(state.view, version, horizon(state.view, query.at))
    texts = [(key, state.find_text(record.value)) for key, record in sorted(newest.items())]
    return tuple(Tag(key=key, value=text) for key, text in texts if text is not None)


def newest_tags(view: View, version: VersionRecord, until: tuple[Where, ...] = ()) -> dict[str, TagRecord]:
    """Find the newest record of each tag of a version, removed ones included."""
    records = view.projections.select(
        TagRecord, Where("name", "=", version.name), Where("number", "=", version.number), *until
    )
    return {record.tag: record for record in records}


def list_comments(state: State, query: ListComments) -> tuple[Comment, ...]:
    """List the comments on a version."""
    version = resolve(state.view, query.reference)
    about = Where("name", "=", version.name), Where("number", "=", version.number)
    records = select_page(state.view, query, CommentRecord, *about)
    return tuple(Comment(record=record, text=state.find_text(record.text)) for record in records)
