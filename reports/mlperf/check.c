#include "reports/mlperf/check.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "reports/mlperf/system.h"

#include "assay/banned.h"

#define MOST_ACCURACY_BYTES 10240
#define MOST_TEXT_BYTES ((size_t)1 << 20)
#define MOST_SYSTEM_BYTES ((size_t)4 << 20)
#define MOST_ENTRIES 1000u

struct tree {
    const char                    *out;
    const struct assay_mlperf_how *how;
    struct assay_mlperf_notes     *notes;
    char                           root[400]; /* "closed/ORG" */
};

/* What is in a folder, sorted. */
struct listed {
    char (*name)[128];
    size_t n;
};

ASSAY_PRINTF(2, 3) static void refuse(const struct tree *t, const char *fmt, ...)
{
    char    text[1600];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assay_mlperf_note(t->notes, ASSAY_MLPERF_REFUSED, "%s", text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool path_of(const struct tree *t, const char *from_out, char path[4096])
{
    struct assay_error ignored;
    return !assay_path_join(path, 4096, t->out, from_out, &ignored);
}

static struct listed list(const struct tree *t, const char *folder)
{
    struct listed all = {calloc(MOST_ENTRIES, sizeof *all.name), 0};
    char          path[4096];
    DIR          *d = path_of(t, folder, path) ? opendir(path) : NULL;
    for (const struct dirent *e; all.name && d && all.n < MOST_ENTRIES && (e = readdir(d));)
        if (*e->d_name != '.' && strlen(e->d_name) < sizeof *all.name)
            memcpy(all.name[all.n++], e->d_name, strlen(e->d_name) + 1);
    if (d)
        (void)closedir(d);
    if (all.n)
        qsort(all.name, all.n, sizeof *all.name, by_name);
    return all;
}

/* Of a file; -1: there is none. */
static int64_t size_of(const struct tree *t, const char *file)
{
    char        path[4096];
    struct stat st;
    return path_of(t, file, path) && !stat(path, &st) ? (int64_t)st.st_size : -1;
}

static bool is_there(const struct tree *t, const char *folder, const char *name, bool not_empty, char out[900])
{
    (void)snprintf(out, 900, "%s/%s", folder, name);
    int64_t size = size_of(t, out);
    if (size < 0)
        refuse(t, "%s is missing", out);
    else if (!size && not_empty)
        refuse(t, "%s is empty", out);
    return size >= 0;
}

static json_t *read_json(const struct tree *t, const char *file)
{
    char               path[4096], *text = NULL;
    size_t             length;
    json_t            *value = NULL;
    struct assay_error err = {.code = ASSAY_OK};
    if (!path_of(t, file, path) || assay_file_read(path, MOST_SYSTEM_BYTES, &text, &length, &err) || assay_json_parse(text, length, file, &value, &err))
        refuse(t, "%s: %s", file, err.message);
    free(text);
    return value;
}

/* ---- descriptions -------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static void is_word(const struct tree *t, const char *file, const json_t *system, const char *key, const char *const *words)
{
    const char *value = json_string_value(json_object_get(system, key));
    if (value && !is_one_of(value, words))
        refuse(t, "%s: %s is '%.60s'", file, key, value);
}

static void is_digits(const struct tree *t, const char *file, const json_t *system, const char *key)
{
    const char *value = json_string_value(json_object_get(system, key));
    if (value && (!*value || strspn(value, "0123456789") != strlen(value)))
        refuse(t, "%s: %s is '%.60s', digits are wanted", file, key, value);
}

static void is_called(const struct tree *t, const char *file, const json_t *system, const char *key, const char *folder)
{
    const char *value = json_string_value(json_object_get(system, key));
    if (value && strcasecmp(value, folder) != 0)
        refuse(t, "%s: %s is '%.60s', the folder is '%s'", file, key, value, folder);
}

/* Returns the system's type, for the scenarios that it needs; 0: unknown. */
static unsigned check_system(const struct tree *t, const char *system)
{
    static const char *const types[] = {"datacenter", "edge", "datacenter,edge", "edge,datacenter", NULL}, *const statuses[] = {"available", "preview", "rdi", NULL};
    char                     file[700];
    (void)snprintf(file, sizeof file, "%s/systems/%s.json", t->root, system);
    json_t *json = read_json(t, file);
    if (!json)
        return 0;
    for (const struct assay_mlperf_system_key *k = assay_mlperf_system_keys; k->name; k++) {
        const char *value = json_string_value(json_object_get(json, k->name));
        if (!value || (!*value && !k->may_be_empty))
            refuse(t, "%s: %s is %s", file, k->name, value ? "empty" : "missing");
    }
    is_word(t, file, json, "status", statuses);
    is_word(t, file, json, "system_type", types);
    is_digits(t, file, json, "number_of_nodes");
    is_digits(t, file, json, "accelerators_per_node");
    is_called(t, file, json, "division", t->how->division == ASSAY_MLPERF_CLOSED ? "closed" : "open");
    is_called(t, file, json, "submitter", t->how->submitter);
    const char *type = json_string_value(json_object_get(json, "system_type"));
    unsigned    bits = type ? (strstr(type, "edge") ? ASSAY_MLPERF_EDGE : 0u) | (strstr(type, "datacenter") ? ASSAY_MLPERF_DATACENTER : 0u) : 0;
    json_decref(json);
    return bits;
}

static void check_measurements(const struct tree *t, const char *folder, const char *name)
{
    static const char *const keys[] = {"input_data_types", "retraining", "starting_weights_filename", "weight_data_types", "weight_transformations"};
    char                     file[900];
    if (is_there(t, folder, name, true, file)) {
        json_t *json = read_json(t, file);
        for (size_t i = 0; json && i < sizeof keys / sizeof *keys; i++) {
            const char *value = json_string_value(json_object_get(json, keys[i]));
            if (!value || !*value)
                refuse(t, "%s: %s is %s", file, keys[i], value ? "empty" : "missing");
        }
        json_decref(json);
    }
    (void)is_there(t, folder, "user.conf", true, file);
    (void)is_there(t, folder, "README.md", true, file);
}

/* ---- logs ----------------------------------------------------------------------------------------------------------- */

static bool read_log(const struct tree *t, const char *folder, struct assay_mlperf_log *log, char file[900])
{
    char               path[4096], summary[900];
    struct assay_error err = {.code = ASSAY_OK};
    (void)is_there(t, folder, "mlperf_log_summary.txt", false, summary);
    if (!is_there(t, folder, "mlperf_log_detail.txt", true, file) || !path_of(t, file, path))
        return false;
    if (!assay_mlperf_log_read(path, log, &err))
        return true;
    refuse(t, "%s", err.message);
    return false;
}

static void check_performance(const struct tree *t, const char *folder, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    struct assay_mlperf_log log;
    char                    file[900];
    if (!read_log(t, folder, &log, file))
        return;
    assay_mlperf_check_performance(&log, t->how, b, s, file, t->notes);
    assay_mlperf_log_release(&log);
}

/* accuracy.txt: the score, and the hash of the whole log. */
static void check_score(const struct tree *t, const char *file, const struct assay_mlperf_benchmark *b)
{
    char               path[4096], *text = NULL;
    size_t             length;
    struct assay_error err = {.code = ASSAY_OK};
    if (!path_of(t, file, path) || assay_file_read(path, MOST_TEXT_BYTES, &text, &length, &err)) {
        refuse(t, "%s: %s", file, err.message);
        return;
    }
    const char *score = strncmp(text, b->accuracy, strlen(b->accuracy)) ? NULL : text + strlen(b->accuracy), *hash = strstr(text, "hash=");
    char       *end = NULL;
    double      value = score ? strtod(score, &end) : 0;
    if (!score || end == score)
        refuse(t, "%s: there is no score (%s…)", file, b->accuracy);
    else if (t->how->division == ASSAY_MLPERF_CLOSED && value < b->accuracy_least)
        refuse(t, "%s: the score is %g, at least %g is wanted", file, value, b->accuracy_least);
    if (!hash || (hash > text && hash[-1] != '\n') || strspn(hash + 5, "0123456789abcdef") != 64)
        refuse(t, "%s: there is no line hash= with the SHA-256 of the accuracy log", file);
    free(text);
}

static void check_accuracy(const struct tree *t, const char *folder, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    struct assay_mlperf_log log;
    char                    file[900];
    if (read_log(t, folder, &log, file)) {
        assay_mlperf_check_accuracy(&log, b, s, file, t->notes);
        assay_mlperf_log_release(&log);
    }
    if (is_there(t, folder, "mlperf_log_accuracy.json", false, file) && size_of(t, file) > MOST_ACCURACY_BYTES)
        refuse(t, "%s has %lld bytes, at most %d are wanted", file, (long long)size_of(t, file), MOST_ACCURACY_BYTES);
    if (is_there(t, folder, "accuracy.txt", true, file))
        check_score(t, file, b);
}

/* ---- audits of the closed division ----------------------------------------------------------------------------------- */

static void says(const struct tree *t, const char *folder, const char *name, const char *const *words)
{
    char               file[900], path[4096], *text = NULL;
    size_t             length;
    struct assay_error err = {.code = ASSAY_OK};
    if (!is_there(t, folder, name, true, file))
        return;
    if (!path_of(t, file, path) || assay_file_read(path, MOST_TEXT_BYTES, &text, &length, &err))
        refuse(t, "%s: %s", file, err.message);
    for (; text && *words; words++)
        if (!strstr(text, *words))
            refuse(t, "%s does not say '%s'", file, *words);
    free(text);
}

/* Nothing but the logs may lie beside them. */
static void is_bare(const struct tree *t, const char *folder)
{
    static const char *const known[] = {"mlperf_log_summary.txt", "mlperf_log_detail.txt", "mlperf_log_accuracy.json", NULL};
    struct listed            all = list(t, folder);
    for (size_t i = 0; i < all.n; i++)
        if (!is_one_of(all.name[i], known))
            refuse(t, "%s/%s has no business there", folder, all.name[i]);
    free(all.name);
}

static void check_test(const struct tree *t, const char *compliance, unsigned test, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    static const char *const pass[] = {"TEST PASS", NULL};
    static const char *const first[] = {"First token check pass: True", "EOS check pass: True", "Sample length check pass: True", NULL},
                      *const offline[] = {"First token check pass: Skipped", "EOS check pass: True", "Sample length check pass: True", NULL};
    char folder[800], run[820];
    (void)snprintf(folder, sizeof folder, "%s/%s", compliance, assay_mlperf_test_name(test));
    if (size_of(t, folder) < 0) {
        refuse(t, "%s is missing: assay audit makes it", folder);
        return;
    }
    if (test == ASSAY_MLPERF_TEST06) {
        says(t, folder, "verify_accuracy.txt", s == ASSAY_MLPERF_OFFLINE ? offline : first);
        return;
    }
    if (test == ASSAY_MLPERF_TEST01)
        says(t, folder, "verify_accuracy.txt", pass);
    says(t, folder, "verify_performance.txt", pass);
    (void)snprintf(run, sizeof run, "%s/performance/run_1", folder);
    check_performance(t, run, b, s);
    is_bare(t, run);
}

/* ---- the tree --------------------------------------------------------------------------------------------------------- */

static bool scenario_named(const char *folder, enum assay_mlperf_scenario *out)
{
    for (int s = 0; s < ASSAY_MLPERF_SCENARIOS; s++)
        if (!strcmp(assay_mlperf_scenario_folder((enum assay_mlperf_scenario)s), folder)) {
            *out = (enum assay_mlperf_scenario)s;
            return true;
        }
    return false;
}

static void check_result(const struct tree *t, const char *system, const struct assay_mlperf_benchmark *b, enum assay_mlperf_scenario s)
{
    struct assay_mlperf_place place;
    struct assay_error        err = {.code = ASSAY_OK};
    char                      folder[800];
    if (assay_mlperf_place_of(t->how, system, b->name, assay_mlperf_scenario_folder(s), &place, &err)) {
        refuse(t, "%s: %s", system, err.message);
        return;
    }
    check_measurements(t, place.measurements, place.measurements_file);
    (void)snprintf(folder, sizeof folder, "%s/performance/run_1", place.result);
    check_performance(t, folder, b, s);
    (void)snprintf(folder, sizeof folder, "%s/accuracy", place.result);
    check_accuracy(t, folder, b, s);
    for (unsigned test = 1; t->how->division == ASSAY_MLPERF_CLOSED && test <= ASSAY_MLPERF_TEST06; test *= 2)
        if (b->tests & test)
            check_test(t, place.compliance, test, b, s);
}

static void needs(const struct tree *t, const char *folder, const struct assay_mlperf_benchmark *b, unsigned type, unsigned has)
{
    const unsigned online = 1u << ASSAY_MLPERF_SERVER | 1u << ASSAY_MLPERF_INTERACTIVE;
    if (!type)
        return;
    if (t->how->round == ASSAY_MLPERF_V6_1 && b->systems == (ASSAY_MLPERF_EDGE | ASSAY_MLPERF_DATACENTER) && type == ASSAY_MLPERF_DATACENTER)
        refuse(t, "%s: the round has it on edge systems, and on those that are both", folder);
    else if (!(b->systems & type))
        refuse(t, "%s: the round does not have it on that type of system", folder);
    for (int s = 0; s < ASSAY_MLPERF_SCENARIOS; s++)
        if (b->needs[type - 1] & ~has & 1u << s)
            refuse(t, "%s: scenario %s is missing", folder, assay_mlperf_scenario_folder((enum assay_mlperf_scenario)s));
    if (b->needs_online && !(has & online))
        refuse(t, "%s: one of Server and Interactive is missing", folder);
}

static void check_benchmark(const struct tree *t, const char *system, unsigned type, const char *name)
{
    const struct assay_mlperf_benchmark *b = assay_mlperf_benchmark_find(t->how->round, name);
    char                                 folder[800];
    unsigned                             has = 0;
    (void)snprintf(folder, sizeof folder, "%s/results/%s/%s", t->root, system, name);
    if (!b) {
        refuse(t, "%s: the round has no such benchmark", folder);
        return;
    }
    struct listed all = list(t, folder);
    for (size_t i = 0; i < all.n; i++) {
        enum assay_mlperf_scenario s;
        if (scenario_named(all.name[i], &s)) {
            has |= 1u << s;
            check_result(t, system, b, s);
        } else {
            refuse(t, "%s/%s: there is no such scenario", folder, all.name[i]);
        }
    }
    free(all.name);
    if (t->how->division == ASSAY_MLPERF_CLOSED)
        needs(t, folder, b, type, has);
}

enum assay_code assay_mlperf_check(const char *out, const struct assay_mlperf_how *how, struct assay_mlperf_notes *notes, struct assay_error *err)
{
    struct tree t = {.out = out, .how = how, .notes = notes};
    char        folder[520];
    (void)snprintf(t.root, sizeof t.root, "%s/%s", how->division == ASSAY_MLPERF_CLOSED ? "closed" : "open", how->submitter);
    (void)snprintf(folder, sizeof folder, "%s/results", t.root);
    if (size_of(&t, folder) < 0)
        return ASSAY_FAIL(err, ASSAY_IO, "there is no folder '%.200s' in '%.200s'", folder, out);
    struct listed systems = list(&t, folder);
    (void)snprintf(folder, sizeof folder, "%s/%s", t.root, assay_mlperf_sources(how->round));
    if (size_of(&t, folder) < 0)
        refuse(&t, "%s is missing", folder);
    for (size_t i = 0; i < systems.n; i++) {
        char          results[700];
        unsigned      type = check_system(&t, systems.name[i]);
        (void)snprintf(results, sizeof results, "%s/results/%s", t.root, systems.name[i]);
        struct listed benchmarks = list(&t, results);
        for (size_t k = 0; k < benchmarks.n; k++)
            check_benchmark(&t, systems.name[i], type, benchmarks.name[k]);
        free(benchmarks.name);
    }
    free(systems.name);
    return notes->failed ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the notes of a check") : ASSAY_OK;
}
