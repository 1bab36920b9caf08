"""Attacks on a server: each is refused clearly and changes nothing."""

import base64
import hashlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from muniment.client.remote import RemoteBackend
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import EVALUATION, PROVENANCE
from muniment.core.claims.lineage import Direction
from muniment.core.claims.provenance import write_blob_resource
from muniment.core.digests import Digest
from muniment.core.errors import (
    BadToken,
    BlobNotFound,
    EventNotFound,
    InvalidAttestation,
    InvalidBody,
    InvalidTag,
    InvalidText,
    InvalidTime,
    LoginRefused,
    ModelNotFound,
    NamespaceNotFound,
    NameTaken,
    NotIdentified,
    NotPermitted,
    NotYourSignature,
    OffsetMismatch,
    PolicyNotFound,
    QuotaExceeded,
    RequestReplayed,
    TokenExpired,
    TokenNotFound,
    VersionNotFound,
)
from muniment.core.events import VersionPublished
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.people.roles import Act, Role
from muniment.core.people.tokens import id_of, make_token
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.core.verbs.bytes import GetUsage, SetQuota
from muniment.core.verbs.catalog import (
    GetLineage,
    ListModels,
    ListNamespaces,
    ListTags,
    RemoveTag,
    SearchVersions,
    SetTag,
    Tag,
)
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import GetPolicies, JudgeGate, MoveAlias, RollBackAlias
from muniment.core.verbs.log import GetLeaves, GetProof
from muniment.core.verbs.people import (
    GetPerson,
    GetSelf,
    GrantRole,
    IssueToken,
    RegisterPrincipal,
    RevokeRole,
    RevokeToken,
    TrustIssuer,
    WhoMay,
)
from muniment.core.verbs.verb import Command
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListVersions, PublishVersion
from muniment.signing.keys import Identity
from muniment.testing.backends import (
    NAME,
    add_person,
    evaluation,
    provenance,
    publish,
    record,
    refuses,
)
from muniment.testing.live import LiveServer, begin_session, run_server, wait_until

pytestmark = pytest.mark.slow

SECRET = ModelName("secret", "model")


class Cast:
    """A server and the people at it: an owner, and those with one role in one namespace."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.owner_key = Identity.generate()
        self.owner = server.open_as(self.owner_key)
        self.keys: dict[str, Identity] = {}
        publish(self.owner, self.owner_key, b"public weights")
        publish(self.owner, self.owner_key, b"secret weights", name=SECRET)
        for name, role in (("Rita", Role.READER), ("Carl", Role.CONTRIBUTOR), ("Vera", Role.VALIDATOR)):
            self.keys[name] = add_person(self.owner, name, role)
            server.open_as(self.keys[name])

    def backend(self, name: str) -> RemoteBackend:
        return self.server.connect(self.token(name))

    def token(self, name: str) -> str:
        key = self.owner_key if name == "founder" else self.keys[name]
        return self.server.tokens[key.public.id]

    def call(self, method: str, path: str, *, who: str | None = "founder", **more: object) -> httpx2.Response:
        headers = {} if who is None else {"authorization": f"Bearer {self.token(who)}"}
        return httpx2.request(method, f"{self.server.url}{path}", headers=headers, timeout=20, **more)  # type: ignore[arg-type] # as httpx takes them


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """Run a server with people at it."""
    settings = {
        "MUNIMENT_PAUSE": "2",
        "MUNIMENT_MAX_BODY": str(1 << 20),
        "MUNIMENT_MAX_PENDING": str(64 << 20),
        # The log is as long as the attacks have made it.
        "MUNIMENT_SCAN": "false",
    }
    with run_server(tmp_path_factory.mktemp("attacks"), settings) as server:
        yield Cast(server)


# ---- who


@pytest.mark.parametrize(
    "header",
    [
        "Bearer mun_" + "A" * 43,
        "Bearer nothing",
        "Bearer",
        "Basic b3duZXI6b3duZXI=",
        "Bearer mun_" + "A" * 5000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.",
    ],
)
def test_a_credential_that_is_none_is_refused(people: Cast, header: str) -> None:
    """A forged, malformed or foreign credential, or an unsigned JWT, is answered with 401."""
    answer = httpx2.get(f"{people.server.url}/api/v1/me", headers={"authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


# What anybody may know: the documentation, the key of the log, its heads, and what restores have lost.
_OPEN = {"/api/v1", *(f"/api/v1/log{end}" for end in ("", "/checkpoint", "/growth", "/restores"))}


def test_nobody_reads_or_writes_without_a_credential(people: Cast) -> None:
    """Anonymous callers can read the hashes of the log and its restores, and nothing else."""
    assert people.call("GET", "/api/v1/log/checkpoint", who=None).status_code == 200
    document = httpx2.get(f"{people.server.url}/api/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        if path in _OPEN:
            continue
        if path == "/api/v1/sessions/workload":
            continue
        filled = path.replace("{namespace}", "acme").replace("{model}", "readmission")
        for name in ("version", "index", "rule"):
            filled = filled.replace(f"{{{name}}}", "1")
        filled = filled.replace("{digest}", str(Digest.of(b"x"))).replace("{", "").replace("}", "")
        answer = people.call("GET", filled, who=None, params={"size": 0})
        if "get" in methods:
            assert answer.status_code in {401, 422}, path
            assert answer.status_code == 401 or answer.json()["code"] == "invalid_body"
    grant = {"principal": "Rita", "role": "admin", "namespace": "acme"}
    for route, body in (
        ("grants", grant),
        ("uploads", {"size_bytes": 1}),
        ("documents", {"documents": ["aGk="]}),
        ("models/acme/readmission/versions", {"manifest": str(Digest.of(b"x"))}),
    ):
        assert people.call("POST", f"/api/v1/{route}", who=None, json=body).status_code == 401


def test_a_reader_cannot_write(people: Cast) -> None:
    """Every write by a reader is refused and adds nothing to the log."""
    rita, size = people.backend("Rita"), log_size(people)
    reference = Reference(NAME, 1)
    for command in (
        MoveAlias(reference=reference, alias=Alias("staging")),
        RollBackAlias(name=NAME, alias=Alias("staging")),
        SetTag(reference=reference, key="stage", value=Payload.of("x")),
        GrantRole(principal="Rita", role=Role.ADMIN, namespace="acme"),
        RegisterPrincipal(name=Payload.of("Mallory")),
        SetQuota(namespace="acme", size_bytes=1),
        TrustIssuer(issuer="https://x", claims=(("a", "b"),), principal="Rita"),
    ):
        refuses(lambda command=command: rita.execute(command), NotPermitted)  # type: ignore[misc] # bound at once
    refuses(lambda: rita.add_documents([b"mine"]), NotPermitted)
    assert people.call("POST", "/api/v1/uploads", who="Rita", json={"size_bytes": 5}).status_code == 403
    assert log_size(people) == size


def test_a_contributor_of_one_namespace_is_nobody_in_another(people: Cast) -> None:
    """A contributor of one namespace can neither see nor change another."""
    carl = people.backend("Carl")
    version = Reference(SECRET, 1)
    refuses(lambda: carl.ask(GetVersion(reference=version)), VersionNotFound)
    refuses(lambda: carl.ask(DescribeVersion(reference=version)), VersionNotFound)
    refuses(lambda: carl.ask(ListVersions(name=SECRET)), ModelNotFound)
    refuses(lambda: carl.ask(GetPolicies(name=SECRET, alias=Alias("production"))), PolicyNotFound)
    refuses(lambda: carl.ask(JudgeGate(reference=version, alias=Alias("production"))), PolicyNotFound)
    refuses(lambda: carl.ask(GetUsage(namespace="secret")), NamespaceNotFound)
    refuses(lambda: carl.ask(GetLeaves(start=0)), NotPermitted)
    refuses(lambda: publish(carl, people.keys["Carl"], b"x", name=SECRET), NotPermitted)
    refuses(lambda: carl.ask(ListModels(namespace="secret")), NamespaceNotFound)
    refuses(lambda: carl.ask(WhoMay(act=_PUBLISH, namespace="secret")), NotPermitted)
    carla = carl.ask(GetSelf()).record.id
    refuses(lambda: carl.ask(GetPerson(principal=carla, namespaces=("secret",))), NotPermitted)
    assert "secret" not in {one.name for one in carl.ask(ListNamespaces())}
    assert {m.name for m in carl.ask(ListModels(namespace="acme"))} == {"acme/readmission"}
    assert {v.name for v in carl.ask(SearchVersions(text="")).items} == {"acme/readmission"}
    entry = people.owner.ask(GetVersion(reference=version)).index
    refuses(lambda: carl.ask(GetProof(index=entry)), EventNotFound)
    bundle = carl.add_documents([b"a claim"])[0]
    refuses(lambda: carl.execute(RecordAttestation(reference=version, bundle=bundle)), VersionNotFound)


def test_a_digest_opens_nothing(people: Cast) -> None:
    """A blob of another namespace and a blob that does not exist are refused in the same words."""
    secret, missing = Digest.of(b"secret weights"), Digest.of(b"never stored")
    answers = [people.call("GET", f"/api/v1/blobs/{digest}", who="Carl") for digest in (secret, missing)]
    said = [
        (a.status_code, a.json()["code"], a.json()["detail"].replace(str(digest), ""))
        for a, digest in zip(answers, (secret, missing), strict=True)
    ]
    assert said[0] == said[1]
    assert said[0][:2] == (404, "blob_not_found")
    heads = [people.call("HEAD", f"/api/v1/blobs/{d}", who="Carl").status_code for d in (secret, missing)]
    assert heads == [404, 404]
    # Nor is it found, where its owner finds it.
    search = {"q": f"digest = {secret}"}
    pages = [
        people.call("GET", "/api/v1/versions", who=who, params=search).json() for who in ("Carl", "founder")
    ]
    assert [len(page["items"]) for page in pages] == [0, 1]
    # Nor does publishing it: a manifest that names it is refused as one that names nothing.
    carl = people.backend("Carl")
    version = people.owner.ask(GetVersion(reference=Reference(SECRET, 1)))
    theft = PublishVersion(name=NAME, manifest=Digest.parse(version.revision))
    refuses(lambda: carl.execute(theft), BlobNotFound)
    # Nor does a claim that says that it keeps it.
    number = publish(carl, people.keys["Carl"], b"of Carl").read(VersionPublished).number
    for digest in (secret, missing):
        kept = {
            **provenance(),
            "runDetails": {**_details(), "byproducts": [write_blob_resource("x", digest, 1, "y")]},
        }
        refuses(
            lambda kept=kept: record(carl, people.keys["Carl"], number, PROVENANCE, kept),  # type: ignore[misc] # bound at once
            BlobNotFound,
        )


def test_lineage_leads_nobody_into_what_they_may_not_read(people: Cast) -> None:
    """Lineage leaves out edges and versions in namespaces that the caller cannot read."""
    version = people.owner.ask(GetVersion(reference=Reference(SECRET, 1)))
    data, node = Digest.of(b"shared data").hex, Digest.parse(version.revision).hex
    used: list[Json] = [{"name": "d", "digest": {"sha256": data}}]
    definition: JsonObject = {"buildType": "x", "externalParameters": {}, "resolvedDependencies": used}
    record(
        people.owner,
        people.server.owner,
        1,
        PROVENANCE,
        {**provenance(), "buildDefinition": definition},
        name=SECRET,
    )
    for start, seen in ((data, 1), (node, 1)):
        for direction in Direction:
            graph = people.backend("Carl").ask(GetLineage(node=start, direction=direction))
            assert (len(graph.nodes), graph.nodes[0].versions, graph.edges) == (seen, (), ())
    whole = people.owner.ask(GetLineage(node=data, direction=Direction.DOWN))
    assert len(whole.nodes) == 2


def _details() -> JsonObject:
    details = provenance()["runDetails"]
    assert isinstance(details, dict)
    return details


def test_uploads_are_their_owners(people: Cast) -> None:
    """Nobody can see, continue or drop the upload of another principal."""
    mine = people.call("POST", "/api/v1/uploads", json={"size_bytes": 3}).json()
    for method in ("GET", "DELETE"):
        assert people.call(method, mine["url"], who="Carl").status_code == 404
    headers = {"authorization": f"Bearer {people.token('Carl')}", "upload-offset": "0"}
    answer = httpx2.patch(f"{people.server.url}{mine['url']}", headers=headers, content=b"abc")
    assert answer.status_code == 404
    assert people.call("GET", mine["url"]).json()["offset"] == 0


def test_a_bounded_token_reaches_no_further(people: Cast) -> None:
    """A token acts only within its scopes and cannot issue a token with wider ones."""
    carl = people.keys["Carl"]
    for scopes, acts in (("read:acme", False), ("write:other", False), ("write:acme", True)):
        token = issue(people, "Carl", scopes)
        backend = people.server.connect(token)
        if acts:
            assert publish(backend, carl, f"by {scopes}".encode()).created
        else:
            refuses(lambda backend=backend: publish(backend, carl, b"x"), NotPermitted)  # type: ignore[misc] # bound at once
        refuses(lambda backend=backend: issue_with(backend, "Carl", ""), NotPermitted)  # type: ignore[misc] # bound at once


def test_an_invitation_is_good_once_and_for_nothing_else(people: Cast) -> None:
    """An invitation signs somebody in once; before that it can neither read nor write."""
    dora = add_person(people.owner, "Dora", Role.READER)
    invitation = make_token()
    command = IssueToken(
        principal="Dora",
        token=id_of(invitation),
        name=Payload.of("x"),
        scopes=(),
        expires=in_an_hour(),
        once=True,
    )
    people.owner.execute(command)
    guest = people.server.connect(invitation)
    refuses(lambda: guest.ask(GetVersion(reference=Reference(NAME, 1))), VersionNotFound)
    token = begin_session(people.server, invitation, dora)
    assert people.server.connect(token).ask(GetSelf()).name == "Dora"
    refuses(lambda: begin_session(people.server, invitation, Identity.generate()), BadToken)
    refuses(lambda: begin_session(people.server, token, Identity.generate()), LoginRefused)


def test_a_revoked_or_expired_token_is_void(people: Cast) -> None:
    """A token is refused as soon as it is revoked or has expired."""
    token = issue(people, "Carl", "")
    backend = people.server.connect(token)
    assert backend.ask(GetSelf()).name == "Carl"
    people.backend("Carl").execute(RevokeToken(token=id_of(token)))
    refuses(lambda: backend.ask(GetSelf()), BadToken)
    brief = make_token()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    people.backend("Carl").execute(
        IssueToken(principal="Carl", token=id_of(brief), name=Payload.of("x"), scopes=(), expires=soon)
    )
    time.sleep(2.1)
    refusal = refuses(lambda: people.server.connect(brief).ask(GetSelf()), TokenExpired)
    assert "expired at" in refusal.sentence


def test_a_token_is_ended_by_whose_it_is_or_by_an_admin(people: Cast) -> None:
    """The holder and an admin can end a token, twice with one effect; others cannot see it."""
    token = issue(people, "Carl", "")
    refuses(lambda: people.backend("Rita").execute(RevokeToken(token=id_of(token))), TokenNotFound)
    assert people.server.connect(token).ask(GetSelf()).name == "Carl"
    first = people.owner.execute(RevokeToken(token=id_of(token)))
    refuses(lambda: people.server.connect(token).ask(GetSelf()), BadToken)
    again = people.owner.execute(RevokeToken(token=id_of(token)))
    assert (first.created, again.created, again.index) == (True, False, first.index)


def test_a_token_that_should_not_be_is_not_let_in(people: Cast) -> None:
    """Creating a token with a used or malformed id, or with an impossible expiry, is refused."""
    carl, known = people.backend("Carl"), id_of(issue(people, "Carl", ""))

    def let_in(token: str, hours: int) -> None:
        end = datetime.now(UTC) + timedelta(hours=hours)
        name = Payload.of("x")
        carl.execute(IssueToken(principal="Carl", token=token, name=name, scopes=(), expires=write_time(end)))

    refuses(lambda: let_in(known, 1), NameTaken)
    refuses(lambda: let_in("short", 1), InvalidBody)
    refuses(lambda: let_in(id_of(make_token()), -1), InvalidTime)
    refuses(lambda: let_in(id_of(make_token()), 24 * 367), InvalidTime)


def test_an_admin_holds_nobodys_lasting_token(people: Cast) -> None:
    """An admin can create invitations for other people, but no tokens."""
    refuses(lambda: issue_with(people.server.connect(people.token("founder")), "Carl", ""), NotPermitted)


def test_who_sends_a_claim_has_signed_it(people: Cast) -> None:
    """A claim is refused if its sender is not its signer."""
    carl, owner = people.backend("Carl"), people.owner_key
    refuses(lambda: record(carl, owner, 1, EVALUATION, evaluation(0.9)), NotYourSignature)


def test_who_may_do_something_is_a_question_with_a_time(people: Cast) -> None:
    """A grant that has ended counts at a time before its end, and not now."""
    people.owner.execute(GrantRole(principal="Rita", role=Role.CONTRIBUTOR, namespace="acme"))
    then = people.owner.ask(GetProof(index=log_size(people) - 1)).entry.time
    people.owner.execute(RevokeRole(principal="Rita", role=Role.CONTRIBUTOR, namespace="acme"))
    from_then = {p.name for p in people.owner.ask(WhoMay(act=_PUBLISH, namespace="acme", at=then))}
    now = {p.name for p in people.owner.ask(WhoMay(act=_PUBLISH, namespace="acme"))}
    assert (from_then, now) == ({"founder", "Rita", "Carl"}, {"founder", "Carl"})


# ---- what


@pytest.mark.parametrize(
    "evil", ["..", "../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc", "a/../b", ".", "a\x00b", "~root"]
)
@pytest.mark.parametrize(
    "template",
    [
        "/api/v1/models/{}/x",
        "/api/v1/models/acme/{}",
        "/api/v1/models/acme/readmission/versions/{}",
        "/api/v1/models/acme/readmission/aliases/{}",
        "/api/v1/models/acme/readmission/versions/1/tags/{}",
        "/api/v1/blobs/{}",
        "/api/v1/uploads/{}",
        "/api/v1/keys/{}",
        "/api/v1/namespaces/{}/usage",
    ],
)
def test_paths_lead_nowhere_else(people: Cast, template: str, evil: str) -> None:
    """No part of a path can climb out of its place."""
    target = urlsplit(people.server.url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=10)
    for method in ("GET", "PATCH"):
        headers = {
            "authorization": f"Bearer {people.token('founder')}",
            "upload-offset": "0",
            "content-length": "0",
        }
        connection.request(method, template.format(quote(evil, safe="%")), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status in {400, 404, 405, 422}, body
        assert b"root:" not in body
    connection.close()


@pytest.mark.parametrize(
    "evil", ["'; DROP TABLE events; --", "' OR '1'='1", "\u202eevil", "x\r\nX-Evil: 1", "${jndi:x}"]
)
def test_texts_are_texts(people: Cast, evil: str) -> None:
    """No field can inject SQL, headers or log lines, and each text comes back unchanged."""
    tag = SetTag(reference=Reference(NAME, 1), key="evil", value=Payload.of(evil))
    people.owner.execute(tag)
    assert Tag(key="evil", value=evil) in people.owner.ask(ListTags(reference=Reference(NAME, 1)))
    quoted = json.dumps(evil)
    if '"' not in evil and "\\" not in quoted:
        assert people.owner.ask(SearchVersions(text=f"tag.evil = {quoted}")).items
    for path in (f"/api/v1/principals/find?principal={quote(evil)}", f"/api/v1/versions?q={quote(evil)}"):
        answer = people.call("GET", path)
        assert answer.status_code in {200, 400, 404}
        assert "x-evil" not in answer.headers
    lines = people.server.log.read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines if line.startswith("{")]
    assert not [line for line in lines if line.startswith("X-Evil")]


def test_no_secret_is_in_the_log_or_the_database(people: Cast) -> None:
    """Neither the server's log nor its database holds a token; the database holds its hash."""
    people.call("GET", "/api/v1/me")
    written = people.server.log.read_bytes() + b"".join(
        path.read_bytes() for path in (people.server.log.parent / "data").glob("registry.db*")
    )
    for token in people.server.tokens.values():
        assert token.encode() not in written
    assert hashlib.sha256(people.token("founder").encode()).hexdigest().encode() in written


def test_bodies_have_bounds(people: Cast) -> None:
    """A body or header that is too large is refused, and the server goes on."""
    large = base64.b64encode(bytes(2 << 20)).decode()
    answer = people.call("POST", "/api/v1/documents", json={"documents": [large]})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert people.call("POST", "/api/v1/uploads", json={"size_bytes": 2**53}).status_code == 413
    big = {"authorization": f"Bearer {people.token('founder')}", "x-big": "x" * (3 << 20)}
    with suppress(httpx2.HTTPError):
        # To be hung up on is an answer too.
        assert httpx2.get(f"{people.server.url}/healthz", headers=big).status_code in {400, 413, 431}
    assert people.call("GET", "/healthz", who=None).status_code == 200


def test_an_upload_that_lies_is_refused(people: Cast) -> None:
    """An upload with a wrong digest, size or offset is refused and stores no blob."""
    wrong = begin(people, 3, Digest.of(b"xyz"))
    answer = send(people, wrong, b"abc")
    assert (answer.status_code, answer.json()["code"]) == (400, "digest_mismatch")
    longer = send(people, begin(people, 3), b"abcdef")
    assert (longer.status_code, longer.json()["code"]) == (400, "length_mismatch")
    short = begin(people, 6)
    answer = send(people, short, b"abc")
    assert (answer.status_code, answer.json()["code"]) == (400, "length_mismatch")
    assert people.call("GET", short).json()["offset"] == 3, "what came is kept"
    answer = send(people, short, b"abc", offset=1)
    assert (answer.status_code, answer.headers["upload-offset"]) == (409, "3")
    done = send(people, short, b"def", offset=3)
    assert done.json()["digest"] == str(Digest.of(b"abcdef"))
    assert send(people, short, b"", offset=6).status_code == 409, "what is done is done"
    for data in (b"abc", b"xyz"):
        assert people.call("GET", f"/api/v1/blobs/{Digest.of(data)}").status_code == 404


def test_an_upload_that_was_dropped_is_gone(people: Cast) -> None:
    """Dropping an upload removes its bytes and refuses the request that was sending them."""
    staged = people.server.log.parent / "data" / "uploads"
    url = begin(people, 6 << 20)
    identity = url.rpartition("/")[2]
    target = urlsplit(people.server.url)
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=20) as connection:
        head = (
            f"PATCH {url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {people.token('founder')}\r\n"
            f"upload-offset: 0\r\nupload-complete: ?1\r\ncontent-length: {6 << 20}\r\n\r\n"
        )
        connection.sendall(head.encode() + bytes(4 << 20))
        wait_until(lambda: any(path.stat().st_size for path in staged.glob(f"upload-{identity}-*")))
        assert people.call("DELETE", url).status_code == 204
        connection.sendall(bytes(2 << 20))
        answer = connection.recv(1 << 16)
    assert b" 404 " in answer.splitlines()[0] or b" 409 " in answer.splitlines()[0]
    assert people.call("GET", url).status_code == 404
    assert people.call("DELETE", url).status_code == 404
    assert send(people, url, b"abc").status_code == 404
    assert not list(staged.glob(f"upload-{identity}-*"))


def test_a_client_that_disappears_loses_nothing(people: Cast) -> None:
    """An upload continues where its connection broke."""
    data = os.urandom(6 << 20)
    url = begin(people, len(data))
    target = urlsplit(people.server.url)
    with socket.create_connection((target.hostname or "", target.port or 0)) as connection:
        head = (
            f"PATCH {url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {people.token('founder')}\r\n"
            f"upload-offset: 0\r\nupload-complete: ?1\r\ncontent-length: {len(data)}\r\n\r\n"
        )
        connection.sendall(head.encode() + data[: 3 << 20])
    offset = wait_for_offset(people, url)
    done = send(people, url, data[offset:], offset=offset)
    assert done.json()["digest"] == str(Digest.of(data))


def test_a_client_that_is_slow_on_purpose_is_hung_up_on(people: Cast) -> None:
    """Headers or bodies that trickle in are cut off, and other clients are served meanwhile."""
    target = urlsplit(people.server.url)
    slow = [socket.create_connection((target.hostname or "", target.port or 0)) for _ in range(20)]
    for connection in slow[:10]:
        connection.sendall(b"GET /api/v1/me HTTP/1.1\r\nx-slow: ")
    for connection in slow[10:]:
        connection.sendall(
            f"POST /api/v1/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {people.token('founder')}\r\n"
            "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{".encode()
        )
    assert people.call("GET", "/api/v1/me").status_code == 200
    for connection in slow[10:]:
        connection.settimeout(15)
        assert b"408" in connection.recv(100)
    for connection in slow:
        connection.close()


def test_two_who_send_one_upload_make_one_blob(people: Cast) -> None:
    """When two requests send one upload, the newer one wins and the older one changes nothing."""
    data, other = os.urandom(3 << 20), bytes(3 << 20)
    url = begin(people, len(data))
    target = urlsplit(people.server.url)
    older = http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)
    headers = {
        "authorization": f"Bearer {people.token('founder')}",
        "upload-offset": "0",
        "upload-complete": "?1",
        "content-length": str(len(other)),
    }
    older.putrequest("PATCH", url)
    for name, value in headers.items():
        older.putheader(name, value)
    older.endheaders()
    older.send(other[: 1 << 20])
    time.sleep(0.3)
    answer = send(people, url, data)
    assert answer.json()["digest"] == str(Digest.of(data))
    older.send(other[1 << 20 :])
    late = older.getresponse()
    assert (late.status, json.loads(late.read())["code"]) == (409, OffsetMismatch.code)
    late.close()
    older.close()
    blob = people.call("GET", f"/api/v1/blobs/{Digest.of(data)}")
    assert Digest.of(blob.content) == Digest.of(data)


def test_an_upload_whose_bytes_are_gone_begins_again(people: Cast) -> None:
    """An upload whose bytes were lost starts again at offset 0."""
    data = os.urandom(6 << 20)
    url = begin(people, len(data))
    headers = {"authorization": f"Bearer {people.token('founder')}", "upload-offset": "0"}
    httpx2.patch(f"{people.server.url}{url}", headers=headers, content=data[: 5 << 20], timeout=20)
    offset = wait_for_offset(people, url)
    (file,) = (people.server.log.parent / "data" / "uploads").glob(f"upload-{url.rpartition('/')[2]}-*")
    file.unlink()
    answer = send(people, url, data[offset:], offset)
    assert (answer.status_code, answer.json()["code"]) == (409, OffsetMismatch.code)
    assert people.call("GET", url).json()["offset"] == 0
    assert send(people, url, data).json()["digest"] == str(Digest.of(data))


def test_a_retry_is_answered_with_the_first_receipt(people: Cast) -> None:
    """An idempotency key makes one entry; using it for another request is refused."""
    headers = {"authorization": f"Bearer {people.token('founder')}", "idempotency-key": "retry-1"}
    url = f"{people.server.url}/api/v1/grants"
    body = {"principal": "Carl", "role": "validator", "namespace": "other"}
    first = httpx2.post(url, headers=headers, json=body)
    second = httpx2.post(url, headers=headers, json=body)
    assert (first.status_code, first.json()["index"]) == (201, second.json()["index"])
    assert second.json()["leaf"] == first.json()["leaf"]
    other = httpx2.post(url, headers=headers, json={**body, "role": "reader"})
    assert (other.status_code, other.json()["code"]) == (422, RequestReplayed.code)
    upload = {"size_bytes": 7}
    begun = [httpx2.post(f"{people.server.url}/api/v1/uploads", headers=headers, json=upload) for _ in "12"]
    assert begun[0].json() == begun[1].json()
    other = httpx2.post(f"{people.server.url}/api/v1/uploads", headers=headers, json={"size_bytes": 8})
    assert other.json()["code"] == RequestReplayed.code
    # Another caller's key of the same name is another key.
    theirs = {**headers, "authorization": f"Bearer {people.token('Carl')}"}
    assert httpx2.post(url, headers=theirs, json=body).status_code == 403
    long = httpx2.post(url, headers={**headers, "idempotency-key": "k" * 300}, json=body)
    assert (long.status_code, long.json()["code"]) == (422, "invalid_body")


def test_conditions_are_kept_to(people: Cast) -> None:
    """An unchanged answer is not sent again, and an alias that moved meanwhile is not overwritten."""
    path = "/api/v1/models/acme/readmission/versions/1"
    tag = people.call("GET", path).headers["etag"]
    headers = {"authorization": f"Bearer {people.token('founder')}"}
    url = people.server.url
    assert httpx2.get(url + path, headers={**headers, "if-none-match": tag}).status_code == 304
    alias = f"{url}/api/v1/models/acme/readmission/aliases/canary"
    fresh = {**headers, "if-none-match": "*"}
    assert httpx2.put(alias, headers=fresh, json={"version": "1"}).status_code == 201
    publish(people.owner, people.owner_key, b"for the canary")
    assert httpx2.put(alias, headers=fresh, json={"version": "latest"}).status_code == 412
    seen = httpx2.get(alias, headers=headers).headers["etag"]
    assert (
        httpx2.put(alias, headers={**headers, "if-match": seen}, json={"version": "latest"}).status_code
        == 201
    )
    stale = httpx2.put(alias, headers={**headers, "if-match": seen}, json={"version": "1"})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    foreign = httpx2.put(alias, headers={**headers, "if-match": '"of-another"'}, json={"version": "1"})
    assert (foreign.status_code, foreign.json()["code"]) == (422, "invalid_body")


def test_a_tag_is_set_and_taken_away_once(people: Cast) -> None:
    """Setting or removing a tag twice makes one entry, and invalid names are refused."""
    reference, ready = Reference(NAME, 1), Payload.of("ready")

    def set_tag(value: Payload, key: str = "stage") -> Receipt:
        return people.owner.execute(SetTag(reference=reference, key=key, value=value))

    first, again = set_tag(ready), set_tag(ready)
    assert (first.created, again.created, again.index) == (True, False, first.index)
    assert Tag(key="stage", value="ready") in people.owner.ask(ListTags(reference=reference))
    removal = RemoveTag(reference=reference, key="stage")
    first, again = people.owner.execute(removal), people.owner.execute(removal)
    assert (first.created, again.created, again.index) == (True, False, first.index)
    assert "stage" not in {tag.key for tag in people.owner.ask(ListTags(reference=reference))}
    refuses(lambda: set_tag(ready, "no name"), InvalidTag)
    refuses(lambda: set_tag(Payload.of("x" * 5001)), InvalidTag)


def test_ranges_of_bytes(people: Cast) -> None:
    """Any range of a blob can be read from either end; one beyond the end is refused."""
    data = b"public weights"
    url = f"{people.server.url}/api/v1/blobs/{Digest.of(data)}"
    headers = {"authorization": f"Bearer {people.token('Rita')}"}
    for wanted, part in (("0-5", data[:6]), ("7-", data[7:]), ("-3", data[-3:]), ("5-999", data[5:])):
        answer = httpx2.get(url, headers={**headers, "range": f"bytes={wanted}"})
        assert (answer.status_code, answer.content) == (206, part)
    assert httpx2.get(url, headers={**headers, "range": "bytes=99-"}).status_code == 416
    for ignored in ("bytes=5-2", "bytes=-", "lines=1-2", "bytes=0-1,4-5"):
        assert httpx2.get(url, headers={**headers, "range": ignored}).content == data
    head = httpx2.head(url, headers=headers)
    assert (head.headers["content-length"], head.content) == (str(len(data)), b"")
    known = httpx2.get(url, headers={**headers, "if-none-match": head.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    (empty,) = people.owner.add_documents([b""])
    nothing = people.call("GET", f"/api/v1/blobs/{empty}")
    assert (nothing.status_code, nothing.headers["content-length"], nothing.content) == (200, "0", b"")


def test_a_nul_is_no_text(people: Cast) -> None:
    """A NUL in any text is refused as the caller's fault, before a database sees it."""
    nul = {"principal": "a\0b", "role": "reader", "namespace": "acme"}
    answers = [
        people.call("GET", "/api/v1/keys/a%00b"),
        people.call("GET", "/api/v1/namespaces?at=%00"),
        people.call("POST", "/api/v1/grants", json=nul),
        people.call("PUT", "/api/v1/models/acme/readmission/versions/1/tags/x", json={"a\0b": "x"}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_body")}
    refuses(lambda: Payload.of("a\0b"), InvalidText)
    claim = {**provenance(), "note": {"deep": ["a\0b"]}}
    publish(people.owner, people.owner_key, b"nul")
    refuses(lambda: record(people.owner, people.owner_key, 1, PROVENANCE, claim), InvalidAttestation)
    fine = {**provenance(), "note": "\\u0000"}
    assert record(people.owner, people.owner_key, 1, PROVENANCE, fine).created


def test_quotas_hold(people: Cast) -> None:
    """A full namespace takes no more bytes, and a principal's open uploads are bounded too."""
    full = ModelName("full", "model")
    publish(people.owner, people.owner_key, bytes(1000), name=full)
    used = people.owner.ask(GetUsage(namespace="full"))
    people.owner.execute(SetQuota(namespace="full", size_bytes=used.size_bytes + 100))
    refusal = refuses(lambda: publish(people.owner, people.owner_key, bytes(2000), name=full), QuotaExceeded)
    assert "full" in str(refusal)
    refuses(lambda: people.owner.execute(SetQuota(namespace="full", size_bytes=-1)), InvalidBody)
    people.owner.execute(SetQuota(namespace="full", size_bytes=None))
    assert publish(people.owner, people.owner_key, bytes(2000), name=full).created
    for _ in range(4):
        answer = people.call("POST", "/api/v1/uploads", who="Vera", json={"size_bytes": 20 << 20})
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")
    for number in range(8):
        document = base64.b64encode(bytes([number]) * (700 << 10)).decode()
        answer = people.call("POST", "/api/v1/documents", who="Vera", json={"documents": [document]})
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")


def test_what_is_published_is_no_longer_pending(people: Cast) -> None:
    """Published bytes do not count towards the bound on pending bytes."""
    sizes = [24 << 20] * 4
    for number, size in enumerate(sizes):
        publish(people.owner, people.owner_key, bytes([number]) * size, name=ModelName("much", "large"))
    same = bytes([0]) * sizes[0]
    for number in range(4):
        publish(people.owner, people.owner_key, same, name=ModelName("much", f"large-{number}"))
    assert publish(people.owner, people.owner_key, b"more", name=ModelName("much", "large")).created


def test_two_pushes_of_the_same_bytes_at_once(
    people: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two concurrent pushes of the same bytes both succeed; the second sends its bytes again."""
    weights = tmp_path / "w.bin"
    weights.write_bytes(b"shared weights")
    late = people.server.open_as(people.owner_key)
    one, other = (Registry(by, people.owner_key) for by in (late, people.owner))
    execute, meanwhile = late.execute, [lambda: other.push(weights, "beside/model")]

    def execute_late(command: Command) -> Receipt:
        while meanwhile:
            meanwhile.pop()()
        return execute(command)

    monkeypatch.setattr(late, "execute", execute_late)
    pushed, beside = one.push(weights, "shared/model"), other.version("beside/model@1")
    assert pushed.record.revision == beside.record.revision


def test_nobody_without_a_name(people: Cast) -> None:
    """The SDK without a token can read the log and nothing else."""
    refuses(lambda: people.server.connect(None).ask(ListNamespaces()), NotIdentified)


# ---- helpers


_PUBLISH = Act.PUBLISH


def log_size(people: Cast) -> int:
    return int(people.call("GET", "/api/v1/log/checkpoint").text.splitlines()[1])


def issue(people: Cast, name: str, scope: str) -> str:
    return issue_with(people.backend(name), name, scope)


def issue_with(backend: RemoteBackend, name: str, scope: str) -> str:
    token = make_token()
    scopes = (Scope.parse(scope),) if scope else ()
    backend.execute(
        IssueToken(
            principal=name, token=id_of(token), name=Payload.of("x"), scopes=scopes, expires=in_an_hour()
        )
    )
    return token


def in_an_hour() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))


def begin(people: Cast, size: int, digest: Digest | None = None) -> str:
    body = {"size_bytes": size, "digest": None if digest is None else str(digest)}
    return str(people.call("POST", "/api/v1/uploads", json=body).json()["url"])


def send(people: Cast, url: str, data: bytes, offset: int = 0) -> httpx2.Response:
    headers = {
        "authorization": f"Bearer {people.token('founder')}",
        "upload-offset": str(offset),
        "upload-complete": "?1",
    }
    return httpx2.patch(f"{people.server.url}{url}", headers=headers, content=data, timeout=20)


def wait_for_offset(people: Cast, url: str) -> int:
    for _ in range(100):
        offset = int(people.call("GET", url).json()["offset"])
        if offset:
            return offset
        time.sleep(0.1)
    raise TimeoutError(url)
