#include "harness/ir/node_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/formats/formats.h"

#include "assay/banned.h"

enum { MAX_NUMBERS = 40 };

/* Numbers between the bracket at *at and its end; *at moves behind it. */
static size_t read_numbers(const char **at, char end, int64_t *list)
{
    size_t      n = 0;
    const char *p = *at + 1;
    while (*p != end && n < MAX_NUMBERS) {
        char *stop;
        list[n++] = strtoll(p, &stop, 10);
        p = *stop == ',' ? stop + 1 : stop;
    }
    *at = p + 1;
    return n;
}

/* A const of whole numbers of any type. */
static int32_t whole_const(struct assay_graph *g, const char *name, enum assay_dtype dtype, int32_t rank, const int64_t *dims,
                           const int64_t *numbers, size_t n)
{
    unsigned char bytes[MAX_NUMBERS * 8];
    double        values[MAX_NUMBERS];
    for (size_t i = 0; i < n; i++)
        values[i] = (double)numbers[i];
    if (dtype == ASSAY_I64) /* also those that double does not hold */
        memcpy(bytes, numbers, n * sizeof *numbers);
    else
        assay_from_double(dtype, values, n, bytes);
    return assay_graph_const(g, name, dtype, rank, dims, bytes);
}

/* One input at *at, which moves behind it. */
static int32_t read_input(struct assay_graph *g, enum assay_dtype f, struct assay_fill fill, const char *name, const char **at)
{
    char    type[16];
    int64_t dims[MAX_NUMBERS], numbers[MAX_NUMBERS];
    size_t  length = strcspn(*at, "[{");
    (void)snprintf(type, sizeof type, "%.*s", (int)length, *at);
    enum assay_dtype dtype = strcmp(type, "f") != 0 ? assay_dtype_from_name(type) : f;
    *at += length;
    bool   shaped = **at == '[';
    size_t rank = shaped ? read_numbers(at, ']', dims) : 0;
    if (**at != '{')
        return assay_graph_input(g, name, dtype, (int32_t)rank, dims, fill);
    size_t n = read_numbers(at, '}', numbers);
    if (!shaped)
        dims[0] = (int64_t)n;
    return whole_const(g, name, dtype, shaped ? (int32_t)rank : 1, dims, numbers, n);
}

size_t assay_node_inputs_read(struct assay_graph *g, enum assay_dtype f, struct assay_fill fill, const char *text, int32_t *inputs)
{
    size_t n = 0;
    for (const char *p = text; *p; n++) {
        char name[32];
        p += strspn(p, " ");
        (void)snprintf(name, sizeof name, "in%zu", n);
        if (*p == '-')
            inputs[n] = ASSAY_NO_VALUE, p++;
        else
            inputs[n] = read_input(g, f, fill, name, &p);
    }
    return n;
}

static void read_attr(char *text, struct assay_attr *out)
{
    char *value = strchr(text, '=');
    *value++ = 0;
    *out = (struct assay_attr){.name = text};
    const char *list = value;
    if (*value == '[') {
        out->type = ASSAY_ATTR_I64S;
        out->n = read_numbers(&list, ']', out->list);
    } else if (!strspn(value, "-0123456789.")) {
        out->type = ASSAY_ATTR_TEXT;
        out->text = value;
    } else if (strchr(value, '.')) {
        out->type = ASSAY_ATTR_F64;
        out->f = strtod(value, NULL);
    } else {
        out->type = ASSAY_ATTR_I64;
        out->i = strtoll(value, NULL, 10);
    }
}

void assay_node_attrs_read(const char *text, struct assay_node_attrs *out)
{
    size_t n = 0;
    for (const char *p = text; *p && n < 8; n++) {
        p += strspn(p, " ");
        size_t length = strcspn(p, " ");
        (void)snprintf(out->text[n], sizeof out->text[n], "%.*s", (int)length, p);
        p += length;
        read_attr(out->text[n], &out->list[n]);
    }
    out->list[n] = ASSAY_ATTR_END;
}

void assay_node_add(struct assay_graph *g, const char *op, const int32_t *inputs, size_t n_inputs, const char *attrs, size_t n_outputs,
                    int32_t *out)
{
    static const char *const names[] = {"y", "y1", "y2", "y3", "y4", "y5", "y6", "y7"};
    struct assay_node_attrs  read;
    assay_node_attrs_read(attrs, &read);
    assay_graph_op_outputs(g, op, names, n_outputs, inputs, n_inputs, read.list, out);
}
