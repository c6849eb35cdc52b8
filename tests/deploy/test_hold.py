"""The proof of the hold, read from what a dry run answers."""

from typing import Any

import pytest

from deploy import errors, hold, names
from deploy.traffic import Json
from tests.deploy.api_server import Asked, Reply, door, status, thing

WEB = thing("web", "7", spec={"replicas": 2})


def answered(paused: bool | None, mark: str | None) -> Reply:
    body: Json = thing("web", "7", spec={} if paused is None else {"paused": paused})
    if mark is not None:
        body["metadata"]["annotations"] = {names.HELD: mark}
    return Reply(body=body)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        pytest.param(answered(True, "true"), None, id="held"),
        pytest.param(answered(False, "true"), "paused false and rampart.dev/held true", id="un-paused by another"),
        pytest.param(answered(True, None), "paused true and rampart.dev/held missing", id="no mark"),
        pytest.param(answered(None, None), "paused false and rampart.dev/held missing", id="no policy acts"),
        pytest.param(answered(True, "rolling"), "paused true and rampart.dev/held rolling", id="another mark"),
        pytest.param(status(422, "denied by some-policy"), "denied by some-policy", id="refused"),
        pytest.param(status(400, "webhook x does not support dry run"), "does not support dry run", id="no dry run"),
    ],
)
def test_the_hold_is_in_force_only_if_the_dry_run_shows_it(reply: Reply, sentence: str | None) -> None:
    """Paused and marked; everything else is a sentence that names the Deployment and what was found."""
    with door(lambda _: reply) as opened:
        found = hold.prove(opened, WEB)
    if sentence is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith("the hold does not act on deployment shop/web: ")
        assert sentence in found


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(status(503, "no"), errors.Busy, id="server broken"),
        pytest.param(status(404, "no"), errors.Missing, id="deployment gone"),
        pytest.param(status(403, "no"), errors.Forbidden, id="right missing"),
    ],
)
def test_a_question_that_could_not_be_asked_proves_nothing(reply: Reply, kind: type[Exception]) -> None:
    """It is neither a proof nor a missing hold."""
    with door(lambda _: reply) as opened, pytest.raises(kind):
        hold.prove(opened, WEB)


def test_the_proof_writes_nothing() -> None:
    """It is a dry run, and changes the template in an annotation alone."""
    asked: list[Any] = []

    def answer(request: Asked) -> Reply:
        asked.append((request.query.get("dryRun"), request.body))
        return answered(True, "true")

    with door(answer) as opened:
        hold.prove(opened, WEB)
    (dry_run, body) = asked[0]
    assert dry_run == "All"
    assert list(body["spec"]["template"]) == ["metadata"]


def test_behind_zero_replicas_there_is_nothing_to_prove() -> None:
    """Nothing is held there, so nothing is missing."""
    with door(lambda _: answered(False, None)) as opened:
        assert hold.prove(opened, thing("web", "7", spec={"replicas": 0})) is None
