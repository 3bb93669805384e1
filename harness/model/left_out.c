#include "harness/model/left_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/model/interval.h"

#include "assay/banned.h"

#define LOOSE 1.0        /* of the base: published constants are good to a factor of e */
#define LOOSE_VENDOR 0.4 /* of another vendor's factors: one chip may not move them far */
#define ROWS_LEAST 20    /* of a cell of the spreads */
#define INNER 0.8        /* quantile of the error about a chip's median */
#define WANTED 0.82      /* coverage that the bands are scaled to on chips left out: 0.8, and a little for so few chips */

static bool has_class(const struct assay_measurements *s, size_t chip, enum assay_kernel_class class)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].chip == chip && s->at[i].kernel.class == class)
            return true;
    return false;
}

static struct assay_vendor_fit *vendor_add(struct assay_fitted *f, const char *name)
{
    for (size_t i = 0; i < f->n_vendors; i++)
        if (!strcmp(f->vendors[i].name, name))
            return &f->vendors[i];
    if (f->n_vendors == ASSAY_VENDORS_MOST)
        return NULL;
    struct assay_vendor_fit *v = &f->vendors[f->n_vendors++];
    (void)assay_string_copy(v->name, sizeof v->name, name);
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        v->factor[i] = 1;
    return v;
}

/* The entry of a device: found, or added with what likeness is told by. NULL: there are too many. */
static struct assay_fitted_device *device_add(struct assay_fitted *f, const struct assay_measured_chip *chip)
{
    for (size_t i = 0; i < f->n_devices; i++)
        if (!strcmp(f->devices[i].name, chip->name))
            return &f->devices[i];
    if (f->n_devices == ASSAY_FITTED_DEVICES)
        return NULL;
    struct assay_fitted_device *d = &f->devices[f->n_devices++];
    const double               *field = chip->chip.field;
    (void)assay_string_copy(d->name, sizeof d->name, chip->name);
    (void)assay_string_copy(d->vendor, sizeof d->vendor, chip->vendor);
    d->clock_hz = field[ASSAY_DEVICE_CLOCK];
    d->core_flops_per_clock = field[ASSAY_DEVICE_PEAK_BF16] / (field[ASSAY_DEVICE_CORES] * d->clock_hz);
    d->hbm = chip->chip.memory_class == ASSAY_MEMORY_HBM;
    for (size_t i = 0; i < ASSAY_KERNEL_CLASSES * ASSAY_FORMAT_CLASSES; i++)
        d->effect[i / ASSAY_FORMAT_CLASSES][i % ASSAY_FORMAT_CLASSES] = NAN;
    return d;
}

static enum assay_code too_many(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_CONFIG, "measurements of more than %d devices or %d vendors", ASSAY_FITTED_DEVICES,
                      ASSAY_VENDORS_MOST);
}

/* Who was measured at what; the vendor with the most chips, whose chips the base is fitted on. */
static enum assay_code take_stock(const struct assay_measurements *s, struct assay_fitted *f, const char **most,
                                  struct assay_error *err)
{
    unsigned most_chips = 0;
    for (size_t chip = 0; chip < s->n_chips; chip++) {
        struct assay_vendor_fit    *v = vendor_add(f, s->chips[chip].vendor);
        struct assay_fitted_device *d = device_add(f, &s->chips[chip]);
        if (!v || !d)
            return too_many(err);
        for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
            d->classes[c] = has_class(s, chip, (enum assay_kernel_class)c);
            v->chips[c] += d->classes[c];
        }
    }
    for (size_t i = 0; i < f->n_vendors; i++) {
        unsigned chips = 0;
        for (size_t chip = 0; chip < s->n_chips; chip++)
            chips += !strcmp(s->chips[chip].vendor, f->vendors[i].name);
        if (chips > most_chips) {
            most_chips = chips;
            *most = f->vendors[i].name;
        }
    }
    (void)assay_string_copy(f->fingerprint, sizeof f->fingerprint, s->fingerprint);
    return ASSAY_OK;
}

/* Products come first: grouped ones and attention build on their coefficients. */
static enum assay_code fit_base(const struct assay_measurements *s, size_t left_out, const char *vendor,
                                struct assay_coefficients *k, struct assay_error *err)
{
    *k = assay_coefficients_begin();
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        const struct assay_fit_choice choice = {.class = (enum assay_kernel_class)c, .left_out = left_out, .vendor = vendor};
        if (assay_fit(s, &choice, LOOSE, k, err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code fit_vendor(const struct assay_measurements *s, const struct assay_fitted *f, struct assay_vendor_fit *v,
                                  struct assay_error *err)
{
    struct assay_coefficients k = f->base;
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        const struct assay_fit_choice choice = {.class = (enum assay_kernel_class)c, .left_out = s->n_chips, .vendor = v->name};
        if (v->chips[c] && assay_fit(s, &choice, LOOSE_VENDOR, &k, err))
            return err->code;
    }
    for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
        v->factor[i] = k.value[i] / f->base.value[i];
    return ASSAY_OK;
}

static enum assay_dtype dtype_of(const struct assay_kernel *k)
{
    switch (k->class) {
    case ASSAY_KERNEL_GEMM: return k->gemm.compute;
    case ASSAY_KERNEL_PREFILL:
    case ASSAY_KERNEL_DECODE: return k->attention.compute;
    case ASSAY_KERNEL_MOE: return k->moe.compute;
    default: return ASSAY_DTYPE_NONE;
    }
}

static double roofline_of(const struct assay_chip *chip, const struct assay_kernel *kernel, const struct assay_price *p)
{
    enum assay_dtype dtype = dtype_of(kernel);
    double           work_s = dtype ? p->flops / assay_chip_peak(chip, dtype) : 0;
    double           link_s = p->link_bytes > 0 ? p->link_bytes / chip->field[ASSAY_DEVICE_SCALE_UP] : 0;
    return 1e9 * fmax(fmax(work_s, link_s), fmax(p->memory_bytes, p->cache_bytes) / chip->field[ASSAY_DEVICE_BANDWIDTH]);
}

/* With what the fit `f` says of chips like it, its own rows aside. */
static void price_chip(const struct assay_measurements *s, const struct assay_fitted *f, size_t chip,
                       const struct assay_coefficients *k, struct assay_left_out *rows)
{
    const struct assay_measured_chip *c = &s->chips[chip];
    for (size_t i = 0; i < s->n; i++) {
        struct assay_price price;
        struct assay_error err;
        if (s->at[i].chip != chip)
            continue;
        bool   priced = !assay_kernel_price(&s->chips[chip].chip, k, &s->at[i].kernel, &price, &err);
        double like = assay_fitted_likeness(f, c->vendor, &c->chip, s->at[i].kernel.class, s->at[i].kernel.format, c->name);
        rows[i] = (struct assay_left_out){.ns = 0};
        if (priced)
            rows[i] = (struct assay_left_out){.ns = price.ns * like,
                                              .roofline_ns = roofline_of(&c->chip, &s->at[i].kernel, &price),
                                              .regime = assay_price_regime(&price)};
    }
}

/* ---- spreads ---- */

struct weighted {
    double value, weight;
};
static int by_value(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static double quantile(struct weighted *w, size_t n, double q)
{
    double sum = 0, so_far = 0;
    qsort(w, n, sizeof *w, by_value);
    for (size_t i = 0; i < n; i++)
        sum += w[i].weight;
    for (size_t i = 0; i < n; i++) {
        so_far += w[i].weight;
        if (so_far >= q * sum)
            return w[i].value;
    }
    return 0;
}

/* Samples of one class on chips of one vendor, with room for their quantiles. */
struct residuals {
    const struct assay_measurements *s;
    const struct assay_left_out     *rows;
    enum assay_kernel_class class;
    const char      *vendor;
    struct weighted *room;
};

static bool in_class(const struct residuals *r, size_t i)
{
    return r->rows[i].ns > 0 && r->s->at[i].kernel.class == r->class && !strcmp(r->s->chips[r->s->at[i].chip].vendor, r->vendor);
}

static double residual_of(const struct residuals *r, size_t i)
{
    return log(r->rows[i].ns / r->s->at[i].measured_ns);
}

static double chip_rows(const struct residuals *r, size_t chip)
{
    double n = 0;
    for (size_t i = 0; i < r->s->n; i++)
        n += in_class(r, i) && r->s->at[i].chip == chip;
    return n;
}

static double chip_median(const struct residuals *r, size_t chip)
{
    size_t n = 0;
    for (size_t i = 0; i < r->s->n; i++)
        if (in_class(r, i) && r->s->at[i].chip == chip)
            r->room[n++] = (struct weighted){residual_of(r, i), 1};
    return n ? quantile(r->room, n, 0.5) : NAN;
}

static bool in_cell(const struct assay_measurements *s, const struct assay_left_out *rows, size_t i, int memory, int format,
                    int regime)
{
    int mine = s->chips[s->at[i].chip].chip.memory_class == ASSAY_MEMORY_HBM ? 0 : 1;
    return (memory < 0 || mine == memory) && (format < 0 || (int)s->at[i].kernel.format == format) &&
           (regime < 0 || (int)rows[i].regime == regime);
}

/* The inner quantile of a cell's errors about the chips' medians; 0 where there are too few. A negative index takes all. */
static double cell_error(const struct residuals *r, const double *medians, const double *counts, int memory, int format,
                         int regime)
{
    size_t n = 0;
    for (size_t i = 0; i < r->s->n; i++)
        if (in_class(r, i) && in_cell(r->s, r->rows, i, memory, format, regime)) {
            size_t chip = r->s->at[i].chip;
            r->room[n++] = (struct weighted){fabs(residual_of(r, i) - medians[chip]), 1 / counts[chip]};
        }
    return n >= ROWS_LEAST ? quantile(r->room, n, INNER) : 0;
}

/* How much wider the bands must be for the wanted share of rows, chips counting alike, to lie in them. */
static double scale_of(const struct residuals *r, const struct assay_fitted *f, const double *counts)
{
    size_t n = 0;
    for (size_t i = 0; i < r->s->n; i++)
        if (in_class(r, i)) {
            const struct assay_measured_chip *chip = &r->s->chips[r->s->at[i].chip];
            double half = assay_band_measured(f, chip->vendor, r->class, chip->chip.memory_class, r->s->at[i].kernel.format,
                                              r->rows[i].regime);
            r->room[n++] = (struct weighted){fabs(residual_of(r, i)) / half, 1 / counts[r->s->at[i].chip]};
        }
    return n ? quantile(r->room, n, WANTED) : 1;
}

static void spread_class(const struct residuals *r, struct assay_fitted *f, double *medians, double *counts)
{
    struct assay_spread *spread = &f->spreads[r->class];
    double               sum = 0, squares = 0;
    for (size_t chip = 0; chip < r->s->n_chips; chip++) {
        medians[chip] = chip_median(r, chip);
        counts[chip] = chip_rows(r, chip);
        if (isnan(medians[chip]))
            continue;
        spread->chips++;
        sum += medians[chip];
        squares += medians[chip] * medians[chip];
    }
    if (spread->chips < 2)
        return;
    double n = spread->chips;
    spread->chip_sd = sqrt(fmax(0, (squares - sum * sum / n) / (n - 1)));
    for (int m = 0; m < 2; m++)
        for (int format = 0; format < ASSAY_FORMAT_CLASSES; format++)
            for (int regime = 0; regime < ASSAY_REGIMES; regime++)
                spread->error[m][format][regime] = cell_error(r, medians, counts, m, format, regime);
    spread->pooled = cell_error(r, medians, counts, -1, -1, -1);
    spread->scale = 1;
    spread->scale = scale_of(r, f, counts);
}

static enum assay_code fit_spreads(const struct assay_measurements *s, const struct assay_left_out *rows, const char *vendor,
                                   struct assay_fitted *f, struct assay_error *err)
{
    struct weighted *room = calloc(s->n + 1, sizeof *room);
    double          *of_chips = calloc(2 * s->n_chips + 2, sizeof *of_chips);
    for (int c = 0; room && of_chips && c < ASSAY_KERNEL_CLASSES; c++) {
        const struct residuals r = {s, rows, (enum assay_kernel_class)c, vendor, room};
        spread_class(&r, f, of_chips, of_chips + s->n_chips);
    }
    bool had = room && of_chips;
    free(room);
    free(of_chips);
    return had ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for residuals");
}

/* The medians of a chip's residuals under coefficients that were fitted on it. */
static void effects_of(const struct assay_measurements *s, size_t chip, const struct assay_coefficients *k,
                       struct assay_fitted_device *d, struct weighted *room)
{
    for (size_t i = 0; i < ASSAY_KERNEL_CLASSES * ASSAY_FORMAT_CLASSES; i++) {
        size_t class = i / ASSAY_FORMAT_CLASSES, format = i % ASSAY_FORMAT_CLASSES, n = 0;
        for (size_t row = 0; row < s->n; row++) {
            const struct assay_measurement *m = &s->at[row];
            struct assay_price              price;
            struct assay_error              none = {.code = ASSAY_OK};
            if (m->chip == chip && (size_t)m->kernel.class == class && (size_t)m->kernel.format == format &&
                !assay_kernel_price(&s->chips[chip].chip, k, &m->kernel, &price, &none))
                room[n++] = (struct weighted){log(price.ns / m->measured_ns), 1};
        }
        if (n)
            d->effect[class][format] = quantile(room, n, 0.5);
    }
}

/* Of all chips; `base` NULL: by each vendor's own coefficients. */
static enum assay_code fit_effects(const struct assay_measurements *s, const struct assay_coefficients *base,
                                   struct assay_fitted *f, struct assay_error *err)
{
    struct weighted *room = calloc(s->n + 1, sizeof *room);
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for residuals");
    for (size_t chip = 0; chip < s->n_chips; chip++) {
        struct assay_coefficients k = base ? *base : assay_fitted_of(f, s->chips[chip].vendor, s->chips[chip].name);
        effects_of(s, chip, &k, device_add(f, &s->chips[chip]), room);
    }
    free(room);
    return ASSAY_OK;
}

enum assay_code assay_calibrate(struct assay_measurements *samples, struct assay_fitted *out, struct assay_left_out *rows,
                                struct assay_error *err)
{
    struct assay_fitted f = {.n_vendors = 0};
    const char         *most = "";
    if (take_stock(samples, &f, &most, err) || fit_base(samples, samples->n_chips, most, &f.base, err))
        return err->code;
    for (size_t i = 0; i < f.n_vendors; i++)
        if (strcmp(f.vendors[i].name, most) != 0 && fit_vendor(samples, &f, &f.vendors[i], err))
            return err->code;
    for (size_t chip = 0; chip < samples->n_chips; chip++) {
        struct assay_coefficients k = f.base; /* a vendor's only chip is left out by its factors alone */
        if (!strcmp(samples->chips[chip].vendor, most) && fit_base(samples, chip, most, &k, err))
            return err->code;
        if (fit_effects(samples, &k, &f, err))
            return err->code;
        price_chip(samples, &f, chip, &k, rows);
    }
    if (fit_effects(samples, NULL, &f, err))
        return err->code;
    if (fit_spreads(samples, rows, most, &f, err))
        return err->code;
    *out = f;
    return ASSAY_OK;
}

enum assay_code assay_calibrate_own(struct assay_measurements *samples, struct assay_fitted *f, struct assay_error *err)
{
    for (size_t chip = 0; chip < samples->n_chips; chip++) {
        const struct assay_measured_chip *c = &samples->chips[chip];
        struct assay_coefficients         k = assay_fitted_of(f, c->vendor, c->name);
        struct assay_vendor_fit          *v = vendor_add(f, c->name);
        struct assay_fitted_device       *d = device_add(f, c);
        if (!v || !d)
            return too_many(err);
        for (int class = 0; class < ASSAY_KERNEL_CLASSES; class ++) {
            const struct assay_fit_choice choice = {
                .class = (enum assay_kernel_class) class, .left_out = samples->n_chips, .device = c->name};
            d->classes[class] |= has_class(samples, chip, choice.class);
            if (assay_fit(samples, &choice, LOOSE_VENDOR, &k, err))
                return err->code;
        }
        for (size_t i = 0; i < ASSAY_COEFFICIENTS; i++)
            v->factor[i] = k.value[i] / f->base.value[i];
    }
    char both[130];
    (void)snprintf(both, sizeof both, "%s%s", f->fingerprint, samples->fingerprint);
    assay_sha256_hex(both, strlen(both), f->fingerprint);
    return fit_effects(samples, NULL, f, err);
}

/* ---- the table ---- */

struct line {
    size_t rows;
    double median, p90, bias, coverage, width;
};

/* Of one class, chip and format; format < 0: all. */
static struct line line_of(const struct residuals *r, const struct assay_fitted *f, size_t chip, int format,
                           struct weighted *errors)
{
    struct line l = {0};
    for (size_t i = 0; i < r->s->n; i++) {
        if (!in_class(r, i) || r->s->at[i].chip != chip || (format >= 0 && (int)r->s->at[i].kernel.format != format))
            continue;
        const struct assay_measured_chip *c = &r->s->chips[chip];
        struct assay_band                 band =
            assay_band_of(f, c->vendor, r->class, c->chip.memory_class, r->s->at[i].kernel.format, r->rows[i].regime);
        double residual = residual_of(r, i);
        errors[l.rows] = (struct weighted){fabs(expm1(residual)), 1};
        r->room[l.rows++] = (struct weighted){residual, 1};
        l.coverage += fabs(residual) <= band.half;
        l.width += 2 * band.half;
    }
    if (!l.rows)
        return l;
    l.median = quantile(errors, l.rows, 0.5);
    l.p90 = quantile(errors, l.rows, 0.9);
    l.bias = quantile(r->room, l.rows, 0.5);
    l.coverage /= (double)l.rows;
    l.width /= (double)l.rows;
    return l;
}

typedef void print_line(FILE *out, const struct residuals *r, const struct assay_fitted *f, size_t chip, int format,
                        const struct line *l);

static void print_markdown(FILE *out, const struct residuals *r, const struct assay_fitted *f, size_t chip, int format,
                           const struct line *l)
{
    (void)f;
    fprintf(out, "| %s | %s | %s | %zu | %.1f | %.1f | %+.1f | %.0f | %.2f |\n", assay_kernel_class_names[r->class],
            r->s->chips[chip].name, assay_format_class_names[format], l->rows, 100 * l->median, 100 * l->p90,
            100 * expm1(l->bias), 100 * l->coverage, l->width);
}

static void print_csv(FILE *out, const struct residuals *r, const struct assay_fitted *f, size_t chip, int format,
                      const struct line *l)
{
    fprintf(out, "%.16s,%s,%s,%s,%zu,%.4f,%.4f,%.4f,%.4f,%.4f\n", f->fingerprint, assay_kernel_class_names[r->class],
            r->s->chips[chip].name, assay_format_class_names[format], l->rows, l->median, l->p90, expm1(l->bias), l->coverage,
            l->width);
}

static void print_lines(FILE *out, const struct residuals *all, const struct assay_fitted *f, struct weighted *errors,
                        print_line *print)
{
    for (size_t chip = 0; chip < all->s->n_chips; chip++)
        for (int format = 0; format < ASSAY_FORMAT_CLASSES; format++) {
            struct residuals r = *all;
            r.vendor = r.s->chips[chip].vendor;
            struct line l = line_of(&r, f, chip, format, errors);
            if (l.rows)
                print(out, &r, f, chip, format, &l);
        }
}

#define ALPHA 0.2 /* of an 80 % band */

/* Gneiting, Raftery 2007, in logarithms: the width, and what lies outside it ten times over. Smaller is better. */
static double interval_score(double residual, double half)
{
    return 2 * half + 2 / ALPHA * fmax(0, fabs(residual) - half);
}

/* The mean score of a model with one band for a class, at its best: as wide as holds 80 % of these very rows about their median.
 */
static double score_of_one_band(const struct residuals *r, const double *counts, bool roofline)
{
    size_t n = 0;
    double sum = 0, weights = 0;
    for (size_t i = 0; i < r->s->n; i++)
        if (in_class(r, i))
            r->room[n++] = (struct weighted){log((roofline ? r->rows[i].roofline_ns : r->rows[i].ns) / r->s->at[i].measured_ns),
                                             1 / counts[r->s->at[i].chip]};
    double median = quantile(r->room, n, 0.5);
    for (size_t i = 0; i < n; i++)
        r->room[i].value = fabs(r->room[i].value - median);
    double half = quantile(r->room, n, INNER);
    for (size_t i = 0; i < n; i++) {
        sum += r->room[i].weight * interval_score(r->room[i].value, half);
        weights += r->room[i].weight;
    }
    return sum / weights;
}

/* The same of the bands that are shipped, chips weighing alike. */
static double score_of_bands(const struct residuals *r, const struct assay_fitted *f, const double *counts)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < r->s->n; i++) {
        if (!in_class(r, i))
            continue;
        const struct assay_measurement   *m = &r->s->at[i];
        const struct assay_measured_chip *c = &r->s->chips[m->chip];
        struct assay_band band = assay_band_of(f, c->vendor, r->class, c->chip.memory_class, m->kernel.format, r->rows[i].regime);
        sum += interval_score(residual_of(r, i), band.half) / counts[m->chip];
        weights += 1 / counts[m->chip];
    }
    return sum / weights;
}

static void print_scores(FILE *out, const struct residuals *all, const struct assay_fitted *f, double *counts)
{
    struct residuals r = *all;
    fprintf(out, "\n## Interval scores\n\nMean over the chips of the vendor with the most (Gneiting, Raftery 2007: width + 10 "
                 "times what lies outside, in ln;\n"
                 "smaller is better), beside one band for the whole class, fitted on these very rows.\n\n"
                 "| class | these bands | this model, one band | roofline, one band |\n|---|---|---|---|\n");
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        r.class = (enum assay_kernel_class)c;
        if (!f->spreads[c].chips)
            continue;
        for (size_t v = 0; v < f->n_vendors; v++)
            if (f->vendors[v].chips[c] == f->spreads[c].chips)
                r.vendor = f->vendors[v].name;
        for (size_t chip = 0; chip < r.s->n_chips; chip++)
            counts[chip] = chip_rows(&r, chip);
        fprintf(out, "| %s | %.2f | %.2f | %.2f |\n", assay_kernel_class_names[c], score_of_bands(&r, f, counts),
                score_of_one_band(&r, counts, false), score_of_one_band(&r, counts, true));
    }
}

char *assay_left_out_table(const struct assay_measurements *samples, const struct assay_fitted *f,
                           const struct assay_left_out *rows)
{
    char            *text = NULL;
    size_t           bytes = 0;
    struct weighted *room = calloc(2 * samples->n + 2, sizeof *room);
    FILE            *out = room ? open_memstream(&text, &bytes) : NULL;
    if (!out) {
        free(room);
        return NULL;
    }
    fprintf(out,
            "# Chips left out\n\nWritten by `make model-table` from measurements with the fingerprint `%.16s…`. Each chip is "
            "predicted by coefficients\n"
            "that were fitted without it; a vendor's only chip by the other vendors' coefficients alone. The bands are those "
            "that are shipped:\n"
            "their widths come from these same residuals, so the coverage says how evenly they fit, not more (README.md, "
            "\"Intervals\").\n\n"
            "| class | chip | formats | rows | median error %% | 90th percentile %% | bias %% | in the 80 %% band %% | "
            "ln(p90/p10) |\n"
            "|---|---|---|---|---|---|---|---|---|\n",
            f->fingerprint);
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        const struct residuals r = {samples, rows, (enum assay_kernel_class)c, "", room};
        print_lines(out, &r, f, room + samples->n + 1, print_markdown);
    }
    double                *counts = calloc(samples->n_chips + 1, sizeof *counts);
    const struct residuals all = {samples, rows, ASSAY_KERNEL_GEMM, "", room};
    if (counts)
        print_scores(out, &all, f, counts);
    bool scored = counts != NULL;
    free(counts);
    free(room);
    if (assay_memory_stream_end(out, &text) && !scored) {
        free(text);
        text = NULL;
    }
    return text;
}

char *assay_left_out_csv(const struct assay_measurements *samples, const struct assay_fitted *f, const struct assay_left_out *rows)
{
    char            *text = NULL;
    size_t           bytes = 0;
    struct weighted *room = calloc(2 * samples->n + 2, sizeof *room);
    FILE            *out = room ? open_memstream(&text, &bytes) : NULL;
    if (!out) {
        free(room);
        return NULL;
    }
    fputs("fit,class,chip,formats,rows,median_error,p90_error,bias,coverage,ln_width\n", out);
    for (int c = 0; c < ASSAY_KERNEL_CLASSES; c++) {
        const struct residuals r = {samples, rows, (enum assay_kernel_class)c, "", room};
        print_lines(out, &r, f, room + samples->n + 1, print_csv);
    }
    free(room);
    return assay_memory_stream_end(out, &text);
}
