/* The reference against MPFR on many more seeds than every day's test has; a line an op. */
#include <stdio.h>
#include <stdlib.h>

#include "oracle/compare.h"
#include "oracle/number.h"

static const enum assay_dtype dtypes[] = {ASSAY_F32, ASSAY_F64, ASSAY_BF16, ASSAY_F16, ASSAY_I32, ASSAY_I64, ASSAY_I8, ASSAY_U8};

int main(int argc, char **argv)
{
    static struct oracle_seen seen[256];
    size_t   n_ops, beyond = 0;
    uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 50;
    char     text[600];
    const struct assay_op_row *rows = assay_op_rows(&n_ops);
    for (uint64_t seed = 1; seed <= seeds; seed++)
        for (size_t s = 0; s < N_ORACLE_NODES; s++)
            for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++)
                for (size_t inputs = 0; inputs < (assay_dtype_is_float(dtypes[d]) ? oracle_n_inputs : 1); inputs++) {
                    struct assay_text wrong = ASSAY_TEXT(text);
                    (void)oracle_compare(&(struct oracle_case){oracle_node(s), dtypes[d], inputs, seed}, 0, seen, &wrong);
                    if (wrong.length && beyond++ < 4000)
                        printf("%s\n", text);
                }
    for (size_t i = 0; i < n_ops; i++) {
        printf("%-26s %8zu elements, own %8zu up to %8.2g of the claim, device %8zu up to %8.2g of the bound, %zu beyond\n",
               rows[i].name, seen[i].elements, seen[i].own, seen[i].worst_own, seen[i].device, seen[i].worst_device, seen[i].beyond);
        beyond += seen[i].own == 0 || seen[i].device == 0;
    }
    numbers_free();
    return beyond != 0;
}
