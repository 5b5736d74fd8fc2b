/* get_user and update_user, the whole of the pattern that the demo shows. */
#include "users.h"

#include <stdio.h>

size_t users_key(uint32_t id, char *key)
{
    return (size_t)snprintf(key, USERS_KEY_MAX, "user:%u", id);
}

int users_get(users *u, uint32_t id, user *row)
{
    unsigned char packed[USER_PACKED_MAX];
    char key[USERS_KEY_MAX];
    if (u->cache == NULL)
        return database_read(u->db, id, row);
    size_t key_length = users_key(id, key);
    long length = u->cache->get(u->cache, key, key_length, packed, sizeof packed);
    if (length >= 0) {
        u->hits++;
        if (user_unpack(packed, (size_t)length, row) != 0)
            fail("what is cached under %s is not a packed user", key);
        return 1;
    }
    u->misses++;
    if (!database_read(u->db, id, row))
        return 0;
    u->cache->set(u->cache, key, key_length, packed, user_pack(row, packed));
    return 1;
}

void users_update(users *u, uint32_t id)
{
    char key[USERS_KEY_MAX];
    database_visit(u->db, id);
    if (u->cache != NULL)
        u->cache->delete(u->cache, key, users_key(id, key));
}
