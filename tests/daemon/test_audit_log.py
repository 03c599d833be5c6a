"""The audit log's files: what is in them, how large they become, and what a broken disk does."""

from __future__ import annotations

import json
import os
from pathlib import Path

from structlog.testing import capture_logs

from hecate.daemon.audit_log import AuditEntry, AuditLog, AuditSettings, read_audit

MIB = 1024 * 1024


def entry(number: int = 0, path: str = "/api/ventures") -> AuditEntry:
    """Return an entry."""
    return AuditEntry(
        at=1_790_000_000.25, method="POST", path=path, status=201, request_id=f"r{number}", via="socket", uid=7, pid=8
    )


def sizes_in(folder: Path) -> list[int]:
    """Return the sizes of the files in *folder*."""
    return [file.stat().st_size for file in folder.iterdir()]


def as_it_is(text: str) -> str:
    """Hide nothing."""
    return text


async def test_an_entry_is_a_line(tmp_path: Path) -> None:
    """For its owner alone to read, with a date that people read too."""
    log = AuditLog(tmp_path, AuditSettings(), as_it_is)
    log.add(entry())
    await log.close()
    file = tmp_path / "audit.log"
    assert file.stat().st_mode & 0o777 == 0o600
    (line,) = file.read_text().splitlines()
    assert json.loads(line) | {"at": ""} == {
        "at": "",
        "method": "POST",
        "path": "/api/ventures",
        "status": 201,
        "request_id": "r0",
        "via": "socket",
        "uid": 7,
        "pid": 8,
        "command": "",
    }
    assert json.loads(line)["at"] == "2026-09-21T14:13:20.250Z"


async def test_it_grows_to_a_bound(tmp_path: Path) -> None:
    """The newest entries stay, in their order, and no more than so many files of so many bytes."""
    log = AuditLog(tmp_path, AuditSettings(file_mib=1, files=3), as_it_is)
    long = "/" + "x" * 10_000
    for batch in range(6):
        for number in range(80):
            log.add(entry(batch * 80 + number, long))
        await log.close()
    sizes = sizes_in(tmp_path)
    assert len(sizes) <= 3
    assert sum(sizes) < 4 * MIB
    numbers = [int(found["request_id"][1:]) for found in read_audit(tmp_path)]
    assert numbers == list(range(479, 479 - len(numbers), -1))
    assert len(numbers) > 160


async def test_a_log_that_is_off_writes_nothing(tmp_path: Path) -> None:
    """Whoever wants none has none."""
    assert not AuditLog(tmp_path, AuditSettings(files=0), as_it_is).is_on


async def test_keys_do_not_get_into_it(tmp_path: Path) -> None:
    """What is hidden in the log is hidden here."""
    log = AuditLog(tmp_path, AuditSettings(), lambda text: text.replace("canary", "***"))
    log.add(entry(path="/api/canary"))
    await log.close()
    assert "canary" not in (tmp_path / "audit.log").read_text()


async def test_what_a_disk_does_not_take_waits(tmp_path: Path) -> None:
    """It is written when the disk takes it again, each entry once."""
    log = AuditLog(tmp_path, AuditSettings(), as_it_is)
    (tmp_path / "audit.log").mkdir()
    with capture_logs() as logged:
        log.add(entry(1))
        await log.close()
    assert {line["event"] for line in logged} == {"the audit log cannot be written"}
    (tmp_path / "audit.log").rmdir()
    log.add(entry(2))
    await log.close()
    assert [found["request_id"] for found in read_audit(tmp_path)] == ["r2", "r1"]


async def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Nobody can make us write elsewhere."""
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "audit.log").symlink_to(tmp_path / "elsewhere")
    log = AuditLog(tmp_path, AuditSettings(), as_it_is)
    with capture_logs():
        log.add(entry())
        await log.close()
    assert (tmp_path / "elsewhere").read_text() == "mine"


async def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    """As a power cut may leave one."""
    log = AuditLog(tmp_path, AuditSettings(), as_it_is)
    log.add(entry(1))
    await log.close()
    with (tmp_path / "audit.log").open("ab") as file:
        file.write(b'{"at": "20')
        os.fsync(file.fileno())
    assert [found["request_id"] for found in read_audit(tmp_path)] == ["r1"]
