<?php

declare(strict_types=1);
/**
 * The soak's worker in PHP: `worker.php NAME SEED SLOT TABLE`. What it does and how it is judged: src/worker.rs,
 * src/table.rs. PHP maps no files: it reads and writes the table's words, each at once.
 */

use NearCache\Cache;

const SLOTS_AT = 64;
const OPERATIONS = 0, HITS = 1, MISSES = 2, REFUSALS = 3, WORST = 4;

final class Worker
{
    private Cache $tight;
    private Cache $exact;
    /** @var resource */
    private $table;
    private int $slots;
    private int $keys;
    private int $counters;
    private int $keysAt;
    private int $countersAt;

    public function __construct(string $name, private int $slot, string $table)
    {
        $this->table = fopen($table, 'r+b');
        stream_set_read_buffer($this->table, 0);
        stream_set_write_buffer($this->table, 0);
        [$this->slots, $this->keys, $this->counters] = [$this->word(1), $this->word(2), $this->word(3)];
        $this->keysAt = SLOTS_AT + 16 * $this->slots;
        $this->countersAt = $this->keysAt + 2 * $this->slots * $this->keys;
        $this->tight = new Cache('64M', ['name' => $name, 'create' => false]);
        $this->exact = new Cache('64M', ['name' => "$name.exact", 'create' => false]);
    }

    private function die(string $what): never
    {
        fwrite(STDERR, "FAULT in slot {$this->slot} (PHP): $what\n");
        exit(3);
    }

    /** A word of the table, read until it is the same twice: a read may meet half of a write. */
    private function word(int $at): int
    {
        $last = null;
        while (true) {
            fseek($this->table, 8 * $at);
            $word = unpack('P', fread($this->table, 8))[1];
            if ($word === $last) {
                return $word;
            }
            $last = $word;
        }
    }

    private function put(int $at, int $value): void
    {
        fseek($this->table, 8 * $at);
        fwrite($this->table, pack('P', $value));
    }

    private function note(int $which, int $by = 1): void
    {
        $at = SLOTS_AT + 16 * $this->slot + $which;
        $this->put($at, $this->word($at) + $by);
    }

    /** One call, measured. A failure that is neither a miss nor for want of memory ends the worker. */
    private function call(Cache $cache, callable $verb): mixed
    {
        $begun = getrusage();
        $answer = $verb($cache);
        $ended = getrusage();
        $time = 0;
        foreach (['ru_utime', 'ru_stime'] as $part) {
            $time += ($ended["$part.tv_sec"] - $begun["$part.tv_sec"]) * 1000000
                + $ended["$part.tv_usec"] - $begun["$part.tv_usec"];
        }
        $worst = SLOTS_AT + 16 * $this->slot + WORST;
        if ($time * 1000 > $this->word($worst)) {
            $this->put($worst, $time * 1000);
        }
        $this->note(OPERATIONS);
        $code = $cache->getResultCode();
        if ($code === Cache::RES_SERVER_MEMORY_ALLOCATION_FAILURE) {
            $this->note(REFUSALS);
        } elseif (!in_array($code, [Cache::RES_SUCCESS, Cache::RES_NOTFOUND, Cache::RES_DATA_EXISTS], true)) {
            $this->die("result code $code: " . $cache->getLastErrorMessage());
        }
        return $answer;
    }

    private function isRefused(Cache $cache): bool
    {
        return $cache->getResultCode() === Cache::RES_SERVER_MEMORY_ALLOCATION_FAILURE;
    }

    /** A key's value of some version, as src/value.rs has it. */
    private static function value(int $key, int $version): string
    {
        $head = sprintf('%08x%016x|', $key, $version);
        $low = $version & 0xffffffff;
        $length = $key % 32 === 0 ? 70000 + $low * 7919 % 100000 : 26 + ($low * 61 + $key * 17) % 1500;
        return substr(str_repeat($head, intdiv($length, strlen($head)) + 1), 0, $length);
    }

    public function run(): void
    {
        while ($this->word(0) === 0) {
            $draw = mt_rand(0, 15);
            match (true) {
                $draw < 4 => $this->store(),
                $draw === 4 => $this->delete(),
                $draw === 5 => $this->add(),
                $draw === 6 => $this->compareAndAdd(),
                $draw === 7 => $this->count(),
                default => $this->read(),
            };
        }
    }

    private function ownKey(): int
    {
        return $this->slot * $this->keys + mt_rand(0, $this->keys - 1);
    }

    private function store(): void
    {
        $key = $this->ownKey();
        $at = $this->keysAt + 2 * $key;
        $version = ($this->word($at) >> 1) + 1;
        $bytes = self::value($key, $version);
        $this->put($at, $version << 1);
        $this->call($this->tight, fn (Cache $cache) => $cache->storeRaw('set', "soak $key", $bytes));
        $gone = $this->isRefused($this->tight) ? 1 : 0;
        // The old value is gone then.
        $this->put($at, $version << 1 | $gone);
        $this->put($at + 1, $version << 1 | $gone);
    }

    private function delete(): void
    {
        $key = $this->ownKey();
        $at = $this->keysAt + 2 * $key;
        $code = (($this->word($at) >> 1) + 1) << 1 | 1;
        $this->put($at, $code);
        $this->call($this->tight, fn (Cache $cache) => $cache->delete("soak $key"));
        $this->put($at + 1, $code);
    }

    private function read(): void
    {
        $key = mt_rand(0, $this->slots * $this->keys - 1);
        $at = $this->keysAt + 2 * $key;
        $floor = $this->word($at + 1);
        $got = $this->call($this->tight, fn (Cache $cache) => $cache->getRaw("soak $key"));
        $begun = $this->word($at);
        $this->note($got === null ? MISSES : HITS);
        if ($got === null) {
            return;
        }
        [$data] = $got;
        $of = hexdec(substr($data, 0, 8));
        $version = hexdec(substr($data, 8, 16));
        if ($of !== $key || !is_int($version) || $data !== self::value($key, $version)) {
            $this->die("key $key has a value of key $of, or a torn one of version $version");
        }
        if ($version < $floor >> 1 || ($floor & 1 && $version === $floor >> 1)) {
            $this->die("key $key has version $version, stale after code $floor");
        }
        if ($version > $begun >> 1) {
            $this->die("key $key has version $version, and code $begun was the last that was begun");
        }
    }

    private function counter(int $number): int
    {
        return $this->countersAt + 2 * ($this->slot * $this->counters + $number);
    }

    private function sums(int $number, int $which): int
    {
        $sum = 0;
        for ($slot = 0; $slot < $this->slots; $slot++) {
            $sum += $this->word($this->countersAt + 2 * ($slot * $this->counters + $number) + $which);
        }
        return $sum;
    }

    private function add(): void
    {
        $number = mt_rand(0, intdiv($this->counters, 2) - 1);
        $delta = mt_rand(1, 9);
        $at = $this->counter($number);
        $this->put($at, $this->word($at) + $delta);
        $sum = $this->call($this->exact, fn (Cache $cache) => $cache->increment("counter $number", $delta));
        if (!$this->isRefused($this->exact)) {
            $sum !== false || $this->die("counter $number is gone");
            $this->put($at + 1, $this->word($at + 1) + $delta);
        }
    }

    private function compareAndAdd(): void
    {
        $half = intdiv($this->counters, 2);
        $number = $half + mt_rand(0, $half - 1);
        $got = $this->call($this->exact, fn (Cache $cache) => $cache->getRaw("counter $number"));
        $got !== null || $this->die("counter $number is gone");
        [$data, $flags, $unique] = $got;
        $next = (string) ((int) $data + 1);
        $at = $this->counter($number);
        $this->put($at, $this->word($at) + 1);
        $this->call($this->exact, fn (Cache $cache) => $cache->storeRaw('cas', "counter $number", $next, $flags, 0, (int) $unique));
        match ($this->exact->getResultCode()) {
            Cache::RES_SUCCESS => $this->put($at + 1, $this->word($at + 1) + 1),
            Cache::RES_DATA_EXISTS => $this->put($at, $this->word($at) - 1),
            Cache::RES_NOTFOUND => $this->die("counter $number is gone"),
            default => null,
        };
    }

    private function count(): void
    {
        $number = mt_rand(0, $this->counters - 1);
        $least = $this->sums($number, 1);
        $got = $this->call($this->exact, fn (Cache $cache) => $cache->getRaw("counter $number"));
        $most = $this->sums($number, 0);
        $sum = $got === null ? -1 : (int) $got[0];
        if ($sum < $least || $sum > $most) {
            $this->die("counter $number is $sum, and should be $least to $most");
        }
    }
}

mt_srand((int) $argv[2]);
(new Worker($argv[1], (int) $argv[3], $argv[4]))->run();
