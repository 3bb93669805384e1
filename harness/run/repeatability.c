#include "harness/run/repeatability.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/strings.h"
#include "harness/run/baseline.h"
#include "harness/run/item_arrangements.h"
#include "harness/run/rig.h"
#include "harness/verify/agreement.h"

#include "assay/banned.h"

#define MOST_SETS 4u
#define LIMIT_BYTES ((uint64_t)2 << 30) /* of a rig, host and device each */

static enum assay_code open_rig(const struct assay_repeatability_job *job, const char *backend, uint32_t sets, struct assay_rig *rig,
                                struct assay_error *err)
{
    struct assay_rig_setup setup = {.what = job->what, .backend = backend, .plugin = "", .weights = "", .inputs = "", .seed = job->seed,
                                    .timeout_ns = job->timeout_ns, .sets = sets, .limit_bytes = LIMIT_BYTES};
    return assay_rig_open(&setup, rig, err);
}

/* ---- this process ---------------------------------------------------------------------------------------------- */

/* Compares every execution with the first of its input set. */
struct within {
    struct assay_rig      *rig;
    struct assay_baseline *first;
    struct assay_agreement agreement;
};

static enum assay_code see_again(void *self, const struct assay_collected *left, struct assay_error *err)
{
    struct within *w = self;
    char           run[64];
    (void)err;
    if (!w->first->has[left->set]) {
        assay_baseline_keep(w->first, w->rig, left);
        return ASSAY_OK;
    }
    assay_baseline_compare(w->first, w->rig, left, &w->agreement);
    (void)snprintf(run, sizeof run, "execution %llu", (unsigned long long)w->rig->executed);
    assay_agreement_run_end(&w->agreement, run);
    return ASSAY_OK;
}

static enum assay_code against_file(const struct assay_repeatability_job *job, const struct assay_rig *rig, const struct assay_baseline *mine,
                                    json_t *found, struct assay_error *err)
{
    struct assay_baseline  theirs;
    struct assay_agreement across = {.runs = 0};
    if (assay_baseline_read(job->baseline, rig, &theirs, err))
        return err->code;
    for (uint32_t set = 0; set < mine->sets && set < theirs.sets; set++)
        assay_baseline_compare_kept(&theirs, mine, rig, set, &across);
    assay_agreement_run_end(&across, "another process");
    assay_baseline_release(&theirs);
    return json_object_set_new(found, "processes", assay_agreement_to_json(&across))
               ? ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what was found")
               : ASSAY_OK;
}

static enum assay_code do_process(const struct assay_repeatability_job *job, json_t *found, struct assay_error *err)
{
    struct assay_rig      rig;
    struct assay_baseline first = {.bytes = NULL};
    if (open_rig(job, job->backend, MOST_SETS, &rig, err))
        return err->code;
    struct within          w = {.rig = &rig, .first = &first};
    struct assay_rig_watch watch = {.see = see_again, .self = &w};
    if (!assay_baseline_init(&rig, rig.with.sets, &first, err))
        while (!assay_rig_round(&rig, &watch, err) && w.agreement.runs < job->runs)
            continue;
    if (!err->code && job->runs)
        (void)json_object_set_new(found, "runs", assay_agreement_to_json(&w.agreement));
    if (!err->code)
        (void)(job->writes ? assay_baseline_write(&first, job->baseline, err) : against_file(job, &rig, &first, found, err));
    assay_baseline_release(&first);
    assay_rig_close(&rig);
    return err->code;
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

struct against {
    struct assay_rig      *rig;
    struct assay_baseline *baseline;
    struct assay_agreement agreement;
};

static enum assay_code see_against(void *self, const struct assay_collected *left, struct assay_error *err)
{
    struct against *a = self;
    (void)err;
    if (left->set < a->baseline->sets)
        assay_baseline_compare(a->baseline, a->rig, left, &a->agreement);
    return ASSAY_OK;
}

/* The canonical name with another value of an option, which stands there because all are written out. */
static bool name_with(const char *canonical, const char *option, unsigned value, char out[800])
{
    char        key[48];
    bool        quoted = false;
    size_t      length;
    const char *at = canonical;
    (void)snprintf(key, sizeof key, ",%s=", option);
    length = strlen(key);
    for (; *at; at++) {
        if (*at == '"' && (at == canonical || at[-1] != '\\'))
            quoted = !quoted;
        if (!quoted && !strncmp(at, key, length))
            break;
    }
    if (!*at)
        return false;
    (void)snprintf(out, 800, "%.*s%u%s", (int)(at - canonical + (ptrdiff_t)length), canonical, value, at + length + strcspn(at + length, ","));
    return true;
}

static bool has_option(const struct assay_backend *b, const char *name)
{
    const char *row = (const char *)(const void *)b->options;
    for (; row && ((const struct assay_option *)(const void *)row)->name; row += b->option_stride)
        if (!strcmp(((const struct assay_option *)(const void *)row)->name, name))
            return true;
    return false;
}

static enum assay_code with_threads(const struct assay_repeatability_job *job, const char *canonical, unsigned threads,
                                    struct assay_agreement *all, struct assay_error *err)
{
    struct assay_rig      rig;
    struct assay_baseline baseline;
    char                  name[800], run[64];
    if (!name_with(canonical, "threads", threads, name))
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "option 'threads' is not written out in '%.200s'", canonical);
    if (open_rig(job, name, MOST_SETS, &rig, err))
        return err->code;
    if (!assay_baseline_read(job->baseline, &rig, &baseline, err)) {
        struct against         a = {.rig = &rig, .baseline = &baseline};
        struct assay_rig_watch watch = {.see = see_against, .self = &a};
        if (!assay_rig_round(&rig, &watch, err)) {
            (void)snprintf(run, sizeof run, "%u thread%s", threads, threads == 1 ? "" : "s");
            assay_agreement_run_end(&a.agreement, run);
            assay_agreement_add(all, &a.agreement);
        }
        assay_baseline_release(&baseline);
    }
    assay_rig_close(&rig);
    return err->code;
}

static json_t *absent(const char *why)
{
    return json_pack("{s:o}", "why", json_string(why));
}

/* 1 to 4, then doubled up to the processors there are: odd numbers cut work elsewhere than even ones. */
static enum assay_code do_threads(const struct assay_repeatability_job *job, json_t *found, struct assay_error *err)
{
    struct assay_opened    opened;
    struct assay_agreement all = {.runs = 0};
    char                   canonical[640], why[160];
    long                   processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (assay_backend_open(job->backend, NULL, &opened, err))
        return err->code;
    bool there = has_option(opened.backend, "threads");
    (void)assay_string_copy(canonical, sizeof canonical, opened.canonical);
    (void)snprintf(why, sizeof why, "back end %.60s has no option threads", opened.backend->name);
    assay_backend_close(&opened);
    for (unsigned threads = 1; there && !err->code && (threads <= 4 || threads <= processors); threads += threads < 4 ? 1 : threads)
        (void)with_threads(job, canonical, threads, &all, err);
    if (!err->code)
        (void)json_object_set_new(found, "threads", there ? assay_agreement_to_json(&all) : absent(why));
    return err->code;
}

/* ---- the batch ------------------------------------------------------------------------------------------------- */

static enum assay_code do_batch(const struct assay_repeatability_job *job, json_t *found, struct assay_error *err)
{
    struct assay_item_probe probe = {.what = job->what, .backend = job->backend, .seed = job->seed, .timeout_ns = job->timeout_ns,
                                     .arrangements = (uint32_t)(job->runs < 1000 ? job->runs : 1000), .limit_bytes = LIMIT_BYTES};
    struct assay_item_findings f;
    if (assay_item_arrangements_try(&probe, &f, err))
        return err->code;
    for (size_t i = 0; i < ASSAY_ITEM_PROPERTIES; i++)
        (void)json_object_set_new(found, assay_item_property_name((enum assay_item_property)i),
                                  *f.why[i] ? absent(f.why[i]) : assay_agreement_to_json(&f.agreement[i]));
    return ASSAY_OK;
}

enum assay_code assay_run_repeatability(const struct assay_repeatability_job *job, json_t **found, struct assay_error *err)
{
    static const struct {
        const char *name;
        enum assay_code (*run)(const struct assay_repeatability_job *job, json_t *found, struct assay_error *err);
    } parts[] = {{"process", do_process}, {"threads", do_threads}, {"batch", do_batch}};
    json_t *all = json_object();
    if (!all)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what is found");
    enum assay_code code = ASSAY_FAIL(err, ASSAY_PROTOCOL, "repeatability has no part '%.32s'", job->part);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].name, job->part)) {
            memset(err, 0, sizeof *err);
            code = parts[i].run(job, all, err);
        }
    if (code)
        json_decref(all);
    else
        *found = all;
    return code;
}
