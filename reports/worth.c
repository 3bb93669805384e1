#include "reports/worth.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/model/coefficients.h"

#include "assay/banned.h"

#define FILE_NAME "left-out-points.csv"

enum column { CLASS, CHIP, PREDICTED_US, RATIO, LN_HALF, N_COLUMNS };
static const char *const column_names[] = {"class", "chip", "predicted_us", "ratio", "ln_half"};

/* gnuplot's point types, and the characters that look like them. */
static const struct {
    int type;
    const char *character;
} marks[ASSAY_WORTH_CHIPS] = {{7, "●"}, {5, "■"}, {9, "▲"}, {13, "◆"}, {11, "▼"}, {6, "○"}, {4, "□"}, {8, "△"}};

const char *assay_worth_mark(size_t series)
{
    return marks[(series - 1) % ASSAY_WORTH_CHIPS].character;
}

/* ---- the file ----------------------------------------------------------------------------------------------------
 */

struct point {
    size_t class, chip;
    double predicted_s, measured_s, half;
};

static enum assay_code open_file(struct assay_csv *out, size_t column[N_COLUMNS], struct assay_error *err)
{
    char folder[480], path[512];
    if (assay_data_folder("backends/coefficients", folder, sizeof folder, err) ||
        assay_path_join(path, sizeof path, folder, FILE_NAME, err) || assay_csv_read(path, out, err))
        return err->code;
    if (!out->n_rows)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.160s' has no rows", path);
    for (int c = 0; c < N_COLUMNS; c++) {
        column[c] = assay_csv_column(out, column_names[c]);
        if (column[c] == out->n_columns)
            return ASSAY_FAIL(err, ASSAY_DATA, "'%.160s' has no column '%s'", path, column_names[c]);
    }
    return ASSAY_OK;
}

/* The place of a name in a list that ends with NULL; its length where it is not there. */
static size_t place_of(const char *name, const char *const *list)
{
    size_t i = 0;
    while (list[i] && strcmp(list[i], name) != 0)
        i++;
    return i;
}

/* The place of a chip: a new one if need be; ASSAY_WORTH_CHIPS: there is no room. */
static size_t chip_of(struct assay_worth *w, const char *name)
{
    size_t i = 0;
    while (i < w->n_chips && strcmp(w->chip[i], name) != 0)
        i++;
    if (i == w->n_chips && i < ASSAY_WORTH_CHIPS) {
        w->chip[i] = name;
        w->n_chips++;
    }
    return i;
}

static bool positive(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && !*end && isfinite(*out) && *out > 0;
}

static enum assay_code read_point(struct assay_worth *w, size_t row, const size_t column[N_COLUMNS], struct point *out,
                                  struct assay_error *err)
{
    const char *cell[N_COLUMNS];
    double us, ratio;
    for (int c = 0; c < N_COLUMNS; c++)
        cell[c] = assay_csv_cell(&w->csv, row, column[c]);
    out->class = place_of(cell[CLASS], assay_kernel_class_names);
    if (out->class >= ASSAY_KERNEL_CLASSES)
        return ASSAY_FAIL(err, ASSAY_DATA, FILE_NAME ", row %zu: there is no class '%.60s'", row + 1, cell[CLASS]);
    if (!positive(cell[PREDICTED_US], &us) || !positive(cell[RATIO], &ratio) || !positive(cell[LN_HALF], &out->half))
        return ASSAY_FAIL(err, ASSAY_DATA,
                          FILE_NAME ", row %zu: predicted_us, ratio and ln_half must be above 0, got '%.20s', '%.20s', '%.20s'",
                          row + 1, cell[PREDICTED_US], cell[RATIO], cell[LN_HALF]);
    out->chip = chip_of(w, cell[CHIP]);
    if (out->chip == ASSAY_WORTH_CHIPS)
        return ASSAY_FAIL(err, ASSAY_DATA, FILE_NAME ": more than %d chips, the most that can be drawn", ASSAY_WORTH_CHIPS);
    w->of[out->class].points[out->chip]++;
    w->of[out->class].n_points++;
    out->predicted_s = us / 1e6;
    out->measured_s = us / 1e6 / ratio;
    return ASSAY_OK;
}

/* New, as many as the file has rows; NULL: see err. */
static struct point *read_points(struct assay_worth *w, struct assay_error *err)
{
    size_t column[N_COLUMNS] = {0};
    if (open_file(&w->csv, column, err))
        return NULL;
    struct point *points = calloc(w->csv.n_rows + 1, sizeof *points);
    if (!points)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu predictions", w->csv.n_rows);
    for (size_t i = 0; points && i < w->csv.n_rows; i++)
        if (read_point(w, i, column, &points[i], err)) {
            free(points);
            return NULL;
        }
    return points;
}

/* ---- the drawing -------------------------------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double median_half(const struct point *points, size_t n, size_t class, double *room)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].class == class)
            room[m++] = points[i].half;
    qsort(room, m, sizeof *room, ascending);
    return m % 2 ? room[m / 2] : (room[m / 2 - 1] + room[m / 2]) / 2;
}

/* The points as a block of data; the ends of what they span, one for both axes, so that the line of equals is a diagonal. */
static void write_points(FILE *script, const struct point *points, size_t n, size_t class, double *low, double *high)
{
    *low = DBL_MAX; /* a class that is drawn has a point, and times are positive */
    *high = DBL_MIN;
    fputs("$p << EOD\n", script);
    for (size_t i = 0; i < n; i++) {
        if (points[i].class != class)
            continue;
        *low = fmin(*low, fmin(points[i].measured_s, points[i].predicted_s));
        *high = fmax(*high, fmax(points[i].measured_s, points[i].predicted_s));
        fprintf(script, "%.4g %.4g %zu\n", points[i].measured_s, points[i].predicted_s, points[i].chip + 1);
    }
    fputs("EOD\n", script);
    *low = pow(10, floor(2 * log10(*low / 1.2)) / 2);
    *high = pow(10, ceil(2 * log10(*high * 1.2)) / 2);
}

/* gnuplot has no sign for a millionth but u. */
static void write_ticks(FILE *script, char axis, double low, double high)
{
    static const char *const units[] = {"ns", "µs", "ms", "s", "ks"};
    const char *separator = "";
    fprintf(script, "set %ctics (", axis);
    for (int decade = (int)ceil(log10(low) - 1e-9); decade <= (int)floor(log10(high) + 1e-9); decade++) {
        int steps = decade + 9; /* above a nanosecond */
        int unit = steps < 0 ? 0 : steps / 3 > 4 ? 4 : steps / 3;
        fprintf(script, "%s\"%.4g %s\" 1e%d", separator, pow(10, steps - 3 * unit), units[unit], decade);
        separator = ", ";
    }
    fputs(")\n", script);
}

static void begin_class(struct assay_worth *w, const struct point *points, size_t class, struct assay_plots *plots)
{
    FILE *script;
    struct assay_worth_class *c = &w->of[class];
    double low, high, factor = exp(c->half);
    c->plot = assay_plots_begin(plots, 400, 380, &script);
    if (c->plot == ASSAY_PLOT_NONE)
        return;
    write_points(script, points, w->csv.n_rows, class, &low, &high);
    write_ticks(script, 'x', low, high);
    write_ticks(script, 'y', low, high);
    fprintf(script,
            "set border 3 lw 0.8\nset tics nomirror scale 0.5\nset grid x y lt 1 lc " ASSAY_PLOT_GRID " lw 0.6\nset logscale xy\n"
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\nunset key\nset size square\n"
            "set samples 2\nset xlabel \"measured time\"\nset ylabel \"predicted time\" offset 1\n"
            "plot '+' using 1:($1/%.6g):($1*%.6g) with filledcurves fs transparent solid 0.16 noborder lc rgb "
            "\"#000000\", x with lines lw 1.2 lc rgb \"#000000\"",
            low, high, low, high, factor, factor);
    for (unsigned s = 1; s <= w->n_chips; s++)
        if (c->points[s - 1])
            fprintf(script, ", $p using 1:($3==%u?$2:NaN) with points pt %d ps 0.5 lc " ASSAY_PLOT_SERIES, s,
                    marks[s - 1].type, s);
    fputs("\n", script);
}

void assay_worth_begin(struct assay_worth *out, struct assay_plots *plots)
{
    struct assay_error err = {.code = ASSAY_OK};
    memset(out, 0, sizeof *out);
    for (size_t c = 0; c < ASSAY_KERNEL_CLASSES; c++)
        out->of[c].plot = ASSAY_PLOT_NONE;
    struct point *points = read_points(out, &err);
    double *room = points ? calloc(out->csv.n_rows + 1, sizeof *room) : NULL;
    if (points && !room)
        (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for %zu predictions", out->csv.n_rows);
    for (size_t c = 0; room && c < ASSAY_KERNEL_CLASSES; c++)
        if (out->of[c].n_points) {
            out->of[c].half = median_half(points, out->csv.n_rows, c, room);
            begin_class(out, points, c, plots);
        }
    (void)snprintf(out->why, sizeof out->why, "%s", err.message);
    free(points);
    free(room);
}

void assay_worth_release(struct assay_worth *worth)
{
    assay_csv_release(&worth->csv);
    memset(worth, 0, sizeof *worth);
}
