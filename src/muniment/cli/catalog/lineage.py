"""`muniment lineage`."""

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.session import connect
from muniment.cli.terminal import Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.reports.graphs import FORMS, write_graph
from muniment.core.claims.lineage import MAX_DEPTH


@click.command()
@click.argument("target", type=REFERENCE, metavar="REF|DIGEST|COMMIT")
@click.option(
    "--up", "direction", flag_value="up", default="up", help="Show what it was made from [default]."
)
@click.option("--down", "direction", flag_value="down", help="Show what was made from it.")
@click.option("--depth", type=click.IntRange(0), default=MAX_DEPTH, help="The most steps to follow [all].")
@click.option("--limit", type=click.IntRange(1, 10_000), default=2000, show_default=True)
@click.option("--format", "form", type=click.Choice(FORMS), help="Write it for another tool.")
@full_option
@output_option
@json_option
@click.pass_obj
def lineage(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    target: str,
    *,
    direction: str,
    depth: int,
    limit: int,
    form: str | None,
    full: bool,
    output: str | None,
) -> None:
    """Show what a version was made from, or what was made from it.

    Follows datasets, code, base models and versions. `muniment lineage acme/patients@3 --down` lists the
    models trained on a dataset or on anything derived from it, with the aliases that point at them. Each
    version and each step is proven, but there may be more. It is known as it is now only.
    """
    with connect(terminal) as registry:
        if form is None or terminal.as_json:
            view = registry.view_lineage(target, direction, depth=depth, limit=limit)
            answer_view(terminal, view, full=full, output=output)
        else:
            graph = registry.lineage(target, direction, depth=depth, limit=limit)
            terminal.answer_found(None, write_graph(graph, form).splitlines())
