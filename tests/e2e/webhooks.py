"""A mutating admission webhook of somebody else's, which writes what it is told to into every Deployment."""

import base64
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from deploy.cluster import Cluster
from deploy.kinds import Kind
from deploy.traffic import Json

WEBHOOK = Kind(
    "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False
)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    patch: list[Json]

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response: Json = {"uid": review["request"]["uid"], "allowed": True}
        if self.patch:
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(self.patch).encode()).decode()}
        body = json.dumps({**review, "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def certify(directory: Path) -> tuple[Path, Path]:
    """A key, and a certificate for 127.0.0.1 that is its own authority."""
    key, certificate = directory / "webhook.key", directory / "webhook.crt"
    words = ["-nodes", "-days", "1", "-subj", "/CN=webhook", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-newkey", "rsa:2048", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *words, *files], check=True, capture_output=True)
    return key, certificate


@contextmanager
def meddling(user: Cluster, namespace: str, directory: Path, reinvocation: str, *patch: Json) -> Iterator[None]:
    """While this lasts, the JSON patch is put on every update of a Deployment in the namespace."""
    key, certificate = certify(directory)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Meddling", (Handler,), {"patch": [*patch]}))
    server.daemon_threads = True
    server.block_on_close = False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["UPDATE"]}
    webhook = {
        "name": "meddler.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "reinvocationPolicy": reinvocation,
        "timeoutSeconds": 30,
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "clientConfig": {
            "url": f"https://127.0.0.1:{server.server_port}/",
            "caBundle": base64.b64encode(certificate.read_bytes()).decode(),
        },
    }
    user.create(WEBHOOK, {"metadata": {"name": namespace}, "webhooks": [webhook]})
    try:
        yield
    finally:
        user.delete(WEBHOOK, namespace)
        server.shutdown()
        server.server_close()
        thread.join()
