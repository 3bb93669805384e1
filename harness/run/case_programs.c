#include "harness/run/case_programs.h"

#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/random.h"
#include "harness/base/strings.h"
#include "harness/run/case_target.h"
#include "harness/store/run_folder.h"
#include "harness/verify/witness.h"

#include "assay/banned.h"

/* ---- making ---------------------------------------------------------------------------------------------------------
 */

static enum assay_code open_source(const struct assay_case_job *job, const struct assay_graph *g,
                                   struct assay_value_source **out, struct assay_error *err)
{
    const char *weights = job->weights ? job->weights : "", *inputs = job->inputs ? job->inputs : "";
    return *weights || *inputs ? assay_value_source_open(g, weights, inputs, out, err) : ASSAY_OK;
}

static enum assay_code build(const struct assay_course *c, struct assay_case_program *p, struct assay_error *err)
{
    if (assay_case_graph_of(c->job->what, p->samples, &p->graph, err) || open_source(c->job, p->graph, &p->source, err))
        return err->code;
    return assay_course_accepted(c, p->graph, err);
}

/* The course's graph is that of the largest program. */
static enum assay_code build_largest(struct assay_course *c, uint32_t samples, struct assay_error *err)
{
    struct assay_case_program made = {.samples = samples};
    if (build(c, &made, err)) {
        assay_value_source_close(made.source);
        assay_graph_free(made.graph);
        return err->code;
    }
    assay_value_source_close(c->source);
    assay_graph_free(c->graph);
    c->graph = made.graph;
    c->source = made.source;
    assay_course_tell_cost(c);
    return ASSAY_OK;
}

/* What further sets of the smaller programs take: no execution needs them. */
static uint64_t spare_bytes(const struct assay_case_programs *p)
{
    uint64_t bytes = 0, all, one, ignored;
    for (uint32_t i = 0; i + 1 < p->n; i++) {
        assay_graph_target_bytes(p->of[i].graph, p->course->sets, &all, &ignored);
        assay_graph_target_bytes(p->of[i].graph, 1, &one, &ignored);
        bytes += all - one;
    }
    return bytes;
}

static enum assay_code make_targets(struct assay_case_programs *p, uint32_t sets, struct assay_error *err)
{
    struct assay_course *c = p->course;
    struct assay_case_beside beside[ASSAY_BUCKETS_MOST];
    struct assay_case_program *last = &p->of[p->n - 1];
    for (uint32_t i = 0; i + 1 < p->n; i++)
        beside[i] = (struct assay_case_beside){.graph = p->of[i].graph, .source = p->of[i].source};
    if (assay_case_targets_make(c, sets, beside, p->n - 1, err))
        return err->code;
    for (uint32_t i = 0; i + 1 < p->n; i++)
        p->of[i].target = beside[i].target;
    last->graph = c->graph;
    last->target = c->target;
    for (uint32_t i = 0; i < p->n; i++)
        p->of[i].as_target = assay_graph_target_as_target(p->of[i].target);
    c->spare_bytes = spare_bytes(p);
    return ASSAY_OK;
}

enum assay_code assay_case_programs_open(struct assay_course *course, const char *buckets, int64_t max_batch,
                                         uint32_t sets, struct assay_case_programs *out, struct assay_error *err)
{
    memset(out, 0, sizeof *out);
    out->course = course;
    out->n = assay_buckets_list(buckets, max_batch, out->size);
    for (uint32_t i = 0; i < out->n; i++)
        out->of[i].samples = out->size[i];
    enum assay_code code =
        course->job->what->scenario.max_batch == max_batch ? ASSAY_OK : build_largest(course, (uint32_t)max_batch, err);
    for (uint32_t i = 0; !code && i + 1 < out->n; i++)
        code = build(course, &out->of[i], err);
    if (!code)
        code = make_targets(out, sets, err);
    if (code)
        assay_case_programs_close(out, true);
    return code;
}

enum assay_code assay_case_programs_witness(struct assay_case_programs *p, struct assay_error *err)
{
    struct assay_course *c = p->course;
    const struct assay_case_job *job = c->job;
    uint32_t sets = c->sets < ASSAY_MIN_SETS ? c->sets : ASSAY_MIN_SETS;
    for (uint32_t i = 0; i < p->n; i++) {
        struct assay_case_program *one = &p->of[i];
        bool last = i + 1 == p->n;
        if (last)
            assay_run_folder_file("witness", job->what->id, c->record->backend, job->launch, one->witness_file);
        else
            assay_run_folder_bucket_file(job->what->id, c->record->backend, job->launch, one->samples,
                                         one->witness_file);
        struct assay_witness_setup setup = {
            .path = one->witness_path,
            .case_id = job->what->id,
            .graph = one->graph,
            .seed = job->seed,
            .entropy = assay_random_entropy(),
            .sets = sets,
            .chosen = assay_witness_chosen_of(one->graph, sets),
        };
        if (assay_path_join(one->witness_path, sizeof one->witness_path, job->folder, one->witness_file, err) ||
            assay_witness_new(&setup, &one->witness, err))
            return assay_course_unmade(c, err);
        if (last) {
            c->witness = one->witness;
            (void)assay_string_copy(c->witness_path, sizeof c->witness_path, one->witness_path);
            (void)assay_string_copy(c->record->witness_file, sizeof c->record->witness_file, one->witness_file);
        }
    }
    return ASSAY_OK;
}

/* ---- running --------------------------------------------------------------------------------------------------------
 */

enum assay_code assay_case_programs_prepare(struct assay_case_programs *p, struct assay_error *err)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (assay_graph_target_prepare(p->of[i].target, p->course->sets, err))
            return err->code;
        memset(p->of[i].used, 0, sizeof p->of[i].used);
    }
    return ASSAY_OK;
}

struct assay_case_program *assay_case_programs_find(struct assay_case_programs *p, uint32_t places)
{
    uint32_t i = 0;
    while (i + 1 < p->n && p->of[i].samples < places)
        i++;
    return &p->of[i];
}

uint64_t assay_case_programs_slowest_ns(const struct assay_case_programs *p)
{
    return p->of[p->n - 1].typical_ns;
}

double assay_case_programs_capacity_qps(const struct assay_case_programs *p)
{
    double most = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        uint64_t took = p->of[i].typical_ns ? p->of[i].typical_ns : 1;
        double qps = (double)p->of[i].samples * 1e9 / (double)took;
        most = qps > most ? qps : most;
    }
    return most;
}

/* ---- the end --------------------------------------------------------------------------------------------------------
 */

static enum assay_code close_witness(struct assay_case_program *one, struct assay_bucket *row, struct assay_error *err)
{
    struct assay_witness *witness = one->witness;
    one->witness = NULL;
    if (!witness)
        return ASSAY_OK;
    if (assay_witness_close(witness, err) || assay_sha256_file(one->witness_path, row->witness_sha256, err))
        return err->code;
    (void)assay_string_copy(row->witness_file, sizeof row->witness_file, one->witness_file);
    return ASSAY_OK;
}

enum assay_code assay_case_programs_finish(struct assay_case_programs *p, struct assay_error *err)
{
    struct assay_load *load = &p->course->record->load;
    load->max_batch = p->size[p->n - 1];
    load->n_buckets = p->n > 1 ? p->n : 0;
    for (uint32_t i = 0; i < load->n_buckets; i++) {
        load->bucket[i] = (struct assay_bucket){.samples = p->of[i].samples, .executions = p->of[i].executions};
        if (i + 1 < p->n && close_witness(&p->of[i], &load->bucket[i], err))
            return assay_course_unmade(p->course, err);
    }
    return ASSAY_OK;
}

void assay_case_programs_close(struct assay_case_programs *p, bool all)
{
    for (uint32_t i = 0; i + 1 < p->n; i++) {
        struct assay_error ignored = {.code = ASSAY_OK}; /* after a failure: what it saw is judged by nobody */
        if (p->of[i].witness)
            (void)assay_witness_close(p->of[i].witness, &ignored);
        assay_graph_target_free(p->of[i].target);
        assay_value_source_close(p->of[i].source);
        assay_graph_free(p->of[i].graph);
    }
    if (all && p->n) {
        assay_graph_target_free(p->course->target);
        p->course->target = NULL;
    }
    p->n = 0;
}
