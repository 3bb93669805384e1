/* What outputs say: a worse verdict, an error that grows within its bound, bits that were always the same and are others. Each is
 * told on the night it is seen. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "harness/judge/history/watch_parts.h"

#include "assay/banned.h"

#define ERROR_NIGHTS 10u /* of error over bound, until its growth is judged */
#define ERROR_LEAST 1.1  /* growth that is told where it never varied */
#define BITS_NIGHTS 3u   /* in a row with the same bits, until others are told; after each change so many more: */
#define BITS_NIGHTS_MORE 10u

struct assay_finding *assay_finding_add(struct assay_findings *all)
{
    if (all->n == all->capacity) {
        size_t more = all->capacity ? 2 * all->capacity : 64;
        struct assay_finding *at = realloc(all->at, more * sizeof *at);
        if (!at) {
            all->failed = true;
            return NULL;
        }
        all->at = at;
        all->capacity = more;
    }
    all->at[all->n] = (struct assay_finding){.good = SIZE_MAX};
    return &all->at[all->n++];
}

static struct assay_finding *find(struct assay_findings *out, const struct assay_history_data *data, size_t series,
                                  const char *kind, size_t good, size_t bad)
{
    struct assay_finding *f = assay_finding_add(out);
    if (f) {
        f->series = series;
        f->kind = kind;
        f->good = good;
        f->bad = bad;
        f->confirmed = data->series[series].points[bad].night;
    }
    return f;
}

static void say_verdict(const struct assay_history_point *before, const struct assay_history_point *now, char out[512])
{
    struct assay_text text = assay_text_over(out, 512);
    assay_text_add(&text, "%s, was %s", assay_standing_name((enum assay_standing)now->standing),
                   assay_standing_name((enum assay_standing)before->standing));
    if (isfinite(now->ratio) && isfinite(before->ratio))
        assay_text_add(&text, "; error/bound %.3g, was %.3g", now->ratio, before->ratio);
}

/* A marginal verdict comes and goes with outputs that do not repeat: told once. All that is worse, whenever it begins or grows
 * worse. */
static void verdicts(const struct assay_history_data *data, size_t series, struct assay_findings *out)
{
    const struct assay_history_series *s = &data->series[series];
    uint8_t worst = s->n ? s->points[0].standing : 0;
    for (size_t i = 1; i < s->n; i++) {
        uint8_t now = s->points[i].standing, before = s->points[i - 1].standing;
        bool serious = now > ASSAY_STANDING_MARGINAL && now > before;
        if (!serious && now <= worst)
            continue;
        worst = now > worst ? now : worst;
        struct assay_finding *f = find(out, data, series, "verdict", i - 1, i);
        if (f)
            say_verdict(&s->points[i - 1], &s->points[i], f->message);
    }
}

/* Beyond the largest by more than all the nights have differed: distribution-free. */
static void errors(const struct assay_history_data *data, size_t series, struct assay_findings *out)
{
    const struct assay_history_series *s = &data->series[series];
    double low = INFINITY, high = 0;
    unsigned nights = 0;
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        double r = s->points[i].ratio;
        if (!(r > 0) || s->points[i].standing > ASSAY_STANDING_MARGINAL)
            continue;
        if (nights >= ERROR_NIGHTS && r > high * fmax(high / low, ERROR_LEAST)) {
            struct assay_finding *f = find(out, data, series, "error", last, i);
            if (f)
                (void)snprintf(f->message, sizeof f->message, "error/bound grew to %.3g; it was %.3g to %.3g in %u nights", r,
                               low, high, nights);
            low = high = r;
            nights = 0;
        }
        low = fmin(low, r);
        high = fmax(high, r);
        nights++;
        last = i;
    }
}

static void bits(const struct assay_history_data *data, size_t series, struct assay_findings *out)
{
    const struct assay_history_series *s = &data->series[series];
    unsigned same = 0, needed = BITS_NIGHTS;
    size_t last = SIZE_MAX; /* the last that can be compared */
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_history_point *p = &s->points[i], *before = last == SIZE_MAX ? NULL : &s->points[last];
        if (!p->sets)
            continue;
        bool comparable = before && before->sets == p->sets;
        bool differs = comparable && p->repeats && before->repeats && before->checksum != p->checksum;
        if (same >= needed && (differs || !p->repeats)) {
            struct assay_finding *f = find(out, data, series, "bits", last, i);
            if (f && p->repeats)
                (void)snprintf(f->message, sizeof f->message,
                               "outputs have other bits (%016" PRIx64 ", were %016" PRIx64 " in %u runs); verdict %s",
                               p->checksum, before->checksum, same, assay_standing_name((enum assay_standing)p->standing));
            else if (f)
                (void)snprintf(f->message, sizeof f->message,
                               "outputs no longer repeat: bits differ between executions, which %u runs had not seen; "
                               "verdict %s",
                               same, assay_standing_name((enum assay_standing)p->standing));
        }
        if (before && !comparable && p->repeats)
            continue; /* other input sets were kept: compared with neither side of it */
        if (differs || !p->repeats)
            needed += BITS_NIGHTS_MORE;
        same = !p->repeats ? 0 : differs || !before || !before->repeats ? 1 : same + 1;
        last = i;
    }
}

void assay_watch_accuracy(const struct assay_history_data *data, size_t series, struct assay_findings *out)
{
    verdicts(data, series, out);
    errors(data, series, out);
    bits(data, series, out);
}
