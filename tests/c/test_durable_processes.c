/* Other processes: one that finds the store in use, forked children, a reader of the shared near tier, and writers that
 * are killed, after which everything that was answered is there. */
#include "durable.h"

#include <errno.h>

enum { ROUNDS = 3, ENOUGH = 40 };

/* Writes for ever, and tells each number after it was answered: an item, a message, and both in one batch. */
static void write_on(const char *directory, int pipe_end, unsigned first)
{
    nearcache_store *store = NULL;
    nearcache_batch *batch = NULL;
    unsigned number;
    if (nearcache_store_open(directory, NULL, &store) != NEARCACHE_OK ||
        nearcache_batch_begin(store, &batch) != NEARCACHE_OK) {
        fprintf(stderr, "writer: %s\n", nearcache_last_error());
        _exit(1);
    }
    for (number = first;; number++) {
        char text[16];
        snprintf(text, sizeof text, "%u", number);
        if (put(store, text, text) != NEARCACHE_OK || push_text(store, "all", text) != NEARCACHE_OK ||
            nearcache_batch_append(batch, S("log"), S("x")) != NEARCACHE_OK ||
            nearcache_batch_push(batch, "batched", text, strlen(text), NULL) != NEARCACHE_OK ||
            nearcache_batch_commit(batch, NULL, 0, NULL) != NEARCACHE_OK ||
            write(pipe_end, &number, sizeof number) != (ssize_t)sizeof number) {
            fprintf(stderr, "writer: %s\n", nearcache_last_error());
            _exit(1);
        }
    }
}

/* The next number of a pipe; 0 at its end. */
static unsigned told(int pipe_end)
{
    unsigned number = 0;
    ssize_t got;
    do
        got = read(pipe_end, &number, sizeof number);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof number ? number : 0;
}

/* Each number up to `last` is there once, in order; one more may be. */
static void all_are_there(nearcache_store *store, unsigned last)
{
    nearcache_messages *messages = NULL;
    nearcache_message message;
    char text[16];
    unsigned number;
    nearcache_item log;
    for (number = 1; number <= last; number++) {
        snprintf(text, sizeof text, "%u", number);
        CHECK(keeps(store, text, text));
    }
    IS(nearcache_queue_peek(store, "all", NEARCACHE_MESSAGES_MAX, &messages), NEARCACHE_OK);
    for (number = 1; number <= last; number++) {
        snprintf(text, sizeof text, "%u", number);
        IS(nearcache_messages_next(messages, &message), NEARCACHE_OK);
        CHECK(bytes_are(message.body, text));
    }
    nearcache_messages_close(messages);
    /* A batch is whole or not there. */
    IS(nearcache_store_gets(store, S("log"), NULL, 0, &log), NEARCACHE_SHORT_BUFFER);
    CHECK(log.len == 1 + number_of(store, "batched", "messages") && log.len >= 1 + last);
    IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_OK);
}

static void killed(const char *program)
{
    unsigned last = 0, number = 0;
    int round;
    nearcache_store *store = open_store("killed", NULL);
    IS(put(store, "log", "x"), NEARCACHE_OK);
    nearcache_store_close(store);
    for (round = 0; round < ROUNDS; round++) {
        int ends[2], status = -1;
        pid_t writer;
        CHECK(pipe(ends) == 0);
        writer = forked();
        if (writer == 0) {
            char end[16], first[16];
            snprintf(end, sizeof end, "%d", ends[1]);
            snprintf(first, sizeof first, "%u", last + 1);
            close(ends[0]);
            execl(program, program, at("killed"), end, first, (char *)NULL);
            _exit(127);
        }
        close(ends[1]);
        while ((number = told(ends[0])) != 0 && number < last + ENOUGH + (unsigned)round * 7) {
        }
        CHECK(kill(writer, SIGKILL) == 0);
        CHECK(waitpid(writer, &status, 0) == writer && WIFSIGNALED(status));
        while (number != 0) { /* what it has told since */
            last = number;
            number = told(ends[0]);
        }
        close(ends[0]);
        CHECK(last >= ENOUGH);
        store = open_store("killed", NULL);
        all_are_there(store, last);
        /* The next writer goes on behind what may have been written and not told. */
        {
            char next[16];
            snprintf(next, sizeof next, "%u", last + 1);
            if (number_of(store, "all", "messages") > last) {
                CHECK(keeps(store, next, next));
                if (number_of(store, "batched", "messages") == last) {
                    IS(nearcache_store_append(store, S("log"), S("x"), NULL), NEARCACHE_OK);
                    IS(push_text(store, "batched", next), NEARCACHE_OK);
                }
                last++;
            }
        }
        nearcache_store_close(store);
    }
}

/* Ends a forked child by its failed checks; as another program, for what the store's threads held when it was forked is
 * rightly lost in it, and a leak check would count that. */
static void child_ends(void)
{
    fflush(NULL);
    if (failures == 0)
        execlp("true", "true", (char *)NULL);
    _exit(1);
}

static void forked_child(void)
{
    nearcache_store *store = open_store("store", NULL), *own = NULL, *again = NULL;
    nearcache_store_iter *iter = NULL;
    nearcache_messages *messages = NULL;
    nearcache_batch *batch = NULL;
    pid_t child;
    IS(put(store, "k", "parent"), NEARCACHE_OK);
    IS(push_text(store, "q", "message"), NEARCACHE_OK);
    IS(nearcache_batch_begin(store, &batch), NEARCACHE_OK);
    IS(nearcache_batch_set(batch, S("batched"), S("once"), 0, 0), NEARCACHE_OK);
    child = forked();
    if (child == 0) {
        size_t len;
        char b[8];
        IS(nearcache_store_get(store, S("k"), b, 8, &len, NULL), NEARCACHE_FORKED);
        CHECK(strstr(nearcache_last_error(), "fork") != NULL);
        IS(put(store, "k", "child"), NEARCACHE_FORKED);
        IS(push_text(store, "q", "child's"), NEARCACHE_FORKED);
        IS(nearcache_queue_reserve(store, "q", 1, 0, 60000, &messages), NEARCACHE_FORKED);
        IS(nearcache_batch_commit(batch, NULL, 0, NULL), NEARCACHE_FORKED);
        IS(nearcache_store_iter_open(store, NULL, 0, NEARCACHE_SNAPSHOT, &iter), NEARCACHE_FORKED);
        IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_FORKED);
        IS(nearcache_store_open(at("store"), NULL, &again), NEARCACHE_IN_USE);
        CHECK(strstr(nearcache_last_error(), "in use by") != NULL);
        IS(nearcache_store_open(at("child's"), NULL, &own), NEARCACHE_OK); /* and one of its own is as any other */
        IS(put(own, "k", "child"), NEARCACHE_OK);
        nearcache_store_close(own);
        nearcache_batch_discard(batch);
        nearcache_store_close(store);
        child_ends();
    }
    CHECK(ended_well(child));
    CHECK(keeps(store, "k", "parent") && number_of(store, "q", "messages") == 1);
    IS(nearcache_batch_commit(batch, NULL, 0, NULL), NEARCACHE_OK);
    nearcache_batch_discard(batch);
    IS(nearcache_store_verify(store, NULL, NULL), NEARCACHE_OK);
    nearcache_store_close(store);
    store = open_store("child's", NULL);
    CHECK(keeps(store, "k", "child"));
    nearcache_store_close(store);
}

/* Another process reads what is hot without a word to the owner. */
static void near_tier(void)
{
    nearcache_store_options options = NEARCACHE_STORE_OPTIONS_INIT;
    nearcache_store *store;
    pid_t reader;
    char path[512];
    snprintf(path, sizeof path, "%s", at("near"));
    options.near_name = path;
    options.near_size = 2 << 20;
    store = open_store("shared", &options);
    IS(put(store, "hot", "value"), NEARCACHE_OK);
    reader = forked();
    if (reader == 0) {
        nearcache_options attach = NEARCACHE_OPTIONS_INIT;
        nearcache_cache *cache = NULL;
        attach.name = path;
        attach.access = NEARCACHE_READ_ONLY;
        IS(nearcache_open(&attach, &cache), NEARCACHE_OK);
        CHECK(cache != NULL && holds(cache, "hot", "value"));
        nearcache_close(cache);
        child_ends();
    }
    CHECK(ended_well(reader));
    nearcache_store_close(store);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

/* A signal to the process is handled by its own threads: the store's have all of them blocked. */
static void signals_stay_away(void)
{
    nearcache_store *store = open_store("signals", NULL);
    sigset_t blocked, before;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    sigemptyset(&blocked);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0 && sigismember(&before, SIGUSR1) == 0); /* as it was */
    sigaddset(&blocked, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    IS(put(store, "k", "v"), NEARCACHE_OK); /* its threads have run meanwhile */
    CHECK(alarms == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    CHECK(alarms == 1);
    nearcache_store_close(store);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        write_on(argv[1], atoi(argv[2]), (unsigned)atoi(argv[3]));
    make_root();
    forked_child();
    near_tier();
    signals_stay_away();
    killed(argv[0]);
    remove_root();
    return finish("test_durable_processes");
}
