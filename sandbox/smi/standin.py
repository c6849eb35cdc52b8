"""The stand-in process: `python -m sandbox.smi.standin HOME`; at rest as long as TrafficSplit is not defined.

It looks at the cluster a few times a second and writes what is missing. Where ServiceProfiles are defined it works in
two halves, as Linkerd does: the extension writes each split's weights into the profile of its apex, and the proxies
follow the profiles. Otherwise the proxies follow the splits themselves.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from sandbox import api, home
from sandbox.smi import definitions, translation

Json = dict[str, Any]

LOOK_SECONDS = 0.2
ASLEEP_SECONDS = 1.0
QUANTITIES = "v1alpha1"
ROUTES = f"/apis/networking.istio.io/v1/namespaces/{translation.NAMESPACE}/virtualservices"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": translation.NAMESPACE}}
PROFILES = "/apis/linkerd.io/v1alpha2"


class StandIn:
    """A mesh's control plane in small; `_split` are the profiles whose overrides come from a split."""

    def __init__(self, client: api.Api) -> None:
        self._client = client
        self._split: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        while True:
            seconds = ASLEEP_SECONDS
            try:
                if version := await self._version():
                    await self._look(version)
                    seconds = LOOK_SECONDS
                else:
                    await self._serve([])
            except api.FAILURES as error:
                print(f"{error!r}; looking again", flush=True)
            await asyncio.sleep(seconds)

    async def _version(self) -> str:
        """The version at which splits are read: as Linkerd's extension does, else the preferred one."""
        try:
            group = await self._client.get(f"/apis/{definitions.GROUP}")
        except api.Refused as error:
            if error.status != 404:
                raise
            return ""
        served = [each["version"] for each in group["versions"]]
        return QUANTITIES if QUANTITIES in served else served[0]

    async def _look(self, version: str) -> None:
        splits = await self._all(f"/apis/{definitions.GROUP}/{version}/trafficsplits")
        profiles = await self._profiles()
        services = {_full_name(item): item for item in await self._all("/api/v1/services")}
        if profiles is None:
            overridden = {translation.profile_name(split): translation.overrides(split) for split in splits}
            await self._serve(translation.virtual_services(overridden, (), services))
            return
        profiles = await self._extend(splits, profiles)
        followed = [item for item in profiles if item["metadata"]["namespace"] == translation.CLIENTS]
        followed += [item for item in profiles if item["metadata"]["name"] not in map(_name, followed)]
        overridden = {_name(item): item["spec"].get("dstOverrides") or [] for item in followed}
        await self._serve(translation.virtual_services(overridden, followed, services))

    async def _all(self, path: str) -> list[Json]:
        found: list[Json] = (await self._client.get(path))["items"]
        return found

    async def _profiles(self) -> list[Json] | None:
        """None where ServiceProfiles are not defined."""
        try:
            return await self._all(f"{PROFILES}/serviceprofiles")
        except api.Refused as error:
            if error.status == 404:
                return None
            raise

    async def _extend(self, splits: list[Json], profiles: list[Json]) -> list[Json]:
        """The extension's half: weights into profiles, out of them where a split has gone; all profiles after it."""
        known = {(item["metadata"]["namespace"], _name(item)): item for item in profiles}
        wanted: dict[tuple[str, str], list[Json] | None] = dict.fromkeys(
            key for key in known if f"{key[0]}/{key[1]}" in self._split
        )
        wanted |= {
            (split["metadata"]["namespace"], translation.profile_name(split)): translation.overrides(split)
            for split in splits
        }
        for (namespace, name), entries in wanted.items():
            standing = known.get((namespace, name))
            skipped = standing is not None and translation.SKIP in (standing["metadata"].get("annotations") or {})
            if not skipped and (standing is not None or entries is not None):
                known[namespace, name] = await self._override(standing, namespace, name, entries)
        self._split = {f"{namespace}/{name}" for (namespace, name), entries in wanted.items() if entries is not None}
        return [*known.values()]

    async def _override(self, standing: Json | None, namespace: str, name: str, entries: list[Json] | None) -> Json:
        path = f"{PROFILES}/namespaces/{namespace}/serviceprofiles"
        if standing is None:
            body = {"apiVersion": "linkerd.io/v1alpha2", "kind": "ServiceProfile", "metadata": {"name": name}}
            return await self._client.post(path, body | {"spec": {"dstOverrides": entries}})
        if standing["spec"].get("dstOverrides") == entries:
            return standing
        return await self._client.patch(f"{path}/{name}", {"spec": {"dstOverrides": entries}}, api.MERGE)

    async def _serve(self, wished: list[Json]) -> None:
        """Make istiod's view the wished one."""
        standing = {_name(item): item for item in await self._all(ROUTES)}
        if wished and not standing:
            await self._make_namespace()
        for body in wished:
            found = standing.pop(_name(body), None)
            if found is None:
                await self._client.post(ROUTES, body)
            elif found["spec"] != body["spec"]:
                await self._client.patch(f"{ROUTES}/{_name(body)}", {"spec": body["spec"]}, api.MERGE)
        for name in standing:
            await self._client.delete(f"{ROUTES}/{name}", {})

    async def _make_namespace(self) -> None:
        try:
            await self._client.post("/api/v1/namespaces", NAMESPACE)
        except api.Refused as error:
            if error.status != 409:
                raise


def _name(item: Json) -> str:
    return str(item["metadata"]["name"])


def _full_name(service: Json) -> str:
    metadata = service["metadata"]
    return f"{metadata['name']}.{metadata['namespace']}.{translation.DOMAIN}"


async def _main() -> None:
    async with api.Api(home.Home(Path(sys.argv[1]))) as client:
        await StandIn(client).run()


if __name__ == "__main__":
    asyncio.run(_main())
