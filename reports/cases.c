#include "reports/cases.h"

#include <stdlib.h>
#include <string.h>

#include "assay/banned.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of a metric over the rows on this host's own cores; 0 when none has it. */
static double median_of(const struct assay_summary *s, enum assay_metric metric, double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct assay_estimate *e = &s->rows[i].metric[metric];
        if (e->has_value && e->value > 0)
            room[n++] = e->value;
    }
    if (n == 0)
        return 0;
    qsort(room, n, sizeof *room, by_value);
    return n % 2 ? room[n / 2] : (room[n / 2 - 1] + room[n / 2]) / 2;
}

/* Rows of one case stand together in the order in which the case first appeared. */
static void gather(struct assay_report_run *run)
{
    const struct assay_summary *s = run->summary;
    size_t                      taken = 0;
    run->n_cases = 0;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct assay_summary_row *row = &s->rows[i];
        bool                            seen = false;
        for (size_t c = run->n_cases; !seen && c-- > 0;) /* usually the last one */
            seen = strcmp(run->cases[c].id, row->id) == 0;
        if (seen)
            continue;
        struct assay_report_case *c = &run->cases[run->n_cases++];
        *c = (struct assay_report_case){.name = row->case_name, .id = row->id, .number = run->n_cases,
                                        .rows = run->rows + taken, .plot = ASSAY_PLOT_NONE,
                                        .learning = ASSAY_PLOT_NONE, .quality = ASSAY_PLOT_NONE, .norms = ASSAY_PLOT_NONE};
        for (size_t j = i; j < s->n_rows; j++)
            if (strcmp(s->rows[j].id, row->id) == 0) {
                run->rows[taken++] = &s->rows[j];
                c->n_rows++;
            }
    }
}

bool assay_report_run_init(struct assay_report_run *out, const struct assay_summary *summary, size_t number)
{
    size_t n = summary->n_rows + 1;
    *out = (struct assay_report_run){.summary = summary, .number = number, .roofline = ASSAY_PLOT_NONE};
    out->cases = calloc(n, sizeof *out->cases);
    out->rows = calloc(n, sizeof(struct assay_summary_row *));
    out->models = calloc(n, sizeof *out->models);
    double *room = calloc(n, sizeof *room);
    bool    ok = out->cases && out->rows && out->models && room;
    if (ok) {
        gather(out);
        out->peak_flops_per_s = median_of(summary, ASSAY_METRIC_ceiling_flops_per_s, room);
        out->triad_bytes_per_s = median_of(summary, ASSAY_METRIC_ceiling_bytes_per_s, room);
        for (size_t i = 0; ok && i < summary->n_rows; i++)
            ok = assay_report_model_init(&out->models[i], summary, &summary->rows[i]);
    }
    free(room);
    return ok;
}

void assay_report_run_release(struct assay_report_run *run)
{
    for (size_t i = 0; run->models && i < run->summary->n_rows; i++)
        assay_report_model_release(&run->models[i]);
    assay_soak_release(&run->soak);
    assay_worth_release(&run->worth);
    free(run->repeats);
    free(run->models);
    free(run->cases);
    free(run->rows);
    memset(run, 0, sizeof *run);
}
