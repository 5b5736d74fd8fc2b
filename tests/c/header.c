/* The header alone is C99, and C++11, without a warning; twice, for its guard. Compiled, not run. */
#include <nearcache.h>
#include <nearcache.h>

#ifdef __cplusplus
/* A pre-processor test is what programs do with a version. */
static_assert(sizeof(nearcache_status) == 4, "the status is 32 bits wide");
#endif

#if NEARCACHE_RELEASE_NUMBER < 1000 || NEARCACHE_ABI_VERSION < 0
#error "versions are numbers for the preprocessor"
#endif

const nearcache_options nearcache_test_options = NEARCACHE_OPTIONS_INIT;
const nearcache_store_options nearcache_test_store_options = NEARCACHE_STORE_OPTIONS_INIT;
const nearcache_settings nearcache_test_settings = NEARCACHE_SETTINGS_INIT;
extern int nearcache_test_sign(nearcache_status status);

int nearcache_test_sign(nearcache_status status)
{
    switch (status) { /* statuses are constants, all different */
    case NEARCACHE_OK: return 0;
    case NEARCACHE_MISS:
    case NEARCACHE_EXISTS:
    case NEARCACHE_NOT_STORED:
    case NEARCACHE_SHORT_BUFFER:
    case NEARCACHE_WON:
    case NEARCACHE_WAIT:
    case NEARCACHE_END:
    case NEARCACHE_DUPLICATE:
    case NEARCACHE_OVER: return 1;
    case NEARCACHE_INVALID:
    case NEARCACHE_TOO_BIG:
    case NEARCACHE_NOMEM:
    case NEARCACHE_NOT_NUMERIC:
    case NEARCACHE_SYSTEM:
    case NEARCACHE_LAYOUT:
    case NEARCACHE_CORRUPT:
    case NEARCACHE_PANIC:
    case NEARCACHE_NO_REGION:
    case NEARCACHE_REGION_EXISTS:
    case NEARCACHE_FOREIGN:
    case NEARCACHE_NOT_WRITABLE:
    case NEARCACHE_TOO_MANY:
    case NEARCACHE_IN_USE:
    case NEARCACHE_NO_STORE:
    case NEARCACHE_NEWER:
    case NEARCACHE_LOST:
    case NEARCACHE_DISK_FULL:
    case NEARCACHE_OVER_QUOTA:
    case NEARCACHE_CLOSED:
    case NEARCACHE_FORKED:
    case NEARCACHE_REFUSED:
    case NEARCACHE_STOPPED:
    case NEARCACHE_NO_QUEUE:
    case NEARCACHE_QUEUE_FULL:
    case NEARCACHE_CONNECTION:
    case NEARCACHE_UNSUPPORTED: return -1;
    default: return status;
    }
}
