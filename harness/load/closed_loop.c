#include "harness/load/closed_loop.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/random.h"

#include "assay/banned.h"

#define WARM_RUNS 3u
#define WARM_NS 30000000ull        /* caches, clocks and lazy libraries settle */
#define BATCH_NS 4000000ull        /* about as long as a burst of a ceiling, so that the two alternate evenly */
#define BURST_EVERY_NS 12000000ull /* of timed time */
#define MAX_ROUNDS 65536u

struct state {
    const struct assay_closed_loop  *loop;
    struct assay_target              target;
    struct assay_closed_loop_result *out;
    struct assay_random              entropy;
    bool                             single; /* a batch is one execution: the target restores */
    uint64_t                         begin_ns, deadline_ns, since_burst_ns;
    uint64_t                         last_end_ns; /* of the execution before; on a model clock, where time stands */
    uint64_t                         batch_begin; /* first sample of the last batch */
    uint64_t                         scratch[512];
};

/* One execution from issue to completion. It cannot have begun before the one before it ended: spans do not overlap, so
 * that many of them cannot add up to more than the time that went by. (A device's clock is mapped and may jitter.) */
static inline enum assay_code once(struct state *s, uint32_t slot, struct assay_span *span, struct assay_error *err)
{
    bool               model = s->target.clock == ASSAY_CLOCK_MODEL;
    struct assay_query q = {.slot = slot, .earliest_ns = model ? s->last_end_ns : 0};
    uint64_t           token, done;
    *span = (struct assay_span){.size = sizeof *span}; /* what the back end does not write is not the last one's */
    if (s->target.issue(s->target.self, &q, &token, err) ||
        s->target.poll(s->target.self, s->loop->timeout_ns, &done, span, err))
        return err->code;
    if (done != token || span->end_ns < span->begin_ns || span->clock != s->target.clock)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "span of an execution is wrong: begin %llu, end %llu, clock %d where %d was announced",
                          (unsigned long long)span->begin_ns, (unsigned long long)span->end_ns, (int)span->clock,
                          (int)s->target.clock);
    if (span->begin_ns < s->last_end_ns && span->clock != ASSAY_CLOCK_DEVICE)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "stamped span begins at %llu ns, before the execution before it ended at %llu ns",
                          (unsigned long long)span->begin_ns, (unsigned long long)s->last_end_ns);
    s->last_end_ns = span->end_ns;
    return ASSAY_OK;
}

/* A host-clock span must lie inside the time the host itself saw go by: a back end does not stamp as it likes. */
static enum assay_code within(const struct assay_span *span, uint64_t before, uint64_t after, struct assay_error *err)
{
    if (span->clock != ASSAY_CLOCK_HOST || (span->begin_ns >= before && span->end_ns <= after))
        return ASSAY_OK;
    return ASSAY_FAIL(err, ASSAY_PROTOCOL, "stamped span [%llu, %llu] ns lies outside the call [%llu, %llu] ns",
                      (unsigned long long)span->begin_ns, (unsigned long long)span->end_ns, (unsigned long long)before,
                      (unsigned long long)after);
}

static enum assay_code warm_up(struct state *s, uint64_t *typical_ns, struct assay_error *err)
{
    struct assay_span span;
    uint64_t          begin = assay_clock_now_ns(), best = UINT64_MAX, last = 0;
    do {
        if ((s->single || !s->out->warm_runs) && assay_graph_target_prepare(s->loop->target, s->loop->slots, err))
            return err->code;
        uint64_t before = assay_clock_now_ns();
        if (once(s, s->single ? 0 : (uint32_t)(s->out->warm_runs % s->loop->slots), &span, err) ||
            within(&span, before, assay_clock_now_ns(), err))
            return assay_error_in(err, "warm-up execution %llu", (unsigned long long)s->out->warm_runs);
        last = span.end_ns - span.begin_ns;
        if (!s->out->warm_runs++)
            s->out->first_ns = last;
        uint64_t wall = assay_clock_now_ns() - before;
        best = wall < best ? wall : best;
        s->out->warm_ns = assay_clock_now_ns() - begin;
    } while (s->out->warm_ns < s->loop->max_ns && (s->out->warm_runs < WARM_RUNS || s->out->warm_ns < WARM_NS));
    *typical_ns = best ? best : 1;
    return ASSAY_OK;
}

/* Geometric with mean `mean` >= 1 on 1, 2, 3, …: memoryless. */
static uint64_t draw_rounds(struct state *s, double mean)
{
    if (mean <= 1)
        return 1;
    double   u = 1.0 - assay_random_unit(&s->entropy);
    double   x = 1 + floor(log(u) / log1p(-1 / mean));
    return x < 1 ? 1 : x > MAX_ROUNDS ? MAX_ROUNDS : (uint64_t)x;
}

static bool out_of_time(const struct state *s, const struct assay_span *span)
{
    return (span->clock == ASSAY_CLOCK_HOST ? span->end_ns : assay_clock_now_ns()) >= s->deadline_ns;
}

/* The timed region itself: n executions, or as many as the wall limit leaves (at least one). */
static enum assay_code timed(struct state *s, uint64_t n, uint64_t *ran, struct assay_error *err)
{
    struct assay_closed_loop_result *out = s->out;
    const uint32_t                   slots = s->loop->slots;
    uint64_t                        *sample = s->loop->samples + out->n;
    struct assay_allocations         before = assay_allocations_so_far();
    struct assay_span                span = {.size = sizeof span}, first = span;
    uint64_t                         span_ns = 0, begin = assay_clock_now_ns();
    uint32_t                         slot = 0;
    uint64_t                         i = 0;
    do {
        if (once(s, slot, &span, err))
            return assay_error_in(err, "timed execution %" PRIu64, out->n + i);
        if (i == 0)
            first = span;
        sample[i] = span.end_ns - span.begin_ns;
        span_ns += sample[i];
        if (span.device_ns) {
            out->device_ns_sum += span.device_ns;
            out->device_ns_n++;
        }
        slot = slot + 1 == slots ? 0 : slot + 1;
    } while (++i < n && !out_of_time(s, &span));
    uint64_t                 end = assay_clock_now_ns();
    struct assay_allocations after = assay_allocations_so_far();
    out->allocations.by_harness += after.by_harness - before.by_harness;
    out->allocations.by_plugin += after.by_plugin - before.by_plugin;
    out->timed_wall_ns += end - begin;
    out->timed_span_ns += span_ns;
    out->last = span;
    out->n += *ran = i;
    s->since_burst_ns += end - begin;
    first.end_ns = span.end_ns; /* none overlaps the one before, so all are inside if the first and the last are */
    return within(&first, begin, end, err);
}

static enum assay_code collect(struct state *s, uint64_t batch_begin, uint64_t n, struct assay_error *err)
{
    const struct assay_closed_loop *loop = s->loop;
    uint64_t                        left = n < loop->slots ? n : loop->slots;
    for (uint64_t i = n - left; i < n; i++) {
        struct assay_collected left_behind;
        if (assay_graph_target_collect(loop->target, (uint32_t)(i % loop->slots), &left_behind, err))
            return err->code;
        s->out->guard_changed += left_behind.guard_changed;
        loop->see(loop->self, batch_begin + i, &left_behind);
        s->out->collected++;
    }
    loop->batch_end(loop->self);
    return ASSAY_OK;
}

static double median_of(struct state *s, const uint64_t *samples, uint64_t n)
{
    size_t kept = n < 512 ? (size_t)n : 512;
    for (size_t i = 0; i < kept; i++)
        s->scratch[i] = samples[i * n / kept];
    assay_sort_u64(s->scratch, kept);
    return assay_median_u64(s->scratch, kept);
}

static void burst(struct state *s, uint64_t batch_begin, uint64_t n)
{
    struct assay_closed_loop_result *out = s->out;
    if (!s->loop->ceiling || s->since_burst_ns < BURST_EVERY_NS || out->n_pairs == ASSAY_MAX_PAIRS)
        return;
    uint32_t i = out->n_pairs;
    out->batch_median_ns[i] = median_of(s, s->loop->samples + batch_begin, n);
    out->peak_flops_per_s[i] = assay_ceiling_flops_per_s(s->loop->ceiling, 0);
    out->triad_bytes_per_s[i] = assay_ceiling_bytes_per_s(s->loop->ceiling, 0);
    out->n_pairs += out->peak_flops_per_s[i] > 0 && out->triad_bytes_per_s[i] > 0; /* not where its keeper is gone */
    s->since_burst_ns = 0;
}

/* The first batch touches every slot and leaves most of the run after it: growth of memory is watched from its end, and a long one
 * would leave nothing to watch. */
static uint64_t longest_batch(const struct state *s)
{
    const struct assay_closed_loop *loop = s->loop;
    uint64_t                        begin = s->out->n, room = loop->max_samples - begin, first = loop->min_runs / 4;
    first = first > loop->slots ? first - first % loop->slots : loop->slots;
    return begin == 0 && first < room ? first : room;
}

static enum assay_code batch(struct state *s, double mean_rounds, struct assay_error *err)
{
    const struct assay_closed_loop *loop = s->loop;
    uint64_t                        begin = s->out->n, longest = longest_batch(s);
    uint64_t                        n = draw_rounds(s, mean_rounds) * loop->slots, t0 = assay_clock_now_ns();
    n = s->single ? 1 : n < longest ? n : longest;
    if (assay_graph_target_prepare(loop->target, loop->slots, err))
        return err->code;
    uint64_t t1 = assay_clock_now_ns();
    if (loop->meter)
        assay_meter_start(loop->meter);
    if (loop->counters)
        assay_counters_resume(loop->counters);
    enum assay_code code = timed(s, n, &n, err);
    if (loop->counters)
        assay_counters_pause(loop->counters);
    if (loop->meter)
        assay_meter_stop(loop->meter);
    if (code)
        return code;
    uint64_t t2 = assay_clock_now_ns();
    if (loop->collects && collect(s, begin, n, err))
        return err->code;
    s->out->proof_ns += t1 - t0 + assay_clock_now_ns() - t2;
    s->out->batches++;
    s->batch_begin = begin;
    burst(s, begin, n);
    return ASSAY_OK;
}

enum assay_code assay_closed_loop_run(const struct assay_closed_loop *loop, struct assay_closed_loop_result *out,
                                      struct assay_error *err)
{
    struct state s = {.loop = loop, .target = assay_graph_target_as_target(loop->target), .out = out};
    uint64_t     typical_ns = 1;
    memset(out, 0, sizeof *out);
    s.single = assay_graph_target_restores(loop->target);
    assay_random_init(&s.entropy, assay_random_entropy());
    if (warm_up(&s, &typical_ns, err))
        return err->code;
    double mean_rounds = (double)BATCH_NS / (double)typical_ns / loop->slots;
    if (loop->warmed)
        loop->warmed(loop->self);
    s.since_burst_ns = BURST_EVERY_NS;
    s.begin_ns = assay_clock_now_ns();
    s.deadline_ns = loop->max_ns < UINT64_MAX - s.begin_ns ? s.begin_ns + loop->max_ns : UINT64_MAX;
    while (out->n < loop->max_samples) {
        if (batch(&s, mean_rounds, err))
            return err->code;
        double by_time = loop->min_ns ? (double)out->timed_wall_ns / (double)loop->min_ns : 1;
        double by_runs = (double)out->n / (double)loop->min_runs;
        double done = by_time < by_runs ? by_time : by_runs;
        if (loop->progress)
            loop->progress(loop->self, done < 1 ? done : 1,
                           (uint64_t)median_of(&s, loop->samples + s.batch_begin, out->n - s.batch_begin));
        if (done >= 1)
            return ASSAY_OK;
        out->hit_wall_limit = assay_clock_now_ns() >= s.deadline_ns;
        if (out->hit_wall_limit)
            return ASSAY_OK;
    }
    return ASSAY_OK;
}
