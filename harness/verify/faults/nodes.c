/* Faults of the node: an attribute that is ignored or wrong, another op. */
#include <stdio.h>
#include <string.h>

#include "harness/verify/faults/kinds.h"

#include "assay/banned.h"

#define NODE(name) void assay_fault_node_##name(struct assay_sample *s, double size)

/* Takes "key=…" out of the attributes and puts `value` there; NULL: nothing. */
static void set(struct assay_sample *s, const char *key, const char *value)
{
    char   text[sizeof s->attrs] = "";
    size_t length = strlen(key), n = 0;
    for (const char *at = s->attrs; *at;) {
        size_t word = strcspn(at, " ");
        if ((strncmp(at, key, length) != 0 || at[length] != '=') && n + word + 2 < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n ? " " : "", (int)word, at);
        at += word + strspn(at + word, " ");
    }
    if (value)
        (void)snprintf(text + n, sizeof text - n, "%s%s=%s", n ? " " : "", key, value);
    memcpy(s->attrs, text, sizeof text);
}

static void set_number(struct assay_sample *s, const char *key, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.9e", value);
    set(s, key, text);
}

NODE(factor_ignored)
{
    (void)size;
    set(s, "alpha", NULL);
}

/* The border is part of the input (operands.c fills it). */
NODE(padding_explicit)
{
    int  n, c, h, w, end = 0;
    char rest[sizeof s->inputs];
    (void)size;
    if (sscanf(s->inputs, "f[%d,%d,%d,%d]%n", &n, &c, &h, &w, &end) != 4 || !end)
        return;
    memcpy(rest, s->inputs, sizeof rest);
    (void)snprintf(s->inputs, sizeof s->inputs, "f[%d,%d,%d,%d]%.120s", n, c, h + 2, w + 2, rest + end);
    set(s, "pads", NULL);
}

/* The windows begin one row later, with as many of them. */
NODE(phase_by_one)
{
    (void)size;
    set(s, "pads", "[0,1,2,1]");
}

NODE(unscaled)
{
    (void)size;
    set(s, "scale", "1.0");
}

/* A mask in place of is_causal (operands.c fills it). */
NODE(masked)
{
    int    queries, keys;
    size_t n = strlen(s->inputs);
    (void)size;
    if (sscanf(s->inputs, "f[%*d,%*d,%d,%*d] f[%*d,%*d,%d", &queries, &keys) != 2)
        return;
    (void)snprintf(s->inputs + n, sizeof s->inputs - n, " bool[%d,%d]", queries, keys);
    set(s, "is_causal", NULL);
}

NODE(epsilon_times)
{
    set_number(s, "epsilon", 1e-5 * size);
}

NODE(first_axis)
{
    (void)size;
    set(s, "axis", "0");
}

NODE(by_tanh)
{
    (void)size;
    set(s, "approximate", "tanh");
}

NODE(min_for_max)
{
    (void)size;
    (void)snprintf(s->op, sizeof s->op, "ReduceMin");
}

/* So late a step that 1 - beta^t is 1. */
NODE(uncorrected)
{
    char *step = strstr(s->inputs, "{3}"), rest[sizeof s->inputs];
    (void)size;
    if (!step)
        return;
    memcpy(rest, s->inputs, sizeof rest);
    (void)snprintf(step, sizeof s->inputs - (size_t)(step - s->inputs), "{1000000}%.150s", rest + (step - s->inputs) + 3);
}

NODE(no_decay)
{
    (void)size;
    set(s, "weight_decay", "0.0");
}

NODE(beta_off)
{
    set_number(s, "beta1", 0.9 - size);
}
