"""Helm 4 inside the sandbox, for who has no `helm`: install, upgrade, roll back and uninstall the project's chart."""

import argparse
import json
import os
import sys
from collections.abc import Callable

import helm_python

from sandbox import chart

Command = Callable[[helm_python.Config, argparse.Namespace], None]


def main() -> int:
    """Exit code 1 with Helm's own complaint where it refuses."""
    arguments = _parser().parse_args()
    command: Command = arguments.command
    try:
        with helm_python.Config(kubeconfig_path=os.environ["KUBECONFIG"], namespace=arguments.namespace) as config:
            command(config, arguments)
    except helm_python.HelmError as error:
        print(f"helm: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m sandbox.helm", description=__doc__)
    parser.add_argument("-n", "--namespace", default=chart.NAMESPACE)
    parser.add_argument("--timeout", type=int, default=120, metavar="SECONDS")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in (("install", install), ("upgrade", upgrade)):
        added = commands.add_parser(name)
        added.add_argument("release")
        added.add_argument("--chart", default=str(chart.PATH), metavar="DIRECTORY")
        added.add_argument("--values", type=json.loads, default={}, metavar="JSON")
        added.set_defaults(command=command)
    for name, command in (("rollback", rollback), ("uninstall", uninstall)):
        added = commands.add_parser(name)
        added.add_argument("release")
        added.set_defaults(command=command)
    return parser


def install(config: helm_python.Config, given: argparse.Namespace) -> None:
    """As `helm install --create-namespace --wait`."""
    options = {"namespace": given.namespace, "timeout": given.timeout, "wait": "watcher"}
    tell(config.install(given.chart, given.release, given.values, create_namespace=True, **options))


def upgrade(config: helm_python.Config, given: argparse.Namespace) -> None:
    """As `helm upgrade --wait`, with the values given and no others."""
    options = {"namespace": given.namespace, "timeout": given.timeout, "wait": "watcher"}
    tell(config.upgrade(given.chart, given.release, given.values, **options))


def rollback(config: helm_python.Config, given: argparse.Namespace) -> None:
    """To the revision before, as `helm rollback --wait`."""
    config.rollback(given.release, timeout=given.timeout, wait="watcher")


def uninstall(config: helm_python.Config, given: argparse.Namespace) -> None:
    """With its hook, as `helm uninstall --wait`."""
    print(config.uninstall(given.release, timeout=given.timeout, wait="watcher")["info"])


def tell(release: helm_python.config.Release) -> None:
    print(f"{release['name']} revision {release['revision']}: {release['status']}")


if __name__ == "__main__":
    sys.exit(main())
