#include <criterion/criterion.h>
#include <math.h>

#include "harness/base/random.h"
#include "harness/base/tests/source.h"
#include "harness/model/coefficients.h"
#include "harness/model/kernel.h"

#define PAIRS 10000

static double between(struct assay_random *r, double low, double high)
{
    return low * pow(high / low, assay_random_unit(r));
}

static struct assay_chip some_chip(struct assay_random *r)
{
    struct assay_chip chip = {.family = assay_random_below(r, 3) ? ASSAY_CHIP_TENSOR_CORE : ASSAY_CHIP_SYSTOLIC,
                              .memory_class = assay_random_below(r, 2) ? ASSAY_MEMORY_HBM : ASSAY_MEMORY_GDDR};
    for (int i = 0; i < ASSAY_DEVICE_FIELDS; i++)
        chip.field[i] = NAN;
    double peak = between(r, 5e13, 5e15);
    chip.field[ASSAY_DEVICE_PEAK_BF16] = chip.field[ASSAY_DEVICE_PEAK_F16] = peak;
    chip.field[ASSAY_DEVICE_PEAK_F8] = 2 * peak;
    chip.field[ASSAY_DEVICE_CORES] = rint(between(r, 4, 300));
    chip.field[ASSAY_DEVICE_CLOCK] = between(r, 8e8, 3e9);
    chip.field[ASSAY_DEVICE_ARRAY_ROWS] = chip.field[ASSAY_DEVICE_ARRAY_COLUMNS] = 128;
    chip.field[ASSAY_DEVICE_EXP] = between(r, 5e11, 1e13);
    if (assay_random_below(r, 2))
        chip.field[ASSAY_DEVICE_REGISTER_FEED] = between(r, 32, 512);
    chip.field[ASSAY_DEVICE_LLC] = between(r, 5e6, 3e8);
    chip.field[ASSAY_DEVICE_LLC_BANDWIDTH] = between(r, 1e12, 3e13);
    chip.field[ASSAY_DEVICE_BANDWIDTH] = between(r, 3e11, 1e13);
    chip.field[ASSAY_DEVICE_SCALE_UP] = between(r, 2e10, 1e12);
    chip.field[ASSAY_DEVICE_POWER] = between(r, 100, 1500);
    return chip;
}

static enum assay_dtype some_format(struct assay_random *r, double *bytes)
{
    bool narrow = assay_random_below(r, 2);
    *bytes = narrow ? 1 : 2;
    return narrow ? ASSAY_F8E4M3 : ASSAY_BF16;
}

/* One kernel of a class, priced on any chip. */
struct kernel {
    enum assay_kernel_class class;
    struct assay_gemm_shape       gemm;
    struct assay_attention_shape  attention;
    struct assay_moe_shape        moe;
    struct assay_memory_shape     memory;
    struct assay_collective_shape collective;
};
static const enum assay_kernel_class classes[] = {ASSAY_KERNEL_GEMM, ASSAY_KERNEL_PREFILL, ASSAY_KERNEL_DECODE,
                                                  ASSAY_KERNEL_MOE,  ASSAY_KERNEL_MEMORY,  ASSAY_KERNEL_COLLECTIVE};

static struct kernel some_kernel(struct assay_random *r)
{
    struct kernel k = {.class = classes[assay_random_below(r, sizeof classes / sizeof *classes)]};
    double        bytes;
    k.gemm.compute = k.attention.compute = k.moe.compute = some_format(r, &bytes);
    k.gemm.batch = 1;
    k.gemm.m = rint(between(r, 1, 16384));
    k.gemm.n = rint(between(r, 64, 65536));
    k.gemm.k = rint(between(r, 64, 16384));
    k.gemm.a_bytes = k.gemm.b_bytes = k.attention.q_bytes = k.attention.kv_bytes = k.moe.weight_bytes = bytes;
    k.gemm.c_bytes = k.moe.token_bytes = 2;
    k.gemm.scaling = k.moe.scaling = bytes > 1                  ? ASSAY_SCALING_NONE
                                     : assay_random_below(r, 2) ? ASSAY_SCALING_BLOCK
                                                                : ASSAY_SCALING_TENSOR;
    k.gemm.quantises = bytes < 2;
    k.gemm.rotated_bytes = assay_random_below(r, 2) ? k.gemm.n * k.gemm.k * bytes : 0;
    k.attention.batch = rint(between(r, 1, 128));
    k.attention.query = k.class == ASSAY_KERNEL_DECODE ? 1 : rint(between(r, 16, 8192));
    k.attention.past = rint(between(r, 1, 32768));
    k.attention.kv_heads = rint(between(r, 1, 16));
    k.attention.heads = k.attention.kv_heads * rint(between(r, 1, 8));
    k.attention.head_dim = k.attention.value_dim = 128;
    k.attention.causal = true;
    k.moe.tokens = rint(between(r, 1, 8192));
    k.moe.hidden = 4096;
    k.moe.inter = rint(between(r, 256, 16384));
    k.moe.top_k = 8;
    k.moe.experts = 128;
    k.moe.tp = 1;
    k.moe.ep = 8;
    k.moe.imbalance = between(r, 1, 4);
    k.moe.loops = assay_random_below(r, 2);
    k.memory.read_bytes = k.memory.written_bytes = between(r, 1e3, 1e9);
    k.memory.working_set_bytes = assay_random_below(r, 2) ? 2 * k.memory.read_bytes : 0;
    k.memory.transcendentals = k.memory.read_bytes / 4;
    k.collective.op = (enum assay_collective_op)assay_random_below(r, 6);
    k.collective.devices = rint(between(r, 2, 64));
    k.collective.bytes = between(r, 1e3, 1e9);
    return k;
}

static double price(const struct assay_chip *chip, const struct assay_coefficients *c, const struct kernel *k)
{
    struct assay_price price = {0};
    struct assay_error err = {0};
    enum assay_code    code = ASSAY_OK;
    switch (k->class) {
    case ASSAY_KERNEL_GEMM: code = assay_price_gemm(chip, c, &k->gemm, &price, &err); break;
    case ASSAY_KERNEL_PREFILL: code = assay_price_prefill(chip, c, &k->attention, &price, &err); break;
    case ASSAY_KERNEL_DECODE: code = assay_price_decode(chip, c, &k->attention, &price, &err); break;
    case ASSAY_KERNEL_MOE: code = assay_price_moe(chip, c, &k->moe, &price, &err); break;
    case ASSAY_KERNEL_MEMORY: code = assay_price_memory(chip, c, &k->memory, &price, &err); break;
    case ASSAY_KERNEL_COLLECTIVE: code = assay_price_collective(chip, c, &k->collective, &price, &err); break;
    case ASSAY_KERNEL_CONV:
    case ASSAY_KERNEL_TRANSFER:
    case ASSAY_KERNEL_CLASSES: break;
    }
    cr_assert_eq(code, ASSAY_OK, "%s", err.message);
    cr_assert(isfinite(price.ns) && price.ns > 0, "%s: %g ns", assay_kernel_class_names[k->class], price.ns);
    return price.ns;
}

/* On a link, without what begins it. */
static double on_the_link(const struct assay_chip *chip, const struct assay_coefficients *c, double bytes)
{
    struct assay_collective_shape s = {.op = ASSAY_ALL_GATHER, .devices = 8, .bytes = bytes};
    struct assay_price            price = {0};
    struct assay_error            err = {0};
    cr_assert_eq(assay_price_collective(chip, c, &s, &price, &err), ASSAY_OK, "%s", err.message);
    return price.link_ns;
}

/* Filling the pipeline is cores' steps: at twice the clock, half as many bytes reach the same share of the link's rate. */
Test(kernel, the_ramp_of_a_collective_goes_with_the_clock)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    assay_random_init(&r, 7);
    for (int i = 0; i < 100; i++) {
        struct assay_chip chip = some_chip(&r), faster;
        double            bytes = between(&r, 1e4, 1e9);
        chip.field[ASSAY_DEVICE_CLOCK] = 1.4e9;
        faster = chip;
        faster.field[ASSAY_DEVICE_CLOCK] = 2.8e9;
        double slow = on_the_link(&chip, &c, 2 * bytes) / 2, fast = on_the_link(&faster, &c, bytes);
        cr_expect(fabs(fast / slow - 1) < 1e-9, "%g bytes: %g ns, half of twice as many %g ns", bytes, fast, slow);
        cr_expect_lt(fast, on_the_link(&chip, &c, bytes));
    }
}

static const enum assay_device_field better[] = {ASSAY_DEVICE_BANDWIDTH, ASSAY_DEVICE_PEAK_BF16,     ASSAY_DEVICE_PEAK_F8,
                                                 ASSAY_DEVICE_LLC,       ASSAY_DEVICE_LLC_BANDWIDTH, ASSAY_DEVICE_EXP,
                                                 ASSAY_DEVICE_SCALE_UP,  ASSAY_DEVICE_REGISTER_FEED};

Test(kernel, is_never_slower_with_more_bandwidth_peak_or_cache)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    assay_random_init(&r, 6);
    for (int i = 0; i < PAIRS; i++) {
        struct assay_chip chip = some_chip(&r);
        struct kernel     k = some_kernel(&r);
        double            before = price(&chip, &c, &k);
        for (size_t f = 0; f < sizeof better / sizeof *better; f++) {
            struct assay_chip more = chip;
            more.field[better[f]] *= between(&r, 1.01, 3);
            cr_expect_leq(price(&more, &c, &k), before * (1 + 1e-12), "%s of more %s", assay_kernel_class_names[k.class],
                          assay_device_fields[better[f]].key);
        }
    }
}

/* A100's unit waits for registers, H100's reads its operands by itself: README.md, "Attention over many queries". */
Test(kernel, of_long_attention_waits_where_operands_are_carried_into_registers)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    assay_random_init(&r, 8);
    struct kernel k = {.class = ASSAY_KERNEL_PREFILL};
    k.attention = (struct assay_attention_shape){1, 8192, 0, 64, 8, 128, 128, true, ASSAY_BF16, 2, 2, 0};
    struct assay_chip carries = some_chip(&r), reads, unknown;
    carries.field[ASSAY_DEVICE_REGISTER_FEED] = 128;
    reads = unknown = carries;
    reads.field[ASSAY_DEVICE_REGISTER_FEED] = 0;
    unknown.field[ASSAY_DEVICE_REGISTER_FEED] = NAN;
    cr_expect_gt(price(&carries, &c, &k), price(&reads, &c, &k));
    cr_expect_eq(price(&unknown, &c, &k), price(&reads, &c, &k), "what is not known is not charged");
    struct assay_price  wide, narrow, wide_reads, narrow_reads;
    struct assay_error  err = {0};
    cr_assert_eq(assay_price_prefill(&carries, &c, &k.attention, &wide, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_price_prefill(&reads, &c, &k.attention, &wide_reads, &err), ASSAY_OK, "%s", err.message);
    k.attention.compute = ASSAY_F8E4M3;
    cr_assert_eq(assay_price_prefill(&carries, &c, &k.attention, &narrow, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_price_prefill(&reads, &c, &k.attention, &narrow_reads, &err), ASSAY_OK, "%s", err.message);
    double of_wide = wide.compute_ns - wide_reads.compute_ns, of_narrow = narrow.compute_ns - narrow_reads.compute_ns;
    cr_expect_float_eq(of_narrow, of_wide / 2, 1e-6 * of_wide, "half of the bytes are carried in half of the time");
}

/* Kernels with block scales go through all experts of a rank; others only through those that a token goes to. */
/* The same peak in a hundred cores or in eight: eight must not spend their time between blocks of 128 queries, nor take blocks that short
 * prompts do not fill. */
Test(kernel, of_long_attention_takes_little_more_in_few_large_cores)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       random;
    assay_random_init(&random, 3);
    struct assay_chip many = some_chip(&random);
    many.memory_class = ASSAY_MEMORY_HBM;
    many.field[ASSAY_DEVICE_PEAK_BF16] = many.field[ASSAY_DEVICE_PEAK_F16] = 1e15;
    many.field[ASSAY_DEVICE_CLOCK] = 1.6e9;
    many.field[ASSAY_DEVICE_EXP] = 4e12;
    many.field[ASSAY_DEVICE_REGISTER_FEED] = NAN;
    many.field[ASSAY_DEVICE_CORES] = 128;
    struct assay_chip few = many;
    few.field[ASSAY_DEVICE_CORES] = 8;
    static const double queries[] = {64, 128, 512, 2048, 8192};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        const struct assay_attention_shape s = {.batch = 8, .query = queries[i], .heads = 64, .kv_heads = 8, .head_dim = 128, .value_dim = 128,
                                                .causal = true, .compute = ASSAY_BF16, .q_bytes = 2, .kv_bytes = 2};
        struct assay_price in_many, in_few;
        struct assay_error err = {0};
        cr_assert_eq(assay_price_prefill(&many, &c, &s, &in_many, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_price_prefill(&few, &c, &s, &in_few, &err), ASSAY_OK, "%s", err.message);
        /* 16 blocks of the largest size are what there is to win; a prompt of one block wins none of it */
        double most = queries[i] <= 128 ? 16 : queries[i] <= 512 ? 4.5 : 1.5;
        cr_expect_lt(in_few.ns, most * in_many.ns, "%g queries: %g and %g us", queries[i], in_few.ns / 1e3, in_many.ns / 1e3);
        cr_expect_eq(in_few.flops, in_many.flops);
    }
}

Test(kernel, of_experts_with_block_scales_passes_all_of_a_rank)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    assay_random_init(&r, 9);
    struct assay_chip      chip = some_chip(&r);
    struct assay_moe_shape one = {.tokens = 1, .hidden = 4096, .inter = 2048, .top_k = 8, .experts = 256, .tp = 1, .ep = 1,
                                  .imbalance = 1, .touched = 8, .compute = ASSAY_F8E4M3, .weight_bytes = 1, .token_bytes = 2};
    struct assay_price few, many;
    struct assay_error err = {0};
    for (int block = 0; block < 2; block++) {
        struct assay_moe_shape eighth = one;
        one.scaling = eighth.scaling = block ? ASSAY_SCALING_BLOCK : ASSAY_SCALING_TENSOR;
        eighth.experts = 32;
        cr_assert_eq(assay_price_moe(&chip, &c, &one, &many, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_price_moe(&chip, &c, &eighth, &few, &err), ASSAY_OK, "%s", err.message);
        if (block)
            cr_expect_gt(many.ns, few.ns);
        else
            cr_expect_eq(many.ns, few.ns);
    }
}

Test(kernel, names_the_number_that_a_chip_lacks)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    struct assay_price        p;
    struct assay_error        err = {0};
    assay_random_init(&r, 7);
    struct assay_chip             chip = some_chip(&r);
    const struct assay_gemm_shape gemm = {
        .batch = 1, .m = 64, .n = 64, .k = 64, .compute = ASSAY_F4E2M1, .a_bytes = 1, .b_bytes = 1, .c_bytes = 2};
    const struct assay_memory_shape memory = {.read_bytes = 1};
    cr_expect_eq(assay_price_gemm(&chip, &c, &gemm, &p, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "the peak in f4e2m1 is not known");
    chip.field[ASSAY_DEVICE_PEAK_F4] = 0;
    cr_expect_eq(assay_price_gemm(&chip, &c, &gemm, &p, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "the chip has no f4e2m1");
    chip.field[ASSAY_DEVICE_BANDWIDTH] = NAN;
    cr_expect_eq(assay_price_memory(&chip, &c, &memory, &p, &err), ASSAY_UNSUPPORTED);
    cr_expect_str_eq(err.message, "memory_bytes_per_s is not known");
}

Test(kernel, of_a_large_product_is_near_its_peak_and_of_a_small_one_near_its_floor)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    struct assay_price        p;
    struct assay_error        err = {0};
    assay_random_init(&r, 8);
    struct assay_chip chip = some_chip(&r);
    chip.family = ASSAY_CHIP_TENSOR_CORE;
    chip.memory_class = ASSAY_MEMORY_HBM;
    chip.field[ASSAY_DEVICE_PEAK_BF16] = 5e14;
    chip.field[ASSAY_DEVICE_POWER] = 500;
    chip.field[ASSAY_DEVICE_CORES] = 128;
    chip.field[ASSAY_DEVICE_BANDWIDTH] = 2e12;
    struct assay_gemm_shape s = {
        .batch = 1, .m = 8192, .n = 8192, .k = 8192, .compute = ASSAY_BF16, .a_bytes = 2, .b_bytes = 2, .c_bytes = 2};
    cr_assert_eq(assay_price_gemm(&chip, &c, &s, &p, &err), ASSAY_OK);
    double share = p.flops / (p.ns * 1e-9) / 5e14;
    cr_expect(share > 0.6 && share < 0.95, "%g", share);
    s.m = s.n = s.k = 64;
    cr_assert_eq(assay_price_gemm(&chip, &c, &s, &p, &err), ASSAY_OK);
    cr_expect(p.ns < 1.5 * p.floor_ns);
}

Test(kernel, of_a_convolution_costs_no_more_than_the_product_it_equals)
{
    struct assay_coefficients c = assay_coefficients_begin();
    struct assay_random       r;
    struct assay_error        err = {0};
    struct assay_price        conv, product;
    assay_random_init(&r, 9);
    struct assay_chip       chip = some_chip(&r);
    struct assay_gemm_shape p = {
        .batch = 1, .m = 56 * 56 * 8, .n = 64, .k = 576, .compute = ASSAY_BF16, .a_bytes = 2, .b_bytes = 2, .c_bytes = 2};
    const struct assay_conv_shape s = {
        .product = p, .input_bytes = 56 * 56 * 8 * 64 * 2, .weight_bytes = 576 * 64 * 2, .output_bytes = 56 * 56 * 8 * 64 * 2};
    cr_assert_eq(assay_price_conv(&chip, &c, &s, &conv, &err), ASSAY_OK);
    cr_assert_eq(assay_price_gemm(&chip, &c, &p, &product, &err), ASSAY_OK);
    cr_expect_leq(conv.ns, product.ns);
    cr_expect_eq(conv.flops, product.flops);
}

/* The products of ResNet-50's 3x3 convolutions at 32 images: in 32-bit floats 910C's cubes multiply more than H200's vector units, in 16 bits H200's
 * tensor cores more than the cubes. */
Test(kernel, of_a_convolution_are_as_fast_as_the_units_that_multiply_its_format)
{
    static const struct {
        double m, n, k;
    } shapes[] = {{100352, 64, 576}, {25088, 128, 1152}, {6272, 256, 2304}, {1568, 512, 4608}};
    static const enum assay_dtype formats[] = {ASSAY_BF16, ASSAY_F32};
    static struct assay_fitted    fitted;
    struct assay_error            err = {.code = ASSAY_OK};
    find_source();
    cr_assert(!assay_fitted_read(NULL, &fitted, &err), "%s", err.message);
    for (size_t i = 0; i < 4; i++)
        for (size_t f = 0; f < 2; f++) {
            static const char *const names[] = {"h200-sxm", "ascend-910c"};
            double                   ns[2], bytes = f ? 4 : 2;
            for (size_t d = 0; d < 2; d++) {
                struct assay_described *device = NULL;
                struct assay_price      price;
                cr_assert(!assay_described_find(names[d], &device, &err), "%s", err.message);
                const struct assay_chip         chip = assay_chip_middle(device);
                const struct assay_coefficients k = assay_fitted_for(&fitted, device->vendor);
                struct assay_conv_shape         s = {.product = {.batch = 1, .m = shapes[i].m, .n = shapes[i].n, .k = shapes[i].k, .compute = formats[f]}};
                s.input_bytes = bytes * shapes[i].m * shapes[i].k / 9;
                s.weight_bytes = bytes * shapes[i].n * shapes[i].k;
                s.output_bytes = bytes * shapes[i].m * shapes[i].n;
                cr_assert(!assay_price_conv(&chip, &k, &s, &price, &err), "%s", err.message);
                ns[d] = price.ns;
                assay_described_free(device);
            }
            bool ahead = formats[f] == ASSAY_BF16 ? ns[0] < ns[1] : ns[1] < ns[0];
            cr_expect(ahead, "%zu, format %zu: H200 %.1f us, 910C %.1f us", i, f, ns[0] / 1e3, ns[1] / 1e3);
        }
}
