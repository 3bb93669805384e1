/* Formats against somebody else's: what ci/oracle/make_formats.py had ml_dtypes and numpy compute. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/tests/source.h"
#include "reference/formats/formats.h"
#include "reference/formats/scaled.h"

static FILE *open_vectors(void)
{
    char source[SOURCE_BYTES], path[SOURCE_BYTES + 64];
    source_of(source);
    (void)snprintf(path, sizeof path, "%s/ci/oracle/formats.txt", source);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    return file;
}

static float float_of(unsigned bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Reads up to `most` numbers, and a bar or colon behind the last. */
static size_t numbers(char **at, unsigned *to, size_t most)
{
    size_t n = 0;
    for (char *end; n < most; n++, *at = end) {
        to[n] = (unsigned)strtoul(*at, &end, 16);
        if (end == *at)
            break;
    }
    *at += strspn(*at, " |:");
    return n;
}

/* The rest of each line that begins with this word: how much was compared. */
typedef size_t check_line(char *rest, const char *name);
static size_t each_line(const char *word, check_line *check)
{
    FILE *file = open_vectors();
    char *line = NULL, first[16], name[16];
    size_t room = 0, checked = 0;
    for (int begin = 0; getline(&line, &room, file) > 0;)
        if (sscanf(line, "%15s %15s %n", first, name, &begin) == 2 && !strcmp(first, word))
            checked += check(line + begin, name);
    free(line);
    fclose(file);
    return checked;
}

static size_t decode_line(char *rest, const char *name)
{
    const struct assay_number_format *f = assay_format_named(name);
    unsigned want[257];
    size_t n = numbers(&rest, want, 257), wrong = 0;
    cr_assert_not_null(f, "%s", name);
    for (size_t code = 0; code < n; code++) {
        float got = (float)assay_format_decode(f, code);
        unsigned bits;
        memcpy(&bits, &got, sizeof bits);
        wrong += isnan(float_of(want[code])) ? !isnan(got) : bits != want[code];
    }
    cr_expect_eq(wrong, 0, "%s: %zu of %zu", name, wrong, n);
    cr_expect_eq(n, (size_t)1 << assay_format_bits(f), "%s", name);
    return n;
}

static size_t encode_line(char *rest, const char *name)
{
    const struct assay_number_format *f = assay_format_named(name);
    unsigned bits, want;
    size_t n = 0, wrong = 0;
    cr_assert_not_null(f, "%s", name);
    for (; numbers(&rest, &bits, 1) && numbers(&rest, &want, 1); n++)
        if (assay_format_encode(f, (double)float_of(bits), ASSAY_NEAREST_EVEN, false, 0) != want && !wrong++)
            cr_log_error("%s: %a gives %x there", name, (double)float_of(bits), want);
    cr_expect_eq(wrong, 0, "%s: %zu of %zu", name, wrong, n);
    return n;
}

static size_t block_line(char *rest, const char *name)
{
    const struct assay_scaled_format *b = assay_scaled_format_named(name);
    unsigned tensor, x[64], scale[4], element[64];
    double from[64], most = 0;
    unsigned char elements[64] = {0}, scales[4] = {0}, want[64] = {0};
    cr_assert_not_null(b, "%s", name);
    cr_assert(numbers(&rest, &tensor, 1) == 1 && numbers(&rest, x, 64) == 64);
    cr_assert(numbers(&rest, scale, 64 / b->length) == 64 / b->length && numbers(&rest, element, 64) == 64);
    for (int i = 0; i < 64; i++) {
        from[i] = (double)float_of(x[i]);
        most = fmax(most, fabs(from[i]));
    }
    cr_expect_eq(assay_scaled_tensor_scale(b, most), float_of(tensor), "%s", name);
    assay_scaled_quantize(b, float_of(tensor), from, 64, elements, scales);
    for (size_t i = 0; i < 64 / b->length; i++)
        cr_expect_eq(scales[i], scale[i], "%s: scale %zu", name, i);
    for (size_t i = 0, bits = assay_dtype_bits(b->element); i < 64; i++) {
        unsigned word = element[i] << i * bits % 8;
        want[i * bits / 8] |= (unsigned char)word;
        if (word >> 8)
            want[i * bits / 8 + 1] |= (unsigned char)(word >> 8);
    }
    cr_expect_arr_eq(elements, want, 64, "%s", name);
    return 1;
}

Test(vectors, codes_mean_what_ml_dtypes_says)
{
    cr_expect_eq(each_line("decode", decode_line), 3 * 256 + 2 * 64 + 16);
}

Test(vectors, floats_become_what_ml_dtypes_and_numpy_make_of_them)
{
    cr_expect_gt(each_line("encode", encode_line), 2000);
}

Test(vectors, blocks_are_scaled_and_rounded_as_the_specification_says)
{
    cr_expect_eq(each_line("block", block_line), 18);
}
