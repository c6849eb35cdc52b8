"""The door to the API server: what goes over the wire, and what every kind of failure becomes."""

import importlib.metadata
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import cluster, errors, kinds
from deploy.cluster import Cluster
from tests.deploy import api_server
from tests.deploy.api_server import Answer, Asked, HangUp, Reply, Stream, door, line, page, status, thing


def echo(asked: Asked) -> Reply:
    """Answer with the request itself."""
    return Reply(body={"method": asked.method, "path": asked.path, "query": asked.query, "body": asked.body})


def say(reply: Reply | Stream) -> Answer:
    return lambda _: reply


WRITES = [
    pytest.param(
        lambda c, dry: c.create(kinds.SERVICE, {"metadata": {"namespace": "shop", "name": "web"}}, dry_run=dry),
        ("POST", "/api/v1/namespaces/shop/services"),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "web"}},
        id="create",
    ),
    pytest.param(
        lambda c, dry: c.replace(
            kinds.SERVICE, {"metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"}}, dry_run=dry
        ),
        ("PUT", "/api/v1/namespaces/shop/services/web"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": "shop", "name": "web", "resourceVersion": "7"},
        },
        id="replace",
    ),
    pytest.param(
        lambda c, dry: c.patch(kinds.DEPLOYMENT, "web", "shop", {"spec": {"paused": None}}, dry_run=dry),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web"),
        {"spec": {"paused": None}},
        id="patch",
    ),
    pytest.param(
        lambda c, dry: c.patch(kinds.RELEASE, "web-1", "shop", {"status": {}}, subresource="status", dry_run=dry),
        ("PATCH", "/apis/rampart.dev/v1alpha1/namespaces/shop/releases/web-1/status"),
        {"status": {}},
        id="patch of a subresource",
    ),
]


@pytest.mark.parametrize(("write", "place", "body"), WRITES)
@pytest.mark.parametrize("dry_run", [False, True])
def test_writes_name_their_manager_and_nothing_is_dropped(
    write: Callable[[Cluster, bool], Any], place: tuple[str, str], body: Any, dry_run: bool
) -> None:
    """Method, path, body (nulls too), field manager; a dry run says so."""
    with door(echo) as opened:
        found = write(opened, dry_run)
    assert (found["method"], found["path"]) == place
    assert found["query"] == {"fieldManager": "rampart", **({"dryRun": "All"} if dry_run else {})}
    assert found["body"] == body


@pytest.mark.parametrize(
    ("patch", "media"),
    [
        pytest.param({"a": 1}, "application/merge-patch+json", id="dict"),
        pytest.param([{"op": "add", "path": "/a", "value": 1}], "application/json-patch+json", id="list"),
    ],
)
def test_the_form_of_a_patch_is_its_type(patch: Any, media: str) -> None:
    """A dict is a merge patch and a list a JSON patch, whatever the kind."""
    with door(lambda asked: Reply(body={"media": asked.headers["content-type"]})) as opened:
        assert opened.patch(kinds.VIRTUAL_SERVICE.at("v1"), "web", "shop", patch) == {"media": media}


def test_we_say_who_we_are() -> None:
    """The user agent carries the version, the token goes as a bearer."""
    with door(lambda asked: Reply(body=asked.headers)) as opened:
        heads = opened.get(kinds.POD, "web", "shop")
    assert heads["user-agent"] == f"rampart/{importlib.metadata.version('rampart')}"
    assert heads["authorization"] == "Bearer s3cret"


def test_a_replace_without_a_read_version_is_a_mistake() -> None:
    """It would overwrite what somebody else wrote."""
    with door(echo) as opened, pytest.raises(ValueError, match="replace service shop/web needs the resourceVersion"):
        opened.replace(kinds.SERVICE, {"metadata": {"namespace": "shop", "name": "web"}})


def test_a_delete_means_the_object_that_was_read() -> None:
    """uid and resourceVersion are preconditions; dependents go in the background."""
    sent: list[Any] = []

    def answer(asked: Asked) -> Reply:
        sent.append(asked.body)
        return Reply()

    with door(answer) as opened:
        opened.delete(kinds.DEPLOYMENT, "web", "shop", uid="u", resource_version="7")
        opened.delete(kinds.DEPLOYMENT, "web", "shop", propagation="Foreground")
    assert sent[0]["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert "preconditions" not in sent[1]
    assert [body["propagationPolicy"] for body in sent] == ["Background", "Foreground"]


FAILURES = [
    *(
        pytest.param(say(status(code, "the server's words")), kind, "the server's words", id=str(code))
        for code, kind in [
            (400, errors.Invalid),
            (401, errors.Unknown),
            (403, errors.Forbidden),
            (404, errors.Missing),
            (409, errors.Conflict),
            (410, errors.Expired),
            (418, errors.ClusterError),
            (422, errors.Invalid),
            (429, errors.Busy),
            (500, errors.Busy),
            (503, errors.Busy),
            (504, errors.Busy),
        ]
    ),
    pytest.param(say(Reply(502, b"<html>bad gateway")), errors.Busy, "<html>bad gateway", id="a proxy's 502"),
    pytest.param(say(Reply(200, b"<html>log in")), errors.Unreachable, "not JSON but '<html>log in'", id="login page"),
    pytest.param(say(Reply(200, b"[1]")), errors.Unreachable, "not a JSON object", id="json but no object"),
    pytest.param(say(Reply(200, b"")), errors.Unreachable, "not JSON", id="nothing"),
    pytest.param(say(Reply(301, b"", {"Location": "/elsewhere"})), errors.ClusterError, "301", id="redirect"),
    pytest.param(say(Stream([b'{"a":'], cut=True)), errors.Unreachable, "get pod shop/web", id="cut answer"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), FAILURES)
def test_every_failure_is_an_error_of_our_own(answer: Answer, kind: type[Exception], words: str) -> None:
    """The type says what to do about it; the message names verb, object and the server's words."""
    with door(answer) as opened, pytest.raises(errors.ClusterError, match="get pod shop/web") as raised:
        opened.get(kinds.POD, "web", "shop")
    assert type(raised.value) is kind
    assert words in str(raised.value)


def test_hanging_up_is_unreachable_and_nothing_is_sent_twice() -> None:
    """A write whose answer is lost may have been done: the caller looks again before it writes again."""
    asked: list[Asked] = []

    def answer(request: Asked) -> Reply:
        asked.append(request)
        raise HangUp

    with door(answer) as opened, pytest.raises(errors.Unreachable):
        opened.patch(kinds.DEPLOYMENT, "web", "shop", {})
    assert len(asked) == 1


def test_a_server_that_does_not_answer_is_given_up() -> None:
    """Within the time that was set, not the library's for ever."""
    gone = threading.Event()

    def answer(_: Asked) -> Reply:
        gone.wait(60)
        raise HangUp

    with door(answer, seconds=0.2) as opened:
        started = time.monotonic()
        with pytest.raises(errors.Unreachable, match="get pod"):
            opened.get(kinds.POD, "web", "shop")
        assert time.monotonic() - started < 30
        gone.set()


def test_a_refused_connection_is_unreachable() -> None:
    """Nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        opened = Cluster(cluster.at(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(errors.Unreachable, match="Connection refused"):
            opened.get(kinds.POD, "web", "shop")
        opened.close()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        pytest.param({"Retry_After": "7"}, 7.0, id="seconds"),
        pytest.param({"Retry_After": "soon"}, None, id="nonsense"),
        pytest.param({}, None, id="not said"),
    ],
)
def test_retry_after_is_handed_on(given: dict[str, str], seconds: float | None) -> None:
    """What the server asks for is known to whoever waits."""
    with door(say(status(429, "slow down", **given))) as opened, pytest.raises(errors.Busy) as raised:
        opened.get(kinds.POD, "web", "shop")
    assert raised.value.retry_after == seconds


def test_find_answers_none_where_get_says_missing() -> None:
    """Absent is an expected outcome."""
    with door(say(status(404, "not found"))) as opened:
        assert opened.find(kinds.POD, "web", "shop") is None


UNEXPLAINED = "the server rejected our request due to an error in our request"
TEST = {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}
ADD = {"op": "add", "path": "/metadata/labels/a", "value": "1"}


@pytest.mark.parametrize(
    ("patch", "words", "kind"),
    [
        pytest.param([TEST, ADD], UNEXPLAINED, errors.Conflict, id="test failed"),
        pytest.param([ADD], UNEXPLAINED, errors.Invalid, id="no test in it"),
        pytest.param([TEST, ADD], "spec.replicas: Invalid value", errors.Invalid, id="explained"),
        pytest.param({"a": 1}, UNEXPLAINED, errors.Invalid, id="merge patch"),
    ],
)
def test_a_failed_test_of_a_json_patch_is_a_conflict(patch: Any, words: str, kind: type[Exception]) -> None:
    """The API server answers 422 without a reason; a patch that tests was made against another state."""
    with door(say(status(422, words))) as opened, pytest.raises(errors.ClusterError) as raised:
        opened.patch(kinds.DEPLOYMENT, "web", "shop", patch)
    assert type(raised.value) is kind


def test_lists_are_read_page_by_page() -> None:
    """Every page is asked for with the token of the one before, and the version is the last one's."""

    def answer(asked: Asked) -> Reply:
        assert (asked.query["limit"], asked.query["labelSelector"]) == ("500", "app=web")
        match asked.query.get("continue"):
            case None:
                assert asked.query["resourceVersion"] == "0"
                return page("8", thing("a", "1"), thing("b", "2"), more="next")
            case "next":
                assert "resourceVersion" not in asked.query
                return page("9", thing("c", "3"))
            case _:
                return status(400, "what?")

    with door(answer) as opened:
        found = opened.list(kinds.DEPLOYMENT, "shop", "app=web", resource_version="0")
    assert [item["metadata"]["name"] for item in found.items] == ["a", "b", "c"]
    assert found.resource_version == "9"


def test_items_of_a_list_carry_their_kind() -> None:
    """The server leaves it out of lists of its own kinds."""
    bare = {"metadata": {"name": "a", "resourceVersion": "1"}}
    with door(say(page("1", bare))) as opened:
        item = opened.list(kinds.DEPLOYMENT).items[0]
    assert (item["apiVersion"], item["kind"]) == ("apps/v1", "Deployment")


def test_an_empty_list_may_be_null() -> None:
    """As Go writes a nil slice."""
    body = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": None}
    with door(say(Reply(body=body))) as opened:
        assert opened.list(kinds.POD) == cluster.Listing([], "5")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": "no backend"}, id="a proxy's json"),
        pytest.param({"metadata": {"resourceVersion": "1"}, "items": [1]}, id="items that are no objects"),
        pytest.param({"metadata": {"resourceVersion": "1"}, "items": {"a": 1}}, id="items that are no list"),
    ],
)
def test_a_list_of_another_shape_is_no_answer(body: Any) -> None:
    """Nothing is taken for an empty list that is none."""
    with door(say(Reply(body=body))) as opened, pytest.raises(errors.Unreachable, match="no list of objects"):
        opened.list(kinds.POD)


def test_metadata_only_asks_for_partial_objects() -> None:
    """For lists and for watches, by content negotiation."""
    accepted: list[str] = []

    def answer(asked: Asked) -> Reply | Stream:
        accepted.append(asked.headers["accept"])
        return Stream([]) if "watch" in asked.query else page("1")

    with door(answer) as opened:
        opened.list(kinds.DEPLOYMENT, metadata_only=True)
        assert [*opened.watch(kinds.DEPLOYMENT, None, "1", 60, metadata_only=True)] == []
    assert accepted == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]


def test_a_watch_is_read_however_it_is_cut_into_chunks() -> None:
    """Lines, not chunks, are events; a half line at the end of a lost connection is none."""
    whole = line("ADDED", thing("a", "1")) + line("DELETED", thing("a", "2"))
    chunks = [whole[:10], whole[10:150], whole[150:], b'{"type":"ADD']
    with door(say(Stream(chunks))) as opened:
        found = [*opened.watch(kinds.DEPLOYMENT, "shop", "0", 60)]
    assert [(change.type, change.object["metadata"]["resourceVersion"]) for change in found] == [
        ("ADDED", "1"),
        ("DELETED", "2"),
    ]


def test_a_watch_asks_for_bookmarks_and_an_end() -> None:
    """From the version that was read."""
    asked: list[dict[str, str]] = []

    def answer(request: Asked) -> Stream:
        asked.append(request.query)
        return Stream([])

    with door(answer) as opened:
        assert [*opened.watch(kinds.DEPLOYMENT, "shop", "7", 60)] == []
    assert asked == [{"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7", "timeoutSeconds": "60"}]


GONE = {"kind": "Status", "code": 410, "message": "too old resource version: 1 (7)"}


@pytest.mark.parametrize(
    ("chunk", "kind", "words"),
    [
        pytest.param(line("ERROR", GONE), errors.Expired, "too old resource version", id="410 in the stream"),
        pytest.param(line("ERROR", {**GONE, "code": 500}), errors.Busy, "500", id="500 in the stream"),
        pytest.param(b"garbage\n", errors.Unreachable, "garbage", id="garbage"),
        pytest.param(b'{"type":"ADDED","object":{}}\n', errors.Unreachable, "no event", id="no metadata"),
        pytest.param(b'{"object":{"metadata":{}}}\n', errors.Unreachable, "no event", id="no type"),
    ],
)
def test_what_goes_wrong_in_a_watch_is_an_error_too(chunk: bytes, kind: type[Exception], words: str) -> None:
    """What came before it is not lost."""
    with door(say(Stream([line("ADDED", thing("a", "1")), chunk]))) as opened:
        watching = opened.watch(kinds.DEPLOYMENT, None, "0", 60)
        assert next(watching).type == "ADDED"
        with pytest.raises(errors.ClusterError, match=words) as raised:
            next(watching)
    assert type(raised.value) is kind


def test_a_cut_watch_is_unreachable() -> None:
    """A connection that ends in mid-answer is no end of the watch."""
    with door(say(Stream([line("ADDED", thing("a", "1"))], cut=True))) as opened:
        watching = opened.watch(kinds.DEPLOYMENT, None, "0", 60)
        next(watching)
        with pytest.raises(errors.Unreachable):
            next(watching)


def test_a_watch_can_be_stopped_by_another_thread() -> None:
    """At once, while it waits for an event."""
    ending = threading.Event()

    def silence() -> Any:
        yield line("ADDED", thing("a", "1"))
        ending.wait(60)

    with door(say(Stream(silence()))) as opened:
        watching = opened.watch(kinds.DEPLOYMENT, None, "0", 60)
        next(watching)
        threading.Timer(0.1, watching.stop).start()
        started = time.monotonic()
        with pytest.raises((errors.Unreachable, StopIteration)):
            next(watching)
        assert time.monotonic() - started < 30
        ending.set()


def groups(*versions: str) -> Answer:
    """A server that serves Istio's group at these versions."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/apis/networking.istio.io":
            named = [{"version": version} for version in versions]
            return Reply(body={"preferredVersion": named[0], "versions": named}) if named else status(404, "no group")
        if asked.path.startswith("/apis/networking.istio.io/") and asked.path.count("/") == 3:
            served = asked.path.rpartition("/")[2] in versions
            return Reply(body={"resources": [{"name": "virtualservices"}]}) if served else status(404, "no version")
        return Reply(body={"path": asked.path, "body": asked.body})

    return answer


@pytest.mark.parametrize(
    ("versions", "used"),
    [
        pytest.param(("v1", "v1beta1"), "v1", id="both"),
        pytest.param(("v1beta1", "v1"), "v1", id="ours before the server's preference"),
        pytest.param(("v1alpha3", "v1beta1"), "v1beta1", id="older server"),
        pytest.param((), "v1", id="none: the call itself says missing"),
    ],
)
def test_an_older_version_is_used_where_the_newest_is_not_served(versions: tuple[str, ...], used: str) -> None:
    """In the path and in what is written."""
    with door(groups(*versions)) as opened:
        made = opened.create(kinds.VIRTUAL_SERVICE, {"apiVersion": "other", "metadata": {"namespace": "shop"}})
    assert made["path"] == f"/apis/networking.istio.io/{used}/namespaces/shop/virtualservices"
    assert made["body"]["apiVersion"] == f"networking.istio.io/{used}"


@pytest.mark.parametrize(
    ("versions", "kind", "served"),
    [
        pytest.param(("v1",), kinds.VIRTUAL_SERVICE, True, id="served"),
        pytest.param(("v1beta1",), kinds.VIRTUAL_SERVICE, True, id="served at the older version"),
        pytest.param((), kinds.VIRTUAL_SERVICE, False, id="no such group"),
        pytest.param(("v1",), kinds.DESTINATION_RULE, False, id="no such kind in the group"),
    ],
)
def test_serves_tells_whether_a_kind_is_there(versions: tuple[str, ...], kind: kinds.Kind, served: bool) -> None:
    """By discovery, not by an attempt."""
    with door(groups(*versions)) as opened:
        assert opened.serves(kind) is served


def test_versions_come_with_the_preferred_one_first() -> None:
    """As the server prefers."""
    both = [{"version": "v1"}, {"version": "v2"}]
    with door(say(Reply(body={"preferredVersion": both[1], "versions": both}))) as opened:
        assert opened.versions("autoscaling") == ("v2", "v1")


@pytest.mark.parametrize("minor", ["37", "37+"])
def test_the_servers_version_is_two_numbers(minor: str) -> None:
    """Some providers add a plus."""
    with door(say(Reply(body={"major": "1", "minor": minor}))) as opened:
        assert opened.server_version() == (1, 37)


@pytest.mark.parametrize("allowed", [True, False])
def test_may_asks_the_server_about_a_right(allowed: bool) -> None:
    """One SelfSubjectAccessReview."""
    sent: list[Any] = []

    def answer(asked: Asked) -> Reply:
        sent.append(asked.body["spec"]["resourceAttributes"])
        return Reply(201, {"status": {"allowed": allowed}})

    with door(answer) as opened:
        assert opened.may("patch", kinds.RELEASE, "shop", "status") is allowed
    assert sent == [
        {"verb": "patch", "group": "rampart.dev", "resource": "releases", "subresource": "status", "namespace": "shop"}
    ]


def test_a_writer_that_must_not_write_is_stopped_before_the_wire() -> None:
    """Writes ask first; reads and dry runs do not."""
    asked: list[str] = []

    def answer(request: Asked) -> Reply:
        asked.append(request.method)
        return Reply()

    def stop() -> None:
        raise RuntimeError("no leader any more")

    with door(answer, allow=stop) as opened:
        opened.get(kinds.POD, "web", "shop")
        opened.patch(kinds.DEPLOYMENT, "web", "shop", {}, dry_run=True)
        for write in (
            lambda: opened.create(kinds.POD, {"metadata": {}}),
            lambda: opened.patch(kinds.POD, "web", "shop", {}),
            lambda: opened.replace(kinds.POD, {"metadata": {"name": "web", "resourceVersion": "1"}}),
            lambda: opened.delete(kinds.POD, "web", "shop"),
        ):
            with pytest.raises(RuntimeError, match="no leader"):
                write()
    assert asked == ["GET", "PATCH"]


def test_an_observer_hears_of_every_call() -> None:
    """Verb, plural, status (0 where none came) and a time."""
    heard: list[tuple[str, str, int]] = []

    def observe(verb: str, plural: str, code: int, seconds: float) -> None:
        assert seconds >= 0
        heard.append((verb, plural, code))

    def answer(asked: Asked) -> Reply:
        if asked.method == "DELETE":
            raise HangUp
        return status(404, "no") if asked.path.endswith("absent") else Reply(201)

    with door(answer, observer=observe) as opened:
        opened.create(kinds.POD, {"metadata": {"namespace": "shop"}})
        opened.find(kinds.POD, "absent", "shop")
        with pytest.raises(errors.Unreachable):
            opened.delete(kinds.POD, "web", "shop")
    assert heard == [("create", "pods", 201), ("get", "pods", 404), ("delete", "pods", 0)]


def test_many_threads_use_one_door() -> None:
    """Every caller gets its own answer."""
    names = [f"pod-{number}" for number in range(200)]
    found: dict[str, str] = {}

    def ask(opened: Cluster, some: list[str]) -> None:
        for name in some:
            found[name] = opened.get(kinds.POD, name, "shop")["path"].rpartition("/")[2]

    with door(echo) as opened:
        threads = [threading.Thread(target=ask, args=(opened, names[start::8])) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {name: name for name in names}


def test_a_kubeconfig_says_where_and_who(tmp_path: Path) -> None:
    """Path and context choose the server and the token."""
    with api_server.serving(lambda asked: Reply(body=asked.headers)) as url:
        file = tmp_path / "config"
        file.write_text(f"""
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "{url}"}}}}, {{name: other, cluster: {{server: "http://127.0.0.1:1"}}}}]
users: [{{name: jane, user: {{token: abc}}}}]
contexts:
  - {{name: good, context: {{cluster: here, user: jane}}}}
  - {{name: bad, context: {{cluster: other, user: jane}}}}
current-context: bad
""")
        opened = Cluster(cluster.from_kubeconfig(str(file), "good"))
        assert opened.get(kinds.POD, "web", "shop")["authorization"] == "Bearer abc"
        opened.close()


def test_no_configuration_is_said(tmp_path: Path) -> None:
    """Neither a file nor a pod's account: the reason, not a traceback of the library."""
    with pytest.raises(errors.Unreachable, match="no way to an API server"):
        cluster.from_kubeconfig(str(tmp_path / "absent"))
    with pytest.raises(errors.Unreachable, match="no way to an API server"):
        cluster.in_cluster()


RBAC = 'virtualservices.networking.istio.io is forbidden: User "system:serviceaccount:sys:x" cannot list resource "v"'


@pytest.mark.parametrize(
    ("act", "right"),
    [
        pytest.param(lambda it: it.list(kinds.DEPLOYMENT), "list deployments.apps", id="everywhere"),
        pytest.param(lambda it: it.list(kinds.POD, "shop"), "list pods in shop", id="the core group has no name"),
        pytest.param(
            lambda it: it.replace(kinds.LEASE, thing("web", "1")),
            "update leases.coordination.k8s.io in shop",
            id="update",
        ),
        pytest.param(
            lambda it: it.patch(kinds.RELEASE, "a", "shop", {}, subresource="status"),
            "patch releases/status.rampart.dev in shop",
            id="a subresource",
        ),
        pytest.param(lambda it: it.watch(kinds.DEPLOYMENT, None, "1", 9), "watch deployments.apps", id="a watch"),
    ],
)
def test_a_missing_right_is_named_as_a_rule_names_it(act: Any, right: str) -> None:
    """What to grant, and the server's own words."""
    with door(say(status(403, RBAC))) as opened, pytest.raises(errors.NotGranted) as caught:
        act(opened)
    assert str(caught.value) == f"may not {right}: grant it to the controller's ServiceAccount (403 {RBAC})"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param('admission webhook "x" denied the request: no', id="a webhook"),
        pytest.param('pods "web" is forbidden: exceeded quota: small', id="a quota"),
    ],
)
def test_a_refusal_of_an_admission_plugin_is_no_missing_right(words: str) -> None:
    """Its status is 403 too, and there is nothing to grant."""
    with door(say(status(403, words))) as opened, pytest.raises(errors.Forbidden) as caught:
        opened.get(kinds.DEPLOYMENT, "web", "shop")
    assert not isinstance(caught.value, errors.NotGranted)


def test_outside_of_a_pod_there_is_no_own_namespace() -> None:
    """The kubelet's file is not there."""
    with pytest.raises(errors.Unreachable, match="own namespace is not known"):
        cluster.own_namespace()
