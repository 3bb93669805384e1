#include "harness/run/soak.h"

#include <stdatomic.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/run/baseline.h"
#include "harness/run/rig.h"
#include "harness/store/soak_file.h"
#include "harness/verify/agreement.h"

#include "assay/banned.h"

#define KEPT_LIMIT_BYTES ((uint64_t)1 << 30) /* outputs that are kept to find what differs */

struct soaking {
    const struct assay_soak_job *job;
    struct assay_rig             rig;
    struct assay_baseline        verified; /* outputs whose hash is right, set by set as they come; none where they are too large */
    struct assay_mapped_file     file;
    struct assay_soak_tally     *tally; /* in it */
    uint64_t                     busy_before_ns;
};

/* Where and how much it differs, where the verified outputs are at hand. */
static void describe(const struct soaking *s, const struct assay_collected *left, struct assay_soak_event *e)
{
    const unsigned char *expected = s->verified.bytes + left->set * s->verified.set_bytes;
    for (size_t o = 0; o < s->rig.n_outputs; o++) {
        const struct assay_value *v = &s->rig.graph->values[s->rig.outputs[o]];
        const unsigned char      *observed = left->outputs[o];
        struct assay_agreement    a = {.runs = 0};
        assay_agreement_compare(&a, v, 0, v->elements, expected, observed);
        if (a.elements && !e->elements) {
            e->output = (uint32_t)o;
            e->element = a.element;
            e->expected = a.expected;
            e->observed = a.observed;
        }
        e->elements += a.elements;
        for (uint64_t i = 0; a.elements && i < v->bytes; i++)
            e->bits += (uint64_t)__builtin_popcount((unsigned)(expected[i] ^ observed[i]));
        expected += v->bytes;
    }
}

/* Counts are stored after what they count: whenever the worker ends, what is counted is there. */
static void note(const struct soaking *s, const struct assay_collected *left)
{
    struct assay_soak_tally *t = s->tally;
    if (t->n_events < ASSAY_SOAK_EVENTS) {
        struct assay_soak_event e = {.utc_ns = assay_clock_utc_ns(), .iteration = t->iterations, .busy_ns = t->busy_ns, .set = left->set,
                                     .element = -1};
        if (s->verified.bytes && s->verified.has[left->set])
            describe(s, left, &e);
        t->event[t->n_events] = e;
        atomic_signal_fence(memory_order_release);
        t->n_events++;
    }
    t->mismatches++;
}

static enum assay_code see(void *self, const struct assay_collected *left, struct assay_error *err)
{
    struct soaking             *s = self;
    const struct assay_soak_job *job = s->job;
    uint64_t                     busy_ns = s->rig.busy_ns - s->busy_before_ns;
    (void)err;
    s->busy_before_ns = s->rig.busy_ns;
    s->tally->guard_bytes_changed += left->guard_changed;
    if (!job->has[left->set])
        return ASSAY_OK;
    struct assay_hash128 hash = assay_rig_hash(&s->rig, left);
    bool                 same = hash.low == job->hash[left->set].low && hash.high == job->hash[left->set].high;
    s->tally->busy_ns += busy_ns;
    s->tally->seen_utc_ns = assay_clock_utc_ns();
    if (!same)
        note(s, left);
    else if (s->verified.bytes && !s->verified.has[left->set])
        assay_baseline_keep(&s->verified, &s->rig, left);
    atomic_signal_fence(memory_order_release);
    s->tally->iterations++;
    return ASSAY_OK;
}

static enum assay_code make_tally(struct soaking *s, struct assay_error *err)
{
    if (assay_mapped_file_new(s->job->tally, sizeof *s->tally, &s->file, err))
        return err->code;
    s->tally = s->file.at;
    s->tally->begun_utc_ns = assay_clock_utc_ns();
    memcpy(s->tally->magic, assay_soak_magic, sizeof s->tally->magic);
    return ASSAY_OK;
}

static enum assay_code soak(struct soaking *s, struct assay_error *err)
{
    struct assay_rig_watch watch = {.see = see, .self = s};
    uint64_t               begin = assay_clock_now_ns(), gone;
    if (s->rig.with.sets != s->job->sets)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "memory for %u input sets only, and %u were verified", s->rig.with.sets, s->job->sets);
    if (s->rig.output_bytes <= KEPT_LIMIT_BYTES / s->job->sets && assay_baseline_init(&s->rig, s->job->sets, &s->verified, err))
        return err->code;
    do {
        if (assay_rig_round(&s->rig, &watch, err))
            return err->code;
        gone = assay_clock_now_ns() - begin;
        if (s->job->progress)
            s->job->progress(s->job->self, gone < s->job->for_ns ? (double)gone / (double)s->job->for_ns : 1);
    } while (gone < s->job->for_ns);
    return ASSAY_OK;
}

enum assay_code assay_run_soak(const struct assay_soak_job *job, struct assay_error *err)
{
    struct soaking         s = {.job = job};
    struct assay_rig_setup setup = {.what = job->what, .backend = job->backend, .plugin = job->plugin, .weights = job->weights,
                                    .inputs = job->inputs, .seed = job->seed, .timeout_ns = job->timeout_ns, .sets = job->sets,
                                    .limit_bytes = UINT64_MAX};
    if (make_tally(&s, err))
        return err->code;
    if (!assay_rig_open(&setup, &s.rig, err)) {
        (void)soak(&s, err);
        assay_rig_close(&s.rig);
    }
    assay_baseline_release(&s.verified);
    assay_mapped_file_release(&s.file);
    return err->code;
}
