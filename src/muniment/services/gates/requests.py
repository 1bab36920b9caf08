"""Requests: ask those who may approve to review a version for an alias."""

from muniment.answers.resolve import resolve
from muniment.answers.statuses import check_in_service
from muniment.core.claims.approvals import Approval, SigningDecision
from muniment.core.errors import RequestNotFound
from muniment.core.events import RequestClosed, RequestOpened, RequestOutcome, RequestReminded
from muniment.core.names import ModelName
from muniment.core.payloads import Payload, check_reason
from muniment.core.people.roles import Act
from muniment.core.records import RequestRecord, VersionRecord, Where
from muniment.core.verbs.gates import CloseRequest, OpenRequest
from muniment.ports.unit import Unit
from muniment.services.transaction import Outcome, Transaction


def open_request(tx: Transaction, command: OpenRequest) -> Outcome:
    """Request a version; if the actor has an open request, send a reminder.

    Raises:
        VersionWithdrawn: the version is out of service.
        ReasonNeeded: the reason is blank.
    """
    version = resolve(tx.unit, command.reference)
    check_in_service(tx.unit, version)
    name, number = command.reference.name, version.number
    check_reason(command.reason, f"the request of {name}@{number}")
    reason = tx.keep(command.reason)
    mine = [
        record for record in _list_open(tx.unit, version, str(command.alias)) if record.requester == tx.actor
    ]
    if mine:
        request = mine[0].index
        return Outcome(tx.record(RequestReminded(name=name, number=number, request=request, reason=reason)))
    return Outcome(tx.record(RequestOpened(name=name, number=number, alias=command.alias, reason=reason)))


def close_request(tx: Transaction, command: CloseRequest) -> Outcome:
    """Withdraw the actor's own request.

    Raises:
        RequestNotFound: no open request has that entry, or somebody else made it.
        ReasonNeeded: the reason is blank.
    """
    record = tx.unit.projections.find(RequestRecord, (command.request,))
    if record is None or record.closed is not None or record.requester != tx.actor:
        raise RequestNotFound(entry=command.request, kind="request")
    tx.require(Act.COMMENT, ModelName.parse(record.name).namespace)
    check_reason(command.reason, f"closing the request {command.request}")
    return Outcome(_close(tx, record, RequestOutcome.WITHDRAWN, command.reason))


def close_met(tx: Transaction, version: VersionRecord, alias: str) -> None:
    """Close the requests that a move of an alias has met."""
    for record in _list_open(tx.unit, version, alias):
        _close(tx, record, RequestOutcome.MET, None)


def close_rejected(
    tx: Transaction, version: VersionRecord, approval: Approval, reason: Payload | None
) -> None:
    """Close the requests that a rejection has answered; the requester learns the reason."""
    if approval.decision is SigningDecision.REJECT and approval.waiver is None:
        for record in _list_open(tx.unit, version, approval.alias):
            _close(tx, record, RequestOutcome.REJECTED, reason)


def _list_open(unit: Unit, version: VersionRecord, alias: str) -> list[RequestRecord]:
    return list(
        unit.projections.select(
            RequestRecord,
            Where("name", "=", version.name),
            Where("number", "=", version.number),
            Where("alias", "=", alias),
            Where("closed", "=", None),
        )
    )


def _close(tx: Transaction, record: RequestRecord, outcome: RequestOutcome, reason: Payload | None) -> int:
    return tx.record(
        RequestClosed(
            name=ModelName.parse(record.name),
            number=record.number,
            request=record.index,
            outcome=outcome,
            reason=tx.keep(reason),
        )
    )
