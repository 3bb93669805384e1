/* A graph as a list of steps, and its execution: everything runs within the call, on the pool. */
#include <stdlib.h>

#include "backends/cpu/fusion/fusion.h"
#include "backends/cpu/placement.h"
#include "backends/cpu/ranks/ranks.h"
#include "backends/cpu/session.h"

#include "assay/banned.h"

struct assay_program {
    const struct assay_host  *host;
    const struct assay_graph *graph;
    uint32_t                  n_values, n_steps;
    struct cpu_placed        *placed;
    void                    **at;      /* where each value is; of bound values, in the launch that runs */
    uint64_t                 *bound_in; /* the launch that said so; UINT64_MAX: known since compile */
    struct cpu_step          *steps;
    uint64_t                 *stamp_ns; /* n_steps ends, of the last traced launch */
    uint64_t                  launches, traced_launch, traced_begin_ns;
    void                     *block;
    uint64_t                  block_bytes, held_bytes; /* held: all blocks of the program */
    struct cpu_fusion         fusion; /* while it is built */
};

static const void *row_at(const void *rows, size_t stride, size_t i)
{
    return (const char *)rows + i * stride;
}

/* Looks up a binding's memory; checks that it is there and large enough. */
static enum assay_code locate(const struct assay_program *p, const struct assay_binding *b, void **at,
                              struct assay_error *err)
{
    if (b->value >= p->n_values)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "binding of value %u; the graph has %u", b->value, p->n_values);
    uint64_t bytes = p->placed[b->value].bytes;
    if (!b->buffer) {
        if (!b->host && bytes)
            return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %u is bound to nothing", b->value);
        *at = b->host;
        return ASSAY_OK;
    }
    if (b->offset > b->buffer->n_bytes || bytes > b->buffer->n_bytes - b->offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %u needs %llu bytes at %llu of a buffer of %llu", b->value,
                          (unsigned long long)bytes, (unsigned long long)b->offset,
                          (unsigned long long)b->buffer->n_bytes);
    *at = b->buffer->bytes + b->offset;
    return ASSAY_OK;
}

/* Values that do not move any more: consts, params fixed now, temps. */
static enum assay_code place_values(struct assay_program *p, const struct assay_compile *how, struct assay_error *err)
{
    for (size_t i = 0; i < how->n_fixed; i++) {
        const struct assay_binding *b = row_at(how->fixed, how->binding_stride, i);
        if (b->value < p->n_values)
            p->bound_in[b->value] = UINT64_MAX;
        if (locate(p, b, &p->at[b->value < p->n_values ? b->value : 0], err))
            return assay_error_in(err, "binding fixed params");
    }
    for (uint32_t v = 0; v < p->n_values; v++) {
        struct assay_value_view view = {.size = sizeof view};
        if (p->placed[v].temp && p->placed[v].same_as == ASSAY_NO_VALUE) {
            p->at[v] = (char *)p->block + p->placed[v].offset;
            p->bound_in[v] = UINT64_MAX;
        } else if (p->host->graph_value(p->graph, v, &view) && view.role == ASSAY_ROLE_CONST) {
            memcpy(&p->at[v], &view.data, sizeof view.data); /* only ever read */
            p->bound_in[v] = UINT64_MAX;
        }
    }
    return ASSAY_OK;
}

static enum assay_code prepare_step(struct assay_program *p, const struct cpu_engine *engine, uint32_t node_index,
                                    struct assay_error *err)
{
    struct cpu_step     *step = &p->steps[p->n_steps];
    struct cpu_node      node;
    const struct cpu_op *op = NULL;
    char                 why[300];
    struct assay_text    why_not = ASSAY_TEXT(why);
    if (!cpu_node_read(p->host, p->graph, node_index, &node, &why_not) || !cpu_node_accepts(&node, &op, &why_not) ||
        !cpu_ranks_serve(engine->ranks, &node, &why_not))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node %u: %s", node_index, why);
    cpu_fusion_apply(&p->fusion, &node);
    *step = (struct cpu_step){.node = node_index, .n_in = node.n_in, .n_out = node.n_out};
    for (uint32_t i = 0; i < node.n_in; i++) {
        step->in_id[i] = node.in_id[i];
        if (cpu_has_in(&node, i) && p->bound_in[node.in_id[i]] == UINT64_MAX && !p->placed[node.in_id[i]].temp)
            node.known[i] = p->at[node.in_id[i]];
    }
    for (size_t i = 0; node.fused.normalization != CPU_NO_NODE && i < 4; i++)
        node.fused.known[i] = p->at[node.fused.known_id[i]];
    memcpy(step->out_id, node.out_id, sizeof step->out_id);
    struct assay_text kernel;
    if (op->prepare(engine, &node, step, err)) {
        if (step->release)
            step->release(step->state);
        return assay_error_in(err, "preparing node %u (%s)", node_index, node.op);
    }
    kernel = assay_text_over(step->kernel + strlen(step->kernel), sizeof step->kernel - strlen(step->kernel));
    cpu_fusion_describe(&p->fusion, &node, &kernel);
    p->n_steps++;
    return ASSAY_OK;
}

static enum assay_code find_chains(struct assay_program *p, const struct cpu_engine *engine, const struct assay_compile *how,
                                   struct assay_error *err)
{
    bool *known = calloc(p->n_values + 1u, sizeof *known);
    if (!known)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %u values", p->n_values);
    for (size_t i = 0; i < how->n_fixed; i++) {
        const struct assay_binding *b = row_at(how->fixed, how->binding_stride, i);
        if (b->value < p->n_values)
            known[b->value] = true;
    }
    for (uint32_t v = 0; v < p->n_values; v++) {
        struct assay_value_view view = {.size = sizeof view};
        known[v] |= p->host->graph_value(p->graph, v, &view) && view.role == ASSAY_ROLE_CONST;
    }
    (void)cpu_fusion_find(p->host, p->graph, known, engine->batch_invariant, &p->fusion, err);
    free(known);
    return err->code;
}

static enum assay_code reserve(struct assay_program *p, uint32_t n_nodes, struct assay_error *err)
{
    size_t values = p->n_values + 1u, nodes = n_nodes + 1u;
    p->placed = calloc(values, sizeof *p->placed);
    p->at = calloc(values, sizeof *p->at);
    p->bound_in = calloc(values, sizeof *p->bound_in);
    p->steps = calloc(nodes, sizeof *p->steps);
    p->stamp_ns = calloc(nodes, sizeof *p->stamp_ns);
    if (!p->placed || !p->at || !p->bound_in || !p->steps || !p->stamp_ns)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program of %u nodes", n_nodes);
    return ASSAY_OK;
}

static enum assay_code build(struct assay_program *p, const struct cpu_engine *engine, const struct assay_compile *how,
                             bool *renames, struct assay_error *err)
{
    uint32_t n_nodes = p->host->graph_nodes(p->graph);
    if (reserve(p, n_nodes, err) || find_chains(p, engine, how, err) ||
        cpu_placement_plan(p->host, p->graph, &p->fusion, p->placed, renames, &p->block_bytes, err))
        return err->code;
    p->block = cpu_block_new(p->block_bytes);
    if (!p->block)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu bytes of values between nodes",
                          (unsigned long long)p->block_bytes);
    if (place_values(p, how, err))
        return err->code;
    for (uint32_t i = 0; i < n_nodes; i++)
        if (!renames[i] && p->fusion.place[i] == i && prepare_step(p, engine, p->fusion.base[i], err))
            return err->code;
    return ASSAY_OK;
}

static bool multiplies_integers(const struct assay_host *host, const struct assay_graph *g)
{
    for (uint32_t i = 0; i < host->graph_nodes(g); i++) {
        struct cpu_node   node;
        char              ignored[200];
        struct assay_text why_not = ASSAY_TEXT(ignored);
        if (cpu_node_read(host, g, i, &node, &why_not) && !strcmp(node.op, "MatMulInteger"))
            return true;
    }
    return false;
}

enum assay_code cpu_program_compile(struct assay_session *s, const struct assay_compile *how,
                                    struct assay_program **out, struct assay_error *err)
{
    if (how->n_classes != 1)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "%zu rank classes; one processor runs one", how->n_classes);
    const struct assay_rank_class *rank = how->classes;
    struct assay_program          *p = calloc(1, sizeof *p);
    bool *renames = calloc(s->host->graph_nodes(rank->graph) + 1u, sizeof *renames);
    if (!p || !renames) {
        free(p);
        free(renames);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a program");
    }
    p->host = s->host;
    p->graph = rank->graph;
    p->n_values = s->host->graph_values(rank->graph);
    if (multiplies_integers(p->host, p->graph))
        cpu_session_settle_integers(s);
    struct assay_error trouble = {0};
    uint64_t           before = cpu_blocks_bytes();
    if (build(p, &s->engine, how, renames, &trouble)) {
        *err = trouble;
        cpu_program_discard(s, p);
        p = NULL;
    }
    free(renames);
    if (p) {
        cpu_fusion_release(&p->fusion);
        p->held_bytes = cpu_blocks_bytes() - before;
        s->memory.program_bytes += p->held_bytes;
        *out = p;
    }
    return trouble.code;
}

void cpu_program_discard(struct assay_session *s, struct assay_program *p)
{
    if (!p)
        return;
    s->memory.program_bytes -= p->held_bytes;
    for (uint32_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].release)
            p->steps[i].release(p->steps[i].state);
    free(p->placed);
    free(p->at);
    free(p->bound_in);
    free(p->steps);
    free(p->stamp_ns);
    free(p->block);
    cpu_fusion_release(&p->fusion);
    free(p);
}

static enum assay_code bind(struct assay_program *p, const struct assay_launch *launch, struct assay_error *err)
{
    p->launches++;
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b = row_at(launch->bindings, launch->binding_stride, i);
        void                       *at = NULL;
        if (locate(p, b, &at, err))
            return err->code;
        if (p->bound_in[b->value] == UINT64_MAX)
            continue; /* fixed at compile; the host may name it again */
        p->at[b->value] = at;
        p->bound_in[b->value] = p->launches;
    }
    return ASSAY_OK;
}

static enum assay_code find_operand(const struct assay_program *p, int32_t v, void **at, struct assay_error *err)
{
    int32_t named = v;
    *at = NULL;
    if (v == ASSAY_NO_VALUE)
        return ASSAY_OK;
    /* An output that aliases is where the value it aliases is, whether or not the host says so. */
    while (p->bound_in[v] != UINT64_MAX && p->bound_in[v] != p->launches && p->placed[v].same_as != ASSAY_NO_VALUE)
        v = p->placed[v].same_as;
    if (p->bound_in[v] != UINT64_MAX && p->bound_in[v] != p->launches) {
        struct assay_value_view view = {.size = sizeof view};
        (void)p->host->graph_value(p->graph, (uint32_t)named, &view);
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "value %d ('%s') is not bound", named, view.name ? view.name : "");
    }
    *at = p->at[v];
    return ASSAY_OK;
}

static enum assay_code run_steps(struct assay_session *s, struct assay_program *p, bool traced, struct assay_error *err)
{
    struct cpu_call call = {.engine = &s->engine};
    for (uint32_t i = 0; i < p->n_steps; i++) {
        const struct cpu_step *step = &p->steps[i];
        for (uint32_t k = 0; k < step->n_in; k++) {
            void *at;
            if (find_operand(p, step->in_id[k], &at, err))
                return err->code;
            call.in[k] = at;
        }
        for (uint32_t k = 0; k < step->n_out; k++)
            if (find_operand(p, step->out_id[k], &call.out[k], err))
                return err->code;
        for (uint32_t k = step->n_in; k < CPU_MAX_INPUTS; k++)
            call.in[k] = NULL;
        for (uint32_t k = step->n_out; k < CPU_MAX_OUTPUTS; k++)
            call.out[k] = NULL;
        if (step->run(step->state, &call, err))
            return assay_error_in(err, "running node %u (%s)", step->node, step->kernel);
        if (traced)
            p->stamp_ns[i] = s->host->now_ns();
    }
    return ASSAY_OK;
}

static struct assay_event *take_event(struct assay_session *s)
{
    for (uint32_t i = 0; i < CPU_EVENTS; i++) {
        struct assay_event *e = &s->events[s->next_event++ % CPU_EVENTS];
        if (!e->used)
            return e;
    }
    return NULL;
}

enum assay_code cpu_program_execute(struct assay_session *s, const struct assay_launch *launch, struct assay_event **out,
                                    struct assay_error *err)
{
    struct assay_program *p = launch->program;
    struct assay_event   *e = take_event(s);
    bool                  traced = launch->flags & ASSAY_LAUNCH_TRACE;
    if (!e)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "%d events are outstanding; forget some", CPU_EVENTS);
    if (bind(p, launch, err))
        return err->code;
    uint64_t begin_ns = s->host->now_ns();
    if (run_steps(s, p, traced, err))
        return err->code;
    if (traced) {
        p->traced_launch = p->launches;
        p->traced_begin_ns = begin_ns;
    }
    *e = (struct assay_event){.used = true, .begin_ns = begin_ns, .end_ns = s->host->now_ns(), .program = p,
                              .launch = p->launches};
    *out = e;
    return ASSAY_OK;
}

void cpu_program_describe(struct assay_session *s, const struct assay_program *p, struct assay_text *out)
{
    assay_text_add(out, "%s vectors, ", s->engine.kernels->name);
    cpu_pool_describe(s->engine.pool, out);
    assay_text_add(out, ", %llu bytes of values between nodes", (unsigned long long)p->block_bytes);
    for (uint32_t i = 0; i < p->n_steps; i++) {
        struct assay_node_view node = {.size = sizeof node};
        if (s->host->graph_node(p->graph, p->steps[i].node, &node))
            assay_text_add(out, "\n%s: %s", node.op, p->steps[i].kernel);
    }
}

enum assay_code cpu_program_trace(struct assay_session *s, struct assay_event *e, struct assay_trace_row *rows,
                                  size_t stride, size_t capacity, size_t *n, struct assay_error *err)
{
    (void)s;
    const struct assay_program *p = e->program;
    if (!e->used || p->traced_launch != e->launch)
        return ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "this launch was not traced, or its program was traced again since");
    for (uint32_t i = 0; i < p->n_steps && i < capacity; i++) {
        struct assay_trace_row *row = (struct assay_trace_row *)(void *)((char *)rows + i * stride);
        row->node = p->steps[i].node;
        row->rank_class = 0;
        row->begin_ns = (i ? p->stamp_ns[i - 1] : p->traced_begin_ns) - p->traced_begin_ns;
        row->end_ns = p->stamp_ns[i] - p->traced_begin_ns;
        (void)snprintf(row->note, sizeof row->note, "%.63s", p->steps[i].kernel);
    }
    *n = p->n_steps;
    return ASSAY_OK;
}
