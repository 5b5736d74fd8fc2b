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
 *   nearcache_iter_close(). Pins and iterators may outlive the handle of their cache. The handles of a store are alike;
 *   who makes them and who takes them back is said with each.
 *
 * NULL.  Giving NULL back is a no-op. Anywhere else NULL gives NEARCACHE_INVALID, unless the function's
 *   description says that it may be NULL. No function returns a NULL string.
 *
 * exptime.  In seconds, by memcached's rule: 0 is never; up to 30 days (2592000) is from now; above that it is
 *   a Unix time; negative is already expired, so that a store succeeds and the next get misses.
 *
 * Threads.  "Threads: any" says that any number of threads may make the call on one handle together, without
 *   locks of their own. A call on a cache never waits for another thread. Opening, closing and the making of pins and
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
 * Stores.  nearcache_store_open() opens what forgets nothing: items under memcached's verbs on disk, with a cache in
 *   front, and queues of messages beside them. It is a directory, which one process owns at a time, or the socket of a
 *   daemon that owns one. A write is answered when it is as safe as nearcache_store_options.sync asks, by default when
 *   the disk has it, and waits for that; everybody's writes of a moment are synced together, so many threads write many
 *   times faster than one. Its statuses are those of a cache and some more; a call that failed has changed nothing, but
 *   for NEARCACHE_CONNECTION, whose sentence says whether that is known. A store that is open has threads of its own, in
 *   which all signals are blocked, and descriptors, which exec closes: a program that closes all descriptors opens its
 *   stores afterwards. The child of a fork cannot use a directory that its parent has open (NEARCACHE_FORKED), and harms
 *   nothing when it closes the handle; over a socket it goes on with connections of its own, if no other thread was
 *   inside a call on the store when it was forked. A library that was built without stores has none of their functions.
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
/** The same for nearcache_store_open(). Every nearcache_store_options begins so. */
#define NEARCACHE_STORE_OPTIONS_INIT \
    { sizeof(nearcache_store_options), NEARCACHE_ABI_VERSION, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0 }
/** The settings of a queue that nobody has configured. */
#define NEARCACHE_SETTINGS_INIT { 0, 0, 0, 0, 60, 10, 0, 300, 0, "", "" }


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
 * The longest name of a queue, in bytes; the shortest has 1.
 */
#define NEARCACHE_QUEUE_NAME_MAX 240

/**
 * Room for a queue's name and its NUL.
 */
#define NEARCACHE_QUEUE_NAME_SIZE 248

/**
 * Room for a receipt's text and its NUL.
 */
#define NEARCACHE_RECEIPT_SIZE 64

/**
 * The most messages that one call hands out.
 */
#define NEARCACHE_MESSAGES_MAX 10000

/**
 * A flag of nearcache_store_options: open a store that is there; NEARCACHE_NO_STORE if there is none.
 */
#define NEARCACHE_STORE_EXISTING 1

/**
 * A flag of nearcache_store_options: no near tier; each read asks the disk's engine.
 */
#define NEARCACHE_NO_NEAR 2

/**
 * A flag of nearcache_store_options: open the directory although it has lost writes (NEARCACHE_LOST).
 */
#define NEARCACHE_ACCEPT_LOSS 4

/**
 * nearcache_store_options.sync: a write is answered when the disk has it. One sync serves everybody who writes at
 * the time. Nothing that was answered is lost, whatever happens.
 */
#define NEARCACHE_SYNC_ALWAYS 0

/**
 * nearcache_store_options.sync: a write is answered when the operating system has it, and a sync follows within
 * sync_millis. A process that is killed loses nothing; a loss of power, what was written in that time.
 */
#define NEARCACHE_SYNC_EVERY 1

/**
 * nearcache_store_options.sync: as NEARCACHE_SYNC_EVERY, but the operating system syncs when it likes.
 */
#define NEARCACHE_SYNC_NEVER 2

/**
 * nearcache_push.expire of a message that never expires, whatever its queue's settings say.
 */
#define NEARCACHE_EXPIRE_NEVER -1

/**
 * The delay of nearcache_queue_nak() that the queue's settings give.
 */
#define NEARCACHE_RETRY_DELAY -1

/**
 * A flag of nearcache_store_iter_range(): without `start` itself.
 */
#define NEARCACHE_LEFT_OPEN 1

/**
 * A flag of nearcache_store_iter_range(): without `end` itself.
 */
#define NEARCACHE_RIGHT_OPEN 2

/**
 * A flag of nearcache_store_iter_open() and nearcache_store_iter_range(): everything as of the call, whatever is
 * written meanwhile; of a directory alone.
 */
#define NEARCACHE_SNAPSHOT 4

/**
 * Changes that are to be made together. Made by nearcache_batch_begin(), given back by nearcache_batch_discard().
 */
typedef struct nearcache_batch nearcache_batch;

/**
 * A cache. Opened by nearcache_open(), given back by nearcache_close().
 */
typedef struct nearcache_cache nearcache_cache;

/**
 * A walk over a cache. Made by nearcache_iter_open(), given back by nearcache_iter_close().
 */
typedef struct nearcache_iter nearcache_iter;

/**
 * Messages that were handed out. Given back by nearcache_messages_close(), which changes nothing about the messages.
 */
typedef struct nearcache_messages nearcache_messages;

/**
 * A value held in place. Made by nearcache_pin(), given back by nearcache_unpin().
 */
typedef struct nearcache_pinned nearcache_pinned;

/**
 * A durable store and its queues. Opened by nearcache_store_open(), given back by nearcache_store_close().
 */
typedef struct nearcache_store nearcache_store;

/**
 * A walk over a store. Made by nearcache_store_iter_open() or nearcache_store_iter_range(), given back by
 * nearcache_store_iter_close().
 */
typedef struct nearcache_store_iter nearcache_store_iter;

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
 * Bytes lent: by the caller for the keys of nearcache_get_many(), to the caller by nearcache_iter_next() and its like.
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
 * Called by nearcache_get_many() and nearcache_store_get_many() for each hit: `index` is the key's place among the
 * keys, `value` holds item->len bytes. What the pointers point to is gone when it returns. It may call any nearcache
 * function. It returns normally: no longjmp, no exception.
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
 * Called by nearcache_stats(), nearcache_store_stats() and nearcache_queue_stats() for each counter. `name` is lent for
 * the call; that of nearcache_stats() is static. It may call any nearcache function. It returns normally: no longjmp,
 * no exception.
 */
typedef void (*nearcache_stat_fn)(void *user, const char *name, uint64_t value);

/**
 * How a message is put in. Zeros are the defaults. It never changes.
 */
typedef struct nearcache_push {
    /**
     * Seconds after which the message has expired, up to 31536000; 0: as the queue's settings say;
     * NEARCACHE_EXPIRE_NEVER.
     */
    int64_t expire;
    /**
     * An id of up to 250 bytes: a second message with it, within the queue's dedup_window, is not put in. NULL: none.
     */
    const void *id;
    /**
     * The id's length.
     */
    size_t id_len;
    /**
     * The producer's flags, which come with the message.
     */
    uint32_t flags;
    /**
     * Seconds before it is handed out, up to 31536000.
     */
    uint32_t delay;
} nearcache_push;

/**
 * Called by nearcache_store_backup(), nearcache_store_verify() and nearcache_store_compact() now and then: `done` of
 * about `of` entries (keyspaces, for nearcache_store_compact()) are done. 0 goes on; anything else ends the work with
 * NEARCACHE_STOPPED. It may call any nearcache function. It returns normally: no longjmp, no exception.
 */
typedef int32_t (*nearcache_progress_fn)(void *user, uint64_t done, uint64_t of);

/**
 * How a directory is opened. Begin with NEARCACHE_STORE_OPTIONS_INIT, then assign what is to differ. 0 means the
 * default in every field but struct_size and abi_version. Fields are only ever appended, as in nearcache_options.
 */
typedef struct nearcache_store_options {
    /**
     * sizeof(nearcache_store_options), set by NEARCACHE_STORE_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * NEARCACHE_ABI_VERSION, set by NEARCACHE_STORE_OPTIONS_INIT.
     */
    uint32_t abi_version;
    /**
     * NEARCACHE_STORE_EXISTING, NEARCACHE_NO_NEAR, NEARCACHE_ACCEPT_LOSS, with |.
     */
    uint32_t flags;
    /**
     * NEARCACHE_SYNC_ALWAYS, NEARCACHE_SYNC_EVERY or NEARCACHE_SYNC_NEVER.
     */
    uint32_t sync;
    /**
     * The milliseconds of NEARCACHE_SYNC_EVERY, 1 and more; else 0.
     */
    uint32_t sync_millis;
    /**
     * Bytes of the near tier, the cache in front: 1 MiB and more. 0 is 64 MiB.
     */
    uint64_t near_size;
    /**
     * A terminated string: the name, or the path, of a shared cache as which the near tier lives, so that other
     * processes of this user read hot keys from it; see nearcache_options. NULL: it is private.
     */
    const char *near_name;
    /**
     * The largest item or message in bytes; an item's is counted as memcached counts it. 1 KiB to 1 GiB; 0 is 1 MiB.
     */
    uint64_t item_size_max;
    /**
     * Most bytes of keys, values and messages together; beyond them writes are NEARCACHE_OVER_QUOTA. 0: no limit.
     */
    uint64_t quota;
    /**
     * Bytes of the disk engine's block cache, 1 MiB and more. 0 is 64 MiB.
     */
    uint64_t block_cache;
    /**
     * Most bytes of writes that wait for their turn; who comes then waits. 0 is 64 MiB.
     */
    uint64_t queue_bytes;
    /**
     * The Unix time at which a clock stands that nearcache_store_advance_clock() alone moves, for tests. 0: the
     * clock is the system's.
     */
    int64_t manual_clock;
    /**
     * Threads of the disk's engine, 1 to 64. 0 is 2.
     */
    uint32_t workers;
    /**
     * 0.
     */
    uint32_t reserved;
} nearcache_store_options;

/**
 * How a queue behaves. Begin with NEARCACHE_SETTINGS_INIT, the defaults, or with nearcache_queue_settings().
 */
typedef struct nearcache_settings {
    /**
     * Most messages, delayed and reserved ones included; 0: no limit.
     */
    uint64_t max_messages;
    /**
     * Most bytes of messages; 0: no limit.
     */
    uint64_t max_bytes;
    /**
     * The largest message in bytes; 0: the store's item_size_max.
     */
    uint64_t max_message;
    /**
     * 1: a full queue drops its oldest message that nobody has reserved. 0: it refuses the new one.
     */
    uint32_t discard_old;
    /**
     * Seconds after which a message that was reserved without saying for how long comes back, 1 to 604800.
     */
    uint32_t lease;
    /**
     * How often a message is delivered at most, before it goes to the dead letters; 0: no limit.
     */
    uint32_t max_deliveries;
    /**
     * Seconds after which a message that says nothing else has expired, up to 31536000; 0: never.
     */
    uint32_t expire;
    /**
     * Seconds for which the id of a message is remembered, to drop doubles, up to 31536000; 0: ids are not looked at.
     */
    uint32_t dedup_window;
    /**
     * Seconds that a message which comes back waits before it is delivered again, up to 31536000.
     */
    uint32_t retry_delay;
    /**
     * The queue of the dead letters, terminated; empty: this one's name with ".dead" behind it.
     */
    char dead_letters[NEARCACHE_QUEUE_NAME_SIZE];
    /**
     * The queue that gets what has expired, terminated; empty: it is dropped.
     */
    char expired_to[NEARCACHE_QUEUE_NAME_SIZE];
} nearcache_settings;

/**
 * Called by nearcache_queue_names() for each queue; `name`, terminated, is lent for the call. It may call any nearcache
 * function. It returns normally: no longjmp, no exception.
 */
typedef void (*nearcache_name_fn)(void *user, const char *name);

/**
 * A message. What it points to is lent until nearcache_messages_close(); all else, the receipt too, is a copy.
 */
typedef struct nearcache_message {
    /**
     * The message itself.
     */
    struct nearcache_bytes body;
    /**
     * The producer's id; empty: it gave none.
     */
    struct nearcache_bytes id;
    /**
     * Of a dead letter, or of what has expired: the queue where it was. Else empty.
     */
    struct nearcache_bytes origin;
    /**
     * Its number in the store: the messages of a queue are in this order.
     */
    uint64_t seq;
    /**
     * When it was put in, as a Unix time in seconds.
     */
    int64_t at;
    /**
     * When it expires, as a Unix time; 0: never.
     */
    int64_t expires;
    /**
     * When its lease ends, as a Unix time; 0: it has none.
     */
    int64_t due;
    /**
     * The producer's flags.
     */
    uint32_t flags;
    /**
     * How often it was delivered, this time included; of nearcache_queue_peek(), before.
     */
    uint32_t deliveries;
    /**
     * What to acknowledge it by, as terminated text, which may be kept, or sent to another process; empty if it was
     * taken for good, or only looked at.
     */
    char receipt[NEARCACHE_RECEIPT_SIZE];
} nearcache_message;

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
 * nearcache_queue_push(): a message with this id is known; nothing was put in.
 */
#define NEARCACHE_DUPLICATE 8

/**
 * nearcache_queue_nak(): the message was delivered too often, or has expired; it is where such messages go.
 */
#define NEARCACHE_OVER 9

/**
 * An argument is wrong: NULL, an empty or too long key, an option out of range.
 */
#define NEARCACHE_INVALID -1

/**
 * The item, or the message, is larger than item_size_max.
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
 * The cache's memory, or what is in a store, contradicts itself.
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
 * What is there is no cache, or none that this user may attach; or a directory of something else than a store.
 */
#define NEARCACHE_FOREIGN -11

/**
 * The cache is attached for reading alone, and the call writes; or a store's directory may not be written.
 */
#define NEARCACHE_NOT_WRITABLE -12

/**
 * Every place for a process or a thread in a shared cache is taken.
 */
#define NEARCACHE_TOO_MANY -13

/**
 * The store is open in another process: reach it through the daemon.
 */
#define NEARCACHE_IN_USE -14

/**
 * There is no store in this directory, and none was to be made.
 */
#define NEARCACHE_NO_STORE -15

/**
 * The store was written by a later version.
 */
#define NEARCACHE_NEWER -16

/**
 * Less is there than was once safely written. Nothing was opened; see NEARCACHE_ACCEPT_LOSS.
 */
#define NEARCACHE_LOST -17

/**
 * The disk is full. Writes work again when there is room.
 */
#define NEARCACHE_DISK_FULL -18

/**
 * The write would make the store larger than its quota.
 */
#define NEARCACHE_OVER_QUOTA -19

/**
 * The store has ended, or the snapshot that an iterator walks over: open it again.
 */
#define NEARCACHE_CLOSED -20

/**
 * The store was opened before a fork, and belongs to the parent.
 */
#define NEARCACHE_FORKED -21

/**
 * The condition of a change of the batch did not hold; nothing of it was done.
 */
#define NEARCACHE_REFUSED -22

/**
 * The callback has stopped the work.
 */
#define NEARCACHE_STOPPED -23

/**
 * There is no queue of this name.
 */
#define NEARCACHE_NO_QUEUE -24

/**
 * The queue has as many messages, or bytes, as it may.
 */
#define NEARCACHE_QUEUE_FULL -25

/**
 * The daemon cannot be reached, or went away; the sentence says whether a write may have been done.
 */
#define NEARCACHE_CONNECTION -26

/**
 * What was asked for is not to be had here; the sentence says where it is.
 */
#define NEARCACHE_UNSUPPORTED -27

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

/**
 * Begins a batch: changes to a store's items and queues that nearcache_batch_commit() makes in one atomic step, or not
 * at all. Each change has a number in its answer, which is said beside it.
 *
 * Lifetimes: the batch is the caller's, until nearcache_batch_discard(); it may outlive nearcache_store_close(), and
 * keeps the store open.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_batch_begin(struct nearcache_store *store,
                                       struct nearcache_batch **batch_out);

/**
 * Adds: store, whatever is there. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_set(struct nearcache_batch *batch,
                                     const void *key,
                                     size_t key_len,
                                     const void *value,
                                     size_t value_len,
                                     uint32_t flags,
                                     int64_t exptime);

/**
 * Adds: store; a key that is present refuses the batch. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_add(struct nearcache_batch *batch,
                                     const void *key,
                                     size_t key_len,
                                     const void *value,
                                     size_t value_len,
                                     uint32_t flags,
                                     int64_t exptime);

/**
 * Adds: store; a missing key refuses the batch. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_replace(struct nearcache_batch *batch,
                                         const void *key,
                                         size_t key_len,
                                         const void *value,
                                         size_t value_len,
                                         uint32_t flags,
                                         int64_t exptime);

/**
 * Adds: bytes behind the value; a missing key refuses the batch. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_append(struct nearcache_batch *batch,
                                        const void *key,
                                        size_t key_len,
                                        const void *value,
                                        size_t value_len);

/**
 * Adds: bytes before the value; a missing key refuses the batch. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_prepend(struct nearcache_batch *batch,
                                         const void *key,
                                         size_t key_len,
                                         const void *value,
                                         size_t value_len);

/**
 * Adds: store; an item whose unique is not `unique` refuses the batch. Its number is the new unique.
 *
 * Lifetimes: `key` and `value` are borrowed for the call: the batch has copies.
 * NULL: `value` may be NULL if `value_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_cas(struct nearcache_batch *batch,
                                     const void *key,
                                     size_t key_len,
                                     const void *value,
                                     size_t value_len,
                                     uint32_t flags,
                                     int64_t exptime,
                                     uint64_t unique);

/**
 * Adds: remove an item. Its number is 1, or 0 if there was none.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_delete(struct nearcache_batch *batch, const void *key, size_t key_len);

/**
 * Adds: add to a decimal number, wrapping at 2^64; a missing key refuses the batch. Its number is the new one.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_incr(struct nearcache_batch *batch,
                                      const void *key,
                                      size_t key_len,
                                      uint64_t delta);

/**
 * Adds: subtract from a decimal number, stopping at 0; a missing key refuses the batch. Its number is the new one.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_decr(struct nearcache_batch *batch,
                                      const void *key,
                                      size_t key_len,
                                      uint64_t delta);

/**
 * Adds: put a message into a queue, as nearcache_queue_push(). Its number is the message's.
 *
 * Lifetimes: `queue`, a terminated string, `body`, `how` and what it points to are borrowed for the call.
 * NULL: `body` may be NULL if `body_len` is 0; `how` may be NULL, for the defaults.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_push(struct nearcache_batch *batch,
                                      const char *queue,
                                      const void *body,
                                      size_t body_len,
                                      const struct nearcache_push *how);

/**
 * Adds: acknowledge a message. Its number is 1; a message that is not this receipt's any more refuses the batch: so what
 * is done because of a message is done once, however often it is delivered.
 *
 * Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (the batch stays as it was), NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_ack(struct nearcache_batch *batch,
                                     const char *queue,
                                     const char *receipt);

/**
 * How many changes a batch has.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: one at a time for each batch.
 */
nearcache_status nearcache_batch_count(const struct nearcache_batch *batch, size_t *count_out);

/**
 * Makes all changes of a batch, in their order, in one atomic step, or none; copies their numbers, one for each, into
 * the caller's array. Afterwards the batch is empty, whatever the answer, and may be filled again; but for
 * NEARCACHE_INVALID of an argument of this call, which leaves it as it was.
 *
 * Lifetimes: `numbers` is borrowed for the call.
 * NULL: `numbers` may be NULL if `capacity` is 0: then they are not told. `refused_out` may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_REFUSED (the only failure that writes the output: which change, from 0),
 * NEARCACHE_INVALID (also if `capacity` is neither 0 nor enough for all), NEARCACHE_NOT_NUMERIC, NEARCACHE_QUEUE_FULL,
 * the failures of nearcache_store_set().
 * Threads: one at a time for each batch; it waits until the write is safe.
 */
nearcache_status nearcache_batch_commit(struct nearcache_batch *batch,
                                        uint64_t *numbers,
                                        size_t capacity,
                                        size_t *refused_out);

/**
 * Gives a batch back; changes that were not committed are not made.
 *
 * Lifetimes: the batch is dead afterwards.
 * NULL: `batch` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, when no other call on this batch is running or follows. In a forked child, too.
 */
void nearcache_batch_discard(struct nearcache_batch *batch);

/**
 * Calls `stat` for each number of a store: memcached's names ("cmd_get", "curr_items", "bytes"), those of the near tier
 * ("near_hits"), of what is written ("batches", "syncs", "synced_sequence") and of the disk ("disk_bytes"). More may be
 * added; their order has no meaning.
 *
 * Lifetimes: a name is valid until `stat` returns.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; the failures of nearcache_store_get().
 * Threads: any; `stat` runs in the calling thread. The numbers are read one by one, not at one instant.
 */
nearcache_status nearcache_store_stats(struct nearcache_store *store,
                                       nearcache_stat_fn stat,
                                       void *user);

/**
 * Reads one number of a store by its name. A name that this library does not know is NEARCACHE_MISS.
 *
 * Lifetimes: `name`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (no such number); the failures of nearcache_store_get().
 * Threads: any.
 */
nearcache_status nearcache_store_stat(struct nearcache_store *store, const char *name, uint64_t *value_out);

/**
 * Copies everything, items and messages, as of now, to a new directory, which is a store that can be opened, while
 * others go on. Over a socket the directory is one of the daemon's machine. If it fails or is stopped, the directory
 * holds what is no store yet, and may be given again.
 *
 * Lifetimes: `directory`, a terminated string, is borrowed for the call.
 * NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_STOPPED, NEARCACHE_IN_USE and NEARCACHE_FOREIGN (of the new directory, which must be
 * empty, or not there), NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, the failures of nearcache_store_get().
 * Threads: any; `progress` runs in the calling thread.
 */
nearcache_status nearcache_store_backup(struct nearcache_store *store,
                                        const char *directory,
                                        nearcache_progress_fn progress,
                                        void *user);

/**
 * Reads everything and counts it again; the first thing that is wrong is the sentence of NEARCACHE_CORRUPT. Others go
 * on meanwhile.
 *
 * Lifetimes: none.
 * NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_STOPPED, the failures of nearcache_store_get().
 * Threads: any; `progress` runs in the calling thread.
 */
nearcache_status nearcache_store_verify(struct nearcache_store *store,
                                        nearcache_progress_fn progress,
                                        void *user);

/**
 * Rewrites the files without what was removed, while others go on.
 *
 * Lifetimes: none.
 * NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_STOPPED, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, the failures of
 * nearcache_store_get().
 * Threads: any; `progress` runs in the calling thread.
 */
nearcache_status nearcache_store_compact(struct nearcache_store *store,
                                         nearcache_progress_fn progress,
                                         void *user);

/**
 * Opens a store with its queues: a directory, which belongs to this process until it is closed, and is made if it is
 * not there; or the socket of the daemon that has one open. `place` is a path, of a socket if there is one, else of a
 * directory; or "unix:PATH" or "tcp:HOST:PORT", with "USER:PASSWORD@" before PATH or HOST where the daemon asks who
 * one is. A directory may be opened again by the process that has it open, with the same options or with NULL: the
 * handles are of one store, and the last that is closed closes it.
 *
 * Lifetimes: `place`, a terminated string, and `options` are borrowed for the call. The handle is the caller's, until
 * nearcache_store_close().
 * NULL: `options` may be NULL, for the defaults, and is for a socket: a daemon has options of its own.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID (also options that differ from those the directory is open with),
 * NEARCACHE_LAYOUT (the program was compiled for another call ABI), NEARCACHE_IN_USE, NEARCACHE_NO_STORE,
 * NEARCACHE_FOREIGN, NEARCACHE_NEWER, NEARCACHE_CORRUPT, NEARCACHE_LOST, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE,
 * NEARCACHE_CONNECTION, NEARCACHE_UNSUPPORTED (the daemon speaks another version), NEARCACHE_SYSTEM, NEARCACHE_PANIC.
 * Threads: any. Opening a directory starts threads of the library's own, in which all signals are blocked.
 */
nearcache_status nearcache_store_open(const char *place,
                                      const struct nearcache_store_options *options,
                                      struct nearcache_store **store_out);

/**
 * Gives a store back. The last handle of a directory waits until what is under way is written and synced; iterators
 * and batches keep it open until they are given back too.
 *
 * Lifetimes: the handle is dead afterwards.
 * NULL: `store` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, when no other call on this handle is running or follows. In a forked child it does nothing to the
 * parent's store.
 */
void nearcache_store_close(struct nearcache_store *store);

/**
 * The store's idea of the Unix time, in seconds; of a directory alone.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_UNSUPPORTED (a daemon's), NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_store_unix_time(struct nearcache_store *store, int64_t *seconds_out);

/**
 * Moves the clock forward, if it is one that is moved by hand (nearcache_store_options.manual_clock). Leases and
 * delays that are over then end in passing, soon after.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK;
 * NEARCACHE_INVALID (the store runs on the system's clock), NEARCACHE_UNSUPPORTED (a daemon's), NEARCACHE_SYSTEM,
 * NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_store_advance_clock(struct nearcache_store *store,
                                               uint32_t seconds);

/**
 * Tells how a queue behaves.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
 * Threads: any.
 */
nearcache_status nearcache_queue_settings(struct nearcache_store *store,
                                          const char *queue,
                                          struct nearcache_settings *settings_out);

/**
 * Says how a queue behaves, in everything; it is made if there is none.
 *
 * Lifetimes: `queue`, a terminated string, and `settings` are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_configure(struct nearcache_store *store,
                                           const char *queue,
                                           const struct nearcache_settings *settings);

/**
 * Hands nothing out until nearcache_queue_resume(); messages are put in as before. It outlives the process.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_pause(struct nearcache_store *store, const char *queue);

/**
 * Goes on after nearcache_queue_pause().
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_resume(struct nearcache_store *store, const char *queue);

/**
 * Drops every message of a queue, whoever has it.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call.
 * NULL: `purged_out` may be NULL.
 * Returns: NEARCACHE_OK (writes how many there were); NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_purge(struct nearcache_store *store,
                                       const char *queue,
                                       uint64_t *purged_out);

/**
 * Removes a queue and its messages.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (there was none); the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_delete(struct nearcache_store *store, const char *queue);

/**
 * Moves up to `max` messages of a queue (of more than NEARCACHE_MESSAGES_MAX, so many) to the end of the queue `to`, or
 * of the queues that they come from, which dead letters know.
 *
 * Lifetimes: `queue` and `to`, terminated strings, are borrowed for the call.
 * NULL: `to` may be NULL, for the queues that they come from; `moved_out` may be NULL.
 * Returns: NEARCACHE_OK (writes how many were moved); NEARCACHE_INVALID (also if a message comes from no other queue,
 * and `to` is NULL), NEARCACHE_NO_QUEUE, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_requeue(struct nearcache_store *store,
                                         const char *queue,
                                         const char *to,
                                         size_t max,
                                         uint64_t *moved_out);

/**
 * Calls `stat` for each number of a queue: what is in it ("messages", "ready", "reserved", "delayed", "bytes", "age" of
 * the first message in seconds, "made" as a Unix time, "is_paused"), and what has happened since it was made
 * ("pushed", "delivered", "acked", "returned", "dead", "expired", "discarded", "duplicates"). More may be added; their
 * order has no meaning.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call. The names are static.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
 * Threads: any; `stat` runs in the calling thread. The numbers are of one instant.
 */
nearcache_status nearcache_queue_stats(struct nearcache_store *store,
                                       const char *queue,
                                       nearcache_stat_fn stat,
                                       void *user);

/**
 * Reads one number of a queue by its name. A name that this library does not know is NEARCACHE_MISS.
 *
 * Lifetimes: `queue` and `name`, terminated strings, are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (no such number); NEARCACHE_NO_QUEUE, the failures of nearcache_store_get().
 * Threads: any.
 */
nearcache_status nearcache_queue_stat(struct nearcache_store *store,
                                      const char *queue,
                                      const char *name,
                                      uint64_t *value_out);

/**
 * Calls `met` for each queue that is there, readers' copies included, in the order of their names.
 *
 * Lifetimes: a name is valid until `met` returns.
 * NULL: `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK; the failures of nearcache_store_get().
 * Threads: any; `met` runs in the calling thread.
 */
nearcache_status nearcache_queue_names(struct nearcache_store *store, nearcache_name_fn met, void *user);

/**
 * Reserves up to `max` messages, those that have waited longest, and waits up to `wait_millis` for the first. Each is
 * nobody else's until it is acknowledged (nearcache_queue_ack()) or `lease_seconds` are over; then it is handed out
 * again, to anybody: at least once, and often enough that a consumer must bear a message twice. One that was
 * delivered as often as the queue's settings say goes to the dead letters.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
 * nearcache_messages_close().
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (none came in that time, or the queue is paused, or not
 * there); NEARCACHE_INVALID (also for a `max` that is not 1 to NEARCACHE_MESSAGES_MAX, and a lease of more than
 * 604800 seconds; 0 is the queue's own), the failures of nearcache_store_set().
 * Threads: any; it waits in the calling thread, and a signal does not end the waiting.
 */
nearcache_status nearcache_queue_reserve(struct nearcache_store *store,
                                         const char *queue,
                                         size_t max,
                                         uint32_t lease_seconds,
                                         uint32_t wait_millis,
                                         struct nearcache_messages **messages_out);

/**
 * Takes up to `max` messages for good, and waits up to `wait_millis` for the first: who dies with them has lost them.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
 * nearcache_messages_close().
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (as nearcache_queue_reserve()); NEARCACHE_INVALID (also for
 * a `max` that is not 1 to NEARCACHE_MESSAGES_MAX), the failures of nearcache_store_set().
 * Threads: any; it waits in the calling thread, and a signal does not end the waiting.
 */
nearcache_status nearcache_queue_take(struct nearcache_store *store,
                                      const char *queue,
                                      size_t max,
                                      uint32_t wait_millis,
                                      struct nearcache_messages **messages_out);

/**
 * Copies the first messages in line, up to `max`, which stay there.
 *
 * Lifetimes: `queue`, a terminated string, is borrowed for the call. The messages are the caller's, until
 * nearcache_messages_close().
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK (writes the output), NEARCACHE_MISS (there is none); NEARCACHE_NO_QUEUE, NEARCACHE_INVALID (also
 * for a `max` that is not 1 to NEARCACHE_MESSAGES_MAX), the failures of nearcache_store_get().
 * Threads: any.
 */
nearcache_status nearcache_queue_peek(struct nearcache_store *store,
                                      const char *queue,
                                      size_t max,
                                      struct nearcache_messages **messages_out);

/**
 * How many messages were handed out, those that nearcache_messages_next() has told included.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: any.
 */
nearcache_status nearcache_messages_count(const struct nearcache_messages *messages, size_t *count_out);

/**
 * Tells the next message, in the order of the queue. After NEARCACHE_END it may be called again and says so again.
 *
 * Lifetimes: what *message_out points to is valid until nearcache_messages_close(), whatever is done to the message.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_END; NEARCACHE_INVALID, NEARCACHE_PANIC.
 * Threads: one at a time for each nearcache_messages; what was told may be read by all. Also in a forked child.
 */
nearcache_status nearcache_messages_next(struct nearcache_messages *messages,
                                         struct nearcache_message *message_out);

/**
 * Frees messages. Those that were reserved stay so until their leases end.
 *
 * Lifetimes: the handle, and what was told of it, are dead afterwards.
 * NULL: `messages` may be NULL; nothing is done.
 * Returns: nothing.
 * Threads: any, also another than the one that reserved them. Also in a forked child.
 */
void nearcache_messages_close(struct nearcache_messages *messages);

/**
 * Puts a message into a queue, at the end; the queue is made if there is none. A queue's name is a terminated string
 * of 1 to NEARCACHE_QUEUE_NAME_MAX bytes without spaces, control characters and '/'; "queue+reader" is a reader's copy
 * of a queue: made when it is first asked for, it gets what the queue gets from then on.
 *
 * Lifetimes: `queue`, `body`, `how` and what it points to are borrowed for the call.
 * NULL: `body` may be NULL if `body_len` is 0; `how` may be NULL, for the defaults; `seq_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the message's number), NEARCACHE_DUPLICATE (writes that of the first one with this
 * id); NEARCACHE_QUEUE_FULL, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_push(struct nearcache_store *store,
                                      const char *queue,
                                      const void *body,
                                      size_t body_len,
                                      const struct nearcache_push *how,
                                      uint64_t *seq_out);

/**
 * A message is done with: it is removed.
 *
 * Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS (it was acknowledged or refused before, or its lease has ended);
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_ack(struct nearcache_store *store, const char *queue, const char *receipt);

/**
 * Many messages are done with, in one step. A bad receipt fails the call before anything is done.
 *
 * Lifetimes: `queue`, and the `count` terminated strings of `receipts`, are borrowed for the call.
 * NULL: `receipts` may be NULL if `count` is 0; `each_out` and `acked_out` may be NULL.
 * Returns: NEARCACHE_OK (writes to the `count` places of `each_out` 1, or 0 for what nearcache_queue_ack() answers
 * with NEARCACHE_MISS; and how many were acknowledged); the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_ack_many(struct nearcache_store *store,
                                          const char *queue,
                                          const char *const *receipts,
                                          size_t count,
                                          uint8_t *each_out,
                                          size_t *acked_out);

/**
 * The consumer will not have a message: it is delivered again after `delay` seconds, up to 31536000, or as the
 * queue's settings say (NEARCACHE_RETRY_DELAY).
 *
 * Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_OVER (it was delivered too often, or has expired: it is where such messages go),
 * NEARCACHE_MISS (as nearcache_queue_ack()); the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_nak(struct nearcache_store *store,
                                     const char *queue,
                                     const char *receipt,
                                     int64_t delay);

/**
 * The consumer needs a message for `seconds` more, 1 to 604800, from now on. The new receipt takes the old one's place.
 *
 * Lifetimes: `queue` and `receipt`, terminated strings, are borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK (writes the new receipt, NEARCACHE_RECEIPT_SIZE bytes with its NUL), NEARCACHE_MISS (as
 * nearcache_queue_ack()); the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_queue_extend(struct nearcache_store *store,
                                        const char *queue,
                                        const char *receipt,
                                        uint32_t seconds,
                                        char *receipt_out);

/**
 * Copies a value into the caller's buffer. With `buffer` NULL and `capacity` 0 it asks for the length. A hot key is
 * read from the near tier, over a socket too if the daemon shares its own.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0; `flags_out` may be NULL.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the outputs), NEARCACHE_MISS;
 * NEARCACHE_INVALID, NEARCACHE_CORRUPT, NEARCACHE_SYSTEM, NEARCACHE_CLOSED, NEARCACHE_FORKED, NEARCACHE_CONNECTION,
 * NEARCACHE_UNSUPPORTED (the daemon has no such role, or is of another version), NEARCACHE_PANIC.
 * Threads: any; what is not near waits for the disk, or for the daemon.
 */
nearcache_status nearcache_store_get(struct nearcache_store *store,
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
 * the failures of nearcache_store_get().
 * Threads: any.
 */
nearcache_status nearcache_store_gets(struct nearcache_store *store,
                                      const void *key,
                                      size_t key_len,
                                      void *buffer,
                                      size_t capacity,
                                      struct nearcache_item *item_out);

/**
 * Get and touch: as nearcache_store_gets(), and the item gets a new expiry. If the buffer is too short the item is
 * left as it was, so that the call can be made again with a longer one. It is a write.
 *
 * Lifetimes: `key` and `buffer` are borrowed for the call.
 * NULL: `buffer` may be NULL if `capacity` is 0.
 * Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_gat(struct nearcache_store *store,
                                     const void *key,
                                     size_t key_len,
                                     int64_t exptime,
                                     void *buffer,
                                     size_t capacity,
                                     struct nearcache_item *item_out);

/**
 * Calls `hit` for each of `count` keys that is present, in the order of the keys; a key given twice is met twice.
 * Over a socket it is one question. A bad key fails the call before anything is read. It is no snapshot: each key is
 * read at a moment of its own.
 *
 * Lifetimes: `keys` and what they point to are borrowed for the call; what `hit` is given, for its call.
 * NULL: `keys` may be NULL if `count` is 0; `user` may be NULL, it is only handed on.
 * Returns: NEARCACHE_OK (also if nothing was hit); the failures of nearcache_store_get().
 * Threads: any; `hit` runs in the calling thread.
 */
nearcache_status nearcache_store_get_many(struct nearcache_store *store,
                                          const struct nearcache_bytes *keys,
                                          size_t count,
                                          nearcache_hit_fn hit,
                                          void *user);

/**
 * Begins a walk over the items whose keys start with `prefix`, in the order of the keys' bytes; no prefix is all of
 * them. The items of a page (some of those that follow) are of one moment, the pages are not, unless
 * NEARCACHE_SNAPSHOT is given.
 *
 * Lifetimes: `prefix` is borrowed for the call. The iterator is the caller's, until nearcache_store_iter_close(); it
 * may outlive nearcache_store_close(), and keeps the store open.
 * NULL: `prefix` may be NULL if `prefix_len` is 0.
 * Returns: NEARCACHE_OK; NEARCACHE_UNSUPPORTED (NEARCACHE_SNAPSHOT over a socket), the failures of
 * nearcache_store_get().
 * Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
 */
nearcache_status nearcache_store_iter_open(struct nearcache_store *store,
                                           const void *prefix,
                                           size_t prefix_len,
                                           uint32_t flags,
                                           struct nearcache_store_iter **iter_out);

/**
 * Begins a walk over the items from the key `start` to the key `end`, in the order of the keys' bytes; both belong to
 * it, unless NEARCACHE_LEFT_OPEN or NEARCACHE_RIGHT_OPEN says otherwise. An empty `end` is behind the last key.
 *
 * Lifetimes: `start` and `end` are borrowed for the call. The iterator as from nearcache_store_iter_open().
 * NULL: `start` may be NULL if `start_len` is 0, `end` if `end_len` is 0.
 * Returns: as nearcache_store_iter_open().
 * Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
 */
nearcache_status nearcache_store_iter_range(struct nearcache_store *store,
                                            const void *start,
                                            size_t start_len,
                                            const void *end,
                                            size_t end_len,
                                            uint32_t flags,
                                            struct nearcache_store_iter **iter_out);

/**
 * Takes the next step of a walk. After NEARCACHE_END it may be called again and says so again; after a failure it
 * tries again where it was.
 *
 * Lifetimes: *key_out and *value_out are valid until the next step, or nearcache_store_iter_close().
 * NULL: `value_out` and `item_out` may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_END; the failures of nearcache_store_get(), of which NEARCACHE_CLOSED means that
 * a failure of the disk has ended the snapshot.
 * Threads: one at a time for each iterator. An iterator must not be used in a forked child.
 */
nearcache_status nearcache_store_iter_next(struct nearcache_store_iter *iter,
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
void nearcache_store_iter_close(struct nearcache_store_iter *iter);

/**
 * Stores, whatever is there, and answers when it is as safe as nearcache_store_options.sync asks. A write that fails has
 * changed nothing: an item that is too large leaves the old one, unlike nearcache_set().
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique);
 * NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, NEARCACHE_OVER_QUOTA,
 * NEARCACHE_CORRUPT, NEARCACHE_SYSTEM, NEARCACHE_CLOSED, NEARCACHE_FORKED, NEARCACHE_CONNECTION (over a socket; the
 * sentence says whether the write may have been done), NEARCACHE_UNSUPPORTED (the daemon has no such role, or is of
 * another version), NEARCACHE_PANIC.
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_set(struct nearcache_store *store,
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
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_add(struct nearcache_store *store,
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
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_replace(struct nearcache_store *store,
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
 * outgrow the limit);
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_append(struct nearcache_store *store,
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
 * outgrow the limit);
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_prepend(struct nearcache_store *store,
                                         const void *key,
                                         size_t key_len,
                                         const void *value,
                                         size_t value_len,
                                         uint64_t *cas_out);

/**
 * Stores only if the item's unique is still `unique`, as nearcache_store_gets() told it.
 *
 * Lifetimes: `key` and `value` are borrowed for the call.
 * NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS (there
 * is no item);
 * the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_cas(struct nearcache_store *store,
                                     const void *key,
                                     size_t key_len,
                                     const void *value,
                                     size_t value_len,
                                     uint32_t flags,
                                     int64_t exptime,
                                     uint64_t unique,
                                     uint64_t *cas_out);

/**
 * Adds to a decimal number, wrapping at 2^64. The expiry stays, the unique changes.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
 * NEARCACHE_NOT_NUMERIC, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_incr(struct nearcache_store *store,
                                      const void *key,
                                      size_t key_len,
                                      uint64_t delta,
                                      uint64_t *value_out);

/**
 * Subtracts from a decimal number, stopping at 0. The expiry stays, the unique changes.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: `value_out` may be NULL.
 * Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
 * NEARCACHE_NOT_NUMERIC, the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_decr(struct nearcache_store *store,
                                      const void *key,
                                      size_t key_len,
                                      uint64_t delta,
                                      uint64_t *value_out);

/**
 * Gives the item a new expiry; its unique stays.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS; the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_touch(struct nearcache_store *store,
                                       const void *key,
                                       size_t key_len,
                                       int64_t exptime);

/**
 * Removes the item.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_MISS; the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_delete(struct nearcache_store *store, const void *key, size_t key_len);

/**
 * Removes the item only if its unique is still `unique`, as nearcache_store_gets() told it.
 *
 * Lifetimes: `key` is borrowed for the call.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK, NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS; the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_delete_cas(struct nearcache_store *store,
                                            const void *key,
                                            size_t key_len,
                                            uint64_t unique);

/**
 * All items die: now if `delay` is 0, else when that many seconds have passed, and then what was stored in the meantime
 * too. A second call replaces a pending one, which outlives the process. Messages stay.
 *
 * Lifetimes: none.
 * NULL: nothing may be NULL.
 * Returns: NEARCACHE_OK; the failures of nearcache_store_set().
 * Threads: any; it waits until the write is safe.
 */
nearcache_status nearcache_store_flush_all(struct nearcache_store *store,
                                           uint32_t delay);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* NEARCACHE_H */
