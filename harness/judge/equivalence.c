#include "harness/judge/equivalence.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/base/student.h"

#include "assay/banned.h"

#define MOST_PAIRS 1000000u

const char *assay_equivalence_name(enum assay_equivalence outcome)
{
    switch (outcome) {
    case ASSAY_EQUIVALENT: return "equivalent";
    case ASSAY_NOT_EQUIVALENT: return "not equivalent";
    case ASSAY_EQUIVALENCE_UNDECIDED: return "undecided";
    }
    return "unknown";
}

/* ---- numbers ------------------------------------------------------------------------------------------------- */

static bool is_complete(const struct assay_training_pair *p)
{
    return p->a.end == ASSAY_TRAINING_ENDED && p->b.end == ASSAY_TRAINING_ENDED;
}

static void count(const struct assay_training_pair *pairs, size_t n, struct assay_equivalence_result *r)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        bool a = pairs[i].a.end == ASSAY_TRAINING_DIVERGED, b = pairs[i].b.end == ASSAY_TRAINING_DIVERGED;
        r->complete += is_complete(&pairs[i]);
        r->missing += pairs[i].a.end == ASSAY_TRAINING_MISSING || pairs[i].b.end == ASSAY_TRAINING_MISSING;
        r->diverged_a += a;
        r->diverged_b += b;
        r->only_b += b && pairs[i].a.end == ASSAY_TRAINING_ENDED;
        known += pairs[i].b.end != ASSAY_TRAINING_MISSING;
    }
    r->share_high = known ? assay_upper_share(r->diverged_b, known, ASSAY_EQUIVALENCE_LEVEL) : NAN;
}

/* Chance of a mean at least so far on this side of `over` = 0, for one of the two tests. */
static double tail(double over, double error, double freedom)
{
    if (!(error > 0))
        return over > 0 ? 0 : 1;
    double t = over / error;
    double beyond = assay_incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2;
    return t > 0 ? beyond : 1 - beyond;
}

static void estimate(const struct assay_training_pair *pairs, size_t n, struct assay_equivalence_result *r)
{
    double squares = 0, freedom = (double)r->complete - 1;
    r->mean = r->deviation = r->low = r->high = r->p = r->shown = NAN;
    if (r->complete < 2)
        return;
    r->mean = 0;
    for (size_t i = 0; i < n; i++)
        if (is_complete(&pairs[i]))
            r->mean += (pairs[i].b.quality - pairs[i].a.quality) / (double)r->complete;
    for (size_t i = 0; i < n; i++) {
        double apart = pairs[i].b.quality - pairs[i].a.quality - r->mean;
        if (is_complete(&pairs[i]))
            squares += apart * apart;
    }
    r->deviation = sqrt(squares / freedom);
    double error = r->deviation / sqrt((double)r->complete);
    double half = assay_student_quantile(ASSAY_EQUIVALENCE_LEVEL, freedom) * error;
    r->low = r->mean - half;
    r->high = r->mean + half;
    r->shown = fmax(fabs(r->low), fabs(r->high));
    r->p = fmax(tail(r->margin - r->mean, error, freedom), tail(r->mean + r->margin, error, freedom));
}

static bool is_enough(uint64_t n, double ratio, double power)
{
    double freedom = (double)(n - 1);
    double t = assay_student_quantile(ASSAY_EQUIVALENCE_LEVEL, freedom) + assay_student_quantile(power, freedom);
    return (double)n >= t * t * ratio * ratio;
}

uint64_t assay_equivalence_pairs(double deviation, double mean, double margin)
{
    double   power = mean == 0 ? 1 - (1 - ASSAY_EQUIVALENCE_POWER) / 2 : ASSAY_EQUIVALENCE_POWER;
    double   distance = fabs(margin - fabs(mean)), ratio = deviation / distance;
    uint64_t low = ASSAY_EQUIVALENCE_LEAST_PAIRS - 1, high = MOST_PAIRS;
    if (!(distance > 0) || !is_enough(high, ratio, power))
        return 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (is_enough(middle, ratio, power))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* ---- words --------------------------------------------------------------------------------------------------- */

static enum assay_equivalence decide(const struct assay_equivalence_result *r)
{
    bool judged = r->complete >= ASSAY_EQUIVALENCE_LEAST_PAIRS;
    if (r->only_b || (judged && (r->low > r->margin || r->high < -r->margin)))
        return ASSAY_NOT_EQUIVALENT;
    if (!judged || r->missing || !(r->low > -r->margin && r->high < r->margin))
        return ASSAY_EQUIVALENCE_UNDECIDED;
    return ASSAY_EQUIVALENT;
}

static void say_interval(struct assay_text *text, const struct assay_equivalence_result *r)
{
    assay_text_add(text, "mean difference %+.2g in [%+.2g, %+.2g] over %zu pairs, margin %.2g; ", r->mean, r->low, r->high, r->complete,
                   r->margin);
}

static void say_needed(struct assay_text *text, const struct assay_equivalence_result *r)
{
    if (r->needed_if_none)
        assay_text_add(text, "about %" PRIu64 " pairs would do if there is no difference", r->needed_if_none);
    else
        assay_text_add(text, "over a million pairs would be needed");
    if (r->needed_if_seen)
        assay_text_add(text, ", %" PRIu64 " to settle it if it is as it was seen", r->needed_if_seen);
    assay_text_add(text, "; ");
}

static void say_divergence(struct assay_text *text, const struct assay_equivalence_result *r)
{
    if (r->only_b)
        assay_text_add(text, "B diverged in %zu pairs in which A did not; ", r->only_b);
    if (r->diverged_a)
        assay_text_add(text, "A diverged %zu times; ", r->diverged_a);
    if (isfinite(r->share_high))
        assay_text_add(text, "B diverged %zu times, a share of at most %.0f %% with %.0f %% confidence", r->diverged_b,
                       100 * r->share_high, 100 * ASSAY_EQUIVALENCE_LEVEL);
}

void assay_equivalence_judge(const struct assay_training_pair *pairs, size_t n, double margin,
                             struct assay_equivalence_result *out)
{
    struct assay_text text = assay_text_over(out->why, sizeof out->why);
    *out = (struct assay_equivalence_result){.margin = margin, .pairs = n};
    count(pairs, n, out);
    estimate(pairs, n, out);
    out->outcome = decide(out);
    if (out->outcome == ASSAY_EQUIVALENCE_UNDECIDED && out->complete >= 2) {
        out->needed_if_none = assay_equivalence_pairs(out->deviation, 0, margin);
        out->needed_if_seen = assay_equivalence_pairs(out->deviation, out->mean, margin);
    }
    if (out->complete >= 2)
        say_interval(&text, out);
    if (out->complete < ASSAY_EQUIVALENCE_LEAST_PAIRS)
        assay_text_add(&text, "%zu complete pairs, at least %u are needed; ", out->complete, ASSAY_EQUIVALENCE_LEAST_PAIRS);
    else if (out->outcome == ASSAY_EQUIVALENCE_UNDECIDED)
        say_needed(&text, out);
    if (out->missing)
        assay_text_add(&text, "%zu pairs lack a training; ", out->missing);
    say_divergence(&text, out);
    size_t length = strlen(out->why);
    if (length > 2 && !strcmp(out->why + length - 2, "; "))
        out->why[length - 2] = 0;
}

/* ---- JSON ---------------------------------------------------------------------------------------------------- */

static const char *const end_names[] = {"", "ended", "diverged", "missing"};

static json_t *training_to_json(const struct assay_training *t)
{
    json_t *one = json_pack("{s:s, s:o, s:o, s:o}", "end", end_names[t->end], "seed", assay_json_u64(t->seed), "quality", assay_json_number(t->quality),
                            "claimed", assay_json_number(t->claimed));
    if (one && *t->why)
        (void)json_object_set_new(one, "why", assay_json_string(t->why));
    return one;
}

json_t *assay_equivalence_to_json(const struct assay_equivalence_result *r, const struct assay_training_pair *pairs)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->pairs; i++)
        (void)json_array_append_new(list, json_pack("{s:o, s:o}", "a", training_to_json(&pairs[i].a), "b", training_to_json(&pairs[i].b)));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "outcome",
                     assay_equivalence_name(r->outcome), "why", r->why, "margin", assay_json_number(r->margin), "mean", assay_json_number(r->mean), "deviation",
                     assay_json_number(r->deviation), "low", assay_json_number(r->low), "high", assay_json_number(r->high), "p", assay_json_number(r->p), "smallest_margin_shown",
                     assay_json_number(r->shown), "divergence_share_high", assay_json_number(r->share_high), "complete", (json_int_t)r->complete, "missing",
                     (json_int_t)r->missing, "diverged_a", (json_int_t)r->diverged_a, "diverged_b", (json_int_t)r->diverged_b,
                     "diverged_only_b", (json_int_t)r->only_b, "pairs_needed_if_no_difference", (json_int_t)r->needed_if_none,
                     "pairs_needed_if_as_seen", (json_int_t)r->needed_if_seen, "pairs", list);
}

static bool training_from_json(const json_t *json, struct assay_training *out)
{
    const char *end = assay_json_text_of(json, "end");
    *out = (struct assay_training){.seed = assay_json_u64_of(json, "seed"), .quality = assay_json_number_of(json, "quality"), .claimed = assay_json_number_of(json, "claimed")};
    (void)assay_string_copy(out->why, sizeof out->why, assay_json_text_of(json, "why"));
    for (int e = ASSAY_TRAINING_ENDED; e <= ASSAY_TRAINING_MISSING; e++)
        if (!strcmp(end, end_names[e]))
            out->end = (enum assay_training_end)e;
    return out->end != 0;
}

static void result_from_json(const json_t *json, struct assay_equivalence_result *r)
{
    const char *outcome = assay_json_text_of(json, "outcome");
    *r = (struct assay_equivalence_result){
        .margin = assay_json_number_of(json, "margin"), .mean = assay_json_number_of(json, "mean"), .deviation = assay_json_number_of(json, "deviation"), .low = assay_json_number_of(json, "low"),
        .high = assay_json_number_of(json, "high"), .p = assay_json_number_of(json, "p"), .shown = assay_json_number_of(json, "smallest_margin_shown"),
        .share_high = assay_json_number_of(json, "divergence_share_high"), .complete = assay_json_u64_of(json, "complete"), .missing = assay_json_u64_of(json, "missing"),
        .diverged_a = assay_json_u64_of(json, "diverged_a"), .diverged_b = assay_json_u64_of(json, "diverged_b"), .only_b = assay_json_u64_of(json, "diverged_only_b"),
        .needed_if_none = assay_json_u64_of(json, "pairs_needed_if_no_difference"), .needed_if_seen = assay_json_u64_of(json, "pairs_needed_if_as_seen"),
    };
    (void)assay_string_copy(r->why, sizeof r->why, assay_json_text_of(json, "why"));
    for (int o = ASSAY_EQUIVALENT; o <= ASSAY_EQUIVALENCE_UNDECIDED; o++)
        if (!strcmp(outcome, assay_equivalence_name((enum assay_equivalence)o)))
            r->outcome = (enum assay_equivalence)o;
}

enum assay_code assay_equivalence_from_json(const json_t *json, struct assay_equivalence_result *r, struct assay_training_pair **pairs,
                                            struct assay_error *err)
{
    const json_t *list = json_object_get(json, "pairs");
    size_t        n = json_array_size(list);
    result_from_json(json, r);
    if (!r->outcome || !json_is_array(list))
        return ASSAY_FAIL(err, ASSAY_DATA, "an equivalence needs an outcome and a list of pairs");
    struct assay_training_pair *read = calloc(n + 1, sizeof *read);
    if (!read)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu pairs", n);
    for (; r->pairs < n; r->pairs++) {
        const json_t *pair = json_array_get(list, r->pairs);
        if (!training_from_json(json_object_get(pair, "a"), &read[r->pairs].a) || !training_from_json(json_object_get(pair, "b"), &read[r->pairs].b)) {
            free(read);
            return ASSAY_FAIL(err, ASSAY_DATA, "a training of pair %zu has no end", r->pairs + 1);
        }
    }
    *pairs = read;
    return ASSAY_OK;
}
