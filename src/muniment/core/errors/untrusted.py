"""Stop: what was read differs from what was recorded."""

from typing import ClassVar

from muniment.core.counting import name_entries
from muniment.core.errors.tree import MunimentError


class Untrusted(MunimentError):
    """Something was changed or removed since it was recorded."""


class ContentCorrupt(Untrusted):
    """Stored bytes do not match their digest."""

    path: str
    expected: str
    actual: str
    message = "{path!r} was altered: its digest is {actual}, expected {expected}"
    advice = "do not use it: restore the blob from a backup, then verify again"


class NotSigned(Untrusted):
    """No signature of the author covers the files of a version."""

    reference: str
    message = "the author of {reference} has not signed its files"
    advice = "do not use it: ask its author to push it with this client"


class _UnlikeSeen:
    """The words about a log that differs from what was seen of it, perhaps elsewhere."""

    location: str
    elsewhere: str
    copies: ClassVar[str]

    @property
    def where(self) -> str:
        """Where the other log was seen, if it was elsewhere."""
        return f" at {self.elsewhere}" if self.elsewhere else ""

    @property
    def remedy(self) -> str:
        """What to do: of two copies, one may be older on purpose, or written by mistake."""
        if self.elsewhere:
            return self.copies
        return (
            "do not trust this registry: ask its operator, who must declare it "
            "if an older state was put back (muniment admin restore --lost-after N --reason TEXT)"
        )


class LogRolledBack(_UnlikeSeen, Untrusted):
    """The log is shorter than it was."""

    location: str
    size: int
    remembered: int
    elsewhere: str
    message = "the log of {location} has {size} entries and had {remembered}{self.where}: history was removed"
    advice = "{self.remedy}"
    copies = (
        "if it is an older copy on purpose, such as a backup, read it with --read-only; "
        "if not, do not trust it"
    )


class LogForked(_UnlikeSeen, Untrusted):
    """The log is not an extension of what it was."""

    location: str
    size: int
    remembered: int
    elsewhere: str
    message = (
        "the log of {location} differs from what it was at {remembered} entries{self.where}: "
        "history was rewritten"
    )
    advice = "{self.remedy}"
    copies = (
        "do not trust either until you know why they differ; to read this one, set MUNIMENT_STATE to an "
        "empty directory; if both were written by mistake, keep one and repeat there what only the other has"
    )


class LogRestored(Untrusted):
    """The registry was restored to an older state, and says so; entries that were seen are lost."""

    location: str
    time: str
    lost_after: int
    remembered: int
    reason: str
    written: tuple[str, ...]
    message = "{location} was restored ({time}: {reason}) and has lost {self.lost}, which this client saw"
    advice = (
        "ask its operator why; to go on: muniment accept-restore {location}; then repeat what you had written"
    )

    @property
    def lost(self) -> str:
        """The entries that are lost."""
        return name_entries(self.lost_after, self.remembered - 1)

    def list_failures(self) -> list[str]:
        """List what this user has written of it."""
        return [f"you had written {one}" for one in self.written]


class LogReplaced(Untrusted):
    """Another log answers where a known one was."""

    location: str
    origin: str
    remembered: str
    message = "{location} answers with the log {origin}, expected {remembered}"
    advice = "if you created a new registry there on purpose: muniment forget {location}"


class MemoryDamaged(Untrusted):
    """The client's memory of a log cannot be read. A damaged memory does not count as an empty one."""

    location: str
    path: str
    message = "the memory of {location} ({path}) cannot be read"
    advice = "restore the file from a backup, or start anew: muniment forget {location}"


class LogInconsistent(Untrusted):
    """The stored log does not match its hashes."""

    reason: str
    message = "the log contradicts itself: {reason}"
    advice = "restore the database from a backup; `muniment audit verify` checks it"


class AuditFailed(Untrusted):
    """An entry of the log says what cannot be true after those before it."""

    index: int
    event: str
    rule: str
    reason: str
    message = "entry {index} of the log ({event}) is false ({rule}): {reason}"
    advice = "do not rely on what follows from it, and ask the operator of the registry about this entry"


class VerdictInconsistent(Untrusted):
    """A verdict on record does not follow from its inputs."""

    digest: str
    reason: str
    message = "the verdict {digest} does not follow from its inputs: {reason}"
    advice = "do not rely on it: check again (muniment check), and ask who signed it"


class GateMisjudged(Untrusted):
    """The registry judges a version by a policy otherwise than it can come out."""

    reference: str
    alias: str
    rule: str
    message = "the registry judges {reference} for {alias} otherwise than what is proven: {rule}"
    advice = "do not rely on its gate; if client and server have different versions, update the older one"


class MoveUnfounded(Untrusted):
    """An alias moved without the verdicts of the policies that were in force."""

    reference: str
    alias: str
    index: int
    reason: str
    message = "the move of {alias} to {reference}, entry {index}, does not rest on its policies: {reason}"
    advice = "do not use it: ask an admin of the registry, and replay the log with `muniment audit verify`"


class EvidenceInconsistent(Untrusted):
    """A stated metric does not follow from the counts beside it."""

    digest: str
    contradictions: tuple[str, ...]
    message = "the evaluation {digest:.19} contradicts itself: {contradictions}"
    advice = "do not rely on it: ask its signer to evaluate again"


class ProvenanceHole(Untrusted):
    """The provenance of a version has a gap."""

    reference: str
    name: str
    message = "the {name} that {reference} was made from is not in the registry"
    advice = "push it as a dataset or model, or take a snapshot of it next time"


class ProvenanceCycle(Untrusted):
    """The provenance of a version leads back to itself."""

    reference: str
    message = "the provenance of {reference} leads back to itself"
    advice = "one of its claims is wrong: see muniment lineage {reference}"


class ProofInvalid(Untrusted):
    """A proof or a signed checkpoint does not verify."""

    what: str
    message = "the proof of {what} does not verify"
    advice = "do not trust this answer: check the whole log with muniment audit verify"


class IndexForked(Untrusted):
    """The index of the log differs from what it was at the same size."""

    location: str
    size: int
    message = (
        "{location} has signed two indexes of its log of {size} entries: one of them leaves something out"
    )
    advice = "do not trust this registry: compare with a backup and ask its operator"


class AnswerStale(Untrusted):
    """An answer is older than what was seen, or than the bound on its age."""

    location: str
    time: str
    message = "{location} answers with its state of {time}, which is too old"
    advice = "ask again; if it stays so, compare the clocks of client and server, and see MUNIMENT_MAX_AGE"


class AnswerAhead(Untrusted):
    """An answer is of a time that has not come yet."""

    location: str
    time: str
    message = "{location} answers with its state of {time}, which has not come yet"
    advice = "compare the clocks of client and server; nothing was remembered of it"


class EntryUnknown(Untrusted):
    """An entry of the log has a format or type that this version of Muniment does not know."""

    index: int
    type: str
    message = "entry {index} of the log has the type {type!r}, which this version of Muniment does not know"
    advice = "it was written by another version: use that one, or a newer one, here as well"


class AnswerIncomplete(Untrusted):
    """An answer was to be proven, and a part of what it follows from is missing."""

    what: str
    message = "the answer leaves something out that it depends on: {what}"
    advice = "do not trust this answer; if client and server have different versions, update the older one"


class IndexMalformed(Untrusted):
    """An answer from the index does not have the form of a proof."""

    reason: str
    message = "an answer from the index is not a proof: {reason}"
    advice = "do not trust this answer: check the whole log with muniment audit verify"


class ReceiptMismatch(Untrusted):
    """A command was answered with an entry of the log that does not confirm it."""

    command: str
    index: int
    event: str
    reason: str
    message = "{command} was answered with entry {index} of the log ({event}), which {reason}"
    advice = "it may not have taken effect: check with `muniment show` or `muniment history`, then repeat it"


class RecordUnproven(Untrusted):
    """A record does not follow from the event that should have made it."""

    record: str
    index: int
    message = "{record} does not follow from entry {index} of the log"
    advice = "a table was changed outside the registry: muniment admin rebuild --check names the rows"
