"""Stampedes in PHP-FPM: of all workers that miss a key one makes its value, and none waits for one that cannot go on."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fpm import Fpm, another_pool, at_once, php, wait_until
from load import Lost

WORKERS = 16
LONG = 600
"""Seconds of a lease that no test lives to see the end of."""
SOON = 20.0
"""Seconds within which a busy machine does what takes none, and far fewer than such a lease."""


def ask(fpm: Fpm, key: str, pool: str = "", **how: Any) -> dict[str, Any]:
    """What a worker has for this key, made in this way if it is missing."""
    answer = fpm.call("stampede.php", "ask", pool, key=key, **how)
    assert isinstance(answer, dict)
    return answer


def tell(fpm: Fpm, verb: str, key: str = "", **more: Any) -> Any:
    """What is known of this key."""
    return fpm.call("stampede.php", verb, key=key, **more)["answer"]


def those(name: Path) -> list[int]:
    """The workers that have come as far as this."""
    return [int(file.read_text()) for file in name.parent.glob(f"{name.name}.*")]


def wait_for(name: Path, number: int = 1) -> list[int]:
    """Waits until so many workers have come this far; who they are."""
    wait_until(lambda: len(those(name)) >= number, f"fewer than {number} are at {name.name}")
    return those(name)


@pytest.mark.parametrize("api", ["remember", "apcu_entry"])
def test_sixteen_workers_miss_a_key_and_one_makes_it(directory: Path, api: str) -> None:
    with Fpm(directory, WORKERS, nearcache__memory_size="8M", nearcache__apcu_compat="1") as fpm:
        for number in range(5):
            key, here = f"{api}{number}", str(directory / f"here{number}")
            answers = at_once(WORKERS, lambda _, k=key, h=here: ask(fpm, k, api=api, here=h, together=WORKERS, takes=50_000))
            assert len({answer["pid"] for answer in answers}) == WORKERS
            (made,) = {answer["answer"]["made by"] for answer in answers}
            assert made in {answer["pid"] for answer in answers}
            assert tell(fpm, "times", key) == 1
        assert tell(fpm, "check") is True


def test_a_worker_killed_in_the_producer_delays_the_others_no_longer_than_its_lease(directory: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    lease = 1
    with Fpm(directory, WORKERS, nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(WORKERS) as pool:
        for number in range(3):
            key, begun, here = f"k{number}", directory / f"begun{number}", directory / f"here{number}"
            dying = pool.submit(ask, fpm, key, how="wait", begun=str(begun), lease=lease)
            (victim,) = wait_for(begun)
            waiting = [pool.submit(ask, fpm, key, here=str(here), lease=lease) for _ in range(WORKERS - 1)]
            # Killed while few or all of them wait already.
            wait_for(here, chance.randint(1, WORKERS - 1))
            os.kill(victim, signal.SIGKILL)
            with pytest.raises(Lost):
                dying.result()
            answers = [future.result() for future in waiting]
            (made,) = {answer["answer"]["made by"] for answer in answers}
            assert made != victim
            assert tell(fpm, "times", key) == 2, "his, and that of one of the others"
            assert max(answer["seconds"] for answer in answers) < lease + SOON
            wait_until(lambda: len(fpm.workers()) == WORKERS, "php-fpm does not replace its worker")
        assert tell(fpm, "check") is True


def test_a_stale_value_is_served_while_one_makes_the_new(directory: Path) -> None:
    with Fpm(directory, WORKERS, nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(1) as pool:
        # 60 seconds of its life are left, and it is good for the time before the last 100.
        assert tell(fpm, "set", "k", value="old", ttl=60)
        begun, gate = directory / "begun", directory / "gate"
        making = pool.submit(ask, fpm, "k", stale=100, lease=LONG, begun=str(begun), gate=str(gate))
        wait_for(begun)
        answers = at_once(WORKERS - 1, lambda _: ask(fpm, "k", stale=100, lease=LONG))
        assert [answer["answer"] for answer in answers] == ["old"] * (WORKERS - 1)
        assert not making.done()
        gate.touch()
        made = making.result()
        assert made["answer"]["made by"] == made["pid"]
        assert ask(fpm, "k", stale=100)["answer"] == made["answer"]
        assert tell(fpm, "times", "k") == 1


def test_a_worker_killed_while_it_makes_a_stale_value_anew_keeps_the_old_no_longer_than_its_lease(directory: Path) -> None:
    with Fpm(directory, 4, nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(1) as pool:
        assert tell(fpm, "set", "k", value="old", ttl=500)
        begun = directory / "begun"
        dying = pool.submit(ask, fpm, "k", stale=LONG, lease=1, begun=str(begun), how="wait")
        (victim,) = wait_for(begun)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(Lost):
            dying.result()
        answers: list[Any] = []

        def is_new() -> bool:
            answers.append(ask(fpm, "k", stale=LONG, lease=1)["answer"])
            return bool(answers[-1] != "old")

        wait_until(is_new, "the old value outlives the lease of him who was to replace it", SOON)
        assert answers[0] == "old"
        assert tell(fpm, "times", "k") == 2


SAID = {
    "throw": "thrown on purpose",
    "exit": "ended on purpose",
    "fatal": "undefined function a_function_that_is_not_there",
    "memory": "Allowed memory size of 8388608 bytes exhausted",
    "time": "Maximum execution time of 1 second exceeded",
    "closure": "Serialization of 'Closure' is not allowed",
}


@pytest.mark.parametrize(("api", "how"), [*(("remember", how) for how in SAID), ("apcu_entry", "throw"), ("apcu_entry", "memory")])
def test_a_producer_that_fails_gives_its_lease_up(directory: Path, api: str, how: str) -> None:
    # Two pools of one worker each, so that it is known which one answers.
    values = {"nearcache__memory_size": "8M", "nearcache__apcu_compat": "1"}
    with Fpm(directory, 1, "", another_pool(directory, "other"), **values) as fpm, ThreadPoolExecutor(2) as pool:
        begun, gate, here = directory / "begun", directory / "gate", directory / "here"
        before = fpm.workers()
        failing: Future[str] = pool.submit(
            fpm.fails, "stampede.php", "ask", key="k", api=api, how=how, lease=LONG, begun=str(begun), gate=str(gate)
        )
        wait_for(begun)
        waiting = pool.submit(ask, fpm, "k", "other", api=api, lease=LONG, here=str(here))
        wait_for(here)
        assert not waiting.done()
        gate.touch()
        assert SAID[how] in failing.result()
        answer = waiting.result()
        assert answer["answer"] == {"made by": answer["pid"], "how": "return"}
        assert answer["seconds"] < SOON
        # That request alone was lost. Its worker goes on, and sees what the other has made.
        assert fpm.workers() == before
        assert ask(fpm, "k", api=api)["answer"] == answer["answer"]
        assert tell(fpm, "times", "k") == 2

        # The lease is free while the same request still ends.
        assert SAID[how] in fpm.fails("stampede.php", "ask", key="end", api=api, how=how, lease=LONG, again=True)
        assert tell(fpm, "get", "end") == "made as the request ended"
        # Nothing is left of a failure that nobody comes after.
        assert SAID[how] in fpm.fails("stampede.php", "ask", key="left", api=api, how=how, lease=LONG)
        assert tell(fpm, "keys", "left") == []
        assert tell(fpm, "check") is True
        assert fpm.workers() == before


def test_a_request_that_php_fpm_terminates_delays_the_others_no_longer_than_its_lease(directory: Path) -> None:
    with Fpm(directory, 1, "request_terminate_timeout = 1s", another_pool(directory, "other"), nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(2) as pool:
        begun = directory / "begun"
        dying = pool.submit(ask, fpm, "k", how="wait", begun=str(begun), lease=2)
        (victim,) = wait_for(begun)
        waiting = pool.submit(ask, fpm, "k", "other", lease=2)
        with pytest.raises(Lost):
            dying.result()
        answer = waiting.result()
        assert answer["answer"]["made by"] == answer["pid"]
        assert answer["seconds"] < 2 + SOON
        assert "execution timed out" in fpm.said()
        wait_until(lambda: victim not in fpm.workers() and len(fpm.workers()) == 2, "php-fpm does not replace its worker")
        assert ask(fpm, "k")["answer"] == answer["answer"]
        assert tell(fpm, "times", "k") == 2


def test_a_producer_may_ask_for_its_own_key(directory: Path) -> None:
    with Fpm(directory, 1, "", another_pool(directory, "other"), nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(2) as pool:
        begun, gate = directory / "begun", directory / "gate"
        making = pool.submit(fpm.call, "stampede.php", "itself", key="k", lease=LONG, begun=str(begun), gate=str(gate))
        wait_for(begun)
        waiting = pool.submit(ask, fpm, "k", "other", lease=LONG)
        gate.touch()
        made = making.result()
        assert made["answer"] == {"outer": {"made by": made["pid"], "how": "return"}, "inner": "inner"}
        assert waiting.result()["answer"] == made["answer"]
        assert tell(fpm, "times", "k") == 1


def test_two_producers_that_wait_for_one_another_end_with_their_leases(directory: Path) -> None:
    with Fpm(directory, 1, "", another_pool(directory, "other"), nearcache__memory_size="8M") as fpm:
        begun, gate = directory / "begun", directory / "gate"

        def nested(index: int) -> Any:
            mine, its = ("a", "b") if index == 0 else ("b", "a")
            pool = "" if index == 0 else "other"
            return fpm.call("stampede.php", "nested", pool, key=mine, other=its, lease=1, begun=str(begun), gate=str(gate))

        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(nested, index) for index in (0, 1)]
            wait_for(begun, 2)
            gate.touch()
            answers = [future.result() for future in both]
        assert all(answer["answer"][0]["made by"] == answer["pid"] for answer in answers)
        assert max(answer["seconds"] for answer in answers) < 1 + SOON
        assert tell(fpm, "check") is True


@pytest.mark.parametrize("segment", ["", "site"], ids=["inherited", "named"])
def test_a_reload_while_a_value_is_made(directory: Path, segment: str) -> None:
    with Fpm(directory, 2, nearcache__segment=segment, nearcache__memory_size="8M") as fpm, ThreadPoolExecutor(1) as pool:
        tell(fpm, "set", "kept", value="warm", ttl=600)
        begun = directory / "begun"
        dying = pool.submit(ask, fpm, "k", how="wait", begun=str(begun), lease=1)
        wait_for(begun)
        fpm.reload()
        with pytest.raises(Lost):
            dying.result()
        answer = ask(fpm, "k", lease=1)
        assert answer["answer"]["made by"] in fpm.workers()
        assert answer["seconds"] < 1 + SOON
        assert tell(fpm, "get", "kept") == ("warm" if segment else False)
        assert tell(fpm, "times", "k") == (2 if segment else 1)
        assert tell(fpm, "check") is True


def test_the_command_line_waits_for_what_a_worker_makes(directory: Path) -> None:
    values = {"nearcache__segment": "site", "nearcache__memory_size": "8M"}
    with Fpm(directory, 2, **values) as fpm, ThreadPoolExecutor(2) as pool:
        begun, gate, here = directory / "begun", directory / "gate", directory / "here"
        making = pool.submit(ask, fpm, "k", begun=str(begun), gate=str(gate), lease=LONG)
        wait_for(begun)
        code = (
            "$c = new NearCache\\Cache(); "
            f"file_put_contents('{here}.1', '1'); "
            f"echo json_encode($c->remember('k', 600, fn() => 'made by the command line', 0, {LONG}));"
        )
        asking = pool.submit(php, code, nearcache__enable_cli="1", **values)
        wait_for(here)
        assert not asking.done()
        gate.touch()
        made = making.result()["answer"]
        assert asking.result() == f'{{"made by":{made["made by"]},"how":"return"}}'
        # And the other way round.
        assert php(code.replace("'k'", "'cli'"), nearcache__enable_cli="1", **values) == '"made by the command line"'
        assert ask(fpm, "cli")["answer"] == "made by the command line"
