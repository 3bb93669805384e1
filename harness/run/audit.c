#include "harness/run/audit.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/load/graph_target.h"
#include "harness/measure/statistics.h"
#include "harness/run/case_target.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define NEVER_SEEN 1000000u /* input sets from there on are in no run */
#define MOST_PAIRS 63u
#define LONG_FLOPS 100000000u
#define WARM 3u

const char *assay_audit_test(const struct assay_course *c)
{
    const char *test = c->job->audit ? c->job->audit : "";
    (void)assay_string_copy(c->record->audit.test, sizeof c->record->audit.test, test);
    return test;
}

void assay_audit_init(struct assay_audit *a, const char *test, uint64_t executions)
{
    double wanted = 0.1 * (double)executions;
    wanted = wanted > ASSAY_AUDIT_LOGGED ? ASSAY_AUDIT_LOGGED : wanted < ASSAY_AUDIT_LEAST_LOGGED ? ASSAY_AUDIT_LEAST_LOGGED : wanted;
    *a = (struct assay_audit){.logs = !strcmp(test, "TEST01"), .same = !strcmp(test, "TEST04"),
                              .chance = executions ? wanted / (double)executions : 1};
    assay_random_init(&a->entropy, assay_random_entropy());
}

/* Of all outputs together. */
static struct assay_hash128 hash_of(const struct assay_graph *g, const struct assay_collected *left)
{
    struct assay_hash128 all = {0, 0};
    size_t               n = 0;
    for (uint32_t i = 0; i < g->n_values; i++)
        if (g->values[i].role == ASSAY_ROLE_OUTPUT)
            all = assay_hash_join(all, assay_hash_bytes(left->outputs[n++], (size_t)g->values[i].bytes));
    return all;
}

void assay_audit_before(struct assay_audit *a, uint32_t program, const struct assay_graph *g, const struct assay_collected *left)
{
    if (!a->logs || left->set >= ASSAY_AUDIT_MOST_SETS || a->has[program][left->set])
        return;
    a->has[program][left->set] = true;
    a->before[program][left->set] = hash_of(g, left);
}

bool assay_audit_chooses(struct assay_audit *a)
{
    return a->logs && assay_random_unit(&a->entropy) < a->chance;
}

void assay_audit_log(struct assay_audit *a, uint32_t program, const struct assay_graph *g, const struct assay_collected *left,
                     struct assay_audited *to)
{
    if (left->set >= ASSAY_AUDIT_MOST_SETS || !a->has[program][left->set])
        return;
    struct assay_hash128 now = hash_of(g, left), before = a->before[program][left->set];
    bool                 same = now.low == before.low && now.high == before.high;
    to->logged++;
    to->equal += same;
    if (!same && !*to->first_difference)
        (void)snprintf(to->first_difference, sizeof to->first_difference, "logged output %llu, of input set %u, is not what the set gave before",
                       (unsigned long long)to->logged, left->set);
}

/* ---- pairs --------------------------------------------------------------------------------------------------------- */

static enum assay_code fill_unseen(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to, struct assay_error *err)
{
    const struct assay_course *c = self;
    if (g->values[value].role == ASSAY_ROLE_INPUT)
        return assay_fill_value(g, value, c->job->seed, set + NEVER_SEEN, to, err);
    return assay_value_fill(c->source, g, value, c->job->seed, set, to, err);
}

static enum assay_code execute(struct assay_course *c, const struct assay_target *target, uint32_t slot, uint64_t *took_ns, struct assay_error *err)
{
    struct assay_query query = {.slot = slot};
    struct assay_span  span = {.size = sizeof span};
    uint64_t           token, done, begin = assay_clock_now_ns();
    if (target->issue(target->self, &query, &token, err) || target->poll(target->self, c->job->what->repeat.timeout_ns, &done, &span, err))
        return err->code;
    if (span.end_ns < span.begin_ns)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "span of an execution is wrong");
    *took_ns = target->clock == ASSAY_CLOCK_DEVICE ? assay_clock_now_ns() - begin : span.end_ns - span.begin_ns;
    return ASSAY_OK;
}

/* Slot 0 is the one that is seen; the others are new, once. */
static enum assay_code take_pairs(struct assay_course *c, const struct assay_target *target, uint32_t slots, struct assay_audited *to,
                                  struct assay_error *err)
{
    uint64_t fresh[MOST_PAIRS + 1], seen[MOST_PAIRS + 1], ignored;
    uint32_t n = 0;
    for (uint32_t i = 0; i < WARM; i++)
        if (execute(c, target, 0, &ignored, err))
            return err->code;
    for (uint32_t slot = 1; slot < slots; slot++, n++)
        if (execute(c, target, slot, &fresh[n], err) || execute(c, target, 0, &seen[n], err))
            return err->code;
    if (!n)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for inputs that were not seen before");
    assay_sort_u64(fresh, n);
    assay_sort_u64(seen, n);
    to->pairs = n;
    to->fresh_ns = assay_median_u64(fresh, n);
    to->seen_ns = assay_median_u64(seen, n);
    return ASSAY_OK;
}

enum assay_code assay_audit_pairs(struct assay_course *c, struct assay_audited *to, struct assay_error *err)
{
    struct assay_graph_target_setup setup = {
        .backend = c->opened.backend, .session = c->opened.session, .device = &c->opened.device, .graph = c->graph, .source = c->source,
        .seed = c->job->seed, .fill = fill_unseen, .fill_self = c, .slots = c->record->flops > LONG_FLOPS ? ASSAY_MIN_SETS : MOST_PAIRS + 1,
        .limit_bytes = UINT64_MAX,
    };
    if (c->sets < setup.slots)
        setup.slots = c->sets;
    if (assay_graph_target_new(&setup, &c->target, err) || assay_graph_target_prepare(c->target, setup.slots, err))
        return assay_error_in(err, "making inputs that were not seen before");
    struct assay_target target = assay_graph_target_as_target(c->target);
    return take_pairs(c, &target, setup.slots, to, err);
}
