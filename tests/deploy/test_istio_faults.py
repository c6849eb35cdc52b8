"""What the Istio router refuses, and in which words."""

import dataclasses

import pytest

from deploy.istio import router
from deploy.traffic import Json
from tests.deploy import istio_world
from tests.deploy.istio_world import HOST, TARGET, a_route, a_rule, a_subset, a_world, to

ROUTE = a_route(to())

REFUSED = [
    pytest.param(
        [a_route(to(weight=110), to("partner", -10))],
        ["VirtualService shop/web http[0] has a negative weight: [110, -10]"],
        id="negative weight",
    ),
    pytest.param(
        [a_route(to(weight=0), to("partner"))],
        ["VirtualService shop/web http[0] has 2 destinations that all weigh 0: at least one must have a weight"],
        id="all zero",
    ),
    pytest.param(
        [a_route(to(weight=300_000), to("partner", 1))],
        [
            "VirtualService shop/web http[0] has weights too large to be split in 10000 parts: [300000, 1];"
            " use numbers that sum to 100"
        ],
        id="a leg would not fit in an int32",
    ),
    pytest.param(
        [a_route(to(weight=200_000), to("a", 200_000), to("b", 200_000))],
        [
            "VirtualService shop/web http[0] has weights too large to be split in 10000 parts:"
            " [200000, 200000, 200000]; use numbers that sum to 100"
        ],
        id="the sum would not fit in a uint32",
    ),
    pytest.param(
        [ROUTE, a_rule(workloadSelector={"matchLabels": {"app": "client"}})],
        [
            f"DestinationRule shop/web for {HOST} has a workloadSelector:"
            " the proxies that it selects would not know the legs"
        ],
        id="workload selector",
    ),
    pytest.param(
        [ROUTE, a_rule(namespace="client", host=HOST)],
        [
            f"DestinationRule client/web (host {HOST}) hides every other rule for {HOST} from clients in client:"
            " they would not know the legs; move it to shop"
        ],
        id="rule in a client's namespace",
    ),
    pytest.param(
        [ROUTE, a_rule(namespace="client", host="*.cluster.local", exportTo=["."])],
        [
            f"DestinationRule client/web (host *.cluster.local) hides every other rule for {HOST} from clients in"
            " client: they would not know the legs; move it to shop"
        ],
        id="wildcard in a client's namespace",
    ),
    pytest.param(
        [ROUTE, a_rule(namespace="istio-system", host=HOST, exportTo=["."])],
        [
            f"DestinationRule istio-system/web (host {HOST}) hides every other rule for {HOST} from clients in"
            " istio-system: they would not know the legs; move it to shop"
        ],
        id="private rule of the root namespace, where gateways live",
    ),
    pytest.param(
        [ROUTE, a_rule(namespace="istio-system", host=HOST, exportTo=["a", "b"])],
        [
            f"DestinationRule istio-system/web for {HOST} reaches some namespaces only, ['a', 'b']:"
            " export it to all, or move it to shop"
        ],
        id="limited rule of the root namespace",
    ),
    pytest.param(
        [ROUTE, a_rule(), a_rule(name="more", exportTo=["*"])],
        ["DestinationRules shop/more and shop/web differ in exportTo, so Istio does not merge them: make them equal"],
        id="rules that are not merged",
    ),
    pytest.param(
        [ROUTE, a_rule(exportTo=["."])],
        ["VirtualService shop/web reaches more namespaces than DestinationRule shop/web: make their exportTo equal"],
        id="route seen where the legs are not",
    ),
    pytest.param(
        [a_rule(exportTo=["."])],
        [
            "DestinationRule shop/web reaches ['shop'] only, and no VirtualService that all namespaces see"
            f" routes {HOST}: export the rule to all, or write that VirtualService"
        ],
        id="temporary route would be seen where the legs are not",
    ),
    pytest.param(
        [ROUTE, a_route(to(), name="other", hosts=[HOST])],
        [
            f"VirtualServices shop/other and shop/web both route the mesh's calls of {HOST}:"
            " Istio takes only one of them, and does not say which"
        ],
        id="two routes for the mesh",
    ),
    pytest.param(
        [a_route(to("cart"))],
        [
            f"VirtualService shop/web routes the mesh's calls of {HOST} elsewhere,"
            " and no other route leads to the pods of Service shop/web"
        ],
        id="the only route leads elsewhere",
    ),
    pytest.param(
        [a_route(to(subset="gone")), a_rule(subsets=[a_subset("current", version="v1")])],
        [
            "VirtualService shop/web http[0] routes to subset 'gone', which no DestinationRule for the host defines"
            " (found: shop/web)",
            f"VirtualService shop/web routes the mesh's calls of {HOST} elsewhere,"
            " and no other route leads to the pods of Service shop/web",
        ],
        id="subset that is not there",
    ),
    pytest.param(
        [ROUTE, a_rule(name="web-rampart"), a_route(to("cart"), name="web-rampart", hosts=["x"])],
        [
            "DestinationRule shop/web-rampart exists and is not Rampart's: its name is needed for a while, rename it",
            "VirtualService shop/web-rampart exists and is not Rampart's: its name is needed for a while, rename it",
        ],
        id="names that are taken",
    ),
]


@pytest.mark.parametrize(("bodies", "sentences"), REFUSED)
def test_refused_with_a_sentence(bodies: list[Json], sentences: list[str]) -> None:
    """Each fault names the object, what was found, and where it can be mended."""
    assert list(router.survey(TARGET, a_world(*bodies).objects).faults) == sentences


GATEWAY: Json = {"hosts": ["www.example.com"], "gateways": ["edge/public"]}

ACCEPTED = [
    pytest.param([], id="no route at all: a temporary one"),
    pytest.param([a_route(to(), **GATEWAY), a_route(to(), name="other", **GATEWAY)], id="gateways merge routes"),
    pytest.param(
        [ROUTE, a_route(to(), name="mine", exportTo=["."])], id="a private route is taken before the public one"
    ),
    pytest.param(
        [ROUTE, a_route(to("cart"), name="all", hosts=["*.shop.svc.cluster.local"])], id="the longer host wins"
    ),
    pytest.param(
        [
            a_route(to(), name="a", exportTo=["."]),
            a_route(to(HOST), name="b", namespace="client", hosts=[HOST], exportTo=["."]),
        ],
        id="private routes of two namespaces",
    ),
    pytest.param([ROUTE, a_rule(namespace="client", host=HOST, exportTo=["other"])], id="a rule that nobody looks at"),
    pytest.param([ROUTE, a_rule(namespace="client")], id="same short name in another namespace"),
    pytest.param([ROUTE, a_rule(host="web.shop")], id="a host that Istio does not resolve"),
    pytest.param([ROUTE, ROUTE | {"metadata": {"name": "b", "namespace": "x"}}], id="strangers"),
    pytest.param([a_route(to(weight=0), to("partner", 100))], id="a destination at rest"),
    pytest.param([a_route(to(weight=2_000_000_000))], id="the weight of an only destination means nothing"),
    pytest.param(
        [a_route(http=[{"match": [{"sourceLabels": {"app": "tester"}}], "route": [to()]}])], id="match by source labels"
    ),
    pytest.param(
        [
            a_route(to(subset="current"), exportTo=["."]),
            a_route(to("cart"), name="all", hosts=["*"]),
            a_rule(exportTo=["."], subsets=[a_subset("current", version="v1")]),
        ],
        id="private route and private rule",
    ),
]


@pytest.mark.parametrize("bodies", ACCEPTED)
def test_accepted(bodies: list[Json]) -> None:
    """What Istio does well is not refused."""
    assert router.survey(TARGET, a_world(*bodies).objects).faults == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param({"app": "web", "version": "v1"}, {"app": "web", "version": "v1"}, None, id="both"),
        pytest.param({"app": "web", "version": "v0"}, {"app": "web", "version": "v0"}, None, id="neither: not ours"),
        pytest.param(
            {"app": "web", "version": "v1"},
            {"app": "web", "version": "v2"},
            "VirtualService shop/web http[0] routes to subset 'current', whose labels {'version': 'v1'} select the"
            " running pods but not the new ones, which have {'version': 'v2'}: both must match",
            id="the new version would get nothing",
        ),
        pytest.param(
            {"app": "web"},
            {"app": "web", "version": "v1"},
            "VirtualService shop/web http[0] routes to subset 'current', whose labels {'version': 'v1'} select the"
            " new pods but not the running ones, which have {'version': None}: both must match",
            id="the new version would get traffic beside its weight",
        ),
    ],
)
def test_routed_subset_must_hold_both_versions(old: dict[str, str], new: dict[str, str], sentence: str | None) -> None:
    """A subset that tells the versions apart by itself cannot be split, and its labels are named."""
    world = a_world(
        a_route(to(subset="current", weight=1), to(weight=1)), a_rule(subsets=[a_subset("current", version="v1")])
    )
    target = dataclasses.replace(TARGET, pod_labels=old, new_pod_labels=new)
    assert router.survey(target, world.objects).faults == ((sentence,) if sentence else ())


def test_faults_stay_silent_during_a_release() -> None:
    """What we wrote ourselves is never found to be wrong."""
    world = istio_world.steered(a_world(a_route(to(weight=80), to("partner", 20)), a_rule()), istio_world.a_split(5))
    assert router.survey(TARGET, world.objects).faults == ()
