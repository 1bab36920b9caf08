"""Deployments, by namespace, and their view."""

from collections.abc import Iterator

from muniment.client.proofs.checking import resolve
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import list_namespaces, read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.standing import find_standing
from muniment.core.names import ModelName, Reference
from muniment.core.records import DeploymentRecord
from muniment.core.verbs.claims import ListDeployments
from muniment.views.deployments import Deployed, view_deployments
from muniment.views.view import View


def list_deployments(
    backend: TrustedBackend, name: str | None, target: str, at: str | None, *, history: bool
) -> Iterator[DeploymentRecord]:
    """List the deployments of a model, or of all that the registry names."""
    model = None if name is None else ModelName.parse(name)
    for namespace in list_namespaces(backend, "", at) if model is None else [model.namespace]:
        query = ListDeployments(namespace=namespace, name=model, target=target, at=at, history=history)
        yield from read_all(backend, query)


def show_deployments(
    backend: TrustedBackend, name: str | None, target: str, at: str | None, *, history: bool
) -> View:
    """Show deployments. Those of a model are proven whole."""
    records = list(list_deployments(backend, name, target, at, history=history))
    references = {f"{record.name}@{record.number}" for record in records}
    standing = find_standing(backend, references, at)
    revisions = {one: resolve(backend, Reference.parse(one)).revision for one in references}
    deployments = [
        Deployed(record=record, revision=revisions[one], standing=standing[one])
        for record in records
        for one in [f"{record.name}@{record.number}"]
    ]
    names = find_names(backend, {record.signer for record in records}, at)
    title = " at ".join(filter(None, (name, target)))
    return view_deployments(title, deployments, names, backend.time(), found=name is None, history=history)
