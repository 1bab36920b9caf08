"""The app: doors, health and metrics around one registry."""

import hmac
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muniment import __version__
from muniment.core.errors import BadToken
from muniment.edge.credentials import read_token
from muniment.edge.gateway import Bounds, Gateway, Metrics
from muniment.protocols.native.errors import add_handlers
from muniment.protocols.native.routes import PREFIX, add_routes
from muniment.server.readiness import check_ready
from muniment.server.settings import ServerSettings
from muniment.server.wiring import Opened
from muniment.server.workloads import WorkloadVerifier
from muniment.services.serving.registry import ServedRegistry
from muniment.web import pages

_ABOUT = "A model registry that can prove every answer it gives."


def make_app(opened: Opened, settings: ServerSettings) -> Gateway:
    """Put the app together."""
    registry, collector = opened.registry, CollectorRegistry()

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        opened.jobs.start()
        yield
        await to_thread.run_sync(opened.close)

    app = FastAPI(
        title="Muniment",
        description=_ABOUT,
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        # The pages of these load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=live,
    )
    app.state.registry = registry
    app.state.settings = settings
    app.state.collector = collector
    app.state.login = "oidc" if settings.oidc_issuer else None
    workloads = WorkloadVerifier(registry)
    app.state.verify_workload = workloads.verify
    add_routes(app)
    add_handlers(app)
    app.router.routes += [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
        *pages.make_routes(),
        *_make_logins(registry, workloads, settings),
    ]
    bounds = Bounds(
        body_bytes=settings.max_body,
        pause_s=settings.pause,
        per_second=settings.rate,
        burst=settings.burst,
    )
    return Gateway(app, bounds, Metrics(collector))


async def _healthz(_request: Request) -> Response:
    """Say that this process answers."""
    return JSONResponse({"status": "ok"})


async def _readyz(request: Request) -> Response:
    """Say whether this process can do its work: each store, by name."""
    found = await to_thread.run_sync(check_ready, request.app.state.registry)
    ready = all(fault is None for fault in found.values())
    document = {"ready": ready, "checks": {name: fault or "ok" for name, fault in found.items()}}
    return JSONResponse(document, 200 if ready else 503)


async def _metrics(request: Request) -> Response:
    """Give the metrics, in the text form of Prometheus."""
    wanted = request.app.state.settings.metrics_token
    if wanted is not None:
        shown = read_token(request.headers) or ""
        if not hmac.compare_digest(shown.encode(), wanted.get_secret_value().encode()):
            raise BadToken
    return Response(generate_latest(request.app.state.collector), 200, None, CONTENT_TYPE_LATEST)


def _make_logins(
    registry: ServedRegistry, workloads: WorkloadVerifier, settings: ServerSettings
) -> list[Route]:
    if settings.oidc_issuer is None:
        return []
    # Who has no provider is spared a library of its own for that (docs/decisions/0004-late-imports.md).
    logins = importlib.import_module("muniment.server.logins")
    provider = logins.Provider(
        issuer=str(settings.oidc_issuer).rstrip("/"),
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
    )
    routes: list[Route] = logins.make_routes(registry, workloads.issuers, provider, settings.address)
    return routes
