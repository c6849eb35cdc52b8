"""The door to the API server: raw JSON in and out, time-outs on everything, every failure a ClusterError."""

import copy
import importlib.metadata
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import urllib3
import yaml
from kubernetes import client, config

from deploy import answers, errors, kinds, names, streams
from deploy.kinds import Kind
from deploy.traffic import Json

JsonPatch = list[Json]
Observer = Callable[[str, str, int, float], None]
"""Told after each call: verb, plural, HTTP status (0: no answer) and seconds until the answer began."""

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
CONNECTIONS = 32
PAGE = 500
OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where the kubelet says in which namespace a pod runs."""
UNREADABLE = (config.ConfigException, OSError, yaml.YAMLError, AttributeError, TypeError)
"""What the library raises for files that are not there, or that are no kubeconfig."""
METHODS = {"create": "POST", "replace": "PUT", "patch": "PATCH", "delete": "DELETE"}
RBAC_VERBS = {"replace": "update"}
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class Listing:
    """Objects of one kind, and the resource version from which a watch goes on."""

    items: list[Json] = field(hash=False)
    resource_version: str


@dataclass(frozen=True)
class _Call:
    """One request; `what` is how messages name it, `right` what must be granted for it, `media` its body's type."""

    verb: str
    plural: str
    what: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Json | JsonPatch | None = field(default=None, hash=False)
    media: str = JSON
    accept: str = JSON
    right: str = ""


def in_cluster() -> client.ApiClient:
    """A client as the pod's own ServiceAccount, whose token is read again when the kubelet renews it."""
    return _client(config.load_incluster_config)


def own_namespace() -> str:
    """The namespace of the pod that this process runs in; Unreachable outside of a pod."""
    try:
        return OWN_NAMESPACE.read_text().strip()
    except OSError as error:
        raise errors.Unreachable(f"the pod's own namespace is not known: {error}") from error


def from_kubeconfig(path: str | None = None, context: str | None = None) -> client.ApiClient:
    """A client from a kubeconfig file: KUBECONFIG or ~/.kube/config where no path is given."""

    def load(settings: client.Configuration) -> None:
        config.load_kube_config(path, context, settings, persist_config=False)  # type: ignore[no-untyped-call]

    return _client(load, _kubeconfigs(path))


def _kubeconfigs(path: str | None) -> tuple[str, ...]:
    """The files that say where the API server is, in the order in which they are looked for."""
    return tuple((path or os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep))


def is_in_a_pod() -> bool:
    """Whether this process runs in a pod of a cluster and no kubeconfig says otherwise, as kubectl decides it."""
    home = os.path.expanduser("~/.kube/config")
    return not os.environ.get("KUBECONFIG") and not os.path.exists(home) and "KUBERNETES_SERVICE_HOST" in os.environ


def default_namespace(path: str | None = None, context: str | None = None) -> str:
    """The namespace of the context, or of the pod that we run in; `default` where none is said.

    Raises Unreachable where the kubeconfig can not be read or has no such context.
    """
    if path is None and context is None and is_in_a_pod():
        return own_namespace()
    try:
        known, current = config.list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
    except UNREADABLE as error:
        raise _unconfigured(error, _kubeconfigs(path)) from error
    chosen = current if context is None else next((item for item in known if item["name"] == context), None)
    if chosen is None:
        names_ = ", ".join(item["name"] for item in known)
        raise errors.Unconfigured(f"--context must be one of {names_}, got {context}")
    return str((chosen.get("context") or {}).get("namespace") or "default")


def impersonating(api: client.ApiClient, user: str) -> client.ApiClient:
    """The same client, whose calls are made in the name of another user (it needs the right to impersonate)."""
    api.set_default_header("Impersonate-User", user)  # type: ignore[no-untyped-call]
    return api


def at(url: str, token: str = "", ca_file: str | None = None) -> client.ApiClient:
    """A client for the API server at a URL, with a bearer token where one is given."""

    def load(settings: client.Configuration) -> None:
        settings.host = url
        settings.ssl_ca_cert = ca_file
        if token:
            settings.api_key["BearerToken"] = f"Bearer {token}"

    return _client(load)


def _client(load: Callable[[client.Configuration], None], files: tuple[str, ...] = ()) -> client.ApiClient:
    """The library's own retries are off: a write must not be sent twice, and the caller decides what is tried again.

    files: where `load` looks; Unconfigured where it finds nothing of use.
    """
    settings = client.Configuration()
    try:
        load(settings)
    except UNREADABLE as error:
        raise _unconfigured(error, files) from error
    settings.retries = False
    settings.connection_pool_maxsize = CONNECTIONS
    settings.socket_options = _keep_alive()
    api = client.ApiClient(settings)
    api.user_agent = f"rampart/{importlib.metadata.version('rampart')}"
    return api


def _unconfigured(error: Exception, files: tuple[str, ...]) -> errors.Unconfigured:
    """Why no server is known, in one line: the file that is not there, or what is wrong with it."""
    why = _line(error)
    if files and not any(os.path.exists(os.path.expanduser(file)) for file in files):
        why = f"there is no file {' or '.join(files)}; name one by --kubeconfig, or by KUBECONFIG"
    elif isinstance(error, yaml.YAMLError | AttributeError | TypeError):
        why = f"{' or '.join(files)} is no kubeconfig: {why}"
    return errors.Unconfigured(f"no way to an API server is configured: {why}")


def _line(error: Exception) -> str:
    """A library's words on one line; its client's own errors hold them in `reason`."""
    text = error.reason if isinstance(error, client.ApiException) and error.reason else error
    return " ".join(str(text).split())


def _keep_alive() -> list[tuple[int, int, int]]:
    """A peer that vanished without a word is noticed after 10 + 3 × 5 seconds, also in the silence of a watch."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


class Cluster:
    """One API server as one user; safe for use by many threads.

    `allow` is called before each write that is not a dry run, and raises to stop it (a leader that leads no more).
    """

    def __init__(
        self, api: client.ApiClient, observer: Observer | None = None, allow: Callable[[], None] | None = None
    ) -> None:
        self._api = api
        self._observer = observer
        self._allow = allow
        self._timeout = (CONNECT_SECONDS, READ_SECONDS)
        self._served: dict[Kind, Kind] = {}

    def within(self, seconds: float) -> "Cluster":
        """The same door, whose calls give up after `seconds` without a word; a watch, as long after its own time."""
        hurried = copy.copy(self)
        hurried._timeout = (min(seconds, CONNECT_SECONDS), seconds)
        return hurried

    def close(self) -> None:
        self._api.close()  # type: ignore[no-untyped-call]

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json:
        """The object; Missing where there is none."""
        return self._json(self._call("get", kind, namespace, name))

    def find(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        """The object, or None where there is none, or no such kind."""
        try:
            return self.get(kind, name, namespace)
        except errors.Missing:
            return None

    def pages(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str = "",
        metadata_only: bool = False,
        resource_version: str | None = None,
    ) -> Iterator[Listing]:
        """All objects, in pages of PAGE, so that a caller can forget most of one before the next arrives.

        Expired is raised where the server forgot the list's version between two pages: begin anew.
        """
        call = replace(self._call("list", kind, namespace), accept=METADATA_LIST if metadata_only else JSON)
        more: tuple[tuple[str, str], ...] = (("resourceVersion", resource_version),) if resource_version else ()
        while True:
            asked = replace(call, query=(("limit", str(PAGE)), *_given(labelSelector=labels), *more))
            page = answers.listed(call.what, streams.whole(call.what, self._open(asked, self._timeout)))
            yield Listing(_named(page), page["metadata"]["resourceVersion"])
            if not page["metadata"].get("continue"):
                return
            more = (("continue", page["metadata"]["continue"]),)

    def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str = "",
        metadata_only: bool = False,
        resource_version: str | None = None,
    ) -> Listing:
        """All objects of a kind, in one namespace or in all of them; each with its apiVersion and kind."""
        pages = [*self.pages(kind, namespace, labels, metadata_only, resource_version)]
        return Listing([item for page in pages for item in page.items], pages[-1].resource_version)

    def create(self, kind: Kind, body: Json, dry_run: bool = False) -> Json:
        """The object as stored; Conflict where one of that name exists."""
        call = self._call("create", kind, body["metadata"].get("namespace"))
        return self._write(replace(call, body=self._typed(kind, body)), dry_run)

    def replace(self, kind: Kind, body: Json, dry_run: bool = False) -> Json:
        """The object as stored; Conflict where it changed since its resourceVersion was read."""
        about = body["metadata"]
        call = self._call("replace", kind, about.get("namespace"), about["name"])
        if not about.get("resourceVersion"):
            raise ValueError(f"{call.what} needs the resourceVersion that was read")
        return self._write(replace(call, body=self._typed(kind, body)), dry_run)

    def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Json | JsonPatch,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        """The object as stored. A dict is a merge patch (RFC 7386), a list a JSON patch (RFC 6902).

        Conflict where `metadata.resourceVersion` in the patch is stale, or a `test` of a JSON patch fails.
        """
        media = "application/json-patch+json" if isinstance(patch, list) else "application/merge-patch+json"
        call = self._call("patch", kind, namespace, name, subresource)
        try:
            return self._write(replace(call, body=patch, media=media), dry_run)
        except errors.Invalid as error:
            if answers.UNEXPLAINED in str(error) and _tests(patch):
                raise errors.Conflict(str(error)) from error
            raise

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
    ) -> None:
        """Missing where it is gone already; Conflict where uid or resourceVersion are not the object's."""
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid or resource_version:
            body["preconditions"] = dict(_given(uid=uid, resourceVersion=resource_version))
        self._permitted()
        self._json(replace(self._call("delete", kind, namespace, name), body=body))

    def watch(
        self,
        kind: Kind,
        namespace: str | None,
        resource_version: str,
        timeout_seconds: int,
        metadata_only: bool = False,
    ) -> streams.Watch:
        """What changed since `resource_version`, with bookmarks; Expired where the server has forgotten it."""
        query = _given(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            timeoutSeconds=str(timeout_seconds),
        )
        call = replace(self._call("watch", kind, namespace), query=query, accept=METADATA if metadata_only else JSON)
        return streams.Watch(call.what, self._open(call, (CONNECT_SECONDS, timeout_seconds + self._timeout[1])))

    def serves(self, kind: Kind) -> bool:
        """Whether the server knows the kind, at its version or at one of its older ones."""
        collection = self._served_as(kind).path()
        found = self._about(collection.removesuffix(f"/{kind.plural}"))
        return any(resource["name"] == kind.plural for resource in found.get("resources", []))

    def versions(self, group: str) -> tuple[str, ...]:
        """The versions at which the server serves a group, the one it prefers first; none for an unknown group."""
        found = self._about(f"/apis/{group}")
        preferred = found.get("preferredVersion", {}).get("version")
        served = [each["version"] for each in found.get("versions", [])]
        return tuple(sorted(served, key=lambda version: version != preferred))

    def server_version(self) -> tuple[int, int]:
        """Major and minor version of the server; a provider's suffix (`37+`) is dropped."""
        found = self._about("/version")
        return int(found["major"]), int(found["minor"].rstrip("+"))

    def may(self, verb: str, kind: Kind, namespace: str | None = None, subresource: str = "") -> bool:
        """Whether we have the right to do this; no namespace asks for all of them."""
        asked = dict(_given(verb=verb, group=kind.group, resource=kind.plural, subresource=subresource))
        body = {"spec": {"resourceAttributes": {**asked, "namespace": namespace or ""}}}
        call = self._call("create", kinds.ACCESS_REVIEW)
        return bool(self._json(replace(call, body=self._typed(kinds.ACCESS_REVIEW, body)))["status"]["allowed"])

    def user(self) -> str:
        """Who we are for the server."""
        call = self._call("create", kinds.SELF_REVIEW)
        found = self._json(replace(call, body=self._typed(kinds.SELF_REVIEW, {})))
        name: str = found["status"]["userInfo"]["username"]
        return name

    def _served_as(self, kind: Kind) -> Kind:
        """The kind at the best of its versions that the server serves; asked once, as no server takes one away."""
        if not kind.older:
            return kind
        if kind not in self._served:
            offered = self.versions(kind.group)
            best = [version for version in (kind.version, *kind.older) if version in offered]
            if not best:
                return kind.at(kind.version)
            self._served[kind] = kind.at(best[0])
        return self._served[kind]

    def _typed(self, kind: Kind, body: Json) -> Json:
        return {**body, "apiVersion": self._served_as(kind).api_version, "kind": kind.kind}

    def _call(
        self, verb: str, kind: Kind, namespace: str | None = None, name: str = "", subresource: str = ""
    ) -> _Call:
        what = f"{verb} {kind.called(namespace, name)}"
        path = self._served_as(kind).path(namespace, name, subresource)
        return _Call(verb, kind.plural, what, path, right=_right(verb, kind, namespace, subresource))

    def _about(self, path: str) -> Json:
        """What the server says of itself at a path; nothing where it has no such path."""
        try:
            return self._json(_Call("get", "discovery", f"get {path}", path))
        except errors.Missing:
            return {}

    def _permitted(self) -> None:
        if self._allow:
            self._allow()

    def _write(self, call: _Call, dry_run: bool) -> Json:
        if not dry_run:
            self._permitted()
        return self._json(
            replace(call, query=_given(fieldManager=names.FIELD_MANAGER, dryRun="All" if dry_run else None))
        )

    def _json(self, call: _Call) -> Json:
        return answers.decoded(call.what, streams.whole(call.what, self._open(call, self._timeout)))

    def _open(self, call: _Call, timeout: tuple[float, float]) -> urllib3.BaseHTTPResponse:
        """An answer of status 2xx whose body is still to be read."""
        status, started = 0, time.monotonic()
        try:
            response = self._send(call, timeout)
            status = response.status
        finally:
            if self._observer:
                self._observer(call.verb, call.plural, status, time.monotonic() - started)
        if 200 <= status < 300:
            return response
        body = streams.whole(call.what, response)
        raise answers.refusal(call.what, status, body, response.headers, call.right)

    def _send(self, call: _Call, timeout: tuple[float, float]) -> urllib3.BaseHTTPResponse:
        method = METHODS.get(call.verb, "GET")
        try:
            method, url, headers, *_ = self._api.param_serialize(
                method,
                call.path,
                query_params=[*call.query],
                header_params={"Accept": call.accept, "Content-Type": call.media},
                auth_settings=["BearerToken"],
            )
            answer = self._api.call_api(method, url, headers, call.body, _request_timeout=timeout)
        except (config.ConfigException, client.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise errors.Unreachable(f"{call.what}: {_line(error)}") from error
        response: urllib3.BaseHTTPResponse = answer.response
        return response


def _tests(patch: Json | JsonPatch) -> bool:
    return isinstance(patch, list) and any(step["op"] == "test" for step in patch)


def _right(verb: str, kind: Kind, namespace: str | None, subresource: str) -> str:
    """The right that a call needs, as a rule of RBAC names it: resources stand there with their group."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    whole = f"{resource}.{kind.group}" if kind.group else resource
    where = f" in {namespace}" if namespace and kind.namespaced else ""
    return f"{RBAC_VERBS.get(verb, verb)} {whole}{where}"


def _given(**values: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in values.items() if value)


def _named(page: Json) -> list[Json]:
    """The items of a list, each with apiVersion and kind, which the server leaves out of lists of its own kinds."""
    common = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
    return [{**common, **item} for item in page.get("items") or []]
