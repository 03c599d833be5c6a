"""JUnit XML, as pytest, cargo-nextest, go-junit-report, jest-junit, Maven and others write it: what it says.

https://github.com/testmoapp/junitxml describes the format, of which every program has a dialect: counts are taken
from the test cases, since the sums in ``testsuite`` differ in what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hecate.suites.bounded_file import is_fresh
from hecate.suites.verdicts import LONGEST_MESSAGE, Verdicts
from hecate.suites.xml_reading import Attributes, read_xml

WELL_KNOWN = (
    "junit.xml",
    "report.xml",
    "results.xml",
    "test-results.xml",
    "junit/*.xml",
    "reports/*.xml",
    "test-results/*.xml",
    "test-reports/*.xml",
    "target/nextest/*/junit.xml",
    "target/surefire-reports/TEST-*.xml",
    "build/test-results/*/TEST-*.xml",
)
"""Where reports are usually written, from the folder in which the tests run."""
MOST_REPORTS = 500
LONGEST_TEXT = 64 * 1024
"""Of a failure, as far as it is looked at."""

_OPTION = re.compile(r"--(?:junit-?xml|junitfile)(?:=(.+))?")
_PLACE = re.compile(r"^[ \t]*(?:at )?((?:[A-Za-z]:)?[^\s:()]+\.\w{1,5}):(\d{1,7})(?::|\b)", re.MULTILINE)
_PYTEST_MESSAGE = re.compile(r"^E[ ]{1,7}(.*)", re.MULTILINE)


def named_report(command: Sequence[str]) -> str:
    """Return the report that *command* itself says it will write (``--junitxml=report.xml``); empty: it says none."""
    for word, following in zip(command, (*command[1:], ""), strict=True):
        if match := _OPTION.fullmatch(word):
            return match[1] or following
    return ""


def fresh_reports(folder: Path, since_ns: int) -> list[Path]:
    """Return the reports in *folder*'s well-known places that were written at *since_ns* or later."""
    return list(
        _first(path for pattern in WELL_KNOWN for path in sorted(folder.glob(pattern)) if is_fresh(path, since_ns))
    )


def _first(paths: Iterable[Path]) -> Iterator[Path]:
    for path, _ in zip(paths, range(MOST_REPORTS), strict=False):
        yield path


def read_reports(paths: Iterable[Path], asked_for: frozenset[str] = frozenset()) -> Verdicts:
    """Return what the reports at *paths* say together.

    Args:
        paths: Files of JUnit XML.
        asked_for: Names of tests of which is to be known that they have passed.

    Raises:
        Unreadable: One of them cannot be read.
    """
    verdicts = Verdicts()
    for path in paths:
        case = _Cases(verdicts, asked_for)
        read_xml(path, begin=case.begin, end=case.end, text=case.text)
    return verdicts


class _Cases:
    """Counts the test cases of one report as they come."""

    def __init__(self, verdicts: Verdicts, asked_for: frozenset[str]) -> None:
        self._verdicts = verdicts
        self._asked_for = asked_for
        self._case: Attributes | None = None
        self._kind = ""
        """``failure``, ``error`` or ``skipped``, as soon as the case has one."""
        self._is_flaky = False
        self._message = ""
        self._text: list[str] | None = None
        self._length = 0

    def begin(self, name: str, attributes: Attributes) -> None:
        if name == "testcase":
            self._case, self._kind, self._message, self._is_flaky = attributes, "", "", False
            self._text, self._length = None, 0
        elif self._case is not None and name in {"flakyFailure", "flakyError"}:
            self._is_flaky = True
        elif self._case is not None and not self._kind and name in {"failure", "error", "skipped"}:
            self._kind = name
            self._message = attributes.get("message", "")
            self._text = []

    def text(self, piece: str) -> None:
        if self._text is not None and self._length < LONGEST_TEXT:
            self._text.append(piece)
            self._length += len(piece)

    def end(self, name: str) -> None:
        if name == "testcase" and self._case is not None:
            self._count(self._case)
            self._case = None
        elif name == self._kind and self._text is not None:
            # What else is said of the case, such as its output, is none of the failure.
            self._message, self._text = _with_text(self._message, "".join(self._text)), None

    def _count(self, case: Attributes) -> None:
        verdicts, name = self._verdicts, name_of(case)
        if self._kind == "skipped":
            verdicts.skipped += 1
        elif self._kind:
            message, _, text = self._message.partition("\0")
            file, line = _place(case, text or message)
            verdicts.fail(name, message, file=file, line=line, error=self._kind == "error")
        else:
            verdicts.passed += 1
            if self._is_flaky:
                verdicts.flaky.add(name)
            if name in self._asked_for:
                verdicts.passing.add(name)


def name_of(case: Attributes) -> str:
    """Return the name of a test case: pytest's own where it can be told, else class and name."""
    name, group, file = case.get("name", ""), case.get("classname", ""), case.get("file", "")
    module = file.removesuffix(".py").replace("/", ".")
    if file.endswith(".py") and (group == module or group.startswith(f"{module}.")):
        return "::".join((file, *filter(None, group.removeprefix(module).split(".")), name))
    return f"{group}::{name}" if group and group != name else name


def _with_text(message: str, text: str) -> str:
    """Return the message, and the text after a NUL, which no XML has; without a message, what the text says."""
    if not message or message == "collection failure":
        found = _PYTEST_MESSAGE.search(text)
        message = found[1] if found else next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{message[:LONGEST_MESSAGE]}\0{text}"


def _place(case: Attributes, text: str) -> tuple[str, int | None]:
    """Return file and line of a failure: where it happened if its text says so, else where its test is."""
    places = _PLACE.findall(text)
    if places:
        return places[-1][0], int(places[-1][1])
    line = case.get("line", "")
    # pytest counts lines from 0 here, and is the only one who writes them.
    return case.get("file", ""), int(line) + 1 if line.isdecimal() and len(line) < 8 else None
