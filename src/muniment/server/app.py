"""The app: the doors, pages, health and metrics of one registry."""

import hmac
import importlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muniment.core.errors import BadToken
from muniment.edge.caller import find_token
from muniment.edge.door import Door, House, open_door
from muniment.edge.gateway import Bounds, Gateway, Metrics
from muniment.edge.problems import write_problem
from muniment.protocols.native.routes import open_native
from muniment.server.readiness import check_ready
from muniment.server.settings import ServerSettings
from muniment.server.wiring import Opened
from muniment.server.workloads import WorkloadVerifier
from muniment.services.serving.registry import ServedRegistry
from muniment.web import pages

# Each protocol's function that opens its door.
DOORS: Final[Sequence[Callable[[House], Door]]] = (open_native,)


def make_app(
    opened: Opened, settings: ServerSettings, doors: Sequence[Callable[[House], Door]] = DOORS
) -> Gateway:
    """Make the app of a registry."""
    collector, workloads = CollectorRegistry(), WorkloadVerifier(opened.registry)
    house = House(
        registry=opened.registry,
        address=settings.address,
        login="oidc" if settings.oidc_issuer else None,
        verify_workload=workloads.verify,
    )
    bounds = Bounds(
        body_bytes=settings.max_body,
        pause_s=settings.pause,
        per_second=settings.rate,
        burst=settings.burst,
    )
    rest = _open_rest(opened, settings, house, collector, workloads)
    return Gateway([open_one(house) for open_one in doors], rest, bounds, Metrics(collector))


def _open_rest(
    opened: Opened,
    settings: ServerSettings,
    house: House,
    collector: CollectorRegistry,
    workloads: WorkloadVerifier,
) -> Door:
    """Open the routes outside the doors: pages, health and metrics. Their app has the server's lifespan."""

    @asynccontextmanager
    async def live(_app: Starlette) -> AsyncIterator[None]:
        opened.jobs.start()
        yield
        await to_thread.run_sync(opened.close)

    routes = [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        *pages.make_routes(settings.address, provider=settings.oidc_issuer is not None),
        *_make_logins(opened.registry, workloads, settings),
    ]
    app = Starlette(routes=routes, lifespan=live)
    app.state.settings = settings
    app.state.collector = collector
    return open_door("", app, house, write_problem)


async def _healthz(_request: Request) -> Response:
    """Answer that this process is alive."""
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    """Answer whether this process can work, store by store."""
    faults = await to_thread.run_sync(check_ready, request.app.state.registry)
    ready = all(fault is None for fault in faults.values())
    document = {"ready": ready, "checks": {name: fault or "ok" for name, fault in faults.items()}}
    return JSONResponse(document, 200 if ready else 503)


async def _metrics(request: Request) -> Response:
    """Answer with the metrics in the text format of Prometheus."""
    wanted = request.app.state.settings.metrics_token
    if wanted is not None:
        shown = find_token(request.headers) or ""
        if not hmac.compare_digest(shown.encode(), wanted.get_secret_value().encode()):
            raise BadToken
    return Response(generate_latest(request.app.state.collector), 200, None, CONTENT_TYPE_LATEST)


def _make_logins(
    registry: ServedRegistry, workloads: WorkloadVerifier, settings: ServerSettings
) -> list[Route]:
    if settings.oidc_issuer is None:
        return []
    # A server without a provider does not load the login library (docs/decisions/0004-late-imports.md).
    logins = importlib.import_module("muniment.server.logins")
    provider = logins.Provider(
        issuer=str(settings.oidc_issuer).rstrip("/"),
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
    )
    routes: list[Route] = logins.make_routes(registry, workloads.issuers, provider, settings.address)
    return routes
