null_SRCS := null.c
