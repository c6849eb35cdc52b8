"""Prometheus' configuration: it finds pods by service discovery and scrapes each pod's merged telemetry endpoint."""

import json
from datetime import timedelta
from pathlib import Path

from sandbox import home, ports


def configuration(place: home.Home, every: timedelta) -> str:
    """One job over all running pods that have an address; labels `namespace` and `pod` as usual. JSON is YAML."""
    job = {
        "job_name": "kubernetes-pods",
        "metrics_path": "/stats/prometheus",
        "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": str(_kubeconfig(place))}],
        "relabel_configs": [
            _keep("__meta_kubernetes_pod_phase", "Running"),
            _keep("__meta_kubernetes_pod_ip", ".+"),
            _copy("__meta_kubernetes_pod_ip", "__address__", f"$1:{ports.POD_TELEMETRY}"),
            _copy("__meta_kubernetes_namespace", "namespace", "$1"),
            _copy("__meta_kubernetes_pod_name", "pod", "$1"),
        ],
    }
    interval = f"{int(every.total_seconds() * 1000)}ms"
    return json.dumps(
        {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": [job]}, indent=2
    )


def _kubeconfig(place: home.Home) -> Path:
    return place.admin_kubeconfig


def _keep(source: str, pattern: str) -> dict[str, object]:
    return {"action": "keep", "source_labels": [source], "regex": pattern}


def _copy(source: str, target: str, replacement: str) -> dict[str, object]:
    return {"source_labels": [source], "target_label": target, "replacement": replacement}
