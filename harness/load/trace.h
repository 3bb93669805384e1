/* A trace of arrivals: CSV with the header scheduled_ns[,sample_index[,prompt_tokens,output_tokens]], times in order. */
#ifndef ASSAY_LOAD_TRACE_H
#define ASSAY_LOAD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/load/rows.h"

struct assay_trace_row {
    uint64_t scheduled_ns, sample;
    uint32_t prompt_tokens, output_tokens;
};

struct assay_trace {
    struct assay_rows rows; /* the file, owned, all of it checked */
    const char *at;
    bool        has_sample;
    uint64_t    n;
    uint64_t    longest_line; /* of the request with the most tokens, counted from 1 */
    struct assay_trace_row longest;
};

/* Reads and checks the whole file: whole numbers, times that never fall, samples below `samples`. One line for what is wrong. */
enum assay_code assay_trace_open(const char *path, uint64_t samples, struct assay_trace *out, struct assay_error *err);
void            assay_trace_close(struct assay_trace *t);
/* The next row; false at the end. */
bool assay_trace_next(struct assay_trace *t, struct assay_trace_row *out);

#endif
