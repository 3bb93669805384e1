#include <stdlib.h>
#include <string.h>

#include "harness/base/data_folder.h"
#include "harness/base/file.h"
#include "harness/base/folder_temporary.h"
#include "harness/base/hash.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "harness/cli/bundle.h"
#include "harness/cli/cli.h"
#include "harness/cli/report_set.h"
#include "harness/judge/claims.h"
#include "harness/judge/findings.h"
#include "harness/judge/policy.h"
#include "harness/plan/plan.h"
#include "harness/store/bundle.h"

#include "assay/banned.h"

struct bundle_options {
    char policy[512], claims[512], key[512], out[512];
};

#define AT(member) offsetof(struct bundle_options, member)

static const struct assay_option options[] = {
    {.name = "policy", .type = ASSAY_OPT_TEXT, .offset = AT(policy), .bytes = 512, .dflt = "",
     .help = "pack it, and the decision under it: a name, or a path that ends in .json"},
    {.name = "claims", .type = ASSAY_OPT_TEXT, .offset = AT(claims), .bytes = 512, .dflt = "",
     .help = "with --policy, what vendors say: a name, or a path that ends in .json"},
    {.name = "key", .type = ASSAY_OPT_TEXT, .offset = AT(key), .bytes = 512, .dflt = "", .help = "sign with this key (assay bundle key makes one)"},
    {.name = "o", .type = ASSAY_OPT_TEXT, .offset = AT(out), .bytes = 512, .dflt = "", .help = "the file to write"},
    {0},
};

struct packing {
    const struct bundle_options *o;
    struct assay_bundle_sources  sources;
    json_t                      *about, *left_out;
    char                         temporary[1024];
    struct assay_error          *err;
};

static void leave_out(struct packing *p, const char *what, const char *why)
{
    json_array_append_new(p->left_out, json_pack("{s:o, s:o}", "what", assay_json_string(what), "why", assay_json_string(why)));
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static bool add(struct packing *p, const char *name, const char *path)
{
    return !assay_bundle_add(&p->sources, name, path, p->err);
}

/* What a run leaves (harness/store/README.md); reports and whatever else lies beside it are not the run. */
static bool pack_run(struct packing *p, const char *folder)
{
    static const char *const files[] = {"manifest.json", "plan.json", "suite.json", "records.jsonl", "records.torn", "verdicts.jsonl", "soak.jsonl", "soak.torn",
                                        "log.txt", ASSAY_FINDINGS_MODEL, ASSAY_FINDINGS_TRAINING};
    static const char *const folders[] = {"samples", "witness", "trace"};
    char                     path[1024], name[64];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(name, sizeof name, ASSAY_BUNDLE_RUN "%s", files[i]);
        if (assay_path_join(path, sizeof path, folder, files[i], p->err))
            return false;
        if (assay_file_exists(path) && !add(p, name, path))
            return false;
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(name, sizeof name, ASSAY_BUNDLE_RUN "%s", folders[i]);
        if (assay_path_join(path, sizeof path, folder, folders[i], p->err))
            return false;
        if (assay_file_exists(path) && assay_bundle_add_folder(&p->sources, name, path, NULL, p->err))
            return false;
    }
    return true;
}

/* The suite's file is a part of the run folder; where it was lost, plan.json still has every case of it. */
static void miss_suite(struct packing *p, const struct assay_summary *run, const char *folder)
{
    const char        *name = json_string_value(json_object_get(json_object_get(assay_run_folder_plan(run->folder), "suite"), "name"));
    char               path[1024], what[160];
    struct assay_error why = {.code = ASSAY_OK};
    if (!name || !strcmp(name, "cases") || (!assay_path_join(path, sizeof path, folder, "suite.json", &why) && assay_file_exists(path)))
        return;
    (void)snprintf(what, sizeof what, "suite %.100s", name);
    leave_out(p, what, "the run folder has no suite.json");
}

/* The file of backends/KIND/NAME.json whose hash the record tells. */
static bool pack_description(struct packing *p, const char *kind, const char *device, const char *sha256, bool *found)
{
    char               folder[1024], path[1024], what[64], name[ASSAY_ARCHIVE_NAME_BYTES], hex[65];
    struct assay_error why = {.code = ASSAY_OK};
    (void)snprintf(what, sizeof what, "backends/%.40s", kind);
    if (assay_data_folder(what, folder, sizeof folder, &why) ||
        snprintf(path, sizeof path, "%s/%s.json", folder, device) >= (int)sizeof path || assay_sha256_file(path, hex, &why) ||
        strncmp(hex, sha256, 64) != 0)
        return true;
    (void)snprintf(name, sizeof name, "descriptions/%s/%s.json", kind, device);
    *found = true;
    for (size_t i = 0; i < p->sources.n; i++)
        if (!strcmp(p->sources.source[i].name, name))
            return true;
    return add(p, name, path);
}

/* A modelled record says from which description, with its hash; that very file goes in, or it is said that it does not. */
static bool pack_descriptions(struct packing *p, const struct assay_summary *run)
{
    static const char marks[] = "description of ";
    size_t            n;
    const struct assay_record *records = assay_run_folder_records(run->folder, &n);
    for (size_t i = 0; i < n; i++) {
        const char *at = strstr(records[i].compiled, marks), *hash = at ? strstr(at, ", SHA-256 ") : NULL;
        char        device[64], what[100];
        bool        found = false;
        if (!hash || (i && !strcmp(records[i].backend, records[i - 1].backend) && !strcmp(records[i].compiled, records[i - 1].compiled)))
            continue;
        (void)snprintf(device, sizeof device, "%.*s", (int)(hash - at - (ptrdiff_t)sizeof marks + 1), at + sizeof marks - 1);
        (void)snprintf(what, sizeof what, "description of %.60s", device);
        if (!pack_description(p, "devices", device, hash + sizeof ", SHA-256 " - 1, &found) ||
            !pack_description(p, "systems", device, hash + sizeof ", SHA-256 " - 1, &found))
            return false;
        if (!found)
            leave_out(p, what, "no description that comes with the program has the hash that the record tells");
    }
    return true;
}

/* Policy and claims under names of their own, so that verify finds them. */
static bool pack_policy(struct packing *p, const struct assay_summary *run)
{
    struct assay_policy policy = {.owned = NULL};
    struct assay_claims claims = {.owned = NULL};
    bool                ok = true;
    if (*p->o->policy)
        ok = !assay_policy_read(p->o->policy, &policy, p->err) && add(p, ASSAY_BUNDLE_POLICY, policy.path);
    if (ok && *p->o->claims)
        ok = !assay_claims_read(p->o->claims, run, 1, &claims, p->err) && add(p, ASSAY_BUNDLE_CLAIMS, claims.path);
    assay_claims_release(&claims);
    assay_policy_release(&policy);
    return ok;
}

static void ignore(void *self, const char *path)
{
    (void)self, (void)path;
}

/* Made from the run as it lies there; verify makes them again from what was packed. */
static bool pack_reports(struct packing *p, char *folder)
{
    struct assay_report_set set = {.policy = p->o->policy, .claims = p->o->claims, .mlperf = ""};
    assay_report_set_reproducible(&set);
    return !assay_report_set_write(&set, 1, &folder, p->temporary, ignore, NULL, p->err) &&
           !assay_bundle_add_folder(&p->sources, "report", p->temporary, NULL, p->err);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* The folder's name, which reports have, must be one that can be unpacked again. */
static bool name_run(struct packing *p, const struct assay_summary *run)
{
    char              name[256];
    struct assay_text text = ASSAY_TEXT(name);
    assay_summary_name(run, &text);
    if (!assay_archive_name_is_good(name)) {
        (void)ASSAY_FAIL(p->err, ASSAY_CONFIG, "'%.100s' is no name for the run of a bundle", name);
        (void)assay_error_hint(p->err, "letters, digits and . _ = + , @ -, and neither a dot nor a dash first: give the folder another");
        return false;
    }
    json_object_set_new(p->about, "run", json_string(name));
    return true;
}

static bool describe(struct packing *p, const struct assay_summary *run)
{
    size_t n;
    char   path[1024], sha256[65], gnuplot[64], xlsx[64];
    (void)assay_run_folder_records(run->folder, &n);
    if (assay_path_join(path, sizeof path, assay_run_folder_path(run->folder), "records.jsonl", p->err) ||
        assay_sha256_file(path, sha256, p->err))
        return false;
    assay_report_set_tools(gnuplot, xlsx);
    json_object_set_new(p->about, "assay", json_string(ASSAY_VERSION));
    json_object_set_new(p->about, "tools", json_pack("{s:s, s:s}", "gnuplot", gnuplot, "xlsx", xlsx));
    json_object_set_new(p->about, "records", json_pack("{s:I, s:s}", "lines", (json_int_t)n, "sha256", sha256));
    return true;
}

static enum assay_code pack(struct packing *p, char *folder, const struct assay_key *key)
{
    struct assay_summary run;
    if (assay_summary_read(folder, &run, p->err))
        return p->err->code;
    assay_cli_note_torn(run.folder);
    miss_suite(p, &run, folder);
    if (name_run(p, &run) && describe(p, &run) && pack_run(p, folder) && pack_descriptions(p, &run) && pack_policy(p, &run) &&
        !assay_folder_temporary("bundle", p->temporary, sizeof p->temporary, p->err) && pack_reports(p, folder) &&
        !json_object_set(p->about, "left_out", p->left_out))
        (void)assay_bundle_write(p->o->out, &p->sources, p->about, key, p->err);
    assay_folder_remove(p->temporary);
    assay_summary_release(&run);
    return p->err->code;
}

static enum assay_exit make_key(const char *path)
{
    struct assay_error err = {.code = ASSAY_OK};
    struct assay_key   key = {.has_secret = false};
    if (!*path)
        return assay_cli_usage("a key needs a file: assay bundle key -o mine.key");
    if (assay_key_make(path, &key, &err))
        return assay_cli_fail(&err);
    printf("%s (secret: keep it), %s.pub (to give away)\npublic key %s\n", path, path, key.public_hex);
    assay_key_forget(&key);
    return ASSAY_EXIT_YES;
}

static void tell(const struct packing *p, const struct assay_key *key)
{
    const json_t *row;
    size_t        i;
    printf("%s: %zu files%s%s\n", p->o->out, p->sources.n, key ? ", signed by " : ", not signed", key ? key->public_hex : "");
    json_array_foreach (p->left_out, i, row) {
        assay_cli_complain("assay: note: left out: ", json_string_value(json_object_get(row, "what")), ": ");
        assay_cli_complain("", json_string_value(json_object_get(row, "why")), "\n");
    }
}

static enum assay_exit run(size_t n, char **operands, const void *given_options, const bool *given)
{
    const struct bundle_options *o = given_options;
    struct assay_error           err = {.code = ASSAY_OK};
    struct assay_key             key = {.has_secret = false};
    struct packing               p = {.o = o, .err = &err};
    (void)given;
    if (n == 1 && !strcmp(operands[0], "key"))
        return make_key(o->out);
    if (n != 1 || !*o->out)
        return assay_cli_usage("bundle needs one run folder and where to write: assay bundle out/quick -o quick.bundle");
    if (*o->claims && !*o->policy)
        return assay_cli_usage("--claims stand in what a policy adds: give --policy as well");
    p.about = json_object();
    p.left_out = json_array();
    if (!*o->key || !assay_key_read(o->key, true, &key, &err))
        (void)pack(&p, operands[0], *o->key ? &key : NULL);
    if (!err.code)
        tell(&p, *o->key ? &key : NULL);
    assay_bundle_sources_release(&p.sources);
    json_decref(p.about);
    json_decref(p.left_out);
    assay_key_forget(&key);
    return err.code ? assay_cli_fail(&err) : ASSAY_EXIT_YES;
}

const struct assay_verb assay_verb_bundle = {
    .name = "bundle",
    .operands = "DIR|key",
    .summary = "packs all that a result rests on into one file that shows every change: run, suite, policy, descriptions, report",
    .details =
        "The file is a tar, the same bytes for the same folder. With --key it is signed (Ed25519); assay bundle key -o FILE makes a key, FILE\n"
        "for yourself and FILE.pub to give away. assay verify reads it.",
    .options = options,
    .options_bytes = sizeof(struct bundle_options),
    .run = run,
};
