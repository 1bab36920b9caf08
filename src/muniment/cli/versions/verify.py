"""`muniment verify`, `export`, `forget` and `accept-restore`."""

from dataclasses import asdict
from pathlib import Path

import click

from muniment.cli.checks import answer_checks
from muniment.cli.completing import REFERENCE
from muniment.cli.session import connect, find_named
from muniment.cli.terminal import FilePath, Terminal, json_option
from muniment.cli.writing import check_writable
from muniment.client.proofs.verifying import Check
from muniment.client.sdk.opening import accept_restore as accept_lost
from muniment.client.sdk.opening import forget as forget_log
from muniment.client.versions.exporting import verify_export
from muniment.core.counting import count, name_entries
from muniment.core.errors import FileUnusable, InvalidName
from muniment.core.names import ModelName


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--provenance", is_flag=True, help="Check the provenance, link by link.")
@click.option("--log-key", metavar="KEY", help="The verifier key of the log that an export must come from.")
@json_option
@click.pass_obj
def verify(
    terminal: Terminal,
    reference: str,
    *,
    provenance: bool,
    log_key: str | None,
) -> None:
    """Verify a version or an export.

    Checks files, signatures and proofs, and prints each. Exit 0 if all pass, 1 if one fails.
    """
    if _is_export(reference):
        exported, checks = verify_export(Path(reference), verifier=log_key)
        size = count(exported.size, "entry")
        of = f"of {exported.reference}, in a log of {size} with the key {exported.verifier}"
        answer_checks(terminal, [Check(what=f"export {of}"), *checks])
        return
    with connect(terminal) as registry:
        version = registry.version(reference)
        checks = list(version.verify())
        if provenance:
            checks += version.verify_provenance()
        names = find_named(registry, (check.what for check in checks))
    answer_checks(terminal, checks, names)


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("-o", "--output", required=True, type=FilePath(dir_okay=False))
@click.option("--no-content", is_flag=True, help="Leave out the files of the version.")
@json_option
@click.pass_obj
def export(terminal: Terminal, reference: str, *, output: Path, no_content: bool) -> None:
    """Export a version and its proofs to one file.

    The file is an OCI layout; `muniment verify FILE` checks it without the registry.
    """
    with connect(terminal) as registry:
        exported = registry.export(reference, output, content=not no_content)
    terminal.answer(
        exported._asdict(),
        [
            f"{exported.reference} is in {output}{'' if exported.content else ', without its files'}",
            f"log key: {exported.verifier}",
            "its proofs hold salts: anyone who has the file can test guesses of names in this namespace",
        ],
    )


def _is_export(text: str) -> bool:
    """Return whether a text is the path of a file, and not a reference.

    Raises:
        FileUnusable: it is neither.
    """
    if Path(text).is_file():
        return True
    try:
        ModelName.parse(text.partition("@")[0])
    except InvalidName as error:
        reason = "there is no such file, and it is not a reference such as acme/readmission@3"
        raise FileUnusable(path=text, reason=reason) from error
    return False


@click.command()
@click.argument("location", required=False)
@json_option
@click.pass_obj
def forget(terminal: Terminal, location: str | None) -> None:
    """Forget the remembered log of a location.

    Use it only after a new registry was created there on purpose. The log stays remembered if it was seen at
    another location too.
    """
    check_writable(terminal, location)
    known = forget_log(terminal.location if location is None else location)
    terminal.answer({"forgotten": known}, ["forgotten" if known else "nothing to forget"])


@click.command("accept-restore")
@click.argument("location", required=False)
@json_option
@click.pass_obj
def accept_restore(terminal: Terminal, location: str | None) -> None:
    """Accept that a registry was restored to an older state.

    Prints what is lost of what you saw and wrote. Use it after the operator has said why: the registry must
    declare the restore, with the key of its log.
    """
    check_writable(terminal, location)
    lost = accept_lost(terminal.location if location is None else location)
    terminal.answer(
        asdict(lost),
        [
            f"accepted the loss of {name_entries(lost.lost_after, lost.seen - 1)}",
            *(f"  you had written {one}" for one in lost.written),
        ],
    )
