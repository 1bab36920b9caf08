"""Places: the subject under which the index has the events that make and amend a record.

All events about the subject tell everything of its records. The newest alone tells the newest record if it
makes one, and not merely amends it.

>>> of_alias = Where("name", "=", "acme/x"), Where("alias", "=", "production")
>>> find_asked(MoveRecord, of_alias, newest=True)
Asked(subject=Subject(kind=<SubjectKind.ALIAS: 'alias'>, name='acme/x@production'), newest=True)
>>> find_asked(MoveRecord, [*of_alias, Where("index", "<", 7)], newest=True).newest
False
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from muniment.core.events.subjects import Subject, SubjectKind
from muniment.core.records import (
    AttestationRecord,
    ClockJumpRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    Key,
    KeyRecord,
    MentionRecord,
    ModelRecord,
    MoveRecord,
    NamespaceRecord,
    OwnerRecord,
    PolicyRecord,
    PreferencesRecord,
    PrincipalRecord,
    ProposalDecisionRecord,
    ProposalRecord,
    QuotaRecord,
    ReadsBatchRecord,
    ReadsSettingRecord,
    Record,
    RecoveryRecord,
    RequestRecord,
    RetentionRecord,
    StatusRecord,
    TagRecord,
    TierRecord,
    TimeConfirmationRecord,
    TokenRecord,
    Value,
    VersionRecord,
    VouchRecord,
    WebhookRecord,
    Where,
)


class Place(NamedTuple):
    """A kind of subjects, and how its name is written with the columns of a record.

    `namespace` stands for that of the names, if the record has no such column.
    """

    kind: SubjectKind
    form: str
    columns: tuple[str, ...]


_AFTER_SLASH: Final = chr(ord("/") + 1)
_VERSION: Final = Place(SubjectKind.VERSION, "{}@{}", ("name", "number"))
_CLAIMS: Final = Place(SubjectKind.CLAIMS, "{}/{}", ("namespace", "revision"))

# Of each record the narrowest place comes first.
PLACES: Final[Mapping[type[Record], tuple[Place, ...]]] = {
    ClockJumpRecord: (Place(SubjectKind.CLOCK, "", ()),),
    TimeConfirmationRecord: (Place(SubjectKind.CLOCK, "", ()),),
    NamespaceRecord: (Place(SubjectKind.CREATION, "{}", ("name",)),),
    PrincipalRecord: (Place(SubjectKind.PRINCIPAL, "{}", ("id",)),),
    KeyRecord: (
        Place(SubjectKind.KEY, "{}", ("id",)),
        Place(SubjectKind.PRINCIPAL, "{}", ("principal",)),
    ),
    RecoveryRecord: (Place(SubjectKind.VOUCHES, "{}", ("principal",)),),
    VouchRecord: (Place(SubjectKind.VOUCHES, "{}", ("principal",)),),
    GrantRecord: (
        Place(SubjectKind.ROLES, "{}/{}", ("namespace", "principal")),
        Place(SubjectKind.GRANTS, "{}", ("namespace",)),
    ),
    # The first version makes it.
    ModelRecord: (
        Place(SubjectKind.VERSION, "{}@1", ("name",)),
        Place(SubjectKind.MODELS, "{}", ("namespace",)),
    ),
    DraftRecord: (Place(SubjectKind.DRAFTS, "{}", ("name",)),),
    VersionRecord: (
        _VERSION,
        _CLAIMS,
        Place(SubjectKind.VERSIONS, "{}", ("name",)),
    ),
    AttestationRecord: (_CLAIMS,),
    PolicyRecord: (
        Place(SubjectKind.POLICY, "{}@{}", ("models", "alias")),
        Place(SubjectKind.POLICIES, "{}", ("namespace",)),
    ),
    TierRecord: (
        Place(SubjectKind.TIER, "{}", ("name",)),
        Place(SubjectKind.TIERS, "{}", ("namespace",)),
    ),
    ProposalRecord: (Place(SubjectKind.PROPOSALS, "{}", ("namespace",)),),
    ProposalDecisionRecord: (Place(SubjectKind.PROPOSALS, "{}", ("namespace",)),),
    OwnerRecord: (Place(SubjectKind.OWNER, "{}", ("name",)),),
    StatusRecord: (Place(SubjectKind.STATUS, "{}@{}", ("name", "number")),),
    RetentionRecord: (_VERSION,),
    MoveRecord: (
        Place(SubjectKind.ALIAS, "{}@{}", ("name", "alias")),
        _VERSION,
        Place(SubjectKind.VERSION, "{}@{}", ("name", "previous")),
        Place(SubjectKind.MOVES, "{}", ("name",)),
    ),
    RequestRecord: (Place(SubjectKind.REQUESTS, "{}", ("name",)),),
    CommentRecord: (Place(SubjectKind.COMMENTS, "{}@{}", ("name", "number")),),
    MentionRecord: (Place(SubjectKind.COMMENTS, "{}@{}", ("name", "number")),),
    TagRecord: (_VERSION,),
    TokenRecord: (Place(SubjectKind.TOKENS, "{}", ("principal",)),),
    PreferencesRecord: (Place(SubjectKind.PREFERENCES, "{}", ("principal",)),),
    ReadsSettingRecord: (Place(SubjectKind.READS, "{}", ("namespace",)),),
    ReadsBatchRecord: (Place(SubjectKind.READS, "{}", ("namespace",)),),
    QuotaRecord: (Place(SubjectKind.QUOTA, "{}", ("namespace",)),),
    WebhookRecord: (Place(SubjectKind.WEBHOOKS, "{}", ("namespace",)),),
    DeploymentRecord: (
        Place(SubjectKind.TARGET, "{}/{}", ("namespace", "target")),
        Place(SubjectKind.DEPLOYMENTS, "{}", ("namespace",)),
    ),
}


class Asked(NamedTuple):
    """What is asked about a subject: the newest record only, or more."""

    subject: Subject
    newest: bool


def find_asked(kind: type[Record], conditions: Sequence[Where], *, newest: bool) -> Asked | None:
    """Find out what a selection of records asks; None if they have no common subject.

    `newest` says that only the newest is wanted of those that meet all conditions.
    """
    equal = {one.column: one.value for one in conditions if one.op == "="}
    known = _find_namespace(conditions) | equal
    for place in PLACES.get(kind, ()):
        if all(known.get(column) is not None for column in place.columns):
            subject = Subject(place.kind, place.form.format(*(known[column] for column in place.columns)))
            return Asked(subject, newest and {one.column for one in conditions} == {*place.columns})
    return None


def within_namespace(column: str, namespace: str) -> tuple[Where, Where]:
    """Return the conditions that a column names something in a namespace: `acme/...`."""
    return Where(column, ">=", f"{namespace}/"), Where(column, "<", f"{namespace}{_AFTER_SLASH}")


def _find_namespace(conditions: Sequence[Where]) -> dict[str, Value]:
    """Find the namespace that conditions limit names to, if they do."""
    for column, op, value in conditions:
        if not isinstance(value, str):
            continue
        namespace = value.partition("/")[0]
        if (column, op) == ("name", "=") or {*within_namespace(column, namespace)} <= {*conditions}:
            return {"namespace": namespace}
    return {}


def find_place(kind: type[Record], key: Key) -> Subject | None:
    """Find the subject of the record that has a primary key; None if it has none."""
    asked = find_asked(kind, [Where(*one) for one in zip(kind.key, repeat("="), key)], newest=False)
    return None if asked is None else asked.subject
