/* The same store and queues behind a daemon's sockets: each family of calls, what is not to be had there, forked children,
 * threads, and a daemon that is killed and started again.
 *
 *   over_socket PROGRAM      the daemon's program, which has --store and --queue
 */
#include "durable.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

enum { PATIENCE = 60, THREADS = 4, EACH = 60 };

static const char *program;
static pid_t daemon_pid;

static nearcache_status open_socket(const char *name, nearcache_store **store_out)
{
    char where[600];
    snprintf(where, sizeof where, "unix:%s", at(name));
    return nearcache_store_open(where, NULL, store_out);
}

static nearcache_store *must_open_socket(const char *name)
{
    nearcache_store *store = NULL;
    IS(open_socket(name, &store), NEARCACHE_OK);
    if (store == NULL)
        exit(finish("over_socket"));
    return store;
}

static void start_daemon(void)
{
    const time_t until = time(NULL) + PATIENCE;
    nearcache_store *store = NULL;
    daemon_pid = forked();
    if (daemon_pid == 0) {
        char data[512], sockets[3][512];
        snprintf(data, sizeof data, "%s", at("data"));
        snprintf(sockets[0], sizeof sockets[0], "%s", at("cache.sock"));
        snprintf(sockets[1], sizeof sockets[1], "%s", at("store.sock"));
        snprintf(sockets[2], sizeof sockets[2], "%s", at("queue.sock"));
        execl(program, program, "-u", getuid() == 0 ? "root" : "nobody", "-s", sockets[0], "--store", data, "--queue",
              data, "--store-socket", sockets[1], "--queue-socket", sockets[2], "--store-near-name", at("near"),
              "--store-near", "2m", (char *)NULL);
        perror(program);
        _exit(127);
    }
    while (open_socket("store.sock", &store) == NEARCACHE_CONNECTION && time(NULL) < until &&
           waitpid(daemon_pid, NULL, WNOHANG) == 0)
        poll(NULL, 0, 10);
    CHECK(store != NULL);
    if (store == NULL)
        exit(finish("over_socket: the daemon does not answer"));
    nearcache_store_close(store);
}

static void end_daemon(int signal)
{
    CHECK(kill(daemon_pid, signal) == 0);
    CHECK(waitpid(daemon_pid, NULL, 0) == daemon_pid);
}

static void items(nearcache_store *store)
{
    static char large[300000];
    const nearcache_bytes keys[] = { { S("k") }, { S("none") } };
    nearcache_store_iter *iter = NULL;
    nearcache_bytes key, value;
    nearcache_item item;
    uint64_t number = 0, cas = 0;
    char buffer[16];
    int64_t seconds = 0;
    size_t len = 0;

    IS(nearcache_store_get(store, S("k"), buffer, 16, &len, NULL), NEARCACHE_MISS);
    IS(nearcache_store_add(store, S("k"), S("b\0"), 7, 60, &cas), NEARCACHE_OK);
    IS(nearcache_store_add(store, S("k"), S("b"), 0, 0, NULL), NEARCACHE_NOT_STORED);
    IS(nearcache_store_gets(store, S("k"), buffer, 16, &item), NEARCACHE_OK);
    CHECK(item.len == 2 && item.flags == 7 && item.cas == cas && item.ttl >= 59);
    IS(nearcache_store_cas(store, S("k"), S("5"), 0, 0, cas + 1000, NULL), NEARCACHE_EXISTS);
    IS(nearcache_store_cas(store, S("k"), S("5"), 0, 0, cas, NULL), NEARCACHE_OK);
    IS(nearcache_store_incr(store, S("k"), 10, &number), NEARCACHE_OK);
    CHECK(number == 15);
    IS(nearcache_store_decr(store, S("none"), 10, &number), NEARCACHE_MISS);
    IS(nearcache_store_gat(store, S("k"), 30, buffer, 16, &item), NEARCACHE_OK);
    CHECK(item.ttl == 30 && item.len == 2 && keeps(store, "k", "15"));
    IS(nearcache_store_touch(store, S("none"), 30), NEARCACHE_MISS);
    IS(nearcache_store_get_many(store, keys, 2, NULL, NULL), NEARCACHE_INVALID);
    memset(large, 'L', sizeof large);
    IS(nearcache_store_set(store, S("large"), large, sizeof large, 0, 0, NULL), NEARCACHE_OK);
    IS(nearcache_store_get(store, S("large"), NULL, 0, &len, NULL), NEARCACHE_SHORT_BUFFER);
    CHECK(len == sizeof large);
    IS(nearcache_store_iter_open(store, S("lar"), 0, &iter), NEARCACHE_OK);
    IS(nearcache_store_iter_next(iter, &key, &value, &item), NEARCACHE_OK);
    CHECK(bytes_are(key, "large") && value.len == sizeof large && memcmp(value.data, large, value.len) == 0);
    IS(nearcache_store_iter_next(iter, &key, NULL, NULL), NEARCACHE_END);
    nearcache_store_iter_close(iter);
    IS(nearcache_store_incr(store, S("large"), 1, NULL), NEARCACHE_NOT_NUMERIC);
    IS(nearcache_store_set(store, "", 0, S("v"), 0, 0, NULL), NEARCACHE_INVALID);
    IS(nearcache_store_delete(store, S("large")), NEARCACHE_OK);
    IS(nearcache_store_delete(store, S("large")), NEARCACHE_MISS);

    IS(nearcache_store_iter_open(store, NULL, 0, NEARCACHE_SNAPSHOT, &iter), NEARCACHE_UNSUPPORTED);
    IS(nearcache_store_unix_time(store, &seconds), NEARCACHE_UNSUPPORTED);
    IS(nearcache_store_advance_clock(store, 1), NEARCACHE_UNSUPPORTED);
    CHECK(number_of(store, NULL, "curr_items") == 1);
    IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_OK);
    IS(nearcache_store_backup(store, at("backup"), NULL, NULL), NEARCACHE_OK);
    IS(nearcache_store_backup(store, at("backup"), NULL, NULL), NEARCACHE_FOREIGN);
    IS(nearcache_store_compact(store, NULL, NULL), NEARCACHE_OK);
    {
        nearcache_store *copy = open_store("backup", NULL);
        CHECK(keeps(copy, "k", "15"));
        nearcache_store_close(copy);
    }
}

static void queues(nearcache_store *store, nearcache_store *other)
{
    nearcache_settings settings = NEARCACHE_SETTINGS_INIT, told;
    nearcache_batch *batch = NULL;
    nearcache_message message;
    char renewed[NEARCACHE_RECEIPT_SIZE];
    uint64_t numbers[3];
    size_t step = 77;

    has_none(store, "q");
    IS(push_text(store, "q", "one"), NEARCACHE_OK);
    message = reserved(other, "q", 30, 1000, "one"); /* either socket leads to the whole directory */
    IS(nearcache_queue_extend(store, "q", message.receipt, 60, renewed), NEARCACHE_OK);
    IS(nearcache_queue_nak(store, "q", renewed, 0), NEARCACHE_OK);
    message = reserved(store, "q", 0, 0, "one");
    CHECK(message.deliveries == 2);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    IS(nearcache_batch_set(batch, S("done"), S("one"), 0, 0), NEARCACHE_OK);
    IS(nearcache_batch_ack(batch, "q", message.receipt), NEARCACHE_OK);
    IS(nearcache_batch_push(batch, "next", S("one"), NULL), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, numbers, 3, NULL), NEARCACHE_OK);
    CHECK(numbers[0] != 0 && numbers[1] == 1 && numbers[2] > numbers[0] && keeps(other, "done", "one"));
    IS(nearcache_batch_ack(batch, "q", message.receipt), NEARCACHE_OK);
    IS(nearcache_batch_commit(batch, NULL, 0, &step), NEARCACHE_REFUSED);
    CHECK(step == 0);
    nearcache_batch_discard(batch);
    settings.max_messages = 1;
    IS(nearcache_queue_configure(store, "next", &settings), NEARCACHE_OK);
    IS(nearcache_queue_settings(store, "next", &told), NEARCACHE_OK);
    CHECK(memcmp(&settings, &told, sizeof told) == 0);
    IS(push_text(store, "next", "two"), NEARCACHE_QUEUE_FULL);
    IS(nearcache_queue_settings(store, "none", &told), NEARCACHE_NO_QUEUE);
    CHECK(number_of(store, "next", "messages") == 1);
    IS(nearcache_queue_purge(store, "next", NULL), NEARCACHE_OK);
    IS(nearcache_queue_delete(store, "next"), NEARCACHE_OK);
}

static void *work(void *store)
{
    int i;
    size_t bad = 0;
    for (i = 0; i < EACH; i++)
        bad += push_text(store, "work", "x") != NEARCACHE_OK ||
               nearcache_store_incr(store, S("work"), 1, NULL) != NEARCACHE_OK;
    return bad == 0 ? store : NULL;
}

static void many_at_once(nearcache_store *store)
{
    pthread_t threads[THREADS];
    nearcache_messages *messages = NULL;
    size_t count = 0;
    int i;
    IS(put(store, "work", "0"), NEARCACHE_OK);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, store) == 0);
    for (i = 0; i < THREADS; i++) {
        void *well = NULL;
        CHECK(pthread_join(threads[i], &well) == 0 && well == store);
    }
    CHECK(keeps(store, "work", "240"));
    IS(nearcache_queue_take(store, "work", NEARCACHE_MESSAGES_MAX, 0, &messages), NEARCACHE_OK);
    IS(nearcache_messages_count(messages, &count), NEARCACHE_OK);
    CHECK(count == THREADS * EACH);
    nearcache_messages_close(messages);
}

/* A child goes on with connections of its own. */
static void child_of(nearcache_store *store)
{
    const pid_t child = forked();
    if (child == 0) {
        CHECK(keeps(store, "done", "one"));
        IS(put(store, "from", "the child"), NEARCACHE_OK);
        nearcache_store_close(store);
        fflush(NULL);
        _exit(failures != 0);
    }
    CHECK(keeps(store, "done", "one"));
    CHECK(ended_well(child) && keeps(store, "from", "the child"));
}

static void killed(nearcache_store *store)
{
    nearcache_store_options options = NEARCACHE_STORE_OPTIONS_INIT;
    nearcache_store *none = NULL;
    IS(nearcache_store_open(at("store.sock"), &options, &none), NEARCACHE_INVALID); /* a path that is a socket is one */
    IS(nearcache_store_open(at("data"), NULL, &none), NEARCACHE_IN_USE);
    end_daemon(SIGKILL);
    IS(put(store, "k", "lost"), NEARCACHE_CONNECTION);
    CHECK(strlen(nearcache_last_error()) > 20);
    IS(push_text(store, "q", "lost"), NEARCACHE_CONNECTION);
    start_daemon();
    CHECK(keeps(store, "k", "15") && keeps(store, "from", "the child")); /* the same handle goes on */
    IS(put(store, "k", "again"), NEARCACHE_OK);
    IS(nearcache_store_flush_all(store, 0), NEARCACHE_OK);
    CHECK(!keeps(store, "k", "again"));
}

int main(int argc, char **argv)
{
    nearcache_store *store, *queue;
    if (argc != 2) {
        fprintf(stderr, "usage: %s PROGRAM\n", argv[0]);
        return 2;
    }
    program = argv[1];
    make_root();
    start_daemon();
    store = must_open_socket("store.sock");
    queue = must_open_socket("queue.sock");
    items(store);
    queues(queue, store);
    child_of(store);
    many_at_once(store);
    killed(store);
    nearcache_store_close(queue);
    nearcache_store_close(store);
    end_daemon(SIGTERM);
    remove_root();
    return finish("over_socket");
}
