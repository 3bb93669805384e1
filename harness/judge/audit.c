#include "harness/judge/audit.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/judge/summary.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

#define SHORT_SINGLE_NS 200e3
#define SHORT_MULTI_NS 1.6e6

/* ---- rules --------------------------------------------------------------------------------------------------------- */

ASSAY_PRINTF(4, 5)
static struct assay_audit_rule *add(struct assay_audit_verdict *v, const char *name, enum assay_outcome outcome, const char *fmt, ...)
{
    struct assay_audit_rule *r = &v->rule[v->n_rules++];
    va_list                  args;
    va_start(args, fmt);
    (void)assay_string_copy(r->name, sizeof r->name, name);
    (void)vsnprintf(r->why, sizeof r->why, fmt, args);
    va_end(args);
    r->outcome = outcome;
    return r;
}

/* `excess` beyond `limit` fails; `what` in the words of people. */
static void compare(struct assay_audit_verdict *v, const char *name, double excess, double limit, const char *what)
{
    struct assay_audit_rule *r;
    if (!isfinite(excess)) {
        (void)add(v, name, ASSAY_NOT_CHECKED, "%s: one of the two has no such figure", what);
        return;
    }
    r = add(v, name, excess <= limit ? ASSAY_PASS : ASSAY_FAIL, "%s %+.2f %%, at most %.0f %% may be", what, 100 * excess, 100 * limit);
    r->has_value = true;
    r->value = excess;
    r->limit = limit;
}

static double figure(const struct assay_record *r, enum assay_metric metric)
{
    return r->metric[metric].has_value ? r->metric[metric].value : NAN;
}

static bool is_waiting(enum assay_scenario_type type)
{
    return type == ASSAY_SINGLE_STREAM || type == ASSAY_MULTI_STREAM;
}

static enum assay_scenario_type scenario_of(const struct assay_record *r)
{
    const char            *at = strrchr(r->case_name, '@');
    struct assay_scenario  s = {.type = 0};
    struct assay_error     ignored = {.code = ASSAY_OK};
    char                   text[sizeof r->case_name];
    (void)assay_string_copy(text, sizeof text, at ? at + 1 : "");
    text[strcspn(text, "+")] = 0;
    return assay_scenario_parse(text, &s, &ignored) ? 0 : s.type;
}

static void logged_outputs(struct assay_audit_verdict *v, const struct assay_audited *a, const struct assay_check *check)
{
    const bool within = check && (check->outcome == ASSAY_PASS || check->outcome == ASSAY_MARGINAL);
    if (!a->logged)
        (void)add(v, "outputs", ASSAY_NOT_CHECKED, "no output was logged");
    else if (a->equal == a->logged)
        (void)add(v, "outputs", ASSAY_PASS, "all of %" PRIu64 " logged outputs are bitwise what the inputs gave before", a->logged);
    else if (within)
        (void)add(v, "outputs", ASSAY_PASS, "%" PRIu64 " of %" PRIu64 " logged outputs are bitwise what the inputs gave before, the others within their bounds (%.3g of it)",
                  a->equal, a->logged, check->worst_ratio);
    else
        (void)add(v, "outputs", ASSAY_FAIL, "%" PRIu64 " of %" PRIu64 " logged outputs are not what the inputs gave before%s%.100s; %s", a->logged - a->equal,
                  a->logged, *a->first_difference ? ": " : "", a->first_difference,
                  check ? "validate did not pass them either" : "nobody validated them");
}

static void speed(struct assay_audit_verdict *v, const struct assay_record *run, const struct assay_record *audit)
{
    enum assay_scenario_type type = scenario_of(run);
    enum assay_metric        metric = is_waiting(type) ? ASSAY_METRIC_latency_at_percentile_ns : ASSAY_METRIC_samples_per_s;
    double                   before = figure(run, metric), limit = ASSAY_AUDIT_SPEED;
    if ((type == ASSAY_SINGLE_STREAM && before <= SHORT_SINGLE_NS) || (type == ASSAY_MULTI_STREAM && before <= SHORT_MULTI_NS))
        limit = ASSAY_AUDIT_SPEED_SHORT;
    compare(v, "speed", fabs(figure(audit, metric) / before - 1), limit, is_waiting(type) ? "latency differs by" : "samples a second differ by");
}

static void gains(struct assay_audit_verdict *v, const struct assay_record *run, const struct assay_record *audit)
{
    const struct assay_audited *a = &audit->audit;
    bool   waits = is_waiting(scenario_of(run));
    double gain = waits ? figure(run, ASSAY_METRIC_latency_ns) / figure(audit, ASSAY_METRIC_latency_ns)
                        : figure(audit, ASSAY_METRIC_samples_per_s) / figure(run, ASSAY_METRIC_samples_per_s);
    compare(v, "same sample", gain - 1, ASSAY_AUDIT_GAIN, "asking for one sample again and again gains");
    compare(v, "seen inputs", a->pairs && a->seen_ns > 0 ? a->fresh_ns / a->seen_ns - 1 : NAN, ASSAY_AUDIT_GAIN,
            "inputs that were seen before gain");
}

static void every_request(struct assay_audit_verdict *v, const char *name, uint64_t of, uint64_t all, const char *what, const char *first)
{
    if (!all)
        (void)add(v, name, ASSAY_NOT_CHECKED, "no request was served once more alone");
    else
        (void)add(v, name, of == all ? ASSAY_PASS : ASSAY_FAIL, "%" PRIu64 " of %" PRIu64 " requests %s%s%.100s", of, all, what, *first ? "; " : "", first);
}

static void requests(struct assay_audit_verdict *v, const struct assay_audited *a)
{
    every_request(v, "first token", a->first_equal, a->requests, "begin as they do alone", a->first_difference);
    every_request(v, "end", a->whole, a->requests, "have as many tokens as were asked for", "");
    every_request(v, "vocabulary", a->in_vocabulary, a->requests, "have tokens of the vocabulary only", "");
}

void assay_audit_judge(const struct assay_record *run, const struct assay_record *audit, const struct assay_check *check,
                       struct assay_audit_verdict *out)
{
    memset(out, 0, sizeof *out);
    (void)assay_string_copy(out->test, sizeof out->test, audit->audit.test);
    (void)assay_string_copy(out->case_name, sizeof out->case_name, audit->case_name);
    (void)assay_string_copy(out->id, sizeof out->id, audit->id);
    (void)assay_string_copy(out->backend, sizeof out->backend, audit->backend);
    if (audit->status != ASSAY_STATUS_OK)
        (void)add(out, "run", ASSAY_NOT_CHECKED, "the audit ended as '%s': %.150s", assay_status_name(audit->status), audit->reason);
    else if (!strcmp(out->test, "TEST01")) {
        logged_outputs(out, &audit->audit, check);
        speed(out, run, audit);
    } else if (!strcmp(out->test, "TEST04"))
        gains(out, run, audit);
    else if (!strcmp(out->test, "TEST06"))
        requests(out, &audit->audit);
    out->outcome = out->n_rules ? ASSAY_PASS : ASSAY_NOT_CHECKED;
    for (size_t i = 0; i < out->n_rules; i++)
        if (out->rule[i].outcome == ASSAY_FAIL || (out->rule[i].outcome == ASSAY_NOT_CHECKED && out->outcome == ASSAY_PASS))
            out->outcome = out->rule[i].outcome;
}

/* ---- folders ------------------------------------------------------------------------------------------------------- */

enum assay_code assay_audit_folder(const char *run, const char *test, char out[4096], struct assay_error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "audit/%.8s", test);
    return assay_path_join(out, 4096, run, name, err);
}

/* The typical launch of the row stands for the run. */
static enum assay_code judge_all(const struct assay_summary *run, const struct assay_summary *audits, struct assay_audit_verdict **out, size_t *n,
                                 struct assay_error *err)
{
    if (!(*out = calloc(audits->n_rows + 1, sizeof **out)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the verdicts of audits");
    for (size_t i = 0; i < audits->n_rows; i++) {
        const struct assay_summary_row *a = &audits->rows[i], *r = assay_summary_find(run, a->id, a->backend);
        if (r)
            assay_audit_judge(r->launches[r->typical], a->launches[a->typical], a->verdicts[a->typical] ? &a->verdicts[a->typical]->check : NULL,
                              &(*out)[(*n)++]);
    }
    return ASSAY_OK;
}

enum assay_code assay_audit_read(const char *run, const char *test, struct assay_audit_verdict **out, size_t *n, struct assay_error *err)
{
    char                 path[4096];
    struct assay_summary base, audits;
    *out = NULL;
    *n = 0;
    if (assay_audit_folder(run, test, path, err))
        return err->code;
    if (!assay_file_exists(path))
        return ASSAY_OK;
    if (assay_summary_read(run, &base, err))
        return err->code;
    if (!assay_summary_read(path, &audits, err)) {
        (void)judge_all(&base, &audits, out, n, err);
        assay_summary_release(&audits);
    }
    assay_summary_release(&base);
    return err->code;
}
