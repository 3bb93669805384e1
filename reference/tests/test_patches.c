#include <criterion/criterion.h>
#include <stdlib.h>

#include "simulate.h"

#include "assay/banned.h"

/* Gradients of a convolution, whole slices at a time and element by element. */
struct shape {
    int64_t n, c, h, w, m, k, group, stride, dilation, pad;
};

static int64_t out_of(int64_t in, const struct shape *s)
{
    return (in + 2 * s->pad - (s->k - 1) * s->dilation - 1) / s->stride + 1;
}

static void give_attributes(struct made *m, const struct shape *s)
{
    made_attr(m, ASSAY_ATTR_INT("group", s->group));
    made_attr(m, (struct assay_attr){.name = "strides", .type = ASSAY_ATTR_I64S, .list = {s->stride, s->stride}, .n = 2});
    made_attr(m, (struct assay_attr){.name = "dilations", .type = ASSAY_ATTR_I64S, .list = {s->dilation, s->dilation}, .n = 2});
    made_attr(m, (struct assay_attr){.name = "pads", .type = ASSAY_ATTR_I64S, .list = {s->pad, s->pad, s->pad, s->pad}, .n = 4});
}

/* Slices [from, to) of the output at once, on one to three threads, against their elements in reverse order. */
static void expect_same_bits(struct made *m, const struct assay_op_reference *op, int64_t slice, int64_t from, int64_t to)
{
    struct assay_error err = {0};
    size_t   n = (size_t)((to - from) * slice);
    double  *one = made_doubles(m, n), *bound = made_doubles(m, n), *all = made_doubles(m, n), *bounds = made_doubles(m, n);
    int64_t *index = assay_arena_take(&m->arena, n, sizeof *index);
    for (size_t i = 0; i < n; i++)
        index[i] = to * slice - 1 - (int64_t)i;
    cr_assert_eq(op->at(&m->call, n, index, one, bound, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++)
        index[i] = from * slice + (int64_t)i;
    for (int way = 0; way < 6; way++) {
        char threads[] = {(char)('1' + way / 2), 0};
        setenv("ASSAY_THREADS", threads, 1);
        m->call.values_only = way % 2;
        cr_assert_eq(op->at(&m->call, n, index, all, bounds, &err), ASSAY_OK, "%s", err.message);
        for (size_t i = 0; i < n; i++)
            cr_expect(all[i] == one[n - 1 - i] && (way % 2 || bounds[i] == bound[n - 1 - i]), "way %d, element %zu", way, i);
    }
    m->call.values_only = false;
    unsetenv("ASSAY_THREADS");
}

static void try_shape(uint64_t seed, const struct shape *s, bool weights)
{
    struct made m;
    int64_t oh = out_of(s->h, s), ow = out_of(s->w, s), in_group = s->c / s->group;
    made_begin(&m, seed);
    made_input(&m, 0, ASSAY_F32, DIMS(s->n, s->m, oh, ow), 0.1, 1, 0);
    if (weights)
        made_input(&m, 1, ASSAY_F32, DIMS(s->n, s->c, s->h, s->w), -0.2, 1, 0);
    else
        made_input(&m, 1, ASSAY_F32, DIMS(s->m, in_group, s->k, s->k), -0.2, 1, 0);
    if (weights)
        made_output(&m, 0, ASSAY_F32, DIMS(s->m, in_group, s->k, s->k));
    else
        made_output(&m, 0, ASSAY_F32, DIMS(s->n, s->c, s->h, s->w));
    give_attributes(&m, s);
    made_ready(&m, 0);
    int64_t slices = weights ? s->m : s->n, slice = (int64_t)m.out[0].elements / slices;
    const struct assay_op_reference *op = weights ? &assay_op_reference_ConvWeightGrad : &assay_op_reference_ConvInputGrad;
    expect_same_bits(&m, op, slice, 0, slices);
    expect_same_bits(&m, op, slice, slices / 2, slices);
    made_end(&m);
}

Test(patches, whole_gradients_of_convolutions_have_the_bits_of_their_elements, .timeout = 120)
{
    const struct shape shapes[] = {
        {2, 3, 7, 6, 4, 3, 1, 1, 1, 1},  {1, 4, 8, 8, 6, 3, 2, 2, 1, 0},    {3, 6, 5, 9, 6, 3, 6, 1, 2, 2},
        {2, 8, 4, 4, 5, 1, 1, 1, 1, 0},  {2, 5, 40, 41, 30, 3, 1, 2, 1, 1}, {1, 64, 9, 9, 70, 3, 1, 1, 1, 1},
        {1, 2, 50, 50, 28, 7, 2, 2, 1, 3},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        try_shape(i, &shapes[i], false);
        try_shape(i, &shapes[i], true);
    }
}
