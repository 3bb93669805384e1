#include <malloc.h>
#include <stdlib.h>

#include "backends/cpu/cpu.h"

#include "assay/banned.h"

#define CPU_OPS(X)                                                                                              \
    X(matmul) X(matmul_integer) X(gemm) X(conv) X(attention) X(softmax) X(layer_normalization) X(rms_normalization) X(reduce_sum) \
    X(reduce_mean) X(reduce_max) X(reduce_min) X(add) X(sub) X(mul) X(div) X(max) X(min) X(neg) X(abs) X(sqrt)  \
    X(exp) X(log) X(erf) X(tanh) X(sigmoid) X(relu) X(gelu) X(swish) X(transpose) X(reshape) X(copy) \
    X(batch_normalization) X(batch_normalization_grad) X(group_normalization) X(group_normalization_grad) \
    X(max_pool) X(max_pool_grad) X(average_pool) X(average_pool_grad) X(global_average_pool) \
    X(conv_input_grad) X(conv_weight_grad) X(resize) X(resize_grad) X(pad) \
    X(sign) X(relu_grad) X(tanh_grad) X(sigmoid_grad) X(gelu_grad) X(swish_grad)                               \
    X(log_softmax) X(softmax_grad) X(log_softmax_grad) X(layer_normalization_grad) X(rms_normalization_grad) \
    X(attention_grad) X(softmax_cross_entropy_loss) X(softmax_cross_entropy_grad) X(reduce_sum_square) X(reduce_l2) \
    X(paged_attention) X(rotary_embedding) X(tensor_scatter) X(tensor_scatter_grad) \
    X(sgd) X(adam_w) X(lamb_update) X(lamb_apply) \
    X(expand) X(concat) X(split) X(slice) X(slice_grad) X(squeeze) X(unsqueeze) X(flatten) X(identity) X(gather)  \
    X(gather_grad) X(cast) X(where) X(equal) X(less) X(greater) X(greater_or_equal) X(less_or_equal) X(not) X(and) \
    X(reciprocal) X(pow) X(clip) X(sin) X(cos) X(reduce_extreme_grad) X(top_k) X(top_k_grad) X(arg_max) \
    X(quantize_linear) X(dequantize_linear) X(embedding_bag) X(embedding_bag_grad) X(moe_route) X(moe_route_grad)  \
    X(moe_permute) X(moe_combine) X(moe_combine_grad) X(grouped_mat_mul) X(grouped_mat_mul_weight_grad) \
    X(all_reduce) X(all_gather) X(reduce_scatter) X(all_to_all) X(replicate) X(send) X(receive)

#define X(op) extern const struct cpu_op cpu_op_##op;
CPU_OPS(X)
#undef X

#define X(op) &cpu_op_##op,
static const struct cpu_op *const ops[] = {CPU_OPS(X)};
#undef X

const struct cpu_op *cpu_op_find(const char *name, const char *domain)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (!strcmp(ops[i]->name, name) && !strcmp(ops[i]->domain, domain ? domain : ""))
            return ops[i];
    return NULL;
}

int64_t cpu_attr_i64(const struct cpu_node *node, const char *name, int64_t if_absent)
{
    int64_t value;
    return node->host->attr_i64(node->graph, node->index, name, &value) ? value : if_absent;
}

double cpu_attr_f64(const struct cpu_node *node, const char *name, double if_absent)
{
    double value;
    return node->host->attr_f64(node->graph, node->index, name, &value) ? value : if_absent;
}

const char *cpu_attr_text(const struct cpu_node *node, const char *name, const char *if_absent)
{
    const char *text = node->host->attr_text(node->graph, node->index, name);
    return text ? text : if_absent;
}

size_t cpu_attr_i64s(const struct cpu_node *node, const char *name, int64_t *out, size_t capacity)
{
    size_t n = node->host->attr_i64s(node->graph, node->index, name, out, capacity);
    return n == SIZE_MAX ? 0 : n;
}

void cpu_describe_value(const struct assay_value_view *v, struct assay_text *out)
{
    assay_text_add(out, "%s[", assay_dtype_name(v->dtype));
    for (int32_t i = 0; i < v->rank; i++)
        assay_text_add(out, "%s%lld", i ? "," : "", (long long)v->dims[i]);
    assay_text_add(out, "]");
}

static bool is_one_of(const struct cpu_node *node, const struct assay_value_view *v, uint32_t types, struct assay_text *why_not)
{
    if (types >> v->dtype & 1)
        return true;
    assay_text_add(why_not, "%s of ", node->op);
    cpu_describe_value(v, why_not);
    assay_text_add(why_not, " ('%s'): that type is not computed here", v->name);
    return false;
}

bool cpu_in_is(const struct cpu_node *node, uint32_t i, uint32_t types, struct assay_text *why_not)
{
    return !cpu_has_in(node, i) || is_one_of(node, &node->in[i], types, why_not);
}

bool cpu_out_is(const struct cpu_node *node, uint32_t i, uint32_t types, struct assay_text *why_not)
{
    return !cpu_has_out(node, i) || is_one_of(node, &node->out[i], types, why_not);
}

static void read_value(const struct cpu_node *node, int32_t id, struct assay_value_view *out)
{
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    if (id != ASSAY_NO_VALUE)
        (void)node->host->graph_value(node->graph, (uint32_t)id, out);
}

bool cpu_node_read(const struct assay_host *host, const struct assay_graph *g, uint32_t index, struct cpu_node *out,
                   struct assay_text *why_not)
{
    struct assay_node_view view = {.size = sizeof view};
    memset(out, 0, sizeof *out);
    if (!host->graph_node(g, index, &view)) {
        assay_text_add(why_not, "the graph has no node %u", index);
        return false;
    }
    if (view.n_inputs > CPU_MAX_INPUTS || view.n_outputs > CPU_MAX_OUTPUTS) {
        assay_text_add(why_not, "%s with %u inputs and %u outputs; at most %d and %d are handled", view.op, view.n_inputs,
                       view.n_outputs, CPU_MAX_INPUTS, CPU_MAX_OUTPUTS);
        return false;
    }
    *out = (struct cpu_node){.host = host, .graph = g, .index = index, .op = view.op, .n_in = view.n_inputs,
                             .n_out = view.n_outputs,
                             .fused = {.normalization = UINT32_MAX, .activation = -1}};
    for (uint32_t i = 0; i < view.n_inputs; i++) {
        out->in_id[i] = view.inputs[i];
        read_value(out, view.inputs[i], &out->in[i]);
        out->known[i] = out->in[i].data;
    }
    for (uint32_t i = 0; i < view.n_outputs; i++) {
        out->out_id[i] = view.outputs[i];
        read_value(out, view.outputs[i], &out->out[i]);
    }
    return true;
}

static bool accepts_types(const struct cpu_op *op, const struct cpu_node *node, struct assay_text *why_not)
{
    if (op->any_type)
        return true;
    for (uint32_t i = 0; i < node->n_in + node->n_out; i++) {
        bool                           is_in = i < node->n_in;
        const struct assay_value_view *v = is_in ? &node->in[i] : &node->out[i - node->n_in];
        if (!(is_in ? cpu_has_in(node, i) : cpu_has_out(node, i - node->n_in)) || v->dtype == ASSAY_F32 ||
            (is_in && op->integer_inputs >> i & 1))
            continue;
        assay_text_add(why_not, "%s of ", op->name);
        cpu_describe_value(v, why_not);
        assay_text_add(why_not, " ('%s'): only f32 is computed here", v->name);
        return false;
    }
    return true;
}

static bool same_shape(const struct assay_value_view *a, const struct assay_value_view *b)
{
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

/* An output that takes over an input's memory is written while that input is still being read. */
static bool accepts_aliases(const struct cpu_op *op, const struct cpu_node *node, struct assay_text *why_not)
{
    for (uint32_t o = 0; o < node->n_out; o++)
        for (uint32_t i = 0; cpu_has_out(node, o) && node->out[o].alias_of != ASSAY_NO_VALUE && i < node->n_in; i++) {
            if (node->in_id[i] != node->out[o].alias_of)
                continue;
            if (op->in_place && same_shape(&node->in[i], &node->out[o]))
                continue;
            assay_text_add(why_not, "%s cannot write '%s' over its own input '%s'", op->name, node->out[o].name,
                           node->in[i].name);
            return false;
        }
    return true;
}

bool cpu_node_accepts(const struct cpu_node *node, const struct cpu_op **op, struct assay_text *why_not)
{
    struct assay_node_view view = {.size = sizeof view};
    if (!node->host->graph_node(node->graph, node->index, &view))
        return false;
    *op = cpu_op_find(view.op, view.domain);
    if (!*op) {
        assay_text_add(why_not, "no kernel for %s%s%s", view.domain ? view.domain : "",
                       view.domain && *view.domain ? "." : "", view.op);
        return false;
    }
    return accepts_types(*op, node, why_not) && accepts_aliases(*op, node, why_not) && (*op)->accepts(node, why_not);
}

static _Thread_local uint64_t blocks_bytes;

void *cpu_block_new(size_t bytes)
{
    size_t room = (bytes + CPU_CACHE_LINE - 1) / CPU_CACHE_LINE * CPU_CACHE_LINE;
    if (room < bytes)
        return NULL;
    void *block = aligned_alloc(CPU_CACHE_LINE, room ? room : CPU_CACHE_LINE);
    if (block) {
        memset(block, 0, room);
        blocks_bytes += malloc_usable_size(block);
    }
    return block;
}

void cpu_block_free(void *block)
{
    blocks_bytes -= malloc_usable_size(block);
    free(block);
}

uint64_t cpu_blocks_bytes(void)
{
    return blocks_bytes;
}
