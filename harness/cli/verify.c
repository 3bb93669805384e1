#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/folder_temporary.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/bundle.h"
#include "harness/cli/cli.h"
#include "harness/cli/report_set.h"
#include "harness/store/bundle.h"

#include "assay/banned.h"

struct verify_options {
    char key[512], out[512];
};

#define AT(member) offsetof(struct verify_options, member)

static const struct assay_option options[] = {
    {.name = "key", .type = ASSAY_OPT_TEXT, .offset = AT(key), .bytes = 512, .dflt = "",
     .help = "the public key that must have signed it, from whom you trust: FILE.pub"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "",
     .help = "also unpack all of it into this folder, which must be empty or new, if nothing was found"},
    {0},
};

/* What is known of a bundle as its parts are looked at, one after the other. */
struct verifying {
    struct assay_bundle bundle;
    char                folder[1024], run[1400], report[1400]; /* temporary; the run as unpacked, the report made again */
    char                compared[800];                         /* what of the report was compared, and what not and why */
    size_t              records;
    struct assay_error *err;
};

static const char *about(const struct verifying *v, const char *key, const char *inner)
{
    const json_t *value = json_object_get(v->bundle.manifest, key);
    const char   *text = json_string_value(inner ? json_object_get(value, inner) : value);
    return text ? text : "";
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static bool compare_evidence(struct verifying *v, const struct assay_record *r, const char *file, const char *sha256)
{
    char name[ASSAY_ARCHIVE_NAME_BYTES + 16], hex[65] = "";
    if (!*file)
        return true;
    (void)snprintf(name, sizeof name, ASSAY_BUNDLE_RUN "%.160s", file);
    const struct assay_archive_member *m = assay_archive_find(v->bundle.members, v->bundle.n, name);
    if (m)
        assay_sha256_hex(m->at, (size_t)m->bytes, hex);
    return !strcmp(hex, sha256) || assay_bundle_find(&v->bundle, "%.200s: %s what the record of launch %u of '%.80s' says", name,
                                                     m ? "is not" : "is missing; it is", r->launch, r->case_name);
}

/* The witnesses of the programs for smaller batches. */
static bool compare_buckets(struct verifying *v, const struct assay_record *r)
{
    bool ok = true;
    for (uint32_t i = 0; ok && i < r->load.n_buckets; i++)
        ok = compare_evidence(v, r, r->load.bucket[i].witness_file, r->load.bucket[i].witness_sha256);
    return ok;
}

/* The chain was checked as the lines were read; here whether it is as long as it was, and whether what records name is there. */
static bool check_records(struct verifying *v)
{
    struct assay_run_folder *folder = NULL;
    const json_t            *told = json_object_get(v->bundle.manifest, "records");
    struct assay_error       why = {.code = ASSAY_OK};
    bool                     ok = true;
    if (assay_run_folder_read(v->run, &folder, &why))
        return assay_bundle_find(&v->bundle, "run/records.jsonl: %s", why.message);
    const struct assay_record *r = assay_run_folder_records(folder, &v->records);
    if (json_integer_value(json_object_get(told, "lines")) != (json_int_t)v->records)
        ok = assay_bundle_find(&v->bundle, "run/records.jsonl: has %zu lines, and the manifest says %lld", v->records,
                               (long long)json_integer_value(json_object_get(told, "lines")));
    for (size_t i = 0; ok && i < v->records; i++)
        ok = compare_buckets(v, &r[i]) && compare_evidence(v, &r[i], r[i].samples_file, r[i].samples_sha256) &&
             compare_evidence(v, &r[i], r[i].witness_file, r[i].witness_sha256) &&
             compare_evidence(v, &r[i], r[i].trace_file, r[i].trace_sha256) &&
             compare_evidence(v, &r[i], r[i].curve_file, r[i].curve_sha256) &&
             compare_evidence(v, &r[i], r[i].load.series_file, r[i].load.series_sha256) &&
             compare_evidence(v, &r[i], r[i].load.served_file, r[i].load.served_sha256);
    assay_run_folder_close(folder);
    return ok;
}

/* ---- report ------------------------------------------------------------------------------------------------------ */

struct comparing {
    struct verifying *v;
    bool              plots, sheets, failed; /* are plots and spreadsheets drawn by the versions that drew those in the bundle? */
    struct assay_text done, not_done;
};

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* A file made again against the one that was packed. */
static void compare_report(void *self, const char *path)
{
    struct comparing  *c = self;
    const char        *file = strrchr(path, '/') + 1;
    char               name[ASSAY_ARCHIVE_NAME_BYTES], *bytes = NULL;
    size_t             length;
    struct assay_error why = {.code = ASSAY_OK};
    (void)snprintf(name, sizeof name, ASSAY_BUNDLE_REPORT "%.100s", file);
    const struct assay_archive_member *m = assay_archive_find(c->v->bundle.members, c->v->bundle.n, name);
    if ((ends_in(file, ".html") && !c->plots) || (ends_in(file, ".xlsx") && !c->sheets)) {
        assay_text_add(&c->not_done, "%s%s", c->not_done.length ? ", " : "", file);
        return;
    }
    if (!m)
        c->failed = !assay_bundle_find(&c->v->bundle, "%s: is missing; the run gives one", name) || c->failed;
    else if (assay_file_read(path, (size_t)1 << 32, &bytes, &length, &why))
        c->failed = true;
    else if (length != m->bytes || memcmp(bytes, m->at, length) != 0)
        c->failed = !assay_bundle_find(&c->v->bundle, "%s: is not what the run gives", name) || c->failed;
    else
        assay_text_add(&c->done, "%s%s", c->done.length ? ", " : "", file);
    free(bytes);
}

static bool check_report(struct verifying *v)
{
    struct assay_report_set set = {.policy = "", .claims = "", .mlperf = ""};
    char                    policy[1500], claims[1500], gnuplot[64], xlsx[64], done[300], not_done[300], *run = v->run;
    struct comparing        c = {.v = v, .done = ASSAY_TEXT(done), .not_done = ASSAY_TEXT(not_done)};
    struct assay_error      why = {.code = ASSAY_OK};
    if (strcmp(about(v, "assay", NULL), ASSAY_VERSION) != 0) {
        (void)snprintf(v->compared, sizeof v->compared, "not made again: packed by assay %.20s, and this is " ASSAY_VERSION, about(v, "assay", NULL));
        return true;
    }
    (void)snprintf(policy, sizeof policy, "%s/all/" ASSAY_BUNDLE_POLICY, v->folder);
    (void)snprintf(claims, sizeof claims, "%s/all/" ASSAY_BUNDLE_CLAIMS, v->folder);
    if (assay_file_exists(policy))
        set.policy = policy;
    if (*set.policy && assay_file_exists(claims))
        set.claims = claims;
    assay_report_set_tools(gnuplot, xlsx);
    c.plots = !strcmp(gnuplot, about(v, "tools", "gnuplot"));
    c.sheets = !strcmp(xlsx, about(v, "tools", "xlsx"));
    assay_report_set_reproducible(&set);
    if (assay_report_set_write(&set, 1, &run, v->report, compare_report, &c, &why))
        return assay_bundle_find(&v->bundle, "report/: cannot be made again: %s", why.message);
    (void)snprintf(v->compared, sizeof v->compared, "made again, the same bytes: %s%s%s%s", c.done.length ? done : "none",
                   c.not_done.length ? "; not compared, made with other versions of gnuplot or the spreadsheets' library: " : "",
                   c.not_done.length ? not_done : "", "");
    return !c.failed;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static const char *const proves[] = {
    "The signature proves that every byte of this bundle is as it was when the holder of that key signed it.",
    "It does not prove who holds the key (take the public key from him by another way), when he signed, that the runs took place on the\n"
    "machine that they name, or that nobody chose among runs. For that a witness stands beside, and anybody repeats a case.",
};
static const char without[] =
    "It is not signed: whoever changes a file can write manifest and seal anew. That its parts fit shows no more than that nothing was\n"
    "changed by mistake.";

static const char not_judged[] = "Outputs were not judged again: unpack it with -o DIR, then assay validate DIR/run does, from the witnesses.";

static void say(const char *text)
{
    char *safe = assay_string_escaped(ASSAY_ESCAPE_TERMINAL, text);
    fputs(safe ? safe : "", stdout);
    free(safe);
}

static void say_signature(const struct verifying *v, const struct assay_key *wanted)
{
    const struct assay_bundle *b = &v->bundle;
    if (!b->is_signed)
        puts("signature  none");
    else
        printf("signature  %s, by key %s%s\n", b->signature_holds ? "holds" : "does not hold", b->public_hex,
               !wanted                                            ? " (compare it with one that you trust, or give --key)"
               : strcmp(wanted->public_hex, b->public_hex) != 0 ? " (not the key that you gave)"
                                                                  : ", the one that you gave");
}

static enum assay_exit conclude(const struct verifying *v, const struct assay_key *wanted)
{
    const struct assay_bundle *b = &v->bundle;
    say_signature(v, wanted);
    if (!b->n_findings) {
        printf("files      %zu, each as the manifest says\nrecords    %zu in an unbroken chain; what they name is there\nreport     ", b->n, v->records);
        say(v->compared);
        printf("\n\n%s\n", b->is_signed ? proves[0] : without);
        if (b->is_signed)
            puts(proves[1]);
        puts(not_judged);
        return ASSAY_EXIT_YES;
    }
    for (size_t i = 0; i < b->n_findings; i++) {
        fputs("differs    ", stdout);
        say(b->findings[i]);
        putchar('\n');
    }
    printf("\n%zu %s not as packed%s\n", b->n_findings, b->n_findings == 1 ? "thing is" : "things are",
           b->is_signed && !b->signature_holds ? "; the signature counts for nothing" : "");
    return ASSAY_EXIT_NO;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Unpacks into a folder of its own and looks at run and report; only what is whole so far is looked at. */
static bool check_contents(struct verifying *v)
{
    const char *name = about(v, "run", NULL);
    char        all[1200];
    if (!assay_archive_name_is_good(name) || strchr(name, '/'))
        return assay_bundle_find(&v->bundle, "%s: \"run\" is no name", ASSAY_BUNDLE_MANIFEST);
    if (assay_folder_temporary("verify", v->folder, sizeof v->folder, v->err))
        return true;
    (void)snprintf(all, sizeof all, "%s/all", v->folder);
    (void)snprintf(v->run, sizeof v->run, "%s/%s", v->folder, "run");
    (void)snprintf(v->report, sizeof v->report, "%s/report", v->folder);
    if (assay_folder_make(v->run, v->err))
        return true;
    (void)snprintf(v->run, sizeof v->run, "%s/run/%.240s", v->folder, name);
    if (assay_bundle_unpack(&v->bundle, ASSAY_BUNDLE_RUN, v->run, v->err) || assay_bundle_unpack(&v->bundle, "", all, v->err))
        return true;
    return check_records(v) && (v->bundle.n_findings || check_report(v));
}

static bool check_key(struct verifying *v, const struct assay_key *wanted)
{
    if (!wanted || (v->bundle.is_signed && !strcmp(wanted->public_hex, v->bundle.public_hex)))
        return true;
    return assay_bundle_find(&v->bundle, v->bundle.is_signed ? "seal.json: it was signed with another key than the one given"
                                                             : "seal.json: it is not signed, and a key was given");
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct verify_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_key             key = {.has_secret = false};
    struct verifying             v = {.err = &err};
    enum assay_exit              result = ASSAY_EXIT_NO;
    (void)given;
    if (n != 1)
        return assay_cli_usage("verify needs one bundle: assay verify quick.bundle --key theirs.pub");
    if ((!*o->key || !assay_key_read(o->key, false, &key, &err)) && !assay_bundle_open(operands[0], &v.bundle, &err)) {
        const struct assay_key *wanted = *o->key ? &key : NULL;
        bool                    ok = check_key(&v, wanted) && (v.bundle.n_findings || check_contents(&v));
        if (!ok && !err.code)
            (void)ASSAY_FAIL(&err, ASSAY_MEMORY, "no memory for what was found");
        if (!err.code && *o->out && !v.bundle.n_findings)
            (void)assay_bundle_unpack(&v.bundle, "", o->out, &err);
        if (!err.code)
            result = conclude(&v, wanted);
    }
    assay_folder_remove(v.folder);
    assay_bundle_close(&v.bundle);
    assay_key_forget(&key);
    return err.code ? assay_cli_fail(&err) : result;
}

const struct assay_verb assay_verb_verify = {
    .name = "verify",
    .operands = "FILE",
    .summary = "is a bundle what was packed: signature, every file, the chain of records, and the report made again; names what differs",
    .details = "Exit status 0: all of it is as it was packed; 1: something differs, and each such thing is named; 2: it is no bundle, or only a\n"
               "part of one. Nothing is written but with -o.",
    .options = options,
    .options_bytes = sizeof(struct verify_options),
    .run = run,
};
