"""Which cluster a command talks to, by kubectl's own conventions, and how it says what went wrong."""

import argparse
import functools
import re
import sys
from collections.abc import Callable
from contextlib import closing, suppress

from deploy import cluster, errors, kinds
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout import settings as settings_
from rollout.cli.absent import Absent
from rollout.cli.codes import Code
from rollout.settings import Settings

Command = Callable[[Cluster, argparse.Namespace], int]
ACCOUNT = re.compile(r"system:serviceaccount:[a-z0-9-]+:[a-z0-9.-]+")


def flags(parser: argparse.ArgumentParser) -> None:
    """Where the cluster is, and which namespace is meant."""
    parser.add_argument("-n", "--namespace", metavar="NAME", help="the namespace (default: that of the context)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="the cluster (default: KUBECONFIG or ~/.kube/config)")
    parser.add_argument("--context", metavar="NAME", help="a context of that file (default: its current one)")


def opened(command: Command, default_namespace: bool = True) -> Callable[[argparse.Namespace], int]:
    """A command over an open door, with the context's namespace where none is given and one must be meant.

    What the cluster refuses is said in one line; the exit code tells what is not there from what went wrong.
    """

    @functools.wraps(command)
    def act(arguments: argparse.Namespace) -> int:
        try:
            if default_namespace and arguments.namespace is None:
                arguments.namespace = cluster.default_namespace(arguments.kubeconfig, arguments.context)
            return over(command, arguments)
        except Absent as error:
            return fail(str(error), Code.NOT_FOUND)
        except errors.ClusterError as error:
            return fail(said(error))
        except KeyboardInterrupt:
            return 130

    return act


def over(command: Command, arguments: argparse.Namespace) -> int:
    """The command with a door that is closed afterwards. Raises ClusterError."""
    path, context = arguments.kubeconfig, arguments.context
    in_pod = path is None and context is None and cluster.is_in_a_pod()
    api = cluster.in_cluster() if in_pod else cluster.from_kubeconfig(path, context)
    if getattr(arguments, "as_user", None):
        api = cluster.impersonating(api, arguments.as_user)
    with closing(Cluster(api)) as door:
        return command(door, arguments)


def fail(text: str, code: Code = Code.FAILED) -> int:
    """Say what is wrong, on standard error."""
    print(f"rampart: {text}", file=sys.stderr)
    return code


def said(error: errors.ClusterError) -> str:
    """A refusal or a failure in one line, as who sits before the command line can mend it."""
    text = " ".join(str(error).split())
    match error:
        case errors.NotGranted() if error.right:
            return f"you may not {error.right} ({error.said})"
        case errors.Unknown():
            return f"the API server does not accept the credentials of this context ({text}); --context names another"
        case errors.Unconfigured():
            return text
        case errors.Unreachable():
            return f"no API server answers ({text}); --kubeconfig and --context name another"
        case _:
            return text


def writer(door: Cluster) -> str | None:
    """The account that the hold's policy lets write held Deployments; None where there is no such policy."""
    found: list[Json] = []
    for kind in (kinds.MUTATING_POLICY, kinds.VALIDATING_POLICY):
        with suppress(errors.Missing, errors.Forbidden):
            found += door.list(kind).items
    ours = [item for item in found if "rampart.dev/held" in str(item["spec"])]
    return next((match[0] for item in ours if (match := ACCOUNT.search(str(item["spec"])))), None)


def settings(flags_: dict[str, object]) -> Settings | tuple[str, ...]:
    """The settings that a command shares with `rampart run`; Prometheus may be left out."""
    found = settings_.load(flags_)
    if isinstance(found, Settings) or not any(map(_is_unset_prometheus, found)):
        return found
    return settings_.load({**flags_, "prometheus_url": NO_PROMETHEUS})


def _is_unset_prometheus(fault: str) -> bool:
    return fault.startswith("RAMPART_PROMETHEUS_URL") and "is not set" in fault


NO_PROMETHEUS = "http://prometheus.invalid"
"""Stands for none: the name can not exist (RFC 2606)."""
