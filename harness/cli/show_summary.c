#include "harness/cli/show_summary.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/strings.h"
#include "harness/cli/table.h"
#include "harness/ir/ops.h"

#include "assay/banned.h"

struct sum {
    char     name[ASSAY_VALUE_NAME_BYTES];
    uint64_t nodes;
    double   flops, bytes;
};

struct sums {
    struct sum *sum;
    size_t      n;
};

static void add(struct sums *s, const char *name, size_t length, const struct assay_cost *cost)
{
    size_t k = s->n;
    while (k-- > 0) /* usually one of the last */
        if (strncmp(s->sum[k].name, name, length) == 0 && !s->sum[k].name[length])
            break;
    if (k == SIZE_MAX) {
        k = s->n++;
        (void)memcpy(s->sum[k].name, name, length);
        s->sum[k].name[length] = 0;
    }
    s->sum[k].nodes++;
    s->sum[k].flops += (double)cost->flops;
    s->sum[k].bytes += (double)cost->read_bytes + (double)cost->written_bytes;
}

static void quantity(char out[48], double value, const char *unit)
{
    struct assay_text text = assay_text_over(out, 48);
    assay_string_quantity(&text, value, unit, 4);
}

static void share(char out[48], double part, double whole)
{
    (void)snprintf(out, 48, "%.1f %%", whole > 0 ? 100 * part / whole : 0);
}

static void line(struct assay_table *table, const char *name, const char *times, const struct sum *x, const struct sum *all)
{
    char nodes[24], flops[48], of_flops[48], bytes[48], of_bytes[48];
    (void)snprintf(nodes, sizeof nodes, "%llu", (unsigned long long)x->nodes);
    quantity(flops, x->flops, "flop");
    share(of_flops, x->flops, all->flops);
    quantity(bytes, x->bytes, "B");
    share(of_bytes, x->bytes, all->bytes);
    if (times)
        assay_table_row(table, (const char *const[]){name, times, nodes, flops, of_flops, bytes, of_bytes});
    else
        assay_table_row(table, (const char *const[]){name, nodes, flops, of_flops, bytes, of_bytes});
}

static struct sum whole(const struct sums *s)
{
    struct sum all = {.nodes = 0};
    for (size_t i = 0; i < s->n; i++) {
        all.nodes += s->sum[i].nodes;
        all.flops += s->sum[i].flops;
        all.bytes += s->sum[i].bytes;
    }
    return all;
}

static int heavier(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;
    if (x->flops != y->flops)
        return (x->flops < y->flops) - (x->flops > y->flops);
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : strcmp(x->name, y->name);
}

void assay_show_ops(const struct assay_graph *g, FILE *out)
{
    struct sums        s = {.sum = calloc(g->n_nodes, sizeof *s.sum)};
    struct assay_table table;
    for (uint32_t i = 0; s.sum && i < g->n_nodes; i++) {
        struct assay_cost cost = assay_node_cost(g, &g->nodes[i]);
        const char       *op = g->nodes[i].op->qualified;
        add(&s, op, strnlen(op, ASSAY_VALUE_NAME_BYTES - 1), &cost);
    }
    if (s.n)
        qsort(s.sum, s.n, sizeof *s.sum, heavier);
    struct sum all = whole(&s);
    assay_table_init(&table, (const char *const[]){"op", ">nodes", ">flops", ">share", ">bytes", ">share", NULL});
    for (size_t i = 0; i < s.n; i++)
        line(&table, s.sum[i].name, NULL, &s.sum[i], &all);
    line(&table, "all", NULL, &all, &all);
    assay_table_print(&table, out);
    assay_table_release(&table);
    free(s.sum);
}

/* ---- layers ---------------------------------------------------------------------------------------------- */

/* Length of the part's name; *stem = that of what stands before its number, or 0 when it has none. */
static size_t part_of(const char *name, size_t *stem)
{
    size_t end = strcspn(name, "'"), first = strcspn(name, ".'"); /* what follows ' only makes a name unique */
    *stem = 0;
    for (size_t at = 0; at < end;) {
        size_t length = strcspn(name + at, ".'");
        if (length && strspn(name + at, "0123456789") == length) {
            *stem = at;
            return at + length;
        }
        at += length + 1;
    }
    return first;
}

static bool alike(const struct sum *a, const struct sum *b)
{
    size_t stem_a, stem_b;
    (void)part_of(a->name, &stem_a);
    (void)part_of(b->name, &stem_b);
    return stem_a && stem_a == stem_b && strncmp(a->name, b->name, stem_a) == 0 && a->nodes == b->nodes && a->flops == b->flops && a->bytes == b->bytes;
}

void assay_show_layers(const struct assay_graph *g, FILE *out)
{
    struct sums        s = {.sum = calloc(g->n_nodes, sizeof *s.sum)};
    struct assay_table table;
    size_t             stem;
    for (uint32_t i = 0; s.sum && i < g->n_nodes; i++) {
        struct assay_cost cost = assay_node_cost(g, &g->nodes[i]);
        add(&s, g->nodes[i].name, part_of(g->nodes[i].name, &stem), &cost);
    }
    struct sum all = whole(&s);
    assay_table_init(&table, (const char *const[]){"part", ">times", ">nodes", ">flops", ">share", ">bytes", ">share", NULL});
    for (size_t i = 0, n = 1; i < s.n; i += n) {
        struct sum run = s.sum[i];
        char       name[2 * ASSAY_VALUE_NAME_BYTES], times[24];
        for (n = 1; i + n < s.n && alike(&s.sum[i], &s.sum[i + n]); n++) {
            run.nodes += s.sum[i + n].nodes;
            run.flops += s.sum[i + n].flops;
            run.bytes += s.sum[i + n].bytes;
        }
        (void)part_of(s.sum[i + n - 1].name, &stem);
        (void)snprintf(name, sizeof name, "%s%s%s", run.name, n > 1 ? "–" : "", n > 1 ? s.sum[i + n - 1].name + stem : "");
        (void)snprintf(times, sizeof times, "%zu", n);
        line(&table, name, times, &run, &all);
    }
    assay_table_print(&table, out);
    assay_table_release(&table);
    free(s.sum);
}
