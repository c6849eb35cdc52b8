"""What an API server keeps and refuses, in memory: for measurements that only the controller is to take part in.

It has resource versions, conflicts, finalizers, status beside spec, watches and the hold's mutation; it validates
nothing, and no garbage is collected. Who calls `write` says whether it is the controller.
"""

import asyncio
import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from deploy import names

Json = dict[str, Any]
KEPT_EVENTS = 200_000


class Refusal(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Place:
    """Where an object or a collection is."""

    api_version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.plural, self.namespace, self.name


@dataclass
class Event:
    """One line of a watch, as bytes: whole, and of metadata alone."""

    version: int
    type: str
    body: Json
    whole: bytes
    metadata: bytes


@dataclass
class Shelf:
    """All objects of one kind and what happened to them."""

    objects: dict[tuple[str, str], Event] = field(default_factory=dict)
    spaces: dict[str, dict[str, Event]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class Store:
    """Not for several threads: one event loop owns it."""

    def __init__(self) -> None:
        self._versions = itertools.count(1)
        self.version = 0
        self.shelves: dict[str, Shelf] = {}

    def shelf(self, plural: str) -> Shelf:
        return self.shelves.setdefault(plural, Shelf())

    def read(self, place: Place) -> Event:
        found = self.shelf(place.plural).spaces.get(place.namespace, {}).get(place.name)
        if found is None:
            raise Refusal(404, f"{place.plural} {place.name} not found")
        return found

    def every(self, place: Place, labels: str) -> Iterator[Event]:
        """The objects of a collection that a selector of equalities takes."""
        shelf = self.shelf(place.plural)
        found = shelf.spaces.get(place.namespace, {}).values() if place.namespace else shelf.objects.values()
        return (event for event in found if selects(labels, event.body["metadata"].get("labels") or {}))

    def create(self, place: Place, body: Json) -> Event:
        name = body["metadata"].get("name") or f"{body['metadata'].get('generateName', '')}{self.version}"
        place = Place(place.api_version, place.plural, place.namespace, name)
        if name in self.shelf(place.plural).spaces.get(place.namespace, {}):
            raise Refusal(409, f"{place.plural} {name} exists")
        made = copy.deepcopy(body)
        made.pop("status", None)
        born = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        given = {"name": name, "uid": f"uid-{self.version}", "generation": 1, "creationTimestamp": born}
        made["metadata"] = {**made["metadata"], **given, "managedFields": managed()}
        if place.namespace:
            made["metadata"]["namespace"] = place.namespace
        return self._keep(place, "ADDED", made)

    def change(self, place: Place, after: Json, is_ours: bool = False, dry_run: bool = False) -> Event:
        """Put an object in the place of the one that stands; its status or the rest of it, as the place says."""
        before = self.read(place).body
        version = after["metadata"].get("resourceVersion")
        if version not in (None, before["metadata"]["resourceVersion"]):
            raise Refusal(409, f"{place.plural} {place.name} changed")
        if place.subresource == "status":
            made = {**before, "status": after.get("status")}
        else:
            made = {**after, "status": before.get("status")}
            if place.plural == "deployments" and (dry_run or not is_ours):
                made = held(before, made)
        made["metadata"] = {**made["metadata"], "managedFields": managed()}
        noted = place.plural == "deployments" and before["metadata"].get("annotations") != made["metadata"].get(
            "annotations"
        )
        if before.get("spec") != made.get("spec") or noted:
            made["metadata"]["generation"] = before["metadata"]["generation"] + 1
        if dry_run:
            return Event(self.version, "MODIFIED", made, orjson.dumps(made), b"")
        return self._settle(place, made)

    def delete(self, place: Place) -> Event:
        made = copy.deepcopy(self.read(place).body)
        made["metadata"].setdefault("deletionTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        return self._settle(place, made)

    def _settle(self, place: Place, made: Json) -> Event:
        gone = "deletionTimestamp" in made["metadata"] and not made["metadata"].get("finalizers")
        return self._keep(place, "DELETED" if gone else "MODIFIED", made)

    def _keep(self, place: Place, type_: str, made: Json) -> Event:
        self.version = next(self._versions)
        made["metadata"]["resourceVersion"] = str(self.version)
        made.setdefault("apiVersion", place.api_version)
        part = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": made["metadata"]}
        event = Event(self.version, type_, made, orjson.dumps(made), orjson.dumps(part))
        shelf, key = self.shelf(place.plural), (place.namespace, place.name)
        if type_ == "DELETED":
            del shelf.objects[key]
            del shelf.spaces[place.namespace][place.name]
        else:
            shelf.objects[key] = event
            shelf.spaces.setdefault(place.namespace, {})[place.name] = event
        shelf.events.append(event)
        asyncio.get_running_loop().create_task(self._announce(shelf))
        return event

    async def _announce(self, shelf: Shelf) -> None:
        async with shelf.news:
            shelf.news.notify_all()


def managed() -> list[Json]:
    """As long as the real ones are."""
    fields: Json = {f"f:field{number}": {"f:inner": {}, "f:other": {}} for number in range(12)}
    return [{"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}}]


def held(before: Json, after: Json) -> Json:
    """What the hold's mutating policy does to a template that changed."""
    notes = after["metadata"].get("annotations") or {}
    if before["spec"]["template"] == after["spec"]["template"] or names.STRATEGY not in notes:
        return after
    metadata = {**after["metadata"], "annotations": {**notes, names.HELD: "true"}}
    return {**after, "metadata": metadata, "spec": {**after["spec"], "paused": True}}


def selects(labels: str, found: Json) -> bool:
    """Selectors of the forms `a`, `a=b` and `a in (b,c)`."""
    key, within, values = labels.partition(" in ")
    if within:
        return found.get(key) in values.strip("()").split(",")
    pairs = [part.partition("=") for part in labels.split(",") if part]
    return all(found.get(name) == value if sign else name in found for name, sign, value in pairs)


def merged(item: Json, patch: Json) -> Json:
    """A merge patch (RFC 7386)."""
    changed = dict(item)
    for key, value in patch.items():
        if value is None:
            changed.pop(key, None)
        elif isinstance(value, dict):
            before = changed.get(key)
            changed[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            changed[key] = value
    return changed


def stepped(item: Json, steps: list[Json]) -> Json:
    """A JSON patch (RFC 6902) of tests and of values put at a path."""
    changed = copy.deepcopy(item)
    for step in steps:
        *way, last = step["path"].strip("/").split("/")
        place = changed
        for part in way:
            place = place[part]
        if step["op"] == "test" and place.get(last) != step["value"]:
            raise Refusal(422, "the server rejected our request due to an error in our request")
        place[last] = step["value"]
    return changed
