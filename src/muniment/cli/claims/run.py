"""`muniment run`: start a training and record it."""

import os
import sys
from pathlib import Path

import click

from muniment.capture.launching import launch
from muniment.capture.run import Run
from muniment.cli.terminal import Terminal
from muniment.cli.versions.content import read_pair, record_datasets

_PLACE = "muniment-run.json"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-o", "--output-file", type=click.Path(path_type=Path), default=Path(_PLACE), show_default=True)
@click.option("--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the training.")
@click.option("--seed", type=int, help="The seed that it was told to use.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME=PATH", help="What it is trained on.")
@click.option("--snapshot", is_flag=True, help="Keep the bytes of these datasets, too.")
@click.option("--output", "outputs", multiple=True, type=click.Path(path_type=Path), help="What it writes.")
@click.option("--env", "variables", multiple=True, metavar="NAME", help="A variable to record.")
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
    """Start COMMAND and record it, for `muniment push --run FILE`. Exits as COMMAND does.

    Code, environment, machine, times and what it used are recorded; never secrets. Write
    `muniment run -- python train.py --depth 6`.
    """
    found = Run(dict(map(read_pair, params)), seed=seed, variables=variables, command=command)
    record_datasets(found, datasets, snapshot=snapshot)
    code = launch(found, command, os.environ)
    if code == 0:
        for path in outputs:
            found.output(path)
    found.write(output_file)
    terminal.answer({"run": str(output_file), "exit_code": code}, [])
    click.echo(f"recorded in {output_file}", err=True)
    sys.exit(code if code >= 0 else 128 - code)
