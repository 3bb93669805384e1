/* What a real worker says of each job, through the wire as the launcher hears it. */
#include "harness/base/hash.h"
#include "harness/run/job.h"
#include "harness/run/tests/as_worker.h"
#include "harness/store/record.h"
#include "harness/store/tests/scratch.h"

static struct assay_job_result out;

/* Takes the reference. */
static enum assay_job_end work(json_t *job)
{
    struct assay_job_watch watch = {.timeout_ns = 50000000000ull};
    struct assay_error     err = {0};
    cr_assert_eq(assay_job_run(job, &watch, &out, &err), ASSAY_OK, "%s", err.message);
    return out.end;
}

static const char *text(const json_t *json, const char *key)
{
    const char *found = json_string_value(json_object_get(json, key));
    return found ? found : "";
}

TestSuite(worker, .timeout = 60);

Test(worker, probe_says_which_file_it_is_and_what_it_found)
{
    const char *backend = as_worker_backend("null", "");
    char        digest[65];
    struct assay_error err = {0};
    cr_assert_eq(work(json_pack("{s:s, s:s}", "do", "probe", "backend", backend)), ASSAY_JOB_ANSWERED, "%s", out.error.message);
    cr_expect_str_eq(text(out.answer, "name"), "null");
    cr_expect_str_eq(text(out.answer, "path"), backend);
    cr_assert_eq(assay_sha256_file(backend, digest, &err), ASSAY_OK);
    cr_expect_str_eq(text(out.answer, "sha256"), digest);
    cr_expect_eq(strncmp(text(out.answer, "backend"), "null:", 5), 0);
    cr_expect_geq(json_array_size(json_object_get(out.answer, "devices")), 1u);
    cr_expect(*text(json_object_get(out.answer, "device"), "product"));
    assay_job_release(&out);
}

Test(worker, contract_gives_findings_with_their_reasons)
{
    cr_assert_eq(work(json_pack("{s:s, s:s}", "do", "contract", "backend", as_worker_backend("template", ""))), ASSAY_JOB_ANSWERED, "%s", out.error.message);
    const json_t *findings = json_object_get(out.answer, "findings"), *one;
    size_t        i;
    cr_expect_geq(json_array_size(findings), 4u);
    json_array_foreach(findings, i, one) {
        cr_expect(json_is_true(json_object_get(one, "holds")), "%s: %s", text(one, "what"), text(one, "why"));
        cr_expect(*text(one, "what") && *text(one, "why"));
    }
    assay_job_release(&out);
}

Test(worker, case_gives_the_record_of_that_launch_and_leaves_its_files)
{
    struct scratch             s = scratch_new();
    static struct assay_record record;
    struct assay_error         err = {0};
    (void)mkdir(in(&s, "samples"), 0755);
    (void)mkdir(in(&s, "witness"), 0755);
    (void)mkdir(in(&s, "trace"), 0755);
    cr_assert_eq(work(json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:{s:s, s:s, s:s}}", "do", "case", "case", "gemm/m=8,n=8,k=8", "backend", as_worker_backend("template", ""),
                                "folder", s.path, "repeat_line", "assay run it", "seed", 5, "launch", 2, "repeat", "min_runs", "20", "min_s", "1ms", "max_s", "5s")),
                 ASSAY_JOB_ANSWERED, "%s", out.error.message);
    cr_assert_eq(assay_record_from_json(json_object_get(out.answer, "record"), &record, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(record.status, ASSAY_STATUS_OK, "%s", record.reason);
    cr_expect(record.launch == 2 && strcmp(record.repeat, "assay run it") == 0 && strncmp(record.case_name, "gemm/dtype=f32,k=8,", 19) == 0);
    cr_expect_eq(strncmp(record.backend, "template:", 9), 0, "the canonical name: %s", record.backend);
    cr_expect_geq(record.proof.iterations, 20u);
    cr_expect(access(in(&s, record.samples_file), R_OK) == 0 && access(in(&s, record.witness_file), R_OK) == 0);
    cr_expect_eq(strcmp(out.phase, "close"), 0, "the last phase it told is %s", out.phase);
    assay_job_release(&out);
    scratch_remove(&s);
}

Test(worker, what_it_cannot_do_it_says)
{
    static const struct { char job[160], message[60]; enum assay_code code; } rows[] = {
        {"{\"do\": \"dance\"}", "there is no job called 'dance'", ASSAY_PROTOCOL},
        {"{}", "there is no job called ''", ASSAY_PROTOCOL},
        {"{\"do\": \"probe\", \"backend\": \"/no/such/assay-x.so\"}", "/no/such/assay-x.so", (enum assay_code)0},
        {"{\"do\": \"case\", \"case\": \"gem/m=1\"}", "gemm", ASSAY_CONFIG},
        {"{\"do\": \"case\", \"case\": \"gemm\", \"repeat\": {\"launches\": \"0\"}}", "launches", ASSAY_CONFIG},
        {"{\"do\": \"contract\", \"backend\": \"/no/such/assay-x.so\"}", "/no/such/assay-x.so", (enum assay_code)0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(work(json_loads(rows[i].job, 0, NULL)), ASSAY_JOB_FAILED, "%s", rows[i].job);
        cr_expect(strstr(out.error.message, rows[i].message) || strstr(out.error.hint, rows[i].message), "%s: %s", rows[i].job, out.error.message);
        cr_expect(!rows[i].code || out.error.code == rows[i].code, "%s: %s", rows[i].job, assay_code_name(out.error.code));
        assay_job_release(&out);
    }
}
