"""`rampart restart`: start the pods anew, also where kubectl refuses because the Deployment is paused."""

import argparse

from deploy import errors, kinds, names, workload
from deploy.cluster import Cluster
from deploy.traffic import Json
from rollout.cli import absent, completion, doors
from rollout.cli.clock import now
from rollout.cli.codes import Code


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command and its flags."""
    found = commands.add_parser(
        "restart",
        help="restart the pods, as kubectl rollout restart does",
        description="Restart the pods as `kubectl rollout restart` does, which refuses a paused Deployment.",
    )
    doors.flags(found)
    completion.deployment(found)
    found.set_defaults(act=doors.opened(run))


def run(door: Cluster, arguments: argparse.Namespace) -> int:
    """Write the moment into the template, where it counts as no new version. Raises Absent, and ClusterError."""
    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    patch: Json = {"spec": {"template": {"metadata": {"annotations": {names.RESTARTED_AT: moment}}}}}
    try:
        after = workload.read(door.patch(kinds.DEPLOYMENT, arguments.name, arguments.namespace, patch))
    except errors.Missing as error:
        raise absent.deployment(door, arguments.namespace, arguments.name) from error
    where = f"{arguments.namespace}/{arguments.name}"
    if after.held is workload.Held.REST:
        print(f"{where}: noted; the controller, which keeps it paused, restarts its pods")
    elif after.paused:
        print(f"{where}: noted; the Deployment is paused, so its pods restart when it is un-paused")
    else:
        print(f"{where}: its pods restart")
    return Code.DONE
