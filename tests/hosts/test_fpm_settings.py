"""PHP-FPM and php.ini's settings: sessions of many requests at once, APCu's functions, a cache for each pool or user."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fpm import Fpm, another_pool, php, wait_until
from load import Lost

SESSIONS = {
    "session.save_handler": "nearcache",
    "session.save_path": "",
    # Sixteen wait for one another; a busy machine is given half a minute.
    "nearcache.sess_lock_retries": "200",
    "nearcache.memory_size": "8M",
}


def at_once(number: int, work: Callable[[int], Any]) -> list[Any]:
    """The answers of so many calls, begun together."""
    gate = threading.Barrier(number)

    def call(index: int) -> Any:
        gate.wait()
        return work(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, range(number)))


@pytest.mark.parametrize("where", ["ini", "named"])
def test_requests_with_one_session_wait_for_one_another(directory: Path, where: str) -> None:
    values = SESSIONS | ({"session.save_path": str(directory / "kept"), "nearcache.memory_size": "0"} if where == "named" else {})
    with Fpm(directory, 8, **values) as fpm:
        rounds = 4
        counted = [n for _ in range(rounds) for n in at_once(16, lambda _: fpm.page("count", id="one"))]
        assert sorted(counted) == list(range(1, 16 * rounds + 1))
        # Others' sessions do not wait.
        assert at_once(8, lambda index: fpm.page("count", id=f"own{index}")) == [1] * 8
        assert fpm.page("session", id="one") == {"n": 16 * rounds}


def test_a_killed_worker_s_session_is_free_again_and_whole(directory: Path) -> None:
    values = SESSIONS | {"nearcache.sess_lock_expire": "1"}
    with Fpm(directory, 4, **values) as fpm, ThreadPoolExecutor(1) as pool:
        assert fpm.page("count", id="one") == 1
        held = directory / "held"
        holding = pool.submit(fpm.page, "hold", id="one", file=str(held))
        wait_until(lambda: held.exists() and held.read_text() != "", "nobody holds the session")
        os.kill(int(held.read_text()), signal.SIGKILL)
        with pytest.raises(Lost):
            holding.result()
        began = time.monotonic()
        assert fpm.page("count", id="one") == 2
        # The lock's second, one more for the clock's running second, and a machine that is busy.
        assert time.monotonic() - began < 20


def test_sessions_survive_a_reload_if_the_cache_has_a_name(directory: Path) -> None:
    with Fpm(directory, 2, **SESSIONS | {"nearcache.segment": "site"}) as fpm:
        assert [fpm.page("count", id="one") for _ in range(3)] == [1, 2, 3]
        fpm.reload()
        assert fpm.page("count", id="one") == 4


def test_one_of_many_makes_an_entry(directory: Path) -> None:
    with Fpm(directory, 8, **{"nearcache.memory_size": "8M", "nearcache.apcu_compat": "1"}) as fpm:
        for number in range(3):
            made = set(at_once(16, lambda _, key=f"k{number}": fpm.page("entry", key=key)))
            assert len(made) == 1 and made <= set(fpm.workers())
            assert fpm.page("fetch", key=f"calls of k{number}") == 1


def test_pools_have_a_cache_each(directory: Path) -> None:
    # FPM's workers have none of the master's environment.
    names = f"env[NEARCACHE_DIR] = {directory / 'names'}\n"
    small = names + "php_admin_value[nearcache.memory_size] = 4M\n"
    values = {"nearcache.isolation": "pool", "nearcache.segment": "site", "nearcache.memory_size": "8M"}
    others = another_pool(directory, "shop", small) + another_pool(directory, "blog.eu", names)
    with Fpm(directory, 2, names, others, **values) as fpm:
        told = {pool: fpm.page("info", pool) for pool in ("", "shop", "blog.eu")}
        assert [(info["name"], info["size"]) for info in told.values()] == [("site.www", 8 << 20), ("site.shop", 4 << 20), ("site.blog.eu", 8 << 20)]
        # Both workers of "www" have one cache; the other pools count for themselves.
        by: set[int] = set()
        counted = 0

        def is_served_by_two() -> bool:
            nonlocal counted
            counted += 1
            assert fpm.page("increment", key="n") == counted
            by.add(fpm.page("info")["pid"])
            return len(by) > 1

        wait_until(is_served_by_two, "one worker does all")
        assert fpm.page("increment", "shop", key="n") == 1
        assert fpm.page("increment", "shop", key="n") == 2
        assert fpm.page("increment", "blog.eu", key="n") == 1
        fpm.reload()
        assert fpm.page("increment", "shop", key="n") == 3, "warm after a reload"
        # The command line has a pool's cache by its name.
        attach = "echo (new NearCache\\Cache(options: ['name' => 'site.shop', 'create' => false]))->get('n');"
        assert php(attach) == "3"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give workers another user")
def test_users_have_a_cache_each(directory: Path) -> None:
    directory.chmod(0o711)
    place = directory / "shared"
    place.mkdir()
    place.chmod(0o1777)
    users = {"": ("nobody", 65534), "shop": ("nobody", 65534), "blog": ("daemon", 1)}
    conf = {pool: f"user = {user}\nlisten.mode = 0600\n" for pool, (user, _) in users.items()}
    others = another_pool(directory, "shop", conf["shop"]) + another_pool(directory, "blog", conf["blog"])
    values = {"nearcache.isolation": "user", "nearcache.segment": str(place / "site"), "nearcache.memory_size": "4M"}
    with Fpm(directory, 1, conf[""], others, **values) as fpm:
        for pool, (_, uid) in users.items():
            info = fpm.page("info", pool)
            assert (info["path"], info["uid"], info["permissions"]) == (str(place / f"site.{uid}"), uid, 0o600)
        assert fpm.page("increment", key="n") == 1
        assert fpm.page("increment", "shop", key="n") == 2, "a pool of the same user"
        assert fpm.page("increment", "blog", key="n") == 1, "another user"
        assert "nearcache" not in fpm.said()


def test_a_bad_value_is_told_of_and_the_default_holds(directory: Path) -> None:
    bad = {"nearcache.item_size_limit": "huge", "nearcache.sess_lock_wait_max": "-1", "nearcache.enabled": "perhaps"}
    pool = "php_admin_value[nearcache.l1_size] = lots\n"
    with Fpm(directory, 1, pool, **bad, **{"nearcache.memory_size": "4M"}) as fpm:
        info = fpm.page("info")
        assert (info["shared"], info["size"]) == (True, 4 << 20)
        for name, value in bad.items():
            assert f'PHP Startup: {name} is "{value}": it must be ' in fpm.said()
        assert 'nearcache.l1_size is "lots": it must be a number of bytes' in fpm.said()


def test_nothing_is_mapped_if_it_is_off(directory: Path) -> None:
    for off in ({"nearcache.enabled": "0"}, {"nearcache.memory_size": "0"}):
        with Fpm(directory, 1, **off) as fpm:
            assert fpm.page("info")["shared"] is False
            assert "nearcache" not in fpm.said()
