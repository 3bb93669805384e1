#include "harness/base/recycle.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "assay/banned.h"

#define LEAST ((size_t)1 << 18) /* a smaller block is the allocator's */
#define PAGE ((size_t)1 << 21)  /* a large page of x86-64 and of most others */
#define CLASSES 512

/* Stands before every block, in room that keeps its alignment. */
struct head {
    size_t       bytes; /* of head and block together: the class's own length */
    unsigned     class; /* CLASSES: never kept */
    struct head *next;
};
#define HEAD ((size_t)64)
_Static_assert(sizeof(struct head) <= HEAD, "a head has room before its block");

static struct {
    pthread_mutex_t lock;
    struct head    *first[CLASSES];
    size_t          kept, most;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
#ifndef __SANITIZE_ADDRESS__ /* which is to see what is used after it was given back */
          .most = ASSAY_RECYCLE_BYTES
#endif
};

/* Eight lengths an octave: at most an eighth is wasted. Rounds *bytes up to the class's; CLASSES: too small, or too large, to be kept. */
static unsigned class_of(size_t *bytes)
{
    if (*bytes < LEAST || *bytes > SIZE_MAX / 4)
        return CLASSES;
    unsigned octave = 63 - (unsigned)__builtin_clzll(*bytes);
    size_t   step = (size_t)1 << (octave - 3), eighth = (*bytes - ((size_t)1 << octave) + step - 1) / step;
    *bytes = ((size_t)1 << octave) + eighth * step;
    return 8 * octave + (unsigned)eighth;
}

static struct head *from_pool(unsigned class)
{
    (void)pthread_mutex_lock(&pool.lock);
    struct head *h = pool.first[class];
    if (h) {
        pool.first[class] = h->next;
        pool.kept -= h->bytes;
    }
    (void)pthread_mutex_unlock(&pool.lock);
    return h;
}

static struct head *from_system(size_t bytes)
{
    size_t alignment = bytes >= 2 * PAGE ? PAGE : HEAD;
    if (bytes > PTRDIFF_MAX - PAGE)
        return NULL;
    void *room = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (room && alignment == PAGE) /* a wish: fewer faults where it is granted */
        (void)madvise(room, bytes / PAGE * PAGE, MADV_HUGEPAGE);
    return room;
}

void *assay_recycle_take(size_t bytes)
{
    if (bytes > SIZE_MAX - HEAD)
        return NULL;
    size_t       whole = bytes + HEAD;
    unsigned     class = class_of(&whole);
    struct head *h = class < CLASSES ? from_pool(class) : NULL;
    if (!h && !(h = from_system(whole)))
        return NULL;
    *h = (struct head){.bytes = whole, .class = class};
    return (char *)h + HEAD;
}

void assay_recycle_give(void *block)
{
    if (!block)
        return;
    struct head *h = (struct head *)(void *)((char *)block - HEAD);
    (void)pthread_mutex_lock(&pool.lock);
    bool keeps = h->class < CLASSES && h->bytes <= pool.most - pool.kept;
    if (keeps) {
        h->next = pool.first[h->class];
        pool.first[h->class] = h;
        pool.kept += h->bytes;
    }
    (void)pthread_mutex_unlock(&pool.lock);
    if (!keeps)
        free(h);
}

/* Takes the blocks that are too many out of the pool, the largest first. */
static struct head *too_many(void)
{
    struct head *list = NULL;
    for (unsigned class = CLASSES; class-- > 0;) {
        while (pool.first[class] && pool.kept > pool.most) {
            struct head *h = pool.first[class];
            pool.first[class] = h->next;
            pool.kept -= h->bytes;
            h->next = list;
            list = h;
        }
    }
    return list;
}

void assay_recycle_keep(size_t bytes)
{
    (void)pthread_mutex_lock(&pool.lock);
    pool.most = bytes;
    struct head *list = too_many();
    (void)pthread_mutex_unlock(&pool.lock);
    while (list) {
        struct head *next = list->next;
        free(list);
        list = next;
    }
}
