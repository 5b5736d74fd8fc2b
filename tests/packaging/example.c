/* What a C program needs of the installed library: its header, its symbols, its version. */
#include <nearcache.h>
#include <stdio.h>

int main(void) {
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache;
    char name[16];
    size_t length;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK) return 1;
    if (nearcache_set(cache, "user:1", 6, "Ada", 3, 0, 60, NULL) != NEARCACHE_OK) return 2;
    if (nearcache_get(cache, "user:1", 6, name, sizeof name, &length, NULL) != NEARCACHE_OK) return 3;
    printf("%.*s\n", (int)length, name);
    nearcache_close(cache);
    return 0;
}
