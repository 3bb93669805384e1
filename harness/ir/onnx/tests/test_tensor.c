#include <criterion/criterion.h>

#include "harness/ir/onnx/tensor.h"
#include "vectors.h"

#include "assay/banned.h"

TestSuite(tensor, .timeout = 120);

static struct assay_error err;
static struct assay_arena arena;
static size_t             n_read, n_unsupported, n_other;

static enum assay_code array_of(const struct assay_onnx_tensor *t, struct assay_onnx_array *a)
{
    return assay_onnx_tensor_array(t, "x", &arena, a, &err);
}

Test(tensor, narrow_types_are_the_low_bits_of_int32_data)
{
    const int64_t numbers[] = {-1, 2, 0x3C00}, dims[] = {3};
    const struct {
        int64_t       type;
        size_t        bytes;
        unsigned char data[12];
    } rows[] = {{ASSAY_ONNX_INT8, 3, {255, 2, 0}},
                {ASSAY_ONNX_FLOAT16, 6, {255, 255, 2, 0, 0, 0x3C}},
                {ASSAY_ONNX_INT32, 12, {255, 255, 255, 255, 2, 0, 0, 0, 0, 0x3C, 0, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct assay_onnx_tensor t = {.type = rows[i].type, .dims = dims, .n_dims = 1, .int32s = numbers, .n_int32s = 3};
        struct assay_onnx_array        a;
        cr_assert_eq(array_of(&t, &a), ASSAY_OK, "%s", err.message);
        cr_assert_eq(a.bytes, rows[i].bytes);
        cr_expect_eq(memcmp(a.data, rows[i].data, a.bytes), 0, "row %zu", i);
        assay_arena_clear(&arena);
    }
}

Test(tensor, four_bit_types_are_packed_two_a_number)
{
    const int64_t                  numbers[] = {0x21, 0x03}, dims[] = {3};
    const struct assay_onnx_tensor t = {.type = ASSAY_ONNX_INT4, .dims = dims, .n_dims = 1, .int32s = numbers, .n_int32s = 2};
    struct assay_onnx_array        a;
    cr_assert_eq(array_of(&t, &a), ASSAY_OK, "%s", err.message);
    cr_expect(a.dtype == ASSAY_I4 && a.bytes == 2 && memcmp(a.data, "\x21\x03", 2) == 0);
    assay_arena_clear(&arena);
}

Test(tensor, content_must_be_that_of_type_and_shape)
{
    static const unsigned char six[6];
    const int64_t              two[] = {2}, negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX}, nine[9] = {0};
    const struct {
        struct assay_onnx_tensor t;
        enum assay_code          code;
        const char              *why;
    } rows[] = {
        {{.name = "w", .type = 1, .dims = two, .n_dims = 1, .raw = {six, 6}}, ASSAY_DATA,
         "x: byte 0: tensor 'w' has not the raw bytes of its type and shape"},
        {{.name = "w", .type = 1, .dims = two, .n_dims = 1}, ASSAY_DATA,
         "x: byte 0: tensor 'w' has not the numbers of its type and shape"},
        {{.name = "w", .type = 1, .dims = negative, .n_dims = 1}, ASSAY_DATA, "x: byte 0: tensor 'w' has a negative length"},
        {{.name = "w", .type = 1, .dims = huge, .n_dims = 2}, ASSAY_DATA,
         "x: byte 0: tensor 'w' has more elements than can be counted"},
        {{.name = "w", .type = 1, .dims = nine, .n_dims = 9}, ASSAY_UNSUPPORTED, "x: byte 0: tensor 'w' has more than 8 axes"},
        {{.name = "w", .type = ASSAY_ONNX_STRING}, ASSAY_UNSUPPORTED,
         "x: byte 0: tensor 'w' has element type 8, which is not read"},
        {{.name = "w", .type = 1, .location = 1}, ASSAY_UNSUPPORTED,
         "x: byte 0: tensor 'w' has its data in another file, which is not read"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_onnx_array a;
        cr_expect_eq(array_of(&rows[i].t, &a), rows[i].code, "row %zu", i);
        cr_expect_str_eq(err.message, rows[i].why, "row %zu: %s", i, err.message);
    }
}

/* A sequence or an optional read as a tensor has a name where lengths belong, or no numbers. */
static void see_tensor(const char *path, const void *bytes, size_t length)
{
    struct assay_onnx_tensor t;
    struct assay_onnx_array  a;
    if (!strstr(path, "/test_data_set_"))
        return;
    if (!assay_onnx_tensor_read(bytes, length, path, &arena, &t, &err) && !assay_onnx_tensor_array(&t, path, &arena, &a, &err))
        n_read++;
    else if (strstr(err.message, "element type"))
        n_unsupported++;
    else
        n_other += strstr(path, "seq") || strstr(path, "_opt") ? 1 : 1000000;
    assay_arena_clear(&arena);
}

/* 3205 files: 96 tensors of types that assay lacks, an optional without a value, and 50 sequences and optionals. */
Test(tensor, reads_every_third_party_tensor_of_a_known_type)
{
    vectors_each(".pb", see_tensor);
    cr_expect_eq(n_read, 3058, "%zu", n_read);
    cr_expect_eq(n_unsupported, 97, "%zu", n_unsupported);
    cr_expect_eq(n_other, 50, "%zu", n_other);
}
