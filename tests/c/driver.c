/*
 * Speaks memcached's classic text commands on stdin and stdout over one fresh private cache of 64 MiB with the
 * manual clock, so that one table of conversations can be run through the C interface. It holds no cache logic:
 * it parses, calls, and words the answer. `advance <seconds>` moves the clock.
 */
#include <nearcache.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRLF "\r\n"

/* ---- input: bytes from stdin; answers are flushed before waiting for more ---- */

static struct {
    char *data;
    size_t start, end, room;
} in;

/* Reads more; 0 at the end of the input. */
static int more(void)
{
    ssize_t got;
    fflush(stdout);
    if (in.start > 0) {
        memmove(in.data, in.data + in.start, in.end - in.start);
        in.end -= in.start;
        in.start = 0;
    }
    if (in.end == in.room) {
        in.room = in.room ? in.room * 2 : 65536;
        in.data = realloc(in.data, in.room);
        if (in.data == NULL) {
            perror("driver: reading");
            exit(1);
        }
    }
    do
        got = read(STDIN_FILENO, in.data + in.end, in.room - in.end);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        in.end += (size_t)got;
    return got > 0;
}

/* The next line, terminated and without its end; NULL at the end of the input. Valid until more bytes are read. */
static char *next_line(void)
{
    char *newline;
    while ((newline = in.end > in.start ? memchr(in.data + in.start, '\n', in.end - in.start) : NULL) == NULL) {
        if (!more())
            return NULL;
    }
    {
        char *line = in.data + in.start;
        in.start = (size_t)(newline - in.data) + 1;
        if (newline > line && newline[-1] == '\r')
            newline--;
        *newline = '\0';
        return line;
    }
}

/* Takes `len` bytes of data and their line end. NULL if the input or the line end is missing. */
static const char *next_data(size_t len)
{
    while (in.end - in.start < len + 2) {
        if (!more())
            return NULL;
    }
    {
        const char *data = in.data + in.start;
        in.start += len + 2;
        return memcmp(data + len, CRLF, 2) == 0 ? data : NULL;
    }
}

/* ---- output ---- */

static int silent; /* noreply */

static void say(const char *answer)
{
    if (!silent)
        printf("%s" CRLF, answer);
}

static void say_failure(nearcache_status status)
{
    switch (status) {
    case NEARCACHE_INVALID: say("CLIENT_ERROR bad command line format"); break;
    case NEARCACHE_TOO_BIG: say("SERVER_ERROR object too large for cache"); break;
    case NEARCACHE_NOMEM: say("SERVER_ERROR out of memory storing object"); break;
    case NEARCACHE_NOT_NUMERIC:
        say("CLIENT_ERROR cannot increment or decrement non-numeric value");
        break;
    default:
        if (!silent)
            printf("SERVER_ERROR %s" CRLF, nearcache_last_error());
    }
}

static void say_value(const char *key, size_t key_len, const nearcache_item *item, const void *value, int unique)
{
    printf("VALUE %.*s %lu %lu", (int)key_len, key, (unsigned long)item->flags, (unsigned long)item->len);
    if (unique)
        printf(" %llu", (unsigned long long)item->cas);
    printf(CRLF);
    fwrite(value, 1, item->len, stdout);
    printf(CRLF);
}

/* ---- words of a command line ---- */

struct words {
    char *rest;
};

/* The next word, not terminated; its length is 0 at the end of the line. */
static nearcache_bytes word(struct words *words)
{
    nearcache_bytes found;
    words->rest += strspn(words->rest, " ");
    found.data = words->rest;
    found.len = strcspn(words->rest, " ");
    words->rest += found.len;
    return found;
}

static int is(nearcache_bytes word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

/* Decimal numbers; 0 if it is none. */
static int to_u64(nearcache_bytes word, uint64_t *number)
{
    char *end;
    const char *text = word.data;
    if (word.len == 0 || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && end == text + word.len;
}

static int to_i64(nearcache_bytes word, int64_t *number)
{
    char *end;
    const char *text = word.data;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return word.len > 0 && errno == 0 && end == text + word.len;
}

/* ---- commands ---- */

struct gets {
    const nearcache_bytes *keys;
    int unique;
};

static void on_hit(void *user, size_t index, const nearcache_item *item, const void *value)
{
    const struct gets *gets = user;
    say_value(gets->keys[index].data, gets->keys[index].len, item, value, gets->unique);
}

/* Collects the keys left on the line. The caller frees them. */
static nearcache_bytes *keys_of(struct words words, size_t *count)
{
    nearcache_bytes *keys = malloc((strlen(words.rest) / 2 + 1) * sizeof *keys);
    nearcache_bytes key;
    if (keys == NULL) {
        perror("driver: keys");
        exit(1);
    }
    for (*count = 0; (key = word(&words)).len > 0; ++*count)
        keys[*count] = key;
    return keys;
}

static void get(nearcache_cache *cache, struct words words, int unique)
{
    struct gets gets;
    size_t count;
    nearcache_bytes *keys = keys_of(words, &count);
    nearcache_status status;
    gets.keys = keys;
    gets.unique = unique;
    if (count == 0) {
        say("CLIENT_ERROR bad command line format");
    } else {
        status = nearcache_get_many(cache, keys, count, on_hit, &gets);
        if (status == NEARCACHE_OK)
            say("END");
        else
            say_failure(status);
    }
    free(keys);
}

/* Gets and touches one key into a buffer that grows as needed. */
static nearcache_status gat_one(nearcache_cache *cache, nearcache_bytes key, int64_t exptime, nearcache_item *item,
                                char **buffer, size_t *room)
{
    nearcache_status status;
    while ((status = nearcache_gat(cache, key.data, key.len, exptime, *buffer, *room, item)) ==
           NEARCACHE_SHORT_BUFFER) {
        free(*buffer);
        *room = item->len;
        *buffer = malloc(*room);
        if (*buffer == NULL) {
            perror("driver: value");
            exit(1);
        }
    }
    return status;
}

static void gat(nearcache_cache *cache, struct words words, int unique)
{
    int64_t exptime;
    size_t count, i, room = 0;
    char *buffer = NULL;
    nearcache_bytes *keys;
    nearcache_status status = NEARCACHE_OK;
    if (!to_i64(word(&words), &exptime)) {
        say("CLIENT_ERROR invalid exptime argument");
        return;
    }
    keys = keys_of(words, &count);
    /* As in memcached a bad key spoils the whole answer, so all are asked for before anything is said. */
    for (i = 0; i < count && status >= 0; i++)
        status = nearcache_contains(cache, keys[i].data, keys[i].len);
    if (count == 0)
        status = NEARCACHE_INVALID;
    for (i = 0; i < count && status >= 0; i++) {
        nearcache_item item;
        status = gat_one(cache, keys[i], exptime, &item, &buffer, &room);
        if (status == NEARCACHE_OK)
            say_value(keys[i].data, keys[i].len, &item, buffer, unique);
    }
    if (status >= 0)
        say("END");
    else
        say_failure(status);
    free(buffer);
    free(keys);
}

static nearcache_status call_store(nearcache_cache *cache, nearcache_bytes verb, nearcache_bytes key,
                                   const char *data, size_t len, uint32_t flags, int64_t exptime, uint64_t unique)
{
    if (is(verb, "set"))
        return nearcache_set(cache, key.data, key.len, data, len, flags, exptime, NULL);
    if (is(verb, "add"))
        return nearcache_add(cache, key.data, key.len, data, len, flags, exptime, NULL);
    if (is(verb, "replace"))
        return nearcache_replace(cache, key.data, key.len, data, len, flags, exptime, NULL);
    if (is(verb, "append"))
        return nearcache_append(cache, key.data, key.len, data, len, NULL);
    if (is(verb, "prepend"))
        return nearcache_prepend(cache, key.data, key.len, data, len, NULL);
    return nearcache_cas(cache, key.data, key.len, data, len, flags, exptime, unique, NULL);
}

static void store(nearcache_cache *cache, nearcache_bytes verb, struct words words)
{
    const nearcache_bytes key = word(&words);
    uint64_t flags = 0, len = 0, unique = 0;
    int64_t exptime = 0;
    char verb_copy[16], key_copy[4096];
    nearcache_bytes verb_kept, key_kept;
    const char *data;
    nearcache_status status;
    const int parsed = to_u64(word(&words), &flags) & to_i64(word(&words), &exptime) &
                       to_u64(word(&words), &len) & (!is(verb, "cas") || to_u64(word(&words), &unique));

    if (!parsed || len >= 2147483646 || key.len > sizeof key_copy) {
        say("CLIENT_ERROR bad command line format");
        return;
    }
    silent = is(word(&words), "noreply");
    /* Reading the data moves the line: keep what is still needed of it. */
    memcpy(verb_copy, verb.data, verb.len);
    verb_kept.data = verb_copy;
    verb_kept.len = verb.len;
    memcpy(key_copy, key.data, key.len);
    key_kept.data = key_copy;
    key_kept.len = key.len;
    data = next_data((size_t)len);
    if (data == NULL) {
        say("CLIENT_ERROR bad data chunk");
        return;
    }
    status = call_store(cache, verb_kept, key_kept, data, (size_t)len, (uint32_t)flags, exptime, unique);
    switch (status) {
    case NEARCACHE_OK: say("STORED"); break;
    case NEARCACHE_NOT_STORED: say("NOT_STORED"); break;
    case NEARCACHE_EXISTS: say("EXISTS"); break;
    case NEARCACHE_MISS: say("NOT_FOUND"); break;
    default: say_failure(status);
    }
}

static void count(nearcache_cache *cache, int up, struct words words)
{
    const nearcache_bytes key = word(&words), delta_word = word(&words);
    uint64_t delta, value = 0;
    nearcache_status status;
    silent = is(word(&words), "noreply");
    if (!to_u64(delta_word, &delta)) {
        say(key.len && delta_word.len ? "CLIENT_ERROR invalid numeric delta argument"
                                      : "CLIENT_ERROR bad command line format");
        return;
    }
    status = up ? nearcache_incr(cache, key.data, key.len, delta, &value)
                : nearcache_decr(cache, key.data, key.len, delta, &value);
    if (status == NEARCACHE_OK && !silent)
        printf("%llu" CRLF, (unsigned long long)value);
    else if (status == NEARCACHE_MISS)
        say("NOT_FOUND");
    else if (status < 0)
        say_failure(status);
}

static void found(nearcache_status status, const char *done)
{
    if (status == NEARCACHE_OK)
        say(done);
    else if (status == NEARCACHE_MISS)
        say("NOT_FOUND");
    else
        say_failure(status);
}

static void touch(nearcache_cache *cache, struct words words)
{
    const nearcache_bytes key = word(&words), exptime_word = word(&words);
    int64_t exptime;
    silent = is(word(&words), "noreply");
    if (!to_i64(exptime_word, &exptime))
        say("CLIENT_ERROR invalid exptime argument");
    else
        found(nearcache_touch(cache, key.data, key.len, exptime), "TOUCHED");
}

static void delete_key(nearcache_cache *cache, struct words words)
{
    const nearcache_bytes key = word(&words);
    silent = is(word(&words), "noreply");
    found(nearcache_delete(cache, key.data, key.len), "DELETED");
}

static void flush_all(nearcache_cache *cache, struct words words)
{
    nearcache_bytes delay_word = word(&words);
    int64_t delay = 0;
    silent = is(delay_word, "noreply");
    if (!silent && delay_word.len > 0) {
        silent = is(word(&words), "noreply");
        if (!to_i64(delay_word, &delay)) {
            say("CLIENT_ERROR invalid exptime argument");
            return;
        }
    }
    found(nearcache_flush_all(cache, delay < 0 ? 0 : (uint32_t)delay), "OK");
}

static void advance(nearcache_cache *cache, struct words words)
{
    uint64_t seconds;
    if (!to_u64(word(&words), &seconds) || seconds > UINT32_MAX)
        say("ERROR");
    else
        found(nearcache_advance_clock(cache, (uint32_t)seconds), "OK");
}

static void run(nearcache_cache *cache, char *line)
{
    struct words words;
    nearcache_bytes verb;
    words.rest = line;
    verb = *line == ' ' ? (nearcache_bytes){ line, 0 } : word(&words);
    silent = 0;
    if (is(verb, "get") || is(verb, "gets"))
        get(cache, words, is(verb, "gets"));
    else if (is(verb, "gat") || is(verb, "gats"))
        gat(cache, words, is(verb, "gats"));
    else if (is(verb, "set") || is(verb, "add") || is(verb, "replace") || is(verb, "append") ||
             is(verb, "prepend") || is(verb, "cas"))
        store(cache, verb, words);
    else if (is(verb, "incr") || is(verb, "decr"))
        count(cache, is(verb, "incr"), words);
    else if (is(verb, "touch"))
        touch(cache, words);
    else if (is(verb, "delete"))
        delete_key(cache, words);
    else if (is(verb, "flush_all"))
        flush_all(cache, words);
    else if (is(verb, "advance"))
        advance(cache, words);
    else
        say("ERROR");
}

int main(void)
{
    nearcache_options options = NEARCACHE_OPTIONS_INIT;
    nearcache_cache *cache = NULL;
    char *line;
    options.size = 64 << 20;
    options.flags = NEARCACHE_MANUAL_CLOCK;
    if (nearcache_open(&options, &cache) != NEARCACHE_OK) {
        fprintf(stderr, "driver: %s\n", nearcache_last_error());
        return 1;
    }
    while ((line = next_line()) != NULL)
        run(cache, line);
    nearcache_close(cache);
    free(in.data);
    return fflush(stdout) != 0;
}
