"""Logins of people and workloads, through a real OpenID Connect provider (oidc-provider-mock, on Authlib)."""

import base64
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import yaml
from joserfc import jwk, jws, jwt

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.people.login import login, login_workload
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import EVALUATION
from muniment.core.errors import InvalidBody, InvalidOption, LoginRefused, NotPermitted, RequestReplayed
from muniment.core.events import AttestationRecorded
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.people import DistrustIssuer, GetSelf, GrantRole, RegisterPrincipal, TrustIssuer
from muniment.core.verbs.versions import GetVersion
from muniment.signing.keys import Identity
from muniment.testing.backends import evaluation, publish, record, refuses, set_policy
from muniment.testing.live import LiveServer, run_server, stop, wait_until
from muniment.testing.servers import find_port

pytestmark = [pytest.mark.slow, pytest.mark.foreign]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Run the provider."""
    port = find_port()
    # In a process of its own: here its warnings would be errors.
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    wait_until(lambda: answers(url), process)
    httpx2.put(f"{url}/users/ada", json={"name": "Ada Lovelace", "email": "ada@example.com"})
    httpx2.put(f"{url}/users/ada2", json={"name": "Ada Lovelace", "email": "other@example.com"})
    httpx2.put(f"{url}/users/job", json={"name": "job", "repository": "acme/readmission"})
    yield url
    stop(process)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/jwks").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.fixture(scope="module")
def server(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Run a registry that logs people in through it."""
    settings = {
        "MUNIMENT_OIDC_ISSUER": issuer,
        "MUNIMENT_OIDC_CLIENT_ID": "muniment",
        "MUNIMENT_OIDC_CLIENT_SECRET": "s",
    }
    with run_server(tmp_path_factory.mktemp("logins"), settings) as server:
        owner = Identity.generate()
        publish(server.open_as(owner), owner, b"weights")
        server.open_as(owner).execute(RegisterPrincipal(name=Payload.of("trainer"), workload=True))
        yield server


# ---- people


def test_a_person_logs_in_through_a_browser(server: LiveServer, tmp_path: Path) -> None:
    """A login in the browser enrols a key, which can sign once its owner is granted a role."""
    settings = Settings.read({"MUNIMENT_STATE": str(tmp_path)})
    session = login(server.url, name="laptop", settings=settings, show=lambda url: browse(url, "ada"))
    assert session.person.name == "Ada Lovelace"
    known = {key.id: key.assurance for key in session.person.keys}
    assert known[session.identity.public.id] == "session"
    ada = server.connect(json.loads((tmp_path / "tokens.json").read_text())[server.url])
    refuses(lambda: publish(ada, session.identity, b"x"), NotPermitted)
    owner = server.open_as(server.owner)
    owner.execute(GrantRole(principal=session.person.record.id, role=Role.CONTRIBUTOR, namespace="acme"))
    assert publish(ada, session.identity, b"Ada's weights").created
    receipt = record(ada, session.identity, 1, EVALUATION, evaluation(0.9))
    assert receipt.read(AttestationRecorded).assurance == "session"
    assert oct((tmp_path / "tokens.json").stat().st_mode & 0o777) == "0o600"


def test_one_subject_is_one_principal(server: LiveServer, tmp_path: Path) -> None:
    """A second login is the same person, and another subject of the same name is another."""
    people = [
        login(
            server.url,
            name=f"machine {number}",
            settings=Settings.read({"MUNIMENT_STATE": str(tmp_path / str(number))}),
            show=lambda url, sub=sub: browse(url, sub),  # type: ignore[misc] # bound at once
        ).person.record.id
        for number, sub in enumerate(("ada", "ada", "ada2"))
    ]
    assert people[0] == people[1] != people[2]


def test_a_login_belongs_to_the_browser_that_began_it(server: LiveServer) -> None:
    """A login link from another browser, an altered link and an old one are refused."""
    start = f"{server.url}/login/start?port=54321&state=mine"
    with httpx2.Client(follow_redirects=False) as browser:
        at_provider = browser.get(start).headers["location"]
        back = browser.post(at_provider, data={"sub": "ada"}).headers["location"]
    answer = httpx2.get(back)
    assert (answer.status_code, answer.json()["code"]) == (403, "login_refused")
    altered = back.replace("state=g", "state=h", 1)
    assert httpx2.get(altered).status_code == 403
    for query in (
        "port=22&state=x",
        "port=54321",
        "port=x&state=x",
        "port=99999&state=x",
        "port=%C2%B2&state=x",
    ):
        assert httpx2.get(f"{server.url}/login/start?{query}").status_code == 422


def browse(url: str, subject: str) -> None:
    """Do what a person does in a browser: follow, fill in the provider's form, follow back."""
    with httpx2.Client(follow_redirects=False, timeout=20) as browser:
        at_provider = browser.get(url).headers["location"]
        back = browser.post(at_provider, data={"sub": subject}).headers["location"]
        answer = browser.get(back)
        assert answer.status_code == 302, answer.text
        waiting = answer.headers["location"]
        assert waiting.startswith("http://127.0.0.1:")
    # The program waits in this very thread, so the last step comes from another.
    threading.Timer(0.2, lambda: httpx2.get(waiting)).start()


# ---- workloads


def test_a_job_signs_in_by_the_identity_of_its_platform(server: LiveServer, issuer: str) -> None:
    """A job signs in by a rule, and its key counts for as long as its token."""
    origin = server.open_as(server.owner).ask(GetLogIdentity()).origin
    proof = get_id_token(issuer, origin)
    refuses(lambda: login_workload(server.url, proof, name="ci"), LoginRefused)
    owner = server.open_as(server.owner)
    claims = (("repository", "acme/readmission"), ("sub", "job"))
    rule = owner.execute(TrustIssuer(issuer=issuer, claims=claims, principal="trainer"))
    owner.execute(GrantRole(principal="trainer", role=Role.CONTRIBUTOR, namespace="acme"))
    token, identity, _ = login_workload(server.url, proof, name="ci")
    job = server.connect(token)
    me = job.ask(GetSelf())
    assert (me.name, me.record.kind) == ("trainer", "workload")
    assert me.keys[-1].expires is not None
    assert publish(job, identity, b"by a job").created
    receipt = record(job, identity, 1, EVALUATION, evaluation(0.8))
    assert receipt.read(AttestationRecorded).assurance == "workload"
    # The same proof lets no second key in.
    refuses(lambda: login_workload(server.url, proof, name="thief"), RequestReplayed)
    owner.execute(DistrustIssuer(rule=rule.index))
    refuses(lambda: login_workload(server.url, get_id_token(issuer, origin), name="ci"), LoginRefused)


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "jq"))), reason="needs bash, curl and jq")
@pytest.mark.parametrize("platform", ["GitHub", "GitLab"])
def test_the_examples_for_ci_run(server: LiveServer, issuer: str, tmp_path: Path, platform: str) -> None:
    """The commands in docs/how-to/ci.md work in order: the gate refuses, passes, and the alias moves."""
    page = (Path(muniment.__file__).parents[2] / "docs/how-to/ci.md").read_text()
    blocks = [block.partition("```")[0] for block in page.split("```yaml\n")[1:]]
    alias = f"production-{platform.lower()}"
    owner, key = server.open_as(server.owner), server.owner
    name = ModelName("acme", f"ci-{platform.lower()}")
    publish(owner, key, b"weights of " + platform.encode(), name=name)
    rule: JsonObject = {"rule": "require", "type": "evaluation"}
    set_policy(owner, key, rule, alias=Alias(alias), models=Models(name.namespace, name.model))
    owner.execute(GrantRole(principal="trainer", role=Role.CONTRIBUTOR, namespace="acme"))
    trusted = owner.execute(TrustIssuer(issuer=issuer, claims=(("sub", "job"),), principal="trainer"))
    origin = owner.ask(GetLogIdentity()).origin
    if platform == "GitHub":
        steps = [step["run"] for step in yaml.safe_load(blocks[0])["jobs"]["gate"]["steps"] if "run" in step]
    else:
        gate = yaml.safe_load(blocks[1])["gate"]
        steps = [*gate["before_script"], *gate["script"]]
    lines = [step for step in steps if step != "pip install muniment"]
    script = "set -eo pipefail\n" + "\n".join(lines)
    script = script.replace("acme/readmission@", f"{name}@").replace(" production ", f" {alias} ")

    def run() -> subprocess.CompletedProcess[str]:
        # GitHub's runner hands out the token over HTTP, GitLab's in a variable.
        (tmp_path / "token.json").write_text(json.dumps({"value": get_id_token(issuer, origin)}))
        (tmp_path / "muniment-identity.pem").unlink(missing_ok=True)
        given = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "MUNIMENT_STATE": str(tmp_path / "state"),
            "MUNIMENT_URL": server.url,
            "VERSION": "1",
            "MUNIMENT_ID_TOKEN": get_id_token(issuer, origin),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"file://{tmp_path}/token.json",
            "GITHUB_WORKFLOW": "gate",
            "GITHUB_RUN_ID": "7",
        }
        return subprocess.run(
            ["/bin/bash", "-c", script], env=given, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    first = run()
    assert first.returncode == 1, first.stderr
    assert "NOT MET  evaluation present" in first.stdout
    assert (tmp_path / "gate.xml").exists()
    record(owner, key, 1, EVALUATION, evaluation(0.9), name=name)
    second = run()
    assert second.returncode == 0, second.stderr
    assert owner.ask(GetVersion(reference=Reference(name, Alias(alias)))).number == 1
    owner.execute(DistrustIssuer(rule=trusted.index))


def test_a_job_is_one_principal_or_nobody(server: LiveServer, issuer: str) -> None:
    """A token that matches rules of two principals is refused, and rules need a claim and https."""
    owner = server.open_as(server.owner)
    origin = owner.ask(GetLogIdentity()).origin
    owner.execute(RegisterPrincipal(name=Payload.of("builder"), workload=True))
    claims = (("sub", "job"),)
    first = owner.execute(TrustIssuer(issuer=issuer, claims=claims, principal="trainer"))
    second = owner.execute(TrustIssuer(issuer=issuer, claims=claims, principal="builder"))
    proof = get_id_token(issuer, origin)
    refusal = refuses(lambda: login_workload(server.url, proof, name="ci"), LoginRefused)
    assert "more than one rule" in str(refusal)
    owner.execute(DistrustIssuer(rule=second.index))
    assert login_workload(server.url, get_id_token(issuer, origin), name="ci")
    owner.execute(DistrustIssuer(rule=first.index))
    refusal = refuses(lambda: login_workload(server.url, proof, name="ci"), LoginRefused)
    assert "no rule" in str(refusal)
    for address, wanted, kind in (
        (issuer, (), InvalidBody),
        (issuer, (("sub", ""),), InvalidBody),
        ("http://example.org", claims, InvalidOption),
    ):
        rule = TrustIssuer(issuer=address, claims=wanted, principal="trainer")
        refuses(lambda rule=rule: owner.execute(rule), kind)  # type: ignore[misc] # bound at once


def test_identity_tokens_that_are_not_right_are_refused(server: LiveServer, issuer: str) -> None:
    """An identity token with a wrong audience, signature, algorithm, issuer or expiry is refused."""
    owner = server.open_as(server.owner)
    origin = owner.ask(GetLogIdentity()).origin
    rule = owner.execute(TrustIssuer(issuer=issuer, claims=(("sub", "job"),), principal="trainer"))
    good = {"iss": issuer, "sub": "job", "aud": origin, "exp": int(time.time()) + 600}
    stranger = jwk.RSAKey.generate_key(2048)
    public = httpx2.get(f"{issuer}/jwks").content
    forged = {
        "another audience": get_id_token(issuer, "somebody else"),
        "unsigned": unsigned(good),
        "a stranger's": jwt.encode({"alg": "RS256"}, good, stranger),
        "a confusion of keys": sign_hs256(good, public),
        "no token": "not.a.token",
        "nothing": "",
        "no issuer of ours": jwt.encode({"alg": "RS256"}, {**good, "iss": "https://evil.example"}, stranger),
        "an address to call": jwt.encode(
            {"alg": "RS256"}, {**good, "iss": "http://169.254.169.254"}, stranger
        ),
    }
    for what, proof in forged.items():
        refusal = refuses(lambda proof=proof: login_workload(server.url, proof, name="x"), LoginRefused)  # type: ignore[misc] # bound at once
        assert refusal.code == "login_refused", what
    owner.execute(DistrustIssuer(rule=rule.index))


def get_id_token(issuer: str, audience: str, subject: str = "job") -> str:
    """Get an identity token for an audience, as a platform gives its jobs."""
    here = "http://localhost:1/back"
    query = {
        "client_id": audience,
        "redirect_uri": here,
        "response_type": "code",
        "scope": "openid profile email",
        "nonce": str(time.time_ns()),
        "state": "x",
    }
    answer = httpx2.post(f"{issuer}/oauth2/authorize", params=query, data={"sub": subject})
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": here}
    tokens = httpx2.post(f"{issuer}/oauth2/token", data=form, auth=(audience, "secret"))
    return str(tokens.json()["id_token"])


def unsigned(claims: Mapping[str, object]) -> str:
    parts = [json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode(), b""]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def sign_hs256(claims: Mapping[str, object], secret: bytes) -> str:
    key = jwk.OctKey.import_key(secret)
    return jws.serialize_compact({"alg": "HS256"}, json.dumps(claims).encode(), key)
