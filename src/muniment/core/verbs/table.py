"""All verbs by wing, in the order in which servers match them: the most frequent come first."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from muniment.core.verbs import bytes as bytes_
from muniment.core.verbs import catalog, claims, gates, inbox, log, people, proposals, upkeep, versions
from muniment.core.verbs.verb import Verb

WINGS: Final[Mapping[str, tuple[type[Verb], ...]]] = MappingProxyType(
    {
        "versions": versions.VERBS,
        "gates": (*gates.VERBS, *proposals.VERBS, *inbox.VERBS),
        "catalog": catalog.VERBS,
        "claims": claims.VERBS,
        "bytes": bytes_.VERBS,
        "log": log.VERBS,
        "people": people.VERBS,
        "upkeep": upkeep.VERBS,
    }
)
VERBS: Final[tuple[type[Verb], ...]] = tuple(kind for wing in WINGS.values() for kind in wing)
