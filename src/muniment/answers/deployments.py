"""Deployments: what serves where."""

from muniment.answers.catalog import check_model
from muniment.answers.pages import select_page
from muniment.answers.places import within_namespace
from muniment.answers.view import State
from muniment.core.claims import deployments
from muniment.core.records import DeploymentRecord, Where
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
