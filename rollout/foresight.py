"""What would happen to a Deployment: its plan with the source of each value, its route's edits, its questions."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import ceil

import yaml

from analysis import metric, queries
from analysis.mesh import Mesh
from deploy import traffic
from deploy.traffic import Change, Json, Split, Verb
from deploy.workload import Revision
from rollout import durations, words
from rollout import policy as policies
from rollout.plan import KEYS, PREFIX, Plan, policy_named

KEPT_OUT = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp")

DERIVED = {"bake": "one interval", "deadline": "three times the plan's length, at least 30m"}
"""Where a value that nobody says comes from, if it is not a number of its own."""


@dataclass(frozen=True)
class Value:
    """One value of the plan, and who says so."""

    key: str
    text: str
    source: str


def sources(
    plan: Plan, annotations: Mapping[str, str], defaults: Mapping[str, str], known: Mapping[str, Json]
) -> tuple[Value, ...]:
    """The plan's values in the order of the documents; annotation over policy over installation over built-in."""
    policy = policies.choose(policy_named(annotations, defaults), known)
    shared = policy.plan if isinstance(policy, policies.Policy) else {}
    said = f"ReleasePolicy {policy.name}" if isinstance(policy, policies.Policy) else ""
    texts = {"bake": durations.write(plan.interval), **plan.texts()}

    def source(key: str) -> str:
        if f"{PREFIX}{key}" in annotations:
            return "annotation"
        if key == "policy":
            return "the namespace's default policy"
        if key in shared:
            return said
        return "installation" if key in defaults else DERIVED.get(key, "built-in")

    return tuple(Value(key, texts[key], source(key)) for key in KEYS if key in texts)


@dataclass(frozen=True)
class Stay:
    """One stay of the plan: who meets the canary, its pods, and how long at most."""

    exposure: str
    pods: int
    longest: timedelta


def stays(plan: Plan, replicas: int) -> tuple[Stay, ...]:
    """The plan's steps and its bake, with the canary's size at each."""
    return tuple(
        Stay(words.place(step), max(1, ceil(replicas * plan.load(step) / 100)), plan.stay(step)) for step in plan.stays
    )


def split(revisions: tuple[Revision, ...], release: str, weight: Decimal) -> Split:
    """The canary's weight, and the rest shared among the ReplicaSets that run now by their sizes."""
    running = [(traffic.replica_set(item.hash), item.replicas) for item in revisions if item.replicas > 0]
    canary = int(weight * 100)
    left, total = traffic.WHOLE - canary, sum(size for _, size in running)
    parts = [left * size // total for _, size in running]
    parts[0] += left - sum(parts)
    legs = [(pin, part) for (pin, _), part in zip(running, parts, strict=True)]
    return Split((*legs, (traffic.canary(release), canary)))


def diff(change: Change, before: Json | None) -> str:
    """One write as a diff of YAML."""
    name = f"{change.body['kind']} {change.body['metadata']['namespace']}/{change.body['metadata']['name']}"
    old = [] if before is None else text(before)
    new = [] if change.verb is Verb.DELETE else text(change.body)
    left, right = (f"{name} (none)" if not part else name for part in (old, new))
    return "\n".join(difflib.unified_diff(old, new, left, right, lineterm="", n=4))


def text(body: Json) -> list[str]:
    """An object as its owner would write it."""
    about = {key: value for key, value in body["metadata"].items() if key not in KEPT_OUT}
    bare = {key: value for key, value in body.items() if key not in ("status", "metadata")}
    whole = json.loads(json.dumps({**bare, "metadata": about}))
    return yaml.safe_dump(whole, sort_keys=True, allow_unicode=True).splitlines()


@dataclass(frozen=True)
class Question:
    """One thing that is asked at a look: its name, its PromQL, and what that means; empty for somebody's own query."""

    name: str
    promql: str
    about: str = ""


def questions(plan: Plan, mesh: Mesh, places: Mapping[str, str], canary: str) -> Iterator[Question]:
    """Everything that is asked at a look; `places` are namespace, workload and service."""
    namespace, stable = places["namespace"], places["workload"]
    legs = (canary, stable)
    span = durations.write(plan.interval)
    about = f"what {mesh.requests} counted of both versions in {span}: all requests, and those that failed"
    yield Question("requests and failures", queries.counts(mesh, namespace, legs, plan.interval), about)
    if plan.latency is not None:
        about = f"what {mesh.latency} counted of both versions in {span}, by its buckets"
        yield Question(str(plan.latency), queries.latencies(mesh, namespace, legs, plan.interval), about)
    words = (canary, stable, namespace, places["service"], queries.duration(plan.interval))
    for one in plan.metrics:
        yield Question(f"metric {one.name}", metric.fill(one.query, dict(zip(metric.WORDS, words, strict=True))))
