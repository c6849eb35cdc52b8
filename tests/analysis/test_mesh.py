"""A mesh's names: units, whose series is whose, and the replacement of names that an installation has changed."""

import math

import pytest

from analysis import mesh, meshes
from analysis.mesh import Naming, Unit


@pytest.mark.parametrize(
    ("unit", "edge", "milliseconds"),
    [
        pytest.param(Unit.MILLISECONDS, 500.0, 500.0, id="milliseconds"),
        pytest.param(Unit.SECONDS, 0.57, 570.0, id="seconds, without the error of a product"),
        pytest.param(Unit.SECONDS, 0.005, 5.0, id="few"),
        pytest.param(Unit.SECONDS, 1e-05, 0.01, id="less than one"),
        pytest.param(Unit.SECONDS, math.inf, math.inf, id="all"),
    ],
)
def test_edges_are_compared_in_milliseconds(unit: Unit, edge: float, milliseconds: float) -> None:
    """A limit of 570 ms is an edge of 0.57 s."""
    assert unit.milliseconds(edge) == milliseconds


LONG = "a" * 46


@pytest.mark.parametrize(
    ("workload", "pod", "owned"),
    [
        pytest.param("web", "web-5d4f8c7b9d-x2zkq", True, id="a pod of it"),
        pytest.param("web", "web-6f-x2zkq", True, id="a short hash"),
        pytest.param("web", "web-canary-5d4f8c7b9d-x2zkq", False, id="a pod of a longer name"),
        pytest.param("web", "web-canary-x2zkq", False, id="a word is no hash"),
        pytest.param("web", "web-0", False, id="a pod of a StatefulSet"),
        pytest.param("web", "web-x2zkq", False, id="a pod of a DaemonSet"),
        pytest.param("web", "cobweb-5d4f8c7b9d-x2zkq", False, id="a pod of a name that ends alike"),
        pytest.param("web", "", False, id="no pod"),
        pytest.param("web.v2", "web.v2-5d4f8c7b9d-x2zkq", True, id="a name with a dot"),
        pytest.param("web.v2", "webxv2-5d4f8c7b9d-x2zkq", False, id="a dot is no wildcard"),
        pytest.param(LONG, f"{LONG}-5d4f8c7b9d-x2zkq", True, id="the longest base that is not cut"),
        pytest.param(f"{LONG}b", f"{LONG}b-5d4f8c7b9dx2zkq", True, id="its dash is cut off"),
        pytest.param(f"{LONG}bcd", f"{LONG}bcd-5d4f8c7bx2zkq", True, id="a part of the hash is cut off"),
        pytest.param("a" * 57, "a" * 57 + "-x2zkq", True, id="the whole hash is cut off"),
        pytest.param("a" * 63, "a" * 58 + "x2zkq", True, id="a part of the name is cut off"),
    ],
)
def test_pods_are_told_by_their_names(workload: str, pod: str, owned: bool) -> None:
    """As Kubernetes makes them of a Deployment's name, with its limit of 63 characters."""
    assert meshes.APPLICATION_PODS.owns(workload, {"pod": pod}) is owned


@pytest.mark.parametrize(
    ("labels", "owned"),
    [
        pytest.param({"destination_workload": "web"}, True, id="its name"),
        pytest.param({"destination_workload": "web-canary"}, False, id="another one"),
        pytest.param({}, False, id="none"),
    ],
)
def test_a_workload_is_told_by_its_label(labels: dict[str, str], owned: bool) -> None:
    """The whole name, where the mesh knows it."""
    assert meshes.ISTIO.owns("web", labels) is owned


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        pytest.param("requests", "shop:requests_total", "shop:requests_total", id="a recorded metric"),
        pytest.param("latency", "seconds_bucket", "seconds_bucket", id="a histogram"),
        pytest.param("namespace", "ns", "ns", id="a label"),
        pytest.param("workload", "app", "app", id="another label"),
        pytest.param("always", "", (), id="no matcher"),
        pytest.param("always", 'a="1", b!~"x|y"', ('a="1"', 'b!~"x|y"'), id="matchers"),
        pytest.param("always", 'a="1,b=\\"2\\""', ('a="1,b=\\"2\\""',), id="a comma and quotes within a value"),
        pytest.param("failures", 'code=~"5.."', (('code=~"5.."',),), id="a failure"),
        pytest.param(
            "failures",
            'p="grpc",s!="0" or code=~"5.." or note="this or that"',
            (('p="grpc"', 's!="0"'), ('code=~"5.."',), ('note="this or that"',)),
            id="alternatives",
        ),
        pytest.param("unit", "s", Unit.SECONDS, id="a unit"),
        pytest.param("naming", "pod", Naming.POD, id="pods' names"),
    ],
)
def test_every_name_can_be_replaced(key: str, text: str, value: object) -> None:
    """Each field of a row, by a text; all others stay."""
    found = mesh.renamed(meshes.ISTIO, {key: text})
    assert getattr(found, key) == value
    others = [name for name in mesh.KEYS if name != key]
    assert [getattr(found, name) for name in others] == [getattr(meshes.ISTIO, name) for name in others]


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        pytest.param(
            "worklaod", "app", "has worklaod, which is no name that can be replaced; the nearest is workload", id="typo"
        ),
        pytest.param("requests", "5xx", "needs the name of a metric for requests, not '5xx'", id="no metric"),
        pytest.param("workload", "a:b", "needs the name of a label for workload, not 'a:b'", id="no label"),
        pytest.param("namespace", "", "needs the name of a label for namespace, not ''", id="an empty label"),
        pytest.param("workload", "größe", "needs the name of a label for workload, not 'größe'", id="beyond ASCII"),
        pytest.param(
            "always", "code=5", "needs matchers such as code=~\"5..\" for always, not 'code=5'", id="no quotes"
        ),
        pytest.param("failures", "", "needs matchers such as code=~\"5..\" for failures, not ''", id="no failure"),
        pytest.param(
            "failures",
            'code=~"5.."} or up{a="1"',
            'needs matchers such as code=~"5.." for failures, not \'code=~"5.."} or up{a="1"\'',
            id="more than a matcher",
        ),
        pytest.param("always", 'a=~"("', 'has a=~"(" for always, which is no pattern: ', id="no pattern"),
        pytest.param("always", r'a="\q"', r'has a="\q" for always, which is no pattern: ', id="no escape"),
        pytest.param("unit", "us", "needs ms or s for unit, not 'us'", id="another unit"),
        pytest.param("naming", "", "needs workload or service or pod for naming, not ''", id="no naming"),
    ],
)
def test_what_can_not_be_a_name_is_refused(key: str, text: str, sentence: str) -> None:
    """The field, what it needs, and what was found."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 the sentence is the point
        mesh.renamed(meshes.ISTIO, {key: text})
    assert str(caught.value).startswith(sentence)


def test_every_row_reads_its_own_spelling() -> None:
    """What stands in the table could have been set."""
    for name, row in meshes.MESHES.items():
        spelt = {
            "requests": row.requests,
            "latency": row.latency,
            "namespace": row.namespace,
            "workload": row.workload,
            "always": ",".join(row.always),
            "failures": " or ".join(",".join(rule) for rule in row.failures),
            "unit": row.unit.value,
            "naming": row.naming.value,
        }
        assert mesh.renamed(meshes.LINKERD_ROUTE, spelt) == row, name
