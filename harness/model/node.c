#include "harness/model/node.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ir/attention.h"
#include "harness/ir/ops.h"
#include "harness/model/coefficients.h"
#include "harness/model/rates.h"

#include "assay/banned.h"

enum kind {
    PASS, /* over memory: all that is not named below */
    VIEW, ELEMENTWISE, MATMUL, GEMM, CONV, CONV_INPUT_GRAD, CONV_WEIGHT_GRAD, ATTENTION, ATTENTION_GRAD, PAGED, GROUPED,
    GROUPED_WEIGHT_GRAD, COPY, SCATTER, OPTIMIZER
};
static const struct {
    const char *op;
    enum kind   kind;
} kinds[] = {
    {"Reshape", VIEW}, {"Squeeze", VIEW}, {"Unsqueeze", VIEW}, {"Flatten", VIEW}, {"Identity", VIEW},
    {"Add", ELEMENTWISE}, {"Sub", ELEMENTWISE}, {"Mul", ELEMENTWISE}, {"Div", ELEMENTWISE}, {"Max", ELEMENTWISE},
        {"Min", ELEMENTWISE},
    {"Neg", ELEMENTWISE}, {"Abs", ELEMENTWISE}, {"Sqrt", ELEMENTWISE}, {"Exp", ELEMENTWISE}, {"Log", ELEMENTWISE},
        {"Erf", ELEMENTWISE},
    {"Tanh", ELEMENTWISE}, {"Sigmoid", ELEMENTWISE}, {"Relu", ELEMENTWISE}, {"Gelu", ELEMENTWISE}, {"Swish", ELEMENTWISE},
    {"Sign", ELEMENTWISE}, {"Cast", ELEMENTWISE}, {"Where", ELEMENTWISE}, {"Clip", ELEMENTWISE}, {"Pow", ELEMENTWISE},
    {"Reciprocal", ELEMENTWISE}, {"Sin", ELEMENTWISE}, {"Cos", ELEMENTWISE}, {"QuantizeLinear", ELEMENTWISE},
    {"DequantizeLinear", ELEMENTWISE}, {"assay.ReluGrad", ELEMENTWISE}, {"assay.TanhGrad", ELEMENTWISE},
    {"assay.SigmoidGrad", ELEMENTWISE}, {"assay.GeluGrad", ELEMENTWISE}, {"assay.SwishGrad", ELEMENTWISE},
    /* at inference: a scale and a shift a channel; with batch statistics it has more outputs */
    {"BatchNormalization", ELEMENTWISE},
    {"MatMul", MATMUL}, {"MatMulInteger", MATMUL}, {"Gemm", GEMM}, {"Conv", CONV}, {"assay.ConvInputGrad", CONV_INPUT_GRAD},
    {"assay.ConvWeightGrad", CONV_WEIGHT_GRAD}, {"Attention", ATTENTION}, {"assay.AttentionGrad", ATTENTION_GRAD},
    {"assay.PagedAttention", PAGED},
    {"assay.GroupedMatMul", GROUPED}, {"assay.GroupedMatMulWeightGrad", GROUPED_WEIGHT_GRAD}, {"assay.Copy", COPY},
    {"TensorScatter", SCATTER}, {"assay.Sgd", OPTIMIZER}, {"assay.AdamW", OPTIMIZER}, {"assay.LambUpdate", OPTIMIZER},
    {"assay.LambApply", OPTIMIZER},
};

#define DECODE_QUERIES 8        /* up to so many queries of a sequence, attention is a pass over its cache */
#define BACKWARD_PRODUCTS 2.5   /* five products where forward has two (Dao, FlashAttention-2, arXiv 2307.08691) */
#define PINNED_SHARE 0.82       /* of the host link: A100, 26.1 of 32 GB/s (FlagPerf, base results) */
#define PAGEABLE_SHARE 0.22     /* 7.19 of 32 GB/s, the same */
#define LENGTHS 6               /* input nonpad_kv_seqlen of Attention */
#define STARTS 6                /* of PagedAttention: where the tokens of each sequence begin */
#define PAST 7                  /* how many of each are cached */
#define MOST_LENGTHS 8192
#define MOST_STEPS 16           /* from a value back to what it is made of */

struct assay_graph_facts {
    const struct assay_graph *graph;
    unsigned char            *kind; /* by node: enum kind */
    bool *fixed;    /* by value: known when the program is compiled: constants, weights that stay, what is made of these alone */
    bool *attended; /* by value: an Attention reads it */
};

/* What every form below is given. */
struct pricing {
    const struct assay_chip         *chip;
    const struct assay_coefficients *k;
    const struct assay_graph_facts  *f;
    const struct assay_graph        *g;
    const struct assay_node         *node;
    const struct assay_node_how     *how;
};

static enum kind named_kind(const struct assay_node *node)
{
    enum kind kind = PASS;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && kind == PASS; i++)
        if (!strcmp(kinds[i].op, node->op->qualified))
            kind = kinds[i].kind;
    return kind == ELEMENTWISE && node->n_outputs > 1 ? PASS : kind;
}
static enum kind kind_of(const struct assay_graph_facts *f, const struct assay_node *node)
{
    return (enum kind)f->kind[node - f->graph->nodes];
}

static const struct assay_value *value_at(const struct assay_graph *g, const int32_t *list, uint32_t n, uint32_t i)
{
    return i < n && list[i] != ASSAY_NO_VALUE ? &g->values[list[i]] : NULL;
}
static const struct assay_value *input(const struct pricing *p, uint32_t i)
{
    return value_at(p->g, p->node->inputs, p->node->n_inputs, i);
}
static const struct assay_value *output(const struct pricing *p)
{
    return value_at(p->g, p->node->outputs, p->node->n_outputs, 0);
}

/* ---- what is never executed, and what is executed with another ------------------------------------------------------ */

static void find_facts(struct assay_graph_facts *f)
{
    const struct assay_graph *g = f->graph;
    for (uint32_t v = 0; v < g->n_values; v++)
        f->fixed[v] = g->values[v].role == ASSAY_ROLE_CONST || g->values[v].role == ASSAY_ROLE_PARAM;
    for (uint32_t v = 0; v < g->n_values; v++)
        if (g->values[v].alias_of != ASSAY_NO_VALUE)
            f->fixed[g->values[v].alias_of] = false;
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        const struct assay_node *node = &g->nodes[n];
        bool                     fixed = true;
        f->kind[n] = (unsigned char)named_kind(node);
        for (uint32_t i = 0; i < node->n_inputs; i++) {
            if (node->inputs[i] == ASSAY_NO_VALUE)
                continue;
            fixed = fixed && f->fixed[node->inputs[i]];
            f->attended[node->inputs[i]] = f->attended[node->inputs[i]] || f->kind[n] == ATTENTION;
        }
        for (uint32_t i = 0; i < node->n_outputs; i++)
            if (node->outputs[i] != ASSAY_NO_VALUE)
                f->fixed[node->outputs[i]] = fixed && g->values[node->outputs[i]].role == ASSAY_ROLE_TEMP;
    }
}

enum assay_code assay_graph_facts_new(const struct assay_graph *g, struct assay_graph_facts **out, struct assay_error *err)
{
    struct assay_graph_facts *f = calloc(1, sizeof *f);
    if (f) {
        f->graph = g;
        f->kind = calloc((size_t)g->n_nodes + 1, 1);
        f->fixed = calloc((size_t)g->n_values + 1, sizeof *f->fixed);
        f->attended = calloc((size_t)g->n_values + 1, sizeof *f->attended);
    }
    if (!f || !f->kind || !f->fixed || !f->attended) {
        assay_graph_facts_free(f);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to price a graph of %u nodes", g->n_nodes);
    }
    find_facts(f);
    *out = f;
    return ASSAY_OK;
}

void assay_graph_facts_free(struct assay_graph_facts *f)
{
    if (!f)
        return;
    free(f->kind);
    free(f->fixed);
    free(f->attended);
    free(f);
}

/* The value that a view is of. */
static int32_t behind_views(const struct assay_graph_facts *f, int32_t value)
{
    const struct assay_graph *g = f->graph;
    for (int i = 0; i < MOST_STEPS && g->values[value].producer >= 0; i++) {
        const struct assay_node *node = &g->nodes[g->values[value].producer];
        if (kind_of(f, node) != VIEW || node->inputs[0] == ASSAY_NO_VALUE)
            break;
        value = node->inputs[0];
    }
    return value;
}

/* The format that a weight is kept in, where the graph widens it on the way into a product. */
static const struct assay_value *stored_as(const struct assay_graph_facts *f, int32_t value)
{
    int32_t                   at = behind_views(f, value);
    const struct assay_value *v = &f->graph->values[at];
    if (v->producer < 0 || !f->fixed[at])
        return v;
    const struct assay_node *node = &f->graph->nodes[v->producer];
    bool                     widens = !strcmp(node->op->qualified, "Cast") || !strcmp(node->op->qualified, "DequantizeLinear");
    return widens ? &f->graph->values[node->inputs[0]] : v;
}

static bool is_made_for(const struct assay_graph_facts *f, int32_t value, uint64_t elements)
{
    const struct assay_value *v = &f->graph->values[value];
    if (v->producer < 0 || v->role != ASSAY_ROLE_TEMP || v->readers != 1 || v->elements != elements || f->fixed[value])
        return false;
    enum kind by = kind_of(f, &f->graph->nodes[v->producer]);
    return by != COPY && by != OPTIMIZER;
}

/* The input that an element-wise op is computed beside, since nobody else reads it; ASSAY_NO_VALUE: it is a pass of its own. */
static int32_t fused_with(const struct assay_graph_facts *f, const struct assay_node *node)
{
    const struct assay_value *out = value_at(f->graph, node->outputs, node->n_outputs, 0);
    for (uint32_t i = 0; kind_of(f, node) == ELEMENTWISE && out && i < node->n_inputs; i++) {
        int32_t at = node->inputs[i];
        if (at != ASSAY_NO_VALUE && f->graph->values[at].readers == 1 && is_made_for(f, behind_views(f, at), out->elements))
            return at;
    }
    return ASSAY_NO_VALUE;
}

/* Attention reads a part of its cache where it lies. */
static bool is_part_attended(const struct assay_graph_facts *f, const struct assay_node *node)
{
    return !strcmp(node->op->qualified, "Slice") && f->attended[node->outputs[0]] &&
        f->graph->values[node->outputs[0]].readers == 1;
}

static bool costs_nothing(const struct assay_graph_facts *f, const struct assay_node *node)
{
    const struct assay_value *out = value_at(f->graph, node->outputs, node->n_outputs, 0);
    return kind_of(f, node) == VIEW || (out && (!out->elements || f->fixed[node->outputs[0]] || is_part_attended(f, node)));
}

/* ---- bytes and formats ---------------------------------------------------------------------------------------------- */

static enum assay_dtype format_of(const struct pricing *p, const struct assay_value *v)
{
    return v->dtype == ASSAY_F32 && kind_of(p->f, p->node) != OPTIMIZER ? p->how->f32_as : v->dtype;
}
static double element_bytes(const struct pricing *p, const struct assay_value *v)
{
    return assay_dtype_bits(format_of(p, v)) / 8.0;
}
static double bytes_of(const struct pricing *p, const struct assay_value *v)
{
    return v ? (double)v->elements * element_bytes(p, v) : 0;
}

/* Never another format in its place. */
static enum assay_code has_peak(const struct pricing *p, enum assay_dtype dtype, struct assay_error *err)
{
    enum assay_device_field field = assay_chip_peak_field(dtype);
    if (field == ASSAY_DEVICE_FIELDS)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "products of %s are not modelled", assay_dtype_name(dtype));
    if (isnan(p->chip->field[field]))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s is not known of the device", assay_device_fields[field].key);
    if (p->chip->field[field] <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device multiplies no %s (%s: not supported)", assay_dtype_name(dtype),
                          assay_device_fields[field].key);
    return ASSAY_OK;
}

/* ---- products ------------------------------------------------------------------------------------------------------- */

static enum assay_code price_product(const struct pricing *p, struct assay_gemm_shape *s, uint32_t a, uint32_t b,
                                     struct assay_price *out,
                                     struct assay_error *err)
{
    s->compute = format_of(p, input(p, a));
    s->a_bytes = element_bytes(p, input(p, a));
    s->b_bytes = element_bytes(p, stored_as(p->f, p->node->inputs[b]));
    s->c_bytes = element_bytes(p, output(p));
    return has_peak(p, s->compute, err) ? err->code : assay_price_gemm(p->chip, p->k, s, out, err);
}

/* Matrices behind more axes are a product each, unless all take the same right one: then their rows follow each other. */
static enum assay_code price_matmul(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *a = input(p, 0), *b = input(p, 1);
    double k = (double)a->dims[a->rank - 1], n = b->rank < 2 ? 1 : (double)b->dims[b->rank - 1];
    double m = b->rank <= 2 ? (double)a->elements / k : a->rank < 2 ? 1 : (double)a->dims[a->rank - 2];
    struct assay_gemm_shape s = {.batch = (double)output(p)->elements / (m * n), .m = m, .n = n, .k = k};
    return price_product(p, &s, 0, 1, out, err);
}

static enum assay_code price_gemm(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *a = input(p, 0), *y = output(p);
    struct assay_gemm_shape   s = {.batch = 1, .m = (double)y->dims[0], .n = (double)y->dims[1],
                                   .k = (double)a->dims[!assay_node_i64(p->node, "transA", 0)]};
    return price_product(p, &s, 0, 1, out, err);
}

/* Rows are dealt evenly; of n experts, r rows find n (1 - (1 - 1/n)^r). */
static enum assay_code price_grouped(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *x = input(p, 0), *w = input(p, 1), *y = output(p);
    double experts = (double)w->dims[0], rows = (double)x->dims[0];
    double touched = fmax(1, experts * (1 - pow(1 - 1 / experts, rows)));
    struct assay_gemm_shape s = {.batch = touched, .m = rows / touched, .n = (double)y->dims[1], .k = (double)x->dims[1]};
    return price_product(p, &s, 0, 1, out, err);
}

static enum assay_code price_grouped_weights(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *y = output(p);
    struct assay_gemm_shape   s = {.batch = (double)y->dims[0], .m = (double)y->dims[1], .n = (double)y->dims[2],
                                   .k = fmax(1, (double)input(p, 0)->dims[0] / (double)y->dims[0])};
    return price_product(p, &s, 0, 1, out, err);
}

static double spatial(const struct assay_value *v)
{
    double n = 1;
    for (int32_t i = 2; i < v->rank; i++)
        n *= (double)v->dims[i];
    return n;
}

/* Convolutions as the products that they are (im2col; Chellapilla and others, 2006). `small`: input, or its gradient; `w`:
 * filters. */
static enum assay_code price_conv(const struct pricing *p, enum kind kind, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *x = kind == CONV ? input(p, 0) : kind == CONV_INPUT_GRAD ? output(p) : input(p, 1);
    const struct assay_value *y = kind == CONV ? output(p) : input(p, 0), *w = kind == CONV_WEIGHT_GRAD ? output(p) : input(p, 1);
    double groups = (double)assay_node_i64(p->node, "group", 1), taps = spatial(w), places = (double)y->dims[0] * spatial(y);
    double wide = (double)w->dims[0] / groups, deep = (double)w->dims[1];
    struct assay_conv_shape s = {.product = {.batch = groups, .compute = format_of(p, input(p, 0))}};
    s.product.m = kind == CONV_WEIGHT_GRAD ? wide : places;
    s.product.n = kind == CONV ? wide : kind == CONV_INPUT_GRAD ? deep : deep * taps;
    s.product.k = kind == CONV ? deep * taps : kind == CONV_INPUT_GRAD ? wide * taps : places;
    s.input_bytes = bytes_of(p, kind == CONV ? x : y);
    s.weight_bytes = kind == CONV_WEIGHT_GRAD ? bytes_of(p, x) : (double)w->elements * element_bytes(p,
        stored_as(p->f, p->node->inputs[1]));
    s.output_bytes = bytes_of(p, output(p));
    return has_peak(p, s.product.compute, err) ? err->code : assay_price_conv(p->chip, p->k, &s, out, err);
}

/* ---- attention ------------------------------------------------------------------------------------------------------ */

/* Whole numbers that follow from what control inputs hold; 0: they do not. */
static size_t integers_of(const struct pricing *p, int32_t value, int64_t *out, size_t capacity, int depth)
{
    const struct assay_value *v = &p->g->values[value];
    const void               *held = v->role == ASSAY_ROLE_CONST ? v->data : v->role == ASSAY_ROLE_CONTROL && p->how->content
        ? p->how->content[value] : NULL;
    if ((v->dtype != ASSAY_I64 && v->dtype != ASSAY_I32) || v->elements > capacity || depth == MOST_STEPS)
        return 0;
    for (size_t i = 0; held && i < v->elements; i++) {
        int32_t narrow = 0;
        memcpy(&narrow, (const char *)held + (v->dtype == ASSAY_I32 ? i * sizeof narrow : 0), sizeof narrow);
        if (v->dtype == ASSAY_I64)
            memcpy(&out[i], (const char *)held + i * sizeof *out, sizeof *out);
        else
            out[i] = narrow;
    }
    if (held)
        return (size_t)v->elements;
    if (v->producer < 0)
        return 0;
    const struct assay_node *node = &p->g->nodes[v->producer];
    size_t                   n = integers_of(p, node->inputs[0], out, capacity, depth + 1);
    int64_t                  other;
    if (kind_of(p->f, node) == VIEW)
        return n;
    bool adds = !strcmp(node->op->qualified, "Add"), takes = !strcmp(node->op->qualified, "Sub");
    if (!(adds || takes) || integers_of(p, node->inputs[1], &other, 1, depth + 1) != 1)
        return 0;
    for (size_t i = 0; i < n; i++)
        out[i] += adds ? other : -other;
    return n;
}

/* Keys that are there, over all sequences; what is not known counts as full. */
static double kept_tokens(const struct pricing *p, double batch, double total)
{
    int64_t lengths[MOST_LENGTHS];
    double  sum = 0;
    size_t  n = p->node->n_inputs > LENGTHS && p->node->inputs[LENGTHS] != ASSAY_NO_VALUE
                    ? integers_of(p, p->node->inputs[LENGTHS], lengths, MOST_LENGTHS, 0) : 0;
    for (size_t i = 0; i < n; i++)
        sum += fmin(fmax((double)lengths[i], 0), total);
    return n ? fmax(sum, 1) : batch * total;
}

static enum assay_code price_attention(const struct pricing *p, uint32_t first, struct assay_price *out, struct assay_error *err)
{
    const struct assay_value *q = input(p, first), *key = input(p, first + 1), *value = input(p, first + 2),
        *past = input(p, first + 4);
    bool   packed = q->rank == 3;
    double heads = (double)assay_node_i64(p->node, "q_num_heads", packed ? 1 : q->dims[1]);
    double kv_heads = (double)assay_node_i64(p->node, "kv_num_heads", packed ? 1 : key->dims[1]);
    double keys = (double)key->dims[packed ? 1 : 2] + (past ? (double)past->dims[2] : 0);
    struct assay_attention_shape s = {
        .batch = (double)q->dims[0], .query = (double)q->dims[packed ? 1 : 2], .heads = heads, .kv_heads = kv_heads,
        .head_dim = packed ? (double)q->dims[2] / heads : (double)q->dims[3],
        .value_dim = packed ? (double)value->dims[2] / kv_heads : (double)value->dims[3],
        .causal = assay_node_i64(p->node, "is_causal", 0) != 0, .compute = format_of(p, q), .q_bytes = element_bytes(p, q),
        .kv_bytes = element_bytes(p, key)};
    s.kv_tokens = kept_tokens(p, s.batch, keys);
    s.past = s.kv_tokens / s.batch - s.query;
    if (has_peak(p, s.compute, err))
        return err->code;
    return s.query <= DECODE_QUERIES ? assay_price_decode(p->chip, p->k, &s, out, err)
        : assay_price_prefill(p->chip, p->k, &s, out, err);
}

static enum assay_code price_attention_grad(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    if (price_attention(p, 1, out, err)) /* input 0 is the gradient of what Attention gave */
        return err->code;
    out->ns = out->floor_ns + (out->ns - out->floor_ns) * BACKWARD_PRODUCTS;
    out->compute_ns *= BACKWARD_PRODUCTS;
    out->vector_ns *= BACKWARD_PRODUCTS;
    out->memory_ns *= BACKWARD_PRODUCTS;
    out->cache_ns *= BACKWARD_PRODUCTS;
    out->flops *= BACKWARD_PRODUCTS;
    out->memory_bytes *= BACKWARD_PRODUCTS;
    out->cache_bytes *= BACKWARD_PRODUCTS;
    return ASSAY_OK;
}

static void add_work(struct assay_price *to, const struct assay_price *one)
{
    to->ns += one->ns - one->floor_ns;
    to->compute_ns += one->compute_ns;
    to->memory_ns += one->memory_ns;
    to->cache_ns += one->cache_ns;
    to->vector_ns += one->vector_ns;
    to->flops += one->flops;
    to->memory_bytes += one->memory_bytes;
    to->cache_bytes += one->cache_bytes;
}

/* Tokens of each sequence of a paged step, and what it has cached; what control inputs do not say is even and full. */
static size_t sequences_of(const struct pricing *p, int64_t starts[MOST_LENGTHS], int64_t past[MOST_LENGTHS])
{
    size_t  n = (size_t)input(p, PAST)->elements;
    int64_t tokens = input(p, 0)->dims[0], room = input(p, 5)->dims[1] * input(p, 3)->dims[1];
    if (n + 1 > MOST_LENGTHS)
        return 0;
    if (integers_of(p, p->node->inputs[STARTS], starts, MOST_LENGTHS, 0) != n + 1)
        for (size_t i = 0; i <= n; i++)
            starts[i] = (int64_t)((double)tokens * (double)i / (double)n);
    if (integers_of(p, p->node->inputs[PAST], past, MOST_LENGTHS, 0) != n)
        for (size_t i = 0; i < n; i++)
            past[i] = room - (starts[i + 1] - starts[i]) > 0 ? room - (starts[i + 1] - starts[i]) : 0;
    return n;
}

/* One kernel over all sequences that add a few tokens, and one over the prompts; the new tokens are written as they come. */
static enum assay_code price_paged(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    int64_t starts[MOST_LENGTHS] = {0}, past[MOST_LENGTHS] = {0};
    size_t  n = sequences_of(p, starts, past);
    double  heads = (double)assay_node_i64(p->node, "q_num_heads", 1), kv_heads = (double)assay_node_i64(p->node, "kv_num_heads",
        1);
    const struct assay_value    *q = input(p, 0);
    struct assay_attention_shape few = {.heads = heads, .kv_heads = kv_heads, .head_dim = (double)q->dims[1] / heads,
                                        .value_dim = (double)output(p)->dims[1] / heads, .causal = true,
                                            .compute = format_of(p, q),
                                        .q_bytes = element_bytes(p, q), .kv_bytes = element_bytes(p, input(p, 3))};
    struct assay_price           all = {.class = ASSAY_KERNEL_DECODE}, one = {.ns = 0};
    double                       floor_ns = 0, longest = 0;
    if (has_peak(p, few.compute, err))
        return err->code;
    for (size_t i = 0; i < n; i++) {
        double fresh = (double)(starts[i + 1] - starts[i]), before = fmax((double)past[i], 0);
        struct assay_attention_shape prompt = few;
        prompt.batch = 1;
        prompt.query = fresh;
        prompt.past = before;
        if (fresh > 0 && fresh <= DECODE_QUERIES) {
            few.batch++;
            few.query += fresh;
            few.kv_tokens += before + fresh;
        } else if (fresh > 0) {
            if (assay_price_prefill(p->chip, p->k, &prompt, &one, err))
                return err->code;
            add_work(&all, &one);
            longest = fmax(longest, one.floor_ns);
            all.class = ASSAY_KERNEL_PREFILL;
        }
    }
    few.query = few.batch > 0 ? few.query / few.batch : 0;
    few.past = few.batch > 0 ? few.kv_tokens / few.batch - few.query : 0;
    if (few.batch > 0) {
        if (assay_price_decode(p->chip, p->k, &few, &one, err))
            return err->code;
        add_work(&all, &one);
        floor_ns = one.floor_ns;
    }
    all.floor_ns = floor_ns + longest;
    all.ns += all.floor_ns;
    *out = all;
    return ASSAY_OK;
}

/* ---- passes over memory and links ------------------------------------------------------------------------------------ */

/* Of what the graph's formats take, the share that these take. */
static double kept_share(const struct pricing *p, const int32_t *list, uint32_t n)
{
    double graph = 0, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct assay_value *v = value_at(p->g, list, n, i);
        graph += v ? (double)v->bytes : 0;
        kept += bytes_of(p, v);
    }
    return graph > 0 ? kept / graph : 1;
}

/* Everything it reads was written a moment ago. */
static bool is_warm(const struct pricing *p)
{
    for (uint32_t i = 0; i < p->node->n_inputs; i++) {
        const struct assay_value *v = input(p, i);
        if (v && v->role != ASSAY_ROLE_TEMP && v->role != ASSAY_ROLE_CONST && v->bytes * 16 > output(p)->bytes)
            return false;
    }
    return true;
}

static enum assay_code price_pass(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    struct assay_cost         c = assay_node_cost(p->g, p->node);
    struct assay_memory_shape s = {.flops = (double)c.flops, .transcendentals = (double)c.transcendentals};
    s.read_bytes = (double)c.read_bytes * kept_share(p, p->node->inputs, p->node->n_inputs);
    s.written_bytes = (double)c.written_bytes * kept_share(p, p->node->outputs, p->node->n_outputs);
    s.working_set_bytes = is_warm(p) ? s.read_bytes + s.written_bytes : 0;
    return assay_price_memory(p->chip, p->k, &s, out, err);
}

/* Computed where its operand `with` is made: neither that nor the result goes through memory once more, and nothing is launched. */
static enum assay_code price_fused(const struct pricing *p, int32_t with, struct assay_price *out, struct assay_error *err)
{
    struct assay_cost         c = assay_node_cost(p->g, p->node);
    struct assay_memory_shape s = {.flops = (double)c.flops, .transcendentals = (double)c.transcendentals};
    for (uint32_t i = 0; i < p->node->n_inputs; i++)
        s.read_bytes += p->node->inputs[i] != with ? bytes_of(p, input(p, i)) : 0;
    s.working_set_bytes = is_warm(p) ? s.read_bytes : 0;
    if (assay_price_memory(p->chip, p->k, &s, out, err))
        return err->code;
    out->ns -= out->floor_ns;
    out->floor_ns = 0;
    return ASSAY_OK;
}

/* In place where it may be: only the rows that are new move. */
static enum assay_code price_scatter(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    double                    rows = bytes_of(p, input(p, 1)), whole = output(p)->alias_of == ASSAY_NO_VALUE
        ? bytes_of(p, output(p)) : 0;
    struct assay_memory_shape s = {.read_bytes = rows + whole, .written_bytes = rows + whole};
    return assay_price_memory(p->chip, p->k, &s, out, err);
}

static enum assay_code price_copy(const struct pricing *p, struct assay_price *out, struct assay_error *err)
{
    enum assay_place        from = input(p, 0)->place, to = output(p)->place;
    bool                    peer = from == ASSAY_PLACE_PEER || to == ASSAY_PLACE_PEER;
    bool                    pageable = from == ASSAY_PLACE_HOST_PAGEABLE || to == ASSAY_PLACE_HOST_PAGEABLE;
    enum assay_device_field field = peer ? ASSAY_DEVICE_SCALE_UP : ASSAY_DEVICE_HOST_LINK;
    double                  link = p->chip->field[field], bytes = (double)output(p)->bytes;
    if ((from == ASSAY_PLACE_DEVICE && to == ASSAY_PLACE_DEVICE) || (!peer && link == 0)) /* the host's own memory */
        return price_pass(p, out, err);
    if (isnan(link) || link <= 0)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%s is not known of the device", assay_device_fields[field].key);
    *out = (struct assay_price){.class = ASSAY_KERNEL_TRANSFER, .link_bytes = bytes};
    out->link_ns = bytes / (link * (pageable ? PAGEABLE_SHARE : PINNED_SHARE)) * 1e9;
    out->floor_ns = assay_floor_ns(p->chip, p->k->value[ASSAY_K_MEMORY_FLOOR]);
    out->ns = out->floor_ns + out->link_ns;
    return ASSAY_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------------ */

static enum assay_code price_kind(const struct pricing *p, enum kind kind, struct assay_price *out, struct assay_error *err)
{
    switch (kind) {
    case MATMUL: return price_matmul(p, out, err);
    case GEMM: return price_gemm(p, out, err);
    case CONV:
    case CONV_INPUT_GRAD:
    case CONV_WEIGHT_GRAD: return price_conv(p, kind, out, err);
    case ATTENTION: return price_attention(p, 0, out, err);
    case ATTENTION_GRAD: return price_attention_grad(p, out, err);
    case PAGED: return price_paged(p, out, err);
    case GROUPED: return price_grouped(p, out, err);
    case GROUPED_WEIGHT_GRAD: return price_grouped_weights(p, out, err);
    case COPY: return price_copy(p, out, err);
    case SCATTER: return price_scatter(p, out, err);
    case VIEW:
    case ELEMENTWISE:
    case OPTIMIZER:
    case PASS: break;
    }
    return price_pass(p, out, err);
}

enum assay_code assay_node_price(const struct assay_chip *chip, const struct assay_coefficients *k,
                                 const struct assay_graph_facts *f,
                                 uint32_t node, const struct assay_node_how *how, struct assay_price *out,
                                     struct assay_error *err)
{
    const struct assay_node *n = &f->graph->nodes[node];
    const struct pricing     p = {chip, k, f, f->graph, n, how};
    struct assay_price       price = {.class = ASSAY_KERNEL_MEMORY};
    int32_t                  with = fused_with(f, n);
    if (costs_nothing(f, n)) {
        *out = price;
        return ASSAY_OK;
    }
    if (with != ASSAY_NO_VALUE ? price_fused(&p, with, &price, err) : price_kind(&p, kind_of(f, n), &price, err))
        return err->code;
    *out = price;
    return ASSAY_OK;
}

bool assay_node_is_controlled(const struct assay_graph_facts *f, uint32_t node)
{
    const struct assay_node *n = &f->graph->nodes[node];
    return kind_of(f, n) == PAGED || (kind_of(f, n) == ATTENTION && n->n_inputs > LENGTHS &&
                                      n->inputs[LENGTHS] != ASSAY_NO_VALUE);
}

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

static void add(struct assay_hash128 *key, const void *data, size_t bytes)
{
    *key = assay_hash_join(*key, assay_hash_bytes(data, bytes));
}

static void add_value(struct assay_hash128 *key, const struct assay_graph_facts *f, int32_t value)
{
    if (value == ASSAY_NO_VALUE) {
        add(key, &value, sizeof value);
        return;
    }
    const struct assay_value *v = &f->graph->values[value];
    const int64_t             facts[] = {v->dtype, v->rank, v->place, v->role == ASSAY_ROLE_TEMP, v->role == ASSAY_ROLE_CONST,
                                         v->alias_of != ASSAY_NO_VALUE, stored_as(f, value)->dtype};
    add(key, facts, sizeof facts);
    add(key, v->dims, (size_t)v->rank * sizeof *v->dims);
}

static void add_attributes(struct assay_hash128 *key, const struct assay_node *node)
{
    for (uint32_t i = 0; i < node->n_attrs; i++) {
        const struct assay_attr *a = &node->attrs[i];
        add(key, a->name, strlen(a->name));
        add(key, &a->i, sizeof a->i);
        add(key, &a->f, sizeof a->f);
        add(key, a->text ? a->text : "", a->text ? strlen(a->text) : 0);
        add(key, a->list, a->n * sizeof *a->list);
    }
}

struct assay_hash128 assay_node_key(const struct assay_graph_facts *f, uint32_t node)
{
    const struct assay_node *n = &f->graph->nodes[node];
    size_t                   op = assay_op_index(n->op);
    int32_t                  with = fused_with(f, n), lengths = assay_node_is_controlled(f, node) ? n->inputs[LENGTHS] : -1,
        beside = -1;
    int32_t                  past = kind_of(f, n) == PAGED ? n->inputs[PAST] : -1;
    bool                     nothing = costs_nothing(f, n);
    struct assay_hash128     key = assay_hash_bytes(&op, sizeof op);
    for (uint32_t i = 0; with != ASSAY_NO_VALUE && i < n->n_inputs; i++)
        beside = n->inputs[i] == with ? (int32_t)i : beside;
    add(&key, &beside, sizeof beside);
    add(&key, &lengths, sizeof lengths);
    add(&key, &past, sizeof past);
    add(&key, &nothing, sizeof nothing);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        add_value(&key, f, n->inputs[i]);
    for (uint32_t i = 0; i < n->n_outputs; i++)
        add_value(&key, f, n->outputs[i]);
    add_attributes(&key, n);
    return key;
}
