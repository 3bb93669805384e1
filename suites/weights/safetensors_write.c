#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suites/weights/tensor_list.h"

#include "assay/banned.h"

/* One tensor's entry; its bytes follow those of the ones before it. */
static json_t *entry_of(const struct assay_tensor *t, uint64_t begin)
{
    json_t  *shape = json_array();
    uint64_t end = begin + t->bytes;
    for (int32_t i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer(t->dims[i]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", assay_safetensors_type_name(t->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* The header's text, and in *bytes what follows it. */
static enum assay_code make_header(const struct assay_tensor *tensors, size_t n, char **out, uint64_t *bytes,
                                   struct assay_error *err)
{
    json_t         *header = json_object();
    enum assay_code code = ASSAY_OK;
    *bytes = 0;
    for (size_t i = 0; !code && i < n; i++) {
        struct assay_tensor t = tensors[i];
        if (!assay_safetensors_type_name(t.dtype))
            code = ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "tensor '%.120s' is %s; a safetensors file cannot hold that", t.name,
                              assay_dtype_name(t.dtype));
        else if (!(code = assay_tensor_measure(&t, "the file", err)) && json_object_set_new(header, t.name, entry_of(&t, *bytes)))
            code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a header");
        *bytes += t.bytes;
    }
    if (!code && !(*out = json_dumps(header, JSON_COMPACT)))
        code = ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a header");
    json_decref(header);
    return code;
}

enum assay_code assay_safetensors_write(const char *path, const struct assay_tensor *tensors, size_t n,
                                        enum assay_code (*fill)(void *self, size_t tensor, void *to, struct assay_error *err),
                                        void *self, struct assay_error *err)
{
    struct assay_mapped_file file;
    struct assay_error       ignored;
    char                    *header = NULL;
    uint64_t                 data = 0;
    if (make_header(tensors, n, &header, &data, err))
        return err->code;
    size_t text = strlen(header), room = (text + 7) / 8 * 8; /* blanks behind it: data begin at a multiple of 8 */
    if (assay_mapped_file_new(path, 8 + room + data, &file, err)) {
        free(header);
        return err->code;
    }
    unsigned char *at = file.at;
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)((uint64_t)room >> 8 * i);
    for (size_t i = 0; i < room; i++)
        at[8 + i] = i < text ? (unsigned char)header[i] : ' ';
    free(header);
    at += 8 + room;
    enum assay_code code = ASSAY_OK;
    for (size_t i = 0; !code && i < n; i++) {
        struct assay_tensor t = tensors[i];
        (void)assay_tensor_measure(&t, "the file", err); /* as above */
        if (!(code = fill(self, i, at, err)))
            at += t.bytes;
    }
    enum assay_code closed = assay_mapped_file_close(&file, path, file.bytes, code ? &ignored : err);
    if (code || closed)
        (void)unlink(path); /* half a file is none */
    return code ? code : closed;
}
