"""A repository that runs a program of its own wherever git lets it: what an archive of somebody else's may hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit"),
    *("post-index-change", "post-merge", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc", "pre-commit"),
    *(
        "pre-merge-commit",
        "pre-push",
        "pre-rebase",
        "pre-receive",
        "prepare-commit-msg",
        "proc-receive",
        "push-to-checkout",
    ),
    *("reference-transaction", "sendemail-validate", "update"),
)
DRIVERS = ("clean", "smudge", "process")


def make_hostile(repository: Path, spy: Path) -> None:
    """Make *repository* run *spy* from every place that git knows for it.

    Args:
        repository: With a commit, and nothing that is not committed.
        spy: A program, which adds its arguments to a file.
    """
    for folder in (repository / ".git" / "hooks", repository / ".hooks"):
        folder.mkdir(exist_ok=True)
        for name in HOOKS:
            hook = folder / name
            hook.write_text(f"#!/bin/sh\n{spy} hook {name}\n")
            hook.chmod(0o755)
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("* filter=spy diff=spy merge=spy\n")
    (repository / ".gitattributes").write_text("* filter=spy diff=spy merge=spy\n")
    included = repository / ".git" / "more"
    included.write_text(_section("filter", "included", dict.fromkeys(DRIVERS, f"{spy} filter")))
    settings = {
        "core": {
            **dict.fromkeys(("fsmonitor", "editor", "pager", "sshCommand", "askPass", "gitProxy"), f"{spy} core"),
            "hooksPath": str(repository / ".hooks"),
            "attributesFile": str(repository / ".gitattributes"),
            "alternateRefsCommand": f"{spy} alternates",
        },
        "commit": {"gpgSign": "true"},
        "gpg": {"program": f"{spy}-gpg", "format": "openpgp"},
        "log": {"showSignature": "true"},
        "diff": {"external": f"{spy} diff"},
        "credential": {"helper": f"!{spy} credential"},
        "include": {"path": str(included)},
        "alias": dict.fromkeys(("log", "apply", "commit-tree", "rev-parse"), f"!{spy} alias"),
        "uploadpack": {"packObjectsHook": f"{spy} pack"},
        "extensions": {"partialClone": "elsewhere"},
        "interactive": {"diffFilter": f"{spy} interactive"},
        "sequence": {"editor": f"{spy} sequence"},
        "gc": {"auto": "1"},
    }
    text = "".join(_section(name, "", values) for name, values in settings.items())
    text += _section("filter", "spy", {**dict.fromkeys(DRIVERS, f"{spy} filter"), "required": "true"})
    text += _section("diff", "spy", {"command": f"{spy} diff", "textconv": f"{spy} textconv"})
    text += _section("merge", "spy", {"driver": f"{spy} merge"})
    text += _section(
        "remote", "elsewhere", {"promisor": "true", "url": f"ext::{spy} promisor", "uploadpack": f"{spy} up"}
    )
    text += _section("protocol", "ext", {"allow": "always"}) + _section("protocol", "file", {"allow": "always"})
    with (repository / ".git" / "config").open("a") as config:
        config.write(text)


def _section(name: str, subsection: str, values: dict[str, str]) -> str:
    head = f'[{name} "{subsection}"]' if subsection else f"[{name}]"
    quoted = (f'\t{key} = "{value}"' for key, value in values.items())
    return "\n".join((head, *quoted, ""))


def sign_head(repository: Path) -> None:
    """Give the newest commit a signature, which whoever looks at it is asked to verify."""
    raw = _git(repository, "cat-file", "commit", "HEAD")
    head, _, message = raw.partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n nonsense\n -----END PGP SIGNATURE-----\n\n{message}"
    commit = _git(repository, "hash-object", "-t", "commit", "-w", "--stdin", given=signed).strip()
    _git(repository, "reset", "--quiet", "--soft", commit)


def lose_a_tree(repository: Path) -> None:
    """Remove the newest commit's tree, which git would then fetch from where the repository says."""
    tree = _git(repository, "rev-parse", "HEAD^{tree}").strip()
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()


def make_spy(folder: Path) -> tuple[Path, Path]:
    """Return a program, and the file to which it adds what it is called with."""
    told = folder / "told"
    spy = folder / "spy"
    for program in (spy, folder / "spy-gpg"):
        program.write_text(f'#!/bin/sh\necho "$0 $*" >>{told}\n')
        program.chmod(0o755)
    return spy, told


def _git(repository: Path, *words: str, given: str | None = None) -> str:
    safe = ("-c", "core.hooksPath=/dev/null", "-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    run = subprocess.run(
        ["git", *safe, *words], cwd=repository, check=True, capture_output=True, text=True, input=given
    )
    return run.stdout
