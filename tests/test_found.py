"""Answers that are found: each row is proven, they say that there may be more, and they take a time."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import httpx2
import pytest
from click.testing import CliRunner, Result

import muniment
from muniment.cli.main import main
from muniment.cli.terminal import FOUND
from muniment.client.connection.settings import Settings
from muniment.core.backend import Backend
from muniment.core.errors import NotPermitted, NotShown, PrincipalNotFound
from muniment.core.names import ModelName
from muniment.core.people.roles import Act, Role
from muniment.core.verbs.people import FindPerson, GetKey, GrantRole, ListPeople, Person, RevokeRole, WhoMay
from muniment.core.verbs.table import VERBS
from muniment.core.verbs.verb import Query, entry_of, name_of
from muniment.signing.keys import Identity
from muniment.testing.audits import check_audit
from muniment.testing.backends import OpenAs, add_person, publish, refuses
from muniment.testing.live import run_server

Cli = Callable[..., Result]
PAGE = Path(muniment.__file__).parents[2] / "docs/explanation/proofs.md"


@pytest.fixture
def cli(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `muniment` in a registry that has two versions."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str, exits: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == exits, (arguments, result.output)
        return result

    run("init")
    run("push", str(model), "acme/x", "--alias", "staging")
    return run


def entry() -> str:
    """Give the newest entry of the log."""
    with muniment.open(create=False) as registry:
        return str(check_audit(registry) - 1)


@pytest.mark.parametrize(
    "line",
    [
        "list",
        "list version=1",
        "deployments",
        "user list",
        "key list",
        "token list",
        "trust list",
        "webhook list acme",
        "inbox",
        "lineage acme/x@1",
    ],
)
def test_a_found_list_says_that_there_may_be_more(cli: Cli, line: str) -> None:
    """A list that may not be whole says so: in a last line, and as `found` with --json."""
    # Before it, an empty list says what to do next.
    assert cli(*line.split()).stderr.splitlines()[-1] == FOUND
    result = cli(*line.split(), "--json")
    document = json.loads(result.stdout)
    assert (document["found"], result.stderr) == (True, "")
    assert "items" in document or "nodes" in document


@pytest.mark.parametrize("line", ["list acme/", "list acme/x", "deployments acme/x"])
def test_a_list_that_is_proven_whole_does_not(cli: Cli, line: str) -> None:
    """A list that is proven whole does not say that there may be more."""
    assert FOUND not in cli(*line.split()).stderr
    assert json.loads(cli(*line.split(), "--json").stdout)["found"] is False


def test_what_is_read_at_a_time_is_as_it_was(cli: Cli) -> None:
    """Each list shows at an entry what was on record then, and nothing that came later."""
    cli("tag", "acme/x@1", "stage=ready")
    cli("policy", "tier", "acme/x", "low", "--reason", "agreed")
    cli("owner", "acme/x", "Ada")
    then = entry()
    cli("tag", "acme/x@1", "stage=old")
    cli("policy", "tier", "acme/x", "high", "--reason", "agreed")
    cli("user", "add", "Vera")
    cli("role", "grant", "Vera", "validator", "acme")
    cli("owner", "acme/x", "Vera")
    cli("comment", "acme/x@1", "good")
    cli("request", "acme/x@1", "production")
    cli("policy", "guard", "acme/x@production", "--reason", "agreed")
    cli("token", "new", "ci")
    now = entry()

    def read(line: str, at: str) -> str:
        return cli(*line.split(), "--at", at).stdout

    assert (read("tag acme/x@1", then), read("tag acme/x@1", now)) == ("stage=ready\n", "stage=old\n")
    assert (read("policy tier acme/x", then), read("policy tier acme/x", now)) == ("low\n", "high\n")
    for line, later in (
        ("user list", "Vera"),
        ("owner acme/x", "Vera"),
        ("comments acme/x@1", "good"),
        ("requests acme/x", "production"),
        ("policy history acme", "production"),
        ("token list", "ci"),
    ):
        assert (later in read(line, then), later in read(line, now)) == (False, True), line
    with muniment.open(create=False) as registry, pytest.raises(NotShown):
        registry.people.get("Vera", at=then)


def test_what_has_ended_since_is_shown_as_it_was(cli: Cli, model: Path, tmp_path: Path) -> None:
    """Roles, tokens, rules, keys and drafts that have ended are there at a time when they had not."""
    cli("user", "add", "ci", "--workload")
    cli("role", "grant", "ci", "reader", "acme")
    cli("token", "new", "mine")
    cli("trust", "add", "https://ci.example.com", "ci", "--claim", "sub=x")
    cli("key", "new", str(tmp_path / "k.pem"))
    cli("key", "enrol", "ci", str(tmp_path / "k.pem.pub"))
    cli("deploy", "acme/x@1", "prod/api")
    (tmp_path / "w.bin").write_bytes(b"weights")
    draft = json.loads(cli("push", str(tmp_path / "w.bin"), "acme/x", "--draft", "--json").stdout)["index"]
    then = entry()
    (token,) = json.loads(cli("token", "list", "--json").stdout)["items"]
    (rule,) = json.loads(cli("trust", "list", "--json").stdout)["items"]
    keys = json.loads(cli("key", "list", "--json").stdout)["items"]
    cli("role", "grant", "Ada", "security", "acme")
    cli("revoke", "acme/x@1", "--reason", "it leaks")
    cli("role", "revoke", "ci", "reader", "acme")
    cli("token", "revoke", token["id"])
    cli("trust", "remove", str(rule["entry"]))
    cli("key", "revoke", keys[-1]["id"])
    cli("drafts", "acme/x", "--discard", str(draft))
    assert json.loads(cli("token", "list", "--json").stdout)["items"] == []
    assert json.loads(cli("token", "list", "--json", "--at", then).stdout)["items"] == [token]
    assert json.loads(cli("trust", "list", "--json").stdout)["items"] == []
    assert json.loads(cli("trust", "list", "--json", "--at", then).stdout)["items"] == [rule]
    assert json.loads(cli("key", "list", "--json", "--at", then).stdout)["items"] == keys
    assert "reader" not in cli("user", "list").stdout
    assert "reader in acme" in cli("user", "list", "--at", then).stdout
    for line in ("deployments acme/x", "list acme/x", "list version=1", f"identify {model}", "show acme/x@1"):
        shown = [cli(*line.split(), *at).stdout for at in ((), ("--at", then))]
        assert ["REVOKED" in text for text in shown] == [True, False], line
    assert str(draft) not in cli("drafts", "acme/x").stdout
    assert str(draft) in cli("drafts", "acme/x", "--at", then).stdout


PRESENT = {name_of(kind) for kind in VERBS if issubclass(kind, Query) and "at" not in get_type_hints(kind)}


@pytest.mark.skipif(not PAGE.exists(), reason="the pages are in the repository")
def test_each_query_takes_a_time_or_says_why_not() -> None:
    """The page on proofs names each query that takes no time, with the reason, and no other."""
    table = PAGE.read_text().partition("These queries take no `at`")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(PRESENT)


def test_a_server_refuses_a_time_where_it_means_nothing(tmp_path: Path) -> None:
    """A parameter that a query does not have is refused, and is not ignored."""
    owner = Identity.generate()
    with run_server(tmp_path) as server:
        entry = publish(server.open_as(owner), owner, b"a").index
        headers = {"Authorization": f"Bearer {server.tokens[owner.public.id]}"}
        for path in ("inbox", "me", "namespaces/acme/usage", "models/acme/readmission/versions/1"):
            for query, fine in ((f"at={entry}", path.startswith("models")), ("att=1", False), ("", True)):
                answer = httpx2.get(f"{server.url}/api/v1/{path}?{query}", headers=headers)
                assert (answer.status_code == 200) is fine, (path, query, answer.text)
                assert fine or answer.json()["code"] == "invalid_body"


@pytest.mark.parametrize(
    "line",
    [
        "tag acme/x@1 a=b",
        "owner acme/x Ada",
        "comments acme/x@1 --erase 1",
        "policy tier acme/x low --reason agreed",
        "drafts acme/x --discard 1",
    ],
)
def test_a_change_is_not_made_at_a_time(cli: Cli, line: str) -> None:
    """A change is made now: a command that both lists and changes refuses a time with a change."""
    assert "invalid_option" in cli(*line.split(), "--at", entry(), exits=2).stderr


def test_nobody_sees_the_roles_of_namespaces_that_are_closed_to_them(
    owner: Identity, open_as: OpenAs
) -> None:
    """Somebody who is known here shows their roles here and everywhere, and none in other namespaces."""
    _check_closed(open_as, owner)


@pytest.mark.slow
def test_a_server_shows_nobody_of_namespaces_that_are_closed(tmp_path: Path) -> None:
    """A server answers a member about other namespaces as about what does not exist."""
    with run_server(tmp_path) as server:
        _check_closed(server.open_as, Identity.generate())


def _check_closed(open_as: OpenAs, owner: Identity) -> None:
    backend = open_as(owner)
    for namespace in ("acme", "beta"):
        publish(backend, owner, b"a", name=ModelName(namespace, "x"))
    carl = backend.ask(GetKey(key_id=add_person(backend, "Carl", Role.READER, namespace="beta").public.id))
    backend.execute(GrantRole(principal=carl.principal, role=Role.VALIDATOR, namespace="acme"))
    add_person(backend, "Vera", Role.VALIDATOR, namespace="acme")
    former = backend.ask(GetKey(key_id=add_person(backend, "Otto", Role.READER, namespace="beta").public.id))
    backend.execute(RevokeRole(principal=former.principal, role=Role.READER, namespace="beta"))
    bea = open_as(add_person(backend, "Bea", Role.READER, namespace="beta"))
    people = [person for page in _pages(bea, ListPeople(limit=2)) for person in page]
    seen = {person.name: {grant.namespace for grant in person.grants} for person in people}
    assert seen == {"founder": {"*"}, "Carl": {"beta"}, "Otto": set(), "Bea": {"beta"}}
    for name in ("Vera", "nobody"):
        with pytest.raises((PrincipalNotFound, NotShown), match=f"no principal '{name}' is registered"):
            bea.ask(FindPerson(principal=name))
    for namespace in ("acme", "nowhere", "*"):
        query = WhoMay(act=Act.APPROVE, namespace=namespace)
        refuses(lambda query=query: bea.ask(query), NotPermitted)  # type: ignore[misc] # bound at once
    admin = open_as(add_person(backend, "Anna", Role.ADMIN, namespace="beta"))
    assert admin.ask(FindPerson(principal="Vera")).grants == ()


def _pages(backend: Backend, query: ListPeople) -> Iterator[tuple[Person, ...]]:
    while page := backend.ask(query):
        assert len(page) <= query.limit
        yield page
        query = replace(query, after=entry_of(page[-1]))
