/* Convolutions and pools: tensors [n, c, d1, ..] and windows that move over d1, .. . Gradients are sums over all windows and
 * taps that see an element, found by trying them all. */
#include "oracle.h"

#include <string.h>

enum { MAX_AXES = ASSAY_MAX_RANK - 2 };

struct windows {
    int32_t        axes;
    const int64_t *kernel, *strides, *dilations, *pads, *in, *out; /* of each axis */
    int64_t        taps, places; /* of a window; windows of a channel */
};

/* in and out: the tensors that windows look at, and that have an element for each. */
static struct windows windows_of(const struct oracle *o, const struct oracle_tensor *in, const struct oracle_tensor *out)
{
    struct windows w = {.axes = in->rank - 2, .taps = 1, .places = 1, .in = in->dims + 2, .out = out->dims + 2};
    w.kernel = attr_list(o, "kernel_shape");
    w.strides = attr_list(o, "strides");
    w.dilations = attr_list(o, "dilations");
    w.pads = attr_list(o, "pads");
    for (int32_t d = 0; d < w.axes; d++) {
        w.taps *= w.kernel[d];
        w.places *= w.out[d];
    }
    return w;
}

static void split(int32_t axes, const int64_t *dims, int64_t flat, int64_t at[])
{
    for (int32_t d = axes - 1; d >= 0; d--) {
        at[d] = flat % dims[d];
        flat /= dims[d];
    }
}

/* Where tap t of the window at `place` looks; false: beyond the tensor. `padded`: beyond the pads too. */
static bool looks_at(const struct windows *w, const int64_t place[], int64_t t, int64_t at[], bool padded)
{
    int64_t tap[MAX_AXES];
    bool    inside = true;
    split(w->axes, w->kernel, t, tap);
    for (int32_t d = 0; d < w->axes; d++) {
        int64_t before = padded ? w->pads[d] : 0, behind = padded ? w->pads[w->axes + d] : 0;
        at[d] = place[d] * w->strides[d] - w->pads[d] + tap[d] * w->dilations[d];
        inside = inside && at[d] >= -before && at[d] < w->in[d] + behind;
    }
    return inside;
}

/* The element of channel (n, c) at spatial place `at`. */
static number spatial(const struct oracle_tensor *t, int64_t n, int64_t c, const int64_t at[])
{
    int64_t there[ASSAY_MAX_RANK] = {n, c};
    memcpy(there + 2, at, (size_t)(t->rank - 2) * sizeof *at);
    return element_at(t, there);
}

/* ---- convolution ---------------------------------------------------------------------------------------------------- */

static number filter_at(const struct oracle_tensor *f, int64_t m, int64_t c, int64_t t)
{
    int64_t tap[MAX_AXES];
    split(f->rank - 2, f->dims + 2, t, tap);
    return spatial(f, m, c, tap);
}

static number conv(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0], *f = &o->in[1];
    struct windows w = windows_of(o, x, &o->out[out]);
    int64_t each = f->dims[0] / attr_i(o, "group"), first = at[1] / each * f->dims[1], there[MAX_AXES];
    number  sum = is_there(&o->in[2]) ? o->in[2].x[at[1]] : num(0);
    for (int64_t c = 0; c < f->dims[1]; c++)
        for (int64_t t = 0; t < w.taps; t++)
            if (looks_at(&w, at + 2, t, there, false))
                sum = plus(sum, times(filter_at(f, at[1], c, t), spatial(x, at[0], first + c, there)));
    return sum;
}
ORACLE(Conv) = {.element = conv};

/* Operands dY, W. */
static number conv_input_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *f = &o->in[1];
    struct windows w = windows_of(o, &o->out[out], dy);
    int64_t each = f->dims[0] / attr_i(o, "group"), place[MAX_AXES], there[MAX_AXES];
    number  sum = num(0);
    for (int64_t p = 0; p < w.places; p++) {
        split(w.axes, w.out, p, place);
        for (int64_t t = 0; t < w.taps; t++) {
            if (!looks_at(&w, place, t, there, false) || memcmp(there, at + 2, (size_t)w.axes * sizeof *at) != 0)
                continue;
            for (int64_t m = 0; m < f->dims[0]; m++)
                if (m / each == at[1] / f->dims[1])
                    sum = plus(sum, times(spatial(dy, at[0], m, place), filter_at(f, m, at[1] % f->dims[1], t)));
        }
    }
    return sum;
}
ORACLE(ConvInputGrad) = {.element = conv_input_grad};

/* Operands dY, X. */
static number conv_weight_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *x = &o->in[1], *f = &o->out[out];
    struct windows w = windows_of(o, x, dy);
    int64_t each = f->dims[0] / attr_i(o, "group"), channel = at[0] / each * f->dims[1] + at[1];
    int64_t place[MAX_AXES], there[MAX_AXES], t = 0;
    number  sum = num(0);
    for (int32_t d = 0; d < w.axes; d++)
        t = t * w.kernel[d] + at[d + 2];
    for (int64_t n = 0; n < x->dims[0]; n++)
        for (int64_t p = 0; p < w.places; p++) {
            split(w.axes, w.out, p, place);
            if (looks_at(&w, place, t, there, false))
                sum = plus(sum, times(spatial(dy, n, at[0], place), spatial(x, n, channel, there)));
        }
    return sum;
}
ORACLE(ConvWeightGrad) = {.element = conv_weight_grad};

/* ---- pools ---------------------------------------------------------------------------------------------------------- */

/* The place that the greatest of a window has: the first of equals, of NaNs the first. */
static number greatest(const struct windows *w, const struct oracle_tensor *x, const int64_t channel[2], const int64_t place[],
                       int64_t where[])
{
    number most = NULL;
    for (int64_t t = 0; t < w->taps; t++) {
        int64_t there[MAX_AXES];
        if (!looks_at(w, place, t, there, false))
            continue;
        number seen = spatial(x, channel[0], channel[1], there);
        if (most && (is_nan(most) || (!is_nan(seen) && !is_above(seen, most))))
            continue;
        most = seen;
        memcpy(where, there, sizeof there);
    }
    return most;
}

static number max_pool(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct windows w = windows_of(o, &o->in[0], &o->out[out]);
    int64_t where[MAX_AXES];
    return greatest(&w, &o->in[0], at, at + 2, where);
}
ORACLE(MaxPool) = {.element = max_pool};

/* Operands dY, X. */
static number max_pool_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *dy = &o->in[0], *x = &o->in[1];
    struct windows w = windows_of(o, x, dy);
    int64_t place[MAX_AXES], where[MAX_AXES] = {0};
    number  sum = num(0);
    (void)out;
    for (int64_t p = 0; p < w.places; p++) {
        split(w.axes, w.out, p, place);
        (void)greatest(&w, x, at, place, where);
        if (!memcmp(where, at + 2, (size_t)w.axes * sizeof *at))
            sum = plus(sum, spatial(dy, at[0], at[1], place));
    }
    return sum;
}
ORACLE(MaxPoolGrad) = {.element = max_pool_grad};

/* What a window divides by: taps on the tensor or, if asked for, on its pads. */
static number count_of(const struct oracle *o, const struct windows *w, const int64_t place[])
{
    int64_t there[MAX_AXES];
    long    n = 0;
    for (int64_t t = 0; t < w->taps; t++)
        n += looks_at(w, place, t, there, attr_i(o, "count_include_pad") != 0);
    return whole(n);
}

static number average_pool(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct windows w = windows_of(o, &o->in[0], &o->out[out]);
    int64_t there[MAX_AXES];
    number  sum = num(0);
    for (int64_t t = 0; t < w.taps; t++)
        if (looks_at(&w, at + 2, t, there, false))
            sum = plus(sum, spatial(&o->in[0], at[0], at[1], there));
    return over(sum, count_of(o, &w, at + 2));
}
ORACLE(AveragePool) = {.element = average_pool};

static number average_pool_grad(const struct oracle *o, uint32_t out, const int64_t at[])
{
    struct windows w = windows_of(o, &o->out[out], &o->in[0]);
    int64_t place[MAX_AXES], there[MAX_AXES];
    number  sum = num(0);
    for (int64_t p = 0; p < w.places; p++) {
        split(w.axes, w.out, p, place);
        for (int64_t t = 0; t < w.taps; t++)
            if (looks_at(&w, place, t, there, false) && !memcmp(there, at + 2, (size_t)w.axes * sizeof *at))
                sum = plus(sum, over(spatial(&o->in[0], at[0], at[1], place), count_of(o, &w, place)));
    }
    return sum;
}
ORACLE(AveragePoolGrad) = {.element = average_pool_grad};

static number global_average_pool(const struct oracle *o, uint32_t out, const int64_t at[])
{
    const struct oracle_tensor *x = &o->in[0];
    int64_t each = x->n / (x->dims[0] * x->dims[1]), first = (at[0] * x->dims[1] + at[1]) * each;
    number  sum = num(0);
    (void)out;
    for (int64_t i = 0; i < each; i++)
        sum = plus(sum, x->x[first + i]);
    return over(sum, whole((long)each));
}
ORACLE(GlobalAveragePool) = {.element = global_average_pool};
