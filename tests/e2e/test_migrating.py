"""The commands of docs/migrating-from-flagger.md, carried out under load on what Flagger leaves behind."""

import subprocess
from pathlib import Path

import yaml

from deploy import kinds, names
from tests.docs import pages
from tests.e2e import stage

COMMANDS = pages.DOCS / "migrating-from-flagger.md"

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - retries: {attempts: 0}
    route:
    - {destination: {host: web-primary}, weight: 100}
    - {destination: {host: web-canary}, weight: 0}
"""


def service(name: str, app: str) -> str:
    body = yaml.safe_load(stage.SERVICE)
    body["metadata"]["name"], body["spec"]["selector"] = name, {"app": app}
    return yaml.safe_dump(body)


def rule(name: str) -> str:
    spec = {"host": name}
    body = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name}, "spec": spec}
    return yaml.safe_dump(body)


def primary() -> str:
    body = yaml.safe_load(stage.DEPLOYMENT)
    body["metadata"]["name"] = "web-primary"
    body["spec"]["selector"] = {"matchLabels": {"app": "web-primary"}}
    body["spec"]["template"]["metadata"]["labels"] = {"app": "web-primary"}
    return yaml.safe_dump(body)


def flagger(play: stage.Stage) -> None:
    """The state in which Flagger leaves a Deployment; a ConfigMap stands in for the Canary, which owns the rest."""
    play.kubectl("annotate", "deployment", "web", f"{names.STRATEGY}-")
    play.kubectl("create", "configmap", "canary")
    play.apply(primary(), service("web-primary", "web-primary"), service("web-canary", "web"))
    play.rolled_out("web-primary")
    play.apply(rule("web-primary"), rule("web-canary"), service("web", "web-primary"), ROUTE)
    uid = play.kubectl("get", "configmap", "canary", "-o", "jsonpath={.metadata.uid}")
    owner = f'[{{"apiVersion":"v1","kind":"ConfigMap","name":"canary","uid":"{uid}"}}]'
    for kind in ("service", "virtualservice"):
        play.kubectl("patch", kind, "web", "--type=merge", "-p", f'{{"metadata":{{"ownerReferences":{owner}}}}}')
    play.kubectl("scale", "deployment", "web", "--replicas=0")


def commands(play: stage.Stage, directory: Path) -> list[str]:
    """The page's blocks of commands, in this namespace; what speaks of the Canary speaks of its stand-in."""
    (directory / "virtualservice.yaml").write_text(stage.VIRTUAL_SERVICE)
    text = COMMANDS.read_text().replace("\n   ", "\n")
    found = pages.blocks_of(text, "sh")
    return [
        block.replace("-n shop", f"-n {play.namespace}").replace("canary web ", "configmap canary ") for block in found
    ]


def test_the_commands_move_a_deployment_here_without_a_failed_request(tmp_path: Path) -> None:
    """Each block as it stands there; then the Deployment is opted in, and a version is released."""
    with stage.opened() as play:
        flagger(play)
        play.send()
        look, *blocks = commands(play, tmp_path)
        assert "get configmap canary" in look
        assert len(blocks) == 4
        for block in blocks:
            done = subprocess.run(
                ["bash", "-euc", block], cwd=tmp_path, capture_output=True, text=True, timeout=stage.COMMAND
            )
            assert done.returncode == 0, f"{block}{done.stderr}"
        play.kubectl("annotate", "deployment", "web", f"{names.STRATEGY}=canary")
        play.set_image("v2")
        play.wait_phase("Promoted")
        play.check_none_failed()
        assert [item["metadata"]["name"] for item in play.cluster.list(kinds.SERVICE, play.namespace).items] == ["web"]
