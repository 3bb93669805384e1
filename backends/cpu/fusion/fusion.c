#include "backends/cpu/fusion/fusion.h"

#include <stdlib.h>

#include "backends/cpu/elementwise/elementwise.h"

#include "assay/banned.h"

/* Rows of a product above which a stored matrix is widened once rather than while it is read. */
enum { FEW_ROWS = 8, MOST_NODES = 12 };

struct finder {
    const struct assay_host  *host;
    const struct assay_graph *graph;
    const bool               *known;
    bool                      any_rows;
    struct cpu_fusion        *found;
    uint32_t                  n_nodes, n_values;
    uint32_t                 *uses, *reader; /* of each value */
    bool                     *overwritten;   /* another value takes over its memory */
    bool                     *taken;         /* of each node: in a chain */
};

/* A chain that grows: `tip` is the value it ends with. */
struct growing {
    uint32_t         node[MOST_NODES];
    size_t           n;
    int32_t          tip;
    struct cpu_chain chain;
};

static struct assay_value_view value_of(const struct finder *s, int32_t v)
{
    struct assay_value_view view = {.size = sizeof view};
    (void)s->host->graph_value(s->graph, (uint32_t)v, &view);
    return view;
}

static struct assay_node_view node_of(const struct finder *s, uint32_t n)
{
    struct assay_node_view view = {.size = sizeof view};
    (void)s->host->graph_node(s->graph, n, &view);
    return view;
}

static bool is_op(const struct assay_node_view *n, const char *op)
{
    return n->op && !strcmp(n->op, op) && (!n->domain || !*n->domain);
}

static bool is_rename(const struct assay_node_view *n)
{
    return is_op(n, "Reshape") || is_op(n, "Squeeze") || is_op(n, "Unsqueeze") || is_op(n, "Flatten") || is_op(n, "Identity");
}

static int32_t input(const struct assay_node_view *n, uint32_t i)
{
    return i < n->n_inputs ? n->inputs[i] : ASSAY_NO_VALUE;
}

/* Only its one reader would miss it. */
static bool can_stay_unstored(const struct finder *s, int32_t v)
{
    struct assay_value_view view = value_of(s, v);
    return view.role == ASSAY_ROLE_TEMP && view.alias_of == ASSAY_NO_VALUE && !s->overwritten[v] && s->uses[v] == 1 &&
           view.dtype == ASSAY_F32;
}

/* A chain reads its operands later than its first node would. */
static bool can_be_read_later(const struct finder *s, const struct assay_node_view *n)
{
    for (uint32_t i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] != ASSAY_NO_VALUE &&
            (s->overwritten[n->inputs[i]] || value_of(s, n->inputs[i]).alias_of != ASSAY_NO_VALUE))
            return false;
    return true;
}

/* The node behind the chain that reads its end, renames on the way put into *c; CPU_NO_NODE if there is none to take in. */
static uint32_t look_ahead(const struct finder *s, struct growing *c, struct assay_node_view *view)
{
    while (c->n + 1 < MOST_NODES && can_stay_unstored(s, c->tip)) {
        uint32_t n = s->reader[c->tip];
        *view = node_of(s, n);
        if (s->taken[n] || !can_be_read_later(s, view) || view->n_outputs < 1 || view->outputs[0] == ASSAY_NO_VALUE ||
            value_of(s, view->outputs[0]).alias_of != ASSAY_NO_VALUE)
            return CPU_NO_NODE;
        if (!is_rename(view))
            return n;
        if (input(view, 0) != c->tip)
            return CPU_NO_NODE;
        c->node[c->n++] = n;
        c->tip = view->outputs[0];
    }
    return CPU_NO_NODE;
}

static void take(struct growing *c, uint32_t n, const struct assay_node_view *view)
{
    c->node[c->n++] = n;
    c->tip = view->outputs[0];
}

static bool known_floats(const struct finder *s, int32_t v)
{
    return v != ASSAY_NO_VALUE && s->known[v] && value_of(s, v).dtype == ASSAY_F32;
}

/* Its numbers and the convolution's must be known, and nobody may want its statistics. */
static void take_normalization(const struct finder *s, struct growing *c)
{
    struct assay_node_view conv = node_of(s, c->node[0]), view;
    struct growing         more = *c;
    uint32_t               n = look_ahead(s, &more, &view);
    int64_t                training = 0;
    if (n == CPU_NO_NODE || more.n != c->n || !is_op(&view, "BatchNormalization") || input(&view, 0) != more.tip ||
        !known_floats(s, input(&conv, 1)) || (input(&conv, 2) != ASSAY_NO_VALUE && !known_floats(s, input(&conv, 2))))
        return;
    if (s->host->attr_i64(s->graph, n, "training_mode", &training) && training)
        return;
    for (uint32_t i = 1; i < 5; i++)
        if (!known_floats(s, input(&view, i)))
            return;
    for (uint32_t i = 1; i < view.n_outputs; i++)
        if (view.outputs[i] != ASSAY_NO_VALUE)
            return;
    take(&more, n, &view);
    more.chain.normalization = n;
    *c = more;
}

static bool same_shape(const struct assay_value_view *a, const struct assay_value_view *b)
{
    return a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
}

static void take_sum(const struct finder *s, struct growing *c)
{
    struct assay_node_view view;
    struct growing         more = *c;
    uint32_t               n = look_ahead(s, &more, &view);
    if (n == CPU_NO_NODE || !is_op(&view, "Add") || view.n_inputs != 2)
        return;
    int32_t                 other = view.inputs[0] == more.tip ? view.inputs[1] : view.inputs[0];
    struct assay_value_view tip = value_of(s, more.tip), added = value_of(s, other);
    if (!same_shape(&tip, &added) || added.dtype != ASSAY_F32)
        return;
    take(&more, n, &view);
    more.chain.added = other;
    *c = more;
}

static const struct activation {
    const char    *op;
    enum cpu_unary unary;
} activations[] = {{"Relu", CPU_RELU}, {"Gelu", CPU_GELU}, {"Swish", CPU_SWISH}, {"Tanh", CPU_TANH}, {"Sigmoid", CPU_SIGMOID}};

static const struct activation *activation_of(const struct assay_node_view *view)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (is_op(view, activations[i].op))
            return &activations[i];
    return NULL;
}

static void take_activation(const struct finder *s, struct growing *c, bool relu_only)
{
    struct assay_node_view   view;
    struct growing           more = *c;
    uint32_t                 n = look_ahead(s, &more, &view);
    const struct activation *a = n == CPU_NO_NODE ? NULL : activation_of(&view);
    if (!a || (relu_only && a->unary != CPU_RELU))
        return;
    take(&more, n, &view);
    more.chain.activation = n;
    *c = more;
}

/* A matrix of bf16, f16 or i8 with a scale a row, whose rows the product contracts along. */
static bool can_be_widened(const struct finder *s, const struct assay_node_view *view)
{
    struct assay_value_view from = value_of(s, view->inputs[0]), scale;
    int64_t                 axis = 1, block = 0;
    if (from.rank != 2)
        return false;
    if (is_op(view, "Cast"))
        return from.dtype == ASSAY_BF16 || from.dtype == ASSAY_F16;
    if (!is_op(view, "DequantizeLinear") || from.dtype != ASSAY_I8 || view->n_inputs != 2)
        return false;
    scale = value_of(s, view->inputs[1]);
    uint32_t node = (uint32_t)value_of(s, view->outputs[0]).producer;
    (void)s->host->attr_i64(s->graph, node, "axis", &axis);
    (void)s->host->attr_i64(s->graph, node, "block_size", &block);
    return axis == 0 && block == 0 && scale.rank == 1 && scale.dims[0] == from.dims[0] && scale.dtype == ASSAY_F32;
}

static bool has_few_rows(const struct finder *s, uint32_t n, const struct assay_node_view *view)
{
    int64_t trans_a = 0, trans_b = 0;
    (void)s->host->attr_i64(s->graph, n, "transA", &trans_a);
    (void)s->host->attr_i64(s->graph, n, "transB", &trans_b);
    struct assay_value_view a = value_of(s, view->inputs[0]);
    return !trans_a && trans_b && a.rank == 2 && a.dims[0] >= 1 && (a.dims[0] <= FEW_ROWS || s->any_rows) && a.dims[1] > 0;
}

static void take_widening(const struct finder *s, uint32_t n, struct growing *c)
{
    struct assay_node_view view = node_of(s, n), before;
    int32_t                b = input(&view, 1);
    if (!has_few_rows(s, n, &view) || !can_stay_unstored(s, b))
        return;
    int32_t producer = value_of(s, b).producer;
    if (producer < 0 || s->taken[producer])
        return;
    before = node_of(s, (uint32_t)producer);
    if (before.n_outputs != 1 || !can_be_read_later(s, &before) || !can_be_widened(s, &before))
        return;
    c->node[c->n++] = (uint32_t)producer;
    c->chain.widening = (uint32_t)producer;
}

static void keep(struct finder *s, const struct growing *c)
{
    uint32_t place = 0;
    for (size_t i = 0; i < c->n; i++)
        place = c->node[i] > place ? c->node[i] : place;
    for (size_t i = 0; i < c->n; i++) {
        struct assay_node_view view = node_of(s, c->node[i]);
        s->taken[c->node[i]] = true;
        s->found->place[c->node[i]] = place;
        s->found->unstored[view.outputs[0]] = view.outputs[0] != c->tip;
    }
    s->found->base[place] = c->node[0];
    s->found->chain[c->node[0]] = c->chain;
    s->found->chain[c->node[0]].result = c->tip;
}

static void grow(struct finder *s, uint32_t n)
{
    struct assay_node_view view = node_of(s, n);
    bool                   conv = is_op(&view, "Conv");
    if (s->taken[n] || (!conv && !is_op(&view, "Gemm")) || !can_be_read_later(s, &view) || view.outputs[0] == ASSAY_NO_VALUE ||
        value_of(s, view.outputs[0]).alias_of != ASSAY_NO_VALUE)
        return;
    struct growing c = {.node = {n}, .n = 1, .tip = view.outputs[0],
                        .chain = {CPU_NO_NODE, CPU_NO_NODE, CPU_NO_NODE, ASSAY_NO_VALUE, ASSAY_NO_VALUE}};
    if (conv)
        take_normalization(s, &c);
    else
        take_widening(s, n, &c);
    take_sum(s, &c);
    take_activation(s, &c, conv);
    if (c.n > 1)
        keep(s, &c);
}

static void count_uses(struct finder *s)
{
    for (uint32_t n = 0; n < s->n_nodes; n++) {
        struct assay_node_view view = node_of(s, n);
        for (uint32_t i = 0; i < view.n_inputs; i++) {
            if (view.inputs[i] == ASSAY_NO_VALUE)
                continue;
            s->uses[view.inputs[i]]++;
            s->reader[view.inputs[i]] = n;
        }
    }
    for (uint32_t v = 0; v < s->n_values; v++) {
        int32_t of = value_of(s, (int32_t)v).alias_of;
        if (of != ASSAY_NO_VALUE)
            s->overwritten[of] = true;
    }
}

enum assay_code cpu_fusion_find(const struct assay_host *host, const struct assay_graph *g, const bool *known,
                                bool any_rows, struct cpu_fusion *out, struct assay_error *err)
{
    struct finder s = {.host = host, .graph = g, .known = known, .any_rows = any_rows, .found = out, .n_nodes = host->graph_nodes(g),
                       .n_values = host->graph_values(g)};
    size_t        nodes = s.n_nodes + 1u, values = s.n_values + 1u;
    *out = (struct cpu_fusion){calloc(nodes, sizeof *out->place), calloc(nodes, sizeof *out->base),
                               calloc(values, sizeof *out->unstored), calloc(nodes, sizeof *out->chain)};
    s.uses = calloc(values, sizeof *s.uses);
    s.reader = calloc(values, sizeof *s.reader);
    s.overwritten = calloc(values, sizeof *s.overwritten);
    s.taken = calloc(nodes, sizeof *s.taken);
    if (!out->place || !out->base || !out->unstored || !out->chain || !s.uses || !s.reader || !s.overwritten || !s.taken) {
        ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to look for chains among %u nodes", s.n_nodes);
        goto free_lists;
    }
    for (uint32_t n = 0; n < s.n_nodes; n++) {
        out->place[n] = out->base[n] = n;
        out->chain[n] = (struct cpu_chain){CPU_NO_NODE, CPU_NO_NODE, CPU_NO_NODE, ASSAY_NO_VALUE, ASSAY_NO_VALUE};
    }
    count_uses(&s);
    for (uint32_t n = 0; n < s.n_nodes; n++)
        grow(&s, n);
free_lists:
    free(s.uses);
    free(s.reader);
    free(s.overwritten);
    free(s.taken);
    return err->code;
}

void cpu_fusion_release(struct cpu_fusion *f)
{
    free(f->place);
    free(f->base);
    free(f->unstored);
    free(f->chain);
    *f = (struct cpu_fusion){NULL, NULL, NULL, NULL};
}

static void read_value(const struct cpu_node *node, int32_t id, struct assay_value_view *out)
{
    *out = (struct assay_value_view){.size = sizeof *out};
    (void)node->host->graph_value(node->graph, (uint32_t)id, out);
}

static void add_input(struct cpu_node *node, uint32_t i, int32_t id)
{
    while (node->n_in <= i)
        node->in_id[node->n_in++] = ASSAY_NO_VALUE;
    node->in_id[i] = id;
    read_value(node, id, &node->in[i]);
}

void cpu_fusion_apply(const struct cpu_fusion *f, struct cpu_node *node)
{
    const struct cpu_chain *c = &f->chain[node->index];
    struct assay_node_view  view = {.size = sizeof view};
    node->fused = (struct cpu_fused){.normalization = c->normalization, .activation = -1};
    if (c->result == ASSAY_NO_VALUE)
        return;
    node->out_id[0] = c->result;
    if (c->normalization != CPU_NO_NODE && node->host->graph_node(node->graph, c->normalization, &view))
        memcpy(node->fused.known_id, view.inputs + 1, sizeof node->fused.known_id);
    if (c->added != ASSAY_NO_VALUE)
        add_input(node, CPU_IN_ADDED, c->added);
    if (c->widening != CPU_NO_NODE && node->host->graph_node(node->graph, c->widening, &view)) {
        add_input(node, 1, view.inputs[0]);
        if (view.n_inputs > 1)
            add_input(node, CPU_IN_SCALE, view.inputs[1]);
    }
    if (c->activation == CPU_NO_NODE || !node->host->graph_node(node->graph, c->activation, &view))
        return;
    struct cpu_node after = {.host = node->host, .graph = node->graph, .index = c->activation};
    node->fused.activation = (int)activation_of(&view)->unary;
    node->fused.alpha = (float)cpu_attr_f64(&after, "alpha", 1.0);
    if (node->fused.activation == CPU_GELU && !strcmp(cpu_attr_text(&after, "approximate", "none"), "tanh"))
        node->fused.activation = CPU_GELU_TANH;
}

static void name_node(const struct cpu_node *node, uint32_t index, const char *format, struct assay_text *out)
{
    struct assay_node_view view = {.size = sizeof view};
    if (index != CPU_NO_NODE && node->host->graph_node(node->graph, index, &view))
        assay_text_add(out, format, view.op);
}

void cpu_fusion_describe(const struct cpu_fusion *f, const struct cpu_node *node, struct assay_text *out)
{
    const struct cpu_chain *c = &f->chain[node->index];
    if (c->result == ASSAY_NO_VALUE)
        return;
    name_node(node, c->widening, " | reads through %s", out);
    name_node(node, c->normalization, " | %s folded in", out);
    if (c->added != ASSAY_NO_VALUE)
        assay_text_add(out, " | Add");
    name_node(node, c->activation, " | %s", out);
}
