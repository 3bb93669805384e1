#include "harness/run/case_target.h"

#include "harness/base/memory.h"

#include "assay/banned.h"

#define KEEP_FREE_SHARE 0.8 /* of the memory that is available now */

/* What may be taken: most of what is available now, and no more than the device has. */
static uint64_t memory_limit(const struct assay_device_info *device)
{
    uint64_t available = assay_memory_available_bytes();
    uint64_t limit = available == UINT64_MAX ? UINT64_MAX : (uint64_t)((double)available * KEEP_FREE_SHARE / 2);
    return device->memory_bytes && device->memory_bytes < limit ? device->memory_bytes : limit;
}

/* As many input sets as there is memory for. With fewer, what a device remembers of one is found less surely. */
static uint32_t affordable_sets(const struct assay_graph *g, const struct assay_device_info *device, uint32_t sets, uint64_t limit)
{
    uint64_t on_device, on_host;
    for (; sets > 1; sets /= 2) {
        assay_graph_target_bytes(g, sets, &on_device, &on_host);
        on_host = device->traits & ASSAY_TRAIT_VALUES ? on_host : 0;
        if (!(device->traits & ASSAY_TRAIT_MEMORY) || (on_device <= limit && on_host <= limit))
            break;
    }
    return sets;
}

enum assay_code assay_case_target_make(struct assay_course *c, uint32_t sets, struct assay_error *err)
{
    uint64_t limit = memory_limit(&c->opened.device);
    c->sets = affordable_sets(c->graph, &c->opened.device, sets, limit);
    struct assay_graph_target_setup setup = {
        .backend = c->opened.backend, .session = c->opened.session, .device = &c->opened.device, .graph = c->graph,
        .source = c->source, .seed = c->job->seed, .slots = c->sets, .limit_bytes = limit,
        .phase = assay_course_on_target_phase, .phase_self = c,
    };
    if (assay_graph_target_new(&setup, &c->target, err))
        return err->code;
    c->record->working_set_bytes = assay_graph_target_working_set(c->target);
    assay_course_on_compiled(c, assay_graph_target_program(c->target));
    return ASSAY_OK;
}
