/* Single predictions of chips left out: a few of each chip, for a drawing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/file.h"
#include "harness/model/interval.h"
#include "harness/model/left_out.h"

#include "assay/banned.h"

struct priced {
    double ns;
    size_t at; /* the sample */
};

static int by_time(const void *a, const void *b)
{
    const struct priced *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void print_point(FILE *out, const struct assay_measurements *s, const struct assay_fitted *f,
                        const struct assay_left_out *row, const struct assay_measurement *m)
{
    const struct assay_measured_chip *c = &s->chips[m->chip];
    struct assay_band band =
        assay_band_of(f, c->vendor, m->kernel.class, c->chip.memory_class, m->kernel.format, row->regime);
    fprintf(out, "%.16s,%s,%s,%s,%.3g,%.3g,%.3g\n", f->fingerprint, assay_kernel_class_names[m->kernel.class], c->name,
            assay_format_class_names[m->kernel.format], row->ns / 1e3, row->ns / m->measured_ns, band.half);
}

/* `room` holds as many as there are samples. */
static void print_cell(FILE *out, const struct assay_measurements *s, const struct assay_fitted *f,
                       const struct assay_left_out *rows, size_t chip, int class, int format, struct priced *room)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->at[i].chip == chip && (int)s->at[i].kernel.class == class && (int)s->at[i].kernel.format == format &&
            rows[i].ns > 0)
            room[n++] = (struct priced){rows[i].ns, i};
    qsort(room, n, sizeof *room, by_time);
    size_t most = n < ASSAY_LEFT_OUT_POINTS ? n : ASSAY_LEFT_OUT_POINTS;
    for (size_t k = 0; k < most; k++) {
        size_t i = room[most > 1 ? k * (n - 1) / (most - 1) : 0].at;
        print_point(out, s, f, &rows[i], &s->at[i]);
    }
}

char *assay_left_out_points(const struct assay_measurements *samples, const struct assay_fitted *f,
                            const struct assay_left_out *rows)
{
    char *text = NULL;
    size_t bytes = 0;
    struct priced *room = calloc(samples->n + 1, sizeof *room);
    FILE *out = room ? open_memstream(&text, &bytes) : NULL;
    if (!out) {
        free(room);
        return NULL;
    }
    fputs("fit,class,chip,formats,predicted_us,ratio,ln_half\n", out);
    for (int class = 0; class < ASSAY_KERNEL_CLASSES; class ++)
        for (size_t chip = 0; chip < samples->n_chips; chip++)
            for (int format = 0; format < ASSAY_FORMAT_CLASSES; format++)
                print_cell(out, samples, f, rows, chip, class, format, room);
    free(room);
    return assay_memory_stream_end(out, &text);
}
