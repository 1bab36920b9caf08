"""Numbers of things, as a sentence has them.

>>> name_entries(7, 9), name_entries(7, 7)
('the entries 7 to 9', 'entry 7')
>>> count(1, "file"), count(2, "file"), count(0, "entry"), count(2, "key"), count(2, "hash")
('1 file', '2 files', '0 entries', '2 keys', '2 hashes')
"""


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun if number == 1 else _plural_of(noun)}"


def name_entries(first: int, last: int) -> str:
    """Write which entries of the log are meant."""
    return f"entry {first}" if first == last else f"the entries {first} to {last}"


def _plural_of(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith("sh") else f"{noun}s"
