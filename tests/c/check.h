/* What the C test programs share: checks that say what was expected, and a cache in one line. */
#ifndef NEARCACHE_TESTS_CHECK_H
#define NEARCACHE_TESTS_CHECK_H

#include <nearcache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        checks++;                                                                                            \
        if (!(condition)) {                                                                                  \
            failures++;                                                                                      \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
        }                                                                                                    \
    } while (0)

/* The call gives this status. */
#define IS(call, expected)                                                                                   \
    do {                                                                                                     \
        const nearcache_status got_ = (call), want_ = (expected);                                            \
        checks++;                                                                                            \
        if (got_ != want_) {                                                                                 \
            failures++;                                                                                      \
            fprintf(stderr, "%s:%d: %s gave %d (%s), expected %d (%s); last error: %s\n", __FILE__,          \
                    __LINE__, #call, (int)got_, nearcache_status_text(got_), (int)want_,                     \
                    nearcache_status_text(want_), nearcache_last_error());                                   \
        }                                                                                                    \
    } while (0)

/* The call is refused with NEARCACHE_INVALID, and the sentence speaks of `word`. */
#define REFUSED(call, word)                                                                                  \
    do {                                                                                                     \
        IS(call, NEARCACHE_INVALID);                                                                         \
        CHECK(strstr(nearcache_last_error(), word) != NULL);                                                 \
    } while (0)

/* A literal's bytes and their number. */
#define S(literal) literal, sizeof(literal) - 1

static inline nearcache_cache *open_cache(uint64_t size, uint32_t flags)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    options.size = size;
    options.flags = flags;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK) {
        fprintf(stderr, "nearcache_open: %s\n", nearcache_last_error());
        exit(1);
    }
    return cache;
}

/* The key holds exactly these bytes. */
static inline int holds(nearcache_cache *cache, const char *key, const char *value)
{
    char buffer[4096];
    size_t len = 0;
    return nearcache_get(cache, key, strlen(key), buffer, sizeof buffer, &len, NULL) == NEARCACHE_OK &&
           len == strlen(value) && memcmp(buffer, value, len) == 0;
}

static inline uint64_t stat_of(nearcache_cache *cache, const char *name)
{
    uint64_t value = 0;
    IS(nearcache_stat(cache, name, &value), NEARCACHE_OK);
    return value;
}

static inline int finish(const char *program)
{
    printf("%s: %d checks, %d failed\n", program, checks, failures);
    return failures != 0;
}

#endif
