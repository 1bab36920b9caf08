"""Models, versions, claims about them, and aliases."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from muniment.core import commands as c
from muniment.core import queries as q
from muniment.core import records as r
from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.receipts import Receipt
from muniment.edge.conditions import expected_entry
from muniment.edge.reading import ask
from muniment.protocols.native.answers import answer, answer_page, execute, send_encoded
from muniment.protocols.native.parameters import After, At, Entry, Limit, Part
from muniment.protocols.native.wire import (
    Claim,
    DraftBody,
    Page,
    Publication,
    Reason,
    Tag,
    Target,
    encode_page,
)

router = APIRouter(tags=["models"])

Name = Annotated[str, Query(max_length=200)]

_MODEL = "/models/{namespace}/{model}"
_VERSION = _MODEL + "/versions/{selector}"
_ALIAS = _MODEL + "/aliases/{alias}"


@router.get("/models", response_model=Page[r.ModelRecord])
async def list_models(
    request: Request, prefix: Name = "", after: Name = "", limit: Limit = 100, at: At = None
) -> Response:
    """List the models that you may read, by name."""
    models = await ask(request, q.ListModels(prefix=prefix, after=after, limit=limit, at=at))
    following = models[-1].name if len(models) == limit else None
    return send_encoded(request, encode_page(models, following))


@router.get("/versions", response_model=q.SearchPage)
async def search_versions(
    request: Request,
    text: Annotated[str, Query(alias="q", max_length=2000)] = "",
    cursor: Name | None = None,
    limit: Limit = 100,
    at: At = None,
) -> Response:
    """Look versions up: `metric.auc > 0.9 and param.depth = 6 order by created`.

    A page can be short, even empty, and not the last: go on while there is a `next`.
    """
    return await answer(request, q.SearchVersions(text=text, cursor=cursor, limit=limit, at=at))


@router.get("/lineage/{node}", response_model=Graph)
async def get_lineage(
    request: Request,
    node: Annotated[str, Path(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")],
    direction: Direction = Direction.UP,
    depth: Annotated[int, Query(ge=0, le=MAX_DEPTH)] = MAX_DEPTH,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 2000,
) -> Response:
    """Give what a node was made from, or what was made from it: a sha256 or a git commit, in hex."""
    query = q.GetLineage(node=node, direction=direction, depth=depth, limit=limit)
    return await answer(request, query)


@router.get("/deployments", response_model=Page[r.DeploymentRecord])
async def list_deployments(  # noqa: PLR0913, PLR0917 - what a page is asked with
    request: Request,
    name: Name | None = None,
    target: Name = "",
    at: At = None,
    history: bool = False,  # noqa: FBT001, FBT002 - a parameter of a URL
    after: After = -1,
    limit: Limit = 100,
) -> Response:
    """List what serves where, now or at a time; with `history`, everything that was said."""
    model = None if name is None else ModelName.parse(name)
    query = q.ListDeployments(name=model, target=target, at=at, history=history, after=after, limit=limit)
    return await answer_page(request, query)


@router.get(_MODEL, response_model=r.ModelRecord)
async def get_model(request: Request, namespace: Part, model: Part, at: At = None) -> Response:
    """Give a model."""
    return await answer(request, q.GetModel(name=ModelName(namespace, model), at=at))


@router.get(_MODEL + "/versions", response_model=Page[r.VersionRecord])
async def list_versions(  # noqa: PLR0913, PLR0917 - what a page is asked with
    request: Request,
    namespace: Part,
    model: Part,
    before: Annotated[int | None, Query(ge=1, le=10**18)] = None,
    limit: Limit = 100,
    at: At = None,
) -> Response:
    """List the versions of a model, newest first."""
    query = q.ListVersions(name=ModelName(namespace, model), before=before, limit=limit, at=at)
    versions = await ask(request, query)
    following = versions[-1].number if len(versions) == limit else None
    return send_encoded(request, encode_page(versions, following))


@router.post(_MODEL + "/versions", response_model=Receipt, status_code=201)
async def publish_version(request: Request, namespace: Part, model: Part, body: Publication) -> Response:
    """Publish a stored manifest as the next version."""
    return await execute(request, body.read(ModelName(namespace, model)))


@router.get(_VERSION, response_model=r.VersionRecord)
async def get_version(
    request: Request, namespace: Part, model: Part, selector: Part, at: At = None
) -> Response:
    """Resolve a number, an alias, `latest` or a digest to a version."""
    return await answer(request, q.GetVersion(reference=refer(namespace, model, selector), at=at))


@router.get(_VERSION + "/detail", response_model=q.VersionDetail)
async def describe_version(
    request: Request, namespace: Part, model: Part, selector: Part, at: At = None
) -> Response:
    """Give a version with the aliases that point at it, the claims about it and its message."""
    return await answer(request, q.DescribeVersion(reference=refer(namespace, model, selector), at=at))


@router.post(_VERSION + "/attestations", response_model=Receipt, status_code=201)
async def record_attestation(
    request: Request, namespace: Part, model: Part, selector: Part, body: Claim
) -> Response:
    """Record a stored bundle as a claim about a version. Who sends it has to have signed it."""
    return await execute(request, body.read(refer(namespace, model, selector)))


@router.get(_VERSION + "/tags", response_model=list[tuple[str, str]])
async def list_tags(
    request: Request, namespace: Part, model: Part, selector: Part, at: At = None
) -> Response:
    """List the tags of a version."""
    return await answer(request, q.ListTags(reference=refer(namespace, model, selector), at=at))


@router.put(_VERSION + "/tags/{tag}", response_model=Receipt)
async def set_tag(  # noqa: PLR0913, PLR0917 - the parts of its path
    request: Request, namespace: Part, model: Part, selector: Part, tag: Part, body: Tag
) -> Response:
    """Put a tag on a version."""
    reference = refer(namespace, model, selector)
    return await execute(request, c.SetTag(reference=reference, key=tag, value=body.value.read()))


@router.delete(_VERSION + "/tags/{tag}", response_model=Receipt)
async def remove_tag(request: Request, namespace: Part, model: Part, selector: Part, tag: Part) -> Response:
    """Take a tag away."""
    reference = refer(namespace, model, selector)
    return await execute(request, c.SetTag(reference=reference, key=tag, value=None))


@router.get(_ALIAS, response_model=r.MoveRecord)
async def get_alias(request: Request, namespace: Part, model: Part, alias: Part, at: At = None) -> Response:
    """Give the newest move of an alias: where it points."""
    return await answer(request, q.GetMove(name=ModelName(namespace, model), alias=Alias(alias), at=at))


@router.put(_ALIAS, response_model=Receipt)
async def move_alias(request: Request, namespace: Part, model: Part, alias: Part, body: Target) -> Response:
    """Point an alias at a version; a guarded one moves only if its policy is met. If-Match is kept to."""
    name = ModelName(namespace, model)
    return await execute(request, body.read(name, Alias(alias), expected_entry(request)))


@router.post(_ALIAS + "/rollbacks", response_model=Receipt, status_code=201)
async def roll_back_alias(
    request: Request, namespace: Part, model: Part, alias: Part, body: Reason
) -> Response:
    """Point an alias back at the newest earlier version that still meets its policy."""
    name = ModelName(namespace, model)
    return await execute(request, c.RollBackAlias(name=name, alias=Alias(alias), reason=body.read()))


@router.post(_MODEL + "/drafts", response_model=Receipt, status_code=201)
async def save_draft(request: Request, namespace: Part, model: Part, body: DraftBody) -> Response:
    """Keep a stored manifest as a draft, until it is published or discarded."""
    return await execute(request, body.read(ModelName(namespace, model)))


@router.get(_MODEL + "/drafts", response_model=Page[q.Draft])
async def list_drafts(
    request: Request, namespace: Part, model: Part, after: After = -1, limit: Limit = 100
) -> Response:
    """List the drafts that are neither published nor discarded, oldest first."""
    name = ModelName(namespace, model)
    return await answer_page(request, q.ListDrafts(name=name, after=after, limit=limit))


@router.post("/drafts/{entry}/discards", response_model=Receipt, status_code=201)
async def discard_draft(request: Request, entry: Entry, body: Reason) -> Response:
    """End a draft; its files go, but for those that something else needs."""
    return await execute(request, c.DiscardDraft(draft=entry, reason=body.read()))


@router.get(_MODEL + "/moves", response_model=Page[q.Move])
async def list_moves(  # noqa: PLR0913, PLR0917 - as above
    request: Request,
    namespace: Part,
    model: Part,
    alias: Name | None = None,
    at: At = None,
    after: After = -1,
    limit: Limit = 100,
) -> Response:
    """List the moves of an alias, or of all of a model's, oldest first."""
    which = None if alias is None else Alias(alias)
    name = ModelName(namespace, model)
    return await answer_page(request, q.ListMoves(name=name, alias=which, at=at, after=after, limit=limit))


def refer(namespace: str, model: str, selector: str) -> Reference:
    """Put the parts of a path together. Raises as `Reference.parse`."""
    name = ModelName(namespace, model)
    return Reference.parse(f"{name}@{selector}")
