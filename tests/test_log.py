"""The tree of the log and its proofs: laws, the vectors of RFC 6962, and a foreign implementation."""

import base64
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from muniment.log.checkpoint import Checkpoint
from muniment.log.proofs import (
    prove_consistency,
    prove_inclusion,
    prove_inclusions,
    verify_consistency,
    verify_inclusion,
)
from muniment.log.tree import EMPTY_ROOT, Frontier, Node, hash_leaf, read_root

# The reference leaves, roots and paths of the Certificate Transparency implementations (RFC 6962).
LEAVES = tuple(
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


class Tree:
    """A log in memory."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.nodes: dict[Node, bytes] = {}
        self.frontier = Frontier(0, [])
        for leaf in leaves:
            self.nodes.update(self.frontier.append(hash_leaf(leaf)))

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        return {node: self.nodes[node] for node in nodes}

    def root(self, size: int) -> bytes:
        return read_root(size, self.read)


def hexes(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(digest.hex() for digest in hashes)


@pytest.mark.parametrize("size", range(9))
def test_roots_of_rfc_6962(size: int) -> None:
    """The root of each size is the known one, from the stored nodes and from the growing edge."""
    tree = Tree(LEAVES[:size])
    assert tree.root(size).hex() == ROOTS[size] == tree.frontier.root.hex()


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_paths_of_rfc_6962(index: int, size: int) -> None:
    """The inclusion paths are the known ones and verify."""
    path = prove_inclusion(index, size, Tree(LEAVES).read)
    assert hexes(path) == INCLUSION[index, size]
    assert verify_inclusion(index, size, hash_leaf(LEAVES[index]), path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_paths_of_rfc_6962(old: int, new: int) -> None:
    """The consistency paths are the known ones and verify."""
    path = prove_consistency(old, new, Tree(LEAVES).read)
    assert hexes(path) == CONSISTENCY[old, new]
    assert verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), path)


@given(st.lists(st.binary(max_size=4), max_size=70), st.data())
def test_every_proof_verifies_and_no_other_does(leaves: list[bytes], data: st.DataObject) -> None:
    """A proof verifies for its index, leaf, root and path, and for no other."""
    tree = Tree(leaves)
    size = data.draw(st.integers(0, len(leaves)))
    root = tree.root(size)
    if not size:
        assert root == EMPTY_ROOT
        return
    index = data.draw(st.integers(0, size - 1))
    leaf, path = hash_leaf(leaves[index]), prove_inclusion(index, size, tree.read)
    assert verify_inclusion(index, size, leaf, path, root)
    assert not verify_inclusion(index, size, hash_leaf(b"other!"), path, root)
    assert not verify_inclusion(index, size, leaf, path, hash_leaf(b"other!"))
    assert not verify_inclusion(index, size, leaf, (*path, root), root)
    assert not verify_inclusion(index + size, size, leaf, path, root)
    if path:
        assert not verify_inclusion(index, size, leaf, path[:-1], root)


@given(st.integers(1, 70), st.data())
def test_proofs_made_together_are_those_made_alone(size: int, data: st.DataObject) -> None:
    """Proofs made in one batch equal those made one by one, and read each node once."""
    tree = Tree([bytes([n]) for n in range(size)])
    indexes = data.draw(st.lists(st.integers(0, size - 1), max_size=8))
    asked: list[Node] = []

    def read(nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        asked.extend(nodes)
        return tree.read(nodes)

    proofs = prove_inclusions(indexes, size, read)
    assert proofs == [prove_inclusion(index, size, tree.read) for index in indexes]
    assert len(asked) == len(set(asked))


@given(st.integers(0, 70), st.integers(0, 70))
def test_growth_is_provable_and_a_fork_is_not(one: int, other: int) -> None:
    """A tree is consistent with each of its pasts and with no other tree."""
    old, new = sorted((one, other))
    tree = Tree([bytes([n]) for n in range(new)])
    fork = Tree([bytes([n + 100]) for n in range(new)])
    path = prove_consistency(old, new, tree.read)
    assert verify_consistency(old, new, tree.root(old), tree.root(new), path)
    assert not verify_consistency(new + 1, new, tree.root(new), tree.root(new), path)
    if old:
        assert not verify_consistency(old, new, fork.root(old), tree.root(new), path)
        assert not verify_consistency(old, new, tree.root(old), fork.root(new), path)
        assert not verify_consistency(old, new, tree.root(old), tree.root(new), (*path, EMPTY_ROOT))
    if path:
        assert not verify_consistency(old, new, tree.root(old), tree.root(new), path[1:])
        assert not verify_consistency(old, new, tree.root(old), tree.root(new), ())


@pytest.mark.foreign
@given(st.lists(st.binary(max_size=10), min_size=1, max_size=40))
def test_pymerkle_has_the_same_roots(leaves: list[bytes]) -> None:
    """Pymerkle computes the same root at every size."""
    foreign = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        foreign.append_entry(leaf)
    tree = Tree(leaves)
    assert [tree.root(size) for size in range(1, len(leaves) + 1)] == [
        foreign.get_root(size) for size in range(1, len(leaves) + 1)
    ]


def test_a_proof_of_what_is_not_there_cannot_be_asked_for() -> None:
    """Indices and sizes beyond the tree are refused."""
    tree = Tree(LEAVES)
    with pytest.raises(ValueError, match="no leaf 8"):
        prove_inclusion(8, 8, tree.read)
    with pytest.raises(ValueError, match="never had size 9"):
        prove_consistency(9, 8, tree.read)


@given(
    st.from_regex(r"[a-z./]{1,20}", fullmatch=True),
    st.integers(0, 2**60),
    st.binary(min_size=32, max_size=32),
)
def test_a_checkpoint_is_read_as_it_was_written(origin: str, size: int, root: bytes) -> None:
    """Decoding an encoded checkpoint gives the checkpoint back."""
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    assert checkpoint == Checkpoint.decode(checkpoint.encode())


def test_extension_lines_of_a_checkpoint_are_passed_over() -> None:
    """Extension lines of a checkpoint are ignored, as C2SP allows, which forbids empty ones."""
    root = base64.b64encode(EMPTY_ROOT).decode()
    assert Checkpoint.decode(f"o\n0\n{root}\nextension\n".encode()).size == 0
    for lines in ("\n", "extension\n\n", "\nextension\n"):
        with pytest.raises(ValueError, match="not a checkpoint"):
            Checkpoint.decode(f"o\n0\n{root}\n{lines}".encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n",
        "o\n1\n",
        "\n0\nAA==\n",
        "o\n00\nAA==\n",
        "o\n-1\nAA==\n",
        "o\n1\n!\n",
        "o\n1\nAAAA\n",
        "o\n1\nAAAA",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    """A text with leading zeros, missing lines or a short root is refused."""
    with pytest.raises(ValueError, match="not a"):
        Checkpoint.decode(text.encode())
