/* The canonical name of a case: workload.phase/key=value,…@scenario, all options written out, those of a served decoder the longest. */
#ifndef ASSAY_PLAN_CASE_NAME_H
#define ASSAY_PLAN_CASE_NAME_H

#define ASSAY_CASE_NAME_BYTES 1024 /* with the end */

#endif
