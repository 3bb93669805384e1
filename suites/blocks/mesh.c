#include "suites/blocks/mesh.h"

#include "assay/banned.h"

const char *const assay_mesh_schedules[] = {"gpipe", "1f1b", NULL};

enum assay_code assay_mesh_ranks(const struct assay_mesh *m, int64_t *n, struct assay_error *err)
{
    const struct {
        const char *name;
        int64_t     length;
    } axes[] = {{"dp", m->dp}, {"tp", m->tp}, {"pp", m->pp}, {"ep", m->ep}, {"cp", m->cp}};
    *n = 1;
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        if (axes[i].length < 1)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "%s %lld; an axis has one rank at least", axes[i].name, (long long)axes[i].length);
        if (axes[i].length > ASSAY_RANKS / *n)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "dp %lld x tp %lld x pp %lld x ep %lld x cp %lld are more than %d ranks",
                              (long long)m->dp, (long long)m->tp, (long long)m->pp, (long long)m->ep, (long long)m->cp, ASSAY_RANKS);
        *n *= axes[i].length;
    }
    if (m->sp && m->tp == 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "sp with tp 1: the ranks of tp split the tokens");
    if (m->pp == 1 && (m->schedule != ASSAY_MESH_GPIPE || m->chunks > 1))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "schedule %s with %lld chunks and pp 1: stages have schedules and chunks", assay_mesh_schedules[m->schedule],
                          (long long)(m->chunks > 1 ? m->chunks : 1));
    if (m->schedule != ASSAY_MESH_1F1B && m->chunks > 1)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "chunks %lld with schedule %s: schedule 1f1b interleaves them", (long long)m->chunks,
                          assay_mesh_schedules[m->schedule]);
    return ASSAY_OK;
}

struct assay_mesh_place assay_mesh_place(const struct assay_mesh *m, int64_t rank)
{
    int64_t tokens = rank / m->tp, copies = tokens / m->cp, sequences = copies / m->ep;
    return (struct assay_mesh_place){.mesh = *m, .rank = rank, .tp = rank % m->tp, .cp = tokens % m->cp, .ep = copies % m->ep,
                                     .dp = sequences % m->dp, .pp = sequences / m->dp};
}

size_t assay_mesh_group(const struct assay_mesh_place *at, unsigned axes, int64_t ranks[ASSAY_RANKS])
{
    const struct assay_mesh *m = &at->mesh;
    size_t                   n = 0;
    for (int64_t r = 0; r < m->dp * m->tp * m->cp * m->pp * m->ep; r++) {
        struct assay_mesh_place o = assay_mesh_place(m, r);
        if ((o.tp == at->tp || axes & ASSAY_MESH_TP) && (o.cp == at->cp || axes & ASSAY_MESH_CP) && (o.ep == at->ep || axes & ASSAY_MESH_EP) &&
            (o.dp == at->dp || axes & ASSAY_MESH_DP) && (o.pp == at->pp || axes & ASSAY_MESH_PP))
            ranks[n++] = r;
    }
    return n;
}
