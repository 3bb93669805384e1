#include "harness/ir/window.h"

#include <inttypes.h>
#include <string.h>

#include "assay/banned.h"

/* Kernels, strides, dilations and pads beyond this are mistakes, and would overflow. */
#define MAX_NUMBER INT64_C(0x7fffffff)

/* The n numbers of an attribute, each in min..MAX_NUMBER; without it they stay. */
static enum assay_code read_list(const struct assay_infer *in, const struct assay_window *w, const char *name, int32_t n,
                                 int64_t min, int64_t *list, struct assay_error *err)
{
    const struct assay_attr *attr = assay_node_attr(in->node, name);
    if (!attr)
        return ASSAY_OK;
    if (attr->n != (size_t)n)
        return ASSAY_INFER_REFUSE(in, err, w->input, ASSAY_INFER_NONE, "%s has %zu numbers, not %" PRId32, name, attr->n, n);
    for (int32_t i = 0; i < n; i++) {
        list[i] = attr->list[i];
        if (list[i] < min || list[i] > MAX_NUMBER)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                      "%s holds %" PRId64 ", which is not in %" PRId64 "..%" PRId64, name, list[i], min,
                                      MAX_NUMBER);
    }
    return ASSAY_OK;
}

static enum assay_code read_geometry(const struct assay_infer *in, struct assay_window *w, struct assay_error *err)
{
    int32_t n = w->axes;
    int64_t said[ASSAY_WINDOW_MAX_AXES];
    memcpy(said, w->kernel, sizeof said);
    for (int32_t i = 0; i < n; i++) {
        w->strides[i] = w->dilations[i] = 1;
        w->pads[i] = w->pads[n + i] = 0;
    }
    enum assay_code code = read_list(in, w, "kernel_shape", n, 1, w->kernel, err);
    if (!code)
        code = read_list(in, w, "strides", n, 1, w->strides, err);
    if (!code)
        code = read_list(in, w, "dilations", n, 1, w->dilations, err);
    if (!code)
        code = read_list(in, w, "pads", 2 * n, 0, w->pads, err);
    for (int32_t i = 0; !code && i < n && w->filters != ASSAY_INFER_NONE; i++) {
        if (w->kernel[i] != said[i])
            code = ASSAY_INFER_REFUSE(in, err, w->filters, ASSAY_INFER_NONE, "kernel_shape says %" PRId64 " for its axis %d",
                                      w->kernel[i], (int)i + 2);
        else if (w->kernel[i] < 1 || w->kernel[i] > MAX_NUMBER)
            code = ASSAY_INFER_REFUSE(in, err, w->filters, ASSAY_INFER_NONE, "a kernel's lengths are in 1..%" PRId64,
                                      MAX_NUMBER);
    }
    return code;
}

static int64_t window(const struct assay_window *w, int32_t i)
{
    return (w->kernel[i] - 1) * w->dilations[i] + 1;
}

static enum assay_code resolve_auto_pad(const struct assay_infer *in, struct assay_window *w, struct assay_error *err)
{
    const char *mode = assay_node_text(in->node, "auto_pad", "NOTSET");
    bool        lower = !strcmp(mode, "SAME_LOWER"), same = lower || !strcmp(mode, "SAME_UPPER");
    if (!strcmp(mode, "NOTSET"))
        return ASSAY_OK;
    if (!same && strcmp(mode, "VALID") != 0)
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "auto_pad must be NOTSET, SAME_UPPER, SAME_LOWER or VALID, got '%.32s'", mode);
    if (assay_node_attr(in->node, "pads"))
        return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE,
                                  "auto_pad %s and pads exclude each other", mode);
    for (int32_t i = 0; same && i < w->axes; i++) {
        int64_t d = w->in[i], s = w->strides[i];
        int64_t o = d / s + (d % s != 0);
        int64_t pad = o ? (o - 1) * s + window(w, i) - d : 0;
        if (pad < 0)
            pad = 0;
        w->pads[i] = lower ? pad - pad / 2 : pad / 2;
        w->pads[w->axes + i] = pad - w->pads[i];
    }
    return ASSAY_OK;
}

static enum assay_code find_outputs(const struct assay_infer *in, struct assay_window *w, struct assay_error *err)
{
    /* SAME of an empty axis is empty; any other window must fit once. */
    bool same = !strncmp(assay_node_text(in->node, "auto_pad", "NOTSET"), "SAME", 4);
    bool up = !same && assay_node_i64(in->node, "ceil_mode", 0);
    for (int32_t i = 0; i < w->axes; i++) {
        int64_t room = w->in[i] + w->pads[i] + w->pads[w->axes + i], wide = window(w, i), s = w->strides[i];
        if (room < wide && !(same && w->in[i] == 0))
            return ASSAY_INFER_REFUSE(in, err, w->input, w->filters,
                                      "a window of %" PRId64 " does not fit axis %d, %" PRId64 " long with its pads",
                                      wide, (int)i + 2, room);
        w->out[i] = room < wide ? 0 : (room - wide) / s + 1;
        if (up && room > wide && (room - wide) % s && w->out[i] * s < w->in[i] + w->pads[i])
            w->out[i]++;
    }
    return ASSAY_OK;
}

enum assay_code assay_window_resolve(const struct assay_infer *in, struct assay_window *w, struct assay_error *err)
{
    size_t          n = (size_t)w->axes;
    enum assay_code code = read_geometry(in, w, err);
    if (!code)
        code = resolve_auto_pad(in, w, err);
    if (!code)
        code = find_outputs(in, w, err);
    if (code)
        return code;
    assay_infer_set_i64s(in, "kernel_shape", n, w->kernel);
    assay_infer_set_i64s(in, "strides", n, w->strides);
    assay_infer_set_i64s(in, "dilations", n, w->dilations);
    assay_infer_set_i64s(in, "pads", 2 * n, w->pads);
    assay_infer_set_text(in, "auto_pad", "NOTSET");
    return ASSAY_OK;
}

uint64_t assay_window_taps(const struct assay_node *node)
{
    const struct assay_attr *kernel = assay_node_attr(node, "kernel_shape");
    return kernel ? assay_shape_count(kernel->list, 0, (int32_t)kernel->n) : 0;
}

enum assay_code assay_window_input_shape(const struct assay_infer *in, const int64_t **dims, struct assay_error *err)
{
    const struct assay_attr *shape = assay_node_attr(in->node, "input_shape");
    if (shape->n != (size_t)in->in[0]->rank)
        return ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "input_shape has %zu numbers, not %" PRId32, shape->n,
                                  in->in[0]->rank);
    for (size_t i = 0; i < shape->n; i++)
        if (shape->list[i] < 0)
            return ASSAY_INFER_REFUSE(in, err, ASSAY_INFER_NONE, ASSAY_INFER_NONE, "input_shape holds %" PRId64,
                                      shape->list[i]);
    *dims = shape->list;
    return ASSAY_OK;
}

enum assay_code assay_window_expect(const struct assay_infer *in, const struct assay_window *w, int64_t n, int64_t channels,
                                    struct assay_error *err)
{
    const struct assay_value *dy = in->in[0];
    char              list[128];
    struct assay_text text = ASSAY_TEXT(list);
    bool              as_is = dy->rank == w->axes + 2 && dy->dims[0] == n && dy->dims[1] == channels;
    assay_text_add(&text, "%" PRId64 ",%" PRId64, n, channels);
    for (int32_t i = 0; i < w->axes; i++) {
        as_is = as_is && dy->dims[i + 2] == w->out[i];
        assay_text_add(&text, ",%" PRId64, w->out[i]);
    }
    return as_is ? ASSAY_OK : ASSAY_INFER_REFUSE(in, err, 0, ASSAY_INFER_NONE, "windows over the input give [%s]", list);
}
