"""What a registry says is not there, without a proof: it may withhold it, or not show it to us."""

from collections.abc import Iterator
from contextlib import contextmanager

from muniment.core.errors import NotFound, NotProven, NotShown


@contextmanager
def unproven_absence() -> Iterator[None]:
    """Tell what a registry says is not there from what is proven not to be: NotFound becomes NotShown."""
    try:
        yield
    except NotProven:
        raise
    except NotFound as error:
        raise NotShown(what=error.sentence) from error
