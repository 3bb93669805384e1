/* Where things stand in a bundle: what `assay bundle` packs, `assay verify` finds. */
#ifndef ASSAY_CLI_BUNDLE_H
#define ASSAY_CLI_BUNDLE_H

#define ASSAY_BUNDLE_RUN "run/"
#define ASSAY_BUNDLE_REPORT "report/"
#define ASSAY_BUNDLE_POLICY "policy/policy.json"
#define ASSAY_BUNDLE_CLAIMS "policy/claims.json"

#endif
