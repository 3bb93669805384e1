/* Transpose, Reshape and Copy move every element to its place. */
#include "backends/cpu/tests/device.h"

#include "assay/banned.h"

struct transpose {
    int32_t rank;
    int64_t dims[5], perm[5];
};
static const struct transpose transposes[] = {
    {1, {7}, {0}},
    {2, {1, 9}, {1, 0}},
    {2, {65, 131}, {1, 0}},
    {2, {8, 1000}, {1, 0}},
    {2, {25, 44}, {1, 0}},
    {2, {0, 4}, {1, 0}},
    {3, {5, 6, 7}, {0, 2, 1}},
    {3, {5, 6, 7}, {2, 1, 0}},
    {3, {33, 2, 70}, {1, 0, 2}},
    {3, {33, 12, 70}, {2, 0, 1}},
    {4, {2, 9, 4, 16}, {0, 2, 1, 3}},
    {4, {2, 3, 17, 19}, {0, 2, 3, 1}},
    {4, {2, 3, 17, 19}, {3, 0, 1, 2}},
    {5, {2, 3, 4, 5, 6}, {4, 2, 0, 3, 1}},
    {4, {3, 1, 5, 1}, {3, 2, 1, 0}},
};

static void check(struct device *d, const struct transpose *s, enum assay_dtype dtype, const char *what)
{
    struct assay_error  err = {0};
    struct assay_graph *g = assay_graph_new("g");
    struct assay_attr   attrs[2] = {{.name = "perm", .type = ASSAY_ATTR_I64S, .n = (size_t)s->rank}, ASSAY_ATTR_END};
    struct data         data;
    size_t              wrong = 0, bytes = assay_dtype_bits(dtype) / 8;
    memcpy(attrs[0].list, s->perm, sizeof s->perm);
    int32_t x = assay_graph_input(g, "x", dtype, s->rank, s->dims, ASSAY_FILL_SIGNED);
    int32_t y = assay_graph_op(g, "Transpose", "y", &x, 1, attrs);
    assay_graph_output(g, y);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    for (size_t i = 0; dtype != ASSAY_F32 && i < data.bytes[x]; i++)
        ((unsigned char *)data.at[x])[i] = (unsigned char)(i * 7919 >> 4);
    device_run(d, g, &data, false, what);
    for (size_t e = 0; e < assay_graph_value(g, y)->elements; e++) {
        size_t rest = e, from = 0, index[5];
        for (int32_t i = s->rank - 1; i >= 0; i--) {
            index[s->perm[i]] = rest % (size_t)s->dims[s->perm[i]];
            rest /= (size_t)s->dims[s->perm[i]];
        }
        for (int32_t i = 0; i < s->rank; i++)
            from = from * (size_t)s->dims[i] + index[i];
        wrong += memcmp((char *)data.at[y] + e * bytes, (char *)data.at[x] + from * bytes, bytes) != 0;
    }
    cr_expect_eq(wrong, 0, "%s: transpose %td of %s: %zu elements wrong", what, s - transposes, assay_dtype_name(dtype), wrong);
    data_free(&data);
    assay_graph_free(g);
}

Test(layout, transposes_any_type_by_any_permutation, .timeout = 60)
{
    static const enum assay_dtype types[] = {ASSAY_F32, ASSAY_I32, ASSAY_U8, ASSAY_BF16, ASSAY_F64};
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < sizeof transposes / sizeof *transposes; j++)
            for (size_t t = 0; t < sizeof types / sizeof *types; t++)
                check(&d, &transposes[j], types[t], every_device[i]);
        device_close(&d);
    }
}

Test(layout, copies_and_reshapes_bytes_of_any_type, .timeout = 60)
{
    static const enum assay_dtype types[] = {ASSAY_F32, ASSAY_BF16, ASSAY_I8, ASSAY_I64};
    for (size_t i = 0; i < N_DEVICES; i++)
        for (size_t t = 0; t < 4; t++) {
            struct device       d;
            struct assay_error  err = {0};
            struct data         data;
            struct assay_graph *g = assay_graph_new("g");
            if (!device_open(&d, every_device[i])) {
                assay_graph_free(g);
                continue;
            }
            int32_t x = assay_graph_input(g, "x", types[t], 2, (int64_t[]){300, 1001}, ASSAY_FILL_SIGNED);
            int32_t shape = assay_graph_i64s(g, "shape", 2, (int64_t[]){-1, 300});
            int32_t y = assay_graph_op(g, "Reshape", "y", (int32_t[]){x, shape}, 2, NULL);
            int32_t z = assay_graph_op(g, "assay.Copy", "z", &x, 1, NULL);
            assay_graph_output(g, y);
            assay_graph_output(g, z);
            cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
            data_new(g, &data);
            device_run(&d, g, &data, false, every_device[i]);
            cr_expect_eq(memcmp(data.at[x], data.at[y], data.bytes[x]), 0);
            cr_expect_eq(memcmp(data.at[x], data.at[z], data.bytes[x]), 0);
            data_free(&data);
            assay_graph_free(g);
            device_close(&d);
        }
}
