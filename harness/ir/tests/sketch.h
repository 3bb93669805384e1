/* One node from text, for tables of cases.
 *   inputs  "f32[2,3] - i64{1,-1} i64[2,2]{0,1,1,0}": values of a type and shape, "-" an absent one, {..} a const of
 *           numbers; the type "f" is what the caller says
 *   attrs   "axis=-1 alpha=0.5 pads=[1,1] approximate=tanh"; an integer has no '.', a float has one
 * The first output is called "y"; others "y1", "y2", … */
#ifndef ASSAY_IR_TESTS_SKETCH_H
#define ASSAY_IR_TESTS_SKETCH_H

#include <stdlib.h>
#include <string.h>

#include "harness/ir/graph.h"
#include "harness/ir/ops.h"
#include "reference/formats/formats.h"

/* Numbers between the bracket at *at and its end; *at moves behind it. */
static inline size_t sketch_numbers(const char **at, char end, int64_t *list)
{
    size_t n = 0;
    const char *p = *at + 1;
    while (*p != end) {
        char *stop;
        list[n++] = strtoll(p, &stop, 10);
        p = *stop == ',' ? stop + 1 : stop;
    }
    *at = p + 1;
    return n;
}

/* A const of whole numbers of any type. */
static inline int32_t sketch_const(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank,
                                   const int64_t *dims, const int64_t *numbers, size_t n)
{
    unsigned char bytes[40 * 8];
    double values[40];
    for (size_t i = 0; i < n; i++)
        values[i] = (double)numbers[i];
    if (dtype == ASSAY_I64) /* also those that double does not hold */
        memcpy(bytes, numbers, n * sizeof *numbers);
    else
        assay_from_double(dtype, values, n, bytes);
    return assay_graph_const(g, name, dtype, rank, dims, bytes);
}

static inline size_t sketch_inputs_as(struct assay_graph *g, enum assay_dtype f, struct assay_fill fill, const char *text,
                                      int32_t *inputs)
{
    size_t n = 0;
    for (const char *p = text; *p; n++) {
        char name[32], type[16];
        int64_t list[40], numbers[40];
        p += strspn(p, " ");
        (void)snprintf(name, sizeof name, "in%zu", n);
        if (*p == '-') {
            inputs[n] = ASSAY_NO_VALUE;
            p++;
            continue;
        }
        size_t length = strcspn(p, "[{");
        (void)snprintf(type, sizeof type, "%.*s", (int)length, p);
        enum assay_dtype dtype = strcmp(type, "f") ? assay_dtype_from_name(type) : f;
        p += length;
        bool shaped = *p == '[';
        size_t rank = shaped ? sketch_numbers(&p, ']', list) : 0;
        if (*p == '{') {
            size_t count = sketch_numbers(&p, '}', numbers);
            if (!shaped)
                list[0] = (int64_t)count;
            inputs[n] = sketch_const(g, name, dtype, shaped ? (int32_t)rank : 1, list, numbers, count);
        } else {
            inputs[n] = assay_graph_input(g, name, dtype, (int32_t)rank, list, fill);
        }
    }
    return n;
}

static inline size_t sketch_inputs(struct assay_graph *g, const char *text, int32_t *inputs)
{
    return sketch_inputs_as(g, ASSAY_F32, ASSAY_FILL_SIGNED, text, inputs);
}

static inline void sketch_attrs(const char *text, struct assay_attr *attrs, char names[8][128])
{
    size_t n = 0;
    for (const char *p = text; *p; n++) {
        p += strspn(p, " ");
        size_t length = strcspn(p, " ");
        (void)snprintf(names[n], 128, "%.*s", (int)length, p);
        p += length;
        char *value = strchr(names[n], '=');
        *value++ = 0;
        attrs[n] = (struct assay_attr){.name = names[n]};
        const char *list = value;
        if (*value == '[') {
            attrs[n].type = ASSAY_ATTR_I64S;
            attrs[n].n = sketch_numbers(&list, ']', attrs[n].list);
        } else if (!strspn(value, "-0123456789.")) {
            attrs[n].type = ASSAY_ATTR_TEXT;
            attrs[n].text = value;
        } else if (strchr(value, '.')) {
            attrs[n].type = ASSAY_ATTR_F64;
            attrs[n].f = strtod(value, NULL);
        } else {
            attrs[n].type = ASSAY_ATTR_I64;
            attrs[n].i = strtoll(value, NULL, 10);
        }
    }
    attrs[n] = ASSAY_ATTR_END;
}

/* A graph with the node, its outputs marked; the caller finishes and frees it. */
static inline struct assay_graph *sketch(const char *op, const char *inputs, const char *attrs, size_t n_outputs)
{
    static const char *const names[] = {"y", "y1", "y2", "y3"};
    struct assay_graph *g = assay_graph_new("sketch");
    struct assay_attr list[9];
    char text[8][128];
    int32_t in[16], out[4];
    size_t n = sketch_inputs(g, inputs, in);
    sketch_attrs(attrs, list, text);
    assay_graph_op_outputs(g, op, names, n_outputs, in, n, list, out);
    for (size_t o = 0; o < n_outputs; o++)
        assay_graph_output(g, out[o]);
    return g;
}

/* "f32[2,4] f32[2]": the shapes of all outputs of the sketch, or the refusal after "refused: ". */
static inline void sketch_shapes(const struct assay_graph *g, size_t n_outputs, struct assay_text *out)
{
    if (g->first_error.code != ASSAY_OK) {
        assay_text_add(out, "refused: %s", g->first_error.message);
        return;
    }
    for (size_t o = 0; o < n_outputs; o++) {
        assay_text_add(out, "%s", o ? " " : "");
        assay_value_describe(assay_graph_value(g, g->nodes[0].outputs[o]), out);
    }
}

#endif
