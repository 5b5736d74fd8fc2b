/*
 * The C side of the call-overhead benchmark: a program's inner loop, compiled apart from the timer so that each get
 * is a call through the shared library like any other. ffi/benches/call.rs loads it and times it against its own.
 */
#include <nearcache.h>

#include <stdio.h>
#include <string.h>

enum { KEY_LEN = 16, VALUE_LEN = 100 };

/* A cache holding `keys` items under "key-000000000000" and so on; NULL on failure. */
nearcache_cache *bench_open(uint64_t size, size_t keys);
/* Gets `gets` values, round the keys. Returns the sum of the lengths and first bytes, so that nothing is left out. */
uint64_t bench_gets(nearcache_cache *cache, const char *names, size_t keys, size_t gets);
void bench_close(nearcache_cache *cache);

nearcache_cache *bench_open(uint64_t size, size_t keys)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    char key[32], value[VALUE_LEN];
    size_t i;
    options.size = size;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK)
        return NULL;
    memset(value, 'v', sizeof value);
    for (i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "key-%012u", (unsigned)i);
        if (nearcache_set(cache, key, KEY_LEN, value, sizeof value, 0, 0, NULL) != NEARCACHE_OK)
            return NULL;
    }
    return cache;
}

uint64_t bench_gets(nearcache_cache *cache, const char *names, size_t keys, size_t gets)
{
    unsigned char buffer[128];
    uint64_t sum = 0;
    size_t i, at = 0;
    for (i = 0; i < gets; i++) {
        size_t len = 0;
        if (nearcache_get(cache, names + at * KEY_LEN, KEY_LEN, buffer, sizeof buffer, &len, NULL) != NEARCACHE_OK)
            return 0;
        sum += len + buffer[0];
        if (++at == keys)
            at = 0;
    }
    return sum;
}

void bench_close(nearcache_cache *cache)
{
    nearcache_close(cache);
}
