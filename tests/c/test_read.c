/* get, gets, gat, contains and get_many: buffers of all lengths, attributes, bad keys. */
#include "check.h"

static char long_key[NEARCACHE_KEY_MAX + 1];

static void buffers(nearcache_cache *cache)
{
    char buffer[8] = "~~~~~~~";
    size_t len = 99;
    uint32_t flags = 99;

    IS(nearcache_get(cache, S("absent"), buffer, sizeof buffer, &len, &flags), NEARCACHE_MISS);
    CHECK(len == 99 && flags == 99 && buffer[0] == '~'); /* a miss writes nothing */

    IS(nearcache_set(cache, S("k"), S("a\0b\xff"), 0xdeadbeef, 0, NULL), NEARCACHE_OK);
    IS(nearcache_get(cache, S("k"), buffer, sizeof buffer, &len, &flags), NEARCACHE_OK);
    CHECK(len == 4 && flags == 0xdeadbeef && memcmp(buffer, "a\0b\xff~~~", 7) == 0);

    len = flags = 0;
    IS(nearcache_get(cache, S("k"), buffer, 4, &len, NULL), NEARCACHE_OK); /* exactly fits */
    CHECK(len == 4);
    memset(buffer, '~', sizeof buffer);
    IS(nearcache_get(cache, S("k"), buffer, 3, &len, &flags), NEARCACHE_SHORT_BUFFER);
    CHECK(len == 4 && flags == 0xdeadbeef && buffer[3] == '~');
    len = 0;
    IS(nearcache_get(cache, S("k"), NULL, 0, &len, NULL), NEARCACHE_SHORT_BUFFER); /* asks for the length */
    CHECK(len == 4);

    IS(nearcache_set(cache, S("empty"), NULL, 0, 7, 0, NULL), NEARCACHE_OK);
    IS(nearcache_get(cache, S("empty"), NULL, 0, &len, &flags), NEARCACHE_OK);
    CHECK(len == 0 && flags == 7);
}

static void keys(nearcache_cache *cache)
{
    char buffer[8];
    size_t len;
    memset(long_key, 'k', sizeof long_key);
    IS(nearcache_set(cache, long_key, NEARCACHE_KEY_MAX, S("v"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_get(cache, long_key, NEARCACHE_KEY_MAX, buffer, 8, &len, NULL), NEARCACHE_OK);
    CHECK(len == 1 && *buffer == 'v');
    REFUSED(nearcache_get(cache, long_key, NEARCACHE_KEY_MAX + 1, buffer, 8, &len, NULL), "251");
    REFUSED(nearcache_get(cache, "", 0, buffer, 8, &len, NULL), "empty");
    REFUSED(nearcache_get(cache, NULL, 0, buffer, 8, &len, NULL), "empty");
    REFUSED(nearcache_get(cache, "k", (size_t)-1, buffer, 8, &len, NULL), "`key`");
    REFUSED(nearcache_get(cache, "k", 1, buffer, (size_t)-1, &len, NULL), "`buffer`");
    IS(nearcache_set(cache, "\0\r\n ", 4, S("odd"), 0, 0, NULL), NEARCACHE_OK); /* any bytes are a key */
    IS(nearcache_get(cache, "\0\r\n ", 4, buffer, 8, &len, NULL), NEARCACHE_OK);
    CHECK(len == 3);
}

static void attributes(nearcache_cache *cache)
{
    nearcache_item item;
    uint64_t unique = 0;
    char buffer[8];

    IS(nearcache_set(cache, S("g"), S("value"), 5, 0, &unique), NEARCACHE_OK);
    memset(&item, 0xee, sizeof item);
    IS(nearcache_gets(cache, S("g"), buffer, sizeof buffer, &item), NEARCACHE_OK);
    CHECK(item.cas == unique && item.ttl == NEARCACHE_TTL_NEVER && item.len == 5);
    CHECK(item.flags == 5 && item.state == 0 && memcmp(buffer, "value", 5) == 0);

    IS(nearcache_gat(cache, S("g"), 100, buffer, sizeof buffer, &item), NEARCACHE_OK);
    IS(nearcache_gets(cache, S("g"), NULL, 0, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.ttl == 100 && item.cas == unique && item.len == 5); /* a touch keeps the unique */
    IS(nearcache_gat(cache, S("g"), 200, buffer, 1, &item), NEARCACHE_SHORT_BUFFER);
    IS(nearcache_gets(cache, S("g"), buffer, sizeof buffer, &item), NEARCACHE_OK);
    CHECK(item.ttl == 100); /* left as it was: the call can be made again with a longer buffer */
    IS(nearcache_gat(cache, S("g"), 200, buffer, sizeof buffer, &item), NEARCACHE_OK);
    CHECK(item.ttl == 200);
    IS(nearcache_gat(cache, S("absent"), 1, buffer, sizeof buffer, &item), NEARCACHE_MISS);

    IS(nearcache_advance_clock(cache, 199), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("g")), NEARCACHE_OK);
    IS(nearcache_advance_clock(cache, 1), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("g")), NEARCACHE_MISS);
    IS(nearcache_gets(cache, S("g"), buffer, sizeof buffer, &item), NEARCACHE_MISS);
}

static void exptimes(nearcache_cache *cache)
{
    nearcache_item item;
    int64_t now = 0;
    IS(nearcache_unix_time(cache, &now), NEARCACHE_OK);
    IS(nearcache_set(cache, S("t"), S("v"), 0, 2592000, NULL), NEARCACHE_OK); /* 30 days from now */
    IS(nearcache_gets(cache, S("t"), NULL, 0, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.ttl == 2592000);
    IS(nearcache_set(cache, S("t"), S("v"), 0, 2592001, NULL), NEARCACHE_OK); /* a date in 1970 */
    IS(nearcache_contains(cache, S("t")), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("t"), S("v"), 0, now + 500, NULL), NEARCACHE_OK);
    IS(nearcache_gets(cache, S("t"), NULL, 0, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.ttl == 500);
    IS(nearcache_set(cache, S("t"), S("v"), 0, -1, NULL), NEARCACHE_OK); /* stored, and dead at once */
    IS(nearcache_contains(cache, S("t")), NEARCACHE_MISS);
    IS(nearcache_set(cache, S("t"), S("v"), 0, INT64_MIN, NULL), NEARCACHE_OK);
    IS(nearcache_contains(cache, S("t")), NEARCACHE_MISS);
}

struct seen {
    nearcache_cache *cache;
    size_t calls, index[8];
    char values[64];
};

static void on_hit(void *user, size_t index, const nearcache_item *item, const void *value)
{
    struct seen *seen = user;
    size_t len = 0;
    char again[16];
    seen->index[seen->calls++] = index;
    strncat(seen->values, value, item->len);
    strcat(seen->values, ";");
    /* The cache may be used from within. */
    IS(nearcache_get(seen->cache, S("m1"), again, sizeof again, &len, NULL), NEARCACHE_OK);
    IS(nearcache_set(seen->cache, S("within"), S("w"), 0, 0, NULL), NEARCACHE_OK);
}

static void many(nearcache_cache *cache)
{
    const nearcache_bytes keys[] = { { S("m3") }, { S("absent") }, { S("m1") }, { S("m3") } };
    const nearcache_bytes bad[] = { { S("m1") }, { NULL, 3 } };
    const nearcache_bytes empty[] = { { S("m1") }, { NULL, 0 } };
    nearcache_bytes too_long[2];
    struct seen seen = { cache, 0, { 0 }, "" };
    const uint64_t gets = stat_of(cache, "cmd_get");

    too_long[0] = keys[0];
    too_long[1].data = long_key;
    too_long[1].len = NEARCACHE_KEY_MAX + 1;
    IS(nearcache_set(cache, S("m1"), S("one"), 1, 0, NULL), NEARCACHE_OK);
    IS(nearcache_set(cache, S("m3"), S("three"), 3, 0, NULL), NEARCACHE_OK);
    IS(nearcache_get_many(cache, keys, 4, on_hit, &seen), NEARCACHE_OK);
    CHECK(seen.calls == 3 && strcmp(seen.values, "three;one;three;") == 0);
    CHECK(seen.index[0] == 0 && seen.index[1] == 2 && seen.index[2] == 3);
    CHECK(stat_of(cache, "cmd_get") == gets + 4 + 3);

    seen.calls = 0;
    IS(nearcache_get_many(cache, NULL, 0, on_hit, &seen), NEARCACHE_OK);
    IS(nearcache_get_many(cache, keys + 1, 1, on_hit, &seen), NEARCACHE_OK);
    REFUSED(nearcache_get_many(cache, NULL, 1, on_hit, &seen), "`keys` is NULL");
    REFUSED(nearcache_get_many(cache, bad, 2, on_hit, &seen), "`keys[].data` is NULL");
    REFUSED(nearcache_get_many(cache, empty, 2, on_hit, &seen), "empty");
    REFUSED(nearcache_get_many(cache, too_long, 2, on_hit, &seen), "251");
    REFUSED(nearcache_get_many(cache, keys, (size_t)-1, on_hit, &seen), "`count`");
    REFUSED(nearcache_get_many(cache, keys, 4, NULL, &seen), "`hit` is NULL");
    CHECK(seen.calls == 0);
}

int main(void)
{
    nearcache_cache *cache = open_cache(8 << 20, NEARCACHE_MANUAL_CLOCK);
    buffers(cache);
    keys(cache);
    attributes(cache);
    exptimes(cache);
    many(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    return finish("test_read");
}
