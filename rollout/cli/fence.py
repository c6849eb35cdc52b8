"""Keep every controller out while `rampart restore` acts: by the Lease that they elect their leader with."""

import argparse
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from deploy import errors, lease
from deploy.cluster import Cluster
from deploy.lease import Record
from deploy.leases import Leases
from rollout.cli import doors, flags
from rollout.cli.clock import now

HOME = "rampart-system"
OURS = "rampart-restore-"
"""How holders begin that are no controllers."""


def add(parser: argparse.ArgumentParser) -> None:
    """The flags."""
    flag = parser.add_argument
    flag("--take-lease", action="store_true", help="take the controllers' Lease by force first, so that they stop")
    flag(
        "--fence",
        type=flags.seconds,
        default="2m",
        metavar="SPAN",
        help="with --take-lease: for how long afterwards no controller may begin again (default: 2m)",
    )
    where(parser)


def where(parser: argparse.ArgumentParser) -> None:
    """The flags that name the Lease."""
    flag = parser.add_argument
    home = os.environ.get("RAMPART_LEASE_NAMESPACE") or None
    text = "where the Lease is (default: with the controller's account); also RAMPART_LEASE_NAMESPACE"
    flag("--lease-namespace", metavar="NAME", default=home, help=text)
    name = os.environ.get("RAMPART_LEASE_NAME") or "rampart"
    flag("--lease-name", metavar="NAME", default=name, help="its name (default: rampart); also RAMPART_LEASE_NAME")


def leases(door: Cluster, arguments: argparse.Namespace) -> Leases:
    """The Lease's door: in the namespace that is named, else in that of the account that the hold lets write."""
    account = doors.writer(door) if arguments.lease_namespace is None else None
    home = account.split(":")[2] if account else HOME
    return Leases(door, arguments.lease_namespace or home, arguments.lease_name)


def leader(door: Leases, moment: datetime) -> str:
    """Who leads, as far as its last sign of life tells; empty where nobody does, or nobody may know."""
    try:
        found = door.read()
    except errors.Forbidden:
        return ""
    if found is None or found.holder.startswith(OURS) or not is_alive(found, moment):
        return ""
    return found.holder


def is_alive(record: Record, moment: datetime) -> bool:
    """Whether the holder's lease has not run out, by the times in it (two machines' clocks are compared here)."""
    if not record.holder or not record.renewed:
        return False
    return moment < datetime.fromisoformat(record.renewed) + timedelta(
        seconds=min(record.seconds, lease.LONGEST_SECONDS)
    )


def patience(before: Record | None) -> int:
    """Seconds until the former holder has certainly stopped.

    A restore that was killed may have taken the Lease from a controller just now: its holder's name says how long
    that one had to be waited for. Two restores do the same things, and need not wait for each other.
    """
    if before is None or not before.holder:
        return 0
    if before.holder.startswith(OURS):
        said = before.holder.rpartition("-")[2]
        return int(said) if said.isdecimal() else 0
    return min(before.seconds, lease.LONGEST_SECONDS)


@contextmanager
def taken(door: Leases, longest: float, after: float) -> Iterator[None]:
    """Take the Lease for as long as the work may take; afterwards it is ours for `after` seconds more.

    The work begins when the former leader is certain to write no more. Raises ClusterError.
    """
    pause = patience(door.read())
    where = f"Lease {door.namespace}/{door.name}"
    seizure = door.seize(f"{OURS}{secrets.token_hex(3)}-{pause}", int(longest + after) + 1, now())
    if pause:
        former = seizure.before.holder if seizure.before else ""
        print(f"{where} taken from {former}: {pause} s until it has certainly stopped", flush=True)
        time.sleep(pause)
    try:
        yield
    finally:
        shorten(door, seizure.record, after)
        print(f"{where} stays taken for {after:.0f} s; for controllers to go on sooner, delete it")


def shorten(door: Leases, record: Record, after: float) -> None:
    """From now on for `after` seconds. Where that fails it runs out by itself, later."""
    try:
        door.renew(record, max(1, int(after)), now())
    except errors.ClusterError as error:
        doors.fail(f"the Lease could not be shortened: {error}")
