#include "harness/model/tests/described.h"
#include "harness/model/tests/pairs.h"

#include "assay/banned.h"

static struct assay_error      err;
static struct assay_described *devices[64];
static size_t                  n_devices;

static void keep(void *self, const char *name, const struct assay_described *d, const struct assay_error *why_not)
{
    (void)self;
    (void)d;
    (void)why_not;
    cr_assert(n_devices < 64 && assay_described_find(name, &devices[n_devices++], &err) == ASSAY_OK);
}
static void set_up(void)
{
    find_source();
    err = (struct assay_error){.code = ASSAY_OK};
    n_devices = 0;
    cr_assert_eq(assay_described_list(keep, NULL, &err), ASSAY_OK, "%s", err.message);
}
static void tear_down(void)
{
    for (size_t i = 0; i < n_devices; i++)
        assay_described_free(devices[i]);
}
TestSuite(graph_price, .init = set_up, .fini = tear_down, .timeout = 60);

#define PAIRS 400 /* long_pairs.c goes through 10^4 */

Test(graph_price, more_of_anything_good_is_never_slower)
{
    struct assay_random r;
    struct pair         p;
    assay_random_init(&r, 1);
    for (int i = 0; i < PAIRS; i++) {
        cr_assert(pair_make(&p, &r, devices, n_devices));
        enum assay_device_field f = pair_slower(&p, &r);
        cr_expect_eq(f, ASSAY_DEVICE_FIELDS, "%s: more %s is slower", p.op, f < ASSAY_DEVICE_FIELDS ? assay_device_fields[f].key : "");
        pair_free(&p);
    }
}

Test(graph_price, a_sub_range_never_enlarges_the_hull)
{
    struct assay_random r;
    struct pair         p;
    assay_random_init(&r, 2);
    for (int i = 0; i < PAIRS; i++) {
        cr_assert(pair_make(&p, &r, devices, n_devices));
        cr_expect(pair_hull_holds(&p, &r), "%s", p.op);
        pair_free(&p);
    }
}

Test(graph_price, most_pairs_of_an_op_and_a_device_have_a_price)
{
    struct assay_random r;
    struct pair         p;
    int                 priced = 0;
    assay_random_init(&r, 3);
    for (int i = 0; i < PAIRS; i++) {
        cr_assert(pair_make(&p, &r, devices, n_devices));
        struct assay_chip middle = assay_chip_middle(p.d);
        double            ns = pair_ns(&p, &middle);
        priced += isfinite(ns) && ns > 0;
        cr_expect(isnan(ns) || (isfinite(ns) && ns > 0), "%s: %g", p.op, ns);
        pair_free(&p);
    }
    cr_expect_gt(priced, PAIRS * 3 / 4, "%d of %d: the properties are not of nothing", priced, PAIRS);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static const struct assay_described *device(const char *name)
{
    for (size_t i = 0; i < n_devices; i++)
        if (!strcmp(devices[i]->name, name))
            return devices[i];
    cr_assert_fail("no device %s", name);
    return NULL;
}

/* Finishes the graph, prices it and frees it. */
static struct assay_graph_price *priced(struct assay_graph *g, const char *name, const struct assay_node_how *how)
{
    const struct assay_coefficients k = assay_coefficients_begin();
    struct assay_chip               chip = assay_chip_middle(device(name));
    struct assay_graph_price       *p = NULL;
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_graph_price_new(g, &p, &err), ASSAY_OK, "%s", err.message);
    (void)assay_graph_price_on(p, &chip, &k, how, false, NULL, &err);
    return p;
}
static const struct assay_node_how as_graph = {.f32_as = ASSAY_F32}, as_bf16 = {.f32_as = ASSAY_BF16};

static struct assay_graph *layers(int n, bool fused)
{
    struct assay_graph *g = assay_graph_new("layers");
    int32_t             x = assay_graph_input(g, "x", ASSAY_BF16, 2, (int64_t[]){512, 1024}, ASSAY_FILL_SIGNED);
    for (int i = 0; i < n; i++) {
        char name[3][32];
        for (int k = 0; k < 3; k++)
            (void)snprintf(name[k], sizeof name[k], "%c%d", "wyz"[k], i);
        int32_t in[2] = {x, assay_graph_param(g, name[0], ASSAY_BF16, 2, (int64_t[]){1024, 1024}, ASSAY_FILL_SIGNED)};
        x = assay_graph_op(g, "MatMul", name[1], in, 2, NULL);
        if (fused)
            x = assay_graph_op(g, "Relu", name[2], &x, 1, NULL);
    }
    assay_graph_output(g, x);
    return g;
}

Test(graph_price, equal_layers_are_one_class_and_cost_as_often_as_they_are)
{
    struct assay_graph       *one = layers(3, false), *many = layers(30, false);
    struct assay_graph_price *a = priced(one, "h100-sxm", &as_graph), *b = priced(many, "h100-sxm", &as_graph);
    cr_expect_eq(a->n_classes, 3, "the first reads an input, the last writes an output");
    cr_expect_eq(b->n_classes, 3);
    double middle = (b->total.ns - a->total.ns) / 27;
    cr_expect(middle > 0 && fabs(middle - b->classes[1].price.ns) < 1e-6 * middle);
    assay_graph_price_free(a);
    assay_graph_price_free(b);
    assay_graph_free(one);
    assay_graph_free(many);
}

Test(graph_price, an_element_wise_op_is_computed_where_its_operand_is_made)
{
    struct assay_graph       *plain = layers(4, false), *with = layers(4, true);
    struct assay_graph_price *a = priced(plain, "h100-sxm", &as_graph), *b = priced(with, "h100-sxm", &as_graph);
    cr_expect(b->total.ns < 1.05 * a->total.ns, "%g, %g", b->total.ns, a->total.ns);
    cr_expect_eq(b->total.memory_bytes, a->total.memory_bytes);
    assay_graph_price_free(a);
    assay_graph_price_free(b);
    assay_graph_free(plain);
    assay_graph_free(with);
}

static struct assay_graph *widened(enum assay_dtype store)
{
    struct assay_graph *g = assay_graph_new("widened");
    int32_t             x = assay_graph_input(g, "x", ASSAY_F32, 2, (int64_t[]){1, 8192}, ASSAY_FILL_SIGNED);
    int32_t             w = assay_graph_param(g, "w", store, 2, (int64_t[]){8192, 8192}, ASSAY_FILL_SIGNED);
    if (store != ASSAY_F32)
        w = assay_graph_op(g, "Cast", "w32", &w, 1, (struct assay_attr[]){ASSAY_ATTR_INT("to", 1), ASSAY_ATTR_END});
    assay_graph_output(g, assay_graph_op(g, "MatMul", "y", (int32_t[]){x, w}, 2, NULL));
    return g;
}

Test(graph_price, a_weight_is_read_as_it_is_stored)
{
    struct assay_graph       *wide = widened(ASSAY_F32), *narrow = widened(ASSAY_BF16);
    struct assay_graph_price *a = priced(wide, "h100-sxm", &as_graph), *b = priced(narrow, "h100-sxm", &as_graph);
    cr_expect(b->total.ns < 0.65 * a->total.ns && b->total.ns > 0.45 * a->total.ns, "%g of %g", b->total.ns, a->total.ns);
    assay_graph_price_free(a);
    assay_graph_price_free(b);
    assay_graph_free(wide);
    assay_graph_free(narrow);
}

Test(graph_price, a_format_that_is_not_there_is_refused_with_its_field_and_never_replaced)
{
    struct assay_graph       *g = widened(ASSAY_F32);
    struct assay_graph_price *p = priced(g, "gaudi3", &as_graph);
    cr_expect_eq(err.code, ASSAY_OK);
    assay_graph_price_free(p);
    p = priced(g, "avx2-host", &as_bf16);
    cr_expect(err.code == ASSAY_UNSUPPORTED && strstr(err.message, "peak_bf16_flops_per_s"), "%s", err.message);
    assay_graph_price_free(p);
    assay_graph_free(g);
}

Test(graph_price, attention_costs_what_its_control_input_says_there_is)
{
    enum { BATCH = 4, ROOM = 65536 };
    struct assay_graph *g = assay_graph_new("decode");
    int64_t             few[BATCH] = {100, 100, 100, 100}, many[BATCH] = {ROOM - 1, ROOM - 1, ROOM - 1, ROOM - 1}, one = 1, batch = BATCH;
    int32_t past = assay_graph_control(g, "past", ASSAY_I64, 1, &batch, (struct assay_fill){ASSAY_FILL_INTEGERS, 1, 9});
    int32_t in[7] = {assay_graph_input(g, "q", ASSAY_BF16, 4, (int64_t[]){BATCH, 32, 1, 128}, ASSAY_FILL_SIGNED),
                     assay_graph_state(g, "k", ASSAY_BF16, 4, (int64_t[]){BATCH, 8, ROOM, 128}, ASSAY_FILL_SIGNED),
                     assay_graph_state(g, "v", ASSAY_BF16, 4, (int64_t[]){BATCH, 8, ROOM, 128}, ASSAY_FILL_SIGNED),
                     ASSAY_NO_VALUE, ASSAY_NO_VALUE, ASSAY_NO_VALUE};
    in[6] = assay_graph_op(g, "Add", "filled", (int32_t[]){past, assay_graph_i64s(g, "one", 1, &one)}, 2, NULL);
    assay_graph_output(g, assay_graph_op(g, "Attention", "y", in, 7, NULL));
    const void           *content[16] = {NULL};
    struct assay_node_how how = {.f32_as = ASSAY_F32, .content = content};
    struct assay_graph_price *p = priced(g, "h100-sxm", &as_graph);
    double                full = p->total.ns, at[2];
    const struct assay_coefficients k = assay_coefficients_begin();
    struct assay_chip     chip = assay_chip_middle(device("h100-sxm"));
    for (int i = 0; i < 2; i++) {
        content[past] = i ? many : few;
        cr_assert_eq(assay_graph_price_on(p, &chip, &k, &how, true, NULL, &err), ASSAY_OK, "%s", err.message);
        at[i] = p->total.ns;
    }
    cr_expect(fabs(at[1] / full - 1) < 1e-9, "%g, %g", at[1], full);
    cr_expect(at[0] < full / 5, "%g, %g", at[0], full);
    assay_graph_price_free(p);
    assay_graph_free(g);
}

/* ---- paged attention ---------------------------------------------------------------------------------------------- */

enum { SEQUENCES = 4, TOKENS = 64, BLOCK = 16, BLOCKS = 4096, ROOM = 512 };

/* Of `heads` queries over a cache of keys `width` wide; values: of their own, as wide, or all but 64 of a key, as DeepSeek-V3 has it. */
static double paged_ns(int64_t heads, int64_t kv_heads, int64_t width, bool values, const int64_t *starts, const int64_t *past)
{
    struct assay_graph *g = assay_graph_new("paged");
    int64_t s = SEQUENCES, s1 = SEQUENCES + 1, kv = kv_heads * width;
    int32_t in[8] = {assay_graph_input(g, "q", ASSAY_BF16, 2, (int64_t[]){TOKENS, heads * width}, ASSAY_FILL_SIGNED),
                     assay_graph_input(g, "k", ASSAY_BF16, 2, (int64_t[]){TOKENS, kv}, ASSAY_FILL_SIGNED),
                     values ? assay_graph_input(g, "v", ASSAY_BF16, 2, (int64_t[]){TOKENS, kv}, ASSAY_FILL_SIGNED) : ASSAY_NO_VALUE,
                     assay_graph_state(g, "kc", ASSAY_BF16, 3, (int64_t[]){BLOCKS, BLOCK, kv}, ASSAY_FILL_SIGNED),
                     values ? assay_graph_state(g, "vc", ASSAY_BF16, 3, (int64_t[]){BLOCKS, BLOCK, kv}, ASSAY_FILL_SIGNED) : ASSAY_NO_VALUE,
                     assay_graph_control(g, "table", ASSAY_I64, 2, (int64_t[]){SEQUENCES, ROOM}, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 9}),
                     assay_graph_control(g, "starts", ASSAY_I64, 1, &s1, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 9}),
                     assay_graph_control(g, "past", ASSAY_I64, 1, &s, (struct assay_fill){ASSAY_FILL_INTEGERS, 0, 9})};
    struct assay_attr attrs[] = {ASSAY_ATTR_INT("q_num_heads", heads), ASSAY_ATTR_INT("kv_num_heads", kv_heads),
                                 ASSAY_ATTR_INT("v_head_size", width - 64), ASSAY_ATTR_END};
    if (values)
        attrs[2] = ASSAY_ATTR_END;
    assay_graph_output(g, assay_graph_op(g, "assay.PagedAttention", "y", in, 8, attrs));
    const void *content[16] = {NULL};
    content[in[6]] = starts;
    content[in[7]] = past;
    struct assay_node_how how = {.f32_as = ASSAY_F32, .content = content};
    struct assay_graph_price *p = NULL;
    struct assay_described *d = NULL;
    const struct assay_coefficients k = assay_coefficients_begin();
    cr_assert_eq(assay_graph_finish(g, &err), ASSAY_OK, "%s", err.message);
    cr_assert(!assay_described_find("h100-sxm", &d, &err) && !assay_graph_price_new(g, &p, &err));
    struct assay_chip chip = assay_chip_middle(d);
    cr_assert_eq(assay_graph_price_on(p, &chip, &k, &how, false, NULL, &err), ASSAY_OK, "%s", err.message);
    double ns = p->total.ns;
    assay_graph_price_free(p);
    assay_graph_free(g);
    assay_described_free(d);
    return ns;
}

static double step_ns(const int64_t *starts, const int64_t *past)
{
    return paged_ns(32, 8, 128, true, starts, past);
}

Test(graph_price, a_paged_step_costs_what_its_control_inputs_say_is_in_it)
{
    if (!assay_op_find("assay.PagedAttention"))
        cr_skip_test("the op table has no PagedAttention");
    double little = step_ns((int64_t[]){0, 1, 2, 3, 4}, (int64_t[]){10, 10, 10, 10});
    double full = step_ns((int64_t[]){0, 1, 2, 3, 4}, (int64_t[]){8000, 8000, 8000, 8000});
    double prompt = step_ns((int64_t[]){0, 1, 2, 3, 63}, (int64_t[]){8000, 8000, 8000, 0});
    cr_expect(full > 1.5 * little && prompt > little, "%g, %g, %g", little, full, prompt);
    cr_expect_eq(step_ns((int64_t[]){0, 0, 0, 0, 0}, (int64_t[]){0, 0, 0, 0}), 0, "nobody's tokens cost nothing");
    cr_expect(step_ns(NULL, NULL) >= full, "what is not said is full");
}

/* One head of 576 over 4 x 8000 tokens: with a cache of its own for values twice as many bytes are to be read. */
Test(graph_price, values_that_are_a_part_of_the_keys_are_not_read_a_second_time)
{
    static const int64_t starts[] = {0, 1, 2, 3, 4}, past[] = {8000, 8000, 8000, 8000}, none[] = {0, 0, 0, 0};
    double floor_ns = paged_ns(8, 1, 576, true, starts, none);
    double two = paged_ns(8, 1, 576, true, starts, past) - floor_ns, one = paged_ns(8, 1, 576, false, starts, past) - floor_ns;
    cr_expect(one < 0.6 * two && one > 0.4 * two, "%g of %g", one, two);
}
