#include <stdlib.h>

#include "backends/cpu/ranks/ranks.h"

#include "assay/banned.h"

struct group {
    struct group     *next;
    uint32_t          n;
    uint32_t          ranks[CPU_MOST_RANKS];
    struct assay_comm comm;
};

struct cpu_ranks {
    const struct assay_comm *comm; /* NULL, or `own` */
    struct assay_comm        own;
    struct group            *groups;
};

struct cpu_ranks *cpu_ranks_new(const struct assay_comm *comm)
{
    struct cpu_ranks *r = calloc(1, sizeof *r);
    if (r && comm) {
        memcpy(&r->own, comm, comm->size < sizeof r->own ? comm->size : sizeof r->own);
        r->comm = &r->own;
    }
    return r;
}

void cpu_ranks_free(struct cpu_ranks *r)
{
    struct group *next;
    for (struct group *g = r ? r->groups : NULL; g; g = next) {
        next = g->next;
        if (g->comm.release)
            g->comm.release(g->comm.self);
        free(g);
    }
    free(r);
}

const struct assay_comm *cpu_ranks_all(const struct cpu_ranks *r)
{
    return r->comm;
}

static bool makes_groups(const struct assay_comm *c)
{
    return offsetof(struct assay_comm, release) + sizeof c->release <= c->size && c->group;
}

static bool is_in(const int64_t *list, size_t n, int64_t rank)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == rank)
            return true;
    return false;
}

static bool is_all(const struct assay_comm *c, const int64_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] != (int64_t)i)
            return false;
    return n == c->n_ranks;
}

bool cpu_ranks_serve(const struct cpu_ranks *r, const struct cpu_node *node, struct assay_text *why_not)
{
    const struct assay_comm *c = r->comm;
    int64_t                  list[CPU_MOST_RANKS], most = 0;
    size_t                   n = cpu_attr_i64s(node, "ranks", list, CPU_MOST_RANKS);
    if (n < 2 || !strcmp(node->op, "Replicate"))
        return true;
    for (size_t i = 0; i < n; i++)
        most = list[i] > most ? list[i] : most;
    if (!c || c->n_ranks <= most)
        assay_text_add(why_not, "%s of %zu ranks needs a communicator of %lld ranks; this session has %u", node->op, n,
                       (long long)most + 1, c ? c->n_ranks : 1);
    else if (!is_in(list, n, c->rank))
        assay_text_add(why_not, "%s of a group in which this rank, %u, is not", node->op, c->rank);
    else if (!is_all(c, list, n) && !makes_groups(c))
        assay_text_add(why_not, "%s of %zu of %u ranks; the communicator makes no groups", node->op, n, c->n_ranks);
    else
        return true;
    return false;
}

static struct group *find(const struct cpu_ranks *r, const int64_t *list, size_t n)
{
    for (struct group *g = r->groups; g; g = g->next) {
        bool same = g->n == n;
        for (size_t i = 0; same && i < n; i++)
            same = g->ranks[i] == list[i];
        if (same)
            return g;
    }
    return NULL;
}

enum assay_code cpu_ranks_group(struct cpu_ranks *r, const struct cpu_node *node, const struct assay_comm **out,
                                struct assay_error *err)
{
    int64_t list[CPU_MOST_RANKS];
    size_t  n = cpu_attr_i64s(node, "ranks", list, CPU_MOST_RANKS);
    *out = NULL;
    if (n < 2)
        return ASSAY_OK;
    if (!r->comm)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "%s of %zu ranks in a session without a communicator", node->op, n);
    struct group *g = find(r, list, n);
    *out = is_all(r->comm, list, n) ? r->comm : g ? &g->comm : NULL;
    if (*out)
        return ASSAY_OK;
    g = calloc(1, sizeof *g);
    if (!g)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a group of %zu ranks", n);
    g->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        g->ranks[i] = (uint32_t)list[i];
    g->comm.size = sizeof g->comm;
    if (r->comm->group(r->comm->self, g->ranks, g->n, &g->comm, err)) {
        free(g);
        return assay_error_in(err, "making a group of %zu ranks", n);
    }
    g->next = r->groups;
    r->groups = g;
    *out = &g->comm;
    return ASSAY_OK;
}
