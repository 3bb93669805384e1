/* The reference against MPFR (oracle/) on more seeds than every day's test has: [seeds], 30. A line an op; fails if anything is
 * beyond, or an op was not compared. */
#include <stdio.h>
#include <stdlib.h>

#include "oracle/compare.h"
#include "oracle/number.h"

enum { MAX_OPS = 256, MOST_TOLD = 40 };
static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_F64, ASSAY_BF16, ASSAY_F16, ASSAY_I32, ASSAY_I64, ASSAY_I8, ASSAY_U8};

static size_t compare_node(size_t node, uint64_t seed, struct oracle_seen *seen)
{
    char   text[800];
    size_t told = 0;
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
        for (size_t inputs = 0; inputs < oracle_inputs_of(dtypes[d]); inputs++) {
            struct assay_text wrong = ASSAY_TEXT(text);
            (void)oracle_compare(&(struct oracle_case){oracle_node(node), dtypes[d], inputs, seed}, 0, seen, &wrong);
            if (wrong.length && told++ < MOST_TOLD)
                printf("%s\n", text);
        }
    return told;
}

int main(int argc, char **argv)
{
    static struct oracle_seen seen[MAX_OPS];
    size_t   n_ops, wrong = 0, elements = 0;
    uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 30;
    const struct assay_op_row *rows = assay_op_rows(&n_ops);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        for (size_t node = 0; node < oracle_nodes(); node++)
            wrong += compare_node(node, 1000 + seed, seen);
    for (size_t r = 0; r < n_ops; r++) {
        printf("%-26s %8zu elements; %8zu with a claim, error up to %.2f of it; %8zu with a bound, up to %.2f of it\n", rows[r].name,
               seen[r].elements, seen[r].own, seen[r].worst_own, seen[r].device, seen[r].worst_device);
        wrong += seen[r].own == 0 || seen[r].device == 0;
        elements += seen[r].elements;
    }
    printf("reference against MPFR: %zu ops, %llu seeds, %zu elements, %zu cases or ops wrong\n", n_ops, (unsigned long long)seeds,
           elements, wrong);
    numbers_free();
    return wrong != 0;
}
