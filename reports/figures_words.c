/* Sentences about verdicts and runs. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "harness/base/strings.h"
#include "reports/figures.h"
#include "reports/model.h"

#include "assay/banned.h"

static void counted(struct assay_text *out, uint64_t n, const char *one, const char *many)
{
    assay_figure_count(out, n);
    assay_text_add(out, " %s", n == 1 ? one : many);
}

void assay_figure_check_scope(struct assay_text *out, const struct assay_check *check)
{
    switch (check->assurance) {
    case ASSAY_ASSURANCE_NONE: assay_text_add(out, "nothing was compared with the reference"); return;
    case ASSAY_ASSURANCE_FULL: assay_text_add(out, "full: every output element of a judged iteration was compared with the reference, "); break;
    case ASSAY_ASSURANCE_ALGEBRAIC: assay_text_add(out, "algebraic: every output element went through random sums with their own bound, "); break;
    case ASSAY_ASSURANCE_SAMPLED: assay_text_add(out, "sampled: a seeded sample of the output elements was compared with the reference, "); break;
    case ASSAY_ASSURANCE_LOCAL: assay_text_add(out, "local: each node was checked from the device's own inputs, "); break;
    case ASSAY_ASSURANCE_LEARNED: assay_text_add(out, "learned: the net that training left was evaluated by the reference on data it never saw, "); break;
    }
    counted(out, check->elements, "comparison of a single element", "comparisons of single elements");
    if (check->sums) {
        assay_text_add(out, " and ");
        counted(out, check->sums, "of a sum", "of sums");
    }
    assay_text_add(out, check->assurance == ASSAY_ASSURANCE_LEARNED ? "; the evaluation has " : "; one iteration has ");
    counted(out, check->of_elements, "output element", "output elements");
}

void assay_figure_check_worst(struct assay_text *out, const struct assay_check *check)
{
    if (!isfinite(check->worst_ratio) && check->worst_index < 0) {
        assay_text_add(out, "none: no element was compared");
        return;
    }
    assay_text_add(out, "observed/bound %.3g", check->worst_ratio);
    if (*check->bound)
        assay_text_add(out, " (%s)", check->bound);
    if (check->worst_index >= 0)
        assay_text_add(out, " at %s[%lld] of iteration %llu: observed %.9g, expected %.9g, allowed difference %.3g", check->worst_value,
                       (long long)check->worst_index, (unsigned long long)check->worst_iteration, check->worst_observed,
                       check->worst_expected, check->worst_bound);
    if (isfinite(check->median_ratio))
        assay_text_add(out, "; the median element is at %.3g of its bound", check->median_ratio);
}

void assay_figure_check_iterations(struct assay_text *out, const struct assay_check *check)
{
    if (check->assurance == ASSAY_ASSURANCE_LEARNED) {
        counted(out, check->iterations, "training step", "training steps");
        assay_text_add(out, "; the first one's loss was compared, all of them are judged by the net they led to");
        return;
    }
    assay_text_add(out, "judged ");
    assay_figure_count(out, check->judged);
    assay_text_add(out, " of ");
    counted(out, check->iterations, "timed iteration", "timed iterations");
    if (check->equal) {
        assay_text_add(out, ", ");
        assay_figure_count(out, check->equal);
        assay_text_add(out, " more are bitwise equal to a judged one");
    }
    if (check->cheat_share_found > 0 && check->cheat_share_found < 1)
        assay_text_add(out, "; a device that cheats in %.3g %% of iterations would have been found with 95 %%",
                       100 * check->cheat_share_found);
    else
        assay_text_add(out, "; too few were judged to say what share of cheated iterations would have been found");
}

void assay_figure_check_fault(struct assay_text *out, const struct assay_check *check)
{
    if (isfinite(check->smallest_fault) && check->smallest_fault > 0)
        assay_text_add(out, "a fault in one element is found with 99 %% from %.3g of the output's root mean square up",
                       check->smallest_fault);
    else
        assay_text_add(out, "not known: nothing was compared from which it follows");
}

static uint64_t launches_of(const struct assay_summary *run)
{
    uint64_t most = 0;
    for (size_t i = 0; i < run->n_rows; i++)
        most = run->rows[i].n_launches > most ? run->rows[i].n_launches : most;
    return most;
}

void assay_figure_run(struct assay_text *out, const struct assay_summary *run)
{
    size_t cases = 0;
    for (size_t i = 0; i < run->n_rows; i++) { /* rows of one case have one id; a case counts at its first */
        bool first = true;
        for (size_t j = i; first && j-- > 0;)
            first = strcmp(run->rows[i].id, run->rows[j].id) != 0;
        cases += first;
    }
    const char *suite = assay_figure_manifest(run, "suite");
    if (*suite)
        assay_text_add(out, "Suite %s: ", suite);
    counted(out, cases, "case", "cases");
    assay_text_add(out, " on ");
    counted(out, run->n_backends, "back end", "back ends");
    assay_text_add(out, ", up to ");
    counted(out, launches_of(run), "launch each", "launches each");
}

void assay_figure_run_name(struct assay_text *out, const struct assay_summary *run)
{
    assay_summary_name(run, out);
}

const char *assay_figure_manifest(const struct assay_summary *run, const char *key)
{
    const char *text = json_string_value(json_object_get(assay_run_folder_manifest(run->folder), key));
    return text ? text : "";
}

void assay_figure_seed(struct assay_text *out, const struct assay_summary *run)
{
    const json_t *seed = json_object_get(assay_run_folder_manifest(run->folder), "seed");
    if (json_is_integer(seed))
        assay_text_add(out, "%lld", (long long)json_integer_value(seed));
    else
        assay_text_add(out, "%s", json_is_string(seed) ? json_string_value(seed) : "not recorded");
}

void assay_figure_trace(struct assay_text *out, const struct assay_report_model *model)
{
    const struct assay_record *r = model->row->launches[model->row->typical];
    double                     cost = assay_report_model_cost(model);
    counted(out, model->n, "node", "nodes");
    if (!model->n_timed) {
        assay_text_add(out, "; no times of them: %s", *model->why_not ? model->why_not : "the trace is empty");
        return;
    }
    if (model->n_timed < model->n)
        assay_text_add(out, "; the %zu that the back end tells of sum to ", model->n_timed);
    else
        assay_text_add(out, ", whose times sum to ");
    assay_figure_value(out, ASSAY_METRIC_latency_ns, model->sum_ns);
    assay_text_add(out, " (traced, medians of ");
    counted(out, model->trace.executions, "execution", "executions");
    assay_text_add(out, "; a traced execution takes ");
    assay_figure_value(out, ASSAY_METRIC_latency_ns, r->traced_ns);
    assay_text_add(out, ")");
    if (isfinite(cost)) {
        assay_text_add(out, ". Without tracing the median is ");
        assay_figure_value(out, ASSAY_METRIC_latency_ns, r->metric[ASSAY_METRIC_latency_ns].value);
        assay_text_add(out, cost < 0 ? ": the traced sum is %.1f %% below it" : ": tracing costs %.1f %%", 100 * fabs(cost));
    }
}
