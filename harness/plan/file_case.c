#include <stdlib.h>
#include <string.h>

#include "harness/base/hash.h"
#include "harness/base/strings.h"
#include "harness/plan/plan.h"

#include "assay/banned.h"

bool assay_is_model_file(const char *word)
{
    size_t length = strlen(word);
    return length > 5 && !strcmp(word + length - 5, ".onnx") && !strchr(word, '=');
}

enum assay_code assay_case_of_file(const char *path, char name[ASSAY_CASE_NAME_BYTES], struct assay_error *err)
{
    struct assay_text text = assay_text_over(name, ASSAY_CASE_NAME_BYTES);
    char              digest[65], *escaped;
    if (assay_sha256_file(path, digest, err))
        return err->code;
    if (!(escaped = assay_string_escaped(ASSAY_ESCAPE_JSON, path)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a path");
    const char *quote = strpbrk(path, ",:\"\\") ? "\"" : "";
    assay_text_add(&text, "onnx/file=%s%s%s,sha256=%s", quote, *quote ? escaped : path, quote, digest);
    free(escaped);
    return text.cut ? ASSAY_FAIL(err, ASSAY_CONFIG, "path is too long for the name of a case: '%.80s…'", path) : ASSAY_OK;
}
