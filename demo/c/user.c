/* The row's compact form: little-endian integers, the texts' lengths, the texts. Explicit, so that
 * it does not depend on a compiler's padding and another program could read it. */
#include "user.h"

#include <string.h>

static unsigned char *put(unsigned char *out, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *out++ = (unsigned char)(number >> (8 * i));
    return out;
}

static uint64_t take(const unsigned char *bytes, int count)
{
    uint64_t number = 0;
    for (int i = 0; i < count; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

size_t user_pack(const user *row, unsigned char *out)
{
    unsigned char *end = put(out, row->id, 4);
    end = put(end, row->visits, 4);
    end = put(end, (uint64_t)row->created_at, 8);
    memcpy(end, row->length, USER_TEXTS);
    end += USER_TEXTS;
    for (int i = 0; i < USER_TEXTS; i++) {
        memcpy(end, row->text[i], row->length[i]);
        end += row->length[i];
    }
    return (size_t)(end - out);
}

int user_unpack(const unsigned char *bytes, size_t length, user *row)
{
    const unsigned char *end = bytes + length;
    if (length < USER_HEAD)
        return -1;
    row->id = (uint32_t)take(bytes, 4);
    row->visits = (uint32_t)take(bytes + 4, 4);
    row->created_at = (int64_t)take(bytes + 8, 8);
    memcpy(row->length, bytes + 16, USER_TEXTS);
    bytes += USER_HEAD;
    for (int i = 0; i < USER_TEXTS; i++) {
        if (end - bytes < row->length[i])
            return -1;
        memcpy(row->text[i], bytes, row->length[i]);
        row->text[i][row->length[i]] = '\0';
        bytes += row->length[i];
    }
    return bytes == end ? 0 : -1;
}

int user_equal(const user *a, const user *b)
{
    if (a->id != b->id || a->visits != b->visits || a->created_at != b->created_at)
        return 0;
    for (int i = 0; i < USER_TEXTS; i++)
        if (a->length[i] != b->length[i] || memcmp(a->text[i], b->text[i], a->length[i]) != 0)
            return 0;
    return 1;
}
