"""Places: where a workspace is, and what a project's folder is called."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from hecate.dossiers.errors import NotFound
from hecate.workspaces.places import Place, folder_name, place_of, project_folder, workspace_written_to


@pytest.fixture
def db() -> apsw.Connection:
    """Two ventures and two divisions, as the read models have them."""
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE ventures (id, workspace); CREATE TABLE divisions (id, name)")
    db.execute("INSERT INTO ventures VALUES ('v-1', ''), ('v-2', '/home/me/shop')")
    db.execute("INSERT INTO divisions VALUES ('div-1', 'User Accounts'), ('div-2', '请求')")
    return db


def test_a_workspace_is_where_it_was_named(db: apsw.Connection) -> None:
    """Else in our own directory, under the venture's id."""
    assert place_of(db, "v-1", Path("/data/workspaces")) == Place(Path("/data/workspaces/v-1"), is_named=False)
    assert place_of(db, "v-2", Path("/data/workspaces")) == Place(Path("/home/me/shop"), is_named=True)
    with pytest.raises(NotFound):
        place_of(db, "v-3", Path("/data/workspaces"))


def test_a_project_is_called_by_its_division(db: apsw.Connection) -> None:
    """Or by its id, where nothing of the name can be a folder's."""
    assert project_folder(db, "div-1") == "user-accounts"
    assert project_folder(db, "div-2") == "div-2"
    with pytest.raises(NotFound):
        project_folder(db, "div-3")


def test_code_may_have_been_generated_elsewhere(db: apsw.Connection) -> None:
    """The last time counts; an empty text is the venture's workspace."""
    db.execute("CREATE TABLE events (stream, type, version, data)")
    assert workspace_written_to(db, "div-1") == ""
    for version, folder in enumerate(("/srv/code", "/srv/more", "")):
        data = f'{{"workspace": "{folder}", "project": "p"}}'
        db.execute("INSERT INTO events VALUES ('generation-div-1', 'skeleton_generated_v1', ?, ?)", (version, data))
        assert workspace_written_to(db, "div-1") == folder


@pytest.mark.parametrize(
    ("name", "folder"),
    [("Crème & Brûlée", "creme-brulee"), ("../../etc", "etc"), ("a" * 100, "a" * 60), (".git", "git"), ("---", "x")],
)
def test_a_folder_has_plain_letters(name: str, folder: str) -> None:
    """No separator, no dot, and not too long."""
    assert folder_name(name, otherwise="x") == folder
