"""What the pages of docs/reasons tell people to type to look around works on a real cluster, in mid-release."""

import shlex
import subprocess

from deploy import names
from sandbox import ports, tools
from tests.docs import reason_pages
from tests.e2e import stage
from tests.e2e.test_restore import in_mid_step, rampart

LOOKS = frozenset({"auth", "describe", "events", "get", "patch"})
"""What of kubectl changes nothing; patch is of a dry run. Of logs the stand-in kubelet has none."""
ELSEWHERE = ("rampart-system", "podmonitors")
"""The installation's own pods, and an operator's kinds, which are not on this stage."""
OWN = frozenset({"history", "plan", "status"})


def lines(words: frozenset[str], program: str) -> list[list[str]]:
    """The commands of all pages' blocks that begin so, without their comments."""
    found = {line for page in reason_pages.PAGES.values() for line in reason_pages.commands(page.text)}
    split = [shlex.split(line, comments=True) for line in sorted(found) if not any(name in line for name in ELSEWHERE)]
    return [one for one in split if one[0] == program and one[1] in words]


def put_in(words: list[str], release: str) -> list[str]:
    """The names of this stage."""
    known = {"NAME": "web", "RELEASE": release, "KIND": "virtualservice", "URL": ports.url(ports.PROMETHEUS)}
    known |= {"deployment/NAME": "deployment/web", f"{names.RELEASE}=RELEASE": f"{names.RELEASE}={release}"}
    return [known.get(word, word) for word in words]


def test_what_people_are_told_to_look_at_can_be_looked_at() -> None:
    """Each command answers; the dry run of HoldMissing's page shows the hold in force."""
    with stage.opened(plan={"interval": "600s"}) as play:
        in_mid_step(play)
        release = play.releases()[-1]["metadata"]["name"]
        looks = [put_in(words, release) for words in lines(LOOKS, "kubectl")]
        assert len(looks) > 25
        failed = {}
        for _, *words in looks:
            command = [str(tools.kubectl()), "-n", play.namespace, *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=stage.COMMAND)
            if done.returncode != 0:
                failed[" ".join(words)] = done.stderr
            if words[0] == "patch":
                assert "paused: true" in done.stdout
                assert f'{names.HELD}: "true"' in done.stdout
        assert failed == {}
        for _, *words in lines(OWN, "rampart"):
            if "--watch" not in words:
                said = rampart(play, *put_in(words, release))
                assert said.stdout, f"{words}: {said.stderr}"
