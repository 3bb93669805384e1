#include "harness/run/ranks/tests/crew.h"

#include <math.h>
#include <stdlib.h>

enum { SIZES = 7 };
/* Nothing, less than a word, odd, one more than a ring, beyond the pieces of an all-reduce. */
static const size_t size[SIZES] = {0, 1, 7, 4096, 65537, (256 << 10) + 3, 5000001};

static unsigned char byte_of(uint32_t from, uint32_t to, size_t i)
{
    return (unsigned char)(from * 31 + to * 7 + i * 3 + (i >> 8));
}

static void *room(size_t bytes)
{
    unsigned char *p = malloc(bytes + 1);
    if (!p)
        _exit(3);
    memset(p, 0xEE, bytes + 1);
    return p;
}

/* ---- every call, every size ------------------------------------------------------------------------------------ */

static void gather_and_broadcast(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    for (int s = 0; s < SIZES; s++) {
        size_t         n = size[s] / 2; /* odd blocks */
        unsigned char *mine = room(n), *all = room(n * c->n_ranks), *told = room(n);
        for (size_t i = 0; i < n; i++)
            mine[i] = byte_of(c->rank, 0, i);
        CREW_EXPECT(r, !c->all_gather(c->self, mine, n, all, &r->note->err));
        for (uint32_t k = 0; k < c->n_ranks; k++)
            for (size_t i = 0; i < n; i++)
                CREW_EXPECT(r, all[k * n + i] == byte_of(k, 0, i));
        CREW_EXPECT(r, all[n * c->n_ranks] == 0xEE);
        uint32_t root = (uint32_t)s % c->n_ranks;
        memcpy(told, c->rank == root ? mine : told, n);
        CREW_EXPECT(r, !c->broadcast(c->self, root, told, n, &r->note->err));
        for (size_t i = 0; i < n; i++)
            CREW_EXPECT(r, told[i] == byte_of(root, 0, i));
        free(mine);
        free(all);
        free(told);
    }
    CREW_EXPECT(r, !c->barrier(c->self, &r->note->err));
}

static void all_to_all(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    for (int s = 0; s < SIZES - 1; s++) {
        size_t         n = size[s];
        unsigned char *in = room(n * c->n_ranks), *out = room(n * c->n_ranks);
        for (uint32_t k = 0; k < c->n_ranks; k++)
            for (size_t i = 0; i < n; i++)
                in[k * n + i] = byte_of(c->rank, k, i);
        CREW_EXPECT(r, !c->all_to_all(c->self, in, n, out, &r->note->err));
        for (uint32_t k = 0; k < c->n_ranks; k++)
            for (size_t i = 0; i < n; i++)
                CREW_EXPECT(r, out[k * n + i] == byte_of(k, c->rank, i));
        free(in);
        free(out);
    }
}

/* Each sends to its next and receives from the one before, all sending first: a send waits for nobody. */
static void ring_of_sends(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    uint32_t                 next = (c->rank + 1) % c->n_ranks, before = (c->rank + c->n_ranks - 1) % c->n_ranks;
    for (int s = 0; s < SIZES; s++) {
        size_t         n = size[s];
        unsigned char *out = room(n), *in = room(n);
        for (size_t i = 0; i < n; i++)
            out[i] = byte_of(c->rank, next, i);
        CREW_EXPECT(r, !c->send(c->self, next, out, n, &r->note->err));
        memset(out, 0, n); /* it is the caller's again */
        CREW_EXPECT(r, !c->send(c->self, next, &n, sizeof n, &r->note->err));
        CREW_EXPECT(r, !c->barrier(c->self, &r->note->err)); /* does not mix with what is on its way */
        CREW_EXPECT(r, !c->receive(c->self, before, in, n, &r->note->err));
        size_t told = 0;
        CREW_EXPECT(r, !c->receive(c->self, before, &told, sizeof told, &r->note->err));
        CREW_EXPECT(r, told == n && in[n] == 0xEE);
        for (size_t i = 0; i < n; i++)
            CREW_EXPECT(r, in[i] == byte_of(before, c->rank, i));
        free(out);
        free(in);
    }
}

/* What is sent last and received by nobody who waits goes out when the sender leaves. */
static void last_send(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    size_t                   n = 1 << 20;
    unsigned char           *at = room(n);
    memset(at, 1, n);
    if (c->rank == 0) {
        CREW_EXPECT(r, !c->send(c->self, 1, at, n, &r->note->err));
    } else if (c->rank == 1) {
        (void)usleep(50000);
        memset(at, 0, n);
        CREW_EXPECT(r, !c->receive(c->self, 0, at, n, &r->note->err));
        CREW_EXPECT(r, at[0] == 1 && at[n - 1] == 1);
    }
    free(at);
}

enum { BUSY_MS = 1000 };

/* Settled, it goes out although its sender is busy with something else for longer than the receiver waits. */
static void settled_send(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    size_t                   n = 3 << 20;
    unsigned char           *at = room(n);
    uint64_t                 begin = assay_clock_now_ns();
    if (c->rank == 0) {
        CREW_EXPECT(r, !c->send(c->self, 1, at, n, &r->note->err) && !assay_communicator_settle(r->communicator, &r->note->err));
        (void)usleep(BUSY_MS * 1000);
    } else {
        CREW_EXPECT(r, !c->receive(c->self, 0, at, n, &r->note->err));
        CREW_EXPECT(r, assay_clock_now_ns() - begin < BUSY_MS * 1000000ull * 2 / 3);
    }
    free(at);
}

/* Doubles whose sum depends on the order, so that only the order of the ranks gives these bits. */
static double operand(uint32_t rank, size_t i)
{
    return rank % 2 ? 1.0 + (double)i : -1e17 * (1 + (double)rank);
}

static void sums(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    static const size_t      count[] = {0, 1, 3, 8191, 8193, 700001};
    for (size_t s = 0; s < sizeof count / sizeof *count; s++) {
        size_t  n = count[s];
        double *x = room(n * sizeof *x);
        for (size_t i = 0; i < n; i++)
            x[i] = operand(c->rank, i);
        CREW_EXPECT(r, !c->all_reduce(c->self, ASSAY_F64, ASSAY_REDUCE_SUM, x, n, &r->note->err));
        for (size_t i = 0; i < n; i++) {
            double sum = operand(0, i);
            for (uint32_t k = 1; k < c->n_ranks; k++)
                sum += operand(k, i);
            CREW_EXPECT(r, x[i] == sum);
        }
        free(x);
    }
}

#define REDUCES(name, type, dtype)                                                                              \
    static void reduces_##name(struct crew_rank *r, size_t n)                                                   \
    {                                                                                                           \
        const struct assay_comm *c = r->comm;                                                                   \
        type                    *x = room(n * sizeof *x);                                                       \
        for (int how = ASSAY_REDUCE_SUM; how <= ASSAY_REDUCE_MIN; how++) {                                      \
            for (size_t i = 0; i < n; i++)                                                                      \
                x[i] = (type)((int)((i * 5 + c->rank * 3) % 11) - 5);                                           \
            CREW_EXPECT(r, !c->all_reduce(c->self, dtype, (enum assay_reduce)how, x, n, &r->note->err));        \
            for (size_t i = 0; i < n; i++) {                                                                    \
                type all[3] = {0, -100, 100};                                                                   \
                for (uint32_t k = 0; k < c->n_ranks; k++) {                                                     \
                    type y = (type)((int)((i * 5 + k * 3) % 11) - 5);                                           \
                    all[0] += y;                                                                                \
                    all[1] = y > all[1] ? y : all[1];                                                           \
                    all[2] = y < all[2] ? y : all[2];                                                           \
                }                                                                                               \
                CREW_EXPECT(r, x[i] == all[how - ASSAY_REDUCE_SUM]);                                            \
            }                                                                                                   \
        }                                                                                                       \
        free(x);                                                                                                \
    }
REDUCES(f64, double, ASSAY_F64)
REDUCES(f32, float, ASSAY_F32)
REDUCES(i64, int64_t, ASSAY_I64)
REDUCES(i32, int32_t, ASSAY_I32)

static void types(struct crew_rank *r)
{
    static const size_t count[] = {5, 40000};
    for (int i = 0; i < 2; i++) {
        reduces_f64(r, count[i]);
        reduces_f32(r, count[i]);
        reduces_i64(r, count[i]);
        reduces_i32(r, count[i]);
    }
    struct assay_error err = {.code = ASSAY_OK};
    uint16_t           half = 0;
    CREW_EXPECT(r, r->comm->all_reduce(r->comm->self, ASSAY_BF16, ASSAY_REDUCE_SUM, &half, 1, &err) == ASSAY_UNSUPPORTED);
    double one = r->comm->rank == 1 ? (double)NAN : 1;
    CREW_EXPECT(r, !r->comm->all_reduce(r->comm->self, ASSAY_F64, ASSAY_REDUCE_MIN, &one, 1, &err) && isnan(one));
    int32_t most = INT32_MAX; /* whole numbers wrap */
    CREW_EXPECT(r, !r->comm->all_reduce(r->comm->self, ASSAY_I32, ASSAY_REDUCE_SUM, &most, 1, &err));
    CREW_EXPECT(r, most == (int32_t)(0x7FFFFFFFu * r->comm->n_ranks));
}

Test(communicator, gathers_and_broadcasts_any_number_of_bytes, .timeout = 60)
{
    crew_expect(2, gather_and_broadcast);
    crew_expect(3, gather_and_broadcast);
}

Test(communicator, gives_each_rank_its_block, .timeout = 60)
{
    crew_expect(2, all_to_all);
    crew_expect(4, all_to_all);
}

Test(communicator, sends_without_waiting_for_the_receiver, .timeout = 60)
{
    crew_expect(2, ring_of_sends);
    crew_expect(3, ring_of_sends);
    crew_expect(3, last_send);
    crew_link = CREW_MEMORY;
    crew_expect_over_link(2, settled_send);
}

Test(communicator, adds_up_in_the_order_of_the_ranks, .timeout = 60)
{
    crew_expect(2, sums);
    crew_expect(5, sums);
}

Test(communicator, reduces_four_types_in_three_ways, .timeout = 60)
{
    crew_expect(3, types);
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

/* Rows and columns of a 2 x 2 mesh, and pairs numbered the other way around. */
static void mesh(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    uint32_t                 row[2] = {c->rank / 2 * 2, c->rank / 2 * 2 + 1}, column[2] = {c->rank % 2 + 2, c->rank % 2};
    struct assay_comm        rows, columns;
    CREW_EXPECT(r, !c->group(c->self, row, 2, &rows, &r->note->err) && !c->group(c->self, column, 2, &columns, &r->note->err));
    CREW_EXPECT(r, rows.n_ranks == 2 && rows.rank == c->rank % 2 && columns.rank == (c->rank < 2 ? 1u : 0u));
    for (int i = 0; i < 100; i++) {
        int32_t x = (int32_t)c->rank + i, y = x, all[2];
        CREW_EXPECT(r, !rows.all_reduce(rows.self, ASSAY_I32, ASSAY_REDUCE_SUM, &x, 1, &r->note->err));
        CREW_EXPECT(r, x == (int32_t)(row[0] + row[1]) + 2 * i);
        CREW_EXPECT(r, !columns.all_gather(columns.self, &y, sizeof y, all, &r->note->err));
        CREW_EXPECT(r, all[0] == (int32_t)column[0] + i && all[1] == (int32_t)column[1] + i);
    }
    uint32_t one = rows.rank == 0, got = 9;
    CREW_EXPECT(r, !rows.send(rows.self, one, &c->rank, sizeof c->rank, &r->note->err));
    CREW_EXPECT(r, !rows.receive(rows.self, one, &got, sizeof got, &r->note->err) && got == row[one]);
    struct assay_comm  alone;
    struct assay_error err = {.code = ASSAY_OK};
    uint32_t           me[2] = {columns.rank, columns.rank}, others[1] = {1 - columns.rank}, beyond[2] = {columns.rank, 2};
    CREW_EXPECT(r, !columns.group(columns.self, me, 1, &alone, &r->note->err) && alone.n_ranks == 1 && !alone.barrier(alone.self, &r->note->err));
    CREW_EXPECT(r, columns.group(columns.self, me, 2, &alone, &err) == ASSAY_CONFIG && strstr(err.message, "twice"));
    CREW_EXPECT(r, columns.group(columns.self, others, 1, &alone, &err) == ASSAY_CONFIG && strstr(err.message, "not in"));
    CREW_EXPECT(r, columns.group(columns.self, beyond, 2, &alone, &err) == ASSAY_CONFIG);
    alone.release(alone.self);
    rows.release(rows.self);
    columns.release(columns.self);
}

Test(communicator, makes_groups_that_do_not_disturb_each_other, .timeout = 60)
{
    crew_expect(4, mesh);
}

/* ---- ranks that do not do their part --------------------------------------------------------------------------- */

enum { PATIENCE_MS = 150, LATE_MS = 1000 };
#define PATIENCE_NS (PATIENCE_MS * 1000000ull)

static void timed_call(struct crew_rank *r)
{
    double   x[4096] = {0};
    uint64_t begin = assay_clock_now_ns();
    for (int i = 0; i < 10 && !r->note->err.code; i++)
        (void)r->comm->all_reduce(r->comm->self, ASSAY_F64, ASSAY_REDUCE_SUM, x, 4096, &r->note->err);
    r->note->took_ns = assay_clock_now_ns() - begin;
    struct assay_error again = {.code = ASSAY_OK};
    CREW_EXPECT(r, r->comm->barrier(r->comm->self, &again) == r->note->err.code && !strcmp(again.message, r->note->err.message));
}

static void third_dies(struct crew_rank *r)
{
    struct assay_error err = {.code = ASSAY_OK};
    (void)r->comm->barrier(r->comm->self, &err);
    if (r->comm->rank == 2)
        (void)raise(SIGKILL);
    timed_call(r);
}

static void third_hangs(struct crew_rank *r)
{
    struct assay_error err = {.code = ASSAY_OK};
    (void)r->comm->barrier(r->comm->self, &err);
    if (r->comm->rank == 2)
        (void)usleep(LATE_MS * 1000);
    timed_call(r);
}

static void third_never_comes(struct crew_rank *r)
{
    if (r->comm->rank == 2)
        (void)usleep(LATE_MS * 1000);
    else
        timed_call(r);
}

static void expect_missed_over_link(crew_part_fn *part, bool gone, uint64_t within_ns)
{
    int               status[CREW_MOST];
    struct crew_note *notes = crew_run(4, PATIENCE_NS, part, status);
    for (uint32_t i = 0; i < 4; i++) {
        if (i == 2)
            continue;
        cr_expect_eq(notes[i].missed, 2, "rank %u missed %u: %s", i, notes[i].missed, notes[i].err.message);
        cr_expect(strstr(notes[i].err.message, "rank 2"), "%s", notes[i].err.message);
        cr_expect(notes[i].err.code == ASSAY_DEVICE || (!gone && notes[i].err.code == ASSAY_TIMEOUT), "%s", notes[i].err.message);
        cr_expect_not_null(strstr(notes[i].err.message, gone ? (crew_link == CREW_MEMORY ? "killed" : "gone") : "nothing came"), "%s", notes[i].err.message);
        cr_expect_lt(notes[i].took_ns, within_ns, "rank %u took %.3f s", i, (double)notes[i].took_ns / 1e9);
        cr_expect_eq(notes[i].checks_failed, 0, "rank %u, line %d", i, notes[i].failed_line);
    }
    (void)munmap(notes, CREW_MOST * sizeof *notes);
}

static void expect_missed(crew_part_fn *part, bool gone, uint64_t within_ns)
{
    CREW_OVER_ALL
        expect_missed_over_link(part, gone, within_ns);
}

/* Loaded machines are slow, but not so slow: the bounds are below what a rank that only waits would take. */
Test(communicator, names_the_rank_that_died, .timeout = 60)
{
    expect_missed(third_dies, true, LATE_MS * 1000000ull);
}
Test(communicator, names_the_rank_that_hangs_when_patience_ends, .timeout = 60)
{
    expect_missed(third_hangs, false, LATE_MS * 1000000ull);
    expect_missed(third_never_comes, false, LATE_MS * 1000000ull);
}

/* 3 waits for 1, which waits for 2, which hangs: 3 says 2, though it has no business with it. */
static void chain(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    char                     x = 0;
    if (c->rank == 2)
        (void)usleep(LATE_MS * 1000);
    else if (c->rank == 1)
        (void)c->receive(c->self, 2, &x, 1, &r->note->err);
    else if (c->rank == 3)
        (void)c->receive(c->self, 1, &x, 1, &r->note->err);
}

Test(communicator, names_whom_the_awaited_waits_for, .timeout = 60)
{
    int               status[CREW_MOST];
    struct crew_note *notes = crew_run(4, PATIENCE_NS, chain, status);
    cr_expect_eq(notes[1].missed, 2, "%s", notes[1].err.message);
    cr_expect_eq(notes[3].missed, 2, "%s", notes[3].err.message);
    (void)munmap(notes, CREW_MOST * sizeof *notes);
}

static void patient(struct crew_rank *r)
{
    if (r->comm->rank == 1)
        (void)usleep(PATIENCE_MS * 1000 / 3);
    CREW_EXPECT(r, !r->comm->barrier(r->comm->self, &r->note->err));
}

Test(communicator, waits_as_long_as_its_patience, .timeout = 60)
{
    crew_expect(3, patient);
}

/* ---- ranks that do not do the same ----------------------------------------------------------------------------- */

static void other_call(struct crew_rank *r)
{
    char x[8] = {0}, all[16];
    if (r->comm->rank == 0)
        (void)r->comm->barrier(r->comm->self, &r->note->err);
    else
        (void)r->comm->all_gather(r->comm->self, x, 8, all, &r->note->err);
}

static void other_size(struct crew_rank *r)
{
    char x[16] = {0}, all[32];
    (void)r->comm->all_gather(r->comm->self, x, r->comm->rank ? 16 : 8, all, &r->note->err);
}

static void longer_message(struct crew_rank *r)
{
    char x[16] = {0};
    if (r->comm->rank == 0)
        (void)r->comm->send(r->comm->self, 1, x, 16, &r->note->err);
    else
        (void)r->comm->receive(r->comm->self, 0, x, 8, &r->note->err);
}

static void expect_told(crew_part_fn *part, const char *one, const char *other, uint32_t rank)
{
    int               status[CREW_MOST];
    struct crew_note *notes = crew_run(2, PATIENCE_NS, part, status);
    cr_expect_eq(notes[rank].err.code, ASSAY_PROTOCOL, "%s", notes[rank].err.message);
    cr_expect(strstr(notes[rank].err.message, one) && strstr(notes[rank].err.message, other), "%s", notes[rank].err.message);
    (void)munmap(notes, CREW_MOST * sizeof *notes);
}

Test(communicator, tells_ranks_that_do_not_do_the_same, .timeout = 60)
{
    expect_told(longer_message, "send 16 bytes", "room for 8", 1);
    int               status[CREW_MOST];
    struct crew_note *notes = crew_run(2, PATIENCE_NS, other_call, status);
    bool              told = false;
    for (int i = 0; i < 2; i++) /* one of them sees it first, and the other that it has left */
        told |= notes[i].err.code == ASSAY_PROTOCOL && strstr(notes[i].err.message, "barrier") && strstr(notes[i].err.message, "all_gather");
    cr_expect(told, "%s; %s", notes[0].err.message, notes[1].err.message);
    notes = crew_run(2, PATIENCE_NS, other_size, status);
    told = false;
    for (int i = 0; i < 2; i++)
        told |= notes[i].err.code == ASSAY_PROTOCOL && strstr(notes[i].err.message, "16") && strstr(notes[i].err.message, "8");
    cr_expect(told, "%s; %s", notes[0].err.message, notes[1].err.message);
}

static void own_mistakes(struct crew_rank *r)
{
    const struct assay_comm *c = r->comm;
    struct assay_error       err = {.code = ASSAY_OK};
    char                     x = 0;
    CREW_EXPECT(r, c->send(c->self, c->rank, &x, 1, &err) == ASSAY_CONFIG);
    CREW_EXPECT(r, c->receive(c->self, 2, &x, 1, &err) == ASSAY_CONFIG);
    CREW_EXPECT(r, c->broadcast(c->self, 2, &x, 1, &err) == ASSAY_CONFIG);
    CREW_EXPECT(r, !c->barrier(c->self, &err)); /* none of that reached anybody */
}

Test(communicator, refuses_ranks_that_there_are_not, .timeout = 60)
{
    crew_expect(2, own_mistakes);
}
