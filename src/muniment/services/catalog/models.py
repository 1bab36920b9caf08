"""Models by name, now or at a time."""

from dataclasses import replace
from typing import Final

from muniment.core.errors import ModelNotFound
from muniment.core.names import ModelName
from muniment.core.records import ModelRecord, OwnerRecord, VersionRecord
from muniment.core.verbs.catalog import GetModel, ListModels
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.log.pages import bound, horizon
from muniment.services.reading import Reading

_LAST_CHARACTER: Final = "\U0010ffff"


def get_model(reading: Reading, query: GetModel) -> ModelRecord:
    """Return a model. Raises like `find_model`."""
    return find_model(reading.unit, query.name, query.at)


def list_models(reading: Reading, query: ListModels) -> tuple[ModelRecord, ...]:
    """List the models that the caller may read."""
    unit, namespaces = reading.unit, reading.sight.namespaces()
    limit, until = bound(query.limit), horizon(unit, query.at)
    ranges = [("", _LAST_CHARACTER)] if namespaces is None else [(f"{n}/", f"{n}0") for n in namespaces]
    models: list[ModelRecord] = []
    for low, high in ranges:
        start = Where("name", ">", max(query.after, low)) if query.after >= low else Where("name", ">=", low)
        prefix = Where("name", ">=", query.prefix)
        end = Where("name", "<", min(high, query.prefix + _LAST_CHARACTER))
        models += unit.projections.select(ModelRecord, start, prefix, end, *until, order="name", limit=limit)
    page = sorted(models, key=lambda model: model.name)[:limit]
    return tuple(_as_of(unit, model, until) for model in page)


def find_model(unit: Unit, name: ModelName, at: str | None = None) -> ModelRecord:
    """Find a model, as it is now or was at a time.

    Raises:
        ModelNotFound: it does not exist.
    """
    until = horizon(unit, at)
    models = unit.projections.select(ModelRecord, Where("name", "=", str(name)), *until, limit=1)
    if not models:
        raise ModelNotFound(name=str(name))
    return _as_of(unit, models[0], until)


def _as_of(unit: Unit, model: ModelRecord, until: tuple[Where, ...]) -> ModelRecord:
    """Return a model with its latest version and owner at that time."""
    if not until:
        return model
    versions = unit.projections.select(
        VersionRecord,
        Where("name", "=", model.name),
        *until,
        order="number",
        descending=True,
        limit=1,
    )
    owners = unit.projections.select(
        OwnerRecord, Where("name", "=", model.name), *until, descending=True, limit=1
    )
    return replace(model, latest=versions[0].number, owner=owners[0].owner if owners else None)
