/* Durable queues: each verb's answers, leases and delays by a clock that is moved by hand, and hostile receipts. */
#include "durable.h"

static void in_and_out(nearcache_store *store)
{
    nearcache_push how = { 0, NULL, 0, 0, 0 };
    nearcache_messages *messages = NULL;
    nearcache_message message;
    uint64_t seq = 0, later = 0;
    size_t count = 0;

    has_none(store, "q");
    IS(nearcache_queue_peek(store, "q", 1, &messages), NEARCACHE_NO_QUEUE);
    how.id = "id-1";
    how.id_len = 4;
    how.flags = 7;
    how.expire = 3600;
    IS(nearcache_queue_push(store, "q", S("one\0"), &how, &seq), NEARCACHE_OK);
    IS(nearcache_queue_push(store, "q", S("twice"), &how, &later), NEARCACHE_DUPLICATE);
    CHECK(seq != 0 && later == seq);
    IS(nearcache_queue_push(store, "q", NULL, 0, NULL, &later), NEARCACHE_OK);
    CHECK(later > seq);

    IS(nearcache_queue_peek(store, "q", 10, &messages), NEARCACHE_OK);
    IS(nearcache_messages_count(messages, &count), NEARCACHE_OK);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
    CHECK(count == 2 && message.deliveries == 0 && message.receipt[0] == '\0' && message.due == 0);
    nearcache_messages_close(messages);

    IS(nearcache_queue_reserve(store, "q", 10, 30, 0, &messages), NEARCACHE_OK);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
    CHECK(message.body.len == 4 && memcmp(message.body.data, "one", 4) == 0 && bytes_are(message.id, "id-1"));
    CHECK(message.seq == seq && message.flags == 7 && message.deliveries == 1 && message.origin.len == 0);
    CHECK(message.at == 1700000000 && message.expires == 1700003600 && message.due == 1700000030);
    CHECK(strlen(message.receipt) < NEARCACHE_RECEIPT_SIZE && strlen(message.receipt) > 6);
    IS(nearcache_queue_ack(store, "q", message.receipt), NEARCACHE_OK);
    IS(nearcache_queue_ack(store, "q", message.receipt), NEARCACHE_MISS);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
    CHECK(message.seq == later && message.body.len == 0 && message.id.len == 0 && message.expires == 0);
    IS(nearcache_queue_ack(store, "other", message.receipt), NEARCACHE_MISS); /* it is another's */
    IS(nearcache_queue_ack(store, "q", message.receipt), NEARCACHE_OK);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_END);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_END);
    nearcache_messages_close(messages);
    CHECK(number_of(store, "q", "messages") == 0 && number_of(store, "q", "acked") == 2);
    CHECK(number_of(store, "q", "duplicates") == 1);

    IS(push_text(store, "q", "taken"), NEARCACHE_OK);
    IS(nearcache_queue_take(store, "q", 10, 0, &messages), NEARCACHE_OK);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
    CHECK(bytes_are(message.body, "taken") && message.receipt[0] == '\0');
    nearcache_messages_close(messages);
    IS(nearcache_queue_take(store, "q", 10, 0, &messages), NEARCACHE_MISS);
}

static void comes_back(nearcache_store *store)
{
    char renewed[NEARCACHE_RECEIPT_SIZE];
    nearcache_message first, second;
    nearcache_push how = { NEARCACHE_EXPIRE_NEVER, NULL, 0, 0, 50 };

    IS(push_text(store, "l", "leased"), NEARCACHE_OK);
    first = reserved(store, "l", 10, 0, "leased");
    has_none(store, "l");
    IS(nearcache_queue_extend(store, "l", first.receipt, 100, renewed), NEARCACHE_OK);
    IS(nearcache_queue_extend(store, "l", first.receipt, 100, renewed), NEARCACHE_MISS);
    IS(nearcache_store_advance_clock(store, 50), NEARCACHE_OK);
    IS(nearcache_queue_ack(store, "l", first.receipt), NEARCACHE_MISS); /* the new one is good alone */
    IS(nearcache_store_advance_clock(store, 51), NEARCACHE_OK);
    second = reserved(store, "l", 0, 30000, "leased"); /* its lease has ended */
    CHECK(second.deliveries == 2);
    IS(nearcache_queue_ack(store, "l", renewed), NEARCACHE_MISS);
    IS(nearcache_queue_nak(store, "l", second.receipt, 0), NEARCACHE_OK);
    IS(nearcache_queue_nak(store, "l", second.receipt, 0), NEARCACHE_MISS);
    second = reserved(store, "l", 0, 30000, "leased");
    CHECK(second.deliveries == 3);
    IS(nearcache_queue_nak(store, "l", second.receipt, 20), NEARCACHE_OK);
    has_none(store, "l");
    CHECK(number_of(store, "l", "delayed") == 1);
    IS(nearcache_store_advance_clock(store, 20), NEARCACHE_OK);
    second = reserved(store, "l", 0, 30000, "leased");
    IS(nearcache_queue_ack(store, "l", second.receipt), NEARCACHE_OK);

    IS(nearcache_queue_push(store, "l", S("delayed"), &how, NULL), NEARCACHE_OK);
    has_none(store, "l");
    IS(nearcache_store_advance_clock(store, 50), NEARCACHE_OK);
    second = reserved(store, "l", 0, 30000, "delayed");
    IS(nearcache_queue_ack(store, "l", second.receipt), NEARCACHE_OK);
}

static void settings(nearcache_store *store)
{
    nearcache_settings defaults = NEARCACHE_SETTINGS_INIT, told;
    nearcache_message message;
    uint64_t moved = 0;
    nearcache_messages *messages = NULL;

    IS(nearcache_queue_settings(store, "none", &told), NEARCACHE_NO_QUEUE);
    IS(nearcache_queue_settings(store, "q", &told), NEARCACHE_OK);
    CHECK(memcmp(&told, &defaults, sizeof told) == 0); /* the macro's are a new queue's */

    told.max_messages = 2;
    told.max_deliveries = 1;
    told.retry_delay = 5;
    told.lease = 9;
    told.expire = 500;
    strcpy(told.dead_letters, "graveyard");
    strcpy(told.expired_to, "late");
    IS(nearcache_queue_configure(store, "s", &told), NEARCACHE_OK);
    IS(nearcache_queue_settings(store, "s", &defaults), NEARCACHE_OK);
    CHECK(memcmp(&told, &defaults, sizeof told) == 0);
    IS(push_text(store, "s", "1"), NEARCACHE_OK);
    IS(push_text(store, "s", "2"), NEARCACHE_OK);
    IS(push_text(store, "s", "3"), NEARCACHE_QUEUE_FULL);
    CHECK(strstr(nearcache_last_error(), "\"s\"") != NULL);
    message = reserved(store, "s", 0, 0, "1");
    IS(nearcache_queue_nak(store, "s", message.receipt, NEARCACHE_RETRY_DELAY), NEARCACHE_OVER);
    IS(nearcache_queue_peek(store, "graveyard", 1, &messages), NEARCACHE_OK);
    IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
    CHECK(bytes_are(message.body, "1") && bytes_are(message.origin, "s"));
    nearcache_messages_close(messages);
    IS(nearcache_queue_requeue(store, "graveyard", NULL, 10, &moved), NEARCACHE_OK);
    CHECK(moved == 1 && number_of(store, "s", "messages") == 2);
    REFUSED(nearcache_queue_requeue(store, "s", NULL, 10, NULL), "comes from no other queue");
    IS(nearcache_queue_requeue(store, "s", "moved", SIZE_MAX, &moved), NEARCACHE_OK);
    CHECK(moved == 2 && number_of(store, "moved", "ready") == 2);
    IS(nearcache_queue_requeue(store, "none", NULL, 1, NULL), NEARCACHE_NO_QUEUE);

    IS(push_text(store, "s", "old"), NEARCACHE_OK);
    IS(nearcache_store_advance_clock(store, 500), NEARCACHE_OK);
    message = reserved(store, "late", 0, 30000, "old");
    told.discard_old = 1;
    told.expire = 0;
    IS(nearcache_queue_configure(store, "s", &told), NEARCACHE_OK);
    IS(push_text(store, "s", "1"), NEARCACHE_OK);
    IS(push_text(store, "s", "2"), NEARCACHE_OK);
    IS(push_text(store, "s", "3"), NEARCACHE_OK);
    reserved(store, "s", 0, 0, "2");

#define NO(field, value, word)                                                                               \
    defaults = told;                                                                                         \
    defaults.field = value;                                                                                  \
    REFUSED(nearcache_queue_configure(store, "s", &defaults), word)
    NO(discard_old, 2, "discard_old is 2");
    NO(lease, 0, "604800");
    NO(expire, 31536001, "expire");
    NO(dedup_window, 31536001, "dedup_window");
    NO(retry_delay, 31536001, "retry_delay");
    defaults = told;
    strcpy(defaults.expired_to, "s");
    REFUSED(nearcache_queue_configure(store, "s", &defaults), "itself");
    memset(defaults.dead_letters, 'd', sizeof defaults.dead_letters);
    REFUSED(nearcache_queue_configure(store, "s", &defaults), "dead_letters is not terminated");
}

static void on_name(void *user, const char *name)
{
    strcat(strcat(user, name), " ");
}

static void on_stat(void *user, const char *name, uint64_t value)
{
    (void)value;
    CHECK(*name != '\0');
    ++*(int *)user;
}

static void lines(nearcache_store *store)
{
    char names[256] = "";
    uint64_t purged = 0, value = 0;
    int count = 0;
    nearcache_messages *messages = NULL;

    IS(push_text(store, "fan", "before"), NEARCACHE_OK);
    has_none(store, "fan+mail"); /* made by the asking */
    IS(push_text(store, "fan", "after"), NEARCACHE_OK);
    reserved(store, "fan+mail", 0, 0, "after");
    IS(nearcache_queue_names(store, on_name, names), NEARCACHE_OK);
    CHECK(strstr(names, "fan fan+mail graveyard ") != NULL);
    IS(nearcache_queue_stats(store, "fan", on_stat, &count), NEARCACHE_OK);
    CHECK(count == 16);
    IS(nearcache_queue_stat(store, "fan", "of a later release", &value), NEARCACHE_MISS);
    IS(nearcache_queue_stat(store, "none", "messages", &value), NEARCACHE_NO_QUEUE);
    IS(nearcache_queue_stats(store, "none", on_stat, &count), NEARCACHE_NO_QUEUE);

    IS(nearcache_queue_pause(store, "fan"), NEARCACHE_OK);
    has_none(store, "fan");
    CHECK(number_of(store, "fan", "is_paused") == 1);
    IS(nearcache_queue_resume(store, "fan"), NEARCACHE_OK);
    reserved(store, "fan", 0, 0, "before");
    IS(nearcache_queue_purge(store, "fan", &purged), NEARCACHE_OK);
    CHECK(purged == 2);
    IS(nearcache_queue_delete(store, "fan"), NEARCACHE_OK);
    IS(nearcache_queue_delete(store, "fan"), NEARCACHE_MISS);
    IS(nearcache_queue_purge(store, "fan", NULL), NEARCACHE_NO_QUEUE);
    IS(nearcache_queue_pause(store, "fan"), NEARCACHE_NO_QUEUE);
    IS(nearcache_queue_resume(store, "fan"), NEARCACHE_NO_QUEUE);

    REFUSED(nearcache_queue_reserve(store, "q", 0, 0, 0, &messages), "`max` is 0");
    REFUSED(nearcache_queue_take(store, "q", 10001, 0, &messages), "`max` is 10001");
    REFUSED(nearcache_queue_peek(store, "q", SIZE_MAX, &messages), "`max`");
    REFUSED(nearcache_queue_reserve(store, "q", 1, 604801, 0, &messages), "604800");
    CHECK(messages == NULL);
}

static void once(nearcache_store *store)
{
    nearcache_batch *batch = NULL;
    nearcache_message message;
    size_t step = 77;
    uint64_t numbers[2] = { 0, 0 };
    IS(push_text(store, "jobs", "7"), NEARCACHE_OK);
    message = reserved(store, "jobs", 0, 0, "7");
    IS(put(store, "sum", "0"), NEARCACHE_OK);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    IS(nearcache_batch_incr(batch, S("sum"), 7), NEARCACHE_OK);
    IS(nearcache_batch_ack(batch, "jobs", message.receipt), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, numbers, 2, &step), NEARCACHE_OK);
    CHECK(numbers[0] == 7 && numbers[1] == 1 && number_of(store, "jobs", "messages") == 0);
    /* Had it been delivered again meanwhile, the second consumer's batch would do nothing. */
    IS(nearcache_batch_incr(batch, S("sum"), 7), NEARCACHE_OK);
    IS(nearcache_batch_ack(batch, "jobs", message.receipt), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, numbers, 2, &step), NEARCACHE_REFUSED);
    CHECK(step == 1 && keeps(store, "sum", "7"));
    nearcache_batch_discard(batch);
}

static void hostile(nearcache_store *store)
{
    static char long_text[100000], big[(1 << 20) + 1];
    const char *bad[] = { "", "x", "1-2-3", "1-2-3-4-5", "1-2-3-100000000", "1-2-ffffffffffffffff-1", "\xff\xfe", "----" };
    char renewed[NEARCACHE_RECEIPT_SIZE], name[242];
    const char *receipts[3];
    unsigned char each[3] = { 7, 7, 7 };
    size_t i, acked = 77;
    nearcache_batch *batch = NULL;
    nearcache_push how = { 0, NULL, 0, 0, 0 };
    nearcache_message message;

    memset(long_text, '1', sizeof long_text - 1);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSED(nearcache_queue_ack(store, "q", bad[i]), "receipt");
        REFUSED(nearcache_queue_nak(store, "q", bad[i], 0), "receipt");
        REFUSED(nearcache_queue_extend(store, "q", bad[i], 1, renewed), "receipt");
        REFUSED(nearcache_batch_ack(batch, "q", bad[i]), "receipt");
        REFUSED(nearcache_queue_ack_many(store, "q", &bad[i], 1, each, &acked), "receipt");
    }
    REFUSED(nearcache_queue_ack(store, "q", long_text), "99999 characters");
    IS(nearcache_queue_ack(store, "q", "1-2-3-4"), NEARCACHE_MISS); /* well made, of nothing */
    IS(nearcache_queue_nak(store, "none", "1-2-3-4", 0), NEARCACHE_MISS);
    IS(nearcache_queue_extend(store, "q", "1-2-3-4", 1, renewed), NEARCACHE_MISS);
    REFUSED(nearcache_queue_extend(store, "q", "1-2-3-4", 0, renewed), "604800");
    REFUSED(nearcache_queue_nak(store, "q", "1-2-3-4", -2), "`delay` is -2");
    REFUSED(nearcache_queue_nak(store, "q", "1-2-3-4", INT64_MAX), "`delay`");
    REFUSED(nearcache_queue_nak(store, "q", "1-2-3-4", 31536001), "31536000");
    nearcache_batch_discard(batch);

    IS(push_text(store, "h", "1"), NEARCACHE_OK);
    IS(push_text(store, "h", "2"), NEARCACHE_OK);
    message = reserved(store, "h", 0, 0, "1");
    receipts[0] = message.receipt;
    receipts[1] = receipts[0]; /* the same again */
    receipts[2] = "1-2-3-4";
    IS(nearcache_queue_ack_many(store, "h", receipts, 3, each, &acked), NEARCACHE_OK);
    CHECK(acked == 1 && each[0] == 1 && each[1] == 0 && each[2] == 0);
    IS(nearcache_queue_ack_many(store, "h", NULL, 0, NULL, NULL), NEARCACHE_OK);

    IS(nearcache_queue_push(store, "h", big, sizeof big, NULL, NULL), NEARCACHE_TOO_BIG);
    memset(name, 'n', sizeof name);
    name[241] = '\0';
    REFUSED(push_text(store, name, "b"), "240");
    REFUSED(push_text(store, "", "b"), "name");
    REFUSED(push_text(store, "a b", "b"), "spaces");
    REFUSED(push_text(store, "a/b", "b"), "'/'");
    REFUSED(push_text(store, "+b", "b"), "'+'");
    how.id = long_text;
    how.id_len = 251;
    REFUSED(nearcache_queue_push(store, "h", S("b"), &how, NULL), "250");
    how.id_len = 0;
    how.expire = -2;
    REFUSED(nearcache_queue_push(store, "h", S("b"), &how, NULL), "expire");
    how.expire = 31536001;
    REFUSED(nearcache_queue_push(store, "h", S("b"), &how, NULL), "expire");
    how.expire = 0;
    how.delay = 31536001;
    REFUSED(nearcache_queue_push(store, "h", S("b"), &how, NULL), "delay");
    CHECK(number_of(store, "h", "messages") == 1);
}

int main(void)
{
    nearcache_store_options options = by_hand();
    nearcache_store *store;
    make_root();
    store = open_store("store", &options);
    in_and_out(store);
    comes_back(store);
    settings(store);
    lines(store);
    once(store);
    hostile(store);
    IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_OK);
    nearcache_store_close(store);
    store = open_store("store", &options);
    CHECK(number_of(store, "h", "messages") == 1 && number_of(store, "moved", "messages") == 2);
    nearcache_store_close(store);
    remove_root();
    return finish("test_queue");
}
