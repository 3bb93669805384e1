#include "harness/run/serve_witness.h"

#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/load/graph_target.h"
#include "harness/run/case_target.h"
#include "harness/verify/witness.h"

#include "assay/banned.h"

static enum assay_code open_witness(struct assay_course *c, struct assay_error *err)
{
    char file[160];
    assay_course_enter(c, ASSAY_PHASE_WITNESS);
    if (assay_course_name_file(c, "witness", file, c->witness_path, err))
        return err->code;
    struct assay_witness_setup setup = {
        .path = c->witness_path, .case_id = c->job->what->id, .graph = c->graph, .seed = c->job->seed, .entropy = assay_random_entropy(),
        .sets = c->sets, .chosen = assay_witness_chosen_of(c->graph, c->sets),
    };
    if (assay_witness_new(&setup, &c->witness, err))
        return assay_course_unmade(c, err);
    (void)assay_string_copy(c->record->witness_file, sizeof c->record->witness_file, file);
    return ASSAY_OK;
}

/* One step from the generator's caches; the next input set each time. */
static enum assay_code one(struct assay_course *c, uint64_t i, struct assay_error *err)
{
    struct assay_target    target = assay_graph_target_as_target(c->target);
    struct assay_query     query = {.slot = 0};
    struct assay_span      span = {.size = sizeof span};
    struct assay_collected left;
    uint64_t               token, done;
    if (assay_graph_target_prepare(c->target, c->sets, err) || target.issue(target.self, &query, &token, err) ||
        target.poll(target.self, c->job->what->repeat.timeout_ns, &done, &span, err) || assay_graph_target_collect(c->target, 0, &left, err))
        return err->code;
    struct assay_seen seen = {i, left.set, left.poison_key, left.outputs, left.before};
    c->loop.guard_changed += left.guard_changed;
    assay_witness_see(c->witness, &seen);
    return ASSAY_OK;
}

enum assay_code assay_serve_witness(struct assay_course *c, struct assay_error *err)
{
    if (!(c->opened.device.traits & ASSAY_TRAIT_VALUES))
        return ASSAY_OK;
    enum assay_code code = assay_case_target_make(c, ASSAY_MIN_SETS, err);
    if (!code && !assay_graph_target_restores(c->target))
        code = ASSAY_FAIL(err, ASSAY_INTERNAL, "a step that changes no cache");
    if (!code)
        code = open_witness(c, err);
    for (uint64_t i = 0; !code && i < c->sets; i++)
        code = one(c, i, err);
    if (!code)
        assay_witness_batch_end(c->witness);
    assay_graph_target_free(c->target);
    c->target = NULL;
    return code ? assay_error_in(err, "executing the step by itself") : ASSAY_OK;
}
