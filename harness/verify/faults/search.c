#include "harness/verify/faults/search.h"

#include <math.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/student.h"

#include "assay/banned.h"

#define FEW 24u        /* trials of a step of the bisection */
#define APART 1000000u /* their numbers begin here */
#define UNSIZED 100u   /* trials of a kind without sizes */
#define SLOW 24u       /* of one that is of arithmetic: units that are not honest are emulated term by term */

/* ---- counting ------------------------------------------------------------------------------------------------ */

static uint64_t key_of(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, uint32_t trial)
{
    char text[128] = {0};
    (void)snprintf(text, sizeof text, "%s/%s/%u", b->subject->name, kind ? kind->name : "honest", trial);
    return assay_hash_bytes(text, strlen(text)).low;
}

static enum assay_instrument most_of(const uint32_t by[8])
{
    int most = 0;
    for (int i = 1; i < 8; i++)
        most = by[i] > by[most] || most == 0 ? i : most;
    return by[most] ? (enum assay_instrument)most : ASSAY_BY_NONE;
}

enum assay_code assay_fault_count(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, double size, uint32_t first,
                                  uint32_t trials, bool all_or_none, struct assay_fault_rate *out, struct assay_error *err)
{
    uint32_t by[8] = {0};
    *out = (struct assay_fault_rate){.size = size};
    for (uint32_t t = first; t < first + trials; t++) {
        struct assay_fault_told told;
        if (assay_fault_try(b, t % b->n_draws, kind, size, key_of(b, kind, t), &told, err))
            return err->code;
        out->trials++;
        out->found += told.found;
        out->differ += told.bits_differ;
        by[told.check.by]++;
        if (all_or_none && !told.found)
            break;
    }
    out->reached = out->found == trials;
    out->by = most_of(by);
    out->at_least = 1 - assay_upper_share(out->trials - out->found, out->trials, ASSAY_FAULT_CONFIDENCE);
    return ASSAY_OK;
}

/* ---- sizes --------------------------------------------------------------------------------------------------- */

static int steps_of(const struct assay_fault_kind *kind)
{
    if (kind->flags & ASSAY_FAULT_WHOLE)
        return (int)(kind->high - kind->low);
    return (int)ceil(ASSAY_FAULT_STEPS * log2(kind->high / kind->low));
}

static double size_at(const struct assay_fault_kind *kind, int step)
{
    if (kind->flags & ASSAY_FAULT_WHOLE)
        return kind->low + step;
    return fmin(kind->high, kind->low * exp2((double)step / ASSAY_FAULT_STEPS));
}

/* The least step from which on a few trials are all found; one more than there are: none. */
static enum assay_code bisect(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, int *out, struct assay_error *err)
{
    int low = 0, high = steps_of(kind) + 1;
    while (low < high) {
        struct assay_fault_rate rate;
        int                     middle = (low + high) / 2;
        if (assay_fault_count(b, kind, size_at(kind, middle), APART + FEW * (uint32_t)middle, FEW, true, &rate, err))
            return err->code;
        if (rate.reached)
            high = middle;
        else
            low = middle + 1;
    }
    *out = low;
    return ASSAY_OK;
}

/* Where nothing but the draw of the operands tells two trials apart, there are no more of them than draws. */
static enum assay_code trials_of(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, uint32_t most, uint32_t *out,
                                 struct assay_error *err)
{
    struct assay_fault_told told;
    if (assay_fault_try(b, 0, kind, kind->high, 0, &told, err))
        return err->code;
    if (kind->paper && most > SLOW)
        most = SLOW;
    *out = told.by_chance || b->n_draws > most ? most : (uint32_t)b->n_draws;
    return ASSAY_OK;
}

enum assay_code assay_fault_smallest(const struct assay_fault_bench *b, const struct assay_fault_kind *kind, struct assay_fault_rate *out,
                                     struct assay_error *err)
{
    uint32_t trials = 0;
    int      step = 0, last = steps_of(kind);
    if (trials_of(b, kind, *kind->unit ? ASSAY_FAULT_TRIALS : UNSIZED, &trials, err))
        return err->code;
    if (!*kind->unit)
        return assay_fault_count(b, kind, 0, 0, trials, false, out, err);
    if (bisect(b, kind, &step, err))
        return err->code;
    for (; step <= last; step++) {
        if (assay_fault_count(b, kind, size_at(kind, step), 0, trials, true, out, err))
            return err->code;
        if (out->reached)
            return ASSAY_OK;
    }
    return assay_fault_count(b, kind, kind->high, 0, trials, false, out, err);
}
