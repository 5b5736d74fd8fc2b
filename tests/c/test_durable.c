/* The durable store: opening, each verb's answers, failures that change nothing, and what is there the next time. */
#include "durable.h"

static void verbs(nearcache_store *store)
{
    uint64_t first = 0, second = 0, number = 55, untouched = 77;
    nearcache_item item;
    char buffer[8];
    size_t len = 0;
    uint32_t flags = 0;

    IS(nearcache_store_get(store, S("k"), buffer, 8, &len, NULL), NEARCACHE_MISS);
    IS(nearcache_store_replace(store, S("k"), S("v"), 0, 0, &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_store_append(store, S("k"), S("v"), &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_store_prepend(store, S("k"), S("v"), &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_store_cas(store, S("k"), S("v"), 0, 0, 1, &untouched), NEARCACHE_MISS);
    IS(nearcache_store_add(store, S("k"), S("b"), 3, 60, &first), NEARCACHE_OK);
    IS(nearcache_store_add(store, S("k"), S("x"), 0, 0, &untouched), NEARCACHE_NOT_STORED);
    IS(nearcache_store_append(store, S("k"), S("\0c"), &second), NEARCACHE_OK);
    IS(nearcache_store_prepend(store, S("k"), S("a"), NULL), NEARCACHE_OK);
    CHECK(untouched == 77 && first != 0 && second > first);
    IS(nearcache_store_get(store, S("k"), buffer, 8, &len, &flags), NEARCACHE_OK);
    CHECK(len == 4 && memcmp(buffer, "ab\0c", 4) == 0 && flags == 3);
    IS(nearcache_store_get(store, S("k"), NULL, 0, &len, NULL), NEARCACHE_SHORT_BUFFER);
    IS(nearcache_store_gets(store, S("k"), buffer, 3, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(len == 4 && item.len == 4 && item.flags == 3 && item.ttl == 60 && item.state == 0);
    IS(nearcache_store_gets(store, S("k"), buffer, 4, &item), NEARCACHE_OK);

    IS(nearcache_store_cas(store, S("k"), S("x"), 0, 0, first, &untouched), NEARCACHE_EXISTS);
    IS(nearcache_store_cas(store, S("k"), S("new"), 9, 0, item.cas, &second), NEARCACHE_OK);
    IS(nearcache_store_gat(store, S("k"), 30, buffer, 2, &item), NEARCACHE_SHORT_BUFFER);
    CHECK(item.len == 3 && item.ttl == NEARCACHE_TTL_NEVER); /* left as it was */
    IS(nearcache_store_gat(store, S("k"), 30, buffer, 8, &item), NEARCACHE_OK);
    CHECK(item.ttl == 30 && item.cas == second && memcmp(buffer, "new", 3) == 0);
    IS(nearcache_store_gat(store, S("absent"), 30, buffer, 8, &item), NEARCACHE_MISS);
    IS(nearcache_store_touch(store, S("k"), 5), NEARCACHE_OK);
    IS(nearcache_store_touch(store, S("absent"), 5), NEARCACHE_MISS);
    IS(nearcache_store_delete_cas(store, S("k"), first), NEARCACHE_EXISTS);
    IS(nearcache_store_advance_clock(store, 5), NEARCACHE_OK);
    IS(nearcache_store_get(store, S("k"), buffer, 8, &len, NULL), NEARCACHE_MISS);

    IS(nearcache_store_incr(store, S("n"), 1, &number), NEARCACHE_MISS);
    CHECK(number == 55);
    IS(put(store, "n", "10"), NEARCACHE_OK);
    IS(nearcache_store_incr(store, S("n"), UINT64_MAX, &number), NEARCACHE_OK);
    CHECK(number == 9); /* wraps */
    IS(nearcache_store_decr(store, S("n"), 100, &number), NEARCACHE_OK);
    CHECK(number == 0);
    IS(put(store, "n", "ten"), NEARCACHE_OK);
    IS(nearcache_store_incr(store, S("n"), 1, NULL), NEARCACHE_NOT_NUMERIC);
    IS(nearcache_store_delete(store, S("n")), NEARCACHE_OK);
    IS(nearcache_store_delete(store, S("n")), NEARCACHE_MISS);
    IS(nearcache_store_delete_cas(store, S("n"), 1), NEARCACHE_MISS);

    IS(nearcache_store_set(store, S("empty"), NULL, 0, 0, 0, NULL), NEARCACHE_OK);
    CHECK(keeps(store, "empty", ""));
    IS(nearcache_store_flush_all(store, 10), NEARCACHE_OK);
    CHECK(keeps(store, "empty", ""));
    IS(nearcache_store_advance_clock(store, 10), NEARCACHE_OK);
    CHECK(!keeps(store, "empty", ""));
}

static void on_hit(void *user, size_t index, const nearcache_item *item, const void *value)
{
    char *text = user;
    sprintf(text + strlen(text), "%u:%.*s/%u ", (unsigned)index, (int)item->len, (const char *)value,
            (unsigned)item->flags);
}

static void many(nearcache_store *store)
{
    const nearcache_bytes keys[] = { { S("m1") }, { S("none") }, { S("m2") }, { S("m1") } };
    const nearcache_bytes bad[] = { { S("m1") }, { NULL, 0 } };
    char text[128] = "";
    IS(nearcache_store_set(store, S("m1"), S("one"), 1, 0, NULL), NEARCACHE_OK);
    IS(nearcache_store_set(store, S("m2"), S("two"), 2, 0, NULL), NEARCACHE_OK);
    IS(nearcache_store_get_many(store, keys, 4, on_hit, text), NEARCACHE_OK);
    CHECK(strcmp(text, "0:one/1 2:two/2 3:one/1 ") == 0);
    IS(nearcache_store_get_many(store, NULL, 0, on_hit, text), NEARCACHE_OK);
    REFUSED(nearcache_store_get_many(store, bad, 2, on_hit, text), "empty");
    CHECK(strcmp(text, "0:one/1 2:two/2 3:one/1 ") == 0);
}

static void failures_change_nothing(nearcache_store *store)
{
    const size_t len = 2 << 20;
    char *big = calloc(1, len);
    char key[251];
    CHECK(big != NULL);
    memset(key, 'k', sizeof key);
    REFUSED(nearcache_store_set(store, key, sizeof key, S("v"), 0, 0, NULL), "limit is 250");
    REFUSED(nearcache_store_delete(store, "", 0), "empty");
    IS(put(store, "big", "old"), NEARCACHE_OK);
    IS(nearcache_store_set(store, S("big"), big, len, 0, 0, NULL), NEARCACHE_TOO_BIG);
    CHECK(strstr(nearcache_last_error(), "1048576") != NULL);
    IS(nearcache_store_append(store, S("big"), big, (1 << 20) - 62, NULL), NEARCACHE_NOT_STORED);
    CHECK(keeps(store, "big", "old"));
    free(big);
}

/* The keys that a walk shows, each with a space behind it. */
static const char *walked(nearcache_store_iter *iter)
{
    static char keys[512];
    nearcache_bytes key, value;
    nearcache_item item;
    size_t at = 0;
    while (nearcache_store_iter_next(iter, &key, &value, &item) == NEARCACHE_OK && at + key.len + 2 < sizeof keys) {
        CHECK(value.len == item.len);
        memcpy(keys + at, key.data, key.len);
        at += key.len;
        keys[at++] = ' ';
    }
    keys[at] = '\0';
    IS(nearcache_store_iter_next(iter, &key, NULL, NULL), NEARCACHE_END);
    nearcache_store_iter_close(iter);
    return keys;
}

static void walks(nearcache_store *store)
{
    nearcache_store_iter *iter = NULL, *before = NULL;
    nearcache_bytes key;
    char text[16], large[1000] = "";
    int i, in_order = 1;

    IS(put(store, "w:a", "1"), NEARCACHE_OK);
    IS(put(store, "w:b", "2"), NEARCACHE_OK);
    IS(put(store, "w:c", "3"), NEARCACHE_OK);
    IS(put(store, "x", "4"), NEARCACHE_OK);
    IS(nearcache_store_iter_open(store, S("w:"), 0, &iter), NEARCACHE_OK);
    CHECK(strcmp(walked(iter), "w:a w:b w:c ") == 0);
    IS(nearcache_store_iter_range(store, S("w:a"), S("w:c"), NEARCACHE_LEFT_OPEN | NEARCACHE_RIGHT_OPEN, &iter),
       NEARCACHE_OK);
    CHECK(strcmp(walked(iter), "w:b ") == 0);
    IS(nearcache_store_iter_range(store, S("w:b"), NULL, 0, 0, &iter), NEARCACHE_OK);
    CHECK(strcmp(walked(iter), "w:b w:c x ") == 0);
    IS(nearcache_store_iter_range(store, S("z"), S("a"), 0, &iter), NEARCACHE_OK);
    CHECK(strcmp(walked(iter), "") == 0);

    IS(nearcache_store_iter_open(store, S("w:"), NEARCACHE_SNAPSHOT, &before), NEARCACHE_OK);
    IS(nearcache_store_delete(store, S("w:b")), NEARCACHE_OK);
    IS(put(store, "w:d", "5"), NEARCACHE_OK);
    CHECK(strcmp(walked(before), "w:a w:b w:c ") == 0);
    IS(nearcache_store_iter_open(store, S("w:"), 0, &iter), NEARCACHE_OK);
    CHECK(strcmp(walked(iter), "w:a w:c w:d ") == 0);
    REFUSED(nearcache_store_iter_open(store, NULL, 0, NEARCACHE_LEFT_OPEN, &iter), "`flags`");
    REFUSED(nearcache_store_iter_range(store, NULL, 0, NULL, 0, 8, &iter), "`flags`");

    /* More than a page; what comes behind the walk's place while it walks is met, in order. */
    for (i = 0; i < 90; i++) {
        snprintf(text, sizeof text, "p:%03d", i);
        IS(nearcache_store_set(store, text, 5, large, sizeof large, 0, 0, NULL), NEARCACHE_OK);
    }
    IS(nearcache_store_iter_open(store, S("p:"), 0, &iter), NEARCACHE_OK);
    for (i = 0; nearcache_store_iter_next(iter, &key, NULL, NULL) == NEARCACHE_OK; i++) {
        snprintf(text, sizeof text, "p:%03d", i);
        in_order = in_order && bytes_are(key, text);
        if (i == 0)
            IS(put(store, "p:090", "late"), NEARCACHE_OK);
    }
    CHECK(i == 91 && in_order);
    nearcache_store_iter_close(iter);
}

static void batches(nearcache_store *store)
{
    nearcache_batch *batch = NULL;
    uint64_t numbers[12], gone = 77;
    size_t count = 0, step = 77;
    nearcache_item item;

    IS(put(store, "b:n", "5"), NEARCACHE_OK);
    IS(nearcache_store_gets(store, S("b:n"), NULL, 0, &item), NEARCACHE_SHORT_BUFFER);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    IS(nearcache_batch_cas(batch, S("b:n"), S("6"), 0, 0, item.cas), NEARCACHE_OK);
    IS(nearcache_batch_incr(batch, S("b:n"), 4), NEARCACHE_OK);
    IS(nearcache_batch_decr(batch, S("b:n"), 3), NEARCACHE_OK);
    IS(nearcache_batch_add(batch, S("b:a"), S("b"), 1, 0), NEARCACHE_OK);
    IS(nearcache_batch_append(batch, S("b:a"), S("c")), NEARCACHE_OK);
    IS(nearcache_batch_prepend(batch, S("b:a"), S("a")), NEARCACHE_OK);
    IS(nearcache_batch_replace(batch, S("b:a"), S("abcd"), 2, 60), NEARCACHE_OK);
    IS(nearcache_batch_set(batch, S("b:s"), NULL, 0, 0, 0), NEARCACHE_OK);
    IS(nearcache_batch_delete(batch, S("b:none")), NEARCACHE_OK);
    IS(nearcache_batch_push(batch, "batched", S("message"), NULL), NEARCACHE_OK);
    REFUSED(nearcache_batch_set(batch, "", 0, S("v"), 0, 0), "empty"); /* and is not in it */
    IS(nearcache_batch_count(batch, &count), NEARCACHE_OK);
    CHECK(count == 10);
    REFUSED(nearcache_batch_commit(batch, numbers, 9, &step), "`capacity` is 9");
    IS(nearcache_batch_count(batch, &count), NEARCACHE_OK);
    CHECK(count == 10 && !keeps(store, "b:a", "abcd"));
    IS(nearcache_batch_commit(batch, numbers, 12, NULL), NEARCACHE_OK);
    CHECK(numbers[1] == 10 && numbers[2] == 7 && numbers[3] < numbers[6] && numbers[8] == 0);
    CHECK(keeps(store, "b:a", "abcd") && number_of(store, "batched", "messages") == 1);

    /* Empty now, and good for more: one that is refused does nothing. */
    IS(nearcache_batch_set(batch, S("b:a"), S("refused"), 0, 0), NEARCACHE_OK);
    IS(nearcache_batch_add(batch, S("b:s"), S("is there"), 0, 0), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, &gone, 0, NULL), NEARCACHE_REFUSED);
    CHECK(strstr(nearcache_last_error(), "step 1") != NULL);
    IS(nearcache_batch_count(batch, &count), NEARCACHE_OK);
    CHECK(count == 0 && gone == 77 && keeps(store, "b:a", "abcd"));
    IS(nearcache_batch_incr(batch, S("b:a"), 1), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, NULL, 0, &step), NEARCACHE_NOT_NUMERIC);
    CHECK(step == 77);
    IS(nearcache_batch_decr(batch, S("b:none"), 1), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, NULL, 0, &step), NEARCACHE_REFUSED);
    CHECK(step == 0);
    IS(nearcache_batch_commit(batch, NULL, 0, NULL), NEARCACHE_OK); /* of nothing */
    IS(nearcache_batch_set(batch, S("b:discarded"), S("v"), 0, 0), NEARCACHE_OK);
    nearcache_batch_discard(batch);
    CHECK(!keeps(store, "b:discarded", "v"));
}

static void on_stat(void *user, const char *name, uint64_t value)
{
    uint64_t *items = user;
    items[0]++;
    if (strcmp(name, "curr_items") == 0)
        items[1] = value;
}

static int32_t on_progress(void *user, uint64_t done, uint64_t of)
{
    int *left = user;
    CHECK(done > 0 && of > 0);
    return --*left < 0;
}

static void care(nearcache_store *store)
{
    uint64_t items[2] = { 0, 0 }, value = 0;
    nearcache_store *copy;
    nearcache_store_options existing = by_hand();
    int left = 1000000;
    existing.flags = NEARCACHE_STORE_EXISTING;

    IS(nearcache_store_stats(store, on_stat, items), NEARCACHE_OK);
    CHECK(items[0] > 30 && items[1] == number_of(store, NULL, "curr_items") && items[1] > 90);
    IS(nearcache_store_stat(store, "of a later release", &value), NEARCACHE_MISS);
    IS(nearcache_store_verify(store, on_progress, &left), NEARCACHE_OK);
    IS(nearcache_store_compact(store, NULL, NULL), NEARCACHE_OK);
    CHECK(left < 1000000);
    left = 0;
    IS(nearcache_store_compact(store, on_progress, &left), NEARCACHE_STOPPED);

    IS(nearcache_store_backup(store, at("backup"), NULL, NULL), NEARCACHE_OK);
    IS(nearcache_store_backup(store, at("backup"), NULL, NULL), NEARCACHE_FOREIGN);
    REFUSED(nearcache_store_backup(store, "", NULL, NULL), "`directory`");
    copy = open_store("backup", &existing);
    CHECK(keeps(copy, "b:a", "abcd") && number_of(copy, "batched", "messages") == 1);
    CHECK(number_of(copy, NULL, "curr_items") == items[1]);
    IS(nearcache_store_verify(copy, NULL, NULL), NEARCACHE_OK);
    nearcache_store_close(copy);
}

static void refused_options(void)
{
    nearcache_store_options options;
    nearcache_store *store = NULL;
#define WRONG(field, value, word)                                                                            \
    options = by_hand();                                                                                     \
    options.field = value;                                                                                   \
    REFUSED(nearcache_store_open(at("wrong"), &options, &store), word)
    WRONG(struct_size, 8, "struct_size");
    WRONG(flags, 8, "unknown bits 0x8");
    WRONG(reserved, 1, "reserved is 1");
    WRONG(sync, 3, "options.sync is 3");
    WRONG(sync, NEARCACHE_SYNC_EVERY, "sync_millis 0");
    WRONG(sync_millis, 5, "sync_millis 5");
    WRONG(near_size, 1, "near");
    WRONG(near_name, "a name with spaces", "name");
    WRONG(flags, NEARCACHE_NO_NEAR, "near_size"); /* which by_hand() sets */
    WRONG(item_size_max, 5, "item_size_max");
    WRONG(block_cache, 5, "block_cache");
    WRONG(workers, 65, "workers");
    options = by_hand();
    options.abi_version++;
    IS(nearcache_store_open(at("wrong"), &options, &store), NEARCACHE_LAYOUT);
    options = by_hand();
    options.flags = NEARCACHE_STORE_EXISTING;
    IS(nearcache_store_open(at("wrong"), &options, &store), NEARCACHE_NO_STORE);
    REFUSED(nearcache_store_open("", NULL, &store), "where");
    REFUSED(nearcache_store_open("tcp:nowhere", NULL, &store), "HOST:PORT");
    REFUSED(nearcache_store_open("unix:\xff", NULL, &store), "UTF-8");
    REFUSED(nearcache_store_open("unix:/nowhere/s", &options, &store), "options");
    IS(nearcache_store_open("unix:/nowhere/s", NULL, &store), NEARCACHE_CONNECTION);
    IS(nearcache_store_open("/dev/null/s", NULL, &store), NEARCACHE_SYSTEM);
    CHECK(mkdir(at("other"), 0700) == 0 && mkdir(at("other/things"), 0700) == 0);
    IS(nearcache_store_open(at("other"), NULL, &store), NEARCACHE_FOREIGN);
    CHECK(store == NULL && access(at("wrong"), F_OK) != 0);
}

static void full(void)
{
    nearcache_store_options options = by_hand();
    nearcache_store *store;
    char key[16], value[1000] = "";
    int i;
    nearcache_status status = NEARCACHE_OK;
    options.quota = 20000;
    options.near_size = 0;
    options.flags = NEARCACHE_NO_NEAR;
    options.sync = NEARCACHE_SYNC_EVERY;
    options.sync_millis = 50;
    store = open_store("full", &options);
    for (i = 0; i < 100 && status == NEARCACHE_OK; i++) {
        snprintf(key, sizeof key, "k%d", i);
        status = nearcache_store_set(store, key, strlen(key), value, sizeof value, 0, 0, NULL);
    }
    IS(status, NEARCACHE_OVER_QUOTA);
    CHECK(i > 10 && i < 21 && strstr(nearcache_last_error(), "20000") != NULL);
    IS(nearcache_store_delete(store, S("k0")), NEARCACHE_OK);
    IS(nearcache_store_set(store, key, strlen(key), value, sizeof value, 0, 0, NULL), NEARCACHE_OK);
    nearcache_store_close(store);
}

static void again(void)
{
    nearcache_store_options options = by_hand(), others = by_hand();
    nearcache_store *store, *same, *none = NULL;
    nearcache_store_iter *iter = NULL;
    int64_t seconds = 0;
    others.item_size_max = 4096;
    store = open_store("store", &options);
    CHECK(keeps(store, "b:a", "abcd") && keeps(store, "w:a", "1")); /* of before */
    IS(nearcache_store_unix_time(store, &seconds), NEARCACHE_OK);
    CHECK(seconds == 1700000000);
    same = open_store("store", NULL);
    IS(put(store, "same", "one"), NEARCACHE_OK);
    CHECK(keeps(same, "same", "one"));
    REFUSED(nearcache_store_open(at("store"), &others, &none), "item_size_max");
    nearcache_store_close(store);
    CHECK(keeps(same, "same", "one"));
    IS(nearcache_store_iter_open(same, S("same"), 0, &iter), NEARCACHE_OK);
    nearcache_store_close(same);
    CHECK(strcmp(walked(iter), "same ") == 0); /* it keeps the store open */
}

int main(void)
{
    nearcache_store_options options = by_hand();
    nearcache_store *store;
    make_root();
    store = open_store("store", &options);
    verbs(store);
    many(store);
    failures_change_nothing(store);
    walks(store);
    batches(store);
    care(store);
    nearcache_store_close(store);
    again();
    refused_options();
    full();
    {
        nearcache_store *real = open_store("real", NULL);
        REFUSED(nearcache_store_advance_clock(real, 1), "system's");
        nearcache_store_close(real);
    }
    remove_root();
    return finish("test_durable");
}
