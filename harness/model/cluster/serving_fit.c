#include "harness/model/cluster/serving_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/model/least_squares.h"

#include "assay/banned.h"

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* A device's desk, made when the first row names it. */
struct desks {
    struct assay_serving_desk *at[ASSAY_SERVING_DEVICES];
};

static enum assay_code desk_of(struct assay_serving_runs *r, struct desks *desks, const char *name, const struct assay_fitted *kernels, size_t *out,
                               struct assay_error *err)
{
    struct assay_described *d = NULL;
    size_t                  i = 0;
    if (assay_described_find(name, &d, err))
        return err->code;
    while (i < r->n_devices && strcmp(r->devices[i], d->name) != 0)
        i++;
    if (i == ASSAY_SERVING_DEVICES || !assay_string_copy(r->devices[i], sizeof *r->devices, d->name))
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "more than %d devices, or one with a name that is too long", ASSAY_SERVING_DEVICES);
    else if (!desks->at[i]) {
        struct assay_coefficients k = assay_fitted_of(kernels, d->vendor, d->name);
        struct assay_chip         chip = assay_chip_middle(d);
        if (!assay_serving_desk_new(&chip, &k, &desks->at[i], err) && i == r->n_devices)
            r->n_devices++;
    }
    assay_described_free(d);
    *out = i;
    return err->code;
}

static enum assay_code run_add(struct assay_serving_runs *r, const struct assay_serving_run *run, struct assay_error *err)
{
    if (r->n == r->capacity) {
        size_t                    capacity = r->capacity ? 2 * r->capacity : 256;
        struct assay_serving_run *grown = realloc(r->at, capacity * sizeof *grown);
        if (!grown)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu runs", capacity);
        r->at = grown;
        r->capacity = capacity;
    }
    r->at[r->n++] = *run;
    return ASSAY_OK;
}

static double figure_at(const struct assay_csv *csv, size_t row, const struct assay_cases_table *table, int figure)
{
    size_t column = assay_csv_column(csv, table->figures[figure]);
    double value = column < csv->n_columns ? strtod(assay_csv_cell(csv, row, column), NULL) * table->figure_ns : NAN;
    return value > 0 ? value : NAN;
}

static enum assay_code read_row(struct assay_serving_runs *r, struct desks *desks, const struct assay_cases_row *row, const struct assay_fitted *kernels,
                                const struct assay_decoder_finder *shapes, struct assay_error *err)
{
    struct assay_serving_run    run = {.device = 0};
    struct assay_serving_answer answer;
    for (int i = 0; i < ASSAY_SERVING_FIGURES; i++)
        run.measured_ns[i] = figure_at(row->csv, row->row, &assay_cases_tables[ASSAY_CASES_SERVING], i);
    if (isnan(run.measured_ns[ASSAY_SERVING_TTFT]) && isnan(run.measured_ns[ASSAY_SERVING_TPOT]))
        return ASSAY_OK;
    if (desk_of(r, desks, assay_csv_cell(row->csv, row->row, row->c->device), kernels, &run.device, err) ||
        assay_serving_ask_read(row, shapes, &run.ask, err) || assay_serving_answer_of(desks->at[run.device], &run.ask, &answer, err))
        return assay_error_in(err, "row %zu", row->row + 1);
    run.means = answer.means;
    return run_add(r, &run, err);
}

static enum assay_code read_rows(struct assay_serving_runs *r, const struct assay_csv *csv, const struct assay_fitted *kernels,
                                 const struct assay_decoder_finder *shapes, struct assay_error *err)
{
    struct assay_cases_columns c = assay_cases_columns_of(csv, ASSAY_CASES_SERVING);
    struct desks               desks = {{NULL}};
    if (c.device == csv->n_columns)
        return ASSAY_FAIL(err, ASSAY_DATA, "a table to fit on needs the column 'device'");
    for (size_t row = 0; row < csv->n_rows && !err->code; row++)
        (void)read_row(r, &desks, &(struct assay_cases_row){csv, &c, row}, kernels, shapes, err);
    for (size_t i = 0; i < ASSAY_SERVING_DEVICES; i++)
        assay_serving_desk_free(desks.at[i]);
    return err->code;
}

enum assay_code assay_serving_runs_read(struct assay_serving_runs *r, const char *path, const struct assay_fitted *kernels,
                                        const struct assay_decoder_finder *shapes, struct assay_error *err)
{
    struct assay_csv csv;
    char             both[130];
    if (assay_csv_read(path, &csv, err))
        return err->code;
    enum assay_code code = read_rows(r, &csv, kernels, shapes, err);
    assay_csv_release(&csv);
    if (code)
        return assay_error_in(err, "reading '%.100s'", path);
    (void)assay_string_copy(r->kernels, sizeof r->kernels, kernels->fingerprint);
    (void)snprintf(both, sizeof both, "%s", r->fingerprint);
    if (assay_sha256_file(path, both + strlen(both), err))
        return err->code;
    assay_sha256_hex(both, strlen(both), r->fingerprint);
    return ASSAY_OK;
}

void assay_serving_runs_release(struct assay_serving_runs *r)
{
    free(r->at);
    *r = (struct assay_serving_runs){.n = 0};
}

/* ---- fitting ------------------------------------------------------------------------------------------------------- */

#define LOOSE_BASE 1.0   /* of the numbers of all stacks: they begin by hand */
#define LOOSE_SERVER 0.4
#define LOOSE_VERSION 0.3
#define TTFT_WEIGHT 0.5  /* it hangs on who measured how more than TPOT does */
#define STRANGE_TTFT 1.6
#define STRANGE_TPOT 2.0      /* a run that the base misses by more than so many times is of something else than it says: not fitted, but judged */
#define PASSES 3
#define FEW 20           /* a pair with so few rows does not weigh more for it */
#define VERSION_ROWS 12  /* fewer say nothing of a version by itself */

/* Which runs a fit sees: of this server and version ("": all), not of this model ("": all models). */
struct choice {
    const char *server, *version, *left_out;
};
struct fitting {
    const struct assay_serving_runs *runs;
    struct assay_serving_numbers     base; /* by which strange runs are told */
    bool                             tells_strange;
    size_t                          *rows;   /* 2 x run + figure */
    double                          *weight; /* of each row */
    size_t                           n;
    enum assay_serving_number        moves[ASSAY_LEAST_SQUARES_NUMBERS];
    size_t                           n_moves;
    struct assay_serving_numbers     numbers;
};

static double residual_of(void *self, size_t row, const double *numbers)
{
    const struct fitting           *f = self;
    const struct assay_serving_run *run = &f->runs->at[f->rows[row] / 2];
    struct assay_serving_numbers    n = f->numbers;
    int                             figure = (int)(f->rows[row] % 2);
    for (size_t i = 0; i < f->n_moves; i++)
        n.value[f->moves[i]] = numbers[i];
    return log(assay_serving_figure_ns(&n, &run->means, run->ask.protocol, (enum assay_serving_figure)figure) / run->measured_ns[figure]);
}

static double weight_of(void *self, size_t row)
{
    return ((struct fitting *)self)->weight[row];
}

static bool is_chosen(const struct choice *c, const struct assay_serving_run *run)
{
    return (!*c->server || !strcmp(c->server, run->ask.server)) && (!*c->version || !strcmp(c->version, run->ask.version)) &&
           (!*c->left_out || strcmp(c->left_out, run->ask.model) != 0);
}

static bool alike(const struct assay_serving_ask *a, const struct assay_serving_ask *b)
{
    return !strcmp(a->model, b->model) && !strcmp(a->server, b->server);
}

/* Every pair of model and server weighs the same, the square root of its rows being what they say. */
static void weigh(struct fitting *f)
{
    for (size_t i = 0; i < f->n; i++) {
        size_t n = 0;
        for (size_t j = 0; j < f->n; j++)
            n += alike(&f->runs->at[f->rows[i] / 2].ask, &f->runs->at[f->rows[j] / 2].ask);
        f->weight[i] = (f->rows[i] % 2 == ASSAY_SERVING_TTFT ? TTFT_WEIGHT : 1) / sqrt((double)n + FEW);
    }
}

/* Runs over several groups of attention in the published table repeat, within a per cent, those of one group with as many requests in flight
 * altogether: both cannot be true, and nobody can say which. They are judged, not learned from. */
static bool is_doubtful(const struct assay_serving_run *run)
{
    return run->ask.plan.dp > 1;
}

/* Is there such a figure, and is it fit to be learned from? */
static bool teaches(const struct fitting *f, const struct assay_serving_run *run, enum assay_serving_figure figure)
{
    if (!(run->measured_ns[figure] > 0) || is_doubtful(run) || (figure == ASSAY_SERVING_TPOT && run->ask.output_tokens <= 1))
        return false;
    if (!f->tells_strange)
        return true;
    double by = assay_serving_figure_ns(&f->base, &run->means, run->ask.protocol, figure) / run->measured_ns[figure];
    return fabs(log(by)) <= log(figure == ASSAY_SERVING_TTFT ? STRANGE_TTFT : STRANGE_TPOT);
}

/* Moves *n to the rows that are chosen; how many runs these were. */
static size_t fit(struct fitting *f, const struct choice *c, double loose, struct assay_serving_numbers *n)
{
    struct assay_least_squares p = {.residual = residual_of, .weight = weight_of, .self = f, .loose = loose};
    double                     numbers[ASSAY_LEAST_SQUARES_NUMBERS];
    size_t                     runs = 0;
    f->n = f->n_moves = 0;
    f->numbers = *n;
    for (size_t i = 0; i < f->runs->n; i++) {
        if (!is_chosen(c, &f->runs->at[i]))
            continue;
        runs++;
        for (size_t figure = 0; figure < ASSAY_SERVING_FIGURES; figure++)
            if (teaches(f, &f->runs->at[i], (enum assay_serving_figure)figure))
                f->rows[f->n++] = 2 * i + figure;
    }
    weigh(f);
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++) {
        if (assay_serving_numbers[i].low >= assay_serving_numbers[i].high)
            continue;
        numbers[f->n_moves] = n->value[i];
        p.begin[f->n_moves] = log(n->value[i]);
        p.low[f->n_moves] = assay_serving_numbers[i].low;
        p.high[f->n_moves] = assay_serving_numbers[i].high;
        f->moves[f->n_moves++] = (enum assay_serving_number)i;
    }
    p.n_rows = f->n;
    p.n_numbers = f->n_moves;
    if (p.n_rows)
        assay_least_squares(&p, numbers);
    for (size_t i = 0; i < f->n_moves; i++)
        n->value[f->moves[i]] = numbers[i];
    return runs;
}

static void add_stack(struct assay_serving_fitted *out, const char *server, const char *version, size_t runs, const struct assay_serving_numbers *n)
{
    if (out->n_stacks == ASSAY_SERVING_STACKS)
        return;
    struct assay_serving_stack *s = &out->stacks[out->n_stacks++];
    *s = (struct assay_serving_stack){.rows = (unsigned)runs};
    (void)assay_string_copy(s->name, sizeof s->name, server);
    (void)assay_string_copy(s->version, sizeof s->version, version);
    for (size_t i = 0; i < ASSAY_SERVING_NUMBERS; i++)
        s->factor[i] = n->value[i] / out->base.value[i];
}

static bool has_stack(const struct assay_serving_fitted *f, const char *server, const char *version)
{
    for (size_t i = 0; i < f->n_stacks; i++)
        if (!strcmp(f->stacks[i].name, server) && !strcmp(f->stacks[i].version, version))
            return true;
    return false;
}

static size_t count(const struct assay_serving_runs *r, const struct choice *c)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += is_chosen(c, &r->at[i]);
    return n;
}

/* The base of all, each server from there, each version from its server. */
static void fit_all(struct fitting *f, const char *left_out, struct assay_serving_fitted *out)
{
    out->base = assay_serving_numbers_begin();
    out->n_stacks = 0;
    f->tells_strange = false;
    (void)fit(f, &(struct choice){"", "", left_out}, LOOSE_BASE, &out->base);
    for (int pass = 0; pass < PASSES; pass++) {
        f->base = out->base;
        f->tells_strange = true;
        out->base = assay_serving_numbers_begin();
        (void)fit(f, &(struct choice){"", "", left_out}, LOOSE_BASE, &out->base);
    }
    for (size_t i = 0; i < f->runs->n; i++) {
        const struct assay_serving_ask *a = &f->runs->at[i].ask;
        struct choice                   c = {a->server, "", left_out};
        struct assay_serving_numbers    n = out->base;
        if (!*a->server || has_stack(out, a->server, "") || !count(f->runs, &c))
            continue;
        size_t runs = fit(f, &c, LOOSE_SERVER, &n);
        add_stack(out, a->server, "", runs, &n);
    }
    for (size_t i = 0; i < f->runs->n; i++) {
        const struct assay_serving_ask *a = &f->runs->at[i].ask;
        struct choice                   c = {a->server, a->version, left_out};
        const char                     *how;
        struct assay_serving_numbers    n = assay_serving_numbers_of(out, a->server, "", &how);
        if (!*a->version || has_stack(out, a->server, a->version) || count(f->runs, &c) < VERSION_ROWS)
            continue;
        size_t runs = fit(f, &c, LOOSE_VERSION, &n);
        add_stack(out, a->server, a->version, runs, &n);
    }
    f->tells_strange = false;
}

/* ---- models left out ----------------------------------------------------------------------------------------------- */

static void predict(const struct assay_serving_run *run, const struct assay_serving_fitted *f, double ns[ASSAY_SERVING_FIGURES])
{
    const char                  *how;
    struct assay_serving_numbers n = assay_serving_numbers_of(f, run->ask.server, run->ask.version, &how);
    for (int i = 0; i < ASSAY_SERVING_FIGURES; i++)
        ns[i] = assay_serving_figure_ns(&n, &run->means, run->ask.protocol, (enum assay_serving_figure)i);
}

static bool is_first_of_model(const struct assay_serving_runs *r, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (!strcmp(r->at[j].ask.model, r->at[i].ask.model))
            return false;
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#define COVERED 0.82 /* of the rows, so that of as many new ones 80 of 100 are */

/* What so many of the rows of a kind are off by at most, in logarithms. */
static double half_of(const struct assay_serving_runs *r, int figure, bool experts, bool left_out, double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct assay_serving_run *run = &r->at[i];
        double                          ns = left_out ? run->left_out_ns[figure] : run->fitted_ns[figure];
        if ((run->ask.decoder.experts > 0) == experts && run->measured_ns[figure] > 0 && ns > 0 && !is_doubtful(run))
            room[n++] = fabs(log(ns / run->measured_ns[figure]));
    }
    qsort(room, n, sizeof *room, by_size);
    return n ? room[(size_t)(COVERED * (double)(n - 1))] : 0;
}

static void find_bands(const struct assay_serving_runs *r, double *room, struct assay_serving_fitted *f)
{
    for (int figure = 0; figure < ASSAY_SERVING_FIGURES; figure++)
        for (int left_out = 0; left_out < 2; left_out++) {
            double dense = half_of(r, figure, false, left_out, room), experts = half_of(r, figure, true, left_out, room);
            f->half[figure][0][left_out] = dense > 0 ? dense : experts; /* where one kind was not measured it has the other's */
            f->half[figure][1][left_out] = experts > 0 ? experts : dense;
        }
}

/* Every model by a fit without it, then all by the fit of all. */
static void fit_and_judge(struct fitting *f, struct assay_serving_runs *r, struct assay_serving_fitted *out)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!is_first_of_model(r, i))
            continue;
        fit_all(f, r->at[i].ask.model, out);
        for (size_t j = i; j < r->n; j++)
            if (!strcmp(r->at[j].ask.model, r->at[i].ask.model))
                predict(&r->at[j], out, r->at[j].left_out_ns);
    }
    fit_all(f, "", out);
    for (size_t i = 0; i < r->n; i++) {
        predict(&r->at[i], out, r->at[i].fitted_ns);
        if (is_first_of_model(r, i) && out->n_models < ASSAY_SERVING_MODELS)
            (void)assay_string_copy(out->models[out->n_models++], sizeof out->models[0], r->at[i].ask.model);
    }
}

enum assay_code assay_serving_calibrate(struct assay_serving_runs *r, struct assay_serving_fitted *out, struct assay_error *err)
{
    struct fitting              f = {.runs = r, .rows = calloc(2 * r->n + 1, sizeof *f.rows), .weight = calloc(2 * r->n + 1, sizeof *f.weight)};
    double                     *room = calloc(r->n + 1, sizeof *room);
    struct assay_serving_fitted fitted = {.n_devices = r->n_devices};
    if (f.rows && f.weight && room) {
        fit_and_judge(&f, r, &fitted);
        find_bands(r, room, &fitted);
        memcpy(fitted.devices, r->devices, sizeof fitted.devices);
        memcpy(fitted.fingerprint, r->fingerprint, sizeof fitted.fingerprint);
        memcpy(fitted.kernels, r->kernels, sizeof fitted.kernels);
        *out = fitted;
    } else
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a fit of %zu runs", r->n);
    free(f.rows);
    free(f.weight);
    free(room);
    return err->code;
}

/* ---- the page ------------------------------------------------------------------------------------------------------ */

static void print_line(FILE *to, const struct assay_serving_runs *r, const struct assay_serving_fitted *f, const char *model, const char *server,
                       int figure, double *off)
{
    size_t n = 0, inside = 0;
    double bias = 0, half = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct assay_serving_run *run = &r->at[i];
        if ((*model && strcmp(model, run->ask.model) != 0) || (*server && strcmp(server, run->ask.server) != 0) || !(run->measured_ns[figure] > 0))
            continue;
        double ln = log(run->left_out_ns[figure] / run->measured_ns[figure]), own = f->half[figure][run->ask.decoder.experts > 0][1];
        bias += ln;
        half += own;
        inside += fabs(ln) <= own;
        off[n++] = fabs(expm1(ln));
    }
    if (!n)
        return;
    qsort(off, n, sizeof *off, by_size);
    fprintf(to, "| %s | %s | %s | %zu | %.1f | %.1f | %+.1f | %.0f | %.2f |\n", assay_serving_figure_names[figure], *model ? model : "all",
            *server ? server : "all", n, 100 * off[n / 2], 100 * off[n - 1 - n / 10], 100 * expm1(bias / (double)n),
            100 * (double)inside / (double)n, 2 * half / (double)n);
}

static bool is_first_of_pair(const struct assay_serving_runs *r, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (alike(&r->at[j].ask, &r->at[i].ask))
            return false;
    return true;
}

char *assay_serving_table(const struct assay_serving_runs *r, const struct assay_serving_fitted *f)
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
            "# Serving, models left out\n\nWritten by `make model-table` from runs with the fingerprint `%.16s…`. Each decoder is predicted by numbers of\n"
            "servers that were fitted without any run of it. The bands are those that are shipped, of chips that were fitted on; they come from these\n"
            "same residuals, so the coverage says how evenly they fit, not more (README.md, \"Serving\").\n\n"
            "| figure | model | server | runs | median error %% | 90th percentile %% | bias %% | in the 80 %% band %% | ln(p90/p10) |\n"
            "|---|---|---|---|---|---|---|---|---|\n",
            f->fingerprint);
    for (int figure = 0; figure < ASSAY_SERVING_FIGURES; figure++) {
        for (size_t i = 0; i < r->n; i++)
            if (is_first_of_pair(r, i))
                print_line(to, r, f, r->at[i].ask.model, r->at[i].ask.server, figure, off);
        print_line(to, r, f, "", "", figure, off);
    }
    free(off);
    return assay_memory_stream_end(to, &text);
}
