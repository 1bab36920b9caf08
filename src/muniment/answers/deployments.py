"""Deployments: what serves where, and what an event holds of a deployment claim."""

from muniment.answers.catalog import check_model
from muniment.answers.pages import select_page
from muniment.answers.places import within_namespace
from muniment.answers.statuses import check_in_service
from muniment.answers.view import State, View
from muniment.core.claims import deployments
from muniment.core.claims.deployments import Deployment
from muniment.core.errors import DeploymentNotFound, WrongSubject
from muniment.core.events import Deployed
from muniment.core.records import DeploymentRecord, VersionRecord, Where
from muniment.core.verbs.claims import ListDeployments


def list_deployments(state: State, query: ListDeployments) -> tuple[DeploymentRecord, ...]:
    """List what was said of deployments, a page from `after` on.

    Raises:
        ModelNotFound: the model does not exist.
    """
    conditions = [*within_namespace("name", query.namespace)]
    if query.name is not None:
        check_model(state.view, query.name)
        conditions.append(Where("name", "=", str(query.name)))
    if query.target:
        conditions.append(Where("target", "=", query.target))
    if not query.history:
        conditions += [Where("ended", "=", None), Where("state", "=", str(deployments.State.SERVING))]
    return tuple(select_page(state.view, query, DeploymentRecord, *conditions))


def deploy(view: View, version: VersionRecord, deployment: Deployment) -> Deployed:
    """Give what an event holds of a deployment claim.

    Raises:
        WrongSubject: the claim names another version than it is about.
        DeploymentNotFound: it says that the version stopped where it does not serve.
        VersionWithdrawn: it says that the version serves, which is retired, revoked or purged.
    """
    reference = f"{version.name}@{version.number}"
    if deployment.version != reference:
        raise WrongSubject(reference=reference, subject=deployment.version)
    if deployment.state is deployments.State.SERVING:
        check_in_service(view, version)
    newest = view.projections.select(
        DeploymentRecord,
        Where("name", "=", version.name),
        Where("target", "=", deployment.target),
        descending=True,
        limit=1,
    )
    serves = newest and newest[0].state == deployments.State.SERVING and newest[0].number == version.number
    if deployment.state is deployments.State.STOPPED and not serves:
        raise DeploymentNotFound(reference=reference, target=deployment.target)
    return Deployed(
        number=version.number,
        target=deployment.target,
        state=deployment.state,
        loaded=deployment.loaded,
        previous=newest[0].index if newest else None,
    )
