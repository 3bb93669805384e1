# Sources, relative to this folder. If needed also template_CFLAGS, template_LIBS (-lx) and template_ARCHIVES (.a files).
template_SRCS := template.c steps.c kernels.c
