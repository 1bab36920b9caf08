"""Which registry this is, who we are there, the state of its log, and what waits for us."""

from collections import Counter
from collections.abc import Sequence

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.counting import count
from muniment.core.errors import NotIdentified
from muniment.core.gates.inbox import InboxItem
from muniment.core.times import write_seconds
from muniment.signing.notes import NoteVerifier
from muniment.views.status import view_status
from muniment.views.values import Person, Time, Value
from muniment.views.view import View


def show_status(backend: TrustedBackend, items: Sequence[InboxItem]) -> View:
    """Show the status of a registry; `items` are those of our inbox."""
    head = backend.meet()
    behind = backend.behind
    warnings = ["read-only"] if backend.read_only else []
    if behind is not None:
        warnings.append(f"an older copy: {count(behind.size - head.size, 'newer entry')} seen elsewhere")
    return view_status(
        location=backend.location,
        log={
            "log": NoteVerifier.read(head.verifier).name,
            "checkpoint": head.size,
            "signed": Time(write_seconds(head.time)),
            "newest_entry": None if backend.as_of is None else Time(backend.as_of),
        },
        me=_describe_me(backend),
        waiting=sorted(Counter(item.kind for item in items).items()),
        warnings=warnings,
        now=backend.time(),
    )


def _describe_me(backend: TrustedBackend) -> dict[str, Value]:
    try:
        person = backend.find_person(backend.principal)
    except NotIdentified:
        return {"name": "nobody: muniment login, or a key that is enrolled, identifies you"}
    roles = tuple(f"{grant.role} in {grant.namespace}" for grant in person.grants if grant.ended is None)
    return {
        "name": Person(person.record.id, person.name),
        "roles": roles or "none",
        "keys": sum(key.revoked is None for key in person.keys),
    }
