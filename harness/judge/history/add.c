/* A validated run folder into rows. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/judge/history/database_parts.h"
#include "harness/judge/programs.h"
#include "harness/plan/plan.h"
#include "harness/verify/witness_repeats.h"

#include "assay/banned.h"

#define RECORDS_LIMIT_BYTES ((size_t)1 << 30)
#define HALF_DAY_S 43200

struct adding {
    struct assay_history *h;
    const struct assay_summary *run;
    const struct assay_history_run *told;
    struct assay_history_point *points; /* of the rows: made before the lock is taken */
    int32_t night;
    int64_t row; /* of the run */
    sqlite3_stmt *series, *environment, *point;
};

/* ---- what the manifest says -------------------------------------------------------------------------------------- */

/* A text of the manifest, or "": what could not be read is an object that says why. */
static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const json_t *backend_of(const struct assay_summary *run, const char *backend)
{
    const json_t *each;
    size_t i;
    json_array_foreach(json_object_get(assay_run_folder_manifest(run->folder), "backends"), i,
                       each) if (!strcmp(text_at(each, "backend"), backend)) return each;
    return NULL;
}

static bool is_driver(const char *soname)
{
    static const char *const begins[] = {"libcuda.so",    "libnvidia-", "libhsa-runtime", "libamdhip64", "libze_", "libascendcl",
                                         "libascend_hal", "libxpurt",   "libcnrt",        "libcndrv",    "libtpu"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (!strncmp(soname, begins[i], strlen(begins[i])))
            return true;
    return false;
}

/* Lines "name version sha256…": libraries of drivers, other libraries, and what names itself nothing, which is assay. */
static void tell_mapped(const json_t *backend, struct assay_text *driver, struct assay_text *library, struct assay_text *assay)
{
    const json_t *each;
    size_t i;
    json_array_foreach(json_object_get(backend, "mapped"), i, each)
    {
        const char *soname = text_at(each, "soname"), *path = text_at(each, "path"), *base = strrchr(path, '/');
        struct assay_text *to = !*soname ? assay : is_driver(soname) ? driver : library;
        assay_text_add(to, "%s %s%s%.8s\n",
                       *soname ? soname
                       : base  ? base + 1
                               : path,
                       text_at(each, "version"), *text_at(each, "version") ? " " : "", text_at(each, "sha256"));
    }
}

/* ---- rows of tables ---------------------------------------------------------------------------------------------- */

static enum assay_code step(struct adding *a, sqlite3_stmt *s, struct assay_error *err)
{
    int code = sqlite3_step(s);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        (void)assay_history_fail(a->h, err, "cannot write");
    return err->code;
}

/* The id that an upsert with RETURNING gives. */
static enum assay_code id_of(struct adding *a, sqlite3_stmt *s, int64_t *id, struct assay_error *err)
{
    if (!step(a, s, err))
        *id = sqlite3_column_int64(s, 0);
    (void)sqlite3_reset(s);
    return err->code;
}

static void bind(sqlite3_stmt *s, int place, const char *text)
{
    (void)sqlite3_bind_text(s, place, text, -1, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *s, int place, double value)
{
    (void)(isnan(value) ? sqlite3_bind_null(s, place) : sqlite3_bind_double(s, place, value));
}

static enum assay_code environment_of(struct adding *a, const struct assay_summary_row *row,
                                      const struct assay_device_info *device, int64_t *id, struct assay_error *err)
{
    enum { ROOM = 1 << 15 };
    const json_t *manifest = assay_run_folder_manifest(a->run->folder), *host = json_object_get(manifest, "host");
    char *room = malloc(5 * ROOM);
    struct assay_text text[5];
    if (!room)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for an environment");
    for (int i = 0; i < 5; i++)
        text[i] = assay_text_over(room + (size_t)i * ROOM, ROOM);
    struct assay_text *driver = &text[0], *library = &text[1], *kernel = &text[2], *clock = &text[3], *assay = &text[4];
    if (*device->firmware)
        assay_text_add(driver, "firmware %s\n", device->firmware);
    assay_text_add(kernel, "%s\n", text_at(host, "kernel"));
    if (*text_at(json_object_get(host, "cpu"), "microcode"))
        assay_text_add(kernel, "microcode %s\n", text_at(json_object_get(host, "cpu"), "microcode"));
    if (*text_at(json_object_get(host, "firmware"), "version"))
        assay_text_add(kernel, "host firmware %s\n", text_at(json_object_get(host, "firmware"), "version"));
    if (*text_at(host, "governor"))
        assay_text_add(clock, "governor %s\n", text_at(host, "governor"));
    if (json_is_boolean(json_object_get(host, "turbo")))
        assay_text_add(clock, "turbo %s\n", json_is_true(json_object_get(host, "turbo")) ? "on" : "off");
    assay_text_add(assay, "assay %s\n", text_at(manifest, "assay"));
    tell_mapped(backend_of(a->run, row->backend), driver, library, assay);
    bind(a->environment, 1, driver->at);
    bind(a->environment, 2, library->at);
    bind(a->environment, 3, kernel->at);
    bind(a->environment, 4, text_at(manifest, "compiler"));
    bind(a->environment, 5, clock->at);
    bind(a->environment, 6, assay->at);
    (void)id_of(a, a->environment, id, err);
    free(room);
    return err->code;
}

/* ---- one row of the run ------------------------------------------------------------------------------------------ */

/* Of the record's largest program. */
static enum assay_code read_witness(const struct assay_summary *run, const struct assay_record *r, const struct assay_case *what,
                                    struct assay_witness_repeats *out, struct assay_error *err)
{
    char path[4096];
    struct assay_graph *g = NULL;
    if (assay_validate_witness(run->folder, r, path, err) || assay_judged_graph(r, what, &g, err))
        return err->code;
    enum assay_code code = assay_witness_repeats_read(path, r->id, g, out, err);
    assay_graph_free(g);
    return code;
}

/* The outputs of all launches as one number, where they have witnesses. What cannot be read is no reason to lose the night:
 * validation has judged the witnesses, and says so. */
static void sum_outputs(const struct assay_summary *run, const struct assay_summary_row *row, struct assay_history_point *out)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_case what = {.params = NULL};
    struct assay_witness_repeats *now = calloc(1, sizeof *now);
    bool first = true;
    out->repeats = true;
    if (!now || assay_case_parse(row->case_name, &what, &err)) {
        free(now);
        return;
    }
    bool trained = what.workload->lesson && !strcmp(what.workload->lesson->phase, what.phase);
    for (size_t i = 0; i < row->n_launches && !trained; i++) {
        const struct assay_record *r = row->launches[i];
        if (r->status != ASSAY_STATUS_OK || !*r->witness_file || read_witness(run, r, &what, now, &err))
            continue;
        struct assay_hash128 sum = {now->seed, now->n}, which = sum;
        for (uint32_t k = 0; k < now->n; k++) {
            out->repeats = out->repeats && (!now->set[k].seen || now->set[k].distinct + now->set[k].more <= 1);
            if (!now->set[k].has)
                continue;
            sum = assay_hash_join(sum, now->set[k].hash);
            which = assay_hash_join(which, (struct assay_hash128){k, 0});
        }
        if (first) {
            out->checksum = sum.low;
            out->sets = (uint32_t)which.low | 1;
            first = false;
        } else if (out->sets == ((uint32_t)which.low | 1) && out->checksum != sum.low) {
            out->repeats = false;
        }
    }
    assay_case_release(&what);
    free(now);
}

static enum assay_standing standing_of(const struct assay_summary_row *row)
{
    if (row->status != ASSAY_STATUS_OK)
        return ASSAY_STANDING_NOT_RUN;
    switch (row->outcome) {
    case ASSAY_PASS:
        return ASSAY_STANDING_PASS;
    case ASSAY_MARGINAL:
        return ASSAY_STANDING_MARGINAL;
    case ASSAY_FAIL:
        return ASSAY_STANDING_FAIL;
    case ASSAY_UNTRUSTED:
        return ASSAY_STANDING_UNTRUSTED;
    default:
        return ASSAY_STANDING_NOT_CHECKED;
    }
}

static struct assay_history_point point_of(const struct assay_summary *run, const struct assay_summary_row *row)
{
    struct assay_history_point p = {
        .standing = (uint8_t)standing_of(row), .log_median = NAN, .spread = NAN, .ratio = NAN, .clock_hz = NAN};
    double *logs = calloc(row->n_medians + 1, sizeof *logs), sum = 0, squares = 0;
    for (size_t i = 0; i < row->n_launches; i++) {
        const struct assay_verdict *v = row->verdicts[i];
        if (v && isfinite(v->check.worst_ratio))
            p.ratio = fmax(isnan(p.ratio) ? 0 : p.ratio, v->check.worst_ratio);
        /* a probe that is disturbed reads too little, none reads too much */
        const struct assay_noise *noise = &row->launches[i]->noise;
        double clock = fmax(noise->clock_hz_begin, noise->clock_hz_end);
        if (clock > 0 && !((double)p.clock_hz >= clock))
            p.clock_hz = (float)clock;
    }
    for (size_t i = 0; logs && i < row->n_medians; i++) {
        logs[i] = log(row->medians[i]);
        sum += logs[i];
    }
    for (size_t i = 0; logs && i < row->n_medians; i++)
        squares += (logs[i] - sum / (double)row->n_medians) * (logs[i] - sum / (double)row->n_medians);
    /* No figure without proof: what was not shown to be right has no time. */
    if (logs && row->n_medians > 0 && p.standing <= ASSAY_STANDING_MARGINAL) {
        p.launches = (uint16_t)row->n_medians;
        p.spread = row->n_medians > 1 ? (float)sqrt(squares / (double)(row->n_medians - 1)) : NAN;
        p.log_median = assay_median(logs, row->n_medians);
    }
    free(logs);
    sum_outputs(run, row, &p);
    return p;
}

/* Which device it was: of a launch that opened one, else what the manifest says of the back end. */
static void name_device(const struct assay_summary *run, const struct assay_summary_row *row,
                        const struct assay_device_info **info, char out[512])
{
    static const struct assay_device_info none;
    struct assay_text text = assay_text_over(out, 512);
    *info = &none;
    for (size_t i = 0; i < row->n_launches && *info == &none; i++)
        if (*row->launches[i]->device.name)
            *info = &row->launches[i]->device;
    const json_t *told = json_object_get(backend_of(run, row->backend), "device");
    bool opened = *info != &none;
    const char *parts[] = {opened ? (*info)->product : text_at(told, "product"), opened ? (*info)->name : text_at(told, "name"),
                           opened ? (*info)->serial : text_at(told, "serial")};
    for (size_t i = 0; i < 3; i++)
        if (*parts[i])
            assay_text_add(&text, "%s%s", text.length ? " " : "", parts[i]);
}

static enum assay_code add_row(struct adding *a, size_t i, struct assay_history_run *told, struct assay_error *err)
{
    const struct assay_summary_row *row = &a->run->rows[i];
    char device[512];
    const struct assay_device_info *info;
    int64_t series = 0, environment = 0;
    name_device(a->run, row, &info, device);
    const char *texts[] = {row->id, row->case_name, row->backend, device, told->host};
    for (int k = 0; k < 5; k++)
        bind(a->series, k + 1, texts[k]);
    if (id_of(a, a->series, &series, err) || environment_of(a, row, info, &environment, err))
        return err->code;
    const struct assay_history_point p = a->points[i];
    const int64_t whole[] = {series, a->night, a->row, environment, p.standing, p.launches, (int64_t)p.checksum,
                             p.sets, p.repeats};
    const double numbers[] = {p.log_median, (double)p.spread, p.ratio, (double)p.clock_hz};
    for (int k = 0; k < 9; k++)
        (void)sqlite3_bind_int64(a->point, k + 1, whole[k]);
    for (int k = 0; k < 4; k++)
        bind_number(a->point, k + 10, numbers[k]);
    (void)step(a, a->point, err);
    (void)sqlite3_reset(a->point);
    told->rows++;
    told->proved += !isnan(p.log_median);
    return err->code;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* Who the run is: manifest and first record never change; what it holds does, when it goes on or is judged anew. */
static enum assay_code identify(const struct assay_summary *run, char identity[65], char content[65], struct assay_error *err)
{
    static const char *const files[] = {"manifest.json", "records.jsonl", "verdicts.jsonl"};
    char path[4096], *text[3] = {NULL, NULL, NULL}, *all = NULL;
    size_t length[3] = {0}, bytes = 0;
    for (int i = 0; i < 3 && !err->code; i++)
        if (!assay_path_join(path, sizeof path, assay_run_folder_path(run->folder), files[i], err))
            (void)assay_file_read(path, RECORDS_LIMIT_BYTES, &text[i], &length[i], err);
    for (int part = 0; part < 2 && !err->code; part++) {
        FILE *out = open_memstream(&all, &bytes);
        bool ok = out && fwrite(text[part], 1, length[part], out) == length[part];
        ok = ok && (part ? fwrite(text[2], 1, length[2], out) == length[2] : fwrite(text[1], 1, strcspn(text[1], "\n"), out) > 0);
        if (!out || fclose(out) || !ok)
            (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to identify a run");
        else
            assay_sha256_hex(all, bytes, part ? content : identity);
        free(all);
        all = NULL;
    }
    for (int i = 0; i < 3; i++)
        free(text[i]);
    return err->code;
}

static enum assay_code when(const struct assay_summary *run, const char *night, int32_t *out, int64_t *started,
                            struct assay_error *err)
{
    struct tm tm = {0};
    const char *created = text_at(assay_run_folder_manifest(run->folder), "created");
    const char *end = strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    *started = end && !*end ? (int64_t)timegm(&tm) : 0;
    if (night)
        return assay_night_read(night, out)
                   ? ASSAY_OK
                   : ASSAY_FAIL(err, ASSAY_CONFIG, "a night is a date like 2026-11-26, not '%.40s'", night);
    if (!*started)
        return ASSAY_FAIL(err, ASSAY_DATA, "the manifest of '%.120s' does not say when the run was",
                          assay_run_folder_path(run->folder));
    *out = (int32_t)((*started - HALF_DAY_S) / (2 * HALF_DAY_S));
    return ASSAY_OK;
}

/* The run's row: *known, and is all the same? */
static enum assay_code find_run(struct adding *a, const char *identity, const char *content, bool *same, struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    *same = false;
    if (assay_history_ask(a->h, "SELECT id, content = ?2 FROM runs WHERE identity = ?1", &s, err))
        return err->code;
    bind(s, 1, identity);
    bind(s, 2, content);
    if (!step(a, s, err) && sqlite3_data_count(s)) {
        a->row = sqlite3_column_int64(s, 0);
        *same = sqlite3_column_int(s, 1) != 0;
    }
    (void)sqlite3_finalize(s);
    return err->code;
}

static enum assay_code write_run(struct adding *a, const char *identity, const char *content, int64_t started,
                                 struct assay_error *err)
{
    sqlite3_stmt *s = NULL;
    char remove[96];
    (void)snprintf(remove, sizeof remove, "DELETE FROM points WHERE run = %" PRId64, a->row);
    if ((a->row && assay_history_do(a->h, remove, "cannot write", err)) ||
        assay_history_ask(a->h,
                          "INSERT INTO runs(identity, content, night, started_utc_s, host, folder) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
                          " ON CONFLICT(identity) DO UPDATE SET content = ?2, night = ?3, host = ?5, folder = ?6 RETURNING id",
                          &s, err))
        return err->code;
    bind(s, 1, identity);
    bind(s, 2, content);
    (void)sqlite3_bind_int64(s, 3, a->night);
    (void)sqlite3_bind_int64(s, 4, started);
    bind(s, 5, a->told->host);
    bind(s, 6, assay_run_folder_path(a->run->folder));
    (void)id_of(a, s, &a->row, err);
    (void)sqlite3_finalize(s);
    return err->code;
}

static enum assay_code prepare(struct adding *a, struct assay_error *err)
{
    if (assay_history_ask(a->h,
                          "INSERT INTO series(case_id, case_name, backend, device, host) VALUES(?1, ?2, ?3, ?4, ?5)"
                          " ON CONFLICT DO UPDATE SET case_name = case_name RETURNING id",
                          &a->series, err) ||
        assay_history_ask(
            a->h,
            "INSERT INTO environments(driver, library, kernel, compiler, clock, assay) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
            " ON CONFLICT DO UPDATE SET driver = driver RETURNING id",
            &a->environment, err))
        return err->code;
    return assay_history_ask(
        a->h,
        "INSERT INTO points(series, night, run, environment, standing, launches, checksum, sets, repeats, log_median,"
        " spread, ratio, clock_hz) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        &a->point, err);
}

/* Within the lock: what another has added meanwhile is seen. */
static enum assay_code add_locked(struct adding *a, const char *identity, const char *content, int64_t started,
                                  struct assay_history_run *told, struct assay_error *err)
{
    bool same;
    if (find_run(a, identity, content, &same, err))
        return err->code;
    told->added = same ? ASSAY_HISTORY_SAME : a->row ? ASSAY_HISTORY_REPLACED : ASSAY_HISTORY_NEW;
    if (same || write_run(a, identity, content, started, err) || prepare(a, err))
        return err->code;
    for (size_t i = 0; i < a->run->n_rows && !err->code; i++)
        (void)add_row(a, i, told, err);
    return err->code;
}

static enum assay_code commit(struct adding *a, const char *identity, const char *content, int64_t started,
                              struct assay_history_run *told, struct assay_error *err)
{
    if (assay_history_do(a->h, "BEGIN IMMEDIATE", "cannot lock", err))
        return err->code;
    (void)add_locked(a, identity, content, started, told, err);
    (void)sqlite3_finalize(a->series);
    (void)sqlite3_finalize(a->environment);
    (void)sqlite3_finalize(a->point);
    if (!err->code)
        (void)assay_history_do(a->h, "COMMIT", "cannot write", err);
    if (err->code)
        (void)sqlite3_exec(a->h->db, "ROLLBACK", NULL, NULL, NULL);
    return err->code;
}

enum assay_code assay_history_add(struct assay_history *h, const struct assay_summary *run, const char *night, const char *host,
                                  struct assay_history_run *out, struct assay_error *err)
{
    struct assay_history_run told = {.added = ASSAY_HISTORY_NEW};
    struct adding a = {.h = h, .run = run, .told = &told};
    char identity[65], content[65];
    int64_t started = 0;
    const char *path = assay_run_folder_path(run->folder);
    const char *own = text_at(json_object_get(assay_run_folder_manifest(run->folder), "host"), "hostname");
    if (!run->validated) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "run '%.120s' was not validated", path);
        return assay_error_hint(err, "assay validate %.150s", path);
    }
    if (run->n_rows == 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "run '%.120s' has no record", path);
    (void)assay_string_copy(told.host, sizeof told.host, host ? host : own);
    if (identify(run, identity, content, err) || when(run, night, &a.night, &started, err))
        return err->code;
    assay_night_text(a.night, told.night);
    a.points = calloc(run->n_rows, sizeof *a.points);
    if (!a.points)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu rows", run->n_rows);
    for (size_t i = 0; i < run->n_rows; i++)
        a.points[i] = point_of(run, &run->rows[i]);
    if (!commit(&a, identity, content, started, &told, err))
        *out = told;
    free(a.points);
    return err->code;
}
