"""Inboxes: what a person has to do, and should know."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ItemKind(StrEnum):
    """The kind of an item of an inbox: first the tasks, then the notices."""

    # Somebody asks for our review.
    REQUEST = "request"
    # Somebody asks for an exception from rules.
    WAIVER = "waiver"
    # Somebody moved an alias past its gate; we may close the emergency.
    CLOSING = "closing"
    # A change to a protected policy waits for our approval.
    PROPOSAL = "proposal"
    # A protected policy was changed in an emergency; we may close it.
    PROPOSAL_CLOSING = "proposal-closing"
    # Our approval does not count any more.
    STALE = "stale"
    # A waiver ends soon, or has ended, and the version still needs it.
    ENDING = "ending"
    # Somebody lets us in anew.
    RECOVERY = "recovery"
    # What we requested was answered.
    ANSWER = "answer"
    MENTION = "mention"
    EMERGENCY = "emergency"
    PROPOSAL_EMERGENCY = "proposal-emergency"
    # What we proposed took effect, or was rejected.
    PROPOSAL_ANSWER = "proposal-answer"
    # The policies of a model of ours changed.
    POLICY = "policy"
    # A version of ours was revoked, retired, deprecated or purged.
    STATUS = "status"
    # A scan found something in a version of ours.
    FLAGGED = "flagged"
    # An alias left a version of ours.
    SUPERSEDED = "superseded"
    # Something happened to a model that we follow.
    NEWS = "news"

    @property
    def is_task(self) -> bool:
        """Whether there is something to do."""
        return self in _TASKS

    @property
    def is_of_proposal(self) -> bool:
        """Whether it is about a proposal, rather than a version or a model."""
        return self in OF_PROPOSALS


OF_PROPOSALS: Final = frozenset(
    {
        ItemKind.PROPOSAL,
        ItemKind.PROPOSAL_CLOSING,
        ItemKind.PROPOSAL_EMERGENCY,
        ItemKind.PROPOSAL_ANSWER,
    }
)
_TASKS: Final = frozenset(
    {
        ItemKind.REQUEST,
        ItemKind.WAIVER,
        ItemKind.CLOSING,
        ItemKind.PROPOSAL,
        ItemKind.PROPOSAL_CLOSING,
        ItemKind.STALE,
        ItemKind.ENDING,
    }
)
_APPROVE: Final = "muniment approve {item.reference} --for {item.alias} --as {item.role} --reason TEXT"
_CHECK: Final = "muniment check {item.reference} {item.alias}"
_SHOW: Final = "muniment proposal show {item.entry}"
_CLOSE: Final = "muniment close-emergency {item.entry} --reason TEXT"
_APPROVALS: Final = frozenset({ItemKind.REQUEST, ItemKind.WAIVER, ItemKind.STALE})
_NEXT: Final = {
    ItemKind.REQUEST: _APPROVE,
    ItemKind.WAIVER: f"{_APPROVE} --waiver {{item.claim}}",
    ItemKind.CLOSING: _CLOSE,
    ItemKind.PROPOSAL: _SHOW,
    ItemKind.PROPOSAL_CLOSING: _CLOSE,
    ItemKind.PROPOSAL_EMERGENCY: _SHOW,
    ItemKind.PROPOSAL_ANSWER: _SHOW,
    ItemKind.STALE: _APPROVE,
    ItemKind.ENDING: _CHECK,
    ItemKind.MENTION: "muniment comments {item.reference}",
    ItemKind.RECOVERY: "muniment user recovery cancel {item.entry}",
}
# What an item of a person is about, rather than a version or a model.
ACCOUNT: Final = "your account"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """An item of an inbox.

    Attributes:
        kind: a task or a notice (`ItemKind`).
        reference: the version that it is about, or the model, or the account of its owner; of a proposal, the
            models of the policy.
        alias: the alias that it is for; empty if none.
        who: the principal who caused it.
        what: what happened, in words.
        text: their message (None if there is none or it was erased).
        claim: the digest of the claim that it is about; empty if none.
        role: a role in which its owner can decide; empty if there is nothing to decide.
        since: when it arrived (RFC 3339).
        due: the deadline; None if there is none.
        overdue: whether the deadline has passed.
        entry: the entry of the log that caused it.
    """

    kind: ItemKind
    reference: str
    alias: str
    who: str
    what: str
    text: str | None
    claim: str
    role: str
    since: str
    due: str | None
    overdue: bool
    entry: int

    @property
    def next(self) -> str:
        """The command to type next; empty if there is none."""
        if self.kind is ItemKind.RECOVERY and self.due is None:
            return ""
        if self.kind in _APPROVALS and not self.role:
            # They may reject it; their approval would not count.
            return _CHECK.format(item=self)
        return _NEXT.get(self.kind, "").format(item=self)
