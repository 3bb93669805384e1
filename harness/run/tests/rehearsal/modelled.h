/* What the two plug-ins on virtual time have in common: events whose span is known at launch, counters, rows. */
#ifndef REHEARSAL_MODELLED_H
#define REHEARSAL_MODELLED_H

#include "plugin.h"

enum { MAX_ROWS = 8 };

struct assay_event {
    uint64_t begin_ns, end_ns;
    struct assay_trace_row rows[MAX_ROWS];
    size_t n_rows;
};

/* Copies rows to the host's, stride bytes apart; rows of the host may be larger. */
static inline void rows_give(const void *from, size_t row_bytes, size_t n, void *to, size_t stride, size_t capacity)
{
    for (size_t i = 0; i < n && i < capacity; i++)
        memcpy((char *)to + i * stride, (const char *)from + i * row_bytes, row_bytes < stride ? row_bytes : stride);
}

static inline enum assay_code modelled_poll(struct assay_session *s, struct assay_event *const *events, size_t n,
                                            uint64_t timeout_ns, size_t *done, struct assay_span *span,
                                            struct assay_error *err)
{
    size_t first = 0;
    (void)s;
    (void)timeout_ns;
    (void)err;
    for (size_t i = 1; i < n; i++)
        if (events[i]->end_ns < events[first]->end_ns)
            first = i;
    span->clock = ASSAY_CLOCK_MODEL;
    span->begin_ns = events[first]->begin_ns;
    span->end_ns = events[first]->end_ns;
    span->device_ns = 0;
    (void)snprintf(span->why_no_device_ns, sizeof span->why_no_device_ns, "modelled, not measured");
    *done = first;
    return ASSAY_OK;
}

static inline void modelled_forget(struct assay_session *s, struct assay_event *e)
{
    (void)s;
    free(e);
}

static inline enum assay_code modelled_trace(struct assay_session *s, struct assay_event *e,
                                             struct assay_trace_row *rows, size_t stride, size_t capacity, size_t *n,
                                             struct assay_error *err)
{
    (void)s;
    (void)err;
    rows_give(e->rows, sizeof e->rows[0], e->n_rows, rows, stride, capacity);
    *n = e->n_rows;
    return ASSAY_OK;
}

static inline void trace_add(struct assay_event *e, uint32_t node, uint32_t rank_class, uint64_t begin_ns,
                             uint64_t end_ns)
{
    struct assay_trace_row *row = &e->rows[e->n_rows];
    if (e->n_rows == MAX_ROWS)
        return;
    row->node = node;
    row->rank_class = rank_class;
    row->begin_ns = begin_ns;
    row->end_ns = end_ns;
    (void)snprintf(row->note, sizeof row->note, "class %u", rank_class);
    e->n_rows++;
}

#endif
