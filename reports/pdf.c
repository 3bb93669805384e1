#include "reports/pdf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/folder_temporary.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"

#include "assay/banned.h"

/* A report of 400 cases took 9 s. */
#define PRINT_NS (120 * ASSAY_NS_PER_S)
#define LOOK_NS (20 * ASSAY_NS_PER_S)
#define LIMIT_BYTES ((size_t)1 << 30)
#define TEXT_BYTES ((size_t)64 << 20)

enum assay_code assay_pdf_browser(char program[32], char version[128], struct assay_error *err)
{
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    char                     word[] = "--version";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct assay_error why = {.code = ASSAY_OK};
        int                status = -1;
        (void)assay_string_copy(program, 32, names[i]);
        char *argv[] = {program, word, NULL};
        if (!assay_process_capture(argv, NULL, LOOK_NS, version, 128, &status, &why) && status == 0) {
            version[strcspn(version, "\n")] = 0;
            return ASSAY_OK;
        }
    }
    (void)ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "no pdf: there is no program chromium, chromium-browser or google-chrome to print with");
    return assay_error_hint(err, "install package chromium, or print the html from any browser");
}

/* In a folder of its own, so that nothing of its profile stays and the address has no character with a meaning. */
static enum assay_code print_in(const char *folder, char *program, struct assay_error *err)
{
    char  page[1200], made[1200], profile[1200], said[512], url[1300], to[1300], data[1300];
    char  headless[] = "--headless", gpu[] = "--disable-gpu", header[] = "--no-pdf-header-footer", network[] = "--host-resolver-rules=MAP * ~NOTFOUND", first[] = "--no-first-run", extensions[] = "--disable-extensions",
         sandbox[] = "--no-sandbox";
    int status = -1;
    if (assay_path_join(page, sizeof page, folder, "page.html", err) || assay_path_join(made, sizeof made, folder, "page.pdf", err) ||
        assay_path_join(profile, sizeof profile, folder, "profile", err))
        return err->code;
    (void)snprintf(url, sizeof url, "file://%s", page);
    (void)snprintf(to, sizeof to, "--print-to-pdf=%s", made);
    (void)snprintf(data, sizeof data, "--user-data-dir=%s", profile);
    /* Chromium has no sandbox for root; the page is ours, and has neither scripts nor anything to load. */
    char *argv[] = {program, headless, gpu, header, network, first, extensions, data, to, url, geteuid() ? NULL : sandbox, NULL};
    if (assay_process_capture(argv, NULL, PRINT_NS, said, sizeof said, &status, err))
        return assay_error_in(err, "printing with %s", program);
    return status == 0 && assay_file_exists(made)
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_UNAVAILABLE, "no pdf: %s ended with status %d and printed nothing", program, status);
}

/* The page with a policy that lets the browser load and run nothing, whatever stands in it. (Chromium prints nothing at all when its
 * scripts are switched off by an option.) */
static enum assay_code write_guarded(const char *page, const char *bytes, size_t length, struct assay_error *err)
{
    static const char policy[] = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n";
    const char *head = strstr(bytes, "<head>");
    size_t      before = head ? (size_t)(head - bytes) + sizeof "<head>" - 1 : 0;
    char       *guarded = malloc(length + sizeof policy);
    if (!guarded)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory to print '%.160s'", page);
    memcpy(guarded, bytes, before);
    memcpy(guarded + before, policy, sizeof policy - 1);
    memcpy(guarded + before + sizeof policy - 1, bytes + before, length - before);
    (void)assay_file_replace(page, guarded, length + sizeof policy - 1, err);
    free(guarded);
    return err->code;
}

enum assay_code assay_pdf_print(const char *html, const char *path, struct assay_error *err)
{
    char   program[32], version[128], folder[1024], page[1200], *bytes = NULL;
    size_t length;
    if (assay_pdf_browser(program, version, err) || assay_folder_temporary("pdf", folder, sizeof folder, err))
        return err->code;
    if (!assay_file_read(html, LIMIT_BYTES, &bytes, &length, err) && !assay_path_join(page, sizeof page, folder, "page.html", err) &&
        !write_guarded(page, bytes, length, err) && !print_in(folder, program, err)) {
        free(bytes);
        bytes = NULL;
        if (!assay_path_join(page, sizeof page, folder, "page.pdf", err) && !assay_file_read(page, LIMIT_BYTES, &bytes, &length, err))
            (void)assay_file_replace(path, bytes, length, err);
    }
    free(bytes);
    assay_folder_remove(folder);
    return err->code;
}

unsigned assay_pdf_page_of(const char *path, const char *text)
{
    struct assay_error why = {.code = ASSAY_OK};
    char               program[] = "pdftotext", to[] = "-", *from = strdup(path), *room = malloc(TEXT_BYTES);
    char              *argv[] = {program, from, to, NULL};
    int                status = -1;
    unsigned           page = 0;
    if (from && room && !assay_process_capture(argv, NULL, LOOK_NS, room, TEXT_BYTES, &status, &why) && status == 0) {
        const char *last = NULL;
        for (const char *at = room; (at = strstr(at, text)); at++)
            last = at;
        for (const char *at = room; last && at < last; at++)
            page += *at == '\f'; /* ends a page */
        page += last != NULL;
    }
    free(from);
    free(room);
    return page;
}
