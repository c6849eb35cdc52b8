"""How a TrafficSplit and a ServiceProfile name a Service.

The specification, and Linkerd, take a bare name in the TrafficSplit's own namespace; other meshes took `web.shop` and
longer forms too, so these are read, and a leg keeps the form of the backend for which it stands.
"""

from deploy import traffic


def bare(written: str, namespace: str, cluster_domain: str) -> str | None:
    """The Service of `namespace` that a name stands for; None where it is no Service of that namespace."""
    name, _, rest = written.partition(".")
    known = ("", namespace, f"{namespace}.svc", f"{namespace}.svc.{cluster_domain}".lower())
    return name if name and rest.lower() in known else None


def as_written(name: str, like: str) -> str:
    """The name of another Service, in the form in which `like` is written."""
    _, dot, rest = like.partition(".")
    return f"{name}{dot}{rest}"


def fqdn(service: str, target: traffic.Target) -> str:
    """The full name of a Service in the target's namespace: the name of its ServiceProfile."""
    return f"{service}.{target.namespace}.svc.{target.cluster_domain}".lower()
