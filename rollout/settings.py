"""The controller's settings: environment variables and flags, checked as a whole at start."""

import difflib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from analysis import mesh as meshing
from analysis import meshes
from deploy.hold import Mode
from rollout import contradictions, notice
from rollout import plan as plans
from rollout.plan import Duration, Plan

PREFIX = contradictions.PREFIX


def parse_list(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def check_file(value: Path | None) -> Path | None:
    """What is missing is said at start, and not at the first query."""
    if value is not None:
        try:
            value.open("rb").close()
        except OSError as error:
            raise ValueError(f"must be a file that can be read ({error.strerror})") from error
    return value


File = Annotated[Path | None, BeforeValidator(lambda value: value or None), AfterValidator(check_file)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_list)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseSettings):
    """Everything that can be set. Each field is the environment variable RAMPART_<NAME> and the flag --<name>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    prometheus_url: str = Field(description="where Prometheus answers, such as http://prometheus.monitoring:9090")
    prometheus_timeout: Seconds = Field(10, description="seconds until an unanswered query counts as no answer")
    prometheus_token_file: File = Field(None, description="file with a bearer token, read for each query")
    prometheus_user: str | None = Field(None, description="user for basic authentication, in the token's stead")
    prometheus_password_file: File = Field(None, description="file with that user's password, read for each query")
    prometheus_ca_file: File = Field(None, description="certificates to trust for Prometheus")
    prometheus_certificate_file: File = Field(None, description="our own certificate to show to Prometheus (PEM)")
    prometheus_key_file: File = Field(None, description="its key, unless that is in the same file")
    prometheus_insecure: bool = Field(False, description="true: the certificate of Prometheus is not checked")
    prometheus_headers: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="headers for each query, such as X-Scope-OrgID=shop"
    )
    mesh: str = Field("istio", description=f"whose metrics are read: {', '.join(meshes.MESHES)}")
    metric_names: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description=f"other names than that mesh's, such as workload=app;unit=s; of {', '.join(meshing.KEYS)}",
    )
    kubeconfig: File = Field(None, description="a kubeconfig; without it the pod's own ServiceAccount")
    leader_elect: bool | None = Field(
        None,
        description="true: of several controllers one leads and the others stand by; by default true for the pod's own"
        " ServiceAccount, false with a kubeconfig",
    )
    lease_namespace: str | None = Field(
        None, validate_default=True, description="namespace of the Lease by which they elect; by default the pod's own"
    )
    lease_name: str = Field("rampart", min_length=1, description="name of that Lease")
    lease_seconds: Annotated[int, Field(ge=3, le=600)] = Field(
        15, description="how long a leader may be silent until another one leads; it stops writing after two thirds"
    )
    namespaces: Names = Field((), description="namespaces to watch, separated by commas; none: all of them")
    cluster_domain: str = Field("cluster.local", description="the cluster's DNS domain")
    hold: Mode = Field(
        Mode.POLICIES,
        description="what keeps a changed template from rolling out: policies (Kubernetes 1.36 and newer), or pause:"
        " opted-in Deployments are kept paused at rest",
    )
    listen: str = Field("127.0.0.1:8081", description="address of /healthz, /readyz and /metrics")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(16, description="releases that are looked at side by side")
    settle: Seconds = Field(1.0, description="seconds from a route's write until every proxy follows it")
    drain: Seconds = Field(2.0, description="seconds from a leg's last request until its pods may go")
    look: Seconds = Field(5.0, description="seconds between two looks at a step")
    warm_up: Duration = Field(timedelta(seconds=30), description="how long new pods may stumble, such as 30s")
    min_duration: Duration = Field(
        timedelta(seconds=60),
        description="a release that is let through by proof takes at least this long, such as 60s",
    )
    min_requests: Annotated[int, Field(ge=1)] = Field(20, description="requests below which nothing is judged")
    keep: Annotated[int, Field(ge=1, le=100)] = Field(3, description="ended Releases kept for each Deployment")
    defaults: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="defaults of annotations, such as interval=30s;steps=10,50"
    )
    webhook_url_file: File = Field(None, description="file with the address that decisions are sent to")
    webhook_secret_file: File = Field(
        None, description="file with the secret that signs them, one a line while it is rotated"
    )
    webhook_events: Names = Field(
        ("all",),
        description=f"which are sent: of {', '.join(notice.GROUPS)}, or reasons of Events, separated by commas",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")

    @field_validator("prometheus_url")
    @classmethod
    def check_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or len(value.split("://")[1]) == 0:
            raise ValueError("must be a URL such as http://prometheus.monitoring:9090")
        return value.rstrip("/")

    @field_validator("prometheus_user")
    @classmethod
    def check_user(cls, value: str | None) -> str | None:
        if value and ":" in value:
            raise ValueError("must have no colon, which ends a user's name in basic authentication")
        return value or None

    @field_validator("lease_namespace")
    @classmethod
    def check_lease_namespace(cls, value: str | None) -> str | None:
        return value or None

    @property
    def elects(self) -> bool:
        """Whether a leader is elected."""
        return self.kubeconfig is None if self.leader_elect is None else self.leader_elect

    @field_validator("mesh")
    @classmethod
    def check_mesh(cls, value: str) -> str:
        if value not in meshes.MESHES:
            near = difflib.get_close_matches(value, meshes.MESHES, n=1, cutoff=0.0)
            raise ValueError(f"must be one of {', '.join(meshes.MESHES)}; the nearest is {near[0]}")
        return value

    @field_validator("metric_names", mode="before")
    @classmethod
    def read_names(cls, value: object) -> object:
        pairs = read_pairs(value)
        faults = [text for key, name in pairs.items() if (text := renaming_fault(key, name))]
        if faults:
            raise ValueError("; ".join(faults))
        return pairs

    @property
    def telemetry(self) -> meshing.Mesh:
        """The chosen row of the table by mesh, with its names replaced."""
        return meshing.renamed(meshes.MESHES[self.mesh], self.metric_names)

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

    @field_validator("prometheus_headers")
    @classmethod
    def check_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if HEADER.fullmatch(name) is None or not text.isascii() or not text.isprintable():
                raise ValueError("must have headers of printable ASCII characters, their names without spaces")
        return value

    @field_validator("webhook_url_file")
    @classmethod
    def check_address(cls, value: Path | None) -> Path | None:
        if value is not None:
            notice.read_url(value.read_text())
        return value

    @field_validator("webhook_secret_file")
    @classmethod
    def check_secret(cls, value: Path | None) -> Path | None:
        if value is not None:
            notice.read_secrets(value.read_text())
        return value

    @field_validator("webhook_events")
    @classmethod
    def check_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        notice.check_events(value)
        return value

    @field_validator("defaults", mode="before")
    @classmethod
    def read_defaults(cls, value: object) -> object:
        pairs = read_pairs(value)
        values = {key: value for key, value in pairs.items() if key != "policy"}
        found = plans.resolve({f"{plans.PREFIX}strategy": "canary"}, values)
        if not isinstance(found, Plan):
            raise PydanticCustomError(TOLD, "{text}", {"text": "; ".join(found)})
        return pairs


TOLD = "told"
"""The type of an error whose sentence says already what was found."""


def renaming_fault(key: str, name: str) -> str:
    """What is wrong with one other name of a metric or label; which row is renamed makes no difference."""
    try:
        meshing.renamed(meshes.ISTIO, {key: name})
    except ValueError as error:
        return str(error)
    return ""


def read_pairs(value: object) -> dict[str, str]:
    """Read `a=1;b=2` or a JSON object of texts."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    text = str(value).strip()
    if text.startswith("{"):
        return {str(key): str(item) for key, item in read_json(text).items()}
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if any(not sign or not key.strip() for key, sign, _ in pairs):
        raise ValueError("must be key=value pairs separated by semicolons")
    return {key.strip(): item.strip() for key, _, item in pairs}


def read_json(text: str) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be key=value pairs or a JSON object of texts ({error})") from error
    return found


def load(flags: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Settings | tuple[str, ...]:
    """Settings from flags over the environment; or every fault at once, each with its key and value."""
    environment = os.environ if environment is None else environment
    given = {key: value for key, value in flags.items() if value is not None}
    faults = (*unknown_variables(environment), *contradictions.between(set_by(given)))
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        return (*faults, *(explain(finding) for finding in error.errors()))
    return faults or settings


def set_by(flags: Mapping[str, object]) -> dict[str, str]:
    """What flags and variables say of each setting, before any of it is checked; empty texts say nothing."""
    variables = {key.upper(): value for key, value in os.environ.items()}
    found = {name: flags.get(name, variables.get(f"{PREFIX}{name}".upper())) for name in Settings.model_fields}
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Variables under our prefix that mean nothing are typing errors."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | RESERVED
    ours = {key for key in environment if key.startswith(PREFIX) and not SERVICE_LINK.fullmatch(key)}
    found = sorted(ours - known)
    return tuple(f"{key} is not a known setting; known are {', '.join(sorted(known - RESERVED))}" for key in found)


HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2)."""

SERVICE_LINK = re.compile(r"RAMPART_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_.+)?)")
"""What the kubelet puts into each pod's environment for a Service whose name begins with rampart."""

RESERVED = frozenset({"RAMPART_SANDBOX", "RAMPART_CACHE"})
"""Variables that mean something to other programs of this project."""


SECRETS = frozenset({"prometheus_headers", "prometheus_url"})
"""Settings whose values may hold a password."""


def explain(finding: Mapping[str, object]) -> str:
    where = finding["loc"]
    key = str(where[0]) if isinstance(where, Sequence) and where else "settings"
    variable = contradictions.called(key)
    if finding["type"] == "missing":
        return f"{variable} is not set: {Settings.model_fields[key].description}"
    message = str(finding["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    if finding["type"] == TOLD:
        return f"{variable}: {message}"
    found = "a value that is not shown here" if key in SECRETS else finding["input"]
    found = "nothing" if found is None else found
    return f"{variable} {message}, got {found}"
