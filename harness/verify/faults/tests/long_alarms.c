/* A hundred thousand outcomes in which nothing is wrong: every subject, fresh operands each, five orders of summation. Fails if an
 * alarm is raised; says what rate that excludes, and writes it into the file that is named: long_alarms FAULTS.md, `make alarms`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/file.h"
#include "harness/base/student.h"
#include "harness/verify/faults/alarms.h"

#include "assay/banned.h"

#define OUTCOMES 100000u
#define DRAWS 64u /* of a subject at a time */
#define MOST_BYTES (1u << 20)

/* Puts the line in place of the one that begins with its first words, which `make faults` left there. */
static enum assay_code write_into(const char *path, const char *line, struct assay_error *err)
{
    static const char begins[] = "`make check-long` judges 100,000";
    char             *text = NULL, *whole = NULL, *at;
    size_t            length;
    if (assay_file_read(path, MOST_BYTES, &text, &length, err))
        return err->code;
    at = strstr(text, begins);
    if (!at)
        (void)ASSAY_FAIL(err, ASSAY_DATA, "%.150s: no line begins with '%s'", path, begins);
    else if (!(whole = malloc(length + strlen(line) + 1)))
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for '%.150s'", path);
    else {
        int n = snprintf(whole, length + strlen(line) + 1, "%.*s%s%s", (int)(at - text), text, line, at + strcspn(at, "\n"));
        (void)assay_file_replace(path, whole, (size_t)n, err);
    }
    free(whole);
    free(text);
    return err->code;
}

int main(int argc, char **argv)
{
    struct assay_error        err = {.code = ASSAY_OK};
    struct assay_fault_alarms a = {.draws = 0};
    for (uint64_t seed = 1000000; !err.code && a.judged < OUTCOMES; seed += DRAWS)
        for (size_t s = 0; !err.code && s < assay_fault_subjects_n; s++) {
            /* Those that take long are drawn seldom. */
            bool slow = assay_fault_subjects[s].traits & ASSAY_FAULT_LARGE;
            (void)assay_fault_alarms_add(&assay_fault_subjects[s], slow ? 1 : DRAWS, seed, &a, &err);
        }
    if (err.code) {
        (void)fprintf(stderr, "long_alarms: %s\n", err.message);
        return 1;
    }
    char line[400];
    (void)snprintf(line, sizeof line, "`make check-long` judges 100,000: %llu of %llu, from %llu draws, raised an alarm: at most %.2g.",
                   (unsigned long long)a.alarms, (unsigned long long)a.judged, (unsigned long long)a.draws,
                   assay_upper_share(a.alarms, a.judged, 0.95));
    if (argc > 1 && write_into(argv[1], line, &err)) {
        (void)fprintf(stderr, "long_alarms: %s\n", err.message);
        return 1;
    }
    (void)printf("false alarms: %llu of %llu honest outcomes from %llu draws of operands; rate at most %.2g with 95 %%%s%s\n",
                 (unsigned long long)a.alarms, (unsigned long long)a.judged, (unsigned long long)a.draws,
                 assay_upper_share(a.alarms, a.judged, 0.95), a.alarms ? "; first: " : "", a.first);
    return a.alarms > 0;
}
