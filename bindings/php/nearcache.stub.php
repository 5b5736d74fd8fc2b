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
    /** What a get returns when it fails. */
    const GET_ERROR_RETURN_VALUE = false;

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
    /** getServerByKey, and no server was added. */
    const RES_NO_SERVERS = 20;
    /** setEncodingKey. */
    const RES_NOT_SUPPORTED = 28;
    /** A key of 0 or of more than 250 bytes. */
    const RES_BAD_KEY_PROVIDED = 33;
    /** An argument out of range: a negative offset, a delayed delete, an option or a value of one that there is not. */
    const RES_INVALID_ARGUMENTS = 38;
    /** The item is larger than item_size_max, or its value than OPT_ITEM_SIZE_LIMIT. */
    const RES_E2BIG = 37;
    /** OPT_PREFIX_KEY of more than 127 bytes. */
    const RES_KEY_TOO_BIG = 39;
    /** No memory could be freed (evict is off). */
    const RES_SERVER_MEMORY_ALLOCATION_FAILURE = 48;
    /** A value that cannot be serialized, or bytes that are not what their flags say. */
    const RES_PAYLOAD_FAILURE = -1001;

    // Answers of servers, which no verb gives.
    const RES_HOST_LOOKUP_FAILURE = 2;
    const RES_CONNECTION_FAILURE = 3;
    const RES_CONNECTION_BIND_FAILURE = 4;
    const RES_READ_FAILURE = 6;
    const RES_UNKNOWN_READ_FAILURE = 7;
    const RES_PROTOCOL_ERROR = 8;
    const RES_SERVER_ERROR = 10;
    const RES_DATA_DOES_NOT_EXIST = 13;
    const RES_STORED = 15;
    const RES_PARTIAL_READ = 18;
    const RES_SOME_ERRORS = 19;
    const RES_END = 21;
    const RES_DELETED = 22;
    const RES_VALUE = 23;
    const RES_STAT = 24;
    const RES_ITEM = 25;
    const RES_ERRNO = 26;
    const RES_FAIL_UNIX_SOCKET = 27;
    const RES_NO_KEY_PROVIDED = 29;
    const RES_FETCH_NOTFINISHED = 30;
    const RES_TIMEOUT = 31;
    const RES_BUFFERED = 32;
    const RES_INVALID_HOST_PROTOCOL = 34;
    const RES_SERVER_MARKED_DEAD = 35;
    const RES_UNKNOWN_STAT_KEY = 36;
    const RES_PARSE_ERROR = 43;
    const RES_PARSE_USER_ERROR = 44;
    const RES_DEPRECATED = 45;
    const RES_IN_PROGRESS = 46;
    const RES_MAXIMUM_RETURN = 49;
    const RES_MEMORY_ALLOCATION_FAILURE = 17;
    const RES_CONNECTION_SOCKET_CREATE_FAILURE = 11;
    const RES_SERVER_TEMPORARILY_DISABLED = 47;
    const RES_AUTH_PROBLEM = 40;
    const RES_AUTH_FAILURE = 41;
    const RES_AUTH_CONTINUE = 42;

    /** bool: are long values compressed? */
    const OPT_COMPRESSION = -1001;
    /** one of COMPRESSION_*. */
    const OPT_COMPRESSION_TYPE = -1004;
    /** int: the level of COMPRESSION_ZLIB and COMPRESSION_ZSTD. */
    const OPT_COMPRESSION_LEVEL = -1007;
    /** one of SERIALIZER_*: what makes bytes of arrays and objects. */
    const OPT_SERIALIZER = -1003;
    /** string, at most 127 bytes: what is put before every key, those of keys() and checkKey() included. */
    const OPT_PREFIX_KEY = -1002;
    /** int, 0 to 65535: the high half of the flags of what is stored; negative for none. */
    const OPT_USER_FLAGS = -1006;
    /** int: the longest value in bytes; a longer one gives RES_E2BIG, and the old value stays. 0 is no limit. */
    const OPT_ITEM_SIZE_LIMIT = -1008;
    /** Kept and given back; a store is never to be tried again. */
    const OPT_STORE_RETRY_COUNT = -1005;

    // About servers and sockets: kept and given back.
    const OPT_HASH = 2;
    const OPT_DISTRIBUTION = 9;
    const OPT_LIBKETAMA_COMPATIBLE = 16;
    const OPT_LIBKETAMA_HASH = 17;
    const OPT_TCP_KEEPALIVE = 32;
    const OPT_BUFFER_WRITES = 10;
    const OPT_BINARY_PROTOCOL = 18;
    const OPT_NO_BLOCK = 0;
    const OPT_TCP_NODELAY = 1;
    const OPT_SOCKET_SEND_SIZE = 4;
    const OPT_SOCKET_RECV_SIZE = 5;
    const OPT_CONNECT_TIMEOUT = 14;
    const OPT_RETRY_TIMEOUT = 15;
    const OPT_DEAD_TIMEOUT = 36;
    const OPT_SEND_TIMEOUT = 19;
    const OPT_RECV_TIMEOUT = 20;
    const OPT_POLL_TIMEOUT = 8;
    const OPT_CACHE_LOOKUPS = 6;
    const OPT_SERVER_FAILURE_LIMIT = 21;
    const OPT_AUTO_EJECT_HOSTS = 28;
    const OPT_HASH_WITH_PREFIX_KEY = 25;
    const OPT_NOREPLY = 26;
    const OPT_SORT_HOSTS = 12;
    const OPT_VERIFY_KEY = 13;
    const OPT_USE_UDP = 27;
    const OPT_NUMBER_OF_REPLICAS = 29;
    const OPT_RANDOMIZE_REPLICA_READ = 30;
    const OPT_REMOVE_FAILED_SERVERS = 35;
    const OPT_SERVER_TIMEOUT_LIMIT = 37;

    // Values of those.
    const HASH_DEFAULT = 0;
    const HASH_MD5 = 1;
    const HASH_CRC = 2;
    const HASH_FNV1_64 = 3;
    const HASH_FNV1A_64 = 4;
    const HASH_FNV1_32 = 5;
    const HASH_FNV1A_32 = 6;
    const HASH_HSIEH = 7;
    const HASH_MURMUR = 8;
    const DISTRIBUTION_MODULA = 0;
    const DISTRIBUTION_CONSISTENT = 1;
    const DISTRIBUTION_VIRTUAL_BUCKET = 6;

    const SERIALIZER_PHP = 1;
    /** Needs the extension igbinary. */
    const SERIALIZER_IGBINARY = 2;
    /** Read back as objects. */
    const SERIALIZER_JSON = 3;
    /** Read back as arrays. */
    const SERIALIZER_JSON_ARRAY = 4;
    /** Needs the extension msgpack. */
    const SERIALIZER_MSGPACK = 5;
    /** MessagePack that NearCache reads in every language. Not in php-memcached. */
    const SERIALIZER_PORTABLE = 6;
    const COMPRESSION_ZLIB = 1;
    const COMPRESSION_FASTLZ = 2;
    const COMPRESSION_ZSTD = 3;

    /** Is the extension loaded? */
    const HAVE_IGBINARY = false;
    /** Is the extension loaded? */
    const HAVE_MSGPACK = false;
    /** Is the extension loaded? */
    const HAVE_SESSION = true;
    const HAVE_JSON = true;
    const HAVE_ZSTD = true;
    const HAVE_ENCODING = false;
    const HAVE_SASL = false;
    /** The version of libmemcached whose options these are. */
    const LIBMEMCACHED_VERSION_HEX = 16777240;

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

    /** As get(); the server's key has no effect. */
    public function getByKey(string $server_key, string $key, ?callable $cache_cb = null, int $get_flags = 0): mixed {}

    /**
     * The values of those keys that are present, by key; false if every key is bad.
     *
     * @param array<string|int> $keys
     * @param int $get_flags 0, or GET_EXTENDED and GET_PRESERVE_ORDER together or alone
     * @throws \TypeError for a key that is neither string nor int
     */
    public function getMulti(array $keys, int $get_flags = 0): array|false {}

    /** As getMulti(); the server's key has no effect. */
    public function getMultiByKey(string $server_key, array $keys, int $get_flags = 0): array|false {}

    /**
     * Reads those keys that are present; their items, ['key' => ..., 'value' => ...] and with_cas also 'cas' and 'flags',
     * are then had by fetch() and fetchAll(), or given to the callback at once. They are as they were at this call.
     *
     * @param array<string|int> $keys
     * @param callable(Cache, array): mixed|null $value_cb
     * @return bool false if every key is bad, or with a callback if there is no item (RES_NOTFOUND)
     */
    public function getDelayed(array $keys, bool $with_cas = false, ?callable $value_cb = null): bool {}

    /** As getDelayed(); the server's key has no effect. */
    public function getDelayedByKey(string $server_key, array $keys, bool $with_cas = false, ?callable $value_cb = null): bool {}

    /** The next item of getDelayed(), or false (RES_NOTFOUND) if there is none left. */
    public function fetch(): array|false {}

    /** The items of getDelayed() that are left, or false (RES_NOTFOUND). */
    public function fetchAll(): array|false {}

    /** The value, or false; a hit gets the new expiration. */
    public function getAndTouch(string $key, int $expiration = 0, int $get_flags = 0): mixed {}

    /** The value, or the default for a miss: no stored value is taken for one. */
    public function fetchOr(string $key, mixed $default = null): mixed {}

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

    /** Every key of the cache, in no order, OPT_PREFIX_KEY included: as \Memcached gives them. */
    public function getAllKeys(): array|false {}

    /** Stores. When the item is too large or finds no memory, the old value is gone. */
    public function set(string $key, mixed $value, int $expiration = 0): bool {}

    /** As set(); the server's key has no effect. */
    public function setByKey(string $server_key, string $key, mixed $value, int $expiration = 0): bool {}

    /**
     * Stores each; false if not all could be stored, with the result code of the last failure.
     *
     * @param array<string|int, mixed> $items
     */
    public function setMulti(array $items, int $expiration = 0): bool {}

    /** As setMulti(); the server's key has no effect. */
    public function setMultiByKey(string $server_key, array $items, int $expiration = 0): bool {}

    /** Stores only if the key is missing. */
    public function add(string $key, mixed $value, int $expiration = 0): bool {}

    /** As add(); the server's key has no effect. */
    public function addByKey(string $server_key, string $key, mixed $value, int $expiration = 0): bool {}

    /** Stores only if the key is present. */
    public function replace(string $key, mixed $value, int $expiration = 0): bool {}

    /** As replace(); the server's key has no effect. */
    public function replaceByKey(string $server_key, string $key, mixed $value, int $expiration = 0): bool {}

    /**
     * Adds bytes behind the stored ones; the type and the expiration stay. A value that is serialized, compressed or
     * portable stays as it is: a warning, false, RES_NOTSTORED.
     */
    public function append(string $key, string $value): ?bool {}

    /** As append(); the server's key has no effect. */
    public function appendByKey(string $server_key, string $key, string $value): ?bool {}

    /** Adds bytes before the stored ones; else as append(). */
    public function prepend(string $key, string $value): ?bool {}

    /** As prepend(); the server's key has no effect. */
    public function prependByKey(string $server_key, string $key, string $value): ?bool {}

    /**
     * Stores only if the item is unchanged since the token was read.
     *
     * @param string|int|float $cas_token the 'cas' of a get with GET_EXTENDED
     */
    public function cas(string $cas_token, string $key, mixed $value, int $expiration = 0): bool {}

    /** As cas(); the server's key has no effect. */
    public function casByKey(string $cas_token, string $server_key, string $key, mixed $value, int $expiration = 0): bool {}

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
     * stored as this value, without the offset, with the expiry. A number above PHP_INT_MAX is given as php-memcached gives
     * it, less 2^64; see incrementRaw().
     *
     * @param int $offset 0 or more
     */
    public function increment(string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false {}

    /** As increment(); the server's key has no effect. */
    public function incrementByKey(string $server_key, string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false {}

    /** Subtracts, stopping at 0; else as increment(). */
    public function decrement(string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false {}

    /** As decrement(); the server's key has no effect. */
    public function decrementByKey(string $server_key, string $key, int $offset = 1, int $initial_value = 0, int $expiry = 0): int|false {}

    /**
     * As increment(), with the whole range of a counter: what is above PHP_INT_MAX is given and returned as a string of
     * digits. Without an initial value, or with null, a missing key gives false.
     *
     * @param int|string $offset 0 to 18446744073709551615
     */
    public function incrementRaw(string $key, int|string $offset = 1, int|string|null $initial_value = null, int $expiry = 0): int|string|false {}

    /** Subtracts, stopping at 0; else as incrementRaw(). */
    public function decrementRaw(string $key, int|string $offset = 1, int|string|null $initial_value = null, int $expiry = 0): int|string|false {}

    /** Gives the item a new expiration. */
    public function touch(string $key, int $expiration = 0): bool {}

    /** As touch(); the server's key has no effect. */
    public function touchByKey(string $server_key, string $key, int $expiration = 0): bool {}

    /**
     * Removes the item.
     *
     * @param int $time must be 0: memcached has no delayed delete
     */
    public function delete(string $key, int $time = 0): bool {}

    /** As delete(); the server's key has no effect. */
    public function deleteByKey(string $server_key, string $key, int $time = 0): bool {}

    /**
     * Removes each; of each key true, or the result code that says why not.
     *
     * @param array<string|int> $keys
     * @return array<string|int, true|int>
     */
    public function deleteMulti(array $keys, int $time = 0): array {}

    /** As deleteMulti(); the server's key has no effect. */
    public function deleteMultiByKey(string $server_key, array $keys, int $time = 0): array {}

    /** Everything dies: now, or when that many seconds have passed (what is stored until then dies, too). */
    public function flush(int $delay = 0): bool {}

    /**
     * The counters under memcached's names.
     *
     * @return array<string, int|string>
     */
    public function stats(): array {}

    /**
     * As \Memcached::getStats(), the statistics of each server; the one is called 'nearcache'.
     *
     * @param string|null $type null or '': those of stats(); settings: the limits; reset: sets the counters to 0; items, slabs,
     *     sizes, conns: nothing, for there are no classes of sizes and no connections. Else false (RES_INVALID_ARGUMENTS)
     */
    public function getStats(?string $type = null): array|false {}

    /** As \Memcached::getVersion(): the version of each server. */
    public function getVersion(): array|false {}

    /** The result code (RES_*) of the last verb. */
    public function getResultCode(): int {}

    /** What \Memcached says for the result code. */
    public function getResultMessage(): string {}

    /** What was wrong with the last verb: the numbers, the limit, and what to do. */
    public function getLastErrorMessage(): string {}

    /** The result code if the last verb failed, else 0: a missing key, or a condition that does not hold, is no failure. */
    public function getLastErrorCode(): int {}

    /** The system's number for the reason of a failure, if it has one, else 0. */
    public function getLastErrorErrno(): int {}

    /** Would the cache take this key, with OPT_PREFIX_KEY before it? */
    public function checkKey(string $key): bool {}

    /**
     * Sets an option of this object. What cannot be set gives a warning, false and RES_INVALID_ARGUMENTS, and changes
     * nothing.
     *
     * @param int $option one of OPT_*
     */
    public function setOption(int $option, mixed $value): bool {}

    /**
     * Sets each; false if one could not be set.
     *
     * @param array<int, mixed> $options
     */
    public function setOptions(array $options): bool {}

    /** The option as it is; null and RES_INVALID_ARGUMENTS if there is none of that number. */
    public function getOption(int $option): mixed {}

    /** Kept for getServerList(); no server is asked anything. */
    public function addServer(string $host, int $port, int $weight = 0): bool {}

    /** @param list<array{0: string, 1: int, 2?: int}> $servers what is no server gives a warning and is left out */
    public function addServers(array $servers): bool {}

    /** @return list<array{host: string, port: int, type: string}> */
    public function getServerList(): array {}

    /** The first server that was added; false if none was. */
    public function getServerByKey(string $server_key): array|false {}

    public function resetServerList(): bool {}

    /** Nothing: there is no connection. */
    public function quit(): bool {}

    /** Nothing: no verb is held back. */
    public function flushBuffers(): bool {}

    /** false: no server ever was. */
    public function getLastDisconnectedServer(): array|false {}

    /** Checked, without effect. */
    public function setBucket(array $host_map, ?array $forward_map, int $replicas): bool {}

    /** Nothing: who may use a cache is a matter of its file's permissions. */
    public function setSaslAuthData(string $username, string $password): bool {}

    /** Refused with RES_NOT_SUPPORTED: values are not encrypted. */
    public function setEncodingKey(string $key): bool {}

    /** Was a persistent_id given? */
    public function isPersistent(): bool {}

    /** true: servers and options are the object's own, and it is new. */
    public function isPristine(): bool {}

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

    /** What var_dump() shows: where the cache is, its size, how many items it has, the object's prefix and last result. */
    public function __debugInfo(): array {}

    /**
     * Removes a cache's name (or, with a path, its file); false if there was none. Whoever is attached goes on with what
     * he has; the next to open the name makes a new cache.
     *
     * @throws Exception if what is there is no cache
     */
    public static function unlink(string $name): bool {}
}
