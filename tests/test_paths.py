"""The paths of files in a revision."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.bytes.paths import check_path, check_paths
from muniment.core.errors import InvalidPath

good = st.lists(st.from_regex(r"[a-zé0-9_-]{1,8}", fullmatch=True), min_size=1, max_size=4).map("/".join)


@given(good)
def test_plain_paths_pass(path: str) -> None:
    """Relative NFC paths with whole parts are valid."""
    check_path(unicodedata.normalize("NFC", path))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\\b",
        "C:x",
        "a\x00b",
        "a\nb",
        "\udcff",
        unicodedata.normalize("NFD", "é"),
        "a.",
        "a /b",
        "x" * 256,
        "/".join(["y" * 200] * 6),
    ],
)
def test_a_path_that_could_be_another_elsewhere_is_refused(path: str) -> None:
    """Absolute, upward, empty, non-NFC and overlong paths are refused."""
    with pytest.raises(InvalidPath) as refusal:
        check_path(path)
    assert refusal.value.reason
    assert refusal.value.hint


@pytest.mark.parametrize(
    "paths",
    [
        ("Model.bin", "model.bin"),
        ("straße", "STRASSE"),
        ("\N{ANGSTROM SIGN}".replace("\N{ANGSTROM SIGN}", "\u00c5"), "\u00e5"),
        ("ﬁle", "file"),
        ("a", "a/b"),
        ("A", "a/b/c"),
        ("a", "a"),
    ],
)
def test_two_paths_that_meet_on_some_file_system_are_refused(paths: tuple[str, str]) -> None:
    """Paths that differ only in case or Unicode form, or where one contains the other, are refused."""
    with pytest.raises(InvalidPath):
        check_paths(paths)
