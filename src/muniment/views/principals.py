"""People and workloads: their roles, keys and tokens, and the rules that let workloads sign in."""

import json
from collections.abc import Iterable, Mapping, Sequence

from muniment.core.people.callers import REGISTRY
from muniment.core.people.vouching import VOUCHED, VouchKind
from muniment.core.records import GrantRecord, IssuerRecord, KeyRecord, VouchRecord
from muniment.core.times import read_time
from muniment.core.verbs.people import Person as Principal
from muniment.core.verbs.people import Token
from muniment.views.listing import view_list
from muniment.views.values import Id, Pairs, Person, Time, Value, name_people
from muniment.views.view import Chip, Column, Fact, Facts, Mark, Row, Section, Table, Tone, View, Vouched

_KEY_COLUMNS = (
    Column("id", "key"),
    Column("machine", "machine"),
    Column("assurance", "known by"),
    Column("enrolled", "enrolled", in_full=True),
    Column("expires", "expires"),
    Column("standing", ""),
    Column("voucher", "on whose word", is_drawn=False),
    Column("revoked", "revoked as of entry", is_drawn=False),
    Column("public_key", "public key", is_drawn=False),
)


def view_people(  # noqa: PLR0913 - what it shows, and how whole it is
    title: str, people: Sequence[Principal], now: str, *, empty: str, heading: str = "People", found: bool
) -> View:
    """Show people and workloads with their roles."""
    columns = (
        Column("person", "name"),
        Column("kind", "kind"),
        Column("roles", "roles"),
        Column("active", "keys", is_number=True),
        Column("id", "id", in_full=True),
        Column("grants", "grants", is_drawn=False),
        Column("keys", "key ids", is_drawn=False),
    )
    rows = [_view_principal(one, Mark.FOUND if found else Mark.RECORDED) for one in people]
    return view_list("people", title, columns, rows, now, heading=heading, found=found, empty=empty)


def view_person(person: Principal, names: Mapping[str, str], now: str) -> View:
    """Show a person or workload: their keys, who vouches for them, and the roles that the registry names."""
    record = person.record
    recorded = Vouched(Mark.RECORDED, record.index)
    role = f"muniment role grant {record.id} ROLE NAMESPACE"
    return View(
        kind="person",
        title=person.name or record.id,
        now=now,
        chips=(Chip(record.kind), *([] if person.name is not None else [Chip("name erased", Tone.WARN)])),
        # There may be roles in namespaces that the registry does not name.
        found=True,
        facts=(Fact(key="id", label="id", value=record.id),),
        sections=(
            Section(
                key="principal",
                title="Who it is",
                blocks=(
                    Facts(
                        (
                            Fact(key="name", label="name", value=person.name, vouched=recorded),
                            Fact(key="kind", label="kind", value=record.kind, vouched=recorded),
                            Fact(key="principal", label="id", value=record.id, vouched=recorded),
                        )
                    ),
                ),
            ),
            Section(
                key="roles",
                title="Roles",
                blocks=(_view_grants(person.grants),),
                empty=f"none is found: {role} grants one",
            ),
            Section(
                key="keys",
                title="Keys",
                blocks=(
                    Table(
                        key="keys",
                        columns=_KEY_COLUMNS,
                        rows=tuple(_view_key(person, key, now, Mark.RECORDED) for key in person.keys),
                    ),
                ),
                empty=f"none: muniment key enrol {record.id} PUBLIC.pem enrols one",
            ),
            Section(
                key="vouches",
                title="On whose word",
                note="who let them in, and who confirmed them",
                blocks=(_view_vouches(person.vouches, names),),
            ),
            Section(key="recoveries", title="Let in anew", blocks=(_view_recoveries(person, names),)),
        ),
    )


def view_recoveries(person: Principal, names: Mapping[str, str], now: str) -> View:
    """Show who let a person in anew."""
    table = _view_recoveries(person, names)
    who = person.name or person.record.id
    empty = f"nobody let {who} in anew"
    title = f"Recoveries of {who}"
    return view_list("recoveries", title, table.columns, table.rows, now, heading="Recoveries", empty=empty)


def _view_vouches(vouches: Sequence[VouchRecord], names: Mapping[str, str]) -> Table:
    columns = (Column("voucher", "who"), Column("what", "vouched for"))
    rows = tuple(
        Row(
            cells=(_name_voucher(vouch.voucher, names), VOUCHED[VouchKind(vouch.kind)]),
            vouched=Vouched(Mark.RECORDED, vouch.index),
        )
        for vouch in vouches
    )
    return Table(key="vouches", columns=columns, rows=rows, most=8)


def _view_recoveries(person: Principal, names: Mapping[str, str]) -> Table:
    columns = (
        Column("recovery", "recovery"),
        Column("who", "by"),
        Column("begun", "begun"),
        Column("opens", "opens"),
        Column("outcome", ""),
        Column("credential", "token or key", in_full=True),
    )
    rows = tuple(
        Row(
            cells=(
                one.index,
                name_people(names, one.actor),
                Time(one.begun),
                Time(one.opens),
                one.outcome,
                Id(one.credential),
            ),
            vouched=Vouched(Mark.RECORDED, one.index),
            tone=Tone.WARN,
        )
        for one in person.recoveries
    )
    return Table(key="recoveries", columns=columns, rows=rows)


def _name_voucher(voucher: str, names: Mapping[str, str]) -> Value:
    return "an identity provider" if voucher == REGISTRY else name_people(names, voucher)


def view_keys(people: Sequence[Principal], now: str) -> View:
    """Show the keys of people and workloads."""
    rows = [
        _view_key(person, key, now, Mark.FOUND, Person(person.record.id, person.name))
        for person in people
        for key in person.keys
    ]
    columns = (_KEY_COLUMNS[0], Column("principal", "owner"), *_KEY_COLUMNS[1:])
    empty = "no key is found: muniment key enrol PRINCIPAL PUBLIC.pem enrols one"
    return view_list("keys", "Keys", columns, rows, now, found=True, empty=empty)


def view_tokens(owner: Person, tokens: Sequence[Token], now: str) -> View:
    """Show the tokens of a person or workload that the registry says were not revoked."""
    columns = (
        Column("id", "token"),
        # The registry keeps it, and could say anything.
        Column("name", "name (stated)"),
        Column("scopes", "scopes"),
        Column("issued", "issued"),
        Column("expires", "expires"),
        Column("once", "once", in_full=True),
        Column("principal", "owner", is_drawn=False),
    )
    rows = [
        Row(
            cells=(
                Id(one.record.id),
                one.label,
                tuple(one.record.scopes.split()) or "all",
                Time(one.record.issued),
                Time(one.record.expires),
                bool(one.record.once),
                owner,
            ),
            vouched=Vouched(Mark.FOUND, one.record.index),
            tone=Tone.WARN if read_time(one.record.expires) <= read_time(now) else Tone.PLAIN,
        )
        for one in tokens
    ]
    empty = "no tokens: create one with muniment token new NAME"
    title = f"Tokens of {owner.name or owner.id}"
    return view_list("tokens", title, columns, rows, now, heading="Tokens", found=True, empty=empty)


def view_issuers(rules: Sequence[IssuerRecord], names: Mapping[str, str], now: str) -> View:
    """Show the rules that let workloads sign in, by the claims that their tokens must have."""
    columns = (
        Column("issuer", "issuer"),
        Column("claims", "claims"),
        Column("principal", "acts as"),
        Column("author", "written by"),
        Column("person_claim", "claim of the person", in_full=True),
    )
    rows = [
        Row(
            cells=(
                rule.issuer,
                _read_claims(rule.claims),
                name_people(names, rule.principal),
                name_people(names, rule.author),
                rule.person_claim,
            ),
            vouched=Vouched(Mark.FOUND, rule.index),
        )
        for rule in rules
    ]
    empty = "no workload may sign in: muniment trust add ISSUER PRINCIPAL --claim NAME=VALUE lets one"
    return view_list("issuers", "Trusted issuers", columns, rows, now, found=True, empty=empty)


def _view_principal(person: Principal, mark: Mark) -> Row:
    record = person.record
    by_namespace: dict[str, list[str]] = {}
    for grant in person.grants:
        by_namespace.setdefault(grant.namespace, []).append(grant.role)
    return Row(
        cells=(
            Person(record.id, person.name),
            record.kind,
            tuple(f"{grant.role} in {grant.namespace}" for grant in person.grants),
            sum(key.revoked is None for key in person.keys),
            record.id,
            Pairs(tuple((namespace, tuple(roles)) for namespace, roles in by_namespace.items())),
            tuple(key.id for key in person.keys),
        ),
        vouched=Vouched(mark, record.index),
    )


def _view_grants(grants: Iterable[GrantRecord]) -> Table:
    rows = tuple(
        Row(cells=(grant.role, grant.namespace), vouched=Vouched(Mark.FOUND, grant.index)) for grant in grants
    )
    columns = (Column("role", "role"), Column("namespace", "namespace"))
    return Table(key="roles", columns=columns, rows=rows)


def _view_key(person: Principal, key: KeyRecord, now: str, mark: Mark, *owner: Value) -> Row:
    has_expired = key.expires is not None and read_time(key.expires) <= read_time(now)
    standing = "revoked" if key.revoked is not None else "expired" if has_expired else "active"
    return Row(
        cells=(
            Id(key.id),
            *owner,
            dict(person.machines).get(key.id),
            key.assurance,
            Time(key.enrolled),
            None if key.expires is None else Time(key.expires),
            standing,
            key.voucher,
            key.revoked,
            key.public_key,
        ),
        vouched=Vouched(mark, key.index),
        tone=Tone.PLAIN if standing == "active" else Tone.WARN,
    )


def _read_claims(text: str) -> Pairs:
    """Read the claims that a rule asks for, which its record holds as a JSON object of texts."""
    return Pairs(tuple((str(name), str(value)) for name, value in json.loads(text).items()))
