#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/judge/history/watch.h"
#include "harness/plan/plan.h"
#include "reports/trend/watch.h"

#include "assay/banned.h"

struct history_options {
    char db[512], night[16], host[256], sentinels[1024], markdown[512], junit[512], openmetrics[512], html[512], again[512],
        why[400];
    double nights;
    bool json;
};

#define AT(member) offsetof(struct history_options, member)
#define TEXT(key, member, what)                                                                                                  \
    {                                                                                                                            \
        .name = key, .type = ASSAY_OPT_TEXT, .offset = AT(member), .bytes = sizeof((struct history_options *)0)->member,         \
        .dflt = "", .help = what                                                                                                 \
    }

static const struct assay_option options[] = {
    {.name = "db",
     .type = ASSAY_OPT_TEXT,
     .offset = AT(db),
     .bytes = 512,
     .dflt = "history.db",
     .help = "the file that holds the history; add makes it"},
    TEXT("night", night, "of add: the night's date, 2026-11-26, where it is not that of the run (from noon to noon, UTC)"),
    TEXT("host", host, "of add: a name for the host, where its own is not one that lasts"),
    TEXT("why", why, "of name: the reason, for those who ask later"),
    TEXT("again", again,
         "of check: writes what should be run again tonight, a line a back end and case, and raises no alarm yet"),
    TEXT("markdown", markdown, "of check: writes a summary for a merge request or a chat"),
    TEXT("junit", junit, "of check: writes JUnit XML"),
    TEXT("openmetrics", openmetrics, "of check: writes metrics for Prometheus (textfile collector)"),
    TEXT("html", html, "of check and trend: writes the trend page"),
    {.name = "sentinels",
     .type = ASSAY_OPT_TEXT,
     .offset = AT(sentinels),
     .bytes = 1024,
     .dflt = ASSAY_WATCH_SENTINELS,
     .help = "beginnings of the names of the cases that show what the whole host does, separated by blanks"},
    {.name = "nights",
     .type = ASSAY_OPT_F64,
     .offset = AT(nights),
     .dflt = "30",
     .min = 1,
     .max = 10000,
     .help = "that pass with at most one false message of the whole watch list"},
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = AT(json), .dflt = "false", .help = "print JSON"},
    {0},
};

/* ---- add --------------------------------------------------------------------------------------------------------- */

static enum assay_code add_one(struct assay_history *h, const char *path, const struct history_options *o,
                               struct assay_error *err)
{
    static const char *const how[] = {"", "added", "was there already", "replaced"};
    struct assay_summary run = {0};
    struct assay_history_run told;
    if (assay_summary_read(path, &run, err))
        return err->code;
    assay_cli_note_torn(run.folder);
    if (!assay_history_add(h, &run, *o->night ? o->night : NULL, *o->host ? o->host : NULL, &told, err)) {
        char *name = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, path);
        if (told.added == ASSAY_HISTORY_SAME)
            printf("%s: %s\n", name ? name : "", how[told.added]);
        else
            printf("%s: %s: night %s, %zu rows, %zu with a proved time\n", name ? name : "", how[told.added], told.night,
                   told.rows, told.proved);
        free(name);
    }
    assay_summary_release(&run);
    return err->code;
}

static enum assay_exit add(size_t n, char **folders, const struct history_options *o)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_history *h = NULL;
    if (n == 0)
        return assay_cli_usage(
            "history add needs a validated run folder or several: assay history add out/quick --db history.db");
    if (!assay_history_open(o->db, ASSAY_HISTORY_CREATE, &h, &err))
        for (size_t i = 0; i < n && !err.code; i++)
            (void)add_one(h, folders[i], o, &err);
    assay_history_close(h);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

/* ---- what check and trend look at -------------------------------------------------------------------------------- */

struct looking {
    struct assay_history *h;
    struct assay_history_data data;
    struct assay_watch watch;
    struct assay_history_alarm *alarms;
    size_t n_alarms, n_open;
};

static enum assay_code look(const struct history_options *o, bool keep, struct looking *l, struct assay_error *err)
{
    struct assay_watch_setup setup = {.sentinels = o->sentinels, .nights = o->nights};
    if (assay_history_open(o->db, 0, &l->h, err) || assay_history_read(l->h, &l->data, err) ||
        assay_watch_make(l->h, &l->data, &setup, &l->watch, err))
        return err->code;
    if ((keep && assay_history_alarms_keep(l->h, l->watch.alarms, l->watch.n_alarms, err)) ||
        assay_history_alarms_read(l->h, &l->alarms, &l->n_alarms, err))
        return err->code;
    while (l->n_open < l->n_alarms && !*l->alarms[l->n_open].named)
        l->n_open++;
    return ASSAY_OK;
}

static void look_away(struct looking *l)
{
    free(l->alarms);
    assay_watch_release(&l->watch);
    assay_history_data_release(&l->data);
    assay_history_close(l->h);
}

static enum assay_code write_files(const struct looking *l, const struct history_options *o, struct assay_error *err)
{
    const struct assay_watch_report report = {&l->watch, l->alarms, l->n_alarms, l->n_open, o->db};
    const struct {
        const char *path;
        enum assay_watch_format format;
    } files[] = {{o->markdown, ASSAY_WATCH_MARKDOWN},
                 {o->junit, ASSAY_WATCH_JUNIT},
                 {o->openmetrics, ASSAY_WATCH_OPENMETRICS},
                 {o->html, ASSAY_WATCH_HTML}};
    for (size_t i = 0; i < sizeof files / sizeof *files && !err->code; i++)
        if (*files[i].path)
            (void)assay_watch_write(&report, files[i].format, files[i].path, err);
    return err->code;
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

static void line(const char *before, const char *text)
{
    char *escaped = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, text);
    printf("%s%s\n", before, escaped ? escaped : "");
    free(escaped);
}

static void print_alarm(const struct assay_history_alarm *a)
{
    char first[11], good[11] = "none", confirmed[11];
    assay_night_text(a->first_bad, first);
    assay_night_text(a->confirmed, confirmed);
    if (a->last_good >= 0)
        assay_night_text(a->last_good, good);
    printf("ALARM %s  %s  first bad %s, last good %s, sure on %s\n", a->id, a->kind, first, good, confirmed);
    line("  ", a->scope);
    line("  ", a->message);
    line("  changed: ", a->changed);
}

static json_t *alarm_json(const struct assay_history_alarm *a)
{
    char first[11], good[11] = "", confirmed[11];
    assay_night_text(a->first_bad, first);
    assay_night_text(a->confirmed, confirmed);
    if (a->last_good >= 0)
        assay_night_text(a->last_good, good);
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o}", "alarm", a->id, "kind", a->kind, "scope",
                     assay_json_string(a->scope), "first_bad", first, "last_good", good, "confirmed", confirmed, "message",
                     assay_json_string(a->message), "changed", assay_json_string(a->changed), "named", a->named, "why",
                     assay_json_string(a->why), "named_before", assay_json_string(a->earlier));
}

static json_t *series_json(const struct assay_watch_series *s)
{
    char worth[96];
    assay_watch_worth(s, worth);
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:b}", "case",
                     assay_json_string(s->of->case_name), "backend", assay_json_string(s->of->backend), "device",
                     assay_json_string(s->of->device), "host", assay_json_string(s->of->host), "sentinel", s->is_sentinel,
                     "nights", (json_int_t)s->n, "baseline_nights", (json_int_t)s->state.nights, "level_ns",
                     assay_json_number(s->state.nights ? exp(s->level[s->n - 1]) : NAN), "night_noise",
                     assay_json_number(s->state.sigma), "smallest_step", assay_json_number(expm1(s->state.smallest)), "slower",
                     assay_json_number(s->state.slower), "faster", assay_json_number(s->state.faster), "worth", worth, "again",
                     s->state.again);
}

static void print_json(const struct looking *l)
{
    json_t *alarms = json_array(), *series = json_array();
    for (size_t i = 0; i < l->n_alarms; i++)
        json_array_append_new(alarms, alarm_json(&l->alarms[i]));
    for (size_t i = 0; i < l->watch.n; i++)
        json_array_append_new(series, series_json(&l->watch.series[i]));
    assay_cli_print_json(json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "open", (json_int_t)l->n_open, "watched",
                                   (json_int_t)l->watch.n_watched, "gating", (json_int_t)l->watch.n_gating, "held",
                                   (json_int_t)l->watch.n_held, "alarms", alarms, "series", series));
}

static void print_check(const struct looking *l, const struct history_options *o)
{
    char sum[256], *db = assay_string_escaped(ASSAY_ESCAPE_SHELL, o->db),
                   *seen = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, db ? db : "");
    struct assay_text text = ASSAY_TEXT(sum);
    for (size_t i = 0; i < l->n_open; i++)
        print_alarm(&l->alarms[i]);
    if (l->n_open)
        printf(
            "\nAn alarm stays open until it is named: assay history name %s regression|intended|environment --why TEXT --db %s\n",
            l->alarms[0].id, seen ? seen : "FILE");
    assay_watch_sum(&l->watch, &text);
    printf("%s.\n", sum);
    if (l->watch.n_again)
        printf("%zu look different tonight and should be run again before they are judged: --again FILE lists them.\n",
               l->watch.n_again);
    if (l->watch.n_held)
        printf("%zu changes wait for the sentinel of their host, which is in doubt itself.\n", l->watch.n_held);
    printf("%zu alarm%s open\n", l->n_open, l->n_open == 1 ? "" : "s");
    free(db);
    free(seen);
}

/* Lines "BACKEND<tab>CASE": suspects, and the sentinels of their host with them. A name with a line end or a tab is none of ours.
 */
static enum assay_code write_again(const struct looking *l, const char *path, struct assay_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    for (size_t i = 0; out && i < l->watch.n; i++) {
        const struct assay_watch_series *s = &l->watch.series[i];
        bool wanted = s->state.again;
        for (size_t k = 0; s->is_sentinel && k < l->watch.n && !wanted; k++)
            wanted = l->watch.series[k].state.again && !strcmp(s->of->host, l->watch.series[k].of->host) &&
                     !strcmp(s->of->backend, l->watch.series[k].of->backend);
        if (wanted && !strpbrk(s->of->case_name, "\n\t") && !strpbrk(s->of->backend, "\n\t"))
            fprintf(out, "%s\t%s\n", s->of->backend, s->of->case_name);
    }
    if (!out || fclose(out))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.150s'", path);
    else
        (void)assay_file_replace(path, text, bytes, err);
    free(text);
    return err->code;
}

static enum assay_exit check(const struct history_options *o)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct looking l = {0};
    enum assay_exit result = ASSAY_EXIT_YES;
    if (!look(o, !*o->again, &l, &err)) {
        if (*o->again) {
            if (!write_again(&l, o->again, &err))
                printf("%zu to be run again\n", l.watch.n_again);
        } else if (!write_files(&l, o, &err)) {
            (o->json ? print_json(&l) : print_check(&l, o));
            result = l.n_open ? ASSAY_EXIT_NO : ASSAY_EXIT_YES;
        }
    }
    look_away(&l);
    return err.code ? assay_cli_fail(&err) : result;
}

/* ---- trend ------------------------------------------------------------------------------------------------------- */

static bool has_part(const struct assay_watch_series *s, const char *part)
{
    return !part || strstr(s->of->case_name, part) || strstr(s->of->backend, part) || strstr(s->of->host, part);
}

static void print_trend(const struct looking *l, const char *part)
{
    struct assay_table table;
    assay_table_init(&table, (const char *const[]){">level", ">last", ">night σ", "step in 5 nights with 95 %", ">toward alarm",
                                                   ">nights", "verdict", "case", "backend", "host", NULL});
    for (size_t i = 0; i < l->watch.n; i++) {
        const struct assay_watch_series *s = &l->watch.series[i];
        char level[64] = "–", last[32] = "–", sigma[32] = "–", toward[32] = "–", nights[32], worth[96],
             name[ASSAY_CASE_NAME_BYTES];
        struct assay_text text = ASSAY_TEXT(level);
        if (!has_part(s, part))
            continue;
        assay_watch_worth(s, worth);
        if (s->state.nights) {
            assay_string_quantity(&text, exp(s->level[s->n - 1]) / 1e9, "s", 4);
            (void)snprintf(last, sizeof last, "%+.1f %%", 100 * expm1(s->value[s->n - 1] - s->level[s->n - 1]));
            (void)snprintf(sigma, sizeof sigma, "%.2f %%", 100 * s->state.sigma);
            (void)snprintf(toward, sizeof toward, "%.0f %%", 100 * fmax(s->state.slower, s->state.faster));
        }
        (void)snprintf(nights, sizeof nights, "%zu", s->n);
        assay_case_brief(s->of->case_name, name);
        assay_table_row(
            &table,
            (const char *const[]){level, last, sigma, worth, toward, nights,
                                  s->of->n ? assay_standing_name((enum assay_standing)s->of->points[s->of->n - 1].standing) : "–",
                                  name, s->of->backend, s->of->host});
    }
    assay_table_print(&table, stdout);
    assay_table_release(&table);
}

static enum assay_code must_have_part(const struct looking *l, const char *part, struct assay_error *err)
{
    bool found = !part;
    for (size_t i = 0; i < l->watch.n && !found; i++)
        found = has_part(&l->watch.series[i], part);
    if (found)
        return ASSAY_OK;
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no series has '%.100s' in the name of its case, back end or host", part);
    return assay_error_hint(err, "assay history trend lists all %zu", l->watch.n);
}

static enum assay_exit trend(const char *part, const struct history_options *o)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct looking l = {0};
    if (!look(o, false, &l, &err) && !must_have_part(&l, part, &err) && !write_files(&l, o, &err))
        (o->json ? print_json(&l) : print_trend(&l, part));
    look_away(&l);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

/* ---- name -------------------------------------------------------------------------------------------------------- */

static enum assay_exit name_alarm(const char *id, const char *name, const struct history_options *o)
{
    static const char *const names[] = {"regression", "intended", "environment"};
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_history *h = NULL;
    struct assay_history_alarm alarm;
    bool known = false;
    for (size_t i = 0; i < 3; i++)
        known = known || !strcmp(name, names[i]);
    if (!known) {
        const char *near = assay_string_nearest(name, names, 3);
        return assay_cli_usage("an alarm is a regression, intended, or of the environment, not '%.40s'%s%s%s", name,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    if (!*o->why)
        return assay_cli_usage("history name needs --why TEXT: somebody will ask");
    if (!assay_history_open(o->db, 0, &h, &err) && !assay_history_alarm_name(h, id, name, o->why, &alarm, &err)) {
        printf("%s is named: %s\n", alarm.id, alarm.named);
        line("  ", alarm.scope);
        line("  ", alarm.message);
        if (*alarm.earlier)
            line("  before that: ", alarm.earlier);
    }
    assay_history_close(h);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    static const char *const doings[] = {"add", "check", "trend", "name"};
    const struct history_options *o = given_options;
    const char *doing = n ? operands[0] : "";
    (void)given;
    if (!strcmp(doing, "add"))
        return add(n - 1, operands + 1, o);
    if (!strcmp(doing, "check") && n == 1)
        return check(o);
    if (!strcmp(doing, "trend") && n <= 2)
        return trend(n > 1 ? operands[1] : NULL, o);
    if (!strcmp(doing, "name") && n == 3)
        return name_alarm(operands[1], operands[2], o);
    const char *near = *doing ? assay_string_nearest(doing, doings, 4) : NULL;
    if (*doing && (!near || strcmp(near, doing) != 0))
        return assay_cli_usage("history knows add, check, trend and name, not '%.40s'%s%s%s", doing,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return assay_cli_usage("usage: assay history add DIR… | check | trend [PART] | name ALARM regression|intended|environment "
                           "--why TEXT, each with --db FILE");
}

const struct assay_verb assay_verb_history = {
    .name = "history",
    .operands = "add DIR… | check | trend [PART] | name ALARM WHAT",
    .summary = "night after night: what became slower or less exact, since when, and what else changed",
    .details = "add takes validated run folders into a database; the same folder twice changes nothing. check follows every case "
               "night by night\n"
               "and prints alarms: exit status 0: none is open; 1: some are. An alarm stays open until name says what it was: "
               "regression,\n"
               "intended or environment. trend lists every series with its noise and the smallest step it would find; PART "
               "selects some.\n"
               "check --again FILE lists what looks different tonight: run it again and add it before the check that counts "
               "(ci/nightly does).",
    .options = options,
    .options_bytes = sizeof(struct history_options),
    .run = run,
};
