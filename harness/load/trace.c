#include "harness/load/trace.h"

#include <stdlib.h>

#include "assay/banned.h"

#define MAX_TOKENS 100000000u

static const char *const headers[] = {"scheduled_ns", "scheduled_ns,sample_index", "scheduled_ns,sample_index,prompt_tokens,output_tokens", NULL};
static const char *const columns[] = {"scheduled_ns", "sample_index", "prompt_tokens", "output_tokens"};
static const struct assay_rows_kind kind = {.what = "a trace", .hint = "scheduled_ns[,sample_index[,prompt_tokens,output_tokens]]", .headers = headers,
                                            .names = columns, .limit_bytes = (size_t)1 << 30};

/* One line; *column: the one that is wrong when NULL comes back, as many as there are when it is the end. */
static const char *read_row(const struct assay_rows *r, const char *at, struct assay_trace_row *out, unsigned *column)
{
    uint64_t    value[ASSAY_ROWS_COLUMNS];
    const char *next = assay_rows_read(r, at, value, column);
    if (next && (value[2] > MAX_TOKENS || value[3] > MAX_TOKENS)) {
        *column = value[2] > MAX_TOKENS ? 2 : 3;
        return NULL;
    }
    if (next)
        *out = (struct assay_trace_row){value[0], value[1], (uint32_t)value[2], (uint32_t)value[3]};
    return next;
}

bool assay_trace_next(struct assay_trace *t, struct assay_trace_row *out)
{
    unsigned    column;
    const char *next = *t->at ? read_row(&t->rows, t->at, out, &column) : NULL;
    t->at = next ? next : t->at;
    return next;
}

static enum assay_code check(struct assay_trace *t, const char *path, uint64_t samples, struct assay_error *err)
{
    struct assay_trace_row row;
    uint64_t               before = 0, line = 2;
    for (const char *at = t->rows.first; *at; line++) {
        unsigned    column;
        const char *next = read_row(&t->rows, at, &row, &column);
        if (!next)
            return assay_rows_refuse(&t->rows, path, line, at, column, "a whole number that is not negative or absurd", err);
        if (row.scheduled_ns < before)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: times must not fall, %llu ns comes after %llu ns", path,
                              (unsigned long long)line, (unsigned long long)row.scheduled_ns, (unsigned long long)before);
        if (t->has_sample && row.sample >= samples)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.100s:%llu: sample_index %llu is not below the %llu samples of the data set", path,
                              (unsigned long long)line, (unsigned long long)row.sample, (unsigned long long)samples);
        if ((uint64_t)row.prompt_tokens + row.output_tokens > (uint64_t)t->longest.prompt_tokens + t->longest.output_tokens) {
            t->longest = row;
            t->longest_line = line;
        }
        before = row.scheduled_ns;
        t->n++;
        at = next;
    }
    return t->n ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_DATA, "%.100s: there is no arrival in it", path);
}

enum assay_code assay_trace_open(const char *path, uint64_t samples, struct assay_trace *out, struct assay_error *err)
{
    struct assay_trace t = {.n = 0};
    if (assay_rows_open(path, &kind, &t.rows, err))
        return err->code;
    t.at = t.rows.first;
    t.has_sample = t.rows.header > 0;
    enum assay_code code = check(&t, path, samples, err);
    if (code)
        free(t.rows.bytes);
    else
        *out = t;
    return code;
}

void assay_trace_close(struct assay_trace *t)
{
    free(t->rows.bytes);
    t->rows.bytes = NULL;
}
