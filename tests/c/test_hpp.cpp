// The C++ face: each verb, failures as exceptions, exceptions through callbacks, moves, long values.
#include <nearcache.hpp>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

static int checks, failures;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        checks++;                                                                                            \
        if (!(condition)) {                                                                                  \
            failures++;                                                                                      \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);              \
        }                                                                                                    \
    } while (0)

template <class F> static nearcache_status thrown_by(F &&body)
{
    try {
        body();
    } catch (const nearcache::error &error) {
        CHECK(std::string(error.what()).size() > 10);
        return error.status();
    }
    return NEARCACHE_OK;
}

static nearcache::cache open_by_hand()
{
    nearcache::options how;
    how.size = 8 << 20;
    how.manual_clock = true;
    return nearcache::cache(how);
}

static void reads_and_stores()
{
    nearcache::cache cache = open_by_hand();
    const std::string zeros("a\0b", 3), large(300000, 'L'), middling(1025, 'm');

    CHECK(!cache.get("k"));
    CHECK(cache.set("k", zeros, 60, 7));
    CHECK(cache.get("k") == zeros);
    const auto item = cache.gets("k");
    CHECK(item && item->data == zeros && item->flags == 7 && item->ttl == 60 && item->cas != 0);
    CHECK(cache.set("large", large) && cache.get("large") == large && cache.gets("large")->data == large);
    CHECK(cache.set("middling", middling) && cache.gat("middling", 5)->data == middling);
    CHECK(cache.gets("middling")->ttl == 5 && !cache.gets("k")->stale());
    CHECK(cache.set("empty", "") && cache.get("empty") == std::string());
    CHECK(cache.set("forever", "x") && !cache.gets("forever")->ttl);

    CHECK(cache.add("k", "x").outcome == nearcache::outcome::not_stored);
    CHECK(!cache.replace("absent", "x") && cache.replace("k", "b"));
    CHECK(cache.append("k", "c") && cache.prepend("k", "a") && cache.get("k") == "abc");
    CHECK(cache.cas("absent", "x", 1).outcome == nearcache::outcome::missing);
    const auto now = cache.set("k", "now");
    CHECK(cache.cas("k", "x", now.cas + 1).outcome == nearcache::outcome::exists);
    CHECK(cache.cas("k", "then", now.cas) && cache.get("k") == "then");

    CHECK(!cache.incr("n") && !cache.decr("n"));
    CHECK(cache.incr_or("n", 2, 10) == 10 && cache.incr("n", 5) == 15u && cache.decr("n") == 14u);
    CHECK(cache.decr_or("n", 20, 1) == 0);
    CHECK(cache.touch("n", 3) && !cache.touch("absent", 3));
    cache.advance_clock(3);
    CHECK(!cache.contains("n") && cache.contains("k"));
    CHECK(cache.remove("k", 1) == nearcache::outcome::exists);
    CHECK(cache.remove("k") && !cache.remove("k"));
    cache.flush_all();
    CHECK(!cache.get("large"));
    cache.check();
}

static void failures_throw()
{
    nearcache::cache cache(1 << 20);
    const std::string key(251, 'k'), value(2 << 20, 'v');
    CHECK(thrown_by([&] { cache.get(""); }) == NEARCACHE_INVALID);
    CHECK(thrown_by([&] { cache.set(key, "v"); }) == NEARCACHE_INVALID);
    CHECK(thrown_by([&] { cache.set("k", value); }) == NEARCACHE_TOO_BIG);
    CHECK(thrown_by([&] { cache.set("k", "v"), cache.incr("k"); }) == NEARCACHE_NOT_NUMERIC);
    CHECK(thrown_by([&] { cache.advance_clock(1); }) == NEARCACHE_INVALID);
    CHECK(thrown_by([] { nearcache::cache tiny(1); }) == NEARCACHE_INVALID);

    nearcache::cache moved = std::move(cache);
    CHECK(moved.get("k") == "v");
    CHECK(thrown_by([&] { cache.get("k"); }) == NEARCACHE_INVALID);
    cache = std::move(moved);
    CHECK(cache.get("k") == "v" && cache.item_size_max() > 1000 && cache.unix_time() > 1500000000);
}

static void callbacks()
{
    nearcache::cache cache(8 << 20);
    std::string met;
    cache.set("a", "1", 0, 1);
    cache.set("c", "3", 0, 3);
    const std::vector<std::string> keys{"c", "b", "a"};
    cache.get_many(keys, [&](std::size_t index, const nearcache::attributes &item, std::string_view data) {
        met += std::to_string(index) + ":" + std::to_string(item.flags) + std::string(data) + " ";
    });
    CHECK(met == "0:33 2:11 ");

    int calls = 0;
    try {
        cache.get_many(keys, [&](std::size_t, const nearcache::attributes &, std::string_view) {
            calls++;
            throw std::runtime_error("from the callback");
        });
        CHECK(!"thrown");
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()) == "from the callback");
    }
    CHECK(calls == 1);

    std::map<std::string, std::string> all;
    cache.for_each("", [&](std::string_view key, std::string_view data, const nearcache::attributes &) {
        all.emplace(key, data);
    });
    CHECK((all == std::map<std::string, std::string>{{"a", "1"}, {"c", "3"}}));
    CHECK(cache.keys("a") == std::vector<std::string>{"a"} && cache.keys().size() == 2);
    CHECK(cache.stats().at("curr_items") == 2 && cache.stat("get_hits") == 4u && !cache.stat("none"));
    cache.reset_stats();
    CHECK(cache.stat("get_hits") == 0u);
}

static void pins()
{
    std::optional<nearcache::pin> held;
    {
        nearcache::cache cache(8 << 20);
        CHECK(!cache.pin("absent"));
        cache.set("k", "in place", 0, 9);
        held = cache.pin("k");
        cache.remove("k");
    }
    CHECK(held && held->data() == "in place" && held->flags == 9);
    nearcache::pin moved = std::move(*held);
    held.reset();
    CHECK(moved.data() == "in place");
    std::thread([pin = std::move(moved)] { CHECK(pin.data() == "in place"); }).join();
}

static void leases_and_meta()
{
    using state = nearcache::lease::state;
    nearcache::cache cache = open_by_hand();
    const std::string large(50000, 'L'), larger(60000, 'M');

    auto lease = cache.lease("k", 10);
    CHECK(lease.answer == state::won && !lease.value);
    CHECK(cache.lease("k", 10).answer == state::wait);
    CHECK(cache.cas("k", large, lease.cas));
    CHECK(cache.lease("k", 10).value->data == large);
    CHECK(cache.invalidate("k", 60) && !cache.invalidate("absent"));
    lease = cache.lease("k", 10);
    CHECK(lease.answer == state::won && lease.value && lease.value->data == large && lease.value->stale());
    CHECK(cache.lease("k", 10).value->data == large);
    CHECK(cache.cas("k", larger, lease.cas) && cache.lease("k", 10).answer == state::hit);
    CHECK(thrown_by([&] { cache.lease("k", 0); }) == NEARCACHE_INVALID);

    CHECK(!cache.meta_get("m"));
    nearcache::wishes wish;
    wish.vivify = 30;
    CHECK(cache.meta_get("m", wish)->won() && cache.meta_get("m", wish)->sent());
    CHECK(cache.set("m", large, 20));
    wish.recache = 25;
    auto hit = cache.meta_get("m", wish);
    CHECK(hit->won() && !hit->sent() && hit->data == large); /* told once, although it was asked twice */
    hit = cache.meta_get("m", wish);
    CHECK(!hit->won() && hit->sent() && hit->hit_before());
}

/* What a forked child does; its failed checks are its status. */
template <class F> static bool child_does(F &&body)
{
    const int before = failures;
    std::fflush(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
        body();
        std::fflush(nullptr);
        _exit(failures != before);
    }
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void inherited()
{
    auto cache = nearcache::cache::inherited(2 << 20);
    cache.set("k", "parent");
    auto held = cache.pin("k");
    CHECK(child_does([&] {
        CHECK(cache.get("k") == "parent" && cache.set("k", "child"));
        held.reset();
        CHECK(child_does([&] { CHECK(cache.get("k") == "child" && cache.set("deeper", "grandchild")); }));
    }));
    CHECK(cache.get("k") == "child" && cache.get("deeper") == "grandchild" && held->data() == "parent");
    const auto about = cache.info();
    CHECK(about.shared && !about.read_only && about.size == 2 << 20 && about.path.empty());
    CHECK(!nearcache::cache(1 << 20).info().shared && !nearcache::cache(1 << 20).descriptor());

    auto again = nearcache::cache::attach(cache.descriptor().value());
    CHECK(again.get("k") == "child" && again.set("k", "again") && cache.get("k") == "again");
    CHECK(thrown_by([] { nearcache::cache::attach(-1); }) == NEARCACHE_INVALID);
}

static void named()
{
    using nearcache::access;
    using nearcache::cache;
    char directory[] = "/dev/shm/nearcache-test-XXXXXX";
    CHECK(mkdtemp(directory) != nullptr && setenv("NEARCACHE_DIR", directory, 1) == 0);
    const std::string path = directory + std::string("/") + std::string(100, 'p');
    CHECK(thrown_by([] { cache::attach("app"); }) == NEARCACHE_NO_REGION);
    {
        auto app = cache::named("app", 2 << 20);
        CHECK(child_does([] { CHECK(cache::attach("app").set("from", "the child")); }));
        CHECK(app.get("from") == "the child" && app.info().path == directory + std::string("/app"));
        CHECK(app.set("k", "v") && app.processes().size() >= 1 && app.reap() <= 1);
        for (const auto &process : app.processes()) {
            if (process.pid == static_cast<std::uint32_t>(getpid()))
                CHECK(process.life == nearcache::process::state::alive && process.threads == 1);
        }
    }
    CHECK(cache::attach("app").get("k") == "v");
    auto reader = cache::attach("app", access::read_only);
    CHECK(reader.get("k") == "v" && reader.info().read_only);
    CHECK(thrown_by([&] { reader.set("k", "w"); }) == NEARCACHE_NOT_WRITABLE);

    nearcache::options how;
    how.name = path;
    how.access = access::create;
    how.size = 1 << 20;
    how.permissions = 0640;
    CHECK(cache(how).info().permissions == 0640);
    CHECK(thrown_by([&] { cache again(how); }) == NEARCACHE_REGION_EXISTS);
    how.shared = true;
    CHECK(thrown_by([&] { cache both(how); }) == NEARCACHE_INVALID);

    const auto all = nearcache::regions();
    CHECK(all.size() == 2 && all[0].name == "app" && all[1].path == path && all[1].trouble.empty());
    CHECK(nearcache::unlink("app") && !nearcache::unlink("app") && nearcache::unlink(path));
    CHECK(reader.get("k") == "v" && rmdir(directory) == 0);
}

int main()
{
    inherited(); /* first: it forks, and threads come later */
    named();
    reads_and_stores();
    failures_throw();
    callbacks();
    pins();
    leases_and_meta();
    std::printf("test_hpp: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
