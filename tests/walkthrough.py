"""Documents that are walked through in a shell: ``python -m tests.walkthrough PAGE`` writes down anew what comes back.

A block of kind ``console`` has commands after ``$ `` and what they print.  A line ``…`` stands for any number of lines.
Ids and ports differ from run to run: those of the page stand for those of this run, in commands too.

A block of kind ``sh`` has commands alone, and each of them succeeds.  Before a block may stand, unseen by readers:

    <!-- before: COMMANDS -->     what is typed first, since the page takes it as given
    <!-- not run: REASON -->      the block needs what a test has not; its command lines are read all the same
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.child import child_environment
from tests.serving import HECATE, serving
from tests.transcripts import ID, PROMPT

MOST_LINES = 9
ELLIPSIS = "…"
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>before|not run):\s+(?P<words>[^>]*?)\s*-->\n)?^```(?P<kind>console|sh)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SOCKET = "/run/user/1000/hecate/daemon.sock"
"""In the place of that of a run."""
TOKEN = re.compile(rf"{ID.pattern}|(?<=127\.0\.0\.1:)\d+|(?<=port[\t ])\d+|PORT|INCIDENT")
VOLATILE = re.compile(
    rf"{TOKEN.pattern}|\d{{4}}-\d\d-\d\dT[\d:.]+Z|\b[0-9a-f]{{7,64}}\b|\b\d+(?:\.\d+)? ?m?s\b|/(?:tmp|run)/[\w./-]+"
    r"|(?<=uid:)\d+|\d+:\d\d:\d\d|(?<=latency_ms\":)\d+(?:\.\d+)?|\b\d+\.\d+\b|(?<=pid\t)\d+|(?<=bytes=)\d+|^\d+(?=\t)"
)


GIVEN = """
a_division() {
    hecate venture setup shop --workspace code && hecate venture start-discovery shop
    hecate venture discover shop "$1"
}
a_project() {
    mkdir -p code && a_division "$1" && hecate division start "$1" design
    hecate division do "$1" design/aggregate aggregate_name=user
    hecate division do "$1" design/event event_name=user_registered aggregate_name=user payload_fields=email
    hecate division start "$1" plan
    hecate division do "$1" plan/desk desk_name=register_user aggregate_name=user
    hecate division start "$1" generate && hecate division do "$1" generate/skeleton
}
"""
"""What a page may take as given, in the shell's words."""


class Differs(AssertionError):
    """What a command gives is not what the page says."""


class Walk:
    """One shell, in which the commands of a page are typed one after the other."""

    def __init__(self, folder: Path, socket: Path) -> None:
        environ = child_environment() | {"HECATE_SOCKET": str(socket), "LC_ALL": "C.UTF-8"}
        environ["PATH"] = f"{HECATE.parent}{os.pathsep}{environ['PATH']}"
        environ |= {"HOME": str(folder), "HECATE_DATA_DIR": str(folder.parent / "data")}
        # Standard input is the script itself, and no command may read it.
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.socket = socket
        self._now: dict[str, str] = {}
        assert self.run(GIVEN)[0] == 0

    def type(self, command: str) -> str:
        """Return what *command* of the page prints in this run."""
        return self.run(command)[1]

    def run(self, command: str) -> tuple[int, str]:
        """Type *command* of the page, and return its exit code and what it prints in this run."""
        assert self._shell.stdin
        assert self._shell.stdout
        here = TOKEN.sub(lambda found: self._now.get(found[0], found[0]), command)
        self._shell.stdin.write(f"{{ {here}\n}} </dev/null\ncode=$?; echo; echo ==end $code==\n")
        self._shell.stdin.flush()
        printed = ""
        while not (end := re.search(r"(?:\A|\n)==end (\d+)==\n\Z", printed)):
            line = self._shell.stdout.readline()
            assert line, f"the shell has ended: {printed}"
            printed += line
        return int(end[1]), printed[: end.start()].rstrip("\n")

    def learn(self, written: str, printed: str) -> None:
        """Let the tokens of *printed* stand behind those of *written*."""
        for one, other in zip(TOKEN.findall(written), TOKEN.findall(printed), strict=True):
            self._now.setdefault(one, other)

    def close(self) -> None:
        """End the shell."""
        self._shell.kill()
        self._shell.communicate()


@contextmanager
def walking() -> Iterator[Walk]:
    """Give a shell in an empty folder, and a daemon to which nothing has happened."""
    with tempfile.TemporaryDirectory(prefix="hecate-", ignore_cleanup_errors=True) as place:
        (Path(place) / "home").mkdir()
        with serving(Path(place)) as daemon:
            walk = Walk(Path(place) / "home", daemon.socket_path)
            try:
                yield walk
            finally:
                walk.close()
                # Killed, it could not end the applications that a page has started.
                daemon.signal(signal.SIGTERM)
                daemon.end()
        subprocess.run(["chmod", "-R", "u+w", place], check=True)


def commands_of(block: str) -> list[str]:
    """Return the commands of a block that has nothing else; one goes on after a backslash."""
    commands, open_one = [], ""
    for line in block.splitlines():
        open_one += f"\n{line}" if open_one else line
        if open_one.endswith("\\"):
            continue
        if open_one.strip():
            commands.append(open_one)
        open_one = ""
    return commands


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Give the commands of *block* as they are written, each with what the page says that it prints."""
    command, goes_on = "", False
    output: list[str] = []
    for line in block.splitlines():
        if goes_on:
            command += f"\n{line}"
        elif line.startswith(PROMPT):
            if command:
                yield command, "\n".join(output)
            command, output = line.removeprefix(PROMPT), []
        else:
            output.append(line)
        goes_on = line.endswith("\\") and (goes_on or line.startswith(PROMPT))
    if command:
        yield command, "\n".join(output)


def check(page: str, walk: Walk) -> None:
    """Type every command of *page*.

    Raises:
        Differs: One gives something else.
    """
    for block in BLOCK.finditer(page):
        if block["note"] == "not run":
            continue
        for command in commands_of(block["words"] or "") + (
            commands_of(block["text"]) if block["kind"] == "sh" else []
        ):
            code, printed = walk.run(command)
            if code:
                raise Differs(f"$ {command}\n-- fails with {code}\n{printed}")
        for command, written in steps(block["text"]) if block["kind"] == "console" else ():
            printed = walk.type(command)
            lines, wanted = printed.splitlines(), written.splitlines()
            if wanted[:1] == [ELLIPSIS]:
                wanted = wanted[1:]
                lines = lines[len(lines) - len(wanted) :] if wanted else []
            if [VOLATILE.sub("~", line) for line in lines] != [VOLATILE.sub("~", line) for line in wanted]:
                raise Differs(f"$ {command}\n-- the page has\n{written}\n-- it gives\n{printed}")
            walk.learn("\n".join(wanted), "\n".join(lines))


def written_anew(page: str, walk: Walk) -> str:
    """Return *page* with what its commands give now, the last `MOST_LINES` lines of it."""
    named: dict[str, str] = {}

    def block_anew(block: re.Match[str]) -> str:
        if block["note"] == "before":
            for command in commands_of(block["words"]):
                walk.type(command)
        if block["kind"] == "sh" or block["note"] == "not run":
            for command in commands_of(block["text"]) if block["note"] != "not run" else ():
                walk.type(command)
            return block[0]
        shown_lines = []
        for command, _ in steps(block["text"]):
            shown = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", re.sub(r"inc-[0-9a-f]{20}", "INCIDENT", command))
            for word, value in named.items():
                shown = shown.replace(word, value)
            printed = walk.type(shown).replace(str(walk.socket), SOCKET).replace("uid:0", "uid:1000").splitlines()
            for found in re.finditer(r"port\t(\d+)|\b(inc-[0-9a-f]{20})\b", "\n".join(printed)):
                named.update({"PORT": found[1]} if found[1] else {"INCIDENT": found[2]})
            shown_lines += [f"{PROMPT}{shown}"]
            shown_lines += [ELLIPSIS, *printed[-MOST_LINES:]] if len(printed) > MOST_LINES + 2 else printed
        before = block[0].partition("```console\n")[0]
        return f"{before}```console\n" + "".join(f"{line}\n" for line in shown_lines) + "```"

    return BLOCK.sub(block_anew, page)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        with walking() as walk:
            file.write_text(written_anew(file.read_text(), walk))
