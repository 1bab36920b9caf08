"""The command `muniment`: a group whose commands are loaded when they are used."""

import gc
import importlib
import sys
from typing import Final

import click

from muniment import __version__
from muniment.cli.terminal import Terminal

# Name: where the command is, and the line that `--help` shows without loading it.
_COMMANDS: Final = {
    "demo": ("muniment.cli.demo.command:demo", "The whole story on a real model, in a temporary directory."),
    "run": ("muniment.cli.claims.run:run", "Start a training and record it."),
    "push": (
        "muniment.cli.versions.content:push",
        "Publish a file or directory as the next version, signed.",
    ),
    "drafts": (
        "muniment.cli.versions.content:drafts",
        "List, publish and discard what is not published yet.",
    ),
    "pull": ("muniment.cli.versions.content:pull", "Lay a version's files out, verified."),
    "identify": ("muniment.cli.versions.listing:identify", "Say which versions files are of."),
    "list": ("muniment.cli.versions.listing:list_", "List models, or the versions of one."),
    "show": ("muniment.cli.versions.show:show", "Show what is known of a version."),
    "history": ("muniment.cli.versions.listing:history", "Show the moves of an alias: who, when, why."),
    "diff": ("muniment.cli.versions.listing:diff", "Show what changed between two versions."),
    "lineage": ("muniment.cli.versions.lineage:lineage", "Show what was made from what."),
    "reproduce": (
        "muniment.cli.claims.reproduce:reproduce",
        "Rebuild a version from its record, and compare.",
    ),
    "evaluate": ("muniment.cli.claims.evidence:evaluate", "Compute evidence from predictions and sign it."),
    "report": ("muniment.cli.claims.evidence:report", "Write the evaluations of a version, with charts."),
    "leaderboard": ("muniment.cli.claims.evidence:leaderboard", "Rank versions over the same data."),
    "card": ("muniment.cli.claims.cards:card", "Write, show and export model cards."),
    "attest": ("muniment.cli.claims.evidence:attest", "Sign and record any other claim."),
    "approve": ("muniment.cli.gates.approvals:approve", "Approve a version for an alias."),
    "reject": ("muniment.cli.gates.approvals:reject", "Reject a version for an alias."),
    "withdraw": ("muniment.cli.gates.approvals:withdraw", "Take back what you decided."),
    "waive": ("muniment.cli.gates.approvals:waive", "Request a waiver of rules of a policy, for a time."),
    "check": ("muniment.cli.gates.moves:check", "Check a version against an alias's policy: exit 0 or 1."),
    "promote": ("muniment.cli.gates.moves:promote", "Point an alias at a version, if its policy is met."),
    "break-glass": ("muniment.cli.gates.moves:break_glass", "Move an alias past its gate, in an emergency."),
    "close-emergency": (
        "muniment.cli.gates.moves:close_emergency",
        "Close an emergency, and say what came of it.",
    ),
    "request": ("muniment.cli.gates.requests:request", "Ask for a version to be looked at for an alias."),
    "requests": ("muniment.cli.gates.requests:requests", "List what was asked for."),
    "inbox": ("muniment.cli.gates.requests:inbox", "Show what waits for you."),
    "comment": ("muniment.cli.gates.requests:comment", "Say something of a version."),
    "comments": ("muniment.cli.gates.requests:comments", "List what was said of a version."),
    "rollback": ("muniment.cli.gates.moves:rollback", "Point an alias back at the version before."),
    "deploy": ("muniment.cli.gates.deployments:deploy", "Record that a version serves at a target."),
    "deployments": ("muniment.cli.gates.deployments:deployments", "Show what serves where."),
    "deprecate": ("muniment.cli.gates.lifecycle:deprecate", "Say that a version is not for anything new."),
    "retire": ("muniment.cli.gates.lifecycle:retire", "Take a version out of service."),
    "revoke": ("muniment.cli.gates.lifecycle:revoke", "Put a version into quarantine."),
    "restore": ("muniment.cli.gates.lifecycle:restore", "Take back that a version was withdrawn."),
    "retain": ("muniment.cli.gates.lifecycle:retain", "Keep a version for so long, or under a legal hold."),
    "purge": ("muniment.cli.gates.lifecycle:purge", "Let the bytes of a version go for good."),
    "policy": ("muniment.cli.gates.policies:policy", "Set, show, test and simulate what an alias asks for."),
    "verify": ("muniment.cli.versions.verify:verify", "Check bytes, signatures and proofs, each by name."),
    "export": (
        "muniment.cli.versions.verify:export",
        "Write a version with all that proves it into one file.",
    ),
    "forget": ("muniment.cli.versions.verify:forget", "Forget the log that was seen at a location."),
    "login": (
        "muniment.cli.people.access:login",
        "Sign in to a server: this machine's key counts from then on.",
    ),
    "logout": ("muniment.cli.people.access:logout", "Forget the token for a server."),
    "token": ("muniment.cli.people.access:token", "Make, list and revoke tokens."),
    "trust": ("muniment.cli.people.access:trust", "Let workloads in by the identity of their platform."),
    "tag": ("muniment.cli.versions.content:tag", "Put a tag on a version, or take it away."),
    "webhook": ("muniment.cli.upkeep.webhooks:webhook", "Send the events of a namespace somewhere."),
    "serve": ("muniment.cli.upkeep.serve:serve", "Serve a registry to a team."),
    "key": ("muniment.cli.people.principals:key", "Make, list, enrol and revoke keys."),
    "user": ("muniment.cli.people.principals:user", "Register and list people and workloads."),
    "role": ("muniment.cli.people.principals:role", "Grant and withdraw roles."),
    "admin": ("muniment.cli.upkeep.admin:admin", "Mend and maintain a registry."),
}


# A command allocates much while it is loaded and frees little: collecting so early is a tenth of its time.
_GC_THRESHOLD: Final = 100_000


class _Commands(click.Group):
    """A group that imports a command's module only to run the command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.params["traceback"]:
                raise
            refusals = importlib.import_module("muniment.cli.refusals")
            sys.exit(refusals.refuse(error, as_json=ctx.ensure_object(Terminal).as_json))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="muniment")
@click.option("--registry", metavar="LOCATION", help="The registry [MUNIMENT_URL, or ./muniment-data].")
@click.option("--identity", metavar="FILE", help="The private key to sign with [MUNIMENT_IDENTITY].")
@click.option("--traceback", is_flag=True, help="Show where an internal error happened.")
@click.pass_context
def main(ctx: click.Context, registry: str | None, identity: str | None, *, traceback: bool) -> None:  # noqa: ARG001 - read where errors end
    """Muniment: a model registry that can prove every answer it gives.

    Exit codes: 0 done, 1 the answer is no, 2 bad usage or input, 3 refused, 4 not found,
    5 unavailable, 70 a bug.
    """
    gc.set_threshold(_GC_THRESHOLD)
    ctx.obj = Terminal(location=registry, identity=identity)
