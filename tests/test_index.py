"""The verifiable index: foreign vectors, a naive model, forged proofs, and the rules by number."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muniment.core.errors import IndexMalformed, LogInconsistent, ProofInvalid
from muniment.core.events.subjects import SubjectKind
from muniment.log.index import (
    EMPTY_INDEX,
    IndexHead,
    Posting,
    Span,
    bit_of,
    fold_index,
    hash_pair,
    key_of,
    subject_hash,
)
from muniment.log.index_pages import ROOT, MemoryPages, PagedIndex
from muniment.log.index_proofs import (
    AllProof,
    IndexLeaf,
    NewestProof,
    Step,
    climb,
    verify_all,
    verify_newest,
)
from muniment.log.tree import EMPTY_ROOT, hash_leaf
from muniment.testing.backends import refuses

T = TypeVar("T")

# ---- vectors of torchwood (github.com/FiloSottile/torchwood, mpt/testdata)

# Keys and values, and the root: treehash.txt at f5aef32f.
ROOTS: tuple[tuple[Mapping[str, str], str], ...] = (
    ({}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ({"ab": "cd"}, "e2803f59293564e96b6c5c16157cec731a294631aefb5d08d18630ed6a27184c"),
    ({"": ""}, "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c"),
    (
        {bytes(range(200)).hex(): bytes(n % 256 for n in range(100, 300)).hex()},
        "8c0da94c2b47a88a6c4dc0ea2b606deb0594a522cdaa6b39f57da2ac28fcd1ff",
    ),
    ({"12": "aa", "1234": "bb"}, "fdc14c0c7b5792f43d902121bad7c3adac246ce0ae9278745ecb0843e6324b45"),
    ({"12": "cc", "3456": "dd"}, "d85d93750f8d1daa041073d83fcd94fd122775aa99878f5db30818c206a3fe91"),
    ({"": "ee", "ff": "11"}, "62a9bde34315aeb65c1309861f1167f1f0ad545423e45964b35daad8ebd48faa"),
    (
        {"ab": "01", "ab00": "02", "ab00fe": "04", "ab00ff": "03", "ab01": "05"},
        "d3dc99aeacd7edf707a7b5f12753a5069726c3b6520c71fa44027e4a1ed63290",
    ),
    ({"ab": "11", "ab00": "12"}, "f0ba1ed205cb4bbe6dff5439b06a3ceb20fb72fa9ad8d7cdd1e0e60e1034799e"),
    ({"ab": "21", "ab00ff": "22"}, "a14eef717d6b534afafafceff9fb28bfc56f5b5a01e98055939091d0d10e149f"),
    ({"ab": "31", "ab01": "32"}, "1cde8a0b5f07dd9cb0b1130a3bb05b008ded2e66abd3d4b69af752ad88061c5f"),
    ({"ab00fe": "41", "ab00ff": "42"}, "b96c204a8da194626ee39d1b1305e385e4c4b9346421f4397a80d55431e15c3e"),
    ({"ab": "52", "ab00ff": "51"}, "153fcdec6669f2e7c2bff4a9d3860c6ab913293e73b5d4fd16590d8855fd1ce2"),
    ({"": "61", "00": "62"}, "7ec62f38ea1e0d542f7a32c7e726542fa90ee20a61046ada8eaa22d6014a28b7"),
    ({"ab": "72", "ab00ffff": "71"}, "0564f1f396d3a1b72867717a349195c4364c4c6635d6a027c8cdc7be5f1c71c7"),
    (
        {"ab": "81", "ab00": "82", "ab0000": "83"},
        "774fd8699a3458f407810074ba63252db93684833e0b2cc06edaa379408ea1d0",
    ),
    # The keys differ after bit 127, whose number takes two bytes.
    (
        {
            "ff" * 16 + "00" * 16: "a3b93625e143e33744bc532953260c66bcdb124ff930e6a55257558871df9e72",
            "ff" * 16 + "80" + "00" * 15: "4f02252ceaba90d9997b0f84bface6cd661dcb1779c5beb55d1eec2510680464",
        },
        "55664663e0148e90b47b18ec9660b0a9c5d83b03fc0235fcb8938763d7d3ed7f",
    ),
)
# How many generated keys, and the root.
GENERATED = {
    10: "bc9a8f5c4b48ffd5fb48ba5996168a4ba45712b5f73bd4642df8971cd342d91e",
    100: "70cf82c7c755c852589be0023e85948a329c1e8a9b21587dba9e50c103f1bceb",
}
# A root, a key, its value (None: the key is absent), and the proof: verify.txt at 5afdd066. The tree has an
# empty key, one of 1 byte and one of 32; later `aa`, `aa00` and `aa00ff`, in which padding decides the order.
THREE = "1e8e6cbaccdcb188cf004a1077b8f435e0a41ad11a15edcc53baa0451fcb4ee7"
PADDED = "ef77e2611d540eb68a064bad3c5ed3ef6157717ffe929c533d02e2e5fdbab53d"
LOOKUPS = (
    (
        THREE,
        "",
        "11223344",
        (
            "01 9d788f54451f81244370b6c6a34e3350ab343b6d5d88e739092dc8a04d45bb76"
            "00 fa41366ac532d37b6e4687762f5b62e98a2df075c55528a4b5f8901fcb62ff89"
        ),
    ),
    (THREE, "80", "", "00 f2050a9cf5d71b829a7c3375258ed6d19687c0bc1f67abac269664d8c3afab78"),
    (
        THREE,
        "80" * 16,
        None,
        "01 80 00 00 f2050a9cf5d71b829a7c3375258ed6d19687c0bc1f67abac269664d8c3afab78",
    ),
    (
        PADDED,
        "aa",
        "11",
        (
            "18 5fb7883d4653ebe26760b3617c66faf24760ac52357d4ea3e6ebcec2012f1766"
            "10 8fae00f40df5903c04ac1b908e2c15554b7929594b2bea9bcfeb39087477a511"
        ),
    ),
    (PADDED, "aa00", "22", "10 3c473ef7d254065ac87f40191011fd242f830ecc09a44e69ace863f0bb0ff88e"),
    (
        PADDED,
        "aa00ff",
        "33",
        (
            "18 14a3c93b3748bef4a9cc5ec92835dedb76f9fb329fa8d613a6c846196771b5b1"
            "10 8fae00f40df5903c04ac1b908e2c15554b7929594b2bea9bcfeb39087477a511"
        ),
    ),
    (
        "3e5f67a41049042651219eb0082888321710b95f544d25abf1112065530d1c99",
        "aa",
        None,
        "03 aa00ff 01 33 10 8fae00f40df5903c04ac1b908e2c15554b7929594b2bea9bcfeb39087477a511",
    ),
    (
        "8659ad973a4618797be6aee405621d44a10d5f8f162859909cfcaee2480547a8",
        "aa00ff",
        None,
        "01 aa 01 11 10 8fae00f40df5903c04ac1b908e2c15554b7929594b2bea9bcfeb39087477a511",
    ),
    (
        "4cf0e829df5d68543af1688dd858785a1403e0cea6d5cc0600833414b5c86b0f",
        "ff01",
        None,
        (
            "02 ff00 01 22"
            "18 40006ed0e42658fbd3f01540eabb1177c7ad30842ef7d5486750c9a591753581"
            "10 8baf0e4d45047f2d0ed95442bd339dcc51631dff62bdd537a14d6788d791862a"
        ),
    ),
)
# "Text keys, 9 key(s)": prefix.txt at ed37c650. Below a prefix: the root of its keys, and the proof.
TEXTS = {
    "00": "d46d8a04f77f1a33becbee20a58b5786b209b4fa072ae6b6871f45af12636636",
    "": "b148352607a6353a9e44d4db41c4d1963535dbab7d49bb9c91569183903899e2",
    "6100": "18c3af1eeae54aaecc02253c5edce3423cd8a0f166dc51f0392398cbd6aa1e0c",
    "61": "b42663a01cf5c4e0fb627a6232580adddc5b44adfb42a676f62283613febec7f",
    "616200": "4b3b395ee2f9d7591e33397e272b19e13be7673c0ccf40928d7c439dff17d717",
    "6162": "fec1eb04fdd1ef5538f6d2d52e06b1344a7dff0c0b4e9d4c9d3206c8a4d17647",
    "616263": "caf22a5c3f19e5f243c844d67eac5c0619f27ab244f313dcedf3455f8ecbcc69",
    "61ff": "a30422eec378e106cb12e4c50bbab61b3c0dbae62a42678de23ea975ac966f58",
    "ff": "dcadf97aa3114d32314d44920b90786c1ca8259a4d0c03b18971aeb96796f7d0",
}
TEXTS_ROOT = "bde5770d34df273283c81dac8fbc1e4b4f6b2c08c1f0eb739cd18da3f52cd2b7"
_TO_61 = (
    "01 a77384d66a7391fa54f4cd799bda24177d138b6167ae7cd3913501497aac87ad"
    "00 daa20f1d2f04ec9f19c081caeca66e549d1a93022063463ff4501bed268b356a"
)
_TO_6162 = (
    "09 93a853c5ea8ba67a3094cfe3d650f2914b04662e6f05855fb756c744d9ea8417"
    "08 bcfd4a58bb54f83e590d3c9ba9298cb7fb462fe7ae9781d6a861a4b1b064b385" + _TO_61
)
PREFIXES = {
    "": (TEXTS_ROOT, ""),
    "ff": (
        "daa20f1d2f04ec9f19c081caeca66e549d1a93022063463ff4501bed268b356a",
        "00 70b1b1e937b3b804ff04fc1c35117c3368af61e0972260293b0c054fa76bad63",
    ),
    "61": ("b4a099679765120d5f7765f7e9106047494253aa1802e06595d0fbf6d6c6e4b2", _TO_61),
    "6162": ("911d4901ca2f01d79d5503f71a7a61ad23ea9fb026352d3efbbc269ed7f49e76", _TO_6162),
    "616263": (
        "3b51f5c543598446c961baf3b07063fcb0728751fde9ee40500281e9c8136a5c",
        "11 b067168e30551455c002285896d0f4085251a54403aa485021413878ada6f05b" + _TO_6162,
    ),
}


def read_steps(proof: bytes) -> list[Step]:
    """Read steps at bits below 128, which take one byte each."""
    return [Step(proof[at], proof[at + 1 : at + 33]) for at in range(0, len(proof), 33)]


@pytest.mark.foreign
@pytest.mark.parametrize(("pairs", "root"), ROOTS)
def test_roots_of_torchwood(pairs: Mapping[str, str], root: str) -> None:
    """The roots over keys of any length are the known ones, in whatever order the keys come."""
    known = {bytes.fromhex(key): bytes.fromhex(value) for key, value in pairs.items()}
    assert fold_index(known).hex() == root
    assert fold_index(dict(reversed(known.items()))).hex() == root


@pytest.mark.foreign
@pytest.mark.parametrize("count", GENERATED)
def test_roots_of_torchwood_over_many_keys(count: int) -> None:
    """The roots over generated keys are the known ones."""
    keys, values = (
        [hashlib.sha256(f"{word}:{n}".encode()).digest() for n in range(count)] for word in ("key", "val")
    )
    assert fold_index(dict(zip(keys, values, strict=True))).hex() == GENERATED[count]


@pytest.mark.foreign
@pytest.mark.parametrize(("root", "key", "value", "proof"), LOOKUPS)
def test_proofs_of_torchwood(root: str, key: str, value: str | None, proof: str) -> None:
    """The proofs that a key has a value, or is absent, lead to the known roots."""
    asked, rest = bytes.fromhex(key), bytes.fromhex(proof)
    found, has = asked, bytes.fromhex(value or "")
    if value is None:
        found, rest = rest[1 : rest[0] + 1], rest[rest[0] + 1 :]
        has, rest = rest[1 : rest[0] + 1], rest[rest[0] + 1 :]
    steps = read_steps(rest)
    assert climb(found, hash_pair(found, has), steps).hex() == root
    assert all(bit_of(found, step.bit) == bit_of(asked, step.bit) for step in steps)
    assert (found == asked) == (value is not None)


@pytest.mark.foreign
@pytest.mark.parametrize("prefix", PREFIXES)
def test_subtrees_of_torchwood(prefix: str) -> None:
    """The proofs that all keys with a prefix are below a hash lead to the known root."""
    below = {bytes.fromhex(key): bytes.fromhex(TEXTS[key]) for key in TEXTS if key.startswith(prefix)}
    subtree, proof = PREFIXES[prefix]
    assert fold_index(below).hex() == subtree
    assert climb(bytes.fromhex(prefix), bytes.fromhex(subtree), read_steps(bytes.fromhex(proof))).hex() == (
        TEXTS_ROOT
    )


# ---- a naive model

Entries = Sequence[tuple[bytes, Sequence[bytes]]]


def write_bits(key: bytes, count: int) -> str:
    return ("".join(f"{byte:08b}" for byte in key) + "0" * 8).ljust(count, "1")[:count]


def naive_root(pairs: Mapping[bytes, bytes]) -> bytes:
    """Fold a tree as its definition says, bit by bit."""
    if not pairs:
        return hashlib.sha256(b"").digest()
    count = 8 * max(map(len, pairs)) + 8
    return _naive_node({write_bits(key, count): (key, value) for key, value in pairs.items()}, 0)


def _naive_node(pairs: Mapping[str, tuple[bytes, bytes]], bit: int) -> bytes:
    if len(pairs) == 1:
        ((key, value),) = pairs.values()
        return hashlib.sha256(bytes([0, len(key)]) + key + bytes([len(value)]) + value).digest()
    sides = [{bits: pair for bits, pair in pairs.items() if bits[bit] == side} for side in "01"]
    if not all(sides):
        return _naive_node(pairs, bit + 1)
    left, right = (_naive_node(side, bit + 1) for side in sides)
    number = bytes([bit]) if bit < 128 else bytes([bit % 128 + 128, bit // 128])
    return hashlib.sha256(b"\x01" + number + left + right).digest()


@dataclass
class Model:
    """The entries of a log, and what is true of them."""

    entries: Entries

    def pairs(self) -> dict[bytes, bytes]:
        return {key_of(s, n): leaf for n, (leaf, known) in enumerate(self.entries) for s in known}

    def head(self) -> IndexHead:
        return IndexHead(len(self.entries), naive_root(self.pairs()))

    def all(self, span: Span) -> tuple[Posting, ...]:
        return tuple(
            Posting(n, leaf)
            for n, (leaf, known) in enumerate(self.entries)
            if span.subject in known and span.start <= n < span.end
        )

    def newest(self, subject: bytes) -> Posting | None:
        about = self.all(Span(subject))
        return about[-1] if about else None


def build(entries: Entries, most_slots: int = 20, group: int = 1) -> PagedIndex:
    """Add entries to an index, in groups."""
    index = PagedIndex(MemoryPages(), most_slots)
    for number, (leaf_hash, subjects) in enumerate(entries):
        index.add(number, leaf_hash, subjects)
        if number % group == 0:
            index.save()
    return index


# Subjects that differ early, late, and in all that a hash can have.
SUBJECTS = (
    bytes(32),
    bytes(31) + b"\x01",
    b"\x80" + bytes(31),
    b"\xff" * 32,
    b"\xff" * 31 + b"\xfe",
    *(hashlib.sha256(bytes([n])).digest() for n in range(9)),
)
logs = st.lists(st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=4, unique=True), max_size=70).map(
    lambda known: [(hash_leaf(b"%d" % n), subjects) for n, subjects in enumerate(known)]
)


@given(st.dictionaries(st.binary(max_size=5), st.binary(max_size=5), max_size=30))
@example({b"\xab" * 30: b"", b"\xab" * 30 + b"\x00": b"", b"\xab" * 30 + b"\x00\xff": b""})
def test_the_root_is_that_of_the_definition(pairs: dict[bytes, bytes]) -> None:
    """The root over any keys is that of the tree folded bit by bit."""
    assert fold_index(pairs) == naive_root(pairs)


@given(logs, st.integers(2, 24), st.integers(1, 80))
def test_any_layout_has_the_same_root_and_proves_the_same(
    entries: Entries, most_slots: int, group: int
) -> None:
    """Pages of any size, filled in groups of any size or at once, have one root and the same proofs."""
    model = Model(entries)
    index = build(entries, most_slots, group)
    rebuilt = PagedIndex(MemoryPages(), most_slots)
    rebuilt.rebuild(entries)
    head = model.head()
    assert index.head() == rebuilt.head() == head
    for subject in SUBJECTS:
        newest, every = index.prove_newest(subject), index.prove_all(Span(subject))
        assert (rebuilt.prove_newest(subject), rebuilt.prove_all(Span(subject))) == (newest, every)
        assert NewestProof.decode(newest.encode()) == newest
        assert AllProof.decode(every.encode(), [posting.leaf_hash for posting in every.postings]) == every
        assert verify_newest(head, subject, newest) == model.newest(subject)
        assert verify_all(head, Span(subject), every) == model.all(Span(subject))


@given(logs, st.sampled_from(SUBJECTS), st.integers(1, 20), st.data())
def test_lists_in_parts_are_whole(entries: Entries, subject: bytes, limit: int, data: st.DataObject) -> None:
    """Spans follow one another without a gap, have few entries each, and are proven one by one."""
    index, model = build(entries, most_slots=4, group=100), Model(entries)
    listed: list[Posting] = []
    start = 0
    while start < len(entries):
        span = index.narrow(Span.widest(subject, start), limit)
        part = verify_all(index.head(), span, index.prove_all(span))
        assert (span.start, part) == (start, model.all(span))
        assert len(part) <= limit
        assert (
            span.width == Span.widest(subject, start).width
            or len(model.all(Span(subject, start, span.width + 1))) > limit
        )
        listed += part
        start = span.end
    assert tuple(listed) == model.all(Span(subject))
    width = data.draw(st.integers(0, 8))
    any_span = Span(subject, data.draw(st.integers(0, 80)) >> width << width, width)
    assert verify_all(index.head(), any_span, index.prove_all(any_span)) == model.all(any_span)


# ---- forged proofs


class Forger:
    """Proofs from two states of one index, of every subject and of many spans, and ways to spoil them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - examples
        count = self.random.randrange(2, 90)
        subjects = self.random.sample(SUBJECTS, self.random.randrange(2, len(SUBJECTS)))
        entries = [
            (hash_leaf(b"%d" % n), self.random.choices(subjects, k=self.random.randrange(1, 4)))
            for n in range(count)
        ]
        self.model = Model(entries)
        self.head = self.model.head()
        self.states = [
            build(entries, group=100),
            build(entries[: self.random.randrange(1, count)], group=100),
        ]
        self.steps = [step for index in self.states for s in subjects for step in index.prove_newest(s).steps]
        self.leaves = [IndexLeaf(s, posting) for s in subjects for posting in self.model.all(Span(s))]

    def subject(self) -> bytes:
        return self.random.choice(SUBJECTS)

    def span(self) -> Span:
        width = self.random.choice([0, 1, 3, 6, 64])
        return Span(self.subject(), self.random.randrange(90) >> width << width, width)

    def newest(self) -> NewestProof:
        """Take a proof of a subject, or the path to any of its entries."""
        index, leaf = self.random.choice(self.states), self.random.choice(self.leaves)
        if self.random.random() < 0.5:
            return index.prove_newest(self.subject())
        return NewestProof(leaf, index.prove_all(Span(leaf.subject, leaf.posting.entry, 0)).steps)

    def every(self, span: Span) -> AllProof:
        """Take a proof of a span, of another one, or what proves the newest entry of its subject."""
        index = self.random.choice(self.states)
        match self.random.randrange(4):
            case 0:
                return index.prove_all(span)
            case 1:
                return index.prove_all(replace(self.span(), subject=span.subject))
            case 2:
                return index.prove_all(self.span())
            case _:
                newest = index.prove_newest(span.subject)
                return AllProof((), newest.leaf, newest.steps)

    def spoil_newest(self, proof: NewestProof) -> NewestProof:
        leaf = self.random.choice([proof.leaf, proof.leaf, self.random.choice(self.leaves), None])
        return NewestProof(leaf, self.spoil(proof.steps, self.steps))

    def spoil_every(self, proof: AllProof) -> AllProof:
        postings = self.spoil(proof.postings, [leaf.posting for leaf in self.leaves])
        leaf = self.random.choice([proof.leaf, self.random.choice(self.leaves), None])
        return AllProof(postings, None if postings else leaf, self.spoil(proof.steps, self.steps))

    def spoil(self, parts: tuple[T, ...], others: Sequence[T]) -> tuple[T, ...]:
        """Keep, drop, repeat, swap, replace, cut off or add parts."""
        made, at = list(parts), self.random.randrange(len(parts) + 1)
        match self.random.randrange(8):
            case 0:
                made[at : at + 1] = []
            case 1:
                made[at:at] = made[at : at + 1]
            case 2:
                made[at : at + 2] = reversed(made[at : at + 2])
            case 3:
                made[at : at + 1] = [self.random.choice(others)] if others else []
            case 4:
                made[at:] = []
            case 5:
                made[:at] = []
        return tuple(made)

    def spoil_bytes(self, data: bytes) -> bytes:
        made, at = bytearray(data), self.random.randrange(len(data) + 1)
        match self.random.randrange(5):
            case 0 if at < len(made):
                made[at] ^= 1 << self.random.randrange(8)
            case 1:
                made = made[:at]
            case 2:
                made += self.random.randbytes(self.random.choice([1, 33, 34]))
            case 3:
                made[at:at] = bytes([self.random.randrange(256)])
            case 4 if at + 34 < len(made):
                made[at : at + 34] = b""
        return bytes(made)

    def forge_newest(self) -> tuple[bytes, NewestProof]:
        proof = self.newest()
        if self.random.random() < 0.7:
            proof = self.spoil_newest(proof)
        else:
            proof = NewestProof.decode(self.spoil_bytes(proof.encode()))
        subject = proof.leaf.subject if proof.leaf and self.random.random() < 0.7 else self.subject()
        return subject, proof

    def forge_every(self) -> tuple[Span, AllProof]:
        span = self.span()
        proof = self.every(span)
        match self.random.randrange(3):
            case 0:
                return span, proof
            case 1:
                return span, self.spoil_every(proof)
        leaf_hashes = [posting.leaf_hash for posting in proof.postings]
        return span, AllProof.decode(self.spoil_bytes(proof.encode()), leaf_hashes)


def forgeries() -> int:
    """Say how many proofs to forge of one log."""
    return 500 if settings.get_current_profile_name() == "fuzz" else 40


@given(st.integers(0, 2**32))
def test_a_forged_proof_proves_nothing_but_the_truth(seed: int) -> None:
    """Proofs that were altered, or are for another question or state, are refused or prove what is true."""
    forger = Forger(seed)
    refused = 0
    for _ in range(forgeries() // 2):
        try:
            subject, newest = forger.forge_newest()
            assert verify_newest(forger.head, subject, newest) == forger.model.newest(subject)
        except (IndexMalformed, ProofInvalid):
            refused += 1
        try:
            span, every = forger.forge_every()
            assert verify_all(forger.head, span, every) == forger.model.all(span)
        except (IndexMalformed, ProofInvalid):
            refused += 1
    assert refused


# ---- the rules of the verifier, by number

ABOUT = SUBJECTS[5]
OTHER = SUBJECTS[6]
ENTRIES = [(hash_leaf(b"%d" % n), [ABOUT, SUBJECTS[n % 5]] if n % 3 else [OTHER]) for n in range(40)]


@pytest.fixture
def index() -> PagedIndex:
    """Give an index of forty entries, two thirds of them about the same subject."""
    return build(ENTRIES)


def test_an_empty_index_proves_that_there_is_nothing() -> None:
    """Rule 2: the empty proof is that of an empty index, and no other proof is."""
    empty = PagedIndex(MemoryPages())
    newest, every = empty.prove_newest(ABOUT), empty.prove_all(Span(ABOUT))
    assert (empty.head(), newest.encode(), every.encode()) == (EMPTY_INDEX, b"", b"\x00")
    assert verify_newest(EMPTY_INDEX, ABOUT, newest) is None
    assert verify_all(EMPTY_INDEX, Span(ABOUT), every) == ()


def test_size_root_and_proof_agree_whether_the_index_is_empty(index: PagedIndex) -> None:
    """Rule 2: an empty root of some entries, a root of none, or an empty proof of some is refused."""
    proof, head = index.prove_newest(ABOUT), index.head()
    nothing = NewestProof(None, ())
    for claimed, shown in (
        (IndexHead(head.size, EMPTY_ROOT), nothing),
        (IndexHead(0, head.root), nothing),
        (head, nothing),
        (EMPTY_INDEX, proof),
        (EMPTY_INDEX, NewestProof(None, proof.steps)),
    ):
        refuses(lambda claimed=claimed, shown=shown: verify_newest(claimed, ABOUT, shown), IndexMalformed)  # type: ignore[misc] # bound at once
        every = AllProof((), shown.leaf, shown.steps)
        refuses(lambda claimed=claimed, every=every: verify_all(claimed, Span(ABOUT), every), IndexMalformed)  # type: ignore[misc] # bound at once


def test_keys_values_and_numbers_have_one_form(index: PagedIndex) -> None:
    """Rules 3 and 4: other lengths, long numbers, and bytes that are cut off or follow are refused."""
    data = index.prove_newest(ABOUT).encode()
    leaf, steps = data[:74], data[74:]
    assert (leaf[0], leaf[41]) == (40, 32)
    for wrong in (
        data[:-1],
        data[:30],
        data + b"\x00",
        b"\x27" + leaf[2:] + steps,
        b"\x29\x00" + leaf[1:] + steps,
        leaf[:41] + b"\x1f" + leaf[43:] + steps,
        leaf[:41] + b"\x21\x00" + leaf[42:] + steps,
        b"\xa8\x00" + leaf[1:] + steps,
        b"\x80" * 80,
        # An entry of 2^56 (rule 9).
        leaf[:33] + b"\x01" + leaf[34:] + steps,
    ):
        refuses(lambda wrong=wrong: NewestProof.decode(wrong), IndexMalformed)  # type: ignore[misc] # bound at once
    refuses(lambda: IndexLeaf(bytes(31), Posting(0, bytes(32))), IndexMalformed)
    refuses(lambda: IndexLeaf(bytes(32), Posting(0, bytes(31))), IndexMalformed)
    refuses(lambda: IndexLeaf(bytes(32), Posting(-1, bytes(32))), IndexMalformed)


def test_the_bits_of_the_steps_fall(index: PagedIndex) -> None:
    """Rules 4 and 5: steps out of order, twice, beyond the key, without a hash or without end are refused."""
    proof = index.prove_newest(ABOUT)
    first, *rest = proof.steps
    for steps in (
        (first, first, *rest),
        (*rest, first),
        (replace_bit(first, 320), *rest),
        (*proof.steps, replace_bit(first, -1)),
        (first, Step(rest[0].bit, b""), *rest[1:]),
    ):
        refuses(lambda steps=steps: NewestProof(proof.leaf, steps), IndexMalformed)  # type: ignore[misc] # bound at once
    endless = proof.encode() + (b"\x00" + bytes(32)) * 1_000
    refuses(lambda: NewestProof.decode(endless), IndexMalformed)


def replace_bit(step: Step, bit: int) -> Step:
    return Step(bit, step.sibling)


def test_an_older_entry_is_not_the_newest(index: PagedIndex) -> None:
    """Rule 6: the true path to an older entry about a subject does not prove that it is the newest."""
    about = Model(ENTRIES).all(Span(ABOUT))
    for posting in about:
        path = index.prove_all(Span(ABOUT, posting.entry, 0))
        proof = NewestProof(IndexLeaf(ABOUT, posting), path.steps)
        key = key_of(ABOUT, posting.entry)
        assert climb(key, hash_pair(key, posting.leaf_hash), path.steps) == index.head().root
        if posting == about[-1]:
            assert verify_newest(index.head(), ABOUT, proof) == posting
        else:
            refuses(lambda proof=proof: verify_newest(index.head(), ABOUT, proof), ProofInvalid)  # type: ignore[misc] # bound at once


def test_a_proof_leads_to_the_root_of_its_head(index: PagedIndex) -> None:
    """Rule 7: a proof from an earlier state, or with another leaf hash, is refused."""
    head, earlier = index.head(), build(ENTRIES[:-1])
    refuses(lambda: verify_newest(head, ABOUT, earlier.prove_newest(ABOUT)), ProofInvalid)
    refuses(lambda: verify_all(head, Span(ABOUT), earlier.prove_all(Span(ABOUT))), ProofInvalid)
    proof = index.prove_newest(ABOUT)
    assert proof.leaf is not None
    altered = IndexLeaf(ABOUT, Posting(proof.leaf.posting.entry, hash_leaf(b"altered")))
    refuses(lambda: verify_newest(head, ABOUT, NewestProof(altered, proof.steps)), ProofInvalid)


def test_the_leaf_of_another_subject_proves_an_absence(index: PagedIndex) -> None:
    """Rule 8: a subject without entries is proven to have none, and that proof serves for no other."""
    absent = hashlib.sha256(b"absent").digest()
    proof = index.prove_newest(absent)
    assert verify_newest(index.head(), absent, proof) is None
    refuses(lambda: verify_newest(index.head(), ABOUT, proof), ProofInvalid)


def test_an_entry_is_below_the_size(index: PagedIndex) -> None:
    """Rule 9: a proof that names an entry beyond the head is refused."""
    short = IndexHead(30, index.head().root)
    refuses(lambda: verify_newest(short, ABOUT, index.prove_newest(ABOUT)), IndexMalformed)
    refuses(lambda: verify_all(short, Span(ABOUT), index.prove_all(Span(ABOUT))), IndexMalformed)


def test_a_list_is_whole_and_in_order(index: PagedIndex) -> None:
    """Rule 12: a list without one of its entries, out of order, or from a part of its span is refused."""
    head, span, proof = index.head(), Span(ABOUT), index.prove_all(Span(ABOUT))
    postings = proof.postings
    part = index.prove_all(Span(ABOUT, 32, 3))
    assert 0 < len(part.postings) < len(postings)
    for forged in (
        *(replace(proof, postings=postings[:at] + postings[at + 1 :]) for at in range(len(postings))),
        replace(proof, postings=postings[::-1]),
        replace(proof, postings=(*postings, postings[-1])),
        replace(proof, postings=(*postings, Posting(39, hash_leaf(b"39")))),
        part,
    ):
        refuses(lambda forged=forged: verify_all(head, span, forged), ProofInvalid)  # type: ignore[misc] # bound at once
    refuses(lambda: verify_all(head, Span(ABOUT, 32, 3), proof), ProofInvalid)
    refuses(lambda: verify_all(head, Span(OTHER), proof), ProofInvalid)


def test_an_empty_list_is_an_absence(index: PagedIndex) -> None:
    """Rule 12: a leaf of the subject does not prove an empty list; a leaf beside the span does."""
    head, newest = index.head(), index.prove_newest(ABOUT)
    refuses(lambda: verify_all(head, Span(ABOUT), AllProof((), newest.leaf, newest.steps)), ProofInvalid)
    refuses(lambda: AllProof(index.prove_all(Span(ABOUT)).postings, newest.leaf, ()), IndexMalformed)
    refuses(lambda: AllProof.decode(b"\x02" + bytes(16), [bytes(32)]), IndexMalformed)
    beyond = Span(ABOUT, 64, 6)
    assert verify_all(head, beyond, index.prove_all(beyond)) == ()


@pytest.mark.foreign
def test_a_subject_is_hashed_with_its_salt() -> None:
    """The hash of a subject is the HMAC of its kind and name, as cryptography computes it."""
    foreign = HMAC(b"salt", hashes.SHA256())
    foreign.update(b"alias\x00acme/x@production")
    assert subject_hash(b"salt", SubjectKind.ALIAS, "acme/x@production") == foreign.finalize()


# ---- the bounds of callers, and damaged pages


def test_bounds_of_spans_and_additions(index: PagedIndex) -> None:
    """A span starts at a multiple of its length; each entry is added once, in order, under a subject."""
    for bounds in ((ABOUT, 1, 1), (ABOUT, 1 << 64, 0), (ABOUT, -1, 0), (ABOUT[:-1], 0, 0)):
        with pytest.raises(ValueError, match=r"a span|a subject"):
            Span(*bounds)
    with pytest.raises(ValueError, match="no subject"):
        index.add(40, hash_leaf(b"40"), [])
    refuses(lambda: index.add(39, hash_leaf(b"39"), [ABOUT]), LogInconsistent)
    refuses(lambda: index.add(41, hash_leaf(b"41"), [ABOUT]), LogInconsistent)


@pytest.mark.parametrize(
    "damage",
    [
        lambda pages: pages.pop(ROOT),
        lambda pages: [pages.pop(page) for page in [*pages] if page != ROOT],
        lambda pages: pages.update({ROOT: pages[ROOT][:-1]}),
        lambda pages: pages.update(dict.fromkeys(pages, pages[ROOT])),
    ],
    ids=["root lost", "lost", "cut off", "above itself"],
)
def test_damaged_pages_are_refused(damage: Callable[[dict[int, bytes]], object]) -> None:
    """A page that is lost, cut off or in another's place is a refusal, not an endless search."""
    pages = MemoryPages()
    index = PagedIndex(pages, 3)
    index.rebuild(ENTRIES)
    damage(pages.pages)
    index = PagedIndex(pages, 3)
    assert any(is_refused(partial(index.prove_newest, subject)) for subject in SUBJECTS)
    assert any(is_refused(partial(index.narrow, Span(subject), 9)) for subject in SUBJECTS)
    index.add(40, hash_leaf(b"40"), SUBJECTS)
    assert is_refused(index.save)


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except LogInconsistent:
        return True
    return False
