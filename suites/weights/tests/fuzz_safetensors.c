/* Any bytes are a safetensors file whose tensors lie in it side by side, or are refused in one line. */
#include "suites/weights/tensor_file.h"

#include "harness/base/tests/fuzz.h"

#include "assay/banned.h"

/* What is handed out can be read to its last byte, and is found by its name. */
static void look_at(const struct assay_tensor_file *file, const uint8_t *data, size_t bytes)
{
    size_t                     n;
    uint64_t                   all = 0;
    const struct assay_tensor *t = assay_tensor_file_tensors(file, &n);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *at = t[i].data;
        FUZZ_HOLDS(t[i].rank >= 0 && t[i].rank <= ASSAY_MAX_RANK && assay_dtype_bits(t[i].dtype) > 0);
        FUZZ_HOLDS(t[i].bytes == assay_dtype_bytes(t[i].dtype, t[i].elements));
        FUZZ_HOLDS(at >= data && t[i].bytes <= bytes && at + t[i].bytes <= data + bytes);
        FUZZ_HOLDS(assay_tensor_file_find(file, t[i].name) == &t[i]);
        FUZZ_HOLDS(i == 0 || strcmp(t[i - 1].name, t[i].name) < 0);
        all += t[i].bytes;
    }
    FUZZ_HOLDS(all + 8 <= bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_tensor_file *file = NULL;
    if (!assay_safetensors_read(data, bytes, "x.safetensors", &file, &err))
        look_at(file, data, bytes);
    else
        FUZZ_HOLDS(err.code == ASSAY_DATA && strncmp(err.message, "x.safetensors: ", 15) == 0 && !strchr(err.message, '\n'));
    assay_tensor_file_close(file);
    return 0;
}
