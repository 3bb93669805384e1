#include "harness/cli/search_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"

#include "assay/banned.h"

#define SHOWN 8
#define BAR 40
#define MANY_TOKENS 1e12
#define DAY_NS 86400e9

/* ---- for people ---------------------------------------------------------------------------------------------------- */

static void print_head(const struct assay_search_report *r, FILE *out)
{
    const struct assay_search *s = r->search;
    char *name = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, r->system->name), *about = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, r->system->about),
         *device = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, r->device->name); /* a buyer's files may say anything */
    fprintf(out, "%s: %lld x %s, %s\n", name ? name : "", (long long)r->space->devices, device ? device : "", about ? about : "");
    free(name);
    free(about);
    free(device);
    fprintf(out, "%s: %.4g parameters, %.4g of them active; a step is %lld sequences of %.0f tokens\n", r->model,
            assay_decoder_parameters(r->decoder), assay_decoder_active_parameters(r->decoder), (long long)r->space->batch, r->space->seq);
    fprintf(out, "%lld plans: %lld priced, %lld do not fit into %.1f GB\n", (long long)s->priced + (long long)s->short_of_memory, (long long)s->priced,
            (long long)s->short_of_memory, r->fabric->chip.field[ASSAY_DEVICE_MEMORY] / 1e9);
}

static void print_nothing_fits(const struct assay_search_report *r, FILE *out)
{
    char              plan[300], text[1200];
    struct assay_text told = ASSAY_TEXT(plan), why = ASSAY_TEXT(text);
    assay_train_plan_tell(&r->search->nearest.plan, &told);
    assay_footprint_explain(r->decoder, &r->search->nearest.plan, r->fabric->chip.field[ASSAY_DEVICE_MEMORY], &why);
    fprintf(out, "\nno plan fits. The nearest, %s:\n%s\n", plan, text);
}

static bool has_value(const struct assay_search_report *r, enum assay_system_field field)
{
    return !isnan(r->system->fields[field].value);
}

/* A share and a power are points only where what they rest on has values. */
static void print_rest(const struct assay_search_report *r, FILE *out)
{
    const struct assay_step_price  *p = &r->search->best[0].price;
    const struct assay_goodput     *g = &p->goodput;
    const struct assay_search_band *b = &r->band;
    if (!isnan(g->share) && has_value(r, ASSAY_SYSTEM_FAILURES) && has_value(r, ASSAY_SYSTEM_RESTART) && has_value(r, ASSAY_SYSTEM_CHECKPOINT))
        fprintf(out, "%.1f %% of the time is kept (%.1f to %.1f): an interruption every %.1f h, a checkpoint every %.0f min\n", 100 * g->share,
                100 * b->share_p10, 100 * b->share_p90, g->between_s / 3600, g->every_s / 60);
    else if (!isnan(g->share))
        fprintf(out, "%.1f to %.1f %% of the time is kept\n", 100 * b->share_p10, 100 * b->share_p90);
    if (isnan(p->watts))
        fprintf(out, "power unknown: %s has no power_watts\n", r->device->name);
    else if (has_value(r, ASSAY_SYSTEM_HOST_POWER) && has_value(r, ASSAY_SYSTEM_NETWORK_POWER))
        fprintf(out, "%.0f kW (%.0f to %.0f), %.3g MJ a step\n", p->watts / 1e3, b->watts_p10 / 1e3, b->watts_p90 / 1e3, p->joules / 1e6);
    else
        fprintf(out, "%.0f to %.0f kW\n", b->watts_p10 / 1e3, b->watts_p90 / 1e3);
    if (b->fits < 1)
        fprintf(out, "it fits into memory in %.0f of 100 of the devices that the description leaves possible\n", 100 * b->fits);
}

/* With no point the band is all that is said of a time. */
static void print_times(const struct assay_search_report *r, FILE *out)
{
    const struct assay_search_plan *best = &r->search->best[0];
    const struct assay_step_price  *p = &best->price;
    double                          days = MANY_TOKENS / p->tokens / DAY_NS, low = r->band.p10_ns, high = r->band.p90_ns;
    double                          kept_low = r->band.kept_p10_ns * days, kept_high = r->band.kept_p90_ns * days;
    if (r->band.point)
        fprintf(out, "step %.3f s (80 of 100: %.3f to %.3f), %.0f tokens/s a device, %.1f days for 10^12 tokens (%.1f to %.1f), %.0f %% of peak\n",
                p->ns * 1e-9, low * 1e-9, high * 1e-9, p->tokens / (p->ns * 1e-9) / (double)r->space->devices, best->kept_ns * days, kept_low,
                kept_high, 100 * p->utilisation);
    else
        fprintf(out, "step %.3f to %.3f s (80 of 100; no point: %s), %.1f to %.1f days for 10^12 tokens\n", low * 1e-9, high * 1e-9, r->band.why,
                kept_low, kept_high);
    print_rest(r, out);
}

static void print_bar(const struct assay_search_report *r, FILE *out)
{
    const struct assay_step_price *p = &r->search->best[0].price;
    fprintf(out, "\nwhere a step's time goes%s\n", r->band.point ? "" : " (at the middle of what is known)");
    for (int i = 0; i < ASSAY_STEP_PARTS; i++) {
        int length = (int)lround(BAR * p->part_ns[i] / p->ns);
        if (p->part_ns[i] < 0.0005 * p->ns)
            continue;
        fprintf(out, "  %-10s %5.1f %% ", assay_step_part_names[i], 100 * p->part_ns[i] / p->ns);
        for (int c = 0; c < length; c++)
            fputc('#', out);
        fprintf(out, "%*s %s\n", BAR - length, "", assay_step_part_about[i]);
    }
}

static void print_links(const struct assay_search_report *r, FILE *out)
{
    const struct assay_step_price *p = &r->search->best[0].price;
    fprintf(out, "\nlinks of a device of the busiest stage%s\n", r->band.point ? "" : " (at the middle of what is known)");
    for (size_t i = 0; i < r->system->n_tiers; i++) {
        const struct assay_link_use *use = &p->link[i];
        double                       rate = use->bytes / (use->ns * 1e-9);
        if (use->ns > 0)
            fprintf(out, "  %-10s %5.1f %% of the step busy, hidden behind work or not: %.3g GB sent at %.3g GB/s, %.0f %% of the link\n",
                    r->system->tiers[i].name, 100 * use->ns / p->ns, use->bytes / 1e9, rate / 1e9, 100 * rate / r->fabric->tier[i].link);
    }
}

static const char *word_of(enum assay_search_axis axis, int64_t value, char text[24])
{
    if (axis == ASSAY_AXIS_RECOMPUTE)
        return assay_recompute_names[value];
    if (axis == ASSAY_AXIS_SCHEDULE)
        return assay_pipeline_schedule_names[value];
    (void)snprintf(text, 24, "%lld", (long long)value);
    return text;
}

/* What the best plan with another value of each axis would cost. */
static void print_reasons(const struct assay_search_report *r, FILE *out)
{
    const struct assay_search *s = r->search;
    double                     best = INFINITY;
    for (size_t i = 0; i < s->n_values[ASSAY_AXIS_TP]; i++)
        best = fmin(best, isnan(s->value[ASSAY_AXIS_TP][i].kept_ns) ? INFINITY : s->value[ASSAY_AXIS_TP][i].kept_ns);
    fprintf(out, "\nwhy it is the best: with another value, all else chosen anew\n");
    for (int a = 0; a < ASSAY_SEARCH_AXES; a++) {
        if (s->n_values[a] < 2)
            continue;
        char chosen[24];
        fprintf(out, "  %-11s %s;", assay_search_axis_names[a], word_of((enum assay_search_axis)a, assay_search_axis_value(&s->best[0].plan, (enum assay_search_axis)a), chosen));
        for (size_t i = 0; i < s->n_values[a]; i++) {
            char                             text[24];
            const struct assay_search_value *v = &s->value[a][i];
            if (v->value == assay_search_axis_value(&s->best[0].plan, (enum assay_search_axis)a))
                continue;
            if (isnan(v->kept_ns))
                fprintf(out, " %s: none fits", word_of((enum assay_search_axis)a, v->value, text));
            else
                fprintf(out, " %s: %+.1f %%", word_of((enum assay_search_axis)a, v->value, text), 100 * (v->kept_ns / best - 1));
        }
        fputc('\n', out);
    }
}

/* Memory, links and precision: what each would bring, the plan chosen anew. */
static void print_changes(const struct assay_search_report *r, FILE *out)
{
    fprintf(out, "\nwhat would change it\n");
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct assay_search_change *c = &r->change[i];
        char                              plan[300];
        struct assay_text                 told = ASSAY_TEXT(plan);
        if (!c->fits) {
            fprintf(out, "  %-32s no plan fits\n", c->what);
            continue;
        }
        assay_train_plan_tell(&c->plan, &told);
        if (r->search->n_best)
            fprintf(out, "  %-32s %+6.1f %%  %s\n", c->what, 100 * (c->kept_ns / r->search->best[0].kept_ns - 1), plan);
        else
            fprintf(out, "  %-32s fits   %s\n", c->what, plan);
    }
}

static void add_row(struct assay_table *t, const struct assay_search_report *r, const struct assay_search_plan *p, const char *rank)
{
    char              plan[300], relative[24], memory[24], joules[24], bubble[24], sent[24];
    struct assay_text told = ASSAY_TEXT(plan);
    const double     *part = p->price.part_ns;
    assay_train_plan_tell(&p->plan, &told);
    (void)snprintf(relative, sizeof relative, "%+.1f %%", 100 * (p->kept_ns / r->search->best[0].kept_ns - 1));
    (void)snprintf(memory, sizeof memory, "%.1f GB", p->footprint.total_bytes / 1e9);
    if (isnan(p->price.joules))
        (void)snprintf(joules, sizeof joules, "unknown");
    else
        (void)snprintf(joules, sizeof joules, "%.3g MJ", p->price.joules / 1e6);
    (void)snprintf(bubble, sizeof bubble, "%.1f %%", 100 * fmax(0, part[ASSAY_STEP_BUBBLE]) / p->price.ns); /* rounding may leave it just below */
    double links = part[ASSAY_STEP_TENSOR] + part[ASSAY_STEP_EXPERT] + part[ASSAY_STEP_CONTEXT] + part[ASSAY_STEP_GATHER] + part[ASSAY_STEP_DATA];
    (void)snprintf(sent, sizeof sent, "%.1f %%", 100 * links / p->price.ns);
    assay_table_row(t, (const char *const[]){rank, plan, relative, memory, joules, bubble, sent});
}

static void print_plans(const struct assay_search_report *r, const char *title, const struct assay_search_plan *plans, size_t n, size_t most, FILE *out)
{
    static const char *const titles[] = {">", "plan", ">time", ">memory", ">energy", ">bubble", ">exchanges", NULL};
    struct assay_table       table;
    size_t                   every = n > most ? (n + most - 1) / most : 1;
    assay_table_init(&table, titles);
    for (size_t i = 0; i < n; i += every) {
        char rank[24];
        (void)snprintf(rank, sizeof rank, "%zu", i + 1);
        add_row(&table, r, &plans[i], rank);
    }
    fprintf(out, "\n%s\n", title);
    assay_table_print(&table, out);
    assay_table_release(&table);
}

void assay_search_print(const struct assay_search_report *r, FILE *out)
{
    const struct assay_search *s = r->search;
    char                       plan[300], memory[1200];
    struct assay_text          told = ASSAY_TEXT(plan), explained = ASSAY_TEXT(memory);
    print_head(r, out);
    if (!s->n_best) {
        print_nothing_fits(r, out);
        print_changes(r, out);
        return;
    }
    assay_train_plan_tell(&s->best[0].plan, &told);
    assay_footprint_explain(r->decoder, &s->best[0].plan, r->fabric->chip.field[ASSAY_DEVICE_MEMORY], &explained);
    fprintf(out, "\nbest: %s\n", plan);
    print_times(r, out);
    fprintf(out, "a rank %s\n", memory);
    print_bar(r, out);
    print_links(r, out);
    print_reasons(r, out);
    print_changes(r, out);
    print_plans(r, "the best plans", s->best, s->n_best < SHOWN ? s->n_best : SHOWN, SHOWN, out);
    print_plans(r, "no plan is both faster and smaller than one of these", s->frontier, s->n_frontier, SHOWN, out);
}

/* ---- as JSON ------------------------------------------------------------------------------------------------------- */

static json_t *json_of_links(const struct assay_search_report *r, const struct assay_step_price *p)
{
    json_t *links = json_object();
    for (size_t i = 0; i < r->system->n_tiers; i++)
        json_object_set_new(links, r->system->tiers[i].name, json_pack("{s:o, s:o}", "sent_bytes", assay_json_number(p->link[i].bytes), "busy_ns",
                                                                       assay_json_number(p->link[i].ns)));
    return links;
}

static json_t *json_of(const struct assay_search_report *r, const struct assay_search_plan *p)
{
    char              plan[300];
    struct assay_text told = ASSAY_TEXT(plan);
    json_t           *parts = json_object(), *groups = json_object(), *axes = json_object();
    assay_train_plan_tell(&p->plan, &told);
    for (int i = 0; i < ASSAY_STEP_PARTS; i++)
        json_object_set_new(parts, assay_step_part_names[i], assay_json_number(p->price.part_ns[i]));
    for (int i = 0; i < ASSAY_FOOTPRINT_GROUPS; i++)
        json_object_set_new(groups, assay_footprint_names[i], assay_json_number(p->footprint.bytes[i]));
    for (int i = 0; i < ASSAY_SEARCH_AXES; i++)
        json_object_set_new(axes, assay_search_axis_names[i], json_integer(assay_search_axis_value(&p->plan, (enum assay_search_axis)i)));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "plan", plan, "axes", axes, "step_ns", assay_json_number(p->price.ns), "parts_ns",
                     parts, "memory_bytes", groups, "joules", assay_json_number(p->price.joules), "goodput",
                     assay_json_number(p->price.goodput.share), "utilisation", assay_json_number(p->price.utilisation), "links", json_of_links(r, &p->price));
}

static json_t *json_of_changes(const struct assay_search_report *r)
{
    json_t *all = json_array();
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct assay_search_change *c = &r->change[i];
        char                              plan[300];
        struct assay_text                 told = ASSAY_TEXT(plan);
        if (c->fits)
            assay_train_plan_tell(&c->plan, &told);
        json_array_append_new(all, json_pack("{s:s, s:b, s:o, s:s}", "what", c->what, "fits", c->fits, "kept_ns", assay_json_number(c->kept_ns), "plan", plan));
    }
    return all;
}

json_t *assay_search_json(const struct assay_search_report *r)
{
    const struct assay_search *s = r->search;
    json_t                    *best = json_array(), *frontier = json_array();
    for (size_t i = 0; i < s->n_best; i++)
        json_array_append_new(best, json_of(r, &s->best[i]));
    for (size_t i = 0; i < s->n_frontier; i++)
        json_array_append_new(frontier, json_of(r, &s->frontier[i]));
    json_t *band = s->n_best ? json_pack("{s:o, s:o, s:b, s:s, s:o}", "p10_ns", assay_json_number(r->band.p10_ns), "p90_ns",
                                         assay_json_number(r->band.p90_ns), "point", r->band.point, "why", r->band.why, "fits",
                                         assay_json_number(r->band.fits))
                             : json_null();
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "system", r->system->name, "sha256", r->system->fingerprint, "model",
                     r->model, "priced", (json_int_t)s->priced, "do_not_fit", (json_int_t)s->short_of_memory, "refused", (json_int_t)s->refused,
                     "seconds", assay_json_number(r->seconds), "band", band, "best", best, "frontier", frontier, "changes",
                     json_of_changes(r));
}

/* ---- a timeline ---------------------------------------------------------------------------------------------------- */

struct tracer {
    FILE *to;
    bool  more;
};
static void trace_event(void *self, const struct assay_pipeline_event *e)
{
    static const char *const names[] = {"forward", "backward", "weights"};
    struct tracer           *t = self;
    fprintf(t->to, "%s\n{\"name\":\"%s %lld\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":0,\"tid\":%lld,\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"chunk\":%lld}}",
            t->more ? "," : "", names[e->op], (long long)e->micro_batch, names[e->op], (long long)e->stage, e->begin_ns / 1e3,
            (e->end_ns - e->begin_ns) / 1e3, (long long)e->chunk);
    t->more = true;
}

enum assay_code assay_search_trace(const struct assay_search_report *r, const struct assay_coefficients *k, const char *path, struct assay_error *err)
{
    char                    *text = NULL;
    size_t                   bytes = 0;
    struct assay_step_model *m = NULL;
    struct tracer            t = {.to = open_memstream(&text, &bytes)};
    if (!t.to)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the timeline");
    fputs("[", t.to);
    if (!assay_step_model_new(r->decoder, r->fabric, k, &m, err))
        (void)assay_step_trace(m, &r->search->best[0].plan, trace_event, &t, err);
    fputs("\n]\n", t.to);
    bool whole = !ferror(t.to);
    if ((fclose(t.to) || !whole) && !err->code)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the timeline");
    if (!err->code)
        (void)assay_file_replace(path, text, bytes, err);
    assay_step_model_free(m);
    free(text);
    return err->code;
}
