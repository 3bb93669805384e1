#include <math.h>
#include <unistd.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/model/cluster/serving_fit.h"
#include "harness/model/cluster/tests/serving.h"

TestSuite(serving_fit, .init = find_source);

static struct assay_error                err;
static struct assay_serving_runs         runs;
static const struct assay_decoder_finder shapes = {assay_decoder_numbers_find};

static void read_runs(const char *path)
{
    struct assay_fitted kernels;
    cr_assert(!assay_fitted_read(NULL, &kernels, &err));
    cr_assert(!assay_serving_runs_read(&runs, path, &kernels, &shapes, &err), "%s", err.message);
}

static void write_table(char path[64], const char *text)
{
    (void)snprintf(path, 64, "/tmp/assay-serving-XXXXXX");
    cr_assert(close(mkstemp(path)) == 0);
    cr_assert_eq(assay_file_replace(path, text, strlen(text), &err), ASSAY_OK);
}

/* Runs whose times are those of a stack with a slow host: the fit finds a slow host. */
Test(serving_fit, finds_what_a_stack_was_made_of, .timeout = 20)
{
    char                        path[64], text[8192];
    struct assay_text           rows = ASSAY_TEXT(text);
    struct assay_serving_fitted f;
    assay_text_add(&rows, "device,model,mode,isl,osl,batch,tp,server,ttft_ms,tpot_ms\n");
    for (int tp = 1; tp <= 8; tp *= 2)
        for (int batch = 4; batch <= 64; batch *= 4)
            for (int isl = 256; isl <= 2048; isl *= 2)
                assay_text_add(&rows, "h100-sxm,llama-3.1-8b,agg,%d,256,%d,%d,slow,1,1\n", isl, batch, tp);
    write_table(path, text);
    read_runs(path);
    struct assay_serving_numbers made = assay_serving_numbers_begin();
    made.value[ASSAY_SERVING_STEP] = 4e6;
    made.value[ASSAY_SERVING_PRODUCTS_FACTOR] = 1.2;
    for (size_t i = 0; i < runs.n; i++)
        for (int figure = 0; figure < ASSAY_SERVING_FIGURES; figure++)
            runs.at[i].measured_ns[figure] = assay_serving_figure_ns(&made, &runs.at[i].means, runs.at[i].ask.protocol, (enum assay_serving_figure)figure);
    cr_assert(!assay_serving_calibrate(&runs, &f, &err), "%s", err.message);
    const char                  *how;
    struct assay_serving_numbers n = assay_serving_numbers_of(&f, "slow", "", &how);
    cr_expect(n.value[ASSAY_SERVING_STEP] > 3.2e6 && n.value[ASSAY_SERVING_STEP] < 4.8e6, "%g", n.value[ASSAY_SERVING_STEP]);
    for (size_t i = 0; i < runs.n; i++)
        cr_expect_float_eq(runs.at[i].fitted_ns[ASSAY_SERVING_TPOT] / runs.at[i].measured_ns[ASSAY_SERVING_TPOT], 1, 0.05);
    assay_serving_runs_release(&runs);
    unlink(path);
}

Test(serving_fit, leaves_each_model_out_once_and_writes_a_line_for_it, .timeout = 20)
{
    static const char           rows[] = "device,model,mode,isl,osl,batch,tp,server,ttft_ms,tpot_ms\n"
                                         "h100-sxm,llama-3.1-8b,agg,1024,128,8,1,vllm,190,8\nh100-sxm,llama-3.1-8b,agg,1024,128,8,2,vllm,130,5\n"
                                         "h100-sxm,llama-2-70b,agg,1024,128,8,8,vllm,100,13\nh100-sxm,llama-2-70b,agg,1024,128,8,4,vllm,150,\n";
    char                        path[64];
    struct assay_serving_fitted f;
    write_table(path, rows);
    read_runs(path);
    cr_assert_eq(runs.n, 4);
    cr_assert(!assay_serving_calibrate(&runs, &f, &err), "%s", err.message);
    cr_expect_eq(f.n_models, 2);
    cr_expect(assay_serving_fitted_with(&f, "llama-2-70b") && !assay_serving_fitted_with(&f, "llama-3.1-405b"));
    cr_expect(isnan(runs.at[3].measured_ns[ASSAY_SERVING_TPOT]));
    for (size_t i = 0; i < 4; i++)
        cr_expect(runs.at[i].left_out_ns[0] > 0 && runs.at[i].left_out_ns[0] != runs.at[i].fitted_ns[0]);
    char *page = assay_serving_table(&runs, &f);
    cr_expect(page && strstr(page, "| ttft | llama-2-70b | vllm | 2 |") && strstr(page, "| tpot | llama-2-70b | vllm | 1 |") && strstr(page, "| tpot | all | all | 3 |"));
    free(page);
    assay_serving_runs_release(&runs);
    unlink(path);
}

Test(serving_fit, refuses_a_row_that_cannot_be_priced_by_its_number)
{
    char                path[64];
    struct assay_fitted kernels;
    enum assay_cases_kind kind = ASSAY_CASES_SERVING;
    cr_assert(!assay_fitted_read(NULL, &kernels, &err));
    write_table(path, "device,model,mode,isl,osl,batch,tp,ttft_ms,tpot_ms\nh100-sxm,llama-2-70b,agg,1,1,1,8,3,\nnone-such,llama-2-70b,agg,1,1,1,8,3,4\n");
    cr_expect_eq(assay_serving_runs_read(&runs, path, &kernels, &shapes, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "none-such") && strstr(err.frame[0], "row 2"), "%s", err.frame[0]);
    err = (struct assay_error){.code = ASSAY_OK};
    unlink(path);
    write_table(path, "device,m,n,k,dtype\nh100-sxm,1,1,1,fp16\n");
    cr_expect(!assay_cases_recognise_file(path, &kind, &err) && kind == ASSAY_CASES_GEMM);
    unlink(path);
    assay_serving_runs_release(&runs);
}
