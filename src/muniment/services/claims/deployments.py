"""Deployments: check what is said of them."""

from muniment.answers.statuses import check_in_service
from muniment.core.claims.deployments import Deployment, State
from muniment.core.errors import DeploymentNotFound, WrongSubject
from muniment.core.events import Deployed
from muniment.core.records import DeploymentRecord, VersionRecord, Where
from muniment.services.transaction import Transaction


def deploy(tx: Transaction, version: VersionRecord, deployment: Deployment) -> Deployed:
    """Give what an event holds of a deployment claim.

    Raises:
        WrongSubject: the claim names another version than it is about.
        DeploymentNotFound: it says that the version stopped where it does not serve.
        VersionWithdrawn: it says that the version serves, which is retired, revoked or purged.
    """
    reference = f"{version.name}@{version.number}"
    if deployment.version != reference:
        raise WrongSubject(reference=reference, subject=deployment.version)
    if deployment.state is State.SERVING:
        check_in_service(tx.unit, version)
    newest = tx.unit.projections.select(
        DeploymentRecord,
        Where("name", "=", version.name),
        Where("target", "=", deployment.target),
        descending=True,
        limit=1,
    )
    serves = newest and newest[0].state == State.SERVING and newest[0].number == version.number
    if deployment.state is State.STOPPED and not serves:
        raise DeploymentNotFound(reference=reference, target=deployment.target)
    return Deployed(
        number=version.number,
        target=deployment.target,
        state=deployment.state,
        loaded=deployment.loaded,
        previous=newest[0].index if newest else None,
    )
