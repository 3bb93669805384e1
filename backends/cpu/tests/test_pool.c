/* The pool runs every chunk once, however many threads, chunks and rounds there are. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "backends/cpu/pool/pool.h"

#include "assay/banned.h"

enum { MOST = 3000 };

struct counts {
    atomic_uint ran[MOST];
    atomic_uint inside[8], overlaps; /* calls that hold a thread's number */
    unsigned    threads;
};

static void count(void *self, size_t chunk, unsigned thread)
{
    struct counts *c = self;
    if (thread >= c->threads || atomic_fetch_add(&c->inside[thread], 1) != 0)
        atomic_fetch_add(&c->overlaps, 1);
    atomic_fetch_add(&c->ran[chunk], 1);
    atomic_fetch_sub(&c->inside[thread], 1);
}

Test(pool, runs_every_chunk_once_for_any_number_of_threads_and_chunks, .timeout = 60)
{
    static const size_t chunks[] = {0, 1, 2, 3, 7, 64, MOST};
    for (unsigned threads = 1; threads <= 5; threads++) {
        struct cpu_pool   *pool;
        struct assay_error err = {0};
        cr_assert_eq(cpu_pool_new(threads, &pool, &err), ASSAY_OK, "%s", err.message);
        cr_expect_eq(cpu_pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            static struct counts c;
            size_t               wrong = 0;
            memset(&c, 0, sizeof c);
            c.threads = threads;
            cpu_pool_run(pool, chunks[i], count, &c);
            for (size_t k = 0; k < MOST; k++)
                wrong += atomic_load(&c.ran[k]) != (k < chunks[i]);
            cr_expect(wrong == 0 && atomic_load(&c.overlaps) == 0, "%u threads, %zu chunks", threads, chunks[i]);
        }
        cpu_pool_free(pool);
    }
}

static void add(void *self, size_t chunk, unsigned thread)
{
    (void)thread;
    ((uint64_t *)self)[chunk] += chunk;
}

/* What one round writes without atomics the next must see: a missing barrier loses additions. */
Test(pool, rounds_follow_one_another_through_sleep_and_wakefulness, .timeout = 60)
{
    struct cpu_pool   *pool;
    struct assay_error err = {0};
    static uint64_t    sums[64];
    cr_assert_eq(cpu_pool_new(4, &pool, &err), ASSAY_OK, "%s", err.message);
    for (int round = 0; round < 20000; round++) {
        if (round % 1000 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* long enough for the workers to sleep */
        cpu_pool_run(pool, 64, add, sums);
    }
    for (size_t i = 0; i < 64; i++)
        cr_expect_eq(sums[i], 20000 * i);
    cpu_pool_free(pool);
}

Test(pool, pieces_cover_a_range_once)
{
    for (size_t n = 0; n < 200; n++)
        for (size_t pieces = 1; pieces < 12; pieces++) {
            size_t at = 0;
            for (size_t i = 0; i < pieces; i++) {
                size_t begin, end;
                cpu_pool_piece(n, pieces, 16, i, &begin, &end);
                cr_assert(begin >= at && (begin == at || begin == n || end == begin) && (end % 16 == 0 || end == n),
                          "%zu in %zu: piece %zu is %zu..%zu", n, pieces, i, begin, end);
                at = end > at ? end : at;
            }
            cr_assert_eq(at, n);
        }
}

Test(pool, says_how_many_threads_it_has_and_where_they_are)
{
    struct cpu_pool   *pool;
    struct assay_error err = {0};
    char               said[200];
    struct assay_text  text = ASSAY_TEXT(said);
    cr_assert_eq(cpu_pool_new(2, &pool, &err), ASSAY_OK);
    cpu_pool_describe(pool, &text);
    cr_expect_eq(strncmp(said, "2 threads, workers bound (", 26), 0, "%s", said);
    cpu_pool_free(pool);
}
