// Cache-aside with a lease, in C++: of many threads or requests that miss one key, one computes the value.
//
//   c++ -std=c++17 cache_aside.cpp $(pkg-config --cflags --libs nearcache) -o cache_aside && ./cache_aside
#include <nearcache.hpp>

#include <iostream>

using namespace std::string_view_literals;

constexpr std::uint32_t lease_seconds = 5;
constexpr std::int64_t ttl_seconds = 300;

// Stands for what is slow: a query, a rendering, a remote call.
static std::string load_profile(std::string_view user)
{
    std::cout << "loading " << user << '\n';
    return "{\"name\":\"" + std::string(user) + "\"}";
}

// The profile of a user, out of the cache if it can be.
static std::string profile_of(nearcache::cache &cache, std::string_view user)
{
    using state = nearcache::lease::state;
    auto lease = cache.lease(user, lease_seconds);
    if (lease.answer != state::won && lease.value)
        return std::move(lease.value->data); // a hit, or a stale value that someone else is refreshing
    std::string profile = load_profile(user);
    if (lease.answer == state::won)
        cache.cas(user, profile, lease.cas, ttl_seconds); // refused if it was changed meanwhile
    return profile;
}

int main()
{
    try {
        nearcache::cache cache(std::uint64_t{16} << 20);
        for (int i = 0; i < 3; i++)
            std::cout << profile_of(cache, "ada"sv) << '\n';
        cache.invalidate("ada"sv, 10); // readers may see the old one for 10 seconds at most
        std::cout << profile_of(cache, "ada"sv) << '\n';
    } catch (const nearcache::error &failure) {
        std::cerr << "cache: " << failure.what() << '\n';
        return 1;
    }
    return 0;
}
