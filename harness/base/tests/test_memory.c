#include "harness/base/memory.h"

#include <criterion/criterion.h>
#include <string.h>

Test(memory, multiplies_sizes_and_refuses_overflow)
{
    const size_t half = (size_t)1 << 32;
    size_t out = 77;
    cr_expect(assay_size_multiply(6, 7, &out));
    cr_expect_eq(out, 42);
    cr_expect(assay_size_multiply(0, SIZE_MAX, &out));
    cr_expect_eq(out, 0);
    cr_expect(assay_size_multiply(SIZE_MAX, 0, &out));
    cr_expect_eq(out, 0);
    cr_expect(assay_size_multiply(SIZE_MAX, 1, &out));
    cr_expect_eq(out, SIZE_MAX);
    cr_expect(assay_size_multiply(half - 1, half + 1, &out));
    cr_expect_eq(out, SIZE_MAX, "(2^32 - 1)(2^32 + 1) = 2^64 - 1 is the largest product");
    out = 77;
    cr_expect_not(assay_size_multiply(half, half, &out));
    cr_expect_not(assay_size_multiply(SIZE_MAX, 2, &out));
    cr_expect_not(assay_size_multiply(3, SIZE_MAX / 3 + 1, &out));
    cr_expect_eq(out, 77, "unchanged on overflow");
}

Test(memory, gives_zeroed_page_aligned_blocks)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 3 << 20};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            unsigned char *block = assay_block_new(sizes[i]);
            size_t dirty = 0;
            cr_assert_not_null(block);
            cr_expect_eq((uintptr_t)block % 4096, 0);
            for (size_t b = 0; b < sizes[i]; b++)
                dirty += block[b] != 0;
            cr_expect_eq(dirty, 0, "%zu of %zu bytes are not zero", dirty, sizes[i]);
            memset(block, 0xa5, sizes[i]);
            assay_block_free(block);
        }
    assay_block_free(NULL);
}

Test(memory, refuses_blocks_that_cannot_be)
{
    cr_expect_null(assay_block_new(SIZE_MAX));
    cr_expect_null(assay_block_new(SIZE_MAX - 4094));
    cr_expect_null(assay_block_new((size_t)PTRDIFF_MAX));
}
