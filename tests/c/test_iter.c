/* Walks over items and keys, and the counters. */
#include "check.h"

enum { ITEMS = 500 };

static void fill(nearcache_cache *cache)
{
    char key[32], value[32];
    int i;
    for (i = 0; i < ITEMS; i++) {
        snprintf(key, sizeof key, "%s:%d", i % 2 ? "odd" : "even", i);
        snprintf(value, sizeof value, "value %d", i);
        IS(nearcache_set(cache, key, strlen(key), value, strlen(value), (uint32_t)i, i % 5 ? 0 : 60, NULL),
           NEARCACHE_OK);
    }
}

/* Walks the items of a prefix; each must be whole and be met once. Returns how many there were. */
static int walk(nearcache_cache *cache, const char *prefix)
{
    char met[ITEMS] = { 0 }, value[32];
    nearcache_iter *iter = NULL;
    nearcache_bytes key, bytes;
    nearcache_item item;
    int count = 0;
    IS(nearcache_iter_open(cache, prefix, strlen(prefix), 0, &iter), NEARCACHE_OK);
    while (nearcache_iter_next(iter, &key, &bytes, &item) == NEARCACHE_OK) {
        CHECK(key.len > strlen(prefix) && memcmp(key.data, prefix, strlen(prefix)) == 0);
        CHECK(item.flags < ITEMS && !met[item.flags]);
        met[item.flags] = 1;
        snprintf(value, sizeof value, "value %u", (unsigned)item.flags);
        CHECK(bytes.len == strlen(value) && memcmp(bytes.data, value, bytes.len) == 0);
        CHECK(item.len == bytes.len && item.cas != 0);
        CHECK(item.ttl == (item.flags % 5 ? NEARCACHE_TTL_NEVER : 60));
        count++;
    }
    IS(nearcache_iter_next(iter, &key, &bytes, &item), NEARCACHE_END);
    IS(nearcache_iter_next(iter, &key, &bytes, &item), NEARCACHE_END);
    nearcache_iter_close(iter);
    return count;
}

static void items(nearcache_cache *cache)
{
    CHECK(walk(cache, "") == 0);
    fill(cache);
    CHECK(walk(cache, "") == ITEMS);
    CHECK(walk(cache, "odd:") == ITEMS / 2);
    CHECK(walk(cache, "none") == 0);
}

static void keys_alone(nearcache_cache *cache)
{
    nearcache_iter *iter = NULL;
    nearcache_bytes key, value;
    nearcache_item item;
    int count = 0;
    IS(nearcache_iter_open(cache, S("even:"), NEARCACHE_KEYS_ONLY, &iter), NEARCACHE_OK);
    REFUSED(nearcache_iter_next(iter, &key, &value, NULL), "NEARCACHE_KEYS_ONLY");
    REFUSED(nearcache_iter_next(iter, &key, NULL, &item), "NEARCACHE_KEYS_ONLY");
    REFUSED(nearcache_iter_next(iter, NULL, NULL, NULL), "`key_out` is NULL");
    while (nearcache_iter_next(iter, &key, NULL, NULL) == NEARCACHE_OK) {
        CHECK(key.len > 5 && memcmp(key.data, "even:", 5) == 0);
        /* Removing what was just met is the usual use: the walk bears it. */
        IS(nearcache_delete(cache, key.data, key.len), NEARCACHE_OK);
        count++;
    }
    CHECK(count == ITEMS / 2);
    nearcache_iter_close(iter);
    CHECK(walk(cache, "") == ITEMS / 2);
}

static void edges(nearcache_cache *cache)
{
    nearcache_iter *iter = NULL;
    nearcache_bytes key;
    nearcache_cache *closed;
    REFUSED(nearcache_iter_open(cache, NULL, 1, 0, &iter), "`prefix` is NULL");
    REFUSED(nearcache_iter_open(cache, NULL, 0, 2, &iter), "`flags`");
    REFUSED(nearcache_iter_open(cache, NULL, 0, 0, NULL), "`iter_out` is NULL");
    REFUSED(nearcache_iter_next(NULL, &key, NULL, NULL), "`iter` is NULL");
    nearcache_iter_close(NULL);
    CHECK(iter == NULL);

    closed = open_cache(1 << 20, 0); /* an iterator may outlive the handle */
    IS(nearcache_set(closed, S("k"), S("v"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_iter_open(closed, NULL, 0, 0, &iter), NEARCACHE_OK);
    nearcache_close(closed);
    IS(nearcache_iter_next(iter, &key, NULL, NULL), NEARCACHE_OK);
    CHECK(key.len == 1 && memcmp(key.data, "k", 1) == 0);
    nearcache_iter_close(iter);
}

struct sums {
    int calls, known;
    uint64_t items, gets;
};

static void on_stat(void *user, const char *name, uint64_t value)
{
    struct sums *sums = user;
    sums->calls++;
    if (strcmp(name, "curr_items") == 0)
        sums->items = value;
    if (strcmp(name, "cmd_get") == 0)
        sums->gets = value;
    sums->known += strcmp(name, "evictions") == 0 || strcmp(name, "bytes") == 0;
}

static void stats(nearcache_cache *cache)
{
    struct sums sums = { 0, 0, 0, 0 };
    uint64_t value = 5;
    IS(nearcache_reset_stats(cache), NEARCACHE_OK);
    CHECK(holds(cache, "odd:1", "value 1"));
    CHECK(!holds(cache, "odd:0", ""));
    IS(nearcache_stats(cache, on_stat, &sums), NEARCACHE_OK);
    CHECK(sums.calls > 25 && sums.known == 2 && sums.items == ITEMS / 2 && sums.gets == 2);
    CHECK(stat_of(cache, "get_hits") == 1 && stat_of(cache, "get_misses") == 1);
    IS(nearcache_stat(cache, "no_such_counter", &value), NEARCACHE_MISS);
    IS(nearcache_stat(cache, "", &value), NEARCACHE_MISS);
    CHECK(value == 5);
    REFUSED(nearcache_stat(cache, NULL, &value), "`name` is NULL");
    REFUSED(nearcache_stat(cache, "bytes", NULL), "`value_out` is NULL");
    REFUSED(nearcache_stats(cache, NULL, NULL), "`stat` is NULL");
    IS(nearcache_reset_stats(cache), NEARCACHE_OK);
    CHECK(stat_of(cache, "get_hits") == 0 && stat_of(cache, "curr_items") == ITEMS / 2);
}

int main(void)
{
    nearcache_cache *cache = open_cache(4 << 20, NEARCACHE_MANUAL_CLOCK);
    items(cache);
    keys_alone(cache);
    edges(cache);
    stats(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_iter");
}
