"""The tables, in modules by wing, and the table of each kind of record."""

from typing import Final

from sqlalchemy import Table

from muniment.core.records import (
    AttestationRecord,
    ClockJumpRecord,
    CommentRecord,
    DeploymentRecord,
    DraftRecord,
    GrantRecord,
    IssuerRecord,
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
    VersionRecord,
    VouchRecord,
    WebhookRecord,
)
from muniment.stores.sql.tables.bytes import quotas, reads_batches, reads_settings
from muniment.stores.sql.tables.catalog import comments, mentions, owners, tags
from muniment.stores.sql.tables.claims import attestations, deployments
from muniment.stores.sql.tables.columns import metadata as metadata
from muniment.stores.sql.tables.gates import moves, policies, requests, tiers
from muniment.stores.sql.tables.log import clock_jumps, namespaces, time_confirmations
from muniment.stores.sql.tables.people import (
    grants,
    issuers,
    keys,
    preferences,
    principals,
    recoveries,
    tokens,
    vouches,
)
from muniment.stores.sql.tables.proposals import proposal_decisions, proposals
from muniment.stores.sql.tables.upkeep import webhooks
from muniment.stores.sql.tables.versions import drafts, models, retentions, statuses, versions

TABLES: Final[dict[type[Record], Table]] = {
    NamespaceRecord: namespaces,
    ClockJumpRecord: clock_jumps,
    TimeConfirmationRecord: time_confirmations,
    PrincipalRecord: principals,
    KeyRecord: keys,
    VouchRecord: vouches,
    RecoveryRecord: recoveries,
    GrantRecord: grants,
    ModelRecord: models,
    VersionRecord: versions,
    AttestationRecord: attestations,
    DeploymentRecord: deployments,
    PolicyRecord: policies,
    TierRecord: tiers,
    ProposalRecord: proposals,
    ProposalDecisionRecord: proposal_decisions,
    OwnerRecord: owners,
    StatusRecord: statuses,
    RetentionRecord: retentions,
    MoveRecord: moves,
    DraftRecord: drafts,
    RequestRecord: requests,
    CommentRecord: comments,
    MentionRecord: mentions,
    TagRecord: tags,
    TokenRecord: tokens,
    PreferencesRecord: preferences,
    IssuerRecord: issuers,
    QuotaRecord: quotas,
    ReadsSettingRecord: reads_settings,
    ReadsBatchRecord: reads_batches,
    WebhookRecord: webhooks,
}
