/* Rows against LoadGen 6.0.17 itself (ci/oracle/loadgen.txt), and the rules that LoadGen does not have. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/hash.h"
#include "harness/base/tests/source.h"
#include "harness/load/arrivals.h"

static struct assay_error err;

static struct assay_arrivals *started(const char *text)
{
    struct assay_scenario  s;
    struct assay_seeds     seeds;
    struct assay_arrivals *made = NULL;
    memset(&err, 0, sizeof err);
    cr_assert_eq(assay_scenario_parse(text, &s, &err), ASSAY_OK, "%s: %s", text, err.message);
    if (!strcmp(s.seeds, "case"))
        assay_seeds_from(1, &seeds);
    else
        cr_assert_eq(assay_seeds_find(s.seeds, &seeds, &err), ASSAY_OK);
    cr_assert_eq(assay_arrivals_new(&s, &seeds, &made, &err), ASSAY_OK, "%s: %s", text, err.message);
    return made;
}

/* ---- LoadGen's own rows ----------------------------------------------------------------------------------------- */

struct pin {
    char               scenario[20], seeds[20], digest[65];
    int                equal_issue;
    unsigned long long samples, min_queries, qps, min_ms, rows, queries, duration_ns;
};

static bool read_pin(const char *line, struct pin *p)
{
    return sscanf(line, "%19s %19s %d %llu %llu %llu %llu %llu %64s %llu %llu", p->scenario, p->seeds, &p->equal_issue, &p->samples,
                  &p->min_queries, &p->qps, &p->min_ms, &p->rows, p->digest, &p->queries, &p->duration_ns) == 11;
}

/* The server's sum of gaps is the time of the query behind the last one; offline ends after its query. */
static void check_end(struct assay_arrivals *a, const struct pin *p, const char *text)
{
    struct assay_arrival row;
    unsigned long long   at = p->rows;
    if (!strcmp(p->scenario, "server")) {
        for (; at <= p->queries; at++)
            cr_assert(assay_arrivals_next(a, &row));
        cr_expect_eq(row.scheduled_ns, p->duration_ns, "%s: query %llu at %llu ns, LoadGen %llu", text, p->queries,
                     (unsigned long long)row.scheduled_ns, p->duration_ns);
    }
    if (!strcmp(p->scenario, "offline")) {
        while (assay_arrivals_next(a, &row))
            at++;
        cr_expect_eq(at, p->queries, "%s: %llu samples, LoadGen %llu", text, at, p->queries);
    }
}

static void check_pin(const struct pin *p)
{
    char              text[300], digest[65];
    struct assay_text out = ASSAY_TEXT(text);
    bool              has_qps = !strcmp(p->scenario, "server") || !strcmp(p->scenario, "offline");
    assay_text_add(&out, "%s/profile=loadgen,seeds=%s,equal_issue=%s,performance_samples=%llu,min_queries=%llu,min_duration_s=%llums",
                   p->scenario, p->seeds, p->equal_issue ? "true" : "false", p->samples, p->min_queries, p->min_ms);
    if (has_qps)
        assay_text_add(&out, ",qps=%llu", p->qps);
    struct assay_arrivals *a = started(text);
    uint64_t              *pairs = malloc((size_t)p->rows * 2 * sizeof *pairs);
    struct assay_arrival   row;
    cr_assert_not_null(pairs);
    for (size_t i = 0; i < p->rows; i++) {
        cr_assert(assay_arrivals_next(a, &row), "%s: row %zu", text, i);
        pairs[2 * i] = row.query;
        pairs[2 * i + 1] = row.sample;
    }
    assay_sha256_hex(pairs, (size_t)p->rows * 2 * sizeof *pairs, digest);
    cr_expect_str_eq(digest, p->digest, "%s: other rows than LoadGen's", text);
    check_end(a, p, text);
    free(pairs);
    assay_arrivals_free(a);
}

Test(arrivals, rows_are_those_of_loadgen_to_the_bit, .timeout = 60)
{
    char     source[SOURCE_BYTES], path[SOURCE_BYTES + 40], line[400];
    unsigned n = 0;
    source_of(source);
    (void)snprintf(path, sizeof path, "%s/ci/oracle/loadgen.txt", source);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    while (fgets(line, sizeof line, file)) {
        struct pin p;
        if (*line == '#')
            continue;
        cr_assert(read_pin(line, &p), "%s", line);
        check_pin(&p);
        n++;
    }
    (void)fclose(file);
    cr_expect_geq(n, 40);
}

/* ---- what follows from LoadGen's rules --------------------------------------------------------------------------- */

static void take(const char *text, struct assay_arrival *rows, size_t n)
{
    struct assay_arrivals *a = started(text);
    for (size_t i = 0; i < n; i++)
        cr_assert(assay_arrivals_next(a, &rows[i]), "%s: row %zu", text, i);
    assay_arrivals_free(a);
}

static struct assay_arrival first[4096], second[4096];

static size_t same_samples(size_t n)
{
    size_t same = 0;
    for (size_t i = 0; i < n; i++)
        same += first[i].sample == second[i].sample;
    return same;
}

Test(arrivals, the_size_of_the_data_set_changes_nothing)
{
    take("server/seeds=loadgen-v6.1,qps=10", first, 4096);
    take("server/seeds=loadgen-v6.1,qps=10,total_samples=50000", second, 4096);
    cr_expect_eq(memcmp(first, second, sizeof first), 0);
}

Test(arrivals, times_depend_on_the_rate_alone_and_samples_do_not_depend_on_it)
{
    take("server/seeds=loadgen-v6.1,qps=10", first, 1000);
    take("server/seeds=loadgen-v6.1,qps=20,min_queries=20000,performance_samples=43", second, 1000);
    for (size_t i = 0; i < 1000; i++)
        cr_expect(second[i].scheduled_ns * 2 <= first[i].scheduled_ns && first[i].scheduled_ns - second[i].scheduled_ns * 2 < 2 * 1000);
    take("server/seeds=loadgen-v6.1,qps=20", second, 1000);
    cr_expect_eq(same_samples(1000), 1000);
    cr_expect_eq(first[0].scheduled_ns, 0);
}

Test(arrivals, the_least_number_of_queries_moves_the_samples_when_it_takes_another_shuffle)
{
    take("server/seeds=loadgen-v6.1,min_queries=1", first, 4096);
    take("server/seeds=loadgen-v6.1,min_queries=1024", second, 4096);
    cr_expect_eq(same_samples(4096), 4096, "one shuffle both");
    take("server/seeds=loadgen-v6.1,min_queries=1025", second, 4096);
    cr_expect_lt(same_samples(4096), 100, "two");
}

Test(arrivals, equal_issue_gives_every_sample_once_a_round_and_begins_again_after_the_prepared_rounds)
{
    unsigned seen[1024] = {0};
    take("server/seeds=loadgen-v6.1,equal_issue=true,min_queries=2000", first, 4096);
    for (size_t i = 0; i < 4096; i++) {
        cr_assert_lt(first[i].sample, 1024);
        seen[first[i].sample]++;
        if (i % 1024 == 1023)
            for (size_t k = 0; k < 1024; k++)
                cr_expect_eq(seen[k], i / 1024 + 1, "sample %zu after %zu", k, i);
    }
    unsigned differ = 0;
    for (size_t i = 0; i < 1024; i++) {
        cr_expect_eq(first[i].sample, first[i + 2048].sample);
        differ += first[i].sample != first[i + 1024].sample;
    }
    cr_expect_gt(differ, 1000);
}

Test(arrivals, poisson_gaps_have_the_rate_and_its_variance)
{
    struct assay_arrivals *a = started("server/seeds=loadgen-v6.1,qps=1000");
    struct assay_arrival   row;
    double                 sum = 0, squares = 0, before = 0;
    enum { N = 200000 };
    cr_assert(assay_arrivals_next(a, &row));
    for (size_t i = 0; i < N; i++) {
        cr_assert(assay_arrivals_next(a, &row));
        double gap = ((double)row.scheduled_ns - before) / 1e6;
        before = (double)row.scheduled_ns;
        sum += gap;
        squares += gap * gap;
    }
    assay_arrivals_free(a);
    cr_expect_float_eq(sum / N, 1, 0.01);
    cr_expect_float_eq(squares / N, 2, 0.05);
}

Test(arrivals, seeds_of_the_run_draw_nothing_before_the_first_row_and_their_permutations_never_come_again)
{
    take("server/min_queries=1", first, 4096);
    take("server/min_queries=100000000000", second, 4096);
    cr_expect_eq(memcmp(first, second, sizeof first), 0);
    take("server/min_queries=1,equal_issue=true", first, 4096);
    size_t again = 0;
    for (size_t i = 0; i < 1024; i++)
        again += first[i].sample == first[i + 1024].sample;
    cr_expect_lt(again, 20);
}

/* ---- scenarios of our own ---------------------------------------------------------------------------------------- */

Test(arrivals, bursts_come_together_at_their_period)
{
    take("burst/burst=3,period_ms=2", first, 8);
    for (size_t i = 0; i < 8; i++)
        cr_expect(first[i].query == i && first[i].scheduled_ns == i / 3 * 2000000);
}

Test(arrivals, what_waits_for_completions_has_no_times)
{
    static const char *const texts[] = {"single_stream", "multi_stream", "concurrency", "offline"};
    for (size_t k = 0; k < 4; k++) {
        take(texts[k], first, 100);
        cr_expect_eq(first[99].scheduled_ns, 0, "%s", texts[k]);
    }
}

Test(arrivals, offline_ends_and_time_ends)
{
    struct assay_arrivals *a = started("offline/min_queries=3,min_duration_s=0");
    struct assay_arrival   row;
    for (int i = 0; i < 3; i++)
        cr_expect(assay_arrivals_next(a, &row) && row.query == 0);
    cr_expect_not(assay_arrivals_next(a, &row));
    cr_expect_not(assay_arrivals_next(a, &row));
    assay_arrivals_free(a);
    a = started("burst/burst=1,period_ms=1000000000"); /* 11.6 days; 292 years are 9223 of them */
    size_t n = 0;
    while (assay_arrivals_next(a, &row))
        n++;
    cr_expect_eq(n, 9224);
    assay_arrivals_free(a);
}

static char path[] = "/tmp/assay-arrivals-XXXXXX";

static void write_trace(const char *text)
{
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    fputs(text, file);
    (void)fclose(file);
}

Test(arrivals, a_trace_gives_its_own_times_and_draws_the_samples_that_it_does_not_name)
{
    char text[200];
    write_trace("scheduled_ns\n3\n3\n700\n");
    (void)snprintf(text, sizeof text, "trace/trace=%s", path);
    take(text, first, 3);
    unlink(path);
    take("server", second, 3);
    cr_expect(first[0].scheduled_ns == 3 && first[1].scheduled_ns == 3 && first[2].scheduled_ns == 700 && first[2].query == 2);
    cr_expect_eq(same_samples(3), 3, "as a server would draw them");
}

Test(arrivals, a_request_beyond_the_context_is_refused_with_its_line)
{
    char text[200];
    write_trace("scheduled_ns,sample_index,prompt_tokens,output_tokens\n1,0,10,5\n2,0,4000,96\n3,1,1,1\n");
    (void)snprintf(text, sizeof text, "trace/trace=%s", path);
    struct assay_arrivals *a = started(text);
    unlink(path);
    cr_expect_eq(assay_arrivals_fit(a, 4096, &err), ASSAY_OK, "just inside");
    cr_expect_eq(assay_arrivals_fit(a, 4095, &err), ASSAY_CONFIG, "just outside");
    cr_expect(strstr(err.message, ":3: 4000 tokens of prompt and 96 of output are beyond the context of 4095"), "%s", err.message);
    assay_arrivals_free(a);
}

Test(arrivals, a_server_without_a_rate_is_refused)
{
    struct assay_scenario  s;
    struct assay_seeds     seeds = {1, 2, 3};
    struct assay_arrivals *a = NULL;
    cr_assert_eq(assay_scenario_parse("server/qps=0", &s, &err), ASSAY_OK);
    cr_expect_eq(assay_arrivals_new(&s, &seeds, &a, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "qps must be positive"), "%s", err.message);
    cr_expect_null(a);
}
