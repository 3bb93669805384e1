/* What the graphs of ranks send, against what the model of clusters has a step of the same plan send. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/tests/source.h"
#include "harness/ir/ranks.h"
#include "harness/model/cluster/step.h"
#include "harness/plan/plan.h"
#include "suites/blocks/decoder_numbers.h"

static struct assay_error err;

/* Bytes that rank 0 sends in a step, rings taken for what is gathered or added up. */
static double sent_by_graph(const char *case_name)
{
    struct assay_case   c;
    struct assay_graph *g = assay_graph_new("rank");
    double              bytes = 0;
    cr_assert(!assay_case_parse(case_name, &c, &err), "%s", err.message);
    cr_assert(!c.workload->build_rank(c.params, c.phase, 0, g, &err), "%s: %s", case_name, err.message);
    for (uint32_t k = 0; k < g->n_nodes; k++) {
        const struct assay_node *node = &g->nodes[k];
        const char              *op = node->op->qualified;
        size_t                   n = 0;
        (void)assay_node_ranks(node, &n);
        if (n < 2 || !strcmp(op, "assay.Replicate") || !strcmp(op, "assay.Receive"))
            continue;
        double in = (double)g->values[node->inputs[0]].bytes, others = (double)(n - 1), of = (double)n;
        bytes += !strcmp(op, "assay.AllReduce") ? 2 * others / of * in : !strcmp(op, "assay.AllGather") ? others * in
                 : !strcmp(op, "assay.ReduceScatter") ? others / of * in : in; /* Send */
    }
    assay_graph_free(g);
    assay_case_release(&c);
    return bytes;
}

static double sent_by_price(const char *model, const struct assay_train_plan *p)
{
    struct assay_fitted         *fitted = calloc(1, sizeof *fitted);
    struct assay_system         *s = NULL;
    struct assay_described      *described = NULL;
    struct assay_step_model     *m = NULL;
    struct assay_fabric          f;
    struct assay_step_price      price;
    struct assay_decoder_numbers d;
    cr_assert_eq(assay_fitted_read(NULL, fitted, &err), ASSAY_OK, "%s", err.message);
    const struct assay_coefficients k = assay_fitted_for(fitted, "NVIDIA");
    free(fitted);
    cr_assert_eq(assay_decoder_numbers_find(model, &d, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_find("dgx-a100", &s, &err), ASSAY_OK, "%s", err.message); /* switches that add nothing up */
    cr_assert_eq(assay_described_find(s->device, &described, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_system_resize(s, p->tp * p->cp * p->dp * p->pp, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_fabric_of(s, described, &k, 0, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_step_model_new(&d, &f, &k, &m, &err), ASSAY_OK);
    cr_assert_eq(assay_price_step(m, p, false, &price, &err), ASSAY_OK, "%s", err.message);
    assay_step_model_free(m);
    assay_described_free(described);
    assay_system_free(s);
    return price.link[0].bytes;
}

/* The plan of a mesh; its sequences are one micro-batch, or on stages one each. */
static struct assay_train_plan plan_of(int64_t dp, int64_t tp, int64_t cp, int64_t pp)
{
    return (struct assay_train_plan){.dp = dp, .tp = tp, .cp = cp, .pp = pp, .ep = 1, .chunks = 1, .micro_batch = pp > 1 ? 1 : 4 / dp,
                                     .micro_batches = pp > 1 ? 4 : 1, .seq = 16, .schedule = ASSAY_PIPELINE_1F1B, .recompute = ASSAY_RECOMPUTE_NONE,
                                     .attention = ASSAY_ATTENTION_FUSED, .moments = ASSAY_MOMENTS_F32, .compute = ASSAY_BF16, .gradient_bytes = 4};
}

#define CASE "decoder.gradients/batch=4,model=tiny-dense,tokens=16,"
/* Graphs have activations of 4 bytes, plans of 2. */
#define WIDER 2.0
/* What every rank adds up besides: the loss, the gradients' norm. */
#define NUMBERS 64.0

static void check(const char *mesh, double graph_bytes, double price_bytes, double within)
{
    cr_expect_float_eq(graph_bytes, price_bytes, NUMBERS + within * price_bytes, "%s: the graph sends %.0f bytes, the plan's price says %.0f", mesh, graph_bytes,
                       price_bytes);
    printf("%-28s %9.0f bytes in the graph, %9.0f in the price\n", mesh, graph_bytes, price_bytes);
}

Test(rank_traffic, gradients_of_copies_are_what_the_plan_adds_up, .init = find_source)
{
    struct assay_train_plan p = plan_of(2, 1, 1, 1);
    check("dp=2", sent_by_graph(CASE "dp=2"), sent_by_price("tiny-dense", &p), 0.01);
    p = plan_of(4, 1, 1, 1);
    check("dp=4", sent_by_graph(CASE "dp=4"), sent_by_price("tiny-dense", &p), 0.01);
}

/* Beside the gradients that ranks of cp add up as those of dp do. In the price keys and values are gathered again on the way back; so they
 * are in a graph that makes again what it does not keep. */
Test(rank_traffic, parts_of_sequences_gather_the_keys_and_values_that_the_plan_gathers, .init = find_source)
{
    for (int64_t cp = 2; cp <= 4; cp *= 2) {
        char                    mesh[64], case_name[160];
        struct assay_train_plan copies = plan_of(cp, 1, 1, 1), parts = plan_of(1, 1, cp, 1);
        (void)snprintf(mesh, sizeof mesh, "dp=%d", (int)cp);
        (void)snprintf(case_name, sizeof case_name, CASE "%s", mesh);
        double of_copies = sent_by_graph(case_name), priced = WIDER * (sent_by_price("tiny-dense", &parts) - sent_by_price("tiny-dense", &copies));
        (void)snprintf(mesh, sizeof mesh, "cp=%d,recompute=full", (int)cp);
        (void)snprintf(case_name, sizeof case_name, CASE "%s", mesh);
        check(mesh, sent_by_graph(case_name) - of_copies, priced, 1e-9);
        (void)snprintf(mesh, sizeof mesh, "cp=%d", (int)cp);
        (void)snprintf(case_name, sizeof case_name, CASE "%s", mesh);
        check(mesh, sent_by_graph(case_name) - of_copies, priced * 2 / 3, 1e-9);
    }
}

/* Of layers alone: beside them a graph splits the vocabulary, and what several ranks have whole is added up. */
Test(rank_traffic, a_layer_in_parts_sends_what_the_plan_says, .init = find_source)
{
    struct assay_train_plan p = plan_of(1, 2, 1, 1);
    double                  one = sent_by_graph(CASE "layers=1,tp=2"), two = sent_by_graph(CASE "layers=2,tp=2");
    check("tp=2, a layer", two - one, WIDER * sent_by_price("tiny-dense", &p) / 2, 0);
    p.sequence_parallel = true;
    one = sent_by_graph(CASE "layers=1,sp=true,tp=2");
    two = sent_by_graph(CASE "layers=2,sp=true,tp=2");
    check("sp=true,tp=2, a layer", two - one, WIDER * sent_by_price("tiny-dense", &p) / 2, 0.01);
}

Test(rank_traffic, a_stage_sends_the_rows_of_its_micro_batches, .init = find_source)
{
    struct assay_train_plan p = plan_of(1, 1, 1, 2);
    check("pp=2", sent_by_graph("decoder.gradients/batch=4,layers=2,model=tiny-ranks,pp=2,tokens=16"), WIDER * sent_by_price("tiny-ranks", &p), 0);
}
