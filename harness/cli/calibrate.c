#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/cli/cli.h"
#include "harness/cli/operands.h"
#include "harness/model/cluster/serving_fit.h"
#include "harness/model/cluster/train_fit.h"
#include "harness/model/left_out.h"
#include "harness/model/mlperf_fit.h"
#include "suites/blocks/decoder_numbers.h"

#include "assay/banned.h"

struct calibrate_options {
    char out[512], table[512], figures[512], points[512];
    bool own;
};

static const struct assay_option options[] = {
    {.name = "o",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct calibrate_options, out),
     .bytes = 512,
     .dflt = "",
     .help = "write the coefficients to this file instead of standard output"},
    {.name = "table",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct calibrate_options, table),
     .bytes = 512,
     .dflt = "",
     .help = "write what chips left out say of them, as Markdown, to this file"},
    {.name = "figures",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct calibrate_options, figures),
     .bytes = 512,
     .dflt = "",
     .help = "write the same, as the CSV that reports show, to this file"},
    {.name = "points",
     .type = ASSAY_OPT_TEXT,
     .offset = offsetof(struct calibrate_options, points),
     .bytes = 512,
     .dflt = "",
     .help = "write some single predictions of each chip left out over what was measured, as the CSV that reports draw, to this file"},
    {.name = "own",
     .type = ASSAY_OPT_BOOL,
     .offset = offsetof(struct calibrate_options, own),
     .dflt = "false",
     .help = "the files are a few measurements of devices at hand: the shipped fit is moved to them, for predict --coefficients"},
    {0},
};

static enum assay_code write_text(const char *path, char *text, struct assay_error *err)
{
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a text");
    enum assay_code code = assay_file_replace(path, text, strlen(text), err);
    free(text);
    return code;
}

/* Takes the JSON. */
static enum assay_code write_json(const char *path, json_t *json, struct assay_error *err)
{
    char   *text = json ? assay_json_pretty(json) : NULL;
    json_decref(json);
    if (text && !*path) {
        puts(text);
        free(text);
        return ASSAY_OK;
    }
    size_t length = text ? strlen(text) : 0;
    if (!text)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the coefficients");
    text[length] = '\n'; /* in the place of the NUL */
    enum assay_code code = assay_file_replace(path, text, length + 1, err);
    free(text);
    return code;
}

static enum assay_code calibrate(struct assay_measurements *samples, const struct calibrate_options *o, struct assay_error *err)
{
    struct assay_fitted    fitted;
    struct assay_left_out *rows = calloc(samples->n + 1, sizeof *rows);
    if (!rows)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu rows", samples->n);
    enum assay_code code = assay_calibrate(samples, &fitted, rows, err);
    if (!code)
        code = write_json(o->out, assay_fitted_to_json(&fitted), err);
    if (!code && *o->table)
        code = write_text(o->table, assay_left_out_table(samples, &fitted, rows), err);
    if (!code && *o->figures)
        code = write_text(o->figures, assay_left_out_csv(samples, &fitted, rows), err);
    if (!code && *o->points)
        code = write_text(o->points, assay_left_out_points(samples, &fitted, rows), err);
    free(rows);
    return code;
}

static enum assay_code calibrate_own(struct assay_measurements *samples, const struct calibrate_options *o,
                                     struct assay_error *err)
{
    struct assay_fitted fitted;
    if (assay_fitted_read(NULL, &fitted, err) || assay_calibrate_own(samples, &fitted, err))
        return err->code;
    return write_json(o->out, assay_fitted_to_json(&fitted), err);
}

/* Runs of serving are fitted on top of the kernels' shipped coefficients. */
static enum assay_code calibrate_serving(size_t n, char **files, const struct calibrate_options *o, struct assay_error *err)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_fitted                      kernels;
    struct assay_serving_fitted              fitted;
    struct assay_serving_runs                runs = {.n = 0};
    if (assay_fitted_read(NULL, &kernels, err))
        return err->code;
    for (size_t i = 0; i < n && !err->code; i++)
        (void)assay_serving_runs_read(&runs, files[i], &kernels, &shapes, err);
    if (!err->code && !runs.n)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "none of the files has a measurement");
    if (!err->code && !assay_serving_calibrate(&runs, &fitted, err) && !write_json(o->out, assay_serving_fitted_to_json(&fitted), err) && *o->table)
        (void)write_text(o->table, assay_serving_table(&runs, &fitted), err);
    assay_serving_runs_release(&runs);
    return err->code;
}

/* Likewise of training. */
static enum assay_code calibrate_training(size_t n, char **files, const struct calibrate_options *o, struct assay_error *err)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_fitted                      kernels;
    struct assay_train_fitted                fitted;
    struct assay_train_runs                  runs = {.n = 0};
    if (assay_fitted_read(NULL, &kernels, err))
        return err->code;
    for (size_t i = 0; i < n && !err->code; i++)
        (void)assay_train_runs_read(&runs, files[i], &kernels, &shapes, err);
    if (!err->code && !runs.n)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "none of the files has a measurement");
    if (!err->code && !assay_train_calibrate(&runs, &fitted, err) && !write_json(o->out, assay_train_fitted_to_json(&fitted), err) && *o->table)
        (void)write_text(o->table, assay_train_table(&runs, &fitted), err);
    assay_train_runs_release(&runs);
    return err->code;
}

static enum assay_code calibrate_mlperf(size_t n, char **files, const struct calibrate_options *o, struct assay_error *err)
{
    struct assay_mlperf_results *results = calloc(1, sizeof *results);
    struct assay_mlperf_fitted  *fitted = calloc(1, sizeof *fitted);
    if (!results || !fitted)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the laws of MLPerf");
    for (size_t i = 0; i < n && !err->code; i++)
        (void)assay_mlperf_results_read(results, files[i], err);
    if (!err->code && !results->n)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "none of the files has a measurement");
    if (!err->code && !assay_mlperf_calibrate(results, fitted, err) && !write_json(o->out, assay_mlperf_fitted_to_json(fitted), err) && *o->table)
        (void)write_text(o->table, assay_mlperf_table(results, fitted), err);
    if (results)
        assay_mlperf_results_release(results);
    free(results);
    free(fitted);
    return err->code;
}

static enum assay_code calibrate_kernels(size_t n, char **files, const struct calibrate_options *o, struct assay_error *err)
{
    struct assay_measurements samples = {.n = 0};
    for (size_t i = 0; i < n && !err->code; i++)
        (void)assay_measurements_read(&samples, files[i], err);
    if (!err->code && !samples.n)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "none of the files has a measurement");
    if (!err->code)
        (void)(o->own ? calibrate_own(&samples, o, err) : calibrate(&samples, o, err));
    assay_measurements_release(&samples);
    return err->code;
}

static bool is_of_runs(enum assay_cases_kind kind)
{
    return kind == ASSAY_CASES_SERVING || kind == ASSAY_CASES_TRAIN || kind == ASSAY_CASES_MLPERF;
}

/* Tables of kernels make one fit; serving, training and MLPerf each another, kept in a file of its own. */
static enum assay_code check_one_fit(size_t n, char **files, enum assay_cases_kind *first, struct assay_error *err)
{
    if (assay_cases_recognise_file(files[0], first, err))
        return err->code;
    for (size_t i = 1; i < n; i++) {
        enum assay_cases_kind kind;
        if (assay_cases_recognise_file(files[i], &kind, err))
            return err->code;
        if (kind == *first || (!is_of_runs(kind) && !is_of_runs(*first)))
            continue;
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%.80s' is a table '%s' and '%.80s' a table '%s': they are fitted apart", files[0],
                         assay_cases_tables[*first].name, files[i], assay_cases_tables[kind].name);
        return assay_error_hint(err, "gemm, attention, moe_ffn and collective together; serving, train and mlperf each by itself");
    }
    return ASSAY_OK;
}

static enum assay_exit run(size_t n, char **files, const void *given_options, const bool *given)
{
    const struct calibrate_options *o = given_options;
    struct assay_error              err = {.code = ASSAY_OK};
    enum assay_cases_kind           kind;
    (void)given;
    if (o->own && (*o->table || *o->figures || *o->points))
        return assay_cli_usage("--own leaves no chip out, so there is no --table and there are no --figures and no --points");
    if (!n)
        return assay_cli_usage("calibrate needs measurements: assay calibrate gemm.csv attn_decode.csv");
    if (assay_cli_once(n, files, &err) || check_one_fit(n, files, &kind, &err))
        return assay_cli_fail(&err);
    if (is_of_runs(kind) && (o->own || *o->figures || *o->points))
        return assay_cli_usage("the table %s has neither --own nor --figures nor --points", assay_cases_tables[kind].name);
    if (kind == ASSAY_CASES_SERVING   ? calibrate_serving(n, files, o, &err)
        : kind == ASSAY_CASES_TRAIN  ? calibrate_training(n, files, o, &err)
        : kind == ASSAY_CASES_MLPERF ? calibrate_mlperf(n, files, o, &err)
                                     : calibrate_kernels(n, files, o, &err))
        return assay_cli_fail(&err);
    return ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_calibrate = {
    .name = "calibrate",
    .operands = "FILE.csv…",
    .summary = "fits the models' coefficients to measurements of kernels",
    .details = "The tables that `assay predict` knows, with their figures, of devices that are described. What is printed is the "
               "file that the\n"
               "models read (backends/coefficients/kernels.json; from the tables serving, train or mlperf, each given alone, serving.json, training.json, mlperf.json): values, factors of vendors, spreads on chips left out of the "
               "fit, and the\n"
               "fingerprint of the measurements. The forms: harness/model/README.md.\n"
               "With --own a dozen rows of a chip at hand move the shipped fit to it: predict --coefficients FILE then gives it "
               "grade A in the\n"
               "tables that were measured.",
    .options = options,
    .options_bytes = sizeof(struct calibrate_options),
    .run = run,
};
