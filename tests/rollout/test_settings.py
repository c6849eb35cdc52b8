"""Settings: from flags and the environment, all faults at once, and no secret in a message."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from analysis import meshes
from analysis.prometheus import Access
from rollout import addresses, settings
from rollout.settings import Settings

URL = {"prometheus_url": "http://prometheus:9090"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine is read."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAMPART_{name.upper()}", raising=False)


def loaded(**flags: object) -> Settings:
    found = settings.load({**URL, **flags}, {})
    assert isinstance(found, Settings), found
    return found


def faults(**flags: object) -> tuple[str, ...]:
    found = settings.load({**URL, **flags}, {})
    assert not isinstance(found, Settings)
    return found


def test_the_address_of_prometheus_is_all_that_must_be_said() -> None:
    """Everything else has a default."""
    assert settings.load({}, {}) == (
        "RAMPART_PROMETHEUS_URL (--prometheus-url) is not set: where Prometheus answers,"
        " such as http://prometheus.monitoring:9090",
    )
    assert loaded().workers == 16


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("namespaces", "shop, cart,", ("shop", "cart"), id="a list"),
        pytest.param("namespaces", "", (), id="no list: everywhere"),
        pytest.param("warm_up", "1m30s", timedelta(seconds=90), id="a duration"),
        pytest.param("settle", "0.5", 0.5, id="seconds"),
        pytest.param("workers", "8", 8, id="a number"),
        pytest.param("prometheus_url", "https://prom/", "https://prom", id="an address without its last slash"),
        pytest.param("prometheus_token_file", __file__, Path(__file__), id="a file"),
        pytest.param("prometheus_ca_file", "", None, id="no file"),
        pytest.param("prometheus_user", "", None, id="no user"),
        pytest.param("webhook_events", "ends, RouteDrift", ("ends", "RouteDrift"), id="groups and reasons"),
        pytest.param("mesh", "linkerd", "linkerd", id="a mesh"),
        pytest.param(
            "metric_names",
            'workload=app; failures=status=~"5.."',
            {"workload": "app", "failures": 'status=~"5.."'},
            id="names of metrics",
        ),
        pytest.param(
            "prometheus_headers", "X-Scope-OrgID=shop; a = b=c", {"X-Scope-OrgID": "shop", "a": "b=c"}, id="pairs"
        ),
        pytest.param("prometheus_headers", '{"a": "b;c"}', {"a": "b;c"}, id="pairs as JSON"),
        pytest.param("defaults", "interval=30s;steps=10,50", {"interval": "30s", "steps": "10,50"}, id="defaults"),
        pytest.param("defaults", '{"max-failures": 5}', {"max-failures": "5"}, id="defaults as JSON"),
        pytest.param("defaults", "", {}, id="no defaults"),
        pytest.param("listen", "[::1]:8081", "[::1]:8081", id="an address of IPv6"),
        pytest.param("log_level", "debug", "debug", id="a level"),
    ],
)
def test_values_are_read_alike_from_flags_and_environment(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field is a flag and a variable."""
    assert getattr(loaded(**{name: text}), name) == value
    monkeypatch.setenv(f"RAMPART_{name.upper()}", text)
    found = settings.load({} if name == "prometheus_url" else URL)
    assert isinstance(found, Settings), found
    assert getattr(found, name) == value


def test_a_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a flag that was not given does not count."""
    monkeypatch.setenv("RAMPART_WORKERS", "3")
    assert loaded(workers="5").workers == 5
    assert loaded(workers=None).workers == 3


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        pytest.param(
            "prometheus_url",
            "prometheus:9090",
            "RAMPART_PROMETHEUS_URL (--prometheus-url) must be a URL such as http://prometheus.monitoring:9090,"
            " got a value that is not shown here",
            id="no scheme",
        ),
        pytest.param("prometheus_url", "http://", "must be a URL", id="no host"),
        pytest.param("listen", "8081", "must be host:port such as 0.0.0.0:8081, got 8081", id="no host to listen on"),
        pytest.param("listen", ":8081", "must be host:port", id="an empty host"),
        pytest.param("listen", "a:http", "must be host:port", id="a port that is no number"),
        pytest.param("listen", "a:65536", "must be host:port", id="a port that is too high"),
        pytest.param("workers", "0", "must be greater than or equal to 1, got 0", id="no worker"),
        pytest.param("settle", "0", "must be greater than 0, got 0", id="no time to settle"),
        pytest.param("warm_up", "30", "must be a duration such as 30s, 5m or 1h30m, got 30", id="no unit"),
        pytest.param("log_level", "loud", "must be 'debug', 'info', 'warning' or 'error', got loud", id="level"),
        pytest.param("keep", "101", "must be less than or equal to 100, got 101", id="too many kept"),
        pytest.param("defaults", "steps", "must be key=value pairs separated by semicolons", id="no pair"),
        pytest.param("defaults", "=5", "must be key=value pairs separated by semicolons", id="no key"),
        pytest.param(
            "defaults",
            "steps=50,10",
            "rampart.dev/steps must rise to at most 100, such as 5,25,50, got 50,10",
            id="steps",
        ),
        pytest.param("defaults", "step=5", "rampart.dev/step", id="an unknown default"),
        pytest.param("defaults", "{", "RAMPART_DEFAULTS (--defaults) ", id="broken JSON"),
        pytest.param("prometheus_headers", "token", "must be key=value pairs", id="a header without a value"),
        pytest.param("prometheus_headers", "a b=c", "must have headers of printable ASCII", id="a header with a space"),
        pytest.param("prometheus_headers", "a=ö", "must have headers of printable ASCII", id="a header beyond ASCII"),
        pytest.param("prometheus_headers", '{"a": "b\\nc: d"}', "must have headers of", id="two headers in one"),
        pytest.param(
            "prometheus_token_file",
            "/nowhere/token",
            "must be a file that can be read (No such file or directory), got /nowhere/token",
            id="a missing token",
        ),
        pytest.param(
            "prometheus_ca_file", "/", "must be a file that can be read (Is a directory), got /", id="a directory"
        ),
        pytest.param("prometheus_certificate_file", "/nowhere", "can be read (No such", id="a missing certificate"),
        pytest.param(
            "kubeconfig", "/nowhere", "can be read (No such file or directory), got /nowhere", id="no cluster"
        ),
        pytest.param("webhook_events", "", "must name all, starts, ends, failures, warnings or reasons", id="no event"),
        pytest.param("mesh", "linkered", "the nearest is linkerd, got linkered", id="an unknown mesh"),
        pytest.param(
            "metric_names",
            "request=hits",
            "has request, which is no name that can be replaced; the nearest is requests, got request=hits",
            id="an unknown name of a metric",
        ),
        pytest.param("metric_names", "unit=us", "needs ms or s for unit, not 'us', got unit=us", id="a wrong unit"),
        pytest.param(
            "metric_names", "{", "must be key=value pairs or a JSON object of texts", id="broken JSON of names"
        ),
    ],
)
def test_bad_values_are_refused_with_the_reason(name: str, text: str, sentence: str) -> None:
    """Variable, flag, what would be right, what was found."""
    found = faults(**{name: text})
    assert len(found) == 1
    assert sentence in found[0]
    assert f"RAMPART_{name.upper()} (--{name.replace('_', '-')})" in found[0]


def test_every_fault_is_said_at_once() -> None:
    """Whoever mends the installation mends it once."""
    found = settings.load({"workers": "0", "listen": "x"}, {"RAMPART_WORKRES": "1"})
    assert not isinstance(found, Settings)
    assert {text.split(" ")[0] for text in found} == {
        "RAMPART_WORKRES",
        "RAMPART_PROMETHEUS_URL",
        "RAMPART_LISTEN",
        "RAMPART_WORKERS",
    }


@pytest.mark.parametrize(
    ("variable", "unknown"),
    [
        pytest.param("RAMPART_LOGLEVEL", True, id="misspelt"),
        pytest.param("RAMPART_LOG_LEVEL", False, id="known"),
        pytest.param("RAMPART_SANDBOX", False, id="of another program of this project"),
        pytest.param("PATH", False, id="of others"),
        pytest.param("RAMPART_SERVICE_HOST", False, id="of a Service called rampart"),
        pytest.param("RAMPART_SERVICE_PORT", False, id="its port"),
        pytest.param("RAMPART_SERVICE_PORT_HTTP_METRICS", False, id="its named port"),
        pytest.param("RAMPART_PORT", False, id="its address"),
        pytest.param("RAMPART_PORT_8081_TCP", False, id="its address by port"),
        pytest.param("RAMPART_PORT_8081_TCP_ADDR", False, id="its address in parts"),
        pytest.param("RAMPART_METRICS_SERVICE_HOST", False, id="of a Service called rampart-metrics"),
        pytest.param("RAMPART_METRICS_PORT_8081_TCP_PROTO", False, id="its protocol"),
        pytest.param("RAMPART_SERVICE_ACOUNT", True, id="misspelt, and no Service's"),
    ],
)
def test_unknown_variables_under_our_prefix_are_typing_errors(variable: str, unknown: bool) -> None:
    """They would otherwise be silently without effect."""
    found = settings.load(URL, {variable: "x"})
    assert isinstance(found, Settings) is not unknown
    assert not unknown or (isinstance(found, tuple) and found[0].startswith(f"{variable} is not a known setting"))


def test_a_fault_does_not_print_the_headers_that_were_right() -> None:
    """A secret in one setting is not shown by the fault of another."""
    found = faults(prometheus_headers="Authorization=Bearer s3cret", workers="0")
    assert "s3cret" not in " ".join(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("prometheus_headers", "Authorization: Bearer s3cret", id="a header as curl writes it"),
        pytest.param("prometheus_headers", '{"Authorization": "Bearer s3cret"', id="broken JSON"),
        pytest.param("prometheus_headers", '{"Authorization": {"Bearer": "s3cret"}', id="JSON of another shape"),
        pytest.param("prometheus_url", "user:s3cret@prometheus:9090", id="an address without a scheme"),
        pytest.param("prometheus_url", "ftp://user:s3cret@prometheus", id="an address of another scheme"),
    ],
)
def test_a_fault_does_not_print_a_secret_that_is_wrong(name: str, text: str) -> None:
    """The sentence says what would be right, and not what was found."""
    (found,) = faults(**{name: text})
    assert "s3cret" not in found
    assert found.startswith(f"RAMPART_{name.upper()} (--{name.replace('_', '-')}) ")
    assert found.endswith(", got a value that is not shown here")


def test_a_query_has_one_authorization() -> None:
    """Token, password and a header of one's own exclude each other; each sentence names what was set."""
    password = {"prometheus_user": "me", "prometheus_password_file": __file__}
    token = {"prometheus_token_file": __file__}
    header = {"prometheus_headers": "a=b; authorization=Bearer s3cret"}
    called = {
        "token": "RAMPART_PROMETHEUS_TOKEN_FILE (--prometheus-token-file)",
        "user": "RAMPART_PROMETHEUS_USER (--prometheus-user)",
        "headers": "RAMPART_PROMETHEUS_HEADERS (--prometheus-headers)",
    }
    ending = "exclude each other: a query has one Authorization"
    assert faults(**token, **password) == (f"{called['token']} and {called['user']} {ending}",)
    assert faults(**token, **header) == (f"{called['token']} and {called['headers']} {ending}",)
    assert faults(**password, **header) == (f"{called['user']} and {called['headers']} {ending}",)
    as_json = {"prometheus_headers": '{"X-Scope-OrgID": "a", "Authorization": "Bearer s3cret"}'}
    assert faults(**token, **as_json) == (f"{called['token']} and {called['headers']} {ending}",)
    assert loaded(**header).prometheus_headers == {"a": "b", "authorization": "Bearer s3cret"}
    assert loaded(**token, prometheus_headers="X-Authorization-Of=b").prometheus_token_file == Path(__file__)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param(
            {"prometheus_user": "me"},
            "RAMPART_PROMETHEUS_PASSWORD_FILE (--prometheus-password-file) is not set:"
            " it and RAMPART_PROMETHEUS_USER (--prometheus-user) need each other",
            id="a user without a password",
        ),
        pytest.param(
            {"prometheus_password_file": __file__},
            "RAMPART_PROMETHEUS_USER (--prometheus-user) is not set:"
            " it and RAMPART_PROMETHEUS_PASSWORD_FILE (--prometheus-password-file) need each other",
            id="a password without a user",
        ),
        pytest.param(
            {"prometheus_key_file": __file__},
            "RAMPART_PROMETHEUS_CERTIFICATE_FILE (--prometheus-certificate-file) is not set:"
            " RAMPART_PROMETHEUS_KEY_FILE (--prometheus-key-file) needs it",
            id="a key without a certificate",
        ),
        pytest.param(
            {"webhook_secret_file": __file__},
            "RAMPART_WEBHOOK_URL_FILE (--webhook-url-file) is not set:"
            " it and RAMPART_WEBHOOK_SECRET_FILE (--webhook-secret-file) need each other",
            id="a secret without an address",
        ),
    ],
)
def test_settings_that_need_each_other(given: dict[str, str], sentence: str) -> None:
    """What is missing is named with what needs it."""
    assert faults(**given) == (sentence,)


def test_a_certificate_may_hold_its_key() -> None:
    found = loaded(prometheus_certificate_file=__file__, prometheus_key_file=__file__)
    assert found.prometheus_key_file == Path(__file__)
    assert loaded(prometheus_certificate_file=__file__).prometheus_key_file is None


def test_a_fault_of_one_setting_hides_no_contradiction_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends the unreadable file does not meet another fault then; a file is named by its path."""
    monkeypatch.setenv("RAMPART_PROMETHEUS_TOKEN_FILE", "/nowhere/token")
    found = faults(prometheus_user="me:you", prometheus_key_file="/nowhere/key", webhook_url_file="/nowhere/url")
    assert [text.split(" (")[0] for text in found] == [
        "RAMPART_PROMETHEUS_PASSWORD_FILE",
        "RAMPART_WEBHOOK_SECRET_FILE",
        "RAMPART_PROMETHEUS_CERTIFICATE_FILE",
        "RAMPART_PROMETHEUS_TOKEN_FILE",
        "RAMPART_PROMETHEUS_TOKEN_FILE",
        "RAMPART_PROMETHEUS_USER",
        "RAMPART_PROMETHEUS_KEY_FILE",
        "RAMPART_WEBHOOK_URL_FILE",
    ]
    for name in ("token", "key", "url"):
        assert any(text.endswith(f"(No such file or directory), got /nowhere/{name}") for text in found)


def test_all_that_is_wrong_within_one_setting_is_said() -> None:
    """Several names, several defaults, several words."""
    (found,) = faults(metric_names="request=hits;unit=us")
    assert "has request, which" in found
    assert "needs ms or s for unit" in found
    (found,) = faults(defaults="steps=50,10;interval=soon")
    assert "rampart.dev/steps must rise" in found
    assert "rampart.dev/interval must be" in found
    (found,) = faults(webhook_events="end, Promotd")
    assert "end is neither, the nearest is ends; Promotd is neither, the nearest is Promoted" in found


def test_what_was_found_is_said_once() -> None:
    """A sentence about an annotation says it already."""
    assert faults(defaults="steps=50,10") == (
        "RAMPART_DEFAULTS (--defaults): rampart.dev/steps must rise to at most 100, such as 5,25,50, got 50,10",
    )
    assert faults(defaults='{"steps": ') == (
        "RAMPART_DEFAULTS (--defaults) must be key=value pairs or a JSON object of texts"
        ' (Expecting value: line 1 column 10 (char 9)), got {"steps": ',
    )


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        pytest.param("webhook_url_file", "s3cret", "must hold one address such as https://", id="no address"),
        pytest.param("webhook_url_file", "https://a/s3cret\nhttps://b", "must hold one address", id="two addresses"),
        pytest.param("webhook_url_file", "https://a:s3cret", "must hold one address", id="a port that is none"),
        pytest.param("webhook_url_file", "", "must hold one address", id="empty"),
        pytest.param("webhook_secret_file", " \n", "must hold a secret, one a line, and is empty", id="no secret"),
        pytest.param("webhook_secret_file", "whsec_s3cret!", "must hold base64 after whsec_", id="no base64"),
    ],
)
def test_what_a_secret_file_holds_is_checked_and_not_shown(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    """The path is named."""
    good = {"webhook_url_file": "https://hooks.example.com/a\n", "webhook_secret_file": "new\nold\n"}
    for key, content in {**good, name: text}.items():
        (tmp_path / key).write_text(content)
    (found,) = faults(**{key: str(tmp_path / key) for key in good})
    assert sentence in found
    assert found.endswith(f", got {tmp_path / name}")
    assert "s3cret" not in found
    (tmp_path / name).write_text(good[name])
    assert loaded(**{key: str(tmp_path / key) for key in good}).webhook_events == ("all",)


def test_a_mesh_is_a_row_of_the_table_with_its_names_replaced() -> None:
    """What both judges and the preflight ask by."""
    assert loaded().telemetry == meshes.ISTIO
    found = loaded(mesh="application-pods", metric_names='requests=hits_total;always=path!="/healthz"')
    assert found.telemetry == dataclasses.replace(
        meshes.APPLICATION_PODS, requests="hits_total", always=('path!="/healthz"',)
    )


def test_the_settings_of_prometheus_reach_its_door() -> None:
    """Each of them."""
    found = addresses.access_of(
        loaded(
            prometheus_user="me",
            prometheus_password_file=__file__,
            prometheus_ca_file=__file__,
            prometheus_certificate_file=__file__,
            prometheus_key_file=__file__,
            prometheus_insecure="true",
            prometheus_headers="X-Scope-OrgID=shop",
            prometheus_timeout="7",
        )
    )
    own = Path(__file__)
    assert found == Access(
        url="http://prometheus:9090",
        headers={"X-Scope-OrgID": "shop"},
        user="me",
        password_file=own,
        ca_file=own,
        certificate_file=own,
        key_file=own,
        insecure=True,
        read=timedelta(seconds=7),
    )
    assert addresses.access_of(loaded(prometheus_token_file=__file__)).token_file == own


@pytest.mark.parametrize(
    ("given", "elects"),
    [
        pytest.param({}, True, id="in a cluster: yes"),
        pytest.param({"leader_elect": "false"}, False, id="unless told not to"),
        pytest.param({"kubeconfig": __file__}, False, id="with a kubeconfig: no"),
        pytest.param(
            {"kubeconfig": __file__, "leader_elect": "true", "lease_namespace": "sys"}, True, id="unless asked"
        ),
    ],
)
def test_a_leader_is_elected_where_there_may_be_several(given: dict[str, str], elects: bool) -> None:
    """A developer at a terminal is alone."""
    assert loaded(**given).elects is elects


def test_with_a_kubeconfig_the_leases_namespace_has_to_be_said() -> None:
    """There is no pod whose namespace it could be."""
    assert faults(kubeconfig=__file__, leader_elect="true") == (
        "RAMPART_LEASE_NAMESPACE (--lease-namespace) is not set: it must be where RAMPART_LEADER_ELECT (--leader-elect)"
        " is true and a kubeconfig is used",
    )
    assert "must be greater than or equal to 3, got 2" in faults(lease_seconds="2")[0]
