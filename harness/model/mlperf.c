#include "harness/model/mlperf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "assay/text.h"
#include "harness/base/strings.h"
#include "harness/model/certainty.h"
#include "harness/model/fitted_file.h"

#include "assay/banned.h"

#define FORMAT "assay-mlperf-coefficients/1"
#define NAME "mlperf.json"
#define DRAWS 24
#define BAND 1.2816 /* deviations in half of an 80 % band */
#define CROWDING 0.75          /* how the loss grows with devices: below 1, so that one more never slows the rest down */
#define USUAL_WATTS 1e-12      /* for a FLOP/s, where the power is not published */

const char *const assay_mlperf_number_names[ASSAY_MLPERF_NUMBERS + 1] = {"peak", "bandwidth", "power", "round", "crowd", NULL};
const char *const assay_mlperf_kind_names[ASSAY_MLPERF_KINDS + 1] = {"offline", "server", "train", NULL};

static const struct assay_fitted_keys kinds = {assay_mlperf_kind_names, ASSAY_MLPERF_KINDS, 0, 5};

/* Places of the table's columns (harness/model/table.c). */
enum { BENCHMARK, SCENARIO, COUNT, METRIC, ROUND };

/* ---- what a row asks ----------------------------------------------------------------------------------------------- */

static enum assay_code read_kind(const char *scenario, struct assay_mlperf_ask *a, struct assay_error *err)
{
    for (int i = 0; i < ASSAY_MLPERF_KINDS; i++)
        if (!strcasecmp(scenario, assay_mlperf_kind_names[i])) {
            a->kind = (enum assay_mlperf_kind)i;
            return ASSAY_OK;
        }
    return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no model of the scenario '%.40s': offline, server and train have one", scenario);
}

/* "training_v3.1": the second of that year. 0: none. */
static double round_in(const char *name)
{
    const char *v = strrchr(name, 'v');
    char       *end = NULL;
    double      major = v ? strtod(v + 1, &end) : 0;
    if (!v || *end || !(major > 0 && major < 100))
        return 0;
    return 2 * floor(major) + fmin(1, rint(10 * (major - floor(major))));
}

enum assay_code assay_mlperf_ask_read(const struct assay_cases_row *row, struct assay_mlperf_ask *out, struct assay_error *err)
{
    struct assay_mlperf_ask a = {.benchmark = ""};
    if (!assay_string_copy(a.benchmark, sizeof a.benchmark, assay_cases_text(row, BENCHMARK)) ||
        !assay_string_copy(a.metric, sizeof a.metric, assay_cases_text(row, METRIC)))
        return ASSAY_FAIL(err, ASSAY_DATA, "a name of a benchmark or metric is longer than %zu bytes", sizeof a.metric - 1);
    if (read_kind(assay_cases_text(row, SCENARIO), &a, err) || assay_cases_number(row, COUNT, 1, NAN, &a.devices, err))
        return err->code;
    a.round = round_in(assay_cases_text(row, ROUND));
    if (strstr(a.metric, "latency"))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no model of the metric '%.40s'", a.metric);
    if ((a.kind == ASSAY_MLPERF_TRAIN) != !strncmp(a.metric, "time_to_train", 13))
        return ASSAY_FAIL(err, ASSAY_DATA, "the metric '%.40s' does not go with the scenario", a.metric);
    *out = a;
    return ASSAY_OK;
}

/* ---- the law ------------------------------------------------------------------------------------------------------- */

/* Which products a benchmark's published results are mostly made of, and how its work is limited. */
static const struct nature {
    const char *mark;  /* in the benchmark's name; the first that is there counts */
    bool        wide;  /* 16 bits, whatever the device has besides */
    double      number[3];
} natures[] = {
    {"99.9", true, {0.5, 0.15, 0.35}}, /* of BERT; others of that accuracy are told before it */
    {"resnet", false, {0.35, 0.15, 0.5}}, {"bert", false, {0.5, 0.1, 0.4}},  {"retinanet", false, {0.4, 0.2, 0.4}}, {"3d-unet", false, {0.35, 0.3, 0.35}},
    {"dlrm", false, {0.1, 0.6, 0.3}},     {"gptj", false, {0.45, 0.3, 0.25}}, {"llama", false, {0.4, 0.4, 0.2}},     {"mixtral", false, {0.4, 0.4, 0.2}},
    {"diffusion", false, {0.55, 0.15, 0.3}},
};
static const struct nature usual = {"", false, {0.4, 0.3, 0.3}}, training = {"", true, {0.45, 0.3, 0.25}};

static const struct nature *nature_of(const struct assay_mlperf_ask *ask)
{
    if (ask->kind == ASSAY_MLPERF_TRAIN)
        return &training;
    if (!strncmp(ask->benchmark, "bert", 4) && strstr(ask->benchmark, natures[0].mark))
        return &natures[0];
    for (size_t i = 1; i < sizeof natures / sizeof *natures; i++)
        if (strstr(ask->benchmark, natures[i].mark))
            return &natures[i];
    return &usual;
}

/* Trainings of so large a model that a thousand devices each still have much to do. */
static const char *const large[] = {"gpt3", "405b"};
#define ROUND_USUAL 0.05
#define CROWD_USUAL 200.0
#define CROWD_LARGE 20000.0

void assay_mlperf_begin(const struct assay_mlperf_ask *ask, double number[ASSAY_MLPERF_NUMBERS])
{
    memcpy(number, nature_of(ask)->number, 3 * sizeof *number);
    number[ASSAY_MLPERF_ROUND] = ROUND_USUAL;
    number[ASSAY_MLPERF_CROWD] = CROWD_USUAL;
    for (size_t i = 0; ask->kind == ASSAY_MLPERF_TRAIN && i < sizeof large / sizeof *large; i++)
        if (strstr(ask->benchmark, large[i]))
            number[ASSAY_MLPERF_CROWD] = CROWD_LARGE;
}

bool assay_mlperf_is_of(const struct assay_chip *chip)
{
    return chip->memory_class != ASSAY_MEMORY_DDR;
}

static double or_zero(double x)
{
    return isnan(x) ? 0 : x;
}

/* Products in the narrowest format of 8 bits or more that such results use and the chip has. */
static double peak_of(const struct assay_mlperf_ask *ask, const struct assay_chip *chip)
{
    double wide = fmax(or_zero(assay_chip_peak(chip, ASSAY_F16)), or_zero(assay_chip_peak(chip, ASSAY_BF16)));
    double narrow = fmax(or_zero(assay_chip_peak(chip, ASSAY_I8)), or_zero(assay_chip_peak(chip, ASSAY_F8E4M3)));
    return nature_of(ask)->wide ? wide : fmax(wide, narrow);
}

double assay_mlperf_speed(const double number[ASSAY_MLPERF_NUMBERS], double latest, const struct assay_mlperf_ask *ask, const struct assay_chip *chip)
{
    double peak = peak_of(ask, chip), bandwidth = chip->field[ASSAY_DEVICE_BANDWIDTH], watts = chip->field[ASSAY_DEVICE_POWER];
    if (!(peak > 0) || !(bandwidth > 0))
        return NAN;
    if (!(watts > 0))
        watts = USUAL_WATTS * fmax(or_zero(assay_chip_peak(chip, ASSAY_F16)), or_zero(assay_chip_peak(chip, ASSAY_BF16)));
    if (!(watts > 0))
        watts = USUAL_WATTS * peak;
    double each = number[ASSAY_MLPERF_PEAK] * log(peak / 1e15) + number[ASSAY_MLPERF_BANDWIDTH] * log(bandwidth / 1e12) +
                  number[ASSAY_MLPERF_POWER] * log(watts / 1e3);
    double crowd = ask->kind == ASSAY_MLPERF_TRAIN ? log1p(pow(ask->devices / number[ASSAY_MLPERF_CROWD], CROWDING)) : 0;
    double earlier = ask->round > 0 && ask->round < latest ? latest - ask->round : 0;
    return each + log(ask->devices) - crowd - number[ASSAY_MLPERF_ROUND] * earlier;
}

double assay_mlperf_figure(const struct assay_mlperf_law *law, const struct assay_mlperf_ask *ask, const struct assay_chip *chip)
{
    double ln = assay_mlperf_speed(law->number, law->latest, ask, chip) + law->constant;
    return exp(ask->kind == ASSAY_MLPERF_TRAIN ? -ln : ln);
}

const struct assay_mlperf_law *assay_mlperf_law_of(const struct assay_mlperf_fitted *f, const struct assay_mlperf_ask *ask)
{
    for (size_t i = 0; i < f->n_laws; i++)
        if (f->laws[i].kind == ask->kind && !strcmp(f->laws[i].benchmark, ask->benchmark) && !strcmp(f->laws[i].metric, ask->metric))
            return &f->laws[i];
    return NULL;
}

/* ---- how sure ------------------------------------------------------------------------------------------------------ */

struct question {
    const struct assay_mlperf_law *law;
    const struct assay_mlperf_ask *ask;
};

static double figure_on(void *self, const struct assay_chip *chip)
{
    const struct question *q = self;
    return assay_mlperf_figure(q->law, q->ask, chip);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 80 % of what draws of the chip are over its middle, in logarithms: below, above. */
static void spread_draws(const struct question *q, const struct assay_described *device, double middle, double out[2])
{
    double at[DRAWS] = {0};
    size_t n = 0;
    for (uint64_t i = 1; i <= DRAWS; i++) {
        struct assay_chip chip = assay_chip_draw(device, i);
        double            ln = log(assay_mlperf_figure(q->law, q->ask, &chip) / middle);
        if (!isnan(ln))
            at[n++] = ln;
    }
    qsort(at, n, sizeof *at, by_size);
    if (n) {
        out[0] = fmax(0, -at[n / 10]);
        out[1] = fmax(0, at[n - 1 - n / 10]);
    }
}

#define FEW_CHIPS 3
#define FEW_MORE 0.2 /* in logarithms, by judgement: of a law that stands on fewer */

enum assay_code assay_mlperf_estimate(const struct assay_mlperf_fitted *f, const struct assay_described *device, const struct assay_mlperf_ask *ask,
                                      struct assay_mlperf_estimate *out, struct assay_error *err)
{
    struct assay_mlperf_estimate est = {.grade = 'D'};
    struct assay_text            why = ASSAY_TEXT(est.why);
    struct assay_chip            middle = assay_chip_middle(device);
    struct question              q = {assay_mlperf_law_of(f, ask), ask};
    double                       open[2] = {0, 0};
    if (!q.law)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "no result of %.40s, %s, in %.40s was fitted", ask->benchmark, assay_mlperf_kind_names[ask->kind], ask->metric);
    if (!assay_mlperf_is_of(&middle))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "these laws are of accelerators, not of processors with memory on their boards");
    double figure = assay_mlperf_figure(q.law, ask, &middle), half = f->half[ask->kind];
    if (isnan(figure))
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "the device lacks a peak of products or memory_bytes_per_s");
    struct assay_certain certain = assay_certainty_within(device, half / BAND, figure_on, &q);
    bool                 on = assay_fitted_names_have(f->devices[0], sizeof f->devices[0], f->n_devices, device->name);
    est.grade = on ? 'A' : certain.grade;
    assay_text_add(&why, "%s; the law of %u results on %u chips", on ? "results on this chip were fitted" : certain.grade == 'B' ? "datasheet; transferred from other chips"
                         : certain.grade == 'C' ? "a number of the chip is reported, inferred or derived; transferred from other chips" : "a number of the chip is assumed",
                   q.law->rows, q.law->chips);
    if (q.law->chips < FEW_CHIPS) {
        half = hypot(half, FEW_MORE);
        assay_text_add(&why, ", too few for a band of its own");
    }
    if (!certain.has_point)
        assay_text_add(&why, "; %s is only known as a range: no point", assay_device_fields[certain.without].key);
    spread_draws(&q, device, figure, open);
    est.figure = certain.has_point ? figure : NAN;
    est.p10 = figure * exp(-hypot(half, open[0]));
    est.p90 = figure * exp(hypot(half, open[1]));
    *out = est;
    return ASSAY_OK;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static enum assay_code read_law(const struct assay_json_file *file, const json_t *object, struct assay_mlperf_law *l, struct assay_error *err)
{
    static const char *const keys[] = {"benchmark", "metric", "kind", "rows", "chips", "latest", "constant", "peak", "bandwidth", "power", "round", "crowd"};
    const char              *benchmark = "", *metric = "", *kind = "";
    int64_t                  rows = 0, chips = 0;
    if (!json_is_object(object))
        return assay_json_fail(file, "laws", err, "a law must be an object");
    if (assay_json_known_keys(file, object, keys, sizeof keys / sizeof *keys, err) || assay_json_text(file, object, "benchmark", true, &benchmark, err) ||
        assay_json_text(file, object, "metric", true, &metric, err) || assay_json_text(file, object, "kind", true, &kind, err) ||
        assay_json_i64(file, object, "rows", true, 1, 1000000, &rows, err) || assay_json_i64(file, object, "chips", true, 1, 1000, &chips, err) ||
        assay_json_f64(file, object, "latest", true, 0, 1000, &l->latest, err) ||
        assay_json_f64(file, object, "constant", true, -100, 100, &l->constant, err))
        return err->code;
    for (int i = 0; i < ASSAY_MLPERF_NUMBERS; i++)
        if (assay_json_f64(file, object, assay_mlperf_number_names[i], true, 0, 1e9, &l->number[i], err))
            return err->code;
    int k = 0;
    while (k < ASSAY_MLPERF_KINDS && strcmp(kind, assay_mlperf_kind_names[k]) != 0)
        k++;
    if (k == ASSAY_MLPERF_KINDS || !assay_string_copy(l->benchmark, sizeof l->benchmark, benchmark) || !assay_string_copy(l->metric, sizeof l->metric, metric))
        return assay_json_fail_at(file, object, "kind", err, "no law is of '%.40s', '%.40s', '%.40s'", benchmark, kind, metric);
    l->kind = (enum assay_mlperf_kind)k;
    l->rows = (unsigned)rows;
    l->chips = (unsigned)chips;
    return ASSAY_OK;
}

static enum assay_code read_laws(const struct assay_json_file *file, const json_t *laws, struct assay_mlperf_fitted *f, struct assay_error *err)
{
    if (json_array_size(laws) > ASSAY_MLPERF_LAWS)
        return assay_json_fail(file, "laws", err, "more than %d laws", ASSAY_MLPERF_LAWS);
    for (size_t i = 0; i < json_array_size(laws); i++)
        if (read_law(file, json_array_get(laws, i), &f->laws[f->n_laws++], err))
            return err->code;
    return ASSAY_OK;
}

static enum assay_code read_all(const struct assay_json_file *file, struct assay_mlperf_fitted *f, struct assay_error *err)
{
    static const char *const keys[] = {"format", "about", "fingerprint", "devices", "laws", "bands"};
    json_t                  *laws = NULL, *bands = NULL;
    if (assay_json_known_keys(file, file->root, keys, sizeof keys / sizeof *keys, err) ||
        assay_fitted_file_text(file, "fingerprint", f->fingerprint, sizeof f->fingerprint, err) ||
        assay_json_array(file, file->root, "laws", true, &laws, err) || assay_json_object(file, file->root, "bands", true, &bands, err) ||
        read_laws(file, laws, f, err) ||
        assay_fitted_file_names(file, "devices", f->devices[0], sizeof f->devices[0], ASSAY_MLPERF_DEVICES, &f->n_devices, err))
        return err->code;
    return assay_fitted_numbers_read(file, bands, &kinds, true, f->half, err);
}

enum assay_code assay_mlperf_fitted_read(const char *path, struct assay_mlperf_fitted *out, struct assay_error *err)
{
    struct assay_json_file     file;
    struct assay_mlperf_fitted f = {.n_laws = 0};
    if (assay_fitted_file_load(path, NAME, FORMAT, &file, err))
        return err->code;
    enum assay_code code = read_all(&file, &f, err);
    assay_json_release(&file);
    if (!code)
        *out = f;
    return code;
}

json_t *assay_mlperf_fitted_to_json(const struct assay_mlperf_fitted *f)
{
    json_t *laws = json_array();
    for (size_t i = 0; i < f->n_laws; i++) {
        const struct assay_mlperf_law *l = &f->laws[i];
        json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o}", "benchmark", l->benchmark, "metric", l->metric, "kind", assay_mlperf_kind_names[l->kind],
                                   "rows", (int)l->rows, "chips", (int)l->chips, "latest", assay_fitted_number_to_json(l->latest), "constant", assay_fitted_number_to_json(l->constant));
        for (int j = 0; j < ASSAY_MLPERF_NUMBERS; j++)
            json_object_set_new(object, assay_mlperf_number_names[j], assay_fitted_number_to_json(l->number[j]));
        json_array_append_new(laws, object);
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "format", FORMAT, "about",
                     "laws of MLPerf's benchmarks over chips; written by assay calibrate, harness/model/README.md", "fingerprint", f->fingerprint, "devices",
                     assay_fitted_names_to_json(f->devices[0], sizeof f->devices[0], f->n_devices), "laws", laws, "bands",
                     assay_fitted_numbers_to_json(&kinds, f->half, -1));
}
