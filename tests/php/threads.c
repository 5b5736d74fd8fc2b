/*
 * PHP in threads, as Apache's worker and FrankenPHP run it, without either: a ZTS build's libphp, and in each thread one
 * request after another that includes the same script. Nothing that is one request's or one thread's may show in another.
 *
 * Usage: threads PHP_INI SCRIPT THREADS ROUNDS. The script gets $thread and $round; at last, alone, $thread is -1.
 * Exits with the number of requests that failed, at most 100.
 */

#include <pthread.h>
#include <sapi/embed/php_embed.h>

static const char *script;
static int rounds;
static int failed;

/* One request in this thread. */
static void request(int thread, int round)
{
    char code[4096];
    int sound = 0;

    snprintf(code, sizeof code, "$thread = %d; $round = %d; $rounds = %d; require '%s';", thread, round, rounds, script);
    if (php_request_startup() == SUCCESS) {
        SG(headers_sent) = 1;
        SG(request_info).no_headers = 1;
        /* What the last request of this thread left. An error that nobody catches makes it 255, exit() what it says. */
        EG(exit_status) = 0;
        zend_first_try {
            zend_eval_string_ex(code, NULL, "threads", 1);
        } zend_end_try();
        sound = EG(exit_status) == 0;
        php_request_shutdown(NULL);
    }
    if (!sound) {
        fprintf(stderr, "failed: thread %d, round %d\n", thread, round);
        __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
    }
}

static void *run(void *number)
{
    (void) ts_resource(0);
    for (int round = 0; round < rounds; round++) {
        request((int) (intptr_t) number, round);
    }
    ts_free_thread();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    int count;

    if (argc != 5 || (count = atoi(argv[3])) < 1 || count > 64) {
        fprintf(stderr, "usage: threads PHP_INI SCRIPT THREADS ROUNDS, with 1 to 64 threads\n");
        return 101;
    }
    script = argv[2];
    rounds = atoi(argv[4]);
    php_embed_module.php_ini_path_override = argv[1];
    if (php_embed_init(0, NULL) != SUCCESS) {
        return 102;
    }
    /* While the threads run the first one is in no request, as in a server. */
    php_request_shutdown(NULL);
    for (int i = 0; i < count; i++) {
        pthread_create(&threads[i], NULL, run, (void *) (intptr_t) i);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    request(-1, count);
    php_request_startup();
    php_embed_shutdown();
    return failed > 100 ? 100 : failed;
}
