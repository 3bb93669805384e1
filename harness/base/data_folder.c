#include "harness/base/data_folder.h"

#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/base/process.h"

#include "assay/banned.h"

/* From <folder>/assay upwards: a relocatable folder keeps its data beside the program; a build tree two or three levels
 * below the sources; an installation in ../share/assay. ASSAY_DATA wins. */
enum assay_code assay_data_folder(const char *what, char *out, size_t capacity, struct assay_error *err)
{
    static const char *const places[] = {"", "/..", "/../..", "/../share/assay"};
    char                     program[400];
    const char              *given = getenv("ASSAY_DATA");
    if (given && *given)
        return assay_path_join(out, capacity, given, what, err);
    if (assay_program_path(program, sizeof program, err))
        return err->code;
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char              mark[512];
        struct assay_text text = assay_text_over(out, capacity), proof = ASSAY_TEXT(mark);
        assay_text_add(&text, "%s%s/%s", program, places[i], what);
        assay_text_add(&proof, "%s%s/suites/quick.json", program, places[i]);
        if (!text.cut && !proof.cut && assay_file_exists(mark))
            return ASSAY_OK;
    }
    ASSAY_FAIL(err, ASSAY_CONFIG, "cannot find the folder '%s' near '%s'", what, program);
    return assay_error_hint(err, "set ASSAY_DATA to the folder that holds suites/ and backends/");
}
