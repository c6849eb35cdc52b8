"""The files that a container finds under /run: its ServiceAccount's, and those of Secrets and ConfigMaps."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox import api, credentials, home

Json = dict[str, Any]

RUN = Path("/run")
ACCOUNT = "secrets/kubernetes.io/serviceaccount"
"""Under /run, which /var/run is."""
TOKEN_SECONDS = 24 * 3600


class Unsupported(ValueError):
    """The container asks for something that this kubelet does not do."""


async def project(client: api.Api, place: home.Home, pod: Json, spec: Json) -> Path:
    """Write a directory whose content is to be the container's /run; raises api.FAILURES while something is missing."""
    root = place.data / "pods" / str(pod["metadata"]["uid"]) / str(spec["name"])
    write(root / ACCOUNT, await _account(client, place, pod))
    for where, volume in mounted(pod, spec):
        write(root / where, await _content(client, pod["metadata"]["namespace"], volume))
    return root


def write(directory: Path, files: dict[str, bytes]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)


def mounted(pod: Json, spec: Json) -> Iterator[tuple[Path, Json]]:
    """Each Secret or ConfigMap that is mounted: its directory relative to /run, and the volume.

    An emptyDir is the machine's own directory. Raises Unsupported for anything else.
    """
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for mount in spec.get("volumeMounts") or ():
        volume, path = volumes[mount["name"]], Path(mount["mountPath"])
        if "emptyDir" in volume or "projected" in volume:
            continue
        if not {"secret", "configMap"} & volume.keys() or not path.is_relative_to(RUN) or "subPath" in mount:
            what = f"container {spec['name']}: volume {mount['name']} at {path}"
            raise Unsupported(f"{what} is not done here: Secrets and ConfigMaps are mounted whole, under {RUN}")
        yield path.relative_to(RUN), volume


async def _account(client: api.Api, place: home.Home, pod: Json) -> dict[str, bytes]:
    namespace, account = pod["metadata"]["namespace"], pod["spec"].get("serviceAccountName") or "default"
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    answer = await client.post(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
    return {
        "token": answer["status"]["token"].encode(),
        "ca.crt": credentials.authority(place).read_bytes(),
        "namespace": namespace.encode(),
    }


async def _content(client: api.Api, namespace: str, volume: Json) -> dict[str, bytes]:
    if "secret" in volume:
        found = await client.get(f"/api/v1/namespaces/{namespace}/secrets/{volume['secret']['secretName']}")
        return {name: base64.b64decode(text) for name, text in (found.get("data") or {}).items()}
    found = await client.get(f"/api/v1/namespaces/{namespace}/configmaps/{volume['configMap']['name']}")
    return {name: str(text).encode() for name, text in (found.get("data") or {}).items()}
