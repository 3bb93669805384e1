#include "harness/cli/search_serve_result.h"

#include <math.h>

#include "harness/base/json.h"
#include "harness/cli/table.h"

#include "assay/banned.h"

#define SHOWN 8

/* ---- for people ---------------------------------------------------------------------------------------------------- */

static void print_head(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_serving_search *s = r->search;
    fprintf(out, "%s: %.0f x %s, %s\n", r->on->system->name, r->space->devices, r->on->device->name, r->on->system->about);
    fprintf(out, "%s: %.4g parameters, %.4g of them active; requests of %.0f and %.0f tokens, TTFT within %g ms, TPOT within %g ms\n", r->model,
            assay_decoder_parameters(r->decoder), assay_decoder_active_parameters(r->decoder), r->space->prompt_tokens, r->space->output_tokens,
            r->space->ttft_ns / 1e6, r->space->tpot_ns / 1e6);
    fprintf(out, "as %s: %s\n", r->space->server, r->server_about);
    fprintf(out, "%lld ways: %lld priced, of which %lld are too slow; %lld have no room\n", (long long)s->priced + (long long)s->short_of_memory,
            (long long)s->priced, (long long)s->too_slow, (long long)s->short_of_memory);
}

static void print_nothing(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_serving_search *s = r->search;
    char                               plan[300];
    struct assay_text                  told = ASSAY_TEXT(plan);
    double                             memory = r->on->fabric.chip.field[ASSAY_DEVICE_MEMORY];
    if (!s->priced) {
        fprintf(out, "\nno way has room for one request: a rank needs %.1f GB at least, of %.1f GB\n", s->least_bytes / 1e9, memory / 1e9);
        return;
    }
    assay_serving_choice_tell(&s->nearest, &told);
    fprintf(out, "\nno way keeps the limits. The nearest, %s, misses by %.2f times\n", plan,
            fmax(s->nearest.ttft_ns / r->space->ttft_ns, s->nearest.tpot_ns / r->space->tpot_ns));
}

static void print_devices(const struct assay_serve_report *r, FILE *out)
{
    double most = ceil(r->demand_per_s / r->band.goodput_p10_s), least = ceil(r->demand_per_s / r->band.goodput_p90_s);
    if (!(r->demand_per_s > 0))
        return;
    if (r->band.point)
        fprintf(out, "%g requests/s need %.0f devices (%.0f to %.0f)\n", r->demand_per_s, ceil(r->demand_per_s / r->search->best[0].goodput_s), least, most);
    else
        fprintf(out, "%g requests/s need %.0f to %.0f devices\n", r->demand_per_s, least, most);
}

/* With no point the band is all that is said. */
static void print_figures(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_serving_choice *c = &r->search->best[0];
    const struct assay_serve_band     *b = &r->band;
    double                             tokens = r->space->output_tokens;
    if (b->point) {
        fprintf(out, "%.4g requests/s a device (80 of 100: %.4g to %.4g), %.4g output tokens/s (%.4g to %.4g)\n", c->goodput_s, b->goodput_p10_s,
                b->goodput_p90_s, c->goodput_s * tokens, b->goodput_p10_s * tokens, b->goodput_p90_s * tokens);
        fprintf(out, "TTFT %.4g ms (%.4g to %.4g), TPOT %.4g ms (%.4g to %.4g)\n", c->ttft_ns / 1e6, b->ttft_p10_ns / 1e6, b->ttft_p90_ns / 1e6,
                c->tpot_ns / 1e6, b->tpot_p10_ns / 1e6, b->tpot_p90_ns / 1e6);
    } else {
        fprintf(out, "%.4g to %.4g requests/s a device (80 of 100; no point: %s), %.4g to %.4g output tokens/s\n", b->goodput_p10_s, b->goodput_p90_s,
                b->why, b->goodput_p10_s * tokens, b->goodput_p90_s * tokens);
        fprintf(out, "TTFT %.4g to %.4g ms, TPOT %.4g to %.4g ms\n", b->ttft_p10_ns / 1e6, b->ttft_p90_ns / 1e6, b->tpot_p10_ns / 1e6, b->tpot_p90_ns / 1e6);
    }
    if (b->fits < 1)
        fprintf(out, "there is room for it in %.0f of 100 of the clusters that the descriptions leave possible\n", 100 * b->fits);
    if (b->keeps < 1)
        fprintf(out, "it keeps the limits in %.0f of 100 of those that have room\n", 100 * b->keeps);
    print_devices(r, out);
    fprintf(out, "a rank holds %.1f GB of weights and %.1f GB of keys and values\n", c->replica.weight_bytes / 1e9, c->replica.cache_bytes / 1e9);
}

static void print_served(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_served_metrics *m = &r->served.metrics;
    if (*r->not_served) {
        fprintf(out, "not served through the engine: %s\n", r->not_served);
        return;
    }
    fprintf(out, "through the engine, at %.0f %% of that rate and by chance (%.4g requests/s to a group): TTFT %.4g ms at the median, %.4g at the 99th\n"
                 "percentile; TPOT %.4g and %.4g ms; %.1f %% of the requests keep both limits\n",
            100 * r->served_share, r->served.per_s, (double)m->ttft.p50_ns / 1e6, (double)m->ttft.p99_ns / 1e6, (double)m->tpot.p50_ns / 1e6,
            (double)m->tpot.p99_ns / 1e6, 100 * r->served.good_share);
}

static void value_text(enum assay_serving_axis axis, double value, char text[24])
{
    if (axis == ASSAY_SERVING_AXIS_WAY)
        (void)snprintf(text, 24, "%s", assay_serving_way_names[(int)value]);
    else
        (void)snprintf(text, 24, "%.0f", value);
}

/* What the best with another value of each axis would give. */
static void print_reasons(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_serving_search *s = r->search;
    double                             best = 0;
    for (size_t i = 0; i < s->n_values[ASSAY_SERVING_AXIS_TP]; i++)
        best = fmax(best, s->value[ASSAY_SERVING_AXIS_TP][i].goodput_s);
    fprintf(out, "\nwhy it is the best: with another value, all else chosen anew\n");
    for (int a = 0; a < ASSAY_SERVING_AXES; a++) {
        char   text[24];
        double chosen = assay_serving_axis_value(&s->best[0], (enum assay_serving_axis)a);
        if (s->n_values[a] < 2)
            continue;
        value_text((enum assay_serving_axis)a, chosen, text);
        fprintf(out, "  %-11s %s;", assay_serving_axis_names[a], text);
        for (size_t i = 0; i < s->n_values[a]; i++) {
            value_text((enum assay_serving_axis)a, s->value[a][i].value, text);
            if (s->value[a][i].value == chosen)
                continue;
            if (s->value[a][i].goodput_s > 0)
                fprintf(out, " %s: %+.1f %%", text, 100 * (s->value[a][i].goodput_s / best - 1));
            else
                fprintf(out, " %s: too slow", text);
        }
        fputc('\n', out);
    }
}

static void print_changes(const struct assay_serve_report *r, FILE *out)
{
    fprintf(out, "\nwhat would change it\n");
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct assay_serve_change *c = &r->change[i];
        char                             plan[300];
        struct assay_text                told = ASSAY_TEXT(plan);
        if (!c->found) {
            fprintf(out, "  %-32s none has room and keeps the limits\n", c->what);
            continue;
        }
        assay_serving_choice_tell(&c->best, &told);
        if (r->search->n_best)
            fprintf(out, "  %-32s %+6.1f %%  %s\n", c->what, 100 * (c->best.goodput_s / r->search->best[0].goodput_s - 1), plan);
        else
            fprintf(out, "  %-32s it can   %s\n", c->what, plan);
    }
}

/* Relative to the best, so that no point is shown of devices of which none is known. */
static void print_choices(const struct assay_serve_report *r, const char *title, const struct assay_serving_choice *all, size_t n, FILE *out)
{
    static const char *const titles[] = {">", "how", "way", ">goodput", ">TTFT", ">TPOT", NULL};
    struct assay_table       table;
    size_t                   every = n > SHOWN ? (n + SHOWN - 1) / SHOWN : 1;
    assay_table_init(&table, titles);
    for (size_t i = 0; i < n; i += every) {
        char              rank[24], plan[300], goodput[24], ttft[24], tpot[24];
        struct assay_text told = ASSAY_TEXT(plan);
        assay_serving_choice_tell(&all[i], &told);
        (void)snprintf(rank, sizeof rank, "%zu", i + 1);
        (void)snprintf(goodput, sizeof goodput, "%+.1f %%", 100 * (all[i].goodput_s / r->search->best[0].goodput_s - 1));
        (void)snprintf(ttft, sizeof ttft, "%+.0f %%", 100 * (all[i].ttft_ns / r->search->best[0].ttft_ns - 1));
        (void)snprintf(tpot, sizeof tpot, "%+.0f %%", 100 * (all[i].tpot_ns / r->search->best[0].tpot_ns - 1));
        assay_table_row(&table, (const char *const[]){rank, plan, assay_serving_way_names[all[i].way], goodput, ttft, tpot});
    }
    fprintf(out, "\n%s\n", title);
    assay_table_print(&table, out);
    assay_table_release(&table);
}

void assay_serve_print(const struct assay_serve_report *r, FILE *out)
{
    const struct assay_serving_search *s = r->search;
    char                               plan[300];
    struct assay_text                  told = ASSAY_TEXT(plan);
    print_head(r, out);
    if (!s->n_best) {
        print_nothing(r, out);
        print_changes(r, out);
        return;
    }
    assay_serving_choice_tell(&s->best[0], &told);
    fprintf(out, "\nbest: %s\n", plan);
    print_figures(r, out);
    print_served(r, out);
    print_reasons(r, out);
    print_changes(r, out);
    print_choices(r, "the best ways", s->best, s->n_best < SHOWN ? s->n_best : SHOWN, out);
    print_choices(r, "no way gives both more and sooner than one of these", s->frontier, s->n_frontier, out);
}

/* ---- as JSON ------------------------------------------------------------------------------------------------------- */

/* Of devices of which a number is only known as a range the relative figures alone. */
static json_t *json_of(const struct assay_serve_report *r, const struct assay_serving_choice *c)
{
    const struct assay_serving_choice *best = &r->search->best[0];
    char                               plan[300];
    struct assay_text                  told = ASSAY_TEXT(plan);
    bool                               point = r->band.point;
    json_t                            *axes = json_object();
    assay_serving_choice_tell(c, &told);
    for (int i = 0; i < ASSAY_SERVING_AXES; i++)
        json_object_set_new(axes, assay_serving_axis_names[i], json_integer((json_int_t)assay_serving_axis_value(c, (enum assay_serving_axis)i)));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "plan", plan, "way", assay_serving_way_names[c->way], "axes", axes, "goodput_of_best",
                     assay_json_number(c->goodput_s / best->goodput_s), "goodput_per_s", assay_json_number(point ? c->goodput_s : NAN), "ttft_ns",
                     assay_json_number(point ? c->ttft_ns : NAN), "tpot_ns", assay_json_number(point ? c->tpot_ns : NAN));
}

static json_t *json_of_band(const struct assay_serve_report *r)
{
    const struct assay_serve_band *b = &r->band;
    if (!r->search->n_best)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:s}", "goodput_p10_per_s", assay_json_number(b->goodput_p10_s), "goodput_p90_per_s",
                     assay_json_number(b->goodput_p90_s), "ttft_p10_ns", assay_json_number(b->ttft_p10_ns), "ttft_p90_ns", assay_json_number(b->ttft_p90_ns),
                     "tpot_p10_ns", assay_json_number(b->tpot_p10_ns), "tpot_p90_ns", assay_json_number(b->tpot_p90_ns), "fits", assay_json_number(b->fits),
                     "keeps", assay_json_number(b->keeps), "point", b->point, "why", b->why);
}

static json_t *json_of_served(const struct assay_serve_report *r)
{
    const struct assay_served_metrics *m = &r->served.metrics;
    if (!r->search->n_best || *r->not_served)
        return json_pack("{s:s}", "why", r->search->n_best ? r->not_served : "no way keeps the limits");
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "share", assay_json_number(r->served_share), "group_per_s", assay_json_number(r->served.per_s),
                     "ttft_p50_ns", assay_json_u64(m->ttft.p50_ns), "ttft_p99_ns", assay_json_u64(m->ttft.p99_ns), "tpot_p50_ns",
                     assay_json_u64(m->tpot.p50_ns), "tpot_p99_ns", assay_json_u64(m->tpot.p99_ns), "good_share", assay_json_number(r->served.good_share));
}

json_t *assay_serve_json(const struct assay_serve_report *r)
{
    const struct assay_serving_search *s = r->search;
    json_t                            *best = json_array(), *frontier = json_array(), *all = json_array();
    for (size_t i = 0; i < s->n_best; i++)
        json_array_append_new(best, json_of(r, &s->best[i]));
    for (size_t i = 0; s->n_best && i < s->n_frontier; i++)
        json_array_append_new(frontier, json_of(r, &s->frontier[i]));
    for (size_t i = 0; i < r->n_changes; i++) {
        double gain = r->change[i].found && s->n_best ? r->change[i].best.goodput_s / s->best[0].goodput_s : NAN;
        json_array_append_new(all, json_pack("{s:s, s:b, s:o}", "what", r->change[i].what, "found", r->change[i].found, "goodput_of_best", assay_json_number(gain)));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "system", r->on->system->name, "sha256", r->on->system->fingerprint, "model",
                     r->model, "server", r->space->server, "priced", (json_int_t)s->priced, "too_slow", (json_int_t)s->too_slow, "no_room",
                     (json_int_t)s->short_of_memory, "band", json_of_band(r), "served", json_of_served(r), "best", best, "frontier", frontier, "changes", all);
}
