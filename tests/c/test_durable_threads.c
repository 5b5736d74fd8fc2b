/* Eight threads on one store: four put messages in and count, four consume. Nothing is lost, doubled or out of order. */
#include "durable.h"

#include <pthread.h>

enum { EACH = 150, PRODUCERS = 4, CONSUMERS = 4, BATCH = 16 };

static nearcache_store *store;

typedef struct tally {
    unsigned number, bad;
    size_t messages;
    uint64_t sum;
} tally;

static void *produce(void *user)
{
    tally *mine = user;
    unsigned i;
    for (i = 0; i < EACH; i++) {
        uint64_t body = (uint64_t)mine->number * EACH + i, seq = 0;
        char key[16];
        snprintf(key, sizeof key, "%u", (unsigned)body);
        mine->bad += nearcache_queue_push(store, "work", &body, sizeof body, NULL, &seq) != NEARCACHE_OK;
        mine->bad += nearcache_store_incr(store, S("pushed"), 1, NULL) != NEARCACHE_OK;
        mine->bad += put(store, key, key) != NEARCACHE_OK || !keeps(store, key, key);
        mine->sum += body;
    }
    return NULL;
}

static void *consume(void *user)
{
    tally *mine = user;
    uint64_t last = 0, done = 0;
    while (done < PRODUCERS * EACH && mine->bad == 0) {
        nearcache_messages *messages = NULL;
        nearcache_message message[BATCH];
        const char *receipts[BATCH];
        size_t count = 0, acked = 0;
        const nearcache_status status = nearcache_queue_reserve(store, "work", BATCH, 0, 50, &messages);
        if (status == NEARCACHE_OK) {
            while (count < BATCH && nearcache_messages_next(messages, &message[count]) == NEARCACHE_OK) {
                uint64_t body = 0;
                memcpy(&body, message[count].body.data, sizeof body);
                mine->sum += body;
                mine->bad += message[count].seq <= last || message[count].deliveries != 1;
                last = message[count].seq;
                receipts[count] = message[count].receipt;
                count++;
            }
            mine->bad += nearcache_queue_ack_many(store, "work", receipts, count, NULL, &acked) != NEARCACHE_OK ||
                         acked != count;
            mine->messages += count;
        } else {
            mine->bad += status != NEARCACHE_MISS;
        }
        nearcache_messages_close(messages);
        mine->bad += nearcache_store_incr(store, S("consumed"), count, &done) != NEARCACHE_OK;
    }
    return NULL;
}

int main(void)
{
    nearcache_store_options options = NEARCACHE_STORE_OPTIONS_INIT;
    pthread_t threads[PRODUCERS + CONSUMERS];
    tally tallies[PRODUCERS + CONSUMERS];
    uint64_t in = 0, out = 0;
    size_t messages = 0;
    unsigned i;
    make_root();
    options.near_size = 8 << 20;
    store = open_store("store", &options);
    IS(put(store, "pushed", "0"), NEARCACHE_OK);
    IS(put(store, "consumed", "0"), NEARCACHE_OK);
    memset(tallies, 0, sizeof tallies);
    for (i = 0; i < PRODUCERS + CONSUMERS; i++) {
        tallies[i].number = i;
        CHECK(pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, &tallies[i]) == 0);
    }
    for (i = 0; i < PRODUCERS + CONSUMERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(tallies[i].bad == 0);
        if (i < PRODUCERS) {
            in += tallies[i].sum;
        } else {
            out += tallies[i].sum;
            messages += tallies[i].messages;
        }
    }
    CHECK(messages == PRODUCERS * EACH && in == out);
    CHECK(keeps(store, "pushed", "600") && keeps(store, "consumed", "600"));
    CHECK(number_of(store, "work", "messages") == 0 && number_of(store, "work", "acked") == messages);
    CHECK(number_of(store, NULL, "syncs") < number_of(store, NULL, "operations")); /* written together */
    IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_OK);
    nearcache_store_close(store);
    remove_root();
    return finish("test_durable_threads");
}
