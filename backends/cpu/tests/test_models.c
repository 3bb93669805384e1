/* Whole models: every node of each is taken. */
#include "backends/cpu/tests/device.h"
#include "harness/ir/ops.h"
#include "harness/plan/plan.h"

static const char *const models[] = {
    "resnet50.infer/batch=1",
    "resnet50.train/batch=1",
    "bert.infer/tokens=16",
    "bert.train/batch=1,tokens=16",
    "bert.infer/size=large,tokens=16",
    "decoder.prefill/tokens=16",
    "decoder.decode/tokens=16",
    "decoder.decode/tokens=16,weights=bf16",
    "decoder.decode/tokens=16,weights=f16",
    "decoder.decode/tokens=16,weights=i8",
    "decoder.prefill/model=tiny-dense,tokens=16",
    "decoder.decode/model=tiny-dense,tokens=16",
    "decoder.train/model=tiny-dense,tokens=16",
    "decoder.prefill/model=tiny-moe,tokens=16",
    "decoder.decode/model=tiny-moe,tokens=16",
    "decoder.train/model=tiny-moe,tokens=16",
    "decoder.prefill/model=tiny-mla,tokens=16",
    "decoder.decode/model=tiny-mla,tokens=16",
    "decoder.train/model=tiny-mla,tokens=16",
    "dlrm.infer",
    "dlrm.train",
};

static struct assay_graph *build(const char *name)
{
    struct assay_error  err = {0};
    struct assay_case   c;
    struct assay_graph *g = NULL;
    cr_assert_eq(assay_case_parse(name, &c, &err), ASSAY_OK, "%s: %s", name, err.message);
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK, "%s: %s", name, err.message);
    assay_case_release(&c);
    return g;
}

Test(models, every_node_is_taken)
{
    struct device d;
    (void)setenv("ASSAY_DATA", ".", 0); /* the shapes of models lie in suites/ */
    cr_assert(device_open(&d, "threads=1"));
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct assay_graph *g = build(models[i]);
        for (uint32_t n = 0; n < g->n_nodes; n++) {
            char              why[300] = "";
            struct assay_text why_not = ASSAY_TEXT(why);
            cr_expect(d.backend->accepts(d.session, g, n, &why_not), "%s: node %u: %s", models[i], n, why);
        }
        assay_graph_free(g);
    }
    device_close(&d);
}

/* The most bytes of temps that are alive at one node, told from the graph alone: renames are their operand. */
static uint64_t largest_live_bytes(const struct assay_graph *g)
{
    uint64_t *born = calloc(g->n_values, sizeof *born), *dies = calloc(g->n_values, sizeof *dies), most = 0;
    int32_t  *is = calloc(g->n_values, sizeof *is);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        const struct assay_node  *by = value->producer >= 0 ? &g->nodes[value->producer] : NULL;
        born[v] = UINT64_MAX;
        is[v] = by && !strcmp(by->op->name, "Reshape") ? is[by->inputs[0]] : (int32_t)v;
    }
    for (uint32_t n = 0; n < g->n_nodes; n++)
        for (uint32_t k = 0; k < g->nodes[n].n_inputs + g->nodes[n].n_outputs; k++) {
            int32_t v = k < g->nodes[n].n_inputs ? g->nodes[n].inputs[k] : g->nodes[n].outputs[k - g->nodes[n].n_inputs];
            if (v == ASSAY_NO_VALUE)
                continue;
            born[is[v]] = born[is[v]] == UINT64_MAX ? n : born[is[v]];
            dies[is[v]] = n;
        }
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        uint64_t live = 0;
        for (uint32_t v = 0; v < g->n_values; v++) {
            const struct assay_value *value = assay_graph_value(g, (int32_t)v);
            if (value->role == ASSAY_ROLE_TEMP && born[v] <= n && n <= dies[v])
                live += value->bytes;
        }
        most = live > most ? live : most;
    }
    free(born);
    free(dies);
    free(is);
    return most;
}

/* Compiling looks at no param that is not fixed, so none has to be there. */
Test(models, values_between_nodes_take_little_more_than_the_largest_live_set, .timeout = 120)
{
    static const char *const names[] = {"bert.infer/size=large,tokens=128", "resnet50.infer/batch=1", "resnet50.train/batch=1",
                                        "decoder.prefill/tokens=64", "decoder.train/model=tiny-dense,tokens=64"};
    struct device      d;
    struct assay_error err = {0};
    (void)setenv("ASSAY_DATA", ".", 0);
    cr_assert(device_open(&d, "threads=1"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct assay_graph     *g = build(names[i]);
        struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
        struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank,
                                       .binding_stride = sizeof(struct assay_binding)};
        struct assay_program   *program = NULL;
        char                    said[300] = "";
        struct assay_text       text = ASSAY_TEXT(said);
        cr_assert_eq(d.backend->compile(d.session, &how, &program, &err), ASSAY_OK, "%s: %s", names[i], err.message);
        d.backend->describe(d.session, program, &text);
        const char *at = strstr(said, " bytes of values between nodes");
        while (at && at > said && at[-1] != ' ')
            at--;
        double bytes = at ? strtod(at, NULL) : 1e300, live = (double)largest_live_bytes(g);
        cr_expect(bytes <= 1.3 * live, "%s: %.0f bytes between nodes, %.0f live at once", names[i], bytes, live);
        d.backend->discard(d.session, program);
        assay_graph_free(g);
    }
    device_close(&d);
}

/* Gives every value that a host binds a buffer, and the program its params for good. Returns the bytes of one set. */
static uint64_t hold(struct device *d, const struct assay_graph *g, struct assay_buffer **buffer, struct assay_program **program)
{
    struct assay_error    err = {0};
    struct assay_binding *fixed = calloc(g->n_values, sizeof *fixed);
    uint64_t              bytes = 0;
    size_t                n = 0;
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        struct assay_alloc        how = {sizeof how, value->place, value->bytes, 64};
        if (value->role == ASSAY_ROLE_CONST || value->role == ASSAY_ROLE_TEMP || value->alias_of != ASSAY_NO_VALUE)
            continue;
        cr_assert_eq(d->backend->alloc(d->session, &how, &buffer[v], &err), ASSAY_OK, "%s", err.message);
        bytes += value->bytes;
        if (value->role == ASSAY_ROLE_PARAM)
            fixed[n++] = (struct assay_binding){.value = v, .buffer = buffer[v], .valid_rows = ASSAY_ALL_ROWS};
    }
    struct assay_rank_class rank = {.size = sizeof rank, .graph = g, .multiplicity = 1};
    struct assay_compile    how = {.size = sizeof how, .classes = &rank, .n_classes = 1, .class_stride = sizeof rank, .fixed = fixed,
                                   .n_fixed = n, .binding_stride = sizeof(struct assay_binding)};
    cr_assert_eq(d->backend->compile(d->session, &how, program, &err), ASSAY_OK, "%s", err.message);
    free(fixed);
    return bytes;
}

/* Convolutions have their weights packed beside those that are bound, and work space each. */
Test(models, memory_is_weights_and_the_largest_live_set_and_is_all_given_back, .timeout = 120)
{
    static const struct {
        const char *name;
        double      most;
    } model[] = {{"bert.infer/size=large,tokens=128", 1.3}, {"bert.infer/tokens=64", 1.3}, {"decoder.prefill/tokens=64", 1.3},
                 {"resnet50.infer/batch=1", 2.7}};
    struct device d;
    (void)setenv("ASSAY_DATA", ".", 0);
    cr_assert(device_open(&d, "threads=1"));
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        struct assay_memory   held = {.size = sizeof held};
        struct assay_graph   *g = build(model[i].name);
        struct assay_buffer **buffer = calloc(g->n_values, sizeof(struct assay_buffer *));
        struct assay_program *program = NULL;
        uint64_t              bound = hold(&d, g, buffer, &program), live = largest_live_bytes(g);
        d.backend->memory(d.session, &held);
        double share = (double)(held.buffer_bytes + held.program_bytes) / (double)(bound + live);
        cr_expect_eq(held.buffer_bytes, bound);
        cr_expect(held.program_bytes > 0 && share >= 1 - (double)live / (double)(bound + live) && share <= model[i].most, "%s: %.3f of what it needs",
                  model[i].name, share);
        d.backend->discard(d.session, program);
        for (uint32_t v = 0; v < g->n_values; v++)
            d.backend->release(d.session, buffer[v]);
        d.backend->memory(d.session, &held);
        cr_expect(held.buffer_bytes == 0 && held.program_bytes == 0, "%s: %llu and %llu bytes are left", model[i].name,
                  (unsigned long long)held.buffer_bytes, (unsigned long long)held.program_bytes);
        free(buffer);
        assay_graph_free(g);
    }
    device_close(&d);
}
