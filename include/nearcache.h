/*
 * nearcache.h - memcached as near as a function call.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * This header is the contract: what is not here is not public. nearcache.hpp is a C++17 face over it. Compile
 * and link with `pkg-config --cflags --libs nearcache`.
 *
 * CONVENTIONS
 *
 * Results.  Calls return a nearcache_status. 0 is done. Above 0 is an answer a cache is expected to give, such
 *   as NEARCACHE_MISS. Below 0 is a failure: nothing was changed, except where memcached's own rule says so (a
 *   set that is too large or finds no memory removes the old value), and nearcache_last_error() has a sentence
 *   on what was wrong, the limit, and what to do. The values of statuses are permanent; new ones may be added,
 *   with the sign's meaning.
 *
 * Outputs.  They come last and are named *_out. One is written only when the status says so, completely, and
 *   never read. Each points to memory of its own: outputs, buffers and inputs must not overlap.
 *
 * Bytes in.  A pointer and a length, borrowed for the call: the library keeps no pointer of the caller's. Any
 *   bytes are legal, NUL included. A key has 1 to NEARCACHE_KEY_MAX bytes; a value may be empty.
 *
 * Bytes out.  Into the caller's buffer; or in place under a pin, until it is given back; or lent to a callback
 *   for its call. A buffer that is too short gives NEARCACHE_SHORT_BUFFER and the length needed, which may have
 *   changed by the time of the next call. Nothing that is returned is passed to free().
 *
 * Handles.  nearcache_cache, nearcache_pinned and nearcache_iter are opaque, made by nearcache_open(),
 *   nearcache_pin() and nearcache_iter_open(), and given back once by nearcache_close(), nearcache_unpin() and
 *   nearcache_iter_close(). Pins and iterators may outlive the handle of their cache.
 *
 * NULL.  Giving NULL back is a no-op. Anywhere else NULL gives NEARCACHE_INVALID, unless the function's
 *   description says that it may be NULL. No function returns a NULL string.
 *
 * exptime.  In seconds, by memcached's rule: 0 is never; up to 30 days (2592000) is from now; above that it is
 *   a Unix time; negative is already expired, so that a store succeeds and the next get misses.
 *
 * Threads.  "Threads: any" says that any number of threads may make the call on one handle together, without
 *   locks of their own. A call never waits for another thread. Opening, closing and the making of pins and
 *   iterators allocate; nearcache_get() into a buffer does not. Callbacks run in the calling thread and hold no
 *   lock of the library.
 *
 * Processes.  A cache is private to its process, unless nearcache_options says otherwise. A shared one has a name
 *   (or a path), or is inherited over fork, or comes by a descriptor. Processes of C, Python and PHP, and the
 *   daemon, share it alike, each at an address of its own. What one has stored all see from then on. Any of them
 *   may be killed, stopped or forked at any instruction: the others wait for nothing, and no get returns a mixed,
 *   a deleted or another key's value. What a dead process held is given back ten seconds after its death was
 *   noticed, by whoever passes by. A cache stays when all processes have ended, until nearcache_unlink() or the
 *   machine's restart; one that is inherited over fork goes with the last of them. Every process that may write
 *   the file is trusted (its permissions are 0600 unless others are asked for); one that is not to be trusted
 *   attaches with NEARCACHE_READ_ONLY. The file must not be truncated or written by other means.
 *
 * fork.  A process may fork at any time, with threads running, and its child may fork again. Handles of
 *   shared caches made before stay usable in the child, whatever other threads were doing at that moment, and
 *   parent and child go on sharing them. Of a private cache the child has a copy, apart from the parent's from
 *   then on, which it may use and close if no other thread was inside a nearcache call on it. Pins and iterators
 *   made before are the parent's alone: the child reads neither; it may give pins back, which does nothing to the
 *   parent's.
 *
 * Descriptors.  A private cache keeps none. A shared one keeps a few of its own, which exec closes. A program that
 *   closes all descriptors, as daemons do when they start, goes on using its caches: the memory stays mapped.
 *
 * Signals.  The library installs no handlers and blocks no signals. A signal handler may call the functions
 *   that say so and no others.
 *
 * Defects.  A defect that makes the library panic is stopped at its border and answered with NEARCACHE_PANIC;
 *   its place is written to the standard error. Nothing is ever unwound into the caller, and no callback may
 *   unwind into the library: it returns, without longjmp and without exceptions.
 *
 * Versions.  Three promises, each readable when compiling and when running. The release (NEARCACHE_RELEASE,
 *   nearcache_release()) names what was built. The call ABI (NEARCACHE_ABI_VERSION, nearcache_abi_version(), the
 *   number in the library's soname) says whether a compiled program fits the library; nearcache_open() compares
 *   it. The region layout (NEARCACHE_LAYOUT_VERSION, nearcache_layout_version()) says whether two builds can
 *   share a cache's memory; nearcache_open() compares it with that of a cache it attaches. Functions never change: a new form is another function, called _v2.
 *
 * Each function is described by its purpose, then: Lifetimes, NULL (what may be), Returns (all of its
 * statuses; after the semicolon the failures), Threads.
 */


#ifndef NEARCACHE_H
#define NEARCACHE_H

/* Generated from ffi/src by cbindgen: change it there. `NEARCACHE_BLESS=1 cargo test -p nearcache-ffi` writes it. */

#include <stddef.h>
#include <stdint.h>

/** The release this header belongs to. */
#define NEARCACHE_RELEASE "0.1.0"
/** The same as a number that grows: major * 1000000 + minor * 1000 + patch. */
#define NEARCACHE_RELEASE_NUMBER 1000

/** The defaults, and what nearcache_open() needs to know of this header. Every nearcache_options begins so. */
#define NEARCACHE_OPTIONS_INIT { sizeof(nearcache_options), NEARCACHE_ABI_VERSION, 0, 0, 0, 0, NULL, -1, 0, 0, 0 }


/**
 * A bit of nearcache_item.state: this caller has won the right to store the item anew.
 */
#define NEARCACHE_STATE_WON 1

/**
 * A bit of nearcache_item.state: the item was marked stale by nearcache_invalidate().
 */
#define NEARCACHE_STATE_STALE 2

/**
 * A bit of nearcache_item.state: the right to store the item anew was given to another caller before.
 */
#define NEARCACHE_STATE_SENT 4

/**
 * A bit of nearcache_item.state: the item had been read before this call.
 */
#define NEARCACHE_STATE_HIT_BEFORE 8

/**
 * nearcache_item.ttl of an item that lives for ever.
 */
#define NEARCACHE_TTL_NEVER -1

/**
 * The longest key, in bytes; the shortest has 1.
 */
#define NEARCACHE_KEY_MAX 250

/**
 * A flag of nearcache_iter_open(): walk over the keys alone, without copying values.
 */
#define NEARCACHE_KEYS_ONLY 1

/**
 * A bit of nearcache_ask.wishes: on a miss, make an empty item with the expiry `vivify`, and win it.
 */
#define NEARCACHE_ASK_VIVIFY 1

/**
 * A bit of nearcache_ask.wishes: if fewer than `recache` seconds are left, the first to ask wins the recache.
 */
#define NEARCACHE_ASK_RECACHE 2

/**
 * A bit of nearcache_ask.wishes: give the item the expiry `touch`.
 */
#define NEARCACHE_ASK_TOUCH 4

/**
 * The memory limit if none is given: 64 MiB.
 */
#define NEARCACHE_SIZE_DEFAULT 67108864

/**
 * The smallest memory limit: 1 MiB.
 */
#define NEARCACHE_SIZE_MIN 1048576

/**
 * A flag of nearcache_options: refuse with NEARCACHE_NOMEM when memory is full, instead of evicting.
 */
#define NEARCACHE_NO_EVICT 1

/**
 * A flag of nearcache_options: the clock moves by nearcache_advance_clock() alone, for tests.
 */
#define NEARCACHE_MANUAL_CLOCK 2

/**
 * nearcache_options.access: attach the cache, or create it if it is not there.
 */
#define NEARCACHE_OPEN_OR_CREATE 0

/**
 * nearcache_options.access: create the cache; NEARCACHE_REGION_EXISTS if it is there.
 */
#define NEARCACHE_CREATE 1

/**
 * nearcache_options.access: attach the cache; NEARCACHE_NO_REGION if it is not there.
 */
#define NEARCACHE_EXISTING 2

/**
 * nearcache_options.access: attach the cache for reading alone; NEARCACHE_NO_REGION if it is not there. The
 * memory is mapped so that this process cannot change it, no hits are counted, and a call that writes is
 * NEARCACHE_NOT_WRITABLE.
 */
#define NEARCACHE_READ_ONLY 3

/**
 * nearcache_process.life: it is there, or nobody can tell.
 */
#define NEARCACHE_ALIVE 0

/**
 * nearcache_process.life: it seems to be gone; ten seconds after that was first noticed, what it held is given
 * back.
 */
#define NEARCACHE_SUSPECT 1

/**
 * nearcache_process.life: it is gone; what it held is given back by whoever passes by.
 */
#define NEARCACHE_DEAD 2

/**
 * nearcache_about.home: in this process alone.
 */
#define NEARCACHE_HOME_PRIVATE 0

/**
 * nearcache_about.home: shared with the children forked from this process.
 */
#define NEARCACHE_HOME_INHERITED 1

/**
 * nearcache_about.home: shared by all who open its name.
 */
#define NEARCACHE_HOME_NAMED 2

/**
 * nearcache_about.home: in a file that was named by its path.
 */
#define NEARCACHE_HOME_PATH 3

/**
 * nearcache_about.home: in a file that was open already.
 */
#define NEARCACHE_HOME_DESCRIPTOR 4

/**
 * The call ABI: the number in the soname. Functions and statuses are added without changing it; it changes
 * when a program compiled before would have to be compiled again.
 */
#define NEARCACHE_ABI_VERSION 0

/**
 * The layout of the memory that holds a cache. A cache of another layout is not touched: opening it by its name
 * makes or attaches one beside it, so that an upgrade wipes nothing.
 */
#define NEARCACHE_LAYOUT_VERSION 3

/**
 * A cache. Opened by nearcache_open(), given back by nearcache_close().
 */
typedef struct nearcache_cache nearcache_cache;

/**
 * A walk over a cache. Made by nearcache_iter_open(), given back by nearcache_iter_close().
 */
typedef struct nearcache_iter nearcache_iter;

/**
 * A value held in place. Made by nearcache_pin(), given back by nearcache_unpin().
 */
typedef struct nearcache_pinned nearcache_pinned;

/**
 * What a call returns. The sign has meaning: 0 is done; above 0 is an answer a cache is expected to give;
 * below 0 is a failure, of which nearcache_last_error() has the sentence. The values are permanent.
 */
typedef int32_t nearcache_status;

/**
 * How a cache is made. Begin with NEARCACHE_OPTIONS_INIT, then assign what is to differ:
 *
 *     nearcache_options options = NEARCACHE_OPTIONS_INIT;
 *     options.size = 256u << 20;
 *
 * 0 means the default in every field but struct_size, abi_version and descriptor. Fields are only ever appended.
 * A library newer than the header takes the missing ones as NEARCACHE_OPTIONS_INIT sets them; one older refuses
 * a struct whose unknown fields are not 0.
 *
 * At most one of `name`, `descriptor` and `shared` says where the memory lives; without any the cache is private
 * to this process. A cache that is attached, not created, has the size and the options it was created with.
 */
typedef struct nearcache_options {
    /**
     * sizeof(nearcache_options), set by NEARCACHE_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * NEARCACHE_ABI_VERSION, set by NEARCACHE_OPTIONS_INIT.
     */
    uint32_t abi_version;
    /**
     * NEARCACHE_NO_EVICT, NEARCACHE_MANUAL_CLOCK, or both with |.
     */
    uint32_t flags;
    /**
     * The memory limit in bytes, exact over everything: items, index and metadata together.
     * NEARCACHE_SIZE_MIN or more; 0 is NEARCACHE_SIZE_DEFAULT.
     */
    uint64_t size;
    /**
     * The largest item in bytes, as memcached counts it: key, value and about 60 bytes. 1 KiB to 1 GiB;
     * 0 is 1 MiB.
     */
    uint64_t item_size_max;
    /**
     * The expected average of key and value together in bytes; it sizes the index. 0 is 100.
     */
    uint64_t item_size_hint;
    /**
     * A terminated string: the name by which processes of this user share the cache (1 to 100 letters, digits,
     * '.', '_' or '-', without a '.' in front), or, with a '/' in it, the path of its file. NULL: none.
     */
    const char *name;
    /**
     * The open file that the cache lives in, as nearcache_descriptor() of another process told it; it is
     * duplicated. -1: none.
     */
    int32_t descriptor;
    /**
     * 1: the children that this process forks share the cache. 0: they do not, unless it has a name or
     * descriptor.
     */
    uint32_t shared;
    /**
     * NEARCACHE_OPEN_OR_CREATE, NEARCACHE_CREATE, NEARCACHE_EXISTING or NEARCACHE_READ_ONLY.
     */
    uint32_t access;
    /**
     * The permission bits of a file that is created, as for chmod(); 0 is 0600.
     */
    uint32_t permissions;
} nearcache_options;

/**
 * Bytes lent: by the caller for the keys of nearcache_get_many(), to the caller by nearcache_iter_next().
 */
typedef struct nearcache_bytes {
    /**
     * The bytes; NULL only if there are none.
     */
    const void *data;
    /**
     * How many.
     */
    size_t len;
} nearcache_bytes;

/**
 * What is known of a hit besides its bytes.
 */
typedef struct nearcache_item {
    /**
     * The item's unique, for nearcache_cas() and nearcache_delete_cas().
     */
    uint64_t cas;
    /**
     * Seconds left to live, or NEARCACHE_TTL_NEVER.
     */
    int64_t ttl;
    /**
     * The value's length in bytes.
     */
    size_t len;
    /**
     * The flags it was stored with.
     */
    uint32_t flags;
    /**
     * NEARCACHE_STATE_ bits, told by nearcache_meta_get() and nearcache_lease(); 0 from other calls.
     */
    uint32_t state;
} nearcache_item;

/**
 * The wishes of nearcache_meta_get(). Fields whose bit is not set are ignored.
 */
typedef struct nearcache_ask {
    /**
     * NEARCACHE_ASK_ bits.
     */
    uint32_t wishes;
    /**
     * Seconds.
     */
    uint32_t recache;
    /**
     * An exptime.
     */
    int64_t vivify;
    /**
     * An exptime.
     */
    int64_t touch;
} nearcache_ask;

/**
 * A process that has used a cache, as nearcache_processes() tells it.
 */
typedef struct nearcache_process {
    /**
     * Its program's name when it attached; terminated, never NULL, lent for the callback's call.
     */
    const char *name;
    /**
     * When it first used the cache, as a Unix time in seconds.
     */
    int64_t since;
    /**
     * Its number, in its own namespace.
     */
    uint32_t pid;
    /**
     * Its threads that keep a place of their own in the cache.
     */
    uint32_t threads;
    /**
     * NEARCACHE_ALIVE, NEARCACHE_SUSPECT or NEARCACHE_DEAD.
     */
    uint32_t life;
} nearcache_process;

/**
 * Called by nearcache_processes() for each process; what the pointer points to is gone when it returns. It may
 * call any nearcache function. It returns normally: no longjmp, no exception.
 */
typedef void (*nearcache_process_fn)(void *user, const struct nearcache_process *process);

/**
 * Called by nearcache_get_many() for each hit: `index` is the key's place among the keys, `value` holds
 * item->len bytes. What the pointers point to is gone when it returns. It may call any nearcache function. It
 * returns normally: no longjmp, no exception.
 */
typedef void (*nearcache_hit_fn)(void *user,
                                 size_t index,
                                 const struct nearcache_item *item,
                                 const void *value);

/**
 * What a cache is, whatever is in it; told by nearcache_info().
 */
typedef struct nearcache_about {
    /**
     * The memory limit in bytes.
     */
    uint64_t size;
    /**
     * The layout of its memory; see NEARCACHE_LAYOUT_VERSION.
     */
    uint64_t layout;
    /**
     * When it was created, as a Unix time in seconds.
     */
    int64_t created;
    /**
     * The length of its file's path in bytes, without the terminating NUL; 0: it has none.
     */
    size_t path_len;
    /**
     * The most processes that can be attached at once.
     */
    uint64_t processes_max;
    /**
     * The most threads of all of them that can be attached at once.
     */
    uint64_t threads_max;
    /**
     * A NEARCACHE_HOME_ value.
     */
    uint32_t home;
    /**
     * The user id that owns its file.
     */
    uint32_t uid;
    /**
     * Its file's permission bits.
     */
    uint32_t permissions;
    /**
     * 1 if it is attached for reading alone, else 0.
     */
    uint32_t read_only;
} nearcache_about;

/**
 * A cache on this machine, as nearcache_regions() finds it. The strings are terminated, never NULL, and lent
 * for the callback's call.
 */
typedef struct nearcache_region {
    /**
     * The name to open it by.
     */
    const char *name;
    /**
     * Its file.
     */
    const char *path;
    /**
     * Why it cannot be attached: of another layout, damaged, or no cache at all. "" if it can.
     */
    const char *trouble;
    /**
     * The file's length in bytes.
     */
    uint64_t len;
    /**
     * The user id that owns the file.
     */
    uint32_t uid;
} nearcache_region;

/**
 * Called by nearcache_regions() for each cache; what the pointer points to is gone when it returns. It may call
 * any nearcache function. It returns normally: no longjmp, no exception.
 */
typedef void (*nearcache_region_fn)(void *user, const struct nearcache_region *region);

/**
 * Called by nearcache_stats() for each counter. `name` is static. It may call any nearcache function. It returns
 * normally: no longjmp, no exception.
 */
typedef void (*nearcache_stat_fn)(void *user, const char *name, uint64_t value);

/**
 * Done.
 */
#define NEARCACHE_OK 0

/**
 * There is no such item.
 */
#define NEARCACHE_MISS 1

/**
 * The item was changed since its unique was read.
 */
#define NEARCACHE_EXISTS 2

/**
 * The condition of the storing verb did not hold, or an append or prepend would outgrow the limit.
 */
#define NEARCACHE_NOT_STORED 3

/**
 * A hit, but the value is longer than the buffer; the length needed is in the output, the buffer's
 * content is unspecified.
 */
#define NEARCACHE_SHORT_BUFFER 4

/**
 * nearcache_lease(): this caller has won the right, and the duty, to fill the item.
 */
#define NEARCACHE_WON 5

/**
 * nearcache_lease(): another caller is filling the item.
 */
#define NEARCACHE_WAIT 6

/**
 * nearcache_iter_next(): there is nothing more.
 */
#define NEARCACHE_END 7

/**
 * An argument is wrong: NULL, an empty or too long key, an option out of range.
 */
#define NEARCACHE_INVALID -1

/**
 * The item is larger than item_size_max.
 */
#define NEARCACHE_TOO_BIG -2

/**
 * No memory could be freed for the item: evictions are off, or everything is pinned.
 */
#define NEARCACHE_NOMEM -3

/**
 * incr or decr of a value that is not a decimal number of 64 bits.
 */
#define NEARCACHE_NOT_NUMERIC -4

/**
 * The operating system refused something.
 */
#define NEARCACHE_SYSTEM -5

/**
 * The program was compiled for another call ABI, or the region was made with another layout.
 */
#define NEARCACHE_LAYOUT -6

/**
 * The cache's memory contradicts itself.
 */
#define NEARCACHE_CORRUPT -7

/**
 * A defect of this library, stopped at its border. The cache may be closed and must not be trusted further.
 */
#define NEARCACHE_PANIC -8

/**
 * There is no cache of this name to attach.
 */
#define NEARCACHE_NO_REGION -9

/**
 * The cache that was to be created is there already.
 */
#define NEARCACHE_REGION_EXISTS -10

/**
 * What is there is no cache, or none that this user may attach.
 */
#define NEARCACHE_FOREIGN -11

/**
 * The cache is attached for reading alone, and the call writes.
 */
#define NEARCACHE_NOT_WRITABLE -12

/**
 * Every place for a process or a thread in a shared cache is taken.
 */
#define NEARCACHE_TOO_MANY -13

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Opens a cache: one that is private to this process, one that is shared with the children it forks, or one that
 * all processes of this user share under a name, which is created or attached; see nearcache_options. A shared
 * cache holds what it held also when every process that had it open has ended, however they ended, until
 * nearcache_unlink() or a restart of the machine; one that is shared over fork goes with the last of them.
 *
 * Lifetimes: `options` is borrowed for the call. The handle is the caller's, until nearcache_close().
 * NULL: `options` may be NULL, for the defaults.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (an option out of range, options that contradict each other, or one
 * this library does not know), NEARCACHE_SYSTEM (the memory or the file was refused), NEARCACHE_LAYOUT (the
 * program was compiled for another call ABI, or the cache was made with another layout), NEARCACHE_CORRUPT,
 * NEARCACHE_NO_REGION, NEARCACHE_REGION_EXISTS, NEARCACHE_FOREIGN, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_open(const struct nearcache_options *options,
                                struct nearcache_cache **cache_out);

/**
 * Gives a cache back. Its memory is freed when its pins and iterators have been given back too; that of a shared
 * one is unmapped here, and stays for the others.
 *
 * Lifetimes: the handle is dead afterwards.
 * NULL: `cache` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, when no other call on this handle is running or follows.
 */
void nearcache_close(struct nearcache_cache *cache);

/**
 * Everything dies: now if `delay` is 0, else when that many seconds have passed, and then what was stored
 * in the meantime too. A second call replaces a pending one.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_flush_all(struct nearcache_cache *cache, uint32_t delay);

/**
 * The largest item in bytes, as memcached counts it: key, value and about 60 bytes.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_item_size_max(struct nearcache_cache *cache, size_t *bytes_out);

/**
 * The cache's idea of the Unix time, in seconds.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_unix_time(struct nearcache_cache *cache, int64_t *seconds_out);

/**
 * Moves the clock forward, if it is one that is moved by hand (NEARCACHE_MANUAL_CLOCK).
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK;
 * NEARCACHE_INVALID (the cache runs on the system's clock), NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_advance_clock(struct nearcache_cache *cache, uint32_t seconds);

/**
 * Recounts the cache and names, in nearcache_last_error(), the first broken invariant. For tests and for
 * doubt: it reads everything. What a process held that was killed counts as broken until it was given back.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_CORRUPT, NEARCACHE_PANIC.
 * Threads: any, while no other thread of any process writes to this cache.
 */
nearcache_status nearcache_check(struct nearcache_cache *cache);

/**
 * Begins a walk over the items whose keys start with `prefix`; no prefix is all of them. It is weakly
 * consistent: what is there throughout is met once; what comes, goes or changes meanwhile may or may not be
 * met. It has no order. It counts no hits.
 *
 * Lifetimes: `prefix` is borrowed for the call. The iterator is the caller's, until nearcache_iter_close(); it
 * may outlive nearcache_close().
 * NULL: `prefix` may be NULL if `prefix_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (also for a flag other than NEARCACHE_KEYS_ONLY), NEARCACHE_PANIC.
 * Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
 */
nearcache_status nearcache_iter_open(struct nearcache_cache *cache,
                                     const void *prefix,
                                     size_t prefix_len,
                                     uint32_t flags,
                                     struct nearcache_iter **iter_out);

/**
 * Takes the next step of a walk. After NEARCACHE_END it may be called again and says so again.
 *
 * Lifetimes: *key_out and *value_out are valid until the next step, or nearcache_iter_close().
 * NULL: `value_out` and `item_out` may be NULL, and must be if the iterator was opened with
 * NEARCACHE_KEYS_ONLY.
 * Returns: NEARCACHE_OK, NEARCACHE_END; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: one at a time for each iterator. An iterator must not be used in a forked child.
 */
nearcache_status nearcache_iter_next(struct nearcache_iter *iter,
                                     struct nearcache_bytes *key_out,
                                     struct nearcache_bytes *value_out,
                                     struct nearcache_item *item_out);

/**
 * Ends a walk.
 *
 * Lifetimes: the iterator, and what its last step gave, are dead afterwards.
 * NULL: `iter` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, also another than the one that opened it. An iterator must not be used in a forked child.
 */
void nearcache_iter_close(struct nearcache_iter *iter);

/**
 * A get for cache-aside use that keeps a crowd from computing one missing value together. Three answers:
 *
 * - Hit (NEARCACHE_OK): here is the value.
 * - Won (NEARCACHE_WON): there is none. This caller computes it and stores it with nearcache_cas() and
 *   item_out->cas, within `lease_seconds`. If that cas says NEARCACHE_MISS or NEARCACHE_EXISTS, the key was
 *   deleted, invalidated or stored meanwhile, or the lease ran out: the value computed may be old and is
 *   rightly not stored. To give up early, call nearcache_delete_cas() with the same unique.
 * - Wait (NEARCACHE_WAIT): there is none, and another caller is at it. Ask again later, or compute the value
 *   without storing it. If the winner never stores, the lease runs out and the next to ask wins.
 *
 * After nearcache_invalidate() there is a stale value: won and wait then come with it, item_out->state has
 * NEARCACHE_STATE_STALE, item_out->len is its length, and its bytes are in the buffer if they fit (item_out->len
 * <= capacity). It may serve in the meantime. The right to refresh a stale value is given once; if the winner
 * never stores, the value stays stale until its own expiry, so give nearcache_invalidate() an exptime.
 *
 * While a lease on a missing key runs, the key holds an empty item: nearcache_get() hits it and nearcache_add()
 * does not store. Read such keys by nearcache_lease(). An empty value whose recache was won through
 * nearcache_meta_get() cannot be told from a lease and is answered with wait.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0.
 * Returns: NEARCACHE_OK, NEARCACHE_SHORT_BUFFER (a hit), NEARCACHE_WON, NEARCACHE_WAIT (all write the output);
 * NEARCACHE_INVALID (also if `lease_seconds` is 0), NEARCACHE_TOO_BIG, NEARCACHE_NOMEM (there is no room for
 * the lease), NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_lease(struct nearcache_cache *cache,
                                 const void *key,
                                 size_t key_len,
                                 uint32_t lease_seconds,
                                 void *buffer,
                                 size_t capacity,
                                 struct nearcache_item *item_out);

/**
 * A get that can vivify, win a recache, and see staleness: memcached's `mg`. item_out->state tells whether this
 * caller won the right to store the item anew (WON), whether another had won it before (SENT), whether the
 * item is stale (STALE), and whether it had been read before (HIT_BEFORE). A vivified miss is NEARCACHE_OK with
 * an empty value and WON. The wishes are fulfilled also if the buffer is too short.
 *
 * Lifetimes: `key`, `ask` and `buffer` are borrowed for the call.
 * NULL: `ask` may be NULL, for no wishes; `buffer` may be NULL if `capacity` is 0.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM (vivifying or touching found no memory),
 * NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_meta_get(struct nearcache_cache *cache,
                                    const void *key,
                                    size_t key_len,
                                    const struct nearcache_ask *ask,
                                    void *buffer,
                                    size_t capacity,
                                    struct nearcache_item *item_out);

/**
 * Marks the item stale and gives it a new unique: readers by nearcache_get() still see it, the next
 * nearcache_meta_get() or nearcache_lease() wins the right to store it anew, and a nearcache_cas() begun before
 * fails. With `exptime` the item gets a new expiry as well: the time that its stale value may still serve.
 *
 * Lifetimes: `key` and `exptime` are borrowed for the call.
 * NULL: `exptime` may be NULL; the expiry then stays.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_invalidate(struct nearcache_cache *cache,
                                      const void *key,
                                      size_t key_len,
                                      const int64_t *exptime);

/**
 * Adds to a decimal number, wrapping at 2^64. The expiry stays, the unique changes.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_incr(struct nearcache_cache *cache,
                                const void *key,
                                size_t key_len,
                                uint64_t delta,
                                uint64_t *value_out);

/**
 * Adds to a decimal number, wrapping at 2^64. A missing key is stored as `initial`, without the delta, with this
 * `exptime`; a present one keeps its expiry.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the number now stored);
 * NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_incr_or(struct nearcache_cache *cache,
                                   const void *key,
                                   size_t key_len,
                                   uint64_t delta,
                                   uint64_t initial,
                                   int64_t exptime,
                                   uint64_t *value_out);

/**
 * Subtracts from a decimal number, stopping at 0. The expiry stays, the unique changes.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_decr(struct nearcache_cache *cache,
                                const void *key,
                                size_t key_len,
                                uint64_t delta,
                                uint64_t *value_out);

/**
 * Subtracts from a decimal number, stopping at 0. A missing key is stored as `initial`, without the delta, with this
 * `exptime`; a present one keeps its expiry.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the number now stored);
 * NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_decr_or(struct nearcache_cache *cache,
                                   const void *key,
                                   size_t key_len,
                                   uint64_t delta,
                                   uint64_t initial,
                                   int64_t exptime,
                                   uint64_t *value_out);

/**
 * Reads a value in place, without a copy. Its bytes neither move nor change while the pin lives, whatever
 * happens to the key; the pin may be kept across any other calls, nearcache_close() included. While pins
 * live, the memory around them cannot be reused: hold few, and briefly. A value that does not lie in one piece
 * (one of hundreds of KiB), or that finds too many pins held, is copied and the pin holds the copy.
 *
 * Lifetimes: `key` is borrowed for the call. *value_out, item_out->len bytes, is valid until nearcache_unpin().
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any; the value may be read by all threads. A pin must not be used in a forked child.
 */
nearcache_status nearcache_pin(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               struct nearcache_pinned **pinned_out,
                               const void **value_out,
                               struct nearcache_item *item_out);

/**
 * Gives a pin back.
 *
 * Lifetimes: the pin and its value are dead afterwards.
 * NULL: `pinned` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, also another than the one that pinned. In a forked child it does nothing to the parent's pin.
 */
void nearcache_unpin(struct nearcache_pinned *pinned);

/**
 * Calls `met` for each process that has used the cache and whose place in it was not given back yet. Those that
 * have it open without having used it, or that attached it for reading alone, are not known to it.
 *
 * Lifetimes: what `met` is given is valid until it returns.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any; `met` runs in the calling thread.
 */
nearcache_status nearcache_processes(struct nearcache_cache *cache,
                                     nearcache_process_fn met,
                                     void *user);

/**
 * Gives back what processes held that are not there any more, and tells how many such processes were met. Nobody
 * needs to call it: whoever takes a place in the cache, or runs short of memory, does the same in passing.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_reap(struct nearcache_cache *cache,
                                size_t *processes_out);

/**
 * Copies a value into the caller's buffer. With `buffer` NULL and `capacity` 0 it asks for the length.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0; `flags_out` may be NULL.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the outputs), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_get(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               void *buffer,
                               size_t capacity,
                               size_t *len_out,
                               uint32_t *flags_out);

/**
 * Copies a value into the caller's buffer and tells all about the item: length, flags, unique, time left.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_gets(struct nearcache_cache *cache,
                                const void *key,
                                size_t key_len,
                                void *buffer,
                                size_t capacity,
                                struct nearcache_item *item_out);

/**
 * Get and touch: as nearcache_gets(), and the item gets a new expiry. If the buffer is too short the item is
 * left as it was, so that the call can be made again with a longer one.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOMEM (the item had to be moved to be touched), NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_gat(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               int64_t exptime,
                               void *buffer,
                               size_t capacity,
                               struct nearcache_item *item_out);

/**
 * Is the key present? Copies nothing and counts no hit.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK (present), NEARCACHE_MISS; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_contains(struct nearcache_cache *cache, const void *key, size_t key_len);

/**
 * Calls `hit` for each of `count` keys that is present, in the order of the keys; a key given twice is met
 * twice. It is faster than as many gets, for it fetches memory for all keys together. A bad key fails the call
 * before anything is read.
 *
 * Lifetimes: `keys` and what they point to are borrowed for the call; what `hit` is given, for its call.
 * NULL: `keys` may be NULL if `count` is 0; `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK (also if nothing was hit); NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any; `hit` runs in the calling thread.
 */
nearcache_status nearcache_get_many(struct nearcache_cache *cache,
                                    const struct nearcache_bytes *keys,
                                    size_t count,
                                    nearcache_hit_fn hit,
                                    void *user);

/**
 * Tells what a cache is: its size, layout, age, owner, and the path of its file, which is written to `path`
 * with a terminating NUL. A cache without a path (a private one, one shared over fork, one opened by a descriptor)
 * has the path "".
 *
 * Lifetimes: `path` is borrowed for the call.
 * NULL: `path` may be NULL if `path_capacity` is 0; the path is then not asked for.
 * Returns: NEARCACHE_OK, NEARCACHE_SHORT_BUFFER (writes about_out too; the path takes about_out->path_len + 1
 * bytes); NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_info(struct nearcache_cache *cache,
                                char *path,
                                size_t path_capacity,
                                struct nearcache_about *about_out);

/**
 * The descriptor of the open file that a shared cache lives in, for passing it to another process: over a
 * socket, or over exec, for which it is duplicated first (it is closed by exec, a duplicate made with dup() is
 * not). The other process opens it with nearcache_options.descriptor.
 *
 * Lifetimes: the descriptor is the library's and valid until nearcache_close(); the caller must not close it.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (it has none: it is private, or the program has closed descriptors that
 * were not its own); NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_descriptor(struct nearcache_cache *cache,
                                      int32_t *descriptor_out);

/**
 * Removes the name, or the path, of a shared cache. Whoever has it open goes on with it; who opens the name next
 * creates a new one. What is there and is no cache stays.
 *
 * Lifetimes: `name`, a terminated string as in nearcache_options, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (there was none); NEARCACHE_INVALID (no possible name),
 * NEARCACHE_FOREIGN, NEARCACHE_SYSTEM, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_unlink(const char *name);

/**
 * Calls `found` for each cache of this user in the directory where names are looked for, in the order of their
 * names; also for what lies there and cannot be attached, with the reason.
 *
 * Lifetimes: what `found` is given is valid until it returns.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_SYSTEM (the directory cannot be listed), NEARCACHE_PANIC.
 * Threads: any; `found` runs in the calling thread.
 */
nearcache_status nearcache_regions(nearcache_region_fn found,
                                   void *user);

/**
 * Gives the item a new expiry; its unique stays.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOMEM (the item had to be moved to be touched), NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_touch(struct nearcache_cache *cache,
                                 const void *key,
                                 size_t key_len,
                                 int64_t exptime);

/**
 * Removes the item.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_delete(struct nearcache_cache *cache, const void *key, size_t key_len);

/**
 * Removes the item only if its unique is still `unique`, as nearcache_gets() told it.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_delete_cas(struct nearcache_cache *cache,
                                      const void *key,
                                      size_t key_len,
                                      uint64_t unique);

/**
 * Calls `stat` for each counter, under memcached's names: "cmd_get", "get_hits", "curr_items", "bytes",
 * "limit_maxbytes", "evictions" and so on. More may be added; their order has no meaning.
 *
 * Lifetimes: the names are static.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any; `stat` runs in the calling thread. The counters are read one by one, not at one instant.
 */
nearcache_status nearcache_stats(struct nearcache_cache *cache, nearcache_stat_fn stat, void *user);

/**
 * Reads one counter by its name. A name that this library does not know is NEARCACHE_MISS, so that a program
 * may ask for counters of later releases.
 *
 * Lifetimes: `name`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (no such counter); NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_stat(struct nearcache_cache *cache, const char *name, uint64_t *value_out);

/**
 * Sets the counters to 0, but not the readings curr_items, bytes and limit_maxbytes.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
 * Threads: any; what other threads count meanwhile may be lost.
 */
nearcache_status nearcache_reset_stats(struct nearcache_cache *cache);

/**
 * What a status means, in a few words: "no such item".
 *
 * Lifetimes: the text is static.
 * NULL: no pointers are taken; NULL is never given back, an unknown number is "unknown status".
 * Returns: the text.
 * Threads: any; also in a forked child and in a signal handler.
 */
const char *nearcache_status_text(nearcache_status status);

/**
 * The sentence of this thread's last failure: what was wrong, the limit, what to do. It is set by failures
 * alone (a status below 0); a call that succeeds leaves it as it was.
 *
 * Lifetimes: the text is valid until this thread's next failure, or its end.
 * NULL: no pointers are taken; NULL is never given back, before the first failure the text is "".
 * Returns: the text.
 * Threads: each has its own. A forked child inherits its forking thread's.
 */
const char *nearcache_last_error(void);

/**
 * Stores, whatever is there. If the item is too large or finds no memory, the old one is gone too, as in
 * memcached.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_set(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               const void *value,
                               size_t value_len,
                               uint32_t flags,
                               int64_t exptime,
                               uint64_t *cas_out);

/**
 * Stores only if the key is missing.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is present);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_add(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               const void *value,
                               size_t value_len,
                               uint32_t flags,
                               int64_t exptime,
                               uint64_t *cas_out);

/**
 * Stores only if the key is present.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_replace(struct nearcache_cache *cache,
                                   const void *key,
                                   size_t key_len,
                                   const void *value,
                                   size_t value_len,
                                   uint32_t flags,
                                   int64_t exptime,
                                   uint64_t *cas_out);

/**
 * Adds bytes behind the present value; its flags and expiry stay.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
 * outgrow the limit or the memory);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_append(struct nearcache_cache *cache,
                                  const void *key,
                                  size_t key_len,
                                  const void *value,
                                  size_t value_len,
                                  uint64_t *cas_out);

/**
 * Adds bytes before the present value; its flags and expiry stay.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
 * outgrow the limit or the memory);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_prepend(struct nearcache_cache *cache,
                                   const void *key,
                                   size_t key_len,
                                   const void *value,
                                   size_t value_len,
                                   uint64_t *cas_out);

/**
 * Stores only if the item's unique is still `unique`, as nearcache_gets() told it.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS (there
 * is no item);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_cas(struct nearcache_cache *cache,
                               const void *key,
                               size_t key_len,
                               const void *value,
                               size_t value_len,
                               uint32_t flags,
                               int64_t exptime,
                               uint64_t unique,
                               uint64_t *cas_out);

/**
 * The release of the library that runs, as text: "0.1.0". The header's is NEARCACHE_RELEASE.
 *
 * Lifetimes: the text is static.
 * NULL: no pointers are taken; NULL is never given back.
 * Returns: the text.
 * Threads: any; also in a forked child and in a signal handler.
 */
const char *nearcache_release(void);

/**
 * The release of the library that runs, as a number that grows: major * 1000000 + minor * 1000 + patch.
 * The header's is NEARCACHE_RELEASE_NUMBER.
 *
 * Lifetimes: none.
 * NULL: no pointers are taken.
 * Returns: the number.
 * Threads: any; also in a forked child and in a signal handler.
 */
uint32_t nearcache_release_number(void);

/**
 * The call ABI of the library that runs. nearcache_open() compares it with NEARCACHE_ABI_VERSION.
 *
 * Lifetimes: none.
 * NULL: no pointers are taken.
 * Returns: the number.
 * Threads: any; also in a forked child and in a signal handler.
 */
uint32_t nearcache_abi_version(void);

/**
 * The region layout of the library that runs. The header's is NEARCACHE_LAYOUT_VERSION.
 *
 * Lifetimes: none.
 * NULL: no pointers are taken.
 * Returns: the number.
 * Threads: any; also in a forked child and in a signal handler.
 */
uint32_t nearcache_layout_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NEARCACHE_H */
