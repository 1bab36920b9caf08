"""`muniment demo`: the main job, from training to rollback, on a real model."""

import shutil
import tempfile
from pathlib import Path

import click

from muniment.core.extras import load_extra


@click.command()
@click.option("--keep", type=click.Path(path_type=Path), help="Make everything here, and leave it.")
def demo(keep: Path | None) -> None:
    """Train, push, evaluate, guard, approve, promote, load, compare, tamper, roll back.

    Everything happens in a temporary directory, through the SDK and the commands that a user has.
    """
    story = load_extra("muniment.cli.demo.story", "scikit-learn")
    if keep is not None:
        keep.mkdir(parents=True)
        story.tell(keep)
        return
    directory = Path(tempfile.mkdtemp(prefix="muniment-demo-"))
    try:
        story.tell(directory)
    finally:
        shutil.rmtree(directory)
