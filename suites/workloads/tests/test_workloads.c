#include "harness/base/tests/source.h"
#include "suites/workloads/workloads.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/options.h"
#include "harness/ir/onnx/write.h"
#include "harness/ir/ops.h"

struct built {
    const struct assay_workload *workload;
    void                        *params;
    struct assay_graph          *g;
    struct assay_error           err;
};

/* A workload with these parameters; g is NULL when it refuses them. */
static struct built build(const char *name, const char *phase, const char *list)
{
    struct built b = {.workload = assay_workload_find(name)};
    cr_assert(b.workload, "%s", name);
    b.params = calloc(1, b.workload->params_bytes);
    cr_assert_eq(assay_options_parse(b.workload->params, b.params, list, name, &b.err), ASSAY_OK, "%s", b.err.message);
    b.g = assay_graph_new(name);
    if (b.workload->build(b.params, phase, b.g, &b.err)) {
        assay_graph_free(b.g);
        b.g = NULL;
    }
    return b;
}

TestSuite(workloads, .init = find_source);

static void release(struct built *b)
{
    assay_graph_free(b->g);
    free(b->params);
}

static void expect_builds(const struct assay_workload *w, const char *phase)
{
    struct built b = build(w->name, phase, "");
    int32_t      outputs[8];
    cr_assert(b.g, "%s %s: %s", w->name, phase, b.err.message);
    struct assay_cost cost = assay_graph_cost(b.g);
    cr_expect(b.g->finished && b.g->n_nodes >= 1 && assay_graph_outputs(b.g, outputs, 8) >= 1);
    cr_expect(cost.read_bytes > 0 && cost.written_bytes > 0, "%s", w->name);
    cr_expect(strcmp(w->headline, "flops_per_s") != 0 || cost.flops > 0, "%s: its headline is a rate of nothing", w->name);
    cr_expect(!w->items || (w->items(b.params, phase) > 0 && *w->item), "%s", w->name);
    for (uint32_t i = 0; i < b.g->n_values; i++) { /* what the harness binds, it can fill */
        const struct assay_value *v = &b.g->values[i];
        bool given = v->role == ASSAY_ROLE_INPUT || v->role == ASSAY_ROLE_PARAM || v->role == ASSAY_ROLE_STATE || v->role == ASSAY_ROLE_CONTROL;
        cr_expect(!given || v->fill.kind != ASSAY_FILL_NONE, "%s: '%s' has no rule to fill it by", w->name, v->name);
    }
    release(&b);
}

Test(workloads, all_build_with_their_defaults_in_every_phase)
{
    size_t                              n;
    const struct assay_workload *const *all = assay_workloads(&n);
    cr_expect_geq(n, 10u);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(all[i]->name, "onnx")) /* it is a file, and has no default */
            continue;
        if (!all[i]->phases)
            expect_builds(all[i], "");
        for (size_t p = 0; all[i]->phases && all[i]->phases[p]; p++)
            expect_builds(all[i], all[i]->phases[p]);
    }
}

Test(workloads, are_found_by_their_names_which_are_sorted_and_say_what_they_are)
{
    size_t                              n;
    const struct assay_workload *const *all = assay_workloads(&n);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(assay_workload_find(all[i]->name), all[i]);
        cr_expect(i == 0 || strcmp(all[i - 1]->name, all[i]->name) < 0);
        cr_expect(*all[i]->summary && strspn(all[i]->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(all[i]->name), "a case's name is made of it");
        cr_expect(!strcmp(all[i]->headline, "flops_per_s") || !strcmp(all[i]->headline, "bytes_per_s") || !strcmp(all[i]->headline, "items_per_s") ||
                  (!strcmp(all[i]->headline, "message_bytes_per_s") && all[i]->message));
        for (const struct assay_option *row = all[i]->params; row->name; row++)
            cr_expect(row->dflt && *row->help && row->offset < all[i]->params_bytes, "%s/%s", all[i]->name, row->name);
    }
    cr_expect_null(assay_workload_find("gem"));
}

Test(workloads, onnx_is_the_file_that_was_named_and_no_other)
{
    char          path[] = "/tmp/assay-onnx-XXXXXX", list[400];
    struct built  gemm = build("gemm", "", "m=2,n=3,k=4"), b;
    struct assay_error err;
    int           fd = mkstemp(path);
    cr_assert(fd >= 0 && gemm.g);
    (void)close(fd);
    cr_assert_eq(assay_onnx_write(gemm.g, path, false, &err), ASSAY_OK, "%s", err.message);
    (void)snprintf(list, sizeof list, "file=%s", path);
    b = build("onnx", "", list);
    cr_assert(b.g, "%s", b.err.message);
    cr_expect(b.g->n_nodes == 1 && !strcmp(b.g->nodes[0].op->name, "MatMul"));
    release(&b);
    (void)snprintf(list, sizeof list, "file=%s,sha256=%064d", path, 0);
    b = build("onnx", "", list);
    cr_expect(!b.g && strstr(b.err.message, "the case is of one with 0000000000000000…"), "%s", b.err.message);
    release(&b);
    b = build("onnx", "", "");
    cr_expect(!b.g && strstr(b.err.message, "needs a model"), "%s", b.err.message);
    release(&b);
    release(&gemm);
    (void)unlink(path);
}

/* ---- costs, worked out by hand for small sizes ---------------------------------------------------------------- */

static void expect_cost(const char *name, const char *phase, const char *list, struct assay_cost want, uint64_t items)
{
    struct built b = build(name, phase, list);
    cr_assert(b.g, "%s/%s: %s", name, list, b.err.message);
    struct assay_cost got = assay_graph_cost(b.g);
    cr_expect_eq(got.flops, want.flops, "%s/%s: %llu flops", name, list, (unsigned long long)got.flops);
    cr_expect_eq(got.transcendentals, want.transcendentals, "%s/%s: %llu transcendentals", name, list, (unsigned long long)got.transcendentals);
    cr_expect_eq(got.read_bytes, want.read_bytes, "%s/%s: reads %llu", name, list, (unsigned long long)got.read_bytes);
    cr_expect_eq(got.written_bytes, want.written_bytes, "%s/%s: writes %llu", name, list, (unsigned long long)got.written_bytes);
    cr_expect_eq(b.workload->items ? b.workload->items(b.params, phase) : 1, items);
    release(&b);
}

/* m n sums of k products: 2 m n k. A and B are read once, C is written once, 4 bytes an element in f32 and 2 in bf16. */
Test(workloads, gemm_costs_two_m_n_k)
{
    static const char *const layouts[] = {"", ",transpose_a=true", ",transpose_b=true", ",transpose_a=true,transpose_b=true"};
    for (size_t i = 0; i < 4; i++) {
        char list[100];
        (void)snprintf(list, sizeof list, "m=3,n=5,k=7%s", layouts[i]);
        expect_cost("gemm", "", list, (struct assay_cost){.flops = 2 * 3 * 5 * 7, .read_bytes = 4 * (3 * 7 + 7 * 5), .written_bytes = 4 * 3 * 5}, 1);
    }
    expect_cost("gemm", "", "m=3,n=5,k=7,dtype=bf16", (struct assay_cost){.flops = 210, .read_bytes = 2 * 56, .written_bytes = 2 * 15}, 1);
    expect_cost("gemv", "", "n=5,k=7", (struct assay_cost){.flops = 2 * 5 * 7, .read_bytes = 4 * (7 + 35), .written_bytes = 4 * 5}, 1);
}

/* An image of 5 x 6 with one row of padding and none at the sides, a filter of 3 x 2, steps of 2 and 1: the output is
 * (5 + 2 - 3) / 2 + 1 = 3 by (6 - 2) / 1 + 1 = 5. Each of its 2 images x 4 filters x 15 elements is a sum over the 6 / 2 channels of
 * its group x 3 x 2: padding counts, as products with zero. */
Test(workloads, conv_costs_two_for_each_product_of_each_output)
{
    expect_cost("conv", "",
                "batch=2,channels=6,height=5,width=6,filters=4,kernel_height=3,kernel_width=2,pad_height=1,pad_width=0,stride_height=2,stride_width=1,groups=2",
                (struct assay_cost){.flops = 2ull * (2 * 4 * 3 * 5) * (3 * 3 * 2), .read_bytes = 4 * (2 * 6 * 5 * 6 + 4 * 3 * 3 * 2), .written_bytes = 4 * (2 * 4 * 3 * 5)}, 2);
}

/* Prefill, causal: token i sees i tokens, 1 + 2 + 3 + 4 + 5 = 15 pairs a head. A pair costs 2 D for Q K, one for the scale, 2 D for
 * the product with V, and softmax 3 (subtract the maximum, add up, divide by the sum) but for the first addition of each
 * row; an exponential each, and a division a row. */
Test(workloads, attention_prefill_costs_what_a_causal_triangle_costs)
{
    const uint64_t heads = 2 * 4, d = 8, pairs = heads * 15, rows = heads * 5;
    expect_cost("attention", "prefill", "batch=2,heads=4,kv_heads=2,head_dim=8,tokens=5",
                (struct assay_cost){.flops = pairs * (4 * d + 1) + 3 * pairs - rows, .transcendentals = pairs + rows,
                                    .read_bytes = 4 * (heads * 5 * d + 2 * (2 * 2 * 5 * d)), .written_bytes = 4 * heads * 5 * d}, 2 * 5);
    const uint64_t all = heads * 25;
    expect_cost("attention", "prefill", "batch=2,heads=4,kv_heads=2,head_dim=8,tokens=5,causal=false",
                (struct assay_cost){.flops = all * (4 * d + 1) + 3 * all - rows, .transcendentals = all + rows,
                                    .read_bytes = 4 * (heads * 5 * d + 2 * (2 * 2 * 5 * d)), .written_bytes = 4 * heads * 5 * d}, 2 * 5);
}

/* Decode: one new token a sequence sees all cached ones, whatever `causal` says. */
Test(workloads, attention_decode_costs_one_row_of_all_cached_tokens)
{
    const uint64_t heads = 2 * 4, d = 8, pairs = heads * 5, rows = heads;
    static const char *const lists[] = {"batch=2,heads=4,kv_heads=2,head_dim=8,tokens=5", "batch=2,heads=4,kv_heads=2,head_dim=8,tokens=5,causal=false"};
    for (size_t i = 0; i < 2; i++)
        expect_cost("attention", "decode", lists[i],
                    (struct assay_cost){.flops = pairs * (4 * d + 1) + 3 * pairs - rows, .transcendentals = pairs + rows,
                                        .read_bytes = 4 * (heads * d + 2 * (2 * 2 * 5 * d)), .written_bytes = 4 * heads * d}, 2);
}

Test(workloads, streams_cost_the_bytes_they_are_named_by)
{
    expect_cost("memory", "", "kind=copy,bytes=8KiB", (struct assay_cost){.read_bytes = 8192, .written_bytes = 8192}, 1);
    expect_cost("memory", "", "kind=add,bytes=8KiB", (struct assay_cost){.flops = 2048, .read_bytes = 2 * 8192, .written_bytes = 8192}, 1);
    expect_cost("transpose", "", "rows=3,columns=5", (struct assay_cost){.read_bytes = 60, .written_bytes = 60}, 1);
    expect_cost("elementwise", "", "op=add,elements=10", (struct assay_cost){.flops = 10, .read_bytes = 80, .written_bytes = 40}, 1);
    /* a softmax of n: n differences, n exponentials, n - 1 additions, one reciprocal, n products; comparisons are no flops */
    expect_cost("softmax", "", "rows=3,columns=5", (struct assay_cost){.flops = 3 * (3 * 5 - 1), .transcendentals = 3 * 6, .read_bytes = 60, .written_bytes = 60}, 3);
}

Test(workloads, what_no_range_can_say_is_refused_by_name)
{
    static const struct { char name[16], phase[8], list[40], message[60]; } rows[] = {
        {"attention", "prefill", "heads=6,kv_heads=4", "kv_heads 4 does not divide heads 6"},
        {"conv", "", "channels=6,filters=4,groups=4", "groups 4"},
        {"memory", "", "bytes=5000", "multiple of 4096"},
        {"decoder", "decode", "model=tiny-dense,cache=bf16", "cache bf16 in phase decode"},
        {"decoder", "prefill", "model=tiny-dense,packed=8", "packed 8 in phase prefill"},
        {"decoder", "score", "model=tiny-dense,block=32", "block 32 in phase score"},
        {"decoder", "serve", "model=tiny-dense,batch=3,packed=2", "packed 2; 3 sequences"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct built b = build(rows[i].name, rows[i].phase, rows[i].list);
        cr_expect(!b.g && b.err.code == ASSAY_CONFIG && strstr(b.err.message, rows[i].message), "%s", b.err.message);
        release(&b);
    }
    struct built serves = build("decoder", "serve", "model=tiny-dense,batch=3,packed=3,block=32,cache=bf16,tokens=8");
    struct built decodes = build("decoder", "decode", "model=tiny-dense,packed=0,block=16,cache=f32,tokens=8");
    cr_expect(serves.g && decodes.g, "%s%s", serves.err.message, decodes.err.message);
    release(&serves);
    release(&decodes);
}
