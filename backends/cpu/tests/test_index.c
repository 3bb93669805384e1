/* Moving, choosing, converting and mixtures of experts: every op against the reference, within its bounds. */
#include "backends/cpu/tests/device.h"
#include "harness/ir/tests/sketch.h"
#include "harness/ir/transform/gradient.h"
#include "reference/formats/formats.h"
#include "reference/reference.h"

#include "assay/banned.h"

/* fill: a letter for each input that is bound. f in [-1, 1), p in (0.5, 1.5), w whole floats -3..3 (ties), i integers in
 * [low, high), s a permutation, c counts that add up to high, o offsets that grow from 0 to at most high. */
struct index_case {
    const char *op, *inputs, *attrs;
    size_t      outputs;
    const char *fill;
    int64_t     low, high;
};

static uint32_t next_random(void)
{
    return (uint32_t)((random_float() + 1.0f) * 32768.0f) * 7919u + (uint32_t)((random_float() + 1.0f) * 32768.0f);
}

static void put(enum assay_dtype dtype, void *to, size_t i, double x)
{
    assay_from_double(dtype, &x, 1, (char *)to + i * assay_dtype_bits(dtype) / 8);
}

static void fill_integers(const struct assay_value *v, char how, int64_t low, int64_t high, void *to)
{
    size_t   n = v->elements;
    int64_t *list = calloc(n + 1, sizeof *list), left = high;
    for (size_t i = 0; i < n; i++) {
        if (how == 'i')
            list[i] = low + (int64_t)(next_random() % (uint32_t)(high - low));
        else if (how == 'c')
            left -= list[i] = i + 1 == n ? left : (int64_t)(next_random() % (uint32_t)(left + 1));
        else if (how == 'o')
            list[i] = i ? list[i - 1] + (int64_t)(next_random() % (uint32_t)(high - list[i - 1] + 1)) / 2 : 0;
        else
            list[i] = (int64_t)i;
    }
    for (size_t i = n; how == 's' && i > 1; i--) {
        size_t  j = next_random() % i;
        int64_t x = list[i - 1];
        list[i - 1] = list[j];
        list[j] = x;
    }
    if (assay_dtype_bits(v->dtype) < 8) {
        double *wide = calloc(n + 1, sizeof *wide);
        for (size_t i = 0; i < n; i++)
            wide[i] = (double)list[i];
        assay_from_double(v->dtype, wide, n, to);
        free(wide);
    } else {
        for (size_t i = 0; i < n; i++)
            put(v->dtype, to, i, (double)list[i]);
    }
    free(list);
}

static void fill_inputs(const struct assay_graph *g, const struct index_case *c, struct data *data)
{
    const char *how = c->fill;
    for (uint32_t v = 0; v < g->n_values && *how; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        if (value->role != ASSAY_ROLE_INPUT)
            continue;
        if (strchr("fpw", *how))
            for (size_t i = 0; i < value->elements; i++) {
                double x = (double)random_float();
                put(value->dtype, data->at[v], i, *how == 'f' ? x : *how == 'p' ? 1 + x / 2 : rint(3 * x));
            }
        else
            fill_integers(value, *how, c->low, c->high, data->at[v]);
        how++;
    }
}

struct counted {
    size_t compared, unknown;
};

static void check_outputs(const struct assay_graph *g, const struct data *data, const char *what, struct counted *count)
{
    struct assay_reference *r;
    struct assay_error      err = {0};
    cr_assert_eq(assay_reference_new(g, (const void *const *)data->at, &r, &err), ASSAY_OK, "%s", err.message);
    for (uint32_t v = 0; v < g->n_values; v++) {
        const struct assay_value *value = assay_graph_value(g, (int32_t)v);
        size_t                    n = value->elements, wrong = 0, first = 0;
        if (value->role != ASSAY_ROLE_OUTPUT)
            continue;
        int64_t *index = calloc(n + 1, sizeof *index);
        double  *x = calloc(n + 1, sizeof *x), *bound = calloc(n + 1, sizeof *bound), *got = calloc(n + 1, sizeof *got);
        for (size_t i = 0; i < n; i++)
            index[i] = (int64_t)i;
        cr_assert_eq(assay_reference_at(r, (int32_t)v, n, index, x, bound, &err), ASSAY_OK, "%s: %s", what, err.message);
        assay_to_double(value->dtype, data->at[v], n, got);
        for (size_t i = 0; i < n; i++) {
            bool same = got[i] == x[i] || (isnan(got[i]) && isnan(x[i]));
            count->unknown += isinf(bound[i]) != 0;
            if (!same && !(fabs(got[i] - x[i]) <= bound[i]) && !isinf(bound[i]) && wrong++ == 0)
                first = i;
        }
        count->compared += n;
        cr_expect_eq(wrong, 0, "%s: '%s': %zu of %zu wrong, [%zu] is %.9g, not %.9g +- %.3g", what, value->name, wrong, n, first,
                     got[first], x[first], bound[first]);
        free(index);
        free(x);
        free(bound);
        free(got);
    }
    assay_reference_free(r);
}

static void check_case(struct device *d, const struct index_case *c, const char *device)
{
    char                     what[400];
    struct assay_error       err = {0};
    struct counted           count = {0};
    struct data              data;
    int32_t                  in[ASSAY_OP_MAX_OPERANDS], out[4];
    struct assay_graph      *g = assay_graph_new("g");
    size_t                   n = assay_node_inputs_read(g, ASSAY_F32, ASSAY_FILL_SIGNED, c->inputs, in);
    (void)snprintf(what, sizeof what, "%s: %s(%s; %s)", device, c->op, c->inputs, c->attrs);
    assay_node_add(g, c->op, in, n, c->attrs, c->outputs, out);
    for (size_t o = 0; o < c->outputs; o++)
        assay_graph_output(g, out[o]);
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s: %s", what, err.message);
    data_new(g, &data);
    fill_inputs(g, c, &data);
    device_run(d, g, &data, false, what);
    check_outputs(g, &data, what, &count);
    cr_expect(4 * count.unknown <= count.compared, "%s: nothing is known of %zu of %zu elements", what, count.unknown,
              count.compared);
    data_free(&data);
    assay_graph_free(g);
}

static void check_cases(const struct index_case *cases, size_t n)
{
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device d;
        if (!device_open(&d, every_device[i]))
            continue;
        for (size_t j = 0; j < n; j++)
            check_case(&d, &cases[j], every_device[i]);
        device_close(&d);
    }
}
#define CHECK_CASES(cases) check_cases((cases), sizeof(cases) / sizeof *(cases))

/* An execution that is refused, with guards and all intact. */
static void check_refused(const struct index_case *c, const char *sentence)
{
    struct device       d;
    struct assay_error  err = {0};
    struct data         data;
    struct assay_graph *g = sketch(c->op, c->inputs, c->attrs, c->outputs);
    cr_assert(device_open(&d, "threads=2"));
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    data_new(g, &data);
    fill_inputs(g, c, &data);
    struct assay_program *program = device_compile(&d, g, &data, false, &err);
    cr_assert_not_null(program, "%s", err.message);
    cr_expect_eq(device_launch(&d, program, g, &data, &err), ASSAY_DATA, "%s was not refused", c->op);
    cr_expect(strstr(err.message, sentence), "%s: '%s'", c->op, err.message);
    cr_expect(guards_stand(&data), "%s wrote behind a tensor", c->op);
    d.backend->discard(d.session, program);
    data_free(&data);
    assay_graph_free(g);
    device_close(&d);
}

Test(index, parts_are_moved_to_their_places, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"Expand", "f32[2,1,3] i64{2,1,4,1}", "", 1, "f", 0, 0},
        {"Expand", "f32[300] i64{70,300}", "", 1, "f", 0, 0},
        {"Expand", "f32[70,1] i64{70,301}", "", 1, "f", 0, 0},
        {"Expand", "bool[5,1] i64{5,33}", "", 1, "i", 0, 2},
        {"Expand", "f32[] i64{1}", "", 1, "f", 0, 0},
        {"Expand", "f32[1] i64{0,3}", "", 1, "f", 0, 0},
        {"Concat", "f32[3,5] f32[3,1] f32[3,0] f32[3,70]", "axis=1", 1, "ffff", 0, 0},
        {"Concat", "f32[300,50] f32[301,50]", "axis=0", 1, "ff", 0, 0},
        {"Concat", "i64[2,3] i64[2,3]", "axis=-1", 1, "ii", -9, 9},
        {"Concat", "f32[2,3,4]", "axis=1", 1, "f", 0, 0},
        {"Concat", "f32[9,2] f32[9,2] f32[9,2] f32[9,2] f32[9,2] f32[9,2] f32[9,2] f32[9,2] f32[9,2]", "axis=1", 1, "fffffffff", 0, 0},
        {"Split", "f32[7,300] i64{100,0,199,1}", "axis=1", 4, "f", 0, 0},
        {"Split", "f32[1000,33]", "num_outputs=3", 3, "f", 0, 0},
        {"Split", "f32[3,6] i64{1,2,3}", "axis=-1", 1, "f", 0, 0},
        {"Split", "bf16[4,6]", "axis=1 num_outputs=2", 2, "f", 0, 0},
        {"Slice", "f32[40,50] i64{1,-1} i64{33,-47} i64{0,1} i64{1,-2}", "", 1, "f", 0, 0},
        {"Slice", "f32[300,200] i64{3} i64{9223372036854775807} i64{1} i64{1}", "", 1, "f", 0, 0},
        {"Slice", "f32[5,6,7] i64{-1,9} i64{-9223372036854775807,-9} i64{0,2} i64{-1,-3}", "", 1, "f", 0, 0},
        {"Slice", "i64[9] i64{4} i64{4}", "", 1, "i", 0, 9},
        {"Slice", "f32[9] i64{2} i64{5} i64{0} i64{9223372036854775807}", "", 1, "f", 0, 0},
        {"assay.SliceGrad", "f32[2,2]", "input_shape=[4,5] starts=[1,4] steps=[2,-3]", 1, "f", 0, 0},
        {"assay.SliceGrad", "f32[100,70]", "input_shape=[300,71] starts=[299,0] steps=[-2,1]", 1, "f", 0, 0},
        {"assay.SliceGrad", "f32[4,0]", "input_shape=[4,5] starts=[0,0] steps=[1,1]", 1, "f", 0, 0},
        {"assay.SliceGrad", "f32[4,5]", "input_shape=[4,5] starts=[0,4] steps=[1,-1]", 1, "f", 0, 0},
        {"Squeeze", "f32[1,20,1,3] i64{0}", "", 1, "f", 0, 0},
        {"Unsqueeze", "u8[20,3] i64{0,-1}", "", 1, "i", 0, 255},
        {"Flatten", "f32[2,3,400]", "axis=-1", 1, "f", 0, 0},
        {"Flatten", "f32[]", "axis=0", 1, "f", 0, 0},
        {"Identity", "i32[1000]", "", 1, "i", -1000, 1000},
    };
    CHECK_CASES(cases);
}

Test(index, slices_are_gathered_and_their_gradients_added, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"Gather", "f32[40,33] i64[7,30]", "", 1, "fi", -40, 40},
        {"Gather", "f32[3,40,5] i32[300]", "axis=1", 1, "fi", -40, 40},
        {"Gather", "f32[5,100] i64[9]", "axis=1", 1, "fi", 0, 100},
        {"Gather", "i64[40] i32[]", "", 1, "ii", 0, 40},
        {"Gather", "bf16[9,3] i64[4]", "", 1, "fi", 0, 9},
        {"Gather", "f32[4,3] i64[0]", "", 1, "fi", 0, 4},
        {"assay.GatherGrad", "f32[7,30,33] i64[7,30]", "input_shape=[40,33]", 1, "fi", -40, 40},
        {"assay.GatherGrad", "f32[2000,1] i32[2000]", "input_shape=[3,1]", 1, "fi", 0, 3},
        {"assay.GatherGrad", "f32[2000,300] i32[2000]", "input_shape=[11,300]", 1, "fi", 0, 11},
        /* many terms into as many rows as there are threads: a row each */
        {"assay.GatherGrad", "f32[2000,9] i32[2000]", "input_shape=[3,9]", 1, "fi", 0, 3},
        {"assay.GatherGrad", "f32[3,50,5] i64[50]", "axis=1 input_shape=[3,9,5]", 1, "fi", -9, 9},
        {"assay.GatherGrad", "f32[0,5] i64[0]", "input_shape=[9,5]", 1, "fi", 0, 1},
    };
    CHECK_CASES(cases);
    check_refused(&(struct index_case){"Gather", "f32[4,3] i64[50]", "", 1, "fi", 4, 5}, "is 4, not in -4..3");
    check_refused(&(struct index_case){"Gather", "f32[0,3] i64[2]", "", 1, "fi", 0, 1}, "is 0, not in 0..-1");
    check_refused(&(struct index_case){"assay.GatherGrad", "f32[50,3] i32[50]", "input_shape=[4,3]", 1, "fi", -6, -5}, "is -6, not in -4..3");
}

/* Sums that go to one place are added in one order, whoever adds them. */
Test(index, gradients_of_gathers_are_the_same_bits_on_any_number_of_threads)
{
    static const char *const devices[] = {"threads=1", "threads=2", "threads=4"};
    static const char *const inputs[] = {"f32[3000,300] i64[3000]", "f32[3000,7] i64[3000]"};
    static const char *const shapes[] = {"input_shape=[50,300]", "input_shape=[50,7]"};
    for (int k = 0; k < 2; k++) {
        float *first = NULL;
        for (int i = 0; i < 3; i++) {
            struct device       d;
            struct assay_error  err = {0};
            struct data         data;
            struct assay_graph *g = sketch("assay.GatherGrad", inputs[k], shapes[k], 1);
            cr_assert(device_open(&d, devices[i]));
            cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
            test_random = 5;
            data_new(g, &data);
            fill_inputs(g, &(struct index_case){.fill = "fi", .low = 0, .high = 50}, &data);
            device_run(&d, g, &data, false, devices[i]);
            int32_t y = assay_graph_find(g, "y");
            if (!first) {
                first = malloc(data.bytes[y]);
                memcpy(first, data.at[y], data.bytes[y]);
            }
            cr_expect_eq(memcmp(first, data.at[y], data.bytes[y]), 0, "%s", devices[i]);
            data_free(&data);
            assay_graph_free(g);
            device_close(&d);
        }
        free(first);
    }
}

Test(index, numbers_are_compared_and_chosen, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"Equal", "f32[13,17] f32[17]", "", 1, "ww", 0, 0},
        {"Equal", "i64[300,70] i64[300,1]", "", 1, "ii", -3, 3},
        {"Add", "i64[7,1,5] i64[3,1]", "", 1, "ii", -1000, 1000},
        {"Sub", "i32[7,5] i32[]", "", 1, "ii", -1000, 1000},
        {"Mul", "i64[5] i64[5]", "", 1, "ii", -1000, 1000},
        {"Equal", "i32[] i32[5]", "", 1, "ii", -1, 1},
        {"Equal", "bool[40] bool[40]", "", 1, "ii", 0, 2},
        {"Less", "f32[300,70] f32[300,1]", "", 1, "ww", 0, 0},
        {"Less", "i64[7] i64[7]", "", 1, "ii", -2, 2},
        {"Greater", "f32[5,1,33] f32[4,1]", "", 1, "ww", 0, 0},
        {"Greater", "i32[70] i32[]", "", 1, "ii", -2, 2},
        {"GreaterOrEqual", "f32[3,20011] f32[]", "", 1, "ww", 0, 0},
        {"LessOrEqual", "f32[] f32[33]", "", 1, "ww", 0, 0},
        {"LessOrEqual", "f32[0,4] f32[4]", "", 1, "ww", 0, 0},
        {"And", "bool[5,33] bool[33]", "", 1, "ii", 0, 2},
        {"Not", "bool[20011]", "", 1, "i", 0, 2},
        {"Where", "bool[300,70] f32[300,70] f32[70]", "", 1, "iff", 0, 2},
        {"Where", "bool[300,70] f32[] f32[300,70]", "", 1, "iff", 0, 2},
        {"Where", "bool[300,70] f32[300,70] f32[]", "", 1, "iff", 0, 2},
        {"Where", "bool[5,1] f32[3,1,1] f32[4]", "", 1, "iff", 0, 2},
        {"Where", "bool[40] i64[40] i64[]", "", 1, "iii", 0, 2},
        {"Where", "bool[40] bf16[40] bf16[40]", "", 1, "iff", 0, 2},
        {"Where", "bool[] bool[4] bool[4]", "", 1, "iii", 0, 2},
        {"Clip", "f32[300,71] f32[] f32[]", "", 1, "fff", 0, 0},
        {"Clip", "f32[71] - f32[]", "", 1, "ff", 0, 0},
        {"Clip", "f32[71] f32[]", "", 1, "ff", 0, 0},
        {"Clip", "f32[5]", "", 1, "f", 0, 0},
        {"Clip", "i8[300,71] i8[] i8[]", "", 1, "iii", -128, 128},
        {"Clip", "u8[71] - u8[]", "", 1, "ii", 0, 256},
        {"Clip", "i64[71] i64[]", "", 1, "ii", -70000, 70000},
        {"Clip", "f16[71] f16[] f16[]", "", 1, "fff", 0, 0},
        {"Clip", "f64[5]", "", 1, "f", 0, 0},
        {"Reciprocal", "f32[20011]", "", 1, "p", 0, 0},
        {"Pow", "f32[301,7] f32[7]", "", 1, "pf", 0, 0},
        {"Pow", "f32[301,7] f32[1]{2}", "", 1, "f", 0, 0},
        {"Pow", "f32[301,7] f32[1]{3}", "", 1, "f", 0, 0},
        {"Pow", "f32[301,7] f32[1]{-1}", "", 1, "p", 0, 0},
        {"Pow", "f32[3,1] f32[1,5]", "", 1, "pf", 0, 0},
        {"Pow", "f32[] f32[9]", "", 1, "pw", 0, 0},
        {"Pow", "i32[301,7] i32[7]", "", 1, "ii", 0, 9},
        {"Pow", "i64[301,7] i32[]", "", 1, "ii", 0, 12},
        {"Pow", "i64[40] f32[40]", "", 1, "ip", 1, 50},
        {"Pow", "i32[3,1] i64[1,5]{0,1,2,3,4}", "", 1, "i", -9, 9},
        {"Pow", "i32[4]{1,-1,2,-1} i32[4]{-3,-3,-1,-2}", "", 1, "", 0, 0},
        {"Pow", "f32[301,7] i64[7]", "", 1, "pi", -3, 4},
        {"Pow", "f64[40] f64[40]", "", 1, "pf", 0, 0},
        {"Pow", "f16[40] f32[]", "", 1, "pf", 0, 0},
        {"Sin", "f32[20011]", "", 1, "f", 0, 0},
        {"Cos", "f32[20011]", "", 1, "f", 0, 0},
        {"Sin", "f32[20011]", "", 1, "i", -1000000, 1000000},
        {"Cos", "f32[3,5]", "", 1, "i", -2000000000, 2000000000},
        {"TopK", "f32[30,70] i64{8}", "", 2, "f", 0, 0},
        {"TopK", "f32[30,70] i64{70}", "largest=0", 2, "w", 0, 0},
        {"TopK", "f32[5,40,9] i64{3}", "axis=1", 2, "w", 0, 0},
        {"TopK", "f32[2,20011] i64{50}", "", 1, "f", 0, 0},
        {"TopK", "f32[4,3] i64{0}", "", 2, "f", 0, 0},
        {"assay.TopKGrad", "f32[1,7] i64[1,7]", "length=7", 1, "fs", 0, 0},
        {"assay.TopKGrad", "f32[300,1] i32[300,1]", "length=40", 1, "fi", 0, 40},
        {"assay.TopKGrad", "f32[3,1,70] i64[3,1,70]", "axis=1 length=40", 1, "fi", 0, 40},
        {"ArgMax", "f32[30,70]", "axis=1", 1, "w", 0, 0},
        {"ArgMax", "f32[30,700]", "axis=0 keepdims=0", 1, "w", 0, 0},
        {"ArgMax", "f32[5,40,9]", "axis=1 select_last_index=1", 1, "w", 0, 0},
        {"ArgMax", "f32[1,20011]", "axis=-1", 1, "f", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[30,1] f32[30,70]", "axes=[1]", 1, "fw", 0, 0},
        /* without ties, one element behind whole vectors of any width: of so many lines it is the largest in some */
        {"assay.ReduceExtremeGrad", "f32[400,1] f32[400,33]", "axes=[1]", 1, "ff", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[400] f32[33,400]", "axes=[0] keepdims=0", 1, "ff", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[700] f32[30,700]", "axes=[0] keepdims=0 largest=0", 1, "fw", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[5,9] f32[5,4,10,9]", "axes=[2,1] keepdims=0", 1, "ff", 0, 0},
        {"assay.ReduceExtremeGrad", "f32[] f32[3,5]", "axes=[0,1] keepdims=0", 1, "fw", 0, 0},
    };
    CHECK_CASES(cases);
    check_refused(&(struct index_case){"assay.TopKGrad", "f32[2,3] i64[2,3]", "length=4", 1, "fi", -1, 0}, "is -1, not in 0..3");
}

Test(index, numbers_are_converted_with_one_rounding, .timeout = 120)
{
    static const char *const  from[] = {"f64", "f32", "bf16", "f16", "f8e4m3", "f8e5m2", "i64", "i32", "i8", "u8", "bool"};
    static const enum assay_dtype to[] = {ASSAY_F64, ASSAY_F32, ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2, ASSAY_I64,
                                          ASSAY_I32, ASSAY_I8, ASSAY_U8, ASSAY_BOOL};
    struct device d;
    cr_assert(device_open(&d, "threads=2"));
    for (size_t i = 0; i < 11; i++)
        for (size_t j = 0; j < 11; j++)
            for (int large = 0; large < 2; large++) {
                char inputs[32], attrs[32];
                bool is_float = assay_dtype_is_float(assay_dtype_from_name(from[i]));
                (void)snprintf(inputs, sizeof inputs, "%s[3,1001]", from[i]);
                (void)snprintf(attrs, sizeof attrs, "to=%d", (int[]){11, 1, 16, 10, 17, 19, 7, 6, 3, 2, 9}[j]);
                bool narrow = !large || i == 8 || i == 9 || i == 10;
                int64_t high = !narrow ? 1000000 : i == 10 ? 2 : 120;
                /* of floats beyond what an integer holds nothing is known, infinity among them */
                bool holds = assay_dtype_is_float(to[j]) || to[j] == ASSAY_BOOL ||
                             ((to[j] == ASSAY_I64 || to[j] == ASSAY_I32) && i < 3);
                if (large && is_float && !holds)
                    continue;
                check_case(&d, &(struct index_case){"Cast", inputs, attrs, 1, is_float && !large ? "f" : "i",
                                                    i == 9 || i == 10 || to[j] == ASSAY_U8 ? 0 : -high, high}, "cast");
            }
    device_close(&d);
}

/* Every 16-bit pattern of floats, subnormal, infinite or no number, into the narrow formats and back. */
Test(index, conversions_agree_with_the_formats_on_every_pattern)
{
    static const enum assay_dtype narrow[] = {ASSAY_BF16, ASSAY_F16, ASSAY_F8E4M3, ASSAY_F8E5M2};
    static const int              number[] = {16, 10, 17, 19};
    enum { N = 1 << 16 };
    for (int k = 0; k < 4; k++)
        for (int saturate = 0; saturate < 2; saturate++) {
            struct device       d;
            struct assay_error  err = {0};
            struct data         data;
            size_t              wrong = 0;
            struct assay_graph *g = assay_graph_new("g");
            cr_assert(device_open(&d, "threads=1"));
            int32_t x = assay_graph_input(g, "x", ASSAY_F32, 1, (int64_t[]){N}, ASSAY_FILL_SIGNED);
            int32_t y = assay_graph_op(g, "Cast", "y", &x, 1,
                                       (struct assay_attr[]){ASSAY_ATTR_INT("to", number[k]), ASSAY_ATTR_INT("saturate", saturate), ASSAY_ATTR_END});
            int32_t z = assay_graph_op(g, "Cast", "z", &y, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", 1), ASSAY_ATTR_END});
            assay_graph_output(g, y);
            assay_graph_output(g, z);
            cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
            data_new(g, &data);
            for (uint32_t i = 0; i < N; i++) { /* signs, exponents and fractions with sticky ends */
                uint32_t bits = i << 16 | (i % 3 == 0 ? 0 : i % 3 == 1 ? 0x8000 : 0x0fff);
                memcpy((float *)data.at[x] + i, &bits, sizeof bits);
            }
            device_run(&d, g, &data, false, assay_dtype_name(narrow[k]));
            const struct assay_number_format *f = assay_format_of(narrow[k]);
            for (uint32_t i = 0; i < N; i++) {
                double from = (double)floats(&data, x)[i], got, want = assay_round_to(narrow[k], from);
                bool   is_8 = assay_dtype_bits(narrow[k]) == 8, over = !(fabs(want) <= f->largest);
                if (is_8 && saturate && over && !isnan(from))
                    want = copysign(f->largest, from);
                if (narrow[k] == ASSAY_F8E4M3 && !saturate && over)
                    want = NAN;
                assay_to_double(narrow[k], (const char *)data.at[y] + i * assay_dtype_bits(narrow[k]) / 8, 1, &got);
                wrong += !(got == want || (isnan(got) && isnan(want)));
                double back = (double)floats(&data, z)[i];
                wrong += !(back == got || (isnan(back) && isnan(got)));
            }
            cr_expect_eq(wrong, 0, "%s, saturate %d: %zu wrong", assay_dtype_name(narrow[k]), saturate, wrong);
            data_free(&data);
            assay_graph_free(g);
            device_close(&d);
        }
}

Test(index, numbers_are_quantized_and_back, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"QuantizeLinear", "f32[3,1001] f32[] i8[]", "", 1, "fpi", -100, 100},
        {"QuantizeLinear", "f32[3,1001] f32[1,1001]", "axis=0 block_size=3 output_dtype=3", 1, "wp", 0, 0},
        {"QuantizeLinear", "f32[30,71] f32[71]", "", 1, "fp", 0, 0},
        {"QuantizeLinear", "f32[30,71] f32[30] u8[30]", "axis=0", 1, "fpi", 0, 255},
        {"QuantizeLinear", "f32[6,71] f32[6,3] i4[6,3]", "block_size=32", 1, "fpi", -8, 8},
        {"QuantizeLinear", "f32[65,3] f32[3,3] u4[3,3]", "axis=0 block_size=32", 1, "fpi", 0, 16},
        {"QuantizeLinear", "f32[3,1001] f32[3]", "axis=0 output_dtype=17", 1, "fp", 0, 0},
        {"QuantizeLinear", "f32[3,1001] f32[]", "output_dtype=19", 1, "fp", 0, 0},
        {"QuantizeLinear", "f32[0,4] f32[]", "", 1, "fp", 0, 0},
        {"DequantizeLinear", "i8[3,1001] f32[] i8[]", "", 1, "ipi", -128, 128},
        {"DequantizeLinear", "u8[30,71] f32[71] u8[71]", "", 1, "ipi", 0, 256},
        {"DequantizeLinear", "i8[30,71,5] f32[71]", "axis=1", 1, "ip", -128, 128},
        {"DequantizeLinear", "i4[6,71] f32[6,3] i4[6,3]", "block_size=32", 1, "ipi", -8, 8},
        {"DequantizeLinear", "u4[300,33] f32[10,33]", "axis=0 block_size=30", 1, "ip", 0, 16},
        {"DequantizeLinear", "f8e4m3[30,71] f32[30,71]", "block_size=1", 1, "fp", 0, 0},
        {"DequantizeLinear", "f8e5m2[30,71] f32[30]", "axis=0", 1, "fp", 0, 0},
        {"DequantizeLinear", "u4[3] f32[]", "", 1, "ip", 0, 16},
    };
    CHECK_CASES(cases);
}

Test(index, bags_of_rows_are_added, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"assay.EmbeddingBag", "f32[500,33] i64[500] i64[40]", "", 1, "fio", 0, 500},
        {"assay.EmbeddingBag", "f32[500,128] i32[500] i32[300]", "mode=mean", 1, "fio", 0, 500},
        {"assay.EmbeddingBag", "f32[5,1] i32[3] i64[3]", "mode=mean", 1, "fso", 0, 3},
        {"assay.EmbeddingBag", "f32[5,7] i32[0] i64[3]", "", 1, "fio", -1, 0},
        {"assay.EmbeddingBagGrad", "f32[40,33] i64[500] i64[40]", "rows=500", 1, "fio", 0, 500},
        {"assay.EmbeddingBagGrad", "f32[300,128] i32[500] i32[300]", "mode=mean rows=500", 1, "fio", 0, 500},
        {"assay.EmbeddingBagGrad", "f32[4,300] i64[90] i64[4]", "mode=mean rows=90", 1, "fio", 0, 90},
        {"assay.EmbeddingBagGrad", "f32[3,7] i32[0] i64[3]", "rows=5", 1, "fio", -1, 0},
    };
    CHECK_CASES(cases);
    check_refused(&(struct index_case){"assay.EmbeddingBag", "f32[5,1] i32[3] i64[3]", "", 1, "fio", 5, 6}, "is 5, not in -5..4");
    check_refused(&(struct index_case){"assay.EmbeddingBag", "f32[5,1] i32[3]{0,1,2} i64[3]", "", 1, "fi", 4, 5}, "offset 0 is 4");
}

Test(index, mixtures_of_experts_agree_with_the_reference, .timeout = 120)
{
    static const struct index_case cases[] = {
        {"assay.MoeRoute", "f32[300,8]", "k=2", 2, "f", 0, 0},
        {"assay.MoeRoute", "f32[70,64] f32[64]", "k=6 scoring=sigmoid scale=2.5", 2, "ff", 0, 0},
        {"assay.MoeRoute", "f32[70,33]", "k=4 normalize=0", 2, "f", 0, 0},
        {"assay.MoeRoute", "f32[7,5]", "k=5 scoring=sigmoid normalize=0", 1, "f", 0, 0},
        {"assay.MoeRoute", "f32[1,1]", "k=1", 2, "f", 0, 0},
        {"assay.MoeRoute", "f32[0,4]", "k=2", 2, "f", 0, 0},
        {"assay.MoeRouteGrad", "f32[300,1] f32[300,8] i32[300,1]", "normalize=0", 1, "ffi", 0, 8},
        {"assay.MoeRouteGrad", "f32[1,8] f32[1,8] i64[1,8]", "", 1, "ffs", 0, 8},
        {"assay.MoeRouteGrad", "f32[70,2] f32[70,33] i32[70,2]", "scale=2.5", 1, "ffi", 0, 33},
        {"assay.MoeRouteGrad", "f32[70,2] f32[70,33] i32[70,2]", "scoring=sigmoid", 1, "ffi", 0, 33},
        {"assay.MoeRouteGrad", "f32[70,2] f32[70,33] i32[70,2]", "scoring=sigmoid normalize=0", 1, "ffi", 0, 33},
        {"assay.MoePermute", "f32[300,33] i32[300,2]", "num_experts=8", 3, "fi", 0, 8},
        {"assay.MoePermute", "bf16[30,5] i64[30,1]", "num_experts=3", 1, "fi", 0, 3},
        {"assay.MoePermute", "f32[0,5] i64[0,2]", "num_experts=3", 3, "fi", 0, 3},
        {"assay.MoeCombine", "f32[600,33] f32[300,2] i32[600]", "", 1, "ffs", 0, 0},
        {"assay.MoeCombine", "f32[5,300] f32[1,5] i64[5]", "", 1, "ffs", 0, 0},
        {"assay.MoeCombine", "f32[0,3] f32[2,0] i64[0]", "", 1, "ffs", 0, 0},
        {"assay.MoeCombineGrad", "f32[300,33] f32[600,33] f32[300,2] i32[600]", "", 2, "fffs", 0, 0},
        {"assay.MoeCombineGrad", "f32[1,300] f32[5,300] f32[1,5] i64[5]", "", 1, "fffs", 0, 0},
        {"assay.GroupedMatMul", "f32[100,33] f32[5,33,70] i32[5]", "", 1, "ffc", 0, 100},
        {"assay.GroupedMatMul", "f32[100,33] f32[5,300,33] i64[5]", "transB=1", 1, "ffc", 0, 100},
        {"assay.GroupedMatMul", "f32[3,64] f32[3,64,257] i32[3]{1,1,1}", "", 1, "ff", 0, 0},
        {"assay.GroupedMatMul", "f32[3,64] f32[3,257,64] i32[3]{1,1,1}", "transB=1", 1, "ff", 0, 0},
        {"assay.GroupedMatMul", "f32[3,0] f32[2,0,5] i32[2]{1,2}", "", 1, "ff", 0, 0},
        {"assay.GroupedMatMul", "f32[0,4] f32[2,4,5] i32[2]{0,0}", "", 1, "ff", 0, 0},
        {"assay.GroupedMatMulWeightGrad", "f32[100,33] f32[100,70] i32[5]", "", 1, "ffc", 0, 100},
        {"assay.GroupedMatMulWeightGrad", "f32[100,300] f32[100,7] i64[2]", "", 1, "ffc", 0, 100},
        {"assay.GroupedMatMulWeightGrad", "f32[0,3] f32[0,7] i64[2]{0,0}", "", 1, "ff", 0, 0},
    };
    CHECK_CASES(cases);
    check_refused(&(struct index_case){"assay.MoePermute", "f32[3,2] i32[3,2]", "num_experts=4", 3, "fi", 4, 5}, "is 4, not in 0..3");
    check_refused(&(struct index_case){"assay.MoeCombine", "f32[4,2] f32[2,2] i32[4]", "", 1, "ffi", 1, 2}, "slot 1 stands in rows 0 and 1");
    check_refused(&(struct index_case){"assay.MoeCombine", "f32[4,2] f32[2,2] i32[4]", "", 1, "ffi", 4, 5}, "is 4, not in 0..3");
    check_refused(&(struct index_case){"assay.MoeRouteGrad", "f32[2,2] f32[2,4] i32[2,2]", "", 1, "ffi", -1, 0}, "is -1, not in 0..3");
    check_refused(&(struct index_case){"assay.GroupedMatMul", "f32[3,2] f32[2,2,2] i32[2]", "", 1, "ffi", 1, 2}, "counts of 2 rows together, not 3");
    check_refused(&(struct index_case){"assay.GroupedMatMul", "f32[3,2] f32[2,2,2] i32[2]", "", 1, "ffi", 4, 5}, "count 0 is 4 of 3 rows");
    check_refused(&(struct index_case){"assay.GroupedMatMulWeightGrad", "f32[3,2] f32[3,2] i32[2]", "", 1, "ffi", -1, 0}, "count 0 is -1");
}

/* A whole layer of experts with its backward half: what one op writes is what the next one reads. */
Test(index, a_layer_of_experts_and_its_gradients_agree_with_the_reference, .timeout = 120)
{
    enum { T = 24, D = 16, E = 4, K = 2, F = 20 };
    for (size_t i = 0; i < N_DEVICES; i++) {
        struct device       d;
        struct assay_error  err = {0};
        struct data         data;
        struct counted      count = {0};
        int32_t             route[2], sorted[3], grads[3];
        struct assay_graph *g = assay_graph_new("layer");
        if (!device_open(&d, every_device[i])) {
            assay_graph_free(g);
            continue;
        }
        int32_t x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){T, D}, ASSAY_FILL_SIGNED);
        int32_t gate = assay_graph_param(g, "gate", ASSAY_F32, 2, (int64_t[]){D, E}, ASSAY_FILL_SIGNED);
        int32_t w = assay_graph_param(g, "w", ASSAY_F32, 3, (int64_t[]){E, D, F}, ASSAY_FILL_SIGNED);
        int32_t logits = assay_graph_op(g, "MatMul", "logits", (int32_t[]){x, gate}, 2, NULL);
        assay_graph_op_outputs(g, "assay.MoeRoute", (const char *const[]){"weights", "experts"}, 2, &logits, 1,
                               (struct assay_attr[]){ASSAY_ATTR_INT("k", K), ASSAY_ATTR_END}, route);
        assay_graph_op_outputs(g, "assay.MoePermute", (const char *const[]){"rows", "counts", "source"}, 3, (int32_t[]){x, route[1]}, 2,
                               (struct assay_attr[]){ASSAY_ATTR_INT("num_experts", E), ASSAY_ATTR_END}, sorted);
        int32_t y = assay_graph_op(g, "assay.GroupedMatMul", "y", (int32_t[]){sorted[0], w, sorted[1]}, 3, NULL);
        int32_t z = assay_graph_op(g, "assay.MoeCombine", "z", (int32_t[]){y, route[0], sorted[2]}, 3, NULL);
        int32_t loss = assay_graph_op(g, "ReduceMean", "loss", (int32_t[]){assay_graph_op(g, "Mul", "square", (int32_t[]){z, z}, 2, NULL)}, 1,
                                      (struct assay_attr[]){ASSAY_ATTR_INT("keepdims", 0), ASSAY_ATTR_END});
        assay_graph_gradient(g, loss, (int32_t[]){x, gate, w}, 3, ASSAY_RECOMPUTE_NONE, grads);
        assay_graph_output(g, z);
        for (int k = 0; k < 3; k++)
            assay_graph_output(g, grads[k]);
        cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
        test_random = 9;
        data_new(g, &data);
        device_run(&d, g, &data, false, every_device[i]);
        check_outputs(g, &data, every_device[i], &count);
        cr_expect(count.unknown == 0 && count.compared == T * F + T * D + D * E + E * D * F, "%zu of %zu are unknown", count.unknown,
                  count.compared);
        data_free(&data);
        assay_graph_free(g);
        device_close(&d);
    }
}
