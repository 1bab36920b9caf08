"""Records: the rows that the log folds into, and the changes by which it does (`core.events`).

Each carries `index`, the entry of the log that made it, so that each can be proved.
"""

from typing import Final

from muniment.core.records.bytes import QuotaRecord as QuotaRecord
from muniment.core.records.bytes import ReadsBatchRecord as ReadsBatchRecord
from muniment.core.records.bytes import ReadsSettingRecord as ReadsSettingRecord
from muniment.core.records.catalog import CommentRecord as CommentRecord
from muniment.core.records.catalog import MentionRecord as MentionRecord
from muniment.core.records.catalog import OwnerRecord as OwnerRecord
from muniment.core.records.catalog import TagRecord as TagRecord
from muniment.core.records.claims import AttestationRecord as AttestationRecord
from muniment.core.records.claims import DeploymentRecord as DeploymentRecord
from muniment.core.records.gates import MoveRecord as MoveRecord
from muniment.core.records.gates import PolicyRecord as PolicyRecord
from muniment.core.records.gates import RequestRecord as RequestRecord
from muniment.core.records.gates import TierRecord as TierRecord
from muniment.core.records.log import ClockJumpRecord as ClockJumpRecord
from muniment.core.records.log import NamespaceRecord as NamespaceRecord
from muniment.core.records.log import TimeConfirmationRecord as TimeConfirmationRecord
from muniment.core.records.people import GrantRecord as GrantRecord
from muniment.core.records.people import IssuerRecord as IssuerRecord
from muniment.core.records.people import KeyRecord as KeyRecord
from muniment.core.records.people import PreferencesRecord as PreferencesRecord
from muniment.core.records.people import PrincipalRecord as PrincipalRecord
from muniment.core.records.people import RecoveryRecord as RecoveryRecord
from muniment.core.records.people import TokenRecord as TokenRecord
from muniment.core.records.people import VouchRecord as VouchRecord
from muniment.core.records.proposals import ProposalDecisionRecord as ProposalDecisionRecord
from muniment.core.records.proposals import ProposalRecord as ProposalRecord
from muniment.core.records.record import Amend as Amend
from muniment.core.records.record import Change as Change
from muniment.core.records.record import Key as Key
from muniment.core.records.record import Put as Put
from muniment.core.records.record import Record as Record
from muniment.core.records.record import Value as Value
from muniment.core.records.record import Where as Where
from muniment.core.records.upkeep import WebhookRecord as WebhookRecord
from muniment.core.records.versions import DraftRecord as DraftRecord
from muniment.core.records.versions import ModelRecord as ModelRecord
from muniment.core.records.versions import RetentionRecord as RetentionRecord
from muniment.core.records.versions import StatusRecord as StatusRecord
from muniment.core.records.versions import VersionRecord as VersionRecord

# In the order in which one refers to another.
RECORDS: Final[tuple[type[Record], ...]] = (
    NamespaceRecord,
    ClockJumpRecord,
    PrincipalRecord,
    TimeConfirmationRecord,
    KeyRecord,
    VouchRecord,
    RecoveryRecord,
    GrantRecord,
    ModelRecord,
    DraftRecord,
    VersionRecord,
    AttestationRecord,
    DeploymentRecord,
    PolicyRecord,
    TierRecord,
    ProposalRecord,
    ProposalDecisionRecord,
    OwnerRecord,
    StatusRecord,
    RetentionRecord,
    MoveRecord,
    RequestRecord,
    CommentRecord,
    MentionRecord,
    TagRecord,
    TokenRecord,
    PreferencesRecord,
    IssuerRecord,
    QuotaRecord,
    ReadsSettingRecord,
    ReadsBatchRecord,
    WebhookRecord,
)
