"""Requests for approval."""

from muniment.answers.catalog import check_model
from muniment.answers.pages import select_page
from muniment.answers.view import State
from muniment.core.records import RequestRecord, Where
from muniment.core.verbs.gates import ListRequests, Request


def list_requests(state: State, query: ListRequests) -> tuple[Request, ...]:
    """List the requests for a model. Raises like `check_model`."""
    check_model(state.view, query.name)
    open_ = [] if query.closed else [Where("closed", "=", None)]
    records = select_page(state.view, query, RequestRecord, Where("name", "=", str(query.name)), *open_)
    return tuple(
        Request(
            record=record,
            reason=state.find_text(record.reason),
            answer=state.find_text(record.answer),
        )
        for record in records
    )
