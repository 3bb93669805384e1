/* Measures how small faults may be that are still found, and writes the table: table FILE. `make faults`. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/verify/faults/document.h"

#include "assay/banned.h"

static void say(const char *what)
{
    (void)fprintf(stderr, "faults: %s\n", what);
}

int main(int argc, char **argv)
{
    struct assay_error         err = {.code = ASSAY_OK};
    struct assay_fault_results results;
    FILE                      *to;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    bool failed = assay_fault_measure(&results, say, &err) != ASSAY_OK;
    if (failed) {
        (void)fprintf(stderr, "faults: %s\n", err.message);
    } else if (!(to = fopen(argv[1], "w"))) {
        failed = true;
        (void)fprintf(stderr, "faults: cannot write '%s'\n", argv[1]);
    } else {
        assay_fault_document(&results, to);
        failed = ferror(to) != 0;
        failed |= fclose(to) != 0;
    }
    assay_fault_results_release(&results);
    return failed;
}
