#include "reports/pdf.h"

#include <sys/stat.h>
#include <time.h>

#include "harness/store/tests/scratch.h"

/* A program of that name that does so, and nothing else in the PATH. */
static void only_program(const struct scratch *s, const char *name, const char *does)
{
    char text[400];
    (void)mkdir(in(s, "bin"), 0700);
    (void)snprintf(text, sizeof text, "#!/bin/sh\n%s\n", does);
    put_bytes(in(s, name), text, strlen(text));
    (void)chmod(in(s, name), 0700);
    (void)setenv("PATH", in(s, "bin"), 1);
}

Test(pdf, without_a_browser_there_is_a_reason_and_a_cure)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    put_bytes(in(&s, "page.html"), "<html>", 6);
    (void)setenv("PATH", s.path, 1);
    cr_expect_eq(assay_pdf_print(in(&s, "page.html"), in(&s, "page.pdf"), &err), ASSAY_UNAVAILABLE);
    cr_expect(strstr(err.message, "chromium") && strstr(err.hint, "package chromium"), "%s; %s", err.message, err.hint);
    cr_expect_neq(access(in(&s, "page.pdf"), F_OK), 0);
    scratch_remove(&s);
}

Test(pdf, browser_that_prints_nothing_or_fails_is_told)
{
    static const char  does[][80] = {"exit 0", "[ \"$1\" = --version ] || exit 3"};
    struct scratch     s = scratch_new();
    put_bytes(in(&s, "page.html"), "<html>", 6);
    for (size_t i = 0; i < 2; i++) {
        struct assay_error err = {0};
        only_program(&s, "bin/chromium", does[i]);
        cr_expect_eq(assay_pdf_print(in(&s, "page.html"), in(&s, "page.pdf"), &err), ASSAY_UNAVAILABLE);
        cr_expect(strstr(err.message, i ? "status 3" : "status 0"), "%s", err.message);
    }
    scratch_remove(&s);
}

/* The second name is taken where the first is not there; the page that is printed is guarded, and nothing of it stays behind. */
Test(pdf, page_that_is_printed_may_load_and_run_nothing, .timeout = 30)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    char               does[300];
    size_t             n;
    (void)mkdir(in(&s, "tmp"), 0700);
    (void)setenv("TMPDIR", in(&s, "tmp"), 1);
    (void)snprintf(does, sizeof does, "for a in \"$@\"; do case $a in --print-to-pdf=*) to=${a#*=};; file://*) from=${a#file://};; esac; done\n"
                                      "[ -z \"$to\" ] || while read -r l; do echo \"$l\"; done <\"$from\" >\"$to\"");
    only_program(&s, "bin/google-chrome", does);
    put_bytes(in(&s, "page.html"), "<html><head>\n</head>text</html>\n", 32);
    cr_assert_eq(assay_pdf_print(in(&s, "page.html"), in(&s, "page.pdf"), &err), ASSAY_OK, "%s", err.message);
    char *bytes = get_bytes(in(&s, "page.pdf"), &n);
    cr_expect(strstr(bytes, "<head><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'") && strstr(bytes, "text"), "%s", bytes);
    cr_expect_eq(rmdir(in(&s, "tmp")), 0, "empty");
    free(bytes);
    scratch_remove(&s);
}

Test(pdf, pages_are_found_where_there_is_a_reader_and_else_unknown)
{
    struct scratch s = scratch_new();
    put_bytes(in(&s, "x.pdf"), "x", 1);
    only_program(&s, "bin/pdftotext", "printf 'case id aa\\n\\fcase id bb case id aa\\n\\fend'");
    cr_expect_eq(assay_pdf_page_of(in(&s, "x.pdf"), "case id aa"), 2u);
    cr_expect_eq(assay_pdf_page_of(in(&s, "x.pdf"), "end"), 3u);
    cr_expect_eq(assay_pdf_page_of(in(&s, "x.pdf"), "case id cc"), 0u);
    only_program(&s, "bin/pdftotext", "exit 1");
    cr_expect_eq(assay_pdf_page_of(in(&s, "x.pdf"), "end"), 0u);
    (void)setenv("PATH", s.path, 1);
    cr_expect_eq(assay_pdf_page_of(in(&s, "x.pdf"), "end"), 0u);
    scratch_remove(&s);
}
