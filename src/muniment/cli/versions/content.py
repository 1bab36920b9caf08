"""`muniment push` and `muniment pull`."""

import json
import warnings
from pathlib import Path

import click

from muniment.capture.keeping import Recorded, read_run
from muniment.capture.run import Run
from muniment.capture.tree import collect
from muniment.cli.completing import ALIAS, NAME, REFERENCE
from muniment.cli.drawing import show_progress
from muniment.cli.session import (
    answer_receipt,
    connect,
    describe_receipt,
    describe_unchanged,
    refuse_at,
    warn_unguarded,
)
from muniment.cli.terminal import ENTRY, FilePath, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.versions.version import Version
from muniment.core.canonical import Json
from muniment.core.counting import count
from muniment.core.errors import InvalidDocument, InvalidOption, RequestNotFound
from muniment.core.names import Reference
from muniment.core.receipts import Receipt
from muniment.core.texts import in_line
from muniment.signing.statements import encode


@click.command()
@click.argument("path", type=FilePath(exists=True))
@click.argument("name", type=NAME)
@click.option("--alias", type=ALIAS, help="Point this alias at the new version.")
@click.option(
    "--run",
    "run_file",
    type=FilePath(exists=True),
    help="The record of the training run, written by `muniment run` or Run.write.",
)
@click.option(
    "--dataset", "datasets", multiple=True, metavar="NAME=PATH", help="A file that the model was trained on."
)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A training parameter.")
@click.option(
    "--base",
    "bases",
    type=REFERENCE,
    multiple=True,
    metavar="REF",
    help="The version that this one was made from.",
)
@click.option(
    "--kind", type=click.Choice(["model", "dataset"]), help="What to create if NAME is new [model]."
)
@click.option("-m", "--message", default="", help="Describe what is new.")
@click.option(
    "--draft", is_flag=True, help="Store and sign the files, to publish later with `muniment drafts`."
)
@json_option
@click.pass_obj
def push(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    path: Path,
    name: str,
    *,
    alias: str | None,
    run_file: Path | None,
    datasets: tuple[str, ...],
    params: tuple[str, ...],
    bases: tuple[str, ...],
    kind: str | None,
    message: str,
    draft: bool,
) -> None:
    """Publish a file or directory as the next version.

    PATH becomes the next version of NAME (namespace/model), signed and logged.
    """
    if draft and alias is not None:
        raise InvalidOption(option="--alias", reason="cannot point at a draft: publish it first")
    # No registry is created for a name that it would refuse.
    Reference.parse(name)
    run = _read_run(run_file, datasets, params, bases)
    total = sum(source.size_bytes for source in collect(path))
    with (
        connect(terminal, create=True) as registry,
        show_progress("push", total, wanted=not terminal.as_json) as on_bytes,
    ):
        for base in bases:
            assert isinstance(run, Run)  # noqa: S101 - `_read_run` makes one if there are bases
            run.base(registry.version(base))
        if draft:
            saved = registry.drafts.save(path, name, run=run, message=message, kind=kind, on_bytes=on_bytes)
            lines = [
                f"draft of {name}, entry {saved.index}",
                f"publish it: muniment drafts {name} --publish {saved.index}",
            ]
            answer_receipt(terminal, saved, lines)
            return
        version = registry.push(path, name, run=run, message=message, kind=kind, on_bytes=on_bytes)
        moved = None if alias is None else registry.promote(version, alias)
    _answer_published(terminal, version, moved)


@click.command()
@click.argument("name", type=NAME)
@click.option("--publish", "published", type=ENTRY, help="Publish the draft with this entry.")
@click.option("--discard", "discarded", type=ENTRY, help="Discard the draft with this entry, and its files.")
@click.option("--reason", default="", help="The reason to discard, or what is new in the version.")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def drafts(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    name: str,
    *,
    published: int | None,
    discarded: int | None,
    reason: str,
    full: bool,
    output: str | None,
    at: str | None,
) -> None:
    """List, publish and discard drafts.

    A draft belongs to its author: nobody else can publish or discard it.
    """
    if published is not None or discarded is not None:
        refuse_at(at)
    with connect(terminal) as registry:
        if discarded is not None:
            receipt = registry.drafts.discard(discarded, reason)
            answer_receipt(terminal, receipt, [f"discarded the draft of entry {discarded}"])
            return
        if published is not None:
            chosen = [one for one in registry.drafts.list(name) if one.record.index == published]
            if not chosen:
                raise RequestNotFound(entry=published, kind="draft")
            _answer_published(terminal, registry.drafts.publish(chosen[0], message=reason))
            return
        view = registry.drafts.view(name, at=at)
    answer_view(terminal, view, full=full, output=output)


def _answer_published(terminal: Terminal, version: Version, moved: Receipt | None = None) -> None:
    receipt, warnings = version.receipt, [] if moved is None else warn_unguarded(moved)
    assert receipt is not None  # noqa: S101 - publishing sets it
    made = "published" if receipt.created else "exists already:"
    terminal.answer(
        {
            "version": str(version),
            "digest": str(version.digest),
            "receipt": describe_receipt(receipt),
            "warnings": warnings,
        },
        [
            f"{made} {version}  {version.digest}",
            f"entry {receipt.index} of the log, inclusion proven by {count(len(receipt.path), 'hash')}",
            *describe_unchanged(receipt),
        ],
    )


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("destination", type=FilePath(), required=False)
@click.option(
    "--signature",
    type=FilePath(),
    help="Write the content signature to this file, for `model_signing verify`.",
)
@json_option
@click.pass_obj
def pull(terminal: Terminal, reference: str, destination: Path | None, signature: Path | None) -> None:
    """Download the files of a version and verify them.

    The files are written to DESTINATION, by default a directory named after the model.
    """
    with connect(terminal) as registry:
        total = registry.version(reference).record.size_bytes
        target = destination or Path(reference.partition("@")[0].rpartition("/")[2])
        with (
            warnings.catch_warnings(record=True) as told,
            show_progress("pull", total, wanted=not terminal.as_json) as on_bytes,
        ):
            warnings.simplefilter("always", UserWarning)
            version = registry.pull(reference, target, on_bytes=on_bytes)
        for one in told:
            if issubclass(one.category, UserWarning):
                click.echo(in_line(f"warning: {one.message}"), err=True)
        if signature is not None:
            signature.write_bytes(version.content_bundle())
        files = version.revision().files
    terminal.answer(
        {"version": str(version), "digest": str(version.digest), "destination": str(target)},
        [f"{version}: {count(len(files), 'file')} verified in {target}"],
    )


def record_datasets(run: Run, datasets: tuple[str, ...], *, snapshot: bool = False) -> None:
    """Record the datasets of NAME=PATH options.

    Raises:
        InvalidOption: an option has another form.
    """
    for pair in datasets:
        name, separator, path = pair.partition("=")
        if not separator:
            raise InvalidOption(option="--dataset", reason=f"expected NAME=PATH, got {pair!r}")
        run.dataset(name, path, snapshot=snapshot)


def _read_run(
    run_file: Path | None, datasets: tuple[str, ...], params: tuple[str, ...], bases: tuple[str, ...]
) -> Run | Recorded | None:
    if run_file is not None and (datasets or params or bases):
        raise InvalidOption(option="--run", reason="cannot be combined with --dataset, --param or --base")
    if run_file is not None:
        with run_file.open("rb") as file:
            return read_run(file.read())
    if not (datasets or params or bases):
        return None
    with Run(dict(map(read_pair, params))) as run:
        record_datasets(run, datasets)
    return run


def read_pair(pair: str) -> tuple[str, Json]:
    """Read KEY=VALUE; the value is JSON or, failing that, text.

    Raises:
        InvalidOption: it has another form, or a record cannot hold the value.
    """
    key, separator, value = pair.partition("=")
    if not separator:
        raise InvalidOption(option="--param", reason=f"expected KEY=VALUE, got {pair!r}")
    try:
        read: Json = json.loads(value)
    except (ValueError, RecursionError):
        read = value
    try:
        encode({key: read})
    except InvalidDocument as error:
        raise InvalidOption(option="--param", reason=f"{key!r} cannot be recorded: {error.reason}") from error
    return key, read
