"""The controller's settings: environment variables and flags, checked as a whole at start."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rollout import plan as plans
from rollout.plan import Duration, Plan

PREFIX = "RAMPART_"


def parse_list(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_list)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """Everything that can be set. Each field is the environment variable RAMPART_<NAME> and the flag --<name>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    prometheus_url: str = Field(description="where Prometheus answers, such as http://prometheus.monitoring:9090")
    prometheus_timeout: Seconds = Field(10, description="seconds until an unanswered query counts as no answer")
    prometheus_token_file: Path | None = Field(None, description="file with a bearer token, read again when it changes")
    prometheus_ca_file: Path | None = Field(None, description="certificates to trust for Prometheus")
    prometheus_insecure: bool = Field(False, description="true: the certificate of Prometheus is not checked")
    prometheus_headers: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="headers for each query, such as X-Scope-OrgID=shop"
    )
    kubeconfig: Path | None = Field(None, description="a kubeconfig; without it the pod's own ServiceAccount")
    namespaces: Names = Field((), description="namespaces to watch, separated by commas; none: all of them")
    cluster_domain: str = Field("cluster.local", description="the cluster's DNS domain")
    listen: str = Field("127.0.0.1:8081", description="address of /healthz, /readyz and /metrics")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(4, description="releases that are looked at side by side")
    settle: Seconds = Field(1.0, description="seconds from a route's write until every proxy follows it")
    drain: Seconds = Field(2.0, description="seconds from a leg's last request until its pods may go")
    look: Seconds = Field(5.0, description="seconds between two looks at a step")
    warm_up: Duration = Field(timedelta(seconds=30), description="how long new pods may stumble, such as 30s")
    min_requests: Annotated[int, Field(ge=1)] = Field(20, description="requests below which nothing is judged")
    keep: Annotated[int, Field(ge=1, le=100)] = Field(3, description="ended Releases kept for each Deployment")
    defaults: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="defaults of annotations, such as interval=30s;steps=10,50"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")

    @field_validator("prometheus_url")
    @classmethod
    def check_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or len(value.split("://")[1]) == 0:
            raise ValueError("must be a URL such as http://prometheus.monitoring:9090")
        return value.rstrip("/")

    @field_validator("listen")
    @classmethod
    def check_listen(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdigit() or not 0 <= int(port) < 65536:
            raise ValueError("must be host:port such as 0.0.0.0:8081")
        return value

    @field_validator("prometheus_headers", mode="before")
    @classmethod
    def read_headers(cls, value: object) -> object:
        return read_pairs(value)

    @field_validator("defaults", mode="before")
    @classmethod
    def read_defaults(cls, value: object) -> object:
        pairs = read_pairs(value)
        found = plans.resolve({f"{plans.PREFIX}strategy": "canary"}, pairs)
        if not isinstance(found, Plan):
            raise ValueError("; ".join(found))
        return pairs


def read_pairs(value: object) -> dict[str, str]:
    """Read `a=1;b=2` or a JSON object of texts."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    text = str(value).strip()
    if text.startswith("{"):
        return {str(key): str(item) for key, item in json.loads(text).items()}
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if any(not sign or not key.strip() for key, sign, _ in pairs):
        raise ValueError("must be key=value pairs separated by semicolons")
    return {key.strip(): item.strip() for key, _, item in pairs}


def load(flags: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings | tuple[str, ...]:
    """Settings from flags over the environment; or every fault at once, each with its key and value."""
    unknown = unknown_variables(os.environ if environment is None else environment)
    try:
        settings = Settings(**{key: value for key, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        return (*unknown, *(explain(finding) for finding in error.errors()))
    return unknown or settings


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables under our prefix that mean nothing are typing errors."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | RESERVED
    ours = {key for key in environment if key.startswith(PREFIX) and not SERVICE_LINK.fullmatch(key)}
    found = sorted(ours - known)
    return tuple(f"{key} is not a known setting; known are {', '.join(sorted(known - RESERVED))}" for key in found)


SERVICE_LINK = re.compile(r"RAMPART_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_.+)?)")
"""What the kubelet puts into each pod's environment for a Service whose name begins with rampart."""

RESERVED = frozenset({"RAMPART_SANDBOX", "RAMPART_CACHE"})
"""Variables that mean something to other programs of this project."""


SECRETS = frozenset({"prometheus_headers", "prometheus_url"})
"""Settings whose values may hold a password."""


def explain(finding: Mapping[str, object]) -> str:
    where = finding["loc"]
    key = str(where[0]) if isinstance(where, Sequence) and where else "settings"
    variable = f"{PREFIX}{key.upper()} (--{key.replace('_', '-')})"
    if finding["type"] == "missing":
        return f"{variable} is not set: {Settings.model_fields[key].description}"
    message = str(finding["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    found = "a value that is not shown here" if key in SECRETS else finding["input"]
    return f"{variable} {message}, got {found}"
