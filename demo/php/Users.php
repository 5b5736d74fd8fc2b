<?php
/**
 * Cache-aside in PHP: users in SQLite, a cache in front.
 *
 * The cache is anything with \Memcached's get, set and delete; NearCache\Cache has them under the same names, so
 * the same class serves from the process itself or from a memcached. A row is cached as a JSON array: explicit,
 * compact, and readable from any language.
 */

declare(strict_types=1);

final class Users
{
    /** How long a row may be served from the cache: the bound on staleness should a delete get lost. */
    private const ROW_SECONDS = 300;
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

    private static function pack(array $row): string
    {
        return json_encode(array_values($row), JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    }

    private static function unpack(string $packed): array
    {
        return array_combine(self::COLUMNS, json_decode($packed, false, 2, JSON_THROW_ON_ERROR));
    }
}
