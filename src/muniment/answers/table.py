"""The proven queries, and the functions that answer them from a state."""

from collections.abc import Callable, Mapping
from typing import Final

from muniment.answers.catalog import (
    get_model,
    get_namespace,
    list_comments,
    list_models,
    list_owners,
    list_tags,
)
from muniment.answers.clock import list_clock_jumps
from muniment.answers.deployments import list_deployments
from muniment.answers.gates import gather_all
from muniment.answers.inbox import get_item
from muniment.answers.moves import get_move, list_moves
from muniment.answers.people import get_key, get_person, get_preferences, who_may
from muniment.answers.policies import (
    get_policies,
    get_tier,
    list_policies,
    list_policies_by_authors,
    list_tiers,
)
from muniment.answers.proposals import list_proposal_emergencies, list_proposals
from muniment.answers.reads import list_reads, list_reads_settings
from muniment.answers.requests import list_requests
from muniment.answers.versions import describe_version, get_version, list_drafts, list_versions
from muniment.core.verbs import bytes as bytes_
from muniment.core.verbs import catalog, claims, gates, inbox, log, people, proposals, versions
from muniment.core.verbs.verb import Query

# Each function takes the query of its row and returns the answer of its type.
ANSWERS: Final[Mapping[type[Query[object]], Callable[..., object]]] = {
    versions.GetVersion: get_version,
    versions.DescribeVersion: describe_version,
    versions.ListVersions: list_versions,
    versions.ListDrafts: list_drafts,
    gates.GetMove: get_move,
    gates.ListMoves: list_moves,
    gates.GetPolicies: get_policies,
    gates.ListPolicies: list_policies,
    gates.ListPoliciesByAuthors: list_policies_by_authors,
    gates.GetTier: get_tier,
    gates.ListTiers: list_tiers,
    gates.ListRequests: list_requests,
    proposals.ListProposals: list_proposals,
    proposals.ListEmergencies: list_proposal_emergencies,
    inbox.GetInboxItem: get_item,
    catalog.GetNamespace: get_namespace,
    catalog.GetModel: get_model,
    catalog.ListModels: list_models,
    catalog.ListOwners: list_owners,
    catalog.ListTags: list_tags,
    catalog.ListComments: list_comments,
    claims.ListDeployments: list_deployments,
    log.ListClockJumps: list_clock_jumps,
    bytes_.ListReadsSettings: list_reads_settings,
    bytes_.ListReads: list_reads,
    people.GetPerson: get_person,
    people.GetKey: get_key,
    people.GetPreferences: get_preferences,
    people.WhoMay: who_may,
}
# Each function looks at all that an answer depends on. Some answers a client compares with the registry's.
BASES: Final[Mapping[type[Query[object]], Callable[..., object]]] = {
    **ANSWERS,
    gates.JudgeGate: gather_all,
}
