#include "harness/load/series.h"

#include <stdlib.h>

#include "assay/banned.h"

void assay_series_init(struct assay_series *s, struct assay_query_row *rows, size_t capacity)
{
    *s = (struct assay_series){.rows = rows, .capacity = capacity, .every = 1};
}

/* A full file: the next row that a stride twice as long leaves out gives way. A pass over the file makes room for half of it, so a row
 * costs two steps. */
void assay_series_add(struct assay_series *s, const struct assay_query_row *row)
{
    if (row->query & (s->every - 1))
        return;
    if (s->n < s->capacity) {
        s->rows[s->n++] = *row;
        return;
    }
    for (;;) {
        while (s->place < s->capacity && !(s->rows[s->place].query & (s->every - 1)))
            s->place++;
        if (s->place < s->capacity)
            break;
        s->every *= 2;
        s->place = 0;
        if (row->query & (s->every - 1))
            return;
    }
    s->rows[s->place++] = *row;
}

static int compare(const void *a, const void *b)
{
    const struct assay_query_row *x = a, *y = b;
    return (x->query > y->query) - (x->query < y->query);
}

void assay_series_finish(struct assay_series *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!(s->rows[i].query & (s->every - 1)))
            s->rows[kept++] = s->rows[i];
    s->n = kept;
    qsort(s->rows, s->n, sizeof *s->rows, compare);
}
