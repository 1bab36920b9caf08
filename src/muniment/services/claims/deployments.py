"""Deployments: what serves where, now or at a time."""

from muniment.answers.catalog import find_model
from muniment.answers.pages import bound, end_of, horizon
from muniment.answers.statuses import check_in_service
from muniment.core.claims.deployments import Deployment, State
from muniment.core.errors import DeploymentNotFound, ModelNotFound, WrongSubject
from muniment.core.events import Deployed
from muniment.core.records import DeploymentRecord, VersionRecord, Where
from muniment.core.verbs.claims import ListDeployments
from muniment.services.people.reading import Reading
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


def list_deployments(reading: Reading, query: ListDeployments) -> tuple[DeploymentRecord, ...]:
    """List what was said of deployments, a page from `after` on, as far as the caller may see it.

    Raises:
        ModelNotFound: the model does not exist, or the caller may not see it.
    """
    unit, namespaces = reading.unit, reading.sight.namespaces()
    conditions = [Where("index", ">", query.after), *horizon(unit, query.at)]
    if query.name is not None:
        if not reading.sight.sees(query.name.namespace):
            raise ModelNotFound(name=str(query.name))
        find_model(unit, query.name)
        conditions.append(Where("name", "=", str(query.name)))
    if query.target:
        conditions.append(Where("target", "=", query.target))
    if query.at is None and not query.history:
        conditions.append(Where("ended", "=", None))
    if not query.history:
        conditions.append(Where("state", "=", str(State.SERVING)))
    # Whether it had ended is told by the log of that time.
    end = end_of(unit, query.at)
    limit = bound(query.limit)
    newest: list[DeploymentRecord] = []
    for record in unit.projections.select(DeploymentRecord, *conditions):
        standing = record.ended is None or record.ended >= end
        seen = namespaces is None or record.name.partition("/")[0] in namespaces
        if seen and (query.history or standing):
            newest.append(record)
        if len(newest) == limit:
            break
    return tuple(newest)
