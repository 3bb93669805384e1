/* batch_invariant=1: the bits of a row do not tell how many rows there are, where it stands, or how many threads compute. */
#include "backends/cpu/tests/device.h"
#include "harness/ir/tests/sketch.h"

#include "assay/banned.h"

enum { ROWS = 37, MOST_TEXT = 200 };

/* Nodes of %d rows, all of their first input and output along the first axis; the other inputs are the same for every row. */
static const struct {
    const char *op, *inputs, *attrs;
} nodes[] = {
    {"Gemm", "f32[%d,2000] f32[70,2000] f32[70]", "transB=1"},
    {"Gemm", "f32[%d,900] f32[3,900]", "transB=1"},
    {"Gemm", "f32[%d,900] f32[900,70]", ""},
    {"Gemm", "f32[%d,900] f32[70,900]", "transB=1 alpha=0.7"},
    {"MatMul", "f32[%d,900] f32[900,33]", ""},
    {"MatMul", "f32[%d,900] f32[900,1]", ""},
    {"RMSNormalization", "f32[%d,333] f32[333]", ""},
    {"LayerNormalization", "f32[%d,333] f32[333] f32[333]", ""},
    {"Swish", "f32[%d,33]", ""},
    {"Gelu", "f32[%d,33]", ""},
    {"Softmax", "f32[%d,333]", ""},
    /* rows are queries that see all keys */
    {"Attention", "f32[1,%d,64] f32[1,700,32] f32[1,700,32]", "q_num_heads=2 kv_num_heads=1"},
};

static uint64_t random_state;

static float number(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(random_state >> 32) * 0x1p-31f;
}

static int32_t row_axis(const struct assay_value *v, int rows)
{
    return v->rank > 1 && v->dims[0] == 1 && v->dims[1] == rows ? 1 : 0;
}

/* Row `place` of the first input is always the same, the other rows never; the row of the output at its place into `out`. */
static size_t run_row(struct device *d, size_t node, int rows, int place, float *out)
{
    char                text[MOST_TEXT];
    struct assay_error  err = {0};
    struct data         data;
    (void)snprintf(text, sizeof text, nodes[node].inputs, rows);
    struct assay_graph *g = sketch(nodes[node].op, text, nodes[node].attrs, 1);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s(%s): %s", nodes[node].op, text, err.message);
    data_new(g, &data);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *x = &g->values[v];
        size_t                    width = (size_t)(x->elements / (uint64_t)(v ? 1 : rows));
        random_state = 1000 * node + v;
        for (uint64_t i = 0; x->role == ASSAY_ROLE_INPUT && v && i < x->elements; i++)
            ((float *)data.at[v])[i] = number();
        for (size_t i = 0; !v && i < width; i++)
            ((float *)data.at[v])[(size_t)place * width + i] = number();
    }
    device_run(d, g, &data, false, "row");
    int32_t                   y = g->nodes[0].outputs[0];
    const struct assay_value *made = &g->values[y];
    cr_assert_eq(made->dims[row_axis(made, rows)], rows);
    size_t width = (size_t)made->elements / (size_t)rows;
    memcpy(out, floats(&data, y) + (size_t)place * width, width * sizeof *out);
    data_free(&data);
    assay_graph_free(g);
    return width;
}

static void expect_one_row(const char *options)
{
    struct device d;
    float         first[2000], row[2000];
    if (!device_open(&d, options))
        return;
    for (size_t node = 0; node < sizeof nodes / sizeof *nodes; node++) {
        (void)run_row(&d, node, 1, 0, first);
        for (int rows = 2; rows <= ROWS; rows++)
            for (int place = 0; place < rows; place += rows - 1) {
                size_t width = run_row(&d, node, rows, place, row);
                cr_expect(!memcmp(first, row, width * sizeof *row), "%s: %s(%s), row %d of %d", options, nodes[node].op, nodes[node].inputs, place, rows);
            }
    }
    device_close(&d);
}

Test(batch_invariant, a_row_has_the_same_bits_beside_any_number_of_others, .timeout = 60)
{
    expect_one_row("threads=2,batch_invariant=1");
    expect_one_row("threads=1,batch_invariant=1,vectors=128");
    expect_one_row("threads=3,batch_invariant=1,vectors=256");
}

/* Stored weights are read as they are stored by any number of rows. */
Test(batch_invariant, stored_weights_are_widened_in_registers_whatever_the_rows, .timeout = 60)
{
    struct device      d;
    struct assay_error err = {0};
    float              first[50];
    cr_assert(device_open(&d, "threads=2,batch_invariant=1"));
    for (int rows = 1; rows <= ROWS; rows += 4) {
        struct data         data;
        struct assay_graph *g = assay_graph_new("stored");
        int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){rows, 900}, ASSAY_FILL_SIGNED);
        int32_t w = assay_graph_param(g, "w", ASSAY_BF16, 2, (int64_t[]){50, 900}, ASSAY_FILL_SIGNED);
        int32_t wide = assay_graph_op(g, "Cast", "wide", &w, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", 1), ASSAY_ATTR_END});
        int32_t y = assay_graph_op(g, "Gemm", "y", (int32_t[]){x, wide}, 2, (struct assay_attr[]){ASSAY_ATTR_INT("transB", 1), ASSAY_ATTR_END});
        assay_graph_output(g, y);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        data_new(g, &data);
        random_state = 3;
        for (size_t i = 0; i < 900; i++)
            ((float *)data.at[x])[(size_t)(rows - 1) * 900 + i] = number();
        for (size_t i = 0; i < 50 * 900; i++) {
            float    f = number();
            uint32_t bits;
            memcpy(&bits, &f, sizeof bits);
            ((uint16_t *)data.at[w])[i] = (uint16_t)(bits >> 16);
        }
        device_run(&d, g, &data, true, "stored");
        const float *row = floats(&data, y) + (size_t)(rows - 1) * 50;
        if (rows == 1)
            memcpy(first, row, sizeof first);
        cr_expect(!memcmp(first, row, sizeof first), "%d rows", rows);
        data_free(&data);
        assay_graph_free(g);
    }
    device_close(&d);
}

Test(batch_invariant, does_not_go_together_with_a_library_that_looks_at_the_rows)
{
    struct assay_host   host = {.size = sizeof host, .abi_major = ASSAY_ABI_MAJOR, .abi_minor = ASSAY_ABI_MINOR, .now_ns = test_now_ns, .log = test_log};
    struct assay_error  err = {0};
    struct assay_session *s = NULL;
    char                parsed[256] = {0};
    assay_graph_lend(&host);
    const struct assay_backend *b = assay_backend_entry(&host);
    cr_assert_eq(assay_options_parse(b->options, parsed, "batch_invariant=1,blas=openblas", "cpu", &err), ASSAY_OK);
    cr_expect_eq(b->open(&(struct assay_open){.size = sizeof(struct assay_open), .device = "host", .options = parsed}, &s, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "batch_invariant with blas=openblas: its results depend on the number of rows");
}
