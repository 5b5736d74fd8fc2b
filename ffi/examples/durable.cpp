// Orders that outlive the process, in C++: an order and its message are written together or not at all, and each message
// is counted once, however often it is delivered.
//
//   c++ -std=c++17 durable.cpp $(pkg-config --cflags --libs nearcache) -o durable && ./durable DIRECTORY
#include <nearcache_store.hpp>

#include <iostream>

constexpr std::uint32_t lease_seconds = 30;

static void take_order(nearcache::store &store, const std::string &what)
{
    if (store.add("orders", "0"))
        std::clog << "the first order ever\n";
    const auto number = std::to_string(*store.incr("orders"));
    store.batch().set("order:" + number, what).push(store.queue("kitchen"), "order:" + number).commit();
    std::cout << "order " << number << ": " << what << '\n';
}

// Serves what is in the queue. A process that dies here leaves its messages to the next, when their leases end.
static unsigned serve(nearcache::store &store)
{
    auto kitchen = store.queue("kitchen");
    unsigned served = 0;
    while (const auto order = kitchen.reserve_one(lease_seconds)) {
        try {
            store.batch().incr("served").ack(kitchen, order->receipt).commit();
            served++;
        } catch (const nearcache::refused &) {
            // It took longer than the lease, and another has served it: nothing was counted.
        }
    }
    return served;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::cerr << "usage: durable DIRECTORY\n";
        return 2;
    }
    try {
        nearcache::store store(argv[1]);
        store.add("served", "0");
        take_order(store, "tea");
        take_order(store, "coffee");
        const auto served = serve(store);
        std::cout << "served " << served << ", " << *store.get("served") << " in all\n";
    } catch (const nearcache::error &failure) {
        std::cerr << "durable: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}
