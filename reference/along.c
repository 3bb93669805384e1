#include "reference/along.h"

#include "assay/banned.h"

struct job {
    const struct assay_ref_along *op;
    struct assay_ref_row          row; /* what all rows share */
};

static size_t row_of(const void *self, int64_t index)
{
    const struct assay_ref_axis *a = &((const struct job *)self)->row.axis;
    return (size_t)(index / (a->length * a->inner) * a->inner + index % a->inner);
}

static void copy_row(const struct assay_ref_row *row, size_t number, const struct assay_ref_tensor *from, struct assay_ref_line to)
{
    const struct assay_ref_axis *a = &row->axis;
    int64_t first = (int64_t)number / a->inner * a->length * a->inner + (int64_t)number % a->inner;
    for (int64_t k = 0; k < a->length; k++) {
        struct assay_bounded b = bounded_of(from, (size_t)(first + k * a->inner));
        to.value[k] = b.value;
        to.error[k] = b.error;
    }
}

static void each(const void *self, size_t number, size_t count, const size_t *places, double *scratch)
{
    const struct job    *j = self;
    struct assay_ref_row row = j->row;
    row.count = count;
    row.place = places;
    for (uint32_t i = 0; i < j->op->n_in; i++, scratch += 2 * row.length) {
        row.in[i] = (struct assay_ref_line){scratch, scratch + row.length};
        copy_row(&row, number, &row.call->in[i], row.in[i]);
    }
    row.own = (struct assay_ref_line){scratch, scratch + row.length};
    j->op->each(&row);
}

enum assay_code assay_ref_along(const struct assay_ref_along *op, const struct assay_ref_call *call, size_t n, const int64_t *index,
                                double *value, double *bound, struct assay_error *err)
{
    struct job j = {.op = op, .row = {.call = call, .index = index, .value = value, .bound = bound}};
    j.row.axis = assay_ref_axis_of(&call->in[0], (int32_t)assay_node_i64(call->node, "axis", -1));
    j.row.length = (size_t)j.row.axis.length;
    struct assay_ref_groups rows = {.n_groups = (size_t)(j.row.axis.outer * j.row.axis.inner),
                                    .scratch = 2 * j.row.length * (op->n_in + (op->own ? 1 : 0)),
                                    .group_of = row_of,
                                    .each = each,
                                    .self = &j};
    return assay_ref_by_group(&rows, n, index, err);
}
