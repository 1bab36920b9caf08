"""Names, references, digests and times."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest, InvalidName, InvalidReference, InvalidTime
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.times import read_time, write_time

parts = st.from_regex(r"[a-z0-9]{1,10}([._-][a-z0-9]{1,10}){0,2}", fullmatch=True)
aliases = parts.filter(lambda text: not text.isdigit() and text != "latest").map(Alias)
digests = st.binary(max_size=8).map(Digest.of)
selectors = st.one_of(st.none(), st.integers(1, 10**15), aliases, digests)


@given(parts, parts, selectors)
def test_a_reference_is_read_as_it_was_written(
    namespace: str, model: str, selector: int | Alias | Digest | None
) -> None:
    """Parsing a printed reference gives the reference back."""
    reference = Reference(ModelName(namespace, model), selector)
    assert reference == Reference.parse(str(reference))


@pytest.mark.parametrize(
    "name",
    ["", "acme", "/x", "acme/", "Acme/x", "acme/x y", "a/b/c", "acme/-x", "acme/x-", "a/" + "x" * 65, "ä/x"],
)
def test_a_name_that_breaks_the_rules_is_refused(name: str) -> None:
    """A name outside the grammar of OCI repositories is refused."""
    with pytest.raises(InvalidName) as refusal:
        ModelName.parse(name)
    assert refusal.value.code == "invalid_name"
    assert refusal.value.hint


@pytest.mark.parametrize("selector", ["0", "01", "-1", "sha256:12", "A", "a b", "1.0.", ""])
def test_a_selector_that_is_none_is_refused(selector: str) -> None:
    """A selector that is neither a number, an alias nor a digest is refused."""
    with pytest.raises(InvalidReference):
        Reference.parse(f"acme/x@{selector}")


@pytest.mark.parametrize("alias", ["latest", "7"])
def test_an_alias_is_neither_a_number_nor_latest(alias: str) -> None:
    """A number and `latest` are refused as aliases, because they select versions."""
    with pytest.raises(InvalidName):
        Alias(alias)


@pytest.mark.parametrize("text", ["", "sha256:", "sha512:" + "0" * 64, "sha256:" + "A" * 64, "0" * 64])
def test_a_digest_has_one_form(text: str) -> None:
    """Only sha256 in lower-case hex is accepted as a digest."""
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


# Within the calendar of Python in every zone.
@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.timezones()))  # noqa: DTZ001 - as it takes them
def test_a_time_is_read_as_it_was_written(time: datetime) -> None:
    """Printed times keep their microseconds and sort as the times do."""
    written = write_time(time)
    # In UTC: Python calls no time of another zone equal to one that its own zone has twice.
    assert time.astimezone(UTC) == read_time(written)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    """A time without a zone, or outside the years of UTC, is refused."""
    with pytest.raises(InvalidTime):
        read_time(text)
