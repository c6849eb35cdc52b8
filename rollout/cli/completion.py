"""`rampart completion`: a script for the shell, and the names of Deployments for it to offer."""

import argparse
from contextlib import closing

import argcomplete
from argcomplete import shell_integration

from deploy import cluster, errors, kinds, names
from deploy.cluster import Cluster
from rollout.cli.codes import Code

SHELLS = ("bash", "zsh", "fish")
PATIENCE_SECONDS = 2.0
"""Who presses a key does not wait longer for names."""

DESCRIPTION = """\
Print a script that completes commands, flags and the names of Deployments:

  source <(rampart completion bash)        # in ~/.bashrc; or zsh, in ~/.zshrc
  rampart completion fish | source         # in ~/.config/fish/config.fish
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "completion",
        help="a completion script for the shell",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("shell", choices=SHELLS, help="which shell")
    found.set_defaults(act=run)


def run(arguments: argparse.Namespace) -> int:
    """The script on standard output."""
    print(shell_integration.shellcode(["rampart"], shell=arguments.shell))
    return Code.DONE


def complete(parser: argparse.ArgumentParser) -> None:
    """Where a shell asks for completions, answer and end; else nothing happens."""
    argcomplete.autocomplete(parser)


def deployment(parser: argparse.ArgumentParser, nargs: str | None = None, name: str = "name") -> None:
    """The argument that names a Deployment (or several), with its completion."""
    text = {"?": "a Deployment", "*": "Deployments in the namespace"}.get(nargs or "", "a Deployment")
    action = parser.add_argument(name, nargs=nargs, metavar="NAME", help=text)
    action.completer = offered  # type: ignore[attr-defined]


def offered(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """The names of opted-in Deployments that begin so; none where no server answers in time."""
    path, context = parsed_args.kubeconfig, parsed_args.context
    try:
        namespace = parsed_args.namespace or cluster.default_namespace(path, context)
        with closing(Cluster(cluster.from_kubeconfig(path, context))) as door:
            return matching(door.within(PATIENCE_SECONDS), namespace, prefix)
    except errors.ClusterError:
        return []


def matching(door: Cluster, namespace: str, prefix: str) -> list[str]:
    items = door.list(kinds.DEPLOYMENT, namespace, metadata_only=True).items
    found = [item["metadata"] for item in items if names.STRATEGY in (item["metadata"].get("annotations") or {})]
    return sorted(about["name"] for about in found if about["name"].startswith(prefix))
