#include "harness/judge/vectors.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/run/job.h"

#include "assay/banned.h"

#define DEPTH_MOST 16
#define PATH_BYTES 1024
#define BATCH 32 /* cases of one worker: starting one takes as long as tens of them */

struct place {
    unsigned set;
    size_t   folder_bytes; /* of the name, its part that is the folder */
};

struct vectors {
    const struct assay_vectors_request *with;
    struct assay_vector_result         *result;
    struct place                       *place;
    size_t                              n, room;
    struct assay_error                 *err;
};

/* ---- finding ------------------------------------------------------------------------------------------------- */

static enum assay_code reserve(struct vectors *v)
{
    size_t                      room = v->room ? 2 * v->room : 256;
    struct assay_vector_result *results = realloc(v->result, room * sizeof *results);
    if (results)
        v->result = results;
    struct place *places = realloc(v->place, room * sizeof *places);
    if (places)
        v->place = places;
    if (!results || !places)
        return ASSAY_FAIL(v->err, ASSAY_MEMORY, "no memory for %zu cases", room);
    v->room = room;
    return ASSAY_OK;
}

static enum assay_code add(struct vectors *v, const char *folder, unsigned set)
{
    if (v->n == v->room && reserve(v))
        return v->err->code;
    struct assay_vector_result *r = &v->result[v->n];
    struct assay_text           name = ASSAY_TEXT(r->name);
    *r = (struct assay_vector_result){.outcome = ASSAY_VECTOR_NOT_RUN};
    v->place[v->n++] = (struct place){set, strlen(folder)};
    assay_text_add(&name, set ? "%s/test_data_set_%u" : "%s", folder, set);
    return name.cut ? ASSAY_FAIL(v->err, ASSAY_CONFIG, "the path of case '%.80s…' is too long", folder) : ASSAY_OK;
}

static enum assay_code join(struct vectors *v, char out[PATH_BYTES], const char *a, const char *b)
{
    if (snprintf(out, PATH_BYTES, "%s%s%s", a, *a && *b ? "/" : "", b) >= PATH_BYTES)
        return ASSAY_FAIL(v->err, ASSAY_CONFIG, "path is too long: '%.80s…'", a);
    return ASSAY_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static enum assay_code add_case(struct vectors *v, const char *path, const char *below)
{
    for (unsigned set = 0;; set++) {
        char of_set[PATH_BYTES], name[32];
        (void)snprintf(name, sizeof name, "test_data_set_%u", set);
        if (join(v, of_set, path, name))
            return v->err->code;
        if (!is_folder(of_set))
            return ASSAY_OK;
        if (add(v, below, set))
            return v->err->code;
    }
}

/* `below`: the part of the path that names cases. Links are not followed. */
static enum assay_code walk(struct vectors *v, const char *path, const char *below, int depth) /* NOLINT(misc-no-recursion): DEPTH_MOST */
{
    struct dirent **entry = NULL;
    char            model[PATH_BYTES], deeper[PATH_BYTES], name[PATH_BYTES];
    int             n = depth < DEPTH_MOST ? scandir(path, &entry, NULL, alphasort) : 0;
    if (n < 0)
        return ASSAY_FAIL(v->err, ASSAY_CONFIG, "cannot read folder '%.200s': %s", path, strerror(errno));
    if (!join(v, model, path, "model.onnx") && assay_file_exists(model))
        (void)add_case(v, path, *below ? below : ".");
    for (int i = 0; i < n; i++) {
        struct stat st;
        bool        deep = entry[i]->d_name[0] != '.' && !v->err->code && !join(v, deeper, path, entry[i]->d_name) &&
                    !join(v, name, below, entry[i]->d_name) && !lstat(deeper, &st) && S_ISDIR(st.st_mode);
        if (deep)
            (void)walk(v, deeper, name, depth + 1);
        free(entry[i]);
    }
    free(entry);
    return v->err->code;
}

/* ---- running ------------------------------------------------------------------------------------------------- */

static json_t *job_of(const struct vectors *v, size_t first, size_t n)
{
    json_t *cases = json_array();
    for (size_t i = first; i < first + n; i++) {
        char folder[PATH_BYTES + 256];
        int  bytes = (int)v->place[i].folder_bytes;
        (void)snprintf(folder, sizeof folder, "%s%s%.*s", v->with->folder, bytes ? "/" : "", bytes, v->result[i].name);
        (void)json_array_append_new(cases, json_pack("{s:s, s:i}", "folder", folder, "set", (int)v->place[i].set));
    }
    return json_pack("{s:s, s:s, s:o}", "do", "vectors", "backend", v->with->backend, "cases", cases);
}

static void take(struct assay_vector_result *r, const json_t *json)
{
    const char *op = json_string_value(json_object_get(json, "op")), *why = json_string_value(json_object_get(json, "why"));
    json_int_t  outcome = json_integer_value(json_object_get(json, "outcome"));
    r->outcome = outcome == ASSAY_VECTOR_PASSED || outcome == ASSAY_VECTOR_NOT_RUN ? (enum assay_vector_outcome)outcome : ASSAY_VECTOR_FAILED;
    (void)assay_string_copy(r->op, sizeof r->op, op ? op : "");
    (void)assay_string_copy(r->why, sizeof r->why, why ? why : "");
}

/* What ends badly in a batch is run again case by case; what ends badly alone has failed. */
static enum assay_code run_some(struct vectors *v, size_t first, size_t n) /* NOLINT(misc-no-recursion): once */
{
    struct assay_job_watch  watch = {.timeout_ns = v->with->timeout_ns};
    struct assay_job_result result;
    if (v->with->progress)
        v->with->progress(v->with->self, first, v->n, v->result[first].name);
    if (assay_job_run(job_of(v, first, n), &watch, &result, v->err))
        return v->err->code;
    const json_t *answer = result.end == ASSAY_JOB_ANSWERED ? json_object_get(result.answer, "results") : NULL;
    bool          ended_well = answer && json_array_size(answer) == n;
    for (size_t i = 0; ended_well && i < n; i++)
        take(&v->result[first + i], json_array_get(answer, i));
    if (!ended_well && n == 1) {
        v->result[first].outcome = ASSAY_VECTOR_FAILED;
        (void)assay_string_copy(v->result[first].why, sizeof v->result->why,
                                *result.error.message ? result.error.message : "the worker gave another answer than was asked for");
    }
    assay_job_release(&result);
    for (size_t i = 0; !ended_well && n > 1 && i < n && !v->err->code; i++)
        (void)run_some(v, first + i, 1);
    return v->err->code;
}

static enum assay_code run_all(struct vectors *v)
{
    json_t *probe = NULL;
    if (assay_job_probe(v->with->backend, v->with->timeout_ns, &probe, v->err))
        return v->err->code;
    json_decref(probe);
    for (size_t i = 0; i < v->n; i += BATCH)
        if (run_some(v, i, v->n - i < BATCH ? v->n - i : BATCH))
            return v->err->code;
    return ASSAY_OK;
}

enum assay_code assay_vectors(const struct assay_vectors_request *request, struct assay_vector_result **out, size_t *n,
                              struct assay_error *err)
{
    struct vectors v = {.with = request, .err = err};
    memset(err, 0, sizeof *err);
    if (!walk(&v, request->folder, "", 0) && !v.n)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no vectors in '%.200s': no folder has a model.onnx and a test_data_set_0", request->folder);
    if (!err->code)
        (void)run_all(&v);
    free(v.place);
    if (err->code) {
        free(v.result);
        return err->code;
    }
    *out = v.result;
    *n = v.n;
    return ASSAY_OK;
}
