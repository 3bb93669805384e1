#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "reports/sink.h"

Test(sink, escapes_what_is_not_our_own_by_its_format)
{
    static const struct { enum assay_escape how; char want[64]; } rows[] = {
        {ASSAY_ESCAPE_HTML, "a|b<i>&lt;&amp;|\xEF\xBF\xBD 5 &gt;"}, {ASSAY_ESCAPE_MARKDOWN, "a|b<i>&lt;&amp;\\|\xEF\xBF\xBD 5 &gt;"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char             *bytes;
        size_t            n;
        struct assay_sink sink = {.out = open_memstream(&bytes, &n), .how = rows[i].how};
        assay_sink_raw(&sink, "a|%c<i>", 'b');
        assay_sink_text(&sink, "<&|\xff");
        assay_sink_textf(&sink, " %d %s", 5, ">");
        cr_assert_eq(fclose(sink.out), 0);
        cr_expect_str_eq(bytes, rows[i].want);
        cr_expect(!sink.failed);
        free(bytes);
    }
}

Test(sink, remembers_that_something_could_not_be_written)
{
    for (int k = 0; k < 3; k++) {
        FILE             *full = fopen("/dev/full", "w");
        struct assay_sink sink = {.out = full, .how = ASSAY_ESCAPE_HTML};
        if (!full)
            cr_skip_test("there is no /dev/full here");
        (void)setvbuf(full, NULL, _IONBF, 0);
        if (k == 0)
            assay_sink_raw(&sink, "x");
        else if (k == 1)
            assay_sink_text(&sink, "x");
        else
            assay_sink_textf(&sink, "%s", "x");
        cr_expect(sink.failed, "way %d", k);
        (void)fclose(full);
    }
}
