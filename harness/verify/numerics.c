#include "harness/verify/numerics.h"

#include <stdio.h>
#include <string.h>

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
 * to nearest, subnormal operands of f16 honoured; integers exact. NULL: nothing. */
static const char *what_is_lower(const struct assay_numerics *n, char text[96])
{
    const struct assay_matrix_unit  *u = &n->unit;
    const struct assay_unit_format  *own = assay_unit_format_of(n->dtype), *sum = u->accumulator.put.format;
    static const char *const         rounded[] = {"to nearest", "toward zero", "down"};
    if (!u->a->is_float) {
        (void)snprintf(text, 96, "sums of %u products in %s", u->block.length, u->block.length > 1 ? u->block.put.format->name : "");
        return u->block.length > 1 ? text : NULL;
    }
    if (u->a->precision < own->precision || u->b->precision < own->precision || u->a->largest < own->largest)
        (void)snprintf(text, 96, "operands of %s are cut to %s", own->name, u->a->precision <= u->b->precision ? u->a->name : u->b->name);
    else if (sum->precision < 24)
        (void)snprintf(text, 96, "sums in %s", sum->name);
    else if (u->block.sum == ASSAY_UNIT_ALIGNED && u->block.fraction_bits < 23)
        (void)snprintf(text, 96, "sums of %u products in %u bits", u->block.length, u->block.fraction_bits + 1);
    else if (u->accumulator.put.rounding != ASSAY_UNIT_NEAREST_EVEN)
        (void)snprintf(text, 96, "sums in %s rounded %s", sum->name, rounded[u->accumulator.put.rounding]);
    else if (u->flush_inputs && n->dtype == ASSAY_F16)
        (void)snprintf(text, 96, "subnormal operands of f16 are read as zeros");
    else
        return NULL;
    return text;
}

static void judge(struct assay_numerics *n)
{
    char        text[96];
    const char *lower = n->explained ? what_is_lower(n, text) : NULL;
    n->found = !n->explained ? ASSAY_NUMERICS_UNEXPLAINED : lower ? ASSAY_NUMERICS_LOWER : ASSAY_NUMERICS_MEETS;
    if (!n->inferred)
        (void)snprintf(n->verdict, sizeof n->verdict, "not explained: no unit that is known gives its answers");
    else if (!n->explained)
        (void)snprintf(n->verdict, sizeof n->verdict, "not explained: tile %zu of %zu terms differs at (%zu, %zu): %a, not %a",
                       n->differs.tile, n->differs.terms, n->differs.row, n->differs.column, n->differs.device, n->differs.unit);
    else if (lower)
        (void)snprintf(n->verdict, sizeof n->verdict, "explained, a lower class than %s asks for: %s", assay_dtype_name(n->dtype), lower);
    else
        (void)snprintf(n->verdict, sizeof n->verdict, "explained, and meets what %s asks for", assay_dtype_name(n->dtype));
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
    json_t *json = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:s, s:s}", "dtype", assay_dtype_name(n->dtype), "properties", rows, "unit",
                             unit, "explained", n->explained, "tiles", assay_json_u64(n->tiles), "elements", assay_json_u64(n->elements),
                             "class", assay_numerics_class_name(n->found), "verdict", n->verdict);
    if (json && n->inferred && !n->explained)
        (void)json_object_set_new(json, "differs",
                                  json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "terms", (json_int_t)n->differs.terms, "tile",
                                            (json_int_t)n->differs.tile, "row", (json_int_t)n->differs.row, "column",
                                            (json_int_t)n->differs.column, "device", assay_json_number(n->differs.device), "unit",
                                            assay_json_number(n->differs.unit)));
    return json;
}
