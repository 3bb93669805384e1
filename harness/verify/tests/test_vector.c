#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/verify/vector.h"

#include "assay/banned.h"

#define NODE "/usr/share/libonnx-testdata/data/node/"

TestSuite(vector, .timeout = 60);

static struct assay_error  err;
static struct assay_vector vector;

static void read_case(const char *name)
{
    char folder[200];
    if (access(NODE, R_OK) != 0)
        cr_skip_test("no third-party vectors: %s is not there (Debian's libonnx-testdata)", NODE);
    (void)snprintf(folder, sizeof folder, NODE "%s", name);
    cr_assert_eq(assay_vector_read(folder, 0, &vector, &err), ASSAY_OK, "%s: %s", name, err.message);
}

/* What the vector has, with element `i` of output 0 changed. */
static enum assay_code check_changed(size_t i, double by)
{
    size_t      bytes = vector.want[0].bytes;
    void       *got = malloc(bytes + 1);
    const void *list[ASSAY_VECTOR_TENSORS_MOST];
    memcpy(got, vector.want[0].data, bytes);
    if (vector.want[0].dtype == ASSAY_F32)
        ((float *)got)[i] = (float)((double)((float *)got)[i] + by);
    else if (vector.want[0].dtype == ASSAY_U8)
        ((unsigned char *)got)[i] = (unsigned char)(((unsigned char *)got)[i] + (int)by);
    else
        ((int64_t *)got)[i] += (int64_t)by;
    for (size_t o = 0; o < vector.n_out; o++)
        list[o] = o ? vector.want[o].data : got;
    enum assay_code code = assay_vector_check(&vector, list, &err);
    free(got);
    return code;
}

Test(vector, what_the_vector_has_passes_and_one_wrong_element_does_not)
{
    static const char *const cases[] = {"test_matmul_2d", "test_softmax_axis_1", "test_convtranspose", "test_nllloss_NC",
                                        "test_argmin_default_axis_example", "test_gather_elements_0"};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        read_case(cases[c]);
        cr_expect_eq(check_changed(0, 0), ASSAY_OK, "%s: %s", cases[c], err.message);
        size_t last = vector.want[0].elements - 1;
        double by = assay_dtype_is_float(vector.want[0].dtype) ? 0.01 : 1;
        cr_expect_eq(check_changed(last, by), ASSAY_DEVICE, "%s", cases[c]);
        cr_expect(strstr(err.message, "the vector has"), "%s", err.message);
        assay_vector_release(&vector);
    }
}

Test(vector, a_fault_within_the_vector_s_tolerance_is_seen_by_the_reference_s_bound)
{
    read_case("test_matmul_2d");
    float first; /* it lies in the file as it happens to */
    memcpy(&first, vector.want[0].data, sizeof first);
    double x = (double)first;
    cr_assert_gt(fabs(x), 0.01);
    cr_expect_eq(check_changed(0, x * ASSAY_VECTOR_RELATIVE / 2), ASSAY_DEVICE);
    assay_vector_release(&vector);
}

Test(vector, a_whole_number_that_rounding_decides_may_be_one_apart)
{
    read_case("test_dynamicquantizelinear_expanded");
    cr_assert_eq(vector.want[0].dtype, ASSAY_U8);
    size_t apart = 0, refused = 0;
    for (size_t i = 0; i < vector.want[0].elements; i++) {
        apart += check_changed(i, -1) == ASSAY_OK;
        refused += check_changed(i, 2) == ASSAY_DEVICE;
    }
    cr_expect(apart < vector.want[0].elements, "%zu of %zu may be one apart", apart, (size_t)vector.want[0].elements);
    cr_expect_eq(refused, vector.want[0].elements);
    assay_vector_release(&vector);
}

Test(vector, inputs_become_consts_only_where_a_graph_needs_them)
{
    read_case("test_reshape_extended_dims");
    cr_expect(vector.input[0] != ASSAY_NO_VALUE && vector.input[1] == ASSAY_NO_VALUE);
    assay_vector_release(&vector);
    read_case("test_relu");
    cr_expect(vector.input[0] != ASSAY_NO_VALUE);
    assay_vector_release(&vector);
}

Test(vector, what_cannot_be_read_keeps_its_op)
{
    if (access(NODE, R_OK) != 0)
        cr_skip_test("no third-party vectors");
    cr_expect_eq(assay_vector_read(NODE "test_det_2d", 0, &vector, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(vector.op, "Det");
    cr_expect(strstr(err.message, "op Det is not read"), "%s", err.message);
    assay_vector_release(&vector);
    cr_expect_eq(assay_vector_read(NODE "no_such_case", 0, &vector, &err), ASSAY_IO);
    assay_vector_release(&vector);
}
