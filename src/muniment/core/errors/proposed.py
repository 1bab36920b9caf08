"""Have other people approve a change, or find out who can."""

from muniment.core.errors.refused import Refused


class ChangeNeedsApproval(Refused):
    """A change touches a protected policy, so other people have to approve it first."""

    change: str
    policies: tuple[str, ...]
    asked: str
    message = "the policy of {policies} is protected: to {change}, {asked} must approve it first"
    advice = "propose it (propose_change): muniment policy and muniment alias remove do so by themselves"


class NobodyCanApprove(Refused):
    """Nobody could approve a proposal, so it would never take effect."""

    change: str
    asked: str
    remedy: str
    message = (
        "to {change}, {asked} must approve it, and nobody can: it takes somebody who neither proposed it nor"
        " made a version newer than the one that the alias holds, nor is there on the word of who did"
    )
    advice = "{remedy}"


class AlreadyProposed(Refused):
    """The same change is proposed already."""

    entry: int
    message = "the same change is proposed already, in entry {entry}"
    advice = "see what it waits for: muniment proposal show {entry}"


class ProposalStale(Refused):
    """What a proposal would change is no longer as it was, so it cannot take effect."""

    entry: int
    reason: str
    message = "the proposal of entry {entry} no longer fits what is in force: {reason}"
    advice = "propose the change again"


class NotYoursToDecide(Refused):
    """It is not for the principal to decide about a proposal."""

    entry: int
    reason: str
    message = "you cannot decide this about the proposal of entry {entry}: {reason}"
    advice = "see who can: muniment proposal show {entry}"
