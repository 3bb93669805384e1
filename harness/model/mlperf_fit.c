#include "harness/model/mlperf_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/model/least_squares.h"

#include "assay/banned.h"

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* The device's place; n_devices: nobody described it. */
static enum assay_code chip_of(struct assay_mlperf_results *r, const char *name, size_t *out, struct assay_error *err)
{
    struct assay_described *d = NULL;
    struct assay_error      none = {.code = ASSAY_OK};
    size_t                  i = 0;
    *out = SIZE_MAX;
    if (assay_described_find(name, &d, &none))
        return none.code == ASSAY_CONFIG ? ASSAY_OK : (*err = none, none.code);
    while (i < r->n_devices && strcmp(r->devices[i], d->name) != 0)
        i++;
    if (i == ASSAY_MLPERF_DEVICES || !assay_string_copy(r->devices[i], sizeof *r->devices, d->name))
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "more than %d devices, or one with a name that is too long", ASSAY_MLPERF_DEVICES);
    else if (i == r->n_devices)
        r->chips[r->n_devices++] = assay_chip_middle(d);
    *out = i;
    assay_described_free(d);
    return err->code;
}

static enum assay_code result_add(struct assay_mlperf_results *r, const struct assay_mlperf_result *result, struct assay_error *err)
{
    if (r->n == r->capacity) {
        size_t                      capacity = r->capacity ? 2 * r->capacity : 256;
        struct assay_mlperf_result *grown = realloc(r->at, capacity * sizeof *grown);
        if (!grown)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu results", capacity);
        r->at = grown;
        r->capacity = capacity;
    }
    r->at[r->n++] = *result;
    return ASSAY_OK;
}

static enum assay_code read_row(struct assay_mlperf_results *r, const struct assay_cases_row *row, struct assay_error *err)
{
    struct assay_mlperf_result result = {.open = false};
    struct assay_error         why = {.code = ASSAY_OK};
    size_t                     column = assay_csv_column(row->csv, assay_cases_tables[ASSAY_CASES_MLPERF].figures[0]),
                               division = assay_csv_column(row->csv, "division");
    result.measured = column < row->csv->n_columns ? strtod(assay_csv_cell(row->csv, row->row, column), NULL) : 0;
    result.open = division < row->csv->n_columns && !strcmp(assay_csv_cell(row->csv, row->row, division), "open");
    if (!(result.measured > 0 && result.measured < 1e30))
        return ASSAY_OK;
    if (assay_mlperf_ask_read(row, &result.ask, &why)) {
        r->refused++;
        return why.code == ASSAY_DATA ? (*err = why, assay_error_in(err, "row %zu", row->row + 1)) : ASSAY_OK;
    }
    if (chip_of(r, assay_csv_cell(row->csv, row->row, row->c->device), &result.chip, err))
        return assay_error_in(err, "row %zu", row->row + 1);
    if (result.chip == SIZE_MAX || !assay_mlperf_is_of(&r->chips[result.chip])) {
        r->unknown++;
        return ASSAY_OK;
    }
    return result_add(r, &result, err);
}

enum assay_code assay_mlperf_results_read(struct assay_mlperf_results *r, const char *path, struct assay_error *err)
{
    struct assay_csv csv;
    char             both[130];
    if (assay_csv_read(path, &csv, err))
        return err->code;
    struct assay_cases_columns c = assay_cases_columns_of(&csv, ASSAY_CASES_MLPERF);
    for (size_t row = 0; row < csv.n_rows && !err->code; row++)
        (void)read_row(r, &(struct assay_cases_row){&csv, &c, row}, err);
    assay_csv_release(&csv);
    if (err->code)
        return assay_error_in(err, "reading '%.100s'", path);
    (void)snprintf(both, sizeof both, "%s", r->fingerprint);
    if (assay_sha256_file(path, both + strlen(both), err))
        return err->code;
    assay_sha256_hex(both, strlen(both), r->fingerprint);
    return ASSAY_OK;
}

void assay_mlperf_results_release(struct assay_mlperf_results *r)
{
    free(r->at);
    *r = (struct assay_mlperf_results){.n = 0};
}

/* ---- fitting ------------------------------------------------------------------------------------------------------- */

#define LOOSE 0.5
#define LOWEST 0.02 /* of an exponent, so that more is never slower */
#define HIGHEST 1.0
/* Where a training crowds is anybody's guess by a factor of ten: a fit moves the fourth root of it. */
#define CROWD_POWER 4.0
#define LEAST_ROOT 1.7  /* 8 devices */
#define MOST_ROOT 32.0  /* a million */
#define EXPONENTS ASSAY_MLPERF_CROWD /* the numbers before it */

struct fitting {
    const struct assay_mlperf_results *results;
    size_t                            *rows;
    double                            *weight, *off; /* a row each */
    size_t                             n;
    double                             crowd;
    double                             root;          /* that `off` is of; NaN: of none */
    double                             at[EXPONENTS]; /* numbers that `constant` is of */
    double                             constant, latest;
};

static const struct assay_mlperf_result *chosen(const struct fitting *f, size_t row)
{
    return &f->results->at[f->rows[row]];
}

static double off_by(const struct fitting *f, size_t row, const double exponents[EXPONENTS])
{
    const struct assay_mlperf_result *m = chosen(f, row);
    double n[ASSAY_MLPERF_NUMBERS], sign = m->ask.kind == ASSAY_MLPERF_TRAIN ? -1 : 1;
    memcpy(n, exponents, EXPONENTS * sizeof *n);
    n[ASSAY_MLPERF_CROWD] = f->crowd;
    return assay_mlperf_speed(n, f->latest, &m->ask, &f->results->chips[m->chip]) - sign * log(m->measured);
}

static double weight_of(void *self, size_t row)
{
    return ((struct fitting *)self)->weight[row];
}

/* ---- of training, how it crowds ------------------------------------------------------------------------------------ */

static bool same_series(const struct fitting *f, size_t a, size_t b)
{
    return chosen(f, a)->chip == chosen(f, b)->chip && chosen(f, a)->ask.round == chosen(f, b)->ask.round;
}

/* What each row is off by, beside the mean of its series. */
static void set_off(struct fitting *f, double root)
{
    static const double none[EXPONENTS] = {0}; /* exponents are the same within a series */
    f->root = root;
    f->crowd = pow(root, CROWD_POWER);
    for (size_t i = 0; i < f->n; i++)
        f->off[i] = off_by(f, i, none);
    for (size_t i = 0; i < f->n; i++) {
        double sum = 0;
        size_t n = 0;
        bool   first = true;
        for (size_t j = 0; j < i && first; j++)
            first = !same_series(f, i, j);
        for (size_t j = i; first && j < f->n; j++)
            if (same_series(f, i, j)) {
                sum += f->off[j];
                n++;
            }
        for (size_t j = i; first && j < f->n; j++)
            if (same_series(f, i, j))
                f->off[j] -= sum / (double)n;
    }
}

static double crowd_residual_of(void *self, size_t row, const double *root)
{
    struct fitting *f = self;
    if (f->root != *root)
        set_off(f, *root);
    return f->off[row];
}

/* Speed-ups within a series, one chip's results of one round, say where a training crowds; how much faster another chip or round is says nothing
 * of it, and would draw N to wherever the exponents fail. */
static double fit_crowd(struct fitting *f, double begin)
{
    struct assay_least_squares p = {.n_rows = f->n, .n_numbers = 1, .residual = crowd_residual_of, .weight = weight_of, .self = f, .loose = LOOSE};
    double                     root = pow(begin, 1 / CROWD_POWER);
    p.begin[0] = log(root);
    p.low[0] = LEAST_ROOT;
    p.high[0] = MOST_ROOT;
    f->root = NAN;
    assay_least_squares(&p, &root);
    return pow(root, CROWD_POWER);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------ */

/* The constant that suits the numbers best, kept until they change. */
static double constant_of(struct fitting *f, const double *numbers)
{
    double sum = 0, weights = 0;
    int    same = 0;
    while (same < EXPONENTS && f->at[same] == numbers[same])
        same++;
    if (same == EXPONENTS)
        return f->constant;
    for (size_t i = 0; i < f->n; i++) {
        sum -= f->weight[i] * off_by(f, i, numbers);
        weights += f->weight[i];
    }
    memcpy(f->at, numbers, sizeof f->at);
    f->constant = sum / weights;
    return f->constant;
}

static double residual_of(void *self, size_t row, const double *numbers)
{
    struct fitting *f = self;
    return off_by(f, row, numbers) + constant_of(f, numbers);
}

static bool same_law(const struct assay_mlperf_ask *a, const struct assay_mlperf_ask *b)
{
    return a->kind == b->kind && !strcmp(a->benchmark, b->benchmark) && !strcmp(a->metric, b->metric);
}

/* Rows of one law, not of one chip (SIZE_MAX: of all); every chip weighs the same, the square root of its rows being what they say. */
static unsigned choose(struct fitting *f, const struct assay_mlperf_ask *ask, size_t but)
{
    unsigned chips = 0;
    f->n = 0;
    f->latest = 0;
    for (size_t i = 0; i < f->results->n; i++) {
        const struct assay_mlperf_result *m = &f->results->at[i];
        if (same_law(ask, &m->ask))
            f->latest = fmax(f->latest, m->ask.round);
        if (same_law(ask, &m->ask) && m->chip != but && !m->open && !isnan(assay_mlperf_speed((double[ASSAY_MLPERF_NUMBERS]){1, 1, 1, 1, 1}, 0, ask, &f->results->chips[m->chip])))
            f->rows[f->n++] = i;
    }
    for (size_t i = 0; i < f->n; i++) {
        size_t of_chip = 0, before = 0;
        for (size_t j = 0; j < f->n; j++)
            if (f->results->at[f->rows[j]].chip == f->results->at[f->rows[i]].chip) {
                of_chip++;
                before += j < i;
            }
        chips += !before;
        f->weight[i] = 1 / sqrt((double)of_chip);
    }
    return chips;
}

/* false: no row is left. */
static bool fit(struct fitting *f, const struct assay_mlperf_ask *ask, size_t but, struct assay_mlperf_law *out)
{
    struct assay_least_squares p = {.residual = residual_of, .weight = weight_of, .self = f, .loose = LOOSE, .n_numbers = EXPONENTS};
    struct assay_mlperf_law    law = {.kind = ask->kind, .chips = choose(f, ask, but)};
    if (!f->n)
        return false;
    assay_mlperf_begin(ask, law.number);
    f->crowd = ask->kind == ASSAY_MLPERF_TRAIN ? fit_crowd(f, law.number[ASSAY_MLPERF_CROWD]) : law.number[ASSAY_MLPERF_CROWD];
    law.number[ASSAY_MLPERF_CROWD] = f->crowd;
    for (int i = 0; i < EXPONENTS; i++) {
        p.begin[i] = log(law.number[i]);
        p.low[i] = LOWEST; /* a round, too, makes nothing slower */
        p.high[i] = HIGHEST;
    }
    p.n_rows = f->n;
    memset(f->at, 0, sizeof f->at);
    assay_least_squares(&p, law.number);
    law.constant = constant_of(f, law.number);
    law.latest = f->latest;
    law.rows = (unsigned)f->n;
    (void)assay_string_copy(law.benchmark, sizeof law.benchmark, ask->benchmark);
    (void)assay_string_copy(law.metric, sizeof law.metric, ask->metric);
    *out = law;
    return true;
}

static bool is_first_of_law(const struct assay_mlperf_results *r, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_law(&r->at[j].ask, &r->at[i].ask))
            return false;
    return true;
}

static void judge_law(struct fitting *f, struct assay_mlperf_results *r, size_t first)
{
    for (size_t chip = 0; chip < r->n_devices; chip++) {
        struct assay_mlperf_law law;
        bool                    any = fit(f, &r->at[first].ask, chip, &law);
        for (size_t i = first; i < r->n; i++)
            if (r->at[i].chip == chip && same_law(&r->at[i].ask, &r->at[first].ask))
                r->at[i].left_out = any ? assay_mlperf_figure(&law, &r->at[i].ask, &r->chips[chip]) : NAN;
    }
}

static void fit_and_judge(struct fitting *f, struct assay_mlperf_results *r, struct assay_mlperf_fitted *out)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!is_first_of_law(r, i))
            continue;
        judge_law(f, r, i);
        if (out->n_laws < ASSAY_MLPERF_LAWS && fit(f, &r->at[i].ask, SIZE_MAX, &out->laws[out->n_laws]))
            out->n_laws++;
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct assay_mlperf_law *law = assay_mlperf_law_of(out, &r->at[i].ask);
        r->at[i].fitted = law ? assay_mlperf_figure(law, &r->at[i].ask, &r->chips[r->at[i].chip]) : NAN;
    }
}

/* ---- bands and the page -------------------------------------------------------------------------------------------- */

#define COVERED 0.80
#define LEAST_HALF 0.08

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What so many of the rows of a kind are off by at most on chips left out. Rows on chips of which there are many weigh no more than others:
 * each law and chip gives its median. */
static double half_of(const struct assay_mlperf_results *r, enum assay_mlperf_kind kind, double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].ask.kind == kind && !r->at[i].open && r->at[i].left_out > 0)
            room[n++] = fabs(log(r->at[i].left_out / r->at[i].measured));
    qsort(room, n, sizeof *room, by_size);
    return n ? room[(size_t)(COVERED * (double)(n - 1))] : 1;
}

enum assay_code assay_mlperf_calibrate(struct assay_mlperf_results *r, struct assay_mlperf_fitted *out, struct assay_error *err)
{
    struct fitting              f = {.results = r, .rows = calloc(r->n + 1, sizeof *f.rows), .weight = calloc(r->n + 1, sizeof *f.weight),
                                     .off = calloc(r->n + 1, sizeof *f.off)};
    double                     *room = calloc(r->n + 1, sizeof *room);
    struct assay_mlperf_fitted *fitted = calloc(1, sizeof *fitted);
    if (f.rows && f.weight && f.off && room && fitted) {
        fit_and_judge(&f, r, fitted);
        for (int i = 0; i < ASSAY_MLPERF_KINDS; i++)
            fitted->half[i] = fmax(LEAST_HALF, half_of(r, (enum assay_mlperf_kind)i, room));
        fitted->n_devices = r->n_devices;
        memcpy(fitted->devices, r->devices, sizeof fitted->devices);
        memcpy(fitted->fingerprint, r->fingerprint, sizeof fitted->fingerprint);
        *out = *fitted;
    } else
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a fit of %zu results", r->n);
    free(f.rows);
    free(f.weight);
    free(f.off);
    free(room);
    free(fitted);
    return err->code;
}

/* Of a law, a chip (SIZE_MAX: all), or a kind (law NULL). */
static void print_line(FILE *to, const struct assay_mlperf_results *r, const struct assay_mlperf_fitted *f, const struct assay_mlperf_ask *law, int kind,
                       size_t chip, double *off)
{
    size_t n = 0, inside = 0;
    double bias = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct assay_mlperf_result *m = &r->at[i];
        if ((law ? !same_law(law, &m->ask) : (int)m->ask.kind != kind) || (chip != SIZE_MAX && m->chip != chip) || m->open || !(m->left_out > 0))
            continue;
        double ln = log(m->left_out / m->measured);
        bias += ln;
        inside += fabs(ln) <= f->half[m->ask.kind];
        off[n++] = fabs(expm1(ln));
    }
    if (!n)
        return;
    qsort(off, n, sizeof *off, by_size);
    fprintf(to, "| %s | %s | %s | %zu | %.1f | %.1f | %+.1f | %.0f | %.2f |\n", law ? law->benchmark : "all", assay_mlperf_kind_names[kind],
            chip == SIZE_MAX ? "all" : r->devices[chip], n, 100 * off[n / 2], 100 * off[n - 1 - n / 10], 100 * expm1(bias / (double)n),
            100 * (double)inside / (double)n, 2 * f->half[kind]);
}

char *assay_mlperf_table(const struct assay_mlperf_results *r, const struct assay_mlperf_fitted *f)
{
    char   *text = NULL;
    size_t  bytes = 0;
    double *off = calloc(r->n + 1, sizeof *off);
    FILE   *to = off ? open_memstream(&text, &bytes) : NULL;
    if (!to) {
        free(off);
        return NULL;
    }
    fprintf(to,
            "# MLPerf, chips left out\n\nWritten by `make model-table` from results with the fingerprint `%.16s…`: %zu results on described devices; %zu are on others or on processors, of\n"
            "%zu the scenario or metric has no model. Each chip is predicted by laws that were fitted without any result of it; those of the open division\n"
            "teach nothing and are not counted here.\n\n"
            "| benchmark | kind | chip | results | median error %% | 90th percentile %% | bias %% | in the 80 %% band %% | ln(p90/p10) |\n"
            "|---|---|---|---|---|---|---|---|---|\n",
            f->fingerprint, r->n, r->unknown, r->refused);
    for (size_t i = 0; i < r->n; i++)
        if (is_first_of_law(r, i))
            print_line(to, r, f, &r->at[i].ask, (int)r->at[i].ask.kind, SIZE_MAX, off);
    for (int kind = 0; kind < ASSAY_MLPERF_KINDS; kind++) {
        for (size_t chip = 0; chip < r->n_devices; chip++)
            print_line(to, r, f, NULL, kind, chip, off);
        print_line(to, r, f, NULL, kind, SIZE_MAX, off);
    }
    free(off);
    return assay_memory_stream_end(to, &text);
}
