#include "harness/model/cluster/train_fit.h"

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
    struct assay_train_desk *at[ASSAY_TRAIN_DEVICES];
    struct assay_described  *device[ASSAY_TRAIN_DEVICES];
};

static enum assay_code desk_of(struct assay_train_runs *r, struct desks *desks, const char *name, const struct assay_fitted *kernels, size_t *out,
                               struct assay_error *err)
{
    struct assay_described *d = NULL;
    size_t                  i = 0;
    if (assay_described_find(name, &d, err))
        return err->code;
    while (i < r->n_devices && strcmp(r->devices[i], d->name) != 0)
        i++;
    *out = i;
    if (i == ASSAY_TRAIN_DEVICES || !assay_string_copy(r->devices[i], sizeof *r->devices, d->name))
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "more than %d devices, or one with a name that is too long", ASSAY_TRAIN_DEVICES);
    else if (!desks->at[i]) {
        struct assay_coefficients k = assay_fitted_of(kernels, d->vendor, d->name);
        struct assay_chip         chip = assay_chip_middle(d);
        if (!assay_train_desk_new(d, &chip, &k, &desks->at[i], err)) {
            desks->device[i] = d;
            r->n_devices += i == r->n_devices;
            return ASSAY_OK;
        }
    }
    assay_described_free(d);
    return err->code;
}

static enum assay_code run_add(struct assay_train_runs *r, const struct assay_train_run *run, struct assay_error *err)
{
    if (r->n == r->capacity) {
        size_t                  capacity = r->capacity ? 2 * r->capacity : 256;
        struct assay_train_run *grown = realloc(r->at, capacity * sizeof *grown);
        if (!grown)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu runs", capacity);
        r->at = grown;
        r->capacity = capacity;
    }
    r->at[r->n++] = *run;
    return ASSAY_OK;
}

static enum assay_code read_row(struct assay_train_runs *r, struct desks *desks, const struct assay_cases_row *row, const struct assay_fitted *kernels,
                                const struct assay_decoder_finder *shapes, struct assay_error *err)
{
    struct assay_train_run run = {.device = 0};
    size_t                 column = assay_csv_column(row->csv, assay_cases_tables[ASSAY_CASES_TRAIN].figures[0]);
    double                 value = column < row->csv->n_columns ? strtod(assay_csv_cell(row->csv, row->row, column), NULL) : 0;
    const char            *device = assay_csv_cell(row->csv, row->row, row->c->device);
    struct assay_error     why = {.code = ASSAY_OK};
    if (!(value > 0 && value < 1e30))
        return ASSAY_OK;
    if (desk_of(r, desks, device, kernels, &run.device, err) || assay_train_ask_read(row, device, shapes, &run.ask, err))
        return assay_error_in(err, "row %zu", row->row + 1);
    if (assay_train_answer_of(desks->at[run.device], &run.ask, &run.answer, &why)) {
        if (why.code == ASSAY_MEMORY)
            *err = why;
        r->refused++;
        return err->code;
    }
    run.answer.fabric = ""; /* it lives with the desk */
    run.measured_ns = assay_train_step_ns(&run.ask, &run.answer, value);
    return run_add(r, &run, err);
}

static enum assay_code read_rows(struct assay_train_runs *r, const struct assay_csv *csv, const struct assay_fitted *kernels,
                                 const struct assay_decoder_finder *shapes, struct assay_error *err)
{
    struct assay_cases_columns c = assay_cases_columns_of(csv, ASSAY_CASES_TRAIN);
    struct desks               desks = {{NULL}, {NULL}};
    if (c.device == csv->n_columns)
        return ASSAY_FAIL(err, ASSAY_DATA, "a table to fit on needs the column 'device'");
    for (size_t row = 0; row < csv->n_rows && !err->code; row++)
        (void)read_row(r, &desks, &(struct assay_cases_row){csv, &c, row}, kernels, shapes, err);
    for (size_t i = 0; i < ASSAY_TRAIN_DEVICES; i++) {
        assay_train_desk_free(desks.at[i]);
        assay_described_free(desks.device[i]);
    }
    return err->code;
}

enum assay_code assay_train_runs_read(struct assay_train_runs *r, const char *path, const struct assay_fitted *kernels,
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

void assay_train_runs_release(struct assay_train_runs *r)
{
    free(r->at);
    *r = (struct assay_train_runs){.n = 0};
}

/* ---- fitting ------------------------------------------------------------------------------------------------------- */

#define LOOSE_BASE 0.15 /* of all stacks: of the values tried (0.15, 0.3, 1) the one that is off least on chips left out, all kinds together */
#define LOOSE_STACK 0.5
#define GUESSED_WEIGHT 0.3 /* of a run whose plan had to be guessed */
#define FEW 8              /* a group with so few rows does not weigh more for it */
#define NOBODY ((size_t)-1)

/* Which runs a fit sees: of this stack (NULL: all), not of this model (NULL: all), not of this device (NOBODY: all). */
struct choice {
    const struct assay_train_stack *stack;
    const char                     *model;
    size_t                          device;
};
struct fitting {
    const struct assay_train_runs *runs;
    size_t                        *rows;
    double                        *weight;
    size_t                         n;
};

static double residual_of(void *self, size_t row, const double *numbers)
{
    const struct fitting         *f = self;
    const struct assay_train_run *run = &f->runs->at[f->rows[row]];
    struct assay_train_numbers    n;
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        n.value[i] = numbers[i];
    return log(assay_train_ns(&n, &run->answer) / run->measured_ns);
}

static double weight_of(void *self, size_t row)
{
    return ((struct fitting *)self)->weight[row];
}

static bool is_chosen(const struct choice *c, const struct assay_train_run *run)
{
    return !run->ask.judges && (!c->stack || c->stack == run->ask.stack) && (!c->model || strcmp(c->model, run->ask.model) != 0) &&
           c->device != run->device;
}

static bool alike(const struct assay_train_run *a, const struct assay_train_run *b)
{
    return a->ask.stack == b->ask.stack && a->device == b->device && !strcmp(a->ask.model, b->ask.model);
}

/* Every group of stack, device and model weighs the same, the square root of its rows being what they say. */
static void weigh(struct fitting *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct assay_train_run *run = &f->runs->at[f->rows[i]];
        size_t                        n = 0;
        for (size_t j = 0; j < f->n; j++)
            n += alike(run, &f->runs->at[f->rows[j]]);
        f->weight[i] = (assay_train_kind_of(&run->answer) == ASSAY_TRAIN_GUESSED ? GUESSED_WEIGHT : 1) / sqrt((double)n + FEW);
    }
}

/* Moves *n to the rows that are chosen; how many these were. */
static size_t fit(struct fitting *f, const struct choice *c, double loose, struct assay_train_numbers *n)
{
    struct assay_least_squares p = {.residual = residual_of, .weight = weight_of, .self = f, .loose = loose, .n_numbers = ASSAY_TRAIN_NUMBERS};
    double                     numbers[ASSAY_LEAST_SQUARES_NUMBERS];
    f->n = 0;
    for (size_t i = 0; i < f->runs->n; i++)
        if (is_chosen(c, &f->runs->at[i]))
            f->rows[f->n++] = i;
    weigh(f);
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++) {
        numbers[i] = n->value[i];
        p.begin[i] = log(n->value[i]);
        p.low[i] = assay_train_numbers[i].low;
        p.high[i] = assay_train_numbers[i].high;
    }
    p.n_rows = f->n;
    if (p.n_rows)
        assay_least_squares(&p, numbers);
    for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
        n->value[i] = numbers[i];
    return f->n;
}

/* The base of all, then each stack from there. */
static void fit_all(struct fitting *f, const char *model, size_t device, struct assay_train_fitted *out)
{
    out->base = assay_train_numbers_begin();
    out->n_stacks = 0;
    (void)fit(f, &(struct choice){NULL, model, device}, LOOSE_BASE, &out->base);
    for (const struct assay_train_stack *s = assay_train_stacks; s->name; s++) {
        struct assay_train_numbers n = out->base;
        size_t                     rows = fit(f, &(struct choice){s, model, device}, LOOSE_STACK, &n);
        if (!rows || out->n_stacks == ASSAY_TRAIN_STACKS)
            continue;
        struct assay_train_stack_fit *fitted = &out->stacks[out->n_stacks++];
        *fitted = (struct assay_train_stack_fit){.rows = (unsigned)rows};
        (void)assay_string_copy(fitted->name, sizeof fitted->name, s->name);
        for (size_t i = 0; i < ASSAY_TRAIN_NUMBERS; i++)
            fitted->factor[i] = n.value[i] / out->base.value[i];
    }
}

static double predict(const struct assay_train_run *run, const struct assay_train_fitted *f)
{
    bool                       measured;
    struct assay_train_numbers n = assay_train_numbers_of(f, run->ask.stack->name, &measured);
    return assay_train_ns(&n, &run->answer);
}

static bool is_first_of_model(const struct assay_train_runs *r, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (!strcmp(r->at[j].ask.model, r->at[i].ask.model))
            return false;
    return true;
}

/* Every model, then every chip, by a fit without it; then all by the fit of all. */
static void fit_and_judge(struct fitting *f, struct assay_train_runs *r, struct assay_train_fitted *out)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!is_first_of_model(r, i))
            continue;
        fit_all(f, r->at[i].ask.model, NOBODY, out);
        for (size_t j = i; j < r->n; j++)
            if (!strcmp(r->at[j].ask.model, r->at[i].ask.model))
                r->at[j].no_model_ns = predict(&r->at[j], out);
    }
    for (size_t device = 0; device < r->n_devices; device++) {
        fit_all(f, NULL, device, out);
        for (size_t j = 0; j < r->n; j++)
            if (r->at[j].device == device)
                r->at[j].no_chip_ns = predict(&r->at[j], out);
    }
    fit_all(f, NULL, NOBODY, out);
    for (size_t i = 0; i < r->n; i++) {
        r->at[i].fitted_ns = predict(&r->at[i], out);
        r->at[i].taught = !r->at[i].ask.judges;
    }
}

/* ---- bands --------------------------------------------------------------------------------------------------------- */

#define COVERED 0.80    /* of the rows; what descriptions leave open comes on top */
#define LEAST_HALF 0.08 /* what few runs of the past cannot show */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double off_by(double ns, double measured_ns)
{
    return fabs(log(ns / measured_ns));
}

/* What so many of the rows of a kind are off by at most when their model was left out, or their chip: the mean of both, as a new run is
 * seldom new in both ways. */
static double half_of(const struct assay_train_runs *r, int kind, double *room)
{
    double half = 0;
    for (int chip = 0; chip < 2; chip++) {
        size_t n = 0;
        for (size_t i = 0; i < r->n; i++)
            if ((kind == ASSAY_TRAIN_KINDS || (int)assay_train_kind_of(&r->at[i].answer) == kind))
                room[n++] = off_by(chip ? r->at[i].no_chip_ns : r->at[i].no_model_ns, r->at[i].measured_ns);
        qsort(room, n, sizeof *room, by_size);
        half += n ? room[(size_t)(COVERED * (double)(n - 1))] / 2 : 0;
    }
    return half;
}

enum assay_code assay_train_calibrate(struct assay_train_runs *r, struct assay_train_fitted *out, struct assay_error *err)
{
    struct fitting            f = {.runs = r, .rows = calloc(r->n + 1, sizeof *f.rows), .weight = calloc(r->n + 1, sizeof *f.weight)};
    double                   *room = calloc(r->n + 1, sizeof *room);
    struct assay_train_fitted fitted = {.n_devices = r->n_devices};
    if (f.rows && f.weight && room) {
        fit_and_judge(&f, r, &fitted);
        double all = half_of(r, ASSAY_TRAIN_KINDS, room);
        for (int i = 0; i < ASSAY_TRAIN_KINDS; i++) {
            double half = half_of(r, i, room);
            fitted.half[i] = fmax(LEAST_HALF, half > 0 ? half : all); /* where one kind was not measured it has that of all */
        }
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

struct line {
    const char *what, *name;
    double      half, *off;
    size_t      n, inside;
    double      bias, width;
};

static void line_add(struct line *l, const struct assay_train_run *run, double ns, const struct assay_train_fitted *f)
{
    double ln = log(ns / run->measured_ns), half = f->half[assay_train_kind_of(&run->answer)];
    l->bias += ln;
    l->width += 2 * half;
    l->inside += fabs(ln) <= half;
    l->off[l->n++] = fabs(expm1(ln));
}

static void line_print(FILE *to, struct line *l)
{
    if (!l->n)
        return;
    double n = (double)l->n;
    qsort(l->off, l->n, sizeof *l->off, by_size);
    fprintf(to, "| %s | %s | %zu | %.1f | %.1f | %+.1f | %.0f | %.2f |\n", l->what, l->name, l->n, 100 * l->off[l->n / 2],
            100 * l->off[l->n - 1 - l->n / 10], 100 * expm1(l->bias / n), 100 * (double)l->inside / n, l->width / n);
}

static void print_models(FILE *to, const struct assay_train_runs *r, const struct assay_train_fitted *f, double *off)
{
    for (size_t i = 0; i < r->n; i++) {
        struct line l = {.what = "model", .name = r->at[i].ask.model, .off = off};
        if (!is_first_of_model(r, i))
            continue;
        for (size_t j = i; j < r->n; j++)
            if (!strcmp(r->at[j].ask.model, r->at[i].ask.model))
                line_add(&l, &r->at[j], r->at[j].no_model_ns, f);
        line_print(to, &l);
    }
}

static void print_kinds(FILE *to, const struct assay_train_runs *r, const struct assay_train_fitted *f, double *off)
{
    for (int chip = 0; chip < 2; chip++)
        for (int kind = 0; kind <= ASSAY_TRAIN_KINDS; kind++) {
            struct line l = {.what = chip ? "all chips" : "all models", .name = kind < ASSAY_TRAIN_KINDS ? assay_train_kind_names[kind] : "all", .off = off};
            for (size_t i = 0; i < r->n; i++)
                if (kind == ASSAY_TRAIN_KINDS || (int)assay_train_kind_of(&r->at[i].answer) == kind)
                    line_add(&l, &r->at[i], chip ? r->at[i].no_chip_ns : r->at[i].no_model_ns, f);
            line_print(to, &l);
        }
}

static void print_chips(FILE *to, const struct assay_train_runs *r, const struct assay_train_fitted *f, double *off)
{
    for (size_t device = 0; device < r->n_devices; device++) {
        struct line l = {.what = "chip", .name = r->devices[device], .off = off};
        for (size_t i = 0; i < r->n; i++)
            if (r->at[i].device == device)
                line_add(&l, &r->at[i], r->at[i].no_chip_ns, f);
        line_print(to, &l);
    }
}

static void print_page(FILE *to, const struct assay_train_runs *r, const struct assay_train_fitted *f, double *off)
{
    struct line judges = {.what = "never fitted", .name = "Megatron, arXiv 2205.05198", .off = off};
    fprintf(to,
            "# Training, models and chips left out\n\nWritten by `make model-table` from runs with the fingerprint `%.16s…`. Each decoder, then each chip, is predicted\n"
            "by numbers of stacks that were fitted without any run of it. The bands are those that are shipped; they come from these same residuals, so the\n"
            "coverage says how evenly they fit, not more (README.md, \"Published runs\"). Runs whose plan had to be guessed are a kind of their own.\n\n"
            "| left out | | runs | median error %% | 90th percentile %% | bias %% | in the 80 %% band %% | ln(p90/p10) |\n"
            "|---|---|---|---|---|---|---|---|\n",
            f->fingerprint);
    print_models(to, r, f, off);
    print_chips(to, r, f, off);
    print_kinds(to, r, f, off);
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].ask.judges)
            line_add(&judges, &r->at[i], r->at[i].fitted_ns, f);
    line_print(to, &judges);
}

char *assay_train_table(const struct assay_train_runs *r, const struct assay_train_fitted *f)
{
    char   *text = NULL;
    size_t  bytes = 0;
    double *off = calloc(r->n + 1, sizeof *off);
    FILE   *to = off ? open_memstream(&text, &bytes) : NULL;
    if (!to) {
        free(off);
        return NULL;
    }
    print_page(to, r, f, off);
    free(off);
    return assay_memory_stream_end(to, &text);
}
