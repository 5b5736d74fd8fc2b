/*
 * Orders that outlive the process, and a queue of what is to be done about them: an order and its message are written
 * together or not at all, and each message is counted once, however often it is delivered.
 *
 *   cc durable.c $(pkg-config --cflags --libs nearcache) -o durable && ./durable DIRECTORY
 *
 * DIRECTORY belongs to this process while it runs. Where others want it at the same time a daemon has it, and they give
 * its socket instead: unix:PATH.
 */
#include <nearcache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEASE_SECONDS = 30, AT_ONCE = 10 };

/* The answer, or the end: a failure says what was wrong and what to do. */
static nearcache_status must(nearcache_status status)
{
    if (status < 0) {
        fprintf(stderr, "durable: %s\n", nearcache_last_error());
        exit(1);
    }
    return status;
}

static void take_order(nearcache_store *store, const char *what)
{
    nearcache_batch *batch;
    char key[32];
    uint64_t number = 1;
    if (must(nearcache_store_incr(store, "orders", 6, 1, &number)) == NEARCACHE_MISS)
        must(nearcache_store_set(store, "orders", 6, "1", 1, 0, 0, NULL)); /* the first ever */
    snprintf(key, sizeof key, "order:%llu", (unsigned long long)number);

    must(nearcache_batch_begin(store, &batch));
    must(nearcache_batch_set(batch, key, strlen(key), what, strlen(what), 0, 0));
    must(nearcache_batch_push(batch, "kitchen", key, strlen(key), NULL));
    must(nearcache_batch_commit(batch, NULL, 0, NULL)); /* both, or neither; on the disk when it answers */
    nearcache_batch_discard(batch);
    printf("order %llu: %s\n", (unsigned long long)number, what);
}

/* Serves what is in the queue. A process that dies here leaves its messages to the next, when their leases end. */
static unsigned serve(nearcache_store *store)
{
    nearcache_messages *messages;
    nearcache_message message;
    nearcache_batch *batch;
    unsigned served = 0;
    must(nearcache_batch_begin(store, &batch));
    while (must(nearcache_queue_reserve(store, "kitchen", AT_ONCE, LEASE_SECONDS, 0, &messages)) == NEARCACHE_OK) {
        while (nearcache_messages_next(messages, &message) == NEARCACHE_OK) {
            nearcache_status status;
            must(nearcache_batch_incr(batch, "served", 6, 1));
            must(nearcache_batch_ack(batch, "kitchen", message.receipt));
            status = nearcache_batch_commit(batch, NULL, 0, NULL);
            if (status == NEARCACHE_REFUSED)
                continue; /* it took longer than the lease, and another has served it: nothing was counted */
            must(status);
            served++;
        }
        nearcache_messages_close(messages);
    }
    nearcache_batch_discard(batch);
    return served;
}

int main(int argc, char **argv)
{
    nearcache_store *store;
    char in_all[32];
    size_t len = 0;
    unsigned served;
    if (argc != 2) {
        fprintf(stderr, "usage: durable DIRECTORY\n");
        return 2;
    }
    must(nearcache_store_open(argv[1], NULL, &store));
    must(nearcache_store_add(store, "served", 6, "0", 1, 0, 0, NULL));
    take_order(store, "tea");
    take_order(store, "coffee");
    served = serve(store);
    must(nearcache_store_get(store, "served", 6, in_all, sizeof in_all, &len, NULL));
    printf("served %u, %.*s in all\n", served, (int)len, in_all);
    nearcache_store_close(store);
    return 0;
}
