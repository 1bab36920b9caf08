"""`muniment run`: start a training and record it."""

import os
import sys
from pathlib import Path

import click

from muniment.capture.launching import launch
from muniment.capture.run import Run
from muniment.cli.terminal import FilePath, Terminal
from muniment.cli.versions.content import read_pair, record_datasets

_PLACE = "muniment-run.json"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-o", "--output-file", type=FilePath(), default=Path(_PLACE), show_default=True)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A training parameter.")
@click.option("--seed", type=int, help="The seed that the training uses.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="NAME=PATH",
    help="A dataset that the model is trained on.",
)
@click.option("--snapshot", is_flag=True, help="Also store the files of these datasets.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    type=FilePath(),
    help="A file or directory that the training writes.",
)
@click.option("--env", "variables", multiple=True, metavar="NAME", help="An environment variable to record.")
@click.argument("command", nargs=-1, required=True)
@click.pass_obj
def run(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    output_file: Path,
    *,
    params: tuple[str, ...],
    seed: int | None,
    datasets: tuple[str, ...],
    snapshot: bool,
    outputs: tuple[Path, ...],
    variables: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run a training command and record it.

    Records code, packages, machine, times and inputs, and never secrets: `muniment run -- python train.py
    --depth 6`. `muniment push --run FILE` publishes the record with the model. Exits as COMMAND does.
    """
    recorder = Run(dict(map(read_pair, params)), seed=seed, variables=variables, command=command)
    record_datasets(recorder, datasets, snapshot=snapshot)
    code = launch(recorder, command, os.environ)
    if code == 0:
        for path in outputs:
            recorder.output(path)
    recorder.write(output_file)
    terminal.answer({"run": str(output_file), "exit_code": code}, [])
    click.echo(f"recorded in {output_file}", err=True)
    sys.exit(code if code >= 0 else 128 - code)
