/* Devices whose arithmetic is known: what is inferred must be what they do. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/text.h"
#include "harness/verify/numerics.h"
#include "reference/formats/formats.h"
#include "reference/unit/tests/units.h"

#include "assay/banned.h"

enum { T = ASSAY_NUMERICS_TILE, TILES = 256 };

TestSuite(numerics, .init = find_source, .timeout = 120);

struct simulated {
    struct assay_matrix_unit unit;
    enum assay_dtype         dtype;
    enum assay_dtype         a, b; /* of the operands, where they are not of `dtype` */
    bool                     in_double;
    size_t                   spoilt_from; /* terms from which one element of a tile is off by its last bit; 0: never */
    uint64_t                 products;
    uint64_t                 fails_after; /* 0: never */
};

static enum assay_code multiply(void *self, size_t terms, const double *a, const double *b, double *c, struct assay_error *err)
{
    struct simulated            *s = self;
    const struct assay_unit_tile all = {.rows = T, .columns = T, .terms = terms, .x = a, .y = b, .x_row = terms, .y_term = T,
                                        .y_column = 1, .value = c, .step = T};
    if (s->fails_after && s->products == s->fails_after)
        return ASSAY_FAIL(err, ASSAY_DEVICE, "the device fell off the bus");
    s->products++;
    for (size_t i = 0; i < T * terms; i++) /* what was put in was what the type holds */
        cr_assert(assay_round_to(s->a, a[i]) == a[i] && assay_round_to(s->b, b[i]) == b[i], "%a, %a", a[i], b[i]);
    assay_unit_tiles(&s->unit, &all);
    for (size_t i = 0; s->in_double && i < T * T; i++) {
        c[i] = 0;
        for (size_t k = 0; k < terms; k++)
            c[i] += a[i / T * terms + k] * b[k * T + i % T];
    }
    if (s->spoilt_from && terms >= s->spoilt_from)
        c[7 * T + 3] *= 1 + 0x1p-23;
    for (size_t i = 0; i < T * T; i++)
        c[i] = assay_round_to(s->dtype, c[i]);
    return ASSAY_OK;
}

static struct assay_numerics infer(struct simulated *s)
{
    s->a = s->a ? s->a : s->dtype;
    s->b = s->b ? s->b : s->dtype;
    const struct assay_numerics_device device = {s->a, s->b, s->dtype, s, multiply};
    struct assay_numerics              found;
    struct assay_error                 err = {.code = ASSAY_OK};
    cr_assert_eq(assay_numerics_infer(&device, TILES, &found, &err), ASSAY_OK, "%s", err.message);
    return found;
}

static const char *text_of(const struct assay_matrix_unit *u)
{
    static char       text[2][2000];
    static int        turn;
    json_t           *json = assay_unit_to_json(u);
    struct assay_text to = assay_text_over(text[turn ^= 1], sizeof *text);
    char             *line = json_dumps(json, JSON_SORT_KEYS);
    assay_text_add(&to, "%s", line);
    free(line);
    json_decref(json);
    return to.at;
}

/* The device is explained, by the unit it has; what is stored at the end is the type's. */
static struct assay_numerics expect_found(const struct assay_matrix_unit *u, enum assay_dtype dtype)
{
    struct simulated         s = {.unit = *u, .dtype = dtype};
    struct assay_numerics    found = infer(&s);
    struct assay_matrix_unit wanted = *u;
    wanted.output = found.unit.output;
    if (u->block.length == 1 && u->block.sum == ASSAY_UNIT_ROUNDED)
        wanted.block = found.unit.block;
    cr_expect(found.explained, "%s as %s: %s", u->name, assay_dtype_name(dtype), found.verdict);
    cr_expect(assay_unit_equal(&wanted, &found.unit), "%s as %s: another unit was found: %s, not %s", u->name,
              assay_dtype_name(dtype), text_of(&found.unit), text_of(&wanted));
    cr_expect_eq(found.tiles, TILES);
    return found;
}

Test(numerics, recovers_every_ready_unit)
{
    static const struct {
        char             name[24];
        enum assay_dtype dtype;
        char             lower[96]; /* "": it meets what the type asks for */
    } all[] = {
        {"fp32-fma", ASSAY_F32, ""},
        {"tf32-fp32", ASSAY_F32, "operands cut to tf32"},
        {"bf16-fp32", ASSAY_BF16, ""},
        {"bf16-fp32", ASSAY_F32, "operands cut to bf16"},
        {"fp16-fp32", ASSAY_F16, ""},
        {"fp16-fp16", ASSAY_F16, "sums in f16"},
        {"bf16-bf16", ASSAY_BF16, "sums in bf16"},
        {"fp8-fp32", ASSAY_BF16, "operands cut to f8e4m3"},
        {"fp8-promoted", ASSAY_F16, "operands cut to f8e4m3, sums of 32 products in 14 bits, sums rounded toward zero"},
        {"tensorcore-aligned", ASSAY_F16, "sums rounded toward zero"},
        {"truncating", ASSAY_BF16, "sums rounded toward zero"},
        {"int8-int32", ASSAY_I32, ""},
        {"int8-saturating16", ASSAY_I32, "sums of 2 products in i16"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct assay_matrix_unit u = unit_named(all[i].name);
        struct assay_numerics    found = expect_found(&u, all[i].dtype);
        cr_expect_eq(found.found, *all[i].lower ? ASSAY_NUMERICS_LOWER : ASSAY_NUMERICS_MEETS, "%s", found.verdict);
        cr_expect(strstr(found.verdict, all[i].lower), "%s", found.verdict);
    }
}

Test(numerics, operands_of_8_bits_must_come_whole)
{
    static const struct {
        char             name[24];
        enum assay_dtype a, b;
        char             verdict[120];
    } all[] = {
        {"int8-int32", ASSAY_I8, ASSAY_I8, "explained, and meets what i8 by i8 asks for"},
        {"int8-int32", ASSAY_U8, ASSAY_I8, "explained, a lower class than u8 by i8 asks for: operands of u8 cut to i8"},
        {"int8-saturating16", ASSAY_U8, ASSAY_I8, "explained, a lower class than u8 by i8 asks for: sums of 2 products in i16"},
        {"int8-saturating16", ASSAY_I8, ASSAY_I8,
         "explained, a lower class than i8 by i8 asks for: operands of i8 cut to u8"}, /* up to 127: no pair saturates */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct simulated      s = {.unit = unit_named(all[i].name), .dtype = ASSAY_I32, .a = all[i].a, .b = all[i].b};
        struct assay_numerics found = infer(&s);
        cr_expect_str_eq(found.verdict, all[i].verdict);
    }
}

Test(numerics, finds_chains_and_how_they_are_joined)
{
    static const uint32_t    chains[] = {2, 3, 8, 16};
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    for (size_t i = 0; i < 4; i++)
        for (int join = 0; join < 3; join++) {
            u.accumulator.chains = chains[i];
            u.accumulator.join = (enum assay_unit_join)join;
            bool told_apart = chains[i] > 3 || join == 0; /* two or three chains are joined alike in any way */
            if (told_apart)
                (void)expect_found(&u, ASSAY_F32);
        }
}

Test(numerics, finds_trees_and_blocks)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.accumulator.order = ASSAY_UNIT_TREE;
    (void)expect_found(&u, ASSAY_F32);
    u = unit_named("fp16-fp16"); /* sums of blocks in f32 could be sections as well: the arithmetic is one */
    u.block.put = u.accumulator.put;
    u.block.length = 4;
    (void)expect_found(&u, ASSAY_F16);
    u.block.order = ASSAY_UNIT_TREE;
    (void)expect_found(&u, ASSAY_F16);
    u.block.length = 2;
    u.block.order = ASSAY_UNIT_SEQUENTIAL;
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    u.accumulator.chains = 4;
    (void)expect_found(&u, ASSAY_F16);
}

Test(numerics, finds_roundings_products_and_subnormals)
{
    struct assay_matrix_unit u = unit_named("fp32-fma");
    u.accumulator.put.rounding = ASSAY_UNIT_DOWN;
    (void)expect_found(&u, ASSAY_F32);
    u = unit_named("fp32-fma");
    u.product = u.a;
    (void)expect_found(&u, ASSAY_F32);
    u = unit_named("fp32-fma");
    u.flush_inputs = true;
    (void)expect_found(&u, ASSAY_F32);
    u = unit_named("fp32-fma");
    u.accumulator.put.flush = true;
    (void)expect_found(&u, ASSAY_F32);
    u = unit_named("tensorcore-aligned");
    u.block.put.rounding = ASSAY_UNIT_DOWN;
    u.block.fraction_bits = 25;
    u.block.length = 16;
    (void)expect_found(&u, ASSAY_F16);
}

Test(numerics, finds_where_sums_are_promoted)
{
    static const uint32_t    sections[] = {4, 32, 100, 192, 384, 1000};
    struct assay_matrix_unit u = unit_named("fp32-fma");
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        u.promotion = sections[i];
        (void)expect_found(&u, ASSAY_F32);
    }
    u = unit_named("bf16-bf16");
    u.promotion = 256;
    u.output.format = u.accumulator.put.format;
    (void)expect_found(&u, ASSAY_BF16);
    u = unit_named("fp32-fma");
    u.accumulator.order = ASSAY_UNIT_CHAINS;
    u.accumulator.chains = 4;
    u.promotion = 250;
    (void)expect_found(&u, ASSAY_F32);
}

Test(numerics, names_the_first_element_that_differs)
{
    struct simulated      s = {.unit = unit_named("fp32-fma"), .dtype = ASSAY_F32, .spoilt_from = 67};
    struct assay_numerics found = infer(&s); /* the questions look at a tile's diagonal; that element is beside it */
    cr_expect(found.inferred && !found.explained);
    cr_expect_eq(found.found, ASSAY_NUMERICS_UNEXPLAINED);
    cr_expect(found.differs.terms == 67 && found.differs.row == 7 && found.differs.column == 3, "%s", found.verdict);
    cr_expect_eq(found.elements, (found.tiles - 1) * T * T + 7 * T + 4);
    cr_expect(strstr(found.verdict, "of 67 terms differs at (7, 3): "), "%s", found.verdict);
}

Test(numerics, does_not_explain_what_no_unit_does)
{
    struct simulated      s = {.unit = unit_named("fp32-fma"), .dtype = ASSAY_F32, .in_double = true};
    struct assay_numerics found = infer(&s);
    cr_expect_eq(found.found, ASSAY_NUMERICS_UNEXPLAINED);
    cr_expect_str_eq(found.row[2].value, "53 bits");
    cr_expect_eq(found.tiles, 0u);
}

Test(numerics, passes_on_what_the_device_says)
{
    struct simulated             s = {.unit = unit_named("fp32-fma"), .dtype = ASSAY_F32, .a = ASSAY_F32, .b = ASSAY_F32};
    struct assay_numerics_device device = {ASSAY_F32, ASSAY_F32, ASSAY_F32, &s, multiply};
    struct assay_numerics        found;
    for (s.fails_after = 1; s.fails_after < 300; s.fails_after += 37) {
        struct assay_error err = {.code = ASSAY_OK};
        s.products = 0;
        cr_expect_eq(assay_numerics_infer(&device, TILES, &found, &err), ASSAY_DEVICE, "after %llu", (unsigned long long)s.fails_after);
        cr_expect_str_eq(err.message, "the device fell off the bus");
    }
}

Test(numerics, its_json_holds_a_unit_that_can_be_read)
{
    struct simulated      s = {.unit = unit_named("bf16-fp32"), .dtype = ASSAY_BF16};
    struct assay_numerics found = infer(&s);
    json_t               *json = assay_numerics_to_json(&found);
    cr_assert(json != NULL);
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(json, "unit"), "format")), ASSAY_UNIT_FORMAT);
    cr_expect_str_eq(json_string_value(json_object_get(json, "class")), "meets");
    cr_expect_eq(json_integer_value(json_object_get(json, "tiles")), TILES);
    json_decref(json);
}
