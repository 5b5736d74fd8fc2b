/*
 * nearcache_store.hpp - a C++17 face over the durable store and the queues of nearcache.h, in the manner of
 * nearcache.hpp: handles that give themselves back, answers as values, failures thrown as nearcache::error.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A nearcache::store and what is made of it (queues, batches, walks) are of one open store, which is closed with the
 * last of them; copies are the same store, and any number of threads may use it. A nearcache::batch is one thread's.
 */
#ifndef NEARCACHE_STORE_HPP
#define NEARCACHE_STORE_HPP

#include "nearcache.hpp"

#include <chrono>

namespace nearcache {

/** A batch was refused, and nothing of it was done. */
class refused : public error {
public:
    refused(std::size_t step, const char *sentence) : error(NEARCACHE_REFUSED, sentence), step_(step) {}

    /** Which of its changes, from 0, met a condition that did not hold. */
    std::size_t step() const noexcept { return step_; }

private:
    std::size_t step_;
};

/** How a directory is opened; 0 is the default. See nearcache_store_options. */
struct store_options {
    bool create = true;                           /**< Make the store if there is none, or throw NEARCACHE_NO_STORE. */
    bool accept_loss = false;                     /**< Open it although it has lost writes. */
    std::optional<std::chrono::milliseconds> sync_every; /**< Answer writes before they are synced, so often. */
    bool sync = true;                             /**< false: leave syncing to the operating system. */
    bool near = true;                             /**< Have a cache in front. */
    std::uint64_t near_size = 0;                  /**< Its bytes. */
    std::optional<std::string> near_name;         /**< The shared cache as which it lives, by name or path. */
    std::uint64_t item_size_max = 0;              /**< The largest item or message in bytes. */
    std::uint64_t quota = 0;                      /**< Most bytes of everything; 0: no limit. */
    std::uint64_t block_cache = 0;                /**< Bytes of the disk engine's cache. */
    std::uint64_t queue_bytes = 0;                /**< Most bytes of writes that wait for their turn. */
    std::uint32_t workers = 0;                    /**< Threads of the disk's engine. */
    std::int64_t manual_clock = 0;                /**< A clock that stands at this Unix time; 0: the system's. */
};

/** How a message is put in. */
struct push_options {
    std::uint32_t flags = 0;            /**< They come with the message. */
    std::uint32_t delay = 0;            /**< Seconds before it is handed out. */
    std::optional<std::uint32_t> expire; /**< Seconds after which it has expired; 0: never; none: as the queue says. */
    std::string id;                     /**< A second message with it is not put in; empty: none. */
};

/** What became of a message that was put in. */
struct pushed {
    std::uint64_t seq; /**< Its number; of a duplicate that of the first one. */
    bool duplicate;    /**< Its id was known: nothing was put in. */
};

/** A message that was handed out: a copy. */
struct message {
    std::string body;                    /**< The message itself. */
    std::string receipt;                 /**< What to acknowledge it by; empty: it was taken, or only looked at. */
    std::string id;                      /**< The producer's id, if it gave one. */
    std::string origin;                  /**< Of a dead letter, or of what has expired: the queue where it was. */
    std::uint64_t seq;                   /**< Its number in the store. */
    std::int64_t at;                     /**< When it was put in, a Unix time. */
    std::optional<std::int64_t> expires; /**< When it expires. */
    std::optional<std::int64_t> due;     /**< When its lease ends. */
    std::uint32_t flags;                 /**< The producer's. */
    std::uint32_t deliveries;            /**< How often it was delivered. */
};

/** What became of a message that was refused. */
enum class fate {
    again,  /**< It is delivered again. */
    over,   /**< It was delivered too often, or has expired. */
    unknown /**< It was not this receipt's any more. */
};

namespace detail {

inline nearcache_push c_push(const push_options &how)
{
    nearcache_push push{};
    push.flags = how.flags;
    push.delay = how.delay;
    if (how.expire)
        push.expire = *how.expire == 0 ? NEARCACHE_EXPIRE_NEVER : static_cast<std::int64_t>(*how.expire);
    push.id = how.id.data();
    push.id_len = how.id.size();
    return push;
}

/** Copies what was handed out. */
inline std::vector<message> copied(nearcache_messages *handed_out)
{
    struct close {
        void operator()(nearcache_messages *messages) const noexcept { nearcache_messages_close(messages); }
    };
    const std::unique_ptr<nearcache_messages, close> messages(handed_out);
    std::vector<message> copies;
    nearcache_message one;
    const auto text = [](const nearcache_bytes &bytes) { return std::string(view(bytes.data, bytes.len)); };
    const auto time = [](std::int64_t at) { return at == 0 ? std::nullopt : std::make_optional(at); };
    while (sift(nearcache_messages_next(messages.get(), &one)) == NEARCACHE_OK)
        copies.push_back({text(one.body), one.receipt, text(one.id), text(one.origin), one.seq, one.at,
                          time(one.expires), time(one.due), one.flags, one.deliveries});
    return copies;
}

inline std::uint32_t millis(std::chrono::milliseconds wait)
{
    const auto count = wait.count();
    return count <= 0 ? 0 : count >= UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(count);
}

} // namespace detail

/** A queue under its name; it need not be there yet. See nearcache_queue_push() and its like. */
class queue {
public:
    /** The queue's name. */
    const std::string &name() const noexcept { return name_; }

    /** Puts a message in; the queue is made if there is none. */
    pushed push(std::string_view body, const push_options &how = {})
    {
        const auto push = detail::c_push(how);
        std::uint64_t seq = 0;
        const auto status = detail::sift(nearcache_queue_push(store(), q(), body.data(), body.size(), &push, &seq));
        return {seq, status == NEARCACHE_DUPLICATE};
    }
    /** Reserves up to `max` messages for so many seconds (0: the queue's own lease), and waits for the first. */
    std::vector<message> reserve(std::size_t max, std::uint32_t lease_seconds = 0, std::chrono::milliseconds wait = {})
    {
        nearcache_messages *found = nullptr;
        detail::sift(nearcache_queue_reserve(store(), q(), max, lease_seconds, detail::millis(wait), &found));
        return found ? detail::copied(found) : std::vector<message>();
    }
    /** Reserves one message. */
    std::optional<message> reserve_one(std::uint32_t lease_seconds = 0, std::chrono::milliseconds wait = {})
    {
        auto found = reserve(1, lease_seconds, wait);
        return found.empty() ? std::nullopt : std::make_optional(std::move(found.front()));
    }
    /** Takes up to `max` messages for good. */
    std::vector<message> take(std::size_t max, std::chrono::milliseconds wait = {})
    {
        nearcache_messages *found = nullptr;
        detail::sift(nearcache_queue_take(store(), q(), max, detail::millis(wait), &found));
        return found ? detail::copied(found) : std::vector<message>();
    }
    /** The first messages in line, which stay there. */
    std::vector<message> peek(std::size_t max) const
    {
        nearcache_messages *found = nullptr;
        detail::sift(nearcache_queue_peek(store(), q(), max, &found));
        return found ? detail::copied(found) : std::vector<message>();
    }
    /** A message is done with. False: it was before, or its lease has ended. */
    bool ack(const std::string &receipt)
    {
        return detail::sift(nearcache_queue_ack(store(), q(), receipt.c_str())) == NEARCACHE_OK;
    }
    /** Many messages are done with, in one step; how many were acknowledged. */
    std::size_t ack(const std::vector<message> &messages)
    {
        std::vector<const char *> receipts;
        for (const auto &one : messages)
            receipts.push_back(one.receipt.c_str());
        std::size_t acked = 0;
        detail::sift(
            nearcache_queue_ack_many(store(), q(), receipts.data(), receipts.size(), nullptr, &acked));
        return acked;
    }
    /** The consumer will not have it: it is delivered again after `delay` seconds, or as the queue's settings say. */
    fate nak(const std::string &receipt, std::optional<std::uint32_t> delay = std::nullopt)
    {
        const std::int64_t given = delay ? static_cast<std::int64_t>(*delay) : NEARCACHE_RETRY_DELAY;
        switch (detail::sift(nearcache_queue_nak(store(), q(), receipt.c_str(), given))) {
        case NEARCACHE_OK: return fate::again;
        case NEARCACHE_OVER: return fate::over;
        default: return fate::unknown;
        }
    }
    /** The consumer needs so many seconds more. The new receipt; nothing: the lease has ended. */
    std::optional<std::string> extend(const std::string &receipt, std::uint32_t seconds)
    {
        char renewed[NEARCACHE_RECEIPT_SIZE];
        const auto status =
            detail::sift(nearcache_queue_extend(store(), q(), receipt.c_str(), seconds, renewed));
        return status == NEARCACHE_OK ? std::make_optional<std::string>(renewed) : std::nullopt;
    }

    /** How the queue behaves. Those of a new one are NEARCACHE_SETTINGS_INIT. */
    nearcache_settings settings() const
    {
        nearcache_settings told;
        detail::sift(nearcache_queue_settings(store(), q(), &told));
        return told;
    }
    /** Says how it behaves; it is made if there is none. */
    void configure(const nearcache_settings &settings)
    {
        detail::sift(nearcache_queue_configure(store(), q(), &settings));
    }
    /** Hands nothing out until resume(). */
    void pause() { detail::sift(nearcache_queue_pause(store(), q())); }
    void resume() { detail::sift(nearcache_queue_resume(store(), q())); }
    /** Drops every message; how many there were. */
    std::uint64_t purge()
    {
        std::uint64_t purged = 0;
        detail::sift(nearcache_queue_purge(store(), q(), &purged));
        return purged;
    }
    /** Removes the queue and its messages. False: there was none. */
    bool remove() { return detail::sift(nearcache_queue_delete(store(), q())) == NEARCACHE_OK; }
    /** Moves messages to the queue `to`, or to those that they come from; how many. */
    std::uint64_t requeue(std::size_t max = NEARCACHE_MESSAGES_MAX,
                          const std::optional<std::string> &to = std::nullopt)
    {
        std::uint64_t moved = 0;
        detail::sift(nearcache_queue_requeue(store(), q(), to ? to->c_str() : nullptr, max, &moved));
        return moved;
    }
    /** What is in it, and what has happened to it, by name. */
    std::map<std::string, std::uint64_t> stats() const
    {
        return detail::numbers(
            [&](auto call, void *user) { return nearcache_queue_stats(store(), q(), call, user); });
    }
    /** One of these; nothing if there is none of this name. */
    std::optional<std::uint64_t> stat(const char *number) const
    {
        std::uint64_t value = 0;
        const auto status = detail::sift(nearcache_queue_stat(store(), q(), number, &value));
        return status == NEARCACHE_OK ? std::make_optional(value) : std::nullopt;
    }

private:
    friend class store;
    queue(std::shared_ptr<nearcache_store> handle, std::string name)
        : handle_(std::move(handle)), name_(std::move(name))
    {
    }
    nearcache_store *store() const noexcept { return handle_.get(); }
    const char *q() const noexcept { return name_.c_str(); }

    std::shared_ptr<nearcache_store> handle_;
    std::string name_;
};

/** Changes to items and queues that are made together, or not at all. Each has a number, as nearcache.h says. */
class batch {
public:
    batch &set(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_batch_set, key, data, flags, exptime);
    }
    batch &add(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_batch_add, key, data, flags, exptime);
    }
    batch &replace(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return store(nearcache_batch_replace, key, data, flags, exptime);
    }
    batch &append(std::string_view key, std::string_view data)
    {
        return store(nearcache_batch_append, key, data);
    }
    batch &prepend(std::string_view key, std::string_view data)
    {
        return store(nearcache_batch_prepend, key, data);
    }
    batch &cas(std::string_view key, std::string_view data, std::uint64_t unique, std::int64_t exptime = 0,
               std::uint32_t flags = 0)
    {
        return store(nearcache_batch_cas, key, data, flags, exptime, unique);
    }
    batch &remove(std::string_view key) { return keyed(nearcache_batch_delete, key); }
    batch &incr(std::string_view key, std::uint64_t delta = 1) { return keyed(nearcache_batch_incr, key, delta); }
    batch &decr(std::string_view key, std::uint64_t delta = 1) { return keyed(nearcache_batch_decr, key, delta); }
    batch &push(const nearcache::queue &to, std::string_view body, const push_options &how = {})
    {
        const auto push = detail::c_push(how);
        detail::sift(nearcache_batch_push(handle(), to.name().c_str(), body.data(), body.size(), &push));
        return *this;
    }
    batch &ack(const nearcache::queue &of, const std::string &receipt)
    {
        detail::sift(nearcache_batch_ack(handle(), of.name().c_str(), receipt.c_str()));
        return *this;
    }

    /** How many changes there are. */
    std::size_t size() const
    {
        std::size_t count = 0;
        detail::sift(nearcache_batch_count(handle(), &count));
        return count;
    }
    /** Makes all changes, or throws; their numbers. The batch is empty afterwards. */
    std::vector<std::uint64_t> commit()
    {
        std::vector<std::uint64_t> numbers(size());
        std::size_t step = 0;
        const auto status = nearcache_batch_commit(handle(), numbers.data(), numbers.size(), &step);
        if (status == NEARCACHE_REFUSED)
            throw refused(step, nearcache_last_error());
        detail::sift(status);
        return numbers;
    }
    /** The handle, for the C functions; it stays this object's. */
    nearcache_batch *handle() const noexcept { return handle_.get(); }

private:
    friend class store;
    explicit batch(nearcache_batch *handle) : handle_(handle) {}

    template <class Verb, class... More>
    batch &store(Verb verb, std::string_view key, std::string_view data, More... more)
    {
        detail::sift(verb(handle(), key.data(), key.size(), data.data(), data.size(), more...));
        return *this;
    }
    template <class Verb, class... More> batch &keyed(Verb verb, std::string_view key, More... more)
    {
        detail::sift(verb(handle(), key.data(), key.size(), more...));
        return *this;
    }
    struct discard {
        void operator()(nearcache_batch *handle) const noexcept { nearcache_batch_discard(handle); }
    };
    std::unique_ptr<nearcache_batch, discard> handle_;
};

/** A durable store and its queues, in a directory or behind a daemon's socket. See nearcache_store_open(). */
class store {
public:
    /** Opens a place with the default options, those it is open with in this process, or those of the daemon. */
    explicit store(const std::string &place) { open(place, nullptr); }
    /** Opens a directory. */
    store(const std::string &place, const store_options &how)
    {
        nearcache_store_options options = NEARCACHE_STORE_OPTIONS_INIT;
        const auto flag = [&](bool is_set, std::uint32_t bit) { options.flags |= is_set ? bit : 0; };
        flag(!how.create, NEARCACHE_STORE_EXISTING);
        flag(!how.near, NEARCACHE_NO_NEAR);
        flag(how.accept_loss, NEARCACHE_ACCEPT_LOSS);
        options.sync = how.sync_every ? NEARCACHE_SYNC_EVERY : how.sync ? NEARCACHE_SYNC_ALWAYS : NEARCACHE_SYNC_NEVER;
        options.sync_millis = how.sync_every ? detail::millis(*how.sync_every) : 0;
        options.near_size = how.near_size;
        options.near_name = how.near_name ? how.near_name->c_str() : nullptr;
        options.item_size_max = how.item_size_max;
        options.quota = how.quota;
        options.block_cache = how.block_cache;
        options.queue_bytes = how.queue_bytes;
        options.workers = how.workers;
        options.manual_clock = how.manual_clock;
        open(place, &options);
    }

    /** The handle, for the C functions; it stays this object's. */
    nearcache_store *handle() const noexcept { return handle_.get(); }

    /** The value, or nothing on a miss. */
    std::optional<std::string> get(std::string_view key) const
    {
        std::string data;
        const auto status = detail::fetch(data, [&](void *buffer, std::size_t capacity) {
            std::size_t len = 0;
            const auto got =
                nearcache_store_get(handle(), key.data(), key.size(), buffer, capacity, &len, nullptr);
            return std::make_pair(got, len);
        });
        return status == NEARCACHE_MISS ? std::nullopt : std::make_optional(std::move(data));
    }
    /** The value and its attributes. */
    std::optional<value> gets(std::string_view key) const
    {
        return detail::item([&](void *buffer, std::size_t capacity, nearcache_item *out) {
            return nearcache_store_gets(handle(), key.data(), key.size(), buffer, capacity, out);
        });
    }
    /** Get and touch. */
    std::optional<value> gat(std::string_view key, std::int64_t exptime)
    {
        return detail::item([&](void *buffer, std::size_t capacity, nearcache_item *out) {
            return nearcache_store_gat(handle(), key.data(), key.size(), exptime, buffer, capacity, out);
        });
    }
    /** As cache::get_many(). */
    template <class Keys, class Hit> void get_many(const Keys &keys, Hit &&hit) const
    {
        detail::get_many(keys, hit, [&](const nearcache_bytes *list, std::size_t count, auto call, void *user) {
            return nearcache_store_get_many(handle(), list, count, call, user);
        });
    }

    /** Stores, whatever is there. */
    stored set(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return put(nearcache_store_set, key, data, flags, exptime);
    }
    /** Stores only if the key is missing. */
    stored add(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return put(nearcache_store_add, key, data, flags, exptime);
    }
    /** Stores only if the key is present. */
    stored replace(std::string_view key, std::string_view data, std::int64_t exptime = 0, std::uint32_t flags = 0)
    {
        return put(nearcache_store_replace, key, data, flags, exptime);
    }
    /** Stores only if the item's unique is still `unique`. */
    stored cas(std::string_view key, std::string_view data, std::uint64_t unique, std::int64_t exptime = 0,
               std::uint32_t flags = 0)
    {
        return put(nearcache_store_cas, key, data, flags, exptime, unique);
    }
    /** Adds bytes behind the value. */
    stored append(std::string_view key, std::string_view data) { return put(nearcache_store_append, key, data); }
    /** Adds bytes before the value. */
    stored prepend(std::string_view key, std::string_view data) { return put(nearcache_store_prepend, key, data); }
    /** Adds, wrapping at 2^64; nothing on a miss. */
    std::optional<std::uint64_t> incr(std::string_view key, std::uint64_t delta = 1)
    {
        return number(nearcache_store_incr, key, delta);
    }
    /** Subtracts, stopping at 0; nothing on a miss. */
    std::optional<std::uint64_t> decr(std::string_view key, std::uint64_t delta = 1)
    {
        return number(nearcache_store_decr, key, delta);
    }
    /** Gives the item a new expiry. False on a miss. */
    bool touch(std::string_view key, std::int64_t exptime)
    {
        return detail::sift(nearcache_store_touch(handle(), key.data(), key.size(), exptime)) == NEARCACHE_OK;
    }
    /** Removes the item. False on a miss. */
    bool remove(std::string_view key)
    {
        return detail::sift(nearcache_store_delete(handle(), key.data(), key.size())) == NEARCACHE_OK;
    }
    /** Removes the item only if its unique is still `unique`. */
    outcome remove(std::string_view key, std::uint64_t unique)
    {
        return detail::outcome_of(nearcache_store_delete_cas(handle(), key.data(), key.size(), unique));
    }
    /** All items die, now or after `delay` seconds; messages stay. */
    void flush_all(std::uint32_t delay = 0) { detail::sift(nearcache_store_flush_all(handle(), delay)); }

    /**
     * Calls `met(std::string_view key, std::string_view value, attributes)` for each item whose key starts with
     * `prefix`, in the order of the keys; with `snapshot` all are of one moment. If `met` returns a bool, false ends
     * the walk.
     */
    template <class Met> void for_each(std::string_view prefix, Met &&met, bool snapshot = false) const
    {
        nearcache_store_iter *iter = nullptr;
        detail::sift(nearcache_store_iter_open(handle(), prefix.data(), prefix.size(),
                                               snapshot ? NEARCACHE_SNAPSHOT : 0, &iter));
        walk(iter, met);
    }
    /** The same from the key `start` to the key `end`; an empty end is behind the last. `flags` as the C function's. */
    template <class Met>
    void for_range(std::string_view start, std::string_view end, Met &&met, std::uint32_t flags = 0) const
    {
        nearcache_store_iter *iter = nullptr;
        detail::sift(nearcache_store_iter_range(handle(), start.data(), start.size(), end.data(), end.size(), flags,
                                                &iter));
        walk(iter, met);
    }

    /** An empty batch. */
    nearcache::batch batch() const
    {
        nearcache_batch *begun = nullptr;
        detail::sift(nearcache_batch_begin(handle(), &begun));
        return nearcache::batch(begun);
    }
    /** The queue of this name, which need not be there yet. */
    nearcache::queue queue(std::string name) const { return nearcache::queue(handle_, std::move(name)); }
    /** The names of all queues. */
    std::vector<std::string> queues() const
    {
        using Context = std::pair<std::vector<std::string>, std::exception_ptr>;
        Context context;
        detail::sift(nearcache_queue_names(
            handle(),
            [](void *user, const char *name) {
                auto &[all, thrown] = *static_cast<Context *>(user);
                detail::carry(thrown, [&, &all = all] { all.emplace_back(name); });
            },
            &context));
        detail::rethrow(context.second);
        return std::move(context.first);
    }

    /** All numbers, by memcached's names and some more. */
    std::map<std::string, std::uint64_t> stats() const
    {
        return detail::numbers([&](auto call, void *user) { return nearcache_store_stats(handle(), call, user); });
    }
    /** One of them; nothing if there is none of this name. */
    std::optional<std::uint64_t> stat(const char *name) const
    {
        std::uint64_t value = 0;
        const auto status = detail::sift(nearcache_store_stat(handle(), name, &value));
        return status == NEARCACHE_OK ? std::make_optional(value) : std::nullopt;
    }
    /** Copies everything to a new directory. `go_on(done, of)` is asked now and then; false throws NEARCACHE_STOPPED. */
    template <class GoOn = bool (*)(std::uint64_t, std::uint64_t)>
    void backup(const std::string &directory, GoOn &&go_on = always)
    {
        watched(go_on, [&](auto call, void *user) {
            return nearcache_store_backup(handle(), directory.c_str(), call, user);
        });
    }
    /** Reads everything and counts it again; throws NEARCACHE_CORRUPT with the first thing that is wrong. */
    template <class GoOn = bool (*)(std::uint64_t, std::uint64_t)> void verify(GoOn &&go_on = always)
    {
        watched(go_on, [&](auto call, void *user) { return nearcache_store_verify(handle(), call, user); });
    }
    /** Rewrites the files without what was removed. */
    template <class GoOn = bool (*)(std::uint64_t, std::uint64_t)> void compact(GoOn &&go_on = always)
    {
        watched(go_on, [&](auto call, void *user) { return nearcache_store_compact(handle(), call, user); });
    }
    /** The Unix time of a directory. */
    std::int64_t unix_time() const
    {
        std::int64_t seconds = 0;
        detail::sift(nearcache_store_unix_time(handle(), &seconds));
        return seconds;
    }
    void advance_clock(std::uint32_t seconds) { detail::sift(nearcache_store_advance_clock(handle(), seconds)); }

private:
    void open(const std::string &place, const nearcache_store_options *options)
    {
        nearcache_store *opened = nullptr;
        detail::sift(nearcache_store_open(place.c_str(), options, &opened));
        handle_.reset(opened, nearcache_store_close);
    }

    static bool always(std::uint64_t, std::uint64_t) { return true; }

    template <class GoOn, class Work> static void watched(GoOn &go_on, Work &&work)
    {
        using Context = std::pair<std::remove_reference_t<GoOn> *, std::exception_ptr>;
        Context context(&go_on, nullptr);
        const auto status = work(
            [](void *user, std::uint64_t done, std::uint64_t of) -> std::int32_t {
                auto &[call, thrown] = *static_cast<Context *>(user);
                bool goes_on = false;
                detail::carry(thrown, [&, call = call] { goes_on = (*call)(done, of); });
                return goes_on ? 0 : 1;
            },
            &context);
        detail::rethrow(context.second);
        detail::sift(status);
    }

    template <class Met> static void walk(nearcache_store_iter *opened, Met &met)
    {
        struct close {
            void operator()(nearcache_store_iter *iter) const noexcept { nearcache_store_iter_close(iter); }
        };
        const std::unique_ptr<nearcache_store_iter, close> iter(opened);
        nearcache_bytes key, data;
        nearcache_item item;
        while (detail::sift(nearcache_store_iter_next(iter.get(), &key, &data, &item)) == NEARCACHE_OK) {
            const auto k = detail::view(key.data, key.len), d = detail::view(data.data, data.len);
            if constexpr (std::is_same_v<decltype(met(k, d, attributes(item))), bool>) {
                if (!met(k, d, attributes(item)))
                    return;
            } else {
                met(k, d, attributes(item));
            }
        }
    }

    template <class Verb, class... More>
    stored put(Verb verb, std::string_view key, std::string_view data, More... more)
    {
        std::uint64_t now = 0;
        const auto status = verb(handle(), key.data(), key.size(), data.data(), data.size(), more..., &now);
        return {detail::outcome_of(status), now};
    }

    template <class Verb>
    std::optional<std::uint64_t> number(Verb verb, std::string_view key, std::uint64_t delta)
    {
        std::uint64_t now = 0;
        const auto status = detail::sift(verb(handle(), key.data(), key.size(), delta, &now));
        return status == NEARCACHE_OK ? std::make_optional(now) : std::nullopt;
    }

    std::shared_ptr<nearcache_store> handle_;
};

} // namespace nearcache

#endif /* NEARCACHE_STORE_HPP */
