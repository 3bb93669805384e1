#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/cli/cli.h"
#include "harness/model/cluster/serving_estimate.h"
#include "harness/model/cluster/train_estimate.h"
#include "harness/model/interval.h"
#include "harness/model/mlperf.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

struct predict_options {
    char cases[512], device[256], out[512], coefficients[512], serving[512], training[512], mlperf[512];
};

static const struct assay_option options[] = {
    {.name = "cases",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, cases),
     .bytes = 512,
     .dflt = "",
     .help = "a table as CSV: which one it is, its columns say"},
    {.name = "device",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, device),
     .bytes = 256,
     .dflt = "",
     .help = "of every row, instead of what its column device says"},
    {.name = "o",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, out),
     .bytes = 512,
     .dflt = "",
     .help = "write the table to this file instead of standard output"},
    {.name = "coefficients",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, coefficients),
     .bytes = 512,
     .dflt = "",
     .help = "what assay calibrate wrote, instead of what comes with the program"},
    {.name = "serving-coefficients",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, serving),
     .bytes = 512,
     .dflt = "",
     .help = "likewise of serving stacks: what assay calibrate wrote from the table serving"},
    {.name = "training-coefficients",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, training),
     .bytes = 512,
     .dflt = "",
     .help = "likewise of training stacks: what assay calibrate wrote from the table train"},
    {.name = "mlperf-coefficients",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct predict_options, mlperf),
     .bytes = 512,
     .dflt = "",
     .help = "likewise of MLPerf's benchmarks: what assay calibrate wrote from the table mlperf"},
    {0},
};

#define DEVICES_MOST 256

/* A device that rows name, looked up once; one that is not known keeps the reason. */
struct known {
    char                   *name;
    struct assay_described *described; /* NULL: not known */
    struct assay_estimator *estimator;
    struct assay_serving_estimator *serving; /* of the table serving, instead */
    struct assay_train_estimator   *training; /* of the table train */
    char                    why[240];
};
struct prediction {
    struct assay_csv           csv;
    enum assay_cases_kind      kind;
    struct assay_cases_columns columns;
    struct assay_fitted        fitted;
    struct assay_serving_fitted serving;
    struct assay_train_fitted   training;
    struct assay_mlperf_fitted  mlperf;
    struct known               devices[DEVICES_MOST];
    size_t                     n_devices, answered;
    const char                *device; /* NULL: the column's */
    FILE                      *to;
};

/* Quoted where RFC 4180 asks for it; nothing else of a cell changes. */
static void print_cell(FILE *to, const char *cell)
{
    if (!cell[strcspn(cell, ",\"\r\n")]) {
        fputs(cell, to);
        return;
    }
    fputc('"', to);
    for (; *cell; cell++) {
        if (*cell == '"')
            fputc('"', to);
        fputc(*cell, to);
    }
    fputc('"', to);
}

static enum assay_code print_header(const struct prediction *p, struct assay_error *err)
{
    static const char *const added[] = {"_predicted", "_p10", "_p90"}, *const last[] = {"grade", "why"};
    char               name[64];
    const char *const *figures = assay_cases_tables[p->kind].figures;
    for (size_t i = 0; i < p->csv.n_columns; i++) {
        fputs(i ? "," : "", p->to);
        print_cell(p->to, p->csv.cells[i]);
    }
    for (size_t f = 0; figures[f]; f++)
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(name, sizeof name, "%s%s", figures[f], added[i]);
            if (assay_csv_column(&p->csv, name) < p->csv.n_columns)
                return ASSAY_FAIL(err, ASSAY_CONFIG, "the table has a column '%s' already", name);
            fprintf(p->to, ",%s", name);
        }
    for (size_t i = 0; i < 2; i++) {
        if (assay_csv_column(&p->csv, last[i]) < p->csv.n_columns)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "the table has a column '%s' already", last[i]);
        fprintf(p->to, ",%s", last[i]);
    }
    fputc('\n', p->to);
    return ASSAY_OK;
}

static void look_up(struct prediction *p, struct known *d)
{
    struct assay_error err = {.code = ASSAY_OK};
    if (assay_described_find(d->name, &d->described, &err)) {
        (void)snprintf(d->why, sizeof d->why, "%.180s%s%.50s", err.message, *err.hint ? ": " : "", err.hint);
        return;
    }
    if (p->kind == ASSAY_CASES_SERVING) {
        if (assay_serving_estimator_new(d->described, &p->fitted, &p->serving, &d->serving, &err))
            (void)snprintf(d->why, sizeof d->why, "%.200s", err.message);
        return;
    }
    if (p->kind == ASSAY_CASES_MLPERF)
        return; /* its laws need the description alone */
    if (p->kind == ASSAY_CASES_TRAIN) {
        if (assay_train_estimator_new(d->described, &p->fitted, &p->training, &d->training, &err))
            (void)snprintf(d->why, sizeof d->why, "%.200s", err.message);
        return;
    }
    d->estimator = malloc(sizeof *d->estimator);
    if (d->estimator)
        assay_estimator_init(d->estimator, d->described, &p->fitted);
    else
        (void)snprintf(d->why, sizeof d->why, "no memory for the device");
}

static enum assay_code device_of(struct prediction *p, const char *name, struct known **out, struct assay_error *err)
{
    for (size_t i = 0; i < p->n_devices; i++)
        if (!strcmp(p->devices[i].name, name)) {
            *out = &p->devices[i];
            return ASSAY_OK;
        }
    if (p->n_devices == DEVICES_MOST)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the table names more than %d devices", DEVICES_MOST);
    struct known *d = &p->devices[p->n_devices];
    d->name = strdup(name);
    if (!d->name)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a device's name");
    p->n_devices++;
    look_up(p, d);
    *out = d;
    return ASSAY_OK;
}

static void print_nothing(const struct prediction *p, const char *why)
{
    for (size_t f = 0; assay_cases_tables[p->kind].figures[f]; f++)
        fputs(",,,", p->to);
    fputs(",,", p->to);
    print_cell(p->to, why);
    fputc('\n', p->to);
}

static void print_figure(FILE *to, double ns, double p10_ns, double p90_ns, double unit)
{
    double all[] = {ns, p10_ns, p90_ns};
    for (size_t i = 0; i < 3; i++)
        if (isnan(all[i]))
            fputc(',', to);
        else
            fprintf(to, ",%.6g", all[i] / unit);
}

static void print_grade(FILE *to, char grade, const char *why)
{
    fprintf(to, ",%c,", grade);
    print_cell(to, why);
    fputc('\n', to);
}

/* ---- one row ------------------------------------------------------------------------------------------------------- */

static enum assay_code answer_kernel(const struct prediction *p, size_t row, const struct known *d, struct assay_error *why)
{
    struct assay_kernel   kernel;
    struct assay_estimate e;
    if (assay_cases_kernel(&p->csv, &p->columns, row, &kernel, why) || assay_estimate(d->estimator, &kernel, &e, why))
        return why->code;
    print_figure(p->to, e.ns, e.p10_ns, e.p90_ns, assay_cases_tables[p->kind].figure_ns);
    print_grade(p->to, e.grade, e.why);
    return ASSAY_OK;
}

static enum assay_code answer_serving(const struct prediction *p, size_t row, const struct known *d, struct assay_error *why)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_serving_ask                 ask;
    struct assay_serving_estimate            e;
    if (assay_serving_ask_read(&(struct assay_cases_row){&p->csv, &p->columns, row}, &shapes, &ask, why) ||
        assay_serving_estimate(d->serving, &ask, &e, why))
        return why->code;
    for (int f = 0; f < ASSAY_SERVING_FIGURES; f++)
        print_figure(p->to, e.ns[f], e.p10_ns[f], e.p90_ns[f], assay_cases_tables[p->kind].figure_ns);
    print_grade(p->to, e.grade, e.why);
    return ASSAY_OK;
}

static enum assay_code answer_training(const struct prediction *p, size_t row, const struct known *d, struct assay_error *why)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_train_ask                   ask;
    struct assay_train_estimate              e;
    if (assay_train_ask_read(&(struct assay_cases_row){&p->csv, &p->columns, row}, d->described->name, &shapes, &ask, why) ||
        assay_train_estimate(d->training, &ask, &e, why))
        return why->code;
    print_figure(p->to, e.figure, e.p10, e.p90, assay_cases_tables[p->kind].figure_ns);
    print_grade(p->to, e.grade, e.why);
    return ASSAY_OK;
}

static enum assay_code answer_mlperf(const struct prediction *p, size_t row, const struct known *d, struct assay_error *why)
{
    struct assay_mlperf_ask      ask;
    struct assay_mlperf_estimate e;
    if (assay_mlperf_ask_read(&(struct assay_cases_row){&p->csv, &p->columns, row}, &ask, why) ||
        assay_mlperf_estimate(&p->mlperf, d->described, &ask, &e, why))
        return why->code;
    print_figure(p->to, e.figure, e.p10, e.p90, assay_cases_tables[p->kind].figure_ns);
    print_grade(p->to, e.grade, e.why);
    return ASSAY_OK;
}

static enum assay_code answer(const struct prediction *p, size_t row, const struct known *d, struct assay_error *why)
{
    switch (p->kind) {
    case ASSAY_CASES_SERVING: return answer_serving(p, row, d, why);
    case ASSAY_CASES_TRAIN: return answer_training(p, row, d, why);
    case ASSAY_CASES_MLPERF: return answer_mlperf(p, row, d, why);
    case ASSAY_CASES_GEMM:
    case ASSAY_CASES_ATTENTION:
    case ASSAY_CASES_MOE:
    case ASSAY_CASES_COLLECTIVE:
    case ASSAY_CASES_KINDS: break;
    }
    return answer_kernel(p, row, d, why);
}

static enum assay_code predict_row(struct prediction *p, size_t row, struct assay_error *err)
{
    struct assay_error why = {.code = ASSAY_OK};
    struct known      *d = NULL;
    for (size_t i = 0; i < p->csv.n_columns; i++) {
        fputs(i ? "," : "", p->to);
        print_cell(p->to, assay_csv_cell(&p->csv, row, i));
    }
    const char *name = p->device                              ? p->device
                       : p->columns.device < p->csv.n_columns ? assay_csv_cell(&p->csv, row, p->columns.device)
                                                              : "";
    if (!*name) {
        print_nothing(p, "no device: neither a column device nor --device says which");
        return ASSAY_OK;
    }
    if (device_of(p, name, &d, err))
        return err->code;
    if (*d->why)
        print_nothing(p, d->why);
    else if (answer(p, row, d, &why))
        print_nothing(p, why.message);
    else
        p->answered++;
    return ASSAY_OK;
}

static enum assay_code predict(struct prediction *p, const struct predict_options *o, struct assay_error *err)
{
    char  *text = NULL;
    size_t bytes = 0;
    p->to = open_memstream(&text, &bytes);
    if (!p->to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the table");
    enum assay_code code = print_header(p, err);
    for (size_t row = 0; !code && row < p->csv.n_rows; row++)
        code = predict_row(p, row, err);
    bool whole = !ferror(p->to);
    if ((fclose(p->to) || !whole) && !code)
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the table");
    if (!code && *o->out)
        code = assay_file_replace(o->out, text, bytes, err);
    else if (!code)
        (void)fwrite(text, 1, bytes, stdout); /* main tells a full disk */
    free(text);
    return code;
}

static void release(struct prediction *p)
{
    for (size_t i = 0; i < p->n_devices; i++) {
        free(p->devices[i].name);
        free(p->devices[i].estimator);
        assay_serving_estimator_free(p->devices[i].serving);
        assay_train_estimator_free(p->devices[i].training);
        assay_described_free(p->devices[i].described);
    }
    assay_csv_release(&p->csv);
    free(p);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct predict_options *o = given_options;
    struct assay_error            err = {.code = ASSAY_OK};
    (void)given;
    if (n)
        return assay_cli_usage("predict takes no operands, got '%.60s': assay predict --cases FILE.csv", operands[0]);
    if (!*o->cases)
        return assay_cli_usage("predict needs a table: assay predict --cases FILE.csv");
    struct prediction *p = calloc(1, sizeof *p);
    if (!p) {
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for a prediction");
        return assay_cli_fail(&err);
    }
    if (!assay_csv_read(o->cases, &p->csv, &err) && !assay_cases_recognise(&p->csv, &p->kind, &err) &&
        !assay_fitted_read(*o->coefficients ? o->coefficients : NULL, &p->fitted, &err) &&
        (p->kind != ASSAY_CASES_SERVING || !assay_serving_fitted_read(*o->serving ? o->serving : NULL, &p->serving, &err)) &&
        (p->kind != ASSAY_CASES_TRAIN || !assay_train_fitted_read(*o->training ? o->training : NULL, &p->training, &err)) &&
        (p->kind != ASSAY_CASES_MLPERF || !assay_mlperf_fitted_read(*o->mlperf ? o->mlperf : NULL, &p->mlperf, &err))) {
        p->device = *o->device ? o->device : NULL;
        p->columns = assay_cases_columns_of(&p->csv, p->kind);
        if (!predict(p, o, &err))
            fprintf(stderr, "assay: %zu of %zu rows predicted (table %s)\n", p->answered, p->csv.n_rows,
                    assay_cases_tables[p->kind].name);
    }
    enum assay_exit status = err.code                        ? assay_cli_fail(&err)
                             : p->answered || !p->csv.n_rows ? ASSAY_EXIT_YES
                                                             : ASSAY_EXIT_NOTHING;
    release(p);
    return status;
}

const struct assay_verb assay_verb_predict = {
    .name = "predict",
    .operands = "--cases FILE.csv",
    .summary = "prices the rows of a table on devices that need not be here, with how sure it is",
    .details = "For each figure X of a table (latency_us; ttft_ms, tpot_ms; value) it adds X_predicted, X_p10 and X_p90 in X's unit (the band that holds "
               "80 of 100), then a\n"
               "grade and why: A calibrated on this chip, B complete datasheet, C reported, inferred or derived numbers, D a "
               "number is assumed\n"
               "(then only the band is given where no number is known). Rows keep order and number, other columns pass through, "
               "the figure\n"
               "itself may be absent. Tables: gemm, attention, moe_ffn, collective, mlperf (harness/model/README.md), serving, train (harness/model/cluster/README.md).\n"
               "Exit status 3: no row could be predicted.",
    .options = options,
    .options_bytes = sizeof(struct predict_options),
    .run = run,
};
