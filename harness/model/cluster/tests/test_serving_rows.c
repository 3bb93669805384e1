#include <math.h>

#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_rows, .init = find_source);

static struct assay_error       err;
static struct assay_serving_ask ask;

static enum assay_code read_row(const char *table)
{
    static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};
    struct assay_csv                         csv;
    enum assay_cases_kind                    kind;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_csv_parse(table, strlen(table), &csv, &err) && !assay_cases_recognise(&csv, &kind, &err), "%s", err.message);
    cr_assert_eq(kind, ASSAY_CASES_SERVING);
    struct assay_cases_columns c = assay_cases_columns_of(&csv, kind);
    (void)assay_serving_ask_read(&(struct assay_cases_row){&csv, &c, 0}, &shapes, &ask, &err);
    assay_csv_release(&csv);
    return err.code;
}

Test(serving_rows, say_the_model_the_plan_the_formats_and_the_load)
{
    cr_assert(!read_row("device,devices,model,mode,precision,gemm,moe,kv,isl,osl,concurrency,batch,tp,pp,dp,moe_tp,moe_ep,server,server_version\n"
                        "h100-sxm,16,Qwen/Qwen3-235B-A22B-FP8,agg,fp8,fp8_block,nvfp4,fp8,1024,512,64,16,4,1,4,1,16,vllm,0.18.0\n"),
              "%s", err.message);
    cr_expect_eq(ask.decoder.layers, 94);
    cr_expect_eq(ask.plan.tp * ask.plan.dp, 16);
    cr_expect_eq(ask.plan.moe_ep, 16);
    cr_expect_eq(ask.plan.products.scaling, ASSAY_SCALING_BLOCK);
    cr_expect_eq(ask.plan.experts.compute, ASSAY_F4E2M1);
    cr_expect_eq(ask.plan.cache_bytes, 1);
    cr_expect_eq(ask.in_flight, 16);
    cr_expect_eq(ask.protocol, ASSAY_SERVING_BY_CONCURRENCY);
    cr_expect_str_eq(ask.version, "0.18.0");
}

Test(serving_rows, need_few_columns)
{
    cr_assert(!read_row("model,mode,isl,osl,tp,batch\nllama-2-70b,,128,64,8,4\n"), "%s", err.message);
    cr_expect_eq(ask.plan.products.compute, ASSAY_BF16);
    cr_expect_eq(ask.plan.cache_bytes, 2);
    cr_expect_eq(ask.plan.dp, 1);
    cr_expect_eq(ask.protocol, ASSAY_SERVING_BY_BATCH);
    cr_assert(!read_row("model,mode,isl,osl,tp,dp,concurrency\nmixtral-8x7b,agg,128,64,2,2,30\n"), "%s", err.message);
    cr_expect_eq(ask.in_flight, 15); /* of each group */
    cr_assert(!read_row("model,mode,isl,osl,tp,dp,concurrency\nmixtral-8x7b,agg,128.5,64,2,4,30\n"), "%s", err.message);
    cr_expect(ask.in_flight == 8 && ask.prompt_tokens == 129); /* nobody serves half a request or token */
    cr_assert(!read_row("model,mode,isl,osl,tp,moe_tp,moe_ep,batch\nmixtral-8x7b,agg,128,64,4,1,0,30\n"), "%s", err.message);
    cr_expect_eq(ask.plan.moe_tp * ask.plan.moe_ep, 4); /* a table that says nothing of experts */
}

Test(serving_rows, that_are_wrong_are_refused_with_the_cell)
{
    static const struct {
        char table[120], says[48];
        int  code;
    } bad[] = {{"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,0,64,8,4\n", "isl is '0'", ASSAY_DATA},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,1,x,8,4\n", "osl is 'x'", ASSAY_DATA},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,1,1,8,\n", "neither batch nor concurrency", ASSAY_DATA},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,disagg,1,1,8,4\n", "mode 'disagg'", ASSAY_UNSUPPORTED},
               {"model,mode,isl,osl,tp,batch\n../x,agg,1,1,8,4\n", "there is no model", ASSAY_CONFIG},
               {"model,mode,isl,osl,tp,batch\n,agg,1,1,8,4\n", "there is no model", ASSAY_CONFIG},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,1,1,3,4\n", "tp 3 does not divide", ASSAY_CONFIG},
               {"model,mode,isl,osl,tp,batch,kv\nllama-2-70b,agg,1,1,1,4,fp9\n", "unknown dtype 'fp9'", ASSAY_DATA},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,1e8,1,1,4\n", "more than is followed", ASSAY_DATA},
               {"model,mode,isl,osl,tp,batch\nllama-2-70b,agg,1,1,1,20000\n", "more than is followed", ASSAY_DATA}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(read_row(bad[i].table), (enum assay_code)bad[i].code, "%zu: %s", i, err.message);
        cr_expect(strstr(err.message, bad[i].says), "%zu: %s", i, err.message);
    }
}

static struct assay_serving_answer answer(struct assay_serving_desk *desk, const struct assay_serving_ask *a)
{
    struct assay_serving_answer out;
    err = (struct assay_error){.code = ASSAY_OK};
    cr_assert(!assay_serving_answer_of(desk, a, &out, &err), "%s", err.message);
    return out;
}

static struct assay_serving_desk *desk_for(struct served *s)
{
    struct assay_serving_desk *desk = NULL;
    cr_assert(!assay_serving_desk_new(&s->fabric.chip, &s->k, &desk, &err));
    return desk;
}

Test(serving_rows, say_where_weights_are_widened_where_nothing_has_room_and_where_ranks_are_far_apart)
{
    struct served              s = served_on("dgx-h100", "llama-2-70b");
    struct assay_serving_desk *desk = desk_for(&s);
    cr_assert(!read_row("model,mode,isl,osl,tp,batch,gemm\nllama-2-70b,agg,128,64,8,4,nvfp4\n"));
    struct assay_serving_answer narrow = answer(desk, &ask);
    cr_expect(narrow.weights_alone && !narrow.crowded && !narrow.beyond);
    cr_assert(!read_row("model,mode,isl,osl,tp,batch,gemm\nllama-2-70b,agg,128,64,8,4,fp8\n"));
    cr_expect(!answer(desk, &ask).weights_alone);
    cr_assert(!read_row("model,mode,isl,osl,tp,batch\nllama-2-70b,agg,128,64,1,4\n"));
    struct assay_serving_answer crowded = answer(desk, &ask); /* 138 GB on one chip of 80 */
    cr_expect(crowded.crowded && crowded.means.busiest == 1);
    cr_assert(!read_row("model,mode,isl,osl,tp,batch\nllama-2-70b,agg,128,64,16,4\n"));
    cr_expect(answer(desk, &ask).beyond);
    assay_serving_desk_free(desk);
}

Test(serving_rows, in_the_steady_state_are_about_what_following_them_gives)
{
    struct served                      s = served_on("dgx-h100", "llama-2-70b");
    struct assay_serving_desk         *desk = desk_for(&s);
    const char                        *how;
    const struct assay_serving_numbers n = assay_serving_numbers_of(&s.serving, "vllm", "", &how);
    static const char *const           rows[] = {"llama-2-70b,agg,1024,512,8,16,vllm", "llama-2-70b,agg,512,128,4,32,vllm", "Qwen/Qwen3-235B-A22B,agg,512,512,8,8,trtllm",
                                                 "llama-3.1-8b,agg,1024,256,1,8,vllm"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char   table[160];
        double ns[ASSAY_SERVING_FIGURES];
        (void)snprintf(table, sizeof table, "model,mode,isl,osl,tp,batch,server\n%s\n", rows[i]);
        cr_assert(!read_row(table), "%s", err.message);
        struct assay_serving_answer a = answer(desk, &ask);
        cr_assert(!assay_serving_steady_of(desk, &ask, &n, ns, &err), "%s", err.message);
        double ttft = assay_serving_ns(&n, &a.means.ttft[ASSAY_SERVING_LATER]), tpot = assay_serving_ns(&n, &a.means.tpot[ASSAY_SERVING_LATER]);
        cr_expect_float_eq(ns[ASSAY_SERVING_TPOT] / tpot, 1, 0.06, "%s: %g instead of %g ms", rows[i], ns[ASSAY_SERVING_TPOT] / 1e6, tpot / 1e6);
        cr_expect(ns[ASSAY_SERVING_TTFT] / ttft > 0.6 && ns[ASSAY_SERVING_TTFT] / ttft < 1.1, "%s: %g instead of %g ms", rows[i],
                  ns[ASSAY_SERVING_TTFT] / 1e6, ttft / 1e6);
    }
    assay_serving_desk_free(desk);
}
