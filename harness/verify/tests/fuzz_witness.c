/* Any bytes, with a mended checksum, are a witness that is judged or refused. ci/fuzz builds and runs it; its seed is what
 * `assay run gemm/m=40,n=30,k=3` leaves. */
#include "harness/verify/check.h"

#include "harness/base/tests/fuzz.h"
#include "harness/verify/witness_file.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define CASE_ID "0123456789abcdef"

static enum assay_code fill(void *self, const struct assay_graph *g, int32_t value, uint64_t set, void *to,
                            struct assay_error *err)
{
    (void)self;
    return assay_fill_value(g, value, 1, set, to, err);
}

static struct assay_graph *make_graph(void)
{
    struct assay_error  err;
    struct assay_graph *g = assay_graph_new("fuzz");
    int32_t             in[2] = {assay_graph_input(g, "A", ASSAY_F32, 2, (int64_t[]){40, 3}, ASSAY_FILL_SIGNED),
                                 assay_graph_input(g, "B", ASSAY_F32, 2, (int64_t[]){3, 30}, ASSAY_FILL_SIGNED)};
    assay_graph_output(g, assay_graph_op(g, "MatMul", "C", in, 2, NULL));
    return assay_graph_finish(g, &err) ? NULL : g;
}

/* The fields that a writer always gets right are mended; everything behind them is the input's. */
static void mend(unsigned char *file, size_t bytes)
{
    struct assay_witness_header h;
    memcpy(&h, file, sizeof h);
    memcpy(h.magic, "ASSAYWIT", 8);
    h.version = ASSAY_WITNESS_VERSION;
    h.header_bytes = sizeof h;
    h.file_bytes = bytes;
    memset(h.case_id, 0, sizeof h.case_id);
    memcpy(h.case_id, CASE_ID, 16);
    memcpy(file, &h, sizeof h);
    assay_witness_seal(file, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_graph *g;
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_check         out;
    unsigned char             *file = malloc(bytes + 1);
    FUZZ_HOLDS(file && (g || (g = make_graph())));
    if (bytes)
        memcpy(file, data, bytes);
    if (bytes >= sizeof(struct assay_witness_header))
        mend(file, bytes);
    if (!assay_witness_check(fuzz_file(0, file, bytes), CASE_ID, g, fill, NULL, 1e6, &out, &err))
        FUZZ_HOLDS(out.outcome >= ASSAY_PASS && out.outcome <= ASSAY_NOT_CHECKED && *out.why && out.judged <= out.chosen);
    else
        FUZZ_HOLDS(err.code == ASSAY_DATA && *err.message);
    free(file);
    return 0;
}
