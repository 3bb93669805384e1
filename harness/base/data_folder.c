#include "harness/base/data_folder.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "assay/text.h"
#include "harness/base/file.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"

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

/* ---- what there is ------------------------------------------------------------------------------------------------ */

static const char ending[] = ".json";
enum { ENDING_BYTES = sizeof ending - 1 };

static bool ends_so(const char *text)
{
    size_t n = strlen(text);
    return n > ENDING_BYTES && !strcmp(text + n - ENDING_BYTES, ending);
}

bool assay_data_is_path(const char *text)
{
    return strchr(text, '/') || ends_so(text);
}

static int is_named_file(const struct dirent *e)
{
    return e->d_name[0] != '.' && ends_so(e->d_name);
}

enum assay_code assay_data_names_read(const char *what, struct assay_data_names *out, struct assay_error *err)
{
    struct dirent **entries = NULL;
    *out = (struct assay_data_names){.n = 0};
    if (assay_data_folder(what, out->folder, sizeof out->folder, err))
        return err->code;
    int n = scandir(out->folder, &entries, is_named_file, alphasort);
    if (n < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot list '%.150s'", out->folder);
    out->name = calloc((size_t)n + 1, sizeof *out->name);
    for (int i = 0; i < n; i++) {
        char *name = out->name ? strndup(entries[i]->d_name, strlen(entries[i]->d_name) - ENDING_BYTES) : NULL;
        if (name)
            out->name[out->n++] = name;
        free(entries[i]);
    }
    free(entries);
    if (out->name && out->n == (size_t)n)
        return ASSAY_OK;
    assay_data_names_release(out);
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to list '%s'", what);
}

void assay_data_names_release(struct assay_data_names *names)
{
    for (size_t i = 0; names->name && i < names->n; i++)
        free((char *)(uintptr_t)names->name[i]);
    free(names->name);
    *names = (struct assay_data_names){.n = 0};
}

enum assay_code assay_data_names_path(const struct assay_data_names *names, size_t i, char *out, size_t capacity, struct assay_error *err)
{
    struct assay_text text = assay_text_over(out, capacity);
    assay_text_add(&text, "%s/%s%s", names->folder, names->name[i], ending);
    return text.cut ? ASSAY_FAIL(err, ASSAY_CONFIG, "the path of '%.60s' in '%.100s' is too long", names->name[i], names->folder) : ASSAY_OK;
}

enum assay_code assay_data_names_unknown(const struct assay_data_names *names, const char *what, const char *name, struct assay_error *err)
{
    char              all[160];
    struct assay_text known = ASSAY_TEXT(all);
    const char       *near = assay_string_nearest(name, names->name, names->n);
    for (size_t i = 0; i < names->n; i++)
        assay_text_add(&known, "%s%s", i ? ", " : "", names->name[i]);
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "there is no %s '%.60s'", what, name);
    return near ? assay_error_hint(err, "did you mean '%s'?", near) : assay_error_hint(err, "there are: %s%s", all, known.cut ? "…" : "");
}
