/* A decoder on the course's device, or on two: what executes a served case's steps. */
#include "harness/run/case_serve.h"

#include <math.h>

#include "harness/base/memory.h"
#include "harness/load/serving/decoder_step.h"
#include "harness/run/case_draw.h"
#include "harness/run/serve_plan.h"
#include "harness/run/serve_witness.h"
#include "harness/run/session_counters.h"

#include "assay/banned.h"

/* ---- a decoder on the course's device --------------------------------------------------------------------------------- */

#define KEEP_FREE_SHARE 0.8 /* of the memory that is available now */

struct served {
    struct assay_opened        second;  /* the device of further tokens, where there are two */
    bool                       has_second;
    struct assay_serve_plan    first, rest; /* of the decoders, which look into them as long as they live */
    struct assay_decoder_step *decoder, *decode;
};

struct drawn {
    const struct assay_course *c;
    const struct served       *served;
};

static enum assay_code make_decoder(struct assay_course *c, const struct assay_opened *on, const struct assay_serve_plan *p,
                                    struct assay_decoder_step **out, struct assay_error *err)
{
    uint64_t available = assay_memory_available_bytes(), limit = on->device.memory_bytes ? on->device.memory_bytes : UINT64_MAX;
    if (on->device.traits & ASSAY_TRAIT_IS_HOST && available != UINT64_MAX && (uint64_t)((double)available * KEEP_FREE_SHARE) < limit)
        limit = (uint64_t)((double)available * KEEP_FREE_SHARE);
    uint64_t room = (uint64_t)p->n_blocks * p->block_tokens; /* a cache may hold less than the longest sequence that the case allows */
    struct assay_decoder_step_setup setup = {
        .backend = on->backend, .session = on->session, .device = &on->device, .shape = &p->shape, .layers = p->layers, .store = p->store,
        .cache = p->cache, .block_tokens = p->block_tokens, .n_blocks = p->n_blocks,
        .max_context = room < p->max_context ? (uint32_t)room : p->max_context, .buckets = p->buckets,
        .n_buckets = p->n_buckets, .weights = c->job->weights ? c->job->weights : "", .seed = c->job->seed, .limit_bytes = limit,
        .timeout_ns = c->job->what->repeat.timeout_ns,
    };
    return assay_decoder_step_new(&setup, out, err);
}

/* A part of a system holds that part of the blocks, but one sequence at least. */
static struct assay_serve_plan part_of(const struct assay_serve_plan *p, double share)
{
    struct assay_serve_plan part = *p;
    uint32_t                least = (p->max_context + p->block_tokens - 1) / p->block_tokens;
    part.n_blocks = (uint32_t)ceil(share * p->n_blocks);
    part.n_blocks = part.n_blocks < least && least < p->n_blocks ? least : part.n_blocks;
    return part;
}

static enum assay_code make_served(struct assay_course *c, const struct assay_serve_plan *p, struct served *out, struct assay_error *err)
{
    double prompts = c->job->what->serving.prompt_share;
    out->first = prompts > 0 ? part_of(p, prompts) : *p;
    out->rest = prompts > 0 ? part_of(p, 1 - prompts) : *p;
    assay_course_enter(c, ASSAY_PHASE_COMPILE);
    if (make_decoder(c, &c->opened, &out->first, &out->decoder, err))
        return err->code;
    struct assay_decoder_step_bytes bytes = assay_decoder_step_memory(out->decoder);
    c->record->working_set_bytes = bytes.params + bytes.caches + bytes.buckets;
    if (!out->has_second)
        return ASSAY_OK;
    if (make_decoder(c, &out->second, &out->rest, &out->decode, err))
        return assay_error_in(err, "on the device of further tokens");
    c->second.opened = &out->second;
    c->second.program = assay_decoder_step_program(out->decode);
    return ASSAY_OK;
}

/* ---- two devices ------------------------------------------------------------------------------------------------------ */

/* The system that the case was opened on becomes its part that computes prompts. */
static enum assay_code open_parts(struct assay_course *c, double prompts, struct served *out, struct assay_error *err)
{
    struct assay_opened whole = c->opened, part;
    if (assay_backend_open_part(c->job->plugin, c->job->backend, 1 - prompts, NULL, &out->second, err))
        return assay_error_in(err, "opening the part for further tokens");
    out->has_second = true;
    if (assay_backend_open_part(c->job->plugin, c->job->backend, prompts, NULL, &part, err))
        return assay_error_in(err, "opening the part for prompts");
    assay_backend_close(&whole);
    c->opened = part;
    return ASSAY_OK;
}

static enum assay_code open_second(struct assay_course *c, struct served *out, struct assay_error *err)
{
    const struct assay_serving *v = &c->job->what->serving;
    if (v->prompt_share > 0)
        return open_parts(c, v->prompt_share, out, err);
    if (v->link_bytes_per_s <= 0)
        return ASSAY_OK;
    if (assay_backend_open_file(c->job->plugin, c->job->backend, NULL, &out->second, err))
        return assay_error_in(err, "opening the device of further tokens");
    out->has_second = true;
    return ASSAY_OK;
}

/* From any replica that has computed a prompt to any that goes on: as many at a time as there are pairs, each as fast as the slower one. */
static void link_between(void *self, struct assay_serve_link *link)
{
    const struct drawn        *d = self;
    const struct assay_opened *from = &d->c->opened, *to = &d->served->second;
    link->bytes_per_s = fmin(assay_session_level(from, "handover_rate", 0), assay_session_level(to, "handover_rate", 0));
    link->latency_ns = (uint64_t)assay_session_level(from, "handover_latency", 0);
    link->lanes = (uint32_t)fmin(assay_session_level(from, "replicas", 1), assay_session_level(to, "replicas", 1));
}

static enum assay_code draw_both(void *self, uint64_t k, struct assay_error *err)
{
    const struct drawn *d = self;
    if (d->c->opened.backend->draw(d->c->opened.session, k, err))
        return err->code;
    return d->served->has_second ? d->served->second.backend->draw(d->served->second.session, k, err) : ASSAY_OK;
}

static void use_both(void *self, struct assay_case_serve_use *out)
{
    const struct drawn *d = self;
    out->devices = assay_session_level(&d->c->opened, "devices", 1);
    out->joules = assay_session_joules(&d->c->opened);
    if (!d->served->has_second)
        return;
    out->devices += assay_session_level(&d->served->second, "devices", 1);
    out->joules += assay_session_joules(&d->served->second);
}

static enum assay_code serve_decoder(struct assay_course *c, const struct served *served, const struct assay_serve_plan *p, struct assay_error *err)
{
    struct assay_step_target   target = assay_decoder_step_as_target(served->decoder), decode = {0};
    struct assay_case_serve_on on = {.target = &target, .layers = (uint32_t)(p->layers ? p->layers : p->shape.layers),
                                     .vocabulary = (uint32_t)p->shape.vocab, .cache_bytes_per_token = p->cache_bytes_per_token,
                                     .program = assay_decoder_step_program(served->decoder)};
    struct drawn               drawn = {c, served};
    if (assay_case_is_drawn(c)) {
        on.draw = draw_both;
        on.use = use_both;
        on.link = served->decode && c->job->what->serving.link_bytes_per_s <= 0 ? link_between : NULL;
        on.self = &drawn;
    }
    target.limits.max_context = p->max_context; /* the last token of a sequence is in no cache */
    if (served->decode) {
        decode = assay_decoder_step_as_target(served->decode);
        decode.limits.max_context = p->max_context;
        on.decode = &decode;
    }
    return assay_case_serve_on(c, &on, err);
}

enum assay_code assay_case_serve(struct assay_course *c, struct assay_error *err)
{
    struct served           served = {.has_second = false};
    struct assay_serve_plan plan;
    enum assay_code         code = assay_serve_check(c->job->what, err);
    if (!code)
        code = assay_serve_plan_of(c->job->what, &plan, err);
    if (!code)
        code = assay_serve_witness(c, err);
    if (!code)
        code = open_second(c, &served, err);
    if (!code)
        code = make_served(c, &plan, &served, err);
    if (!code)
        code = serve_decoder(c, &served, &plan, err);
    c->second.opened = NULL;
    assay_decoder_step_free(served.decode);
    assay_decoder_step_free(served.decoder);
    if (served.has_second)
        assay_backend_close(&served.second);
    return code;
}
