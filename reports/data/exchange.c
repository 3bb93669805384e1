#include "reports/data/exchange.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "reports/figures.h"

#include "assay/banned.h"

static const struct assay_record *typical(const struct assay_summary_row *row)
{
    return row->launches[row->typical];
}

static const char *device_of(const struct assay_summary_row *row)
{
    const struct assay_device_info *d = &typical(row)->device;
    return *d->product ? d->product : d->name;
}

/* ---- JUnit ---------------------------------------------------------------------------------------------------------- */

enum { FAILED, BROKE, SKIPPED, PASSED };

/* And why; "" where it passed. */
static int kind_of(const struct assay_summary_row *row, const char **why)
{
    *why = row->status == ASSAY_STATUS_OK ? row->outcome_why : row->reason;
    if (row->status == ASSAY_STATUS_UNSUPPORTED || row->status == ASSAY_STATUS_SKIPPED)
        return SKIPPED;
    if (row->status != ASSAY_STATUS_OK)
        return BROKE;
    if (row->outcome == ASSAY_FAIL)
        return FAILED;
    if (!row->validated)
        *why = "it was not validated";
    return row->outcome == ASSAY_PASS || row->outcome == ASSAY_MARGINAL ? PASSED : SKIPPED;
}

static double seconds_of(const struct assay_summary_row *row)
{
    double all = 0;
    for (size_t i = 0; i < row->n_launches; i++)
        all += (double)row->launches[i]->wall_ns / 1e9;
    return all;
}

static void attribute(struct assay_sink *to, const char *name, const char *text)
{
    assay_sink_raw(to, " %s=\"", name);
    assay_sink_text(to, text);
    assay_sink_raw(to, "\"");
}

static void junit_row(struct assay_sink *to, const struct assay_summary_row *row)
{
    static const char *const elements[] = {"failure", "error", "skipped"};
    const char              *why;
    int                      kind = kind_of(row, &why);
    assay_sink_raw(to, "  <testcase");
    attribute(to, "classname", row->backend);
    attribute(to, "name", row->case_name);
    assay_sink_raw(to, " time=\"%.3f\"", seconds_of(row));
    if (kind == PASSED) {
        assay_sink_raw(to, "/>\n");
        return;
    }
    assay_sink_raw(to, ">\n    <%s", elements[kind]);
    attribute(to, "message", why);
    if (kind != SKIPPED)
        attribute(to, "type", row->status == ASSAY_STATUS_OK ? assay_outcome_name(row->outcome) : assay_status_name(row->status));
    assay_sink_raw(to, ">");
    assay_sink_text(to, typical(row)->repeat);
    assay_sink_raw(to, "</%s>\n  </testcase>\n", elements[kind]);
}

static void junit(struct assay_sink *to, const struct assay_summary *run, const char *name)
{
    size_t      n[PASSED + 1] = {0};
    const char *ignored;
    for (size_t i = 0; i < run->n_rows; i++)
        n[kind_of(&run->rows[i], &ignored)]++;
    assay_sink_raw(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
    attribute(to, "name", name);
    assay_sink_raw(to, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n", run->n_rows, n[FAILED], n[BROKE], n[SKIPPED]);
    for (size_t i = 0; i < run->n_rows; i++)
        junit_row(to, &run->rows[i]);
    assay_sink_raw(to, "</testsuite>\n");
}

/* ---- OpenMetrics ------------------------------------------------------------------------------------------------------ */

/* The format knows three escapes; JSON's others become U+FFFD. */
void assay_exchange_label(struct assay_sink *to, const char *before, const char *text)
{
    char *escaped = assay_string_escaped(ASSAY_ESCAPE_JSON, text);
    assay_sink_raw(to, "%s=\"", before);
    for (const char *at = escaped; at && *at; at++)
        if (*at == '\\' && at[1] != '\\' && at[1] != '"' && at[1] != 'n') {
            assay_sink_raw(to, "\xEF\xBF\xBD");
            at += at[1] == 'u' && strlen(at) >= 6 ? 5 : 1;
        } else if (*at == '\\') {
            assay_sink_raw(to, "\\%c", *++at);
        } else {
            assay_sink_raw(to, "%c", *at);
        }
    assay_sink_raw(to, "\"");
    to->failed = to->failed || !escaped;
    free(escaped);
}

static void sample(struct assay_sink *to, const struct assay_summary_row *row, const char *metric, const char *part, double value)
{
    if (!isfinite(value))
        return;
    assay_sink_raw(to, "assay_%s%s{", metric, part);
    assay_exchange_label(to, "case", row->case_name);
    assay_exchange_label(to, ",backend", row->backend);
    assay_exchange_label(to, ",device", device_of(row));
    assay_exchange_label(to, ",evidence", assay_evidence_name(row->evidence));
    assay_exchange_label(to, ",grade", row->grade);
    assay_exchange_label(to, ",verdict", assay_outcome_name(row->outcome));
    assay_sink_raw(to, "} %.17g\n", value);
}

/* One family: all of its samples stand together. */
static void family(struct assay_sink *to, const struct assay_summary *run, enum assay_metric metric, const char *part)
{
    const struct assay_metric_row *m = assay_metric_row(metric);
    bool                           begun = false;
    for (size_t i = 0; i < run->n_rows; i++) {
        const struct assay_estimate *e = &run->rows[i].metric[metric];
        if (!(*part ? e->has_interval : e->has_value))
            continue;
        if (!begun)
            assay_sink_raw(to, "# TYPE assay_%s%s gauge\n# HELP assay_%s%s %s (%s)\n", m->name, part, m->name, part, m->definition, m->unit);
        begun = true;
        sample(to, &run->rows[i], m->name, part, !*part ? e->value : !strcmp(part, "_low") ? e->low : e->high);
    }
}

static void openmetrics(struct assay_sink *to, const struct assay_summary *run, const char *name)
{
    static const char *const parts[] = {"", "_low", "_high"};
    (void)name;
    for (int m = 0; m < ASSAY_METRIC_COUNT; m++)
        for (int p = 0; p < 3; p++)
            family(to, run, (enum assay_metric)m, parts[p]);
    assay_sink_raw(to, "# EOF\n");
}

/* ---- JSON lines ------------------------------------------------------------------------------------------------------- */

static json_t *line_of(const struct assay_summary_row *row, enum assay_metric metric, const char *name)
{
    static const char *const       better[] = {"none", "lower", "higher"};
    const struct assay_estimate   *e = &row->metric[metric];
    const struct assay_metric_row *m = assay_metric_row(metric);
    const char                    *why = *e->why ? e->why : e->has_value ? "" : *row->reason ? row->reason : "no reason was recorded";
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:s, s:s, s:s, s:o}", "run", assay_json_string(name), "case",
                     assay_json_string(row->case_name), "id", row->id, "backend", assay_json_string(row->backend), "device",
                     assay_json_string(device_of(row)), "metric", m->name, "unit", m->unit, "better", better[m->better], "value",
                     e->has_value ? assay_json_number(e->value) : json_null(), "low", e->has_interval ? assay_json_number(e->low) : json_null(), "high",
                     e->has_interval ? assay_json_number(e->high) : json_null(), "level", e->has_interval ? assay_json_number(e->level) : json_null(), "n",
                     (json_int_t)e->n, "evidence", assay_evidence_name(row->evidence), "grade", row->grade, "status", assay_status_name(row->status),
                     "verdict", assay_outcome_name(row->outcome), "why", assay_json_string(why));
}

static void jsonl(struct assay_sink *to, const struct assay_summary *run, const char *name)
{
    for (size_t i = 0; i < run->n_rows; i++)
        for (int m = 0; m < ASSAY_METRIC_COUNT; m++) {
            json_t *line = line_of(&run->rows[i], (enum assay_metric)m, name);
            char   *text = line ? assay_json_line(line) : NULL;
            to->failed = to->failed || !text;
            assay_sink_raw(to, "%s\n", text ? text : "");
            free(text);
            json_decref(line);
        }
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

enum assay_code assay_exchange_write(const struct assay_summary *run, enum assay_exchange format, const char *path, struct assay_error *err)
{
    static const struct {
        void (*write)(struct assay_sink *to, const struct assay_summary *run, const char *name);
        enum assay_escape how;
    } formats[] = {[ASSAY_EXCHANGE_JUNIT] = {junit, ASSAY_ESCAPE_XML},
                   [ASSAY_EXCHANGE_OPENMETRICS] = {openmetrics, ASSAY_ESCAPE_JSON},
                   [ASSAY_EXCHANGE_JSONL] = {jsonl, ASSAY_ESCAPE_JSON}};
    char             *text = NULL, name[256];
    size_t            bytes = 0;
    struct assay_text room = ASSAY_TEXT(name);
    struct assay_sink to = {.out = open_memstream(&text, &bytes), .how = formats[format].how};
    assay_figure_run_name(&room, run);
    if (to.out)
        formats[format].write(&to, run, name);
    if (!to.out || fclose(to.out) || to.failed)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to write '%.150s'", path);
    else
        (void)assay_file_replace(path, text, bytes, err);
    free(text);
    return err->code;
}
