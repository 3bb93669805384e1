#include "harness/run/drawn_levels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/drawn_range.h"
#include "harness/run/session_counters.h"

#include "assay/banned.h"

struct level {
    char    name[48];
    double *drawn;
};
struct assay_drawn_levels {
    uint32_t     draws, n;
    struct level at[ASSAY_COURSE_COUNTERS];
};

enum assay_code assay_drawn_levels_new(uint32_t draws, struct assay_drawn_levels **out, struct assay_error *err)
{
    struct assay_drawn_levels *l = calloc(1, sizeof *l);
    if (!l)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the levels of a modelled device");
    l->draws = draws;
    *out = l;
    return ASSAY_OK;
}

void assay_drawn_levels_free(struct assay_drawn_levels *l)
{
    for (uint32_t i = 0; l && i < l->n; i++)
        free(l->at[i].drawn);
    free(l);
}

static struct level *find(const struct assay_drawn_levels *l, const char *name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (!strcmp(l->at[i].name, name))
            return (struct level *)(uintptr_t)&l->at[i];
    return NULL;
}

/* A level that nobody told of a draw is no number there. NULL: no memory, and the level is not kept. */
static struct level *add(struct assay_drawn_levels *l, const char *name)
{
    struct level *level = l->n < ASSAY_COURSE_COUNTERS ? &l->at[l->n] : NULL;
    if (!level || !(level->drawn = malloc(l->draws * sizeof *level->drawn)))
        return NULL;
    l->n++;
    memcpy(level->name, name, sizeof level->name);
    for (uint32_t i = 0; i < l->draws; i++)
        level->drawn[i] = NAN;
    return level;
}

void assay_drawn_levels_see(struct assay_drawn_levels *l, const struct assay_course *c, uint32_t i)
{
    struct assay_counter_row rows[ASSAY_COURSE_COUNTERS];
    size_t                   n = assay_course_counters(c, rows);
    for (size_t k = 0; k < n && i < l->draws; k++) {
        struct level *level = rows[k].level ? find(l, rows[k].name) : NULL;
        if (rows[k].level && !level)
            level = add(l, rows[k].name);
        if (level)
            level->drawn[i] = rows[k].value;
    }
}

double assay_drawn_level(const struct assay_drawn_levels *l, const char *name, uint32_t i)
{
    const struct level *level = l ? find(l, name) : NULL;
    return level && i < l->draws ? level->drawn[i] : NAN;
}

bool assay_drawn_levels_range(const struct assay_drawn_levels *l, const char *name, struct assay_drawn_range *out)
{
    const struct level *level = l ? find(l, name) : NULL;
    double             *copy = level ? malloc(l->draws * sizeof *copy) : NULL;
    if (!copy)
        return false;
    memcpy(copy, level->drawn, l->draws * sizeof *copy);
    *out = assay_drawn_range_of(copy, l->draws);
    free(copy);
    return out->n > 0;
}
