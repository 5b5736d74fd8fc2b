<?php

/**
 * The written API of the durable store and its queues, beside nearcache.stub.php: for people, for editors, for static
 * analysers. The extension never loads it; tests/stub.phpt holds the two equal.
 *
 * @generate-class-entries no: the classes are registered by the extension itself
 */

namespace NearCache;

/** The directory is open in another process; the message says in which. */
class InUseException extends Exception
{
}

/** What is there is damaged, has lost writes, is no store, or is a newer version's; or a value cannot be read. */
class DamagedException extends Exception
{
}

/** The disk is full. What was being written is not stored; reads go on, and writes work again when there is room. */
class DiskFullException extends Exception
{
}

/** The write would make the store larger than its quota. */
class QuotaException extends Exception
{
}

/** The queue has as many messages, or bytes, as it may. */
class QueueFullException extends Exception
{
}

/** There is no queue of this name. */
class NoQueueException extends Exception
{
}

/** The condition of one of a batch's changes did not hold, so none was made. The code is that change's number, from 0. */
class BatchRefusedException extends Exception
{
}

/** The daemon cannot be reached, or went away before it answered; the message says whether the write may have been done. */
class ConnectionException extends Exception
{
}

/**
 * A durable store with memcached's verbs. A write that was answered is on disk.
 *
 * Keys are 1 to 250 bytes, any bytes; an int is taken as its decimal digits. Expirations are memcached's: 0 is never, up to
 * 2592000 (30 days) seconds from now, above that a Unix time, below 0 dead at once. Values are written as NearCache\Cache
 * writes them, by the serializer and the compression of php.ini or of the options.
 *
 * What fails throws NearCache\Exception or one of its subclasses, and has changed nothing. What the verbs ask about (a
 * missing key, a unique that is another) is no failure.
 */
final class Store
{
    /**
     * Opens a directory, or connects to the daemon that has one open (nearcached --store).
     *
     * One process at a time has a directory, from its first object to its last, and no other: an InUseException says who.
     * So scripts of the command line open a directory, and the workers of PHP-FPM a socket: unix:PATH, tcp:HOST:PORT, or
     * the path of a socket that is there; USER:PASSWORD@ before PATH or HOST where the daemon asks for it. A connection is
     * kept from request to request, and keys that are read often are read from the memory that the daemon shares.
     *
     * After a fork a directory is the parent's; a socket's child connects anew.
     *
     * Options of a directory (a daemon has its own, and refuses these):
     *  - policy: when a write is answered: 'always' when it is synced, alone or with others of its moment (the default);
     *    'never' when the system has it, which survives the process and not the loss of power; a number: it is synced every
     *    so many seconds, 0.001 to 3600.
     *  - near: bytes of the cache in front, default 64M; 0 for none. near_name: a name or absolute path under which others
     *    may attach it, for reading alone.
     *  - item_size_max: the largest item, 1K to 1G, default 1M. quota: most bytes of everything, default none.
     *  - create (true): make the store if there is none. accept_loss (false): open it though it has lost synced writes.
     *  - block_cache (64M), workers (2): of the engine.
     *  - manual_clock: a Unix time at which the clock stands, for tests; see advanceClock().
     *
     * Options of every place: serializer (a name as in php.ini, or Cache::SERIALIZER_*), compression (bool, 'zlib',
     * 'fastlz', 'zstd').
     *
     * @throws Exception
     */
    public function __construct(string $place, array $options = []) {}

    /**
     * The value, or the default; $cas gets its unique, if there is one.
     *
     * @throws DamagedException if its bytes cannot be read
     */
    public function get(string $key, mixed $default = null, ?int &$cas = null): mixed {}

    /**
     * The values that are there, by their keys.
     *
     * @param array<string|int> $keys
     */
    public function getMulti(array $keys): array {}

    public function has(string $key): bool {}

    /** get(), and a new expiration. */
    public function getAndTouch(string $key, int $expiration, mixed $default = null, ?int &$cas = null): mixed {}

    /** @return ?array{0: string, 1: int, 2: int} the bytes as they are stored, their flags, the unique */
    public function getRaw(string $key): ?array {}

    /** @return int the item's new unique */
    public function set(string $key, mixed $value, int $expiration = 0): int {}

    /** @return int|false the new unique; false if the key is there already */
    public function add(string $key, mixed $value, int $expiration = 0): int|false {}

    /** @return int|false the new unique; false if there is no such key */
    public function replace(string $key, mixed $value, int $expiration = 0): int|false {}

    /**
     * Stores if the item's unique still is $cas.
     *
     * @return int|false the new unique; false if the item was changed, or is gone
     */
    public function cas(int $cas, string $key, mixed $value, int $expiration = 0): int|false {}

    /**
     * Puts bytes behind those of a string or a number; its expiration stays.
     *
     * @return int|false the new unique; false if there is no such key
     * @throws Exception if the value is serialized, compressed or portable
     */
    public function append(string $key, string $value): int|false {}

    /** As append(), before them. */
    public function prepend(string $key, string $value): int|false {}

    /**
     * Stores bytes and flags as they are.
     *
     * @param string $verb set, add, replace, append, prepend or cas
     */
    public function storeRaw(string $verb, string $key, string $bytes, int $flags = 0, int $expiration = 0, int $cas = 0): int|false {}

    /**
     * Stores all items in one atomic step.
     *
     * @param array<string|int, mixed> $items
     */
    public function setMulti(array $items, int $expiration = 0): void {}

    /**
     * Adds to a number, which may have 64 bits without sign; above PHP_INT_MAX it is given as a negative one.
     *
     * @param ?int $initial_value what a missing key becomes; with null it stays missing
     * @return int|false the new number; false if there is no such key
     * @throws Exception if the value is no decimal number
     */
    public function increment(string $key, int $offset = 1, ?int $initial_value = null, int $expiration = 0): int|false {}

    /** As increment(), downwards: below 0 it stays 0. */
    public function decrement(string $key, int $offset = 1, ?int $initial_value = null, int $expiration = 0): int|false {}

    /** Gives the item another expiration; false if there is no such key. */
    public function touch(string $key, int $expiration): bool {}

    /** Removes the item, with $cas only if that still is its unique; false if it did not. */
    public function delete(string $key, ?int $cas = null): bool {}

    /**
     * Removes items in one atomic step.
     *
     * @param array<string|int> $keys
     * @return int how many there were
     */
    public function deleteMulti(array $keys): int {}

    /** Removes all items, now or in so many seconds; not the queues. */
    public function flush(int $delay = 0): void {}

    /**
     * Items in the order of their keys (of their bytes), from $start to $end; without an end to the last. At most $limit, 1
     * to 10000. All are of one moment.
     *
     * @param bool $after_start leave $start itself out
     * @param bool $before_end leave $end itself out
     */
    public function range(string $start = '', string $end = '', int $limit = 100, bool $after_start = false, bool $before_end = false): array {}

    /** All items whose keys begin so, in order, read $page (1 to 10000) at a time; what changes behind it is not seen. */
    public function scan(string $prefix = '', int $page = 100): Scan {}

    /**
     * The store as it is now, for as long as the object is kept; of a directory alone.
     *
     * @throws Exception over a socket
     */
    public function snapshot(): Snapshot {}

    /**
     * A batch of changes. With a callable, function (Batch $batch): it fills the batch, which is committed when it returns,
     * and discarded if it throws.
     *
     * @return Batch|list<int> with a callable, what Batch::commit() returns
     */
    public function batch(?callable $changes = null): Batch|array {}

    /** A queue in this store: 1 to 240 bytes without blanks, controls and '/'. It need not be there yet. */
    public function queue(string $name): Queue {}

    /** @return list<string> the names of all queues, in order */
    public function queues(): array {}

    /** @return array<string, int> counters under memcached's names, and those of the disk and the engine */
    public function stats(): array {}

    /**
     * Copies everything, queues too, as it is now to a new directory, while others go on; over a socket to one of the
     * daemon's machine. The copy is a store.
     *
     * @param ?callable $progress function (int $done, int $of): of about so many entries; false ends the work, with an
     *     Exception
     */
    public function backup(string $directory, ?callable $progress = null): void {}

    /**
     * Reads everything and counts it again.
     *
     * @param ?callable $progress as for backup()
     * @throws DamagedException that says what is wrong first
     */
    public function verify(?callable $progress = null): void {}

    /**
     * Rewrites the files without what was removed.
     *
     * @param ?callable $progress as for backup()
     */
    public function compact(?callable $progress = null): void {}

    /** Moves the clock of a directory that was opened with manual_clock. */
    public function advanceClock(int $seconds): void {}

    /** What var_dump() shows. */
    public function __debugInfo(): array {}

    /**
     * Makes a store of a backup in a new directory. (A backup can also be opened where it is.)
     *
     * @param ?callable $progress as for backup()
     */
    public static function restore(string $backup, string $directory, ?callable $progress = null): void {}
}

/** A store as it was at one moment; expirations of later do not show. It is the process's that took it. */
final class Snapshot
{
    private function __construct() {}

    public function get(string $key, mixed $default = null): mixed {}

    /** As Store::range(). */
    public function range(string $start = '', string $end = '', int $limit = 100, bool $after_start = false, bool $before_end = false): array {}

    /** As Store::scan(). */
    public function scan(string $prefix = '', int $page = 100): Scan {}

    /** The number of the last write that it shows. */
    public function sequence(): int {}
}

/** Items, page by page. Keys are strings; a value that cannot be read throws, and next() passes it over. */
final class Scan implements \Iterator
{
    private function __construct() {}

    public function rewind(): void {}

    public function valid(): bool {}

    public function key(): ?string {}

    public function current(): mixed {}

    public function next(): void {}
}

/**
 * Changes to items and queues that happen together or not at all, in their order. What is neither committed nor discarded
 * is not done.
 */
final class Batch implements \Countable
{
    private function __construct() {}

    public function set(string $key, mixed $value, int $expiration = 0): static {}

    /** Refuses the batch if the key is there. */
    public function add(string $key, mixed $value, int $expiration = 0): static {}

    /** Refuses the batch if there is no such key. */
    public function replace(string $key, mixed $value, int $expiration = 0): static {}

    /** Refuses the batch if the item's unique is another. */
    public function cas(int $cas, string $key, mixed $value, int $expiration = 0): static {}

    public function delete(string $key): static {}

    /** Refuses the batch if there is no such key. */
    public function increment(string $key, int $offset = 1): static {}

    /** Refuses the batch if there is no such key. */
    public function decrement(string $key, int $offset = 1): static {}

    /** As Queue::put(); a message whose id is known is not put in again, and its number is that of the first. */
    public function push(Queue|string $queue, mixed $value, int $delay = 0, ?int $expire = null, string $id = ''): static {}

    /** Refuses the batch if the message is not this receipt's any more: so what is done because of it is done once. */
    public function ack(Message|string $message, Queue|string|null $queue = null): static {}

    /**
     * Makes all changes, or none.
     *
     * @return list<int> of each change: the new unique; 1 or 0 for a delete; the new number; the message's number; 1 for an ack
     * @throws BatchRefusedException which says which change met what. The changes stay, as after any failure, to be tried
     *     again or discarded.
     */
    public function commit(): array {}

    public function discard(): void {}

    /** How many changes there are. */
    public function count(): int {}
}

/**
 * A durable queue: first in first out, at least once. A message that was got is its consumer's until it is acknowledged; if
 * it is refused, or its lease ends, it is delivered again, and after max_deliveries times it goes to the dead letters
 * ("NAME.dead" unless settings say otherwise), which are a queue, too. "NAME+READER" is a reader's own copy of a queue, made
 * when first asked.
 */
final class Queue implements \Countable
{
    /** Store::__construct() says what a place and its options are. */
    public function __construct(string $place, string $name, array $options = []) {}

    /**
     * Puts a message in; the queue is made if there is none.
     *
     * @param int $delay seconds before it is handed out, up to a year
     * @param ?int $expire seconds after which it has expired; 0: never; null: as the queue's settings say
     * @param string $id of up to 250 bytes: within the queue's dedup_window a second message with it is not put in
     * @return int|false its number; false if its id was known
     */
    public function put(mixed $value, int $delay = 0, ?int $expire = null, string $id = ''): int|false {}

    /**
     * Puts messages in, in one atomic step.
     *
     * @return list<int> their numbers
     */
    public function putMulti(array $values, int $delay = 0, ?int $expire = null): array {}

    /**
     * The next message, for which it waits so many seconds (INF: for ever); null if there is none.
     *
     * While it waits handlers of signals run (pcntl), and max_execution_time ends the script.
     *
     * @param ?int $lease seconds that it is this consumer's, 1 to 604800; null: as the queue's settings say
     */
    public function get(float $wait = 0.0, ?int $lease = null): ?Message {}

    /**
     * Up to $max (1 to 10000) messages; it waits for the first.
     *
     * @return list<Message>
     */
    public function getMulti(int $max, float $wait = 0.0, ?int $lease = null): array {}

    /** The next message, for good: who dies with it has lost it. */
    public function take(float $wait = 0.0): ?Message {}

    /** @return list<Message> */
    public function takeMulti(int $max, float $wait = 0.0): array {}

    /**
     * The first messages in line, which stay there and are nobody's.
     *
     * @return list<Message>
     */
    public function peek(int $max = 1): array {}

    /**
     * Hands messages to function (Message $message), one after another: acknowledges each when it returns, and refuses it
     * when it throws, exits or dies of PHP's limits. What it throws goes on to the caller, or, with $failed, to function
     * (\Throwable $thrown, Message $message), and the next message follows. A message whose value cannot be read is refused
     * as if the worker had thrown.
     *
     * @param float $idle ends when no message came for so many seconds; 0: when the queue is empty
     * @param int $max ends after so many messages
     * @return int how many the worker has returned from
     */
    public function consume(callable $worker, float $idle = INF, int $max = PHP_INT_MAX, ?int $lease = null, ?callable $failed = null): int {}

    /**
     * Ends the consume() under way after the message that the worker has, or the next one at once, and a wait within a
     * tenth of a second. For handlers of signals.
     */
    public function stop(): void {}

    /** The message is done with. false: it was acknowledged before, or its lease has ended. A string is its receipt. */
    public function ack(Message|string $message): bool {}

    /**
     * The same for many, in one step.
     *
     * @param list<Message|string> $messages
     * @return int how many were still this consumer's
     */
    public function ackMulti(array $messages): int {}

    /**
     * The consumer will not have it: it is delivered again, after so many seconds or as the settings say.
     *
     * @return bool false: it was not this receipt's any more
     */
    public function nak(Message|string $message, ?int $delay = null): bool {}

    /** Lets the lease end in so many seconds from now. The new receipt, which a Message then has; false: it has ended. */
    public function extend(Message|string $message, int $seconds): string|false {}

    /**
     * Changes settings; the queue is made if there is none. Those that are not named stay.
     *
     *  - max_messages, max_bytes (0: no limit), max_message: the largest; 0: as item_size_max. discard_old (false): a full
     *    queue drops its oldest message, instead of refusing the new one.
     *  - lease (60 seconds), max_deliveries (10; 0: no limit), dead_letters (the queue for what was delivered so often; null:
     *    this one's name and ".dead"), retry_delay (0 seconds, of what comes back).
     *  - expire (0 seconds: never), expired_to (the queue for what has expired; null: none, it is dropped).
     *  - dedup_window (300 seconds that an id is known; 0: ids are not looked at).
     */
    public function configure(array $settings): void {}

    /** @return array{max_messages: int, max_bytes: int, max_message: int, discard_old: bool, lease: int, max_deliveries: int, dead_letters: ?string, expire: int, expired_to: ?string, dedup_window: int, retry_delay: int} */
    public function settings(): array {}

    /** Hands nothing out until resume(); messages are put in as before. */
    public function pause(): void {}

    public function resume(): void {}

    /** Drops all messages, whoever has them; how many there were. */
    public function purge(): int {}

    /** Removes the queue and its messages; false if there was none. */
    public function delete(): bool {}

    /** Moves messages back to the queues that they come from (dead letters know), or to $to; how many. */
    public function requeue(?string $to = null, int $max = PHP_INT_MAX): int {}

    /** What is in it (messages, ready, reserved, delayed, bytes, age in seconds), and what has happened since it was made. */
    public function stats(): array {}

    /** All messages: ready, reserved and delayed ones. 0 if there is no such queue. */
    public function count(): int {}

    /** What var_dump() shows. */
    public function __debugInfo(): array {}
}

/** A message, as a consumer has it. */
final class Message
{
    /** What was put in; if it cannot be read its bytes, and error says why. */
    public readonly mixed $value;
    public readonly ?string $error;
    public readonly string $queue;
    /** The producer's id. */
    public readonly ?string $id;
    /** Its number in the store: messages of a queue are in this order. */
    public readonly int $seq;
    /** How often it was delivered, this time included. */
    public readonly int $deliveries;
    /** When it was put in, a Unix time. */
    public readonly int $at;
    /** When it expires, a Unix time; null: never. */
    public readonly ?int $expires;
    /** Of a dead letter, or of what has expired: the queue where it was. */
    public readonly ?string $origin;
    /** What it is acknowledged by, also in another process; null if it was taken, or only looked at. */
    public readonly ?string $receipt;
    /** The flags of its bytes, as memcached's. */
    public readonly int $flags;

    private function __construct() {}

    /** As Queue::ack(). */
    public function ack(): bool {}

    /** As Queue::nak(). */
    public function nak(?int $delay = null): bool {}

    /** As Queue::extend(), but true for the new receipt. */
    public function extend(int $seconds): bool {}
}
