"""Which host string of an Istio object means which Service, and whose clients an object reaches.

Read from istiod (pilot/pkg/model/config.go, ResolveShortnameToFQDN; pkg/config/host/name.go): a name without a dot
stands for the Service of that name in the object's own namespace; everything else is taken as it is written, so
`web.shop` in `hosts` is a host of its own and does not cover `web.shop.svc.cluster.local`. A destination may say
`web.shop`, and means the Service.
"""

from collections.abc import Iterable, Sequence

from deploy import traffic

EVERYWHERE = "*"
OWN_NAMESPACE = "."


def fqdn(target: traffic.Target) -> str:
    """The Service's full host name, in small letters."""
    return f"{target.service}.{target.namespace}.svc.{target.cluster_domain}".lower()


def resolve(host: str, namespace: str, cluster_domain: str) -> str:
    """The host that istiod understands where an object in `namespace` writes `host`."""
    host = host.lower()
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.{cluster_domain}".lower()


def means(host: str, namespace: str, target: traffic.Target) -> bool:
    """Whether a destination that an object in `namespace` writes as `host` is the target's Service."""
    named = f"{target.service}.{target.namespace}".lower()
    return resolve(host, namespace, target.cluster_domain) in (named, f"{named}.svc", fqdn(target))


def matches(pattern: str, host: str) -> bool:
    """Whether `pattern`, a full host or one that begins with `*`, stands for `host`."""
    return host.endswith(pattern[1:]) if pattern.startswith("*") else pattern == host


def most_specific(patterns: Iterable[str], host: str) -> str | None:
    """The pattern that istiod takes for `host`: the host itself, else the longest wildcard."""
    fitting = [pattern for pattern in patterns if matches(pattern, host)]
    return max(fitting, key=lambda pattern: (not pattern.startswith("*"), len(pattern)), default=None)


def reach(export_to: Sequence[str] | None, namespace: str) -> frozenset[str]:
    """The namespaces whose proxies see an object of `namespace` with this `exportTo`; EVERYWHERE stands for all."""
    named = {namespace if where == OWN_NAMESPACE else where for where in export_to or [EVERYWHERE]}
    return frozenset({EVERYWHERE}) if EVERYWHERE in named else frozenset(named)


def within(inner: frozenset[str], outer: frozenset[str]) -> bool:
    """Whether every proxy that `inner` reaches is reached by `outer`."""
    return EVERYWHERE in outer or inner <= outer
