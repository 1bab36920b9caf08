"""Have other people approve a change, or find out who can."""

from shlex import quote

from muniment.core.errors.refused import Refused


class ChangeNeedsApproval(Refused):
    """A change touches a protected policy, so other people have to approve it first."""

    change: str
    policies: tuple[str, ...]
    asked: str
    message = "the policy of {policies} is protected: to {change}, {asked} must approve it first"
    advice = "propose it (propose_change): muniment policy and muniment alias remove do so by themselves"


class NobodyCanApprove(Refused):
    """Nobody could approve a proposal, so it would never take effect.

    Attributes:
        unconfirmed: somebody who holds the role, and whom an admin would have to confirm; empty if nobody
            does.
        admins: the admins who could confirm them or, if there is nobody, give the role to somebody.
        behind: on whose word every admin is there, if there are no such admins.
    """

    change: str
    asked: str
    role: str
    namespace: str
    unconfirmed: str
    admins: tuple[str, ...]
    behind: tuple[str, ...]
    message = (
        "to {change}, {asked} must approve it, and nobody can: it takes somebody who neither proposed it nor"
        " made a version newer than the one that the alias holds, nor is there on the word of who did"
    )
    advice = "{self.who_helps}"

    @property
    def who_helps(self) -> str:
        """Who could make somebody qualify, and how."""
        admins = " or ".join(map(quote, self.admins))
        if not self.admins:
            those = " and ".join(map(quote, self.behind))
            other = "have somebody else propose it, or use an identity provider"
            return f"every admin is there on the word of {those}: {other}"
        if self.unconfirmed:
            return f"ask {admins} to confirm somebody: muniment user confirm {quote(self.unconfirmed)}"
        grant = f"muniment role grant PRINCIPAL {quote(self.role)} {quote(self.namespace)}"
        return f"ask {admins} to give somebody else the role: {grant}"


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
