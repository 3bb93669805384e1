/* Heads of the tables that tell what levels of validation found, the same in every form. A column of numbers begins with '>'; NULL ends
 * them. Where the page tells of one case at a time, it begins behind the two columns of the case. */
#ifndef ASSAY_REPORTS_LEVEL_COLUMNS_H
#define ASSAY_REPORTS_LEVEL_COLUMNS_H

enum { ASSAY_LEVEL_OF_CASE = 2 }; /* columns: case, verdict */

extern const char *const assay_level_nodes[], *const assay_level_quality[], *const assay_level_tokens[], *const assay_level_values[],
    *const assay_level_pairs[];

#endif
