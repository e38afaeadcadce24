# The program `attune`: the commands and, without one, the console.
bin_PROGRAMS += attune
attune_SOURCES = %D%/main.c
attune_LDADD = libcli.a libui.a libdemo.a libcorpus.a $(LAUNCH_LIBS) $(NCURSES_LIBS)

# A library, so that the tests reach what is behind main().
noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	%D%/args.c %D%/args.h \
	%D%/cmd_completion.c \
	%D%/cmd_data.c \
	%D%/cmd_demo.c \
	%D%/cmd_help.c \
	%D%/command.h %D%/commands.c \
	%D%/help.c %D%/help.h \
	%D%/print.c %D%/print.h
