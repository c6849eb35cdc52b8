"""The door to Prometheus, against a real server on loopback that misbehaves in every known way."""

import base64
import contextlib
import gzip
import http.server
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib import parse

import pytest

from analysis import errors, outcome, prometheus, samples
from tests.analysis import loopback

AT = datetime(2026, 11, 3, 10, 0, 0, 250_000, UTC)
SCOPE = {"X-Scope-OrgID": "shop"}
SHORT = timedelta(seconds=0.3)
LONG = timedelta(seconds=30)
"""For every server that answers, however busy the machine is."""


@contextlib.contextmanager
def door(url: str, **access: object) -> Iterator[prometheus.Prometheus]:
    """A door with patience, unless another is given."""
    given = {"connect": LONG, "read": LONG, **access}
    opened = prometheus.Prometheus(prometheus.Access(url, **given))  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


def asked(answer: loopback.Answer, **access: object) -> outcome.Answer:
    """What the door makes of a server's answer."""
    with loopback.serving(answer) as server, door(loopback.address(server), **access) as opened:
        return opened.ask("up", AT)


def refuse_to_end(request: http.server.BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, each well within the time-out, until the other one hangs up."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b" ")
        time.sleep(0.05)


def hang(request: http.server.BaseHTTPRequestHandler) -> None:
    """Accept the request and say nothing, until the other one hangs up."""
    request.rfile.read(1)


def drop(request: http.server.BaseHTTPRequestHandler) -> None:
    """Close the connection in the middle of the body."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"status"')
    request.close_connection = True


def flood(request: http.server.BaseHTTPRequestHandler) -> None:
    """Send more than anybody wants to read."""
    request.send_response(200)
    request.send_header("Content-Length", str(prometheus.BODY_LIMIT + 2**20))
    request.end_headers()
    for _ in range(prometheus.BODY_LIMIT // 2**20 + 1):
        request.wfile.write(b" " * 2**20)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(loopback.success(loopback.vector("0.998")), outcome.Number(0.998), id="one number"),
        pytest.param(loopback.success([]), outcome.Nothing(), id="empty vector"),
        pytest.param(loopback.success(loopback.vector("NaN")), outcome.Nothing(), id="nan"),
        pytest.param(
            loopback.success(loopback.vector("1"), infos=["metric might not be a counter"]),
            outcome.Number(1),
            id="an info is no warning",
        ),
        pytest.param(
            loopback.body(
                gzip.compress(b'{"status":"success","data":{"resultType":"vector","result":[]}}'),
                headers={"Content-Encoding": "gzip"},
            ),
            outcome.Nothing(),
            id="compressed",
        ),
    ],
)
def test_an_answer_is_a_number_or_nothing(answer: loopback.Answer, expected: outcome.Outcome) -> None:
    """What Prometheus can answer in peace."""
    assert outcome.number(asked(answer)) == expected


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        pytest.param(loopback.success(loopback.vector("+Inf")), "PrometheusNotFinite", "inf", id="inf"),
        pytest.param(loopback.success(loopback.vector("-Inf")), "PrometheusNotFinite", "-inf", id="minus inf"),
        pytest.param(
            loopback.success(loopback.vector("1", "2", pod="a")), "PrometheusAmbiguous", "2 series", id="several series"
        ),
        pytest.param(loopback.success([1.5, "3"], "scalar"), "PrometheusMalformed", "a scalar where", id="scalar"),
        pytest.param(loopback.success([1.5, "hello"], "string"), "PrometheusMalformed", "a string where", id="string"),
        pytest.param(loopback.success([], "matrix"), "PrometheusMalformed", "a matrix where", id="range vector"),
        pytest.param(
            loopback.body("<html>\n<h1>Log in</h1>", content_type="text/html; charset=utf-8"),
            "PrometheusMalformed",
            "text/html that is no JSON: <html> <h1>Log in</h1>",
            id="login page",
        ),
        pytest.param(loopback.body(""), "PrometheusMalformed", "is no JSON: nothing", id="empty body"),
        pytest.param(loopback.body("[]"), "PrometheusMalformed", "no object", id="another json"),
        pytest.param(loopback.body('{"status":"success"}'), "PrometheusMalformed", "without data", id="no data"),
        pytest.param(
            loopback.success([{"metric": {}, "value": [1.5]}]), "PrometheusMalformed", "another shape", id="no value"
        ),
        pytest.param(
            loopback.success([{"metric": {}, "value": [1.5, 3]}]),
            "PrometheusMalformed",
            "another shape",
            id="bare number",
        ),
        pytest.param(loopback.success({"a": 1}), "PrometheusMalformed", "another shape", id="vector that is a mapping"),
        pytest.param(
            loopback.body("", 302, headers={"Location": "https://user:secret@login.example/in?token=secret"}),
            "PrometheusMalformed",
            "redirects to https://login.example/in: ",
            id="redirect",
        ),
        pytest.param(loopback.body("404 page not found", 404), "PrometheusMalformed", "404", id="not found"),
        pytest.param(loopback.body("", 204), "PrometheusMalformed", "answered 204: nothing", id="no content"),
        pytest.param(flood, "PrometheusMalformed", "more than", id="endless body"),
        pytest.param(loopback.body("who are you", 401), "PrometheusRefused", "401: who are you", id="401"),
        pytest.param(loopback.body("not you", 403), "PrometheusRefused", "403: not you", id="403"),
        pytest.param(loopback.body("later", 429), "PrometheusBusy", "429: later", id="429"),
        pytest.param(
            loopback.failure(503, "timeout", "query timed out"), "PrometheusBusy", "503: query timed out", id="503"
        ),
        pytest.param(loopback.body("oops", 500), "PrometheusBusy", "500", id="500"),
        pytest.param(
            loopback.failure(400, "bad_data", "parse error"),
            "PrometheusBadQuery",
            "400: parse error; the query was up",
            id="bad query",
        ),
        pytest.param(
            loopback.failure(422, "execution", "many-to-many matching"),
            "PrometheusBadQuery",
            "many-to-many matching; the query was up",
            id="query that cannot run",
        ),
        pytest.param(
            loopback.failure(200, "bad_data", "parse error"), "PrometheusBadQuery", "parse error", id="error in a 200"
        ),
        pytest.param(
            loopback.failure(200, "unavailable", "no store"), "PrometheusBusy", "no store", id="unavailable in a 200"
        ),
        pytest.param(
            loopback.success(loopback.vector("1"), warnings=["store b is away"]),
            "PrometheusPartial",
            "data may be missing: ['store b is away']",
            id="partial response",
        ),
        pytest.param(drop, "PrometheusUnreachable", "cannot be reached", id="cut off"),
    ],
)
def test_a_fault_has_a_name_and_words(answer: loopback.Answer, fault: str, words: str) -> None:
    """Each way to misbehave is an outcome of its own, never a number and never nothing."""
    found = outcome.number(asked(answer))
    assert isinstance(found, outcome.Broken)
    assert found.fault == fault
    assert words in found.text
    assert "secret" not in found.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(hang, "gave no answer within 0.3 s", id="hang"),
        pytest.param(refuse_to_end, "gave no whole answer within 0.3 s", id="drop by drop"),
    ],
)
def test_patience_ends(answer: loopback.Answer, words: str) -> None:
    """Who does not answer in time can not be reached, whatever goes on at the connection."""
    found = outcome.number(asked(answer, read=SHORT))
    assert isinstance(found, outcome.Broken)
    assert found.fault == "PrometheusUnreachable"
    assert words in found.text


def read(answer: loopback.Answer) -> samples.Answer:
    """What the door makes of a server's answer to a range selector."""
    with loopback.serving(answer) as server, door(loopback.address(server)) as opened:
        return opened.read("up[60s]", AT)


def counter(*values: object) -> dict[str, object]:
    """One series of a matrix, a sample each second."""
    return {"metric": {"pod": "a"}, "values": [[second, value] for second, value in enumerate(values)]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            loopback.success([counter("1", "2.5")], "matrix"),
            samples.Matrix((samples.Series({"pod": "a"}, (0, 1), (1, 2.5)),)),
            id="samples",
        ),
        pytest.param(loopback.success([], "matrix"), samples.Matrix(), id="no series"),
        pytest.param(loopback.success([counter()], "matrix"), samples.Matrix(), id="no samples"),
        pytest.param(
            loopback.success([counter("1", "NaN", "+Inf", "3")], "matrix"),
            samples.Matrix((samples.Series({"pod": "a"}, (0, 3), (1, 3)),)),
            id="what is not finite is no sample",
        ),
    ],
)
def test_samples_are_read_as_they_are(answer: loopback.Answer, expected: samples.Matrix) -> None:
    """A range selector gives each series with its times and values."""
    assert read(answer) == expected


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        pytest.param(loopback.success([], "vector"), "PrometheusMalformed", "a vector where a matrix", id="vector"),
        pytest.param(
            loopback.success([counter(3)], "matrix"), "PrometheusMalformed", "another shape", id="bare number"
        ),
        pytest.param(
            loopback.success([{"metric": {}}], "matrix"), "PrometheusMalformed", "another shape", id="no values"
        ),
        pytest.param(
            loopback.success([], "matrix", warnings=["store away"]), "PrometheusPartial", "store away", id="partial"
        ),
        pytest.param(
            loopback.success([], "matrix", isPartial=True), "PrometheusPartial", "is partial", id="partial, by a flag"
        ),
        pytest.param(loopback.failure(422, "execution", "too many samples"), "PrometheusBadQuery", "up[60s]", id="422"),
        pytest.param(flood, "PrometheusMalformed", "select fewer series", id="endless body"),
    ],
)
def test_a_fault_of_samples_has_the_same_names(answer: loopback.Answer, fault: str, words: str) -> None:
    """The same explicit outcomes as for numbers."""
    found = read(answer)
    assert isinstance(found, outcome.Broken)
    assert found.fault == fault
    assert words in found.text


def test_a_fault_names_the_address_without_the_password() -> None:
    """A message says who answered, and keeps what was in the address to itself."""
    with loopback.serving(loopback.body("no", 403)) as server:
        url = f"http://me:secret@127.0.0.1:{server.server_port}/prefix/"
        with door(url) as opened:
            found = opened.ask("up", AT)
    assert isinstance(found, outcome.Broken)
    assert found.text == f"Prometheus at http://127.0.0.1:{server.server_port}/prefix answered 403: no"


def test_a_refused_connection_is_told_in_the_same_words_each_time() -> None:
    """The text has no object addresses, so that a repeat can be recognised."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with door(f"http://127.0.0.1:{port}") as opened:
        began = time.monotonic()
        found = [opened.ask("up", AT) for _ in range(2)]
        took = time.monotonic() - began
    assert found[0] == outcome.Broken(
        errors.Fault.UNREACHABLE,
        f"Prometheus at http://127.0.0.1:{port} cannot be reached: [Errno 111] Connection refused",
    )
    assert found[1] == found[0]
    assert took < 5, "nothing is retried: the library would wait six seconds for each"


def test_a_full_backlog_is_a_connection_that_is_not_taken() -> None:
    """A server that takes no connections costs the connect time-out and no more."""
    with socket.socket() as deaf, contextlib.ExitStack() as stack:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        with door(f"http://127.0.0.1:{deaf.getsockname()[1]}", connect=SHORT) as opened:
            found = opened.ask("up", AT)
    assert isinstance(found, outcome.Broken)
    assert found.fault is errors.Fault.UNREACHABLE
    assert "took no connection within 0.3 s" in found.text


@pytest.mark.parametrize("url", ["prometheus:9090", "", "ftp://prometheus"])
def test_an_address_that_is_none_is_unreachable(url: str) -> None:
    """A bad setting is an outcome too, and no exception in a worker."""
    with door(url) as opened:
        found = opened.ask("up", AT)
    assert isinstance(found, outcome.Broken)
    assert found.fault is errors.Fault.UNREACHABLE


def test_the_query_goes_out_with_its_time_its_patience_and_our_headers() -> None:
    """Evaluated at the time of the question; given up by the server before we hang up."""
    heard: list[tuple[parse.SplitResult, str | None]] = []

    def note(request: http.server.BaseHTTPRequestHandler) -> None:
        heard.append((parse.urlsplit(request.path), request.headers["X-Scope-OrgID"]))
        loopback.success([])(request)

    with loopback.serving(note) as server, door(f"{loopback.address(server)}/prom/", headers=SCOPE) as opened:
        assert opened.ask('sum(up{job="a"})', AT) == outcome.Table()
    (path, scope), *rest = heard
    assert rest == []
    assert path.path == "/prom/api/v1/query"
    assert parse.parse_qs(path.query) == {
        "query": ['sum(up{job="a"})'],
        "time": ["1793700000.250"],
        "timeout": ["24.000"],
    }
    assert scope == "shop"


def test_a_renewed_token_is_used_at_the_next_query(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Projected tokens are renewed in place; no .netrc, proxy or CA bundle of the environment comes between."""
    heard: list[str | None] = []

    def note(request: http.server.BaseHTTPRequestHandler) -> None:
        heard.append(request.headers["Authorization"])
        loopback.success([])(request)

    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    token = tmp_path / "token"
    token.write_text("first\n")
    with loopback.serving(note) as server, door(loopback.address(server), token_file=token) as opened:
        opened.query("up", AT)
        token.write_text("second\n")
        opened.query("up", AT)
    assert heard == ["Bearer first", "Bearer second"]


def test_a_renewed_password_is_used_at_the_next_query(tmp_path: pathlib.Path) -> None:
    """Basic authentication in UTF-8 (RFC 7617), for numbers as for samples; a user in the address does not matter."""
    heard: list[str | None] = []

    def note(request: http.server.BaseHTTPRequestHandler) -> None:
        heard.append(request.headers["Authorization"])
        loopback.success([], "matrix" if "%5B" in request.path else "vector")(request)

    password = tmp_path / "password"
    password.write_text("first:1\n")
    with loopback.serving(note) as server:
        url = f"http://other:wrong@127.0.0.1:{server.server_port}"
        with door(url, user="jürgen", password_file=password) as opened:
            opened.query("up", AT)
            password.write_text("zwölf\n")
            assert opened.read("up[60s]", AT) == samples.Matrix()
    pairs = [base64.b64decode(text.removeprefix("Basic ")).decode() for text in heard if text]
    assert pairs == ["jürgen:first:1", "jürgen:zwölf"]


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        pytest.param("token", None, "the token file FILE cannot be read: No such file or directory", id="no token"),
        pytest.param("token", b"\xff", "the token file FILE cannot be read: it is no text", id="no text"),
        pytest.param("token", b"\n", "the token file FILE must hold one line, and holds nothing", id="empty"),
        pytest.param("token", b"a\nb", "the token file FILE must hold one line, and holds more", id="two lines"),
        pytest.param(
            "token", "ö".encode(), "the token file FILE holds characters that no header may have", id="umlaut"
        ),
        pytest.param("password", None, "the password file FILE cannot be read: No such file", id="no password"),
    ],
)
def test_a_file_without_credentials_is_named(
    tmp_path: pathlib.Path, kind: str, content: bytes | None, words: str
) -> None:
    """Nothing is asked without the credentials that were configured, and none of them is shown."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    user = {"user": "me"} if kind == "password" else {}
    found = asked(loopback.body("asked without", 500), **user, **{f"{kind}_file": path})
    assert isinstance(found, outcome.Broken)
    assert found.fault is errors.Fault.REFUSED
    assert found.text.startswith(words.replace("FILE", str(path)))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        pytest.param(("token_file", "user", "password_file"), "token_file and user exclude each other", id="both"),
        pytest.param(("user",), "user and password_file need each other", id="no password"),
        pytest.param(("password_file",), "user and password_file need each other", id="no user"),
        pytest.param(("key_file",), "key_file needs certificate_file", id="a key alone"),
    ],
)
def test_credentials_that_do_not_go_together_are_refused(names: tuple[str, ...], sentence: str) -> None:
    """A slip of whoever builds an Access is told at once."""
    given = {name: "me" if name == "user" else pathlib.Path(name) for name in names}
    with pytest.raises(ValueError, match=sentence):
        prometheus.Access("http://127.0.0.1:1", **given)  # type: ignore[arg-type]


def test_one_connection_serves_many_queries() -> None:
    """No new handshake for every look."""
    callers: set[int] = set()

    def note(request: http.server.BaseHTTPRequestHandler) -> None:
        callers.add(request.client_address[1])
        loopback.success([])(request)

    with loopback.serving(note) as server, door(loopback.address(server)) as opened:
        for _ in range(3):
            opened.query("up", AT)
    assert len(callers) == 1


def test_several_threads_share_one_door() -> None:
    """Answers are not mixed up among workers."""

    def echo(request: http.server.BaseHTTPRequestHandler) -> None:
        query = parse.parse_qs(parse.urlsplit(request.path).query)["query"][0]
        loopback.success(loopback.vector(query))(request)

    found: dict[int, outcome.Outcome] = {}
    patient = {"connect": timedelta(seconds=10), "read": timedelta(seconds=10)}
    with loopback.serving(echo) as server, door(loopback.address(server), **patient) as opened:

        def work(number: int) -> None:
            found[number] = outcome.number(opened.ask(str(number), AT))

        workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert found == {number: outcome.Number(number) for number in range(8)}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    both = folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=loopback"
    names = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(folder / "c.pem"),
    ]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    both.write_text((folder / "c.pem").read_text() + (folder / "key.pem").read_text())
    return both


@pytest.mark.parametrize(
    ("trusted", "insecure", "expected"),
    [
        pytest.param(True, False, outcome.Nothing(), id="its own authority"),
        pytest.param(False, True, outcome.Nothing(), id="not checked"),
        pytest.param(True, True, outcome.Nothing(), id="not checked in spite of an authority"),
        pytest.param(False, False, "certificate verify failed", id="unknown authority"),
    ],
)
def test_a_certificate_is_checked_unless_it_is_waived(
    certificate: pathlib.Path, trusted: bool, insecure: bool, expected: outcome.Nothing | str
) -> None:
    """TLS by the authority that was configured, by the system's, or by none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with loopback.serving(loopback.success([])) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # urllib3 warns of what was asked for
        server.socket = context.wrap_socket(server.socket, server_side=True)
        ca_file = certificate if trusted else None
        with door(loopback.address(server, "https"), ca_file=ca_file, insecure=insecure) as opened:
            found = outcome.number(opened.ask("up", AT))
    if isinstance(expected, str):
        assert isinstance(found, outcome.Broken)
        assert found.fault is errors.Fault.UNREACHABLE
        assert expected in found.text
    else:
        assert found == expected


def test_a_missing_authority_file_is_unreachable(tmp_path: pathlib.Path) -> None:
    """A certificate that cannot be checked is not trusted."""
    with door("https://127.0.0.1:1", ca_file=tmp_path / "ca.pem") as opened:
        found = opened.ask("up", AT)
    assert isinstance(found, outcome.Broken)
    assert str(tmp_path / "ca.pem") in found.text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param("both", outcome.Nothing(), id="certificate and key in one file"),
        pytest.param("two", outcome.Nothing(), id="in two files"),
        pytest.param("none", "cannot be reached: ", id="no certificate"),
        pytest.param("gone", "gone.pem", id="a file that is gone"),
    ],
)
def test_our_own_certificate_is_shown(
    certificate: pathlib.Path, tmp_path: pathlib.Path, shown: str, expected: outcome.Nothing | str
) -> None:
    """A server that asks for a client's certificate gets it, or refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    files = {
        "both": {"certificate_file": certificate},
        "two": {"certificate_file": certificate.with_name("c.pem"), "key_file": certificate.with_name("key.pem")},
        "none": {},
        "gone": {"certificate_file": tmp_path / "gone.pem"},
    }
    with loopback.serving(loopback.success([])) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        with door(loopback.address(server, "https"), ca_file=certificate, **files[shown]) as opened:
            found = outcome.number(opened.ask("up", AT))
    if isinstance(expected, str):
        assert isinstance(found, outcome.Broken)
        assert found.fault is errors.Fault.UNREACHABLE
        assert expected in found.text
    else:
        assert found == expected
