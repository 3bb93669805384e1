#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "reference/formats/formats.h"
#include "suites/weights/tensor_file.h"

#include "assay/banned.h"

TestSuite(safetensors, .timeout = 60);

static struct assay_error        err;
static struct assay_tensor_file *file;
static unsigned char             bytes[4096];

/* Header and `data_bytes` bytes 0, 1, 2, … behind it. */
static size_t build(const char *header, size_t data_bytes)
{
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + n + i] = (unsigned char)i;
    return 8 + n + data_bytes;
}

static enum assay_code read_it(const char *header, size_t data_bytes)
{
    size_t n = build(header, data_bytes);
    file = NULL;
    return assay_safetensors_read(bytes, n, "x.safetensors", &file, &err);
}

Test(safetensors, hands_out_tensors_by_name_with_type_shape_and_place)
{
    size_t n;
    cr_assert_eq(
        read_it("{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[2,10]},"
                "\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]}}",
                10),
        ASSAY_OK, "%s", err.message);
    const struct assay_tensor *t = assay_tensor_file_tensors(file, &n);
    cr_assert_eq(n, 2);
    cr_expect_str_eq(t[0].name, "a");
    cr_expect_eq(t[0].dtype, ASSAY_BF16);
    cr_expect_eq(t[0].rank, 0);
    cr_expect_eq(t[0].elements, 1);
    cr_expect_str_eq(t[1].name, "b");
    cr_expect(t[1].dtype == ASSAY_F32 && t[1].rank == 2 && t[1].dims[0] == 2 && t[1].dims[1] == 1 && t[1].bytes == 8);
    cr_expect_eq(*(const unsigned char *)t[1].data, 2);
    cr_expect_eq(assay_tensor_file_find(file, "b"), &t[1]);
    cr_expect_null(assay_tensor_file_find(file, "c"));
    assay_tensor_file_close(file);
}

/* A header, how much data stands behind it, and what is said of it. */
#define T(type, shape, begin, end) "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
static const struct {
    const char *header;
    size_t      data_bytes;
    const char *said;
} refused[] = {
    {"{\"a\":" T("F32", "[2]", 0, 8) "}", 4, "tensor 'a' lies beyond the end of the file"},
    {"{\"a\":" T("F32", "[2]", 8, 0) "}", 8, "tensor 'a' lies beyond the end of the file"},
    {"{\"a\":" T("F32", "[2]", 0, 9223372036854775807) "}", 8, "tensor 'a' lies beyond the end of the file"},
    {"{\"a\":" T("F32", "[2]", -8, 0) "}", 8, "tensor 'a' has no two data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4,8]}}", 8, "tensor 'a' has no two data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8.5]}}", 8, "tensor 'a' has no two data_offsets"},
    {"{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[2]", 4, 12) "}", 12, "tensor 'b' overlaps another"},
    {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 8, 12) "}", 12, "tensor 'b' lies behind a gap"},
    {"{\"a\":" T("F32", "[1]", 4, 8) "}", 8, "tensor 'a' lies behind a gap"},
    {"{\"a\":" T("F32", "[1]", 0, 4) "}", 7, "3 bytes at its end belong to no tensor"},
    {"{\"a\":" T("F32", "[3]", 0, 8) "}", 8, "tensor 'a' has not the size of its type and shape"},
    {"{\"a\":" T("F32", "[4294967296,4294967296]", 0, 8) "}", 8, "tensor 'a' has more elements than any memory"},
    {"{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "tensor 'a' has a length that is no whole number"},
    {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "tensor 'a' has no shape of at most 8 axes"},
    {"{\"a\":" T("F32", "4", 0, 4) "}", 4, "tensor 'a' has no shape of at most 8 axes"},
    {"{\"a\":" T("C64", "[1]", 0, 8) "}", 8, "tensor 'a' has a type that is not known here"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor 'a' is not described by dtype, shape and data_offsets"},
    {"{\"a\":[1]}", 4, "tensor 'a' is not described by dtype, shape and data_offsets"},
    {"{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 0, 4) "}", 4, "its header is no JSON: duplicate object key"},
    {"{\"a\":[[[[1]]]]}", 0, "its header is no plain JSON object"},
    {"[1]", 0, "its header is no plain JSON object"},
    {"{\"a\":", 0, "its header is no JSON: "},
    {"{\"a\\u001b[2J\":[1]}", 0, "tensor 'a\\x1b[2J' has a name with control characters"},
    {"{\"a\\n\":" T("F32", "[4294967296,4294967296]", 0, 8) "}", 8, "tensor 'a\\x0a' has a name with control characters"},
    {"{\"a\\u202eb\":" T("F32", "[2]", 0, 8) "}", 8, "tensor 'a\\xe2\\x80\\xaeb' has a name with control characters"},
    {"{\"a\": \v", 0, "its header is no JSON: invalid token near '\\x0b'"},
};

Test(safetensors, refuses_what_does_not_fit_its_file_and_names_the_tensor)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_expect_eq(read_it(refused[i].header, refused[i].data_bytes), ASSAY_DATA, "%zu: %s", i, refused[i].header);
        cr_expect(strncmp(err.message, "x.safetensors: ", 15) == 0 && strstr(err.message, refused[i].said), "%zu: %s", i,
                  err.message);
        cr_expect_null(file);
    }
}

Test(safetensors, refuses_names_longer_than_its_room)
{
    char header[512];
    (void)snprintf(header, sizeof header, "{\"%0*d\":" T("F32", "[1]", 0, 4) "}", ASSAY_TENSOR_NAME_BYTES, 7);
    cr_expect_eq(read_it(header, 4), ASSAY_DATA);
    cr_expect(strstr(err.message, "has a name that is too long"), "%s", err.message);
}

Test(safetensors, refuses_a_header_that_is_longer_than_the_file)
{
    size_t n = build("{\"a\":" T("F32", "[1]", 0, 4) "}", 4);
    for (size_t cut = 0; cut < n; cut++)
        cr_expect_eq(assay_safetensors_read(bytes, cut, "x", &file, &err), ASSAY_DATA, "cut to %zu", cut);
    memset(bytes, 0xff, 8);
    cr_expect_eq(assay_safetensors_read(bytes, n, "x", &file, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "a header of 18446744073709551615 bytes in a file of "), "%s", err.message);
}

static double first_number(const struct assay_tensor_file *from, const char *name, size_t last)
{
    double                     x[8] = {NAN};
    const struct assay_tensor *t = assay_tensor_file_find(from, name);
    cr_assert(t && t->elements == last + 1, "%s", name);
    assay_to_double(t->dtype, t->data, last + 1, x);
    return x[last];
}

Test(safetensors, reads_what_the_reference_implementation_wrote)
{
    cr_assert_eq(assay_safetensors_open("suites/weights/tests/fixtures/python.safetensors", &file, &err), ASSAY_OK, "%s",
                 err.message);
    size_t n;
    (void)assay_tensor_file_tensors(file, &n);
    cr_expect_eq(n, 7);
    cr_expect_eq(first_number(file, "model.norm.weight", 5), 1.25);
    cr_expect_eq(first_number(file, "half", 3), 65504);
    cr_expect_eq(first_number(file, "brain", 1), -2.5);
    cr_expect_eq(first_number(file, "eight", 1), -3);
    cr_expect_eq(first_number(file, "counts", 1), -1);
    cr_expect_eq(first_number(file, "scalar", 0), 2.5);
    cr_expect_eq(assay_tensor_file_find(file, "empty")->elements, 0);
    assay_tensor_file_close(file);
}

Test(safetensors, names_a_file_that_is_not_there)
{
    cr_expect_eq(assay_safetensors_open("/nowhere/x.safetensors", &file, &err), ASSAY_IO);
    cr_expect(strstr(err.message, "/nowhere/x.safetensors"), "%s", err.message);
}
