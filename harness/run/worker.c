#include "harness/run/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/options.h"
#include "harness/measure/host.h"
#include "harness/run/case_run.h"
#include "harness/run/contract.h"
#include "harness/run/kept_ceiling.h"
#include "harness/run/loader.h"
#include "harness/run/model_run.h"
#include "harness/run/numerics.h"
#include "harness/run/rank_worker.h"
#include "harness/run/repeatability.h"
#include "harness/run/soak.h"
#include "harness/run/vector_run.h"
#include "harness/run/wire.h"
#include "harness/store/record.h"

#include "assay/banned.h"

#define PROGRESS_EVERY_NS 100000000ull

struct speaker {
    int      fd;
    uint64_t last_ns;
};

static void on_progress(void *self, enum assay_phase phase, double share, uint64_t median_ns)
{
    struct speaker    *s = self;
    struct assay_error ignored;
    uint64_t           now = assay_clock_now_ns();
    if (share > 0 && now - s->last_ns < PROGRESS_EVERY_NS)
        return;
    s->last_ns = now;
    (void)assay_wire_say(s->fd,
                         json_pack("{s:s, s:s, s:o, s:o}", "say", "progress", "phase", assay_phase_name(phase), "share",
                                   assay_json_number(share), "median_ns", assay_json_u64(median_ns)),
                         &ignored);
}

static enum assay_code read_repeat(const json_t *job, struct assay_repeat *repeat, struct assay_error *err)
{
    const char *key;
    json_t     *value;
    json_object_foreach(json_object_get(job, "repeat"), key, value)
    {
        const char *text = json_string_value(value);
        if (assay_option_set(assay_repeat_options, repeat, key, text ? text : "", err))
            return err->code;
    }
    return ASSAY_OK;
}

static enum assay_code do_case(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_case          c = {.workload = NULL};
    struct speaker             speaker = {.fd = fd};
    struct assay_ceiling_asker asker;
    struct assay_record       *record = calloc(1, sizeof *record);
    if (!record)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a record");
    if (assay_case_parse(assay_json_text_of(job, "case"), &c, err) || assay_ceiling_asker_init(&asker, fd, STDIN_FILENO, err)) {
        assay_case_release(&c);
        free(record);
        return err->code;
    }
    struct assay_ceiling_keeper keeper = assay_ceiling_asker_keeper(&asker);
    if (!read_repeat(job, &c.repeat, err)) {
        struct assay_case_job what = {
            .what = &c, .backend = assay_json_text_of(job, "backend"), .plugin = assay_json_text_of(job, "plugin"), .folder = assay_json_text_of(job, "folder"), .power = assay_json_text_of(job, "power"),
            .repeat = assay_json_text_of(job, "repeat_line"), .weights = assay_json_text_of(job, "weights"), .inputs = assay_json_text_of(job, "inputs"), .audit = assay_json_text_of(job, "audit"),
            .launcher = *assay_json_text_of(job, "launcher") ? assay_json_text_of(job, "launcher") : "fork",
            .seed = (uint64_t)json_integer_value(json_object_get(job, "seed")),
            .launch = (uint32_t)json_integer_value(json_object_get(job, "launch")), .progress = on_progress, .self = &speaker,
            .ceiling = json_is_true(json_object_get(job, "keeps_ceiling")) ? &keeper : NULL,
        };
        json_t            *json = NULL;
        struct assay_error unstored;
        if (assay_case_run(&what, record, &unstored))
            (void)assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "unstored", "error", assay_error_to_json(&unstored)), err);
        else if ((json = assay_record_to_json(record)))
            (void)assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "record", "record", json), err);
        else
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a record");
    }
    assay_ceiling_asker_release(&asker);
    assay_case_release(&c);
    free(record);
    return err->code;
}

static json_t *device_to_json(const struct assay_device_info *d)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:o}", "name", assay_json_string(d->name), "product",
                     assay_json_string(d->product), "vendor", assay_json_string(d->vendor), "serial",
                     assay_json_string(d->serial), "firmware", assay_json_string(d->firmware), "how_known",
                     assay_json_string(d->how_known), "traits", (int)d->traits, "clock", (int)d->clock, "origin",
                     (int)d->origin, "queues", (int)d->queues, "memory_bytes", assay_json_u64(d->memory_bytes));
}

/* Which plug-in a name means, what it is, and what devices it finds. */
static enum assay_code do_probe(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_opened opened;
    char                digest[65];
    if (assay_backend_open(assay_json_text_of(job, "backend"), NULL, &opened, err))
        return err->code;
    struct assay_device_info *devices = NULL;
    size_t                    n = 0;
    json_t                   *list = json_array(), *libraries = json_array();
    if (assay_sha256_file(opened.path, digest, err) ||
        assay_backend_devices(opened.backend, opened.options, &devices, &n, err))
        goto close;
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, device_to_json(&devices[i]));
    for (uint32_t i = 0; ASSAY_HAS(opened.backend, library) && i < 64; i++) {
        const char *path = opened.backend->library(i);
        if (!path)
            break;
        json_array_append_new(libraries, assay_json_string(path));
    }
    (void)assay_wire_say(fd,
                         json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:O, s:o, s:O, s:o}", "say", "probe", "backend",
                                   assay_json_string(opened.canonical), "resolved", assay_json_string(opened.resolved), "name", assay_json_string(opened.backend->name),
                                   "summary", assay_json_string(opened.backend->summary), "version",
                                   assay_json_string(opened.backend->version), "path", assay_json_string(opened.path),
                                   "sha256", digest, "devices", list, "device", device_to_json(&opened.device), "loaded",
                                   libraries, "mapped", assay_host_libraries()),
                         err);
close:
    json_decref(list);
    json_decref(libraries);
    free(devices);
    assay_backend_close(&opened);
    return err->code;
}

static enum assay_code do_contract(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_finding found[ASSAY_CONTRACT_MAX];
    size_t               n = 0;
    if (assay_contract_check(assay_json_text_of(job, "backend"), found, &n, err))
        return err->code;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:b, s:b, s:o}", "what", assay_json_string(found[i].what), "holds",
                                              found[i].holds, "applies", found[i].applies, "why",
                                              assay_json_string(found[i].why)));
    return assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "contract", "findings", list), err);
}

static enum assay_code do_vectors(const json_t *job, int fd, struct assay_error *err)
{
    json_t *results = NULL;
    if (assay_vector_run(assay_json_text_of(job, "backend"), json_object_get(job, "cases"), &results, err))
        return err->code;
    return assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "vectors", "results", results), err);
}

static enum assay_code do_numerics(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_numerics *found = calloc(1, sizeof *found);
    if (!found)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for what is found");
    if (!assay_run_numerics(assay_json_text_of(job, "backend"), assay_dtype_from_name(assay_json_text_of(job, "dtype")),
                            (uint64_t)json_integer_value(json_object_get(job, "tiles")), found, err))
        (void)assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "numerics", "found", assay_numerics_to_json(found)), err);
    free(found);
    return err->code;
}

static enum assay_code do_model(const json_t *job, int fd, struct assay_error *err)
{
    json_t *found = NULL;
    if (assay_model_run(assay_json_text_of(job, "backend"), assay_json_text_of(job, "case"), (uint64_t)json_integer_value(json_object_get(job, "seed")), &found, err))
        return err->code;
    return assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "model", "found", found), err);
}

static enum assay_code do_repeatability(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_case c;
    json_t           *found = NULL;
    if (assay_case_parse(assay_json_text_of(job, "case"), &c, err))
        return err->code;
    const struct assay_repeatability_job what = {
        .what = &c, .backend = assay_json_text_of(job, "backend"), .part = assay_json_text_of(job, "part"), .baseline = assay_json_text_of(job, "baseline"),
        .writes = json_is_true(json_object_get(job, "writes")), .runs = (uint64_t)json_integer_value(json_object_get(job, "runs")),
        .seed = (uint64_t)json_integer_value(json_object_get(job, "seed")),
        .timeout_ns = (uint64_t)json_integer_value(json_object_get(job, "timeout_ns")),
    };
    if (!assay_run_repeatability(&what, &found, err))
        (void)assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "repeatability", "found", found), err);
    assay_case_release(&c);
    return err->code;
}

static enum assay_code do_ceiling(const json_t *job, int fd, struct assay_error *err)
{
    return assay_kept_ceiling_serve(job, STDIN_FILENO, fd, err);
}

static void on_soak_progress(void *self, double share)
{
    struct speaker    *s = self;
    struct assay_error ignored;
    uint64_t           now = assay_clock_now_ns();
    if (now - s->last_ns < PROGRESS_EVERY_NS)
        return;
    s->last_ns = now;
    (void)assay_wire_say(s->fd, json_pack("{s:s, s:s, s:o, s:i}", "say", "progress", "phase", "soak", "share", assay_json_number(share),
                                          "median_ns", 0), &ignored);
}

/* The hash of each input set's verified outputs, 32 hex digits, the high half first; null: of that set nothing was verified. */
static enum assay_code read_verified(const json_t *list, struct assay_soak_job *job, struct assay_error *err)
{
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > ASSAY_WITNESS_MOST_SETS)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "a soak needs 1 to %u verified hashes", ASSAY_WITNESS_MOST_SETS);
    job->sets = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < job->sets; i++) {
        const char        *text = json_string_value(json_array_get(list, i));
        unsigned long long high = 0, low = 0;
        job->has[i] = text && strlen(text) == 32 && sscanf(text, "%16llx%16llx", &high, &low) == 2;
        job->hash[i] = (struct assay_hash128){.low = low, .high = high};
    }
    return ASSAY_OK;
}

static enum assay_code do_soak(const json_t *job, int fd, struct assay_error *err)
{
    struct assay_case     c;
    struct speaker        speaker = {.fd = fd};
    struct assay_soak_job what = {
        .what = &c, .backend = assay_json_text_of(job, "backend"), .plugin = assay_json_text_of(job, "plugin"), .weights = assay_json_text_of(job, "weights"),
        .inputs = assay_json_text_of(job, "inputs"), .tally = assay_json_text_of(job, "tally"), .seed = (uint64_t)json_integer_value(json_object_get(job, "seed")),
        .for_ns = (uint64_t)json_integer_value(json_object_get(job, "for_ns")),
        .timeout_ns = (uint64_t)json_integer_value(json_object_get(job, "timeout_ns")), .progress = on_soak_progress, .self = &speaker,
    };
    if (read_verified(json_object_get(job, "verified"), &what, err) || assay_case_parse(assay_json_text_of(job, "case"), &c, err))
        return err->code;
    if (!assay_run_soak(&what, err))
        (void)assay_wire_say(fd, json_pack("{s:s}", "say", "soak"), err);
    assay_case_release(&c);
    return err->code;
}

static const struct {
    const char *name;
    enum assay_code (*run)(const json_t *job, int fd, struct assay_error *err);
} jobs[] = {{"case", do_case}, {"probe", do_probe}, {"contract", do_contract}, {"vectors", do_vectors}, {"numerics", do_numerics},
         {"model", do_model}, {"repeatability", do_repeatability}, {"soak", do_soak}, {"ceiling", do_ceiling},
         {"rank", assay_rank_worker}};

static enum assay_code do_job(int fd, struct assay_error *err)
{
    struct assay_wire wire;
    json_t           *job = NULL;
    if (assay_wire_init(&wire, STDIN_FILENO, err))
        return err->code;
    enum assay_code code = assay_wire_next(&wire, UINT64_MAX, &job, err);
    if (!code && !job)
        code = ASSAY_FAIL(err, ASSAY_PROTOCOL, "the launcher went away before it gave a job");
    if (!code) {
        code = ASSAY_FAIL(err, ASSAY_PROTOCOL, "there is no job called '%.32s'", assay_json_text_of(job, "do"));
        for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
            if (!strcmp(jobs[i].name, assay_json_text_of(job, "do"))) {
                memset(err, 0, sizeof *err);
                code = jobs[i].run(job, fd, err);
            }
    }
    json_decref(job);
    assay_wire_release(&wire);
    return code;
}

int assay_worker_main(void)
{
    struct assay_error err = {.code = ASSAY_OK}, ignored;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the parent decides what an interrupt means */
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 4;
    if (do_job(fd, &err))
        (void)assay_wire_say(fd, json_pack("{s:s, s:o}", "say", "failed", "error", assay_error_to_json(&err)), &ignored);
    return err.code ? 1 : 0;
}
