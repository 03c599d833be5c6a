"""Which models are loaded: real processes, in which the stand-in for xllamacpp serves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hecate.dossiers.errors import Unavailable
from hecate.serve_llm.errors import ModelNotLoaded
from hecate.serve_llm.providers.local_models import LoadedModels
from hecate.serve_llm.settings import LocalSettings
from tests.serve_llm.asking import until
from tests.serve_llm.providers.llama_cpp import PACKAGE, end_process, let_load, loads, model_file, runs

Open = Callable[[LocalSettings], LoadedModels]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Child processes find the stand-in."""
    monkeypatch.syspath_prepend(str(PACKAGE))


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open what loads models; at the end all are unloaded, whoever still uses them."""
    all_opened: list[LoadedModels] = []

    def start(settings: LocalSettings) -> LoadedModels:
        all_opened.append(LoadedModels(settings))
        return all_opened[-1]

    yield start
    for models in all_opened:
        for place in models._places.values():
            place.users = 0
        await models.close()


async def test_two_first_calls_load_once(opened: Open, tmp_path: Path) -> None:
    """Whoever asks while a model is loaded waits for the same process."""
    models = opened(LocalSettings())
    file = model_file(tmp_path, "slow")
    asked = [asyncio.create_task(models.lease(file)) for _ in range(5)]
    await until(lambda: len(loads(tmp_path, "slow")) == 1)
    let_load(tmp_path, "slow")
    leases = await asyncio.gather(*asked)
    assert len({lease.process for lease in leases}) == 1
    assert len(loads(tmp_path, "slow")) == 1


async def test_who_goes_away_leaves_the_others_waiting(opened: Open, tmp_path: Path) -> None:
    """The first who asked may leave; the model is loaded for the second."""
    models = opened(LocalSettings())
    file = model_file(tmp_path, "slow")
    first, second = (asyncio.create_task(models.lease(file)) for _ in range(2))
    await until(lambda: len(loads(tmp_path, "slow")) == 1)
    first.cancel()
    let_load(tmp_path, "slow")
    assert (await second).process.url
    assert first.cancelled()


async def test_an_idle_model_is_unloaded(opened: Open, tmp_path: Path) -> None:
    """Not while it is used; its process ends, and the next who asks has it loaded again."""
    models = opened(LocalSettings(idle_seconds=0.01))
    file = model_file(tmp_path, "a")
    one, two = await models.lease(file), await models.lease(file)
    (pid,) = loads(tmp_path, "a")
    one.leave()
    await asyncio.wait([asyncio.create_task(one.process.ended())], timeout=0.2)
    assert runs(pid)
    two.leave()
    await until(lambda: not runs(pid))
    assert (await models.lease(file)).process is not one.process


async def test_the_one_idle_for_longest_makes_room(opened: Open, tmp_path: Path) -> None:
    """No more are loaded than may be."""
    models = opened(LocalSettings(most_loaded=2))
    files = [model_file(tmp_path, name) for name in "abc"]
    for file in files[:2]:
        (await models.lease(file)).leave()
    (await models.lease(files[0])).leave()
    await models.lease(files[2])
    pids = [loads(tmp_path, name)[-1] for name in "abc"]
    assert [runs(pid) for pid in pids] == [True, False, True]


async def test_nobody_loses_a_model_in_use(opened: Open, tmp_path: Path) -> None:
    """Another waits until it is free, and nobody who comes later goes before."""
    models = opened(LocalSettings())
    one, other = model_file(tmp_path, "a"), model_file(tmp_path, "b")
    using = await models.lease(one)
    waiting = asyncio.create_task(models.lease(other))
    later = asyncio.create_task(models.lease(one))
    done, _ = await asyncio.wait([waiting, later], timeout=0.3)
    assert not done
    assert loads(tmp_path, "b") == []
    using.leave()
    (await waiting).leave()
    (await later).leave()
    assert [len(loads(tmp_path, name)) for name in "ab"] == [2, 1]


async def test_who_waits_for_room_may_leave(opened: Open, tmp_path: Path) -> None:
    """The next in line is then the first."""
    models = opened(LocalSettings())
    using = await models.lease(model_file(tmp_path, "a"))
    waiting = asyncio.create_task(models.lease(model_file(tmp_path, "b")))
    await asyncio.wait([waiting], timeout=0.05)
    waiting.cancel()
    again = await models.lease(using.process.file)
    assert again.process is using.process


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "local cannot load 'broken': it is full of holes"),
        ("killed", "local cannot load 'killed': its process was killed, as happens when memory runs out"),
    ],
)
async def test_what_cannot_be_loaded_says_why(opened: Open, tmp_path: Path, name: str, why: str) -> None:
    """To everybody who waits; nothing stays in its place."""
    models = opened(LocalSettings())
    file = model_file(tmp_path, name)
    failures = await asyncio.gather(*(models.lease(file) for _ in range(3)), return_exceptions=True)
    assert {str(failure) for failure in failures} == {why}
    assert all(isinstance(failure, ModelNotLoaded) for failure in failures)
    await models.lease(model_file(tmp_path, "good"))
    assert not any(runs(pid) for pid in loads(tmp_path, name))


async def test_a_lost_process_is_replaced(opened: Open, tmp_path: Path) -> None:
    """A model whose process has died is loaded again for the next who asks."""
    models = opened(LocalSettings())
    file = model_file(tmp_path, "a")
    lease = await models.lease(file)
    end_process(loads(tmp_path, "a")[0], signal.SIGSEGV)
    assert await lease.process.ended() == "its process has crashed (SIGSEGV)"
    again = await models.lease(file)
    assert again.process is not lease.process
    lease.leave()
    assert (await models.lease(file)).process is again.process


async def test_closed_it_lets_the_running_chats_end(opened: Open, tmp_path: Path) -> None:
    """What is idle is unloaded at once, what is used when it no longer is; nothing more is loaded."""
    models = opened(LocalSettings(most_loaded=2))
    files = [model_file(tmp_path, name) for name in "ab"]
    used, idle = await models.lease(files[0]), await models.lease(files[1])
    idle.leave()
    await models.close()
    pids = [loads(tmp_path, name)[0] for name in "ab"]
    assert [runs(pid) for pid in pids] == [True, False]
    with pytest.raises(Unavailable):
        await models.lease(files[1])
    used.leave()
    await until(lambda: not runs(pids[0]))


async def test_closed_while_one_waits_for_room(opened: Open, tmp_path: Path) -> None:
    """It is told, and does not wait for ever."""
    models = opened(LocalSettings())
    using = await models.lease(model_file(tmp_path, "a"))
    waiting = asyncio.create_task(models.lease(model_file(tmp_path, "b")))
    await asyncio.wait([waiting], timeout=0.05)
    await models.close()
    with pytest.raises(Unavailable):
        await waiting
    using.leave()
    (pid,) = loads(tmp_path, "a")
    await until(lambda: not runs(pid))


async def test_a_process_knows_no_keys(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider's key is, and the rest of the environment, is nothing to it; nor is its own in its arguments."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    models = opened(LocalSettings())
    lease = await models.lease(model_file(tmp_path, "a"))
    process = Path(f"/proc/{loads(tmp_path, 'a')[0]}")
    environ, arguments = (process / "environ").read_text(), (process / "cmdline").read_text()
    assert "sk-secret" not in environ
    assert "CUDA_VISIBLE_DEVICES=1" in environ
    assert lease.process.api_key not in environ + arguments
