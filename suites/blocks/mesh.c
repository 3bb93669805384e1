#include "suites/blocks/mesh.h"

#include "assay/banned.h"

enum assay_code assay_mesh_ranks(const struct assay_mesh *m, int64_t *n, struct assay_error *err)
{
    const struct {
        const char *name;
        int64_t     length;
    } axes[] = {{"dp", m->dp}, {"tp", m->tp}, {"pp", m->pp}, {"ep", m->ep}};
    *n = 1;
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        if (axes[i].length < 1)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s %lld; an axis has one rank at least", axes[i].name, (long long)axes[i].length);
        if (axes[i].length > ASSAY_RANKS / *n)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "dp %lld x tp %lld x pp %lld x ep %lld are more than %d ranks", (long long)m->dp,
                              (long long)m->tp, (long long)m->pp, (long long)m->ep, ASSAY_RANKS);
        *n *= axes[i].length;
    }
    if (m->sp && m->tp == 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "sp with tp 1: the ranks of tp split the tokens");
    return ASSAY_OK;
}

struct assay_mesh_place assay_mesh_place(const struct assay_mesh *m, int64_t rank)
{
    return (struct assay_mesh_place){.mesh = *m, .rank = rank, .tp = rank % m->tp, .ep = rank / m->tp % m->ep,
                                     .dp = rank / m->tp / m->ep % m->dp, .pp = rank / m->tp / m->ep / m->dp};
}

size_t assay_mesh_group(const struct assay_mesh_place *at, unsigned axes, int64_t ranks[ASSAY_RANKS])
{
    const struct assay_mesh *m = &at->mesh;
    size_t                   n = 0;
    for (int64_t r = 0; r < m->dp * m->tp * m->pp * m->ep; r++) {
        struct assay_mesh_place o = assay_mesh_place(m, r);
        if ((o.tp == at->tp || axes & ASSAY_MESH_TP) && (o.ep == at->ep || axes & ASSAY_MESH_EP) &&
            (o.dp == at->dp || axes & ASSAY_MESH_DP) && (o.pp == at->pp || axes & ASSAY_MESH_PP))
            ranks[n++] = r;
    }
    return n;
}
