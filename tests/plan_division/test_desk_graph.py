"""The planned desks of a division as a graph."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from hecate.plan_division.desk_graph import DeskNode, NeedEdge, as_dot, as_mermaid
from tests.calling import Caller

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40)
ODD = (
    "end",
    'say "hi"',
    "<b>bold</b>",
    "1. first",
    "- item",
    "a\\N",
    "a`b`",
    "#35;",
    "über 💡",
    "subgraph",
    "a]b",
    "-->",
)


@pytest.fixture
def plan(caller: Caller) -> str:
    """A plan of three desks, two of them in a sprint: the path of its division."""
    division = f"/api/divisions/{caller.division_with(plan='active')}"
    for name, kind in (("register", "command"), ("users", "projection"), ("show", "query")):
        caller.done(f"{division}/plan/desk", {"desk_name": name, "desk_type": kind, "priority": "P1"})
    caller.done(f"{division}/plan/dependency", {"from_desk": "users", "to_desk": "register"})
    caller.done(f"{division}/plan/dependency", {"from_desk": "show", "to_desk": "users"})
    caller.done(f"{division}/plan/sequence", {"desk_names": ["register", "users"], "sprint_number": 2})
    return division


def test_programs_get_nodes_and_edges(caller: Caller, plan: str) -> None:
    """With types, priorities, and each desk's place in its sprint."""
    reply = caller.get(f"{plan}/graph")
    answer = reply.json
    assert [
        (node["desk_name"], node["desk_type"], node["priority"], node["sprint_number"], node["place"])
        for node in answer["nodes"]
    ] == [("register", "command", "P1", 2, 1), ("users", "projection", "P1", 2, 2), ("show", "query", "P1", None, None)]
    assert [(edge["from_desk"], edge["to_desk"]) for edge in answer["edges"]] == [
        ("users", "register"),
        ("show", "users"),
    ]
    ids = {node["desk_name"]: node["desk_id"] for node in answer["nodes"]}
    assert [(edge["from_desk_id"], edge["to_desk_id"]) for edge in answer["edges"]] == [
        (ids["users"], ids["register"]),
        (ids["show"], ids["users"]),
    ]
    assert caller.get(f"{plan}/graph?format=json").body == reply.body
    assert reply.headers["etag"] == caller.get(f"{plan}/plans").headers["etag"]


def test_mermaid_draws_it(caller: Caller, plan: str) -> None:
    """A shape for each type."""
    reply = caller.get(f"{plan}/graph?format=mermaid")
    assert reply.headers["content-type"] == "text/vnd.mermaid; charset=utf-8"
    assert reply.body.decode() == (
        'flowchart LR\n    d1["register (P1)"]\n    d2[("users (P1)")]\n    d3(["show (P1)"])\n'
        "    d2 --> d1\n    d3 --> d2\n"
    )


def test_graphviz_draws_it(caller: Caller, plan: str) -> None:
    """The same."""
    reply = caller.get(f"{plan}/graph?format=dot")
    assert reply.headers["content-type"] == "text/vnd.graphviz; charset=utf-8"
    text = re.sub(r"desk-\w+", "desk", reply.body.decode())
    assert '    "desk" [label="users (P1)", shape=cylinder];\n' in text
    assert text.count('    "desk" -> "desk";\n') == 2


def test_a_plan_that_has_not_begun_is_empty(caller: Caller) -> None:
    """In every form."""
    division = f"/api/divisions/{caller.division()}"
    answer = caller.get(f"{division}/graph").json
    assert (answer["nodes"], answer["edges"]) == ([], [])
    assert caller.get(f"{division}/graph?format=mermaid").body == b"flowchart LR\n"
    assert caller.get(f"{division}/graph?format=dot").body == b"digraph plan {\n    rankdir=LR;\n}\n"


@pytest.mark.parametrize("form", ["json", "mermaid", "dot"])
def test_a_division_that_is_not_there_is_not_found(form: str, caller: Caller) -> None:
    """404, and 400 for a form that there is not."""
    reply = caller.get(f"/api/divisions/div-none/graph?format={form}")
    assert (reply.status, reply.code) == (404, "not_found")
    assert caller.get(f"/api/divisions/div-none/graph?format={form}x").code == "validation_error"


def nodes(*names: str) -> list[DeskNode]:
    """Return a desk of each name."""
    return [DeskNode(f"desk-{n}", name, "command", "", "P2", None, None) for n, name in enumerate(names)]


@given(NAMES)
def test_mermaid_takes_no_name_for_its_own(name: str) -> None:
    """What is read back is the name, and between the quotes is nothing but letters, numbers and codes."""
    _, line = as_mermaid(nodes(name), ()).splitlines()
    found = re.fullmatch(r'    d1\["(?P<name>(?:[\w \d]|#\d+;)*) \(P2\)"\]', line)
    assert found
    assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), found["name"]) == name


@given(NAMES)
def test_graphviz_takes_no_name_for_its_own(name: str) -> None:
    """What is read back is the name."""
    line = as_dot(nodes(name), ()).split("\n", 2)[2].removesuffix("\n}\n")
    found = re.fullmatch(r'    "desk-0" \[label="(?P<name>(?:[^"\\]|\\["\\])*) \(P2\)", shape=box\];', line)
    assert found
    assert re.sub(r"\\(.)", r"\1", found["name"]) == name


@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no dot command")
def test_graphviz_itself_reads_it() -> None:
    """Odd names too."""
    desks = nodes(*ODD)
    edges = [NeedEdge(one.desk_id, other.desk_id, "", "") for one, other in pairwise(desks)]
    drawn = subprocess.run(["dot", "-Tplain"], input=as_dot(desks, edges).encode(), capture_output=True, check=True)
    assert drawn.stderr == b""
    assert drawn.stdout.count(b"\nnode ") == len(desks)
