#include "harness/run/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/memory.h"

#include "assay/banned.h"

#define MOST_SETS 256u

struct head {
    char     magic[8];
    uint64_t sets, set_bytes;
};
static const char magic[8] = {'A', 'S', 'S', 'A', 'Y', 'B', 'A', 'S'};

static enum assay_code make_room(uint32_t sets, uint64_t set_bytes, struct assay_baseline *out, struct assay_error *err)
{
    size_t bytes = 0;
    *out = (struct assay_baseline){.sets = sets, .set_bytes = set_bytes};
    if (assay_size_multiply(sets, (size_t)set_bytes, &bytes))
        out->bytes = assay_block_new(bytes);
    out->has = calloc(sets + 1u, sizeof *out->has);
    if (out->bytes && out->has)
        return ASSAY_OK;
    assay_baseline_release(out);
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to keep the outputs of %u input sets, %llu bytes each", sets,
                      (unsigned long long)set_bytes);
}

enum assay_code assay_baseline_init(const struct assay_rig *rig, uint32_t sets, struct assay_baseline *out, struct assay_error *err)
{
    return make_room(sets, rig->output_bytes, out, err);
}

void assay_baseline_release(struct assay_baseline *b)
{
    assay_block_free(b->bytes);
    free(b->has);
    *b = (struct assay_baseline){.bytes = NULL};
}

void assay_baseline_keep(struct assay_baseline *b, const struct assay_rig *rig, const struct assay_collected *left)
{
    assay_rig_copy(rig, left, b->bytes + left->set * b->set_bytes);
    b->has[left->set] = true;
}

void assay_baseline_compare(const struct assay_baseline *b, const struct assay_rig *rig, const struct assay_collected *left,
                            struct assay_agreement *agreement)
{
    const unsigned char *expected = b->bytes + left->set * b->set_bytes;
    for (size_t o = 0; b->has[left->set] && o < rig->n_outputs; o++) {
        const struct assay_value *v = &rig->graph->values[rig->outputs[o]];
        assay_agreement_compare(agreement, v, 0, v->elements, expected, left->outputs[o]);
        expected += v->bytes;
    }
}

void assay_baseline_compare_kept(const struct assay_baseline *expected, const struct assay_baseline *observed, const struct assay_rig *rig,
                                 uint32_t set, struct assay_agreement *agreement)
{
    const unsigned char *x = expected->bytes + set * expected->set_bytes, *y = observed->bytes + set * observed->set_bytes;
    for (size_t o = 0; expected->has[set] && observed->has[set] && o < rig->n_outputs; o++) {
        const struct assay_value *v = &rig->graph->values[rig->outputs[o]];
        assay_agreement_compare(agreement, v, 0, v->elements, x, y);
        x += v->bytes;
        y += v->bytes;
    }
}

/* ---- in a file ------------------------------------------------------------------------------------------------- */

enum assay_code assay_baseline_write(const struct assay_baseline *b, const char *path, struct assay_error *err)
{
    struct assay_mapped_file file;
    struct head              head = {.sets = b->sets, .set_bytes = b->set_bytes};
    size_t                   bytes = (size_t)(b->sets * b->set_bytes);
    memcpy(head.magic, magic, sizeof magic);
    if (assay_mapped_file_new(path, sizeof head + bytes, &file, err))
        return assay_error_in(err, "keeping outputs to compare with");
    memcpy((unsigned char *)file.at + sizeof head, b->bytes, bytes);
    memcpy(file.at, &head, sizeof head);
    return assay_mapped_file_close(&file, path, file.bytes, err);
}

enum assay_code assay_baseline_read(const char *path, const struct assay_rig *rig, struct assay_baseline *out, struct assay_error *err)
{
    struct assay_mapped_file file;
    struct head              head = {.sets = 0};
    if (assay_mapped_file_read(path, &file, err))
        return err->code;
    if (file.bytes >= sizeof head)
        memcpy(&head, file.at, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.set_bytes != rig->output_bytes || head.sets < 1 || head.sets > MOST_SETS ||
        (file.bytes - sizeof head) / head.sets != head.set_bytes)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%.150s: holds no outputs of this case", path);
    else if (!make_room((uint32_t)head.sets, head.set_bytes, out, err)) {
        memcpy(out->bytes, (const unsigned char *)file.at + sizeof head, (size_t)(head.sets * head.set_bytes));
        memset(out->has, 1, out->sets * sizeof *out->has);
    }
    assay_mapped_file_release(&file);
    return err->code;
}
