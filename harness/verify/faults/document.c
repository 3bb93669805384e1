#include "harness/verify/faults/document.h"

#include <inttypes.h>
#include <math.h>

#include "harness/base/student.h"

#include "assay/banned.h"

/* ---- kinds without a size ------------------------------------------------------------------------------------ */

struct total {
    uint32_t found, trials, differ, by[8], subjects;
};

static struct total total_of(const struct assay_fault_results *r, size_t kind)
{
    struct total t = {.found = 0};
    for (size_t s = 0; s < assay_fault_subjects_n; s++) {
        const struct assay_fault_cell *c = assay_fault_cell_of(r, kind, s);
        if (!c->applies)
            continue;
        t.found += c->rate.found;
        t.trials += c->rate.trials;
        t.differ += c->rate.differ;
        t.by[c->rate.by] += c->rate.found;
        t.subjects++;
    }
    return t;
}

/* All instruments that decided, the one that decided most often first. */
static void write_instruments(const struct total *t, FILE *to)
{
    uint32_t left[8];
    bool     first = true;
    for (int i = 0; i < 8; i++)
        left[i] = t->by[i];
    for (;;) {
        int most = 1;
        for (int i = 2; i < 8; i++)
            most = left[i] > left[most] ? i : most;
        if (!left[most])
            break;
        (void)fprintf(to, "%s%s", first ? "" : ", ", assay_instrument_name((enum assay_instrument)most));
        left[most] = 0;
        first = false;
    }
    if (first)
        (void)fputs("none", to);
}

static void write_misses(const struct assay_fault_results *r, size_t kind, FILE *to)
{
    bool first = true;
    for (size_t s = 0; s < assay_fault_subjects_n; s++) {
        const struct assay_fault_cell *c = assay_fault_cell_of(r, kind, s);
        if (!c->applies || c->rate.found == c->rate.trials)
            continue;
        (void)fprintf(to, "%s%s: %u of %u", first ? "" : "; ", assay_fault_subjects[s].name, c->rate.trials - c->rate.found, c->rate.trials);
        first = false;
    }
    if (!first && *assay_fault_kinds[kind].why_missed)
        (void)fprintf(to, ". %s", assay_fault_kinds[kind].why_missed);
}

static const char *way_of(const struct assay_fault_kind *k)
{
    return k->outputs ? "outputs" : k->node ? "node" : k->operands ? "operands" : "arithmetic";
}

static void write_unsized(const struct assay_fault_results *r, FILE *to)
{
    (void)fputs("| kind | a device in which | planted in | subjects | found | of | rate at least | by | missed |\n|---|---|---|---|---|---|---|---|---|\n", to);
    for (size_t k = 0; k < assay_fault_kinds_n; k++) {
        const struct assay_fault_kind *kind = &assay_fault_kinds[k];
        struct total                   t = total_of(r, k);
        if (*kind->unit)
            continue;
        (void)fprintf(to, "| `%s` | %s | %s | %u | %u | %u | ", kind->name, kind->sentence, way_of(kind), t.subjects, t.found, t.trials);
        if (kind->flags & ASSAY_FAULT_AGAIN) {
            (void)fprintf(to, "– | bits | right, so that none is to fail; told as bits that differ in %u of %u |\n", t.differ, t.trials);
            continue;
        }
        (void)fprintf(to, "%.4f | ", 1 - assay_upper_share(t.trials - t.found, t.trials, ASSAY_FAULT_CONFIDENCE));
        write_instruments(&t, to);
        (void)fputs(" | ", to);
        write_misses(r, k, to);
        (void)fputs(" |\n", to);
    }
}

/* ---- kinds with a size --------------------------------------------------------------------------------------- */

static void write_sized(const struct assay_fault_results *r, FILE *to)
{
    for (size_t k = 0; k < assay_fault_kinds_n; k++) {
        const struct assay_fault_kind *kind = &assay_fault_kinds[k];
        if (!*kind->unit)
            continue;
        (void)fprintf(to, "\n**`%s`**: %s. Its size: %s.\n\n| kind | subject | smallest found | found | of | rate at least | by |\n|---|---|---|---|---|---|---|\n",
                      kind->name, kind->sentence, kind->unit);
        for (size_t s = 0; s < assay_fault_subjects_n; s++) {
            const struct assay_fault_cell *c = assay_fault_cell_of(r, k, s);
            if (!c->applies)
                continue;
            (void)fprintf(to, "| `%s` | %s | ", kind->name, assay_fault_subjects[s].name);
            if (c->rate.reached)
                (void)fprintf(to, "%.4g", c->rate.size);
            else
                (void)fprintf(to, "not found up to %.4g", c->rate.size);
            (void)fprintf(to, " | %u | %u | %.4f | %s |\n", c->rate.found, c->rate.trials, c->rate.at_least, assay_instrument_name(c->rate.by));
        }
    }
}

/* ---- proofs -------------------------------------------------------------------------------------------------- */

static void write_proofs(const struct assay_fault_results *r, FILE *to)
{
    const struct assay_fault_proofs *p = &r->proofs;
    (void)fputs("| product of | smallest fault of one element | 8 √K u | of it |\n|---|---|---|---|\n", to);
    for (size_t i = 0; i < 3; i++) {
        double formula = 8 * sqrt((double)p->element[i].terms) * 0x1p-24;
        (void)fprintf(to, "| K = %" PRId64 " | %.3g | %.3g | %.2g |\n", p->element[i].terms, p->element[i].size, formula, p->element[i].size / formula);
    }
    (void)fprintf(to,
                  "\nSizes are of Σ\\|a\\|\\|b\\| of the element, u = 2⁻²⁴.\n\n"
                  "- *Sums in f16 sold as sums in f32* at K = 512: %u of %u found; the largest error is %.3g times its bound.\n"
                  "- *Sums in f32 rounded toward zero* at K = 512: %u of %u told by the distribution of errors, at least %.3g standard deviations"
                  " from half, while no error is over %.2g of the worst-case bound.\n"
                  "- *Random-sign sums*: of a product that is too large to be kept whole, the witness holds %u plain and %u random-sign sums along"
                  " the last axis, %u and %u along the one before. What they find alone stands above under"
                  " `element-off-unsampled`.\n",
                  p->half.found, p->half.trials, p->half.over_worst_case, p->toward_zero.found, p->toward_zero.trials, p->toward_zero.lean,
                  p->toward_zero.over_worst_case, p->plain[0], p->random[0], p->plain[1], p->random[1]);
}

static void write_alarms(const struct assay_fault_results *r, FILE *to)
{
    (void)fprintf(to,
                  "%" PRIu64 " of %" PRIu64 " honest outcomes, from %" PRIu64 " draws of operands of all subjects, raised an alarm: with 95 %% the rate is"
                  " at most %.2g.%s%s\n`make check-long` judges 100,000.\n",
                  r->alarms.alarms, r->alarms.judged, r->alarms.draws,
                  assay_upper_share(r->alarms.alarms, r->alarms.judged, ASSAY_FAULT_CONFIDENCE), r->alarms.alarms ? " The first: " : "",
                  r->alarms.first);
}

void assay_fault_document(const struct assay_fault_results *r, FILE *to)
{
    (void)fprintf(to,
                  "# The smallest faults found\n\n"
                  "Written by `make faults`; do not edit. Of every kind of fault in `faults/kinds.c`: how small a one does the judge find?\n\n"
                  "Outcomes are those of a device on paper (`faults/paper.h`): products and sums by the unit `fp32-fma`, softmax and norms in"
                  " float, everything else rounded once, so that faults hide among the roundings of an honest device. A fault is planted, a witness"
                  " is kept and judged by the code that judges runs, and it is *found* if an instrument of the judge decides that the outcome"
                  " does not simply pass. Every trial has its own place, signs and tickets; %u draws of the operands (%u of the largest subject) take turns.\n\n"
                  "*Rate at least* is the lower 95 %% limit of the rate of finding (Clopper and Pearson); %u trials without a miss show 99 %%."
                  " *Smallest found* is the least of the sizes 2^(i/%d) times the smallest tried (or of whole numbers) at which no trial"
                  " missed. A fault that has no place or sign to be drawn differs by its operands alone, and has no more trials than those were"
                  " drawn; of arithmetic there are 24.\n\n"
                  "*By*: `exact` an element whose bound is 0 · `element` one beyond its bound · `sum` of elements beyond its bound · `distribution`"
                  " of the errors · `poison` is left · `finite` elements that are not · `telling` it agreed and proved nothing.\n\n"
                  "## Faults without a size\n\n",
                  ASSAY_FAULT_DRAWS, ASSAY_FAULT_FEW_DRAWS, ASSAY_FAULT_TRIALS, ASSAY_FAULT_STEPS);
    write_unsized(r, to);
    (void)fputs("\n## Faults with a size\n", to);
    write_sized(r, to);
    (void)fputs("\n## What must be found\n\n", to);
    write_proofs(r, to);
    (void)fputs("\n## False alarms\n\n", to);
    write_alarms(r, to);
}
