#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/model/table.h"

static struct assay_error err;

static enum assay_code first_row(const char *text, struct assay_kernel *out)
{
    struct assay_csv      csv;
    enum assay_cases_kind kind;
    cr_assert_eq(assay_csv_parse(text, strlen(text), &csv, &err), ASSAY_OK);
    enum assay_code code = assay_cases_recognise(&csv, &kind, &err);
    if (!code) {
        struct assay_cases_columns columns = assay_cases_columns_of(&csv, kind);
        code = assay_cases_kernel(&csv, &columns, 0, out, &err);
    }
    assay_csv_release(&csv);
    return code;
}

Test(table, of_products_is_told_by_its_columns_in_any_order)
{
    struct assay_kernel k;
    cr_assert_eq(first_row("dtype,x,k,n,m,device,framework\nfp8_block,,3,2,1,h100,S\n", &k), ASSAY_OK, "%s", err.message);
    cr_expect_eq(k.class, ASSAY_KERNEL_GEMM);
    cr_expect_eq(k.format, ASSAY_FORMAT_BLOCK);
    cr_expect(k.gemm.m == 1 && k.gemm.n == 2 && k.gemm.k == 3 && k.gemm.b_bytes == 1 && k.gemm.c_bytes == 2);
    cr_expect(k.gemm.quantises && k.loops_weights && !k.gemm.host_launched, "a layer of a serving stack");
}

Test(table, of_products_without_a_framework_are_plain_loops)
{
    struct assay_kernel k;
    cr_assert_eq(first_row("m,n,k,dtype,framework\n1,2,3,fp16,\n", &k), ASSAY_OK, "%s", err.message);
    cr_expect(!k.gemm.quantises && !k.loops_weights && k.gemm.host_launched);
}

Test(table, of_products_whose_weights_alone_are_narrow)
{
    static const struct {
        const char *dtype;
        enum assay_dtype compute;
        double a_bytes, b_bytes;
    } is[] = {{"int4_wo", ASSAY_BF16, 2, 0.515625}, {"w4a16_mxfp4", ASSAY_BF16, 2, 0.53125}, {"w4afp8", ASSAY_F8E4M3, 1, 0.515625},
              {"w4a8_mxfp4_mxfp8", ASSAY_F8E4M3, 1.03125, 0.53125}, {"mxfp8", ASSAY_F8E4M3, 1.03125, 1.03125}, {"nvfp4", ASSAY_F4E2M1, 0.5625, 0.5625}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        struct assay_kernel k;
        char                text[96];
        (void)snprintf(text, sizeof text, "m,n,k,dtype,framework\n1,2,3,%s,S\n", is[i].dtype);
        cr_assert_eq(first_row(text, &k), ASSAY_OK, "%s", err.message);
        cr_expect(k.gemm.compute == is[i].compute && k.gemm.a_bytes == is[i].a_bytes && k.gemm.b_bytes == is[i].b_bytes, "%s", is[i].dtype);
        cr_expect_eq(k.gemm.quantises, is[i].compute != ASSAY_BF16, "%s: what is narrowed on the way in", is[i].dtype);
    }
}

Test(table, of_attention_says_by_its_queries_which_it_is)
{
    struct assay_kernel k;
    cr_assert_eq(first_row("batch,query,past,heads,kv_heads,head_dim,dtype,kv_dtype\n4,1,1023,32,8,128,bfloat16,fp8\n", &k),
                 ASSAY_OK);
    cr_expect_eq(k.class, ASSAY_KERNEL_DECODE);
    cr_expect(k.attention.kv_bytes == 1 && k.attention.q_bytes == 2);
    cr_assert_eq(first_row("batch,query,past,heads,kv_heads,head_dim,dtype\n4,512,0,32,8,128,bfloat16\n", &k), ASSAY_OK);
    cr_expect_eq(k.class, ASSAY_KERNEL_PREFILL);
}

Test(table, of_experts_reads_their_routing)
{
    struct assay_kernel k;
    cr_assert_eq(
        first_row("tokens,hidden,inter,top_k,experts,tp,ep,routing,dtype\n64,4096,1536,8,128,1,8,power_law_1.2,fp8\n", &k),
        ASSAY_OK);
    cr_expect_gt(k.moe.imbalance, 1.1);
    cr_assert_eq(first_row("tokens,hidden,inter,top_k,experts,tp,ep,routing,dtype\n64,4096,1536,8,128,1,8,balanced,fp8\n", &k),
                 ASSAY_OK);
    cr_expect_eq(k.moe.imbalance, 1);
}

Test(table, of_whole_systems_has_no_kernels)
{
    struct assay_kernel k;
    cr_expect_eq(first_row("device,devices,model,global_batch,tp,pp,metric,value\nx,8,m,4,1,1,t,1\n", &k), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "a row of the table train is no kernel");
    cr_expect_eq(first_row("device,model,mode,isl,osl,tp\nx,m,agg,1,1,1\n", &k), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "a row of the table serving is no kernel");
    cr_expect_eq(first_row("accelerator,acc_count,benchmark,scenario,metric\nx,8,m,train,t\n", &k), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "a row of the table mlperf is no kernel");
}

static const struct wrong {
    char text[112], message[160];
} wrongs[] = {
    {"a,b\n1,2\n", "these columns make no table that is known; nearest is 'collective', which needs a column 'op'"},
    {"m,n,dtype\n1,2,fp8\n", "these columns make no table that is known; nearest is 'gemm', which needs a column 'k'"},
    {"m,n,k,dtype\n1,2,x,fp8\n", "k is 'x', not a number of at least 1"},
    {"m,n,k,dtype\n1,2,nan,fp8\n", "k is 'nan', not a number of at least 1"},
    {"m,n,k,dtype\n1,0,3,fp8\n", "n is '0', not a number of at least 1"},
    {"m,n,k,dtype\n1,,3,fp8\n", "n is '', not a number of at least 1"},
    {"m,n,k,dtype\n1,2,3,fp9\n", "unknown dtype 'fp9'"},
    {"op,devices,bytes\nall_rude,2,8\n", "unknown collective 'all_rude'"},
    {"tokens,hidden,inter,top_k,experts,dtype,routing\n1,1,1,1,1,fp8,by_hand\n",
     "unknown routing 'by_hand' (balanced, power_law_EXPONENT)"},
};

Test(table, tells_what_is_wrong_with_a_row)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct assay_kernel k;
        cr_expect_neq(first_row(wrongs[i].text, &k), ASSAY_OK, "%s", wrongs[i].text);
        cr_expect_str_eq(err.message, wrongs[i].message);
    }
}
