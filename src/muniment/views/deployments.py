"""Deployments: which version serves where, since when, and what the target says that it has loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from muniment.core.claims.deployments import State
from muniment.core.digests import Digest
from muniment.core.records import DeploymentRecord
from muniment.views.listing import view_list
from muniment.views.values import Time, name_people
from muniment.views.view import Column, Mark, Row, Tone, View, Vouched


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployment, the digest of its version, and what nobody should overlook about that."""

    record: DeploymentRecord
    revision: str
    standing: str = ""

    @property
    def serves(self) -> bool:
        """Whether it serves still."""
        return self.record.ended is None and self.record.state == State.SERVING

    @property
    def is_other(self) -> bool:
        """Whether the target serves, and says that it has loaded something else."""
        return self.serves and self.record.loaded not in {None, self.revision}


def view_deployments(  # noqa: PLR0913 - what it shows, and how whole it is
    title: str,
    deployments: Sequence[Deployed],
    names: Mapping[str, str],
    now: str,
    *,
    found: bool,
    history: bool,
) -> View:
    """Show deployments, in their order; with `history`, there are also those that have ended."""
    more = "" if history else " (--history also lists what has ended)"
    columns = (
        Column("target", "target"),
        Column("reference", "version"),
        Column("standing", "", is_drawn=any(one.standing for one in deployments)),
        Column("status", "state"),
        Column("recorded", "since"),
        Column("signer", "by", in_full=True),
        Column("loaded", "loaded (stated)", in_full=True),
        Column("reports", "the target (stated)", below=True),
        Column("state", "recorded state", is_drawn=False),
        Column("serves", "serves", is_drawn=False),
        Column("as_meant", "as meant", is_drawn=False),
        Column("ended", "ended in entry", is_drawn=False),
        Column("name", "model", is_drawn=False),
        Column("number", "number", is_drawn=False),
        Column("attestation", "claim", is_drawn=False),
    )
    return view_list(
        "deployments",
        title or "Deployments",
        columns,
        [_view_deployed(one, names, Mark.FOUND if found else Mark.RECORDED) for one in deployments],
        now,
        heading="Deployments",
        found=found,
        empty=f"nothing serves{more}: muniment deploy REFERENCE TARGET records it",
        # What else it is that a target has loaded.
        commands=[f"muniment identify {one.record.loaded}" for one in deployments if one.is_other],
    )


def _view_deployed(one: Deployed, names: Mapping[str, str], mark: Mark) -> Row:
    record = one.record
    return Row(
        cells=(
            record.target,
            f"{record.name}@{record.number}",
            one.standing or None,
            _describe_state(one),
            Time(record.recorded),
            name_people(names, record.signer),
            None if record.loaded is None else Digest.parse(record.loaded),
            _describe_loaded(one),
            record.state,
            one.serves,
            not one.is_other,
            record.ended,
            record.name,
            record.number,
            Digest.parse(record.attestation),
        ),
        vouched=Vouched(mark, record.index),
        tone=Tone.BAD if one.standing or one.is_other else Tone.PLAIN,
    )


def _describe_state(one: Deployed) -> str:
    return "ended" if one.record.state == State.SERVING and not one.serves else one.record.state


def _describe_loaded(one: Deployed) -> str | None:
    if not one.serves:
        return None
    if one.record.loaded is None:
        return "has not reported what it has loaded"
    return "reports SOMETHING ELSE" if one.is_other else "reports these bytes"
