"""Events: every change to the registry, in the past tense, as the log keeps it.

Each event is a frozen dataclass with its data, its subjects (`subjects`) and the records that it makes or
amends (`fold`). There is one fold: the write path, `admin rebuild` and a client that checks a record against
its entry share it.

>>> event = QuotaSet(namespace="acme", size_bytes=1 << 40)
>>> event.type, [str(kind) for kind, _ in event.subjects()]
('quota.set', ['namespace', 'quota'])
"""

from muniment.core.events.bytes import QuotaSet as QuotaSet
from muniment.core.events.bytes import ReadsRecorded as ReadsRecorded
from muniment.core.events.bytes import ReadsSet as ReadsSet
from muniment.core.events.catalog import CommentErased as CommentErased
from muniment.core.events.catalog import CommentPosted as CommentPosted
from muniment.core.events.catalog import OwnerSet as OwnerSet
from muniment.core.events.catalog import TagSet as TagSet
from muniment.core.events.claims import AttestationRecorded as AttestationRecorded
from muniment.core.events.claims import ClaimWithdrawn as ClaimWithdrawn
from muniment.core.events.claims import Deployed as Deployed
from muniment.core.events.event import Entry as Entry
from muniment.core.events.event import Event as Event
from muniment.core.events.gates import AliasMoved as AliasMoved
from muniment.core.events.gates import AliasRemoved as AliasRemoved
from muniment.core.events.gates import EmergencyClosed as EmergencyClosed
from muniment.core.events.gates import PolicyEnded as PolicyEnded
from muniment.core.events.gates import PolicySet as PolicySet
from muniment.core.events.gates import RequestClosed as RequestClosed
from muniment.core.events.gates import RequestOpened as RequestOpened
from muniment.core.events.gates import RequestOutcome as RequestOutcome
from muniment.core.events.gates import RequestReminded as RequestReminded
from muniment.core.events.gates import TierSet as TierSet
from muniment.core.events.leaves import EVENTS as EVENTS
from muniment.core.events.leaves import read_entry as read_entry
from muniment.core.events.leaves import write_entry as write_entry
from muniment.core.events.leaves import write_event as write_event
from muniment.core.events.log import ClockJumped as ClockJumped
from muniment.core.events.log import IndexSealed as IndexSealed
from muniment.core.events.log import NamespaceCreated as NamespaceCreated
from muniment.core.events.log import RegistryCreated as RegistryCreated
from muniment.core.events.log import RegistryRestored as RegistryRestored
from muniment.core.events.log import TimeConfirmed as TimeConfirmed
from muniment.core.events.people import IssuerDistrusted as IssuerDistrusted
from muniment.core.events.people import IssuerTrusted as IssuerTrusted
from muniment.core.events.people import KeyEnrolled as KeyEnrolled
from muniment.core.events.people import KeyRevoked as KeyRevoked
from muniment.core.events.people import LoginLinked as LoginLinked
from muniment.core.events.people import PreferencesSet as PreferencesSet
from muniment.core.events.people import PrincipalConfirmed as PrincipalConfirmed
from muniment.core.events.people import PrincipalErased as PrincipalErased
from muniment.core.events.people import PrincipalRegistered as PrincipalRegistered
from muniment.core.events.people import RecoveryBegun as RecoveryBegun
from muniment.core.events.people import RecoveryEnded as RecoveryEnded
from muniment.core.events.people import RecoveryOutcome as RecoveryOutcome
from muniment.core.events.people import RoleGranted as RoleGranted
from muniment.core.events.people import RoleRevoked as RoleRevoked
from muniment.core.events.people import TokenIssued as TokenIssued
from muniment.core.events.people import TokenRevoked as TokenRevoked
from muniment.core.events.proposals import ProposalDecided as ProposalDecided
from muniment.core.events.proposals import ProposalOpened as ProposalOpened
from muniment.core.events.proposals import ProposalReviewed as ProposalReviewed
from muniment.core.events.proposals import ProposalWithdrawn as ProposalWithdrawn
from muniment.core.events.proposals import Proposed as Proposed
from muniment.core.events.subjects import Subject as Subject
from muniment.core.events.subjects import SubjectKind as SubjectKind
from muniment.core.events.upkeep import WebhookEnded as WebhookEnded
from muniment.core.events.upkeep import WebhookReplayed as WebhookReplayed
from muniment.core.events.upkeep import WebhookSet as WebhookSet
from muniment.core.events.versions import DraftEnded as DraftEnded
from muniment.core.events.versions import DraftOutcome as DraftOutcome
from muniment.core.events.versions import DraftSaved as DraftSaved
from muniment.core.events.versions import RetentionSet as RetentionSet
from muniment.core.events.versions import StatusSet as StatusSet
from muniment.core.events.versions import VersionPublished as VersionPublished
