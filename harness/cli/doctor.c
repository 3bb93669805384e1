#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/json.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "harness/cli/cli.h"
#include "harness/cli/table.h"
#include "harness/measure/ceiling.h"
#include "harness/measure/counters.h"
#include "harness/measure/host.h"
#include "harness/measure/power.h"
#include "harness/plan/plan.h"
#include "harness/run/job.h"
#include "harness/run/loader.h"
#include "harness/run/ranked.h"
#include "reports/book/book.h"
#include "reports/pdf.h"

#include "assay/banned.h"

struct doctor_options {
    bool json;
};

static const struct assay_option options[] = {
    {.name = "json", .type = ASSAY_OPT_BOOL, .offset = offsetof(struct doctor_options, json), .dflt = "false",
     .help = "print JSON, with the whole description of the host"},
    {0},
};

struct doctor {
    struct assay_table table;
    json_t            *findings;
};

static void find(struct doctor *d, const char *what, const char *state, const char *detail, const char *cure)
{
    assay_table_row(&d->table, (const char *const[]){what, state, detail, cure});
    json_array_append_new(d->findings, json_pack("{s:o, s:o, s:o, s:o}", "what", assay_json_string(what), "state",
                                                 assay_json_string(state), "detail", assay_json_string(detail), "cure",
                                                 assay_json_string(cure)));
}

#define DEVICES_TOLD 2u /* of a back end that has more of them */

static void on_backend(void *self, const char *name, const char *path)
{
    struct assay_error err = {.code = ASSAY_OK};
    json_t            *probe = NULL;
    char               what[96];
    (void)path;
    (void)snprintf(what, sizeof what, "back end %.60s", name);
    if (assay_job_probe(name, 30 * ASSAY_NS_PER_S, &probe, &err)) {
        find(self, what, "no", err.message, err.hint);
        return;
    }
    char              devices[512];
    struct assay_text text = ASSAY_TEXT(devices);
    const json_t     *list = json_object_get(probe, "devices");
    size_t            n = json_array_size(list);
    for (size_t i = 0; i < n && i < DEVICES_TOLD; i++) {
        const char *product = json_string_value(json_object_get(json_array_get(list, i), "product"));
        assay_text_add(&text, "%s%s", i ? "; " : "", product ? product : "?");
    }
    if (n > DEVICES_TOLD)
        assay_text_add(&text, " and %zu more: assay list devices", n - DEVICES_TOLD);
    find(self, what, "yes", devices, "");
    json_decref(probe);
}

static void look_at_backends(struct doctor *d)
{
    struct assay_error err = {.code = ASSAY_OK};
    if (assay_backend_list(on_backend, d, &err))
        find(d, "back ends", "no", err.message, err.hint);
}

static void look_at_counters(struct doctor *d)
{
    struct assay_counters *set;
    struct assay_error     err = {.code = ASSAY_OK};
    size_t                 n;
    if (assay_counters_open(&set, &err)) {
        find(d, "counters", "no", err.message, err.hint);
        return;
    }
    assay_counters_resume(set);
    assay_counters_pause(set);
    const struct assay_counter *c = assay_counters_read(set, &n);
    for (size_t i = 0; i < n; i++) {
        char what[96];
        bool no = c[i].status == ASSAY_COUNTER_UNAVAILABLE;
        (void)snprintf(what, sizeof what, "counter %s", c[i].name);
        find(d, what, no ? "no" : "yes", no ? c[i].why : c[i].provider,
             no ? "a machine (not a guest without a PMU), perf_event_paranoid <= 2" : "");
    }
    assay_counters_close(set);
}

static void look_at_power(struct doctor *d)
{
    struct assay_meter *meter;
    struct assay_error  err = {.code = ASSAY_OK};
    char                source[128];
    if (assay_meter_open("", &meter, &err)) {
        find(d, "energy", "no", err.message, err.hint);
        return;
    }
    assay_meter_start(meter);
    assay_meter_stop(meter);
    struct assay_counter e = assay_meter_read(meter, source);
    bool                 no = e.status == ASSAY_COUNTER_UNAVAILABLE;
    find(d, "energy", no ? "no" : "yes", no ? e.why : source, no ? "--power cmd=COMMAND or file=PATH for an external meter" : "");
    assay_meter_close(meter);
}

/* Programs that reports call. */
static void look_at_programs(struct doctor *d)
{
    static const struct {
        const char *program, *for_what, *package;
    } wanted[] = {{"gnuplot", "plots in reports", "package gnuplot-nox"}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct assay_error err = {.code = ASSAY_OK};
        char               out[256], what[96], program[32], word[] = "--version";
        int                status = -1;
        (void)assay_string_copy(program, sizeof program, wanted[i].program);
        char *argv[] = {program, word, NULL};
        bool  ok = !assay_process_capture(argv, NULL, 5 * ASSAY_NS_PER_S, out, sizeof out, &status, &err) && status == 0;
        char *end = ok ? strchr(out, '\n') : NULL;
        if (end)
            *end = 0;
        (void)snprintf(what, sizeof what, "%s (%s)", wanted[i].program, wanted[i].for_what);
        find(d, what, ok ? "yes" : "no", ok ? out : *err.message ? err.message : "it does not run", ok ? "" : wanted[i].package);
    }
}

/* Who starts ranks on other hosts. */
static void look_at_launchers(struct doctor *d)
{
    for (size_t i = 0; assay_launchers[i]; i++) {
        struct assay_error err = {.code = ASSAY_OK};
        char               what[64], detail[160];
        bool               no = assay_launcher_look(assay_launchers[i], detail, &err) != ASSAY_OK;
        (void)snprintf(what, sizeof what, "%s (ranks)", assay_launchers[i]);
        find(d, what, no ? "no" : "yes", no ? err.message : detail, no ? err.hint : "");
    }
}

/* What prints, and what writes spreadsheets. */
static void look_at_formats(struct doctor *d)
{
    struct assay_error err = {.code = ASSAY_OK};
    char               program[32], version[128];
    bool               no = assay_pdf_browser(program, version, &err) != ASSAY_OK, none = !strcmp(assay_book_library(), "none");
    find(d, "chromium (reports as pdf)", no ? "no" : "yes", no ? err.message : version, no ? "package chromium" : "");
    find(d, "libxlsxwriter (spreadsheets)", none ? "no" : "yes", none ? "this build has none" : assay_book_library(),
         none ? "package libxlsxwriter-dev, and build again" : "");
}

static void look_at_ceiling(struct doctor *d)
{
    struct assay_ceiling *ceiling;
    struct assay_error    err = {.code = ASSAY_OK};
    char                  detail[256], how[128];
    if (assay_ceiling_open(0, &ceiling, &err)) {
        find(d, "peak and triad", "no", err.message, err.hint);
        return;
    }
    double            peak = assay_ceiling_flops_per_s(ceiling, 50000000), triad = assay_ceiling_bytes_per_s(ceiling, 50000000);
    double            nominal = assay_ceiling_nominal_flops_per_s(ceiling, how);
    struct assay_text text = ASSAY_TEXT(detail);
    assay_string_quantity(&text, peak, "flop/s", 3);
    assay_text_add(&text, " f32 measured (");
    if (isnan(nominal)) {
        assay_text_add(&text, "not cross-checked: %s)", how);
    } else {
        assay_string_quantity(&text, nominal, "flop/s", 3);
        assay_text_add(&text, " = %s)", how);
    }
    find(d, "multiply-add peak", "yes", detail, "");
    text = assay_text_over(detail, sizeof detail);
    assay_string_quantity(&text, triad, "B/s ", 3);
    find(d, "triad bandwidth", "yes", detail, "");
    assay_ceiling_close(ceiling);
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct doctor_options *o = given_options;
    struct doctor                d = {.findings = NULL};
    (void)operands;
    (void)given;
    if (n)
        return assay_cli_usage("doctor takes no operands");
    d.findings = json_array();
    assay_table_init(&d.table, (const char *const[]){"what", "there", "detail", "cure", NULL});
    look_at_backends(&d);
    look_at_ceiling(&d);
    look_at_counters(&d);
    look_at_power(&d);
    look_at_programs(&d);
    look_at_launchers(&d);
    look_at_formats(&d);
    if (o->json)
        assay_cli_print_json(json_pack("{s:O, s:o}", "findings", d.findings, "host", assay_host_describe()));
    else
        assay_table_print(&d.table, stdout);
    assay_table_release(&d.table);
    json_decref(d.findings);
    return ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "says what this machine can do: back ends, peak, counters, energy, programs; each no with its reason and cure",
    .options = options,
    .options_bytes = sizeof(struct doctor_options),
    .run = run,
};
