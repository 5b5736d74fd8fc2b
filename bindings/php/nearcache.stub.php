<?php

/**
 * The written API of the extension: for people, for editors, for static analysers. The extension never loads it;
 * tests/stub.phpt holds the two equal.
 *
 * @generate-class-entries no: the classes are registered by the extension itself
 */

namespace NearCache;

/** What the extension throws, except for PHP's own TypeError, ValueError and ArgumentCountError. */
class Exception extends \RuntimeException
{
}

/**
 * A memcached as near as a function call, with the method set, the constants and the result codes of \Memcached.
 *
 * Keys are 1 to 250 bytes, any bytes; an int is taken as its decimal digits, also under strict_types. Another length is
 * not an exception, as in \Memcached: the verb gives false and getResultCode() RES_BAD_KEY_PROVIDED.
 *
 * Expirations follow memcached: 0 is never, up to 2592000 (30 days) seconds from now, above that a Unix time, below 0
 * dead at once.
 *
 * Values are written as php-memcached writes them (strings, ints, floats and bools as text, all else by serialize()).
 * A resource cannot be cached.
 *
 * Who has the cache:
 *  - new Cache() is the cache that php.ini asks for, if it does: nearcache.segment names it (or gives its absolute
 *    path), so that it survives a reload and that other pools, the command line and other languages have it by that
 *    name; nearcache.memory_size is its memory limit (default 64M; 0: none), and without a segment it is
 *    shared by the workers forked from one master and ends with them; nearcache.isolation may give each user or pool one; nearcache.permissions are those of a segment's
 *    file (default 0600). It is mapped once, when PHP starts and before PHP-FPM or Apache fork, so the settings
 *    belong into php.ini, not into a pool's php_admin_value. The command line takes part only with
 *    nearcache.enable_cli=1. If it cannot be mapped PHP starts all the same: a warning in the log says why, phpinfo()
 *    does, too, and new Cache() is private.
 *  - The option name: every process of this user that gives the name. It stays when all of them have ended, until
 *    unlink() or a restart of the machine.
 *  - The option shared: this process and those forked from it.
 *  - Else this process alone: after a fork parent and child each go on with a cache of their own.
 *
 * Processes may be killed and may fork at any time. Those that may write a cache trust one another. An object belongs
 * to its thread; objects of one cache in several threads share it safely.
 */
class Cache
{
    /** Of getMulti: null for a missing key, all keys in the order asked. */
    const GET_PRESERVE_ORDER = 1;
    /** Of get, getMulti, getAndTouch: a hit is ['value' => ..., 'cas' => ..., 'flags' => ...]. */
    const GET_EXTENDED = 2;

    /** The verb did what it says. */
    const RES_SUCCESS = 0;
    /** The cache failed; getLastErrorMessage() says why. */
    const RES_FAILURE = 1;
    /** A verb that writes, on a cache attached with read_only. */
    const RES_WRITE_FAILURE = 5;
    /** increment or decrement of a value that is not a decimal number of 64 bits. */
    const RES_CLIENT_ERROR = 9;
    /** cas: the item was changed since the token was read. */
    const RES_DATA_EXISTS = 12;
    /** add of a present key; replace, append, prepend of a missing one; or an item that would outgrow its limit. */
    const RES_NOTSTORED = 14;
    /** There is no such item. */
    const RES_NOTFOUND = 16;
    /** A key of 0 or of more than 250 bytes. */
    const RES_BAD_KEY_PROVIDED = 33;
    /** The item is larger than item_size_max. */
    const RES_E2BIG = 37;
    /** An argument out of range: a negative offset, a delayed delete. */
    const RES_INVALID_ARGUMENTS = 38;
    /** No memory could be freed (evict is off). */
    const RES_SERVER_MEMORY_ALLOCATION_FAILURE = 48;
    /** A value that cannot be serialized, or bytes that are not what their flags say. */
    const RES_PAYLOAD_FAILURE = -1001;

    /**
     * Opens a cache: without any argument that of php.ini, if there is one.
     *
     * @param int|string $memory the memory limit in bytes, exact over items, index and metadata; at least 1M. A string may
     *     end in K, M or G.
     * @param array{persistent_id?: ?string, item_size_max?: int|string, item_size_hint?: int|string, evict?: bool,
     *     manual_clock?: bool, name?: ?string, shared?: bool, create?: bool, read_only?: bool, permissions?: int} $options
     *     persistent_id: keep the cache for the life of the process under this name, shared by all objects that give it
     *     (null, the default: the cache dies with the object);
     *     item_size_max: the largest item (key, value and about 60 bytes), 1K to 1G, default 1M;
     *     item_size_hint: the expected average of key and value in bytes, default 100;
     *     evict: false refuses stores when full (RES_SERVER_MEMORY_ALLOCATION_FAILURE) instead of evicting, default true;
     *     manual_clock: a clock that only advanceClock() moves, for tests, default false;
     *     name: the cache of this name, 1 to 100 letters, digits, '.', '_' or '-' with no '.' in front, or of this absolute
     *     path (open_basedir holds). If it is there its size and options hold, else it is made. It stays attached for
     *     the life of the process, or until the name leads to another cache;
     *     create: false throws if there is no cache of that name, default true;
     *     read_only: attach the one that is there for reading alone: what writes gives false and RES_WRITE_FAILURE, hits
     *     are not counted, default false;
     *     permissions: of the file that is made, default 0600;
     *     shared: without a name, share the cache with processes forked later, default false.
     * @throws Exception for options that cannot be met
     */
    public function __construct(int|string $memory = '64M', array $options = []) {}

    /**
     * The value, or false: tell a stored false from a miss by getResultCode().
     *
     * @param callable|null $cache_cb called for a missing key, function (Cache $cache, string $key, mixed &$value,
     *     int &$expiration): bool; if it returns true its value is stored and given back
     * @param int $get_flags 0 or GET_EXTENDED
     */
    public function get(string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed {}

    /**
     * The values of those keys that are present, by key; false if every key is bad.
     *
     * @param array<string|int> $keys
     * @param int $get_flags 0, or GET_EXTENDED and GET_PRESERVE_ORDER together or alone
     * @throws \TypeError for a key that is neither string nor int
     */
    public function getMulti(array $keys, int $get_flags = 0): array|false {}

    /** The value, or false; a hit gets the new expiration. */
    public function getAndTouch(string $key, int $expiration = 0, int $get_flags = 0): mixed {}

    /** Is the key present? Reads nothing and counts no hit. */
    public function has(string $key): bool {}

    /**
     * The value; if it is missing, what the producer returns, which is stored for ttl (an expiration as everywhere).
     *
     * Of all processes, threads and fibers that miss the key at once, one calls its producer, and the others wait for it:
     * for one that was killed no longer than lease seconds. A value that takes longer than that to make is made again by
     * another, so choose lease with room to spare. If the key is set or deleted meanwhile the value is returned and not
     * stored, and so is one that is too large; getResultCode() tells (RES_DATA_EXISTS, RES_NOTFOUND, RES_E2BIG). What the
     * producer throws passes, as does exit(), and another who waits calls his. A producer that asks for its own key calls
     * the inner producer at once, and does not wait for itself.
     *
     * With stale the value is kept for so many seconds more, in which the first who asks makes it anew while the others
     * have the old one at once.
     *
     * @param callable(): mixed $producer called without arguments
     * @param int $stale seconds, 0 or more
     * @param int $lease seconds, 1 to 86400
     */
    public function remember(string $key, int $ttl, callable $producer, int $stale = 0, int $lease = 30): mixed {}

    /**
     * The bytes as stored, their flags and the cas token; null for a miss. With an expiration it touches, too.
     *
     * @return array{0: string, 1: int, 2: int|string}|null
     */
    public function getRaw(string $key, ?int $expiration = null): ?array {}

    /**
     * Every key that begins with the prefix, in no order. Keys that come or go meanwhile may or may not be met.
     *
     * @return \Traversable<int, string>
     */
    public function keys(string $prefix = ''): \Traversable {}

    /** Stores. When the item is too large or finds no memory, the old value is gone. */
    public function set(string $key, mixed $value, int $expiration = 0): bool {}

    /**
     * Stores each; false if not all could be stored, with the result code of the last failure.
     *
     * @param array<string|int, mixed> $items
     */
    public function setMulti(array $items, int $expiration = 0): bool {}

    /** Stores only if the key is missing. */
    public function add(string $key, mixed $value, int $expiration = 0): bool {}

    /** Stores only if the key is present. */
    public function replace(string $key, mixed $value, int $expiration = 0): bool {}

    /** Adds bytes behind the stored ones; the type and the expiration stay. */
    public function append(string $key, string $value): bool {}

    /** Adds bytes before the stored ones; the type and the expiration stay. */
    public function prepend(string $key, string $value): bool {}

    /**
     * Stores only if the item is unchanged since the token was read.
     *
     * @param string|int|float $cas_token the 'cas' of a get with GET_EXTENDED
     */
    public function cas(string $cas_token, string $key, mixed $value, int $expiration = 0): bool {}

    /**
     * Stores bytes as they are, under flags of one's own.
     *
     * @param string $verb set, add, replace, append, prepend or cas
     * @param int $flags 0 to 4294967295
     * @param int $cas the token, for the verb cas
     */
    public function storeRaw(string $verb, string $key, string $bytes, int $flags = 0, int $expiration = 0, int $cas = 0): bool {}

    /**
     * Adds, wrapping at 2^64. A missing key gives false (RES_NOTFOUND), unless an initial value is given: then it is
     * stored as this value, without the offset, with the expiry.
     *
     * @param int|string $offset 0 to 18446744073709551615; as a string of digits above PHP_INT_MAX
     * @return int|string|false the new number; a string of digits above PHP_INT_MAX
     */
    public function increment(string $key, int|string $offset = 1, int|string $initial_value = 0, int $expiry = 0): int|string|false {}

    /** Subtracts, stopping at 0; else as increment(). */
    public function decrement(string $key, int|string $offset = 1, int|string $initial_value = 0, int $expiry = 0): int|string|false {}

    /** Gives the item a new expiration. */
    public function touch(string $key, int $expiration = 0): bool {}

    /**
     * Removes the item.
     *
     * @param int $time must be 0: memcached has no delayed delete
     */
    public function delete(string $key, int $time = 0): bool {}

    /**
     * Removes each; of each key true, or the result code that says why not.
     *
     * @param array<string|int> $keys
     * @return array<string|int, true|int>
     */
    public function deleteMulti(array $keys, int $time = 0): array {}

    /** Everything dies: now, or when that many seconds have passed (what is stored until then dies, too). */
    public function flush(int $delay = 0): bool {}

    /**
     * The counters under memcached's names.
     *
     * @return array<string, int|string>
     */
    public function stats(): array {}

    /** As \Memcached::getStats(): stats() of each server; the one is called 'nearcache'. */
    public function getStats(?string $type = null): array {}

    /** As \Memcached::getVersion(): the version of each server. */
    public function getVersion(): array {}

    /** The result code (RES_*) of the last verb. */
    public function getResultCode(): int {}

    /** What \Memcached says for the result code. */
    public function getResultMessage(): string {}

    /** What was wrong with the last verb: the numbers, the limit, and what to do. */
    public function getLastErrorMessage(): string {}

    /**
     * Moves the clock of a cache opened with manual_clock.
     *
     * @throws Exception if the cache runs on the system's clock
     */
    public function advanceClock(int $seconds): bool {}

    /**
     * Recounts the whole cache; for tests, while nobody writes.
     *
     * @throws Exception that names the first broken invariant
     */
    public function check(): bool {}

    /**
     * What the cache is, whatever is in it: what to open it by and its file (null if it has none), its memory limit in
     * bytes, the version of its layout, the Unix time it was made, the file's owner and permission bits, and how many
     * processes and threads can be attached at once.
     *
     * @return array{name: ?string, path: ?string, shared: bool, read_only: bool, evict: bool, size: int, layout: int,
     *     created: int, uid: int, permissions: int, processes_max: int, threads_max: int}
     */
    public function getInfo(): array {}

    /**
     * The processes that have used a shared cache and whose places were not given back yet. One that has attached it
     * twice is told twice, one that only reads is not. life is alive, suspect (it seems to be gone; what it held is given
     * back ten seconds after that was noticed) or dead.
     *
     * @return list<array{pid: int, name: string, since: int, threads: int, life: string}>
     */
    public function getProcesses(): array {}

    /**
     * Removes a cache's name (or, with a path, its file); false if there was none. Whoever is attached goes on with what
     * he has; the next to open the name makes a new cache.
     *
     * @throws Exception if what is there is no cache
     */
    public static function unlink(string $name): bool {}
}
