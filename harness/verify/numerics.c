#include "harness/verify/numerics.h"

#include <stdio.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/json.h"
#include "harness/verify/numerics_parts.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

const char *assay_numerics_class_name(enum assay_numerics_class c)
{
    switch (c) {
    case ASSAY_NUMERICS_MEETS: return "meets";
    case ASSAY_NUMERICS_LOWER: return "lower class";
    case ASSAY_NUMERICS_UNEXPLAINED: return "unexplained";
    }
    return "?";
}

/* What is less than the judge asks of the type (reference/README.md, classes of arithmetic): its operands whole, sums in f32 rounded
 * to nearest, subnormal operands of f16 honoured; integers exact. Nothing: it is not. */
static void lower_floats(const struct assay_numerics *n, struct assay_text *to)
{
    static const char *const         rounded[] = {"to nearest", "toward zero", "down"};
    const struct assay_matrix_unit  *u = &n->unit;
    const struct assay_unit_format  *own = assay_unit_format_of(n->dtype), *sum = u->accumulator.put.format;
    const struct assay_unit_format  *narrow = u->a->precision <= u->b->precision ? u->a : u->b;
    bool                             aligned = u->block.sum == ASSAY_UNIT_ALIGNED && u->block.fraction_bits < 23;
    if (narrow->precision < own->precision || narrow->largest < own->largest)
        assay_text_add(to, "operands cut to %s", narrow->name);
    if (aligned)
        assay_text_add(to, "%ssums of %u products in %u bits", to->length ? ", " : "", u->block.length, u->block.fraction_bits + 1);
    else if (sum->precision < 24)
        assay_text_add(to, "%ssums in %s", to->length ? ", " : "", sum->name);
    if (u->accumulator.put.rounding != ASSAY_UNIT_NEAREST_EVEN)
        assay_text_add(to, "%ssums rounded %s", to->length ? ", " : "", rounded[u->accumulator.put.rounding]);
    if (u->flush_inputs && n->dtype == ASSAY_F16)
        assay_text_add(to, "%ssubnormal operands read as zeros", to->length ? ", " : "");
}

/* Operands of i32 may be cut to 8 bits: there are back ends whose ops have no product of 8-bit integers. */
static void lower_integers(const struct assay_numerics *n, struct assay_text *to)
{
    const struct assay_matrix_unit *u = &n->unit;
    const struct {
        enum assay_dtype                asked;
        const struct assay_unit_format *read;
    } side[] = {{n->a, u->a}, {n->b, u->b}};
    for (int i = 0; i < 2; i++)
        if (side[i].asked != ASSAY_I32 && !assay_unit_holds(side[i].read, side[i].asked))
            assay_text_add(to, "%soperands of %s cut to %s", to->length ? ", " : "", assay_dtype_name(side[i].asked), side[i].read->name);
    if (u->block.length > 1)
        assay_text_add(to, "%ssums of %u products in %s", to->length ? ", " : "", u->block.length, u->block.put.format->name);
}

static void what_is_lower(const struct assay_numerics *n, struct assay_text *to)
{
    if (n->unit.a->is_float)
        lower_floats(n, to);
    else
        lower_integers(n, to);
}

/* "f32", "u8 by i8". */
static void name_asked(const struct assay_numerics *n, struct assay_text *to)
{
    assay_text_add(to, "%s", assay_dtype_name(n->a));
    if (n->a != n->dtype)
        assay_text_add(to, " by %s", assay_dtype_name(n->b));
}

static void judge(struct assay_numerics *n)
{
    char              reasons[112] = "", name[24] = "";
    struct assay_text lower = ASSAY_TEXT(reasons), asked = ASSAY_TEXT(name);
    name_asked(n, &asked);
    if (n->explained)
        what_is_lower(n, &lower);
    n->found = !n->explained ? ASSAY_NUMERICS_UNEXPLAINED : lower.length ? ASSAY_NUMERICS_LOWER : ASSAY_NUMERICS_MEETS;
    if (!n->inferred)
        (void)snprintf(n->verdict, sizeof n->verdict, "not explained: no unit that is known gives its answers");
    else if (!n->explained)
        (void)snprintf(n->verdict, sizeof n->verdict, "not explained: tile %zu of %zu terms differs at (%zu, %zu): %a, not %a",
                       n->differs.tile, n->differs.terms, n->differs.row, n->differs.column, n->differs.device, n->differs.unit);
    else if (lower.length)
        (void)snprintf(n->verdict, sizeof n->verdict, "explained, a lower class than %s asks for: %s", name, reasons);
    else
        (void)snprintf(n->verdict, sizeof n->verdict, "explained, and meets what %s asks for", name);
}

static void name_unit(struct assay_matrix_unit *u)
{
    (void)snprintf(u->name, sizeof u->name, "inferred");
    (void)snprintf(u->about, sizeof u->about, "%s by %s, sums in %s", u->a->name, u->b->name, u->accumulator.put.format->name);
    (void)snprintf(u->why, sizeof u->why, "what a device was found to do");
    (void)snprintf(u->source, sizeof u->source, "assay probe numerics");
}

enum assay_code assay_numerics_infer(const struct assay_numerics_device *device, uint64_t tiles, struct assay_numerics *out,
                                     struct assay_error *err)
{
    struct numerics_facts f = {.dtype = device->dtype};
    bool                  floats = assay_dtype_is_float(device->dtype);
    memset(out, 0, sizeof *out);
    out->a = device->a;
    out->b = device->b;
    out->dtype = device->dtype;
    if ((floats ? numerics_floats : numerics_integers)(device, &f, out, err))
        return err->code;
    if (f.a && f.b && f.sum_bits < NUMERICS_MOST_BITS && numerics_structure(device, &f, out, err))
        return err->code;
    if (out->inferred && floats && numerics_promotion(device, &f, out, err))
        return err->code;
    if (out->inferred) {
        name_unit(&out->unit);
        if (numerics_tiles(device, tiles, out, err))
            return err->code;
    }
    judge(out);
    return ASSAY_OK;
}

json_t *assay_numerics_to_json(const struct assay_numerics *n)
{
    json_t *rows = json_array(), *unit = n->inferred ? assay_unit_to_json(&n->unit) : json_null();
    for (size_t i = 0; i < n->n_rows; i++)
        (void)json_array_append_new(rows, json_pack("{s:o, s:o, s:o}", "property", assay_json_string(n->row[i].field), "value",
                                                    assay_json_string(n->row[i].value), "how", assay_json_string(n->row[i].how)));
    json_t *json = json_pack("{s:s, s:[s,s], s:o, s:o, s:b, s:o, s:o, s:s, s:s}", "dtype", assay_dtype_name(n->dtype), "operands",
                             assay_dtype_name(n->a), assay_dtype_name(n->b), "properties", rows, "unit", unit, "explained", n->explained, "tiles", assay_json_u64(n->tiles), "elements", assay_json_u64(n->elements),
                             "class", assay_numerics_class_name(n->found), "verdict", n->verdict);
    if (json && n->inferred && !n->explained)
        (void)json_object_set_new(json, "differs",
                                  json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "terms", (json_int_t)n->differs.terms, "tile",
                                            (json_int_t)n->differs.tile, "row", (json_int_t)n->differs.row, "column",
                                            (json_int_t)n->differs.column, "device", assay_json_number(n->differs.device), "unit",
                                            assay_json_number(n->differs.unit)));
    return json;
}
