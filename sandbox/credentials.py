"""Who may speak to the sandbox's API server: its signing key, the administrator's token, kubeconfig files."""

import json
import secrets
import subprocess
from pathlib import Path

from sandbox import errors, home, ports, tools

ADMIN = "sandbox-admin"


def prepare(place: home.Home) -> None:
    """Make the key that signs ServiceAccount tokens and one administrator (group system:masters)."""
    key = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        capture_output=True,
        text=True,
        check=False,
    )
    if key.returncode != 0:
        raise errors.Unfit(f"the sandbox needs `openssl` to make a signing key; it said: {key.stderr.strip()}")
    signing_key(place).write_text(key.stdout)
    token = secrets.token_hex(16)
    tokens(place).write_text(f'{token},{ADMIN},{ADMIN},"system:masters"\n')
    admin_token_file(place).write_text(token)
    write_kubeconfig(place, place.admin_kubeconfig, token)


def signing_key(place: home.Home) -> Path:
    return place.data / "service-account.key"


def tokens(place: home.Home) -> Path:
    """The API server's static token file: token, user, uid, groups."""
    return place.data / "tokens.csv"


def admin_token_file(place: home.Home) -> Path:
    return place.data / "admin.token"


def authority(place: home.Home) -> Path:
    """What a client has to trust; the API server makes it when it starts."""
    return place.certificates / "apiserver.crt"


def service_account(place: home.Home, namespace: str, name: str) -> Path:
    """Ask the API server for a ServiceAccount's token (one day) and write its kubeconfig; needs the network inside."""
    asked = subprocess.run(
        [str(tools.kubectl()), "create", "token", name, "--namespace", namespace, "--duration", "24h"],
        env={"KUBECONFIG": str(place.admin_kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        raise errors.SandboxError(f"no token for ServiceAccount {namespace}/{name}: {asked.stderr.strip()}")
    path = place.kubeconfigs / f"{namespace}.{name}.yaml"
    write_kubeconfig(place, path, asked.stdout.strip(), namespace=namespace)
    return path


def write_kubeconfig(place: home.Home, path: Path, token: str, namespace: str = "default") -> None:
    """Write a kubeconfig with one user, known by a bearer token. JSON is YAML."""
    cluster = {"server": ports.API_SERVER_URL, "certificate-authority": str(authority(place))}
    context = {"cluster": "sandbox", "user": "user", "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": context}],
        "current-context": "sandbox",
    }
    home.write(path, json.dumps(config, indent=2))
    path.chmod(0o600)
