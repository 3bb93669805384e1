/* Models against another framework: logits, loss and gradients that ci/oracle/make_pins.py had PyTorch compute in double from
 * the same seeded weights. What is compared is the reference, which judges every device.
 *
 * Bound: the reference's own for f32 (statistical, by the graph's own amplification of roundings), scaled from the roundoff
 * 2^-24 to that of double, twice, since both sides round; and a few ulps for elements that f32 would have exactly. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "harness/base/json.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"
#include "reference/reference.h"
#include "suites/data/fill.h"
#include "suites/weights/tensor_file.h"

/* The operand behind a param of the optimizer's node is its gradient. */
static int32_t gradient_of(const struct assay_graph *g, int32_t param)
{
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        const struct assay_node *node = &g->nodes[k];
        bool                     is_step = !strcmp(node->op->name, "Sgd") || !strcmp(node->op->name, "AdamW");
        for (uint32_t i = 0; is_step && i + 1 < node->n_inputs; i++)
            if (node->inputs[i] == param)
                return node->inputs[i + 1];
    }
    return ASSAY_NO_VALUE;
}

static int32_t value_of(const struct assay_graph *g, const char *label)
{
    static const char *const logits[] = {"fc", "predictions.decoder", "lm_head", "logits"};
    if (!strcmp(label, "loss"))
        return assay_graph_find(g, "loss");
    for (size_t i = 0; !strcmp(label, "logits") && i < 4; i++)
        if (assay_graph_find(g, logits[i]) != ASSAY_NO_VALUE)
            return assay_graph_find(g, logits[i]);
    return gradient_of(g, assay_graph_find(g, label));
}

static struct assay_reference *reference_of(const struct assay_graph *g, void **data)
{
    struct assay_reference *r = NULL;
    struct assay_error      err = {.code = ASSAY_OK};
    for (uint32_t v = 0; v < g->n_values; v++) {
        if (g->values[v].producer >= 0 || g->values[v].role == ASSAY_ROLE_CONST)
            continue;
        data[v] = malloc(g->values[v].bytes + 1);
        cr_assert(data[v] && !assay_fill_value(g, (int32_t)v, 1, 0, data[v], &err), "%s", err.message);
    }
    cr_assert_eq(assay_reference_new_with(g, (const void *const *)data, ASSAY_BOUNDS_STATISTICAL, &r, &err), ASSAY_OK, "%s", err.message);
    return r;
}

struct tally {
    size_t arrays, elements;
    double worst; /* of |difference| / bound */
};

static void compare(struct assay_reference *r, const struct assay_graph *g, const char *name, const json_t *row, const double *pins,
                    struct tally *t)
{
    struct assay_error err = {.code = ASSAY_OK};
    const char        *label = json_string_value(json_object_get(row, "name"));
    size_t             n = (size_t)json_integer_value(json_object_get(row, "elements"));
    int64_t            begin = json_integer_value(json_object_get(row, "begin")), stride = json_integer_value(json_object_get(row, "stride"));
    int32_t            value = value_of(g, label);
    if (value == ASSAY_NO_VALUE) { /* a bias that only chooses has no gradient, and PyTorch's is zero */
        for (size_t i = 0; i < n; i++)
            cr_expect_eq(pins[begin + (int64_t)i], 0.0, "%s: '%s' has no gradient here", name, label);
        return;
    }
    int64_t *index = calloc(n + 1, sizeof *index);
    double  *x = calloc(n + 1, sizeof *x), *bound = calloc(n + 1, sizeof *bound);
    for (size_t i = 0; i < n; i++)
        index[i] = (int64_t)i * stride;
    cr_assert(n && (uint64_t)index[n - 1] < g->values[value].elements, "%s: '%s' has another size", name, label);
    cr_assert_eq(assay_reference_at(r, value, n, index, x, bound, &err), ASSAY_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++) {
        double pin = pins[begin + (int64_t)i], room = ldexp(bound[i], -28) + 8 * 0x1p-52 * fabs(pin) + 1e-300;
        double ratio = fabs(x[i] - pin) / room;
        cr_expect(isfinite(bound[i]) && ratio <= 1, "%s: '%s' [%lld] is %.15g, PyTorch has %.15g, bound %.2g", name, label,
                  (long long)index[i], x[i], pin, room);
        t->worst = fmax(t->worst, ratio);
    }
    t->arrays++;
    t->elements += n;
    free(index);
    free(x);
    free(bound);
}

static void check_pin(const char *path)
{
    struct assay_json_file    file;
    struct assay_tensor_file *array = NULL;
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_case         c;
    struct assay_graph       *g = NULL;
    struct tally              t = {0};
    char                      npy[700];
    cr_assert_eq(assay_json_load(path, "assay-pin/1", 1 << 20, &file, &err), ASSAY_OK, "%s", err.message);
    (void)snprintf(npy, sizeof npy, "%.*s.npy", (int)strlen(path) - 5, path);
    cr_assert_eq(assay_npy_open(npy, &array, &err), ASSAY_OK, "%s", err.message);
    const char *name = json_string_value(json_object_get(file.root, "case"));
    cr_assert(!assay_case_parse(name, &c, &err) && !assay_case_graph(&c, &g, &err), "%s", err.message);
    cr_expect_str_eq(c.id, json_string_value(json_object_get(file.root, "id")));
    const json_t *rows = json_object_get(file.root, "arrays");
    size_t        n, i;
    json_t       *row;
    json_array_foreach(rows, i, row)
    { /* so that all are computed at once: the reference keeps outputs */
        int32_t v = value_of(g, json_string_value(json_object_get(row, "name")));
        if (v != ASSAY_NO_VALUE)
            g->values[v].role = ASSAY_ROLE_OUTPUT;
    }
    void                  **data = calloc(g->n_values + 1, sizeof *data);
    struct assay_reference *r = reference_of(g, data);
    json_array_foreach(rows, i, row) compare(r, g, name, row, assay_tensor_file_tensors(array, &n)[0].data, &t);
    cr_expect_gt(t.arrays, 10u);
    cr_log_info("%s: %zu arrays, %zu elements, worst %.3f of its bound", name, t.arrays, t.elements, t.worst);
    assay_reference_free(r);
    for (uint32_t v = 0; v < g->n_values; v++)
        free(data[v]);
    free(data);
    assay_graph_free(g);
    assay_case_release(&c);
    assay_tensor_file_close(array);
    assay_json_release(&file);
}

Test(pins, logits_loss_and_gradients_are_pytorch_s, .init = find_source, .timeout = 120)
{
    char source[SOURCE_BYTES];
    char           folder[600];
    struct dirent *e;
    int            n = 0;
    source_of(source);
    (void)snprintf(folder, sizeof folder, "%s/ci/oracle/pins", source);
    DIR *d = opendir(folder);
    cr_assert(d, "%s", folder);
    while ((e = readdir(d))) {
        char   path[900];
        size_t length = strlen(e->d_name);
        if (length < 6 || strcmp(e->d_name + length - 5, ".json") != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        check_pin(path);
        n++;
    }
    (void)closedir(d);
    cr_expect_eq(n, 6, "models that are pinned");
}
