"""What a page of docs/reasons says of level, phases, messages and commands is what the code does."""

import argparse
import ast
import re
import shlex

import pytest

from analysis.errors import Fault
from analysis.verdict import ROUTINE, Reason
from deploy import kinds, names
from rollout import cli, words
from rollout.moves import MOVES, OUTCOMES, Course
from rollout.plan import KEYS, PREFIX, STATE_KEYS, Wish
from rollout.signals import Signal, Stage
from rollout.status import ENDED, Phase
from tests.docs import pages
from tests.docs.reason_pages import DO, INDEX, LOOK, PAGES, RAMPART, USERS, commands
from tests.docs.test_reasons import calls


def listed(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", text))


SAID = sorted(name for name, page in PAGES.items() if page.levels)
AT_REST = "at rest"
PHASES = (AT_REST, *(phase.value for phase in Phase if phase not in ENDED))

SAYING = {
    Course.END: "Normal",
    Course.TURN: "Normal",
    Course.REPLAN: "Normal",
    Course.STAND: "Warning",
    Course.HOLD: "Warning",
    Course.RESPLIT: "Warning",
    Course.FALL: "",
    Course.LET_GO: "",
}
"""Courses that are told by their signal's name, and how; empty: by the end to which they lead."""

BEYOND = {
    Signal.HOLD_ESCAPED: {AT_REST},
    Signal.ROUTE_DRIFT: {"Preparing"},
    Signal.SUPERSEDED: {"Finishing", "RollingBack"},
    Signal.REVERTED: {"Finishing", "RollingBack", AT_REST},
}
"""Phases beside those of the moves: a rest that is kept paused, a first split undone, ends of the same name."""

FAILS = frozenset(
    {
        Reason.SUCCESS_RATE_LOW,
        Reason.LATENCY_HIGH,
        Reason.NO_SUCCESS,
        Reason.WORSE_THAN_STABLE,
        Reason.METRIC_OUT_OF_BOUNDS,
    }
)
BY_EVIDENCE = frozenset({Reason.WORSE_THAN_STABLE, Reason.SUSPECTED, Reason.SLOWER_THAN_STABLE, Reason.NOT_PROVEN})
"""Said by the evidence judge alone, which never judges a preview."""
JUDGED: tuple[Reason | Fault, ...] = tuple(one for one in (*Reason, *Fault) if one not in (Reason.PASSED, *ROUTINE))


def stages(signal: Signal) -> dict[Stage, Course]:
    """Where the signal is told by its name, and what follows."""
    return {stage: MOVES[stage, signal] for stage in Stage if MOVES[stage, signal] in SAYING}


def phase_of(stage: Stage) -> str:
    return "Promoting" if stage is Stage.ROLLING else stage.value


BY_HAND = ("rollout/cli/", "rollout/restoring.py")
"""What a person's command prints, which is no Event."""


def levels() -> dict[str, set[str]]:
    """How each reason is told, by the calls that tell it and the table of moves."""
    found: dict[str, set[str]] = {name: set() for name in SAID}
    for where, call in calls():
        reason = call.args[0]
        text = ast.unparse(reason)
        name = str(reason.value) if isinstance(reason, ast.Constant) else ""
        if match := re.fullmatch(r"Signal\.(\w+)(?:\.value)?", text):
            name = Signal[match[1]].value
        if text == "POLICY_MISSING":
            name = "PolicyMissing"
        if name and not where.startswith(BY_HAND):
            is_warning = ast.unparse(call.func).endswith("held_up") or "Level.WARNING" in ast.unparse(call)
            found[name].add("Warning" if is_warning else "Normal")
    for signal in Signal:
        if signal.value in found:
            found[signal] |= {
                SAYING[course] or words.level_of(OUTCOMES[signal]).value for course in stages(signal).values()
            }
    for phase in ENDED:
        found[phase].add(words.level_of(phase).value)
    for one in JUDGED:
        found[one].add("Warning")
    for phase in (Phase.STEPPING, Phase.BAKING):
        found[phase].add("Normal")
    return found


LEVELS = levels()


@pytest.mark.parametrize("name", SAID)
def test_the_level_is_that_of_the_code(name: str) -> None:
    assert set(PAGES[name].levels) == LEVELS[name]


@pytest.mark.parametrize("signal", [signal for signal in Signal if signal.value in SAID])
def test_the_phases_of_a_signal_are_those_of_its_moves(signal: Signal) -> None:
    """And a few that are told elsewhere."""
    assert set(PAGES[signal].phases) == {phase_of(stage) for stage in stages(signal)} | BEYOND.get(signal, set())


@pytest.mark.parametrize("one", JUDGED)
def test_the_phases_of_a_judgement_are_those_in_which_is_judged(one: Reason | Fault) -> None:
    """In Preparing a preview, by the threshold judge; between record and un-pause only what is bad counts."""
    preview = () if one in BY_EVIDENCE else ("Preparing",)
    last = ("Promoting",) if one in FAILS else ()
    assert PAGES[one].phases == (*preview, "Stepping", "Baking", *last)


@pytest.mark.parametrize("name", SAID)
def test_phases_are_named_in_their_order_or_rest_last(name: str) -> None:
    found = [phase for phase in PAGES[name].phases if phase != AT_REST]
    assert found == [phase for phase in PHASES if phase in found]
    assert set(PAGES[name].phases) <= set(PHASES)


def test_whole_releases_tell_in_the_phases_that_are_named() -> None:
    """The stories' transcripts show the phases of all releases in flight before each word."""
    seen = 0
    for path in (pages.ROOT / "tests" / "stories" / "golden").glob("*.txt"):
        now: set[str] = {AT_REST}
        for line in path.read_text().splitlines():
            if state := re.match(r"\s*[\d.]+  \[(.*?)\]", line):
                now = set(re.findall(r"=(\w+)", state[1])) or {AT_REST}
            elif told := re.match(r"\s*[\d.]+  ([NW]) (\w+): ", line):
                page = PAGES[told[2]]
                assert now & set(page.phases), f"{path.name}: {line} in {now}"
                assert {"N": "Normal", "W": "Warning"}[told[1]] in page.levels, f"{path.name}: {line}"
                seen += 1
    assert seen > 200


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_says_what_it_means_and_what_to_do(name: str) -> None:
    """A warning also how users fare and where to look; what is told has an example."""
    page = PAGES[name]
    wanted = {RAMPART, DO} | ({USERS} if page.levels else set()) | ({LOOK} if "Warning" in page.levels else set())
    assert page.title == name
    assert len(page.meaning) > 10
    assert "|" not in page.meaning, "it stands in a table"
    assert wanted <= page.sections.keys()
    assert all(len(text) > 4 for text in page.sections.values())
    assert bool(page.example) == bool(page.levels)


LEAST = 8
"""Letters of an example that texts of the code make up."""


def fragments() -> list[str]:
    """All texts in the code that are no docstrings, cut where values are put in; the longest first."""
    found: set[str] = set()
    for package in ("rollout", "deploy", "analysis"):
        for path in (pages.ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            found |= {
                node.value.strip()
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare
            }
    return sorted((text for text in found if letters(text)), key=len, reverse=True)


def letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def without(text: str, fragment: str) -> str:
    """Cut it out where it stands as words of its own."""
    begin, end = (r"(?<![\w-])" * fragment[0].isalnum(), r"(?![\w-])" * fragment[-1].isalnum())
    return re.sub(f"{begin}{re.escape(fragment)}{end}", " \0 ", text)


FRAGMENTS = fragments()

FOREIGN = listed(
    """
    web shop queue public strict canary stable container pod errors orders wait longer than minute routes frozen
    CrashLoopBackOff back-off restarting failed Unschedulable nodes are available insufficient cpu
    ProgressDeadlineExceeded ReplicaSet has timed out progressing Gateway BackendNotFound service not found objects
    destination_workload_namespace istio_requests_total reporter destination response_code Service Unavailable
    Unauthorized http https prometheus monitoring metrics doctype html title Log text thanos-query store connection
    refused invalid parameter query parse error unexpected end of input sum rate admission webhook denied the request
    forbidden User cannot list resource virtualservices networking istio io system serviceaccount rampart-system
    rampart is exceeded quota deployments apps validation for Status VirtualService HTTPRoute replace in a app None
    app virtualservice Deployment web-rampart-canary false
    """
)
"""Words of examples that are values: names, and what the API server, the kubelet, Envoy and Prometheus say."""


@pytest.mark.parametrize("name", SAID)
def test_the_fixed_words_of_an_example_stand_in_the_code(name: str) -> None:
    """Whatever is no value: every word of the message that no text of the code holds is a foreign one or a number."""
    left, held = PAGES[name].example, 0
    for text in FRAGMENTS:
        after = without(left, text)
        held += letters(text) * (after != left)
        left = after
    strange = {word for word in re.findall(r"(?<![\w-])[A-Za-z][\w-]*", left) if not re.search(r"\d", word)} - FOREIGN
    assert held >= LEAST, f"hardly a text of the code stands in {PAGES[name].example!r}"
    assert strange == set(), f"{name}: the code does not say {sorted(strange)}"


KUBECTL = listed("annotate apply auth delete describe events exec get logs patch rollout scale")
NATIVE = listed(
    """
    pods events service services deployment deployments replicasets hpa pvc networkpolicies resourcequota
    poddisruptionbudget endpointslices clusterroles clusterrolebindings roles rolebindings podmonitors servicemonitors
    mutatingwebhookconfigurations validatingwebhookconfigurations gateway KIND
    """
)


def known_kinds() -> set[str]:
    every = [kind for kind in vars(kinds).values() if isinstance(kind, kinds.Kind)]
    return {kind.plural for kind in every} | {kind.kind.lower() for kind in every} | NATIVE


def all_commands() -> list[tuple[str, str]]:
    every = [(page.name, page.text) for page in PAGES.values()] + [("README", INDEX.read_text())]
    return [(name, line) for name, text in every for line in commands(text)]


def test_there_are_commands_to_check() -> None:
    assert len(all_commands()) > 100


@pytest.mark.parametrize("line", sorted({line for _, line in all_commands() if line.startswith("rampart ")}))
def test_rampart_takes_the_command(line: str) -> None:
    """By its own parser."""
    found = cli.parser().parse_args(shlex.split(line, comments=True)[1:])
    assert isinstance(found, argparse.Namespace)


@pytest.mark.parametrize("line", sorted({line for _, line in all_commands() if line.startswith("kubectl ")}))
def test_kubectl_is_asked_for_what_there_is(line: str) -> None:
    """Verb, kinds, and our annotations and wishes."""
    verb, *rest = shlex.split(line, comments=True)[1:]
    assert verb in KUBECTL
    if verb in ("get", "describe"):
        assert set(rest[0].split(",")) <= known_kinds()


@pytest.mark.parametrize("name", [*sorted(PAGES), "README"])
def test_wishes_and_annotations_exist(name: str) -> None:
    text = PAGES[name].text if name in PAGES else INDEX.read_text()
    marks = {
        key.removeprefix(PREFIX) for key in vars(names).values() if isinstance(key, str) and key.startswith(PREFIX)
    }
    assert set(re.findall(r"\bdo=(\w+)", text)) <= set(Wish)
    assert set(re.findall(rf"(?<!\w){re.escape(PREFIX)}([a-z]+(?:-[a-z]+)*)", text)) <= {*KEYS, *STATE_KEYS, *marks}
