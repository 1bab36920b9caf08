"""A registry somewhere else: every command and query over HTTP (see `/api/v1/openapi.json` there)."""

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Generic, NamedTuple, TypeVar, cast
from urllib.parse import quote

import msgspec

from muniment.client.bytes.downloads import Downloads
from muniment.client.bytes.uploads import Uploads
from muniment.client.connection.transport import API, Transport
from muniment.core import commands as c
from muniment.core import queries as q
from muniment.core import records as r
from muniment.core.backend import Stored
from muniment.core.claims.lineage import Graph
from muniment.core.digests import Digest
from muniment.core.errors import RegistryUnreachable
from muniment.core.gates.policy import Gate
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.receipts import Proof, Receipt

A = TypeVar("A")
T = TypeVar("T")

# The server takes 32 MiB of body; base64 makes four bytes of three.
_BATCH_BYTES: Final = 8 << 20
_BATCH: Final = 500


class _Page(msgspec.Struct, Generic[T]):
    items: tuple[T, ...]
    next: str | None = None


class _Digests(msgspec.Struct):
    digests: tuple[str, ...]


class Call(NamedTuple):
    """A request: what is sent where."""

    method: str
    path: str
    body: object = None
    params: Mapping[str, object] = {}
    headers: Mapping[str, str] = {}


def open_remote(location: str, token: str | None, state: Path) -> "RemoteBackend":
    """Stand before a server; nothing is sent yet. Raises as `Transport`."""
    transport = Transport(location, token)
    return RemoteBackend(transport, Uploads(transport, state), Downloads(transport))


class RemoteBackend:
    """A Backend over HTTP."""

    def __init__(self, transport: Transport, uploads: Uploads, downloads: Downloads) -> None:
        """Stand on a transport."""
        self._transport = transport
        self._uploads = uploads
        self._downloads = downloads

    def execute(self, command: c.Command) -> Receipt:
        """Do a command."""
        call = _COMMANDS[type(command)](command)
        answer = self._transport.call(
            call.method, API + call.path, body=call.body, params=call.params, headers=call.headers
        )
        return self._decode(answer, Receipt)

    def ask(self, query: q.Query[A]) -> A:
        """Ask a question."""
        path, params, form = _QUERIES[type(query)](query)
        answer = self._transport.call("GET", API + path, params=params)
        found: object = self._decode(answer, form)
        items = found.items if isinstance(found, _Page) else found
        # The table pairs each query with the form of its answer.
        return cast("A", items)

    def add_blob(self, source: BinaryIO) -> Stored:
        """Send a stream."""
        return self._uploads.send(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Send small blobs, many in a request; large ones as uploads."""
        digests = [Digest.of(document) for document in documents]
        batch: list[bytes] = []
        for document in documents:
            if len(document) > _BATCH_BYTES:
                self._uploads.send_bytes(document)
            elif len(batch) >= _BATCH or sum(map(len, batch)) + len(document) > _BATCH_BYTES:
                self._send_batch(batch)
                batch = [document]
            else:
                batch.append(document)
        if batch:
            self._send_batch(batch)
        return digests

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob; its bytes come in ranges, several at once if it is large."""
        return self._downloads.open(digest)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _send_batch(self, documents: Sequence[bytes]) -> None:
        body = {"documents": [base64.b64encode(document).decode() for document in documents]}
        answer = self._decode(self._transport.call("POST", f"{API}/documents", body=body), _Digests)
        if list(answer.digests) != [str(Digest.of(document)) for document in documents]:
            raise RegistryUnreachable(location=self._transport.location, reason="it stored other bytes")

    def _decode(self, answer: bytes, form: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=form)
        except msgspec.MsgspecError as error:
            reason = f"its answer is not one ({error})"
            raise RegistryUnreachable(location=self._transport.location, reason=reason) from error


def _text(payload: Payload | None) -> object:
    return None if payload is None else {"salt": payload.salt, "text": payload.text}


def _page(query: q.PageQuery[T]) -> Mapping[str, object]:
    return {"after": query.after, "limit": query.limit}


def _model(name: ModelName) -> str:
    return f"/models/{name.namespace}/{name.model}"


def _version(reference: Reference) -> str:
    selector = "latest" if reference.selector is None else str(reference.selector)
    return f"{_model(reference.name)}/versions/{selector}"


def _publish(command: c.PublishVersion) -> Call:
    body = {
        "manifest": str(command.manifest),
        "number": command.number,
        "attestations": [str(digest) for digest in command.attestations],
        "message": _text(command.message),
        "kind": command.kind,
    }
    return Call("POST", f"{_model(command.name)}/versions", body)


def _save_draft(command: c.SaveDraft) -> Call:
    body = {
        "manifest": str(command.manifest),
        "attestations": [str(digest) for digest in command.attestations],
        "message": _text(command.message),
        "kind": command.kind,
    }
    return Call("POST", f"{_model(command.name)}/drafts", body)


def _discard_draft(command: c.DiscardDraft) -> Call:
    return Call("POST", f"/drafts/{command.draft}/discards", {"reason": _text(command.reason)})


def _attest(command: c.RecordAttestation) -> Call:
    body = {"bundle": str(command.bundle), "reason": _text(command.reason)}
    return Call("POST", f"{_version(command.reference)}/attestations", body)


def _move(command: c.MoveAlias) -> Call:
    selector = "latest" if command.reference.selector is None else str(command.reference.selector)
    headers = {}
    if command.expected is not None:
        headers = {"if-match": f'"{command.expected}"'} if command.expected >= 0 else {"if-none-match": "*"}
    body = {"version": selector, "reason": _text(command.reason)}
    return Call("PUT", f"{_model(command.reference.name)}/aliases/{command.alias}", body, headers=headers)


def _roll_back(command: c.RollBackAlias) -> Call:
    path = f"{_model(command.name)}/aliases/{command.alias}/rollbacks"
    return Call("POST", path, {"reason": _text(command.reason)})


def _set_policy(command: c.SetPolicy) -> Call:
    body = {
        "policy": None if command.policy is None else str(command.policy),
        "attestation": None if command.attestation is None else str(command.attestation),
    }
    return Call("PUT", f"/models/{command.models}/aliases/{command.alias}/policy", body)


def _set_tier(command: c.SetTier) -> Call:
    return Call("PUT", f"{_model(command.name)}/tier", {"tier": command.tier})


def _set_status(command: c.SetStatus) -> Call:
    body = {"status": str(command.status), "reason": _text(command.reason)}
    return Call("PUT", f"{_version(command.reference)}/status", body)


def _set_retention(command: c.SetRetention) -> Call:
    body = {"until": command.until, "hold": command.hold, "reason": _text(command.reason)}
    return Call("PUT", f"{_version(command.reference)}/retention", body)


def _purge(command: c.PurgeVersion) -> Call:
    return Call("POST", f"{_version(command.reference)}/purge", {"reason": _text(command.reason)})


def _erase(command: c.ErasePrincipal) -> Call:
    body = {"principal": command.principal, "typed": command.typed}
    return Call("POST", "/principals/erasures", body)


def _break_glass(command: c.BreakGlass) -> Call:
    reference = command.reference
    selector = "latest" if reference.selector is None else str(reference.selector)
    body = {
        "version": selector,
        "attestation": str(command.attestation),
        "reason": _text(command.reason),
    }
    return Call("POST", f"{_model(reference.name)}/aliases/{command.alias}/emergencies", body)


def _review(command: c.ReviewMove) -> Call:
    return Call("POST", f"/emergencies/{command.move}/reviews", {"reason": _text(command.reason)})


def _open_request(command: c.OpenRequest) -> Call:
    body = {"alias": str(command.alias), "reason": _text(command.reason)}
    return Call("POST", f"{_version(command.reference)}/requests", body)


def _close_request(command: c.CloseRequest) -> Call:
    return Call("POST", f"/requests/{command.request}/withdrawals", {"reason": _text(command.reason)})


def _comment(command: c.PostComment) -> Call:
    body = {"text": _text(command.text), "about": command.about}
    return Call("POST", f"{_version(command.reference)}/comments", body)


def _erase_comment(command: c.EraseComment) -> Call:
    return Call("DELETE", f"/comments/{command.comment}")


def _register(command: c.RegisterPrincipal) -> Call:
    body = {
        "name": _text(command.name),
        "public_key": None if command.public_key is None else command.public_key.decode(),
        "expires": command.expires,
        "workload": command.workload,
    }
    return Call("POST", "/principals", body)


def _enrol(command: c.EnrolKey) -> Call:
    body = {
        "principal": command.principal,
        "public_key": command.public_key.decode(),
        "expires": command.expires,
    }
    return Call("POST", "/keys", body)


def _revoke_key(command: c.RevokeKey) -> Call:
    return Call("DELETE", f"/keys/{quote(command.key_id, safe='')}", params={"effective": command.effective})


def _grant(command: c.GrantRole) -> Call:
    body = {"principal": command.principal, "role": command.role, "namespace": command.namespace}
    return Call("POST", "/grants", body)


def _revoke_role(command: c.RevokeRole) -> Call:
    params = {"principal": command.principal, "role": command.role, "namespace": command.namespace}
    return Call("DELETE", "/grants", params=params)


def _set_tag(command: c.SetTag) -> Call:
    path = f"{_version(command.reference)}/tags/{quote(command.key, safe='')}"
    return (
        Call("DELETE", path) if command.value is None else Call("PUT", path, {"value": _text(command.value)})
    )


def _issue(command: c.IssueToken) -> Call:
    body = {
        "principal": command.principal,
        "token": command.token,
        "name": _text(command.name),
        "scopes": [str(scope) for scope in command.scopes],
        "expires": command.expires,
        "once": command.once,
    }
    return Call("POST", "/tokens", body)


def _revoke_token(command: c.RevokeToken) -> Call:
    return Call("DELETE", f"/tokens/{quote(command.token, safe='')}")


def _begin(command: c.BeginSession) -> Call:
    body = {
        "public_key": command.public_key.decode(),
        "token": command.token,
        "name": _text(command.name),
        "expires": command.expires,
    }
    return Call("POST", "/sessions", body)


def _trust(command: c.TrustIssuer) -> Call:
    body = {"issuer": command.issuer, "claims": dict(command.claims), "principal": command.principal}
    return Call("POST", "/issuers", body)


def _distrust(command: c.DistrustIssuer) -> Call:
    return Call("DELETE", f"/issuers/{command.rule}")


def _set_quota(command: c.SetQuota) -> Call:
    return Call(
        "PUT", f"/namespaces/{quote(command.namespace, safe='')}/quota", {"size_bytes": command.size_bytes}
    )


def _set_webhook(command: c.SetWebhook) -> Call:
    body = {"target": _text(command.target), "events": list(command.events)}
    return Call("POST", f"/namespaces/{quote(command.namespace, safe='')}/webhooks", body)


def _end_webhook(command: c.EndWebhook) -> Call:
    return Call("DELETE", f"/webhooks/{command.webhook}")


def _replay_webhook(command: c.ReplayWebhook) -> Call:
    return Call("POST", f"/webhooks/{command.webhook}/replays", {"since": command.since})


_COMMANDS: Final[Mapping[type, Callable[..., Call]]] = {
    c.PublishVersion: _publish,
    c.SaveDraft: _save_draft,
    c.DiscardDraft: _discard_draft,
    c.RecordAttestation: _attest,
    c.MoveAlias: _move,
    c.RollBackAlias: _roll_back,
    c.SetPolicy: _set_policy,
    c.SetTier: _set_tier,
    c.BreakGlass: _break_glass,
    c.ReviewMove: _review,
    c.OpenRequest: _open_request,
    c.CloseRequest: _close_request,
    c.PostComment: _comment,
    c.EraseComment: _erase_comment,
    c.SetStatus: _set_status,
    c.SetRetention: _set_retention,
    c.PurgeVersion: _purge,
    c.ErasePrincipal: _erase,
    c.RegisterPrincipal: _register,
    c.EnrolKey: _enrol,
    c.RevokeKey: _revoke_key,
    c.GrantRole: _grant,
    c.RevokeRole: _revoke_role,
    c.SetTag: _set_tag,
    c.IssueToken: _issue,
    c.RevokeToken: _revoke_token,
    c.BeginSession: _begin,
    c.TrustIssuer: _trust,
    c.DistrustIssuer: _distrust,
    c.SetQuota: _set_quota,
    c.SetWebhook: _set_webhook,
    c.EndWebhook: _end_webhook,
    c.ReplayWebhook: _replay_webhook,
}


_QUERIES: Final[Mapping[type, Callable[..., tuple[str, Mapping[str, object], type]]]] = {
    q.GetLogIdentity: lambda _: ("/log", {}, q.LogIdentity),
    q.GetGrowth: lambda x: ("/log/growth", {"size": x.size, "until": x.until}, q.Growth),
    q.GetProof: lambda x: (f"/log/entries/{x.index}", {}, Proof),
    q.GetLeaves: lambda x: ("/log/entries", {"start": x.start, "limit": x.limit}, _Page[bytes]),
    q.GetVersion: lambda x: (_version(x.reference), {"at": x.at}, r.VersionRecord),
    q.DescribeVersion: lambda x: (f"{_version(x.reference)}/detail", {"at": x.at}, q.VersionDetail),
    q.GetModel: lambda x: (_model(x.name), {"at": x.at}, r.ModelRecord),
    q.ListModels: lambda x: (
        "/models",
        {"prefix": x.prefix, "after": x.after, "limit": x.limit, "at": x.at},
        _Page[r.ModelRecord],
    ),
    q.ListVersions: lambda x: (
        f"{_model(x.name)}/versions",
        {"before": x.before, "limit": x.limit, "at": x.at},
        _Page[r.VersionRecord],
    ),
    q.SearchVersions: lambda x: (
        "/versions",
        {"q": x.text, "cursor": x.cursor, "limit": x.limit, "at": x.at},
        q.SearchPage,
    ),
    q.ListDrafts: lambda x: (f"{_model(x.name)}/drafts", _page(x), _Page[q.Draft]),
    q.ListMoves: lambda x: (
        f"{_model(x.name)}/moves",
        {"alias": x.alias, "at": x.at, **_page(x)},
        _Page[q.Move],
    ),
    q.GetMove: lambda x: (f"{_model(x.name)}/aliases/{x.alias}", {"at": x.at}, r.MoveRecord),
    q.GetPolicies: lambda x: (
        f"{_model(x.name)}/aliases/{x.alias}/policies",
        {"at": x.at},
        _Page[r.PolicyRecord],
    ),
    q.ListPolicies: lambda x: (
        f"/namespaces/{quote(x.namespace, safe='')}/policies",
        _page(x),
        _Page[r.PolicyRecord],
    ),
    q.ListRequests: lambda x: (
        f"{_model(x.name)}/requests",
        {"closed": x.closed, **_page(x)},
        _Page[q.Request],
    ),
    q.ListComments: lambda x: (f"{_version(x.reference)}/comments", _page(x), _Page[q.Comment]),
    q.ListWebhooks: lambda x: (
        f"/namespaces/{quote(x.namespace, safe='')}/webhooks",
        {},
        _Page[q.Webhook],
    ),
    q.GetInbox: lambda _: ("/inbox", {}, _Page[q.Item]),
    q.GetTier: lambda x: (f"{_model(x.name)}/tier", {}, r.TierRecord),
    q.JudgeGate: lambda x: (
        f"{_version(x.reference)}/gates/{x.alias}",
        {"policy": None if x.policy is None else str(x.policy)},
        Gate,
    ),
    q.ListTags: lambda x: (f"{_version(x.reference)}/tags", {"at": x.at}, tuple[tuple[str, str], ...]),
    q.GetKey: lambda x: (f"/keys/{quote(x.key_id, safe='')}", {}, r.KeyRecord),
    q.GetPerson: lambda x: ("/principals/find", {"principal": x.principal}, q.Person),
    q.ListPeople: lambda x: ("/principals", _page(x), _Page[q.Person]),
    q.GetSelf: lambda _: ("/me", {}, q.Person),
    q.ListTokens: lambda x: ("/tokens", {"principal": x.principal}, _Page[q.Token]),
    q.ListIssuers: lambda _: ("/issuers", {}, _Page[r.IssuerRecord]),
    q.WhoMay: lambda x: (
        "/permissions",
        {"act": x.act, "namespace": x.namespace, "at": x.at},
        _Page[q.Person],
    ),
    q.GetLineage: lambda x: (
        f"/lineage/{x.node}",
        {"direction": x.direction, "depth": x.depth, "limit": x.limit},
        Graph,
    ),
    q.ListDeployments: lambda x: (
        "/deployments",
        {
            "name": None if x.name is None else str(x.name),
            "target": x.target,
            "at": x.at,
            "history": x.history,
            **_page(x),
        },
        _Page[r.DeploymentRecord],
    ),
    q.GetUsage: lambda x: (f"/namespaces/{quote(x.namespace, safe='')}/usage", {}, q.Usage),
}
