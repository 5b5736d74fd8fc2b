<?php
/**
 * Cache-aside in PHP: users in SQLite, a cache in front.
 *
 * The cache is anything with \Memcached's get, set and delete; NearCache\Cache has them under the same names, so
 * the same class serves from the process itself or from a memcached. A row is cached as the same bytes that demo/c packs:
 * explicit, compact, and a hit for whoever shares the cache, whatever language it is in.
 */

declare(strict_types=1);

final class Users
{
    /** How long a row may be served from the cache: the bound on staleness should a delete get lost. */
    private const ROW_SECONDS = 300;
    /** Two numbers of 4 bytes, one of 8, five of 1. */
    private const HEAD_SIZE = 4 + 4 + 8 + 5;
    private const COLUMNS = ['id', 'name', 'email', 'city', 'country', 'bio', 'created_at', 'visits'];

    public int $hits = 0;
    public int $misses = 0;
    private PDO $database;
    private PDOStatement $read;
    private PDOStatement $visit;

    /** @param \Memcached|\NearCache\Cache|null $cache null is the database alone */
    public function __construct(string $databasePath, private ?object $cache)
    {
        $this->database = new PDO("sqlite:$databasePath", null, null, [
            PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
            PDO::ATTR_STRINGIFY_FETCHES => false,
        ]);
        // A commit appends to the log without waiting for the disk: the usual setting of a web application.
        $this->database->exec('PRAGMA journal_mode = WAL');
        $this->database->exec('PRAGMA synchronous = NORMAL');
        $columns = implode(', ', self::COLUMNS);
        $this->read = $this->database->prepare("SELECT $columns FROM users WHERE id = ?");
        $this->visit = $this->database->prepare('UPDATE users SET visits = visits + 1 WHERE id = ?');
    }

    /** The cache first; on a miss the database, and the row is left in the cache for the next one. */
    public function getUser(int $id): ?array
    {
        if ($this->cache === null) {
            return $this->readRow($id);
        }
        $packed = $this->cache->get("user:$id");
        if ($packed !== false) {
            $this->hits++;
            return self::unpack($packed);
        }
        $this->misses++;
        $row = $this->readRow($id);
        if ($row !== null && !$this->cache->set("user:$id", self::pack($row), self::ROW_SECONDS)) {
            throw new RuntimeException("caching user $id: " . $this->cache->getResultMessage());
        }
        return $row;
    }

    /**
     * Counts a visit: the row first, then the cache forgets it. The other way round a reader could put the old row
     * back between the two.
     */
    public function updateUser(int $id): void
    {
        $this->visit->execute([$id]);
        $this->cache?->delete("user:$id");
    }

    /** Straight from the database. */
    public function readRow(int $id): ?array
    {
        $this->read->execute([$id]);
        $row = $this->read->fetch(PDO::FETCH_ASSOC);
        $this->read->closeCursor();
        return $row === false ? null : $row;
    }

    /** What the cache holds of this user now, if anything. */
    public function cached(int $id): ?array
    {
        $packed = $this->cache === null ? false : $this->cache->get("user:$id");
        return $packed === false ? null : self::unpack($packed);
    }

    /** id, visits, created_at, the five texts' lengths in bytes; the texts follow. */
    private static function pack(array $row): string
    {
        ['id' => $id, 'name' => $name, 'email' => $email, 'city' => $city, 'country' => $country, 'bio' => $bio] = $row;
        $lengths = array_map('strlen', [$name, $email, $city, $country, $bio]);
        if (max($lengths) > 255) {
            throw new LengthException("user $id has a text of more than 255 bytes");
        }
        return pack('VVPC5', $id, $row['visits'], $row['created_at'], ...$lengths) . $name . $email . $city . $country . $bio;
    }

    private static function unpack(string $packed): array
    {
        if (strlen($packed) < self::HEAD_SIZE) {
            throw new UnexpectedValueException(strlen($packed) . ' bytes are not a packed user');
        }
        ['id' => $id, 'visits' => $visits, 'at' => $at, 'l1' => $name, 'l2' => $email, 'l3' => $city, 'l4' => $country, 'l5' => $bio]
            = unpack('Vid/Vvisits/Pat/C5l', $packed);
        // From the first length to where the first text ends.
        $name += self::HEAD_SIZE;
        if (strlen($packed) !== $name + $email + $city + $country + $bio) {
            throw new UnexpectedValueException(strlen($packed) . ' bytes are not a packed user');
        }
        return [
            'id' => $id,
            'name' => substr($packed, self::HEAD_SIZE, $name - self::HEAD_SIZE),
            'email' => substr($packed, $name, $email),
            'city' => substr($packed, $name + $email, $city),
            'country' => substr($packed, $name + $email + $city, $country),
            'bio' => substr($packed, $name + $email + $city + $country),
            'created_at' => $at,
            'visits' => $visits,
        ];
    }
}
