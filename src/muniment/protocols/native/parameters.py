"""Parameters that many routes take, with their bounds."""

from typing import Annotated

from fastapi import Path, Query

Part = Annotated[str, Path(max_length=200)]
Entry = Annotated[int, Path(ge=0, le=2**53)]
At = Annotated[str | None, Query(max_length=40, description="As it was then (RFC 3339).")]
After = Annotated[int, Query(ge=-1, le=2**53, description="The last entry of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
