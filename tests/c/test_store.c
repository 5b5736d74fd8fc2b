/* The storing verbs and the numeric ones: each answer, each failure, and the uniques they give. */
#include "check.h"

static void verbs(nearcache_cache *cache)
{
    uint64_t first = 0, second = 0, untouched = 77;

    IS(nearcache_replace(cache, S("k"), S("v"), 0, 0, &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_append(cache, S("k"), S("v"), &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_prepend(cache, S("k"), S("v"), &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_cas(cache, S("k"), S("v"), 0, 0, 1, &untouched), NEARCACHE_MISS);
    IS(nearcache_add(cache, S("k"), S("b"), 3, 60, &first), NEARCACHE_OK);
    IS(nearcache_add(cache, S("k"), S("x"), 0, 0, &untouched), NEARCACHE_NOT_STORED);
    CHECK(untouched == 77 && first != 0);

    IS(nearcache_append(cache, S("k"), S("c"), &second), NEARCACHE_OK);
    CHECK(second != first);
    IS(nearcache_prepend(cache, S("k"), S("a"), NULL), NEARCACHE_OK);
    IS(nearcache_append(cache, S("k"), NULL, 0, NULL), NEARCACHE_OK);
    CHECK(holds(cache, "k", "abc"));
    IS(nearcache_cas(cache, S("k"), S("x"), 0, 0, first, &untouched), NEARCACHE_EXISTS);
    IS(nearcache_replace(cache, S("k"), S("new"), 0, 0, &first), NEARCACHE_OK);
    IS(nearcache_cas(cache, S("k"), S("newer"), 9, 0, first, &second), NEARCACHE_OK);
    CHECK(second != first && holds(cache, "k", "newer"));
    IS(nearcache_cas(cache, S("k"), S("x"), 0, 0, 0, NULL), NEARCACHE_EXISTS);
    IS(nearcache_set(cache, S("k"), S("last"), 0, 0, NULL), NEARCACHE_OK);
    CHECK(holds(cache, "k", "last"));
}

static void keep_flags_and_expiry(nearcache_cache *cache)
{
    nearcache_item item;
    char buffer[16];
    IS(nearcache_set(cache, S("f"), S("5"), 42, 60, NULL), NEARCACHE_OK);
    IS(nearcache_append(cache, S("f"), S("0"), NULL), NEARCACHE_OK);
    IS(nearcache_incr(cache, S("f"), 1, NULL), NEARCACHE_OK);
    IS(nearcache_gets(cache, S("f"), buffer, sizeof buffer, &item), NEARCACHE_OK);
    CHECK(item.flags == 42 && item.ttl == 60 && item.len == 2 && memcmp(buffer, "51", 2) == 0);
}

static void too_big(nearcache_cache *cache)
{
    const size_t len = 2 << 20;
    char *big = calloc(1, len);
    CHECK(big != NULL);
    IS(nearcache_set(cache, S("big"), S("old"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_add(cache, S("other"), big, len, 0, 0, NULL), NEARCACHE_TOO_BIG);
    CHECK(strstr(nearcache_last_error(), "1048576") != NULL); /* the limit is told */
    IS(nearcache_replace(cache, S("big"), big, len, 0, 0, NULL), NEARCACHE_TOO_BIG);
    CHECK(holds(cache, "big", "old"));
    IS(nearcache_append(cache, S("big"), big, (1 << 20) - 62, NULL), NEARCACHE_NOT_STORED);
    CHECK(holds(cache, "big", "old"));
    IS(nearcache_set(cache, S("big"), big, len, 0, 0, NULL), NEARCACHE_TOO_BIG);
    IS(nearcache_contains(cache, S("big")), NEARCACHE_MISS); /* memcached's rule: the old value is gone */
    IS(nearcache_set(cache, S("big"), big, 1000000, 0, 0, NULL), NEARCACHE_OK); /* and a large one fits */
    memset(big, 1, len);
    {
        size_t got = 0, i;
        IS(nearcache_get(cache, S("big"), big, len, &got, NULL), NEARCACHE_OK);
        CHECK(got == 1000000);
        for (i = 0; i < got && big[i] == 0; i++) {
        }
        CHECK(i == got && big[got] == 1);
    }
    free(big);
}

static void no_memory(void)
{
    nearcache_cache *cache = open_cache(1 << 20, NEARCACHE_NO_EVICT);
    static char value[4000];
    char key[16];
    nearcache_status status = NEARCACHE_OK;
    int i;
    for (i = 0; i < 10000 && status == NEARCACHE_OK; i++) {
        snprintf(key, sizeof key, "k%d", i);
        status = nearcache_set(cache, key, strlen(key), value, sizeof value, 0, 0, NULL);
    }
    IS(status, NEARCACHE_NOMEM);
    CHECK(i > 50 && i < 263); /* 263 of these are 1 MiB */
    CHECK(strstr(nearcache_last_error(), "memory") != NULL);
    CHECK(stat_of(cache, "evictions") == 0);
    IS(nearcache_contains(cache, S("k0")), NEARCACHE_OK);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

static void evicts(void)
{
    nearcache_cache *cache = open_cache(2 << 20, 0);
    static char value[1000];
    char key[16];
    int i;
    for (i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        if (nearcache_set(cache, key, strlen(key), value, sizeof value, 0, 0, NULL) != NEARCACHE_OK)
            break;
    }
    CHECK(i == 20000);
    CHECK(stat_of(cache, "evictions") > 10000);
    CHECK(stat_of(cache, "bytes") <= 2 << 20);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
}

static void numbers(nearcache_cache *cache)
{
    uint64_t value = 55;
    IS(nearcache_incr(cache, S("n"), 1, &value), NEARCACHE_MISS);
    IS(nearcache_decr(cache, S("n"), 1, &value), NEARCACHE_MISS);
    CHECK(value == 55);
    IS(nearcache_set(cache, S("n"), S("10"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_incr(cache, S("n"), 5, &value), NEARCACHE_OK);
    CHECK(value == 15);
    IS(nearcache_decr(cache, S("n"), 6, &value), NEARCACHE_OK);
    CHECK(value == 9 && holds(cache, "n", "9 ")); /* memcached pads a shorter number */
    IS(nearcache_decr(cache, S("n"), 100, &value), NEARCACHE_OK);
    CHECK(value == 0);
    IS(nearcache_incr(cache, S("n"), UINT64_MAX, &value), NEARCACHE_OK);
    CHECK(value == UINT64_MAX);
    IS(nearcache_incr(cache, S("n"), 2, &value), NEARCACHE_OK);
    CHECK(value == 1); /* wraps */
    IS(nearcache_incr(cache, S("n"), 0, NULL), NEARCACHE_OK);

    IS(nearcache_set(cache, S("n"), S("ten"), 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_incr(cache, S("n"), 1, &value), NEARCACHE_NOT_NUMERIC);
    IS(nearcache_decr_or(cache, S("n"), 1, 1, 0, &value), NEARCACHE_NOT_NUMERIC);
    CHECK(value == 1 && holds(cache, "n", "ten"));
}

static void initial_numbers(nearcache_cache *cache)
{
    nearcache_item item;
    uint64_t value = 0;
    IS(nearcache_incr_or(cache, S("i"), 5, 100, 60, &value), NEARCACHE_OK);
    CHECK(value == 100 && holds(cache, "i", "100")); /* the delta is not added to the initial value */
    IS(nearcache_incr_or(cache, S("i"), 5, 1, 600, &value), NEARCACHE_OK);
    CHECK(value == 105);
    IS(nearcache_gets(cache, S("i"), NULL, 0, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.ttl == 60 && item.len == 3); /* a present number keeps its expiry */
    IS(nearcache_decr_or(cache, S("d"), 5, UINT64_MAX, 0, &value), NEARCACHE_OK);
    CHECK(value == UINT64_MAX && holds(cache, "d", "18446744073709551615"));
    IS(nearcache_decr_or(cache, S("d"), 5, 0, 0, NULL), NEARCACHE_OK);
    CHECK(holds(cache, "d", "18446744073709551610"));
}

int main(void)
{
    nearcache_cache *cache = open_cache(16 << 20, NEARCACHE_MANUAL_CLOCK);
    verbs(cache);
    keep_flags_and_expiry(cache);
    too_big(cache);
    numbers(cache);
    initial_numbers(cache);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    no_memory();
    evicts();
    return finish("test_store");
}
