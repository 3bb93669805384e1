/* Whole models: every node of each is taken. */
#include "backends/cpu/tests/device.h"
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
