#include "harness/verify/vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

#define FILE_BYTES_MOST ((size_t)1 << 30)
#define CONST_ELEMENTS_MOST 64
#define CHUNK 1024

/* ---- reading ------------------------------------------------------------------------------------------------- */

static enum assay_code read_file(struct assay_vector *v, const char *path, size_t *length, struct assay_error *err)
{
    enum assay_code code = assay_file_read(path, FILE_BYTES_MOST, &v->file[v->n_files], length, err);
    v->n_files += !code;
    return code;
}

static enum assay_code read_arrays(struct assay_vector *v, const char *folder, unsigned set, const char *kind, size_t n,
                                   struct assay_onnx_array *to, struct assay_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char                     path[1200];
        size_t                   length;
        struct assay_onnx_tensor t;
        (void)snprintf(path, sizeof path, "%.1100s/test_data_set_%u/%s_%zu.pb", folder, set, kind, i);
        if (read_file(v, path, &length, err))
            return err->code;
        const char *what = strrchr(path, '/') + 1;
        if (assay_onnx_tensor_read(v->file[v->n_files - 1], length, what, &v->arena, &t, err) ||
            assay_onnx_tensor_array(&t, what, &v->arena, &to[i], err))
            return err->code;
    }
    return ASSAY_OK;
}

static bool is_initializer(const struct assay_onnx_graph *g, const char *name)
{
    for (size_t k = 0; k < g->n_initializers; k++)
        if (g->initializers[k].name && name && strcmp(g->initializers[k].name, name) == 0)
            return true;
    return false;
}

/* Old files list initializers as inputs, behind those that are. */
static size_t count_inputs(const struct assay_onnx_graph *g)
{
    size_t n = 0;
    while (n < g->n_inputs && !is_initializer(g, g->inputs[n].name))
        n++;
    return n;
}

static void name_op(struct assay_vector *v)
{
    const struct assay_onnx_graph *g = v->model.graph;
    const char                    *op = g->n_nodes == 1 ? g->nodes[0].op : g->n_nodes ? "several" : "none";
    (void)snprintf(v->op, sizeof v->op, "%.63s", op);
}

/* What may become a const in the k-th attempt. */
static bool becomes_const(const struct assay_onnx_array *a, int attempt)
{
    return attempt > 0 && a->rank <= 1 && a->elements <= CONST_ELEMENTS_MOST && (attempt > 1 || a->dtype == ASSAY_I64);
}

static enum assay_code import(struct assay_vector *v, struct assay_error *err)
{
    struct assay_onnx_known known[ASSAY_VECTOR_TENSORS_MOST];
    for (int attempt = 0; attempt < 3; attempt++) {
        for (size_t i = 0; i < v->n_in; i++) {
            known[i] = (struct assay_onnx_known){v->model.graph->inputs[i].name, v->in[i]};
            if (!becomes_const(&v->in[i], attempt))
                known[i].array.data = NULL;
        }
        if (!assay_onnx_import(&v->model, "model.onnx", known, v->n_in, &v->graph, err))
            return ASSAY_OK;
    }
    return err->code;
}

static enum assay_code find_values(struct assay_vector *v, struct assay_error *err)
{
    const struct assay_onnx_graph *g = v->model.graph;
    for (size_t i = 0; i < v->n_in; i++) {
        const struct assay_value *x;
        v->input[i] = assay_graph_find(v->graph, g->inputs[i].name);
        x = assay_graph_value(v->graph, v->input[i]);
        if (!x || x->role != ASSAY_ROLE_INPUT)
            v->input[i] = ASSAY_NO_VALUE;
    }
    for (size_t i = 0; i < v->n_out; i++) {
        v->output[i] = assay_graph_find(v->graph, g->outputs[i].name);
        if (v->output[i] == ASSAY_NO_VALUE)
            return ASSAY_FAIL(err, ASSAY_DATA, "output '%.60s' is not in the graph", g->outputs[i].name);
    }
    memset(err, 0, sizeof *err);
    return ASSAY_OK;
}

enum assay_code assay_vector_read(const char *folder, unsigned set, struct assay_vector *out, struct assay_error *err)
{
    char   path[1200];
    size_t length;
    memset(out, 0, sizeof *out);
    (void)snprintf(path, sizeof path, "%.1100s/model.onnx", folder);
    if (read_file(out, path, &length, err) ||
        assay_onnx_model_read(out->file[0], length, "model.onnx", &out->arena, &out->model, err))
        return err->code;
    name_op(out);
    out->n_in = count_inputs(out->model.graph);
    out->n_out = out->model.graph->n_outputs;
    if (out->n_in > ASSAY_VECTOR_TENSORS_MOST || out->n_out > ASSAY_VECTOR_TENSORS_MOST)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%zu inputs and %zu outputs; at most %d of each are read", out->n_in, out->n_out,
                          ASSAY_VECTOR_TENSORS_MOST);
    if (read_arrays(out, folder, set, "input", out->n_in, out->in, err) ||
        read_arrays(out, folder, set, "output", out->n_out, out->want, err) || import(out, err))
        return err->code;
    return find_values(out, err);
}

void assay_vector_release(struct assay_vector *v)
{
    if (v->graph)
        assay_graph_free(v->graph);
    for (size_t i = 0; i < v->n_files; i++)
        free(v->file[i]);
    assay_arena_clear(&v->arena);
    memset(v, 0, sizeof *v);
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

static double element(enum assay_dtype dtype, const void *bytes, uint64_t i)
{
    double   x;
    unsigned bits = assay_dtype_bits(dtype);
    if (bits < 8) { /* two of four bits share a byte, the first in the low ones */
        unsigned char one = ((const unsigned char *)bytes)[i / 2];
        one = (unsigned char)(i % 2 ? one >> 4 : one & 15);
        assay_to_double(dtype, &one, 1, &x);
    } else {
        assay_to_double(dtype, (const char *)bytes + i * (bits / 8), 1, &x);
    }
    return x;
}

/* The reference's value and bound. */
struct expected {
    double value, bound;
};

static bool is_right(enum assay_dtype dtype, double got, double want, const struct expected *ours)
{
    if (!assay_dtype_is_float(dtype))
        return got == want || (ours->bound > 0 && fabs(got - want) <= 1);
    bool near_vector = got == want || (isnan(got) && isnan(want)) ||
                       fabs(got - want) <= ASSAY_VECTOR_ABSOLUTE + ASSAY_VECTOR_RELATIVE * fabs(want);
    bool is_bounded = isfinite(ours->bound) && isfinite(ours->value);
    return near_vector && (!is_bounded || fabs(got - ours->value) <= ours->bound);
}

static enum assay_code same_shape(const struct assay_onnx_array *want, const struct assay_value *v, struct assay_error *err)
{
    char              here[200], there[200];
    struct assay_text text = ASSAY_TEXT(here), other = ASSAY_TEXT(there);
    bool same = v->dtype == want->dtype && v->rank == want->rank && !memcmp(v->dims, want->dims, sizeof *v->dims * (size_t)v->rank);
    if (same)
        return ASSAY_OK;
    struct assay_value expected = {.dtype = want->dtype, .rank = want->rank};
    memcpy(expected.dims, want->dims, sizeof expected.dims);
    assay_value_describe(v, &text);
    assay_value_describe(&expected, &other);
    return ASSAY_FAIL(err, ASSAY_DEVICE, "'%.60s' is %.60s, the vector has %.60s", v->name, here, there);
}

static enum assay_code check_chunk(struct assay_reference *r, const struct assay_vector *v, size_t o, uint64_t first, size_t n,
                                   const void *got, struct assay_error *err)
{
    int64_t                   index[CHUNK];
    double                    value[CHUNK], bound[CHUNK];
    const struct assay_value *out = assay_graph_value(v->graph, v->output[o]);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)(first + i);
    if (assay_reference_at(r, v->output[o], n, index, value, bound, err))
        return err->code;
    for (size_t i = 0; i < n; i++) {
        double          x = element(out->dtype, got, first + i), want = element(out->dtype, v->want[o].data, first + i);
        struct expected ours = {value[i], bound[i]};
        if (!is_right(out->dtype, x, want, &ours))
            return ASSAY_FAIL(err, ASSAY_DEVICE, "'%.60s'[%" PRIu64 "] is %.9g, the vector has %.9g, the reference %.9g within %.3g",
                              out->name, first + i, x, want, ours.value, ours.bound);
    }
    return ASSAY_OK;
}

static enum assay_code check_output(struct assay_reference *r, const struct assay_vector *v, size_t o, const void *got,
                                    struct assay_error *err)
{
    const struct assay_value *out = assay_graph_value(v->graph, v->output[o]);
    if (same_shape(&v->want[o], out, err))
        return err->code;
    if (!assay_dtype_is_float(out->dtype) && (!out->bytes || !memcmp(got, v->want[o].data, out->bytes)))
        return ASSAY_OK; /* also of numbers that no double holds */
    for (uint64_t first = 0; first < out->elements; first += CHUNK) {
        uint64_t left = out->elements - first;
        if (check_chunk(r, v, o, first, left < CHUNK ? (size_t)left : CHUNK, got, err))
            return err->code;
    }
    return ASSAY_OK;
}

enum assay_code assay_vector_check(const struct assay_vector *v, const void *const *got, struct assay_error *err)
{
    const void            **bound = calloc(v->graph->n_values + 1u, sizeof *bound);
    struct assay_reference *r = NULL;
    enum assay_code         code = ASSAY_OK;
    if (!bound)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u values", v->graph->n_values);
    for (size_t i = 0; i < v->n_in; i++)
        if (v->input[i] != ASSAY_NO_VALUE)
            bound[v->input[i]] = v->in[i].data;
    code = assay_reference_new(v->graph, bound, &r, err);
    for (size_t o = 0; !code && o < v->n_out; o++)
        code = check_output(r, v, o, got[o], err);
    assay_reference_free(r);
    free(bound);
    return code;
}
