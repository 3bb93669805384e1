#include "harness/run/ranks/exchange.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_NS 3000000000ull

/* Every rank is a process; its work returns what is wrong, or NULL. */
typedef const char *work_fn(const struct assay_comm *c, struct assay_region *region);

static const char *as_rank(const char *path, uint32_t rank, uint64_t patience_ns, work_fn *work)
{
    struct assay_error   err = {0};
    struct assay_region *region = NULL;
    struct assay_comm    c = {0};
    if (assay_region_open(path, &region, &err) || assay_exchange_open(region, rank, patience_ns, &c, &err))
        return "cannot open";
    const char *wrong = work(&c, region);
    c.release(c.self);
    assay_region_close(region);
    return wrong;
}

static void with_ranks(uint32_t n, uint64_t patience_ns, work_fn *work)
{
    struct assay_error   err = {0};
    struct assay_region *region = NULL;
    char                 path[64];
    pid_t                pid[ASSAY_REGION_RANKS];
    cr_assert_eq(assay_region_make(n, &region, path, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t r = 0; r < n; r++) {
        pid[r] = fork();
        if (pid[r] == 0) {
            const char *wrong = as_rank(path, r, patience_ns, work);
            if (wrong)
                (void)fprintf(stderr, "rank %u: %s\n", r, wrong);
            _exit(wrong ? 1 : 0);
        }
    }
    for (uint32_t r = 0; r < n; r++) {
        int status = -1;
        cr_assert_eq(waitpid(pid[r], &status, 0), pid[r]);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%u ranks: rank %u", n, r);
    }
    assay_region_close(region);
}

static unsigned char byte_of(uint32_t from, uint32_t to, size_t i)
{
    return (unsigned char)(from * 31 + to * 7 + i * 13 + (i >> 8) * 3);
}

/* Lengths: none, odd, and more than a ring holds. */
static const size_t lengths[] = {0, 1, 777, ASSAY_REGION_RING_BYTES + ASSAY_REGION_RING_BYTES / 2 + 5};
#define MOST (ASSAY_REGION_RING_BYTES + ASSAY_REGION_RING_BYTES / 2 + 5)

static const char *moves_blocks(const struct assay_comm *c, struct assay_region *region)
{
    struct assay_error err = {0};
    unsigned char     *in = malloc(c->n_ranks * MOST), *out = malloc(c->n_ranks * MOST);
    const char        *wrong = NULL;
    (void)region;
    for (size_t l = 0; !wrong && l < sizeof lengths / sizeof *lengths; l++) {
        size_t n = lengths[l];
        for (uint32_t to = 0; to < c->n_ranks; to++)
            for (size_t i = 0; i < n; i++)
                in[to * n + i] = byte_of(c->rank, to, i);
        if (c->all_to_all(c->self, in, n, out, &err))
            wrong = "all_to_all failed";
        for (uint32_t from = 0; !wrong && from < c->n_ranks; from++)
            for (size_t i = 0; i < n; i++)
                wrong = out[from * n + i] != byte_of(from, c->rank, i) ? "all_to_all moved a byte" : wrong;
        if (!wrong && c->all_gather(c->self, in, n, out, &err))
            wrong = "all_gather failed";
        for (uint32_t from = 0; !wrong && from < c->n_ranks; from++)
            for (size_t i = 0; i < n; i++)
                wrong = out[from * n + i] != byte_of(from, 0, i) ? "all_gather moved a byte" : wrong;
        uint32_t root = c->n_ranks - 1;
        if (!wrong && c->broadcast(c->self, root, in, n, &err))
            wrong = "broadcast failed";
        for (size_t i = 0; !wrong && i < n; i++)
            wrong = in[i] != byte_of(root, 0, i) ? "broadcast moved a byte" : wrong;
        if (!wrong && c->barrier(c->self, &err))
            wrong = "barrier failed";
    }
    free(in);
    free(out);
    return wrong;
}

Test(exchange, moves_every_block_to_its_rank, .timeout = 60)
{
    for (uint32_t n = 1; n <= 5; n += 2)
        with_ranks(n, PATIENCE_NS, moves_blocks);
}

/* 2^24 and 1: a sum in another order than that of the ranks has other bits. */
static const char *adds(const struct assay_comm *c, struct assay_region *region)
{
    enum { N = 1003 };
    static float       x[N], expected[N];
    static int64_t     whole[N];
    struct assay_error err = {0};
    (void)region;
    for (int i = 0; i < N; i++) {
        expected[i] = 0;
        for (uint32_t r = 0; r < c->n_ranks; r++) {
            float mine = r == 0 ? 16777216.0f : (float)(1 + i % 3);
            expected[i] = r == 0 ? mine : expected[i] + mine;
            x[i] = r == c->rank ? mine : x[i];
        }
        whole[i] = i % 2 ? INT64_MAX : (int64_t)c->rank * i;
    }
    if (c->all_reduce(c->self, ASSAY_F32, ASSAY_REDUCE_SUM, x, N, &err) || memcmp(x, expected, sizeof x) != 0)
        return "sums of f32";
    if (c->all_reduce(c->self, ASSAY_I64, ASSAY_REDUCE_MAX, whole, N, &err))
        return "maxima failed";
    for (int i = 0; i < N; i++)
        if (whole[i] != (i % 2 ? INT64_MAX : (int64_t)(c->n_ranks - 1) * i))
            return "maxima";
    double one = c->rank == 1 ? (double)NAN : c->rank;
    if (c->all_reduce(c->self, ASSAY_F64, ASSAY_REDUCE_MIN, &one, 1, &err) || (c->n_ranks > 1 && one == one))
        return "a NaN is lost";
    return c->all_reduce(c->self, ASSAY_BF16, ASSAY_REDUCE_SUM, x, 1, &err) == ASSAY_UNSUPPORTED ? NULL : "a sum of bf16";
}

Test(exchange, adds_in_the_order_of_the_ranks, .timeout = 60)
{
    for (uint32_t n = 1; n <= 4; n++)
        with_ranks(n, PATIENCE_NS, adds);
}

/* Halves that interleave, and ranks in another order. */
static const char *groups(const struct assay_comm *c, struct assay_region *region)
{
    struct assay_error err = {0};
    const uint32_t     even[] = {2, 0}, odd[] = {1, 3};
    struct assay_comm  g = {0};
    (void)region;
    if (c->group(c->self, c->rank % 2 ? odd : even, 2, &g, &err))
        return "no group";
    uint32_t seen[2] = {99, 99}, place = c->rank == 0 || c->rank == 3;
    if (g.rank != place || g.n_ranks != 2)
        return "another place in the group";
    if (g.all_gather(g.self, &c->rank, sizeof c->rank, seen, &err) || seen[0] != (c->rank % 2 ? 1u : 2u) || seen[1] != (c->rank % 2 ? 3u : 0u))
        return "the group has others";
    if (g.rank == 0 ? g.send(g.self, 1, "hi", 2, &err) : g.receive(g.self, 0, seen, 2, &err))
        return "nothing sent";
    g.release(g.self);
    if (c->rank > 1 && c->group(c->self, (const uint32_t[]){0, 1}, 2, &g, &err) != ASSAY_CONFIG)
        return "a group without the one who asks";
    return c->send(c->self, c->rank, "x", 1, &err) == ASSAY_CONFIG ? NULL : "sends to itself";
}

Test(exchange, makes_groups, .timeout = 60)
{
    with_ranks(4, PATIENCE_NS, groups);
}

/* Rank 2 never comes: who waits for it is told so in time; and at once, when it is known to be lost. */
static const char *one_is_missing(const struct assay_comm *c, struct assay_region *region)
{
    struct assay_error err = {0};
    (void)region;
    if (c->rank == 2)
        return NULL;
    enum assay_code code = c->barrier(c->self, &err);
    return code == ASSAY_TIMEOUT && strstr(err.message, "waits for rank") ? NULL : "nobody was missed";
}

static const char *one_is_lost(const struct assay_comm *c, struct assay_region *region)
{
    struct assay_error err = {0};
    if (c->rank == 2) {
        assay_region_lose(region, 2, "killed by SIGSEGV");
        assay_region_lose(region, 1, "the second word does not count");
        return NULL;
    }
    unsigned char x;
    enum assay_code code = c->receive(c->self, 2, &x, 1, &err);
    return code == ASSAY_DEVICE && !strcmp(err.message, "rank 2 is lost: killed by SIGSEGV") ? NULL : "nobody was missed";
}

Test(exchange, names_the_rank_that_does_not_come, .timeout = 60)
{
    with_ranks(3, 200000000ull, one_is_missing);
    with_ranks(4, 30000000000ull, one_is_lost);
}

Test(exchange, refuses_what_is_no_memory_of_ranks)
{
    struct assay_error   err = {0};
    struct assay_region *region = NULL;
    char                 path[64];
    cr_expect_eq(assay_region_make(0, &region, path, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_region_make(ASSAY_REGION_RANKS + 1, &region, path, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_region_open("/proc/self/exe-is-not-here", &region, &err), ASSAY_IO);
    char file[] = "/tmp/assay-region-XXXXXX";
    int  fd = mkstemp(file);
    cr_assert(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
    err = (struct assay_error){0};
    cr_expect_eq(assay_region_open(file, &region, &err), ASSAY_PROTOCOL);
    (void)close(fd);
    (void)unlink(file);
}
