"""Signed notes: ours, and read by Go's golang.org/x/mod/sumdb."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import InvalidKey, ProofInvalid
from muniment.core.times import write_seconds
from muniment.log.checkpoint import Checkpoint
from muniment.log.index import IndexHead
from muniment.log.proofs import prove_consistency, prove_inclusion
from muniment.log.tree import Frontier, Node, hash_leaf, read_root
from muniment.signing.heads import HeadSigner, open_head
from muniment.signing.keys import Algorithm, Identity
from muniment.signing.notes import NoteSigner, NoteVerifier, open_note

GO_PATH = Path("/usr/share/gocode")

signer = NoteSigner("example.com/log", Identity.generate(Algorithm.ED25519))
TEXT = b"example.com/log\n1\nAAAA\n"


def test_a_note_opens_with_its_verifier_alone() -> None:
    """A note opens with its own verifier and with no other."""
    note = signer.sign(TEXT)
    assert open_note(note, NoteVerifier.read(str(signer.verifier))) == TEXT
    for other in (
        NoteSigner("example.com/log", Identity.generate(Algorithm.ED25519)),
        NoteSigner("example.com/other", signer.identity),
    ):
        with pytest.raises(ProofInvalid):
            open_note(note, other.verifier)


def test_signatures_of_others_are_passed_over() -> None:
    """Signature lines of witnesses are ignored, and a text can hold blank lines."""
    text = b"a\n\nb\n"
    witness = NoteSigner("witness", Identity.generate(Algorithm.ED25519))
    line = witness.sign(text).rpartition(b"\n\n")[2]
    assert open_note(signer.sign(text) + line, signer.verifier) == text


def test_a_wrong_signature_in_our_name_is_refused_even_beside_a_good_one() -> None:
    """A bad signature under our key is refused, even beside a good one."""
    blob = signer.verifier.key_id + bytes(64)
    line = f"— {signer.name} {base64.b64encode(blob).decode()}\n".encode()
    with pytest.raises(ProofInvalid):
        open_note(signer.sign(TEXT) + line, signer.verifier)


@pytest.mark.parametrize(
    "lines",
    [b"", b"- x AAAAAAAA\n", b"\xe2\x80\x94 x !\n", b"\xe2\x80\x94 x AAAA\n", b"garbage\n", b"\xff\n"],
)
def test_a_malformed_note_is_refused(lines: bytes) -> None:
    """A note with a malformed signature line is refused."""
    with pytest.raises(ProofInvalid):
        open_note(TEXT + b"\n" + lines, signer.verifier)
    with pytest.raises(ProofInvalid):
        open_note(TEXT, signer.verifier)


@given(st.binary(max_size=80))
def test_bytes_are_refused(data: bytes) -> None:
    """Random bytes are refused, and never fail in another way."""
    with pytest.raises(ProofInvalid):
        open_note(data, signer.verifier)


@pytest.mark.parametrize("text", ["", "a+b", "name+00000000+AAAA", "name+zz+!!"])
def test_a_malformed_verifier_is_refused(text: str) -> None:
    """A malformed verifier key is refused."""
    with pytest.raises(InvalidKey):
        NoteVerifier.read(text)


def test_a_verifier_of_another_key_id_is_refused() -> None:
    """A verifier key whose id is not that of its key is refused."""
    name, _, key = str(signer.verifier).split("+", 2)
    with pytest.raises(InvalidKey):
        NoteVerifier.read(f"{name}+00000000+{key}")


_GO = r"""
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func hashes(text string) (list []tlog.Hash) {
	for _, part := range strings.Fields(text) {
		raw, err := base64.StdEncoding.DecodeString(part)
		check(err)
		var hash tlog.Hash
		copy(hash[:], raw)
		list = append(list, hash)
	}
	return list
}

func tree(name string, verifier note.Verifier) (int64, tlog.Hash) {
	data, err := os.ReadFile(name)
	check(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	var size int64
	fmt.Sscanf(lines[1], "%d", &size)
	return size, hashes(lines[2])[0]
}

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	check(err)
	oldSize, oldRoot := tree("old", verifier)
	size, root := tree("new", verifier)
	consistency, err := os.ReadFile("consistency")
	check(err)
	check(tlog.CheckTree(hashes(string(consistency)), size, root, oldSize, oldRoot))
	for index := int64(0); index < size; index++ {
		proof, err := os.ReadFile(fmt.Sprintf("inclusion-%d", index))
		check(err)
		record := tlog.RecordHash([]byte(fmt.Sprintf("entry %d", index)))
		check(tlog.CheckRecord(hashes(string(proof)), size, root, index, record))
	}
	fmt.Printf("%d entries\n", size)
}
"""


HEADS = HeadSigner(signer, lambda: datetime(2026, 1, 1, tzinfo=UTC))


def test_a_head_is_a_checkpoint_with_an_index_and_a_time() -> None:
    """A head is read back, and the checkpoint in it is one that every reader of notes opens."""
    note = HEADS.sign(3, bytes(range(32)), bytes(32))
    head = open_head(note, signer.verifier)
    assert (head.size, head.root, head.index) == (3, bytes(range(32)), IndexHead(3, bytes(32)))
    assert write_seconds(head.time) == "2026-01-01T00:00:00.000000Z"
    assert Checkpoint.decode(open_note(note, signer.verifier)).size == head.size


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-2], lines[-1]],
        lambda lines: [lines[0], b"4\n", *lines[2:]],
        lambda lines: [*lines[:-1], HEADS.sign(4, bytes(32), bytes(32)).splitlines(keepends=True)[-1]],
        lambda lines: [*lines[:-1], b"\xe2\x80\x94 " + signer.name.encode() + b" AAAA\n"],
        lambda _: [b"garbage"],
    ],
)
def test_a_head_that_was_altered_is_refused(change: Callable[[list[bytes]], list[bytes]]) -> None:
    """A line that is missing, doubled, of another head or malformed is refused."""
    lines = HEADS.sign(3, bytes(range(32)), bytes(32)).splitlines(keepends=True)
    with pytest.raises(ProofInvalid):
        open_head(b"".join(change(lines)), signer.verifier)


@pytest.mark.foreign
@pytest.mark.skipif(
    shutil.which("go") is None or not (GO_PATH / "src/golang.org/x/mod/sumdb").exists(),
    reason="needs Debian's golang-go and golang-golang-x-mod-dev",
)
def test_go_sumdb_accepts_our_checkpoints_and_proofs(tmp_path: Path) -> None:
    """Go's note and tlog packages verify our signatures, inclusion and consistency proofs."""
    nodes: dict[Node, bytes] = {}
    frontier = Frontier(0, [])
    for index in range(21):
        nodes.update(frontier.append(hash_leaf(f"entry {index}".encode())))

    def write(name: str, path: tuple[bytes, ...]) -> None:
        (tmp_path / name).write_text("\n".join(base64.b64encode(node).decode() for node in path))

    for name, size in (("old", 13), ("new", 21)):
        heads = HeadSigner(signer, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        (tmp_path / name).write_bytes(heads.sign(size, read_root(size, lambda _: nodes), bytes(32)))
    write("consistency", prove_consistency(13, 21, lambda _: nodes))
    for index in range(21):
        write(f"inclusion-{index}", prove_inclusion(index, 21, lambda _: nodes))
    (tmp_path / "main.go").write_text(_GO)
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GO_PATH),
        "GOCACHE": str(tmp_path / "cache"),
        "GOFLAGS": "",
    }
    result = subprocess.run(
        ["go", "run", "main.go", str(signer.verifier)],  # noqa: S607 - found above
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.returncode) == ("21 entries\n", 0), result.stderr
