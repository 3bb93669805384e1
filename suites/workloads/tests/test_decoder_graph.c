/* What a system reads off the graph that it is handed is what the model's file says. */
#include "harness/base/tests/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/model/cluster/decoder_graph.h"
#include "suites/blocks/decoder_numbers.h"
#include "suites/blocks/model_shape.h"
#include "suites/workloads/workloads.h"

TestSuite(decoder_graph, .init = find_source);

static struct assay_graph *build(const char *workload, const char *phase, const char *list)
{
    const struct assay_workload *w = assay_workload_find(workload);
    struct assay_graph          *g = assay_graph_new(workload);
    struct assay_error           err = {.code = ASSAY_OK};
    void                        *params = calloc(1, w->params_bytes);
    cr_assert_eq(assay_options_parse(w->params, params, list, workload, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(w->build(params, phase, g, &err), ASSAY_OK, "%s: %s", list, err.message);
    free(params);
    return g;
}

static void compare(void *self, const struct assay_model_shape *shape)
{
    char                          list[160];
    struct assay_decoder_in_graph seen;
    struct assay_error            err = {.code = ASSAY_OK};
    struct assay_decoder_numbers  said = assay_decoder_numbers_of(shape), *d = &seen.numbers;
    (void)snprintf(list, sizeof list, "model=%s,batch=4,tokens=64", shape->name);
    struct assay_graph *g = build("decoder", "train", list);
    cr_assert_eq(assay_decoder_in_graph(g, &seen, &err), ASSAY_OK, "%s: %s", shape->name, err.message);
    assay_graph_free(g);
    ++*(int *)self;
    cr_expect(seen.trains && seen.batch == 4 && seen.tokens == 64, "%s", shape->name);
    cr_expect_eq(assay_decoder_parameters(d), assay_decoder_parameters(&said), "%s: %.0f, not %.0f", shape->name, assay_decoder_parameters(d),
                 assay_decoder_parameters(&said));
    cr_expect_eq(assay_decoder_active_parameters(d), assay_decoder_active_parameters(&said), "%s", shape->name);
    cr_expect_eq(assay_decoder_token_flops(d, 64), assay_decoder_token_flops(&said, 64), "%s", shape->name);
    cr_expect(d->layers == said.layers && d->hidden == said.hidden && d->heads == said.heads && d->vocab == said.vocab && d->tied == said.tied &&
                  d->gated == said.gated && d->biased == said.biased && d->positions == said.positions,
              "%s", shape->name);
    cr_expect(d->kv_rank == said.kv_rank && d->q_rank == said.q_rank && d->nope_dim == said.nope_dim && d->rope_dim == said.rope_dim &&
                  d->v_dim == said.v_dim && (said.kv_rank > 0 || (d->kv_heads == said.kv_heads && d->head_dim == said.head_dim)),
              "%s", shape->name);
    cr_expect(d->experts == said.experts && (said.experts == 0 || (d->top_k == said.top_k && d->shared == said.shared &&
                                                                   d->expert_ffn == said.expert_ffn && d->first_moe == said.first_moe)),
              "%s", shape->name);
}

Test(decoder_graph, has_the_numbers_of_every_model_that_comes_with_the_program)
{
    int                n = 0;
    struct assay_error err = {.code = ASSAY_OK};
    cr_assert_eq(assay_model_shapes_list(compare, &n, &err), ASSAY_OK, "%s", err.message);
    cr_expect_geq(n, 20);
}

Test(decoder_graph, of_a_server_s_step_has_its_caches_and_the_same_numbers)
{
    static const char *const models[] = {"tiny-dense", "tiny-mla", "deepseek-v3", "gpt-3-175b"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char                          list[160];
        struct assay_model_shape      shape;
        struct assay_decoder_in_graph seen;
        struct assay_error            err = {.code = ASSAY_OK};
        cr_assert_eq(assay_model_shape_read(models[i], &shape, &err), ASSAY_OK, "%s", err.message);
        struct assay_decoder_numbers said = assay_decoder_numbers_of(&shape);
        (void)snprintf(list, sizeof list, "model=%s,batch=4,packed=32,tokens=96,block=16,cache=bf16", models[i]);
        struct assay_graph *g = build("decoder", "serve", list);
        cr_assert_eq(assay_decoder_in_graph(g, &seen, &err), ASSAY_OK, "%s: %s", models[i], err.message);
        assay_graph_free(g);
        cr_expect(seen.serves && !seen.trains && seen.batch == 4 && seen.tokens == 32, "%s", models[i]);
        cr_expect(seen.cache_tokens == 4 * (96 + 32) && seen.cache_bytes == 2, "%s: %g tokens of %g bytes a number", models[i], seen.cache_tokens,
                  seen.cache_bytes);
        cr_expect(seen.numbers.kv_rank == said.kv_rank && seen.numbers.rope_dim == said.rope_dim && seen.numbers.heads == said.heads, "%s", models[i]);
        cr_expect_eq(assay_decoder_parameters(&seen.numbers), assay_decoder_parameters(&said), "%s", models[i]);
    }
}

static void expect_none(const char *workload, const char *phase, const char *list, const char *why)
{
    struct assay_decoder_in_graph seen;
    struct assay_error            err = {.code = ASSAY_OK};
    struct assay_graph           *g = build(workload, phase, list);
    cr_expect_eq(assay_decoder_in_graph(g, &seen, &err), ASSAY_UNSUPPORTED, "%s", workload);
    cr_expect(strstr(err.message, why), "%s", err.message);
    assay_graph_free(g);
}

Test(decoder_graph, of_another_model_says_what_it_lacks)
{
    expect_none("gemm", "", "m=8,n=8,k=8", "model.embed_tokens.weight");
    expect_none("resnet50", "train", "batch=1,image=32,width=8", "no decoder");
    expect_none("decoder", "train", "model=tiny-ranks,batch=4,tokens=16,tp=2", "spread over ranks already");
}

/* Names that are right as far as they go, as a file of another can have them; layer 0 has no o_proj. */
static struct assay_graph *named(const char *also)
{
    struct assay_graph *g = assay_graph_new("named");
    int32_t ids = assay_graph_input(g, "input_ids", ASSAY_I64, 2, (int64_t[]){2, 4}, (struct assay_fill){ASSAY_FILL_NORMAL, 0, 1});
    int32_t table = assay_graph_param(g, "model.embed_tokens.weight", ASSAY_F32, 2, (int64_t[]){16, 8}, ASSAY_FILL_SIGNED);
    const char *const params[] = {"model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.fc_in.weight", also};
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        assay_graph_param(g, params[i], ASSAY_F32, 2, (int64_t[]){8, 8}, ASSAY_FILL_SIGNED);
    int32_t x = assay_graph_op(g, "Gather", "x", (int32_t[]){table, ids}, 2, NULL);
    struct assay_attr heads[] = {ASSAY_ATTR_INT("q_num_heads", 2), ASSAY_ATTR_INT("kv_num_heads", 2), ASSAY_ATTR_END};
    assay_graph_output(g, assay_graph_op(g, "Attention", "y", (int32_t[]){x, x, x}, 3, heads));
    return g;
}

static void expect_refused(const char *also, const char *why)
{
    struct assay_decoder_in_graph seen;
    struct assay_error            err = {.code = ASSAY_OK};
    struct assay_graph           *g = named(also);
    cr_assert_eq(g->first_error.code, ASSAY_OK, "%s", g->first_error.message);
    cr_expect_eq(assay_decoder_in_graph(g, &seen, &err), ASSAY_UNSUPPORTED, "%s", also);
    cr_expect(strstr(err.message, why), "%s: %s", also, err.message);
    assay_graph_free(g);
}

Test(decoder_graph, of_names_alone_is_none, .timeout = 20)
{
    expect_refused("model.layers.0.self_attn.k_proj.weight", "attention of layer 0");
    expect_refused("model.layers.99999999999.self_attn.q_proj.weight", "model.layers.0");
    expect_refused("model.layers.9223372036854775807.self_attn.q_proj.weight", "model.layers.0");
    expect_refused("model.layers.-3.self_attn.q_proj.weight", "model.layers.0");
}

Test(decoder_graph, a_scored_text_trains_nothing)
{
    struct assay_decoder_in_graph seen;
    struct assay_error            err = {.code = ASSAY_OK};
    struct assay_graph           *g = build("decoder", "score", "model=tiny-dense,batch=2,tokens=16");
    cr_assert_eq(assay_decoder_in_graph(g, &seen, &err), ASSAY_OK, "%s", err.message);
    cr_expect_not(seen.trains);
    assay_graph_free(g);
}

/* The whole batch of a hundred thousand devices: what is written out in the graph does not grow with it. */
Test(decoder_graph, of_very_many_sequences_holds_the_positions_of_one)
{
    static const char *const lists[] = {"model=tiny-dense,batch=4096,tokens=256", "model=tiny-dense,batch=131072,tokens=256"};
    uint64_t                 largest[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        struct assay_graph *g = build("decoder", "train", lists[i]);
        for (uint32_t v = 0; v < g->n_values; v++) {
            const struct assay_value *value = &g->values[v];
            if (value->role == ASSAY_ROLE_CONST)
                largest[i] = value->bytes > largest[i] ? value->bytes : largest[i];
            if (!strcmp(value->name, "position_ids"))
                cr_expect_eq(value->elements, (i ? 131072u : 4096u) * 256u);
        }
        assay_graph_free(g);
    }
    cr_expect(largest[0] == 4096u * 256u * 8u && largest[1] < 1u << 20, "%llu, %llu bytes", (unsigned long long)largest[0],
              (unsigned long long)largest[1]);
}
