/* A small client of memcached's text protocol: one request, one reply, over a unix socket. */
#include "cache.h"
#include "database.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct socket_cache {
    cache base; /* first, so that one is the other */
    int fd;
    size_t have;
    char buffer[8192];
} socket_cache;

static void send_all(socket_cache *self, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(self->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            fail("writing to the cache server: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
}

static void receive_more(socket_cache *self)
{
    if (self->have == sizeof self->buffer - 1)
        fail("the cache server's reply is longer than %zu bytes", self->have);
    ssize_t got;
    do {
        got = recv(self->fd, self->buffer + self->have, sizeof self->buffer - 1 - self->have, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        fail("reading from the cache server: %s", got == 0 ? "it closed the connection" : strerror(errno));
    self->have += (size_t)got;
    self->buffer[self->have] = '\0';
}

/* Waits for a whole line; returns its length with the line end. */
static size_t receive_line(socket_cache *self)
{
    char *end;
    self->have = 0;
    self->buffer[0] = '\0';
    while ((end = strstr(self->buffer, "\r\n")) == NULL)
        receive_more(self);
    return (size_t)(end - self->buffer) + 2;
}

static long socket_get(cache *base, const char *key, size_t key_length, unsigned char *out, size_t room)
{
    socket_cache *self = (socket_cache *)base;
    char request[300];
    int length = snprintf(request, sizeof request, "get %.*s\r\n", (int)key_length, key);
    send_all(self, request, (size_t)length);
    size_t head = receive_line(self);
    if (strncmp(self->buffer, "END\r\n", 5) == 0)
        return -1;
    size_t value;
    if (sscanf(self->buffer, "VALUE %*250s %*u %zu", &value) != 1)
        fail("the cache server answered a get with: %.*s", (int)head - 2, self->buffer);
    if (value > room)
        fail("the cached row has %zu bytes; the demo's rows have at most %zu", value, room);
    while (self->have < head + value + strlen("\r\nEND\r\n"))
        receive_more(self);
    memcpy(out, self->buffer + head, value);
    return (long)value;
}

static void expect(socket_cache *self, const char *one, const char *other)
{
    size_t length = receive_line(self) - 2;
    self->buffer[length] = '\0';
    if (strcmp(self->buffer, one) != 0 && strcmp(self->buffer, other) != 0)
        fail("the cache server answered '%s' where %s or %s was expected", self->buffer, one, other);
}

static void socket_set(cache *base, const char *key, size_t key_length, const unsigned char *value, size_t length)
{
    socket_cache *self = (socket_cache *)base;
    char request[300 + USER_PACKED_MAX];
    int head = snprintf(request, 300, "set %.*s 0 %d %zu\r\n", (int)key_length, key, ROW_SECONDS, length);
    memcpy(request + head, value, length);
    memcpy(request + head + length, "\r\n", 2);
    send_all(self, request, (size_t)head + length + 2);
    expect(self, "STORED", "NOT_STORED");
}

static void socket_delete(cache *base, const char *key, size_t key_length)
{
    socket_cache *self = (socket_cache *)base;
    char request[300];
    int length = snprintf(request, sizeof request, "delete %.*s\r\n", (int)key_length, key);
    send_all(self, request, (size_t)length);
    expect(self, "DELETED", "NOT_FOUND");
}

static void socket_close(cache *base)
{
    socket_cache *self = (socket_cache *)base;
    close(self->fd);
    free(self);
}

cache *cache_open_socket(const char *path)
{
    socket_cache *self = calloc(1, sizeof *self);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (self == NULL)
        fail("out of memory");
    if (strlen(path) >= sizeof address.sun_path)
        fail("the socket's path is longer than %zu bytes: %s", sizeof address.sun_path - 1, path);
    strcpy(address.sun_path, path);
    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (self->fd < 0 || connect(self->fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connecting to %s: %s", path, strerror(errno));
    self->base = (cache){socket_get, socket_set, socket_delete, socket_close};
    return &self->base;
}
