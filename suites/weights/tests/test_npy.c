#include <criterion/criterion.h>

#include <string.h>

#include "reference/formats/formats.h"
#include "suites/weights/tensor_file.h"

#include "assay/banned.h"

TestSuite(npy, .timeout = 60);

static struct assay_error        err;
static struct assay_tensor_file *file;
static unsigned char             bytes[1024];

static size_t build(int version, const char *header, size_t data_bytes)
{
    size_t n = strlen(header), begin = version == 1 ? 10 : 12;
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)n;
    bytes[9] = (unsigned char)(n >> 8);
    memcpy(bytes + begin, header, n);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[begin + n + i] = (unsigned char)i;
    return begin + n + data_bytes;
}

static enum assay_code read_it(int version, const char *header, size_t data_bytes)
{
    size_t n = build(version, header, data_bytes);
    file = NULL;
    return assay_npy_read(bytes, n, "in/x.npy", &file, &err);
}

Test(npy, reads_its_three_versions)
{
    for (int version = 1; version <= 3; version++) {
        size_t n;
        cr_assert_eq(read_it(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24), ASSAY_OK, "%s",
                     err.message);
        const struct assay_tensor *t = assay_tensor_file_tensors(file, &n);
        cr_assert_eq(n, 1);
        cr_expect_str_eq(t->name, "x");
        cr_expect(t->dtype == ASSAY_F32 && t->rank == 2 && t->dims[0] == 2 && t->dims[1] == 3 && t->elements == 6);
        cr_expect_eq(*(const unsigned char *)t->data, 0);
        assay_tensor_file_close(file);
    }
}

static const struct {
    const char *header;
    size_t      data_bytes;
    const char *said;
} refused[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23, "23 bytes of data; type and shape have 24"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25, "25 bytes of data; type and shape have 24"},
    {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4, "its type is '>f4'"},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "its type is '|O'"},
    {"{'descr': '<\n4\033', 'fortran_order': False, 'shape': (1,), }", 4, "its type is '<\\x0a4\\x1b'"},
    {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "its type is [("},
    {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 4, "it is in Fortran's order"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, "its shape is none of at most 8 axes"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "its shape is none of at most 8 axes"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 4, "its shape is none of at most 8 axes"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 4, "has more elements than any memory"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, "its shape is none of at most 8 axes"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': 4}", 4, "its shape is none of at most 8 axes"},
    {"{'descr': '<f4', 'shape': (1,), }", 4, "its header lacks descr, fortran_order or shape"},
    {"", 4, "its header lacks descr, fortran_order or shape"},
};

Test(npy, refuses_what_is_not_one_array_in_c_order_of_exactly_its_file)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_expect_eq(read_it(1, refused[i].header, refused[i].data_bytes), ASSAY_DATA, "%s", refused[i].header);
        cr_expect(strncmp(err.message, "in/x.npy: ", 10) == 0 && strstr(err.message, refused[i].said), "%zu: %s", i, err.message);
        cr_expect_null(file);
    }
}

Test(npy, refuses_what_is_cut_or_has_another_magic)
{
    size_t n = build(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4);
    for (size_t cut = 0; cut < n; cut++)
        cr_expect_eq(assay_npy_read(bytes, cut, "x.npy", &file, &err), ASSAY_DATA, "cut to %zu", cut);
    bytes[6] = 4;
    cr_expect_eq(assay_npy_read(bytes, n, "x.npy", &file, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "no .npy file of version 1 to 3"), "%s", err.message);
    bytes[6] = 1, bytes[1] = 'P';
    cr_expect_eq(assay_npy_read(bytes, n, "x.npy", &file, &err), ASSAY_DATA);
}

#define FIXTURE(name) "suites/weights/tests/fixtures/" name ".npy"

Test(npy, reads_what_numpy_wrote)
{
    static const struct { const char *path, *name; double last; int32_t rank; } all[] = {
        {FIXTURE("numbers"), "numbers", 1.25, 2}, {FIXTURE("tokens"), "tokens", 6, 3},
        {FIXTURE("one"), "one", 2.5, 0},          {FIXTURE("version2"), "version2", 0, 1}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double x[8];
        size_t n;
        cr_assert_eq(assay_npy_open(all[i].path, &file, &err), ASSAY_OK, "%s", err.message);
        const struct assay_tensor *t = assay_tensor_file_tensors(file, &n);
        cr_expect_str_eq(t->name, all[i].name);
        cr_assert(t->elements >= 1 && t->elements <= 8);
        assay_to_double(t->dtype, t->data, t->elements, x);
        cr_expect_eq(x[t->elements - 1], all[i].last, "%s", all[i].path);
        cr_expect_eq(t->rank, all[i].rank);
        assay_tensor_file_close(file);
    }
}

Test(npy, refuses_what_numpy_wrote_in_another_order_of_axes_or_bytes)
{
    cr_expect_eq(assay_npy_open(FIXTURE("fortran"), &file, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "Fortran's order"), "%s", err.message);
    cr_expect_eq(assay_npy_open(FIXTURE("big_endian"), &file, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "its type is '>f4'"), "%s", err.message);
}
