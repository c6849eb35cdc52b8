"""The user's Deployment and the canary beside it: reading, naming, building, refusing."""

import copy
from typing import Any

import pytest

from deploy import names, workload
from deploy.traffic import Json
from deploy.workload import Held, Revision

MESH = {
    "service.istio.io/workload-name": "web",
    "service.istio.io/canonical-name": "web",
    "linkerd.io/proxy-deployment": "web",
    "app": "web",
    "team": "shop",
}


def a_template(**changes: Any) -> Json:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}, **changes}


def a_deployment(**spec: Any) -> Json:
    return {
        "metadata": {
            "namespace": "shop",
            "name": "web",
            "uid": "u",
            "resourceVersion": "7",
            "generation": 2,
            "labels": {"argocd.argoproj.io/instance": "shop"},
            "annotations": {names.STRATEGY: "canary"},
        },
        "spec": {"replicas": 3, "template": a_template(), **spec},
        "status": {},
    }


def annotated(**annotations: str) -> Json:
    found = a_deployment()
    found["metadata"]["annotations"] = {f"{names.GROUP}/{key}": value for key, value in annotations.items()}
    return found


@pytest.mark.parametrize(
    ("template", "alike"),
    [
        pytest.param(a_template(), True, id="the same"),
        pytest.param(
            a_template(metadata={"labels": {"app": "web", names.POD_TEMPLATE_HASH: "abc"}}), True, id="hash of its set"
        ),
        pytest.param(
            a_template(metadata={"labels": {"app": "web"}, "annotations": {names.RESTARTED_AT: "now"}}),
            True,
            id="case 41: a native restart",
        ),
        pytest.param(
            a_template(metadata={"labels": {"app": "web"}, "creationTimestamp": None, "annotations": {}}),
            True,
            id="empty metadata of an encoder",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "web"}]}, "metadata": {"labels": {"app": "web"}}}, True, id="key order"
        ),
        pytest.param(a_template(metadata={"labels": {"app": "web", "v": "2"}}), False, id="a label"),
        pytest.param(
            a_template(metadata={"labels": {"app": "web"}, "annotations": {"a": "b"}}), False, id="an annotation"
        ),
        pytest.param(a_template(spec={"containers": [{"name": "web", "image": "v2"}]}), False, id="an image"),
        pytest.param(a_template(metadata=None), False, id="no metadata at all"),
    ],
)
def test_the_digest_tells_templates_apart(template: Json, alike: bool) -> None:
    """A restart and the hash label do not count; everything else does, and nothing is changed by reading."""
    before = copy.deepcopy(template)
    assert (workload.digest(template) == workload.digest(a_template())) is alike
    assert template == before
    assert len(workload.digest(template)) == 10


@pytest.mark.parametrize(
    ("value", "held"),
    [
        pytest.param("true", Held.HELD, id="held"),
        pytest.param("rolling", Held.ROLLING, id="rolling"),
        pytest.param("left", Held.LEFT, id="left"),
        pytest.param("yes", Held.HELD, id="a value of another version is held to be safe"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not there"),
    ],
)
def test_the_held_mark_is_read(value: str | None, held: Held | None) -> None:
    """What is not known is taken for the stricter."""
    found = annotated(**({} if value is None else {"held": value}))
    assert workload.read(found).held is held


def test_a_deployment_is_read() -> None:
    """Its own words, with the defaults that the API server would give."""
    found = workload.read(annotated(strategy="canary", do="abort", failed="abc"))
    assert (found.namespace, found.name, found.uid, found.resource_version) == ("shop", "web", "u", "7")
    assert (found.opted_in, found.wish, found.failed) == (True, "abort", "abc")
    assert (found.replicas, found.paused, found.deleting, found.labels) == (3, False, False, {"app": "web"})
    bare = annotated()
    bare["metadata"] |= {"annotations": None, "deletionTimestamp": "now"}
    bare["spec"] = {"template": {"metadata": {}}, "paused": True}
    less = workload.read(bare)
    assert (less.opted_in, less.wish, less.failed, less.replicas) == (False, None, None, 1)
    assert (less.paused, less.deleting, less.labels) == (True, True, {})


ROLLED = {"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}


@pytest.mark.parametrize(
    ("changes", "rolled_out"),
    [
        pytest.param({}, True, id="all new, all available"),
        pytest.param({"observedGeneration": 1}, False, id="the controller has not looked yet"),
        pytest.param({"updatedReplicas": 2}, False, id="one old"),
        pytest.param({"replicas": 4}, False, id="one too many"),
        pytest.param({"availableReplicas": 2}, False, id="one not available"),
    ],
)
def test_rolled_out_means_nothing_old_and_nothing_missing(changes: dict[str, int], rolled_out: bool) -> None:
    """The rule of `kubectl rollout status`, with availability."""
    found = a_deployment()
    found["status"] = {**ROLLED, **changes}
    assert workload.read(found).rolled_out is rolled_out


def test_no_pods_wanted_and_none_there_is_rolled_out() -> None:
    """Case 51: zero replicas leave their counters out of the status."""
    found = a_deployment(replicas=0)
    found["status"] = {"observedGeneration": 2}
    assert workload.read(found).rolled_out


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        pytest.param(("ReplicaFailure", "True", "FailedCreate"), "FailedCreate: words", id="quota"),
        pytest.param(
            ("Progressing", "False", "ProgressDeadlineExceeded"), "ProgressDeadlineExceeded: words", id="overdue"
        ),
        pytest.param(("Progressing", "True", "ReplicaSetUpdated"), None, id="progressing"),
        pytest.param(("Progressing", "False", "Other"), None, id="not progressing for another reason"),
        pytest.param(("ReplicaFailure", "False", "x"), None, id="no failure any more"),
    ],
)
def test_a_stalled_roll_out_says_why(condition: tuple[str, str, str], text: str | None) -> None:
    """In the Deployment controller's words."""
    found = a_deployment()
    kind, state, reason = condition
    found["status"] = {"conditions": [{"type": kind, "status": state, "reason": reason, "message": "words"}]}
    assert workload.read(found).stalled == text


def a_set(hash_: str, replicas: int | None, owner: str | None = "u", ready: int = 0, made: int | None = None) -> Json:
    owners = [{"uid": "x", "controller": False}, *([{"uid": owner, "controller": True}] if owner else [])]
    return {
        "metadata": {
            "name": f"web-{hash_}",
            "labels": {names.POD_TEMPLATE_HASH: hash_},
            "ownerReferences": owners,
            **({"annotations": {"deployment.kubernetes.io/revision": str(made)}} if made else {}),
        },
        "spec": {"template": a_template(), **({} if replicas is None else {"replicas": replicas})},
        "status": {"readyReplicas": ready} if ready else None,
    }


def test_only_the_deployments_own_sets_count_the_largest_first() -> None:
    """A canary's or a foreign ReplicaSet is none of it."""
    found = workload.revisions(
        [
            a_set("b", 1),
            a_set("a", 1, ready=1),
            a_set("c", None),
            a_set("d", 4),
            a_set("e", 9, "other"),
            a_set("f", 9, None),
        ],
        "u",
    )
    assert [(item.hash, item.replicas, item.ready) for item in found] == [
        ("d", 4, 0),
        ("c", 1, 0),
        ("b", 1, 0),
        ("a", 1, 1),
    ]
    assert isinstance(found[0], Revision)
    assert found[0].digest == workload.digest(a_template())


@pytest.mark.parametrize(
    ("items", "order"),
    [
        pytest.param(
            [a_set("old", 0, made=9), a_set("new", 0, made=10)],
            ["new", "old"],
            id="behind zero replicas, the one rolled out last",
        ),
        pytest.param(
            [a_set("new", 1, made=10), a_set("old", 2, made=9)],
            ["old", "new"],
            id="size counts first",
        ),
        pytest.param(
            [a_set("a", 0, made=9), a_set("z", 0, made=9)],
            ["z", "a"],
            id="always in one order",
        ),
        pytest.param([a_set("none", 0), a_set("some", 0, made=9)], ["some", "none"], id="no number"),
    ],
)
@pytest.mark.parametrize("turn", [False, True])
def test_among_equal_sets_the_one_rolled_out_last_is_first(items: list[Json], order: list[str], turn: bool) -> None:
    """However the API server lists them."""
    listed = [*reversed(items)] if turn else items
    assert [item.hash for item in workload.revisions(listed, "u")] == order


@pytest.mark.parametrize("length", [1, 38, 39, 63, 253])
@pytest.mark.parametrize("attempt", [1, 2, 100])
def test_the_name_of_a_canary_fits_a_label(length: int, attempt: int) -> None:
    """Case 60: it is also the name of the workload in the mesh's metrics."""
    found = {workload.canary_name(stem + "x" * (length - 1), "0123456789", attempt) for stem in "ab"}
    assert len(found) == 2
    assert all(len(name) <= 63 for name in found)
    assert all(name.endswith(f"canary-0123456789{'' if attempt == 1 else f'-{attempt}'}") for name in found)


def test_a_canary_carries_all_user_labels_on_its_pods_and_none_on_itself() -> None:
    """Policies and the Service apply to its pods; a GitOps tracker does not prune the object."""
    source = a_deployment(
        template=a_template(metadata={"labels": dict(MESH)}), minReadySeconds=5, progressDeadlineSeconds=60, paused=True
    )
    before = copy.deepcopy(source)
    built = workload.build_canary(workload.read(source), "web-canary-1", "web-1", 2)
    pods = built["spec"]["template"]["metadata"]["labels"]
    assert pods == {
        "app": "web",
        "team": "shop",
        names.RELEASE: "web-1",
        names.MANAGED: "rampart",
        "service.istio.io/workload-name": "web-canary-1",
        "service.istio.io/canonical-name": "web-canary-1",
        "linkerd.io/proxy-deployment": "web-canary-1",
    }
    assert built["metadata"]["labels"] == {names.MANAGED: "rampart", names.RELEASE: "web-1"}
    assert (
        built["metadata"]["ownerReferences"][0] | {"uid": "u", "controller": False}
        == built["metadata"]["ownerReferences"][0]
    )
    assert built["spec"]["selector"] == {"matchLabels": {names.RELEASE: "web-1"}}
    assert {
        key: built["spec"].get(key) for key in ("replicas", "minReadySeconds", "progressDeadlineSeconds", "paused")
    } == {
        "replicas": 2,
        "minReadySeconds": 5,
        "progressDeadlineSeconds": 60,
        "paused": None,
    }
    assert source == before


def test_a_canary_keeps_secrets_and_config_maps_by_reference() -> None:
    """Case 45: nothing is frozen in a copy; the pod spec is the held template's, byte for byte."""
    spec = {"containers": [{"name": "web", "envFrom": [{"secretRef": {"name": "s"}}]}], "newField": {"a": 1}}
    built = workload.build_canary(workload.read(a_deployment(template=a_template(spec=spec))), "c", "r", 1)
    assert built["spec"]["template"]["spec"] == spec
    assert "minReadySeconds" not in built["spec"]


def waiting(reason: str, message: str | None = "words", where: str = "containerStatuses") -> Json:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return {
        "metadata": {"name": "p"},
        "status": {where: [{"name": "web", "restartCount": 3, "state": state}]},
    }


UNSCHEDULED = {
    "metadata": {"name": "p"},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "False"},
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"},
        ]
    },
}


def a_canary_object(generation: int = 1, observed: int = 1, ready: int = 0, available: int | None = None) -> Json:
    status = {"observedGeneration": observed, "readyReplicas": ready}
    status["availableReplicas"] = ready if available is None else available
    return {"metadata": {"name": "c", "generation": generation}, "spec": {"replicas": 2}, "status": status}


@pytest.mark.parametrize(
    ("pod", "ready", "dead", "words"),
    [
        pytest.param({"metadata": {"name": "p"}}, 0, False, None, id="nothing said yet"),
        pytest.param(waiting("ContainerCreating"), 0, False, None, id="being made"),
        pytest.param(waiting("PodInitializing"), 0, False, None, id="being initialised"),
        pytest.param(waiting("CrashLoopBackOff"), 0, True, "pod p, container web: CrashLoopBackOff: words", id="crash"),
        pytest.param(waiting("CrashLoopBackOff"), 1, True, "CrashLoopBackOff: words", id="one of several crashes"),
        pytest.param(
            waiting("CrashLoopBackOff", None), 0, True, "CrashLoopBackOff: 3 restarts", id="crash without words"
        ),
        pytest.param(
            waiting("CrashLoopBackOff", where="initContainerStatuses"), 0, True, "CrashLoopBackOff", id="init container"
        ),
        pytest.param(waiting("RunContainerError"), 0, True, "RunContainerError", id="can not run"),
        pytest.param(waiting("CreateContainerConfigError"), 0, True, "ConfigError", id="a Secret is missing"),
        pytest.param(waiting("ImagePullBackOff"), 0, True, "ImagePullBackOff", id="case 36: no image anywhere"),
        pytest.param(waiting("ImagePullBackOff"), 1, False, "ImagePullBackOff", id="no image on one node"),
        pytest.param(waiting("ErrImagePull"), 0, False, "ErrImagePull", id="the first try to pull"),
        pytest.param(UNSCHEDULED, 0, False, "pod p: Unschedulable: 0/3 nodes", id="no node"),
    ],
)
def test_pods_tell_their_trouble(pod: Json, ready: int, dead: bool, words: str | None) -> None:
    """Case 36: said with the pod's own reason; only what condemns the version is fatal."""
    found = workload.read_canary(a_canary_object(ready=ready), [pod])
    assert (found.dead is not None) is dead
    assert (found.waiting is None) is (words is None)
    assert (words or "") in (found.waiting or "")
    assert found.dead in (None, found.waiting)


@pytest.mark.parametrize(
    ("reason", "dead"),
    [
        pytest.param("ImagePullBackOff", False, id="no image on one node"),
        pytest.param("CrashLoopBackOff", True, id="a crash is one at any size"),
    ],
)
def test_a_scale_does_not_hide_the_pods_that_are_ready(reason: str, dead: bool) -> None:
    """Right after a scale the status is of the older size: its pods carry no new weight, and still disprove a fault."""
    found = workload.read_canary(a_canary_object(generation=2, observed=1, ready=3), [waiting(reason)])
    assert (found.dead is not None, found.ready) == (dead, 0)


@pytest.mark.parametrize(
    ("item", "ready"),
    [
        pytest.param(a_canary_object(ready=2), 2, id="ready"),
        pytest.param(a_canary_object(generation=2, ready=2), 0, id="the status is of an older size"),
        pytest.param(a_canary_object(ready=2, available=1), 1, id="ready and not available yet"),
        pytest.param({"metadata": {"name": "c"}, "spec": {}}, 0, id="no status yet"),
    ],
)
def test_ready_pods_of_the_canary_are_counted_carefully(item: Json, ready: int) -> None:
    """A weight rests on this number."""
    assert workload.read_canary(item, []).ready == ready


def test_a_canary_that_waits_for_its_controller_says_so() -> None:
    """A quota is told in the Deployment controller's words; a deletion is seen."""
    item = a_canary_object()
    item["metadata"]["deletionTimestamp"] = "now"
    item["status"]["conditions"] = [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    ]
    found = workload.read_canary(item, [])
    assert (found.waiting, found.deleting, found.dead) == ("FailedCreate: quota", True, None)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({}, [], id="fit"),
        pytest.param({"strategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 1}, [], id="fit and said"),
        pytest.param({"strategy": {"type": "Recreate"}}, ["spec.strategy.type is Recreate"], id="case 51: Recreate"),
        pytest.param({"revisionHistoryLimit": 0}, ["spec.revisionHistoryLimit is 0"], id="no history"),
        pytest.param(
            {"strategy": {"type": "Recreate"}, "revisionHistoryLimit": 0}, ["Recreate", "HistoryLimit"], id="both"
        ),
    ],
)
def test_unfit_deployments_are_refused_with_the_reason(spec: Json, words: list[str]) -> None:
    """Each sentence names the object and the field."""
    found = workload.refusals(workload.read(a_deployment(**spec)))
    assert len(found) == len(words)
    assert all(text.startswith("Deployment shop/web: ") for text in found)
    assert all(word in text for word, text in zip(words, found, strict=True))
