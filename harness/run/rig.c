#include "harness/run/rig.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

static enum assay_code build(struct assay_rig *r, struct assay_error *err)
{
    const struct assay_rig_setup *with = &r->with;
    if (assay_case_graph(with->what, &r->graph, err))
        return err->code;
    if ((*with->weights || *with->inputs) && assay_value_source_open(r->graph, with->weights, with->inputs, &r->source, err))
        return err->code;
    r->n_outputs = assay_graph_outputs(r->graph, NULL, 0);
    r->outputs = calloc(r->n_outputs + 1, sizeof *r->outputs);
    if (!r->outputs)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a list of outputs");
    (void)assay_graph_outputs(r->graph, r->outputs, r->n_outputs);
    for (size_t o = 0; o < r->n_outputs; o++)
        r->output_bytes += r->graph->values[r->outputs[o]].bytes;
    return ASSAY_OK;
}

static enum assay_code ask_accepted(struct assay_rig *r, struct assay_error *err)
{
    if (!(r->opened.device.traits & ASSAY_TRAIT_VALUES))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "'%s' computes no values", r->opened.canonical);
    for (uint32_t i = 0; i < r->graph->n_nodes; i++) {
        char              reason[160] = "";
        struct assay_text why = ASSAY_TEXT(reason);
        if (!r->opened.backend->accepts(r->opened.session, r->graph, i, &why))
            return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "node '%.48s' (%s): %s", r->graph->nodes[i].name, r->graph->nodes[i].op->name,
                              *reason ? reason : "no reason given");
    }
    return ASSAY_OK;
}

static enum assay_code make_target(struct assay_rig *r, struct assay_error *err)
{
    const struct assay_rig_setup *with = &r->with;
    uint64_t                      device = 0, host = 0;
    uint32_t                      sets = with->sets;
    for (; sets > 1; sets--) {
        assay_graph_target_bytes(r->graph, sets, &device, &host);
        if (device <= with->limit_bytes && host <= with->limit_bytes)
            break;
    }
    r->with.sets = sets;
    struct assay_graph_target_setup setup = {
        .backend = r->opened.backend, .session = r->opened.session, .device = &r->opened.device, .graph = r->graph,
        .source = r->source, .seed = with->seed, .fill = with->fill, .fill_self = with->self, .slots = sets,
        .limit_bytes = with->limit_bytes,
    };
    return assay_graph_target_new(&setup, &r->target, err);
}

enum assay_code assay_rig_open(const struct assay_rig_setup *setup, struct assay_rig *out, struct assay_error *err)
{
    memset(out, 0, sizeof *out);
    out->with = *setup;
    if (!build(out, err) && !assay_backend_open_file(setup->plugin, setup->backend, NULL, &out->opened, err) &&
        !ask_accepted(out, err) && !make_target(out, err))
        return ASSAY_OK;
    assay_rig_close(out);
    return err->code;
}

/* What a device that hung still holds: never freed and never lost sight of. */
static struct abandoned {
    struct abandoned *before;
    struct assay_rig  rig;
} *abandoned;

static void abandon(struct assay_rig *rig)
{
    struct abandoned *a = malloc(sizeof *a);
    if (!a)
        return;
    *a = (struct abandoned){abandoned, *rig};
    abandoned = a;
}

void assay_rig_close(struct assay_rig *rig)
{
    if (rig->hung) {
        abandon(rig);
        memset(rig, 0, sizeof *rig);
        return;
    }
    assay_graph_target_free(rig->target);
    if (rig->opened.backend)
        assay_backend_close(&rig->opened);
    assay_value_source_close(rig->source);
    assay_graph_free(rig->graph);
    free(rig->outputs);
    memset(rig, 0, sizeof *rig);
}

/* ---- rounds ---------------------------------------------------------------------------------------------------- */

static enum assay_code execute(struct assay_rig *r, uint32_t slot, struct assay_error *err)
{
    struct assay_target target = assay_graph_target_as_target(r->target);
    struct assay_query  query = {.slot = slot};
    struct assay_span   span = {.size = sizeof span};
    uint64_t            token = 0, begin = assay_clock_now_ns();
    if (target.issue(target.self, &query, &token, err))
        return err->code;
    if (target.poll(target.self, r->with.timeout_ns, &token, &span, err)) {
        r->hung = err->code == ASSAY_TIMEOUT;
        if (r->hung)
            return ASSAY_FAIL(err, ASSAY_TIMEOUT, "an execution did not come to its end within %.3g s", (double)r->with.timeout_ns / 1e9);
        target.cancel(target.self, token);
        return err->code;
    }
    r->busy_ns += assay_clock_now_ns() - begin;
    r->executed++;
    return ASSAY_OK;
}

static enum assay_code one(struct assay_rig *r, uint32_t slot, const struct assay_rig_watch *watch, struct assay_error *err)
{
    struct assay_collected left;
    if (execute(r, slot, err) || assay_graph_target_collect(r->target, slot, &left, err))
        return err->code;
    return watch->see(watch->self, &left, err);
}

enum assay_code assay_rig_round(struct assay_rig *rig, const struct assay_rig_watch *watch, struct assay_error *err)
{
    bool     singly = assay_graph_target_restores(rig->target);
    uint32_t sets = rig->with.sets;
    if (!singly && assay_graph_target_prepare(rig->target, sets, err))
        return err->code;
    for (uint32_t i = 0; i < sets; i++) {
        if (singly && assay_graph_target_prepare(rig->target, 1, err))
            return err->code;
        if (one(rig, singly ? 0 : i, watch, err))
            return err->code;
    }
    return ASSAY_OK;
}

/* ---- what was left --------------------------------------------------------------------------------------------- */

struct assay_hash128 assay_rig_hash(const struct assay_rig *rig, const struct assay_collected *left)
{
    struct assay_hash128 all = {0, 0};
    for (size_t o = 0; o < rig->n_outputs; o++)
        all = assay_hash_join(all, assay_hash_bytes(left->outputs[o], (size_t)rig->graph->values[rig->outputs[o]].bytes));
    return all;
}

void assay_rig_copy(const struct assay_rig *rig, const struct assay_collected *left, unsigned char *to)
{
    for (size_t o = 0; o < rig->n_outputs; o++) {
        size_t bytes = (size_t)rig->graph->values[rig->outputs[o]].bytes;
        memcpy(to, left->outputs[o], bytes);
        to += bytes;
    }
}
