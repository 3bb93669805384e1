#include "harness/store/mlperf.h"

#include "harness/store/tests/scratch.h"

#define HEAD "round,division,submitter,system,accelerator,acc_count,benchmark,scenario,metric,value,source_path\n"
#define GOOD "inference_v4.1,closed,Somebody,\"Box, 8 chips\",Chip,8,bert-99,Offline,samples/s,28275.70,where/it/lies\n"

static enum assay_code import(const struct scratch *s, const char *text, const char *match, struct assay_mlperf *m, struct assay_error *err)
{
    put_bytes(in(s, "in"), text, strlen(text));
    memset(err, 0, sizeof *err);
    memset(m, 0, sizeof *m);
    return assay_mlperf_import(in(s, "in"), match, m, err);
}

Test(mlperf, values_stay_the_very_text_that_was_published)
{
    struct scratch      s = scratch_new();
    struct assay_mlperf m, again;
    struct assay_error  err;
    cr_assert_eq(import(&s, HEAD GOOD, "", &m, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(m.n, 1u);
    cr_expect_str_eq(m.rows[0].value, "28275.70");
    cr_expect_str_eq(m.rows[0].system, "Box, 8 chips");
    cr_expect(m.n_files == 1 && !strcmp(m.files[0].name, "in") && strlen(m.files[0].sha256) == 64);
    cr_assert_eq(assay_mlperf_retrieved(&m, "2026-11-27", "https://mlcommons.org", &err), ASSAY_OK);
    cr_assert_eq(assay_mlperf_write(&m, in(&s, "own"), &err), ASSAY_OK);
    cr_assert_eq(assay_mlperf_read(in(&s, "own"), &again, &err), ASSAY_OK, "%s", err.message);
    cr_expect(again.n == 1 && !memcmp(&again.rows[0], &m.rows[0], sizeof m.rows[0]) && !strcmp(again.retrieved, "2026-11-27"));
    assay_mlperf_release(&m);
    assay_mlperf_release(&again);
    scratch_remove(&s);
}

Test(mlperf, official_json_and_the_checkers_csv_are_read_by_their_own_names)
{
    static const char *const texts[] = {
        "[{\"ID\":\"4.1-0003\",\"Submitter\":\"S\",\"Division\":\"closed\",\"System\":\"B\",\"Model\":\"bert-99\",\"Scenario\":\"Server\","
        "\"version\":\"v4.1\",\"Performance_Units\":\"Queries/s\",\"Performance_Result\":10.3,\"a#\":8,\"Accelerator\":\"C\",\"Notes\":null}]",
        "Organization,Availability,Division,SystemType,SystemName,Platform,Model,MlperfModel,Scenario,Result,number_of_nodes,"
        "accelerator_model_name,Location,version,Units\nS,available,closed,datacenter,B,p,m,bert-99,Server,10.3,1,C,closed/S/x,v4.1,Queries/s\n"};
    struct scratch s = scratch_new();
    for (size_t i = 0; i < 2; i++) {
        struct assay_mlperf m;
        struct assay_error  err;
        cr_assert_eq(import(&s, texts[i], "", &m, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(m.n, 1u);
        cr_expect_str_eq(m.rows[0].value, "10.3");
        cr_expect_str_eq(m.rows[0].submitter, "S");
        cr_expect_str_eq(m.rows[0].benchmark, "bert-99");
        cr_expect_str_eq(m.rows[0].round, "v4.1");
        cr_expect_str_eq(m.rows[0].unit, "Queries/s");
        cr_expect_str_eq(i ? m.rows[0].source : m.rows[0].id, i ? "closed/S/x" : "4.1-0003");
        assay_mlperf_release(&m);
    }
    scratch_remove(&s);
}

Test(mlperf, what_cannot_be_cited_is_refused_with_its_place)
{
    static const struct {
        char text[400], says[80];
    } rows[] = {
        {"", "no header"},
        {"a,b\n1,2\n", "has no column 'round'"},
        {HEAD "v4,closed,,S,C,8,b,Offline,s,1,w\n", "row 1: has no submitter"},
        {HEAD GOOD "v4,closed,S,,C,8,b,Offline,s,1,w\n", "row 2: has no system"},
        {HEAD "v4,closed,S,B,C,8,b,Offline,s,1,\n", "row 1: has neither an entry's id nor a source"},
        {HEAD "v4,shut,S,B,C,8,b,Offline,s,1,w\n", "row 1: 'shut' is no division"},
        {HEAD "v4,closed,S,B,C,8,b,Offline,s,0,w\n", "row 1: '0' is no result"},
        {HEAD "v4,closed,S,B,C,8,b,Offline,s,nan,w\n", "row 1: 'nan' is no result"},
        {HEAD "v4,closed,S,B,C,8,b,Offline,s,0x10,w\n", "row 1: '0x10' is no result"},
        {HEAD "v4,closed,S,B,C,8,b,Offline,s,=1+1,w\n", "row 1: '=1+1' is no result"},
        {HEAD "v4,closed,S\n", "line 2"},
        {"[1]", "entry 1: is no object"},
        {"{}", "is no list of results"},
        {"[{\"Submitter\":[1]}]", "entry 1: submitter is neither text nor number"},
        {"[{\"Submitter\":\"S\"", "in:1"},
    };
    struct scratch s = scratch_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_mlperf m;
        struct assay_error  err;
        cr_expect_neq(import(&s, rows[i].text, "", &m, &err), ASSAY_OK, "%s", rows[i].text);
        cr_expect(strstr(err.message, rows[i].says), "%zu: %s, not %s", i, err.message, rows[i].says);
        assay_mlperf_release(&m);
    }
    scratch_remove(&s);
}

Test(mlperf, rows_are_chosen_by_what_stands_in_them_and_others_may_be_faulty)
{
    struct scratch      s = scratch_new();
    struct assay_mlperf m;
    struct assay_error  err;
    cr_assert_eq(import(&s, HEAD GOOD "v4,closed,,,Other,8,b,Offline,s,0,w\n", "cHiP", &m, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(m.n, 1u);
    assay_mlperf_release(&m);
    scratch_remove(&s);
}

Test(mlperf, a_citation_has_a_date_and_an_address)
{
    static const char   good[][12] = {"2026-11-27", "1999-01-31"}, bad[][12] = {"", "2026-11-2", "2026-13-01", "2026-00-10", "2026-01-32", "27.11.2026", "2026-11-277"};
    struct assay_mlperf m = {0};
    struct assay_error  err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_eq(assay_mlperf_retrieved(&m, good[i], "x", &err), ASSAY_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(assay_mlperf_retrieved(&m, bad[i], "x", &err), ASSAY_CONFIG, "%s", bad[i]);
    cr_expect_eq(assay_mlperf_retrieved(&m, good[0], "", &err), ASSAY_CONFIG);
}
