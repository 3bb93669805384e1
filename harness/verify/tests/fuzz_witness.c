/* For libFuzzer: any bytes, with a mended checksum, are a witness that is judged or refused.
 *     clang -std=c11 -D_GNU_SOURCE -g -fsanitize=fuzzer,address,undefined -Iharness/include -I. \
 *         harness/verify/tests/fuzz_witness.c LIBRARY -ljansson -lsodium -lxxhash -ldl -lm -pthread */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/verify/check.h"
#include "harness/verify/witness_file.h"
#include "suites/data/fill.h"

#include "assay/banned.h"

#define CASE_ID "0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct assay_graph *g;
    char                       path[] = "/tmp/assay-fuzz-XXXXXX";
    struct assay_error         err;
    struct assay_check         out;
    unsigned char             *file = malloc(bytes + 1);
    int                        fd = mkstemp(path);
    if (!g && !(g = make_graph()))
        abort();
    memcpy(file, data, bytes);
    if (bytes >= sizeof(struct assay_witness_header)) {
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
    if (fd >= 0 && write(fd, file, bytes) == (ssize_t)bytes)
        (void)assay_witness_check(path, CASE_ID, g, fill, NULL, 1e6, &out, &err);
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
    free(file);
    return 0;
}
