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

/* What one set more or less changes: all of the course's target and of those beside it, with the weights once. */
static void bytes_of_all(const struct assay_course *c, const struct assay_case_beside *beside, uint32_t n, uint32_t sets,
                         uint64_t *on_device, uint64_t *on_host)
{
    assay_graph_target_bytes(c->graph, sets, on_device, on_host);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t device, host, shared = assay_graph_target_shared_bytes(beside[i].graph, c->graph);
        assay_graph_target_bytes(beside[i].graph, sets, &device, &host);
        device -= shared;
        *on_device = *on_device < UINT64_MAX - device ? *on_device + device : UINT64_MAX;
        *on_host = *on_host < UINT64_MAX - host ? *on_host + host : UINT64_MAX;
    }
    if (!(c->opened.device.traits & ASSAY_TRAIT_VALUES))
        *on_host = 0;
}

/* As many input sets as there is memory for. With fewer, what a device remembers of one is found less surely. */
static uint32_t affordable_sets(const struct assay_course *c, const struct assay_case_beside *beside, uint32_t n, uint32_t sets,
                                uint64_t limit)
{
    uint64_t on_device, on_host;
    for (; sets > 1; sets /= 2) {
        bytes_of_all(c, beside, n, sets, &on_device, &on_host);
        if (!(c->opened.device.traits & ASSAY_TRAIT_MEMORY) || (on_device <= limit && on_host <= limit))
            break;
    }
    return sets;
}

static enum assay_code make_one(struct assay_course *c, const struct assay_graph *g, const struct assay_value_source *source,
                                uint64_t limit, struct assay_graph_target *beside, struct assay_graph_target **out,
                                struct assay_error *err)
{
    struct assay_graph_target_setup setup = {
        .backend = c->opened.backend, .session = c->opened.session, .device = &c->opened.device, .graph = g,
        .source = source, .seed = c->job->seed, .slots = c->sets, .limit_bytes = limit, .beside = beside,
        .phase = assay_course_on_target_phase, .phase_self = c,
    };
    if (assay_graph_target_new(&setup, out, err))
        return err->code;
    c->record->working_set_bytes += assay_graph_target_working_set(*out);
    return ASSAY_OK;
}

enum assay_code assay_case_target_make(struct assay_course *c, uint32_t sets, struct assay_error *err)
{
    return assay_case_targets_make(c, sets, NULL, 0, err);
}

enum assay_code assay_case_targets_make(struct assay_course *c, uint32_t sets, struct assay_case_beside *beside, uint32_t n,
                                        struct assay_error *err)
{
    uint64_t limit = memory_limit(&c->opened.device), taken;
    c->sets = affordable_sets(c, beside, n, sets, limit);
    c->record->working_set_bytes = 0;
    if (make_one(c, c->graph, c->source, limit, NULL, &c->target, err))
        return err->code;
    assay_course_on_compiled(c, assay_graph_target_program(c->target));
    for (uint32_t i = 0; i < n; i++) {
        taken = c->record->working_set_bytes;
        if (make_one(c, beside[i].graph, beside[i].source, limit > taken ? limit - taken : 0, c->target, &beside[i].target, err)) {
            while (i > 0)
                assay_graph_target_free(beside[--i].target);
            assay_graph_target_free(c->target);
            c->target = NULL;
            return err->code;
        }
    }
    return ASSAY_OK;
}
