"""The rows that the cards of releases share: a label and a value, the plan's stays, the decisions."""

from rich.text import Text

from rollout import words
from rollout.plan import Plan
from rollout.status import Decision, Phase, Release

LABEL = 10


def row(label: str, value: str | Text) -> Text:
    return Text(f"  {label:<{LABEL}}").append_text(value if isinstance(value, Text) else Text(value))


def told(line: Decision) -> Text:
    """One decision, with its time (UTC) and reason."""
    style = "yellow" if line.level != "Normal" else ""
    return Text(f"  {line.at:%H:%M:%S}  {line.reason:<18} {line.message}", style=style)


def limits(plan: Plan) -> str:
    """What the plan asks of the new version."""
    return ", ".join(filter(None, (f"at least {words.percent(plan.success_rate)}", str(plan.latency or ""))))


def bar(release: Release) -> Text:
    """The plan's stays: those behind ●, the present one ◉ or the one of the fall ✘, and those to come ○."""
    stays = release.plan.stays
    behind, mark = stands(release)
    text = Text()
    for number, stay in enumerate(stays):
        here = ("✘", "red") if mark == "✘" else ("◉", "bold cyan")
        sign, style = ("●", "green") if number < behind else here if mark and number == behind else ("○", "dim")
        text.append(" ── " if text else "", style="dim").append(f"{sign} {stay.name}", style=style)
    text.append(" %", style="dim")
    return text.append(unmarked(release))


def stands(release: Release) -> tuple[int, str]:
    """How many of the plan's stays are behind, and the mark of the one that follows; empty where there is none."""
    plan, status = release.plan, release.status
    if status.phase in (Phase.PROMOTING, Phase.FINISHING, Phase.PROMOTED):
        return len(plan.stays), ""
    number, total = fell_at(release)
    if total == len(plan.stays):
        return number - 1, "✘"
    begun = plan.step_of(release.step) if status.weight or status.lead else 0
    if release.is_ended:
        return begun, ""
    return max(0, begun - 1), "◉" if begun else ""


def fell_at(release: Release) -> tuple[int, int]:
    """The step at which the traffic was taken back, of how many there were then; zeros where none is recorded."""
    number, _, total = release.status.reached.partition("/")
    return (int(number), int(total)) if number.isdecimal() and total.isdecimal() else (0, 0)


def unmarked(release: Release) -> str:
    """What the marks can not tell: that no step began, or that the plan was another one, or nobody noted the step."""
    status = release.status
    number, total = fell_at(release)
    if not release.is_ended or status.weight or total == len(release.plan.stays):
        return ""
    if total:
        return f"  (taken back at step {number} of {total}, before the plan was changed)"
    return "  (no step had begun)" if status.since is None else "  (how far it came was not recorded)"
