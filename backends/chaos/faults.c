#include "faults.h"

#include <math.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/ir/graph.h"
#include "reference/formats/formats.h"

#include "assay/banned.h"

static uint64_t mixed(uint64_t k, uint64_t part)
{
    const uint64_t both[2] = {k, part};
    return assay_hash_bytes(both, sizeof both).low;
}

double fault_share(uint64_t k)
{
    return (double)(mixed(k, 0) >> 11) * 0x1p-53;
}

/* Elements may be packed, but eight of them begin and end at a byte in every format. */
struct group {
    enum assay_dtype dtype;
    unsigned char *at;
    size_t n, which;
    double value[8];
};

static struct group group_of(const struct device_output *o, uint64_t element)
{
    uint64_t first = element / 8 * 8;
    struct group g = {.dtype = o->dtype, .which = (size_t)(element - first)};
    g.n = (size_t)(o->elements - first < 8 ? o->elements - first : 8);
    g.at = (unsigned char *)o->computed + assay_dtype_bytes(o->dtype, first);
    assay_to_double(g.dtype, g.at, g.n, g.value);
    return g;
}

bool fault_nan(struct device_output *o, uint64_t k)
{
    if (!o->elements || !isnan(assay_round_to(o->dtype, NAN)))
        return false;
    struct group g = group_of(o, mixed(k, 1) % o->elements);
    g.value[g.which] = NAN;
    assay_from_double(g.dtype, g.value, g.n, g.at);
    return true;
}

bool fault_wrong(struct device_output *o, uint64_t k)
{
    struct group chosen = {.n = 0};
    for (uint64_t i = 0; i < 64 && o->elements; i++) {
        struct group g = group_of(o, mixed(k, 2 + i) % o->elements);
        double size = fabs(g.value[g.which]);
        if (isfinite(size) && size > (chosen.n ? fabs(chosen.value[chosen.which]) : 0))
            chosen = g;
    }
    if (!chosen.n)
        return false;
    double right = chosen.value[chosen.which], wrong = right;
    for (double change = 1e-2; change <= 1 && wrong == right; change *= 2)
        wrong = assay_round_to(chosen.dtype, right * (1 - change));
    chosen.value[chosen.which] = wrong;
    assay_from_double(chosen.dtype, chosen.value, chosen.n, chosen.at);
    return true;
}

/* The next number of the format, toward zero or away from it. */
static double neighbour_of(enum assay_dtype dtype, double x, bool up)
{
    double next = x;
    for (double change = 0x1p-52; change <= 1 && next == x; change *= 2)
        next = assay_round_to(dtype, up ? x * (1 + change) : x * (1 - change));
    return next;
}

void fault_reorder(struct device_output *o, uint64_t key)
{
    for (uint64_t first = 0; assay_dtype_is_float(o->dtype) && first < o->elements; first += 8) {
        uint64_t chance = mixed(key, 100 + first);
        if (chance % 4)
            continue;
        struct group g = group_of(o, first);
        double *x = &g.value[(chance >> 8) % g.n];
        if (isfinite(*x))
            *x = neighbour_of(g.dtype, *x, chance & 128);
        assay_from_double(g.dtype, g.value, g.n, g.at);
    }
}

bool fault_flip(struct device_output *o, uint64_t k)
{
    if (!o->bytes)
        return false;
    uint64_t bit = mixed(k, 3) % (8 * o->bytes);
    unsigned char *at = (unsigned char *)o->computed + bit / 8;
    *at = (unsigned char)(*at ^ (1u << bit % 8));
    return true;
}

void fault_overrun(const struct device_output *o, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        o->bound[o->bytes + i] = (unsigned char)(o->bound[o->bytes + i] + 37);
}

/* The largest param that an output takes over. */
static const char *largest_trained(struct device_program *p)
{
    const struct assay_graph *g = device_graph(p);
    const struct assay_value *largest = NULL;
    for (size_t i = 0; i < device_outputs(p); i++) {
        int32_t of = g->values[device_output(p, i)->value].alias_of;
        const struct assay_value *v = of == ASSAY_NO_VALUE ? NULL : &g->values[of];
        if (v && v->role == ASSAY_ROLE_PARAM && (!largest || v->elements > largest->elements))
            largest = v;
    }
    return largest ? largest->name : "";
}

void fault_lost_gradient(struct device_program *p, const char *param)
{
    static const char *const kept[] = {".next", ".m.next", ".v.next"};
    const struct assay_graph *g = device_graph(p);
    const char *name = *param ? param : largest_trained(p);
    size_t length = strlen(name);
    for (size_t i = 0; length && i < device_outputs(p); i++) {
        struct device_output *o = device_output(p, i);
        const struct assay_value *v = &g->values[o->value];
        if (strncmp(v->name, name, length) != 0)
            continue;
        if (!strcmp(v->name + length, ".gradient"))
            memset(o->computed, 0, (size_t)o->bytes);
        for (size_t k = 0; v->alias_of != ASSAY_NO_VALUE && k < sizeof kept / sizeof *kept; k++)
            if (!strcmp(v->name + length, kept[k]))
                memcpy(o->computed, o->bound, (size_t)o->bytes);
    }
}
