"""Numbers of things, as a sentence has them.

>>> count(1, "file"), count(2, "file"), count(0, "entry"), count(2, "hash")
('1 file', '2 files', '0 entries', '2 hashes')
"""


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun if number == 1 else _plural_of(noun)}"


def _plural_of(noun: str) -> str:
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith("sh") else f"{noun}s"
