/* Any bytes are an .npy file whose numbers fill it to the end, or are refused in one line. */
#include "suites/weights/tensor_file.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_tensor_file  *file = NULL;
    size_t                     n = 0;
    if (assay_npy_read(data, bytes, "in/x.npy", &file, &err)) {
        FUZZ_HOLDS(err.code == ASSAY_DATA && strncmp(err.message, "in/x.npy: ", 10) == 0 && !strchr(err.message, '\n'));
        return 0;
    }
    const struct assay_tensor *t = assay_tensor_file_tensors(file, &n);
    FUZZ_HOLDS(n == 1 && strcmp(t->name, "x") == 0 && assay_tensor_file_find(file, "x") == t);
    FUZZ_HOLDS(t->bytes == assay_dtype_bytes(t->dtype, t->elements) && t->rank <= ASSAY_MAX_RANK);
    FUZZ_HOLDS((const uint8_t *)t->data + t->bytes == data + bytes);
    assay_tensor_file_close(file);
    return 0;
}
