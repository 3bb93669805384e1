#include <criterion/criterion.h>
#include <string.h>

#include "harness/base/options.h"
#include "harness/ir/graph.h"
#include "harness/plan/plan.h"

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "suites/workloads/workloads.h"

static struct assay_case parse(const char *text)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse(text, &c, &err), ASSAY_OK, "%s: %s", text, err.message);
    return c;
}

static uint32_t turned(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

/* FIPS 180-4, 6.2, apart from the library that harness/base/hash.c uses: one block into the state. */
static void sha256_block(uint32_t state[8], const unsigned char block[64])
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t one = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t two = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

/* The first 16 hex digits of the SHA-256 of a name. */
static void id_of(const char *name, char out[17])
{
    uint32_t      state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char padded[ASSAY_CASE_NAME_BYTES + 128] = {0};
    size_t        length = strlen(name), blocks = (length + 8) / 64 + 1;
    memcpy(padded, name, length);
    padded[length] = 0x80;
    for (int i = 0; i < 8; i++)
        padded[64 * blocks - 1 - (size_t)i] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
    for (size_t b = 0; b < blocks; b++)
        sha256_block(state, padded + 64 * b);
    (void)snprintf(out, 17, "%08x%08x", state[0], state[1]);
}

Test(plan_case, name_has_its_keys_sorted_and_its_defaults_written_out)
{
    struct assay_case c = parse("gemm/n=8,m=64");
    cr_expect_str_eq(c.name, "gemm/dtype=f32,k=1024,m=64,n=8,transpose_a=false,transpose_b=false");
    assay_case_release(&c);
    cr_expect_null(c.params);
    c = parse("attention.decode");
    cr_expect_str_eq(c.name, "attention.decode/batch=1,causal=true,dtype=f32,head_dim=64,heads=16,kv_heads=16,tokens=512");
    cr_expect_str_eq(c.phase, "decode");
    assay_case_release(&c);
}

Test(plan_case, spellings_of_one_case_have_one_name)
{
    static const char *const same[] = {"memory/bytes=65536,kind=copy", "memory/kind=copy,bytes=64KiB", "memory/bytes=64KiB"};
    struct assay_case        first = parse(same[0]);
    for (size_t i = 1; i < sizeof same / sizeof *same; i++) {
        struct assay_case c = parse(same[i]);
        cr_expect_str_eq(c.name, first.name);
        cr_expect_str_eq(c.id, first.id);
        assay_case_release(&c);
    }
    assay_case_release(&first);
}

/* `printf %s 'gemm/dtype=…' | sha256sum | head -c 16` */
Test(plan_case, id_is_the_first_16_digits_of_the_sha_256_of_the_name)
{
    size_t                              n;
    const struct assay_workload *const *all = assay_workloads(&n);
    char                                want[17];
    struct assay_case                   c = parse("gemm");
    cr_expect_str_eq(c.name, "gemm/dtype=f32,k=1024,m=1024,n=1024,transpose_a=false,transpose_b=false");
    cr_expect_str_eq(c.id, "62f3af1b78d2b877");
    assay_case_release(&c);
    for (size_t i = 0; i < n; i++) {
        char name[100];
        (void)snprintf(name, sizeof name, "%s%s%s", all[i]->name, all[i]->phases ? "." : "", all[i]->phases ? all[i]->phases[0] : "");
        c = parse(name);
        id_of(c.name, want);
        cr_expect_str_eq(c.id, want, "%s", c.name);
        assay_case_release(&c);
    }
}

Test(plan_case, a_model_named_alone_infers)
{
    struct assay_case said = parse("resnet50.infer/batch=8"), unsaid = parse("resnet50/batch=8");
    cr_expect_str_eq(unsaid.name, said.name);
    cr_expect_str_eq(unsaid.id, said.id);
    assay_case_release(&said);
    assay_case_release(&unsaid);
}

Test(plan_case, ids_of_cases_that_differ_differ)
{
    struct assay_case a = parse("gemm/m=64"), b = parse("gemm/m=65"), c = parse("attention.decode"), d = parse("attention.prefill");
    cr_expect_str_neq(a.id, b.id);
    cr_expect_str_neq(c.id, d.id);
    assay_case_release(&a);
    assay_case_release(&b);
    assay_case_release(&c);
    assay_case_release(&d);
}

Test(plan_case, mistakes_are_named_with_what_was_meant)
{
    static const struct { char text[80], message[80], near[40]; } rows[] = {
        {"gem/m=64", "unknown workload 'gem'", "did you mean 'gemm'?"},
        {"gemm/mm=64", "mm", "'m'"},
        {"gemm/transpose_c=true", "transpose_c", "transpose_"},
        {"gemm/m=0", "m", "1"},
        {"gemm/m=64,m=65", "m", ""},
        {"gemm/m=many", "many", ""},
        {"gemm/dtype=f33", "f33", "f32"},
        {"gemm.forward/m=1", "has no phases", "forward"},
        {"attention/tokens=8", "needs a phase, one of prefill, decode", ""},
        {"resnet50./batch=8", "needs a phase, one of infer, train", ""},
        {"attention.decod", "needs a phase, one of prefill, decode", "decod"},
        {"gemm/m=1@sever", "unknown scenario 'sever'", "'server'"},
        {"gemm/m=1@server/qsp=1", "qsp", "qps"},
        {"gemm/m=1@server/qps=-1", "qps", ""},
        {"gemm@trace", "trace", ""},
        {"gemm@server/qps=0,latency_ms=0", "latency_ms=0 sets none", ""},
        {"text.learn@offline", "trained", ""},
        {"", "a case begins with the name of a workload", ""},
        {"/etc/passwd", "a case begins with the name of a workload", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_case  c = {.workload = NULL};
        struct assay_error err = {0};
        cr_expect_eq(assay_case_parse(rows[i].text, &c, &err), ASSAY_CONFIG, "%s", rows[i].text);
        cr_expect(strstr(err.message, rows[i].message), "%s: %s", rows[i].text, err.message);
        cr_expect(strstr(err.message, rows[i].near) || strstr(err.hint, rows[i].near), "%s: %s (%s)", rows[i].text, err.message, err.hint);
        cr_expect(!c.workload, "nothing is written on failure");
    }
}

Test(plan_case, name_that_is_too_long_is_refused_and_not_cut)
{
    static char        text[4 * ASSAY_CASE_NAME_BYTES];
    struct assay_case  c;
    struct assay_error err = {0};
    memset(text, 'x', sizeof text - 1);
    cr_expect_eq(assay_case_parse(text, &c, &err), ASSAY_CONFIG);
    memcpy(text, "gemm/", 5);
    cr_expect_eq(assay_case_parse(text, &c, &err), ASSAY_CONFIG);
    memcpy(text, "attention.", 10);
    text[ASSAY_CASE_NAME_BYTES - 1] = 0;
    cr_expect_eq(assay_case_parse(text, &c, &err), ASSAY_CONFIG);
}

/* What a table shows must lead back to the case: for every workload and phase, with each parameter changed by itself. */
static void expect_brief_leads_back(const char *name)
{
    char              brief[ASSAY_CASE_NAME_BYTES];
    struct assay_case c = parse(name), back;
    assay_case_brief(c.name, brief);
    back = parse(brief);
    cr_expect_str_eq(back.name, c.name, "by way of '%s'", brief);
    cr_expect_leq(strlen(brief), strlen(c.name));
    assay_case_release(&c);
    assay_case_release(&back);
}

static void expect_all_of(const struct assay_workload *w, const char *phase)
{
    char name[200], brief[ASSAY_CASE_NAME_BYTES], head[80];
    (void)snprintf(head, sizeof head, "%s%s%s", w->name, *phase ? "." : "", phase);
    expect_brief_leads_back(head);
    assay_case_brief(head, brief);
    cr_expect_str_eq(brief, head, "with nothing changed it is the workload alone");
    for (const struct assay_option *row = w->params; row->name; row++) {
        static const char *const values[] = {"2", "true", "false", "64KiB", "bf16"};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            struct assay_case  c;
            struct assay_error err = {0};
            (void)snprintf(name, sizeof name, "%s/%s=%s", head, row->name, values[k]);
            if (assay_case_parse(name, &c, &err))
                continue; /* not a value of this row */
            assay_case_release(&c);
            expect_brief_leads_back(name);
        }
        for (size_t k = 0; row->choices && row->choices[k]; k++) {
            (void)snprintf(name, sizeof name, "%s/%s=%s", head, row->name, row->choices[k]);
            expect_brief_leads_back(name);
        }
    }
}

Test(plan_case, brief_names_read_back_to_the_same_case_for_every_workload)
{
    size_t                              n;
    const struct assay_workload *const *all = assay_workloads(&n);
    for (size_t i = 0; i < n; i++) {
        if (!all[i]->phases)
            expect_all_of(all[i], "");
        for (size_t p = 0; all[i]->phases && all[i]->phases[p]; p++)
            expect_all_of(all[i], all[i]->phases[p]);
    }
    char brief[ASSAY_CASE_NAME_BYTES];
    assay_case_brief("gemm/k=64,m=1024", brief);
    cr_expect_str_eq(brief, "gemm/k=64");
    assay_case_brief("of a later version/x=1", brief);
    cr_expect_str_eq(brief, "of a later version/x=1", "a name that is not known is left alone");
}

Test(plan_case, graph_is_built_or_says_of_which_case_it_is_not)
{
    struct assay_error  err = {0};
    struct assay_graph *g = NULL;
    struct assay_case   c = parse("gemm/m=2,n=3,k=4");
    cr_assert_eq(assay_case_graph(&c, &g, &err), ASSAY_OK);
    cr_expect(g->finished && g->n_nodes == 1);
    assay_graph_free(g);
    assay_case_release(&c);
    c = parse("attention.decode/heads=6,kv_heads=4");
    g = NULL;
    cr_expect_eq(assay_case_graph(&c, &g, &err), ASSAY_CONFIG);
    cr_expect(!g && strstr(err.message, "kv_heads 4 does not divide heads 6") && strstr(err.frame[0], "attention.decode/"), "%s", err.message);
    assay_case_release(&c);
}

Test(plan_case, scenario_is_part_of_the_name_and_of_the_id)
{
    static const char *const names[] = {"gemm", "gemm@offline", "gemm@offline/min_queries=7", "gemm@server", "gemm@server/profile=loadgen"};
    struct assay_case        c[5];
    char                     brief[ASSAY_CASE_NAME_BYTES];
    struct assay_error       err = {0};
    for (size_t i = 0; i < 5; i++) {
        struct assay_case again;
        cr_assert_eq(assay_case_parse(names[i], &c[i], &err), ASSAY_OK, "%s", err.message);
        assay_case_brief(c[i].name, brief);
        cr_expect_str_eq(brief, names[i]);
        cr_assert_eq(assay_case_parse(c[i].name, &again, &err), ASSAY_OK, "%s", err.message);
        cr_expect_str_eq(again.id, c[i].id);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(c[k].id, c[i].id);
        assay_case_release(&again);
    }
    cr_expect_eq(c[0].scenario.type, 0);
    cr_expect(c[3].scenario.type == ASSAY_SERVER && c[3].repeat.launches == 3);
    cr_expect(c[4].repeat.launches == 1 && c[4].repeat.timeout_ns > 4 * c[4].scenario.min_duration_ns, "ten minutes are launched once");
    for (size_t i = 0; i < 5; i++)
        assay_case_release(&c[i]);
}

Test(plan_case, at_sign_inside_a_json_string_begins_no_scenario)
{
    struct assay_case  c;
    struct assay_error err = {0};
    cr_assert_eq(assay_case_parse("onnx/file=\"a@server/m.onnx\",sha256=0000000000000000000000000000000000000000000000000000000000000000", &c, &err),
                 ASSAY_OK, "%s", err.message);
    cr_expect_eq(c.scenario.type, 0);
    assay_case_release(&c);
}

Test(plan_case, batches_of_a_scenario_multiply_the_batch_of_the_graph)
{
    struct assay_case   one, eight;
    struct assay_graph *g = NULL, *h = NULL;
    struct assay_error  err = {0};
    cr_assert_eq(assay_case_parse("conv/batch=2,height=8,width=8@offline", &one, &err), ASSAY_OK);
    cr_assert_eq(assay_case_parse("conv/batch=2,height=8,width=8@offline/max_batch=8", &eight, &err), ASSAY_OK);
    cr_assert_eq(assay_case_graph(&one, &g, &err), ASSAY_OK);
    cr_assert_eq(assay_case_graph(&eight, &h, &err), ASSAY_OK);
    cr_expect_eq(assay_graph_cost(h).flops, 8 * assay_graph_cost(g).flops);
    assay_graph_free(h);
    cr_assert_eq(assay_case_graph_of(&eight, 3, &h, &err), ASSAY_OK);
    cr_expect_eq(assay_graph_cost(h).flops, 3 * assay_graph_cost(g).flops, "as a bucket of its own");
    assay_graph_free(g);
    assay_graph_free(h);
    assay_case_release(&one);
    assay_case_release(&eight);
}

Test(plan_case, of_phase_serve_ends_in_how_it_is_served)
{
    struct assay_case  c, again;
    struct assay_error err = {.code = ASSAY_OK};
    char               brief[ASSAY_CASE_NAME_BYTES];
    cr_assert(!assay_case_parse("decoder.serve/model=tiny-dense@server/qps=4+serving/prompt=uniform-8-16,chunk=32", &c, &err), "%s", err.message);
    cr_expect(assay_case_is_served(&c) && c.serving.chunk == 32 && c.scenario.qps == 4);
    cr_expect_str_eq(c.serving.prompt, "uniform-8-16");
    const char *serving = strstr(c.name, "+serving/blocks=0,chunk=32,demand_per_s=0,engine=vllm-class,");
    cr_expect(serving && strstr(serving, ",prompt=uniform-8-16,prompt_share=0,"), "%s", c.name);
    cr_assert(!assay_case_parse(c.name, &again, &err), "%s", err.message);
    cr_expect_str_eq(again.name, c.name);
    assay_case_brief(c.name, brief);
    cr_expect_str_eq(brief, "decoder.serve/model=tiny-dense@server/qps=4+serving/prompt=uniform-8-16,chunk=32");
    assay_case_release(&again);
    assay_case_release(&c);
    cr_assert(!assay_case_parse("decoder.serve/model=tiny-dense@offline", &c, &err), "%s", err.message);
    cr_expect(strstr(c.name, "+serving/blocks=0,chunk=512,"), "defaults are written out");
    assay_case_brief(c.name, brief);
    cr_expect_str_eq(brief, "decoder.serve/model=tiny-dense@offline");
    assay_case_release(&c);
    cr_assert(!assay_case_parse("decoder.serve/model=tiny-dense", &c, &err), "%s", err.message);
    cr_expect(!assay_case_is_served(&c) && !strstr(c.name, "serving"), "without a scenario it is an execution after another");
    assay_case_release(&c);
}

Test(plan_case, that_cannot_be_served_so_is_refused)
{
    static const char  wrong[][120] = {
        "gemm/m=8@server/qps=4+serving/chunk=3", "decoder.serve/model=tiny-dense@server/qps=4+serving/chunks=3", "decoder.serve@server+serving/prompt=0",
        "decoder.serve@server+serving/output=uniform-9-8", "decoder.serve@server+servings", "decoder.serve@server+serving,chunk=3",
        "decoder.serve@server/max_batch=2", "decoder.serve@server+serving/chunk=-1", "decoder.serve@server+serving/static=maybe",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct assay_case  c;
        struct assay_error err = {.code = ASSAY_OK};
        cr_expect_eq(assay_case_parse(wrong[i], &c, &err), ASSAY_CONFIG, "%s", wrong[i]);
    }
}
