#include "harness/verify/witness_repeats.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"

#include "assay/banned.h"

static void gather(const unsigned char *file, const struct assay_witness_layout *l, struct assay_witness_repeats *out)
{
    struct assay_witness_header h;
    memcpy(&h, file, sizeof h);
    out->n = l->sets;
    out->seed = h.seed;
    for (uint32_t s = 0; s < l->sets; s++) {
        struct assay_witness_set set;
        memcpy(&set, file + l->sets_at + s * sizeof set, sizeof set);
        out->set[s].seen = set.seen;
        out->set[s].distinct = set.distinct;
        out->set[s].more = set.more;
    }
    for (uint32_t i = 0; i < l->chosen; i++) {
        struct assay_witness_content c;
        memcpy(&c, file + l->contents_at + i * sizeof c, sizeof c);
        if (!c.kept || c.set >= l->sets || c.seen <= out->set[c.set].with)
            continue;
        out->set[c.set].has = true;
        out->set[c.set].hash = c.hash;
        out->set[c.set].with = c.seen;
    }
}

enum assay_code assay_witness_repeats_read(const char *path, const char *case_id, const struct assay_graph *g,
                                           struct assay_witness_repeats *out, struct assay_error *err)
{
    struct assay_mapped_file     file;
    struct assay_witness_layout *layout = malloc(sizeof *layout);
    memset(out, 0, sizeof *out);
    if (!layout)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to read a witness");
    if (!assay_mapped_file_read(path, &file, err)) {
        if (!assay_witness_inspect(file.at, file.bytes, case_id, g, layout, err))
            gather(file.at, layout, out);
        else
            (void)assay_error_in(err, "reading '%.100s'", path);
        assay_mapped_file_release(&file);
    }
    free(layout);
    return err->code;
}
