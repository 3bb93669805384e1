#include "harness/judge/history/watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/history/watch_parts.h"
#include "harness/measure/statistics.h"

#include "assay/banned.h"

#define MOST_CHANGES 64
#define MOST_EVENTS 256
#define NEAR_NIGHTS 3         /* changes whose first nights are so near are one */
#define WIDE_LEAST 3u         /* series that change together, and half of them all, until it is the host */
#define SHARE_OF_SENTINEL 0.4 /* of a sentinel's step that the others must show, until it is the host's and not the kernel's */
#define NIGHTS_BEFORE 10u
#define RECENT_NIGHTS 60 /* a series without a point for longer has left the list */

/* The sentinels of a host's device moved. */
struct event {
    int32_t last_good, first_bad, confirmed;
    size_t sentinel; /* series that shows it */
    double step, others,
        told; /* of the sentinel; median over the others until it was sure, NaN: too few; with the nights since */
    bool wide;
    struct assay_change change;
};

/* All series of one back end and device of one host. */
struct group {
    size_t begin, end;
    int32_t *night; /* union of their nights */
    size_t n;
    size_t sentinel[ASSAY_CHANGE_MOST_FACTORS], n_sentinels;
    double *factor[ASSAY_CHANGE_MOST_FACTORS], *factor_again[ASSAY_CHANGE_MOST_FACTORS]; /* by the group's nights */
    struct event event[MOST_EVENTS];
    size_t n_events;
    bool doubt; /* a sentinel is on its way: alarms of others wait */
};

struct watching {
    struct assay_history *h;
    const struct assay_history_data *data;
    const struct assay_watch_setup *setup;
    struct assay_watch *out;
    struct assay_arena *arena;
    struct assay_findings findings;
    double *again; /* of one series at a time: room for its nights */
    uint8_t *n_again, *restart;
    double *factor[ASSAY_CHANGE_MOST_FACTORS], *factor_again[ASSAY_CHANGE_MOST_FACTORS];
    double *scratch;
};

void assay_watch_scope(const struct assay_history_series *s, char out[1024])
{
    (void)snprintf(out, 1024, "%s on %s, %s at %s", s->case_name, s->backend, s->device, s->host);
}

/* ---- one series as nights ---------------------------------------------------------------------------------------- */

static bool counts(const struct assay_history_point *p)
{
    return isfinite(p->log_median);
}

/* The first run of a night with a time is the night's value, those after it its second look. */
static void collapse(struct watching *w, size_t series)
{
    const struct assay_history_series *s = &w->data->series[series];
    struct assay_watch_series *x = &w->out->series[series];
    x->n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct assay_history_point *p = &s->points[i];
        if (!counts(p))
            continue;
        if (x->n && x->night[x->n - 1] == p->night) {
            if (w->n_again[x->n - 1] < ASSAY_CHANGE_MOST_AGAIN)
                w->again[(x->n - 1) * ASSAY_CHANGE_MOST_AGAIN + w->n_again[x->n - 1]++] = p->log_median;
            continue;
        }
        x->night[x->n] = p->night;
        x->value[x->n] = p->log_median;
        w->n_again[x->n] = 0;
        w->restart[x->n++] = 0;
    }
}

/* Variance of one run's value, from the spread of its launches: the median over nights, which for r - 1 degrees of freedom is
 * this much of the mean (Wilson and Hilferty 1931). */
static double within_of(struct watching *w, size_t series)
{
    const struct assay_history_series *s = &w->data->series[series];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (counts(&s->points[i]) && s->points[i].launches > 1) {
            double freedom = s->points[i].launches - 1, cube = 1 - 2 / (9 * freedom);
            w->scratch[n++] =
                (double)s->points[i].spread * (double)s->points[i].spread / s->points[i].launches / (cube * cube * cube);
        }
    return n ? assay_median(w->scratch, n) : NAN;
}

static size_t place(const struct group *g, int32_t night)
{
    size_t low = 0, high = g->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        *(g->night[middle] < night ? &low : &high) = g->night[middle] < night ? middle + 1 : middle;
    }
    return low;
}

/* What the sentinels did in the nights of this series; a sentinel is not compared with itself. */
static void lend_factors(struct watching *w, const struct group *g, const struct assay_watch_series *x,
                         struct assay_change_series *in)
{
    in->n_factors = g->n_sentinels;
    for (size_t k = 0; k < g->n_sentinels; k++) {
        for (size_t i = 0; i < x->n; i++) {
            size_t at = place(g, x->night[i]);
            w->factor[k][i] = g->factor[k][at];
            memcpy(&w->factor_again[k][i * ASSAY_CHANGE_MOST_AGAIN], &g->factor_again[k][at * ASSAY_CHANGE_MOST_AGAIN],
                   ASSAY_CHANGE_MOST_AGAIN * sizeof(double));
        }
        in->factor[k] = w->factor[k];
        in->factor_again[k] = w->factor_again[k];
    }
}

static size_t follow(struct watching *w, const struct group *g, size_t series, struct assay_change *changes)
{
    struct assay_watch_series *x = &w->out->series[series];
    struct assay_change_series in = {
        .n = x->n, .value = x->value, .again = w->again, .n_again = w->n_again, .restart = w->restart};
    in.within = within_of(w, series);
    if (!x->is_sentinel) {
        lend_factors(w, g, x, &in);
        for (size_t e = 0; e < g->n_events; e++)
            for (size_t i = 0; g->event[e].wide && i < x->n; i++)
                if (x->night[i] >= g->event[e].first_bad) {
                    w->restart[i] = 1;
                    break;
                }
    }
    return assay_change_follow(&in, &w->out->limits, changes, MOST_CHANGES, &x->state, x->level);
}

/* ---- sentinels --------------------------------------------------------------------------------------------------- */

struct matching {
    const char *name;
    bool found;
};

static bool match(void *self, const char *part)
{
    struct matching *m = self;
    m->found = *part && !strncmp(m->name, part, strlen(part));
    return !m->found;
}

static bool is_sentinel(const struct watching *w, const char *name)
{
    struct matching m = {.name = name};
    (void)assay_string_split(w->setup->sentinels, ' ', match, &m);
    return m.found;
}

static bool same_group(const struct assay_history_series *a, const struct assay_history_series *b)
{
    return !strcmp(a->host, b->host) && !strcmp(a->backend, b->backend) && !strcmp(a->device, b->device);
}

/* Median over the other series of how far they moved, whatever their noise. */
static double others_moved(struct watching *w, const struct group *g, int32_t first_bad, int32_t confirmed)
{
    double *moved = calloc(g->end - g->begin + 1, sizeof *moved), result = NAN;
    size_t n = 0;
    for (size_t s = g->begin; moved && s < g->end; s++) {
        const struct assay_watch_series *x = &w->out->series[s];
        size_t first = 0, last, from;
        while (first < x->n && x->night[first] < first_bad)
            first++;
        for (last = first; last < x->n && x->night[last] <= confirmed;)
            last++;
        from = first > NIGHTS_BEFORE ? first - NIGHTS_BEFORE : 0;
        if (x->is_sentinel || first - from < 3 || last == first)
            continue;
        memcpy(w->scratch, x->value + first, (last - first) * sizeof(double));
        double after = assay_median(w->scratch, last - first);
        memcpy(w->scratch, x->value + from, (first - from) * sizeof(double));
        moved[n++] = after - assay_median(w->scratch, first - from);
    }
    if (n >= 2)
        result = assay_median(moved, n);
    free(moved);
    return result;
}

static void note_event(struct watching *w, struct group *g, size_t series, const struct assay_change *c)
{
    const struct assay_watch_series *x = &w->out->series[series];
    struct event e = {.last_good = x->night[c->last_good],
                      .first_bad = x->night[c->first_bad],
                      .confirmed = x->night[c->confirmed],
                      .sentinel = series,
                      .step = c->after - c->before,
                      .change = *c};
    for (size_t i = 0; i < g->n_events; i++)
        if (abs(g->event[i].first_bad - e.first_bad) <= NEAR_NIGHTS)
            return; /* the other sentinel has told it */
    e.others = others_moved(w, g, e.first_bad, e.confirmed);
    e.told = others_moved(w, g, e.first_bad, e.first_bad + (int32_t)NIGHTS_BEFORE);
    e.wide = isnan(e.others) || e.others / e.step > SHARE_OF_SENTINEL;
    if (g->n_events < MOST_EVENTS)
        g->event[g->n_events++] = e;
}

/* Deviation of a sentinel from the level that its segment had, night by night. */
static void make_factor(struct watching *w, struct group *g, size_t k)
{
    const struct assay_watch_series *x = &w->out->series[g->sentinel[k]];
    for (size_t i = 0; i < x->n; i++) {
        size_t at = place(g, x->night[i]);
        if (!isfinite(x->level[i]))
            continue;
        g->factor[k][at] = x->value[i] - x->level[i];
        for (unsigned r = 0; r < ASSAY_CHANGE_MOST_AGAIN; r++)
            g->factor_again[k][at * ASSAY_CHANGE_MOST_AGAIN + r] =
                r < w->n_again[i] ? w->again[i * ASSAY_CHANGE_MOST_AGAIN + r] - x->level[i] : g->factor[k][at];
    }
}

static void follow_sentinels(struct watching *w, struct group *g)
{
    for (size_t k = 0; k < g->n_sentinels; k++) {
        struct assay_change changes[MOST_CHANGES];
        size_t series = g->sentinel[k];
        collapse(w, series);
        size_t n = follow(w, g, series, changes);
        make_factor(w, g, k);
        for (size_t i = 0; i < n; i++)
            note_event(w, g, series, &changes[i]);
        const struct assay_change_state *state = &w->out->series[series].state;
        g->doubt = g->doubt || (state->nights && fmax(state->slower, state->faster) > 0.3);
    }
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

/* The point of the first run of that night. */
static size_t point_at(const struct assay_history_series *s, int32_t night)
{
    size_t i = 0;
    while (i + 1 < s->n && (s->points[i].night < night || !counts(&s->points[i])))
        i++;
    return i;
}

static void say_times(struct assay_text *t, const struct assay_change *c)
{
    double step = c->after - c->before;
    assay_text_add(t, "%.1f %% %s (", 100 * fabs(expm1(step)), step > 0 ? "slower" : "faster");
    assay_string_quantity(t, exp(c->before) / 1e9, "s", 4);
    assay_text_add(t, " → ");
    assay_string_quantity(t, exp(c->after) / 1e9, "s", 4);
    assay_text_add(t, ", ± %.1f %%)", 196 * c->error);
}

/* With what the nights since have shown: the first few of a change are those that were strange enough to raise the alarm. */
static struct assay_change seen_since(const struct assay_watch_series *x, const struct assay_change *c)
{
    struct assay_change later = *c;
    size_t n = 1;
    while (c->first_bad + n < x->n && x->level[c->first_bad + n] == x->level[c->first_bad])
        n++;
    if (isfinite(x->level[c->last_good]))
        later.before = x->level[c->last_good];
    if (isfinite(x->level[c->first_bad]) && c->first_bad + n > c->confirmed) {
        later.after = x->level[c->first_bad];
        later.error = assay_change_error(c, n);
    }
    return later;
}

/* A step that came with few nights, as chance makes them, may be gone in those since: then both are told, as the first
 * one is what was raised and the second what is known. */
static void say_step(struct assay_text *t, const struct assay_watch_series *x, const struct assay_change *c)
{
    struct assay_change later = seen_since(x, c);
    bool gone = fabs(later.after - later.before) < 1.96 * later.error;
    if (gone) {
        say_times(t, c);
        assay_text_add(t, " when it was raised; with the nights since ");
    }
    say_times(t, &later);
    if (gone)
        assay_text_add(t, ", no step beyond the noise");
}

static void tell_change(struct watching *w, size_t series, const struct assay_change *c)
{
    const struct assay_watch_series *x = &w->out->series[series];
    const struct assay_history_series *s = x->of;
    struct assay_finding *f = assay_finding_add(&w->findings);
    if (!f)
        return;
    f->series = series;
    f->kind = "time";
    f->good = point_at(s, x->night[c->last_good]);
    f->bad = point_at(s, x->night[c->first_bad]);
    f->confirmed = x->night[c->confirmed];
    struct assay_text text = ASSAY_TEXT(f->message);
    say_step(&text, x, c);
}

static void tell_event(struct watching *w, const struct event *e)
{
    tell_change(w, e->sentinel, &e->change);
    struct assay_finding *f = w->findings.n ? &w->findings.at[w->findings.n - 1] : NULL;
    if (!f || w->findings.failed)
        return;
    struct assay_text text = ASSAY_TEXT(f->message);
    char times[256];
    struct assay_text t = ASSAY_TEXT(times);
    say_step(&t, &w->out->series[e->sentinel], &e->change);
    f->wide = e->wide;
    if (e->wide && isnan(e->others))
        assay_text_add(&text, "the sentinel is %s; too few others ran to tell the host from the kernel", times);
    else if (e->wide)
        assay_text_add(&text, "everything is %s: half of the cases moved by %.1f %% or more, the sentinel is %s",
                       e->told > 0 ? "slower" : "faster", 100 * fabs(expm1(e->told)), times);
    else
        assay_text_add(&text, "%s; a sentinel, but the other cases did not move with it", times);
}

static bool near_event(const struct group *g, int32_t first_bad, int32_t confirmed)
{
    for (size_t e = 0; e < g->n_events; e++)
        if (abs(first_bad - g->event[e].first_bad) <= NEAR_NIGHTS && g->event[e].wide &&
            confirmed <= g->event[e].confirmed + NEAR_NIGHTS)
            return true;
    return false;
}

/* What of one kind begins in the same night in at least half of a group is the host's. */
static void merge(struct watching *w, const struct group *g, size_t from)
{
    struct assay_findings *all = &w->findings;
    size_t members = 0;
    for (size_t s = g->begin; s < g->end; s++)
        members += w->data->series[s].n > 0;
    for (size_t i = from; i < all->n; i++) {
        struct assay_finding *f = &all->at[i];
        int32_t night = w->data->series[f->series].points[f->bad].night;
        size_t together = 0;
        if (f->wide)
            continue;
        for (size_t k = from; k < all->n; k++)
            together += !all->at[k].wide && !strcmp(all->at[k].kind, f->kind) &&
                        abs(w->data->series[all->at[k].series].points[all->at[k].bad].night - night) <= 1;
        if (together < WIDE_LEAST || 2 * together < members)
            continue;
        char first[512];
        (void)assay_string_copy(first, sizeof first, f->message);
        size_t kept = i + 1;
        for (size_t k = i + 1; k < all->n; k++)
            if (all->at[k].wide || strcmp(all->at[k].kind, f->kind) != 0 ||
                abs(w->data->series[all->at[k].series].points[all->at[k].bad].night - night) > 1)
                all->at[kept++] = all->at[k];
        all->n = kept;
        f->wide = true;
        (void)snprintf(f->message, sizeof f->message, "%zu of %zu cases at once; the first: %.60s: %.380s", together, members,
                       w->data->series[f->series].case_name, first);
    }
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static int compare_nights(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool prepare_group(struct watching *w, struct group *g, struct assay_arena *arena)
{
    size_t all = 0;
    for (size_t s = g->begin; s < g->end; s++)
        all += w->out->series[s].n;
    g->night = assay_arena_take(arena, all, sizeof *g->night);
    if (!g->night)
        return false;
    for (size_t s = g->begin; s < g->end; s++) {
        memcpy(g->night + g->n, w->out->series[s].night, w->out->series[s].n * sizeof *g->night);
        g->n += w->out->series[s].n;
        w->out->series[s].is_sentinel = w->out->series[s].is_sentinel && g->n_sentinels < ASSAY_CHANGE_MOST_FACTORS;
        if (w->out->series[s].is_sentinel)
            g->sentinel[g->n_sentinels++] = s;
    }
    qsort(g->night, g->n, sizeof *g->night, compare_nights);
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++)
        if (!i || g->night[i] != g->night[i - 1])
            g->night[kept++] = g->night[i];
    g->n = kept;
    for (size_t k = 0; k < g->n_sentinels; k++) {
        g->factor[k] = assay_arena_take(arena, g->n, sizeof(double));
        g->factor_again[k] = assay_arena_take(arena, g->n * ASSAY_CHANGE_MOST_AGAIN, sizeof(double));
        if (!g->factor[k] || !g->factor_again[k])
            return false;
    }
    return true;
}

static void follow_others(struct watching *w, struct group *g)
{
    for (size_t s = g->begin; s < g->end; s++) {
        struct assay_change changes[MOST_CHANGES];
        struct assay_watch_series *x = &w->out->series[s];
        assay_watch_accuracy(w->data, s, &w->findings);
        x->has_sentinel = g->n_sentinels > (x->is_sentinel ? 1u : 0u);
        if (x->is_sentinel)
            continue;
        collapse(w, s);
        size_t n = follow(w, g, s, changes);
        for (size_t i = 0; i < n; i++) {
            int32_t first = x->night[changes[i].first_bad], confirmed = x->night[changes[i].confirmed];
            if (near_event(g, first, confirmed))
                continue;
            if (g->doubt && w->out->last_night - confirmed < NEAR_NIGHTS)
                w->out->n_held++;
            else
                tell_change(w, s, &changes[i]);
        }
    }
}

static enum assay_code follow_group(struct watching *w, size_t begin, size_t end, struct assay_error *err)
{
    struct assay_arena arena = {0};
    struct group *g = calloc(1, sizeof *g);
    size_t from = w->findings.n;
    if (!g || (g->begin = begin, g->end = end, !prepare_group(w, g, &arena)))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to follow %zu series", end - begin);
    else {
        follow_sentinels(w, g);
        for (size_t e = 0; e < g->n_events; e++)
            tell_event(w, &g->event[e]);
        follow_others(w, g);
        merge(w, g, from);
    }
    assay_arena_clear(&arena);
    free(g);
    return err->code;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* Room for the longest series, and every series' nights and values. */
static bool prepare(struct watching *w)
{
    size_t longest = 1;
    w->out->series = assay_arena_take(w->arena, w->data->n, sizeof *w->out->series);
    for (size_t i = 0; w->out->series && i < w->data->n; i++) {
        const struct assay_history_series *s = &w->data->series[i];
        struct assay_watch_series *x = &w->out->series[i];
        x->of = s;
        x->is_sentinel = is_sentinel(w, s->case_name);
        x->night = assay_arena_take(w->arena, s->n, sizeof *x->night);
        x->value = assay_arena_take(w->arena, s->n, sizeof *x->value);
        x->level = assay_arena_take(w->arena, s->n, sizeof *x->level);
        if (!x->night || !x->value || !x->level)
            return false;
        longest = s->n > longest ? s->n : longest;
        if (s->n && s->points[s->n - 1].night > w->out->last_night)
            w->out->last_night = s->points[s->n - 1].night;
    }
    w->again = assay_arena_take(w->arena, longest * ASSAY_CHANGE_MOST_AGAIN, sizeof *w->again);
    w->n_again = assay_arena_take(w->arena, longest, 1);
    w->restart = assay_arena_take(w->arena, longest, 1);
    w->scratch = assay_arena_take(w->arena, longest + 1, sizeof *w->scratch);
    for (int k = 0; k < ASSAY_CHANGE_MOST_FACTORS; k++) {
        w->factor[k] = assay_arena_take(w->arena, longest, sizeof(double));
        w->factor_again[k] = assay_arena_take(w->arena, longest * ASSAY_CHANGE_MOST_AGAIN, sizeof(double));
        if (!w->factor[k] || !w->factor_again[k])
            return false;
    }
    return w->out->series && w->again && w->n_again && w->restart && w->scratch;
}

static bool is_current(const struct watching *w, size_t i)
{
    const struct assay_history_series *s = &w->data->series[i];
    return s->n && s->points[s->n - 1].night >= w->out->last_night - RECENT_NIGHTS;
}

static enum assay_code tell_alarm(struct watching *w, const struct assay_finding *f, struct assay_history_alarm *a,
                                  struct assay_error *err)
{
    const struct assay_history_series *s = &w->data->series[f->series];
    char scope[1024];
    *a = (struct assay_history_alarm){.last_good = f->good == SIZE_MAX ? -1 : s->points[f->good].night,
                                      .first_bad = s->points[f->bad].night,
                                      .confirmed = f->confirmed};
    if (f->wide)
        (void)snprintf(a->scope, sizeof a->scope, "%s, %s at %s", s->backend, s->device, s->host);
    else
        assay_watch_scope(s, a->scope);
    (void)snprintf(scope, sizeof scope, "%s", a->scope);
    (void)assay_string_copy(a->kind, sizeof a->kind, f->kind);
    (void)assay_string_copy(a->message, sizeof a->message, f->message);
    char hex[17];
    assay_string_hex64(assay_hash_text(scope, (uint64_t)a->first_bad * 8 + (uint64_t)f->kind[0]), hex);
    (void)snprintf(a->key, sizeof a->key, "%s %" PRId32 " %s", f->kind, a->first_bad, hex);
    (void)assay_string_copy(a->id, sizeof a->id, hex);
    if (f->good == SIZE_MAX)
        return ASSAY_OK;
    return assay_watch_changed(w->h, &s->points[f->good], &s->points[f->bad], a->changed, err);
}

static enum assay_code tell_alarms(struct watching *w, struct assay_error *err)
{
    if (w->findings.failed)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found");
    w->out->alarms = assay_arena_take(w->arena, w->findings.n, sizeof *w->out->alarms);
    if (!w->out->alarms)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu alarms", w->findings.n);
    for (size_t i = 0; i < w->findings.n && !err->code; i++)
        if (!tell_alarm(w, &w->findings.at[i], &w->out->alarms[w->out->n_alarms], err))
            w->out->n_alarms++;
    return err->code;
}

static void count(struct watching *w)
{
    for (size_t i = 0; i < w->out->n; i++) {
        struct assay_change_state *state = &w->out->series[i].state;
        bool now = is_current(w, i);
        state->again =
            state->again && now && w->out->series[i].n && w->out->series[i].night[w->out->series[i].n - 1] == w->out->last_night;
        w->out->n_watched += now && state->nights > 0;
        w->out->n_gating += now && state->nights > 0 && state->smallest <= log1p(ASSAY_WATCH_GATE);
        w->out->n_again += state->again;
    }
}

static void begin_nights(struct watching *w)
{
    size_t current = 0;
    for (size_t i = 0; i < w->data->n; i++) {
        collapse(w, i);
        current += is_current(w, i);
    }
    assay_change_limits_make(current, w->setup->nights, &w->out->limits);
}

enum assay_code assay_watch_make(struct assay_history *h, const struct assay_history_data *data,
                                 const struct assay_watch_setup *setup, struct assay_watch *out, struct assay_error *err)
{
    struct watching w = {.h = h, .data = data, .setup = setup, .out = out};
    *out = (struct assay_watch){.n = data->n, .last_night = INT32_MIN};
    out->owned = w.arena = calloc(1, sizeof *w.arena);
    if (!w.arena || !prepare(&w))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to watch %zu series", data->n);
    else {
        begin_nights(&w);
        for (size_t begin = 0, end; begin < data->n && !err->code; begin = end) {
            for (end = begin + 1; end < data->n && same_group(&data->series[begin], &data->series[end]);)
                end++;
            (void)follow_group(&w, begin, end, err);
        }
        if (!err->code && !tell_alarms(&w, err))
            count(&w);
    }
    free(w.findings.at);
    if (err->code)
        assay_watch_release(out);
    return err->code;
}

void assay_watch_release(struct assay_watch *watch)
{
    if (watch->owned)
        assay_arena_clear(watch->owned);
    free(watch->owned);
    memset(watch, 0, sizeof *watch);
}
