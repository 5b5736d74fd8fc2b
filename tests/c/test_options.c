/* Opening, closing, and options of every form: older, newer, foreign, out of range. */
#include "check.h"

static void defaults(void)
{
    nearcache_cache *cache = NULL;
    size_t item_size_max = 0;
    IS(nearcache_open(NULL, &cache), NEARCACHE_OK);
    CHECK(stat_of(cache, "limit_maxbytes") == NEARCACHE_SIZE_DEFAULT);
    IS(nearcache_item_size_max(cache, &item_size_max), NEARCACHE_OK);
    CHECK(item_size_max == 1048576);
    IS(nearcache_check(cache), NEARCACHE_OK);
    nearcache_close(cache);
    nearcache_close(NULL);
}

static void ranges(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = (nearcache_cache *)&options;
    size_t item_size_max = 0;

    CHECK(options.struct_size == sizeof options);
    REFUSED(nearcache_open(&options, NULL), "`cache_out` is NULL");
    options.size = NEARCACHE_SIZE_MIN - 1;
    IS(nearcache_open(&options, &cache), NEARCACHE_INVALID);
    CHECK(strlen(nearcache_last_error()) > 20);
    options.size = 8 << 20;
    options.item_size_max = 1023;
    IS(nearcache_open(&options, &cache), NEARCACHE_INVALID);
    options.item_size_max = UINT64_MAX;
    IS(nearcache_open(&options, &cache), NEARCACHE_INVALID);
    options.item_size_max = 2048;
    options.flags = 4;
    REFUSED(nearcache_open(&options, &cache), "unknown bits 0x4");
    CHECK(cache == (nearcache_cache *)&options); /* a failure writes no output */

    options.flags = NEARCACHE_NO_EVICT | NEARCACHE_MANUAL_CLOCK;
    IS(nearcache_open(&options, &cache), NEARCACHE_OK);
    IS(nearcache_item_size_max(cache, &item_size_max), NEARCACHE_OK);
    CHECK(item_size_max == 2048);
    CHECK(stat_of(cache, "limit_maxbytes") == 8 << 20);
    nearcache_close(cache);

    options = (nearcache_options)NEARCACHE_OPTIONS_INIT;
    options.size = NEARCACHE_SIZE_MIN;
    IS(nearcache_open(&options, &cache), NEARCACHE_OK);
    nearcache_close(cache);
}

/* A header of a later release has a longer struct: fine while what this library does not know is 0. */
static void forms(void)
{
    struct {
        nearcache_options known;
        uint64_t later[2];
    } newer = { NEARCACHE_OPTIONS_INIT, { 0, 0 } };
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    size_t cut;

    newer.known.struct_size = sizeof newer;
    newer.known.size = 2 << 20;
    IS(nearcache_open(&newer.known, &cache), NEARCACHE_OK);
    CHECK(stat_of(cache, "limit_maxbytes") == 2 << 20);
    nearcache_close(cache);
    newer.later[1] = 1;
    REFUSED(nearcache_open(&newer.known, &cache), "newer library");

    /* The struct as it was at first, without what follows the hint: a private cache. */
    options.struct_size = offsetof(nearcache_options, name);
    options.descriptor = 0; /* what lies there is not the struct's */
    options.shared = 77;
    IS(nearcache_open(&options, &cache), NEARCACHE_OK);
    nearcache_close(cache);
    options = (nearcache_options)NEARCACHE_OPTIONS_INIT;
    for (cut = offsetof(nearcache_options, name) + 1; cut < sizeof options; cut++) {
        options.struct_size = cut; /* no release had it */
        REFUSED(nearcache_open(&options, &cache), "struct_size");
    }

    options.struct_size = 0;
    REFUSED(nearcache_open(&options, &cache), "NEARCACHE_OPTIONS_INIT");
    options.struct_size = sizeof options - 1;
    REFUSED(nearcache_open(&options, &cache), "struct_size");
    options.struct_size = sizeof options;
    options.abi_version = NEARCACHE_ABI_VERSION + 1;
    IS(nearcache_open(&options, &cache), NEARCACHE_LAYOUT);
    CHECK(strstr(nearcache_last_error(), "ABI") != NULL);
}

/* Where the memory lives is said once, and what is to be done about it can be done. */
static void contradictions(void)
{
    const nearcache_options init = NEARCACHE_OPTIONS_INIT;
    nearcache_options options = init;
    nearcache_cache *cache = NULL;

    CHECK(init.name == NULL && init.descriptor == -1 && init.shared == 0 && init.permissions == 0);
    CHECK(init.access == NEARCACHE_OPEN_OR_CREATE);
    options.name = "app";
    options.descriptor = 0;
    REFUSED(nearcache_open(&options, &cache), "2 ways");
    options.shared = 1;
    REFUSED(nearcache_open(&options, &cache), "a name, a descriptor, shared");
    options.descriptor = -1;
    REFUSED(nearcache_open(&options, &cache), "a name, shared");
    options.name = NULL;
    options.shared = 2;
    REFUSED(nearcache_open(&options, &cache), "options.shared is 2");
    options.shared = 1;
    options.access = NEARCACHE_EXISTING;
    REFUSED(nearcache_open(&options, &cache), "options.access");
    options.shared = 0;
    REFUSED(nearcache_open(&options, &cache), "options.access");
    options.access = NEARCACHE_READ_ONLY;
    REFUSED(nearcache_open(&options, &cache), "options.access");
    options.access = 4;
    REFUSED(nearcache_open(&options, &cache), "options.access is 4");
    options.access = NEARCACHE_CREATE;
    options.descriptor = 0;
    REFUSED(nearcache_open(&options, &cache), "options.access");
    options.descriptor = -2;
    REFUSED(nearcache_open(&options, &cache), "options.descriptor is -2");
    options = init;
    options.permissions = 01000;
    REFUSED(nearcache_open(&options, &cache), "options.permissions");
    CHECK(cache == NULL);

    options = init;
    options.access = NEARCACHE_CREATE; /* which a private cache is, too */
    IS(nearcache_open(&options, &cache), NEARCACHE_OK);
    nearcache_close(cache);
}

static void clock_by_hand(void)
{
    nearcache_cache *cache = open_cache(1 << 20, NEARCACHE_MANUAL_CLOCK);
    int64_t before = 0, after = 0;
    IS(nearcache_unix_time(cache, &before), NEARCACHE_OK);
    CHECK(before > 1500000000);
    IS(nearcache_advance_clock(cache, 100), NEARCACHE_OK);
    IS(nearcache_unix_time(cache, &after), NEARCACHE_OK);
    CHECK(after == before + 100);
    nearcache_close(cache);

    cache = open_cache(1 << 20, 0);
    IS(nearcache_advance_clock(cache, 1), NEARCACHE_INVALID);
    nearcache_close(cache);
}

int main(void)
{
    defaults();
    ranges();
    forms();
    contradictions();
    clock_by_hand();
    return finish("test_options");
}
