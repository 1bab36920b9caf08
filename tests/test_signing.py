"""Keys, bundles and statements."""

import base64
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json
from muniment.core.claims.attestations import APPROVAL, CONTENT, EVALUATION, PROVENANCE, VERDICT
from muniment.core.digests import Digest
from muniment.core.errors import BadSignature, InvalidAttestation, InvalidKey
from muniment.signing.bundle import Bundle, sign_statement, verify_bundle
from muniment.signing.content import covers, sign_content
from muniment.signing.keys import Algorithm, Identity, PublicKey
from muniment.signing.schemas import SCHEMAS, check_predicate
from muniment.signing.statements import attest
from muniment.testing.backends import evaluation, provenance
from strategies import damaged

algorithms = pytest.mark.parametrize("algorithm", Algorithm)


@algorithms
def test_a_key_is_saved_for_its_owner_alone(algorithm: Algorithm, tmp_path: Path) -> None:
    """A saved key has mode 0600, reads back unchanged, and is never overwritten."""
    identity, path = Identity.generate(algorithm), tmp_path / "keys" / "me.pem"
    identity.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert identity.public.id == Identity.load(path).public.id
    with pytest.raises(InvalidKey):
        Identity.generate().save(path)
    assert [path] == list(path.parent.iterdir()), "nothing is left over"


@algorithms
def test_an_encrypted_key_needs_its_passphrase(algorithm: Algorithm, tmp_path: Path) -> None:
    """An encrypted key cannot be loaded without its passphrase or with another."""
    identity, path = Identity.generate(algorithm), tmp_path / "me.pem"
    identity.save(path, "correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    assert identity.public.id == Identity.load(path, "correct horse").public.id
    for wrong in (None, "battery staple"):
        with pytest.raises(InvalidKey) as refusal:
            Identity.load(path, wrong)
        assert "MUNIMENT_PASSPHRASE" in refusal.value.hint


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A private key file that others can read is refused."""
    path = tmp_path / "me.pem"
    Identity.generate().save(path)
    path.chmod(0o644)
    with pytest.raises(InvalidKey, match="can be read by others"):
        Identity.load(path)


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_other_kinds_of_keys_are_refused(tmp_path: Path) -> None:
    """RSA keys, other curves, garbage and missing files are refused."""
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with pytest.raises(InvalidKey):
            Identity.load(_write(tmp_path / "other.pem", private))
        with pytest.raises(InvalidKey):
            PublicKey.read(public)
    with pytest.raises(InvalidKey):
        Identity.load(_write(tmp_path / "garbage.pem", b"garbage"))
    with pytest.raises(InvalidKey):
        Identity.load(tmp_path / "missing.pem")
    with pytest.raises(InvalidKey):
        PublicKey.read(b"garbage")
    with pytest.raises(InvalidKey):
        PublicKey.of_raw(b"short")
    with pytest.raises(InvalidKey):
        _ = Identity.generate(Algorithm.P256).public.raw


@algorithms
def test_a_bundle_verifies_with_its_key_alone(algorithm: Algorithm) -> None:
    """A bundle verifies with its key, and not with another key, payload or signature."""
    identity, subject = Identity.generate(algorithm), Digest.of(b"revision")
    bundle = Bundle.decode(attest(subject, "acme/x@1", PROVENANCE, provenance(), identity).encode())
    statement = verify_bundle(bundle, identity.public)
    assert (statement.subjects, statement.predicate_type) == ((subject,), PROVENANCE)
    assert statement.predicate == provenance()
    other = Identity.generate(algorithm)
    forged = Bundle(payload=bundle.payload, signature=bundle.signature, key_id=other.public.id)
    altered = Bundle(payload=bundle.payload + b" ", signature=bundle.signature, key_id=bundle.key_id)
    for wrong, key in ((bundle, other.public), (forged, other.public), (altered, identity.public)):
        with pytest.raises(BadSignature):
            verify_bundle(wrong, key)


def test_a_signed_text_that_is_no_statement_is_refused() -> None:
    """A validly signed payload that is not a statement is refused."""
    identity = Identity.generate()
    statement: dict[str, Json] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "0" * 64}}],
        "predicateType": "x",
        "predicate": {},
    }
    wrongs: tuple[dict[str, Json], ...] = (
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicate": None},
        {"predicateType": 1},
        {"subject": []},
        {"subject": [{}]},
        {"subject": None},
    )
    for wrong in wrongs:
        payload = json.dumps({**statement, **wrong}).encode()
        with pytest.raises(InvalidAttestation):
            verify_bundle(sign_statement(payload, identity), identity.public)
    with pytest.raises(InvalidAttestation):
        verify_bundle(sign_statement(b"not json", identity), identity.public)
    foreign = {**statement, "subject": [{"digest": {"sha512": "0" * 128}}]}
    bundle = sign_statement(json.dumps(foreign).encode(), identity)
    assert verify_bundle(bundle, identity.public).subjects == ()


SIGNER = Identity.generate()
WHOLE = attest(Digest.of(b"revision"), "acme/x@1", PROVENANCE, provenance(), SIGNER)


@given(st.binary(max_size=100) | damaged(WHOLE.encode()))
def test_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    """Random and damaged bytes are refused, unless what was signed is still the same."""
    with suppress(InvalidAttestation, BadSignature):
        bundle = Bundle.decode(data)
        verify_bundle(bundle, SIGNER.public)
        assert bundle.payload == WHOLE.payload


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.2+json"},
        {"verificationMaterial": {"certificate": {"rawBytes": ""}}},
        {"verificationMaterial": None},
        {"dsseEnvelope": {}},
        {
            "dsseEnvelope": {
                "payload": "!",
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": ""}],
            }
        },
        {"dsseEnvelope": {"payload": "", "payloadType": "text/plain", "signatures": [{"sig": ""}]}},
        {"dsseEnvelope": {"payload": "", "payloadType": "application/vnd.in-toto+json", "signatures": []}},
        {"dsseEnvelope": {"payload": 1, "payloadType": "application/vnd.in-toto+json", "signatures": [1]}},
    ],
)
def test_a_bundle_of_another_form_is_refused(change: dict[str, Json]) -> None:
    """A bundle with another version, certificates, or no or several signatures is refused."""
    bundle = json.loads(attest(Digest.of(b""), "x", PROVENANCE, provenance(), Identity.generate()).encode())
    with pytest.raises(InvalidAttestation):
        Bundle.decode(json.dumps({**bundle, **change}).encode())


def test_a_bundle_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle beyond its bound is refused before it is parsed."""
    monkeypatch.setattr("muniment.signing.bundle.MAX_BUNDLE_BYTES", 10)
    with pytest.raises(InvalidAttestation, match="too large"):
        Bundle.decode(b"{" + b" " * 10)


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (EVALUATION, {}),
        (EVALUATION, {**evaluation(0.5), "n": 0}),
        (EVALUATION, {**evaluation(0.5), "metrics": {"auc": 0.5}}),
        (EVALUATION, {**evaluation(0.5), "metrics": {"auc": {"value": "high"}}}),
        (EVALUATION, {**evaluation(0.5), "dataset": {"name": "x", "digest": "md5:1"}}),
        (APPROVAL, {"alias": "production"}),
        (PROVENANCE, {"buildDefinition": {}}),
        (CONTENT, {"serialization": {"method": "shards", "hash_type": "sha256"}, "resources": []}),
        (VERDICT, {"verificationResult": "MAYBE"}),
    ],
)
def test_a_predicate_that_breaks_its_schema_is_not_signed(
    predicate_type: str, predicate: dict[str, Json]
) -> None:
    """A predicate that breaks its schema is not signed, and the refusal names the member."""
    with pytest.raises(InvalidAttestation) as refusal:
        attest(Digest.of(b""), "x", predicate_type, predicate, Identity.generate())
    assert refusal.value.reason


def test_each_schema_is_one() -> None:
    """Each schema is valid, and a kind without a schema passes."""
    for predicate_type in SCHEMAS:
        with pytest.raises(InvalidAttestation):
            check_predicate(predicate_type, {})
    check_predicate("https://example.com/other", {})


def test_content_is_matched_by_its_whole_list() -> None:
    """A renamed file is refused, although the root of Model Signing does not cover names."""
    one = Revision.of([File(path="model.bin", digest=Digest.of(b"a"), size_bytes=1)])
    renamed = Revision.of([File(path="evil.py", digest=Digest.of(b"a"), size_bytes=1)])
    more = Revision.of([*one.files, *renamed.files])
    identity = Identity.generate()
    statement = verify_bundle(sign_content(one, "acme/x", identity), identity.public)
    other = verify_bundle(sign_content(renamed, "acme/x", identity), identity.public)
    assert statement.subjects == other.subjects, "the trap: equal roots"
    assert covers(statement, one)
    assert not covers(statement, renamed)
    assert not covers(statement, more)


def test_a_malformed_list_of_content_is_refused() -> None:
    """A content list that is malformed or has other algorithms covers nothing."""
    identity = Identity.generate()
    revision = Revision.of([File(path="a", digest=Digest.of(b"a"), size_bytes=1)])
    for predicate in ({}, {"resources": ["x"]}, {"resources": [{"algorithm": "blake3"}]}):
        payload = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {}}],
            "predicateType": CONTENT,
        }
        bundle = sign_statement(json.dumps({**payload, "predicate": predicate}).encode(), identity)
        with pytest.raises(InvalidAttestation):
            covers(verify_bundle(bundle, identity.public), revision)


def test_the_signed_bytes_are_kept_as_they_came() -> None:
    """A statement in another order and spacing verifies, because it is never re-encoded."""
    identity = Identity.generate()
    payload = (
        b'{ "predicate": {"x": 1.50},\n "predicateType": "t", "subject": [{"digest": {"sha256": "%b"}}],'
        b' "_type": "https://in-toto.io/Statement/v1"}'
    )
    bundle = sign_statement(payload % (b"0" * 64), identity)
    envelope = json.loads(bundle.encode())["dsseEnvelope"]
    assert base64.b64decode(envelope["payload"]) == payload % (b"0" * 64)
    assert verify_bundle(Bundle.decode(bundle.encode()), identity.public).predicate == {"x": 1.5}


# With room for so many bytes a file, as on a disk that is almost full.
_SAVE = """
import resource, signal, sys
from pathlib import Path
from muniment.core.errors import InvalidKey
from muniment.signing.keys import Identity
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Identity.generate().save(Path(sys.argv[1]))
except InvalidKey as error:
    print(error)
"""


@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_leaves_no_half_key(tmp_path: Path, room: int) -> None:
    """A key that cannot be written whole is refused and leaves no file."""
    path = tmp_path / "me.pem"
    result = subprocess.run(
        [sys.executable, "-c", _SAVE, str(path), str(room)], capture_output=True, text=True, check=True
    )
    assert f"{path}: File too large" in result.stdout
    assert list(tmp_path.iterdir()) == []
