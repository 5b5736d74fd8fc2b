"""PHP-FPM: one cache for all workers, whichever of them are killed, and warm after a reload if it has a name."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fpm import Fpm, php, wait_until
from load import Load, Lost

WORKERS = 8


@pytest.mark.parametrize("segment", ["", "site"], ids=["inherited", "named"])
def test_workers_are_killed_under_load(directory: Path, seed: int, segment: str) -> None:
    values = {"nearcache__memory_size": "64M", "nearcache__segment": segment}
    with Fpm(directory, WORKERS, **values) as fpm:
        load = Load(fpm.send, fpm.workers, seed, pause=0.05)
        load.run(requests=2000, kills=100, seconds=180)
        load.judge()
        load.settle()
        load.check()
        assert fpm.ask("info")["shared"] is True
        wait_until(lambda: len(fpm.workers()) == WORKERS, "php-fpm does not replace its workers")


def test_all_workers_have_one_cache(directory: Path) -> None:
    with Fpm(directory, WORKERS, nearcache__memory_size="4M") as fpm:
        # Each number is given once, by whichever worker, until more than one has given one.
        given: list[int] = []
        by: set[int] = set()

        def is_served_by_two() -> bool:
            answer = fpm.send([("increment", "n", 0, 0)])
            given.append(answer["answers"][0])
            by.add(answer["pid"])
            return len(by) > 1

        wait_until(is_served_by_two, "one worker does all")
        assert given == list(range(1, len(given) + 1))
        info = fpm.ask("info")
        assert (info["name"], info["path"], info["shared"], info["size"]) == (None, None, True, 4 << 20)
        assert by <= {process["pid"] for process in fpm.ask("processes")}


def test_a_named_cache_survives_a_reload_and_the_command_line_has_it(directory: Path) -> None:
    values = {"nearcache__segment": "site", "nearcache__memory_size": "16M"}
    with Fpm(directory, WORKERS, **values) as fpm:
        assert fpm.ask("set", "k", 1, 5000) is True
        before = fpm.ask("get", "k")
        fpm.reload()
        assert fpm.ask("get", "k") == before
        fpm.reload()
        assert fpm.ask("get", "k") == before
        assert fpm.ask("info")["name"] == "site"

        # As php.ini says it, and by the name.
        tell = "echo (new NearCache\\Cache)->get('k');"
        assert php(tell, nearcache__enable_cli="1", **values) == before
        assert php(tell, **values) == "", "the command line takes part only if it is told to"
        attach = "$c = new NearCache\\Cache(options: ['name' => 'site', 'create' => false]); $c->set('cli', 'was here');"
        php(attach)
        assert fpm.ask("get", "cli") == "was here"
        assert fpm.ask("check") is True
    # It stays when the server is gone, until it is removed.
    assert php("echo (new NearCache\\Cache(options: ['name' => 'site', 'read_only' => true]))->get('k');") == before
    assert php("var_dump(NearCache\\Cache::unlink('site'), NearCache\\Cache::unlink('site'));") == "bool(true)\nbool(false)\n"


def test_a_cache_without_a_name_is_new_after_a_reload(directory: Path) -> None:
    with Fpm(directory, 2, nearcache__memory_size="4M") as fpm:
        fpm.ask("set", "k", 1, 10)
        assert fpm.ask("get", "k") is not None
        fpm.reload()
        assert fpm.ask("get", "k") is None
        assert fpm.ask("info")["shared"] is True


def test_a_reload_under_load_loses_nothing(directory: Path, seed: int) -> None:
    with Fpm(directory, WORKERS, nearcache__segment="site", nearcache__memory_size="64M") as fpm, ThreadPoolExecutor(1) as pool:
        load = Load(fpm.send, fpm.workers, seed, pause=0.2)
        running = pool.submit(load.run, requests=2000, kills=20, seconds=180)
        for reloads in (1, 2, 3):
            wait_until(lambda: running.done() or load.answered >= 400 * reloads, "the load does not go on", 120)
            fpm.reload()
        running.result()
        load.judge()
        load.settle()
        load.check()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give workers another user")
@pytest.mark.parametrize("segment", ["", "site"], ids=["inherited", "named"])
def test_workers_of_another_user_share_what_the_master_mapped(directory: Path, segment: str) -> None:
    # As distributions have it: the master is root, its workers are not, and could not open the file themselves.
    directory.chmod(0o711)
    pool = "user = nobody\ngroup = nogroup\nlisten.mode = 0600"
    with Fpm(directory, 2, pool, nearcache__segment=segment, nearcache__memory_size="4M") as fpm:
        by: set[int] = set()
        number = 0

        def is_served_by_two() -> bool:
            nonlocal number
            answer = fpm.send([("increment", "n", 0, 0)])
            number += 1
            assert answer["answers"] == [number]
            by.add(answer["pid"])
            return len(by) > 1

        wait_until(is_served_by_two, "one worker does all")
        one = by.pop()
        assert os.stat(f"/proc/{one}").st_uid != 0
        os.kill(one, signal.SIGKILL)
        wait_until(lambda: one not in fpm.workers(), "the worker does not end")
        assert fpm.ask("increment", "n") == number + 1
        assert fpm.ask("check") is True


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"nearcache__memory_size": "4000G"}, "bytes of memory left"),
        ({"nearcache__isolation": "mine"}, 'nearcache.isolation is "mine": it must be one of shared, user, pool'),
        ({"nearcache__segment": "/proc/no/such"}, "/proc/no"),
        ({"nearcache__segment": "foreign"}, "does not begin as a cache does"),
    ],
    ids=["size", "isolation", "path", "foreign"],
)
def test_what_cannot_be_mapped_takes_no_server_down(directory: Path, values: dict[str, str], why: str) -> None:
    (directory / "names" / "foreign").write_text("no cache")
    with Fpm(directory, 2, **values) as fpm:
        assert "nearcache shares no cache, each object has one of its own: " in fpm.said()
        assert why in fpm.said()
        assert fpm.ask("set", "k", 1, 10) is True
        assert fpm.ask("get", "k") is None, "private to its object, as without a setting"
        assert fpm.ask("info")["shared"] is False
    assert (directory / "names" / "foreign").read_text() == "no cache"


def test_a_worker_killed_within_a_request_loses_that_request_alone(directory: Path) -> None:
    with Fpm(directory, 1, nearcache__memory_size="4M") as fpm:
        for version in range(1, 21):
            assert fpm.ask("set", "k", version, 1000) is True
            (worker,) = fpm.workers()
            os.kill(worker, signal.SIGKILL)

            def is_back() -> bool:
                try:
                    return bool(fpm.ask("get", "k").startswith(f"k {version} "))
                except Lost:
                    return False

            wait_until(is_back, "the next worker does not see what the last one wrote")
