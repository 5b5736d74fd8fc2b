/* A row of the table and its form in the cache. */
#ifndef DEMO_USER_H
#define DEMO_USER_H

#include <stddef.h>
#include <stdint.h>

#define USER_TEXTS 5
#define USER_TEXT_MAX 255
/* id, visits, created_at, the texts' lengths in a byte each, the texts. demo/python/users.py
 * and demo/php/Users.php pack the same way, so that a row cached by one is a hit in the others. */
#define USER_HEAD (4 + 4 + 8 + USER_TEXTS)
#define USER_PACKED_MAX (USER_HEAD + USER_TEXTS * USER_TEXT_MAX)

enum { USER_NAME, USER_EMAIL, USER_CITY, USER_COUNTRY, USER_BIO };

typedef struct user {
    uint32_t id;
    uint32_t visits;
    int64_t created_at;
    uint8_t length[USER_TEXTS];
    char text[USER_TEXTS][USER_TEXT_MAX + 1];
} user;

/* Packs a row into at most USER_PACKED_MAX bytes; returns how many. */
size_t user_pack(const user *row, unsigned char *out);

/* Unpacks; returns 0, or -1 if the bytes are not a packed row. */
int user_unpack(const unsigned char *bytes, size_t length, user *row);

/* 1 if every column is the same. */
int user_equal(const user *a, const user *b);

#endif
