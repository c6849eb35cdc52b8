"""What Linkerd's ServiceProfiles do to a split: which of them would keep clients from following it.

The extension that reads TrafficSplits writes their weights into `dstOverrides` of the ServiceProfile of the apex, in
the apex's namespace, and leaves its routes, retries and time-outs alone. A proxy takes the profile of its own
namespace before that one, and follows no split that it does not hold (controller/api/destination/server.go).
"""

from collections.abc import Callable, Iterator, Sequence

from deploy import plain, traffic
from deploy.smi import manifests, service_names
from deploy.traffic import Json

SKIP = "smi.linkerd.io/skip"
"""The annotation by which a ServiceProfile tells the extension to stay away."""

Expected = Callable[[str], bool]


def faults(target: traffic.Target, apexes: Sequence[str], expected: Expected, bodies: Sequence[Json]) -> list[str]:
    """Why splits of these apexes would not be followed.

    expected: whether the Service of a bare name may stand in overrides which the extension wrote.
    """
    return [fault for apex in apexes for body in bodies for fault in _of(target, apex, expected, body)]


def concerned(target: traffic.Target, apexes: Sequence[str], bodies: Sequence[Json]) -> list[Json]:
    """The ServiceProfiles of these apexes, in any namespace."""
    wanted = {service_names.fqdn(apex, target) for apex in apexes}
    return [body for body in bodies if plain.name_of(body).lower() in wanted]


def _of(target: traffic.Target, apex: str, expected: Expected, body: Json) -> Iterator[str]:
    if not concerned(target, [apex], [body]):
        return
    where, service = f"ServiceProfile {manifests.ident(body)}", f"Service {target.namespace}/{apex}"
    if plain.namespace_of(body) != target.namespace:
        yield (
            f"{where} holds for the clients of its namespace instead of any split of {service}: move it to namespace"
            f" {target.namespace}"
        )
        return
    if SKIP in (plain.metadata_of(body).get("annotations") or {}):
        yield f"{where} has annotation {SKIP}, so no split of {service} is followed: remove it"
    strangers = [name for name in _overrides(target, body) if not expected(name)]
    if strangers:
        yield (
            f"{where} has dstOverrides of its own ({', '.join(strangers)}), which a split of {service} would replace:"
            f" write them as a TrafficSplit"
        )


def _overrides(target: traffic.Target, body: Json) -> list[str]:
    """Where overrides lead: a Service's bare name, or the whole authority where it is none of the namespace."""
    found = [str(entry.get("authority") or "") for entry in plain.spec_of(body).get("dstOverrides") or []]
    hosts = [authority.partition(":")[0] for authority in found]
    return [service_names.bare(host, target.namespace, target.cluster_domain) or host for host in hosts]
