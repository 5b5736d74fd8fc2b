//! memcached 1.6.45's wording, in one place. Clients compare these bytes.

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &[u8] = concat!($text, "\r\n").as_bytes();)*
    };
}

lines! {
    /// Stored.
    STORED = "STORED";
    /// The verb's condition did not hold.
    NOT_STORED = "NOT_STORED";
    /// cas: another unique.
    EXISTS = "EXISTS";
    /// No such item.
    NOT_FOUND = "NOT_FOUND";
    /// Deleted.
    DELETED = "DELETED";
    /// Touched.
    TOUCHED = "TOUCHED";
    /// Done.
    OK = "OK";
    /// End of a list.
    END = "END";
    /// `stats reset`.
    RESET = "RESET";
    /// `mn`.
    META_NOOP = "MN";
    /// A meta get's miss.
    META_MISS = "EN";
    /// `version`. Clients read this to learn what the server can do, so it names the memcached it stands in for.
    VERSION = "VERSION 1.6.45";
    /// Not a command.
    ERROR = "ERROR";
    /// A command that makes no sense.
    BAD_FORMAT = "CLIENT_ERROR bad command line format";
    /// The data does not end where it should.
    BAD_CHUNK = "CLIENT_ERROR bad data chunk";
    /// touch, gat, flush_all.
    BAD_EXPTIME = "CLIENT_ERROR invalid exptime argument";
    /// incr, decr.
    BAD_DELTA = "CLIENT_ERROR invalid numeric delta argument";
    /// incr, decr.
    NON_NUMERIC = "CLIENT_ERROR cannot increment or decrement non-numeric value";
    /// Over `-I`.
    TOO_LARGE = "SERVER_ERROR object too large for cache";
    /// A store found no memory.
    NO_MEMORY_STORING = "SERVER_ERROR out of memory storing object";
    /// incr or decr found no memory.
    NO_MEMORY = "SERVER_ERROR out of memory";
    /// `ma` found no memory for an item that it makes.
    NO_MEMORY_MAKING = "SERVER_ERROR Out of memory allocating new item";
    /// `-F`.
    FLUSH_DISABLED = "CLIENT_ERROR flush_all not allowed";
    /// No `-A`. The colon is memcached's.
    SHUTDOWN_DISABLED = "SERVER_ERROR: shutdown not enabled";
    /// shutdown with an unknown word.
    BAD_SHUTDOWN = "CLIENT_ERROR invalid shutdown mode";
    /// cache_memlimit under 8.
    MEMLIMIT_TOO_SMALL = "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m";
    /// cache_memlimit with what must be bytes.
    MEMLIMIT_IN_BYTES = "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes";
    /// cache_memlimit with a size that the arena cannot have.
    MEMLIMIT_FIXED = "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust";
    /// Over `-c`.
    TOO_MANY_CONNECTIONS = "ERROR Too many open connections";
    /// `stats detail` without its word.
    DETAIL_USAGE = "CLIENT_ERROR usage: stats detail on|off|dump";
    /// `stats detail` under `-X`.
    DETAIL_DISABLED = "CLIENT_ERROR stats detail not allowed";
    /// `stats cachedump` without its numbers.
    BAD_CACHEDUMP = "CLIENT_ERROR bad command line";
    /// `stats cachedump` under `-X`.
    CACHEDUMP_DISABLED = "CLIENT_ERROR stats cachedump not allowed";
    /// `stats cachedump` of a class over 63.
    BAD_SLAB_ID = "CLIENT_ERROR Illegal slab id";
    /// `lru_crawler metadump` under `-X`.
    METADUMP_DISABLED = "ERROR metadump not allowed";
    /// `lru_crawler mgdump` under `-X`.
    KEY_DUMP_DISABLED = "ERROR key dump not allowed";
    /// `lru_crawler` when it is off.
    CRAWLER_DISABLED = "CLIENT_ERROR lru crawler disabled";
    /// `lru_crawler enable` when it is on.
    CRAWLER_RUNS = "ERROR failed to start lru crawler thread";
    /// `lru_crawler` with a class that is none.
    BAD_CRAWL_CLASS = "BADCLASS invalid class id";
    /// `lru_crawler crawl` of what is not in a class.
    CRAWL_FAILED = "ERROR an unknown error happened";
    /// `lru_crawler sleep`.
    CRAWLER_SLEEP = "CLIENT_ERROR sleep must be one second or less";
    /// `slabs reassign` under `-o no_slab_reassign`.
    REASSIGN_DISABLED = "CLIENT_ERROR slab reassignment disabled";
    /// `slabs reassign` with a class that is none.
    BAD_SLAB_CLASS = "BADCLASS invalid src or dst class id";
    /// `slabs reassign`: there are no pages.
    NO_SPARE_PAGE = "NOSPARE source class has no spare pages";
    /// `slabs reassign` from a class to itself.
    SAME_CLASS = "SAME src and dst class are identical";
    /// `lru tune`.
    LRU_PERCENTAGES = "ERROR hot and warm pcts must not exceed 80";
    /// `lru tune`.
    LRU_FACTORS = "ERROR hot/warm age factors must be greater than 0";
    /// A meta flag twice.
    DUPLICATE_FLAG = "CLIENT_ERROR duplicate flag";
    /// A meta flag unknown.
    INVALID_FLAG = "CLIENT_ERROR invalid flag";
    /// A meta flag's number.
    BAD_TOKEN = "CLIENT_ERROR bad token in command line format";
    /// A meta opaque over 31 bytes.
    OPAQUE_TOO_LONG = "CLIENT_ERROR opaque token too long";
    /// Over 20 words in a meta command.
    TOO_MANY_FLAGS = "CLIENT_ERROR options flags are too long";
    /// A meta flag of `ma` that is wrong in any way.
    BAD_FLAGS = "CLIENT_ERROR invalid or duplicate flag";
    /// D of a meta command.
    BAD_META_DELTA = "CLIENT_ERROR invalid numeric delta value";
    /// J of a meta command.
    BAD_INITIAL = "CLIENT_ERROR invalid numeric initial value";
    /// M of `ms`.
    BAD_SET_MODE = "CLIENT_ERROR invalid mode for ms M token";
    /// M of `ma`.
    BAD_ARITH_MODE = "CLIENT_ERROR invalid mode for ma M token";
    /// A meta key that is no base64.
    BAD_BASE64 = "CLIENT_ERROR error decoding key";
    /// Over `read_buf_mem_limit`.
    NO_MEMORY_READING = "SERVER_ERROR out of memory reading request";
    /// The reply to a datagram would be longer than is kept for one.
    TOO_LARGE_FOR_UDP = "SERVER_ERROR the reply is too large for UDP; ask over TCP";
    /// A datagram asked for a reply that is made in pieces.
    NOT_OVER_UDP = "SERVER_ERROR not served over UDP; ask over TCP";
    /// The processes that share the region have taken every place for a thread.
    NO_PLACE = "SERVER_ERROR too many threads share the region";
    /// `-Y`: something else was said before who it is.
    UNAUTHENTICATED = "CLIENT_ERROR unauthenticated";
    /// `-Y`: no such user, or another password.
    AUTH_FAILURE = "CLIENT_ERROR authentication failure";
    /// `-Y`: not two words.
    BAD_AUTH_TOKEN = "CLIENT_ERROR bad authentication token format";
    /// `-Y`: the two words do not end where they should.
    BAD_TOKEN_END = "CLIENT_ERROR bad command line termination";
    /// `refresh_certs` without `-Z`.
    TLS_DISABLED = "Error TLS not enabled";
    /// The core found its arena damaged, or the system refused.
    INTERNAL = "SERVER_ERROR the cache could not do this; see the server's log";
}
