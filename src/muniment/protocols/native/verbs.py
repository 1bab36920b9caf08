"""The routes of commands and queries, made from the declarations in `core.verbs`."""

from collections.abc import Callable, Coroutine, Mapping
from inspect import Parameter, Signature, cleandoc
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, create_model
from starlette.responses import Response

from muniment.core.digests import Digest
from muniment.core.errors import InvalidBody
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.receipts import Receipt
from muniment.core.verbs import verb as v
from muniment.core.verbs.table import WINGS
from muniment.core.verbs.wire import PAIRS, Part, answer_of, parts_of, read, usual_bounds
from muniment.edge.conditions import expected_entry
from muniment.protocols.native import wire
from muniment.protocols.native.answers import answer, execute

Endpoint = Callable[..., Coroutine[None, None, Response]]

_Word = Annotated[str, Field(min_length=1, max_length=1000)]
# Types of `core` travel as text; numbers, flags and enumerations stay as they are.
_TYPES: Final[Mapping[object, object]] = {
    **dict.fromkeys((bytes, Digest, Alias, ModelName, Models, Reference, Scope), str),
    Payload: wire.Payload,
    PAIRS: dict[_Word, _Word],
}
_TEXTS: Final = frozenset({str, list, PAIRS, *(form for form, sent in _TYPES.items() if sent is str)})
_KEY: Final = ("Idempotency-Key", "A command that is sent again under the same key is executed once.")
_PRECONDITIONS: Final = (
    ("If-Match", "The entity tag of the record that the caller expects to be the newest."),
    ("If-None-Match", "`*`, if the caller expects that no record exists."),
)


def make_router() -> APIRouter:
    """Make a route for each verb, in matching order."""
    router = APIRouter()
    for wing, kinds in WINGS.items():
        for kind in kinds:
            _add_route(router, wing, kind)
    return router


def _add_route(router: APIRouter, wing: str, kind: type[v.Verb]) -> None:
    changes = issubclass(kind, v.Command)
    router.add_api_route(
        kind.declared.path,
        make_endpoint(kind),
        methods=[kind.declared.method],
        name=v.name_of(kind),
        operation_id=v.name_of(kind),
        description=cleandoc(kind.__doc__ or ""),
        tags=[wing],
        response_model=_form_of(kind),
        status_code=201 if changes else 200,
        response_description="The receipt." if changes else "The answer.",
        responses=_describe_repeat(kind),
        openapi_extra={"parameters": _describe_headers(kind)},
    )


def make_endpoint(kind: type[v.Verb]) -> Endpoint:
    """Make the endpoint of a verb; FastAPI checks requests against its signature."""
    respond: Endpoint = execute if issubclass(kind, v.Command) else answer
    expected = [part.name for part in parts_of(kind) if part.place is v.Place.PRECONDITION]
    asked = {part.name for part in parts_of(kind) if part.place is v.Place.QUERY}
    # The request must not share its name with a part.
    parameters = [Parameter("http", Parameter.KEYWORD_ONLY, annotation=Request), *_list_parameters(kind)]

    async def endpoint(http: Request, **given: object) -> Response:
        unknown = sorted(http.query_params.keys() - asked)
        if unknown:
            # Otherwise a question about a time would be answered for now by what knows no `at`.
            raise InvalidBody(reason=f"{v.name_of(kind)} has no parameter {', '.join(unknown)}")
        body = given.pop("body", None)
        if isinstance(body, wire.Body):
            given |= body.model_dump()
        for name in expected:
            given[name] = expected_entry(http)
        return await respond(http, read(kind, given))

    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # `inspect` looks for it
    return endpoint


def _list_parameters(kind: type[v.Verb]) -> list[Parameter]:
    places = {v.Place.PATH: Path, v.Place.QUERY: Query}
    parameters = [
        Parameter(
            part.name,
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[_annotate(part), places[part.place](description=part.bounds.says or None)],
            default=Parameter.empty if part.required else part.default,
        )
        for part in parts_of(kind)
        if part.place in places
    ]
    body = [part for part in parts_of(kind) if part.place is v.Place.BODY]
    if body:
        parameters.append(Parameter("body", Parameter.KEYWORD_ONLY, annotation=_make_body(kind, body)))
    return parameters


def _make_body(kind: type[v.Verb], parts: list[Part]) -> type[wire.Body]:
    members: dict[str, Any] = {
        part.name: (_annotate(part), ... if part.required else Field(default=part.default)) for part in parts
    }
    return create_model(kind.__name__, __base__=wire.Body, __doc__=cleandoc(kind.__doc__ or ""), **members)


def _annotate(part: Part) -> Any:  # noqa: ANN401 - an annotation made at run time
    """Annotate a part with its type and bounds."""
    form: Any = _TYPES.get(part.form, part.form)
    if part.many:
        form = list[Annotated[form, _bound(part.form, usual_bounds(part.form))]]
    form = Annotated[form, _bound(list if part.many else part.form, part.bounds)]
    return form | None if part.nullable else form


def _bound(form: object, bounds: v.Bounds) -> Any:  # noqa: ANN401 - the type of pydantic's own function
    if form in _TEXTS:
        return Field(min_length=bounds.least, max_length=bounds.most, pattern=bounds.pattern)
    return Field(ge=bounds.least, le=bounds.most)


def _form_of(kind: type[v.Verb]) -> Any:  # noqa: ANN401 - as above
    if not issubclass(kind, v.Query):
        return Receipt
    form, is_list = answer_of(kind)
    return _make_page(form) if is_list else form


def _make_page(form: Any) -> type[BaseModel]:  # noqa: ANN401 - as above
    """Make the form of a page, named after its items, such as CommentPage."""
    name = f"{form.__name__[0].upper()}{form.__name__[1:]}Page"
    return create_model(
        name,
        __doc__="A page of a list. `next` is the cursor of the next page; null at the end.",
        items=(list[form], ...),
        next=(str | None, ...),
    )


def _describe_repeat(kind: type[v.Verb]) -> dict[int | str, dict[str, Any]]:
    if not (issubclass(kind, v.Command) and kind.declared.idempotent):
        return {}
    # By reference: from the model itself, FastAPI would build a serializer again for each route.
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
    return {200: {"description": "The receipt of an entry that was on record already.", "content": content}}


def _describe_headers(kind: type[v.Verb]) -> list[dict[str, object]]:
    headers = [_KEY] if issubclass(kind, v.Command) else []
    if any(part.place is v.Place.PRECONDITION for part in parts_of(kind)):
        headers += _PRECONDITIONS
    return [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string", "maxLength": 200}}
        for name, text in headers
    ]
