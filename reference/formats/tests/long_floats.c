/* All 2^32 floats narrowed to every format of floats.h. Their codes are compared with those of assay_format_encode
 * where they change, on both sides: since that is monotone in the magnitude, it is also the same wherever they do not
 * change. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference/formats/floats.h"
#include "reference/formats/formats.h"

enum { CHUNK = 2048 };

static uint32_t code_at(unsigned bits, const unsigned char *codes, size_t i)
{
    if (bits == 16)
        return (uint32_t)codes[2 * i] | (uint32_t)codes[2 * i + 1] << 8;
    return bits == 8 ? codes[i] : (uint32_t)codes[i / 2] >> 4 * (i & 1) & 15;
}

static uint32_t right_code(enum assay_dtype dtype, uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return (uint32_t)assay_format_encode(assay_format_of(dtype), (double)x, ASSAY_NEAREST_EVEN, false, 0);
}

/* The ends of each run of equal codes; true of a chunk that is one run in a few vector instructions. */
static uint64_t check_chunk(enum assay_dtype dtype, uint32_t first, const unsigned char *codes, uint64_t *runs)
{
    unsigned bits = assay_dtype_bits(dtype);
    size_t bytes = (size_t)CHUNK * bits / 8, step = bits == 16 ? 2 : 1;
    uint64_t wrong = code_at(bits, codes, 0) != right_code(dtype, first);
    wrong += code_at(bits, codes, CHUNK - 1) != right_code(dtype, first + CHUNK - 1);
    if (!memcmp(codes, codes + step, bytes - step) && (bits != 4 || codes[0] % 16 == codes[0] / 16))
        return wrong;
    for (uint32_t i = 1; i < CHUNK; i++)
        if (code_at(bits, codes, i) != code_at(bits, codes, i - 1)) {
            wrong += code_at(bits, codes, i - 1) != right_code(dtype, first + i - 1);
            wrong += code_at(bits, codes, i) != right_code(dtype, first + i);
            ++*runs;
        }
    return wrong;
}

int main(void)
{
    const enum assay_dtype kinds[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2, ASSAY_F4E2M1};
    uint64_t all_wrong = 0;
    for (size_t t = 0; t < sizeof kinds / sizeof *kinds; t++) {
        uint64_t wrong = 0, runs = 0;
        for (uint64_t first = 0; first >> 32 == 0; first += CHUNK) {
            float x[CHUNK];
            unsigned char codes[2 * CHUNK];
            for (uint32_t i = 0; i < CHUNK; i++) {
                uint32_t bits = (uint32_t)first + i;
                memcpy(&x[i], &bits, sizeof bits);
            }
            assay_floats_narrow(kinds[t], x, CHUNK, codes);
            wrong += check_chunk(kinds[t], (uint32_t)first, codes, &runs);
        }
        printf("%s: 4294967296 floats, %llu changes of code inside chunks, %llu wrong\n", assay_dtype_name(kinds[t]),
               (unsigned long long)runs, (unsigned long long)wrong);
        all_wrong += wrong;
    }
    return all_wrong != 0;
}
