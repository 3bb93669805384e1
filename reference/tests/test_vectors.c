/* The reference against vectors that somebody else made: Debian's libonnx-testdata. */
#include <criterion/criterion.h>

#include <math.h>

#include "harness/ir/onnx/import.h"
#include "harness/ir/onnx/tests/vectors.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

TestSuite(vectors, .timeout = 300);

#define TENSORS_MOST 32
/* What the vectors' own runner asks for. */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-7

struct vector_case {
    const char             *folder;
    struct assay_arena      arena;
    struct assay_onnx_model model;
    struct assay_onnx_array in[TENSORS_MOST], want[TENSORS_MOST];
    struct assay_onnx_known known[TENSORS_MOST];
    struct assay_graph     *graph;
    char                   *files[2 * TENSORS_MOST];
    size_t                  n_in, n_out, n_files;
};

static size_t n_passed[2], n_failed, n_not_run; /* passed: of node, of the converted ones */

static bool read_arrays(struct vector_case *c, const char *kind, size_t n, struct assay_onnx_array *to, struct assay_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char                     path[400];
        size_t                   length;
        struct assay_onnx_tensor t;
        (void)snprintf(path, sizeof path, "%s/test_data_set_0/%s_%zu.pb", c->folder, kind, i);
        if (assay_file_read(path, VECTORS_FILE_BYTES_MOST, &c->files[c->n_files], &length, err))
            return false;
        if (assay_onnx_tensor_read(c->files[c->n_files++], length, path, &c->arena, &t, err) ||
            assay_onnx_tensor_array(&t, path, &c->arena, &to[i], err))
            return false;
    }
    return true;
}

/* Inputs that are shapes or axes become consts: small integers. */
static bool import_case(struct vector_case *c, const void *bytes, size_t length, struct assay_error *err)
{
    if (assay_onnx_model_read(bytes, length, "m", &c->arena, &c->model, err))
        return false;
    c->n_in = c->model.graph->n_inputs;
    c->n_out = c->model.graph->n_outputs;
    for (size_t i = 0; i < c->n_in; i++) /* old files list initializers as inputs */
        for (size_t k = 0; k < c->model.graph->n_initializers; k++)
            if (c->model.graph->initializers[k].name && c->model.graph->inputs[i].name &&
                strcmp(c->model.graph->initializers[k].name, c->model.graph->inputs[i].name) == 0)
                c->n_in = i;
    if (c->n_in > TENSORS_MOST || c->n_out > TENSORS_MOST)
        return false;
    if (!read_arrays(c, "input", c->n_in, c->in, err) || !read_arrays(c, "output", c->n_out, c->want, err))
        return false;
    for (size_t i = 0; i < c->n_in; i++) {
        c->known[i] = (struct assay_onnx_known){c->model.graph->inputs[i].name, c->in[i]};
        if (c->in[i].dtype != ASSAY_I64 || c->in[i].rank > 1)
            c->known[i].array.data = NULL;
    }
    return !assay_onnx_import(&c->model, "m", c->known, c->n_in, &c->graph, err);
}

static bool is_equal(const struct assay_onnx_array *want, const struct assay_value *v, const void *got)
{
    double a, b;
    if (v->dtype != want->dtype || v->rank != want->rank || memcmp(v->dims, want->dims, sizeof *v->dims * (size_t)v->rank) != 0)
        return false;
    if (!assay_dtype_is_float(v->dtype))
        return memcmp(got, want->data, want->bytes) == 0;
    for (uint64_t i = 0; i < want->elements; i++) {
        size_t bytes = assay_dtype_bits(v->dtype) / 8;
        assay_to_double(v->dtype, (const char *)want->data + bytes * i, 1, &a);
        assay_to_double(v->dtype, (const char *)got + bytes * i, 1, &b);
        if (!(a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= ABSOLUTE + RELATIVE * fabs(a)))
            return false;
    }
    return true;
}

static bool run_case(struct vector_case *c, struct assay_error *err)
{
    const void            **bound = calloc(c->graph->n_values, sizeof *bound);
    struct assay_reference *r = NULL;
    bool                    passed = true;
    cr_assert(bound);
    for (size_t i = 0; i < c->n_in; i++) {
        int32_t value = assay_graph_find(c->graph, c->known[i].name);
        if (!c->known[i].array.data)
            bound[value] = c->in[i].data;
    }
    cr_assert_eq(assay_reference_new_with(c->graph, bound, ASSAY_BOUNDS_NONE, &r, err), ASSAY_OK, "%s", err->message);
    for (size_t i = 0; i < c->n_out && passed; i++) {
        int32_t                   value = assay_graph_find(c->graph, c->model.graph->outputs[i].name);
        const struct assay_value *v = assay_graph_value(c->graph, value);
        void                     *got = malloc(v->bytes + 1);
        cr_assert(got);
        passed = !assay_reference_store(r, value, got, err) && is_equal(&c->want[i], v, got);
        free(got);
    }
    assay_reference_free(r);
    free(bound);
    return passed;
}

static void see_model(const char *path, const void *bytes, size_t length)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct vector_case c = {.folder = path};
    char               folder[300];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    c.folder = folder;
    if (!import_case(&c, bytes, length, &err))
        n_not_run++;
    else if (run_case(&c, &err))
        n_passed[strstr(path, "/pytorch-") != NULL] += strstr(path, "/node/") || strstr(path, "/pytorch-") ? 1 : 0;
    else {
        n_failed++;
        cr_expect_fail("%s: %s", folder, err.code ? err.message : "another result");
    }
    if (c.graph)
        assay_graph_free(c.graph);
    for (size_t i = 0; i < c.n_files; i++)
        free(c.files[i]);
    assay_arena_clear(&c.arena);
}

Test(vectors, every_case_that_is_read_passes)
{
    vectors_each("/model.onnx", see_model);
    cr_expect_eq(n_failed, 0);
    cr_expect_eq(n_passed[0], 388, "node: %zu passed, %zu not run in all", n_passed[0], n_not_run);
    cr_expect_eq(n_passed[1], 91, "converted: %zu", n_passed[1]);
}
