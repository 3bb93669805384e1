/* Functions that this project does not use, made compile errors. Include last. */
#ifndef ASSAY_BANNED_H
#define ASSAY_BANNED_H

#define ASSAY_BANNED(name) assay_banned_##name
#undef strcpy
#define strcpy ASSAY_BANNED(strcpy)
#undef strcat
#define strcat ASSAY_BANNED(strcat)
#undef sprintf
#define sprintf ASSAY_BANNED(sprintf)
#undef vsprintf
#define vsprintf ASSAY_BANNED(vsprintf)
#undef strtok
#define strtok ASSAY_BANNED(strtok)
#undef atoi
#define atoi ASSAY_BANNED(atoi)
#undef atol
#define atol ASSAY_BANNED(atol)
#undef atof
#define atof ASSAY_BANNED(atof)
#undef gets
#define gets ASSAY_BANNED(gets)
#undef alloca
#define alloca ASSAY_BANNED(alloca)

#endif
