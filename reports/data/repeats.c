#include "reports/data/repeats.h"

#include <stdlib.h>

#include "harness/base/json.h"
#include "harness/judge/repeats_seen.h"
#include "harness/judge/soak.h"

#include "assay/banned.h"

static json_t *why(const char *text)
{
    return json_pack("{s:o}", "why", assay_json_string(text));
}

/* Witnesses keep hashes, so that it is known how many differ, and not where. */
static json_t *agreement(const struct assay_agreement *a, const char *why_none)
{
    struct assay_agreement_share share = assay_agreement_share_of(a);
    return a->runs ? json_pack("{s:o, s:o, s:[o, o]}", "runs", assay_json_u64(a->runs), "differing", assay_json_u64(a->differing),
                               "share_interval_95", assay_json_number(share.low), assay_json_number(share.high))
                   : why(why_none);
}

json_t *assay_repeats_json(const struct assay_run_folder *folder)
{
    struct assay_repeats_seen *rows = NULL;
    size_t                     n = 0;
    struct assay_error         err = {.code = ASSAY_OK};
    if (assay_repeats_seen_of(folder, &rows, &n, &err))
        return why(err.message);
    json_t *list = json_array();
    bool    ok = list != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "case", assay_json_string(rows[i].case_name), "id",
                                                   assay_json_string(rows[i].id), "backend", assay_json_string(rows[i].backend), "executions",
                                                   agreement(&rows[i].runs, rows[i].why_no_runs), "launches",
                                                   agreement(&rows[i].processes, rows[i].why_no_processes))) == 0;
    free(rows);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

json_t *assay_soak_json(const struct assay_run_folder *folder)
{
    struct assay_soak  soak = {.n = 0};
    struct assay_error err = {.code = ASSAY_OK};
    json_t            *object = NULL;
    if (assay_soak_read(assay_run_folder_path(folder), &soak, &err)) {
        object = why(err.message);
    } else if (!soak.n) {
        object = json_null();
    } else {
        object = assay_soak_to_json(&soak);
    }
    assay_soak_release(&soak);
    return object;
}
