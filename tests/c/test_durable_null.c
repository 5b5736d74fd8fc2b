/* NULL in each place of each call of a store: refused with a sentence that names the argument, or a no-op. */
#include "durable.h"

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

static void on_name(void *user, const char *name)
{
    (void)user, (void)name;
    CHECK(!"called");
}

static int32_t on_progress(void *user, uint64_t done, uint64_t of)
{
    (void)user, (void)done, (void)of;
    CHECK(!"called");
    return 1;
}

static void no_store(void)
{
    const nearcache_settings settings = NEARCACHE_SETTINGS_INIT;
    const nearcache_bytes key = { S("k") };
    const char *const receipt = "1-2-3-4";
    nearcache_store_iter *iter = NULL;
    nearcache_messages *messages = NULL;
    nearcache_batch *batch = NULL;
    nearcache_settings told;
    nearcache_item item;
    uint64_t number = 0;
    int64_t seconds = 0;
    size_t len = 0;
    char b[64];
#define NO_STORE(call) REFUSED(call, "`store` is NULL")
    NO_STORE(nearcache_store_get(NULL, S("k"), b, 8, &len, NULL));
    NO_STORE(nearcache_store_gets(NULL, S("k"), b, 8, &item));
    NO_STORE(nearcache_store_gat(NULL, S("k"), 0, b, 8, &item));
    NO_STORE(nearcache_store_get_many(NULL, &key, 1, on_hit, NULL));
    NO_STORE(nearcache_store_set(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_STORE(nearcache_store_add(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_STORE(nearcache_store_replace(NULL, S("k"), S("v"), 0, 0, NULL));
    NO_STORE(nearcache_store_append(NULL, S("k"), S("v"), NULL));
    NO_STORE(nearcache_store_prepend(NULL, S("k"), S("v"), NULL));
    NO_STORE(nearcache_store_cas(NULL, S("k"), S("v"), 0, 0, 1, NULL));
    NO_STORE(nearcache_store_incr(NULL, S("k"), 1, &number));
    NO_STORE(nearcache_store_decr(NULL, S("k"), 1, &number));
    NO_STORE(nearcache_store_touch(NULL, S("k"), 0));
    NO_STORE(nearcache_store_delete(NULL, S("k")));
    NO_STORE(nearcache_store_delete_cas(NULL, S("k"), 1));
    NO_STORE(nearcache_store_flush_all(NULL, 0));
    NO_STORE(nearcache_store_iter_open(NULL, NULL, 0, 0, &iter));
    NO_STORE(nearcache_store_iter_range(NULL, NULL, 0, NULL, 0, 0, &iter));
    NO_STORE(nearcache_store_stats(NULL, on_stat, NULL));
    NO_STORE(nearcache_store_stat(NULL, "bytes", &number));
    NO_STORE(nearcache_store_backup(NULL, "d", on_progress, NULL));
    NO_STORE(nearcache_store_verify(NULL, on_progress, NULL));
    NO_STORE(nearcache_store_compact(NULL, on_progress, NULL));
    NO_STORE(nearcache_store_unix_time(NULL, &seconds));
    NO_STORE(nearcache_store_advance_clock(NULL, 1));
    NO_STORE(nearcache_batch_begin(NULL, &batch));
    NO_STORE(nearcache_queue_push(NULL, "q", S("b"), NULL, &number));
    NO_STORE(nearcache_queue_reserve(NULL, "q", 1, 0, 0, &messages));
    NO_STORE(nearcache_queue_take(NULL, "q", 1, 0, &messages));
    NO_STORE(nearcache_queue_peek(NULL, "q", 1, &messages));
    NO_STORE(nearcache_queue_ack(NULL, "q", receipt));
    NO_STORE(nearcache_queue_ack_many(NULL, "q", &receipt, 1, NULL, NULL));
    NO_STORE(nearcache_queue_nak(NULL, "q", receipt, 0));
    NO_STORE(nearcache_queue_extend(NULL, "q", receipt, 1, b));
    NO_STORE(nearcache_queue_settings(NULL, "q", &told));
    NO_STORE(nearcache_queue_configure(NULL, "q", &settings));
    NO_STORE(nearcache_queue_pause(NULL, "q"));
    NO_STORE(nearcache_queue_resume(NULL, "q"));
    NO_STORE(nearcache_queue_purge(NULL, "q", &number));
    NO_STORE(nearcache_queue_delete(NULL, "q"));
    NO_STORE(nearcache_queue_requeue(NULL, "q", NULL, 1, &number));
    NO_STORE(nearcache_queue_stats(NULL, "q", on_stat, NULL));
    NO_STORE(nearcache_queue_stat(NULL, "q", "messages", &number));
    NO_STORE(nearcache_queue_names(NULL, on_name, NULL));
    nearcache_store_close(NULL);
    nearcache_store_iter_close(NULL);
    nearcache_batch_discard(NULL);
    nearcache_messages_close(NULL);
}

static void no_batch(void)
{
    size_t count = 0;
#define NO_BATCH(call) REFUSED(call, "`batch` is NULL")
    NO_BATCH(nearcache_batch_set(NULL, S("k"), S("v"), 0, 0));
    NO_BATCH(nearcache_batch_add(NULL, S("k"), S("v"), 0, 0));
    NO_BATCH(nearcache_batch_replace(NULL, S("k"), S("v"), 0, 0));
    NO_BATCH(nearcache_batch_append(NULL, S("k"), S("v")));
    NO_BATCH(nearcache_batch_prepend(NULL, S("k"), S("v")));
    NO_BATCH(nearcache_batch_cas(NULL, S("k"), S("v"), 0, 0, 1));
    NO_BATCH(nearcache_batch_delete(NULL, S("k")));
    NO_BATCH(nearcache_batch_incr(NULL, S("k"), 1));
    NO_BATCH(nearcache_batch_decr(NULL, S("k"), 1));
    NO_BATCH(nearcache_batch_push(NULL, "q", S("b"), NULL));
    NO_BATCH(nearcache_batch_ack(NULL, "q", "1-2-3-4"));
    NO_BATCH(nearcache_batch_count(NULL, &count));
    NO_BATCH(nearcache_batch_commit(NULL, NULL, 0, NULL));
}

static void no_bytes(nearcache_store *store, nearcache_batch *batch)
{
    const nearcache_push push = { 0, NULL, 1, 0, 0 };
    const char *const none = NULL;
    nearcache_store_iter *iter = NULL;
    nearcache_item item;
    size_t len = 0;
    char b[64];
#define NO_KEY(call) REFUSED(call, "`key` is NULL")
    NO_KEY(nearcache_store_get(store, NULL, 1, b, 8, &len, NULL));
    NO_KEY(nearcache_store_gets(store, NULL, 1, b, 8, &item));
    NO_KEY(nearcache_store_gat(store, NULL, 1, 0, b, 8, &item));
    NO_KEY(nearcache_store_set(store, NULL, 1, S("v"), 0, 0, NULL));
    NO_KEY(nearcache_store_append(store, NULL, 1, S("v"), NULL));
    NO_KEY(nearcache_store_incr(store, NULL, 1, 1, NULL));
    NO_KEY(nearcache_store_touch(store, NULL, 1, 0));
    NO_KEY(nearcache_store_delete(store, NULL, 1));
    NO_KEY(nearcache_store_delete_cas(store, NULL, 1, 1));
    NO_KEY(nearcache_batch_set(batch, NULL, 1, S("v"), 0, 0));
    NO_KEY(nearcache_batch_append(batch, NULL, 1, S("v")));
    NO_KEY(nearcache_batch_delete(batch, NULL, 1));
    NO_KEY(nearcache_batch_incr(batch, NULL, 1, 1));
    REFUSED(nearcache_store_get(store, (const void *)b, SIZE_MAX, b, 8, &len, NULL), "negative");
    REFUSED(nearcache_store_set(store, S("k"), NULL, 1, 0, 0, NULL), "`value` is NULL");
    REFUSED(nearcache_batch_set(batch, S("k"), NULL, 1, 0, 0), "`value` is NULL");
    REFUSED(nearcache_store_get_many(store, NULL, 1, on_hit, NULL), "`keys` is NULL");
    REFUSED(nearcache_store_iter_open(store, NULL, 1, 0, &iter), "`prefix` is NULL");
    REFUSED(nearcache_store_iter_range(store, NULL, 1, NULL, 0, 0, &iter), "`start` is NULL");
    REFUSED(nearcache_store_iter_range(store, NULL, 0, NULL, 1, 0, &iter), "`end` is NULL");
    REFUSED(nearcache_queue_push(store, "q", NULL, 1, NULL, NULL), "`body` is NULL");
    REFUSED(nearcache_queue_push(store, "q", S("b"), &push, NULL), "`how.id` is NULL");
    REFUSED(nearcache_batch_push(batch, "q", NULL, 1, NULL), "`body` is NULL");
    REFUSED(nearcache_queue_ack(store, "q", NULL), "`receipt` is NULL");
    REFUSED(nearcache_queue_nak(store, "q", NULL, 0), "`receipt` is NULL");
    REFUSED(nearcache_queue_extend(store, "q", NULL, 1, b), "`receipt` is NULL");
    REFUSED(nearcache_batch_ack(batch, "q", NULL), "`receipt` is NULL");
    REFUSED(nearcache_queue_ack_many(store, "q", NULL, 1, NULL, NULL), "`receipts` is NULL");
    REFUSED(nearcache_queue_ack_many(store, "q", &none, 1, NULL, NULL), "`receipts[]` is NULL");
}

static void no_name(nearcache_store *store, nearcache_batch *batch)
{
    const nearcache_settings settings = NEARCACHE_SETTINGS_INIT;
    nearcache_store *opened = NULL;
    nearcache_messages *messages = NULL;
    nearcache_settings told;
    uint64_t number = 0;
    char b[64];
#define NO_QUEUE(call) REFUSED(call, "`queue` is NULL")
    NO_QUEUE(nearcache_queue_push(store, NULL, S("b"), NULL, &number));
    NO_QUEUE(nearcache_queue_reserve(store, NULL, 1, 0, 0, &messages));
    NO_QUEUE(nearcache_queue_take(store, NULL, 1, 0, &messages));
    NO_QUEUE(nearcache_queue_peek(store, NULL, 1, &messages));
    NO_QUEUE(nearcache_queue_ack(store, NULL, "1-2-3-4"));
    NO_QUEUE(nearcache_queue_ack_many(store, NULL, NULL, 0, NULL, NULL));
    NO_QUEUE(nearcache_queue_nak(store, NULL, "1-2-3-4", 0));
    NO_QUEUE(nearcache_queue_extend(store, NULL, "1-2-3-4", 1, b));
    NO_QUEUE(nearcache_queue_settings(store, NULL, &told));
    NO_QUEUE(nearcache_queue_configure(store, NULL, &settings));
    NO_QUEUE(nearcache_queue_pause(store, NULL));
    NO_QUEUE(nearcache_queue_resume(store, NULL));
    NO_QUEUE(nearcache_queue_purge(store, NULL, &number));
    NO_QUEUE(nearcache_queue_delete(store, NULL));
    NO_QUEUE(nearcache_queue_requeue(store, NULL, NULL, 1, &number));
    NO_QUEUE(nearcache_queue_stats(store, NULL, on_stat, NULL));
    NO_QUEUE(nearcache_queue_stat(store, NULL, "messages", &number));
    NO_QUEUE(nearcache_batch_push(batch, NULL, S("b"), NULL));
    NO_QUEUE(nearcache_batch_ack(batch, NULL, "1-2-3-4"));
    REFUSED(nearcache_store_open(NULL, NULL, &opened), "`place` is NULL");
    REFUSED(nearcache_store_backup(store, NULL, on_progress, NULL), "`directory` is NULL");
    REFUSED(nearcache_store_stat(store, NULL, &number), "`name` is NULL");
    REFUSED(nearcache_queue_stat(store, "q", NULL, &number), "`name` is NULL");
}

static void no_place(nearcache_store *store, nearcache_batch *batch)
{
    nearcache_messages *messages = NULL;
    nearcache_store_iter *iter = NULL;
    nearcache_message message;
    nearcache_bytes key;
    size_t len = 0;
    char b[8];
    REFUSED(nearcache_store_open(at("none"), NULL, NULL), "`store_out`");
    REFUSED(nearcache_store_get(store, S("k"), b, 8, NULL, NULL), "`len_out`");
    REFUSED(nearcache_store_get(store, S("k"), NULL, 8, &len, NULL), "`buffer`");
    REFUSED(nearcache_store_gets(store, S("k"), b, 8, NULL), "`item_out`");
    REFUSED(nearcache_store_gat(store, S("k"), 0, b, 8, NULL), "`item_out`");
    REFUSED(nearcache_store_get_many(store, NULL, 0, NULL, NULL), "`hit`");
    REFUSED(nearcache_store_iter_open(store, NULL, 0, 0, NULL), "`iter_out`");
    REFUSED(nearcache_store_iter_range(store, NULL, 0, NULL, 0, 0, NULL), "`iter_out`");
    REFUSED(nearcache_store_iter_next(NULL, &key, NULL, NULL), "`iter` is NULL");
    IS(nearcache_store_iter_open(store, NULL, 0, 0, &iter), NEARCACHE_OK);
    REFUSED(nearcache_store_iter_next(iter, NULL, NULL, NULL), "`key_out`");
    nearcache_store_iter_close(iter);
    REFUSED(nearcache_store_stats(store, NULL, NULL), "`stat`");
    REFUSED(nearcache_store_stat(store, "bytes", NULL), "`value_out`");
    REFUSED(nearcache_store_unix_time(store, NULL), "`seconds_out`");
    REFUSED(nearcache_batch_begin(store, NULL), "`batch_out`");
    REFUSED(nearcache_batch_count(batch, NULL), "`count_out`");
    REFUSED(nearcache_batch_commit(batch, NULL, 1, NULL), "`numbers`");
    REFUSED(nearcache_queue_reserve(store, "q", 1, 0, 0, NULL), "`messages_out`");
    REFUSED(nearcache_queue_take(store, "q", 1, 0, NULL), "`messages_out`");
    REFUSED(nearcache_queue_peek(store, "q", 1, NULL), "`messages_out`");
    REFUSED(nearcache_queue_extend(store, "q", "1-2-3-4", 1, NULL), "`receipt_out`");
    REFUSED(nearcache_queue_settings(store, "q", NULL), "`settings_out`");
    REFUSED(nearcache_queue_configure(store, "q", NULL), "`settings` is NULL");
    REFUSED(nearcache_queue_stats(store, "q", NULL, NULL), "`stat`");
    REFUSED(nearcache_queue_stat(store, "q", "messages", NULL), "`value_out`");
    REFUSED(nearcache_queue_names(store, NULL, NULL), "`met`");
    REFUSED(nearcache_messages_next(NULL, &message), "`messages` is NULL");
    REFUSED(nearcache_messages_count(NULL, &len), "`messages` is NULL");
    IS(push_text(store, "m", "b"), NEARCACHE_OK);
    IS(nearcache_queue_peek(store, "m", 1, &messages), NEARCACHE_OK);
    REFUSED(nearcache_messages_next(messages, NULL), "`message_out`");
    REFUSED(nearcache_messages_count(messages, NULL), "`count_out`");
    nearcache_messages_close(messages);
}

int main(void)
{
    nearcache_store_options options = by_hand();
    nearcache_store *store;
    nearcache_batch *batch = NULL;
    size_t count = 77;
    make_root();
    store = open_store("store", &options);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    no_store();
    no_batch();
    no_bytes(store, batch);
    no_name(store, batch);
    no_place(store, batch);
    /* none of the refused did anything */
    IS(nearcache_batch_count(batch, &count), NEARCACHE_OK);
    CHECK(count == 0 && number_of(store, NULL, "curr_items") == 0 && number_of(store, NULL, "messages") == 1);
    nearcache_batch_discard(batch);
    nearcache_store_close(store);
    remove_root();
    return finish("test_durable_null");
}
