"""SSH keys: we verify what `ssh-keygen -Y sign` signs, and it verifies what we keep."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.claims.signers import SshSigner
from muniment.client.claims.ssh import sign_with_ssh
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import Json
from muniment.core.claims.attestations import APPROVAL, PAYLOAD_TYPE
from muniment.core.errors import BadSignature, InvalidKey
from muniment.core.warnings import UncountedApproval
from muniment.signing.bundle import Bundle, sign_statement, verify_bundle
from muniment.signing.dsse import encode_for_signing
from muniment.signing.keys import Identity, PublicKey

pytestmark = pytest.mark.foreign

STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"t",'
    b'"subject":[{"digest":{"sha256":"' + b"0" * 64 + b'"}}]}'
)


def make_key(directory: Path, kind: str = "ed25519", *options: str) -> Path:
    path = directory / f"id_{kind}"
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "vera@example.org", "-f", str(path), *options]
    subprocess.run(command, check=True)
    return path


@pytest.mark.parametrize(("kind", "options"), [("ed25519", ()), ("rsa", ("-b", "3072"))])
def test_what_ssh_keygen_signs_verifies(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    """A signature of `ssh-keygen` verifies, and an altered payload or signature does not."""
    key = make_key(tmp_path, kind, *options)
    bundle = Bundle.decode(sign_with_ssh(STATEMENT, key).encode())
    public = PublicKey.read(key.with_suffix(".pub").read_bytes())
    assert verify_bundle(bundle, public).predicate_type == "t"
    assert b"vera@example.org" not in public.pem, "the comment may name a person"
    for altered in (
        replace(bundle, payload=bundle.payload + b" "),
        replace(bundle, signature=bundle.signature.replace(b"A", b"B")),
        replace(bundle, signature=b""),
        replace(bundle, signature=b"\xff\xfe"),
        replace(bundle, signature=b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"),
    ):
        with pytest.raises(BadSignature):
            verify_bundle(altered, public)


def test_what_we_keep_verifies_with_ssh_keygen(tmp_path: Path) -> None:
    """`ssh-keygen -Y verify` accepts the signature that we keep."""
    key = make_key(tmp_path)
    bundle = sign_with_ssh(STATEMENT, key)
    (tmp_path / "sig").write_bytes(bundle.signature)
    signers = tmp_path / "allowed"
    signers.write_text(f'vera namespaces="muniment" {key.with_suffix(".pub").read_text()}')
    done = subprocess.run(
        [  # noqa: S607 - the user's ssh-keygen
            "ssh-keygen",
            "-Y",
            "verify",
            "-f",
            str(signers),
            "-I",
            "vera",
            "-n",
            "muniment",
            "-s",
            str(tmp_path / "sig"),
        ],
        input=encode_for_signing(PAYLOAD_TYPE, STATEMENT),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_signature_for_something_else_is_none(tmp_path: Path) -> None:
    """A signature in another namespace, such as that of a git commit, is refused."""
    key = make_key(tmp_path)
    message = tmp_path / "m"
    message.write_bytes(encode_for_signing(PAYLOAD_TYPE, STATEMENT))
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "git", str(message)], check=True)  # noqa: S607 - as above
    public = PublicKey.read(key.with_suffix(".pub").read_bytes())
    signature = message.with_name("m.sig").read_bytes()
    with pytest.raises(BadSignature):
        verify_bundle(Bundle(payload=STATEMENT, signature=signature, key_id=public.id), public)


def test_another_key_does_not_pass_for_it(tmp_path: Path) -> None:
    """A signature by another key under the id of the key is refused."""
    (tmp_path / "other").mkdir()
    key, other = make_key(tmp_path), make_key(tmp_path / "other")
    public = PublicKey.read(key.with_suffix(".pub").read_bytes())
    signed = sign_with_ssh(STATEMENT, other)
    with pytest.raises(BadSignature):
        verify_bundle(replace(signed, key_id=public.id), public)
    plain = sign_statement(STATEMENT, Identity.generate())
    with pytest.raises(BadSignature):
        verify_bundle(replace(plain, key_id=public.id), public)


@pytest.mark.parametrize(
    "line",
    [
        b"ssh-ed25519 AAAA",
        b"ssh-ed25519 !!!!",
        b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQC7",
        b"ssh-dss AAAAB3NzaC1kc3MAAACB",
        b"ssh-ed25519 \xff",
    ],
)
def test_a_line_that_is_no_key(line: bytes) -> None:
    """A malformed line of an SSH key is refused."""
    with pytest.raises(InvalidKey):
        PublicKey.read(line)


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    """An RSA key of fewer than 3072 bits is refused."""
    key = make_key(tmp_path, "rsa", "-b", "2048")
    with pytest.raises(InvalidKey, match="2048 bits"):
        PublicKey.read(key.with_suffix(".pub").read_bytes())


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    """Signing with a missing or broken key file is refused."""
    with pytest.raises(InvalidKey):
        sign_with_ssh(STATEMENT, tmp_path / "none")
    key = make_key(tmp_path)
    key.write_text("not a key")
    with pytest.raises(InvalidKey):
        sign_with_ssh(STATEMENT, key)


def test_an_approval_by_ssh_is_known_as_such(
    registry: Registry, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An approval signed by an enrolled SSH key meets a policy that asks for a key."""
    version = registry.push(model, "acme/x")
    rule: dict[str, Json] = {"rule": "approvals", "validator": 1, "assurance": ["ssh", "passkey"]}
    registry.policies.set("acme/x", "production", {"vouching": "any", "rules": [rule]}, reason="agreed")
    machine, ben = Identity.generate(), Identity.generate()
    registry.people.add("Ben", ben.public)
    registry.people.grant("Ben", "admin")
    registry.people.add("Vera")
    registry.people.grant("Vera", "validator", "acme")
    key = make_key(tmp_path)
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    enrolled = CliRunner().invoke(main, ["key", "enrol", "Vera", str(key.with_suffix(".pub"))])
    assert enrolled.exit_code == 0, enrolled.output
    with muniment.open(settings=settings, identity=ben) as bens:
        bens.people.enrol("Vera", machine.public)
    (begun,) = registry.people.recoveries("Vera")
    registry.people.approve_recovery(begun.index)
    theirs = muniment.open(settings=settings, identity=machine)
    with pytest.warns(UncountedApproval, match="known only by recovery"):
        theirs.version("acme/x@1").approve("production", "validator", "fine")
    assert "known only by recovery" in str(version.check("production").failures)
    theirs.version("acme/x@1").withdraw("production", "with another key")
    theirs.version("acme/x@1").approve("production", "validator", "fine", signer=SshSigner(key))
    theirs.close()
    assert version.check("production").passed
    newest = [one for one in version.describe().attestations if one.predicate_type == APPROVAL][-1]
    assert newest.assurance == "ssh"
    registry.promote(version, "production")
    assert all(check.passed for check in version.verify())
