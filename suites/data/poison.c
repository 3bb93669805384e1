#include "suites/data/poison.h"

#include <string.h>

#include "harness/base/parallel.h"

#include "assay/banned.h"

/* 64 bits from (key, word): the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Vectorizes. */
static inline uint64_t mix(uint64_t key, uint64_t word)
{
    uint64_t x = key + (word + 1) * 0x9E3779B97F4A7C15ull;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

/* The bits every element of the format must have set to be a quiet NaN, repeated over a word. */
static uint64_t quiet_nan(enum assay_dtype dtype)
{
    switch (dtype) {
    case ASSAY_F64: return 0x7FF8000000000000ull;
    case ASSAY_F32: return 0x7FC000007FC00000ull;
    case ASSAY_BF16: return 0x7FC07FC07FC07FC0ull;
    case ASSAY_F16: return 0x7E007E007E007E00ull;
    default: return 0;
    }
}

struct job {
    uint64_t       key, pattern;
    unsigned char *to;
    const unsigned char *at;
    size_t         bytes, element_bytes;
};

static void fill_words(void *self, size_t begin, size_t end)
{
    const struct job *job = self;
    const uint64_t    key = job->key, pattern = job->pattern;
    unsigned char    *to = job->to;
    size_t            whole = job->bytes / 8 < end ? job->bytes / 8 : end;
    for (size_t word = begin; word < whole; word++) {
        uint64_t x = mix(key, word) | pattern;
        memcpy(to + word * 8, &x, 8);
    }
    if (whole < end) { /* the last one, of which there is a part */
        uint64_t x = mix(key, whole) | pattern;
        memcpy(to + whole * 8, &x, job->bytes - whole * 8);
    }
}

void assay_poison_fill(enum assay_dtype dtype, uint64_t key, size_t elements, void *to)
{
    size_t     bytes = (size_t)assay_dtype_bytes(dtype, elements);
    struct job job = {.key = key, .pattern = quiet_nan(dtype), .to = to, .bytes = bytes};
    assay_parallel_for((bytes + 7) / 8, 1u << 17, fill_words, &job);
}

uint64_t assay_poison_count(enum assay_dtype dtype, uint64_t key, size_t elements, const void *at)
{
    size_t               bytes = (size_t)assay_dtype_bytes(dtype, elements);
    size_t               width = assay_dtype_bits(dtype) >= 16 ? assay_dtype_bits(dtype) / 8 : 1;
    uint64_t             pattern = quiet_nan(dtype), count = 0;
    const unsigned char *p = at;
    for (size_t word = 0; word * 8 < bytes; word++) {
        uint64_t      x = mix(key, word) | pattern;
        unsigned char expected[8];
        size_t        left = bytes - word * 8 < 8 ? bytes - word * 8 : 8;
        memcpy(expected, &x, 8);
        for (size_t i = 0; i + width <= left; i += width)
            count += !memcmp(expected + i, p + word * 8 + i, width);
    }
    return count;
}
