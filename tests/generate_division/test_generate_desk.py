"""Desk: generate a desk, with and without a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from hecate.dossiers.errors import Invalid, Refused
from hecate.generate_division import PROCESS
from hecate.generate_division.filled_desk import as_module, what_is_lost
from hecate.generate_division.generate_desk import DESK, GenerateDesk
from hecate.generate_division.record_desk import RECORD, RecordDesk
from hecate.generate_division.record_skeleton import WrittenFile
from tests.calling import Caller
from tests.deciding import decided
from tests.fakes.openai_style import Parrot
from tests.generate_division.generated import Generated, planned

MODULE = "src/auth/commands/register_user.py"
TEST = "tests/commands/test_register_user.py"
RECORDED = RecordDesk(
    desk_id="desk-1", desk_name="a", files=(WrittenFile("a.py", "0" * 64, 1),), conflicts=(), commit="c1"
)


# -- the decisions


@pytest.mark.parametrize("asked", [GenerateDesk(), GenerateDesk(desk_id="desk-1", desk_name="a")])
def test_one_desk_is_named(asked: GenerateDesk) -> None:
    """By its id or by its name."""
    with pytest.raises(Invalid, match="desk_id or desk_name"):
        decided(PROCESS, DESK, asked)


def test_the_skeleton_comes_first() -> None:
    """A desk alone is no project."""
    with pytest.raises(Refused, match="skeleton"):
        decided(PROCESS, DESK, GenerateDesk(desk_name="a"))


def test_the_same_desk_adds_nothing() -> None:
    """One whose model's body was rolled back does: that is worth knowing."""
    given = decided(PROCESS, RECORD, RECORDED)
    assert decided(PROCESS, RECORD, replace(RECORDED, commit=""), given) == []
    assert decided(PROCESS, RECORD, RECORDED, given) == []
    for changed in (
        replace(RECORDED, commit="", rolled_back="no"),
        replace(RECORDED, model="m"),
        replace(RECORDED, files=()),
    ):
        assert len(decided(PROCESS, RECORD, changed, given)) == 1


# -- from the template


def test_a_desk_is_added_to_a_skeleton(division: Generated) -> None:
    """Its two files, in one commit; the project still passes its tests."""
    division.generate()
    desk_id = division.desk("lock_user")
    recorded = division.generate("desk", desk_id=desk_id)
    assert (recorded["desk_id"], recorded["desk_name"], recorded["model"]) == (desk_id, "lock_user", "")
    paths = ["auth/src/auth/commands/lock_user.py", "auth/tests/commands/test_lock_user.py"]
    assert [file["path"] for file in recorded["files"]] == paths
    for file in recorded["files"]:
        assert hashlib.sha256((division.workspace / file["path"]).read_bytes()).hexdigest() == file["sha256"]
    changed = division.git("diff-tree", "--no-commit-id", "--name-only", "-r", recorded["commit"])
    assert changed.splitlines() == paths
    division.test()
    assert [item["kind"] for item in division.listed] == ["skeleton", "desk"]
    assert division.generate("desk", desk_name="lock_user") is None


def test_what_a_desk_needs_comes_with_it(division: Generated) -> None:
    """An aggregate that nobody has designed, a projection that a query reads."""
    division.generate()
    division.desk("users", desk_type="projection", aggregate_name="visitor")
    division.desk("list_users", desk_type="query", aggregate_name="visitor")
    dependency = {"from_desk": "list_users", "to_desk": "users"}
    division.caller.done(f"{division.path}/plan/dependency", dependency)
    recorded = division.generate("desk", desk_name="list_users")
    assert sorted(file["path"].removeprefix("auth/") for file in recorded["files"]) == [
        "src/auth/aggregates/visitor.py",
        "src/auth/projections/users.py",
        "src/auth/queries/list_users.py",
        "tests/aggregates/test_visitor.py",
        "tests/projections/test_users.py",
        "tests/queries/test_list_users.py",
    ]
    division.test()


def test_a_desk_that_a_person_has_changed_stays(division: Generated) -> None:
    """It is a conflict, with a model as without."""
    division.generate()
    (division.project / MODULE).write_text("# mine\n")
    recorded = division.generate("desk", desk_name="register_user")
    assert recorded["conflicts"] == [f"auth/{MODULE}"]
    assert (division.project / MODULE).read_text() == "# mine\n"


def test_an_unknown_desk_is_refused(division: Generated) -> None:
    """By the job, which knows the plan."""
    division.generate()
    reply = division.ask("desk", desk_name="nothing")
    assert reply.code == "conflict"
    assert "'nothing' is not in the plan" in reply.json["error"]


# -- with a model


@pytest.fixture
def filling(asker: Caller, tmp_path: Path) -> Generated:
    """A generated division whose daemon has a model."""
    division = planned(asker, tmp_path / "workspace")
    division.generate()
    return division


def answer(division: Generated, rule: str) -> str:
    """Return a model's answer: the desk as it is with a rule, and a test of that rule."""
    desk, test = (division.project / MODULE).read_text(), (division.project / TEST).read_text()
    rule_test = """
    def test_nobody_registers_twice(self) -> None:
        with self.assertRaises(Refused):
            desk.decide([EVENT], COMMAND)
"""
    desk = desk.replace("    return [\n", f"    {rule}\n    return [\n")
    desk = desk.replace("import Command, Event", "import Command, Event, Refused")
    test = test.replace("import fields_of", "import Refused, fields_of") + rule_test
    return json.dumps({"desk": f"```python\n{desk}```", "test": test})


def test_a_model_fills_in_a_desk(filling: Generated, model: Parrot) -> None:
    """It is shown what is there, and what it says is kept since the suite passes; generating again leaves it alone."""
    model.says.append(answer(filling, 'if history:\n        raise Refused("registered already")'))
    recorded = filling.generate("desk", desk_name="register_user", model="parrot-1")
    assert (recorded["model"], recorded["rolled_back"]) == ("openai/parrot-1", "")
    text = (filling.project / MODULE).read_text()
    assert "registered already" in text
    assert not text.startswith("```")
    files = {file["path"]: file["sha256"] for file in recorded["files"]}
    assert files[f"auth/{MODULE}"] == hashlib.sha256(text.encode()).hexdigest()
    assert "class RegisterUser(Command)" in model.prompts[0]
    assert "user_registered (email)" in model.prompts[0]
    assert filling.git("status", "--porcelain") == ""
    filling.test()
    for what in ({"what": "skeleton"}, {"what": "desk", "desk_name": "register_user"}):
        filling.generate(**what)
        assert (filling.project / MODULE).read_text() == text
        assert filling.listed[-1]["conflicts"] == []


def test_what_breaks_the_suite_is_rolled_back(filling: Generated, model: Parrot) -> None:
    """The template's version stays, and it is said why."""
    before = (filling.project / MODULE).read_text()
    model.says.append(answer(filling, 'raise Refused("never")'))
    reply = filling.ask("desk", desk_name="register_user", model="parrot-1")
    recorded = reply.json["events"][0]["data"]
    assert recorded["model"] == ""
    assert recorded["rolled_back"].startswith("the suite fails with the body by openai/parrot-1")
    assert (filling.project / MODULE).read_text() == before
    assert 'raise Refused("never")' in filling.output(reply)
    assert filling.git("status", "--porcelain") == ""
    filling.test()


def test_a_suite_that_fails_already_judges_nothing(filling: Generated, model: Parrot) -> None:
    """So the model is not asked."""
    (filling.project / "tests" / "test_mine.py").write_text("raise RuntimeError\n")
    recorded = filling.generate("desk", desk_name="register_user", model="parrot-1")
    assert recorded["rolled_back"].startswith("the suite fails without it")
    assert model.asked == []


def test_a_model_that_fails_leaves_all_as_it_was(filling: Generated, model: Parrot) -> None:
    """A provider's error, or nonsense twice, is the job's."""
    before = (filling.project / MODULE).read_text()
    model.says += ["no idea", json.dumps({"desk": "def decide(", "test": ""})]
    reply = filling.ask("desk", desk_name="register_user", model="parrot-1")
    assert (reply.status, reply.code) == (502, "provider_error")
    assert "a module is not Python" in reply.json["error"]
    assert (filling.project / MODULE).read_text() == before
    assert filling.git("status", "--porcelain") == ""


def test_cancelling_takes_the_body_back(filling: Generated, model: Parrot) -> None:
    """While the model thinks, what was written for a new desk goes again."""
    filling.desk("lock_user")
    job_id = filling.caller.post(f"{filling.path}/generate/desk", {"desk_name": "lock_user", "model": "parrot-1"}).json[
        "job_id"
    ]
    with filling.caller.feed(f"/api/jobs/{job_id}/stream") as feed:
        while not model.asked:
            feed.block()
    filling.caller.post(f"/api/jobs/{job_id}/cancel")
    assert filling.caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]["state"] == "cancelled"
    assert not (filling.project / "src/auth/commands/lock_user.py").exists()
    assert filling.git("status", "--porcelain") == ""


# -- what a model may write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A = 1\n\n\ndef decide() -> None: ...\n", ""),
        ("```python\nA = 1\ndef decide() -> None: ...\n```", ""),
        ("A = 1\n", "the desk's module has no decide"),
        ("", "the desk's module has no A, decide"),
        ("def decide(", "a module is not Python"),
        ("\0", "a module is not Python"),
        ("(" * 10_000, "a module is not Python"),
        ("x" * 100_001, "longer than"),
    ],
)
def test_a_module_must_keep_its_names(text: str, said: str) -> None:
    """Else it is asked for again."""
    found = what_is_lost("A = 1\n\n\ndef decide() -> None: ...\n", text)
    assert found.startswith(said) if said.startswith("a module") else said in found
    assert bool(found) == bool(said)


def test_fences_are_no_python() -> None:
    """Models like to put code between them."""
    assert as_module("```\nA = 1\n```\n") == as_module("A = 1") == "A = 1\n"
