"""``hecate template``: list and copy, without a daemon."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from hecate.daemon.cli import CLI
from hecate.generate_division.skeleton.template_folder import BUILT_IN, read_templates

PATHS = [template.path for template in read_templates("python", None).templates]
OTHERS = [template.path for template in read_templates("eventsourcing", None).templates]


def run(*words: str, exit_code: int = 0) -> Result:
    """Run the command line."""
    result = CliRunner().invoke(CLI, ["template", *words])
    assert result.exit_code == exit_code, result.output
    return result


def listed(config: Path, *words: str) -> list[list[str]]:
    """Return the fields of each line of the list."""
    return [line.split("\t") for line in run("list", *words, "--config", str(config)).stdout.splitlines()]


def test_the_built_in_templates_are_listed(tmp_path: Path) -> None:
    """Where there is no folder of one's own."""
    config = tmp_path / "config.toml"
    config.write_text("")
    assert listed(config) == [["eventsourcing", str(len(OTHERS)), "0"], ["python", str(len(PATHS)), "0"]]
    assert listed(config, "python") == [[path, "built in"] for path in PATHS]
    assert "there is no template 'java'" in run("list", "java", "--config", str(config), exit_code=1).output


def test_a_copy_is_ones_own(tmp_path: Path) -> None:
    """It is found beside the configuration, by the name of its folder; what is removed from it is built in again."""
    config = tmp_path / "config.toml"
    config.write_text("")
    folder = tmp_path / "templates" / "acme"
    assert f"copied\t{len(PATHS)}\n" in run("copy", str(folder)).stdout
    (folder / PATHS[0]).unlink()
    (folder / "more.txt.jinja").write_text("more")
    assert ["acme", str(len(PATHS) + 1), str(len(PATHS))] in listed(config)
    assert listed(config, "acme") == [
        [PATHS[0], "built in"],
        *([path, "yours"] for path in sorted([*PATHS[1:], "more.txt.jinja"])),
    ]


def test_another_built_in_template_is_copied(tmp_path: Path) -> None:
    """Only those of its files that differ from the default's."""
    out = run("copy", str(tmp_path), "--template", "eventsourcing").stdout
    copied = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jinja")}
    assert f"copied\t{len(copied)}\n" in out
    assert "__project__/src/__package__/event_store.py.jinja" in copied
    assert len(copied) < len(PATHS) / 4
    assert (
        "'nothing' is not one of 'eventsourcing', 'python'"
        in run("copy", str(tmp_path), "--template", "nothing", exit_code=2).output
    )


def test_a_copy_overwrites_nothing(tmp_path: Path) -> None:
    """What one has changed stays; what is missing comes."""
    changed = tmp_path / PATHS[1]
    changed.parent.mkdir(parents=True)
    changed.write_text("changed")
    out = run("copy", str(tmp_path)).stdout
    assert f"copied\t{len(PATHS) - 1}\nleft as they were\t1\n" in out
    assert changed.read_text() == "changed"
    assert (tmp_path / PATHS[2]).read_bytes() == (BUILT_IN / "python" / PATHS[2]).read_bytes()


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    """In a sentence: no such configuration, no folder to write."""
    assert "config.toml" in run("list", "--config", str(tmp_path / "config.toml"), exit_code=1).output
    (tmp_path / "file").write_text("")
    assert "cannot write" in run("copy", str(tmp_path / "file" / "x"), exit_code=1).output
