/* NULL in each place of each call: refused with a sentence that names the argument, or a no-op. */
#include "check.h"

static void on_hit(void *user, size_t index, const nearcache_item *item, const void *value)
{
    (void)user, (void)index, (void)item, (void)value;
    CHECK(!"called");
}

static void on_stat(void *user, const char *name, uint64_t value)
{
    (void)user, (void)name, (void)value;
    CHECK(!"called");
}

static void on_process(void *user, const nearcache_process *process)
{
    (void)user, (void)process;
    CHECK(!"called");
}

static void no_handle(void)
{
    const nearcache_bytes key = { S("k") };
    nearcache_iter *iter = NULL;
    nearcache_pinned *pinned = NULL;
    const void *value = NULL;
    nearcache_item item;
    uint64_t number = 0;
    nearcache_about about;
    int64_t seconds = 0;
    int32_t descriptor = 0;
    size_t len = 0;
    char b[8];
#define NO_CACHE(call) REFUSED(call, "`cache` is NULL")
    NO_CACHE(nearcache_get(NULL, S("k"), b, 8, &len, NULL));
    NO_CACHE(nearcache_gets(NULL, S("k"), b, 8, &item));
    NO_CACHE(nearcache_gat(NULL, S("k"), 0, b, 8, &item));
    NO_CACHE(nearcache_contains(NULL, S("k")));
    NO_CACHE(nearcache_get_many(NULL, &key, 1, on_hit, NULL));
    NO_CACHE(nearcache_set(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_CACHE(nearcache_add(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_CACHE(nearcache_replace(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_CACHE(nearcache_append(NULL, S("k"), S("v"), NULL));
    NO_CACHE(nearcache_prepend(NULL, S("k"), S("v"), NULL));
    NO_CACHE(nearcache_cas(NULL, S("k"), S("v"), 0, 0, 1, NULL));
    NO_CACHE(nearcache_incr(NULL, S("k"), 1, &number));
    NO_CACHE(nearcache_decr(NULL, S("k"), 1, &number));
    NO_CACHE(nearcache_incr_or(NULL, S("k"), 1, 1, 0, &number));
    NO_CACHE(nearcache_decr_or(NULL, S("k"), 1, 1, 0, &number));
    NO_CACHE(nearcache_touch(NULL, S("k"), 0));
    NO_CACHE(nearcache_delete(NULL, S("k")));
    NO_CACHE(nearcache_delete_cas(NULL, S("k"), 1));
    NO_CACHE(nearcache_flush_all(NULL, 0));
    NO_CACHE(nearcache_pin(NULL, S("k"), &pinned, &value, &item));
    NO_CACHE(nearcache_meta_get(NULL, S("k"), NULL, b, 8, &item));
    NO_CACHE(nearcache_invalidate(NULL, S("k"), NULL));
    NO_CACHE(nearcache_lease(NULL, S("k"), 1, b, 8, &item));
    NO_CACHE(nearcache_iter_open(NULL, NULL, 0, 0, &iter));
    NO_CACHE(nearcache_stats(NULL, on_stat, NULL));
    NO_CACHE(nearcache_stat(NULL, "bytes", &number));
    NO_CACHE(nearcache_reset_stats(NULL));
    NO_CACHE(nearcache_check(NULL));
    NO_CACHE(nearcache_item_size_max(NULL, &len));
    NO_CACHE(nearcache_unix_time(NULL, &seconds));
    NO_CACHE(nearcache_advance_clock(NULL, 1));
    NO_CACHE(nearcache_info(NULL, b, 8, &about));
    NO_CACHE(nearcache_processes(NULL, on_process, NULL));
    NO_CACHE(nearcache_reap(NULL, &len));
    NO_CACHE(nearcache_descriptor(NULL, &descriptor));
    nearcache_close(NULL);
    nearcache_unpin(NULL);
    nearcache_iter_close(NULL);
}

static void no_key(nearcache_cache *cache)
{
    nearcache_pinned *pinned = NULL;
    const void *value = NULL;
    nearcache_item item;
    size_t len = 0;
    char b[8];
#define NO_KEY(call) REFUSED(call, "`key` is NULL")
    NO_KEY(nearcache_get(cache, NULL, 1, b, 8, &len, NULL));
    NO_KEY(nearcache_gets(cache, NULL, 1, b, 8, &item));
    NO_KEY(nearcache_gat(cache, NULL, 1, 0, b, 8, &item));
    NO_KEY(nearcache_contains(cache, NULL, 1));
    NO_KEY(nearcache_set(cache, NULL, 1, S("v"), 0, 0, NULL));
    NO_KEY(nearcache_append(cache, NULL, 1, S("v"), NULL));
    NO_KEY(nearcache_incr(cache, NULL, 1, 1, NULL));
    NO_KEY(nearcache_decr_or(cache, NULL, 1, 1, 1, 0, NULL));
    NO_KEY(nearcache_touch(cache, NULL, 1, 0));
    NO_KEY(nearcache_delete(cache, NULL, 1));
    NO_KEY(nearcache_delete_cas(cache, NULL, 1, 1));
    NO_KEY(nearcache_pin(cache, NULL, 1, &pinned, &value, &item));
    NO_KEY(nearcache_meta_get(cache, NULL, 1, NULL, b, 8, &item));
    NO_KEY(nearcache_invalidate(cache, NULL, 1, NULL));
    NO_KEY(nearcache_lease(cache, NULL, 1, 1, b, 8, &item));
}

static void no_place(nearcache_cache *cache)
{
    nearcache_pinned *pinned = NULL;
    nearcache_about about;
    const void *value = NULL;
    nearcache_item item;
    size_t len = 0;
    char b[8];
    REFUSED(nearcache_get(cache, S("k"), b, 8, NULL, NULL), "`len_out`");
    REFUSED(nearcache_get(cache, S("k"), NULL, 8, &len, NULL), "`buffer`");
    REFUSED(nearcache_gets(cache, S("k"), b, 8, NULL), "`item_out`");
    REFUSED(nearcache_gets(cache, S("k"), NULL, 8, &item), "`buffer`");
    REFUSED(nearcache_gat(cache, S("k"), 0, b, 8, NULL), "`item_out`");
    REFUSED(nearcache_meta_get(cache, S("k"), NULL, b, 8, NULL), "`item_out`");
    REFUSED(nearcache_lease(cache, S("k"), 1, b, 8, NULL), "`item_out`");
    REFUSED(nearcache_lease(cache, S("k"), 1, NULL, 8, &item), "`buffer`");
    REFUSED(nearcache_pin(cache, S("k"), NULL, &value, &item), "`pinned_out`");
    REFUSED(nearcache_pin(cache, S("k"), &pinned, NULL, &item), "`value_out`");
    REFUSED(nearcache_pin(cache, S("k"), &pinned, &value, NULL), "`item_out`");
    REFUSED(nearcache_set(cache, S("k"), NULL, 1, 0, 0, NULL), "`value` is NULL");
    REFUSED(nearcache_item_size_max(cache, NULL), "`bytes_out`");
    REFUSED(nearcache_unix_time(cache, NULL), "`seconds_out`");
    REFUSED(nearcache_info(cache, b, 8, NULL), "`about_out`");
    REFUSED(nearcache_info(cache, NULL, 8, &about), "`path`");
    REFUSED(nearcache_processes(cache, NULL, NULL), "`met`");
    REFUSED(nearcache_reap(cache, NULL), "`processes_out`");
    REFUSED(nearcache_descriptor(cache, NULL), "`descriptor_out`");
    REFUSED(nearcache_regions(NULL, NULL), "`found`");
    REFUSED(nearcache_unlink(NULL), "`name`");
    IS(nearcache_contains(cache, S("k")), NEARCACHE_MISS); /* none of the refused did anything */
}

int main(void)
{
    nearcache_cache *cache = open_cache(1 << 20, 0);
    no_handle();
    no_key(cache);
    no_place(cache);
    nearcache_close(cache);
    return finish("test_null");
}
