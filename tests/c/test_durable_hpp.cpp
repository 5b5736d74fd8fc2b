// The C++ face of the durable store: verbs, walks, queues, batches, failures as exceptions, exceptions through callbacks.
#include <nearcache_store.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

using std::chrono::seconds;

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

static nearcache::store open_by_hand(const std::string &place)
{
    nearcache::store_options how;
    how.manual_clock = 1700000000;
    how.near_size = 2 << 20;
    return nearcache::store(place, how);
}

static void verbs(nearcache::store store)
{
    using nearcache::outcome;
    const std::string zeros("a\0b", 3), large(300000, 'L');
    CHECK(!store.get("k") && store.set("k", zeros, 60, 7) && store.get("k") == zeros);
    const auto item = store.gets("k");
    CHECK(item && item->data == zeros && item->flags == 7 && item->ttl == 60);
    CHECK(store.set("large", large) && store.get("large") == large && store.gat("large", 9)->ttl == 9);
    CHECK(store.add("k", "x").outcome == outcome::not_stored && !store.replace("absent", "x"));
    CHECK(store.replace("k", "b") && store.append("k", "c") && store.prepend("k", "a") && store.get("k") == "abc");
    CHECK(store.cas("absent", "x", 1).outcome == outcome::missing);
    CHECK(store.cas("k", "x", item->cas).outcome == outcome::exists);
    CHECK(store.cas("k", "5", store.gets("k")->cas) && store.incr("k", 3) == 8u && store.decr("k") == 7u);
    CHECK(!store.incr("absent") && !store.touch("absent", 1) && store.touch("k", 5));
    CHECK(store.remove("k", 1) == outcome::exists && store.remove("k") && !store.remove("k"));
    store.flush_all();
    CHECK(!store.get("large") && store.unix_time() == 1700000000);
    store.advance_clock(2);
    CHECK(store.unix_time() == 1700000002);

    CHECK(thrown_by([&] { store.set(std::string(251, 'k'), "v"); }) == NEARCACHE_INVALID);
    CHECK(thrown_by([&] { store.set("k", std::string(2 << 20, 'v')); }) == NEARCACHE_TOO_BIG);
    CHECK(thrown_by([&] { store.set("k", "v"), store.incr("k"); }) == NEARCACHE_NOT_NUMERIC);
    nearcache::store other = store, moved = std::move(other);
    CHECK(moved.get("k") == "v" && thrown_by([&] { other.get("k"); }) == NEARCACHE_INVALID);
}

static void walks(nearcache::store &store)
{
    for (const char *key : {"w:c", "w:a", "w:b", "x"})
        store.set(key, std::string("of ") + key, 0, 3);
    std::string met;
    const auto note = [&](std::string_view key, std::string_view data, const nearcache::attributes &item) {
        CHECK(data == "of " + std::string(key) && item.flags == 3);
        met += std::string(key) + " ";
    };
    store.for_each("w:", note);
    store.for_each("w:", note, true);
    CHECK(met == "w:a w:b w:c w:a w:b w:c ");
    met.clear();
    store.for_range("w:a", "x", note, NEARCACHE_LEFT_OPEN | NEARCACHE_RIGHT_OPEN);
    CHECK(met == "w:b w:c ");
    int steps = 0;
    store.for_range("w:a", "", [&](std::string_view, std::string_view, const nearcache::attributes &) {
        return ++steps < 2;
    });
    CHECK(steps == 2);
    met.clear();
    const std::vector<std::string> keys{"x", "none", "w:a"};
    store.get_many(keys, [&](std::size_t index, const nearcache::attributes &, std::string_view data) {
        met += std::to_string(index) + std::string(data) + " ";
    });
    CHECK(met == "0of x 2of w:a ");
    try {
        store.get_many(keys, [](std::size_t, const nearcache::attributes &, std::string_view) {
            throw std::runtime_error("from the callback");
        });
        CHECK(!"thrown");
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()) == "from the callback");
    }
}

static void queues(nearcache::store &store)
{
    auto orders = store.queue("orders");
    nearcache::push_options how;
    how.id = "7";
    how.flags = 5;
    how.expire = 3600;
    CHECK(!orders.reserve_one() && orders.take(5).empty());
    const auto first = orders.push("tea", how);
    CHECK(!first.duplicate && orders.push("tea", how).duplicate && orders.push("tea", how).seq == first.seq);
    how = {};
    how.delay = 30;
    how.expire = 0;
    CHECK(orders.push("coffee", how).seq > first.seq && orders.peek(5).size() == 1);
    auto order = orders.reserve_one(10);
    CHECK(order && order->body == "tea" && order->id == "7" && order->flags == 5 && order->deliveries == 1);
    CHECK(order->seq == first.seq && order->expires && order->due == store.unix_time() + 10 && order->origin.empty());
    const auto renewed = orders.extend(order->receipt, 20);
    CHECK(renewed && !orders.ack(order->receipt) && orders.nak(*renewed, 0) == nearcache::fate::again);
    CHECK(orders.nak(*renewed) == nearcache::fate::unknown && !orders.extend(*renewed, 5));
    order = orders.reserve_one();
    CHECK(order->deliveries == 2 && orders.ack(order->receipt) && !orders.ack(order->receipt));
    store.advance_clock(30);
    const auto coffee = orders.reserve(5, 0, seconds(30));
    CHECK(coffee.size() == 1 && coffee[0].body == "coffee" && !coffee[0].expires);
    CHECK(orders.ack(coffee) == 1 && orders.ack(coffee) == 0 && orders.ack(std::vector<nearcache::message>()) == 0);

    auto settings = orders.settings();
    settings.max_deliveries = 1;
    settings.max_messages = 2;
    orders.configure(settings);
    orders.push("1"), orders.push("2");
    CHECK(thrown_by([&] { orders.push("3"); }) == NEARCACHE_QUEUE_FULL);
    CHECK(orders.nak(orders.reserve_one()->receipt) == nearcache::fate::over);
    CHECK(store.queue("orders.dead").peek(1)[0].origin == "orders" && store.queue("orders.dead").requeue() == 1);
    CHECK(orders.stats().at("messages") == 2 && orders.stat("dead") == 1u && !orders.stat("none"));
    orders.pause();
    CHECK(!orders.reserve_one());
    orders.resume();
    CHECK(orders.take(1)[0].body == "2" && orders.purge() == 1 && orders.remove() && !orders.remove());
    CHECK(thrown_by([&] { orders.peek(1); }) == NEARCACHE_NO_QUEUE);
    CHECK(thrown_by([&] { orders.ack("no receipt"); }) == NEARCACHE_INVALID);

    /* A waiting consumer is woken. */
    std::thread consumer([&] {
        const auto one = orders.take(1, seconds(60));
        CHECK(one.size() == 1 && one[0].body == "late");
    });
    orders.push("late");
    consumer.join();
}

static void batches(nearcache::store &store)
{
    auto jobs = store.queue("jobs");
    jobs.push("7");
    const auto job = jobs.reserve_one();
    auto batch = store.batch();
    batch.set("sum", "0").incr("sum", 7).decr("sum", 1).add("a", "2").append("a", "3").prepend("a", "1");
    batch.replace("sum", "6").cas("x", "y", store.gets("x")->cas).remove("w:a").ack(jobs, job->receipt);
    batch.push(store.queue("done"), "7");
    CHECK(batch.size() == 11);
    const auto numbers = batch.commit();
    CHECK(numbers.size() == 11 && numbers[1] == 7 && numbers[2] == 6 && numbers[8] == 1 && numbers[9] == 1);
    CHECK(batch.size() == 0 && store.get("a") == "123" && jobs.stat("messages") == 0u);
    CHECK(batch.commit().empty());
    try {
        batch.incr("sum").ack(jobs, job->receipt).commit();
        CHECK(!"thrown");
    } catch (const nearcache::refused &refused) {
        CHECK(refused.step() == 1 && refused.status() == NEARCACHE_REFUSED);
    }
    CHECK(store.get("sum") == "6");
    const auto names = store.queues();
    CHECK((names == std::vector<std::string>{"done", "jobs", "orders", "orders.dead"}));
}

static void care(nearcache::store &store, const std::string &root)
{
    CHECK(store.stats().at("curr_items") == *store.stat("curr_items") && !store.stat("none"));
    int calls = 0;
    store.verify([&](std::uint64_t, std::uint64_t) { return ++calls > 0; });
    store.compact();
    store.backup(root + "/backup");
    CHECK(calls > 0 && nearcache::store(root + "/backup").get("a") == "123");
    CHECK(thrown_by([&] { store.compact([](std::uint64_t, std::uint64_t) { return false; }); }) == NEARCACHE_STOPPED);
    try {
        store.verify([](std::uint64_t, std::uint64_t) -> bool { throw std::runtime_error("from the callback"); });
        CHECK(!"thrown");
    } catch (const nearcache::error &) {
        CHECK(!"the callback's exception");
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()) == "from the callback");
    }
}

static void opening(const std::string &root)
{
    nearcache::store_options how;
    how.create = false;
    CHECK(thrown_by([&] { nearcache::store(root + "/none", how); }) == NEARCACHE_NO_STORE);
    CHECK(thrown_by([&] { nearcache::store("unix:/nowhere/s"); }) == NEARCACHE_CONNECTION);
    how.create = true;
    how.near = false;
    how.sync_every = std::chrono::milliseconds(20);
    how.quota = 1000;
    std::optional<nearcache::queue> kept;
    {
        nearcache::store small(root + "/small", how);
        CHECK(thrown_by([&] { small.set("k", std::string(2000, 'v')); }) == NEARCACHE_OVER_QUOTA);
        kept = small.queue("kept");
    }
    kept->push("the store is open as long as a queue of it is kept");
    CHECK(kept->stat("messages") == 1u);
    how.sync_every.reset();
    how.sync = false;
    CHECK(thrown_by([&] { nearcache::store(root + "/small", how); }) == NEARCACHE_INVALID); /* open otherwise */
    kept.reset();
    CHECK(nearcache::store(root + "/small", how).queue("kept").stat("messages") == 1u);
}

int main()
{
    const char *tmp = std::getenv("TMPDIR");
    std::string root = std::string(tmp && *tmp ? tmp : "/tmp") + "/nearcache-test-XXXXXX";
    CHECK(mkdtemp(&root[0]) != nullptr);
    {
        auto store = open_by_hand(root + "/store");
        verbs(store);
        walks(store);
        queues(store);
        batches(store);
        care(store, root);
    }
    opening(root);
    std::filesystem::remove_all(root);
    std::printf("test_durable_hpp: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
