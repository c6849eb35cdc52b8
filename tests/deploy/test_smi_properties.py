"""Laws of one TrafficSplit, for lists, versions and splits of any kind."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from deploy import traffic
from deploy.smi import manifests, router, weights
from deploy.traffic import WHOLE, Json
from tests.deploy import smi_world
from tests.deploy.smi_world import CANARY, STABLE, TARGET, World, a_service, a_ts

CART, CART_STABLE, CART_CANARY = smi_world.other_target("cart", "85c9c7f4d8", "cart-0a1b2c3d")
THIRD = ("web", "web-narrow", "cart", "partner")

whole_weights = st.integers(0, 3) | st.integers(0, 40)
quantities = (
    whole_weights
    | st.integers(0, 2000).map(lambda milli: f"{milli}m")
    | st.sampled_from(["1", "0.5", "5e-1", "1500m", "1.5", "2e1", "0"])
)


@st.composite
def splits_of(draw: st.DrawFn) -> Json:
    version = draw(st.sampled_from(["v1alpha1", "v1alpha2", "v1alpha4"]))
    names = draw(st.permutations(THIRD))[: draw(st.integers(1, 4))]
    numbers = quantities if version == "v1alpha1" else whole_weights
    more: Json = draw(st.sampled_from([{}, {"later": [1]}]))
    entries = [{"service": name, "weight": draw(numbers), **more} for name in names]
    return a_ts(*entries, apex="shop", name="shop", version=version)


def two(stable: traffic.Pin, canary: traffic.Pin) -> st.SearchStrategy[traffic.Split]:
    parts = st.integers(0, 100).map(lambda percent: percent * 100) | st.integers(0, WHOLE)
    both = parts.map(lambda share: traffic.Split(((stable, WHOLE - share), (canary, share))))
    return both | st.just(traffic.Split(((stable, WHOLE),)))


WEB_SPLITS = two(STABLE, CANARY)
CART_SPLITS = two(CART_STABLE, CART_CANARY)


def a_shop(body: Json) -> World:
    """An apex `shop` with its own Service, and Services for every backend; `web-narrow` leads to pods of web's."""
    world = smi_world.a_world(
        body, a_service("shop"), a_service("web"), a_service("web-narrow", app="web", version="v1")
    )
    world = world.edited(a_service("cart")).edited(a_service("partner"))
    assume(any(weights.read(entry["weight"]) for entry in body["spec"]["backends"]))
    assume(not [fault for target in (TARGET, CART) for fault in smi_world.survey(world, target).faults])
    return world


def values(world: World) -> dict[str, Fraction]:
    """The weight of each backend of the user's, legs counted as the backend for which they stand."""
    found: dict[str, Fraction] = {}
    for name, weight in smi_world.backends(world, "shop"):
        root = name.partition("-rampart-")[0]
        number = weights.read(weight)
        assert number is not None
        found[root] = found.get(root, Fraction(0)) + number
    return found


def shares(world: World) -> dict[str, Fraction]:
    found = values(world)
    return {name: weight / sum(found.values()) for name, weight in found.items()}


@given(splits_of(), st.lists(WEB_SPLITS, min_size=1, max_size=4))
def test_what_was_written_reads_back(body: Json, written: list[traffic.Split]) -> None:
    """After any sequence of splits all lists show the last one, exactly, and nothing is left to write."""
    world = a_shop(body)
    saved = smi_world.survey(world).saved
    for split in written:
        world = smi_world.steered(world, split, saved=saved)
        found = smi_world.survey(world)
        assert (found.split, found.agreed, found.faults) == (split, True, ())
        assert router.steer(TARGET, smi_world.objects(world), split, saved) == ()
        assert router.foreign(TARGET, smi_world.objects(world), saved, frozenset(split.pins)) is None


@given(splits_of(), st.lists(WEB_SPLITS, max_size=3))
def test_restoring_gives_back_the_split(body: Json, written: list[traffic.Split]) -> None:
    """Every weight is spelt as the user spelt it, and no annotation, Service or TrafficSplit of ours is left."""
    before = a_shop(body)
    saved = smi_world.survey(before).saved
    world = before
    for split in written:
        world = smi_world.steered(world, split, saved=saved)
    assert smi_world.restored(world, saved).plain == before.plain


@given(splits_of(), WEB_SPLITS)
def test_nobody_elses_share_moves(body: Json, split: traffic.Split) -> None:
    """Each backend of the user's gets exactly what it got before."""
    before = a_shop(body)
    assert shares(smi_world.steered(before, split)) == shares(before)


@given(splits_of(), WEB_SPLITS)
def test_written_weights_are_sane(body: Json, split: traffic.Split) -> None:
    """Never all zero, never negative, within what the version can hold and what Linkerd can send."""
    world = smi_world.steered(a_shop(body), split)
    written = [weight for _, weight in smi_world.backends(world, "shop")]
    numbers = [weights.read(weight) for weight in written]
    form = weights.form_of(body["apiVersion"])
    assert all(number is not None and 0 <= number <= form.heaviest for number in numbers)
    assert sum(number for number in numbers if number is not None) > 0
    if not form.quantities:
        assert all(isinstance(weight, int) for weight in written)


@given(splits_of(), WEB_SPLITS)
def test_fallen_canary_has_no_entry(body: Json, split: traffic.Split) -> None:
    """A split without the canary leaves no trace of it in any list."""
    world = smi_world.steered(smi_world.steered(a_shop(body), split), smi_world.fallen())
    assert not any("rampart-canary" in name for name, _ in smi_world.backends(world, "shop"))


acts = st.lists(
    WEB_SPLITS.map(lambda split: (TARGET, split))
    | CART_SPLITS.map(lambda split: (CART, split))
    | st.sampled_from([(TARGET, None), (CART, None)]),
    max_size=8,
)


@given(splits_of(), acts, st.booleans())
def test_two_releases_in_one_list_leave_it_as_it_was(
    body: Json, played: list[tuple[traffic.Target, traffic.Split | None]], web_first: bool
) -> None:
    """Come and go in any order: each reads its own split, everybody keeps the share, the end is the beginning."""
    before = a_shop(body)
    world = before
    kept: dict[str, Json] = {}
    ends = [(TARGET, None), (CART, None)]
    for target, split in (*played, *(ends if web_first else reversed(ends))):
        if split is None:
            world = smi_world.restored(world, kept.pop(target.service, {}), target)
        else:
            saved = kept.setdefault(target.service, smi_world.survey(world, target).saved)
            world = smi_world.steered(world, split, target, saved)
            assert smi_world.survey(world, target).split == split
        assert shares(world) == shares(before)
    assert without_spelling(world) == without_spelling(before)


def without_spelling(world: World) -> dict[tuple[str, str, str], Json]:
    """All objects, with the weights of a release's own list as numbers."""
    found = world.plain
    for body in found.values():
        for entry in body["spec"].get("backends", []):
            entry["weight"] = weights.read(entry["weight"])
    assert all(manifests.SCALE not in str(body) for body in found.values())
    return found
