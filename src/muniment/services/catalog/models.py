"""Models by name, now or at a time."""

from typing import Final

from muniment.answers.catalog import model_as_of
from muniment.answers.pages import bound, horizon
from muniment.core.records import ModelRecord, Where
from muniment.core.verbs.catalog import ListModels
from muniment.services.people.reading import Reading

_LAST_CHARACTER: Final = "\U0010ffff"


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
    return tuple(model_as_of(unit, model, until) for model in page)
