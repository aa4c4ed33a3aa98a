"""Reports of commands, as text for people and as JSON for scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum

from thywill.errors import SettingsError
from thywill.process.standard import write_out


class Level(Enum):
    """How serious a finding is; only a problem makes the command fail."""

    GOOD = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report.

    Args:
        level: how serious it is.
        subject: what was examined, in one or two words, which scripts may compare.
        text: what was found.
        remedy: what to write or to do about it; empty if nothing has to be done.
    """

    level: Level
    subject: str
    text: str
    remedy: str = ""


@dataclass
class Report:
    """Findings, in the order in which they were made."""

    findings: list[Finding] = field(default_factory=list)

    def good(self, subject: str, text: str) -> None:
        """Add a finding that is right; the arguments are those of ``Finding``."""
        self.findings.append(Finding(Level.GOOD, subject, text))

    def warn(self, subject: str, text: str, remedy: str = "") -> None:
        """Add a finding that works, but should be better; the arguments are those of ``Finding``."""
        self.findings.append(Finding(Level.WARNING, subject, text, remedy))

    def problem(self, subject: str, text: str, remedy: str = "") -> None:
        """Add a finding that does not work; the arguments are those of ``Finding``."""
        self.findings.append(Finding(Level.PROBLEM, subject, text, remedy))

    def count(self, level: Level) -> int:
        """Return how many findings of a level there are."""
        return sum(finding.level is level for finding in self.findings)

    @property
    def status(self) -> int:
        """The exit status: 1 if there is a problem, else 0."""
        return 1 if self.count(Level.PROBLEM) else 0

    def show(self, *, as_json: bool) -> int:
        """Print the report and return the exit status."""
        show(self.as_json() if as_json else self.as_text())
        return self.status

    def as_text(self) -> str:
        """Return the report for people; the last line counts problems and warnings."""
        lines = []
        for each in self.findings:
            lines.append(f"{each.level.value:8} {each.subject}: {each.text}")
            lines += [f"{'':8} -> {line}" for line in each.remedy.splitlines()]
        problems, warnings = self.count(Level.PROBLEM), self.count(Level.WARNING)
        lines.append(f"{_counted(problems, 'problem')}, {_counted(warnings, 'warning')}")
        return "\n".join(lines)

    def as_json(self) -> str:
        """Return the report for scripts."""
        findings = [
            {"level": each.level.value, "subject": each.subject, "text": each.text, "remedy": each.remedy}
            for each in self.findings
        ]
        return json.dumps({"ok": self.status == 0, "findings": findings}, indent=2)


def show(text: str) -> None:
    """Print ``text``.

    Raises:
        SettingsError: standard output cannot be written, such as when its disk is full.
    """
    trouble = write_out(f"{text}\n")
    if trouble:
        raise SettingsError(f"standard output cannot be written: {trouble}")


def printable(text: str) -> str:
    """Return ``text`` without control sequences, which the terminal would obey; a browser chose the text."""
    return "".join(each if each.isprintable() else "?" for each in text) or "-"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
