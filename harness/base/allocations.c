/* Replaces the allocation functions of the whole program by ones that count and then do what glibc does.
 *
 * They forward to glibc's own __libc_* entries, so the heap is the same one: memory may be freed by code that was
 * bound to glibc's free, and the other way round. That leaves nothing to initialise, which matters because they
 * run before main and inside the dynamic loader. The counters are initial-exec thread-local: reading them never
 * allocates, and they exist as soon as a thread runs. A forked child goes on from its parent's count. */
#include "harness/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

#if defined(__has_feature)
#define FEATURE(x) __has_feature(x)
#else
#define FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || FEATURE(address_sanitizer) || \
    FEATURE(thread_sanitizer) || FEATURE(memory_sanitizer) || FEATURE(leak_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if defined(__GLIBC__) && !SANITIZED

/* Volatile: compilers know that malloc and strdup change no variable of the program, which here is not so. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    volatile uint64_t made[2]; /* by owner */
    enum assay_allocation_owner owner;
} counter;

/* glibc exports these for exactly this use but declares them nowhere. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void *__libc_valloc(size_t bytes);
void *__libc_pvalloc(size_t bytes);
void __libc_free(void *block);

/* Seen by every library and plug-in, which -fvisibility=hidden would prevent. */
#define REPLACES __attribute__((visibility("default"), used))
void *memalign(size_t alignment, size_t bytes);
void *valloc(size_t bytes);
void *pvalloc(size_t bytes);

static void count(void)
{
    counter.made[counter.owner]++;
}

static bool power_of_two(size_t x)
{
    return x && (x & (x - 1)) == 0;
}

REPLACES void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

REPLACES void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

REPLACES void *realloc(void *old, size_t bytes)
{
    count();
    return __libc_realloc(old, bytes);
}

REPLACES void free(void *block)
{
    __libc_free(block);
}

REPLACES void *memalign(size_t alignment, size_t bytes)
{
    count();
    return __libc_memalign(alignment, bytes);
}

REPLACES void *aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    if (!power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return __libc_memalign(alignment, bytes);
}

REPLACES int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    int saved = errno; /* POSIX: the error is returned, errno is left alone */
    void *block;
    count();
    if (!power_of_two(alignment) || alignment % sizeof(void *))
        return EINVAL;
    block = __libc_memalign(alignment, bytes);
    errno = saved;
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}

REPLACES void *valloc(size_t bytes)
{
    count();
    return __libc_valloc(bytes);
}

REPLACES void *pvalloc(size_t bytes)
{
    count();
    return __libc_pvalloc(bytes);
}

/* Asks instead of assuming: strdup allocates inside libc, so its call is counted only if the rest of the program
 * has really been bound to the functions above. */
bool assay_allocations_counted(void)
{
    volatile uint64_t *made = &counter.made[counter.owner];
    uint64_t before = *made;
    char *volatile probe = strdup("probe");
    bool counted = *made == before + 1;
    free(probe);
    *made = before;
    return counted;
}

struct assay_allocations assay_allocations_so_far(void)
{
    return (struct assay_allocations){.by_harness = counter.made[ASSAY_ALLOCATION_HARNESS],
                                      .by_plugin = counter.made[ASSAY_ALLOCATION_PLUGIN]};
}

enum assay_allocation_owner assay_allocation_owner_set(enum assay_allocation_owner owner)
{
    enum assay_allocation_owner before = counter.owner;
    counter.owner = owner == ASSAY_ALLOCATION_PLUGIN ? ASSAY_ALLOCATION_PLUGIN : ASSAY_ALLOCATION_HARNESS;
    return before;
}

#else

/* A sanitizer needs these functions for itself, and another C library has no entries to forward to. */
static _Thread_local enum assay_allocation_owner current;

bool assay_allocations_counted(void)
{
    return false;
}

struct assay_allocations assay_allocations_so_far(void)
{
    return (struct assay_allocations){0, 0};
}

enum assay_allocation_owner assay_allocation_owner_set(enum assay_allocation_owner owner)
{
    enum assay_allocation_owner before = current;
    current = owner == ASSAY_ALLOCATION_PLUGIN ? ASSAY_ALLOCATION_PLUGIN : ASSAY_ALLOCATION_HARNESS;
    return before;
}

#endif
