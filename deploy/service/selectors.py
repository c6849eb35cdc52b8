"""The selector of a Service that Rampart moves: what is the user's in it, and what is ours.

Beside the selector stands an annotation, as long as there are legs: the user's own selector, the pins of the legs, and
the split that was asked for. So one write changes all of it, and the selector can be put back by whoever finds it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from deploy import names
from deploy.services import PINS, selector_of
from deploy.traffic import Json, Pin, Split

ANNOTATION = names.SELECTOR

Selector = Mapping[str, str]


@dataclass(frozen=True)
class Memory:
    """What the annotation says; `split` is None before the first split and after the last."""

    users: Selector
    legs: frozenset[Pin] = frozenset()
    split: Split | None = None

    @property
    def selector(self) -> Selector:
        """The selector that the Service has while nobody else wrote it."""
        return self.users if self.split is None else {**self.users, **pinned(self.split)}


def pinned(split: Split) -> Selector:
    """What narrows the user's selector to the pods that the split leads to.

    One leg with everything is selected by its pin. Of several, each pod has its part: all pods that the user's
    selector takes, or, where all legs are canaries, all canaries, since the Deployment's own pods are no leg then.
    """
    served = [pin for pin, parts in split.shares if parts > 0]
    if len(served) == 1:
        return {served[0].label: served[0].value}
    if all(pin.label == names.RELEASE for pin in served):
        return {names.MANAGED: names.FIELD_MANAGER}
    return {}


def read(service: Json) -> Memory | None:
    """The annotation of a Service; None where there is none, or nothing that we wrote."""
    text = (service["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        return None if text is None else parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def parse(found: Json) -> Memory:
    """Read what `write` wrote; ValueError, TypeError, KeyError or AttributeError for anything else."""
    legs = frozenset(Pin(str(label), str(value)) for label, value in found["legs"])
    shares = found.get("split")
    split = Split(tuple((Pin(label, value), int(parts)) for label, value, parts in shares)) if shares else None
    return Memory({str(key): str(value) for key, value in found["selector"].items()}, legs, split)


def write(memory: Memory) -> str:
    """The annotation's text."""
    shares = [[pin.label, pin.value, parts] for pin, parts in memory.split.shares] if memory.split else None
    legs = sorted([pin.label, pin.value] for pin in memory.legs)
    found = {"selector": dict(memory.users), "legs": legs, **({"split": shares} if shares else {})}
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def recall(service: Json) -> Memory:
    """What the annotation says, mended by the selector itself: if somebody wrote that, the user's is what is there."""
    known = read(service)
    if known is not None and known.selector == selector_of(service):
        return known
    users = {key: value for key, value in selector_of(service).items() if key not in PINS}
    return Memory(users, known.legs if known is not None else frozenset())


def kept(service: Json, memory: Memory | None) -> Json:
    """A copy of the Service with that memory and the selector that follows; None: without anything of ours."""
    metadata, spec = dict(service["metadata"]), dict(service["spec"])
    notes = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != ANNOTATION}
    if memory is not None:
        notes[ANNOTATION] = write(memory)
    spec["selector"] = dict(memory.selector if memory is not None else recall(service).users)
    return {**service, "metadata": {**metadata, **({"annotations": notes} if notes else {})}, "spec": spec}


def defined(memory: Memory, legs: Iterable[Pin]) -> Memory:
    return replace(memory, legs=frozenset(legs))


def steered(memory: Memory, split: Split | None) -> Memory:
    """With that split, whose legs are defined by it."""
    return replace(memory, split=split, legs=memory.legs | frozenset(split.pins if split else ()))


def number(service: Json) -> int:
    """Changes exactly when the selector or the annotation does: Services count no generations."""
    annotation = (service["metadata"].get("annotations") or {}).get(ANNOTATION)
    text = json.dumps([dict(selector_of(service)), annotation], sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
