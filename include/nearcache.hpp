/*
 * nearcache.hpp - a C++17 face over nearcache.h: handles that give themselves back, std::string_view in,
 * std::optional out, and nearcache::error for failures.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Answers are values: a miss is std::nullopt, a verb whose condition did not hold says so in its outcome. A status
 * below 0 is thrown as nearcache::error. The conventions of nearcache.h hold: any number of threads may use one
 * nearcache::cache, and so may the children that are forked if it is shared; a nearcache::pin may outlive its cache,
 * and must not be read in a forked child; exptime follows memcached's rule. Callbacks may throw: the exception is
 * carried past the library and thrown again. Moved-from handles may be assigned to and destroyed; any other use
 * throws.
 */
#ifndef NEARCACHE_HPP
#define NEARCACHE_HPP

#include "nearcache.h"

#include <cstdint>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace nearcache {

/** A failure. what() is the sentence of nearcache_last_error(). */
class error : public std::runtime_error {
public:
    error(nearcache_status status, const char *sentence) : std::runtime_error(sentence), status_(status) {}

    /** Which failure: NEARCACHE_INVALID, NEARCACHE_TOO_BIG and so on. */
    nearcache_status status() const noexcept { return status_; }

private:
    nearcache_status status_;
};

namespace detail {

/** Throws failures, lets answers through. */
inline nearcache_status sift(nearcache_status status)
{
    if (status < 0)
        throw error(status, nearcache_last_error());
    return status;
}

/** Runs a callback that may throw from within the library, which must not be unwound. */
template <class F> void carry(std::exception_ptr &thrown, F &&body) noexcept
{
    if (thrown)
        return;
    try {
        body();
    } catch (...) {
        thrown = std::current_exception();
    }
}

inline void rethrow(const std::exception_ptr &thrown)
{
    if (thrown)
        std::rethrow_exception(thrown);
}

inline std::string_view view(const void *data, std::size_t len)
{
    return {static_cast<const char *>(data), len};
}

/**
 * Calls `get(buffer, capacity)`, which returns a status and the length, until the value fits. The first try is on
 * the stack, so that small values cost one call and one copy.
 */
template <class Get> nearcache_status fetch(std::string &value, Get &&get)
{
    char small[1024];
    std::pair<nearcache_status, std::size_t> got = get(small, sizeof small);
    if (sift(got.first) == NEARCACHE_OK)
        value.assign(small, got.second);
    while (got.first == NEARCACHE_SHORT_BUFFER) {
        value.resize(got.second);
        got = get(&value[0], value.size());
        if (sift(got.first) == NEARCACHE_OK)
            value.resize(got.second);
    }
    return got.first;
}

} // namespace detail

/** What a verb with a condition answered. */
enum class outcome {
    done,       /**< Stored, touched or removed. */
    not_stored, /**< The condition did not hold. */
    exists,     /**< The item was changed since its unique was read. */
    missing     /**< There is no such item. */
};

/** The answer of a storing verb. True if it stored. */
struct stored {
    nearcache::outcome outcome; /**< done, or why not. */
    std::uint64_t cas;          /**< The new unique, if done. */
    explicit operator bool() const noexcept { return outcome == nearcache::outcome::done; }
};

/** What is known of a hit besides its bytes. */
struct attributes {
    std::uint64_t cas = 0;           /**< The item's unique. */
    std::uint32_t flags = 0;         /**< The flags it was stored with. */
    std::optional<std::int64_t> ttl; /**< Seconds left; none is for ever. */
    std::uint32_t state = 0;         /**< NEARCACHE_STATE_ bits of a meta get or a lease. */

    attributes() = default;
    explicit attributes(const nearcache_item &item) : cas(item.cas), flags(item.flags), state(item.state)
    {
        if (item.ttl != NEARCACHE_TTL_NEVER)
            ttl = item.ttl;
    }
    bool won() const noexcept { return state & NEARCACHE_STATE_WON; }
    bool stale() const noexcept { return state & NEARCACHE_STATE_STALE; }
    bool sent() const noexcept { return state & NEARCACHE_STATE_SENT; }
    bool hit_before() const noexcept { return state & NEARCACHE_STATE_HIT_BEFORE; }
};

/** A hit copied out. */
struct value : attributes {
    std::string data; /**< The bytes. */
    value() = default;
    value(const nearcache_item &item, std::string bytes) : attributes(item), data(std::move(bytes)) {}
};

namespace detail {

inline outcome outcome_of(nearcache_status status)
{
    switch (sift(status)) {
    case NEARCACHE_OK: return outcome::done;
    case NEARCACHE_EXISTS: return outcome::exists;
    case NEARCACHE_MISS: return outcome::missing;
    default: return outcome::not_stored;
    }
}

/** What `get(buffer, capacity, &item)` finds; nothing on a miss. */
template <class Get> std::optional<value> item(Get &&get)
{
    nearcache_item item{};
    std::string data;
    const auto status = fetch(data, [&](void *buffer, std::size_t capacity) {
        const auto got = get(buffer, capacity, &item);
        return std::make_pair(got, item.len);
    });
    if (status == NEARCACHE_MISS)
        return std::nullopt;
    return value(item, std::move(data));
}

/** What `stats(call, user)` tells, by name. */
template <class Stats> std::map<std::string, std::uint64_t> numbers(Stats &&stats)
{
    using Context = std::pair<std::map<std::string, std::uint64_t>, std::exception_ptr>;
    Context context;
    sift(stats(
        [](void *user, const char *name, std::uint64_t value) {
            auto &[all, thrown] = *static_cast<Context *>(user);
            carry(thrown, [&, &all = all] { all.emplace(name, value); });
        },
        &context));
    rethrow(context.second);
    return std::move(context.first);
}

/** Calls `get_many(keys, count, call, user)`, which tells `hit(index, attributes, std::string_view)` each hit. */
template <class Keys, class Hit, class Get> void get_many(const Keys &keys, Hit &hit, Get &&get)
{
    std::vector<nearcache_bytes> list;
    for (const auto &key : keys) {
        const std::string_view bytes(key);
        list.push_back({bytes.data(), bytes.size()});
    }
    using Context = std::pair<Hit *, std::exception_ptr>;
    Context context(&hit, nullptr);
    sift(get(
        list.data(), list.size(),
        [](void *user, std::size_t index, const nearcache_item *item, const void *data) {
            auto &[call, thrown] = *static_cast<Context *>(user);
            carry(thrown, [&, call = call] { (*call)(index, attributes(*item), view(data, item->len)); });
        },
        &context));
    rethrow(context.second);
}

} // namespace detail

/** The answer of a lease; see nearcache_lease(). */
struct lease {
    enum class state { hit, won, wait };
    state answer;
    /** hit: the value. won and wait: the stale value, if there is one. */
    std::optional<nearcache::value> value;
    /** won: the unique to fill with. */
    std::uint64_t cas;
};

/** The wishes of a meta get. */
struct wishes {
    std::optional<std::int64_t> vivify;   /**< On a miss make an empty item with this exptime, and win it. */
    std::optional<std::uint32_t> recache; /**< With fewer seconds left, the first to ask wins the recache. */
    std::optional<std::int64_t> touch;    /**< Give the item this exptime. */
};

/** What to do about a cache that is there, or is not. */
enum class access : std::uint32_t {
    open_or_create = NEARCACHE_OPEN_OR_CREATE, /**< Attach it, or create it. */
    create = NEARCACHE_CREATE,                 /**< Create it; throws NEARCACHE_REGION_EXISTS. */
    existing = NEARCACHE_EXISTING,             /**< Attach it; throws NEARCACHE_NO_REGION. */
    read_only = NEARCACHE_READ_ONLY            /**< Attach it; what writes throws NEARCACHE_NOT_WRITABLE. */
};

/** How a cache is made; 0 is the default. At most one of name, descriptor and shared may be given. */
struct options {
    std::uint64_t size = 0;           /**< The memory limit in bytes. */
    std::uint64_t item_size_max = 0;  /**< The largest item in bytes. */
    std::uint64_t item_size_hint = 0; /**< The expected average of key and value together in bytes. */
    bool evict = true;                /**< Evict when memory is full, or throw NEARCACHE_NOMEM. */
    bool manual_clock = false;        /**< The clock moves by advance_clock() alone. */
    std::optional<std::string> name;  /**< Shared under this name, or in the file at this path. */
    std::optional<int> descriptor;    /**< Shared in this open file, which is duplicated. */
    bool shared = false;              /**< Shared with the children that this process forks. */
    nearcache::access access = nearcache::access::open_or_create; /**< Of what has a name or a descriptor. */
    std::uint32_t permissions = 0;    /**< Of a file that is created; 0 is 0600. */
};

/** What a cache is, whatever is in it. */
struct about {
    std::uint64_t size;        /**< The memory limit in bytes. */
    std::uint64_t layout;      /**< The layout of its memory. */
    std::int64_t created;      /**< Unix time. */
    std::uint32_t uid;         /**< Who owns its file. */
    std::uint32_t permissions; /**< Its file's permission bits. */
    bool shared;               /**< May other processes have it? */
    bool read_only;            /**< Is it attached for reading alone? */
    std::string path;          /**< Its file; empty if it has no path. */
};

/** A process that has used a cache. */
struct process {
    enum class state : std::uint32_t { alive = NEARCACHE_ALIVE, suspect = NEARCACHE_SUSPECT, dead = NEARCACHE_DEAD };
    std::uint32_t pid;     /**< Its number, in its own namespace. */
    std::string name;      /**< Its program's name when it attached. */
    std::int64_t since;    /**< When it first used the cache, a Unix time. */
    std::uint32_t threads; /**< Its threads that keep a place of their own. */
    state life;            /**< Is it there still? */
};

/** A cache on this machine. */
struct region {
    std::string name;    /**< The name to open it by. */
    std::string path;    /**< Its file. */
    std::uint64_t len;   /**< The file's length in bytes. */
    std::uint32_t uid;   /**< Who owns it. */
    std::string trouble; /**< Why it cannot be attached; empty if it can. */
};

/** The caches of this user, by name; what lies among them and cannot be attached has its trouble told. */
inline std::vector<region> regions()
{
    using Context = std::pair<std::vector<region>, std::exception_ptr>;
    Context context;
    detail::sift(nearcache_regions(
        [](void *user, const nearcache_region *found) {
            auto &[all, thrown] = *static_cast<Context *>(user);
            detail::carry(thrown, [&, &all = all] {
                all.push_back({found->name, found->path, found->len, found->uid, found->trouble});
            });
        },
        &context));
    detail::rethrow(context.second);
    return std::move(context.first);
}

/** Removes a cache's name; those who have it open go on with it. False if there was none. */
inline bool unlink(const std::string &name)
{
    return detail::sift(nearcache_unlink(name.c_str())) == NEARCACHE_OK;
}

/** A value in place. It may outlive its cache. Hold few, and briefly. */
class pin : public attributes {
public:
    std::string_view data() const noexcept { return data_; }
    operator std::string_view() const noexcept { return data_; }

private:
    friend class cache;
    struct give_back {
        void operator()(nearcache_pinned *pinned) const noexcept { nearcache_unpin(pinned); }
    };
    pin(nearcache_pinned *pinned, const void *data, const nearcache_item &item)
        : attributes(item), pinned_(pinned), data_(detail::view(data, item.len))
    {
    }
    std::unique_ptr<nearcache_pinned, give_back> pinned_;
    std::string_view data_;
};

/** A cache. */
class cache {
public:
    explicit cache(const nearcache::options &how = nearcache::options())
    {
        nearcache_options options = NEARCACHE_OPTIONS_INIT;
        nearcache_cache *opened = nullptr;
        options.size = how.size;
        options.item_size_max = how.item_size_max;
        options.item_size_hint = how.item_size_hint;
        options.flags = (how.evict ? 0u : static_cast<std::uint32_t>(NEARCACHE_NO_EVICT)) |
                        (how.manual_clock ? static_cast<std::uint32_t>(NEARCACHE_MANUAL_CLOCK) : 0u);
        options.name = how.name ? how.name->c_str() : nullptr;
        if (how.descriptor) // -1 would say that none is given
            options.descriptor = *how.descriptor == -1 ? INT32_MIN : *how.descriptor;
        options.shared = how.shared;
        options.access = static_cast<std::uint32_t>(how.access);
        options.permissions = how.permissions;
        detail::sift(nearcache_open(&options, &opened));
        handle_.reset(opened);
    }
    explicit cache(std::uint64_t size) : cache(of_size(size)) {}

    /** The cache that the processes of this user share under a name: attached, or else created of this size. */
    static cache named(std::string name, std::uint64_t size = 0)
    {
        nearcache::options how;
        how.name = std::move(name);
        how.size = size;
        return cache(how);
    }
    /** One that the children forked from this process share. */
    static cache inherited(std::uint64_t size = 0)
    {
        nearcache::options how;
        how.shared = true;
        how.size = size;
        return cache(how);
    }
    /** One that is there already, by its name or path. */
    static cache attach(std::string name, nearcache::access access = nearcache::access::existing)
    {
        nearcache::options how;
        how.name = std::move(name);
        how.access = access;
        return cache(how);
    }
    /** One that is there already, in an open file. */
    static cache attach(int descriptor, nearcache::access access = nearcache::access::existing)
    {
        nearcache::options how;
        how.descriptor = descriptor;
        how.access = access;
        return cache(how);
    }

    /** The handle, for the C functions; it stays this object's. */
    nearcache_cache *handle() const noexcept { return handle_.get(); }

    /** The value, or nothing on a miss. */
    std::optional<std::string> get(std::string_view key) const
    {
        std::string data;
        const auto status = detail::fetch(data, [&](void *buffer, std::size_t capacity) {
            std::size_t len = 0;
            const auto got = nearcache_get(handle(), key.data(), key.size(), buffer, capacity, &len, nullptr);
            return std::make_pair(got, len);
        });
        return status == NEARCACHE_MISS ? std::nullopt : std::make_optional(std::move(data));
    }

    /** The value and its attributes. */
    std::optional<value> gets(std::string_view key) const
    {
        return detail::item([&](void *buffer, std::size_t capacity, nearcache_item *out) {
            return nearcache_gets(handle(), key.data(), key.size(), buffer, capacity, out);
        });
    }

    /** Get and touch. */
    std::optional<value> gat(std::string_view key, std::int64_t exptime) const
    {
        return detail::item([&](void *buffer, std::size_t capacity, nearcache_item *out) {
            return nearcache_gat(handle(), key.data(), key.size(), exptime, buffer, capacity, out);
        });
    }

    /** A get that can vivify, win a recache, and see staleness. Each wish is made once, also for long values. */
    std::optional<value> meta_get(std::string_view key, const wishes &wish = wishes()) const
    {
        nearcache_ask ask{};
        std::uint32_t won = 0;
        bool first = true;
        if (wish.vivify) {
            ask.wishes |= NEARCACHE_ASK_VIVIFY;
            ask.vivify = *wish.vivify;
        }
        if (wish.recache) {
            ask.wishes |= NEARCACHE_ASK_RECACHE;
            ask.recache = *wish.recache;
        }
        if (wish.touch) {
            ask.wishes |= NEARCACHE_ASK_TOUCH;
            ask.touch = *wish.touch;
        }
        auto got = detail::item([&](void *buffer, std::size_t capacity, nearcache_item *out) {
            const auto status =
                nearcache_meta_get(handle(), key.data(), key.size(), &ask, buffer, capacity, out);
            if (first && status >= 0 && status != NEARCACHE_MISS)
                won = out->state;
            first = false;
            return status;
        });
        if (got)
            got->state = won; // a second try, with a longer buffer, would see our own win as another's
        return got;
    }

    /** Is the key present? */
    bool contains(std::string_view key) const
    {
        return detail::sift(nearcache_contains(handle(), key.data(), key.size())) == NEARCACHE_OK;
    }

    /**
     * Calls `hit(index, attributes, std::string_view)` for each key that is present, in the order of the keys.
     * `keys` is a range of what std::string_view can be made of. After an exception no more hits are told.
     */
    template <class Keys, class Hit> void get_many(const Keys &keys, Hit &&hit) const
    {
        detail::get_many(keys, hit, [&](const nearcache_bytes *list, std::size_t count, auto call, void *user) {
            return nearcache_get_many(handle(), list, count, call, user);
        });
    }

    /** The value in place, or nothing on a miss. */
    std::optional<nearcache::pin> pin(std::string_view key) const
    {
        nearcache_pinned *pinned = nullptr;
        const void *data = nullptr;
        nearcache_item item;
        const auto status =
            detail::sift(nearcache_pin(handle(), key.data(), key.size(), &pinned, &data, &item));
        if (status == NEARCACHE_MISS)
            return std::nullopt;
        return nearcache::pin(pinned, data, item);
    }

    /** Stores, whatever is there. */
    stored set(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_set, key, data, exptime, flags);
    }
    /** Stores only if the key is missing. */
    stored add(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_add, key, data, exptime, flags);
    }
    /** Stores only if the key is present. */
    stored replace(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_replace, key, data, exptime, flags);
    }
    /** Stores only if the item's unique is still `unique`. */
    stored cas(std::string_view key, std::string_view data, std::uint64_t unique, std::int64_t exptime = 0,
               std::uint32_t flags = 0)
    {
        std::uint64_t now = 0;
        const auto status = nearcache_cas(handle(), key.data(), key.size(), data.data(), data.size(), flags,
                                          exptime, unique, &now);
        return {detail::outcome_of(status), now};
    }
    /** Adds bytes behind the value. */
    stored append(std::string_view key, std::string_view data)
    {
        std::uint64_t now = 0;
        const auto status =
            nearcache_append(handle(), key.data(), key.size(), data.data(), data.size(), &now);
        return {detail::outcome_of(status), now};
    }
    /** Adds bytes before the value. */
    stored prepend(std::string_view key, std::string_view data)
    {
        std::uint64_t now = 0;
        const auto status =
            nearcache_prepend(handle(), key.data(), key.size(), data.data(), data.size(), &now);
        return {detail::outcome_of(status), now};
    }

    /** Adds, wrapping at 2^64; nothing on a miss. */
    std::optional<std::uint64_t> incr(std::string_view key, std::uint64_t delta = 1)
    {
        return number(nearcache_incr, key, delta);
    }
    /** Subtracts, stopping at 0; nothing on a miss. */
    std::optional<std::uint64_t> decr(std::string_view key, std::uint64_t delta = 1)
    {
        return number(nearcache_decr, key, delta);
    }
    /** Adds; a missing key is stored as `initial`. */
    std::uint64_t incr_or(std::string_view key, std::uint64_t delta, std::uint64_t initial,
                          std::int64_t exptime = 0)
    {
        return *number(nearcache_incr_or, key, delta, initial, exptime);
    }
    /** Subtracts; a missing key is stored as `initial`. */
    std::uint64_t decr_or(std::string_view key, std::uint64_t delta, std::uint64_t initial,
                          std::int64_t exptime = 0)
    {
        return *number(nearcache_decr_or, key, delta, initial, exptime);
    }

    /** Gives the item a new expiry. False on a miss. */
    bool touch(std::string_view key, std::int64_t exptime)
    {
        return detail::sift(nearcache_touch(handle(), key.data(), key.size(), exptime)) == NEARCACHE_OK;
    }
    /** Removes the item. False on a miss. */
    bool remove(std::string_view key)
    {
        return detail::sift(nearcache_delete(handle(), key.data(), key.size())) == NEARCACHE_OK;
    }
    /** Removes the item only if its unique is still `unique`. */
    outcome remove(std::string_view key, std::uint64_t unique)
    {
        return detail::outcome_of(nearcache_delete_cas(handle(), key.data(), key.size(), unique));
    }
    /** Marks the item stale, with a new expiry if one is given. False on a miss. */
    bool invalidate(std::string_view key, std::optional<std::int64_t> exptime = std::nullopt)
    {
        const std::int64_t *given = exptime ? &*exptime : nullptr;
        return detail::sift(nearcache_invalidate(handle(), key.data(), key.size(), given)) == NEARCACHE_OK;
    }

    /** A get by which one of many callers wins the right to fill a missing or stale value. */
    nearcache::lease lease(std::string_view key, std::uint32_t seconds)
    {
        using state = nearcache::lease::state;
        nearcache_item item{};
        std::string data;
        const auto status = detail::fetch(data, [&](void *buffer, std::size_t capacity) {
            const auto got = nearcache_lease(handle(), key.data(), key.size(), seconds, buffer, capacity, &item);
            // What fetch() copies with NEARCACHE_OK is the value; a stale one is copied here if it fits.
            if (got > 0 && got != NEARCACHE_SHORT_BUFFER && item.len <= capacity)
                data.assign(static_cast<const char *>(buffer), item.len);
            return std::make_pair(got, item.len);
        });
        if (status == NEARCACHE_OK)
            return {state::hit, value(item, std::move(data)), item.cas};
        nearcache::lease answer{status == NEARCACHE_WON ? state::won : state::wait, std::nullopt, item.cas};
        if (!(item.state & NEARCACHE_STATE_STALE))
            return answer;
        if (data.size() != item.len) {
            // A win is given once, so a long stale value is read plainly; without it if it has changed since.
            const auto now = gets(key);
            if (!now || now->cas != item.cas)
                return answer;
            data = now->data;
        }
        answer.value.emplace(item, std::move(data));
        return answer;
    }

    /** Everything dies, now or after `delay` seconds. */
    void flush_all(std::uint32_t delay = 0) { detail::sift(nearcache_flush_all(handle(), delay)); }

    /**
     * Calls `met(std::string_view key, std::string_view value, attributes)` for each item whose key starts with
     * `prefix`, weakly consistent and in no order.
     */
    template <class Met> void for_each(std::string_view prefix, Met &&met) const
    {
        const auto iter = walk(prefix, 0);
        nearcache_bytes key, data;
        nearcache_item item;
        while (detail::sift(nearcache_iter_next(iter.get(), &key, &data, &item)) == NEARCACHE_OK)
            met(detail::view(key.data, key.len), detail::view(data.data, data.len), attributes(item));
    }
    /** The keys that start with `prefix`. */
    std::vector<std::string> keys(std::string_view prefix = {}) const
    {
        const auto iter = walk(prefix, NEARCACHE_KEYS_ONLY);
        std::vector<std::string> found;
        nearcache_bytes key;
        while (detail::sift(nearcache_iter_next(iter.get(), &key, nullptr, nullptr)) == NEARCACHE_OK)
            found.emplace_back(detail::view(key.data, key.len));
        return found;
    }

    /** All counters, by memcached's names. */
    std::map<std::string, std::uint64_t> stats() const
    {
        return detail::numbers([&](auto call, void *user) { return nearcache_stats(handle(), call, user); });
    }
    /** One counter; nothing if there is none of this name. */
    std::optional<std::uint64_t> stat(const char *name) const
    {
        std::uint64_t value = 0;
        const auto status = detail::sift(nearcache_stat(handle(), name, &value));
        return status == NEARCACHE_OK ? std::make_optional(value) : std::nullopt;
    }
    /** What the cache is, whatever is in it. */
    nearcache::about info() const
    {
        nearcache_about told;
        std::string path;
        detail::fetch(path, [&](void *buffer, std::size_t capacity) {
            const auto got = nearcache_info(handle(), static_cast<char *>(buffer), capacity, &told);
            // The terminating NUL needs room while it is asked for, and is no part of the path.
            return std::make_pair(got, told.path_len + (got == NEARCACHE_SHORT_BUFFER));
        });
        return {told.size,   told.layout,      told.created,
                told.uid,    told.permissions, told.home != NEARCACHE_HOME_PRIVATE,
                told.read_only != 0, std::move(path)};
    }
    /** The processes that have used the cache and whose places were not given back yet. */
    std::vector<process> processes() const
    {
        using Context = std::pair<std::vector<process>, std::exception_ptr>;
        Context context;
        detail::sift(nearcache_processes(
            handle(),
            [](void *user, const nearcache_process *met) {
                auto &[all, thrown] = *static_cast<Context *>(user);
                detail::carry(thrown, [&, &all = all] {
                    all.push_back({met->pid, met->name, met->since, met->threads,
                                   static_cast<process::state>(met->life)});
                });
            },
            &context));
        detail::rethrow(context.second);
        return std::move(context.first);
    }
    /** Gives back what dead processes held; how many were met. Nobody needs to call it. */
    std::size_t reap()
    {
        std::size_t met = 0;
        detail::sift(nearcache_reap(handle(), &met));
        return met;
    }
    /** The open file of a shared cache, which stays the cache's. */
    std::optional<int> descriptor() const
    {
        std::int32_t number = -1;
        const auto status = detail::sift(nearcache_descriptor(handle(), &number));
        return status == NEARCACHE_OK ? std::make_optional<int>(number) : std::nullopt;
    }
    void reset_stats() { detail::sift(nearcache_reset_stats(handle())); }
    /** Recounts a cache that nobody writes to; throws NEARCACHE_CORRUPT with the broken invariant. */
    void check() const { detail::sift(nearcache_check(handle())); }
    std::size_t item_size_max() const
    {
        std::size_t bytes = 0;
        detail::sift(nearcache_item_size_max(handle(), &bytes));
        return bytes;
    }
    std::int64_t unix_time() const
    {
        std::int64_t seconds = 0;
        detail::sift(nearcache_unix_time(handle(), &seconds));
        return seconds;
    }
    void advance_clock(std::uint32_t seconds) { detail::sift(nearcache_advance_clock(handle(), seconds)); }

private:
    struct close {
        void operator()(nearcache_cache *handle) const noexcept { nearcache_close(handle); }
    };
    struct close_iter {
        void operator()(nearcache_iter *iter) const noexcept { nearcache_iter_close(iter); }
    };
    using iter_handle = std::unique_ptr<nearcache_iter, close_iter>;

    static nearcache::options of_size(std::uint64_t size)
    {
        nearcache::options how;
        how.size = size;
        return how;
    }

    template <class Verb>
    stored store(Verb verb, std::string_view key, std::string_view data, std::int64_t exptime,
                 std::uint32_t flags)
    {
        std::uint64_t now = 0;
        const auto status =
            verb(handle(), key.data(), key.size(), data.data(), data.size(), flags, exptime, &now);
        return {detail::outcome_of(status), now};
    }

    template <class Verb, class... More>
    std::optional<std::uint64_t> number(Verb verb, std::string_view key, std::uint64_t delta, More... more)
    {
        std::uint64_t now = 0;
        const auto status = verb(handle(), key.data(), key.size(), delta, more..., &now);
        return detail::sift(status) == NEARCACHE_OK ? std::make_optional(now) : std::nullopt;
    }

    iter_handle walk(std::string_view prefix, std::uint32_t flags) const
    {
        nearcache_iter *iter = nullptr;
        detail::sift(nearcache_iter_open(handle(), prefix.data(), prefix.size(), flags, &iter));
        return iter_handle(iter);
    }

    std::unique_ptr<nearcache_cache, close> handle_;
};

} // namespace nearcache

#endif /* NEARCACHE_HPP */
