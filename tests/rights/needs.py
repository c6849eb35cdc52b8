"""Which function of Rampart needs each right of the chart: held against the chart, and run on a real API server.

tests/chart/test_rights.py: no right without a function, no function without a right. tests/e2e/test_rights.py: with all
rights but that one the function is refused, with it the function makes that call and passes.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import CodeType
from typing import Any

from deploy import kinds
from deploy.kinds import Kind
from deploy.traffic import Json
from rollout import checks
from tests.rights import looks, routing
from tests.rights.ground import Door, Ground

Right = tuple[str, str, str]
"""API group, resource (with its subresource) and verb."""


def given_by(rules: Sequence[Json]) -> list[Right]:
    """All that rules of a role give, as often as they do."""
    return [
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


@dataclass(frozen=True)
class Need:
    """function: `module:name` of what makes the call. act: runs it on a ground, through a door."""

    function: str
    act: Callable[[Ground, Door], None] = field(repr=False)

    @property
    def code(self) -> CodeType:
        """By which it is known on a stack."""
        module, _, path = self.function.partition(":")
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        code: CodeType = found.__code__
        return code


KINDS: dict[tuple[str, str], Kind] = {
    (kind.group, kind.plural): kind
    for kind, *_ in (*checks.RULES, *checks.CLUSTER_RULES, *checks.HOLD_RULES, *checks.LEASE_RULES)
}


def of(kind: Kind, **uses: tuple[str, Callable[[Ground, Door], None]]) -> dict[Right, Need]:
    """The verbs of a kind, each with its function and act."""
    return {(kind.group, kind.plural, verb): Need(*use) for verb, use in uses.items()}


def watched(kind: Kind) -> dict[Right, Need]:
    """What a watch needs: a list to begin with, and what changes from then on."""
    act = partial(looks.follow, kind)
    return of(kind, list=("deploy.watch:_Feed._list", act), watch=("deploy.watch:_Feed._follow", act))


def route(kind: Kind) -> dict[Right, Need]:
    """What is done with the users' own routes."""
    return of(
        kind,
        get=("rollout.routes:Routes._refresh", partial(routing.split_late, kind.kind)),
        update=("rollout.routes:Routes.steer", partial(routing.split, kind.kind)),
        patch=("rollout.routes:disown", partial(routing.disown, kind.kind)),
    )


def temporary(kind: Kind, creates: str = "rollout.routes:Routes.steer") -> dict[Right, Need]:
    """What is done beside, where a Service has no such route."""
    return of(
        kind,
        create=(creates, partial(routing.split_bare, kind.kind)),
        delete=("rollout.routes:Routes.restore", partial(routing.restore_bare, kind.kind)),
    )


def legs(kind: Kind) -> dict[Right, Need]:
    """What is done with objects that are all ours."""
    return of(
        kind,
        get=("rollout.routes:Routes._refresh", partial(routing.define_late, kind.kind)),
        create=("rollout.routes:Routes.define", partial(routing.define, kind.kind)),
        update=("rollout.routes:Routes.define", partial(routing.define_fewer, kind.kind)),
        delete=("rollout.routes:Routes.define", partial(routing.define_none, kind.kind)),
    )


NEEDS: dict[Right, Need] = {
    **watched(kinds.DEPLOYMENT),
    **of(
        kinds.DEPLOYMENT,
        get=("rollout.observer:Observer.view", looks.view),
        create=("rollout.actor:Actor._raise", looks.raise_canary),
        patch=("deploy.hold:prove", looks.prove),
        delete=("rollout.actor:Actor._remove", looks.remove_canary),
    ),
    **of(kinds.REPLICA_SET, list=("rollout.observer:Observer.view", looks.view)),
    **of(kinds.POD, list=("rollout.observer:Observer.canary", looks.canary)),
    **of(kinds.ENDPOINT_SLICE, list=("rollout.routes:Routes.survey", routing.survey)),
    **of(kinds.HPA, list=("rollout.observer:Observer._cautions", looks.idle)),
    **of(kinds.PDB, list=("rollout.observer:Observer._cautions", looks.idle)),
    **of(kinds.CLAIM, get=("rollout.observer:Observer._cautions", looks.idle)),
    **of(
        kinds.SERVICE,
        list=("rollout.observer:Observer._service", looks.refusals),
        get=("rollout.actor:Actor._preview", looks.preview),
        create=("rollout.actor:Actor._preview", looks.preview),
        update=("rollout.routes:Routes.steer", partial(routing.split, "Service")),
        patch=("rollout.actor:Actor._take_preview", looks.take_preview),
        delete=("rollout.actor:Actor._unpreview", looks.unpreview),
    ),
    **of(kinds.EVENT, create=("deploy.events:Herald.say", looks.say)),
    **watched(kinds.RELEASE),
    **of(
        kinds.RELEASE,
        get=("rollout.actor:Actor.record", looks.record),
        create=("rollout.actor:Actor.begin", looks.begin),
        patch=("rollout.actor:Actor.let_go", looks.let_go),
        delete=("rollout.actor:Actor.forget", looks.forget),
    ),
    (kinds.RELEASE.group, "releases/status", "patch"): Need("rollout.actor:Actor.record", looks.record),
    **watched(kinds.RELEASE_POLICY),
    **watched(kinds.VIRTUAL_SERVICE), **route(kinds.VIRTUAL_SERVICE), **temporary(kinds.VIRTUAL_SERVICE),
    **watched(kinds.DESTINATION_RULE), **legs(kinds.DESTINATION_RULE),
    **watched(kinds.HTTP_ROUTE), **route(kinds.HTTP_ROUTE),
    **temporary(kinds.HTTP_ROUTE, creates="rollout.routes:Routes.define"),
    **watched(kinds.GRPC_ROUTE), **route(kinds.GRPC_ROUTE),
    **watched(kinds.BACKEND_TLS_POLICY), **legs(kinds.BACKEND_TLS_POLICY),
    **watched(kinds.TRAFFIC_SPLIT), **route(kinds.TRAFFIC_SPLIT), **temporary(kinds.TRAFFIC_SPLIT),
    **watched(kinds.REFERENCE_GRANT), **watched(kinds.SERVICE_PROFILE),
    **watched(kinds.MUTATING_POLICY), **watched(kinds.MUTATING_BINDING),
    **watched(kinds.VALIDATING_POLICY), **watched(kinds.VALIDATING_BINDING),
    **of(
        kinds.LEASE,
        get=("deploy.leases:Leases.read", looks.read_lease),
        create=("deploy.leases:Leases.take", looks.take_lease),
        update=("deploy.leases:Leases.renew", looks.renew_lease),
    ),
}  # fmt: skip
