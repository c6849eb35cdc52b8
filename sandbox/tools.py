"""The programs that the sandbox runs: which there are, where they are cached, what each build is keyed by."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

KUBERNETES_VERSION = "1.37.2"
SOURCES = Path(__file__).parent / "tools"

_VERSION = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")


@dataclass(frozen=True)
class Build:
    """One go.mod whose `tool` lines are built together; the key changes exactly when the result would."""

    name: str
    flags: tuple[str, ...]

    @property
    def source(self) -> Path:
        return SOURCES / self.name

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits of the pinned modules and the compiler's flags."""
        pinned = (self.source / "go.mod").read_bytes()
        return hashlib.sha256(pinned + b"\0" + "\0".join(self.flags).encode()).hexdigest()[:12]

    @property
    def directory(self) -> Path:
        """Exists exactly when the build is whole."""
        return cache() / f"{self.name}-{self.key}"


KUBERNETES = Build(
    "kubernetes",
    (
        "-ldflags",
        f"-s -w -X {_VERSION}.gitVersion=v{KUBERNETES_VERSION} -X {_VERSION}.gitMajor={_MAJOR} "
        f"-X {_VERSION}.gitMinor={_MINOR}",
    ),
)
ISTIO = Build("istio", ("-ldflags", "-s -w"))
PROMETHEUS = Build("prometheus", ("-ldflags", "-s -w", "-tags", "remove_all_sd,enable_kubernetes_sd,netgo"))

SMI_SOURCE = SOURCES / "smi"
"""A go.mod of which nothing is built: it pins where the definition of TrafficSplit comes from."""

BUILDS = (KUBERNETES, ISTIO, PROMETHEUS)


def cache() -> Path:
    """Outside of the repository, so that every clone shares it: $RAMPART_CACHE, else the user's cache directory."""
    if named := os.environ.get("RAMPART_CACHE"):
        return Path(named).absolute() / "tools"
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared) / "rampart" / "tools"


def definitions() -> Path:
    """The custom resource definitions of Istio and the Gateway API, of the versions that istiod was built with."""
    return cache() / f"definitions-{ISTIO.key}"


def traffic_split() -> Path:
    """The definition of TrafficSplit as its specification has it."""
    pinned = hashlib.sha256((SMI_SOURCE / "go.mod").read_bytes()).hexdigest()[:12]
    return cache() / f"traffic-split-{pinned}.yaml"


def etcd() -> Path:
    return KUBERNETES.directory / "server"


def api_server() -> Path:
    return KUBERNETES.directory / "kube-apiserver"


def controller_manager() -> Path:
    return KUBERNETES.directory / "kube-controller-manager"


def kubectl() -> Path:
    return KUBERNETES.directory / "kubectl"


def istiod() -> Path:
    return ISTIO.directory / "pilot-discovery"


def prometheus() -> Path:
    return PROMETHEUS.directory / "prometheus"
