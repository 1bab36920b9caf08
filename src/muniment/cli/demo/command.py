"""`muniment demo`: from training to rollback, on a real model."""

import shutil
import tempfile
from pathlib import Path

import click

from muniment.cli.terminal import FilePath
from muniment.core.extras import load_extra


@click.command()
@click.option("--keep", type=FilePath(), help="Work in this new directory and keep it.")
def demo(keep: Path | None) -> None:
    """Run the whole story on a real model.

    Train, push, evaluate, guard, approve, promote, load, compare, tamper and roll back, in a temporary
    directory, with the SDK and the commands that users have.
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
