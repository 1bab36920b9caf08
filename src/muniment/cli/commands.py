"""The commands, in the groups of `--help`.

Each line repeats the first sentence of the command's own help, so `--help` loads no command
(`tests/test_commands.py` compares them).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A command: its module and attribute, and its line in `--help`."""

    place: str
    line: str


GROUPS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "Start": {
        "demo": Entry("demo.command:demo", "Run the whole story on a real model."),
        "init": Entry("upkeep.init:init", "Create a registry in a directory."),
        "run": Entry("claims.run:run", "Run a training command and record it."),
        "push": Entry("versions.content:push", "Publish a file or directory as the next version."),
        "pull": Entry("versions.content:pull", "Download the files of a version and verify them."),
        "list": Entry("catalog.listing:list_", "List models, the versions of a model, or search results."),
        "show": Entry("versions.show:show", "Show what is known about a version."),
        "status": Entry(
            "catalog.status:status", "Show the registry, who you are there, its log, and what waits for you."
        ),
    },
    "Versions": {
        "drafts": Entry("versions.content:drafts", "List, publish and discard drafts."),
        "tag": Entry("catalog.tags:tag", "Set, remove and list the tags of a version."),
        "owner": Entry("catalog.owner:owner", "Set or list the owners of a model."),
        "log": Entry("catalog.listing:log", "Show the versions of a model, newest first."),
        "history": Entry("catalog.listing:history", "Show the moves of an alias."),
        "diff": Entry("catalog.listing:diff", "Show what changed between two versions."),
        "lineage": Entry(
            "catalog.lineage:lineage", "Show what a version was made from, or what was made from it."
        ),
        "identify": Entry("catalog.listing:identify", "Find the versions that a file belongs to."),
        "verify": Entry("versions.verify:verify", "Verify a version or an export."),
        "export": Entry("versions.verify:export", "Export a version and its proofs to one file."),
        "deprecate": Entry("versions.lifecycle:deprecate", "Mark a version as not for new use."),
        "retire": Entry("versions.lifecycle:retire", "Take a version out of service."),
        "revoke": Entry("versions.lifecycle:revoke", "Revoke a version and quarantine its files."),
        "restore": Entry("versions.lifecycle:restore", "Undo a deprecation, retirement or revocation."),
        "retain": Entry("versions.lifecycle:retain", "Set a retention period or a legal hold."),
        "purge": Entry("versions.lifecycle:purge", "Delete the files of a version permanently."),
    },
    "Evidence": {
        "evaluate": Entry(
            "claims.evidence:evaluate", "Compute evaluation evidence from predictions and sign it."
        ),
        "report": Entry("claims.evidence:report", "Write the evaluations of a version as a report."),
        "leaderboard": Entry(
            "claims.evidence:leaderboard", "Rank versions by a metric over the same dataset."
        ),
        "card": Entry("claims.cards:card", "Write, show and export model cards."),
        "attest": Entry("claims.evidence:attest", "Sign and record a claim of any type."),
        "withdraw-claim": Entry("claims.withdrawals:withdraw_claim", "Withdraw a claim that you signed."),
        "reproduce": Entry("claims.reproduce:reproduce", "Rebuild a version from its record and compare."),
    },
    "Approve": {
        "policy": Entry("gates.policies:policy", "Set, show, test and simulate policies."),
        "proposal": Entry(
            "gates.proposals:proposal", "List, show, approve and reject changes to protected policies."
        ),
        "check": Entry("gates.moves:check", "Check a version against the policies of an alias."),
        "request": Entry("gates.requests:request", "Request approval of a version for an alias."),
        "requests": Entry("gates.requests:requests", "List the requests for approval of a model."),
        "inbox": Entry("gates.requests:inbox", "Show what is waiting for you."),
        "follow": Entry("people.preferences:follow", "Get the news of a model in your inbox."),
        "unfollow": Entry("people.preferences:unfollow", "Get no more news of a model."),
        "mail": Entry("people.preferences:mail", "Get what is new in your inbox by mail."),
        "comment": Entry("catalog.comments:comment", "Comment on a version."),
        "comments": Entry("catalog.comments:comments", "List the comments on a version, oldest first."),
        "approve": Entry("gates.approvals:approve", "Approve a version for an alias."),
        "approvals": Entry(
            "gates.approvals:approvals", "List who approved or rejected a version, oldest first."
        ),
        "reject": Entry("gates.approvals:reject", "Reject a version for an alias."),
        "withdraw": Entry("gates.approvals:withdraw", "Withdraw your approval or rejection of a version."),
        "waive": Entry("gates.approvals:waive", "Request a temporary exception from rules of a policy."),
    },
    "Deploy": {
        "promote": Entry("gates.moves:promote", "Point an alias at a version."),
        "alias": Entry("gates.moves:alias", "Remove aliases."),
        "rollback": Entry("gates.moves:rollback", "Point an alias back at its previous version."),
        "break-glass": Entry("gates.moves:break_glass", "Move an alias past its gate, in an emergency."),
        "close-emergency": Entry("gates.moves:close_emergency", "Close an emergency after looking into it."),
        "deploy": Entry("claims.deployments:deploy", "Record that a version serves at a target."),
        "deployments": Entry("claims.deployments:deployments", "List deployments, of one model or of all."),
    },
    "People": {
        "login": Entry("people.access:login", "Sign in to a server."),
        "logout": Entry("people.access:logout", "Remove the stored token for a server."),
        "user": Entry(
            "people.principals:user", "Register, invite, confirm, list and erase people and workloads."
        ),
        "role": Entry("people.principals:role", "Grant and revoke roles."),
        "key": Entry("people.principals:key", "Create, list, enrol and revoke keys."),
        "token": Entry("people.access:token", "Create, list and revoke tokens."),
        "trust": Entry("people.access:trust", "Let workloads sign in with the identity of their platform."),
    },
    "Operate": {
        "completion": Entry(
            "completion:completion",
            "Print the script that completes commands, names and aliases in a shell.",
        ),
        "entry": Entry("upkeep.entry:entry", "Show an entry of the log."),
        "audit": Entry(
            "upkeep.audit:audit", "Replay the log and find what cannot be true, and keep a record of reads."
        ),
        "serve": Entry("upkeep.serve:serve", "Serve a registry over HTTP."),
        "webhook": Entry("upkeep.webhooks:webhook", "Send events to an HTTP endpoint, or to a chat."),
        "admin": Entry("upkeep.admin:admin", "Maintain and repair a registry."),
        "forget": Entry("versions.verify:forget", "Forget the remembered log of a location."),
        "accept-restore": Entry(
            "versions.verify:accept_restore", "Accept that a registry was restored to an older state."
        ),
    },
}

COMMANDS: Final = {name: entry for group in GROUPS.values() for name, entry in group.items()}
# Names that people know from other tools.
ALIASES: Final = {"ls": "list", "search": "list"}
